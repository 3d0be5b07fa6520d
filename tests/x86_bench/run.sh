#!/bin/sh
# x86 guests beside Bochs and QEMU, and Debian to its init.  ROUNDS says how
# often; BUILD where the programs are.
set -u
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-3}
. tests/linux/files.sh

image=$BUILD/tests/x86_bench/loops.img
if ! [ -r "$image" ]; then
    echo "x86-bench: SKIPPED: the loops need an assembler for x86"
    exit 0
fi
debian=
if lacks; then
    echo "x86-bench: SKIPPED Debian: $lack"
else
    work=$BUILD/x86-bench.files
    mkdir -p "$work"
    pack_initrd "$work" "$work/initrd.gz" <<'INIT'
#!/bin/busybox sh
echo '~i~'
exec /bin/busybox reboot -f
INIT
    debian="--kernel $KERNEL --initrd $work/initrd.gz"
    # For Bochs, which has no loader of its own.
    if command -v grub-mkrescue xorriso mformat >/dev/null &&
        [ -d /usr/lib/grub/i386-pc ]; then
        mkdir -p "$work/disc/boot/grub"
        cp "$KERNEL" "$work/disc/vmlinuz"
        cp "$work/initrd.gz" "$work/disc/initrd.gz"
        cat >"$work/disc/boot/grub/grub.cfg" <<'GRUB'
set timeout=0
serial --unit=0 --speed=115200
terminal_output serial
menuentry debian {
    linux /vmlinuz console=ttyS0 acpi=off pci=off noapic nokaslr reboot=k panic=-1
    initrd /initrd.gz
    echo ~g~
}
GRUB
        grub-mkrescue -o "$work/disc.iso" "$work/disc" >/dev/null 2>&1 &&
            debian="$debian --disc $work/disc.iso"
    fi
fi
# $debian: some options, or none.
exec "$BUILD/x86-bench" --program "$BUILD/trapline" --image "$image" \
    --rounds "$ROUNDS" $debian
