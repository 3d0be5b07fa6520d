/* Subchannels: their states, when they are stepped, who interrupts next; and
 * the making and ending of all. */
#include "s370/machine/subchannel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Scheduling ---- */

static void step_due(void *owner, uint64_t arg);

void channels_arm(struct s370_channels *ch)
{
    uint64_t due = CLOCK_NEVER;

    for (unsigned c = 0; c < CHANNELS; c++)
        for (struct subchannel *s = ch->channel[c].first; s; s = s->sibling)
            if (s->due < due)
                due = s->due;
    if (due == ch->armed)
        return;
    if (ch->armed != CLOCK_NEVER)
        clock_cancel(ch->clock, step_due, ch);
    ch->armed = due;
    if (due == CLOCK_NEVER)
        return;
    uint64_t now = ch->clock->now;
    enum status st =
        clock_after(ch->clock, due > now ? due - now : 0, step_due, ch, 0);
    assert(st == STATUS_OK && "the channels need one event of their clock");
    (void)st;
}

static struct subchannel *first_due(struct s370_channels *ch)
{
    struct subchannel *best = NULL;

    for (unsigned c = 0; c < CHANNELS; c++)
        for (struct subchannel *s = ch->channel[c].first; s; s = s->sibling)
            if (s->due <= ch->clock->now && (!best || s->due < best->due))
                best = s;
    return best;
}

static void step_due(void *owner, uint64_t arg)
{
    struct s370_channels *ch = owner;
    struct subchannel *sub;

    (void)arg;
    ch->armed = CLOCK_NEVER; /* the clock has dropped the event */
    while ((sub = first_due(ch))) {
        sub->due = CLOCK_NEVER;
        ccw_step(sub);
    }
    channels_arm(ch);
}

void subchannel_schedule(struct subchannel *sub, uint64_t delay)
{
    uint64_t now = sub->channels->clock->now;

    sub->due = now + (delay ? delay : 1);
    channels_arm(sub->channels);
}

/* ---- State ---- */

struct channel *subchannel_channel(const struct subchannel *sub)
{
    return &sub->channels->channel[sub->device->address >> 8 & 0xF];
}

/* One channel program at a time for the whole channel? */
static bool is_shared(const struct s370_channels *ch, const struct channel *c)
{
    return c->type == S370_CHANNEL_SELECTOR ||
           (c->type == S370_CHANNEL_BLOCK_MULTIPLEXOR && !ch->multiplexing);
}

bool subchannel_channel_working(const struct s370_channels *ch,
                                const struct channel *c)
{
    return is_shared(ch, c) && c->owner &&
           c->owner->state == SUBCHANNEL_WORKING;
}

/* Does another device hold the subchannel that this one would use? */
bool subchannel_taken(const struct subchannel *sub)
{
    const struct channel *c = subchannel_channel(sub);

    return is_shared(sub->channels, c) && c->owner && c->owner != sub;
}

/* Would this subchannel, or its device, interrupt if it could? */
static bool interrupts(const struct subchannel *sub)
{
    if (sub->state == SUBCHANNEL_WORKING)
        return sub->pci;
    if (sub->state == SUBCHANNEL_PENDING)
        return true;
    return sub->device_status && !subchannel_taken(sub);
}

struct subchannel *subchannel_first_interrupting(const struct channel *c)
{
    struct subchannel *best = NULL;

    for (struct subchannel *s = c->first; s; s = s->sibling)
        if (interrupts(s) && (!best || s->order < best->order))
            best = s;
    return best;
}

void subchannel_note_pending(struct s370_channels *ch, const struct channel *c)
{
    uint16_t bit = (uint16_t)(0x8000u >> (c - ch->channel));

    if (subchannel_first_interrupting(c))
        ch->pending |= bit;
    else
        ch->pending &= (uint16_t)~bit;
}

void subchannel_raise(struct subchannel *sub)
{
    sub->order = ++sub->channels->order;
    subchannel_note_pending(sub->channels, subchannel_channel(sub));
}

/* Work from now on, with the one subchannel of a shared channel if it is one:
 * the status of its other devices has to wait. */
void subchannel_occupy(struct subchannel *sub)
{
    struct channel *c = subchannel_channel(sub);

    sub->state = SUBCHANNEL_WORKING;
    if (is_shared(sub->channels, c))
        c->owner = sub;
    subchannel_note_pending(sub->channels, c);
}

void subchannel_clear(struct subchannel *sub)
{
    struct channel *c = subchannel_channel(sub);

    sub->state = SUBCHANNEL_AVAILABLE;
    sub->pci = sub->halted = false;
    sub->unit_status = sub->channel_status = sub->deferred = 0;
    if (!sub->device_busy)
        sub->due = CLOCK_NEVER;
    if (c->owner == sub)
        c->owner = NULL;
    subchannel_note_pending(sub->channels, c);
}

struct subchannel *subchannel_find(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *s = ch->channel[address >> 8 & 0xF].first;

    if (address & 0xF000) /* channels 16 and up: not operational */
        return NULL;
    while (s && s->device->address != (uint16_t)address)
        s = s->sibling;
    return s;
}

/* ---- Making and ending ---- */

struct s370_channels *s370_channels_new(struct s370_storage *storage,
                                        struct clock *clock,
                                        struct trace *trace, unsigned vm)
{
    struct s370_channels *ch = calloc(1, sizeof(*ch));

    if (!ch)
        return NULL;
    ch->storage = storage;
    ch->clock = clock;
    ch->trace = trace;
    ch->vm = vm;
    ch->armed = CLOCK_NEVER;
    ch->channel[0].type = S370_CHANNEL_BYTE_MULTIPLEXOR;
    for (unsigned c = 1; c < CHANNELS; c++)
        ch->channel[c].type = S370_CHANNEL_BLOCK_MULTIPLEXOR;
    return ch;
}

void s370_channels_counter(struct s370_channels *ch,
                           uint64_t (*insns)(const void *of), const void *of)
{
    ch->insns = insns;
    ch->insns_of = of;
}

void s370_channels_free(struct s370_channels *ch)
{
    if (!ch)
        return;
    clock_cancel(ch->clock, step_due, ch);
    for (unsigned c = 0; c < CHANNELS; c++) {
        struct subchannel *next = ch->channel[c].first;

        while (next) {
            struct subchannel *sub = next;

            next = sub->sibling;
            if (sub->state == SUBCHANNEL_WORKING && sub->device->ops->halt)
                sub->device->ops->halt(sub->device);
            sub->device->ops->destroy(sub->device);
            free(sub);
        }
    }
    free(ch);
}

void s370_channels_type(struct s370_channels *ch, unsigned c,
                        enum s370_channel_type type)
{
    assert(c < CHANNELS && "System/370 has channels 0 to 15");
    ch->channel[c].type = type;
}

void s370_channels_multiplex(struct s370_channels *ch, bool on)
{
    if (ch->multiplexing == on)
        return;
    ch->multiplexing = on;
    for (unsigned c = 0; c < CHANNELS; c++)
        subchannel_note_pending(ch, &ch->channel[c]);
}

enum status s370_channels_attach(struct s370_channels *ch,
                                 struct s370_device *d, struct diag *diag)
{
    struct subchannel *sub;

    if (d->address & 0xF000)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "device address %04X: channels are 0 to F", d->address);
    if (subchannel_find(ch, d->address))
        return diag_set(diag, STATUS_BAD_INPUT,
                        "device address %03X is used twice", d->address);
    sub = calloc(1, sizeof(*sub));
    if (!sub)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for device %03X",
                        d->address);
    sub->channels = ch;
    sub->device = d;
    sub->due = CLOCK_NEVER;
    d->channels = ch;
    d->subchannel = sub;
    struct subchannel **at = &ch->channel[d->address >> 8].first;
    while (*at && (*at)->device->address < d->address)
        at = &(*at)->sibling;
    sub->sibling = *at;
    *at = sub;
    return STATUS_OK;
}

struct s370_device *s370_channels_find(struct s370_channels *ch,
                                       uint16_t address)
{
    struct subchannel *sub = subchannel_find(ch, address);

    return sub ? sub->device : NULL;
}

void s370_channels_prefix(struct s370_channels *ch, uint32_t prefix)
{
    assert(prefix <= ch->storage->size - S370_BLOCK &&
           "SET PREFIX has checked the address");
    ch->prefix = prefix;
}

void s370_channels_reset(struct s370_channels *ch)
{
    for (unsigned c = 0; c < CHANNELS; c++)
        for (struct subchannel *s = ch->channel[c].first; s; s = s->sibling) {
            if (s->state == SUBCHANNEL_WORKING && s->device->ops->halt)
                s->device->ops->halt(s->device);
            s->device_busy = false;
            s->device_status = 0;
            memset(s->device->sense, 0, sizeof(s->device->sense));
            subchannel_clear(s);
        }
    channels_arm(ch);
}

/* ---- For devices ---- */

void s370_device_ready(struct s370_device *d)
{
    struct subchannel *sub = d->subchannel;

    if (sub && sub->state == SUBCHANNEL_WORKING && sub->phase == PHASE_DEVICE &&
        sub->due == CLOCK_NEVER)
        subchannel_schedule(sub, 1);
}

void s370_device_attention(struct s370_device *d, uint8_t status)
{
    struct subchannel *sub = d->subchannel;

    if (!sub)
        return;
    sub->device_status |= status;
    subchannel_raise(sub);
}
