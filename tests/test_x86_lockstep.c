/* x86_run is x86_step, faster: two machines with the same random program, one
 * driven by each, must not differ after any number of instructions.
 *
 * The programs are bytes at random.  Handlers go on one byte behind what
 * faulted, so that most programs live long; what they do to tables and control
 * registers at CPL 0 is theirs. */
#include "base/bytes.h"
#include "tests/x86_system.h"
#include "x86vmm/machine/access.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNKS = 40, CHUNK_MAX = 60, PROGRAM = 0x1800 };

static uint64_t next(uint64_t *r)
{
    *r ^= *r >> 12;
    *r ^= *r << 25;
    *r ^= *r >> 27;
    return *r * UINT64_C(2685821657736338717);
}

/* ---- Two machines ---- */

/* On the way back the address is one byte further; flags stay. */
static void make_handlers(struct x86_bare *m, enum sys_mode mode)
{
    static const char real[] = "\x55\x89\xE5\xFF\x46\x02\x5D\xCF";
    static const char wide[] = "\x48\xFF\x04\x24\x48\xCF";
    static const char narrow[] = "\xFF\x04\x24\xCF";
    bool is_long = mode == SYS_LONG || mode == SYS_COMPAT;

    for (unsigned v = 0; v < 256; v++) {
        uint8_t *at = m->storage + SYS_HANDLERS + 16 * v;

        if (mode == SYS_REAL) {
            memcpy(at, real, sizeof(real) - 1);
            continue;
        }
        if (v < 32 && x86_exception_has_error(v)) {
            memcpy(at, is_long ? "\x48\x83\xC4\x08" : "\x83\xC4\x04", 4);
            at += is_long ? 4 : 3;
        }
        memcpy(at, is_long ? wide : narrow,
               is_long ? sizeof(wide) - 1 : sizeof(narrow) - 1);
    }
}

/* Opcodes that go somewhere are rarer among random bytes than in programs. */
static uint8_t code_byte(uint64_t *r)
{
    static const uint8_t often[] = {0x01, 0x03, 0x31, 0x39, 0x83, 0x89, 0x8B,
                                    0x74, 0x75, 0xEB, 0x50, 0x58, 0xAA, 0xA4,
                                    0xF3, 0x0F, 0x40, 0x48, 0xC1, 0x90};

    return next(r) >> 60 < 6 ? often[(next(r) >> 32) % sizeof(often)]
                             : (uint8_t)(next(r) >> 24);
}

static void make_program(struct x86_bare *m, uint64_t r, bool stores_near)
{
    uint64_t *gpr = m->cpu.state.gpr;

    for (unsigned i = 0; i < PROGRAM; i++)
        m->storage[BARE_CODE + i] = code_byte(&r);
    for (unsigned i = 0; i < 16; i++) {
        uint64_t v = next(&r);

        if (i == X86_RSP)
            continue;
        gpr[i] = v >> 62 == 0   ? v % 300
                 : v >> 62 == 1 ? BARE_DATA + v % 0x3000
                 : stores_near  ? BARE_CODE - 0x80 + v % (PROGRAM + 0x100)
                                : v >> 20;
    }
}

static struct x86_bare *machine(enum sys_mode mode, unsigned cpl, uint64_t seed)
{
    struct x86_bare *m = sys_new(mode, cpl);

    make_handlers(m, mode);
    make_program(m, seed * 2 + 1, seed & 1);
    return m;
}

/* ---- In step ---- */

static void same(struct x86_bare *a, struct x86_bare *b, uint64_t seed)
{
    const struct x86_state *s = &a->cpu.state, *t = &b->cpu.state;

    x86_flags_get(&a->cpu);
    x86_flags_get(&b->cpu);
    for (size_t i = 0; i < x86_regs.count; i++) {
        const struct reg_desc *r = &x86_regs.rows[i];
        uint64_t x = 0, y = 0;

        memcpy(&x, (const uint8_t *)s + r->offset, 8);
        memcpy(&y, (const uint8_t *)t + r->offset, 8);
        ck_assert_msg(r->bits != 64 || x == y,
                      "seed %" PRIu64 ", %" PRIu64
                      " instructions, %s: step %" PRIx64 ", run %" PRIx64,
                      seed, a->cpu.ran, r->name, x, y);
    }
    for (unsigned i = 0; i < X86_SEG_COUNT; i++)
        ck_assert_msg(s->seg[i].base == t->seg[i].base &&
                          s->seg[i].limit == t->seg[i].limit &&
                          s->seg[i].selector == t->seg[i].selector &&
                          s->seg[i].attr == t->seg[i].attr,
                      "seed %" PRIu64 ": segment %u", seed, i);
    for (unsigned i = 0; i < 8; i++)
        ck_assert(a->cpu.fpu.st[i].significand ==
                      b->cpu.fpu.st[i].significand &&
                  a->cpu.fpu.st[i].exponent == b->cpu.fpu.st[i].exponent);
    ck_assert_uint_eq(a->cpu.fpu.status, b->cpu.fpu.status);
    ck_assert_uint_eq(a->cpu.fpu.tag, b->cpu.fpu.tag);
    ck_assert(!memcmp(a->cpu.xmm, b->cpu.xmm, sizeof(a->cpu.xmm)));
    ck_assert_uint_eq(a->cpu.ran, b->cpu.ran);
    ck_assert_int_eq(a->cpu.halted, b->cpu.halted);
    ck_assert_int_eq(a->cpu.shadow, b->cpu.shadow);
}

/* Both until the second has done a chunk; how both ended. */
static enum x86_outcome chunk(struct x86_bare *a, struct x86_bare *b,
                              uint64_t n)
{
    enum x86_outcome ran = x86_run(&b->cpu, n), stepped = X86_BUDGET;

    while (a->cpu.ran < b->cpu.ran) {
        stepped = x86_step(&a->cpu);
        if (stepped == X86_HALT || stepped == X86_SHUTDOWN)
            break;
    }
    if (ran == X86_HALT || ran == X86_SHUTDOWN)
        ck_assert_int_eq(stepped == X86_BUDGET ? x86_step(&a->cpu) : stepped,
                         ran);
    return ran;
}

static uint64_t lockstep(enum sys_mode mode, unsigned cpl, uint64_t seed)
{
    struct x86_bare *a = machine(mode, cpl, seed),
                    *b = machine(mode, cpl, seed);
    uint64_t r = seed * 4 + 3, ran;
    enum x86_outcome end = X86_BUDGET;

    for (unsigned i = 0; i < CHUNKS && end == X86_BUDGET; i++) {
        end = chunk(a, b, 1 + next(&r) % CHUNK_MAX);
        same(a, b, seed);
    }
    ck_assert_msg(!memcmp(a->storage, b->storage, BARE_STORAGE),
                  "seed %" PRIu64 ": storage", seed);
    ran = b->cpu.ran;
    x86_bare_free(a);
    x86_bare_free(b);
    return ran;
}

static const struct {
    enum sys_mode mode;
    unsigned cpl;
    uint64_t least; /* instructions that the programs come to, on average */
} places[] = {
    {SYS_REAL, 0, 100},  {SYS_PROTECTED, 0, 50}, {SYS_PROTECTED, 3, 200},
    {SYS_V86, 3, 100},   {SYS_LONG, 0, 50},      {SYS_LONG, 3, 200},
    {SYS_COMPAT, 0, 50}, {SYS_COMPAT, 3, 200},
};

START_TEST(run_is_step)
{
    const char *wish = getenv("TRAPLINE_PROGRAMS");
    uint64_t programs = wish ? strtoull(wish, NULL, 0) : 25, ran = 0;

    for (uint64_t seed = 0; seed < programs; seed++)
        ran += lockstep(places[_i].mode, places[_i].cpl, seed);
    ck_assert_msg(ran >= programs * places[_i].least,
                  "%" PRIu64 " instructions of %" PRIu64 " programs", ran,
                  programs);
}
END_TEST

Suite *suite_x86_lockstep(void)
{
    Suite *s = suite_create("x86_lockstep");
    TCase *t = tcase_create("lockstep");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, run_is_step, 0, (int)ARRAY_LEN(places));
    suite_add_tcase(s, t);
    return s;
}
