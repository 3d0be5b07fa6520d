#!/bin/sh
# What an exit of the bare monitor costs, beside the least of loops on the same
# machine (bare run --plain): CPU time of the emulator for a guest of CPUIDs,
# less what it takes to boot, the least of ROUNDS rounds; and on the model the
# instructions, which are the same in every run.  BUILD is where the programs
# are.
set -u
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
EXITS=100000 # guest/cpuid-long.S
said=$(mktemp) || exit 1
trap 'rm -f "$said" "$said.all" "$said.times"' EXIT

bare() {
    "$BUILD/trapline" bare run "$@" >"$said" 2>&1
}

# CPU milliseconds of it and of what it has started.
cost() {
    bare "$@" || { cat "$said" >&2; return 1; }
    times >"$said.times" # of this subshell, and of its children
    awk 'NR == 2 {
        gsub(/[ms]/, " ")
        printf "%d\n", ($1 + $3) * 60000 + ($2 + $4) * 1000
    }' "$said.times"
}

# The least of the rounds, in turn with the others.
least() {
    awk -v n="$1" '$1 == n && (best == "" || $2 < best) { best = $2 }
                   END { print best }' "$said.all"
}

on_emulator() {
    : >"$said.all"
    for round in $(seq "$ROUNDS"); do
        for what in boot plain monitor; do
            case $what in
            boot) ms=$(cost --on "$1" --plain hello-long) ;;
            plain) ms=$(cost --on "$1" --plain cpuid-long) ;;
            monitor) ms=$(cost --on "$1" cpuid-long) ;;
            esac
            [ -n "$ms" ] || return 1
            echo "$what $ms" >>"$said.all"
        done
    done
    awk -v pc="$1" -v boot="$(least boot)" -v plain="$(least plain)" \
        -v monitor="$(least monitor)" -v n=$EXITS 'BEGIN {
        p = (plain - boot) * 1000 / n
        m = (monitor - boot) * 1000 / n
        printf "%-9s %6.1f us %8.1f us %9.2f\n", pc, p, m, m / p
    }'
}

# trapline: model: N instructions, the monitor's and the guests'
instructions() {
    bare "$@" && sed -n 's/.*model: \([0-9]*\) instructions.*/\1/p' "$said"
}

on_model() {
    boot=$(instructions --on model --cpu "$1" --plain hello-long)
    plain=$(instructions --on model --cpu "$1" --plain cpuid-long)
    monitor=$(instructions --on model --cpu "$1" cpuid-long)
    if [ -z "$boot" ] || [ -z "$plain" ] || [ -z "$monitor" ]; then
        cat "$said"
        return
    fi
    awk -v pc="model $1" -v p=$((plain - boot)) -v m=$((monitor - boot)) \
        -v n=$EXITS 'BEGIN {
        printf "%-9s %6.0f insns %5.0f insns %6.2f\n", pc, p / n, m / n, m / p
    }'
}

echo "An exit of the bare monitor, CPUID, there and back:"
echo "               --plain     monitor  ratio"
on_model vtx
on_model svm
for pc in bochs qemu; do
    if bare --on $pc --plain hello-long; then
        on_emulator $pc
    else
        echo "bare-bench: SKIPPED: $(grep . "$said" | tail -1)"
    fi
done
