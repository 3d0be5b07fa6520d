/* Time, by the time-stamp counter. */
#ifndef X86VMM_BARE_TIME_H
#define X86VMM_BARE_TIME_H

#include "base/types.h"

/* Count its cycles for 10 ms of the 8254's channel 2. */
void time_init(void);

/* Ticks of a PC's clock (X86_TICKS_SECOND of them a second) since then, and how
 * many cycles so many ticks are. */
uint64_t time_now(void);
uint64_t time_cycles(uint64_t ticks);
/* engine_ops.now: wait until that tick first. */
uint64_t time_wait(uint64_t until);

#endif
