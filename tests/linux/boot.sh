#!/bin/sh
# An unmodified Linux kernel of Debian's: it boots to a shell in its initial RAM
# disk, and a script types there.  On the bare PC as a bzImage, by the 64-bit
# boot protocol, and as the ELF within it, by PVH.  Then under the monitor, on
# the processor's VT-x and AMD-V: there all that it prints, its times and the
# number of its instructions included, is what it prints on the bare PC.
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
    echo "SKIPPED: Linux on a PC: $1"
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
export PATH=/bin PS1='box# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec setsid cttyhack sh
INIT
cat >"$work/script" <<'SCRIPT'
wait box#
type echo $((6 * 7)) on $(uname -m); grep -c processor /proc/cpuinfo
wait 42 on x86_64
wait box#
type sha256sum /bin/busybox; sleep 1; dmesg | grep -ci 'oops\|BUG:\|warning:'
wait /bin/busybox
wait box#
type reboot -f
SCRIPT

good() {
    passed=$((passed + 1))
    echo "passed: $1:$(grep ' instructions, ' "$log")"
}

bad() {
    failed=$((failed + 1))
    echo "FAILED: $1"
    tail -n 20 "$log"
}

# boot TITLE KERNEL [OPTION]...: the console must have what the script waited
# for, the right digest of the busybox, and no oops.
boot() {
    title=$1 kernel=$2 log=$work/$1.log
    shift 2
    "$BUILD/trapline" run --kernel "$kernel" --initrd "$work/initrd.gz" \
        --script "$work/script" --stop-after 6G "$@" >"$log" 2>&1 &&
        grep -q "$(sha256sum <"$BUSYBOX" | cut -c1-64)" "$log" &&
        grep -q 'reset through the keyboard controller' "$log" &&
        grep -qx '0' "$log"
    if [ $? = 0 ]; then good "$title"; else bad "$title"; fi
}

# alike TITLE: its log is the bare PC's, up to what tells of exits.
alike() {
    for title in bzImage "$1"; do
        sed -n 's/, on [a-z]*:/:/; p; / instructions, /q' \
            "$work/$title.log" >"$work/$title.console"
    done
    log=$work/$1.diff
    if diff "$work/bzImage.console" "$work/$1.console" >"$log"; then
        passed=$((passed + 1))
        echo "passed: $1 is the bare PC, $(wc -l <"$work/$1.console") lines"
    else
        bad "$1 is the bare PC"
    fi
}

boot bzImage "$KERNEL"
for engine in vtx svm; do
    boot "$engine" "$KERNEL" --on "$engine" --hide-monitor
    alike "$engine"
done
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
    boot PVH-vtx "$work/vmlinux" --on vtx
else
    skipped=1
    echo "SKIPPED: PVH needs lz4 (package lz4)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
