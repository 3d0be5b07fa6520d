/* The execution of channel programs, CCW by CCW.
 *
 * A CCW is fetched when the one before it is done, never earlier, and each
 * costs at least one tick.  The data of an operation pass through the
 * subchannel's record: for a read the device fills it and the channel then
 * stores it under the CCWs, one tick for each that data chaining adds; for a
 * write it is gathered in the same way before the device gets it.
 *
 * GA22-7000, "Execution of I/O Operations" and "Termination of I/O
 * Operations". */
#include "s370/machine/subchannel.h"

#include <string.h>

/* Ending statuses after which command chaining goes on. */
enum {
    CHAINING_STATUS =
        S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END | S370_UNIT_STATUS_MODIFIER
};

enum { SENSE_LATENCY = 4 }; /* ticks */

/* ---- Ending ---- */

/* The channel program is over. */
static void conclude(struct subchannel *sub)
{
    sub->state = SUBCHANNEL_PENDING;
    if (!sub->device_busy)
        sub->due = CLOCK_NEVER;
    if (sub->pci)
        sub->channel_status |= CHANNEL_PCI;
    sub->pci = false;
    subchannel_raise(sub);
}

/* The device has given its status for a command: chain, or conclude. */
static void end_command(struct subchannel *sub)
{
    bool chain = (sub->ccw.flags & CCW_CHAIN_COMMAND) &&
                 !(sub->ccw.flags & CCW_CHAIN_DATA) && !sub->halted &&
                 !sub->channel_status && !(sub->unit_status & ~CHAINING_STATUS);

    ccw_trace(sub);
    if (!chain) {
        conclude(sub);
        return;
    }
    if (sub->device_busy)
        return; /* chaining waits for device end */
    if (sub->unit_status & S370_UNIT_STATUS_MODIFIER)
        sub->next = (sub->next + 8) & S370_ADDRESS_MASK;
    sub->unit_status = 0;
    sub->phase = PHASE_COMMAND;
    subchannel_schedule(sub, 1);
}

/* Incorrect length: the count is not used up, or the device had more.  With
 * data chaining on, SLI does not count ("Suppress Incorrect Length"). */
static void end_data(struct subchannel *sub)
{
    bool wrong =
        sub->residual || (s370_direction(sub->command) != S370_DIR_TO_DEVICE &&
                          sub->moved < sub->limit);
    bool suppressed = (sub->ccw.flags & CCW_SUPPRESS_LENGTH) &&
                      !(sub->ccw.flags & CCW_CHAIN_DATA);

    if (wrong && !suppressed && !sub->channel_status)
        sub->channel_status |= CHANNEL_INCORRECT_LENGTH;
    end_command(sub);
}

/* ---- The device's part ---- */

static uint8_t sense(struct subchannel *sub, uint32_t *len)
{
    struct s370_device *d = sub->device;

    if (d->ops->sense)
        d->ops->sense(d);
    *len = d->sense_len;
    memcpy(sub->record, d->sense, d->sense_len);
    memset(d->sense, 0, sizeof(d->sense));
    return S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
}

static uint8_t finish(struct subchannel *sub, uint32_t *len)
{
    if (sub->command == CCW_SENSE)
        return sense(sub, len);
    return sub->device->ops->finish(sub->device, sub->command, sub->record,
                                    len) |
           S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
}

/* All data of a write are in the record: the device does it. */
static void write_out(struct subchannel *sub)
{
    uint32_t len = sub->moved;

    sub->unit_status = finish(sub, &len);
    end_data(sub);
}

/* Data that could not be fetched: the device is told to stop, and does
 * nothing with the part that it would have got. */
static void abandon(struct subchannel *sub)
{
    if (sub->device->ops->halt)
        sub->device->ops->halt(sub->device);
    sub->unit_status = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
    end_command(sub);
}

/* Move under the current CCW, then chain data or end. */
static void transfer(struct subchannel *sub)
{
    bool write = s370_direction(sub->command) == S370_DIR_TO_DEVICE;

    ccw_move(sub);
    if (sub->channel_status && write) {
        abandon(sub);
        return;
    }
    if (!sub->channel_status && !sub->residual &&
        (sub->ccw.flags & CCW_CHAIN_DATA)) {
        ccw_trace(sub);
        sub->phase = PHASE_DATA;
        subchannel_schedule(sub, 1);
        return;
    }
    if (write)
        write_out(sub);
    else
        end_data(sub);
}

/* The latency is over. */
static void device_done(struct subchannel *sub)
{
    if (s370_direction(sub->command) == S370_DIR_TO_DEVICE) {
        transfer(sub);
        return;
    }
    uint32_t len = 0;
    sub->unit_status = finish(sub, &len);
    sub->limit = len < S370_RECORD_MAX ? len : S370_RECORD_MAX;
    sub->ended = true;
    transfer(sub);
}

/* The device end that follows a channel end. */
static void device_end(struct subchannel *sub)
{
    uint32_t len = 0;
    uint8_t status =
        sub->device->ops->finish(sub->device, sub->command, sub->record, &len);

    status =
        (uint8_t)((status & ~S370_UNIT_CHANNEL_END) | S370_UNIT_DEVICE_END);
    sub->device_busy = false;
    if (sub->state == SUBCHANNEL_WORKING) {
        sub->unit_status |= status;
        end_command(sub);
        return;
    }
    ccw_trace_status(sub, status);
    sub->device_status |= status;
    subchannel_raise(sub);
}

/* Initial selection with sub->ccw. */
static void select_device(struct subchannel *sub, bool chained)
{
    struct s370_device *d = sub->device;
    struct s370_start st = {.latency = SENSE_LATENCY};
    uint8_t command = sub->ccw.command;

    sub->command = command;
    sub->moved = 0;
    sub->ended = false;
    sub->phase = PHASE_DEVICE;
    if (!ccw_take(sub)) {
        conclude(sub);
        return;
    }
    if (command != CCW_SENSE) {
        if (command != CCW_NOP)
            memset(d->sense, 0, sizeof(d->sense));
        st = d->ops->start(d, command, chained);
    }
    sub->limit =
        st.limit && st.limit < S370_RECORD_MAX ? st.limit : S370_RECORD_MAX;
    sub->unit_status = st.status;
    if (!st.status) {
        if (!st.waits)
            subchannel_schedule(sub, st.latency);
        return;
    }
    sub->device_busy = (st.status & S370_UNIT_CHANNEL_END) &&
                       !(st.status & S370_UNIT_DEVICE_END);
    if (sub->device_busy)
        subchannel_schedule(sub, st.latency);
    end_command(sub);
}

/* Command codes that end in four zeros are no commands. */
static void start_command(struct subchannel *sub, bool first, bool chained)
{
    if (!ccw_fetch(sub, first) ||
        (!(sub->ccw.command & 0x0F) && !ccw_refuse(sub))) {
        ccw_trace(sub);
        conclude(sub);
        return;
    }
    select_device(sub, chained);
}

static void chain_data(struct subchannel *sub)
{
    if (ccw_fetch(sub, false) && ccw_take(sub)) {
        transfer(sub);
        return;
    }
    if (sub->ended)
        end_command(sub); /* the device has done its part */
    else
        abandon(sub);
}

/* HIO or HDV: the device gives its ending status. */
static void end_halted(struct subchannel *sub)
{
    sub->unit_status |= S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
    end_command(sub);
}

/* SIOF has let the CPU go; now the device's answer is found.  A refusal is
 * told by the deferred condition code. */
static void select_late(struct subchannel *sub)
{
    start_command(sub, true, false);
    if (sub->state == SUBCHANNEL_PENDING)
        sub->deferred = 1;
}

void ccw_begin(struct subchannel *sub, uint8_t key, uint32_t at)
{
    sub->state = SUBCHANNEL_WORKING;
    sub->key = key;
    sub->next = at;
    sub->unit_status = sub->channel_status = 0;
    start_command(sub, true, false);
}

void ccw_begin_with(struct subchannel *sub, const struct ccw *ccw,
                    uint32_t next)
{
    sub->state = SUBCHANNEL_WORKING;
    sub->key = 0;
    sub->next = next;
    sub->ccw = *ccw;
    sub->unit_status = sub->channel_status = 0;
    select_device(sub, false);
}

void ccw_step(struct subchannel *sub)
{
    if (sub->device_busy) {
        device_end(sub);
        return;
    }
    if (sub->state != SUBCHANNEL_WORKING)
        return;
    switch (sub->phase) {
    case PHASE_START:
        select_late(sub);
        break;
    case PHASE_COMMAND:
        start_command(sub, false, true);
        break;
    case PHASE_DEVICE:
        device_done(sub);
        break;
    case PHASE_DATA:
        chain_data(sub);
        break;
    case PHASE_HALT:
        end_halted(sub);
        break;
    }
}
