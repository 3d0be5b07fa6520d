#!/bin/sh
# Compile these files with no C library under them, and see that what they want
# from outside is only what a compiler may ask of any program (C11, 4p6, and
# GCC's manual, "Standards": memcpy memmove memset memcmp).
#
# BUILD, CC, WARN come from the Makefile.
set -eu
BUILD=${BUILD:-build}
CC=${CC:-gcc}
out=$BUILD/freestanding
rm -rf "$out"
mkdir -p "$out"

builtin=$($CC -print-file-name=include)
passed=0
failed=0
for file in "$@"; do
    object=$out/$(echo "$file" | tr / _).o
    # -nostdinc and the compiler's own folder: <stdio.h> cannot even be found.
    if $CC ${WARN:-} -I. -O2 -ffreestanding -nostdinc -isystem "$builtin" \
        -c -o "$object" "$file"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $file does not compile freestanding"
        failed=$((failed + 1))
    fi
done

ld -r -o "$out/all.o" "$out"/*.o
# Within the four layers, names of a wing's machine/ stay open until the link.
foreign=$(nm -u "$out/all.o" | awk '{ print $2 }' |
    grep -vE '^(memcpy|memmove|memset|memcmp|_GLOBAL_OFFSET_TABLE_)$|^(x86|kvm)_' || true)
if [ -n "$foreign" ]; then
    echo "FAILED: a C library is wanted for:" $foreign
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
