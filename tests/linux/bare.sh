#!/bin/sh
# Debian's unmodified kernel under the monitor on bare metal: to a shell in its
# initial RAM disk, where a script types.  On QEMU (AMD-V), on the modelled PC
# (VT-x, AMD-V) and on Bochs (VT-x); PCS names some of "qemu model-vtx model-svm
# bochs".  A minute or two.
#
# Ends with "N passed, N failed, N skipped".  KERNEL names another bzImage; BUILD
# says where the program is.
set -u
BUILD=${BUILD:-build}
passed=0
failed=0
skipped=0

skip() {
    echo "SKIPPED: Linux under the bare monitor: $1"
    skipped=$((skipped + 1))
}

# wait_for WORDS: in the console, for as long as the run may take.
wait_for() {
    while ! grep -q "$1" "$log"; do
        kill -0 "$run" 2>/dev/null || return 1
        sleep 1
    done
}

# boot TITLE OPTION...
boot() {
    title=$1 log=$work/bare-$1.log keys=$work/bare-$1.keys
    shift
    rm -f "$keys"
    mkfifo "$keys"
    : >"$log"
    "$BUILD/trapline" bare run "$@" --time 400 --kernel "$KERNEL" \
        --initrd "$work/bare.gz" --append "console=ttyS0 panic=-1 acpi=off \
pci=off noapic nokaslr mitigations=off quiet reboot=k" \
        <"$keys" >"$log" 2>&1 &
    run=$!
    exec 9>"$keys"
    if wait_for 'box# '; then
        echo 'echo $((6 * 7)) on $(uname -m)' >&9
        wait_for '42 on x86_64' && echo 'reboot -f' >&9
    fi
    exec 9>&-
    wait "$run"
    code=$?
    rm -f "$keys"
    [ "$code" = 77 ] && skip "$title: $(tail -n 1 "$log")" && return
    if [ "$code" = 0 ] && grep -q '42 on x86_64' "$log" &&
        grep -q 'reset through the keyboard controller' "$log"; then
        passed=$((passed + 1))
        echo "passed: $title:$(grep ' exits$' "$log" | cut -d: -f2)," \
            "$(sed -n 's/.*ended well, //p' "$log")"
    else
        failed=$((failed + 1))
        echo "FAILED: $title"
        tail -n 20 "$log"
    fi
}

# tour TITLE OPTION...: pc-tour, which visits every place where a monitor has a
# hand in what happens, prints what it prints on the bare PC.  (QEMU 7.2 lets
# 64-bit code turn paging off, and so it does not come round there.)
tour() {
    title="$1, pc-tour" log=$work/tour-$1.log
    guest=$BUILD/x86vmm/guest/pc-tour.bin
    shift
    "$BUILD/trapline" bare run "$@" --time 400 --kernel "$guest" \
        </dev/null >"$log" 2>&1
    code=$?
    [ "$code" = 77 ] && skip "$title: $(tail -n 1 "$log")" && return
    "$BUILD/trapline" run --kernel "$guest" --on bare </dev/null 2>/dev/null |
        tr -d '\r' >"$log.bare"
    grep -v '^bare: \|^trapline: ' "$log" | tr -d '\r' >"$log.lines"
    if [ "$code" = 0 ] && [ -s "$log.bare" ] && cmp -s "$log.bare" "$log.lines"
    then
        passed=$((passed + 1))
        echo "passed: $title:$(grep ' exits$' "$log" | cut -d: -f2)"
    else
        failed=$((failed + 1))
        echo "FAILED: $title"
        tail -n 20 "$log"
    fi
}

. tests/linux/files.sh
work=$BUILD/linux
mkdir -p "$work"
if lacks; then
    skip "$lack"
else
    pack_initrd "$work" "$work/bare.gz" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='box# '
mount -t devtmpfs dev /dev
exec setsid cttyhack sh
INIT
    for pc in ${PCS:-qemu model-vtx model-svm bochs}; do
        case $pc in
        model-*)
            boot $pc --on model --cpu ${pc#model-}
            tour $pc --on model --cpu ${pc#model-}
            ;;
        *) boot $pc --on $pc ;;
        esac
        [ $pc = bochs ] && tour $pc --on $pc
    done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
