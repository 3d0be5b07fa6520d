/* The CPU: everything that LPSW, LCTL and the manual's Chapter 4 talk about. */
#ifndef S370_MACHINE_CPU_H
#define S370_MACHINE_CPU_H

#include "base/clock.h"
#include "s370/machine/insn.h"
#include "s370/machine/interruption.h"
#include "s370/machine/psw.h"
#include "s370/machine/storage.h"

enum {
    S370_GR_ZERO = 16, /* index of a register that is always zero */
    S370_TLB_ENTRIES = 256,
    S370_FETCH_ENTRIES = 64 /* instructions have a TLB of their own, so that
                             * every driver finds the same entries in it */
};

struct s370_channels;

/* CR0 bits (GA22-7000, "Control Registers"). */
#define S370_CR0_BLOCK_MULTIPLEX  0x80000000u
#define S370_CR0_SSM_SUPPRESSION  0x40000000u
#define S370_CR0_PAGE_SIZE        0x00C00000u /* 01 2K, 10 4K */
#define S370_CR0_SEGMENT_SIZE     0x00380000u /* 000 64K, 010 1M */
#define S370_CR0_EMERGENCY_SIGNAL 0x00004000u
#define S370_CR0_EXTERNAL_CALL    0x00002000u
#define S370_CR0_CLOCK_COMPARATOR 0x00000800u
#define S370_CR0_CPU_TIMER        0x00000400u
#define S370_CR0_INTERVAL_TIMER   0x00000080u
#define S370_CR0_INTERRUPT_KEY    0x00000040u
#define S370_CR0_SIGNAL           0x00000020u
#define S370_CR0_RESET            0x000000E0u
#define S370_CR2_RESET            0xFFFFFFFFu /* all channel masks on */
#define S370_CR14_RESET           0xC2000000u
#define S370_CR15_RESET           0x00000200u /* logout at 512 */

/* Timer facilities of one processor, real or virtual (timer.h). */
struct s370_timers {
    int64_t tod_offset;     /* TOD clock = tod_offset + (ticks << 8) */
    bool tod_set;           /* SCK has set it: CC of STCK is 0, else 1 */
    uint64_t comparator;    /* clock comparator */
    int64_t cpu_timer_zero; /* CPU timer = cpu_timer_zero - (ticks << 8) */
    bool interval_enabled;  /* location 80 is stepped (operator's switch) */
    uint64_t interval_next; /* tick of the next step of location 80 */
    bool interval_pending;  /* interruption conditions that stay until taken */
    bool key_pending;       /* the operator's interrupt key */
    bool signal_pending;    /* external signal */
    bool emergency_pending; /* SIGP emergency signal */
    bool call_pending;      /* SIGP external call */
};

/* Translation-lookaside buffer, 2K blocks, shared by real and translated
 * accesses: a hit costs one compare.  Filled by s370_tlb_fill, which has done
 * prefixing, protection and reference/change recording. */
struct s370_tlb_entry {
    uint32_t read_tag;  /* logical block address | context, or ~0 */
    uint32_t write_tag; /* alike, for stores; never valid when PER is on */
    uint8_t *host;      /* host address of the block */
};

/* Bits of a context, which a tag has beside the block address (bits 11-23):
 * what an entry was made for. */
enum {
    S370_CONTEXT_KEY = 0xF,
    S370_CONTEXT_DAT = 0x10,
    S370_CONTEXT_PER = 0x20,
    S370_CONTEXT_GENERATION = 0x01000000 /* one of it; 255 of them */
};

struct s370_cpu {
    /* Architectural state. */
    uint32_t gr[17]; /* 0-15, and S370_GR_ZERO */
    uint64_t fpr[4]; /* floating-point registers 0, 2, 4, 6 */
    uint32_t cr[16];
    struct s370_psw psw;
    uint32_t prefix;
    struct s370_timers timers;
    uint64_t cpuid;   /* as STIDP stores it */
    uint16_t address; /* as STAP stores it */

    /* Surroundings; all borrowed. */
    struct s370_storage *storage;
    struct clock *clock;            /* ticks of this machine */
    struct s370_channels *channels; /* NULL: a CPU that never runs SIO */

    /* Of the instruction or run in progress. */
    uint64_t ran;      /* instructions attempted since clock->now was set,
                        * the one in progress included */
    uint16_t svc_code; /* S370_SVC */
    uint8_t ilc;       /* bytes, of the last instruction */
    uint32_t translation_address;
    uint32_t monitor_code;
    uint8_t monitor_class;
    uint8_t per_code; /* PER events of this instruction so far */
    uint32_t per_address;
    bool restart_pending;
    bool stopped; /* the stopped state: SIGP stop, resets; ends by restart */

    /* Caches: never architectural, dropped at will. */
    uint32_t context;    /* S370_CONTEXT_* and the generation */
    uint32_t generation; /* its bits in a tag: one up forgets everything */
    uint32_t made_cr0, made_cr1, made_prefix; /* what it was made for */
    struct s370_tlb_entry tlb[S370_TLB_ENTRIES];
    struct s370_tlb_entry fetch[S370_FETCH_ENTRIES];
};

/* ---- cpu.c ---- */

/* Make a CPU, as after an initial CPU reset.  The pointers are borrowed;
 * channels may be NULL.  A CPU owns nothing. */
void s370_cpu_init(struct s370_cpu *cpu, struct s370_storage *storage,
                   struct clock *clock, struct s370_channels *channels);

/* GA22-7000, "CPU Reset" and "Initial CPU Reset": the first ends what is
 * pending, the second also clears PSW, prefix, CPU timer and clock comparator
 * and gives the control registers their initial values.  General and
 * floating-point registers stay, and so does the TOD clock. */
void s370_cpu_reset(struct s370_cpu *cpu, bool initial);

/* The initial values of the control registers. */
void s370_control_reset(uint32_t cr[16]);

/* ---- step.c: the meaning; run.c: the same, faster ---- */

/* Fetch, decode, one privilege check, execute one instruction.  Adds one to
 * cpu->ran.  in->class tells whether it ended in an interruption, which is
 * NOT taken: the bare machine takes it, the engine makes it an exit. */
void s370_step(struct s370_cpu *cpu, struct s370_interruption *in);

/* As s370_step, up to n instructions: returns when n were attempted, when one
 * ended in an interruption (in->class), or after one that returned S370_SYNC
 * and left an asynchronous interruption possible.  The same meaning as
 * calling s370_step that often. */
void s370_run(struct s370_cpu *cpu, uint64_t n, struct s370_interruption *in);

/* The highest-priority asynchronous interruption that is pending and enabled
 * (external, I/O, restart), taken from its source; false if none. */
bool s370_take_pending(struct s370_cpu *cpu, struct s370_interruption *in);

/* Store status (GA22-7000, "Store Status"), at absolute locations: CPU timer
 * 216, comparator 224, PSW 256, prefix 264, FPRs 352, GRs 384, CRs 448. */
void s370_cpu_store_status(struct s370_cpu *cpu);

/* Prefix, or remove it: real to absolute (GA22-7000, "Prefixing"). */
static inline uint32_t s370_real_to_absolute(uint32_t real, uint32_t prefix)
{
    uint32_t page = real & 0xFFF000;

    if (page == 0)
        return real | prefix;
    if (page == prefix)
        return real & 0xFFF;
    return real;
}

/* Ticks at this very instruction. */
static inline uint64_t s370_ticks(const struct s370_cpu *cpu)
{
    return cpu->clock->now + cpu->ran;
}

/* ---- tlb.c, dat.c ---- */

/* After a change of PSW key, translation mode, CR0, CR1 or prefix. */
void s370_context_changed(struct s370_cpu *cpu);
/* PTLB, SSK, RRB, storage handed to somebody else: forget everything. */
void s370_tlb_purge(struct s370_cpu *cpu);
/* Nothing decoded is kept: a channel or a monitor may change storage between
 * two instructions and has to tell nobody. */

/* Make the entry for one access valid.  0 or a program-interruption code. */
MUST_USE int s370_tlb_fill(struct s370_cpu *cpu, uint32_t a, bool write,
                           struct s370_tlb_entry **out);
/* Alike, of the instructions' TLB. */
MUST_USE int s370_fetch_fill(struct s370_cpu *cpu, uint32_t a,
                             struct s370_tlb_entry **out);
/* Would the access to the block of a be allowed?  Changes nothing but
 * cpu->translation_address. */
MUST_USE int s370_check_block(struct s370_cpu *cpu, uint32_t a, bool write);

/* Operands that cross a 2K block, or whose block has no entry. */
MUST_USE int s370_load_slow(struct s370_cpu *cpu, uint32_t a, unsigned len,
                            uint64_t *v);
MUST_USE int s370_store_slow(struct s370_cpu *cpu, uint32_t a, unsigned len,
                             uint64_t v);

/* Dynamic address translation of one logical address by CR0 and CR1, without
 * the TLB.  0 and *real, or a program-interruption code; *cc is what LRA
 * reports for it (GA22-7000, "Dynamic Address Translation"). */
MUST_USE int s370_translate(struct s370_cpu *cpu, uint32_t logical,
                            uint32_t *real, uint8_t *cc);

#endif
