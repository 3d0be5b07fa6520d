#!/bin/sh
# The whole test suite: each part ends with "N passed, N failed, N skipped";
# the last line of all sums them up.  Run by `make check`, which has built
# what is tested.
#
# BUILD, CC, MAKE come from the Makefile.
set -u
BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
export BUILD
passed=0
failed=0
skipped=0

# part TITLE COMMAND...: a part that ends without its sum, or with a status
# that its sum does not explain, has failed.
part() {
    title=$1
    shift
    echo "== $title"
    log=$BUILD/check.log
    rm -f "$log" "$log.status"
    { "$@" 2>&1; echo $? >"$log.status"; } | tee "$log"
    status=$(cat "$log.status")
    sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" |
        tail -n 1)
    if [ -z "$sum" ]; then
        echo "FAILED: $title ended with status $status and no sum"
        failed=$((failed + 1))
        return
    fi
    set -- $sum
    passed=$((passed + $1))
    failed=$((failed + $3))
    skipped=$((skipped + $5))
    if [ "$status" != 0 ] && [ "$3" = 0 ]; then
        echo "FAILED: $title ended with status $status"
        failed=$((failed + 1))
    fi
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

part "without a C library" "$MAKE" --no-print-directory freestanding
part "suites, sanitized" "$BUILD/check"
part "hostile guests" one "$BUILD/fuzz_guest" "${FUZZ_SECONDS:-15}"
for fuzzer in tests/fuzz/fuzz_*.c; do
    name=$(basename "$fuzzer" .c)
    case $name in
    fuzz_main | fuzz_guest) ;;
    fuzz_asm) part "damaged files: $name" one "$BUILD/$name" 300 ;;
    *) part "damaged files: $name" one "$BUILD/$name" 50000 ;;
    esac
done
part "random instructions, beside Hercules" \
    one "$BUILD/oracle" --cases "${ORACLE_CASES:-60000}"
part "/dev/kvm inside QEMU" tests/kvm/run-in-qemu.sh

echo
[ "$skipped" = 0 ] || echo "ATTENTION: $skipped skipped; see SKIPPED above."
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
