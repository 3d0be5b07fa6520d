# For scripts: the system that runs under our monitor on /dev/kvm.  To be
# sourced after tests/linux/files.sh, whose `lacks` has set BUSYBOX.

# pack_guest FOLDER INITRD: an initial RAM disk with a shell.
pack_guest() {
    mkdir -p "$1/guest"
    pack_initrd "$1/guest" "$2" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec setsid cttyhack sh
INIT
}
