/* What the functions of the rows of difference_bochs.def share. */
#ifndef TESTS_X86_ORACLE_DIFFERENCE_BOCHS_H
#define TESTS_X86_ORACLE_DIFFERENCE_BOCHS_H

#include "tests/x86_oracle/event.h"

#define DIFFERENCE(name, source, words) \
    bool ox_bochs_##name(const struct ox_difference *d);
#include "tests/x86_oracle/difference_bochs.def"
#undef DIFFERENCE

/* Bits of DR6, and of DR7. */
enum { BD = 0x2000, BS = 0x4000, BT = 0x8000, GD = 0x2000 };

/* The vector of the last event that ours has recorded; none: 256. */
unsigned ox_last_vector(const struct ox_difference *d);

/* The event is lost: its recorder has met DR7.GD where it reads DR6, behind a
 * 16-bit gate, which has no place to return to (image.S, nested_32), or a
 * breakpoint. */
bool ox_is_cut_off(const struct ox_difference *d);

/* Sums of what a program stores to, D of its pages too. */
bool ox_is_stored(const struct ox_difference *d);

#endif
