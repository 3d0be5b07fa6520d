/* Channels: the I/O instructions and the I/O interruptions.
 *
 * What the manual leaves to the model, and our choice:
 * - Every device on a byte multiplexor has a subchannel of its own, and no
 *   operation is a burst that keeps the channel from the others.
 * - A block multiplexor channel is a selector channel until CR0 bit 0 is on.
 * - Attention and a late device end stay in the device until the interruption
 *   or TEST I/O fetches them.
 * - Channel 0 interrupts before channel 1, and so on; within a channel
 *   interruptions are taken in the order in which they arose.
 *
 * Condition codes: GA22-7000, "Input/Output Operations", under each
 * instruction. */
#include "s370/machine/channel.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "s370/machine/interruption.h"
#include "s370/machine/psw.h"
#include "s370/machine/subchannel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Scheduling ---- */

static void step_due(void *owner, uint64_t arg);

static void arm(struct s370_channels *ch)
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
    arm(ch);
}

void subchannel_schedule(struct subchannel *sub, uint64_t delay)
{
    uint64_t now = sub->channels->clock->now;

    sub->due = now + (delay ? delay : 1);
    arm(sub->channels);
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

static bool channel_working(const struct s370_channels *ch,
                            const struct channel *c)
{
    return is_shared(ch, c) && c->owner &&
           c->owner->state == SUBCHANNEL_WORKING;
}

/* Does another device hold the subchannel that this one would use? */
static bool taken_by_other(const struct subchannel *sub)
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
    return sub->device_status && !taken_by_other(sub);
}

static struct subchannel *first_interrupting(const struct channel *c)
{
    struct subchannel *best = NULL;

    for (struct subchannel *s = c->first; s; s = s->sibling)
        if (interrupts(s) && (!best || s->order < best->order))
            best = s;
    return best;
}

static void note_pending(struct s370_channels *ch, const struct channel *c)
{
    uint16_t bit = (uint16_t)(0x8000u >> (c - ch->channel));

    if (first_interrupting(c))
        ch->pending |= bit;
    else
        ch->pending &= (uint16_t)~bit;
}

void subchannel_raise(struct subchannel *sub)
{
    sub->order = ++sub->channels->order;
    note_pending(sub->channels, subchannel_channel(sub));
}

/* Work from now on, with the one subchannel of a shared channel if it is one:
 * the status of its other devices has to wait. */
static void occupy(struct subchannel *sub)
{
    struct channel *c = subchannel_channel(sub);

    sub->state = SUBCHANNEL_WORKING;
    if (is_shared(sub->channels, c))
        c->owner = sub;
    note_pending(sub->channels, c);
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
    note_pending(sub->channels, c);
}

/* ---- CSW ---- */

void channels_stored(struct s370_channels *ch, uint32_t at, uint32_t len)
{
    if (ch->stored)
        ch->stored(ch->who, at, len);
}

static void store_csw(struct s370_channels *ch, const uint8_t csw[8])
{
    uint32_t at = ch->prefix + S370_PSA_CSW;

    memcpy(ch->storage->bytes + at, csw, 8);
    channels_stored(ch, at, 8);
}

/* The CSW of the operation that the subchannel has done or is doing. */
static void store_operation(struct subchannel *sub)
{
    uint8_t csw[8];

    csw[0] = (uint8_t)(sub->key << 4 | sub->deferred);
    store_be24(csw + 1, sub->next);
    csw[4] = sub->unit_status;
    csw[5] = sub->channel_status | (sub->pci ? CHANNEL_PCI : 0);
    store_be16(csw + 6, (uint16_t)sub->residual);
    store_csw(sub->channels, csw);
}

/* The device's own status; no channel program belongs to it. */
static void store_device_status(struct s370_channels *ch, uint8_t status)
{
    uint8_t csw[8] = {0};

    csw[4] = status;
    store_csw(ch, csw);
}

/* SIO, SIOF, HIO and HDV replace bits 32-47 only. */
static void store_status(struct s370_channels *ch, uint8_t unit,
                         uint8_t channel)
{
    uint32_t at = ch->prefix + S370_PSA_CSW + 4;

    ch->storage->bytes[at] = unit;
    ch->storage->bytes[at + 1] = channel;
    channels_stored(ch, at, 2);
}

/* Status that the device itself holds, fetched; busy when it owes DE. */
static uint8_t fetch_device_status(struct subchannel *sub)
{
    uint8_t status = sub->device_status;

    sub->device_status = 0;
    note_pending(sub->channels, subchannel_channel(sub));
    return status | (sub->device_busy ? S370_UNIT_BUSY : 0);
}

/* ---- Instructions ---- */

static struct subchannel *find(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *s = ch->channel[address >> 8 & 0xF].first;

    if (address & 0xF000) /* channels 16 and up: not operational */
        return NULL;
    while (s && s->device->address != (uint16_t)address)
        s = s->sibling;
    return s;
}

/* The channel's program is over before SIO was: its status goes to the CSW
 * with condition code 1, and nothing will interrupt. */
static uint8_t finish_start(struct subchannel *sub)
{
    if (sub->state != SUBCHANNEL_PENDING) {
        return 0;
    }
    store_status(sub->channels, sub->unit_status,
                 sub->channel_status | (sub->pci ? CHANNEL_PCI : 0));
    subchannel_clear(sub);
    return 1;
}

/* The CAW: key, and address of the first CCW.  False: program check. */
static bool load_caw(struct s370_channels *ch, uint8_t *key, uint32_t *at)
{
    uint32_t caw = load_be32(ch->storage->bytes + ch->prefix + S370_PSA_CAW);

    *key = (uint8_t)ibm32(caw, 0, 3);
    *at = ibm32(caw, 8, 31);
    return !ibm32(caw, 4, 7) && !(*at & 7);
}

static uint8_t start_io(struct s370_channels *ch, uint32_t address, bool fast)
{
    struct subchannel *sub = find(ch, address);
    uint8_t key;
    uint32_t at;

    if (!sub)
        return 3;
    if (sub->state != SUBCHANNEL_AVAILABLE || taken_by_other(sub))
        return 2;
    bool caw_ok = load_caw(ch, &key, &at);
    if (!caw_ok) {
        store_status(ch, 0, CHANNEL_PROGRAM_CHECK);
        return 1;
    }
    if (sub->device_status || sub->device_busy) {
        store_status(ch, fetch_device_status(sub) | S370_UNIT_BUSY, 0);
        return 1;
    }
    occupy(sub);
    if (fast &&
        subchannel_channel(sub)->type == S370_CHANNEL_BLOCK_MULTIPLEXOR) {
        sub->key = key;
        sub->next = at;
        sub->phase = PHASE_START;
        subchannel_schedule(sub, 1);
        return 0;
    }
    ccw_begin(sub, key, at);
    return finish_start(sub);
}

uint8_t s370_sio(struct s370_channels *ch, uint32_t address)
{
    return start_io(ch, address, false);
}

/* A block multiplexor channel lets the CPU go before it has selected the
 * device ("Start I/O Fast Release"), unless it knows that the device is busy
 * or has status; on the others this is SIO. */
uint8_t s370_siof(struct s370_channels *ch, uint32_t address)
{
    return start_io(ch, address, true);
}

uint8_t s370_tio(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = find(ch, address);

    if (!sub)
        return 3;
    if (taken_by_other(sub) || sub->state == SUBCHANNEL_WORKING)
        return 2;
    if (sub->state == SUBCHANNEL_PENDING) {
        store_operation(sub);
        subchannel_clear(sub);
        return 1;
    }
    if (!sub->device_status && !sub->device_busy)
        return 0;
    store_device_status(ch, fetch_device_status(sub));
    return 1;
}

uint8_t s370_clrio(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = find(ch, address);

    if (!sub)
        return 3;
    if (taken_by_other(sub))
        return 2;
    if (sub->state == SUBCHANNEL_AVAILABLE)
        return 0;
    if (sub->state == SUBCHANNEL_WORKING && sub->device->ops->halt)
        sub->device->ops->halt(sub->device);
    store_operation(sub);
    subchannel_clear(sub);
    arm(ch);
    return 1;
}

/* Tell the device to end; the ending status comes by itself. */
static void halt(struct subchannel *sub)
{
    if (sub->halted)
        return;
    sub->halted = true;
    if (sub->device_busy)
        return; /* it ends with the device end that it owes */
    if (sub->device->ops->halt)
        sub->device->ops->halt(sub->device);
    sub->phase = PHASE_HALT;
    subchannel_schedule(sub, 1);
}

uint8_t s370_hio(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = find(ch, address);

    if (!sub)
        return 3;
    struct channel *c = subchannel_channel(sub);
    if (channel_working(ch, c)) {
        halt(c->owner); /* a burst is ended whatever device it is with */
        return 2;
    }
    if (sub->state != SUBCHANNEL_WORKING)
        return 0;
    halt(sub);
    store_status(ch, 0, 0);
    return 1;
}

uint8_t s370_hdv(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = find(ch, address);

    if (!sub)
        return 3;
    if (channel_working(ch, subchannel_channel(sub)) && taken_by_other(sub))
        return 2;
    if (sub->state != SUBCHANNEL_WORKING)
        return 0;
    halt(sub);
    store_status(ch, 0, 0);
    return 1;
}

uint8_t s370_tch(struct s370_channels *ch, uint32_t address)
{
    const struct channel *c = &ch->channel[address >> 8 & 0xF];

    if ((address & 0xF000) || !c->first)
        return 3;
    if (channel_working(ch, c))
        return 2;
    return ch->pending & 0x8000u >> (address >> 8 & 0xF) ? 1 : 0;
}

uint8_t s370_stidc(struct s370_channels *ch, uint32_t address)
{
    const struct channel *c = &ch->channel[address >> 8 & 0xF];
    uint32_t at = ch->prefix + S370_PSA_CHANNEL_ID;

    if ((address & 0xF000) || !c->first)
        return 3;
    if (channel_working(ch, c))
        return 2;
    /* type, model 0, no I/O extended logout */
    store_be32(ch->storage->bytes + at, ibm32_put(0, 3, c->type));
    channels_stored(ch, at, 4);
    return 0;
}

/* ---- Interruptions ---- */

/* BC: bits 0-5 for channels 0-5, bit 6 and CR2 for the others.  EC: bit 6
 * and CR2 for all (GA22-7000, "Input/Output Interruption"). */
uint16_t s370_io_mask(const struct s370_psw *psw, uint32_t cr2)
{
    uint16_t by_cr2 =
        psw->system_mask & S370_MASK_IO ? (uint16_t)(cr2 >> 16) : 0;

    if (psw->ec)
        return by_cr2;
    return (uint16_t)((psw->system_mask & 0xFCu) << 8 | (by_cr2 & 0x03FF));
}

bool s370_io_pending(const struct s370_channels *ch, uint16_t mask)
{
    return ch->pending & mask;
}

bool s370_io_take(struct s370_channels *ch, uint16_t mask, uint16_t *address)
{
    unsigned c = 0;

    if (!(ch->pending & mask))
        return false;
    while (!(ch->pending & mask & 0x8000u >> c))
        c++;
    struct subchannel *sub = first_interrupting(&ch->channel[c]);
    assert(sub && "a pending channel has a subchannel that interrupts");
    *address = sub->device->address;
    if (sub->state == SUBCHANNEL_WORKING) { /* PCI; the program goes on */
        uint8_t unit = sub->unit_status, channel = sub->channel_status;

        sub->unit_status = sub->channel_status = 0;
        store_operation(sub);
        sub->unit_status = unit;
        sub->channel_status = channel;
        sub->pci = false;
        note_pending(ch, &ch->channel[c]);
    } else if (sub->state == SUBCHANNEL_PENDING) {
        store_operation(sub);
        subchannel_clear(sub);
    } else {
        store_device_status(ch, fetch_device_status(sub));
    }
    return true;
}

/* ---- Making and ending ---- */

struct s370_channels *s370_channels_new(
    struct s370_storage *storage, struct clock *clock,
    void (*stored)(void *who, uint32_t a, uint32_t len), void *who,
    struct trace *trace, unsigned vm)
{
    struct s370_channels *ch = calloc(1, sizeof(*ch));

    if (!ch)
        return NULL;
    ch->storage = storage;
    ch->clock = clock;
    ch->stored = stored;
    ch->who = who;
    ch->trace = trace;
    ch->vm = vm;
    ch->armed = CLOCK_NEVER;
    ch->channel[0].type = S370_CHANNEL_BYTE_MULTIPLEXOR;
    for (unsigned c = 1; c < CHANNELS; c++)
        ch->channel[c].type = S370_CHANNEL_BLOCK_MULTIPLEXOR;
    return ch;
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
        note_pending(ch, &ch->channel[c]);
}

enum status s370_channels_attach(struct s370_channels *ch,
                                 struct s370_device *d, struct diag *diag)
{
    struct subchannel *sub;

    if (d->address & 0xF000)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "device address %04X: channels are 0 to F", d->address);
    if (find(ch, d->address))
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
    struct subchannel *sub = find(ch, address);

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
    arm(ch);
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
