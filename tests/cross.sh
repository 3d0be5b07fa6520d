#!/bin/sh
# The same bytes on every host: build the command for other processors (one is
# big-endian, both have an unsigned char), run it in QEMU's user emulation, and
# compare all that it writes with what it writes on this host.
#
#   tests/cross.sh [s390x | aarch64]...     none named: both
#
# What is not installed for it is said, and is a skip.  The modelled x86
# processor is left out: Debian has no Zydis to link there.  TRAPLINE_TOS360 names
# the folder of a real guest, which then runs too (s370/guest/tos360/README.md);
# unnamed it is looked for where the tests look.
#
# Ends with "N passed, N failed, N skipped".  BUILD and MAKE come from the
# Makefile, which has built the command for this host.
set -u
BUILD=$(realpath "${BUILD:-build}")
MAKE=${MAKE:-make}
source=$PWD
real=$(realpath -m "${TRAPLINE_TOS360:-../shared/guests/tos360}")
passed=0
failed=0
skipped=0

# keep NAME ARGUMENT...: all that the command says, and its exit status, but for
# the one figure that is the host's own: how long it took.
keep() {
    name=$1
    shift
    $trapline "$@" </dev/null >"$name.all" 2>&1
    echo "status $?" >>"$name.all"
    sed 's/"seconds":[0-9.]*/"seconds":0/' "$name.all" >"$name"
    rm "$name.all"
}

assembler() {
    for guest in multi calc; do
        for format in core ipl cards deck; do
            keep "asm-$guest-$format" asm "$source/s370/guest/$guest.s" \
                --format "$format" --output "$guest.$format" \
                --listing "$guest.$format.lst" --xref
        done
        keep "dis-$guest" dis "$guest.core"
    done
    keep asm-mistakes asm "$source/README.md"
}

sample_guests() {
    printf 'wait OR END.\ntype 1234 * 56\ntype 7 / 0\ntype END\n' >calc.script
    keep run-calc run calc --script calc.script
    keep run-bare run multi --on bare
    keep run-trap run multi
    keep run-json run multi --json
    keep run-two run multi calc --stop-after 2M
    keep compare compare multi
    keep trace trace multi
    keep trace-json trace multi --json --io
    keep trace-insns trace multi --insns --io
}

checker() {
    keep check-all check --all --json
    keep check-report check toy
    keep check-page check toy --html
    keep check-diagram check toy --dot
    keep check-repair check toy --repair t1
    keep check-monitor check paper --construct --programs 50
    keep check-step step toy --witness GETM:2
}

tos360() {
    cp "$real"/* . && chmod u+w ./*
    script="--scratch-tapes --script $source/s370/guest/tos360/sieve.script"
    for verb in run "run --on bare" trace "trace --io --json"; do
        keep "tos360-$(echo "$verb" | tr -d ' -')" $verb tos360.conf $script
    done
    keep tos360-compare compare tos360.conf $script
}

# write FOLDER COMMAND...: everything that a host could do in its own way.
write() {
    rm -rf "$1"
    mkdir -p "$1"
    cd "$1"
    shift
    trapline=$*
    assembler
    sample_guests
    checker
    [ ! -r "$real/sysres.aws" ] || tos360
    cd "$source"
}

lacks() {
    for program in "$1-linux-gnu-gcc" "qemu-$1"; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

build_for() {
    "$MAKE" --no-print-directory CC="$1-linux-gnu-gcc" AR="$1-linux-gnu-ar" \
        BUILD="$BUILD/$1" LDFLAGS=-static EMULATOR="qemu-$1" all
}

other() {
    missing=$(lacks "$1")
    if [ -n "$missing" ]; then
        echo "SKIPPED: $1, without" $missing
        skipped=$((skipped + 1))
        return
    fi
    if build_for "$1" && write "$BUILD/cross/$1" "qemu-$1" "$BUILD/$1/trapline" &&
        diff -r "$BUILD/cross/native" "$BUILD/cross/$1"; then
        echo "$1: $(find "$BUILD/cross/$1" -type f | wc -l) files as here"
        passed=$((passed + 1))
    else
        echo "FAILED: $1 does not build, or differs"
        failed=$((failed + 1))
    fi
}

[ $# != 0 ] || set -- s390x aarch64
write "$BUILD/cross/native" "$BUILD/trapline"
# Two failures that are alike would prove nothing.
if ! grep -qx 'status 0' "$BUILD/cross/native/compare"; then
    echo "FAILED: on this host it does not work either"
    failed=1
fi
for processor; do
    other "$processor"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
