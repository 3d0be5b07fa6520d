#!/bin/sh
# The same monitor (main.c) on the modelled processor's AMD-V, on Bochs' and on
# QEMU's: what each #VMEXIT has told, field by field.  Every difference must be
# one that known.def explains.  Ends with "N passed, N failed, N skipped".
#
# BUILD says where the program is; X86_CC compiles for x86-64.
set -u
BUILD=${BUILD:-build}
work=$BUILD/svm
passed=0
failed=0
skipped=0

skip() {
    echo "SKIPPED: AMD-V beside $1"
    skipped=$((skipped + 1))
}

mkdir -p "$work"
CC=${X86_CC:-cc} tests/svm/image.sh "$work/monitor.img" || exit 1
image=$PWD/$work/monitor.img
case $work in /*) image=$work/monitor.img ;; esac

"$BUILD/trapline" run --quiet --kernel "$image" --on bare --assist svm \
    --stop-after 100M </dev/null >"$work/ours" 2>"$work/errors"

on_qemu() {
    timeout -s KILL 300 qemu-system-x86_64 -accel tcg -cpu EPYC -m 128 \
        -display none -nodefaults -no-reboot \
        -drive "file=$image,format=raw,if=ide" -debugcon stdio \
        -device isa-debug-exit,iobase=0xf4,iosize=1
}

# It wants a terminal's name, no lock of an earlier run, and says more than its
# guest does.
on_bochs() {
    rm -f "$image.lock"
    cat >"$work/bochsrc" <<EOF
plugin_ctrl: unmapped=1
config_interface: textconfig
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
megs: 128
cpu: model=ryzen, count=1, ips=50000000, reset_on_triple_fault=0
clock: sync=none
ata0-master: type=disk, path="$image", mode=flat
boot: disk
port_e9_hack: enabled=1
log: $work/log
panic: action=fatal
error: action=report
sound: waveoutdrv=dummy, waveout=none
speaker: enabled=0
EOF
    printf 'continue\nquit\n' >"$work/script"
    TERM=vt100 timeout -s KILL 300 bochs -q -f "$work/bochsrc" \
        -rc "$work/script" | tr -d '\r' | grep -a '^[0-9a-f]*\.[a-z]\|^end'
}

beside() {
    if awk -v who="$1" -f tests/svm/compare.awk tests/svm/known.def \
        "$work/ours" "$work/$1"; then
        passed=$((passed + 1))
    else
        echo "FAILED: AMD-V beside $1"
        failed=$((failed + 1))
    fi
}

if command -v qemu-system-x86_64 >/dev/null; then
    on_qemu </dev/null >"$work/qemu" 2>>"$work/errors"
    beside qemu
else
    skip "QEMU: package qemu-system-x86"
fi
if command -v bochs >/dev/null; then
    on_bochs </dev/null >"$work/bochs" 2>>"$work/errors"
    beside bochs
else
    skip "Bochs: packages bochs, bochs-term"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
