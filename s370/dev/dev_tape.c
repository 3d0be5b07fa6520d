/* Magnetic tape units 2400, 2401, 3410 and 3420 with a control unit
 * (GA22-6866, GA32-0020), on AWS files.
 *
 * A motion command (rewind, space, write tape mark, erase) gives channel end
 * at once and device end when the tape stands. */
#include "s370/dev/aws.h"
#include "s370/dev/dev.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRANSFER_LATENCY = 60,
    MOTION_LATENCY = 40,
    REWIND_LATENCY = 400,

    COMMAND_WRITE = 0x01,
    COMMAND_READ = 0x02,
    COMMAND_READ_BACKWARD = 0x0C,
    COMMAND_REWIND = 0x07,
    COMMAND_REWIND_UNLOAD = 0x0F,
    COMMAND_ERASE_GAP = 0x17,
    COMMAND_WRITE_MARK = 0x1F,
    COMMAND_BACK_BLOCK = 0x27,
    COMMAND_BACK_FILE = 0x2F,
    COMMAND_FORWARD_BLOCK = 0x37,
    COMMAND_FORWARD_FILE = 0x3F,
    COMMAND_ERASE = 0x97, /* data security erase */

    /* Sense byte 1. */
    SENSE1_STATUS_A = 0x40, /* A without B: ready */
    SENSE1_STATUS_B = 0x20, /* B without A: not ready */
    SENSE1_LOAD_POINT = 0x08,
    SENSE1_FILE_PROTECT = 0x02
};

struct tape {
    struct s370_device base;
    struct s370_console_host host;
    struct aws *aws; /* owned; NULL: no tape is mounted */
    char path[DEV_PATH_MAX];
};

/* ---- Sense ---- */

static void tape_sense(struct s370_device *d)
{
    const struct tape *t = (const struct tape *)d;

    d->sense[1] &= (uint8_t) ~(SENSE1_STATUS_A | SENSE1_STATUS_B |
                               SENSE1_LOAD_POINT | SENSE1_FILE_PROTECT);
    if (!t->aws) {
        d->sense[0] |= S370_SENSE_INTERVENTION;
        d->sense[1] |= SENSE1_STATUS_B | SENSE1_FILE_PROTECT;
        return;
    }
    d->sense[1] |= SENSE1_STATUS_A;
    if (aws_at_start(t->aws))
        d->sense[1] |= SENSE1_LOAD_POINT;
    if (aws_read_only(t->aws))
        d->sense[1] |= SENSE1_FILE_PROTECT;
}

/* ---- Initial selection ---- */

static bool writes(uint8_t command)
{
    return command == COMMAND_WRITE || command == COMMAND_WRITE_MARK ||
           command == COMMAND_ERASE_GAP || command == COMMAND_ERASE;
}

static bool moves(uint8_t command)
{
    switch (command) {
    case COMMAND_REWIND:
    case COMMAND_REWIND_UNLOAD:
    case COMMAND_ERASE_GAP:
    case COMMAND_WRITE_MARK:
    case COMMAND_BACK_BLOCK:
    case COMMAND_BACK_FILE:
    case COMMAND_FORWARD_BLOCK:
    case COMMAND_FORWARD_FILE:
    case COMMAND_ERASE:
        return true;
    default:
        return false;
    }
}

static struct s370_start tape_start(struct s370_device *d, uint8_t command,
                                    bool chained)
{
    struct tape *t = (struct tape *)d;

    (void)chained;
    if ((command & 7) == 3) /* no-operation, and every mode set: AWS files
                             * have no density, parity or tracks */
        return dev_immediate();
    if (!moves(command) && command != COMMAND_WRITE &&
        command != COMMAND_READ && command != COMMAND_READ_BACKWARD)
        return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
    if (!t->aws)
        return dev_refuse(d, S370_SENSE_INTERVENTION);
    if (writes(command) && aws_read_only(t->aws)) {
        d->sense[1] |= SENSE1_FILE_PROTECT;
        return dev_refuse(d, S370_SENSE_COMMAND_REJECT);
    }
    if (!moves(command))
        return (struct s370_start){.latency = TRANSFER_LATENCY,
                                   .limit = AWS_BLOCK_MAX};
    return (struct s370_start){
        .status = S370_UNIT_CHANNEL_END,
        .latency = command == COMMAND_REWIND || command == COMMAND_REWIND_UNLOAD
                       ? REWIND_LATENCY
                       : MOTION_LATENCY};
}

/* ---- The work ---- */

/* Status for how it ended; a mark is an exception except when it is what the
 * command looks for. */
static uint8_t status_of(struct tape *t, enum aws_result r, bool mark_is_end)
{
    struct s370_device *d = &t->base;

    switch (r) {
    case AWS_BLOCK:
        return DEV_ENDED;
    case AWS_MARK:
        return mark_is_end ? DEV_ENDED : DEV_ENDED | S370_UNIT_EXCEPTION;
    case AWS_START: /* backward at the load point */
        d->sense[1] |= SENSE1_LOAD_POINT;
        return DEV_ENDED | S370_UNIT_CHECK;
    case AWS_END: /* nothing recorded: the unit finds no block */
        return dev_check(d, S370_SENSE_DATA_CHECK);
    case AWS_FAILED:
    case AWS_DAMAGED:
        break;
    }
    dev_trouble(d, &t->host, "%s: %s", t->path, aws_trouble(t->aws));
    return dev_check(d, r == AWS_DAMAGED ? S370_SENSE_DATA_CHECK
                                         : S370_SENSE_EQUIPMENT_CHECK);
}

/* Over blocks until a mark is passed. */
static enum aws_result space_file(struct aws *a,
                                  enum aws_result (*pass)(struct aws *))
{
    enum aws_result r;

    do
        r = pass(a);
    while (r == AWS_BLOCK);
    return r;
}

static void unload(struct tape *t)
{
    aws_close(t->aws);
    t->aws = NULL;
}

static uint8_t move_tape(struct tape *t, uint8_t command)
{
    switch (command) {
    case COMMAND_REWIND_UNLOAD:
        unload(t); /* and the unit is not ready any more */
        return S370_UNIT_CONTROL_UNIT_END |
               dev_check(&t->base, S370_SENSE_INTERVENTION);
    case COMMAND_WRITE_MARK:
        return status_of(t, aws_write_mark(t->aws), true);
    case COMMAND_BACK_BLOCK:
        return status_of(t, aws_backward(t->aws), false);
    case COMMAND_BACK_FILE:
        return status_of(t, space_file(t->aws, aws_backward), true);
    case COMMAND_FORWARD_BLOCK:
        return status_of(t, aws_forward(t->aws), false);
    case COMMAND_FORWARD_FILE:
        return status_of(t, space_file(t->aws, aws_forward), true);
    case COMMAND_ERASE_GAP: /* AWS files have no gaps; what is behind is gone */
    case COMMAND_ERASE:
        return status_of(t, aws_erase(t->aws), false);
    default:
        aws_rewind(t->aws);
        return DEV_ENDED;
    }
}

static uint8_t tape_finish(struct s370_device *d, uint8_t command,
                           uint8_t *record, uint32_t *len)
{
    struct tape *t = (struct tape *)d;

    if (!t->aws)
        return dev_check(d, S370_SENSE_INTERVENTION);
    switch (command) {
    case COMMAND_WRITE:
        return status_of(t, aws_write(t->aws, record, *len), false);
    case COMMAND_READ:
        return status_of(t, aws_read(t->aws, record, len), false);
    case COMMAND_READ_BACKWARD:
        return status_of(t, aws_read_back(t->aws, record, len), false);
    default:
        return move_tape(t, command);
    }
}

static void tape_destroy(struct s370_device *d)
{
    aws_close(((struct tape *)d)->aws);
    free(d);
}

static const struct s370_device_ops tape_ops = {
    .type = "tape",
    .start = tape_start,
    .finish = tape_finish,
    .destroy = tape_destroy,
    .sense = tape_sense,
};

/* ---- Making ---- */

static enum status mount(struct tape *t, const struct s370_dev_spec *spec,
                         struct diag *diag)
{
    unsigned flags = spec->create_tapes ? AWS_CREATE : 0;
    const char *file = NULL;
    struct diag why;

    for (unsigned i = 0; i < spec->count; i++) {
        const char *a = spec->args[i];

        if (dev_option(a, "ro") || dev_option(a, "noring") ||
            dev_option(a, "readonly=1"))
            flags |= AWS_READ_ONLY;
        else if (i == 0)
            file = a;
        else if (!dev_option(a, "rw") && !dev_option(a, "ring"))
            return dev_fail(spec, diag, STATUS_BAD_INPUT,
                            "a tape takes no argument '%s' (ro)", a);
    }
    if (!file || !strcmp(file, "*"))
        return STATUS_OK;
    enum status st = dev_path(spec, file, t->path, diag);
    if (st != STATUS_OK)
        return st;
    st = aws_open(t->path, flags, &t->aws, &why);
    return st == STATUS_OK ? st : dev_fail(spec, diag, st, "%s", why.text);
}

enum status dev_tape_create(const struct s370_dev_spec *spec,
                            struct s370_device **out, struct diag *diag)
{
    struct tape *t = calloc(1, sizeof(*t));

    if (!t)
        return dev_fail(spec, diag, STATUS_NO_MEMORY, "no memory");
    t->base.ops = &tape_ops;
    t->base.address = spec->address;
    t->base.sense_len = strcmp(spec->type, "3420") && strcmp(spec->type, "3410")
                            ? 6
                            : S370_SENSE_BYTES;
    if (spec->host)
        t->host = *spec->host;
    enum status st = mount(t, spec, diag);
    if (st == STATUS_OK)
        *out = &t->base;
    else
        free(t);
    return st;
}
