/* What is derived of x86-64 and what its literature claims, held against the
 * modelled processor at CPL 3: each encoding of host_insn.def is executed once.
 * Beside that the rows of op_*.def: what they say of privilege and sensitivity
 * is what follows. */
#include "base/bytes.h"
#include "base/table.h"
#include "popek-goldberg/probe/agree_host.h"
#include "tests/pg_isa.h"
#include "tests/x86_system.h"
#include "x86vmm/machine/cpuid.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 160, PORT = 0x80, MSR_TSC_AUX = 0xC0000103, NO_CALL = 0xFFFF };

/* ---- A row, executed ---- */

static void put_stack(struct x86_bare *m, const uint64_t *words, unsigned n)
{
    uint8_t *at = m->storage + m->cpu.state.gpr[X86_RSP];

    for (unsigned i = 0; i < n; i++)
        store_le64(at + (size_t)8 * i, words[i]);
}

static void put_far(struct x86_bare *m, uint64_t to, uint16_t selector)
{
    store_le32(m->storage + BARE_DATA, (uint32_t)to);
    store_le16(m->storage + BARE_DATA + 4, selector);
}

/* A selector, own or the supervisor's; 0: the stage wants another thing. */
static uint64_t selector_of(const struct x86_bare *m, enum pg_host_stage stage)
{
    switch (stage) {
    case PG_STAGE_OWN_CODE:
        return m->cpu.state.seg[X86_CS].selector;
    case PG_STAGE_OWN_DATA:
        return m->cpu.state.seg[X86_SS].selector;
    case PG_STAGE_INNER_CODE:
        return SEL_CODE_64;
    case PG_STAGE_INNER_DATA:
        return SEL_DATA0;
    default:
        return 0;
    }
}

/* Far addresses, which lead to `behind`. */
static void stage_far(struct x86_bare *m, enum pg_host_stage stage,
                      uint64_t behind)
{
    const uint16_t cs = m->cpu.state.seg[X86_CS].selector;
    const uint16_t ss = m->cpu.state.seg[X86_SS].selector;
    uint64_t flags = 0x3003, top = m->cpu.state.gpr[X86_RSP]; /* IOPL 3, CF */

    switch (stage) {
    case PG_STAGE_FLAGS:
        put_stack(m, &flags, 1);
        break;
    case PG_STAGE_FAR_OWN:
        put_far(m, behind, cs);
        break;
    case PG_STAGE_FAR_INNER:
        put_far(m, behind, SEL_CODE_64);
        break;
    case PG_STAGE_RET_OWN:
        put_stack(m, (uint64_t[]){behind, cs}, 2);
        break;
    case PG_STAGE_RET_INNER:
        put_stack(m, (uint64_t[]){behind, SEL_CODE_64}, 2);
        break;
    case PG_STAGE_IRET_OWN:
        put_stack(m, (uint64_t[]){behind, cs, flags, top, ss}, 5);
        break;
    case PG_STAGE_IRET_INNER:
        put_stack(m, (uint64_t[]){behind, SEL_CODE_64, flags, top, SEL_DATA0},
                  5);
        break;
    default:
        break;
    }
}

/* As probe_host_run.h has the stages; `behind` is the last byte's successor. */
static void stage(struct x86_bare *m, const struct pg_host_code *code,
                  uint64_t behind)
{
    uint64_t *r = m->cpu.state.gpr, selector = selector_of(m, code->stage);

    r[X86_RAX] = code->stage == PG_STAGE_POINTER  ? BARE_DATA
                 : code->stage == PG_STAGE_NUMBER ? NO_CALL
                                                  : code->rax;
    r[X86_RCX] = code->stage == PG_STAGE_MSR ? MSR_TSC_AUX : code->rcx;
    r[X86_RDX] = code->stage == PG_STAGE_PORT ? PORT : r[X86_RDX];
    r[X86_RBX] = r[X86_RSI] = r[X86_RDI] = BARE_DATA;
    stage_far(m, code->stage, behind);
    if (!selector)
        return;
    r[X86_RAX] = selector;
    put_stack(m, &selector, 1);
}

/* Where CPUID has a feature. */
static const struct {
    uint32_t leaf, subleaf;
    uint8_t reg, bit;
} features[PG_FEATURE_COUNT] = {
#define HOST_FEATURE(name, leaf, subleaf, reg, bit, words) \
    [PG_FEATURE_##name] = {leaf, subleaf, reg, bit},
#include "popek-goldberg/probe/host_insn.def"
};

/* Has the modelled processor, in 64-bit mode, such an instruction at all? */
static bool has(enum pg_host_feature f)
{
    if (f <= PG_FEATURE_NOT_ON_AMD)
        return f != PG_FEATURE_NOT_LONG;
    struct x86_cpuid_row row =
        x86_cpuid_sub(features[f].leaf, features[f].subleaf);
    const uint32_t regs[] = {row.eax, row.ebx, row.ecx, row.edx};

    return row.leaf == features[f].leaf &&
           (regs[features[f].reg] >> features[f].bit & 1);
}

static void execute(struct x86_bare *m, const struct pg_host_insn *insn,
                    struct pg_host_row *row)
{
    const uint64_t behind = BARE_CODE + (uint64_t)insn->code.length;

    sys_enter(m, SYS_LONG, 3);
    memcpy(m->storage + BARE_CODE, insn->code.bytes, insn->code.length);
    stage(m, &insn->code, behind);
    *row = (struct pg_host_row){.insn = insn, .verdict = PG_HOST_EXECUTES};
    int code = x86_try(&m->cpu);
    if (code == X86_FAULT) {
        uint8_t vector = m->cpu.fault.vector;

        row->verdict = vector == X86_EXC_UD && !has(insn->feature)
                           ? PG_HOST_ABSENT
                           : PG_HOST_TRAPS;
        row->seen.trap_number = vector;
        row->seen.error_code = m->cpu.fault.error;
        return;
    }
    ck_assert_msg(code == X86_NEXT || code == X86_SYNC, "%s: outcome %d",
                  insn->name, code);
    ck_assert_msg(m->cpu.state.rip == behind, "%s went to %llx", insn->name,
                  (unsigned long long)m->cpu.state.rip);
}

static unsigned execute_all(struct pg_host_row *rows)
{
    struct x86_bare *m = sys_new(SYS_LONG, 3);
    unsigned n = (unsigned)pg_host_count();

    ck_assert_uint_le(n, ROWS);
    for (unsigned i = 0; i < n; i++)
        execute(m, pg_host_insn_at(i), &rows[i]);
    x86_bare_free(m);
    return n;
}

static struct isa *judge(struct pg_judgement *j)
{
    struct isa *isa = pg_machine_named("x86-64");
    struct diag d = {""};

    ck_assert_msg(pg_judge(isa, j, &d) == STATUS_OK, "%s", d.text);
    return isa;
}

START_TEST(what_is_derived_is_what_it_does)
{
    static struct pg_host_row rows[ROWS];
    static struct pg_host_answer answers[ROWS];
    unsigned n = execute_all(rows), absent = 0;
    struct pg_judgement j;
    struct isa *isa = judge(&j);

    pg_host_agree(&j, rows, n, answers);
    for (unsigned i = 0; i < n; i++) {
        absent += rows[i].verdict == PG_HOST_ABSENT;
        ck_assert_msg(answers[i].agrees || answers[i].why,
                      "%s: derived %s, claimed %s, it %s (vector %u)",
                      rows[i].insn->name,
                      pg_host_class_name(answers[i].derived),
                      pg_host_claim_name(rows[i].insn->claim),
                      pg_host_verdict_name(rows[i].verdict),
                      (unsigned)rows[i].seen.trap_number);
    }
    ck_assert_uint_lt(absent, n / 3);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

/* ---- The rows ---- */

static const struct op_row {
    const char *name;
    enum privilege priv;
    int sens; /* -1: the row does not tell */
} op_rows[X86_INSN_COUNT] = {
#define OP(name, priv, body, title) \
    [X86_INSN_##name] = {#name, PRIV_##priv, -1},
#define OP_ASKED(name, priv, body, title, sens, vmx, control, svm, effect) \
    [X86_INSN_##name] = {#name, PRIV_##priv, sens},
#define OP_AS_ASKED(name, mnemonic, ...) OP_ASKED(name, __VA_ARGS__)
#include "x86vmm/machine/op.def"
#undef OP
};

/* Rows that ask for CPL in their body: something else comes first. */
static const struct {
    const char *name, *why;
} own[] = {
    {"MOV_DREG", "a register that is not there is #UD at any CPL"},
    {"LLDT", "where there is no protected mode it is #UD at any CPL"},
    {"LTR", "where there is no protected mode it is #UD at any CPL"},
    {"SYSRET", "EFER.SCE comes first"},
    {"SYSEXIT", "protected mode and SYSENTER_CS come first"},
    {"SWAPGS", "it is there in 64-bit mode only"},
    {"CLAC", "#UD, not #GP, above CPL 0"},
    {"STAC", "#UD, not #GP, above CPL 0"},
};

static bool asks_itself(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (!strcmp(own[i].name, name))
            return true;
    return false;
}

/* The row of op_*.def that an encoding belongs to; NULL: it has none. */
static const struct op_row *row_of(const struct pg_host_code *code)
{
    struct x86_op op;

    if (x86_op_decode(code->bytes, code->length, 64, &op))
        return NULL;
    return &op_rows[op.id];
}

/* P traps at CPL 3 always, Q by IOPL or the like; whatever else is derived as
 * privileged asks for itself. */
static void check_privilege(const struct op_row *op,
                            const struct pg_host_answer *a,
                            const struct pg_host_row *row)
{
    const char *name = row->insn->name;

    if (op->priv == PRIV_P) {
        ck_assert_msg(a->derived == PG_HOST_PRIVILEGED, "%s: P, derived %s",
                      name, pg_host_class_name(a->derived));
        ck_assert_msg(row->verdict == PG_HOST_TRAPS &&
                          row->seen.trap_number == X86_EXC_GP,
                      "%s: P, but no #GP", name);
    } else if (a->derived == PG_HOST_PRIVILEGED &&
               row->verdict != PG_HOST_ABSENT) {
        ck_assert_msg(asks_itself(op->name), "%s: derived privileged, row %s",
                      name, op->name);
    }
}

/* Rows that are called control sensitive for what no description holds. */
static const struct {
    const char *name, *why;
} undescribed[] = {
    {"HLT", "gives up the processor: a wait is no state"},
    {"INVD", "caches are no state"},
    {"WBINVD", "caches are no state"},
    {"INVLPG", "the TLB is no state"},
    {"RSM", "outside of SMM it is undefined, in both modes alike"},
    {"INT", "derived with a handler in ring 0; a conforming one is critical"},
};
static bool met[ARRAY_LEN(undescribed)];

static bool is_undescribed(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(undescribed); i++)
        if (!strcmp(undescribed[i].name, name))
            return met[i] = true;
    return false;
}

static void check_sensitivity(const struct op_row *op,
                              const struct pg_judgement *j,
                              const struct pg_host_insn *insn)
{
    int i = *insn->isa ? isa_find_encoding(j->isa, insn->isa) : -1;

    if (i < 0 || op->sens < 0)
        return;
    bool derived = pg_sensitive(&j->worst.labels[i], PG_CORRECTED);
    if (op->sens == SENS_CTL && !derived && is_undescribed(op->name))
        return;
    ck_assert_msg(derived == (op->sens != SENS_INNOCUOUS),
                  "%s: row %s says %s, derived %s", insn->name, op->name,
                  op->sens ? "sensitive" : "innocuous",
                  derived ? "sensitive" : "innocuous");
}

START_TEST(rows_say_what_is_derived)
{
    static struct pg_host_row rows[ROWS];
    static struct pg_host_answer answers[ROWS];
    unsigned n = execute_all(rows), held = 0;
    struct pg_judgement j;
    struct isa *isa = judge(&j);

    pg_host_agree(&j, rows, n, answers);
    for (unsigned i = 0; i < n; i++) {
        const struct op_row *op = row_of(&rows[i].insn->code);

        if (!op)
            continue;
        check_privilege(op, &answers[i], &rows[i]);
        check_sensitivity(op, &j, rows[i].insn);
        held++;
    }
    ck_assert_uint_ge(held, n / 2);
    for (size_t i = 0; i < ARRAY_LEN(undescribed); i++)
        ck_assert_msg(met[i], "%s is derived as its row says",
                      undescribed[i].name);
    pg_judgement_free(&j);
    isa_free(isa);
}
END_TEST

Suite *suite_pg_probe_x86(void)
{
    Suite *s = suite_create("pg_probe_x86");
    TCase *t = tcase_create("pg_probe_x86");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, what_is_derived_is_what_it_does);
    tcase_add_test(t, rows_say_what_is_derived);
    suite_add_tcase(s, t);
    return s;
}
