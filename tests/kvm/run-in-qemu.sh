#!/bin/sh
# The tests of the KVM engine where /dev/kvm is whole, on any x86-64 host and
# without its help: a Debian kernel with kvm-amd boots under QEMU's TCG, whose
# `max` processor has AMD-V, with Trapline in its initial RAM disk.  There run
#
#   the suites of the engine, sanitized;
#   Debian's kernel under Trapline's monitor, to a shell in which a script
#   types (tests/kvm/debian.sh);
#   exits a second, beside a bare loop: told, not judged.
#
# Ends with "N passed, N failed, N skipped".  What this host lacks for it is
# said, and then all of it is one skip.
#
# QEMU's machine has a pulse, a second serial port on which its Linux writes
# every few seconds.  Whatever Trapline does within, a process cannot stop that:
# a machine without a pulse is one that the emulation has lost, which happens
# once in a great many boots.  It is said, with what its console has, and the
# machine is started again; the third such end is a failure.
#
# BUILD says where build/check is.
set -u
BUILD=${BUILD:-build}
SUITES="x86_kvm x86_kvm_api x86_traces x86_exits x86_uart x86_cpuid"
SECONDS_MAX=${SECONDS_MAX:-900}
PULSE_MAX=${PULSE_MAX:-180} # seconds
MACHINES=3

skip() {
    echo "SKIPPED: /dev/kvm inside QEMU: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

fail() {
    echo "FAILED: /dev/kvm inside QEMU: $1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

. tests/linux/files.sh
. tests/kvm/root.sh

need qemu-system-x86_64 qemu-system-x86
[ -f "$BUILD/x86vmm/guest/hello-long.bin" ] ||
    skip "needs the guests of x86vmm/guest (an assembler for x86)"
for b in check kvm-bench; do
    [ -x "$BUILD/$b" ] || fail "there is no $BUILD/$b; make kvm-check builds it"
done
begin_root kvm-amd
mkdir -p "$ROOT/tests" "$ROOT/x86vmm/guest"
# What needs no /dev/kvm runs outside: a suite has fewer tests here.
sed -n 's/^\(x86_.*\) .*/\1 1/p' tests/expected >"$ROOT/tests/expected"
cp "$BUILD"/x86vmm/guest/*.bin "$ROOT/x86vmm/guest/"
mkdir -p "$ROOT/usr/include/linux"
[ ! -f /usr/include/linux/kvm.h ] ||
    cp /usr/include/linux/kvm.h "$ROOT/usr/include/linux/"
add_binary "$BUILD/check"
add_binary "$BUILD/kvm-bench"
end_root kvm-amd <<RUN
(while echo; do sleep 5; done) >/dev/ttyS1 &
export TRAPLINE_KVM=whole BUILD=/ ASAN_OPTIONS=detect_leaks=0 CK_EXCLUDE_TAGS=model
/check $SUITES
echo "check ended with \$?"
BOOTS="${BOOTS:-user kernel}" sh /debian.sh
/kvm-bench 1
RUN

# start_machine: to its end, which sets status, or until it has lost its pulse;
# then it is killed, and that is false.  The guest's console is a file: nothing
# else can write there, and no terminal is asked for.
start_machine() {
    rm -f "$WORK/console" "$WORK/pulse"
    qemu-system-x86_64 -accel tcg -cpu max -m 1024 \
        -display none -nodefaults -no-reboot \
        -serial "file:$WORK/console" -serial "file:$WORK/pulse" \
        -kernel "$KERNEL" -initrd "$WORK/initrd" \
        -append "console=ttyS0 panic=-1 mitigations=off quiet loglevel=1" \
        </dev/null >"$WORK/qemu.log" 2>&1 &
    machine=$!
    trap 'kill -s KILL $machine 2>/dev/null; rm -rf "$WORK"' EXIT
    seconds=0
    still=0
    beats=
    while kill -0 $machine 2>/dev/null; do
        sleep 1
        now=$(wc -c 2>/dev/null <"$WORK/pulse")
        [ "$now" = "$beats" ] || still=0
        beats=$now
        seconds=$((seconds + 1))
        still=$((still + 1))
        [ $still -lt "$PULSE_MAX" ] && [ $seconds -lt "$SECONDS_MAX" ] ||
            kill -s KILL $machine 2>/dev/null
    done
    wait $machine
    status=$?
    [ $still -lt "$PULSE_MAX" ]
}

number=1
until start_machine; do
    echo "QEMU's machine has had no pulse for $PULSE_MAX s.  Its console:"
    sed 's/^/    /' "$WORK/console" | tr -d '\r'
    [ $number -lt $MACHINES ] || fail "$MACHINES machines of QEMU's stood still"
    number=$((number + 1))
done
tr -d '\r' <"$WORK/console" >"$WORK/output"
cat "$WORK/qemu.log" "$WORK/output"

[ $status = 0 ] || fail "QEMU ended with status $status (137: it took more \
than $SECONDS_MAX s)"
grep -q '^check ended with 0$' "$WORK/output" || echo "FAILED: the suites inside"
add_sums "$WORK/output" 2
