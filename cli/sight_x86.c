#include "cli/sight_x86.h"

#include "x86vmm/engine/model.h"

#include <stddef.h>
#include <string.h>

/* ---- Taking ---- */

static void settle_segments(struct x86_state *s)
{
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        struct x86_segment *seg = &s->seg[i];

        if (!(seg->attr & X86_ATTR_UNUSABLE))
            continue;
        seg->attr = X86_ATTR_UNUSABLE;
        seg->limit = 0;
        if (i != X86_FS && i != X86_GS) /* theirs counts in 64-bit mode */
            seg->base = 0;
    }
}

static void take_processor(struct x86_sight *s, struct x86_cpu *cpu)
{
    s->fpu = cpu->fpu;
    memcpy(s->xmm, cpu->xmm, sizeof(s->xmm));
    s->mxcsr = cpu->mxcsr;
    memcpy(s->dr, cpu->dr, sizeof(s->dr));
    s->msrs = *cpu->msrs;
    s->debugctl = cpu->debugctl;
    s->nmi_closed = cpu->nmi_blocked;
}

bool x86_sight_take(struct x86_sight *s, const struct pc_machine *m)
{
    struct x86_cpu *cpu = m->pc ? &m->pc->cpu : model_cpu(&m->vm->vcpu);

    if (!cpu)
        return false;
    s->state = m->pc ? cpu->state : *x86_vm_state(m->vm);
    if (m->pc) {
        s->state.rflags = x86_flags_between(cpu);
        s->state.interruptible =
            (s->state.rflags & X86_FLAG_IF) && !cpu->shadow;
    }
    /* of a guest's guest its monitor has a say in that, and in its time */
    bool inner = m->pc ? cpu->guest != NULL : model_is_inner(&m->vm->vcpu);
    s->open = s->state.interruptible && !inner;
    settle_segments(&s->state);
    take_processor(s, cpu);
    s->ticks = m->clock->now;
    s->tsc = inner ? 0 : s->ticks + cpu->tsc_offset;
    s->lines = m->platform->raised;
    s->wanted = x86_platform_waits(m->platform);
    s->msrs.apic_base = m->platform->apic_base;
    if (!m->pc)
        s->msrs.mcg_status = m->platform->mcg_status;
    return true;
}

/* ---- Comparing ---- */

static const struct row {
    const char *name;
    unsigned bits;
    size_t offset;
    bool shown; /* even where it is the same */
} rows[] = {
#define REG(name, group, bits, member) \
    {name, bits, offsetof(struct x86_sight, state.member), true},
#include "x86vmm/machine/regs.def"
#undef REG
#define SEEN(name, bits, member) \
    {name, bits, offsetof(struct x86_sight, member), false},
#include "cli/sight_x86.def"
#undef SEEN
};

static uint64_t value(const struct x86_sight *s, const struct row *r)
{
    const uint8_t *at = (const uint8_t *)s + r->offset;
    uint64_t v64;
    uint32_t v32;
    uint16_t v16;

    switch (r->bits) {
    case 64:
        memcpy(&v64, at, sizeof(v64));
        return v64;
    case 32:
        memcpy(&v32, at, sizeof(v32));
        return v32;
    default:
        memcpy(&v16, at, sizeof(v16));
        return v16;
    }
}

bool x86_sight_differ(const struct x86_sight *a, const struct x86_sight *b,
                      const char *const names[2], char *what, size_t cap)
{
    if (!memcmp(a, b, sizeof(*a)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        uint64_t x = value(a, r), y = value(b, r);

        if (x == y)
            continue;
        snprintf(what, cap, "%s: %llx %s, %llx %s", r->name,
                 (unsigned long long)x, names[0], (unsigned long long)y,
                 names[1]);
        return true;
    }
    return false;
}

/* ---- Printing ---- */

enum { WIDE = 17, LINE = 79 };

static void print_value(FILE *to, const struct row *r, uint64_t v)
{
    int digits = (int)r->bits / 4;

    fprintf(to, " %0*llx%*s", digits, (unsigned long long)v, WIDE - 1 - digits,
            "");
}

/* Nothing happens to it there: neither are the machines at odds about it, nor
 * has the instruction written it. */
static bool is_quiet(const struct row *r, const struct x86_sight *before,
                     const struct x86_sight *a, const struct x86_sight *b)
{
    return value(a, r) == value(b, r) &&
           (!before || !r->shown || value(before, r) == value(a, r));
}

static void print_quiet(FILE *to, const struct x86_sight *before,
                        const struct x86_sight *a, const struct x86_sight *b)
{
    char one[40];
    int column = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];

        if (!r->shown || !is_quiet(r, before, a, b))
            continue;
        int n = snprintf(one, sizeof(one), "  %s %llx", r->name,
                         (unsigned long long)value(a, r));
        if (!column)
            fprintf(to, "the same on both%s:", before ? ", as before" : "");
        if (!column || column + n > LINE) {
            putc('\n', to);
            column = 0;
        }
        fputs(one, to);
        column += n;
    }
    if (column)
        putc('\n', to);
}

void x86_sight_print(FILE *to, const struct x86_sight *before,
                     const struct x86_sight *a, const struct x86_sight *b,
                     const char *const names[2])
{
    fprintf(to, "  %-19s %-16s %-16s %s\n", "", before ? "before" : names[0],
            names[!before], before ? names[1] : "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];

        if (is_quiet(r, before, a, b))
            continue;
        fprintf(to, "  %-19s", r->name);
        if (before)
            print_value(to, r, value(before, r));
        print_value(to, r, value(a, r));
        print_value(to, r, value(b, r));
        fputs(value(a, r) == value(b, r) ? "\n" : " <--\n", to);
    }
    print_quiet(to, before, a, b);
}
