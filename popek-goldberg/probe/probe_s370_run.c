/* One System/370 instruction, run from a state of the probe. */
#include "popek-goldberg/probe/probe_s370_state.h"

#include "base/bytes.h"
#include "s370/machine/access.h"
#include "s370/machine/channel.h"
#include "s370/machine/subchannel.h"

#include <stdlib.h>
#include <string.h>

/* Real storage: blocks 2 to 11 are frames of the window when it is
 * translated; behind them the tables, twice, with the page tables behind the
 * segment tables; two blocks that an old and a new translation of one page
 * beyond the window lead to; a channel program. */
enum {
    BYTES = PG_BYTES,
    TABLES = 0x6000,
    TABLES_APART = 0x100,
    PAGES = 0x40,
    OLD_BLOCK = 13,
    NEW_BLOCK = 14,
    BEYOND = 8, /* that page */
    CCW = 0x7800,
    LATENCY = 50
};

static void run_step(void *of, struct s370_cpu *cpu,
                     struct s370_interruption *in)
{
    (void)of;
    s370_step(cpu, in);
}

static void run_fast(void *of, struct s370_cpu *cpu,
                     struct s370_interruption *in)
{
    (void)of;
    s370_run(cpu, 1, in);
}

const struct pg_s370_machine pg_s370_step = {run_step, NULL};
const struct pg_s370_machine pg_s370_run = {run_fast, NULL};

/* ---- A device ---- */

static struct s370_start start(struct s370_device *d, uint8_t command,
                               bool chained)
{
    enum { ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END };

    (void)d, (void)chained;
    if (command == 0x03) /* no-operation */
        return (struct s370_start){.status = ENDED};
    if (command == 0x07)
        return (struct s370_start){.status = S370_UNIT_CHANNEL_END,
                                   .latency = LATENCY};
    return (struct s370_start){.latency = LATENCY};
}

static uint8_t finish(struct s370_device *d, uint8_t command, uint8_t *record,
                      uint32_t *len)
{
    (void)d;
    if (command == 0x02) {
        memset(record, 0x5A, 8);
        *len = 8;
    }
    return S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
}

static void destroy(struct s370_device *d)
{
    free(d);
}

static const struct s370_device_ops device_ops = {
    .type = "probe", .start = start, .finish = finish, .destroy = destroy};
static const uint16_t device_at[PG_DEVICES] = {0x010, 0x130};

/* ---- The bench ---- */

static uint32_t absolute(const struct pg_state *s, uint32_t real)
{
    return s370_real_to_absolute(real, s->cpu.prefix);
}

static uint8_t *block_at(struct pg_bench *b, const struct pg_state *s,
                         unsigned real_block)
{
    return b->bytes + absolute(s, real_block * S370_BLOCK);
}

static void set_pages(struct pg_bench *b, const struct pg_state *s,
                      unsigned beyond)
{
    uint8_t *tables = block_at(b, s, TABLES / S370_BLOCK);

    for (unsigned copy = 0; copy < 2; copy++) {
        uint32_t at = copy * TABLES_APART;

        for (unsigned i = 0; i < 16; i++) /* one segment of 64K */
            store_be32(tables + at + 4 * i,
                       i ? 1 : 0xF0000000 | (TABLES + at + PAGES));
        for (unsigned i = 0; i < 32; i++) {
            unsigned frame = i < PG_WINDOW_BLOCKS ? s->frame[i] : beyond;
            bool valid = i < PG_WINDOW_BLOCKS || i == BEYOND;
            store_be16(tables + at + PAGES + 2 * i,
                       valid ? (uint16_t)(frame << 3) : 4);
        }
    }
}

/* The same real storage whatever the prefix is, and the same window wherever
 * its frames are. */
static void compose(struct pg_bench *b, const struct pg_state *s)
{
    struct pg_random noise = {0x370};

    for (unsigned i = 0; i < PG_BLOCKS; i++) {
        memset(block_at(b, s, i), (int)pg_random_below(&noise, 256),
               S370_BLOCK);
        b->keys[absolute(s, i * S370_BLOCK) / S370_BLOCK] = s->keys[i];
    }
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++) {
        memcpy(block_at(b, s, s->frame[i]), s->window + i * S370_BLOCK,
               S370_BLOCK);
        b->keys[absolute(s, s->frame[i] * S370_BLOCK) / S370_BLOCK] =
            s->window_keys[i];
    }
    b->keys[absolute(s, OLD_BLOCK * S370_BLOCK) / S370_BLOCK] = 0;
    b->keys[absolute(s, NEW_BLOCK * S370_BLOCK) / S370_BLOCK] = 0;
    set_pages(b, s, OLD_BLOCK);
    store_be32(block_at(b, s, 0) + S370_PSA_CAW, s->io ? CCW : 0x01000000);
    store_be64(block_at(b, s, CCW / S370_BLOCK),
               (uint64_t)s->command << 56 | (uint64_t)(CCW + 64) << 32 |
                   UINT64_C(0x20000008));
}

/* ---- Channels ---- */

/* The device that the situation is of: the addressed one, or the one on its
 * channel. */
static unsigned concerned(const struct pg_state *s)
{
    return s->device >= device_at[1];
}

static enum status attach(struct pg_bench *b, const struct pg_state *s)
{
    for (unsigned i = 0; i < PG_DEVICES; i++) {
        if (s->channels == PG_ABSENT && i == concerned(s))
            continue;
        struct s370_device *d = calloc(1, sizeof(*d));
        if (!d)
            return STATUS_NO_MEMORY;
        d->ops = &device_ops;
        d->address = device_at[i];
        d->sense_len = 1;
        enum status st = s370_channels_attach(b->channels, d, NULL);
        if (st)
            return st;
    }
    return STATUS_OK;
}

/* Bring the device into the situation of the state by what a program would
 * do. */
static void channels(struct pg_bench *b, const struct pg_state *s)
{
    uint16_t device = device_at[concerned(s)];
    uint8_t *command = block_at(b, s, CCW / S370_BLOCK);

    s370_channels_prefix(b->channels, s->cpu.prefix);
    s370_channels_multiplex(b->channels,
                            s->cpu.cr[0] & S370_CR0_BLOCK_MULTIPLEX);
    memcpy(b->image, b->bytes, BYTES);
    *command = 0x02;
    if (s->channels == PG_ENDED)
        b->clock.now -= 4 * LATENCY;
    if (s->channels == PG_WORKING || s->channels == PG_ENDED)
        (void)s370_sio(b->channels, device);
    if (s->channels == PG_ENDED)
        clock_advance(&b->clock, 4 * LATENCY);
    if (s->channels == PG_ATTENTION)
        s370_device_attention(s370_channels_find(b->channels, device),
                              S370_UNIT_ATTENTION);
    memcpy(b->bytes, b->image, BYTES);
}

static void look_at_devices(const struct pg_bench *b, struct pg_view *v)
{
    memset(v->devices, 0, sizeof(v->devices));
    for (unsigned i = 0; b->channels && i < PG_DEVICES; i++) {
        const struct subchannel *sub =
            subchannel_find(b->channels, device_at[i]);

        if (!sub)
            continue;
        v->devices[i].state = sub->state;
        v->devices[i].phase = sub->phase;
        v->devices[i].next = sub->next;
        v->devices[i].key = sub->key;
        v->devices[i].unit = sub->unit_status;
        v->devices[i].channel = sub->channel_status;
        v->devices[i].device = sub->device_status;
        v->devices[i].busy = sub->device_busy;
        v->devices[i].halted = sub->halted;
        v->devices[i].pci = sub->pci;
        v->devices[i].deferred = sub->deferred;
    }
}

/* ---- A run ---- */

/* What an access through a translation finds that was made before the tables
 * were changed: the old block unless somebody has emptied the buffer.  Asked
 * after an instruction that has left the PSW's masks and key alone. */
static uint8_t translated(struct pg_bench *b)
{
    uint8_t found = 0;

    s370_context_changed(&b->cpu);
    return s370_load8(&b->cpu, BEYOND * S370_BLOCK, &found) ? 0 : found;
}

static void look(struct pg_bench *b, const struct pg_state *s,
                 struct pg_view *v)
{
    v->cpu = b->cpu;
    memcpy(v->bytes, b->bytes, BYTES);
    memcpy(v->keys, b->keys, sizeof(v->keys));
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        memcpy(v->window + i * S370_BLOCK, block_at(b, s, s->frame[i]),
               S370_BLOCK);
    look_at_devices(b, v);
    v->stale = 0;
}

static enum status set_up(struct pg_bench *b, const struct pg_state *s)
{
    b->storage = (struct s370_storage){b->bytes, b->keys, BYTES};
    clock_init(&b->clock);
    b->clock.now = s->now;
    compose(b, s);
    enum status st = STATUS_OK;

    s370_cpu_init(&b->cpu, &b->storage, &b->clock, NULL);
    if (s->io) {
        b->channels = s370_channels_new(&b->storage, &b->clock, NULL, 0);
        st = b->channels ? attach(b, s) : STATUS_NO_MEMORY;
        if (!st)
            channels(b, s);
    }
    b->cpu.channels = b->channels;
    memcpy(b->cpu.gr, s->cpu.gr, sizeof(b->cpu.gr));
    memcpy(b->cpu.fpr, s->cpu.fpr, sizeof(b->cpu.fpr));
    memcpy(b->cpu.cr, s->cpu.cr, sizeof(b->cpu.cr));
    b->cpu.psw = s->cpu.psw;
    b->cpu.prefix = s->cpu.prefix;
    b->cpu.timers = s->cpu.timers;
    b->cpu.cpuid = s->cpu.cpuid;
    b->cpu.address = s->cpu.address;
    return st;
}

static void execute(struct pg_bench *b, const struct pg_state *s,
                    const struct pg_s370_machine *m, struct pg_run *run)
{
    const struct s370_psw *p = &b->cpu.psw;
    bool dat = pg_state_translated(s);
    uint8_t old = dat ? translated(b) : 0;

    set_pages(b, s, NEW_BLOCK);
    for (unsigned i = 0; i < PG_WINDOW_BLOCKS; i++)
        run->inside[absolute(s, s->frame[i] * S370_BLOCK) / S370_BLOCK] = true;
    look(b, s, &run->before);
    run->before.stale = old;
    m->step(m->of, &b->cpu, &run->in);
    look(b, s, &run->after);
    run->after.stale = old;
    if (dat && run->in.class == S370_INT_NONE && p->key == s->cpu.psw.key &&
        p->ec && p->system_mask == s->cpu.psw.system_mask)
        run->after.stale = translated(b);
}

enum status pg_run(const struct pg_state *s,
                   const struct pg_s370_machine *machine, struct pg_run *run)
{
    struct pg_bench *b = &run->bench;

    b->channels = NULL;
    enum status st = set_up(b, s);
    memset(&run->in, 0, sizeof(run->in));
    memset(run->inside, 0, sizeof(run->inside));
    if (!st)
        execute(b, s, machine, run);
    if (b->channels)
        s370_channels_free(b->channels);
    return st;
}
