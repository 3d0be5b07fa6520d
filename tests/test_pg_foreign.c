/* ARM and RISC-V, held against QEMU: does an instruction trap in user mode, or
 * in the guest's kernel, where its description says so?
 *
 * QEMU's Linux gives user mode what Linux does: SCTLR_EL1.UCT, UCI, DZE, nTWI,
 * nTWE, the counters.  What is UNPREDICTABLE may do either.
 *
 * Two things that QEMU 7.2 does against the manuals are not asked: VTVM does
 * not keep VS-mode from satp, and programs may read the identification
 * registers. */
#include "popek-goldberg/judge/eval.h"
#include "tests/command.h"
#include "tests/foreign.h"
#include "tests/pg_isa.h"
#include "tests/skip.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the description says ---- */

static void set(const struct isa *isa, struct isa_state *s, const char *name,
                uint64_t value)
{
    int i = isa_find_element(isa, name, strlen(name));

    if (i >= 0)
        s->v[i] = value;
}

static const struct isa_encoding *encoding(const struct isa *isa,
                                           const char *name)
{
    int i = isa_find_encoding(isa, name);

    ck_assert_msg(i >= 0, "%s has no %s", isa->name, name);
    return &isa->encodings[i];
}

static struct isa_state begin(const struct isa *isa)
{
    struct isa_state s = {.q = isa->cells};

    s.v[ISA_MODE] = ISA_USER;
    s.v[ISA_BOUND] = isa->cells;
    return s;
}

static struct isa_result step(const struct isa *isa, const char *name,
                              const struct isa_state *s)
{
    static const uint64_t operands[ISA_OPERANDS];
    struct isa_result r;

    isa_step(isa, encoding(isa, name), ISA_FULL, operands, s, &r);
    return r;
}

/* ---- RISC-V, bare ---- */

enum { PROBES = 64 };

#define CSRR(csr) (0x00002573u | (csr) << 20)
#define CSRW(csr) (0x00001073u | (csr) << 20)

static const struct riscv_row {
    enum foreign_levels levels;
    const char *encoding;
    const char *modes;
    struct foreign_probe p;
} riscv[] = {
    {FOREIGN_MSU, "CSRR_sstatus", "SU", {.word = CSRR(0x100)}},
    {FOREIGN_MSU, "CSRW_sstatus", "SU", {.word = CSRW(0x100)}},
    {FOREIGN_MSU, "CSRR_sepc", "SU", {.word = CSRR(0x141)}},
    {FOREIGN_MSU, "CSRW_sepc", "SU", {.word = CSRW(0x141)}},
    {FOREIGN_MSU, "CSRR_scause", "SU", {.word = CSRR(0x142)}},
    {FOREIGN_MSU, "CSRW_stvec", "SU", {.word = CSRW(0x105)}},
    {FOREIGN_MSU, "CSRRW_sscratch", "SU", {.word = 0x14051573}},
    {FOREIGN_MSU, "CSRW_sip", "SU", {.word = CSRW(0x144)}},
    {FOREIGN_MSU, "CSRW_scounteren", "SU", {.word = CSRW(0x106)}},
    {FOREIGN_MSU, "CSRR_satp", "SU", {.word = CSRR(0x180)}},
    {FOREIGN_MSU, "CSRW_satp", "SU", {.word = CSRW(0x180)}},
    {FOREIGN_MSU, "SFENCE_VMA", "SU", {.word = 0x12000073}},
    {FOREIGN_MSU, "SRET", "SU", {.word = 0x10200073}},
    {FOREIGN_MSU, "WFI", "U", {.word = 0x10500073}},
    {FOREIGN_MSU, "MRET", "SU", {.word = 0x30200073}},
    {FOREIGN_MSU, "MRET", "SU", {.word = CSRR(0x300)}},
    {FOREIGN_MSU, "MRET", "SU", {.word = CSRR(0xF14)}},
    {FOREIGN_MSU, "CSRR_cycle", "SU", {.word = CSRR(0xC00)}},
    {FOREIGN_MSU, "CSRR_instret", "SU", {.word = CSRR(0xC02)}},
    {FOREIGN_MSU, "CSRR_time", "SU", {.word = CSRR(0xC01)}},
    {FOREIGN_MSU, "CSRR_cycle", "SU", {.word = CSRR(0xC00), .scounteren = 1}},
    {FOREIGN_MSU, "CSRR_time", "SU", {.word = CSRR(0xC01), .scounteren = 1}},
    {FOREIGN_MSU, "FADD", "SU", {.word = 0x02A57553, .fs = 0}},
    {FOREIGN_MSU, "FADD", "SU", {.word = 0x02A57553, .fs = 1}},
    {FOREIGN_MSU, "CSRRW_fcsr", "SU", {.word = CSRR(0x003), .fs = 0}},
    {FOREIGN_MSU, "CSRRW_fcsr", "SU", {.word = CSRR(0x003), .fs = 3}},
    {FOREIGN_MSU, "EBREAK", "SU", {.word = 0x00100073}},
    {FOREIGN_MSU, "ECALL", "SU", {.word = 0x00000073}},
    {FOREIGN_MSU, "FENCE", "SU", {.word = 0x0000100F}},
    {FOREIGN_MSU, "AUIPC", "SU", {.word = 0x00000517}},

    {FOREIGN_MU, "WFI", "U", {.word = 0x10500073, .tw = 1}},
    {FOREIGN_MU, "CSRR_time", "U", {.word = CSRR(0xC01)}},
    {FOREIGN_MU, "CSRR_cycle", "U", {.word = CSRR(0xC00)}},
    {FOREIGN_MU, "CSRR_cycle", "U", {.word = CSRR(0xC00), .mcounteren = 1}},
    {FOREIGN_MU, "CSRR_mstatus", "U", {.word = CSRR(0x300)}},
    {FOREIGN_MU, "CSRR_mhartid", "U", {.word = CSRR(0xF14)}},
    {FOREIGN_MU, "CSRR_mepc", "U", {.word = CSRR(0x341)}},
    {FOREIGN_MU, "CSRW_mtvec", "U", {.word = CSRW(0x305)}},
    {FOREIGN_MU, "CSRW_mcounteren", "U", {.word = CSRW(0x306)}},
    {FOREIGN_MU, "CSRW_pmpaddr", "U", {.word = CSRW(0x3B0)}},
    {FOREIGN_MU, "MRET", "U", {.word = 0x30200073}},
    {FOREIGN_MU, "ECALL", "U", {.word = 0x00000073}},
    {FOREIGN_MU, "AUIPC", "U", {.word = 0x00000517}},

    {FOREIGN_H, "CSRR_sstatus", "SUVW", {.word = CSRR(0x100)}},
    {FOREIGN_H, "CSRW_stvec", "SUVW", {.word = CSRW(0x105)}},
    {FOREIGN_H, "CSRR_satp", "SUVW", {.word = CSRR(0x180)}},
    {FOREIGN_H, "SFENCE_VMA", "SUVW", {.word = 0x12000073}},
    {FOREIGN_H, "SFENCE_VMA", "VW", {.word = 0x12000073, .vtvm = 1}},
    {FOREIGN_H, "SRET", "UVW", {.word = 0x10200073}},
    {FOREIGN_H, "SRET", "VW", {.word = 0x10200073, .vtsr = 1}},
    {FOREIGN_H, "WFI", "VW", {.word = 0x10500073, .vtw = 1}},
    {FOREIGN_H, "CSRR_hstatus", "SUVW", {.word = CSRR(0x600)}},
    {FOREIGN_H, "CSRW_hgatp", "SUVW", {.word = CSRW(0x680)}},
    {FOREIGN_H, "CSRW_hedeleg", "SUVW", {.word = CSRW(0x602)}},
    {FOREIGN_H, "CSRW_hcounteren", "SUVW", {.word = CSRW(0x606)}},
    {FOREIGN_H, "CSRW_vsepc", "SUVW", {.word = CSRW(0x241)}},
    {FOREIGN_H, "CSRR_vsepc", "SUVW", {.word = CSRR(0x241)}},
    {FOREIGN_H, "HFENCE_VVMA", "SUVW", {.word = 0x22000073}},
    {FOREIGN_H, "HLV", "UVW", {.word = 0x60014573}},
    {FOREIGN_H, "CSRR_cycle", "SUVW", {.word = CSRR(0xC00)}},
    {FOREIGN_H,
     "CSRR_cycle",
     "SUVW",
     {.word = CSRR(0xC00), .scounteren = 1, .hcounteren = 1}},
    {FOREIGN_H, "CSRR_cycle", "SUVW", {.word = CSRR(0xC00), .hcounteren = 1}},
    {FOREIGN_H, "ECALL", "SUVW", {.word = 0x00000073}},
    {FOREIGN_H, "MRET", "SUVW", {.word = 0x30200073}},
};

static const char *const names[FOREIGN_LEVELS] = {"riscv-mu", "riscv-s",
                                                  "riscv-h"};

/* In the description, the instruction's ending in this mode. */
static struct isa_result say(const struct isa *isa, const struct riscv_row *row,
                             const struct foreign_probe *p)
{
    struct isa_state s = begin(isa);
    bool user = p->mode == 'U' || p->mode == 'W';
    bool guest = p->mode == 'V' || p->mode == 'W';

    s.v[ISA_MODE] = row->levels == FOREIGN_H ? guest : user;
    set(isa, &s, "privilege", user);
    set(isa, &s, "mcounteren", p->mcounteren);
    set(isa, &s, "scounteren", p->scounteren);
    set(isa, &s, "hcounteren", p->hcounteren);
    set(isa, &s, "fs", p->fs);
    set(isa, &s, "tw", p->tw);
    set(isa, &s, "vtvm", p->vtvm);
    set(isa, &s, "vtw", p->vtw);
    set(isa, &s, "vtsr", p->vtsr);
    set(isa, &s, "hu", p->hu);
    return step(isa, row->encoding, &s);
}

/* Has the trap one of these causes?  An instruction that is refused below V = 1
 * is illegal or virtual by rules that do not matter to a monitor in HS-mode. */
static bool is_cause(const char *trap, unsigned cause)
{
    static const struct {
        const char *trap;
        unsigned causes[2];
    } all[] = {{"illegal", {2, 22}},  {"virtual", {22, 2}},
               {"fp_off", {2, 2}},    {"breakpoint", {3, 3}},
               {"ecall_u", {8, 8}},   {"ecall_s", {9, 9}},
               {"ecall_vs", {10, 10}}};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (!strcmp(all[i].trap, trap))
            return cause == all[i].causes[0] || cause == all[i].causes[1];
    return false;
}

static void compare(const struct isa *isa, const struct riscv_row *row,
                    const struct foreign_probe *p,
                    const struct foreign_outcome *seen)
{
    struct isa_result r = say(isa, row, p);
    const char *trap =
        r.ending == ISA_TRAPPED ? isa->traps[r.trap].name : "none";

    ck_assert_int_ne(r.ending, ISA_ANYTHING);
    ck_assert_msg((r.ending == ISA_TRAPPED) == seen->refused,
                  "%s, %s in %c: trap %s, and cause %u %s", isa->name,
                  row->encoding, p->mode, trap, seen->cause,
                  seen->refused ? "there" : "behind it");
    ck_assert_msg(!seen->refused || is_cause(trap, seen->cause),
                  "%s, %s in %c: trap %s, and cause %u", isa->name,
                  row->encoding, p->mode, trap, seen->cause);
}

START_TEST(test_riscv)
{
    const struct riscv_row *rows[2 * PROBES];
    struct foreign_probe probes[2 * PROBES];
    struct foreign_outcome seen[2 * PROBES];
    unsigned n = 0;

    if (!foreign_have("qemu-system-riscv64")) {
        skip_test("no qemu-system-riscv64: %s is not held against it",
                  names[_i]);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(riscv); i++)
        for (const char *m = riscv[i].modes;
             riscv[i].levels == (enum foreign_levels)_i && *m; m++) {
            ck_assert_uint_lt(n, 2 * PROBES);
            rows[n] = &riscv[i];
            probes[n] = riscv[i].p;
            probes[n].mode = *m;
            probes[n].mcounteren |= _i != FOREIGN_MU;
            n++;
        }
    ck_assert(foreign_riscv((enum foreign_levels)_i, probes, n, seen));
    struct isa *isa = pg_machine_named(names[_i]);
    for (unsigned i = 0; i < n; i++)
        compare(isa, rows[i], &probes[i], &seen[i]);
    isa_free(isa);
}
END_TEST

/* ---- ARM, under Linux ---- */

enum { SIGNAL = 1000 };

static const struct arm_row {
    enum foreign_arch arch;
    const char *encoding;
    uint32_t words[4];
    int exits; /* with this status, if it goes on */
} arm[] = {
    /* Still User mode (10000), no mask set. */
    {FOREIGN_ARM, "CPS", {0xF10E0093, 0xE10F0000, 0xE20000DF}, 0x10},
    {FOREIGN_ARM, "MRS_CPSR", {0xE10F0000, 0xE200001F}, 0x10},
    {FOREIGN_ARM,
     "MSR_register",
     {0xE3A01093, 0xE121F001, 0xE10F0000, 0xE20000DF},
     0x10},
    {FOREIGN_ARM, "MSR_immediate", {0xE321F093, 0xE10F0000, 0xE20000DF}, 0x10},
    {FOREIGN_ARM, "MSR_APSR", {0xE328F000}, 0},
    {FOREIGN_ARM, "MRS_SPSR", {0xE14F0000}, 0},
    {FOREIGN_ARM, "MSR_SPSR", {0xE169F001}, 0},
    {FOREIGN_ARM, "RFE", {0xF89D0A00}, 0},
    {FOREIGN_ARM, "SRS", {0xF8CD0513}, 0},
    {FOREIGN_ARM, "LDM_return", {0xE8DD8002}, 0},
    {FOREIGN_ARM, "LDM_user", {0xE8DD0006}, 0},
    {FOREIGN_ARM, "STM_user", {0xE8CD0006}, 0},
    {FOREIGN_ARM, "MOVS_PC", {0xE1B0F00E}, 0},
    {FOREIGN_ARM, "SUBS_PC", {0xE25EF004}, 0},
    {FOREIGN_ARM, "LDRT", {0xE4BD1000}, 0},
    {FOREIGN_ARM, "STRT", {0xE4AD1000}, 0},
    {FOREIGN_ARM, "LDRBT", {0xE4FD1000}, 0},
    {FOREIGN_ARM, "STRBT", {0xE4ED1000}, 0},
    {FOREIGN_ARM, "LDRHT", {0xE0FD10B0}, 0},
    {FOREIGN_ARM, "LDRSBT", {0xE0FD10D0}, 0},
    {FOREIGN_ARM, "LDRSHT", {0xE0FD10F0}, 0},
    {FOREIGN_ARM, "STRHT", {0xE0ED10B0}, 0},
    {FOREIGN_ARM, "WFI", {0xE320F003}, 0},
    {FOREIGN_ARM, "WFE", {0xE320F002}, 0},
    {FOREIGN_ARM, "MCR_SCTLR", {0xEE011F10}, 0},
    {FOREIGN_ARM, "MRC_SCTLR", {0xEE111F10}, 0},
    {FOREIGN_ARM, "MCR_TTBR", {0xEE021F10}, 0},
    {FOREIGN_ARM, "MRC_TTBR", {0xEE121F10}, 0},
    {FOREIGN_ARM, "MCR_VBAR", {0xEE0C1F10}, 0},
    {FOREIGN_ARM, "MCR_maintenance", {0xEE081F17}, 0},
    {FOREIGN_ARM, "MCR_barrier", {0xEE071FBA}, 0},
    {FOREIGN_ARM, "MCR_TPIDRURW", {0xEE0D1F50}, 0},
    {FOREIGN_ARM, "MRC_TPIDRURO", {0xEE1D1F70}, 0},
    {FOREIGN_ARM, "MCR_TPIDRURO", {0xEE0D1F70}, 0},
    {FOREIGN_ARM, "MCR_PMUSERENR", {0xEE091F1E}, 0},
    {FOREIGN_ARM, "MCR_DBGDSCR", {0xEE001E52}, 0},
    {FOREIGN_ARM, "SMC", {0xE1600070}, 0},
    {FOREIGN_ARM, "UDF", {0xE7F000F0}, 0},
    {FOREIGN_ARM, "LDR", {0xE59D1000}, 0},
    {FOREIGN_ARM, "STR", {0xE58D1000}, 0},

    {FOREIGN_AARCH64, "LDTR", {0xF8400BE1}, 0},
    {FOREIGN_AARCH64, "STTR", {0xF8000BE1}, 0},
    {FOREIGN_AARCH64, "MRS_DAIF", {0xD53B4221}, 0},
    {FOREIGN_AARCH64, "MSR_DAIF", {0xD51B4221}, 0},
    {FOREIGN_AARCH64, "MSR_DAIF", {0xD50342DF}, 0},
    {FOREIGN_AARCH64, "MRS_CTR_EL0", {0xD53B0021}, 0},
    /* DC ZVA is not prohibited where DZE is 1. */
    {FOREIGN_AARCH64, "MRS_DCZID_EL0", {0xD53B00E0, 0xD344FC00, 0x92400000}, 0},
    {FOREIGN_AARCH64, "DC_CVAC", {0x910003E1, 0xD50B7B21}, 0},
    {FOREIGN_AARCH64, "DC_ZVA", {0x910003E1, 0xD50B7421}, 0},
    {FOREIGN_AARCH64, "WFI", {0xD503207F}, 0},
    {FOREIGN_AARCH64, "WFE", {0xD503205F}, 0},
    {FOREIGN_AARCH64, "MRS_CNTVCT_EL0", {0xD53BE041}, 0},
    {FOREIGN_AARCH64, "MRS_PMCCNTR_EL0", {0xD53B9D01}, 0},
    {FOREIGN_AARCH64, "MRS_CurrentEL", {0xD5384241}, 0},
    {FOREIGN_AARCH64, "MSR_SPSel", {0xD50040BF}, 0},
    {FOREIGN_AARCH64, "MRS_SP_EL0", {0xD5384101}, 0},
    {FOREIGN_AARCH64, "MSR_PAN", {0xD500409F}, 0},
    {FOREIGN_AARCH64, "ERET", {0xD69F03E0}, 0},
    {FOREIGN_AARCH64, "MSR_TTBR0_EL1", {0xD5182001}, 0},
    {FOREIGN_AARCH64, "MRS_TTBR0_EL1", {0xD5382001}, 0},
    {FOREIGN_AARCH64, "MSR_SCTLR_EL1", {0xD5181001}, 0},
    {FOREIGN_AARCH64, "MSR_CNTKCTL_EL1", {0xD518E101}, 0},
    {FOREIGN_AARCH64, "MSR_CPACR_EL1", {0xD5181041}, 0},
    {FOREIGN_AARCH64, "MSR_VBAR_EL1", {0xD518C001}, 0},
    {FOREIGN_AARCH64, "MRS_ESR_EL1", {0xD5385201}, 0},
    {FOREIGN_AARCH64, "TLBI", {0xD508871F}, 0},
    {FOREIGN_AARCH64, "AT", {0xD5087801}, 0},
    {FOREIGN_AARCH64, "DC_ISW", {0xD5087641}, 0},
    {FOREIGN_AARCH64, "MRS_NZCV", {0xD53B4201}, 0},
    {FOREIGN_AARCH64, "MSR_NZCV", {0xD51B4201}, 0},
    {FOREIGN_AARCH64, "MSR_TPIDR_EL0", {0xD51BD041}, 0},
    {FOREIGN_AARCH64, "MRS_TPIDRRO_EL0", {0xD53BD061}, 0},
    {FOREIGN_AARCH64, "MSR_TPIDRRO_EL0", {0xD51BD061}, 0},
    {FOREIGN_AARCH64, "HVC", {0xD4000002}, 0},
    {FOREIGN_AARCH64, "UDF", {0x00000000}, 0},
    {FOREIGN_AARCH64, "FADD", {0x1E602800}, 0},
    {FOREIGN_AARCH64, "LDR", {0xF94003E1}, 0},
    {FOREIGN_AARCH64, "STR", {0xF90003E1}, 0},
};

static unsigned length(const struct arm_row *r)
{
    unsigned n = 1;

    while (n < ARRAY_LEN(r->words) && r->words[n])
        n++;
    return n;
}

static struct isa_result say_arm(const struct isa *isa, const struct arm_row *r)
{
    static const char *const open[] = {"uci",  "uct",     "dze",  "ntwi",
                                       "ntwe", "el0cten", "fpen", "no_debug"};
    struct isa_state s = begin(isa);

    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        set(isa, &s, open[i], 1);
    return step(isa, r->encoding, &s);
}

START_TEST(test_arm)
{
    static const char *const described[FOREIGN_ARCHS] = {"armv7-a",
                                                         "aarch64-el1"};
    enum foreign_arch arch = (enum foreign_arch)_i;

    if (!foreign_have(foreign_emulator(arch))) {
        skip_test("no %s: %s is not held against it", foreign_emulator(arch),
                  described[arch]);
        return;
    }
    struct isa *isa = pg_machine_named(described[arch]);
    for (size_t i = 0; i < ARRAY_LEN(arm); i++) {
        if (arm[i].arch != arch)
            continue;
        struct isa_result r = say_arm(isa, &arm[i]);
        int seen = foreign_run(arch, arm[i].words, length(&arm[i]));

        if (r.ending == ISA_ANYTHING)
            continue;
        ck_assert_msg(
            r.ending == ISA_TRAPPED ? seen > SIGNAL : seen == arm[i].exits,
            "%s, %s: %s, and %s says %d", isa->name, arm[i].encoding,
            r.ending == ISA_TRAPPED ? isa->traps[r.trap].name : "goes on",
            foreign_emulator(arch), seen);
    }
    isa_free(isa);
}
END_TEST

Suite *suite_pg_foreign(void)
{
    Suite *s = suite_create("pg_foreign");
    TCase *t = tcase_create("foreign");

    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, NULL, command_clean);
    tcase_add_loop_test(t, test_riscv, 0, FOREIGN_LEVELS);
    tcase_add_loop_test(t, test_arm, 0, FOREIGN_ARCHS);
    suite_add_tcase(s, t);
    return s;
}
