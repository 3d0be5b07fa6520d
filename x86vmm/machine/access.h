/* Reading and writing storage as an instruction does: segmentation, paging,
 * exceptions.  (Intel SDM vol. 3, "Protected-Mode Memory Management",
 * "Paging".)  All return 0 or X86_FAULT. */
#ifndef X86VMM_MACHINE_ACCESS_H
#define X86VMM_MACHINE_ACCESS_H

#include "x86vmm/machine/cpu.h"

enum x86_access { X86_READ, X86_WRITE, X86_FETCH, X86_ACCESS_COUNT };

/* In whose name: the program's, or the processor's own (descriptor tables, TSS,
 * interrupt frames), which is a supervisor's at any CPL. */
enum x86_in_name { X86_AS_CPL, X86_AS_SYSTEM };

/* ---- By segment and offset ---- size 1 to 16 bytes (more than 8 through the
 * _bytes forms); the value in the low bytes.  The offset has been cut to the
 * address size already.  Checks: limit, type, canonical form (#GP, #SS for
 * SS), alignment if AC applies, paging. */
MUST_USE int x86_read(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                      unsigned size, uint64_t *value);
MUST_USE int x86_write(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                       unsigned size, uint64_t value);
MUST_USE int x86_read_bytes(struct x86_cpu *cpu, enum x86_seg seg,
                            uint64_t offset, size_t size, void *to);
MUST_USE int x86_write_bytes(struct x86_cpu *cpu, enum x86_seg seg,
                             uint64_t offset, size_t size, const void *from);
/* Would x86_write of this much work?  Raises what it would raise: for
 * read-modify-write and for all-or-nothing instructions. */
MUST_USE int x86_check_write(struct x86_cpu *cpu, enum x86_seg seg,
                             uint64_t offset, size_t size);

/* ---- By linear address ---- no segment checks, canonical form not checked. */
MUST_USE int x86_read_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                             enum x86_in_name name, void *to);
MUST_USE int x86_write_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                              enum x86_in_name name, const void *from);

/* The physical address of one linear one, with A and D set as the access sets
 * them, or the page fault that it raises. */
MUST_USE int x86_walk(struct x86_cpu *cpu, uint64_t linear,
                      enum x86_access access, enum x86_in_name name,
                      uint64_t *gpa);

/* Drop translations: all, all but global ones, one page. */
void x86_tlb_flush(struct x86_cpu *cpu, bool globals_too);
void x86_tlb_invalidate(struct x86_cpu *cpu, uint64_t linear);

/* Storage at this physical page was written from outside the processor (DMA,
 * a loader): what was decoded from it is stale. */
void x86_code_written(struct x86_cpu *cpu, uint64_t gpa, size_t size);

/* ---- The stack ---- width 2, 4 or 8 bytes; ESP, SP or RSP as the stack's
 * size says.  Push changes the register only when the write has worked; pop
 * leaves it to the caller: *sp is what it becomes (x86_set_sp). */
MUST_USE int x86_push(struct x86_cpu *cpu, unsigned width, uint64_t value);
MUST_USE int x86_pop(struct x86_cpu *cpu, unsigned width, uint64_t *value);
uint64_t x86_sp(const struct x86_cpu *cpu);
void x86_set_sp(struct x86_cpu *cpu, uint64_t sp);

#endif
