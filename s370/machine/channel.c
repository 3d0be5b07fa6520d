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
#include <string.h>

/* ---- CSW ---- */

static void store_csw(struct s370_channels *ch, const uint8_t csw[8])
{
    uint32_t at = ch->prefix + S370_PSA_CSW;

    memcpy(ch->storage->bytes + at, csw, 8);
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
}

/* Status that the device itself holds, fetched; busy when it owes DE. */
static uint8_t fetch_device_status(struct subchannel *sub)
{
    uint8_t status = sub->device_status;

    sub->device_status = 0;
    subchannel_note_pending(sub->channels, subchannel_channel(sub));
    return status | (sub->device_busy ? S370_UNIT_BUSY : 0);
}

/* ---- Instructions ---- */

/* The channel's program is over before SIO was: its status goes to the CSW
 * with condition code 1, and nothing will interrupt. */
static uint8_t finish_start(struct subchannel *sub)
{
    if (sub->state != SUBCHANNEL_PENDING)
        return 0;
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
    struct subchannel *sub = subchannel_find(ch, address);
    uint8_t key;
    uint32_t at;

    if (!sub)
        return 3;
    if (sub->state != SUBCHANNEL_AVAILABLE || subchannel_taken(sub))
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
    subchannel_occupy(sub);
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
    struct subchannel *sub = subchannel_find(ch, address);

    if (!sub)
        return 3;
    if (subchannel_taken(sub) || sub->state == SUBCHANNEL_WORKING)
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
    struct subchannel *sub = subchannel_find(ch, address);

    if (!sub)
        return 3;
    if (subchannel_taken(sub))
        return 2;
    if (sub->state == SUBCHANNEL_AVAILABLE)
        return 0;
    if (sub->state == SUBCHANNEL_WORKING && sub->device->ops->halt)
        sub->device->ops->halt(sub->device);
    store_operation(sub);
    subchannel_clear(sub);
    channels_arm(ch);
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

/* The device is signaled whether it works or not, unless its subchannel has
 * an interruption pending ("Halt I/O", "Halt Device"). */
static uint8_t halt_device(struct subchannel *sub)
{
    if (sub->state == SUBCHANNEL_PENDING || subchannel_taken(sub))
        return 0;
    if (sub->state == SUBCHANNEL_WORKING)
        halt(sub);
    store_status(sub->channels, 0, 0);
    return 1;
}

uint8_t s370_hio(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = subchannel_find(ch, address);

    if (!sub)
        return 3;
    struct channel *c = subchannel_channel(sub);
    if (subchannel_channel_working(ch, c)) {
        halt(c->owner); /* a burst is ended whatever device it is with */
        return 2;
    }
    return halt_device(sub);
}

uint8_t s370_hdv(struct s370_channels *ch, uint32_t address)
{
    struct subchannel *sub = subchannel_find(ch, address);

    if (!sub)
        return 3;
    if (subchannel_channel_working(ch, subchannel_channel(sub)) &&
        subchannel_taken(sub))
        return 2;
    return halt_device(sub);
}

uint8_t s370_tch(struct s370_channels *ch, uint32_t address)
{
    const struct channel *c = &ch->channel[address >> 8 & 0xF];

    if ((address & 0xF000) || !c->first)
        return 3;
    if (subchannel_channel_working(ch, c))
        return 2;
    return ch->pending & 0x8000u >> (address >> 8 & 0xF) ? 1 : 0;
}

uint8_t s370_stidc(struct s370_channels *ch, uint32_t address)
{
    const struct channel *c = &ch->channel[address >> 8 & 0xF];
    uint32_t at = ch->prefix + S370_PSA_CHANNEL_ID;

    if ((address & 0xF000) || !c->first)
        return 3;
    if (subchannel_channel_working(ch, c))
        return 2;
    /* type, model 0, no I/O extended logout */
    store_be32(ch->storage->bytes + at, ibm32_put(0, 3, c->type));
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
    struct subchannel *sub = subchannel_first_interrupting(&ch->channel[c]);
    assert(sub && "a pending channel has a subchannel that interrupts");
    *address = sub->device->address;
    if (sub->state == SUBCHANNEL_WORKING) { /* PCI; the program goes on */
        uint8_t unit = sub->unit_status, channel = sub->channel_status;

        sub->unit_status = sub->channel_status = 0;
        store_operation(sub);
        sub->unit_status = unit;
        sub->channel_status = channel;
        sub->pci = false;
        subchannel_note_pending(ch, &ch->channel[c]);
    } else if (sub->state == SUBCHANNEL_PENDING) {
        store_operation(sub);
        subchannel_clear(sub);
    } else {
        store_device_status(ch, fetch_device_status(sub));
    }
    return true;
}
