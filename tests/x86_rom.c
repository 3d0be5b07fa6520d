#include "tests/x86_rom.h"

#include <stdlib.h>
#include <string.h>

static int no_interrupt(void *who)
{
    (void)who;
    return -1;
}

static void post(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    struct x86_rom *m = dev;

    (void)offset;
    (void)size;
    if (!write)
        return;
    m->post = (uint8_t)*value;
    if (m->posts < ROM_TRAIL)
        m->trail[m->posts++] = m->post;
}

static void text(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    struct x86_rom *m = dev;

    (void)offset;
    (void)size;
    if (!write)
        return;
    if (m->length + 1 >= m->room) {
        char *more = realloc(m->text, m->room ? 2 * m->room : 1 << 20);

        if (!more)
            abort();
        m->text = more;
        m->room = m->room ? 2 * m->room : 1 << 20;
    }
    m->text[m->length++] = (char)*value;
    m->text[m->length] = 0;
}

static bool assemble(struct x86_rom *m, size_t size, uint16_t post_port,
                     uint16_t text_port)
{
    uint64_t low = ROM_STORAGE - size;
    const struct mem_slot slots[] = {
        {.size = ROM_STORAGE - size, .host = m->storage},
        {.gpa = low,
         .size = size,
         .host = m->storage + low,
         .flags = MEM_READ_ONLY},
        {.gpa = (UINT64_C(1) << 32) - size,
         .size = size,
         .host = m->storage + low,
         .flags = MEM_READ_ONLY},
    };
    const struct bus_device ports[] = {
        {BUS_PORT, post_port, post_port, "post", post, m},
        {BUS_PORT, text_port, text_port, "text", text, m},
    };

    for (unsigned i = 0; i < ARRAY_LEN(slots); i++)
        if (mem_add(&m->mem, &slots[i]))
            return false;
    for (unsigned i = 0; i < ARRAY_LEN(ports); i++)
        if (bus_add(&m->bus, &ports[i]))
            return false;
    return true;
}

struct x86_rom *x86_rom_new(const uint8_t *rom, size_t size, uint16_t post_port,
                            uint16_t text_port)
{
    struct x86_rom *m;
    struct x86_world world;

    if (size != 0x10000 && size != 0x20000)
        return NULL;
    m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->storage = calloc(1, ROM_STORAGE);
    world = (struct x86_world){.mem = &m->mem,
                               .bus = &m->bus,
                               .clock = &m->clock,
                               .acknowledge = no_interrupt};
    clock_init(&m->clock);
    if (!m->storage || !assemble(m, size, post_port, text_port) ||
        x86_cpu_init(&m->cpu, &world)) {
        free(m->storage);
        free(m);
        return NULL;
    }
    memcpy(m->storage + ROM_STORAGE - size, rom, size);
    return m;
}

void x86_rom_free(struct x86_rom *m)
{
    x86_cpu_fini(&m->cpu);
    free(m->storage);
    free(m->text);
    free(m);
}
