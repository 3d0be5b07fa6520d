#!/bin/sh
# The same bytes on every host: build the command for other processors (one is
# big-endian, both have an unsigned char), run it in QEMU's user emulation, and
# compare all that it writes with what it writes on this host.
#
#   tests/cross.sh [s390x | aarch64]...            none named: both
#   tests/cross.sh --suites [s390x | aarch64]...   the test suites there, instead
#
# What is not installed for it is said, and is a skip; what it is linked with is
# fetched (tests/cross/libraries.sh), or else the modelled x86 processor is left
# out.  Without a kernel of Debian's (./setup check) none is booted.
# TRAPLINE_TOS360 names the folder of a real guest, which then runs too
# (s370/guest/tos360/README.md); unnamed it is looked for where the tests look.
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
# the host's own figures: how long it took.
keep() {
    name=$1
    shift
    $trapline "$@" </dev/null >"$name.all" 2>&1
    echo "status $?" >>"$name.all"
    sed 's/"seconds":[0-9.]*/"seconds":0/; s/\(ended well\), [0-9.]* s$/\1/' \
        "$name.all" >"$name"
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

# The modelled PC: bare with all its events, under the monitor with its exits.
pc() {
    for image in "$BUILD"/x86vmm/guest/*.bin; do
        guest=$(basename "$image" .bin)
        keep "x86-bare-$guest" run "$image" --on bare --stop-after 100k \
            --trace "x86-$guest.jsonl"
        for engine in vtx svm; do
            keep "x86-$engine-$guest" trace "$image" --on "$engine" --io \
                --insns --stop-after 100k
        done
    done
    keep x86-compare compare --on vtx,svm "$BUILD/x86vmm/guest/tasks-real.bin"
    keep x86-monitor bare run --trace
    keep x86-monitor-svm bare run --trace --cpu svm
    keep x86-wrong bare run --wrong
    keep x86-wrong-svm bare run --wrong --cpu svm
    keep x86-probe check x86 --probe
    keep x86-rules explain --rules
    printf 'like = long\nGUEST_CR4 = 0x2000\nGUEST_CR0 = 1\n' >x86-vmcs
    keep x86-explain explain x86-vmcs
}

# Debian's kernel, to its shell and off: a minute's work of an emulated processor
# on each machine.  All hosts get the same initial RAM disk.
prepare_linux() {
    mkdir -p "$linux"
    pack_initrd "$linux" "$linux/initrd.gz" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='box# '
mount -t proc proc /proc
exec setsid cttyhack sh
INIT
    cat >"$linux/script" <<'SCRIPT'
wait box#
type uname -a; sha256sum /bin/busybox
wait /bin/busybox
wait box#
type reboot -f
SCRIPT
}

linux() {
    for machine in bare vtx; do
        keep "x86-linux-$machine" run --kernel "$KERNEL" \
            --initrd "$linux/initrd.gz" --script "$linux/script" \
            --stop-after 6G --on "$machine"
    done
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
    [ -n "$without_x86" ] || pc
    [ -n "$without_x86$without_linux" ] || linux
    [ ! -r "$real/sysres.aws" ] || tos360
    cd "$source"
}

lacking() {
    for program in "$1-linux-gnu-gcc" "qemu-$1"; do
        command -v "$program" >/dev/null || echo "$program"
    done
}

# build_for PROCESSOR GOAL...: below $BUILD/PROCESSOR.  Under the emulator the
# sanitizers would take hours, and this host's own build has them.
build_for() {
    processor=$1
    shift
    CPPFLAGS="-I$libraries/$processor/include ${CPPFLAGS:-}" \
        "$MAKE" --no-print-directory CC="$processor-linux-gnu-gcc" \
        AR="$processor-linux-gnu-ar" BUILD="$BUILD/$processor" \
        LDFLAGS="-static -L$libraries/$processor/lib" SANITIZE='-O2 -g' \
        CHECK_CFLAGS= CHECK_LIBS='-lcheck -lsubunit -lrt -lm -lpthread' \
        EMULATOR="qemu-$processor" "$@"
}

# What it writes, beside this host's.
files() {
    leave_out=
    [ -e "$libraries/$1/complete" ] || leave_out='-x x86*'
    if build_for "$1" all && write "$BUILD/cross/$1" "qemu-$1" "$BUILD/$1/trapline" &&
        diff -r $leave_out "$BUILD/cross/native" "$BUILD/cross/$1"; then
        echo "$1: $(find "$BUILD/cross/$1" -type f | wc -l) files as here"
        passed=$((passed + 1))
    else
        echo "FAILED: $1 does not build, or differs"
        failed=$((failed + 1))
    fi
}

# command_for PROCESSOR NAME: the tests start the command by its name; what they
# find there starts the emulator.
command_for() {
    rm -f "$BUILD/cross/$1-suites/$2"
    printf '#!/bin/sh\nexec qemu-%s %s "$@"\n' "$1" "$BUILD/$1/$2" \
        >"$BUILD/cross/$1-suites/$2"
    chmod +x "$BUILD/cross/$1-suites/$2"
}

suites() {
    folder=$BUILD/cross/$1-suites
    if ! [ -e "$libraries/$1/complete" ]; then
        echo "SKIPPED: suites on $1, without Check for it"
        skipped=$((skipped + 1))
        return
    fi
    build_for "$1" all "$BUILD/$1/check" "$BUILD/$1/trapline-san" || {
        failed=$((failed + 1))
        return
    }
    rm -rf "$folder"
    mkdir -p "$folder"
    ln -s "$BUILD/$1"/* "$folder"
    command_for "$1" trapline
    command_for "$1" trapline-san
    BUILD=$folder "qemu-$1" "$folder/check" 2>&1 | tee "$folder.log"
    set -- $(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' \
        "$folder.log" || echo 0 passed, 1 failed, 0 skipped)
    passed=$((passed + $1))
    failed=$((failed + $3))
    skipped=$((skipped + $5))
}

other() {
    missing=$(lacking "$1")
    if [ -n "$missing" ]; then
        echo "SKIPPED: $1, without" $missing
        skipped=$((skipped + 1))
        return
    fi
    tests/cross/libraries.sh "$1" "$libraries/$1" || {
        echo "SKIPPED: x86 on $1"
        skipped=$((skipped + 1))
    }
    "$goal" "$1"
}

goal=files
[ "${1:-}" != --suites ] || { goal=suites && shift; }
[ $# != 0 ] || set -- s390x aarch64
libraries=$BUILD/cross-lib
without_x86=
"$BUILD/trapline" run "$BUILD/x86vmm/guest/hello-long.bin" </dev/null \
    >/dev/null 2>&1 || without_x86=x86
without_linux=
. tests/linux/files.sh
if lacks; then
    without_linux=$lack
else
    KERNEL=$(realpath "$KERNEL")
    linux=$BUILD/cross/linux
fi
if [ "$goal" = files ]; then
    [ -n "$without_linux" ] || prepare_linux
    write "$BUILD/cross/native" "$BUILD/trapline"
    # Two failures that are alike would prove nothing.
    if ! grep -qx 'status 0' "$BUILD/cross/native/compare"; then
        echo "FAILED: on this host it does not work either"
        failed=1
    fi
fi
for processor; do
    other "$processor"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
