#!/bin/sh
# Linux's own KVM on the modelled processor: a Debian kernel boots on the bare
# PC with VT-x, and on one with AMD-V, with kvm-intel, kvm-amd, and Trapline in
# its initial RAM disk.  There the doctor finds nothing that this /dev/kvm
# lacks, two small guests run, and Debian boots under our monitor to a shell in
# which a script types (tests/kvm/debian.sh).  It ends with a power-off, and the
# kernel's log has no oops.  About two minutes.
#
# Ends with "N passed, N failed, N skipped".  What this host lacks for it is
# said, and then all of it is one skip.
#
# BUILD says where build/trapline is; ASSISTS names which of them: vtx, svm.
set -u
BUILD=${BUILD:-build}
SECONDS_MAX=${SECONDS_MAX:-1500}
ASSISTS=${ASSISTS:-vtx svm}

skip() {
    echo "SKIPPED: /dev/kvm on the model: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

fail() {
    echo "FAILED: /dev/kvm on the model: $1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

. tests/linux/files.sh
. tests/kvm/root.sh

[ -f "$BUILD/x86vmm/guest/hello-long.bin" ] ||
    skip "needs the guests of x86vmm/guest (an assembler for x86)"

# run_in ASSIST MODULE OPTION...: 0 when its system has come to its end.
run_in() {
    assist=$1
    module=$2
    shift 2
    begin_root "$module"
    trap 'rm -rf "$WORK" "$OUTPUT"' EXIT
    mkdir -p "$ROOT/x86vmm/guest"
    cp "$BUILD"/x86vmm/guest/hello-*.bin "$ROOT/x86vmm/guest/"
    end_root "$module" <<RUN
judge() {
    if [ \$1 = 0 ]; then
        echo "1 passed, 0 failed, 0 skipped"
    else
        echo "FAILED: on $assist: \$2"
        echo "0 passed, 1 failed, 0 skipped"
    fi
}
/trapline doctor | sed -n '/--on kvm/,/--on vtx/p' >/tmp/doctor
grep -q -- '--on kvm  *yes' /tmp/doctor && ! grep -q fails /tmp/doctor
judge \$? "the doctor: \$(cat /tmp/doctor)"
for g in real long; do
    /trapline run /x86vmm/guest/hello-\$g.bin --on kvm --quiet >/tmp/hello &&
        grep -q 'An interrupt woke me' /tmp/hello
    judge \$? "hello-\$g: \$(cat /tmp/hello)"
done
BOOTS="${BOOTS:-user}" sh /debian.sh
! dmesg | grep -E 'Oops|BUG:|WARNING:|protection fault'
judge \$? "its kernel's log"
echo the end
RUN
    timeout -s KILL "$SECONDS_MAX" "$BUILD/trapline" run --on bare \
        --assist "$assist" "$@" --mem 768M --kernel "$KERNEL" \
        --initrd "$WORK/initrd" --append "console=ttyS0 nokaslr reboot=k \
panic=-1 mitigations=off quiet loglevel=1" \
        </dev/null >"$WORK/console" 2>&1
    tr -d '\r' <"$WORK/console" >>"$OUTPUT"
    tr -d '\r' <"$WORK/console"
    grep -q '^the end$' "$WORK/console" && ! grep -q panic: "$WORK/console"
    ended=$?
    rm -rf "$WORK"
    return $ended
}

OUTPUT=$(mktemp "${TMPDIR:-/tmp}/trapline-kvm.XXXXXX") || exit 1
parts=0
for a in $ASSISTS; do
    case $a in
    vtx) run_in vtx kvm-intel --vendor GenuineIntel ;;
    *) run_in svm kvm-amd ;;
    esac || echo "0 passed, 1 failed, 0 skipped" >>"$OUTPUT"
    parts=$((parts + 5))
done
add_sums "$OUTPUT" $parts
status=$?
rm -f "$OUTPUT"
exit $status
