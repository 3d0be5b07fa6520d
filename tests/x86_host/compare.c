#include "tests/x86_host/compare.h"

#include "base/bytes.h"
#include "tests/x86_bare.h"
#include "tests/x86_host/case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Our machine ---- */

enum {
    PHYSICAL_CODE = 0x10000,
    PHYSICAL_DATA = 0x20000,
    PHYSICAL_TABLES = 0x50000,
    DIRECTORY = X86_MODE_PAGES + 0x2000,
    USER_PAGE = 0x67, /* present, writable, the user's, accessed, dirty */
    USER_FIXED = 0x65
};

static void map_page(struct x86_bare *m, uint64_t linear, uint64_t to,
                     unsigned flags)
{
    uint64_t large = linear >> 21;
    uint64_t table = PHYSICAL_TABLES + (large & 0xF0) / 16 * 0x1000;

    store_le64(m->storage + DIRECTORY + 8 * large, table | USER_PAGE);
    store_le64(m->storage + table + 8 * (linear >> 12 & 511), to | flags);
}

static struct x86_bare *make_machine(void)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);

    memset(m->storage + DIRECTORY, 0, 4096);
    map_page(m, HOST_CODE, PHYSICAL_CODE, USER_FIXED);
    for (unsigned i = 0; i < HOST_DATA_SIZE; i += 4096)
        map_page(m, HOST_DATA + i, PHYSICAL_DATA + i, USER_PAGE);
    map_page(m, HOST_FIXED, PHYSICAL_DATA + HOST_DATA_SIZE, USER_FIXED);
    memset(m->storage + PHYSICAL_DATA + HOST_DATA_SIZE, 0x5A, HOST_FIXED_SIZE);
    m->cpu.state.efer |= X86_EFER_NXE; /* so that fetches are told */
    x86_bare_user(m);
    return m;
}

static void set_bits(struct x86_bare *m, unsigned bits)
{
    uint16_t *attr = &m->cpu.state.seg[X86_CS].attr;

    *attr &= (uint16_t) ~(X86_ATTR_L | X86_ATTR_DB);
    *attr |= bits == 64 ? X86_ATTR_L : X86_ATTR_DB;
    x86_mode_changed(&m->cpu);
}

/* How many executions of one instruction: REP may come to as many. */
enum { PATIENCE = 1 << 16 };

/* As host_run, with the undefined flags of the last instruction. */
static void run_machine(struct x86_bare *m, const struct host_case *c,
                        struct host_state *s, uint64_t *undefined)
{
    struct x86_cpu *cpu = &m->cpu;
    uint64_t last = HOST_CODE + c->last, end = HOST_CODE + c->size;
    int code = X86_NEXT;

    *undefined = 0;
    memcpy(m->storage + PHYSICAL_CODE, (const void *)(uintptr_t)HOST_CODE,
           HOST_CODE_SIZE);
    memcpy(cpu->state.gpr, c->start.gpr, sizeof(c->start.gpr));
    cpu->state.rip = c->start.rip;
    x86_flags_set(cpu, c->start.rflags);
    for (unsigned i = 0; i < PATIENCE && cpu->state.rip != end; i++) {
        if (cpu->state.rip == last)
            *undefined = case_undefined(&c->op, cpu->state.gpr);
        code = x86_try(cpu);
        if (code || c->trace)
            break;
    }
    memcpy(s->gpr, cpu->state.gpr, sizeof(s->gpr));
    s->rip = cpu->state.rip;
    s->rflags = x86_flags_get(cpu);
    s->vector = code == X86_FAULT ? cpu->fault.vector : c->trace ? 1 : -1;
    s->error = code == X86_FAULT ? cpu->fault.error : 0;
    s->cr2 = cpu->fault.cr2;
}

/* ---- Comparing ---- */

/* The kernel tells nothing of addresses of its own, which begin one page below
 * the half. */
static bool same_fault(const struct host_state *a, const struct host_state *b)
{
    if (a->vector != b->vector)
        return false;
    if (a->vector != X86_EXC_PF || a->cr2 >= UINT64_C(0x7FFFFFFFF000))
        return true;
    return a->cr2 == b->cr2 && a->error == b->error;
}

/* Two exceptions where the manual does not say what comes first, or what has
 * been done until then. */
static bool is_open(const struct x86_op *op, const struct host_state *a,
                    const struct host_state *b)
{
    if (a->vector <= 1 || b->vector <= 1)
        return false;
    switch (op->id) {
    case X86_INSN_PUSHA:
    case X86_INSN_PUSHAD:
    case X86_INSN_POPA:
    case X86_INSN_POPAD:
    case X86_INSN_ENTER:
    case X86_INSN_CALL:
    case X86_INSN_CMPSB:
    case X86_INSN_CMPSW:
    case X86_INSN_CMPSD_STRING:
    case X86_INSN_CMPSQ:
        return true;
    default:
        return false;
    }
}

static bool same_state(const struct host_state *a, const struct host_state *b,
                       const struct host_case *c, uint64_t undefined)
{
    unsigned n = c->bits == 64 ? 16 : 8;
    uint64_t mask = c->bits == 64 ? UINT64_MAX : UINT32_MAX;

    for (unsigned i = 0; i < n; i++)
        if ((a->gpr[i] ^ b->gpr[i]) & mask)
            return false;
    if (a->vector != -1 && a->rip != b->rip)
        return false;
    return !((a->rflags ^ b->rflags) & HOST_FLAGS & ~undefined);
}

static void tell_state(const char *who, const struct host_state *s)
{
    fprintf(stderr,
            "  %-6s vector %d error %x cr2 %" PRIx64 " rip %" PRIx64
            " flags %03" PRIx64 "\n   ",
            who, s->vector, s->error, s->cr2, s->rip, s->rflags & HOST_FLAGS);
    for (unsigned i = 0; i < 16; i++)
        fprintf(stderr, " %" PRIx64 "%s", s->gpr[i], i == 7 ? "\n   " : "");
    fprintf(stderr, "\n");
}

static void tell(const struct host_case *c, const struct host_state *host,
                 const struct host_state *ours, uint64_t undefined,
                 const uint8_t *data)
{
    const uint8_t *host_data = (const uint8_t *)(uintptr_t)HOST_DATA;

    fprintf(stderr, "DIFFERENT: %u-bit code%s:", c->bits,
            c->trace ? ", TF" : "");
    for (unsigned i = 0; i < c->size; i++)
        fprintf(stderr, "%s%02x", i == c->last ? " | " : " ", c->code[i]);
    fprintf(stderr, "\n  undefined %" PRIx64 "\n", undefined);
    tell_state("start", &c->start);
    tell_state("host", host);
    tell_state("ours", ours);
    for (unsigned i = 0; i < HOST_DATA_SIZE; i++)
        if (host_data[i] != data[i])
            fprintf(stderr, "  [%x] host %02x, ours %02x\n", HOST_DATA + i,
                    host_data[i], data[i]);
}

static void compare_one(struct x86_bare *m, const struct host_case *c,
                        unsigned words, struct host_count *n)
{
    uint8_t *host_data = (uint8_t *)(uintptr_t)HOST_DATA;
    uint8_t *data = m->storage + PHYSICAL_DATA;
    struct host_state host = c->start, ours = c->start;
    uint64_t undefined;

    host_load(c->code, c->size, c->bits);
    run_machine(m, c, &ours, &undefined);
    n->cases++;
    if (ours.vector == X86_EXC_PF && !(ours.error & 1) &&
        host_is_mapped(ours.cr2)) {
        n->left_out++;
        memcpy(data, host_data, HOST_DATA_SIZE);
        return;
    }
    host_run(&host, c->bits);
    n->by_id[c->op.id]++;
    n->faults += host.vector > 1;
    bool same = same_fault(&host, &ours) &&
                same_state(&host, &ours, c, undefined) &&
                !memcmp(host_data, data, HOST_DATA_SIZE);
    if (same)
        return;
    if ((undefined & X86_RESULT) || is_open(&c->op, &host, &ours))
        n->left_out++;
    else if (n->differences++ < words)
        tell(c, &host, &ours, undefined, data);
    memcpy(data, host_data, HOST_DATA_SIZE);
}

/* ---- The child ---- */

static void child(struct case_random *r, uint64_t cases, unsigned words,
                  struct host_count *n)
{
    struct x86_bare *m = make_machine();
    uint8_t *data = m->storage + PHYSICAL_DATA;
    uint8_t *host_data = (uint8_t *)(uintptr_t)HOST_DATA;
    struct host_case c;

    for (unsigned i = 0; i < HOST_DATA_SIZE; i++)
        data[i] = host_data[i] = (uint8_t)case_random(r);
    for (uint64_t i = 0; i < cases; i++) {
        unsigned bits = host_has_32() && case_random(r) >> 40 & 1 ? 32 : 64;

        set_bits(m, bits);
        case_make(&c, r, bits, data);
        memcpy(host_data, data, HOST_DATA_SIZE);
        compare_one(m, &c, words, n);
    }
    x86_bare_free(m);
}

/* Shared with the child: counts, and what went wrong before the first case. */
struct shared {
    struct host_count count;
    char why[128];
};

const char *host_compare(uint64_t seed, uint64_t cases, unsigned words,
                         struct host_count *count)
{
    static char why[128];
    struct case_random r = {seed * 2 + 1};
    struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t pid;

    if (s == MAP_FAILED)
        return "no memory";
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        const char *reason = host_open();

        alarm((unsigned)(60 + cases / 5000)); /* should it hang */
        if (reason)
            snprintf(s->why, sizeof(s->why), "%s", reason);
        else
            child(&r, cases, words, &s->count);
        fflush(NULL);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        munmap(s, sizeof(*s));
        return "no child process";
    }
    *count = s->count;
    memcpy(why, s->why, sizeof(why));
    munmap(s, sizeof(*s));
    if (status && !*why) {
        fprintf(stderr,
                "DIFFERENT: the child died, status %x, after %" PRIu64
                " cases\n",
                (unsigned)status, count->cases);
        count->differences++;
    }
    return *why ? why : NULL;
}
