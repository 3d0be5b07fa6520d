#!/bin/sh
# What the command and its suites are linked with for another processor: Check,
# from Debian's packages, and Zydis, built from Debian's source, since Debian has
# none for s390x.
#
#   tests/cross/libraries.sh s390x|aarch64 FOLDER
#
# They go below FOLDER (include, lib) and nothing else changes on this machine:
# apt-get gets lists of its own there.  What FOLDER has is not fetched again.
# Status 77, and why, where they cannot be had.
set -eu
processor=$1
mkdir -p "$2"
folder=$(realpath "$2")
[ ! -e "$folder/complete" ] || exit 0

cannot() {
    echo "no libraries for $processor: $1" >&2
    exit 77
}

case $processor in
aarch64) debian=arm64 ;;
*) debian=$processor ;;
esac
. /etc/os-release
command -v apt-get >/dev/null && [ "${ID:-}" = debian ] ||
    cannot "this is not Debian"

work=$folder/work
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
cd "$work"

# Check is this Debian's, as the C library is; of Zydis, 4.1 is the first that
# takes another Zycore than its own.
keys=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=http://deb.debian.org/debian
cat >sources.list <<END
deb [arch=$debian signed-by=$keys] $mirror $VERSION_CODENAME main
deb-src [signed-by=$keys] $mirror trixie main
END
cat >apt.conf <<END
APT::Architecture "$debian";
APT::Architectures {"$debian";};
APT::Sandbox::User "$(id -un)";
Dir::State "$work";
Dir::State::Lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
END
: >status
APT_CONFIG=$work/apt.conf
export APT_CONFIG
{
    apt-get -q update &&
        apt-get -q download check libsubunit-dev &&
        apt-get -q source --tar-only zydis/trixie zycore-c/trixie
} >fetch.log 2>&1 || {
    tail -n 3 fetch.log >&2
    cannot "they could not be fetched"
}

# ---- Check ----

for package in *.deb; do
    dpkg-deb -x "$package" root
done
mkdir -p "$folder/include" "$folder/lib"
cp root/usr/include/*.h "$folder/include"
cp root/usr/lib/*/libcheck.a root/usr/lib/*/libsubunit.a "$folder/lib"

# ---- Zydis ----

mkdir zydis zycore
tar xf zydis_*.orig.tar.gz --strip-components=1 -C zydis
tar xf zycore-c_*.orig.tar.gz --strip-components=1 -C zycore

# It reads displacements and immediates in the host's order, and refuses a
# processor that it has not heard of.
decoder=zydis/src/Decoder.c
order='__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__'
sed -i "s/ZYAN_MEMCPY(value, state->buffer, number_of_bytes);/for (ZyanU8 i = 0; i < number_of_bytes; i++) value[$order ? number_of_bytes - 1 - i : i] = state->buffer[i];/" \
    "$decoder"
sed -i 's/error "Unsupported architecture detected"/define ZYAN_AARCH64/' \
    zycore/include/Zycore/Defines.h
grep -q "$order" "$decoder" || cannot "the source of Zydis has changed"

# archive LIBRARY SOURCE...
archive() {
    library=$1
    shift
    mkdir "$library"
    for source; do
        "$processor-linux-gnu-gcc" -O2 -DNDEBUG -DZYDIS_STATIC_BUILD \
            -DZYCORE_STATIC_BUILD -Izydis/include -Izydis/src \
            -Izycore/include -c "$source" \
            -o "$library/$(basename "$source" .c).o" ||
            cannot "$source does not compile"
    done
    "$processor-linux-gnu-ar" rcs "$folder/lib/$library.a" "$library"/*.o
}

archive libZydis zydis/src/*.c
archive libZycore zycore/src/*.c zycore/src/API/Memory.c
cp -r zydis/include/* zycore/include/* "$folder/include"
cd "$folder"
rm -rf "$work"
: >complete
