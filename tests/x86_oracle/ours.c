/* Our processor with 16 MiB of storage, the image as a ROM at the end of the
 * first 4 GiB, and two ports. */
#include "tests/x86_oracle/machine.h"
#include "x86vmm/machine/cpu.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STORAGE = 16 << 20,
    /* Instructions without a word: it waits for ever.  A handler that faults
     * down a whole stack may execute 13 million. */
    QUIET = 20000000
};

struct ours {
    struct x86_cpu cpu;
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    uint8_t *storage;
    char *text;
    size_t length, room;
    uint64_t heard;          /* instructions when it last printed */
    uint32_t raiser, raises; /* a case, and how often it has raised */
    bool ended;
};

static void put(struct ours *m, char c)
{
    if (m->length + 1 >= m->room) {
        m->room = 2 * m->room + 65536;
        m->text = realloc(m->text, m->room);
        if (!m->text)
            abort();
    }
    m->text[m->length++] = c;
}

static void text_io(void *who, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    struct ours *m = who;

    (void)offset;
    (void)size;
    if (!write)
        return;
    put(m, (char)*value);
    m->heard = m->cpu.ran;
}

/* Letter X, the number of the case, and those words. */
static void put_words(struct ours *m, const uint32_t *w, unsigned n)
{
    char text[16];

    snprintf(text, sizeof(text), "X%08x", m->raiser);
    for (unsigned i = 0;; i++) {
        for (const char *p = text; *p; p++)
            put(m, *p);
        if (i == n)
            break;
        snprintf(text, sizeof(text), " %08x", w[i]);
    }
    put(m, '\n');
}

static void put_pair(uint32_t *w, uint64_t value)
{
    w[0] = (uint32_t)value;
    w[1] = (uint32_t)(value >> 32);
}

/* Something is to be delivered: of a case, not of the harness at its end. */
static void raised(void *who, const struct x86_fault *f)
{
    struct ours *m = who;
    const struct x86_state *s = &m->cpu.state;
    uint32_t number = load_le32(m->storage + PROGRESS_CASE);
    uint32_t w[OX_RAISED_WORDS] = {0};

    if (number != m->raiser)
        m->raises = 0;
    m->raiser = number;
    if (load_le32(m->storage + PROGRESS_QUIET) || m->raises >= OX_RAISES_MAX)
        return;
    w[OX_RAISED_NUMBER] = m->raises++;
    w[OX_RAISED_RECORD] = x86_real_mode(s)         ? RECORD_REAL
                          : s->efer & X86_EFER_LMA ? RECORD_64
                                                   : RECORD_32;
    w[OX_RAISED_VECTOR] = f->vector;
    w[OX_RAISED_ERROR] = f->error;
    w[OX_RAISED_CS] = s->seg[X86_CS].selector;
    put_pair(w + OX_RAISED_IP,
             f->trap || f->software ? m->cpu.next_rip : s->rip);
    w[OX_RAISED_FLAGS] = (uint32_t)x86_flags_get(&m->cpu);
    w[OX_RAISED_CR0] = (uint32_t)s->cr0;
    put_pair(w + OX_RAISED_CR2, s->cr2);
    w[OX_RAISED_CR4] = (uint32_t)s->cr4;
    w[OX_RAISED_DR6] = (uint32_t)m->cpu.dr[6];
    put_pair(w + OX_RAISED_STACK,
             s->seg[X86_SS].base + (s->gpr[X86_RSP] & m->cpu.sp_mask));
    put_pair(w + OX_RAISED_BASE, s->seg[X86_CS].base);
    for (unsigned n = 0; n < 16; n++)
        put_pair(w + OX_RAISED_GPR + 2 * n, s->gpr[n]);
    put_words(m, w, OX_RAISED_WORDS);
}

static void end_io(void *who, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    struct ours *m = who;

    (void)offset;
    (void)size;
    (void)value;
    m->ended = write;
}

static int no_interrupt(void *who)
{
    (void)who;
    return -1;
}

static struct ours *make(const struct ox_image *i)
{
    struct ours *m = calloc(1, sizeof(*m));
    struct x86_world world = {.acknowledge = no_interrupt};

    if (!m || !(m->storage = calloc(1, STORAGE)))
        abort();
    world.mem = &m->mem;
    world.bus = &m->bus;
    world.clock = &m->clock;
    world.who = m;
    if (load_le32(i->bytes + AT_PLAN + 8 - AT_IMAGE)) /* in full */
        world.delivers = raised;
    clock_init(&m->clock);
    if (mem_add(&m->mem,
                &(struct mem_slot){.size = STORAGE, .host = m->storage}) ||
        mem_add(&m->mem, &(struct mem_slot){.gpa = IMAGE_ROM,
                                            .size = IMAGE_SIZE,
                                            .host = i->bytes,
                                            .flags = MEM_READ_ONLY}) ||
        bus_add(&m->bus, &(struct bus_device){BUS_PORT, 0xE9, 0xE9, "text",
                                              text_io, m}) ||
        bus_add(&m->bus,
                &(struct bus_device){BUS_PORT, 0xF4, 0xF4, "end", end_io, m}) ||
        x86_cpu_init(&m->cpu, &world))
        abort();
    return m;
}

/* An image is tried up to where it waits for ever. */
char *ox_run_ours(const struct ox_image *i)
{
    struct ours *m = make(i);
    char *text;

    while (!m->ended && m->cpu.ran < m->heard + QUIET) {
        enum x86_outcome end = x86_run(&m->cpu, 100000);

        if (end == X86_HALT)
            break;
        if (end == X86_SHUTDOWN)
            x86_cpu_reset(&m->cpu);
    }
    text_io(m, 0, 1, true, &(uint64_t){0});
    text = m->text;
    x86_cpu_fini(&m->cpu);
    free(m->storage);
    free(m);
    return text;
}
