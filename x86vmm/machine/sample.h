#ifndef X86VMM_MACHINE_SAMPLE_H
#define X86VMM_MACHINE_SAMPLE_H

/* What kind of guest a control block has that can be entered: sample.def. */
enum x86_sample {
#define SAMPLE(name, NAME, words) X86_SAMPLE_##NAME,
#include "x86vmm/machine/sample.def"
#undef SAMPLE
    X86_SAMPLE_COUNT
};

#endif
