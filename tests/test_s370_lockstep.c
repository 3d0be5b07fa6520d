/* s370_run means what s370_step means: random programs, instruction by
 * instruction, with everything that a program can see or change.
 *
 * Programs store into themselves, into tables and keys; DAT goes on and off;
 * whatever interrupts is taken to a random new PSW. */
#include "base/bytes.h"
#include "s370/machine/machine.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum {
    STORAGE = 0xC000,
    SEGMENTS = 0x1000, /* segment table; page tables after it */
    PAGES = 0x1100,
    CODE = 0x2000,
    PROGRAMS = 300,
    TURNS = 120
};

struct random {
    uint64_t state;
};

/* Marsaglia's xorshift. */
static uint32_t draw(struct random *r, uint32_t below)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (uint32_t)(r->state >> 32) % below;
}

static uint32_t word(struct random *r)
{
    return draw(r, 0x10000) << 16 | draw(r, 0x10000);
}

/* ---- A random program ---- */

/* Frequent instructions are drawn more often. */
static uint8_t opcode(struct random *r)
{
    static const uint8_t plain[] = {
        0x05, 0x06, 0x07, 0x12, 0x18, 0x1A, 0x1B, 0x41, 0x42, 0x43, 0x44,
        0x45, 0x46, 0x47, 0x48, 0x50, 0x55, 0x58, 0x5A, 0x86, 0x87, 0x88,
        0x89, 0x8F, 0x90, 0x91, 0x92, 0x94, 0x95, 0x98, 0xD2, 0xD5, 0xD7,
    };

    if (draw(r, 3))
        return plain[draw(r, sizeof(plain))];
    uint32_t row = s370_insns.rows[draw(r, S370_OP_COUNT)].opcode;
    return (uint8_t)(row > 0xFF ? row >> 8 : row);
}

/* Addresses: a base register, which points to an instruction, and a little
 * more, mostly even. */
static uint16_t address(struct random *r)
{
    uint32_t d = draw(r, draw(r, 8) ? 64 : 4096);

    return (uint16_t)((8 + draw(r, 8)) << 12 | (draw(r, 8) ? d & ~1u : d));
}

/* Registers 0-7 are worked with, 8-15 point somewhere. */
static uint8_t fields(struct random *r, uint8_t op)
{
    bool rr = op < 0x40, branch = op >= 0x05 && op <= 0x07;
    uint8_t first = (uint8_t)draw(r, op == 0x07 || op == 0x47 ? 16 : 8);
    uint8_t second = (uint8_t)draw(r, 8);

    if (draw(r, 20) == 0)
        return (uint8_t)draw(r, 256);
    if (branch)
        second += 8;
    else if (op < 0xC0 && !rr && op < 0x80)
        second = 0;
    if (op >= 0xD0 && op < 0xE0)
        first &= 1;
    return (uint8_t)(first << 4 | second);
}

static uint32_t put_insn(struct random *r, uint8_t *p)
{
    p[0] = opcode(r);
    p[1] = fields(r, p[0]);
    if (p[0] == 0xB2)
        p[1] = (uint8_t)(2 + draw(r, 18));
    unsigned len = s370_insn_len(p[0]);
    for (unsigned i = 2; i < len; i += 2)
        store_be16(p + i, address(r));
    return len;
}

/* Where instructions begin. */
struct code {
    uint32_t starts[STORAGE / 2];
    uint32_t count;
};

static void put_code(struct random *r, struct s370_machine *m, struct code *c)
{
    for (uint32_t a = CODE; a < STORAGE - 8;) {
        c->starts[c->count++] = a;
        a += put_insn(r, m->storage.bytes + a);
    }
}

static uint32_t start(struct random *r, const struct code *c)
{
    return draw(r, 50) ? c->starts[draw(r, c->count)] : word(r) & 0xFFFFFF;
}

/* Most pages are where they are without translation, some are elsewhere, some
 * nowhere. */
static void put_tables(struct random *r, struct s370_machine *m)
{
    for (unsigned s = 0; s < 16; s++) {
        uint32_t table = PAGES + 32 * s;

        store_be32(m->storage.bytes + SEGMENTS + 4 * s,
                   0xF0000000 | table | (draw(r, 12) == 0 && s));
        for (unsigned p = 0; p < 16; p++) {
            unsigned frame = draw(r, 5) ? s * 16 + p : draw(r, 16);
            unsigned invalid = draw(r, 10) ? 0 : 8;

            store_be16(m->storage.bytes + table + 2 * p,
                       (uint16_t)(frame << 4 | invalid));
        }
    }
}

static uint64_t random_psw(struct random *r, const struct code *c)
{
    static const uint8_t ec_masks[] = {0, 0, 4, 4, 4, 3, 7, 0x40, 0x80};
    uint32_t ia = start(r, c);
    uint64_t key = draw(r, 3) ? 0 : 1 + draw(r, 2), problem = draw(r, 4) == 0;
    uint64_t low = draw(r, 16);
    if (draw(r, 2))
        return (uint64_t)ec_masks[draw(r, sizeof(ec_masks))] << 56 | key << 52 |
               UINT64_C(8) << 48 | problem << 48 | low << 40 | ia;
    return key << 52 | problem << 48 | low << 24 | ia;
}

static void put_state(struct random *r, struct s370_machine *m,
                      const struct code *c)
{
    uint8_t psw[8];

    for (unsigned i = 0; i < 16; i++)
        m->cpu.gr[i] = i < 8 && draw(r, 4) ? word(r) : start(r, c);
    for (unsigned i = 0; i < 4; i++)
        m->cpu.fpr[i] = (uint64_t)word(r) << 32 | word(r);
    m->cpu.cr[0] = 0x008000E0;
    m->cpu.cr[1] = SEGMENTS;
    m->cpu.cr[9] = draw(r, 2) ? word(r) : 0;
    m->cpu.cr[10] = 0;
    m->cpu.cr[11] = 0xFFFFFF;
    store_be64(psw, random_psw(r, c));
    s370_psw_load(&m->cpu.psw, psw);
    for (unsigned i = 0; i < STORAGE / S370_BLOCK; i++)
        m->storage.keys[i] =
            (uint8_t)((1 + draw(r, 2)) << 4 | (draw(r, 6) == 0) << 3);
}

static struct s370_machine *program(struct random *r, struct code *c)
{
    struct s370_machine *m = s370_machine_new(STORAGE, NULL);

    ck_assert_ptr_nonnull(m);
    m->cpu.stopped = false;
    c->count = 0;
    put_code(r, m, c);
    put_tables(r, m);
    put_state(r, m, c);
    return m;
}

/* ---- In step ---- */

struct pair {
    struct s370_machine *step, *run;
    struct s370_interruption by_step, by_run;
    struct code code;
    unsigned seed;
};

/* What differs first, or NULL. */
static const char *difference(const struct pair *p)
{
    const struct s370_cpu *a = &p->step->cpu, *b = &p->run->cpu;
    const struct s370_interruption *x = &p->by_step, *y = &p->by_run;
    uint8_t psw[2][8];

    s370_psw_store(&a->psw, 0, 0, psw[0]);
    s370_psw_store(&b->psw, 0, 0, psw[1]);
    if (a->ran != b->ran)
        return "the number of instructions";
    if (memcmp(psw[0], psw[1], 8))
        return "the PSW";
    if (memcmp(a->gr, b->gr, sizeof(a->gr)))
        return "a general register";
    if (memcmp(a->fpr, b->fpr, sizeof(a->fpr)))
        return "a floating-point register";
    if (memcmp(a->cr, b->cr, sizeof(a->cr)) || a->prefix != b->prefix)
        return "a control register or the prefix";
    if (x->class != y->class ||
        (x->class && (x->code != y->code || x->ilc != y->ilc ||
                      x->per_code != y->per_code)))
        return "the interruption";
    if (memcmp(p->step->storage.bytes, p->run->storage.bytes, STORAGE))
        return "storage";
    if (memcmp(p->step->storage.keys, p->run->storage.keys,
               STORAGE / S370_BLOCK))
        return "a storage key";
    return NULL;
}

/* The interruption happens; where it goes to is random. */
static void go_on(struct s370_machine *m, const struct s370_interruption *in,
                  uint64_t psw)
{
    uint8_t bytes[8];

    if (in->class)
        s370_interruption_take(in, &m->cpu.psw, &m->storage, m->cpu.prefix);
    store_be64(bytes, psw);
    if (in->class || m->cpu.psw.wait)
        s370_psw_load(&m->cpu.psw, bytes);
    m->cpu.stopped = false;
}

static void turn(struct pair *p, struct random *r)
{
    struct s370_cpu *step = &p->step->cpu, *run = &p->run->cpu;

    s370_run(run, 1 + draw(r, draw(r, 4) ? 8 : 200), &p->by_run);
    do
        s370_step(step, &p->by_step);
    while (!p->by_step.class && step->ran < run->ran);
    const char *what = difference(p);
    if (what)
        ck_abort_msg("program %u, near instruction %llu at %06x: %s", p->seed,
                     (unsigned long long)step->ran, step->psw.ia, what);
    uint64_t psw = random_psw(r, &p->code);
    unsigned base = 8 + draw(r, 8);
    uint32_t at = start(r, &p->code);
    p->step->cpu.gr[base] = p->run->cpu.gr[base] = at;
    go_on(p->step, &p->by_step, psw);
    go_on(p->run, &p->by_run, psw);
}

/* Returns the instructions that were executed. */
static uint64_t run_program(unsigned seed)
{
    struct random r = {seed * UINT64_C(0x9E3779B97F4A7C15)}, same = r;
    static struct pair p;

    p = (struct pair){.seed = seed};
    p.step = program(&r, &p.code);
    p.run = program(&same, &p.code);
    for (unsigned t = 0; t < TURNS; t++)
        turn(&p, &r);
    uint64_t ran = p.run->cpu.ran;
    s370_machine_free(p.step);
    s370_machine_free(p.run);
    return ran;
}

START_TEST(test_lockstep)
{
    uint64_t ran = 0;

    for (unsigned i = 0; i < PROGRAMS; i++)
        ran += run_program((unsigned)_i * PROGRAMS + i + 1);
    /* They must get somewhere, or nothing was compared. */
    ck_assert_uint_ge(ran, PROGRAMS * TURNS * 2);
}
END_TEST

Suite *suite_s370_lockstep(void);
Suite *suite_s370_lockstep(void)
{
    Suite *s = suite_create("s370_lockstep");
    TCase *tc = tcase_create("lockstep");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, test_lockstep, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}
