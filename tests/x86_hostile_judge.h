/* Do the two of a pair (x86_hostile_vm.h) differ, and may they?
 *
 * A processor may use a translation that it has kept until the program drops
 * it: by INVLPG, by writing CR3, by changing what paging is in CR0, CR4 or
 * EFER, by a task switch (Intel SDM vol. 3, 4.10.4.1); what the second levels
 * of a monitor's guests have come to, by INVEPT (29.4.3.1).  A program that has
 * changed its tables and not done so may see the old ones or the new ones
 * (4.10.2.3, 4.10.3), so two right machines may differ.  A difference is taken
 * for one of these where all of this is so:
 *
 *   1. The first instruction that differs does not if both drop all
 *      translations right before it.
 *   2. There, or behind it (a frame may lie over the tables), one of the two
 *      had kept a translation that the tables do not say any more.
 *   3. It still differs if all that has been dropped, up to there, at each
 *      place where the program drops it: what is kept is not too old.
 *
 * From there on both go on with nothing kept, and are judged again.
 *
 * With nested paging AMD-V's guest has no copy of PAE paging's four pointers
 * (AMD APM vol. 2, 15.25.10): they count as translations that the bare
 * processor keeps, and those with reserved bits are #GP there when they are
 * loaded, and a page fault here when they are used.  Where the first difference
 * is such a #GP, or behind an instruction that has changed them, the two have
 * parted with right.
 *
 * So they have where the instruction is in a paging-structure entry, and its
 * own access sets that one's accessed and dirty flags: a processor may have set
 * them before it fetched (Intel SDM vol. 3, 4.8, 4.10.2.3, 8.1.3), and a
 * monitor that executes it fetches behind that.
 *
 * And so they have where #DB's own delivery meets a breakpoint, again and
 * again: a processor is caught in that, and the model counts.
 *
 * A VMCB has one bit for the shadows of STI and of a load of SS (AMD APM vol.
 * 2, 15.21.5), so that of two in a row with an exit between them the second
 * counts on AMD-V, and does not on the bare processor.  They part where
 * something waits behind it.
 *
 * Every other difference is a mistake in one of the two. */
#ifndef TESTS_X86_HOSTILE_JUDGE_H
#define TESTS_X86_HOSTILE_JUDGE_H

#include "tests/x86_hostile_vm.h"

enum hostile_verdict {
    HOSTILE_ALIKE,
    HOSTILE_STALE, /* differences, all of them as above */
    HOSTILE_PARTED,
    HOSTILE_DIFFERENT
};

/* Not alike: words say how they differ first; HOSTILE_DIFFERENT: where, and
 * which of the rules the difference breaks. */
enum hostile_verdict hostile_judge(const struct hostile_guest *g,
                                   char words[HOSTILE_WORDS]);

#endif
