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
#include "base/bytes.h"
#include "base/format.h"
#include "s370/machine/subchannel.h"

#include <string.h>

/* Ending statuses after which command chaining goes on. */
enum {
    CHAINING_STATUS =
        S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END | S370_UNIT_STATUS_MODIFIER
};

enum { COMMAND_SENSE = 0x04, COMMAND_NOP = 0x03, SENSE_LATENCY = 4 };

/* ---- Trace ---- */

static const char *const unit_words[] = {"AT", "SM", "CUE", "BZ",
                                         "CE", "DE", "UC",  "UE"};
static const char *const channel_words[] = {"PCI", "IL",  "PGC", "PRC",
                                            "CDC", "CCC", "ICC", "CHC"};

size_t ccw_show_status(uint8_t unit, uint8_t channel, char *out, size_t cap)
{
    size_t len = 0;

    if (cap)
        out[0] = '\0';
    for (unsigned i = 0; i < 8; i++)
        if (unit & 0x80 >> i)
            len += format(out + len, cap - len, " %s", unit_words[i]);
    for (unsigned i = 0; i < 8; i++)
        if (channel & 0x80 >> i)
            len += format(out + len, cap - len, " %s", channel_words[i]);
    return len;
}

static const char *command_word(uint8_t command)
{
    if (command == COMMAND_NOP)
        return "no-op";
    switch (command & 0x0F) {
    case 0x04:
        return "sense";
    case 0x08:
        return "tic";
    case 0x0C:
        return "read back";
    default:
        break;
    }
    switch (command & 3) {
    case 1:
        return "write";
    case 2:
        return "read";
    case 3:
        return "control";
    default:
        return "invalid";
    }
}

/* "00E CCW 09 write 000200 132 CE DE" */
static void trace(const struct subchannel *sub)
{
    const struct s370_channels *ch = sub->channels;
    struct trace_event e = {.kind = TRACE_IO,
                            .vm = ch->vm,
                            .time = ch->clock->now,
                            .insns = ch->clock->now,
                            .pc = sub->ccw.at,
                            .pc_digits = 6};

    if (!trace_on(ch->trace))
        return;
    size_t n = format(e.text, sizeof(e.text), "%03X CCW %02X %s %06x %u",
                      sub->device->address, sub->ccw.command,
                      command_word(sub->ccw.command), sub->ccw.address,
                      sub->ccw.count);
    ccw_show_status(sub->unit_status, sub->channel_status, e.text + n,
                    sizeof(e.text) - n);
    e.info[0] = sub->device->address;
    e.info[1] = sub->residual;
    trace_emit(ch->trace, &e);
}

/* ---- Storage ---- */

/* The channel's access to n bytes within one 2K block.  0, or the channel
 * status that refuses it. */
static uint8_t check(const struct subchannel *sub, uint32_t at, uint32_t n,
                     bool store)
{
    const struct s370_storage *s = sub->channels->storage;

    if (at >= s->size || n > s->size - at)
        return CHANNEL_PROGRAM_CHECK;
    uint8_t key = s->keys[at / S370_BLOCK];
    if (sub->key && sub->key != key >> 4 && (store || (key & S370_KEY_FETCH)))
        return CHANNEL_PROTECTION_CHECK;
    return 0;
}

static void refer(const struct subchannel *sub, uint32_t at, bool store)
{
    sub->channels->storage->keys[at / S370_BLOCK] |=
        store ? S370_KEY_REFERENCE | S370_KEY_CHANGE : S370_KEY_REFERENCE;
}

/* n bytes (4 or 8) of a CCW or an indirect-address word, on their boundary. */
static const uint8_t *fetch_words(struct subchannel *sub, uint32_t at,
                                  uint32_t n)
{
    uint8_t trouble =
        at & (n - 1) ? CHANNEL_PROGRAM_CHECK : check(sub, at, n, false);

    sub->channel_status |= trouble;
    if (trouble)
        return NULL;
    refer(sub, at, false);
    return sub->channels->storage->bytes + at;
}

/* ---- Fetching a CCW ---- */

static bool refuse(struct subchannel *sub)
{
    sub->channel_status |= CHANNEL_PROGRAM_CHECK;
    return false;
}

/* The CCW at sub->next into sub->ccw, sub->next behind it.  False: channel
 * status is set. */
static bool fetch_one(struct subchannel *sub)
{
    const uint8_t *p;

    sub->ccw = (struct ccw){.at = sub->next};
    sub->residual = 0;
    p = fetch_words(sub, sub->next, 8);
    sub->next = (sub->next + 8) & S370_ADDRESS_MASK;
    if (!p)
        return false;
    sub->ccw.command = p[0];
    sub->ccw.address = load_be24(p + 1);
    sub->ccw.flags = p[4];
    sub->ccw.count = load_be16(p + 6);
    return true;
}

/* Indirect data addressing: the address of the first byte comes from the
 * list.  The others are on a 2K boundary, the last byte of a block for read
 * backward ("Channel Indirect Data Addressing"). */
static bool next_idaw(struct subchannel *sub, bool first)
{
    const uint8_t *p = fetch_words(sub, sub->idaw, 4);

    if (!p)
        return false;
    uint32_t word = load_be32(p);
    bool backward = s370_direction(sub->command) == S370_DIR_BACKWARD;
    uint32_t offset = backward ? S370_BLOCK - 1 : 0;
    if (word > S370_ADDRESS_MASK || (!first && word % S370_BLOCK != offset))
        return refuse(sub);
    sub->address = word;
    sub->idaw += 4;
    return true;
}

/* Set the data up for the CCW just fetched. */
static bool take_ccw(struct subchannel *sub)
{
    if (!sub->ccw.count || (sub->ccw.flags & CCW_RESERVED))
        return refuse(sub);
    sub->residual = sub->ccw.count;
    sub->address = sub->ccw.address;
    if (sub->ccw.flags & CCW_PCI) {
        sub->pci = true;
        subchannel_raise(sub);
    }
    if (!(sub->ccw.flags & CCW_INDIRECT))
        return true;
    sub->idaw = sub->ccw.address;
    return next_idaw(sub, true);
}

/* Fetch the next CCW, through one transfer in channel at most; none when it
 * is the first of the program. */
static bool fetch_ccw(struct subchannel *sub, bool first)
{
    bool jumped = false;

    if (!fetch_one(sub))
        return false;
    if ((sub->ccw.command & 0x0F) == 0x08) {
        if (first || sub->ccw.address & 7 ||
            sub->ccw.address >= sub->channels->storage->size)
            return refuse(sub);
        trace(sub);
        sub->next = sub->ccw.address;
        jumped = true;
        if (!fetch_one(sub))
            return false;
    }
    if (jumped && (sub->ccw.command & 0x0F) == 0x08)
        return refuse(sub);
    return true;
}

/* ---- Moving data ---- */

/* How far the current block goes in the direction of the transfer. */
static uint32_t block_left(const struct subchannel *sub, bool backward)
{
    uint32_t offset = sub->address % S370_BLOCK;

    return backward ? offset + 1 : S370_BLOCK - offset;
}

/* One piece of n bytes within a block, or a check. */
static bool move_piece(struct subchannel *sub, uint32_t n, bool backward)
{
    struct s370_storage *s = sub->channels->storage;
    bool store = s370_direction(sub->command) != S370_DIR_TO_DEVICE;
    uint32_t at = backward ? sub->address - (n - 1) : sub->address;
    uint32_t in_record = backward ? sub->limit - sub->moved - n : sub->moved;
    uint8_t trouble = check(sub, at, n, store);

    sub->channel_status |= trouble;
    if (trouble)
        return false;
    refer(sub, at, store);
    if (store)
        memcpy(s->bytes + at, sub->record + in_record, n);
    else
        memcpy(sub->record + in_record, s->bytes + at, n);
    if (store)
        channels_stored(sub->channels, at, n);
    return true;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Move what the current CCW lets pass; stops at a check. */
static void move(struct subchannel *sub)
{
    enum s370_direction direction = s370_direction(sub->command);
    bool backward = direction == S370_DIR_BACKWARD;
    bool skip = (sub->ccw.flags & CCW_SKIP) && direction != S370_DIR_TO_DEVICE;
    bool started = false;

    if (skip) {
        uint32_t n = least(sub->residual, sub->limit - sub->moved);

        sub->residual -= n;
        sub->moved += n;
        return;
    }
    while (sub->residual && sub->moved < sub->limit) {
        uint32_t block = block_left(sub, backward);
        bool edge = block == S370_BLOCK;
        uint32_t n =
            least(least(sub->residual, sub->limit - sub->moved), block);

        if (started && edge && (sub->ccw.flags & CCW_INDIRECT)) {
            if (!next_idaw(sub, false))
                return;
        }
        if (!move_piece(sub, n, backward))
            return;
        started = true;
        sub->address = backward ? sub->address - n : sub->address + n;
        sub->residual -= n;
        sub->moved += n;
    }
}

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

    trace(sub);
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
    if (sub->command == COMMAND_SENSE)
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

    move(sub);
    if (sub->channel_status && write) {
        abandon(sub);
        return;
    }
    if (!sub->channel_status && !sub->residual &&
        (sub->ccw.flags & CCW_CHAIN_DATA)) {
        trace(sub);
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
    sub->limit = least(len, S370_RECORD_MAX);
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
    if (!take_ccw(sub)) {
        conclude(sub);
        return;
    }
    if (command != COMMAND_SENSE) {
        if (command != COMMAND_NOP)
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
    if (!fetch_ccw(sub, first) ||
        (!(sub->ccw.command & 0x0F) && !refuse(sub))) {
        trace(sub);
        conclude(sub);
        return;
    }
    select_device(sub, chained);
}

static void chain_data(struct subchannel *sub)
{
    if (fetch_ccw(sub, false) && take_ccw(sub)) {
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
