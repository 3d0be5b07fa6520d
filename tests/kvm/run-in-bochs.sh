#!/bin/sh
# Debian's kernel under Trapline's monitor on the /dev/kvm that kvm-intel makes
# of Bochs' VT-x: a Debian kernel boots on Bochs' haswell from a CD-ROM, with
# Trapline in its initial RAM disk.  Slow: some minutes.
#
# Ends with "N passed, N failed, N skipped".  What this host lacks for it is
# said, and then all of it is one skip.
#
# BUILD says where build/trapline is.
set -u
BUILD=${BUILD:-build}
SECONDS_MAX=${SECONDS_MAX:-1500}

skip() {
    echo "SKIPPED: /dev/kvm inside Bochs: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

fail() {
    echo "FAILED: /dev/kvm inside Bochs: $1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

. tests/linux/files.sh
. tests/kvm/root.sh

need bochs bochs
need grub-mkrescue grub-common
need xorriso xorriso
need mformat mtools
[ -d /usr/lib/grub/i386-pc ] || skip "needs GRUB for a BIOS (package \
grub-pc-bin)"
[ -f /usr/lib/bochs/plugins/libbx_term_gui.so ] ||
    find /usr/lib -name 'libbx_term*' 2>/dev/null | grep -q . ||
    skip "needs Bochs' display in a terminal (package bochs-term)"
begin_root kvm-intel
end_root kvm-intel <<RUN
BOOTS="${BOOTS:-user}" sh /debian.sh
echo the end
sleep 2 # or the serial port's last bytes are lost
RUN

# The bootable CD-ROM.
mkdir -p "$WORK/iso/boot/grub"
cp "$KERNEL" "$WORK/iso/vmlinuz"
cp "$WORK/initrd" "$WORK/iso/initrd"
cat >"$WORK/iso/boot/grub/grub.cfg" <<'GRUB'
set timeout=0
menuentry trapline {
    linux /vmlinuz console=ttyS0 panic=-1 nokaslr mitigations=off quiet loglevel=1
    initrd /initrd
}
GRUB
grub-mkrescue -o "$WORK/cd.iso" "$WORK/iso" >"$WORK/grub.log" 2>&1 ||
    fail "grub-mkrescue: $(tail -n 3 "$WORK/grub.log")"

cat >"$WORK/bochsrc" <<RC
config_interface: textconfig
display_library: term
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
memory: guest=768, host=768
cpu: model=corei7_haswell_4770, count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
pci: enabled=1, chipset=i440fx
ata0-master: type=cdrom, path=$WORK/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$WORK/console
log: $WORK/bochs.log
panic: action=fatal
error: action=report
sound: waveoutdrv=dummy, waveout=none
speaker: enabled=0
RC
printf 'continue\nquit\n' >"$WORK/debugger"

# Its status tells nothing; it does not heed SIGTERM.
TERM=vt100 timeout -s KILL "$SECONDS_MAX" bochs -f "$WORK/bochsrc" \
    -rc "$WORK/debugger" </dev/null >"$WORK/screen" 2>&1
[ -f "$WORK/console" ] || fail "Bochs: $(tail -n 3 "$WORK/bochs.log")"
tr -d '\r' <"$WORK/console" >"$WORK/output"
cat "$WORK/output"
grep -q '^the end$' "$WORK/output" ||
    fail "it did not come to its end within $SECONDS_MAX s"
add_sums "$WORK/output" 1
