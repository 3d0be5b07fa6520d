/* A hostile program (x86_hostile.h) on a processor with VT-x or AMD-V that is
 * switched on, with a VMCS or VMCB that is nearly right in its storage. */
#ifndef TESTS_X86_HOSTILE_MONITOR_H
#define TESTS_X86_HOSTILE_MONITOR_H

#include "tests/x86_hostile_vm.h"

enum { HOSTILE_MONITOR_WORDS = 120 };

/* It begins by entering that guest.  False: a run of `insns` instructions and
 * as many steps came to different ends; words say where. */
bool hostile_monitor_alike(bool svm, uint64_t seed, uint64_t insns,
                           char words[HOSTILE_MONITOR_WORDS]);

/* The same monitor, with VT-x, as the guest of ours, which lets it have that:
 * beside the bare processor, as hostile_vm_alike. */
bool hostile_inner_alike(uint64_t seed, uint64_t insns, uint64_t slice,
                         char words[HOSTILE_WORDS]);

#endif
