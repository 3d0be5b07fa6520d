/* Assembling in tests. */
#ifndef TESTS_ASM_BENCH_H
#define TESTS_ASM_BENCH_H

#include "s370/asm/asm.h"

/* Append the file, and a terminator that does not count. */
void asm_bench_read(const char *path, struct s370_buffer *b);

/* Assemble; the caller frees. */
struct assembly *asm_bench_assemble(const char *name, const char *text,
                                    size_t len);

/* The image of a source that must have no errors; the caller frees. */
struct s370_buffer asm_bench_image(const char *text);

#endif
