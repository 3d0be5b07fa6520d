#!/bin/sh
# The whole test suite: each part ends with "N passed, N failed, N skipped";
# the last line of all sums them up, and what failed is told once more before
# it.  Run by `make check`, which has built what is tested.
#
# The suites use all processors by themselves; what comes after them runs as
# many parts at a time as there are processors, and is printed in order.
#
# BUILD, CC, MAKE come from the Makefile.
set -u
BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
export BUILD MAKE
passed=0
failed=0
skipped=0

# count TITLE LOG: a part that ended without its sum, or with a status that its
# sum does not explain, has failed.
count() {
    title=$1
    log=$2
    status=$(cat "$log.status")
    sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
        tail -n 1)
    if [ -z "$sum" ]; then
        echo "FAILED: $title ended with status $status and no sum" |
            tee -a "$log"
        failed=$((failed + 1))
        remember "$title" "$log"
        return
    fi
    set -- $sum
    passed=$((passed + $1))
    failed=$((failed + $3))
    skipped=$((skipped + $5))
    if [ "$status" != 0 ] && [ "$3" = 0 ]; then
        echo "FAILED: $title ended with status $status" | tee -a "$log"
        failed=$((failed + 1))
    fi
    [ "$status" = 0 ] && [ "$3" = 0 ] || remember "$title" "$log"
}

# remember TITLE LOG: what a part that failed is told by at the end: its tests
# that failed, and how it ended.
remember() {
    {
        echo "== failed: $1"
        grep -E '^FAILED|^[^ ]+:[0-9]+:[FE]:' "$2" | head -n 40
        echo "-- it ended with:"
        tail -n 8 "$2"
    } >>"$BUILD/parts/failed"
}

# A program without tests of its own to count is one test.
one() {
    "$@"
    case $? in
    0) echo "1 passed, 0 failed, 0 skipped" ;;
    77) echo "SKIPPED: $*" && echo "0 passed, 0 failed, 1 skipped" ;;
    *) echo "FAILED: $*" && echo "0 passed, 1 failed, 0 skipped" ;;
    esac
}

# The parts, a line each: its title, |, and what is run.
parts() {
    echo "without a C library|'$MAKE' --no-print-directory freestanding"
    # The longest come first.
    echo "/dev/kvm inside QEMU|tests/kvm/run-in-qemu.sh"
    echo "Linux on two PCs in lockstep|tests/linux/compare.sh vtx"
    echo "hostile guests|one '$BUILD/fuzz_guest' ${FUZZ_SECONDS:-15}"
    echo "hostile guests on x86|one '$BUILD/fuzz_x86' ${FUZZ_SECONDS:-10}"
    for fuzzer in tests/fuzz/fuzz_*.c; do
        name=$(basename "$fuzzer" .c)
        case $name in
        fuzz_main | fuzz_guest | fuzz_x86) ;;
        fuzz_asm) echo "damaged files: $name|one '$BUILD/$name' 300" ;;
        *) echo "damaged files: $name|one '$BUILD/$name' 50000" ;;
        esac
    done
    echo "random system programs, beside Bochs and QEMU|one" \
        "'$BUILD/x86-oracle' '$BUILD/tests/x86_oracle/image.bin'" \
        "'$BUILD/x86-oracle.run' --cases ${X86_CASES:-400}"
    echo "random instructions, beside Hercules|one '$BUILD/oracle'" \
        "--cases ${ORACLE_CASES:-60000}"
}

# run_part NUMBER: what it says goes to a file, its status to another, which is
# there when it has ended.
run_part() {
    log=$BUILD/parts/$1
    eval "$(parts | sed -n "$1s/^[^|]*|//p")" >"$log" 2>&1 </dev/null
    echo $? >"$log.ended" && mv "$log.ended" "$log.status"
}

# This script, called by itself below.
if [ "${1:-}" = part ]; then
    run_part "$2"
    exit 0
fi

echo "== suites, sanitized"
rm -rf "$BUILD/parts" && mkdir -p "$BUILD/parts" || exit 125
{ "$BUILD/check" 2>&1; echo $? >"$BUILD/parts/0.status"; } |
    tee "$BUILD/parts/0"
count "suites, sanitized" "$BUILD/parts/0"

number=$(parts | wc -l)
seq "$number" | xargs -P "$(nproc)" -I N "$0" part N &
workers=$!
trap 'kill $workers 2>/dev/null; exit 130' INT TERM
for n in $(seq "$number"); do
    title=$(parts | sed -n "${n}s/|.*//p")
    echo "== $title"
    while [ ! -e "$BUILD/parts/$n.status" ]; do
        # Whoever was to run it is gone.
        kill -0 $workers 2>/dev/null || [ -e "$BUILD/parts/$n.status" ] ||
            echo 125 >"$BUILD/parts/$n.status"
        sleep 0.2
    done
    cat "$BUILD/parts/$n"
    count "$title" "$BUILD/parts/$n"
done

echo
[ ! -e "$BUILD/parts/failed" ] || cat "$BUILD/parts/failed"
[ "$skipped" = 0 ] || echo "ATTENTION: $skipped skipped; see SKIPPED above."
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
