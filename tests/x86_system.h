/* A modelled x86 processor with tables of its own: descriptors of all kinds, a
 * TSS, and an IDT (real mode: IVT) whose handlers do nothing but halt, each at
 * its own place. */
#ifndef TESTS_X86_SYSTEM_H
#define TESTS_X86_SYSTEM_H

#include "tests/x86_bare.h"

enum {
    SYS_TSS = 0x5000,  /* 0x68 bytes, then an I/O map of all ports */
    SYS_TSS2 = 0x7800, /* another task's */
    SYS_TSS16 = 0x7900,
    SYS_LDT = 0x7A00,
    SYS_GDT = 0x7B00,
    SYS_IDT = 0x8000,
    SYS_HANDLERS = 0xA000, /* 16 bytes a vector */
    SYS_STACK0 = 0x3F000,  /* of CPL 0, from the TSS */
    SYS_STACK1 = 0x3E000,  /* of CPL 1; in long mode IST1 */
    SYS_USER = 0x38000     /* RSP of programs that do not begin at CPL 0 */
};

/* Selectors; RPL 0. */
enum {
    SEL_CODE = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE_64 = 0x18,
    SEL_CODE3 = 0x20,
    SEL_DATA3 = 0x28,
    SEL_CODE3_64 = 0x30,
    SEL_CODE_16 = 0x38,
    SEL_DATA_16 = 0x40,
    SEL_CONFORMING = 0x48,
    SEL_TSS = 0x50, /* 16 bytes in long mode */
    SEL_TSS2 = 0x60,
    SEL_TSS16 = 0x68,
    SEL_LDT = 0x70, /* 16 bytes in long mode */
    SEL_GATE =
        0x80, /* call gate, DPL 3, 2 parameters, to SEL_CODE:SYS_CALLED */
    SEL_TASK_GATE = 0x90,
    SEL_ABSENT = 0x98, /* data, not present */
    SEL_READ_ONLY = 0xA0,
    SEL_EXECUTE_ONLY = 0xA8,
    SEL_CODE1 = 0xB0, /* DPL 1 */
    SEL_DATA1 = 0xB8,
    SEL_DOWN = 0xC0, /* expand-down, 32-bit, limit FFF */
    SEL_CODE_ABSENT = 0xC8,
    SEL_LIMIT = 0xD0,   /* past the table */
    SYS_CALLED = 0xB800 /* where the call gate leads: a HLT */
};

enum sys_mode {
    SYS_REAL,
    SYS_PROTECTED,
    SYS_V86,
    SYS_LONG,
    SYS_COMPAT,
    SYS_MODE_COUNT
};

/* Ready to run the program at BARE_CODE. */
struct x86_bare *sys_new(enum sys_mode mode, unsigned cpl);
/* The same machine again, its storage as new. */
void sys_enter(struct x86_bare *m, enum sys_mode mode, unsigned cpl);
/* Put it there; `hex` is bytes in hexadecimal, blanks ignored.  Returns how
 * many. */
size_t sys_program(struct x86_bare *m, const char *hex);
/* Run until HLT or shutdown, or 1000 instructions. */
enum x86_outcome sys_run(struct x86_bare *m);
/* In which vector's handler it halted; -1: elsewhere. */
int sys_vector(const struct x86_bare *m);
/* Word i of the stack, counted in words of `size` bytes from SS:RSP. */
uint64_t sys_stack(struct x86_bare *m, unsigned i, unsigned size);
/* A descriptor or gate in the GDT or IDT. */
void sys_descriptor(struct x86_bare *m, unsigned selector, uint32_t base,
                    uint32_t limit, uint16_t attr);
void sys_gate(struct x86_bare *m, unsigned vector, uint16_t selector,
              uint64_t offset, unsigned attr, unsigned ist);

#endif
