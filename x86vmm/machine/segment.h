/* Descriptors and segment registers (Intel SDM vol. 3, "Protected-Mode Memory
 * Management", "Protection").  All that can fault returns 0 or X86_FAULT. */
#ifndef X86VMM_MACHINE_SEGMENT_H
#define X86VMM_MACHINE_SEGMENT_H

#include "x86vmm/machine/access.h"

/* Types of system descriptors. */
enum {
    X86_TSS_16 = 1,
    X86_LDT = 2,
    X86_TSS_16_BUSY = 3,
    X86_CALL_16 = 4,
    X86_TASK_GATE = 5,
    X86_INTERRUPT_16 = 6,
    X86_TRAP_16 = 7,
    X86_TSS_32 = 9, /* of 64 bits in long mode; so are those below */
    X86_TSS_32_BUSY = 11,
    X86_CALL_32 = 12,
    X86_INTERRUPT_32 = 14,
    X86_TRAP_32 = 15,
    X86_TSS_BUSY = 2 /* this bit of a type */
};

struct x86_descriptor {
    uint64_t at;               /* linear address */
    uint32_t low, high, upper; /* upper: bits 63-32 of a base or offset */
    uint16_t selector;
    uint16_t attr; /* X86_ATTR_* */
};

static inline unsigned x86_dpl(uint16_t attr)
{
    return (attr & X86_ATTR_DPL) >> 5;
}

static inline unsigned x86_type(uint16_t attr)
{
    return attr & X86_ATTR_TYPE;
}

static inline bool x86_is_null(uint16_t selector)
{
    return !(selector & ~3u);
}

static inline bool x86_is_code(uint16_t attr)
{
    return (attr & (X86_ATTR_S | 8)) == (X86_ATTR_S | 8);
}

static inline bool x86_is_conforming(uint16_t attr)
{
    return (attr & (X86_ATTR_S | 12)) == (X86_ATTR_S | 12);
}

static inline bool x86_is_writable(uint16_t attr)
{
    return (attr & (X86_ATTR_S | 10)) == (X86_ATTR_S | 2);
}

/* A real-address or virtual-8086 program: selectors are bases. */
static inline bool x86_is_8086(const struct x86_cpu *cpu)
{
    return x86_real_mode(&cpu->state) || (cpu->state.rflags & X86_FLAG_VM);
}

static inline bool x86_long_mode(const struct x86_cpu *cpu)
{
    return cpu->state.efer & X86_EFER_LMA;
}

static inline bool x86_canonical(uint64_t a)
{
    return (uint64_t)((int64_t)(a << 16) >> 16) == a;
}

/* An exception with a selector as its error code. */
int x86_raise_selector(struct x86_cpu *cpu, unsigned vector, uint16_t selector);

/* The descriptor that a selector names, not null; past the table's limit:
 * `vector` with the selector.  *found false instead of that for the first. */
MUST_USE int x86_find_descriptor(struct x86_cpu *cpu, uint16_t selector,
                                 struct x86_descriptor *d, bool *found);
MUST_USE int x86_get_descriptor(struct x86_cpu *cpu, uint16_t selector,
                                unsigned vector, struct x86_descriptor *d);
/* The second half of one of 16 bytes: d->upper. */
MUST_USE int x86_get_upper(struct x86_cpu *cpu, struct x86_descriptor *d,
                           unsigned vector);
/* Set the accessed bit of a code or data descriptor; the type of a TSS's. */
MUST_USE int x86_mark_accessed(struct x86_cpu *cpu, struct x86_descriptor *d);
MUST_USE int x86_set_type(struct x86_cpu *cpu, struct x86_descriptor *d,
                          unsigned type);
/* What a segment register holds once this is loaded. */
struct x86_segment x86_segment_of(const struct x86_descriptor *d);

/* What is to be SS at this CPL: the checks of a load by `vector` (#GP, or #TS
 * of stacks from a TSS), not present `absent`.  Nothing is changed. */
MUST_USE int x86_find_stack(struct x86_cpu *cpu, uint16_t selector,
                            unsigned cpl, unsigned vector, unsigned absent,
                            struct x86_descriptor *d);
/* The same, and marked accessed.  The register is not changed. */
MUST_USE int x86_check_stack(struct x86_cpu *cpu, uint16_t selector,
                             unsigned cpl, unsigned vector,
                             struct x86_segment *ss);
/* DS ES FS GS likewise: #GP or #TS, #NP. */
MUST_USE int x86_check_data(struct x86_cpu *cpu, uint16_t selector,
                            unsigned cpl, unsigned vector,
                            struct x86_segment *s);

/* The offset of `size` bytes and the selector at an op's memory operand. */
struct x86_op;
MUST_USE int x86_far_pointer(struct x86_cpu *cpu, const struct x86_op *op,
                             unsigned size, uint64_t *offset,
                             uint16_t *selector);

/* As real-address and virtual-8086 mode load one. */
void x86_load_8086(struct x86_cpu *cpu, enum x86_seg seg, uint16_t selector);
/* A null selector loaded; for SS it goes on saying which CPL this is. */
struct x86_segment x86_null_segment(uint16_t selector, unsigned cpl);

/* Code segment from a descriptor that was checked; RPL becomes `cpl`. */
void x86_set_code(struct x86_cpu *cpu, const struct x86_descriptor *d,
                  unsigned cpl);
/* Is this offset in that code segment?  #GP(0). */
MUST_USE int x86_check_target(struct x86_cpu *cpu,
                              const struct x86_descriptor *code, uint64_t to);
/* Where it begins: outside 64-bit mode the upper half is dropped before the
 * limit is checked (SDM vol. 2, IRET, RET, JMP: tempEIP). */
uint64_t x86_target(const struct x86_cpu *cpu,
                    const struct x86_descriptor *code, uint64_t to);

/* Which bits of RFLAGS a program may change here by IRET or POPF of `size`
 * bytes. */
uint64_t x86_flags_writable(const struct x86_cpu *cpu, unsigned size);

/* After an outward return: data segments that the new CPL may not have. */
void x86_drop_data(struct x86_cpu *cpu, unsigned cpl);

/* ---- Stacks that SS does not (yet) say ---- */

struct x86_stack {
    struct x86_segment ss;
    uint64_t sp, mask;
    uint16_t error;              /* #SS's code: 0 for the present stack */
    bool wide;                   /* 64-bit: no limit, but canonical */
    struct x86_descriptor named; /* SS's, in the TSS; attr 0: it has none */
    enum x86_in_name name;
};

/* The present one; another one of a more privileged program. */
struct x86_stack x86_stack_now(const struct x86_cpu *cpu);
struct x86_stack x86_stack_inner(const struct x86_segment *ss, uint64_t sp,
                                 bool wide);
MUST_USE int x86_stack_push(struct x86_cpu *cpu, struct x86_stack *s,
                            unsigned width, uint64_t value);
MUST_USE int x86_stack_pop(struct x86_cpu *cpu, struct x86_stack *s,
                           unsigned width, uint64_t *value);
/* Its pointer into RSP, as much of it as the stack has. */
void x86_stack_keep(struct x86_cpu *cpu, const struct x86_stack *s);

/* SS:SP (or RSP) for this CPL in the TSS: #TS.  Null SS in long mode.  It is
 * marked accessed when it is loaded, once the frame is there. */
MUST_USE int x86_stack_of_tss(struct x86_cpu *cpu, unsigned cpl,
                              struct x86_stack *s);
MUST_USE int x86_stack_mark(struct x86_cpu *cpu, struct x86_stack *s);
/* RSP of the TSS: 0 to 2, or 3 + IST number. */
MUST_USE int x86_stack_of_tss_64(struct x86_cpu *cpu, unsigned which,
                                 unsigned cpl, struct x86_stack *s);

#endif
