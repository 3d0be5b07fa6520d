#!/bin/sh
# An unmodified Linux kernel of Debian's on the bare PC: it boots to a shell in
# its initial RAM disk, and a script types there.  Once as a bzImage, by the
# 64-bit boot protocol; once as the ELF within it, by PVH.
#
# Ends with "N passed, N failed, N skipped".  What this host lacks for it is
# said, and then all of it is one skip.  KERNEL names another bzImage.
#
# BUILD says where the program is.
set -u
BUILD=${BUILD:-build}
passed=0
failed=0
skipped=0

skip() {
    echo "SKIPPED: Linux on the bare PC: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

. tests/linux/files.sh
lacks && skip "$lack"

work=$BUILD/linux
mkdir -p "$work"
pack_initrd "$work" "$work/initrd.gz" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='bare# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec setsid cttyhack sh
INIT
cat >"$work/script" <<'SCRIPT'
wait bare#
type echo $((6 * 7)) on $(uname -m); grep -c processor /proc/cpuinfo
wait 42 on x86_64
wait bare#
type sha256sum /bin/busybox; sleep 1; dmesg | grep -ci 'oops\|BUG:\|warning:'
wait /bin/busybox
wait bare#
type reboot -f
SCRIPT

# boot TITLE KERNEL: the console must have what the script waited for, the
# right digest of the busybox, and no oops.
boot() {
    log=$work/$1.log
    if "$BUILD/trapline" run --kernel "$2" --initrd "$work/initrd.gz" \
        --script "$work/script" --stop-after 6G >"$log" 2>&1 &&
        grep -q "$(sha256sum <"$BUSYBOX" | cut -c1-64)" "$log" &&
        grep -q 'reset through the keyboard controller' "$log" &&
        grep -qx '0' "$log"; then
        passed=$((passed + 1))
        echo "passed: $1:$(grep ' instructions, ' "$log")"
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
        tail -n 20 "$log"
    fi
}

boot bzImage "$KERNEL"
# The payload: an LZ4 stream in the legacy form, 4 bytes of its length behind.
field() {
    od -An -t"u$3" -j"$(($1))" -N"$3" "$2" | tr -d ' '
}
if command -v lz4 >/dev/null; then
    start=$(((1 + $(field 0x1F1 "$KERNEL" 1)) * 512 +
        $(field 0x248 "$KERNEL" 4)))
    length=$(($(field 0x24C "$KERNEL" 4) - 4))
    tail -c +$((start + 1)) "$KERNEL" | head -c "$length" |
        lz4 -d >"$work/vmlinux" 2>/dev/null
    boot PVH "$work/vmlinux"
else
    skipped=1
    echo "SKIPPED: PVH needs lz4 (package lz4)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
