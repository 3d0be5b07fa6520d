/* One interpreter broken on purpose: the lockstep finds it and names the
 * instruction.  Each row is a mistake that somebody could make, some of them
 * ones that a monitor of the time made on purpose. */
#include "base/bytes.h"
#include "s370/exit/guest_access.h"
#include "s370/exit/interpreter.h"
#include "s370/machine/timer.h"
#include "tests/s370_random.h"

#include <check.h>

/* The true interpreter, and then a change of the guest's state. */
#define AFTER(name, original, ...)                              \
    static enum verdict name(struct vcpu *v, struct vm_exit *x) \
    {                                                           \
        struct s370_vcpu *g = s370_vcpu(v);                     \
        struct s370_vcpu before = *g;                           \
        struct exit_op op = x->op;                              \
        enum verdict verdict = original(v, x);                  \
                                                                \
        (void)before, (void)op;                                 \
        if (verdict != VERDICT_REFLECT) {                       \
            __VA_ARGS__;                                        \
        }                                                       \
        return verdict;                                         \
    }

AFTER(lpsw_keeps_cc, vm_lpsw, g->psw.cc = before.psw.cc)
AFTER(lpsw_keeps_program_mask, vm_lpsw,
      g->psw.program_mask = before.psw.program_mask)
AFTER(ssm_drops_external_bit, vm_ssm, g->psw.system_mask &= 0xFE)
AFTER(stnsm_does_not_and, vm_stnsm, g->psw.system_mask = before.psw.system_mask)
AFTER(stosm_replaces, vm_stosm, g->psw.system_mask = op.imm)
AFTER(spka_is_ignored, vm_spka, g->psw.key = before.psw.key)
AFTER(ipk_clears_all, vm_ipk, g->gr[2] &= 0xF0)
AFTER(isk_hides_key, vm_isk, g->gr[op.r1] &= ~0xFFu)
AFTER(isk_shows_five_bits, vm_isk, g->gr[op.r1] &= ~0x06u)
AFTER(rrb_keeps_cc, vm_rrb, g->psw.cc = before.psw.cc)
AFTER(rrb_clears_change, vm_rrb,
      g->storage.keys[s370_real_to_absolute((uint32_t)op.addr, g->prefix) /
                      S370_BLOCK] &= (uint8_t)~S370_KEY_CHANGE)
AFTER(
    ssk_drops_fetch_bit, vm_ssk,
    g->storage.keys[s370_real_to_absolute(g->gr[op.r2] & 0xFFF800, g->prefix) /
                    S370_BLOCK] &= (uint8_t)~S370_KEY_FETCH)
AFTER(lctl_forgets_the_last, vm_lctl, g->cr[op.r2] = before.cr[op.r2])
AFTER(stctl_shows_real_cr1, vm_stctl,
      op.r1 == 1
          ? store_be32(g->storage.bytes +
                           s370_real_to_absolute((uint32_t)op.addr, g->prefix),
                       0x00010000)
          : (void)0)
AFTER(lra_gives_logical, vm_lra, g->gr[op.r1] = (uint32_t)op.addr)
AFTER(spx_is_ignored, vm_spx, g->prefix = before.prefix)
AFTER(stpx_stores_zero, vm_stpx,
      store_be32(g->storage.bytes +
                     s370_real_to_absolute((uint32_t)op.addr, g->prefix),
                 0))
AFTER(stap_stores_one, vm_stap,
      store_be16(g->storage.bytes +
                     s370_real_to_absolute((uint32_t)op.addr, g->prefix),
                 1))
/* VM/370: the version code says that there is a monitor. */
AFTER(stidp_shows_monitor, vm_stidp,
      g->storage.bytes[s370_real_to_absolute((uint32_t)op.addr, g->prefix)] =
          0xFF)
/* VM/370: the TOD clock is not virtual. */
AFTER(sck_is_ineffective, vm_sck,
      g->timers.tod_offset = before.timers.tod_offset)
AFTER(sckc_is_ignored, vm_sckc, g->timers.comparator = before.timers.comparator)
AFTER(spt_is_late, vm_spt, g->timers.cpu_timer_zero += 1 << S370_TOD_SHIFT)
AFTER(sigp_finds_nobody, vm_sigp, g->psw.cc = 3)
AFTER(sio_always_starts, vm_sio, g->psw.cc = 0)
AFTER(siof_always_starts, vm_siof, g->psw.cc = 0)
AFTER(tio_is_always_busy, vm_tio, g->psw.cc = 2)
AFTER(tch_is_always_available, vm_tch, g->psw.cc = 0)
AFTER(stidc_keeps_cc, vm_stidc, g->psw.cc = before.psw.cc)

/* The operand of LPSW on any boundary. */
static enum verdict lpsw_takes_any_boundary(struct vcpu *v, struct vm_exit *x)
{
    x->op.addr &= ~UINT64_C(7);
    return vm_lpsw(v, x);
}

/* The monitor's own eyes see fetch-protected storage. */
static enum verdict lpsw_ignores_protection(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint8_t key = g->psw.key;

    g->psw.key = 0;
    enum verdict verdict = vm_lpsw(v, x);
    if (verdict == VERDICT_REFLECT)
        g->psw.key = key;
    return verdict;
}

/* SSM suppression is forgotten. */
static enum verdict ssm_is_never_suppressed(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);
    uint32_t cr0 = g->cr[0];

    g->cr[0] &= ~S370_CR0_SSM_SUPPRESSION;
    enum verdict verdict = vm_ssm(v, x);
    g->cr[0] = cr0;
    return verdict;
}

static const struct mutant {
    const char *name;
    enum s370_op op;
    interpreter_fn fn;
} mutants[] = {
#define MUTANT(op, fn)        \
    {                         \
#fn, S370_OP_##op, fn \
    }
    MUTANT(LPSW, lpsw_keeps_cc),
    MUTANT(LPSW, lpsw_keeps_program_mask),
    MUTANT(LPSW, lpsw_takes_any_boundary),
    MUTANT(LPSW, lpsw_ignores_protection),
    MUTANT(SSM, ssm_drops_external_bit),
    MUTANT(SSM, ssm_is_never_suppressed),
    MUTANT(STNSM, stnsm_does_not_and),
    MUTANT(STOSM, stosm_replaces),
    MUTANT(SPKA, spka_is_ignored),
    MUTANT(IPK, ipk_clears_all),
    MUTANT(ISK, isk_hides_key),
    MUTANT(ISK, isk_shows_five_bits),
    MUTANT(RRB, rrb_keeps_cc),
    MUTANT(RRB, rrb_clears_change),
    MUTANT(SSK, ssk_drops_fetch_bit),
    MUTANT(LCTL, lctl_forgets_the_last),
    MUTANT(STCTL, stctl_shows_real_cr1),
    MUTANT(LRA, lra_gives_logical),
    MUTANT(SPX, spx_is_ignored),
    MUTANT(STPX, stpx_stores_zero),
    MUTANT(STAP, stap_stores_one),
    MUTANT(STIDP, stidp_shows_monitor),
    MUTANT(SCK, sck_is_ineffective),
    MUTANT(SCKC, sckc_is_ignored),
    MUTANT(SPT, spt_is_late),
    MUTANT(SIGP, sigp_finds_nobody),
    MUTANT(SIO, sio_always_starts),
    MUTANT(SIOF, siof_always_starts),
    MUTANT(TIO, tio_is_always_busy),
    MUTANT(TCH, tch_is_always_available),
    MUTANT(STIDC, stidc_keeps_cc),
#undef MUTANT
};

enum { CASES = 500 };

static struct lockstep_report run(const struct mutant *m, uint64_t seed,
                                  bool broken)
{
    struct random_mix mix = {.privileged = 40, .only = m->op};
    struct lockstep_options o = {.limit = 300};
    struct random r = random_seed(seed);
    struct lockstep_report report;
    struct s370_image im;
    struct diag d;

    random_guest(&r, &mix, &im);
    if (broken) {
        im.mutant = m->fn;
        im.mutant_op = m->op;
    }
    struct lockstep_guest g = s370_image_guest(&im);
    ck_assert_int_eq(lockstep_run(&g, &o, &report, &d), STATUS_OK);
    s370_image_fini(&im);
    return report;
}

START_TEST(test_mutant_is_found_and_named)
{
    const struct mutant *m = &mutants[_i];
    uint64_t seed = (uint64_t)_i * 1000;
    struct lockstep_report report = {.same = true};
    int cases = 0;

    for (; report.same && cases < CASES; cases++)
        report = run(m, ++seed, true);
    ck_assert_msg(!report.same, "%s survived %d guests", m->name, cases);
    ck_assert_msg(report.exact, "%s: no instruction is named", m->name);
    ck_assert_msg(report.op == m->op, "%s: found, but in %s at %06X", m->name,
                  report.insn, report.pc);
    /* The same guest with nothing broken. */
    report = run(m, seed, false);
    ck_assert_msg(report.same, "%s: %s differs without it, too", m->name,
                  report.what);
}
END_TEST

Suite *suite_s370_mutants(void)
{
    Suite *s = suite_create("s370_mutants");
    TCase *t = tcase_create("mutants");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_mutant_is_found_and_named, 0,
                        ARRAY_LEN(mutants));
    suite_add_tcase(s, t);
    return s;
}
