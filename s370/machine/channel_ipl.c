/* Initial program loading (GA22-7000, "Initial Program Loading"). */
#include "base/bytes.h"
#include "base/format.h"
#include "s370/machine/interruption.h"
#include "s370/machine/subchannel.h"

enum {
    /* Ticks after which we say that an IPL channel program has no end: time
     * for some ten thousand blocks of a tape. */
    IPL_TICKS_MAX = 1 << 20,
    ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END
};

/* As if the CCW "read 24 bytes at 0, chain command, suppress length" had been
 * at 0. */
static const struct ccw ipl_ccw = {.command = 0x02,
                                   .flags =
                                       CCW_CHAIN_COMMAND | CCW_SUPPRESS_LENGTH,
                                   .count = 24};

static enum status fail(const struct subchannel *sub, const char *why,
                        struct diag *diag)
{
    return diag_set(diag, STATUS_BAD_INPUT, "IPL from %03X: %s",
                    sub->device->address, why);
}

/* Let time pass until the program is over and the device is done. */
static enum status wait_for_end(struct subchannel *sub, struct diag *diag)
{
    struct clock *clock = sub->channels->clock;
    uint64_t begun = clock->now;

    while (sub->state == SUBCHANNEL_WORKING || sub->device_busy) {
        if (sub->due == CLOCK_NEVER)
            return fail(sub, "the device waits for its operator", diag);
        if (clock->now - begun > IPL_TICKS_MAX)
            return fail(sub, "the channel program does not end", diag);
        clock_advance(clock,
                      clock->next > clock->now ? clock->next - clock->now : 0);
    }
    return STATUS_OK;
}

static enum status check_end(const struct subchannel *sub, struct diag *diag)
{
    uint8_t unit = sub->unit_status | sub->device_status;
    uint8_t channel = sub->channel_status & (uint8_t)~CHANNEL_PCI;
    char status[64], sense[32] = "";

    if (unit == ENDED && !channel)
        return STATUS_OK;
    ccw_show_status(unit, channel, status, sizeof(status));
    if (unit & S370_UNIT_CHECK)
        format(sense, sizeof(sense), ", sense %02X%02X", sub->device->sense[0],
               sub->device->sense[1]);
    return diag_set(diag, STATUS_BAD_INPUT,
                    "IPL from %03X: ended with status%s%s, CCW %06X",
                    sub->device->address, status, sense,
                    (sub->next - 8) & S370_ADDRESS_MASK);
}

static void store_address(struct s370_channels *ch, uint16_t address)
{
    uint8_t *low = ch->storage->bytes + ch->prefix;
    bool ec = low[1] & 0x08;
    uint32_t at = ec ? S370_PSA_IO_ADDRESS + 2 : 2;

    store_be16(low + at, address);
}

enum status s370_channels_ipl(struct s370_channels *ch, uint16_t address,
                              struct diag *diag)
{
    struct s370_device *d = s370_channels_find(ch, address);

    if (!d)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "IPL from %03X: there is no such device", address);
    struct subchannel *sub = d->subchannel;
    s370_channels_reset(ch);
    ccw_begin_with(sub, &ipl_ccw, 8);
    enum status st = wait_for_end(sub, diag);
    if (st == STATUS_OK)
        st = check_end(sub, diag);
    s370_channels_reset(ch);
    if (st == STATUS_OK)
        store_address(ch, address);
    return st;
}
