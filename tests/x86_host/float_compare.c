#include "tests/x86_host/float.h"

#include "base/bytes.h"
#include "tests/x86_bare.h"
#include "tests/x86_host/float_case.h"
#include "x86vmm/machine/access.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a case ends. */
struct outcome {
    uint64_t gpr[16], rflags;
    int vector;
    uint8_t operand[FLOAT_OPERAND];
    uint8_t image[512];
};

enum { RDX = 2, RBP = 5, RSP = 4, RDI = 7 };

/* fxrstor [rbp]; the case; fxsave [rbp + 1024] */
static const uint8_t before[] = {0x0F, 0xAE, 0x4D, 0x00};
static const uint8_t after[] = {0x0F, 0xAE, 0x85, 0x00, 0x04, 0x00, 0x00};

static size_t assemble(const struct float_case *c, uint8_t *code)
{
    memcpy(code, before, sizeof(before));
    memcpy(code + sizeof(before), c->code, c->size);
    memcpy(code + sizeof(before) + c->size, after, sizeof(after));
    return sizeof(before) + c->size + sizeof(after);
}

static void set_pointers(uint64_t gpr[16], uint64_t data)
{
    gpr[RDX] = gpr[RDI] = data;
    gpr[RBP] = data + FLOAT_IMAGE;
    gpr[RSP] = data + 4096;
}

static void clear_pointers(uint64_t gpr[16], uint64_t data)
{
    gpr[RDX] -= data;
    gpr[RDI] -= data;
    gpr[RBP] = gpr[RSP] = 0;
}

static void put_data(const struct float_case *c, uint8_t *data)
{
    memset(data, 0, 4096);
    memcpy(data, c->operand, FLOAT_OPERAND);
    memcpy(data + FLOAT_IMAGE, c->image, 512);
}

static void get_data(struct outcome *o, const uint8_t *data)
{
    memcpy(o->operand, data, FLOAT_OPERAND);
    memcpy(o->image, data + FLOAT_AFTER, 512);
}

/* ---- On the host ---- */

#ifdef __x86_64__
static void run_host(const struct float_case *c, struct outcome *o)
{
    uint8_t code[64], *data = (uint8_t *)(uintptr_t)HOST_DATA;
    struct host_state s = {.rip = HOST_CODE, .rflags = c->rflags};

    memcpy(s.gpr, c->gpr, sizeof(s.gpr));
    set_pointers(s.gpr, HOST_DATA);
    put_data(c, data);
    host_load(code, assemble(c, code), 64);
    host_run(&s, 64);
    if (s.vector >= 0) /* the registers are as they were at the exception */
        __asm__ volatile("fxsave %0"
                         : "=m"(*(uint8_t(*)[512])(data + FLOAT_AFTER)));
    __asm__ volatile("fninit; ldmxcsr %0" : : "m"((uint32_t){0x1F80}));
    memcpy(o->gpr, s.gpr, sizeof(s.gpr));
    clear_pointers(o->gpr, HOST_DATA);
    o->rflags = s.rflags & HOST_FLAGS;
    o->vector = s.vector;
    get_data(o, data);
}
#else
static void run_host(const struct float_case *c, struct outcome *o)
{
    (void)c;
    memset(o, 0, sizeof(*o));
}
#endif

/* ---- On ours ---- */

static struct x86_bare *make_machine(void)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);

    m->cpu.state.cr0 |= X86_CR0_NE;
    m->cpu.state.cr4 |= 0x600; /* OSFXSR, OSXMMEXCPT */
    x86_mode_changed(&m->cpu);
    return m;
}

static void run_machine(struct x86_bare *m, const struct float_case *c,
                        struct outcome *o)
{
    uint8_t code[64], *data = m->storage + BARE_DATA;
    struct x86_cpu *cpu = &m->cpu;
    size_t size = assemble(c, code);
    bool faulted = false;

    x86_code_written(cpu, BARE_CODE, sizeof(code));
    memcpy(m->storage + BARE_CODE, code, size);
    memcpy(cpu->state.gpr, c->gpr, sizeof(c->gpr));
    set_pointers(cpu->state.gpr, BARE_DATA);
    put_data(c, data);
    x86_flags_set(cpu, c->rflags);
    cpu->state.rip = BARE_CODE;
    o->vector = -1;
    if (x86_try(cpu) == X86_FAULT) {
        o->vector = 1000;
        return;
    }
    faulted = x86_try(cpu) == X86_FAULT;
    if (faulted)
        o->vector = cpu->fault.vector;
    memcpy(o->gpr, cpu->state.gpr, sizeof(o->gpr));
    set_pointers(cpu->state.gpr, BARE_DATA);
    cpu->state.rip = BARE_CODE + sizeof(before) + c->size;
    if (x86_try(cpu) == X86_FAULT)
        o->vector = 1001;
    clear_pointers(o->gpr, BARE_DATA);
    o->rflags = x86_flags_get(cpu) & HOST_FLAGS;
    get_data(o, data);
}

/* ---- Compared ---- */

/* The pointers and the opcode: not every processor keeps them without an
 * exception. */
static void forget(struct outcome *o)
{
    memset(o->image + 6, 0, 18);
    memset(o->image + 28, 0, 4);
    memset(o->image + 416, 0, 96);
    for (unsigned i = 0; i < 8; i++)
        memset(o->image + 32 + 16 * i + 10, 0, 6);
}

static bool is_near80(const uint8_t *a, const uint8_t *b)
{
    uint64_t x = load_le64(a), y = load_le64(b);
    unsigned ex = load_le16(a + 8), ey = load_le16(b + 8);

    if (ex == ey)
        return x - y + 1 <= 2;
    return (ex == ey + 1 && x == UINT64_C(1) << 63 && y == UINT64_MAX) ||
           (ey == ex + 1 && y == UINT64_C(1) << 63 && x == UINT64_MAX) ||
           (ex + ey == 1 && x - y + 1 <= 2); /* the least normal number */
}

/* One unit of the last place, in each register; C1; PE, which some processors
 * raise for exact results too (FYL2X of a power of 2). */
static bool forgive_near(struct outcome *a, const struct outcome *b)
{
    bool near = false;

    for (unsigned i = 0; i < 8; i++) {
        uint8_t *x = a->image + 32 + 16 * i;
        const uint8_t *y = b->image + 32 + 16 * i;

        if (memcmp(x, y, 10) && is_near80(x, y)) {
            memcpy(x, y, 10);
            near = true;
        }
    }
    a->image[3] = (uint8_t)((a->image[3] & ~2) | (b->image[3] & 2));
    unsigned more = b->image[2] & ~a->image[2]; /* PE, and UE and ES by it */

    if ((more & 0x20) && !(more & ~0xB0u) && !(a->image[2] & ~b->image[2])) {
        a->image[2] = b->image[2];
        a->image[3] = (uint8_t)((a->image[3] & 0x7F) | (b->image[3] & 0x80));
    }
    return near;
}

/* An incomplete reduction: how far it goes is each processor's own. */
static void forgive_part(struct outcome *a, const struct outcome *b)
{
    if ((a->image[3] & 4) && (b->image[3] & 4)) {
        memcpy(a->image + 32, b->image + 32, 16);
        memcpy(a->image + 2, b->image + 2, 2);
    }
}

/* Approximations: 12 bits of relative error (SDM vol. 2, RCPPS). */
static void forgive_rcp(struct outcome *a, const struct outcome *b)
{
    for (unsigned i = 160; i < 416; i += 4) {
        uint32_t x = load_le32(a->image + i), y = load_le32(b->image + i);

        bool tiny =
            (x & 0x7FFFFFFF) <= 0x801800 && (y & 0x7FFFFFFF) <= 0x801800;

        if (x - y + 0x1800 <= 0x3000 || (tiny && !((x ^ y) >> 31)))
            store_le32(a->image + i, y);
    }
}

/* x87 comparisons that an unmasked exception stops: the manual leaves the
 * condition codes and flags as they are (SDM vol. 2, FCOM, FCOMI), some
 * processors say "unordered".  C1 of FCOMI is 0, or as it was. */
static void forgive_comparison(struct outcome *a, struct outcome *b)
{
    unsigned mask = 0xBD; /* of the upper byte of the status word */

    if ((load_le16(b->image + 2) & 0x80)) {
        mask &= ~0x45u;
        a->rflags = b->rflags;
    }
    a->image[3] &= (uint8_t)mask;
    b->image[3] &= (uint8_t)mask;
}

/* Is this case beyond what the manual defines?  F2XM1 and FYL2XP1 out of their
 * range; a denormal number that FLD is not to load, but some processors do. */
static bool is_open(const struct float_case *c, const struct outcome *ours)
{
    unsigned exponent = load_le16(c->image + 32 + 8) & 0x7FFF;
    unsigned unmasked = (unsigned)~c->image[0] & ours->image[2];

    if (c->row->how & OPEN)
        return (c->row->modrm == 0xF0 ? exponent >= 0x3FFF
                                      : exponent >= 0x3FFD) &&
               exponent != 0x7FFF;
    return (c->row->how & LOAD) && (unmasked & 2);
}

static bool same(const struct float_case *c, struct outcome *ours,
                 struct outcome *host, struct float_count *count)
{
    forget(ours);
    forget(host);
    if (c->row->how & NEAR) {
        if (forgive_near(ours, host))
            count->near++;
        else
            count->exact++;
    }
    if (is_open(c, ours))
        return true;
    if (c->row->how & COMP)
        forgive_comparison(ours, host);
    if (c->row->how & PART)
        forgive_part(ours, host);
    if (c->row->how & RCP)
        forgive_rcp(ours, host);
    if (ours->vector != host->vector)
        return false;
    return !memcmp(ours->gpr, host->gpr, sizeof(ours->gpr)) &&
           ours->rflags == host->rflags &&
           !memcmp(ours->operand, host->operand, FLOAT_OPERAND) &&
           !memcmp(ours->image, host->image, 512);
}

/* ---- Told ---- */

static void tell_bytes(const char *what, const uint8_t *ours,
                       const uint8_t *host, const uint8_t *start, unsigned n)
{
    const uint8_t *all[] = {start, ours, host};
    static const char *const names[] = {"was", "ours", "host"};

    if (!memcmp(ours, host, n))
        return;
    for (unsigned k = 0; k < 3; k++) {
        fprintf(stderr, "  %-8s %-5s", what, names[k]);
        for (unsigned i = n; i-- > 0;)
            fprintf(stderr, "%02X", all[k][i]);
        fprintf(stderr, "\n");
    }
}

static void tell_source(const struct float_case *c)
{
    unsigned top = c->image[3] >> 3 & 7;

    fprintf(stderr, "  control %04X status %04X top %u full %02X mxcsr %08X\n",
            load_le16(c->image), load_le16(c->image + 2), top, c->image[4],
            load_le32(c->image + 24));
    for (unsigned i = 0; i < 2; i++)
        fprintf(stderr, "  st%u %04X %016" PRIX64 "\n", i,
                load_le16(c->image + 32 + 16 * i + 8),
                load_le64(c->image + 32 + 16 * i));
    fprintf(stderr, "  operand %016" PRIX64 " %016" PRIX64 "\n",
            load_le64(c->operand + 8), load_le64(c->operand));
}

static void tell_case(const struct float_case *c, const struct outcome *ours,
                      const struct outcome *host)
{
    char name[8];

    fprintf(stderr, "%s:", c->row->name);
    for (unsigned i = 0; i < c->size; i++)
        fprintf(stderr, " %02X", c->code[i]);
    fprintf(stderr,
            "  vector %d, host %d; flags %" PRIX64 ", host %" PRIX64 "\n",
            ours->vector, host->vector, ours->rflags, host->rflags);
    tell_source(c);
    tell_bytes("control", ours->image, host->image, c->image, 2);
    tell_bytes("status", ours->image + 2, host->image + 2, c->image + 2, 2);
    tell_bytes("tag", ours->image + 4, host->image + 4, c->image + 4, 1);
    tell_bytes("mxcsr", ours->image + 24, host->image + 24, c->image + 24, 4);
    for (unsigned i = 0; i < 24; i++) {
        unsigned at = 32 + 16 * i;

        snprintf(name, sizeof(name), i < 8 ? "st%u" : "xmm%u",
                 i < 8 ? i : i - 8);
        tell_bytes(name, ours->image + at, host->image + at, c->image + at,
                   i < 8 ? 10 : 16);
    }
    tell_bytes("operand", ours->operand, host->operand, c->operand, 64);
    for (unsigned i = 0; i < 16; i++)
        if (ours->gpr[i] != host->gpr[i])
            fprintf(stderr, "  gpr %u %" PRIX64 ", host %" PRIX64 "\n", i,
                    ours->gpr[i], host->gpr[i]);
}

/* ---- All ---- */

static void compare_all(uint64_t seed, uint64_t cases, unsigned tell,
                        const char *only, struct float_count *count)
{
    const struct float_row *rows;
    size_t n = float_rows(&rows), row = 0;
    struct x86_bare *m = make_machine();
    struct case_random random = {seed};
    struct outcome ours, host;
    struct float_case c;

    count->rows = (unsigned)n;
    while (count->cases < cases) {
        const struct float_row *r = &rows[row++ % n];

        if (only && strncmp(r->name, only, strlen(only)))
            continue;
        float_make(&c, &random, r);
        memset(&ours, 0, sizeof(ours));
        run_host(&c, &host);
        run_machine(m, &c, &ours);
        count->cases++;
        count->faults += host.vector >= 0;
        if (same(&c, &ours, &host, count))
            continue;
        if (count->differences++ < tell)
            tell_case(&c, &ours, &host);
    }
    x86_bare_free(m);
}

const char *float_compare(uint64_t seed, uint64_t cases, unsigned tell,
                          const char *only, struct float_count *count)
{
    struct float_count *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t child;

    if (shared == MAP_FAILED)
        return "mmap failed";
    child = fork();
    if (child == 0) {
        if (host_open())
            _exit(77);
        compare_all(seed, cases, tell, only, shared);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return "fork failed";
    *count = *shared;
    munmap(shared, sizeof(*shared));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return "this host cannot run code of x86-64 at fixed addresses";
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        count->differences++;
    return NULL;
}
