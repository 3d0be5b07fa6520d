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
fi
# $debian: two options, or none.
exec "$BUILD/x86-bench" --program "$BUILD/trapline" --image "$image" \
    --rounds "$ROUNDS" $debian
