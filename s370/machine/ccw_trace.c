/* What channels tell the trace. */
#include "base/format.h"
#include "s370/machine/subchannel.h"

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
    if (command == CCW_NOP)
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

static void emit(const struct subchannel *sub, struct trace_event *e,
                 uint8_t unit, uint8_t channel, size_t len)
{
    const struct s370_channels *ch = sub->channels;

    e->kind = TRACE_IO;
    e->vm = ch->vm;
    e->time = ch->clock->now;
    e->insns = ch->insns ? ch->insns(ch->insns_of) : 0;
    e->pc = sub->ccw.at;
    e->pc_digits = 6;
    e->info[0] = sub->device->address;
    ccw_show_status(unit, channel, e->text + len, sizeof(e->text) - len);
    trace_emit(ch->trace, e);
}

void ccw_trace(const struct subchannel *sub)
{
    struct trace_event e = {.info = {0, sub->residual}};

    if (!trace_on(sub->channels->trace))
        return;
    size_t n = format(e.text, sizeof(e.text), "%03X CCW %02X %s %06x %u",
                      sub->device->address, sub->ccw.command,
                      command_word(sub->ccw.command), sub->ccw.address,
                      sub->ccw.count);
    emit(sub, &e, sub->unit_status, sub->channel_status, n);
}

void ccw_trace_status(const struct subchannel *sub, uint8_t unit)
{
    struct trace_event e = {0};

    if (!trace_on(sub->channels->trace))
        return;
    size_t n = format(e.text, sizeof(e.text), "%03X", sub->device->address);
    emit(sub, &e, unit, 0, n);
}
