#!/bin/sh
# The monitor of main.c as an image: a disk to boot, and a Multiboot kernel.
# Usage: CC=... image.sh OUT.img
set -e
out=$1 cc=${CC:-cc} dir=${1%.img}.d
mkdir -p "$dir"
flags="-std=c11 -Wall -Wextra -Werror -I. -O2 -ffreestanding -fno-pic -fno-pie
    -fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none
    -mno-red-zone -mgeneral-regs-only"
for f in tests/svm/main.c x86vmm/svm/vmcb.c x86vmm/svm/exit.c \
    x86vmm/svm/sample.c; do
    $cc $flags -c -o "$dir/$(basename "$f" .c).o" "$f"
done
for f in tests/svm/guests.S tests/svm/enter.S x86vmm/bare/boot.S \
    x86vmm/bare/sector.S; do
    s=$dir/$(basename "$f" .S)
    $cc -E -P -x assembler-with-cpp -I. -o "$s.s" "$f"
    as --64 -o "$s.o" "$s.s"
done
ld -m elf_x86_64 -nostdlib --no-warn-rwx-segments -z max-page-size=4096 \
    -T x86vmm/bare/image.ld -o "$dir/image.elf" "$dir"/*.o
objcopy -O binary "$dir/image.elf" "$out"
# The boot sector is told how many sectors there are; a disk has whole tracks.
size=$(stat -c %s "$out")
sectors=$(((size + 511) / 512))
printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $((sectors & 255)) \
    $((sectors >> 8 & 255)) $((sectors >> 16 & 255)) 0)" |
    dd of="$out" bs=1 seek=500 conv=notrunc 2>/dev/null
truncate -s $(((size / 516096 + 1) * 516096 * 2)) "$out"
