/* What a channel asks of a device. */
#ifndef S370_MACHINE_DEVICE_H
#define S370_MACHINE_DEVICE_H

#include "base/types.h"

/* Unit status, CSW bits 32-39 (GA22-7000, "Channel Status Word"). */
enum {
    S370_UNIT_ATTENTION = 0x80,
    S370_UNIT_STATUS_MODIFIER = 0x40,
    S370_UNIT_CONTROL_UNIT_END = 0x20,
    S370_UNIT_BUSY = 0x10,
    S370_UNIT_CHANNEL_END = 0x08,
    S370_UNIT_DEVICE_END = 0x04,
    S370_UNIT_CHECK = 0x02,
    S370_UNIT_EXCEPTION = 0x01
};

/* Sense byte 0, the same for every device. */
enum {
    S370_SENSE_COMMAND_REJECT = 0x80,
    S370_SENSE_INTERVENTION = 0x40,
    S370_SENSE_BUS_OUT_CHECK = 0x20,
    S370_SENSE_EQUIPMENT_CHECK = 0x10,
    S370_SENSE_DATA_CHECK = 0x08,
    S370_SENSE_OVERRUN = 0x04
};

/* The low bits of a command code tell the direction.  Test I/O and transfer in
 * channel never reach a device; basic sense (04) neither: the channel answers
 * it from `sense`, and clears `sense` before every command but no-operation
 * and sense. */
enum s370_direction {
    S370_DIR_NONE,
    S370_DIR_TO_DEVICE,
    S370_DIR_TO_STORAGE,
    S370_DIR_BACKWARD
};

enum { S370_SENSE_BYTES = 24, S370_RECORD_MAX = 65536 };

struct s370_device;
struct s370_channels;

/* How a device answers a command at initial selection. */
struct s370_start {
    uint8_t status;   /* 0: accepted, the operation goes on; otherwise the
                       * initial status: CE and DE for an immediate command,
                       * CE alone for one that the device goes on with after
                       * it has let the channel go, UC for a refusal (sense is
                       * set) */
    bool waits;       /* the device has to wait for the outside (a console
                       * read); it calls s370_device_ready later */
    uint32_t latency; /* ticks until it is done, otherwise */
    uint32_t limit;   /* direction to the device: the most bytes that it takes
                       * (a print line); 0: whatever the channel has */
};

struct s370_device_ops {
    const char *type; /* "3505" */

    /* Initial selection with a command code.  chained: the command comes by
     * command chaining. */
    struct s370_start (*start)(struct s370_device *, uint8_t command,
                               bool chained);

    /* The operation is done.  Direction to storage: leave the record in
     * `record` (S370_RECORD_MAX bytes) and its length in *len; the channel
     * moves it by the CCWs' counts, and takes it from its end when the command
     * is read backward.  Direction to the device: the channel has gathered the
     * CCWs' *len bytes in `record`, at most `limit`.  Returns the ending
     * status: CE|DE, and UE, UC, SM as may be.
     * After an initial status of CE alone it is called when `latency` has
     * passed, with *len 0, and returns the status that comes with DE. */
    uint8_t (*finish)(struct s370_device *, uint8_t command, uint8_t *record,
                      uint32_t *len);

    /* HIO, HDV, CLRIO or reset ends what is going on.  May be NULL. */
    void (*halt)(struct s370_device *);

    /* Free what the device owns and flush its files; the last call. */
    void (*destroy)(struct s370_device *);

    /* Before basic sense: bring the bytes of `sense` that tell a present
     * condition (load point, file protect) to date.  May be NULL. */
    void (*sense)(struct s370_device *);
};

/* The part of a device that the channel knows; a device's own struct begins
 * with it. */
struct s370_device {
    const struct s370_device_ops *ops;
    uint16_t address;                /* 0x00C */
    uint8_t sense[S370_SENSE_BYTES]; /* of the last unit check */
    uint8_t sense_len;               /* how many of them this type has */
    struct s370_channels *channels;  /* set when it is attached */

    /* The channel's: the subchannel of this device (channel.c). */
    void *subchannel;
};

/* Write commands end in 01, read 10, control 11, read backward 1100, sense
 * 0100 (GA22-7000, "Command Code"). */
static inline enum s370_direction s370_direction(uint8_t command)
{
    if (command & 1)
        return S370_DIR_TO_DEVICE;
    if (command & 2)
        return S370_DIR_TO_STORAGE;
    if ((command & 0x0F) == 0x0C)
        return S370_DIR_BACKWARD;
    return (command & 0x0F) == 0x04 ? S370_DIR_TO_STORAGE : S370_DIR_NONE;
}

#endif
