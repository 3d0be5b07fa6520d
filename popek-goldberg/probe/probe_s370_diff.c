/* What an instruction changed, and what two runs of it gave. */
#include "popek-goldberg/probe/probe_s370_state.h"

#include "base/bytes.h"

#include <string.h>

static const struct pg_difference nothing = {.part = PG_PARTS};

/* ---- Registers ---- */

uint64_t pg_register(const struct s370_cpu *cpu, const struct reg_desc *reg)
{
    const uint8_t *at = (const uint8_t *)cpu + reg->offset;
    uint64_t v64;
    uint32_t v32;

    if (reg->bits == 8)
        return *at;
    if (reg->bits == 32) {
        memcpy(&v32, at, sizeof(v32));
        return v32;
    }
    memcpy(&v64, at, sizeof(v64));
    return v64;
}

/* Condition code and program mask belong to the program, like the general
 * registers; every other field of the PSW but the instruction address is the
 * supervisor's. */
static bool is_result(const struct reg_desc *reg)
{
    return reg->group == S370_REGS_GR || reg->group == S370_REGS_FPR ||
           reg->id == S370_REG_PSW_CC || reg->id == S370_REG_PSW_PM ||
           reg->id == S370_REG_PSW_IA;
}

static struct pg_difference registers(const struct s370_cpu *a,
                                      const struct s370_cpu *b, bool results)
{
    for (size_t i = 0; i < s370_regs.count; i++) {
        const struct reg_desc *reg = &s370_regs.rows[i];
        uint64_t was = pg_register(a, reg), is = pg_register(b, reg);

        if (is_result(reg) == results && was != is)
            return (struct pg_difference){(uint8_t)reg->id, 0, was, is};
    }
    return nothing;
}

static uint64_t signals(const struct s370_cpu *cpu)
{
    const struct s370_timers *t = &cpu->timers;

    return (uint64_t)t->call_pending | (uint64_t)t->emergency_pending << 1 |
           (uint64_t)t->signal_pending << 2 | (uint64_t)t->key_pending << 3 |
           (uint64_t)t->interval_pending << 4;
}

static uint64_t stopped(const struct s370_cpu *cpu)
{
    return (uint64_t)cpu->stopped | (uint64_t)cpu->restart_pending << 1;
}

static struct pg_difference differs(unsigned part, uint64_t a, uint64_t b)
{
    return a == b ? nothing : (struct pg_difference){(uint8_t)part, 0, a, b};
}

/* What the supervisor has and regs.def does not list. */
static struct pg_difference resources(const struct pg_view *a,
                                      const struct pg_view *b)
{
    const struct pg_difference found[] = {
        differs(PG_TOD_SET, a->cpu.timers.tod_set, b->cpu.timers.tod_set),
        differs(PG_SIGNALS, signals(&a->cpu), signals(&b->cpu)),
        differs(PG_STOPPED, stopped(&a->cpu), stopped(&b->cpu)),
        differs(PG_CPU_ID, a->cpu.cpuid, b->cpu.cpuid),
        differs(PG_CPU_ADDRESS, a->cpu.address, b->cpu.address),
    };

    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        if (found[i].part != PG_PARTS)
            return found[i];
    return nothing;
}

/* ---- Storage ---- */

static struct pg_difference bytes(unsigned part, const uint8_t *a,
                                  const uint8_t *b, uint32_t at, uint32_t len)
{
    if (!memcmp(a + at, b + at, len))
        return nothing;
    while (a[at] == b[at])
        at++;
    return (struct pg_difference){(uint8_t)part, at, a[at], b[at]};
}

static struct pg_difference outside(const struct pg_run *run)
{
    struct pg_difference d = nothing;

    for (uint32_t i = 0; i < PG_BLOCKS && d.part == PG_PARTS; i++)
        if (!run->inside[i])
            d = bytes(PG_OUTSIDE, run->before.bytes, run->after.bytes,
                      i * S370_BLOCK, S370_BLOCK);
    return d;
}

/* The machine sets reference and change bits by itself at every access, so
 * that a bit which came on proves nothing; one that went off does. */
static struct pg_difference keys(const struct pg_run *run)
{
    const uint8_t protection = S370_KEY_ACCESS | S370_KEY_FETCH;

    for (uint32_t i = 0; i < PG_BLOCKS; i++) {
        uint8_t was = run->before.keys[i], is = run->after.keys[i];

        if ((was ^ is) & protection)
            return (struct pg_difference){PG_STORAGE_KEYS, i, was, is};
        if (was & ~is)
            return (struct pg_difference){PG_REFERENCE, i, was, is};
    }
    return nothing;
}

bool pg_records(const struct pg_run *run)
{
    return memcmp(run->before.keys, run->after.keys, PG_BLOCKS) != 0;
}

static struct pg_difference devices(const struct pg_run *run)
{
    for (uint32_t i = 0; i < PG_DEVICES; i++) {
        const struct pg_device_view *a = &run->before.devices[i];
        const struct pg_device_view *b = &run->after.devices[i];

        if (memcmp(a, b, sizeof(*a)) != 0)
            return (struct pg_difference){PG_CHANNELS, i,
                                          (uint64_t)a->state << 8 | a->device,
                                          (uint64_t)b->state << 8 | b->device};
    }
    return nothing;
}

/* ---- The questions ---- */

struct pg_difference pg_control(const struct pg_run *run)
{
    struct pg_difference d =
        registers(&run->before.cpu, &run->after.cpu, false);

    if (d.part == PG_PARTS)
        d = resources(&run->before, &run->after);
    if (d.part == PG_PARTS)
        d = keys(run);
    if (d.part == PG_PARTS)
        d = devices(run);
    if (d.part == PG_PARTS)
        d = outside(run);
    return d.part == PG_PARTS
               ? differs(PG_TRANSLATION, run->before.stale, run->after.stale)
               : d;
}

bool pg_keeps(const struct pg_run *run)
{
    unsigned part = pg_control(run).part;

    return part == PG_PARTS || part == PG_TRANSLATION;
}

struct pg_difference pg_results(const struct pg_run *a, const struct pg_run *b)
{
    struct pg_difference d = registers(&a->after.cpu, &b->after.cpu, true);

    if (d.part != PG_PARTS)
        return d;
    return bytes(PG_WINDOW, a->after.window, b->after.window, 0,
                 PG_WINDOW_SIZE);
}

uint64_t pg_trap(const struct pg_run *run)
{
    return (uint64_t)run->in.class << 16 | run->in.code;
}

bool pg_memory_trap(const struct pg_run *run)
{
    switch (run->in.class == S370_INT_PROGRAM ? run->in.code : 0) {
    case S370_PGM_PROTECTION:
    case S370_PGM_ADDRESSING:
    case S370_PGM_SEGMENT_TRANSLATION:
    case S370_PGM_PAGE_TRANSLATION:
    case S370_PGM_TRANSLATION_SPEC:
        return true;
    default:
        return false;
    }
}
