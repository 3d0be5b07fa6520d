#!/bin/sh
# Software of others that the tests run on the modelled PC, fetched and built in
# BUILD/guests, where they look for it.  None of it is part of the project.
#
#   tests/guests.sh [NAME]...       without a name: all of the table below
#
# One that cannot be had is told, the others go on; then the status is 1.
# GUESTS_FROM names a folder with the repositories, NAME or NAME.git, for a
# place without a network; X86_CC the gcc for x86, where gcc is none.
set -u
BUILD=${BUILD:-build}
into=$BUILD/guests
case $into in /*) ;; *) into=$PWD/$into ;; esac
case ${X86_CC:-},$(uname -m) in
*gcc,*) cross=${X86_CC%gcc} ;;
*,x86_64) cross= ;;
*) cross=x86_64-linux-gnu- ;;
esac

# name | repository, or Debian's package | commit, of a repository
table='
kvm-unit-tests|https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git|1da1819e49fc4938985edca67df669099b4c87a7
xv6|https://github.com/mit-pdos/xv6-public.git|eeb7b415dbcb12cc362d0783e41c3d1f44066b17
test386|https://github.com/barotto/test386.asm.git|cfd052d1e64d5375dea5a681c1eadeed64ceda2c
freedos|https://github.com/codercowboy/freedosbootdisks.git|330e522bf9323ad54a6ff68c9b7cb9ae7a084cb4
memtest86+|memtest86+|
seabios|seabios|'

names() {
    echo "$table" | cut -d'|' -f1 -s
}

column() {
    echo "$table" | awk -F'|' -v name="$1" -v n="$2" '$1 == name { print $n }'
}

# ---- Fetching: a tree of the commit, or of the package, at $source ----

repository() {
    for at in "${GUESTS_FROM:-}/$1" "${GUESTS_FROM:-}/$1.git"; do
        [ -n "${GUESTS_FROM:-}" ] && [ -e "$at" ] && echo "$at" && return
    done
    column "$1" 2
}

fetch_commit() {
    commit=$(column "$1" 3)
    [ "$(git -C "$source" rev-parse -q --verify HEAD 2>/dev/null)" = \
        "$commit" ] && return
    rm -rf "$source"
    git init -q "$source" &&
        git -C "$source" fetch -q --depth 1 "$(repository "$1")" "$commit" &&
        git -C "$source" checkout -q --detach FETCH_HEAD
}

fetch_package() {
    rm -rf "$source"
    mkdir -p "$source" && cd "$source" && apt-get download -q "$1" &&
        dpkg-deb -x ./*.deb .
}

# ---- Building: from $source to $made ----

make_kvm_unit_tests() {
    for arch in x86_64 i386; do
        mkdir -p "$source/$arch" "$made/$arch" && cd "$source/$arch" &&
            ../configure --arch=$arch --cross-prefix="$cross" &&
            make -s -j"$(nproc)" && cp x86/*.flat "$made/$arch" || return
    done
}

# gcc 12 and later warn of it.
make_xv6() {
    cd "$source" && sed -i 's/-Werror//; s/-O2/-O1/' Makefile &&
        make -s TOOLPREFIX="$cross" xv6.img fs.img &&
        cp bootblock kernel xv6.img fs.img "$made"
}

make_test386() {
    cd "$source" &&
        sed -i 's/^POST_PORT .*/POST_PORT equ 0x190/
                s/^OUT_PORT .*/OUT_PORT equ 0xE9/' src/configuration.asm &&
        nasm -i./src/ -f bin -w-all -o "$made/test386.bin" src/test386.asm &&
        cp test386-EE-reference.txt "$made"
}

make_freedos() {
    cp "$source"/bootdisks/*.img "$made"
}

make_memtest86_() {
    cp "$source"/boot/*.bin "$made"
}

make_seabios() {
    cp "$source"/usr/share/seabios/bios*.bin "$made"
}

# ---- All of them ----

# In a shell of its own: it goes to other folders.
get() (
    source=$into/source/$1 made=$into/$1.new
    rm -rf "$made"
    mkdir -p "$into/source" "$made" || exit
    if [ -n "$(column "$1" 3)" ]; then fetch_commit "$1"; else
        fetch_package "$(column "$1" 2)"
    fi && "make_$(echo "$1" | tr -c 'a-z0-9\n' _)"
)

[ $# != 0 ] || set -- $(names)
for name; do
    if ! names | grep -qFx -e "$name"; then
        echo "$name: no guest of these: $(names | tr '\n' ' ')" >&2
        exit 2
    fi
done
mkdir -p "$into" || exit
missing=0
for name; do
    log=$into/$name.log
    if get "$name" >"$log" 2>&1 && rm -rf "${into:?}/$name" &&
        mv "$into/$name.new" "$into/$name"; then
        echo "$name: in $BUILD/guests/$name"
    else
        echo "$name: not to be had: $(tail -n 1 "$log") ($log)" >&2
        missing=$((missing + 1))
    fi
done
[ $missing = 0 ] && echo "make check-unit SUITES='x86_guests x86_rom' runs them."
