/* The architectural state of one x86 processor, in our own form.
 *
 * What no kernel's or vendor's structure leaks into: engines translate to and
 * from it at their door.  Floating-point and debug registers are not here;
 * they stay in the engine. */
#ifndef X86VMM_MACHINE_STATE_H
#define X86VMM_MACHINE_STATE_H

#include "base/table.h"

/* In the order of the register numbers in instructions. */
enum x86_gpr {
    X86_RAX,
    X86_RCX,
    X86_RDX,
    X86_RBX,
    X86_RSP,
    X86_RBP,
    X86_RSI,
    X86_RDI,
    X86_GPR_COUNT = 16
};

enum x86_seg {
    X86_ES,
    X86_CS,
    X86_SS,
    X86_DS,
    X86_FS,
    X86_GS,
    X86_LDTR,
    X86_TR,
    X86_SEG_COUNT
};

/* Register groups, bit numbers of a group mask. */
enum x86_group {
    X86_GROUP_GPR,
    X86_GROUP_SEG,
    X86_GROUP_CTL,
    X86_GROUP_MODE,
    X86_GROUP_COUNT
};
/* General registers, RIP, RFLAGS.  (What x86_code_bits asks for, an engine has
 * always fetched.) */
#define X86_GPR (1u << X86_GROUP_GPR)
#define X86_SEG (1u << X86_GROUP_SEG) /* segments, descriptor tables */
#define X86_CTL (1u << X86_GROUP_CTL) /* control registers, EFER */
/* What x86_real_mode and x86_cpl ask for: CR0, and SS's attributes. */
#define X86_MODE (1u << X86_GROUP_MODE)
#define X86_ALL  (X86_GPR | X86_SEG | X86_CTL | X86_MODE)

/* Attributes of a segment: bits 8-15 and 20-23 of its descriptor's second
 * doubleword, closed up (Intel SDM vol. 3, "Segment Descriptors"). */
enum {
    X86_ATTR_TYPE = 0x00F,
    X86_ATTR_S = 0x010, /* code or data, not system */
    X86_ATTR_DPL = 0x060,
    X86_ATTR_P = 0x080,
    X86_ATTR_AVL = 0x100,
    X86_ATTR_L = 0x200,  /* 64-bit code */
    X86_ATTR_DB = 0x400, /* 32-bit */
    X86_ATTR_G = 0x800,
    X86_ATTR_UNUSABLE = 0x1000 /* not in a descriptor: a null selector */
};

struct x86_segment {
    uint64_t base;
    uint32_t limit; /* in bytes, G applied */
    uint16_t selector;
    uint16_t attr; /* X86_ATTR_* */
};

struct x86_table_reg {
    uint64_t base;
    uint16_t limit;
};

struct x86_state {
    uint64_t gpr[X86_GPR_COUNT]; /* enum x86_gpr, then R8 to R15 */
    uint64_t rip, rflags;
    struct x86_segment seg[X86_SEG_COUNT];
    struct x86_table_reg gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer;
    /* Would the processor take an interrupt before the next instruction?
     * IF, and no shadow of STI or MOV SS, and nothing else being delivered.
     * Kept by the engine. */
    bool interruptible;
    /* An event has been handed to the engine and waits for the next entry.
     * Kept by the engine. */
    bool delivering;
    /* NMIs are held back: by one that is being served, by such a shadow.  Kept
     * by engines that can tell. */
    bool nmi_held;
    /* It is the guest of a monitor that is a guest itself, which gets the
     * interrupts: they end HLT, and are not delivered.  Kept by the engine. */
    bool wakes;
    /* The tick at which something else ends its HLT, a timer of that monitor's;
     * 0: nothing.  Kept by the engine. */
    uint64_t alarm;
};

#define X86_FLAG_ONE  0x2ull /* always 1 */
#define X86_FLAG_TF   0x100ull
#define X86_FLAG_IF   0x200ull
#define X86_FLAG_DF   0x400ull
#define X86_FLAG_IOPL 0x3000ull
#define X86_FLAG_NT   0x4000ull
#define X86_FLAG_RF   0x10000ull
#define X86_FLAG_VM   0x20000ull
#define X86_FLAG_AC   0x40000ull
#define X86_FLAG_VIF  0x80000ull
#define X86_FLAG_VIP  0x100000ull
#define X86_FLAG_ID   0x200000ull
#define X86_CR0_PE    0x1ull
#define X86_CR0_TS    0x8ull
#define X86_CR0_ET    0x10ull
#define X86_CR0_NE    0x20ull
#define X86_CR0_WP    0x10000ull
#define X86_CR0_NW    0x20000000ull
#define X86_CR0_CD    0x40000000ull
#define X86_CR0_PG    0x80000000ull
#define X86_CR4_TSD   0x4ull
#define X86_CR4_DE    0x8ull
#define X86_CR4_PSE   0x10ull
#define X86_CR4_PAE   0x20ull
#define X86_CR4_PGE   0x80ull
#define X86_CR4_UMIP  0x800ull
#define X86_CR4_LA57  0x1000ull
#define X86_CR4_SMEP  0x100000ull
#define X86_CR4_SMAP  0x200000ull
#define X86_EFER_SCE  0x1ull
#define X86_EFER_LME  0x100ull
#define X86_EFER_LMA  0x400ull
#define X86_EFER_NXE  0x800ull

/* The whole state as rows of regs.def. */
extern const struct reg_table x86_regs;

/* After RESET (Intel SDM vol. 3, "Processor State After Reset"), but starting
 * at 0000:0000. */
void x86_state_reset(struct x86_state *s);
/* The same, as it is: caches off, and starting at FFFFFFF0. */
void x86_state_power_on(struct x86_state *s);

/* Real mode: also where a segment is 16 times its selector. */
static inline bool x86_real_mode(const struct x86_state *s)
{
    return !(s->cr0 & X86_CR0_PE);
}

/* Current privilege level: DPL of SS, 0 in real mode. */
static inline unsigned x86_cpl(const struct x86_state *s)
{
    return x86_real_mode(s) ? 0 : (s->seg[X86_SS].attr & X86_ATTR_DPL) >> 5;
}

/* Width of code at CS: 16, 32 or 64. */
static inline unsigned x86_code_bits(const struct x86_state *s)
{
    uint16_t attr = s->seg[X86_CS].attr;

    if ((s->efer & X86_EFER_LMA) && (attr & X86_ATTR_L))
        return 64;
    return attr & X86_ATTR_DB ? 32 : 16;
}

/* Of its instruction pointer, which has 32 bits in 16-bit code, too: behind an
 * instruction at FFFF it is above that, where the segment's limit is. */
static inline uint64_t x86_code_mask(const struct x86_state *s)
{
    return x86_code_bits(s) == 64 ? UINT64_MAX : UINT32_MAX;
}

/* What a trace shows of it: "long 0010:100000 fl 000002". */
void x86_state_words(const struct x86_state *s, char *out, size_t cap);

#endif
