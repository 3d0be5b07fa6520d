# For scripts: a Debian kernel with KVM, and an initial RAM disk in which
# Trapline is, for a machine with AMD-V or VT-x that is emulated.  To be sourced
# after tests/linux/files.sh; BUILD says where things are.  Whoever sources it
# has `skip WHY` and `fail WHY`, which end the script.

need() {
    command -v "$1" >/dev/null || skip "needs $1 (package $2)"
}

# find_kernel MODULE: a readable kernel whose modules have this one: the cloud
# flavour boots fastest.  ./setup check unpacks one below the build where there
# is none.  Sets KERNEL and MODULES.
find_kernel() {
    for KERNEL in /boot/vmlinuz-*-cloud-amd64 /boot/vmlinuz-* \
        "$BUILD"/kernel/boot/vmlinuz-*; do
        MODULES=${KERNEL%/boot/*}/lib/modules/${KERNEL##*/vmlinuz-}
        [ -r "$KERNEL" ] && [ -n "$(module "$1")" ] && return
    done
    skip "needs a kernel with the module $1 in /boot or $BUILD/kernel \
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

# What the system within it runs: BusyBox and a shell.
guest_init() {
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec setsid cttyhack sh
INIT
}

# begin_root MODULE: KERNEL, and a folder ROOT below WORK with BusyBox, KVM's
# modules, Debian for the guest, and the script that boots it.
begin_root() {
    [ "$(uname -m)" = x86_64 ] || skip "needs a host of x86-64 for the binary"
    need busybox busybox-static
    need cpio cpio
    need timeout coreutils
    BUSYBOX=$(command -v busybox)
    ! ldd "$BUSYBOX" >/dev/null 2>&1 || skip "needs a static busybox \
(package busybox-static)"
    find_kernel "$1"
    [ -x "$BUILD/trapline" ] || fail "there is no $BUILD/trapline"
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/trapline-kvm.XXXXXX") || exit 1
    trap 'rm -rf "$WORK"' EXIT
    trap 'exit 1' HUP INT TERM
    ROOT=$WORK/root
    mkdir -p "$WORK/guest" "$ROOT/bin" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp" \
        "$ROOT/modules"
    cp "$BUSYBOX" "$ROOT/bin/busybox"
    for m in irqbypass kvm "$1"; do add_module $m; done
    cp "$KERNEL" "$ROOT/vmlinuz"
    cp tests/kvm/debian.sh "$ROOT/"
    guest_init | pack_initrd "$WORK/guest" "$ROOT/initrd.gz"
    add_binary "$BUILD/trapline"
}

# end_root MODULE: with standard input as what is run, pack it as WORK/initrd.
end_root() {
    {
        echo '#!/bin/busybox sh'
        echo '/bin/busybox --install -s /bin'
        echo 'mount -t proc proc /proc'
        echo 'mount -t devtmpfs dev /dev'
        echo 'mount -t tmpfs tmp /tmp'
        echo "for m in irqbypass kvm $1; do"
        echo '    [ ! -f /modules/$m.ko ] || insmod /modules/$m.ko'
        echo 'done'
        cat
        echo 'poweroff -f'
    } >"$ROOT/init"
    chmod +x "$ROOT/init"
    (cd "$ROOT" && find . | cpio --quiet -o -H newc) >"$WORK/initrd" ||
        fail "cpio"
}

# The sums in a console's text, added: exits with 1 when not all is well.
# add_sums FILE HOW_MANY: so many parts must have come to their end.
add_sums() {
    grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" |
        awk -v parts="$2" '
            { passed += $1; failed += $3; skipped += $5 }
            END {
                if (NR < parts) {
                    print "FAILED: a part did not come to its end"
                    failed++
                }
                print passed " passed, " failed + 0 " failed, " \
                    skipped + 0 " skipped"
                exit failed > 0
            }'
}
