/* How fast the modelled x86 processor is: millions of instructions a second,
 * the best of some rounds.
 *
 *   build/x86-bench [ROUNDS] */
#include "tests/x86_bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 20000000 };

/* Five instructions that need nothing but registers. */
static const uint8_t alu[] = {
    0x01, 0xC3,       /* add ebx, eax */
    0x31, 0xDA,       /* xor edx, ebx */
    0x83, 0xC0, 0x07, /* add eax, 7 */
    0xFF, 0xC9,       /* dec ecx */
    0x75, 0xF5,       /* jnz back */
    0xEB, 0xF3,       /* jmp back */
};

/* Loads, stores, pushes, a call, branches. */
static const uint8_t mixed[] = {
    0x8B, 0x06,             /* mov eax, [rsi] */
    0x01, 0xC3,             /* add ebx, eax */
    0x89, 0x1F,             /* mov [rdi], ebx */
    0x50,                   /* push rax */
    0xE8, 0x1B, 0,    0, 0, /* call sub */
    0x58,                   /* pop rax */
    0x83, 0xC0, 0x03,       /* add eax, 3 */
    0x89, 0x06,             /* mov [rsi], eax */
    0xA8, 0x01,             /* test al, 1 */
    0x74, 0x03,             /* jz even */
    0x83, 0xC3, 0x05,       /* add ebx, 5 */
    0x8B, 0x57, 0x04,       /* even: mov edx, [rdi + 4] */
    0x01, 0xDA,             /* add edx, ebx */
    0x89, 0x57, 0x04,       /* mov [rdi + 4], edx */
    0xFF, 0xC9,             /* dec ecx */
    0x75, 0xDB,             /* jnz back */
    0xEB, 0xD9,             /* jmp back */
    0x53,                   /* sub: push rbx */
    0x31, 0xD2,             /* xor edx, edx */
    0x5B,                   /* pop rbx */
    0xC3,                   /* ret */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double measure(enum x86_mode mode, const uint8_t *code, size_t size)
{
    struct x86_bare *m = x86_bare_new(mode);
    double t;

    memcpy(m->storage + BARE_CODE, code, size);
    m->cpu.state.gpr[X86_RSI] = BARE_DATA;
    m->cpu.state.gpr[X86_RDI] = BARE_DATA + 64;
    t = now();
    if (x86_run(&m->cpu, STEPS) != X86_BUDGET) {
        fprintf(stderr, "the loop ended: vector %u at %llx\n",
                m->cpu.fault.vector, (unsigned long long)m->cpu.state.rip);
        exit(1);
    }
    t = now() - t;
    x86_bare_free(m);
    return STEPS / t / 1e6;
}

static void report(const char *name, const uint8_t *code, size_t size,
                   unsigned rounds)
{
    static const enum x86_mode modes[] = {X86_MODE_LONG, X86_MODE_PROTECTED};

    for (unsigned k = 0; k < ARRAY_LEN(modes); k++) {
        double best = 0;

        for (unsigned i = 0; i < rounds; i++) {
            double v = measure(modes[k], code, size);

            best = v > best ? v : best;
        }
        printf("%-6s %-10s %7.1f M/s\n", name, x86_mode_name(modes[k]), best);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 3;

    report("alu", alu, sizeof(alu), rounds);
    report("mixed", mixed, sizeof(mixed), rounds);
    return 0;
}
