# Inside QEMU or Bochs: Debian's kernel under our monitor on /dev/kvm, to a
# shell in which a script types.  The console must have what is waited for, the
# right digest of BusyBox and no oops; the trace as many exits as the ledger.
#
# Ends with "N passed, N failed, N skipped".  BOOTS names which of them: user,
# kernel.
PATH=/bin
/bin/busybox --install -s /bin
passed=0
failed=0

cat >/tmp/script <<'SCRIPT'
wait guest#
type echo $((6 * 7)) on $(uname -m); grep -c processor /proc/cpuinfo
wait 42 on x86_64
wait guest#
type sha256sum /bin/busybox; sleep 1; dmesg | grep -ci 'oops\|BUG:\|warning:'
wait /bin/busybox
wait guest#
type reboot -f
SCRIPT
digest=$(sha256sum /bin/busybox | cut -c1-64)

# judge TITLE STATUS WORDS: of /tmp/log, which must have these words of the
# account, and /tmp/trace.
judge() {
    lines=$(grep -cE ' (IO|MMIO|HALT|WINDOW|TIMER|INTERRUPT|SENSITIVE) ' \
        /tmp/trace)
    told=$(awk '/ exits:$/ { gsub(",", "", $1); print $1 }' /tmp/log)
    if [ "$2" = 0 ] && grep -q "$digest" /tmp/log && grep -qx 0 /tmp/log &&
        grep -q 'reset through the keyboard controller' /tmp/log &&
        [ "$lines" = "$told" ] && grep -q "$3" /tmp/log; then
        passed=$((passed + 1))
        echo "Debian: passed: $1, $SECONDS_TAKEN s, $told exits"
    else
        failed=$((failed + 1))
        echo "Debian: FAILED: $1: status $2, $lines lines of exits, told $told"
        tail -n 25 /tmp/log
        tail -n 5 /tmp/trace
    fi
    sed -n '/ exits:$/,$p' /tmp/log
}

# boot TITLE WORDS OPTION...
boot() {
    title=$1
    words=$2
    shift 2
    begin=$(date +%s)
    timeout -s KILL 300 /trapline run --on kvm --kernel /vmlinuz \
        --initrd /initrd.gz --script /tmp/script --trace /tmp/trace "$@" \
        >/tmp/log 2>&1
    status=$?
    SECONDS_TAKEN=$(($(date +%s) - begin))
    judge "$title" $status "$words"
    rm -f /tmp/trace
}

for b in ${BOOTS:-user kernel}; do
    case $b in
    user) boot "our irqchip, pages counted" "[0-9] pages written, " --pages ;;
    kernel) boot "KVM's irqchip" "TIMER" --irqchip kernel ;;
    esac
done
echo "$passed passed, $failed failed, 0 skipped"
