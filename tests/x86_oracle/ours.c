/* Our processor with 16 MiB of storage, the image as a ROM at the end of the
 * first 4 GiB, and two ports. */
#include "tests/x86_oracle/machine.h"
#include "x86vmm/machine/cpu.h"

#include <stdlib.h>

enum {
    STORAGE = 16 << 20,
    QUIET = 5000000 /* instructions without a word: it waits for ever */
};

struct ours {
    struct x86_cpu cpu;
    struct mem_map mem;
    struct bus bus;
    struct clock clock;
    uint8_t *storage;
    char *text;
    size_t length, room;
    uint64_t heard; /* instructions when it last printed */
    bool ended;
};

static void text_io(void *who, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    struct ours *m = who;

    (void)offset;
    (void)size;
    if (!write)
        return;
    if (m->length + 1 >= m->room) {
        m->room = 2 * m->room + 65536;
        m->text = realloc(m->text, m->room);
        if (!m->text)
            abort();
    }
    m->text[m->length++] = (char)*value;
    m->heard = m->cpu.ran;
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
