/* Inside the channels: subchannel.c has their state, channel.c the
 * instructions and interruptions, ccw.c the execution of channel programs,
 * ccw_data.c their way to storage, ccw_trace.c their lines in the trace,
 * channel_ipl.c IPL. */
#ifndef S370_MACHINE_SUBCHANNEL_H
#define S370_MACHINE_SUBCHANNEL_H

#include "s370/machine/channel.h"

/* CCW flags, bits 32-37 (GA22-7000, "Channel Command Word"). */
enum {
    CCW_CHAIN_DATA = 0x80,
    CCW_CHAIN_COMMAND = 0x40,
    CCW_SUPPRESS_LENGTH = 0x20,
    CCW_SKIP = 0x10,
    CCW_PCI = 0x08,
    CCW_INDIRECT = 0x04,
    CCW_RESERVED = 0x03
};

/* Command codes that the channel itself looks at. */
enum { CCW_NOP = 0x03, CCW_SENSE = 0x04 };

/* Channel status, CSW bits 40-47. */
enum {
    CHANNEL_PCI = 0x80,
    CHANNEL_INCORRECT_LENGTH = 0x40,
    CHANNEL_PROGRAM_CHECK = 0x20,
    CHANNEL_PROTECTION_CHECK = 0x10
};

enum subchannel_state {
    SUBCHANNEL_AVAILABLE,
    SUBCHANNEL_WORKING, /* from SIO until the channel program is over */
    SUBCHANNEL_PENDING  /* its ending status waits for an interruption */
};

/* What a working subchannel does at the tick `due`. */
enum subchannel_phase {
    PHASE_START,   /* SIOF: select the device */
    PHASE_COMMAND, /* fetch the CCW that command chaining leads to */
    PHASE_DEVICE,  /* the device is at work */
    PHASE_DATA,    /* fetch the CCW that data chaining leads to */
    PHASE_HALT     /* end, because HIO or HDV said so */
};

struct ccw {
    uint32_t at; /* where it was found */
    uint8_t command;
    uint8_t flags;
    uint32_t address; /* as it stands in the CCW */
    uint16_t count;
};

/* One to a device.  On a selector channel they share the channel's one
 * subchannel: struct channel's owner says who has it. */
struct subchannel {
    struct s370_channels *channels;
    struct s370_device *device;
    struct subchannel *sibling; /* the channel's next, by address */

    enum subchannel_state state;
    enum subchannel_phase phase;
    uint64_t due;   /* tick of the next step; CLOCK_NEVER: none */
    uint64_t order; /* interruptions are taken in the order they arose */

    /* The channel program. */
    uint8_t key;
    uint32_t next; /* address of the next CCW: what a CSW tells */
    struct ccw ccw;
    uint8_t command;   /* of the operation; data chaining does not change it */
    uint32_t residual; /* of the CCW's count */
    uint32_t address;  /* absolute, of the next byte */
    uint32_t idaw;     /* address of the next indirect-address word */
    uint8_t unit_status, channel_status;
    uint8_t deferred; /* condition code of SIOF */
    bool pci;         /* a PCI interruption is pending */
    bool halted;
    bool ended; /* the device has ended; data of a read may remain */

    /* The device, as the channel sees it. */
    bool device_busy;      /* it gave CE and owes DE, at `due` */
    uint8_t device_status; /* its own status: attention, DE after CE */

    /* The data of one operation. */
    uint32_t limit; /* bytes the device takes, or has */
    uint32_t moved; /* bytes between storage and record so far */
    uint8_t record[S370_RECORD_MAX];
};

struct channel {
    enum s370_channel_type type;
    struct subchannel *first; /* owned, in the order of addresses */
    struct subchannel *owner; /* who has the one subchannel, when shared */
};

enum { CHANNELS = 16 };

struct s370_channels {
    struct s370_storage *storage; /* borrowed */
    struct clock *clock;          /* borrowed */
    struct trace *trace;          /* borrowed, may be NULL */
    unsigned vm;
    uint64_t (*insns)(const void *of); /* for the trace; may be NULL */
    const void *insns_of;
    uint32_t prefix;
    bool multiplexing; /* CR0 bit 0 */
    uint16_t pending;  /* channels with an interruption pending */
    uint64_t order;    /* of the newest interruption condition */
    uint64_t armed;    /* tick for which the clock will call; CLOCK_NEVER */
    struct channel channel[CHANNELS];
};

/* ---- subchannel.c ---- */

/* NULL: there is no such device. */
struct subchannel *subchannel_find(struct s370_channels *ch, uint32_t address);
struct channel *subchannel_channel(const struct subchannel *sub);
/* Is this a channel of one subchannel, and that one working? */
bool subchannel_channel_working(const struct s370_channels *ch,
                                const struct channel *c);
/* Does another device hold the subchannel that this one would use? */
bool subchannel_taken(const struct subchannel *sub);

/* Step this subchannel after `delay` ticks (at least one: nothing that a
 * guest writes can keep the host busy without its time passing). */
void subchannel_schedule(struct subchannel *sub, uint64_t delay);
/* Ask the clock to call at the first tick on which something is due. */
void channels_arm(struct s370_channels *ch);

/* Work from now on, with the one subchannel of a shared channel if it is one:
 * the status of its other devices has to wait. */
void subchannel_occupy(struct subchannel *sub);
/* Forget the channel program and its status. */
void subchannel_clear(struct subchannel *sub);

/* An interruption condition arose: give it its place in the order. */
void subchannel_raise(struct subchannel *sub);
/* Who interrupts next on this channel; NULL: nobody. */
struct subchannel *subchannel_first_interrupting(const struct channel *c);
/* Keep ch->pending true after a change. */
void subchannel_note_pending(struct s370_channels *ch, const struct channel *c);

/* ---- ccw_data.c ---- */

/* Fetch the CCW at sub->next into sub->ccw, through one transfer in channel
 * at most; none when it is the first of the program.  False: channel status
 * is set. */
bool ccw_fetch(struct subchannel *sub, bool first);
/* Set up the data of the CCW just fetched; its PCI.  False: as above. */
bool ccw_take(struct subchannel *sub);
/* Program check; returns false. */
bool ccw_refuse(struct subchannel *sub);
/* Move what the current CCW lets pass between storage and the record; stops
 * at a check. */
void ccw_move(struct subchannel *sub);

/* ---- ccw.c ---- */

/* Begin the channel program at `at`: fetch its first CCW and select the
 * device.  The state afterwards is working, or pending when it is over. */
void ccw_begin(struct subchannel *sub, uint8_t key, uint32_t at);
/* Begin with this CCW, which comes from no storage (IPL); the next is at
 * `next`. */
void ccw_begin_with(struct subchannel *sub, const struct ccw *ccw,
                    uint32_t next);
/* Do what is due now. */
void ccw_step(struct subchannel *sub);

/* ---- ccw_trace.c ---- */

/* Tell of the current CCW: "00E CCW 09 write 000200 132 CE DE". */
void ccw_trace(const struct subchannel *sub);
/* And of what a device adds after its program is over: "00E DE". */
void ccw_trace_status(const struct subchannel *sub, uint8_t unit);

/* " CE DE UC", " PCI IL"; returns the length. */
size_t ccw_show_status(uint8_t unit, uint8_t channel, char *out, size_t cap);

#endif
