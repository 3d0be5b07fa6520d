#!/bin/sh
# compare.sh ENGINE...: Debian's kernel, from its start to its init and to its
# restart, on the bare PC and under the monitor, in lockstep.  The word
# "mutants" stands for monitors with a mistake that only it shows.
#
# Ends with "N passed, N failed, N skipped"; KERNEL names another bzImage, BUILD
# where the programs are.
set -u
BUILD=${BUILD:-build}
passed=0
failed=0

. tests/linux/files.sh
if lacks; then
    echo "SKIPPED: Linux on two PCs: $lack"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi

work=$BUILD/linux-compare
mkdir -p "$work"
pack_initrd "$work" "$work/initrd.gz" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
echo "$(uname -sm): $((6 * 7))"
sha256sum /bin/busybox
exec reboot -f
INIT

# judge TITLE COMMAND...
judge() {
    title=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "passed: $title: $(cat "$work/log")"
    else
        failed=$((failed + 1))
        echo "FAILED: $title"
        cat "$work/log"
    fi
}

for engine; do
    if [ "$engine" = mutants ]; then
        judge "monitors with a mistake" "$BUILD/x86-mutants" "$KERNEL" \
            "$work/initrd.gz"
    else
        judge "bare and $engine" "$BUILD/trapline" compare --kernel \
            "$KERNEL" --initrd "$work/initrd.gz" --on "bare,$engine"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
