/* The clock and the battery-backed storage of a PC: an MC146818 with 128
 * bytes, ports 70h (index) and 71h (data).
 *
 * Source: Motorola, MC146818A data sheet, "Registers" and "Update Cycle".
 * Its time begins at a second that the machine's maker names and goes on with
 * the guest's clock.  Not there: daylight saving, the square wave. */
#ifndef X86VMM_DEV_DEV_RTC_H
#define X86VMM_DEV_DEV_RTC_H

#include "base/bus.h"
#include "base/clock.h"
#include "x86vmm/machine/platform.h"

enum { RTC_PORT = 0x70, RTC_BYTES = 128 };

struct rtc {
    uint8_t bytes[RTC_BYTES]; /* those of the time are made when they are read,
                               * unless SET stops it */
    uint8_t index;
    uint8_t flags;   /* of register C, without IRQF */
    int64_t seconds; /* since 1970 at tick 0 */
    uint64_t looked; /* the tick up to which flags are right */
    struct clock *clock;
    struct x86_platform *platform;
};

/* `seconds` since 1970 is the time now; `bytes` of storage tell the firmware
 * how much there is. */
void rtc_init(struct rtc *r, struct clock *clock, struct x86_platform *platform,
              int64_t seconds, uint64_t bytes);

/* RESET#: what would interrupt is off; its storage has a battery. */
void rtc_reset(struct rtc *r);

/* The types of the floppy drives A and B (0: none); from A it is booted first
 * if it is there. */
void rtc_tell_floppies(struct rtc *r, const uint8_t types[2]);

/* bus_io_fn of both ports. */
void rtc_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value);

#endif
