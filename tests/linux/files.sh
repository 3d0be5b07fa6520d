# For scripts: an unmodified kernel of Debian's, and an initial RAM disk with
# BusyBox.  To be sourced; BUILD says where to put files.

# lacks: what this host lacks for it, in words; or nothing.  Sets KERNEL, which
# may name another bzImage, and BUSYBOX.
lacks() {
    for KERNEL in ${KERNEL:-/boot/vmlinuz-*-cloud-amd64 \
        "$BUILD"/kernel/boot/vmlinuz-*}; do
        [ -r "$KERNEL" ] && break
    done
    if ! [ -r "$KERNEL" ]; then
        lack="needs a kernel (package linux-image-cloud-amd64)"
    elif ! BUSYBOX=$(command -v busybox); then
        lack="needs busybox (package busybox-static)"
    elif ! command -v cpio >/dev/null; then
        lack="needs cpio (package cpio)"
    else
        case $(od -An -tx1 -j18 -N2 "$BUSYBOX") in
        " 3e 00") lack= ;;
        *) lack="needs a busybox for x86-64" ;;
        esac
    fi
    [ -n "$lack" ]
}

# is_kernel FILE: a bzImage has HdrS at 202h (Linux, Documentation/arch/x86/
# boot.rst), an ELF file its mark first.
is_kernel() {
    [ -f "$1" ] || return 1
    case $(od -An -tx1 -j514 -N4 "$1" 2>/dev/null) in
    " 48 64 72 53") return 0 ;;
    esac
    case $(od -An -tx1 -N4 "$1") in
    " 7f 45 4c 46") return 0 ;;
    esac
    return 1
}

# pack_initrd FOLDER INITRD: BusyBox, and standard input as /init.
pack_initrd() {
    rm -rf "$1/root"
    mkdir -p "$1/root/bin" "$1/root/dev" "$1/root/proc" "$1/root/sys"
    cp "$BUSYBOX" "$1/root/bin/busybox"
    cat >"$1/root/init"
    chmod +x "$1/root/init"
    (cd "$1/root" && find . | cpio -o -H newc 2>/dev/null) | gzip >"$2"
    rm -rf "$1/root"
}
