/* Where everything lies in an image of the x86 oracle: shared by the C code
 * that makes images and by image.S, so only #defines.  Addresses are physical;
 * all tables map them to themselves. */
#ifndef TESTS_X86_ORACLE_LAYOUT_H
#define TESTS_X86_ORACLE_LAYOUT_H

/* ---- The arena ---- made anew for each case from a template */
#define AT_IVT     0x0000
#define AT_VARS    0x0600 /* the recorders' own */
#define AT_GDT     0x1000
#define AT_LDT     0x1400
#define AT_IDT     0x1800 /* 8 bytes a gate */
#define AT_IDT_64  0x2000
#define AT_TSS     0x3000 /* 32-bit, with an I/O map */
#define AT_TSS_B   0x3200 /* 32-bit: another task */
#define AT_TSS_DF  0x3400 /* 32-bit: of double faults */
#define AT_TSS_16  0x3600
#define AT_TSS_64  0x3800
#define AT_STUBS   0x4000 /* 16 bytes a vector: of 32-bit gates, */
#define AT_STUBS16 0x5000 /* of 16-bit gates, */
#define AT_STUBS64 0x6000 /* of 64-bit gates, */
#define AT_STUBS_R 0x7000 /* of real-address mode */
#define AT_STACK0  0x8000 /* pages: stacks of CPL 0 */
#define AT_STACK1  0x9000
#define AT_STACK2  0xA000
#define AT_STACK3  0xB000 /* the user's */
#define AT_STACK_T 0xC000 /* of other tasks, and IST */
#define AT_DATA3   0xD000 /* the user's */
#define AT_DATA0   0xE000
#define AT_PAD0    0xF000  /* where jumps of CPL 0 to 2 lead */
#define AT_CODE3   0x10000 /* the user's code, */
#define AT_PAD3    0x11000 /* and where jumps of his lead */
#define AT_CODE0   0x12000
#define AT_RECORD  0x13000 /* the recorders */
#define AT_PD_32   0x14000
#define AT_PT_32   0x15000
#define AT_PDPT    0x16000 /* PAE's four */
#define AT_PD      0x17000 /* PAE's and long mode's */
#define AT_PT      0x18000
#define AT_PML4    0x19000
#define AT_PDPT_64 0x1A000
#define AT_WPT_32  0x1B000 /* page tables of the window */
#define AT_WPT     0x1C000
#define ARENA_SIZE 0x1D000

/* Linear addresses whose pages cases choose: 8 small ones, a large one. */
#define WINDOW       0x400000
#define WINDOW_LARGE 0x800000

/* ---- Beside it ---- */
#define AT_LOG         0x90000 /* records of the present case, 64 KiB */
#define AT_HARNESS_SP  0x1F0000
#define AT_HARNESS_64K 0x1E0000          /* 64 KiB with its stack */
#define AT_BEFORE      0xC00000          /* the arena of a case as it began */
#define AT_PROGRESS    0x700000          /* outlives a reset: magic, and then */
#define PROGRESS_CASE  (AT_PROGRESS + 4) /* the case at hand */
#define PROGRESS_QUIET (AT_PROGRESS + 8) /* it has ended; a reset is all */
#define PROGRESS_8086  (AT_PROGRESS + 12) /* it can have written anywhere */
#define PROGRESS_MAGIC 0x4F523836

/* The IB700, which resets a machine that has not written there for so long. */
#define WATCHDOG_PORT 0x443
#define WATCHDOG_6_S  0xC

/* The image: a ROM that ends at 4 GiB and is copied here. */
#define IMAGE_SIZE  0x200000
#define AT_IMAGE    0x200000
#define IMAGE_ROM   0xFFE00000
#define AT_TEMPLATE AT_IMAGE
#define AT_PLAN     0x220000 /* first case, cases, verbose */
#define AT_CASES    0x220010
#define AT_HARNESS  0x3F0000 /* the last 64 KiB */

/* ---- Variables of the recorders, from AT_VARS ---- */
#define VAR_LOG   0x600 /* offset in AT_LOG of the next record */
#define VAR_BUSY  0x604
#define VAR_COUNT 0x608
#define VAR_MAX   0x60C

/* ---- A case ---- offsets */
#define CASE_SIZE  0 /* all of it, in bytes; a multiple of 4 */
#define CASE_MODE  4 /* 0 real, 1 protected, 2 long */
#define CASE_CR0   8
#define CASE_CR3   12
#define CASE_CR4   16
#define CASE_EFER  20
#define CASE_FLAGS 24
#define CASE_IP    28
#define CASE_CS    32
#define CASE_SP    36
#define CASE_SS    40
#define CASE_DS    44
#define CASE_ES    48
#define CASE_FS    52
#define CASE_GS    56
#define CASE_LDT   60
#define CASE_TR    64
#define CASE_GDTR  68 /* limit in the upper half, base */
#define CASE_IDTR  76
#define CASE_DR7   84
#define CASE_DR0   88
#define CASE_DR1   92
#define CASE_MAX   96 /* events */
#define CASE_MSR \
    100 /* STAR's upper half, LSTAR, FMASK, SYSENTER_CS _ESP _EIP */
#define CASE_GPR   124 /* 16 quadwords, in the order of their encodings */
#define CASE_PATCH 252 /* address, length, bytes (padded to 4) ... */

/* ---- Selectors that are the same in every table ---- */
#define SEL_CODE    0x08 /* flat, CPL 0, 32 bits */
#define SEL_DATA    0x10 /* flat, DPL 3 */
#define SEL_CODE64  0x18
#define SEL_CODE16  0x20 /* base 0, limit FFFF */
#define SEL_DATA16  0x28
#define SEL_STACK   0x30 /* flat, CPL 0 */
#define SEL_TSS_OWN 0x38 /* the harness's, in its own GDT */

#define VECTOR_LOG 0xFD /* records, and goes on */
#define VECTOR_END 0xFE /* ends the case */

#define RECORD_32   0x32000000
#define RECORD_64   0x64000000
#define RECORD_REAL 0x16000000
#define RECORD_NEST 0x99000000 /* an exception in a recorder */
#define RECORD_SUMS 0x55000000 /* of storage, at the end */

#endif
