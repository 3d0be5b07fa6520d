#!/bin/sh
# A kernel of Debian's and an initial RAM disk with a shell, to be tried by hand:
# BUILD/vmlinuz and BUILD/initrd.gz.  What it takes is fetched by ./setup linux.
#
# KERNEL may name another bzImage, or the ELF file of one, BUILD where the program is.
set -eu
BUILD=${BUILD:-build}
export BUILD

. tests/linux/files.sh
given=${KERNEL:-}
if [ -n "$given" ] && ! [ -r "$given" ]; then
    echo "KERNEL=$given: no such file, or it cannot be read" >&2
    exit 1
fi
if [ -n "$given" ] && ! is_kernel "$given"; then
    echo "KERNEL=$given: neither a bzImage nor an ELF file" >&2
    exit 1
fi
if lacks; then
    ./setup linux
    KERNEL=$given
fi
if lacks; then
    echo "No kernel and initial RAM disk: this $lack." >&2
    exit 1
fi
mkdir -p "$BUILD/linux"
pack_initrd "$BUILD/linux" "$BUILD/initrd.gz" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
echo "A shell.  reboot -f ends the run; Ctrl-] does, too."
exec setsid cttyhack sh
INIT
cp "$KERNEL" "$BUILD/vmlinuz.new"
chmod u+w "$BUILD/vmlinuz.new"
mv "$BUILD/vmlinuz.new" "$BUILD/vmlinuz"
cat <<HOW
$BUILD/vmlinuz is $KERNEL;
$BUILD/initrd.gz has BusyBox.  On the bare PC, or with --on vtx or svm:
  $BUILD/trapline run --kernel $BUILD/vmlinuz --initrd $BUILD/initrd.gz --on vtx
HOW
