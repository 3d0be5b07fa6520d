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
