#!/bin/sh
# What a level of monitors costs: the same guest
#   alone   under our monitor, on the model's VT-x
#   bare    under the bare monitor, on the bare modelled PC
#   nested  under the bare monitor, which is a guest of ours
# CPU seconds of this host, the least of ROUNDS runs; ratios are within a run of
# this script.  BUILD says where the program is.
set -u
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
trapline=$BUILD/trapline
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if ! [ -r "$BUILD/x86vmm/bare/monitor.img" ]; then
    echo "x86-bench: SKIPPED levels: no monitor for bare metal (no x86 compiler)"
    exit 0
fi

# seconds COMMAND...: user and system time of it.
seconds() {
    least=
    for round in $(seq "$ROUNDS"); do
        ("$@" >"$work/out" 2>"$work/err" </dev/null; times) >"$work/times" 2>&1
        s=$(tail -n 1 "$work/times" | awk '{
            gsub("s", ""); split($1, u, "m"); split($2, k, "m")
            print u[1] * 60 + u[2] + k[1] * 60 + k[2] }')
        least=$(echo "$s ${least:-$s}" | awk '{ print $1 < $2 ? $1 : $2 }')
    done
    echo "$least"
}

# level NAME EXITS COMMAND...: a line, beside the first one's.
level() {
    name=$1 exits=$2
    shift 2
    s=$(seconds "$@")
    : "${first:=$s}"
    echo "$name $exits $s $first" | awk '{
        printf "  %-7s %9.3f s %9.2f times", $1, $3, $4 ? $3 / $4 : 0
        if ($2) printf " %9.2f us an exit of the guest", 1e6 * $3 / $2
        print "" }'
}

three() {
    title=$1 exits=$2 guest=$3 limit=$4 plain=$5 first=
    echo "$title"
    level alone "$exits" "$trapline" run --on vtx --quiet $limit "$guest"
    level bare "$exits" "$trapline" bare run $plain $limit "$guest"
    level nested "$exits" "$trapline" bare run --nested $plain $limit "$guest"
    sed -n 's/.*nested: /          /p' "$work/err"
}

echo "A level of monitors, on the model:"
three "  100,000 CPUIDs" 100000 cpuid-long "" --plain
three "  a loop of 200 million instructions" 0 loop "--stop-after 200M" ""
