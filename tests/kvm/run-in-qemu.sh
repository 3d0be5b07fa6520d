#!/bin/sh
# The tests of the KVM engine where /dev/kvm is whole, on any x86-64 host and
# without its help: a Debian kernel with kvm-amd boots under QEMU's TCG, whose
# `max` processor has AMD-V, with Trapline in its initial RAM disk.  There run
#
#   the suites of the engine, sanitized;
#   Debian's kernel under Trapline's monitor, to a shell in which a script types
#   (tests/kvm/debian.sh), with the PC's interrupt controllers and KVM's;
#   exits a second, beside a bare loop: told, not judged.
#
# Ends with "N passed, N failed, N skipped".  What this host lacks for it is
# said, and then all of it is one skip.
#
# BUILD says where build/check is.
set -u
BUILD=${BUILD:-build}
SUITES="x86_kvm x86_exits x86_uart x86_cpuid"
SECONDS_MAX=${SECONDS_MAX:-400}
. tests/linux/files.sh

skip() {
    echo "SKIPPED: /dev/kvm inside QEMU: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

fail() {
    echo "FAILED: /dev/kvm inside QEMU: $1"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

need() {
    command -v "$1" >/dev/null || skip "needs $1 (package $2)"
}

# A readable kernel whose modules have kvm-amd: the cloud flavour boots
# fastest.  ./setup check unpacks one below the build where there is none.
# Sets KERNEL and MODULES.
find_kernel() {
    for KERNEL in /boot/vmlinuz-*-cloud-amd64 /boot/vmlinuz-* \
        "$BUILD"/kernel/boot/vmlinuz-*; do
        MODULES=${KERNEL%/boot/*}/lib/modules/${KERNEL##*/vmlinuz-}
        [ -r "$KERNEL" ] && [ -n "$(module kvm-amd)" ] && return
    done
    skip "needs a kernel with the module kvm-amd in /boot or $BUILD/kernel \
(package linux-image-cloud-amd64)"
}

# The file of a module.
module() {
    find "$MODULES" -name "$1.ko" -o -name "$1.ko.xz" 2>/dev/null | head -n 1
}

add_module() {
    file=$(module "$1")
    case $file in
    '') ;; # built in
    *.xz) xz -dc "$file" >"$ROOT/modules/$1.ko" ;;
    *) cp "$file" "$ROOT/modules/$1.ko" ;;
    esac
}

# A program, the loader and the libraries it names, where it expects them.
add_binary() {
    cp "$1" "$ROOT/"
    for library in $(ldd "$1" | grep -o '/[^ ]*'); do
        mkdir -p "$ROOT$(dirname "$library")"
        cp -L "$library" "$ROOT$library"
    done
}

write_init() {
    cat >"$ROOT/init" <<EOF
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
for m in irqbypass kvm kvm-amd; do
    [ ! -f /modules/\$m.ko ] || /bin/busybox insmod /modules/\$m.ko
done
export TRAPLINE_KVM=whole BUILD=/ ASAN_OPTIONS=detect_leaks=0
/check $SUITES
echo "check ended with \$?"
/bin/busybox sh /debian.sh
/kvm-bench 1
/bin/busybox poweroff -f
EOF
    chmod +x "$ROOT/init"
}

[ "$(uname -m)" = x86_64 ] || skip "needs a host of x86-64 for the binary"
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need cpio cpio
need timeout coreutils
BUSYBOX=$(command -v busybox)
! ldd "$BUSYBOX" >/dev/null 2>&1 || skip "needs a static busybox \
(package busybox-static)"
find_kernel
[ -f "$BUILD/x86vmm/guest/hello-long.bin" ] ||
    skip "needs the guests of x86vmm/guest (an assembler for x86)"
[ -x "$BUILD/check" ] || fail "there is no $BUILD/check; make check builds it"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/trapline-kvm.XXXXXX") || exit 1
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' HUP INT TERM
ROOT=$WORK/root
mkdir -p "$ROOT/bin" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp" "$ROOT/modules" \
    "$ROOT/tests" "$ROOT/x86vmm/guest"
cp "$BUSYBOX" "$ROOT/bin/busybox"
grep ^x86_ tests/expected >"$ROOT/tests/expected"
cp "$BUILD"/x86vmm/guest/*.bin "$ROOT/x86vmm/guest/"
cp tests/kvm/debian.sh "$ROOT/"
cp "$KERNEL" "$ROOT/vmlinuz"
. tests/kvm/guest.sh
pack_guest "$WORK" "$ROOT/initrd.gz"
for m in irqbypass kvm kvm-amd; do add_module $m; done
for b in check trapline kvm-bench; do add_binary "$BUILD/$b"; done
write_init
(cd "$ROOT" && find . | cpio --quiet -o -H newc) >"$WORK/initrd" ||
    fail "cpio"

# The guest's console is a file: nothing else can write there, and no terminal
# is asked for.
timeout -s KILL "$SECONDS_MAX" qemu-system-x86_64 -accel tcg -cpu max -m 1024 \
    -display none -nodefaults -no-reboot -serial "file:$WORK/console" \
    -kernel "$KERNEL" -initrd "$WORK/initrd" \
    -append "console=ttyS0 panic=-1 mitigations=off quiet loglevel=1" \
    </dev/null >"$WORK/qemu.log" 2>&1
status=$?
tr -d '\r' <"$WORK/console" >"$WORK/output"
cat "$WORK/qemu.log" "$WORK/output"

[ $status = 0 ] || fail "QEMU ended with status $status (137: it took more \
than $SECONDS_MAX s)"
grep -q '^check ended with 0$' "$WORK/output" ||
    echo "FAILED: the suites inside"
grep -q '^Debian: ' "$WORK/output" || fail "no Debian was tried inside"
grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$WORK/output" |
    awk '{ passed += $1; failed += $3; skipped += $5 }
         END { print passed " passed, " failed " failed, " skipped " skipped"
               exit NR != 2 || failed > 0 }'
