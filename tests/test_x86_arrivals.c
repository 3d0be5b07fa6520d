/* Interrupts and NMIs from outside, at the same moment on the bare processor
 * and in virtual machines: what comes first, what waits, what ends a HLT. */
#include "base/bytes.h"
#include "tests/x86_hostile_arrival.h"
#include "tests/x86_hostile_judge.h"
#include "tests/x86_program.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/vtx/sample.h"

#include <stdlib.h>
#include <string.h>

static const struct engine_ops *const engines[] = {&engine_vtx, &engine_svm};
enum { ENGINES = ARRAY_LEN(engines), VECTOR = 0x30 };

/* ---- One after the other ---- */

static const char handler[] = "\x40\x90\xCF"; /* inc eax; nop; iret */

/* An NMI whose gate leaves IF on, and an interrupt: that comes before the first
 * instruction of the NMI's handler, and its own halts. */
static struct x86_bare *both(void)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "90 90 90 F4");
    unsigned at = SYS_HANDLERS + 16 * X86_NMI_VECTOR;

    memcpy(m->storage + at, handler, sizeof(handler));
    sys_gate(m, X86_NMI_VECTOR, SEL_CODE, at, 0x8F, 0); /* a trap gate */
    m->cpu.state.rflags |= X86_FLAG_IF;
    x86_mode_changed(&m->cpu);
    return m;
}

static void check_both(struct x86_bare *m)
{
    ck_assert_int_eq(sys_vector(m), VECTOR);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SYS_HANDLERS + 16 * X86_NMI_VECTOR);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 0);
}

START_TEST(an_interrupt_comes_behind_an_nmi)
{
    struct hostile_controller c = {0};
    struct x86_bare *m = both();

    hostile_controller_attach(&c, &m->cpu);
    hostile_controller_raise(&c, VECTOR);
    m->cpu.nmi_pending = true;
    if (_i)
        while (x86_step(&m->cpu) == X86_NEXT)
            ;
    else
        ck_assert_int_eq(sys_run(m), X86_HALT);
    check_both(m);
    x86_bare_free(m);
}
END_TEST

START_TEST(so_it_does_in_a_virtual_machine)
{
    struct hostile_pair *p = hostile_pair_of(engines[_i], both(), 1000);
    char words[HOSTILE_WORDS] = "";

    hostile_pair_interrupt(p, VECTOR);
    hostile_pair_nmi(p);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    check_both(hostile_pair_bare(p));
    hostile_pair_free(p);
}
END_TEST

/* One that comes as the monitor is about to deliver an exception, that of an
 * RDMSR, comes behind that. */
START_TEST(an_nmi_comes_behind_an_exception)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "0F32 F4");
    struct hostile_pair *p;
    char words[HOSTILE_WORDS] = "";

    m->cpu.state.gpr[X86_RCX] = 0x1234;
    p = hostile_pair_of(engines[_i], m, 1000);
    hostile_pair_plan(p, 1, HOSTILE_NMI);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_int_eq(sys_vector(m), X86_NMI_VECTOR);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SYS_HANDLERS + 16 * X86_EXC_GP);
    hostile_pair_free(p);
}
END_TEST

/* One that waits in STI's shadow comes when the instruction there is done,
 * though that exits: CPUID, and HLT, which it ends. */
START_TEST(an_nmi_comes_behind_a_shadow)
{
    static const char *const programs[] = {"FB 0FA2 40 F4", "FB F4 40 F4"};
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, programs[_i / ENGINES]);
    struct hostile_pair *p = hostile_pair_of(engines[_i % ENGINES], m, 1000);
    char words[HOSTILE_WORDS] = "";

    hostile_pair_plan(p, 1, HOSTILE_NMI);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_int_eq(sys_vector(m), X86_NMI_VECTOR);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + (_i / ENGINES ? 2 : 3));
    hostile_pair_free(p);
}
END_TEST

/* Of a repeated INS behind STI one element is done, and no more. */
START_TEST(strings_are_interrupted)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "FB F3 6D F4");
    struct hostile_pair *p;
    char words[HOSTILE_WORDS] = "";

    m->cpu.state.gpr[X86_RCX] = 5;
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    p = hostile_pair_of(engines[_i], m, 1000);
    hostile_pair_interrupt(p, VECTOR);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_int_eq(sys_vector(m), VECTOR);
    ck_assert_uint_eq(sys_reg(m, X86_RCX), 4);
    hostile_pair_free(p);
}
END_TEST

/* HLT with IF off is ended by an NMI and no interrupt; with IF on by both. */
START_TEST(what_ends_a_halt)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "F4 FB F4 40 F4");
    struct hostile_pair *p;
    char words[HOSTILE_WORDS] = "";

    memcpy(m->storage + SYS_HANDLERS + 16 * X86_NMI_VECTOR, handler,
           sizeof(handler));
    memcpy(m->storage + SYS_HANDLERS + 16 * VECTOR, handler, sizeof(handler));
    p = hostile_pair_of(engines[_i], m, 1000);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    hostile_pair_interrupt(p, VECTOR);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 0);
    hostile_pair_nmi(p); /* then STI; HLT; and the interrupt ends that */
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 3);
    ck_assert_uint_eq(m->cpu.state.rip, BARE_CODE + 5);
    hostile_pair_free(p);
}
END_TEST

/* ---- The guest of a guest ---- in real mode; its handlers are at 0100, and in
 * R8 is what its monitor reads behind the first exit. */

enum {
    VMXON_AT = 0x50000,
    VMCS_AT = 0x51000,
    EPT_AT = 0x60000,
    GUEST_AT = 0x30000,
    UNTOLD = 0xBAD
};

enum { NMI = 1, LINE = 2, LATE = 4, NONE = -1 };

static const struct inner {
    const char *title, *code;
    unsigned comes;
    uint64_t flags, interruptibility, activity;
    enum vmcs_field field;
    uint64_t want;
    int on[4]; /* controls, behind them NONE */
} inners[] = {
#define INNER_EVENT(what, insns, rflags, blocking, state, asked, told, words, \
                    ...)                                                      \
    {.title = (words),                                                        \
     .code = (insns),                                                         \
     .comes = (what),                                                         \
     .flags = (rflags),                                                       \
     .interruptibility = (blocking),                                          \
     .activity = (state),                                                     \
     .field = VMCS_##asked,                                                   \
     .want = (told),                                                          \
     .on = {__VA_ARGS__, NONE}},
#include "tests/vectors/x86_inner_event.def"
#undef INNER_EVENT
};

static void put_inner_storage(uint8_t *storage, const struct inner *t)
{
    uint8_t tell[] = {0xB8, 0, 0, 0, 0, 0x49, 0x0F, 0x78, 0xC0, 0xF4};

    for (unsigned i = 0; i < 3; i++)
        store_le64(storage + EPT_AT + 0x1000 * i,
                   (EPT_AT + 0x1000 * (i + 1)) | 7);
    for (unsigned i = 0; i < 512; i++)
        store_le64(storage + EPT_AT + 0x3000 + 8 * i,
                   i * UINT64_C(4096) | 0x37);
    store_le32(storage + VMXON_AT, VMCS_REVISION);
    store_le32(storage + VMCS_AT, VMCS_REVISION);
    for (unsigned v = 0; v < 256; v++)
        store_le32(storage + 4 * v, GUEST_AT << 12 | 0x100);
    memcpy(storage + GUEST_AT, t->code, strlen(t->code));
    memcpy(storage + GUEST_AT + 0x100, "\x0F\xA2", 2); /* cpuid: exits */
    memcpy(storage + BARE_CODE, "\x0F\x01\xC2", 3);    /* vmlaunch */
    store_le32(tell + 1, vmcs_fields[t->field].encoding);
    memcpy(storage + BARE_CODE + 0x100, tell,
           sizeof(tell)); /* vmread r8; hlt */
}

static void put_inner_vmcs(struct vmcs *v, const struct inner *t)
{
    v->field[VMCS_EPT_POINTER] = EPT_AT | 0x1E;
    v->field[VMCS_GUEST_CS_BASE] = GUEST_AT;
    v->field[VMCS_GUEST_CS_SELECTOR] = GUEST_AT >> 4;
    v->field[VMCS_GUEST_RIP] = 0;
    v->field[VMCS_GUEST_RSP] = 0x8000;
    v->field[VMCS_GUEST_RFLAGS] = t->flags;
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = t->interruptibility;
    v->field[VMCS_GUEST_ACTIVITY] = t->activity;
    vmcs_put(v, VMX_PRIMARY_HLT, false);
    for (unsigned i = 0; t->on[i] >= 0; i++)
        vmcs_put(v, (enum vmx_control)t->on[i], true);
    if (t->on[0] == VMX_PRIMARY_UNCONDITIONAL_IO) { /* #GP on the way */
        v->field[VMCS_GUEST_IDTR_LIMIT] = 7;
        v->field[VMCS_EXCEPTION_BITMAP] = 1 << X86_EXC_GP;
    }
}

static struct hostile_monitor *inner_monitor(const struct inner *t)
{
    struct hostile_monitor *h = calloc(1, sizeof(*h));
    struct vmcs *v = &h->vtx.own;

    h->m = x86_bare_new(X86_MODE_LONG);
    struct x86_cpu *cpu = &h->m->cpu;
    vtx_attach(&h->vtx, cpu);
    cpu->state.cr0 |= X86_CR0_NE;
    cpu->state.cr4 |= VMX_CR4_VMXE;
    cpu->state.gpr[8] = UNTOLD;
    h->vtx.on = true;
    h->vtx.vmxon = VMXON_AT;
    h->vtx.current = VMCS_AT;
    put_inner_storage(h->m->storage, t);
    vmcs_make(v, X86_SAMPLE_REAL);
    x86_bare_host(v, &cpu->state, BARE_CODE + 0x100);
    put_inner_vmcs(v, t);
    x86_mode_changed(cpu);
    return h;
}

START_TEST(who_gets_what_first)
{
    const struct inner *t = &inners[_i];
    struct hostile_monitor *h = inner_monitor(t);
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    char words[HOSTILE_WORDS] = "";
    bool late = t->comes & LATE;

    ck_assert_msg(hostile_pair_run(p, late ? 2 : 0, NULL, 0, words), "%s: %s",
                  t->title, words);
    if (!late) /* behind VMLAUNCH; a HLT or shutdown state has begun */
        ck_assert_msg(hostile_pair_run(p, 1, NULL, 0, words), "%s: %s",
                      t->title, words);
    if (t->comes & LINE)
        hostile_pair_interrupt(p, VECTOR);
    if (t->comes & NMI)
        hostile_pair_nmi(p);
    ck_assert_msg(hostile_pair_run(p, 12, NULL, 0, words), "%s: %s", t->title,
                  words);
    ck_assert_msg(hostile_pair_bare(p)->cpu.state.gpr[8] == t->want,
                  "%s: %llx, not %llx", t->title,
                  (unsigned long long)hostile_pair_bare(p)->cpu.state.gpr[8],
                  (unsigned long long)t->want);
    hostile_pair_free(p);
}
END_TEST

/* Virtual NMIs that are blocked when a guest is left are none of its
 * monitor's. */
START_TEST(virtual_nmis_stay_behind)
{
    static const struct inner leaves = {
        .title = "CPUID",
        .code = "\x0F\xA2",
        .flags = X86_FLAG_ONE,
        .interruptibility = VMCS_BY_NMI,
        .field = VMCS_GUEST_INTERRUPTIBILITY,
        .on = {VMX_PIN_NMI, VMX_PIN_VIRTUAL_NMIS, NONE}};
    struct hostile_pair *p =
        hostile_pair_of_monitor(&engine_vtx, inner_monitor(&leaves), 1000);
    const struct x86_cpu *cpu = &hostile_pair_bare(p)->cpu;
    char words[HOSTILE_WORDS] = "";

    ck_assert_msg(hostile_pair_run(p, 12, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(cpu->state.gpr[8], VMCS_BY_NMI);
    ck_assert(!cpu->nmi_blocked);
    hostile_pair_nmi(p); /* there is no IDT */
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert(!cpu->nmi_pending);
    hostile_pair_free(p);
}
END_TEST

/* ---- Hostile programs ---- */

enum kind { SVM, VTX, STEPPED, INNER, RESUMES, STEPPED_VTX, STEPPED_SVM };
enum { KINDS = STEPPED_SVM + 1, EACH = 6 };

static struct hostile_guest guest_of(enum kind kind, uint64_t seed)
{
    static const uint64_t slices[] = {1000000, 7, 1};

    return (struct hostile_guest){
        .seed = seed,
        .insns = 1500,
        .slice = slices[seed % 3],
        .disturbed = true,
        .engine = kind == SVM                              ? &engine_svm
                  : kind >= STEPPED_VTX || kind == STEPPED ? NULL
                                                           : &engine_vtx,
        .monitor = kind >= INNER,
        .resumes = kind == RESUMES,
        .svm = kind == STEPPED_SVM};
}

static void is_alike(struct hostile_guest g)
{
    char words[HOSTILE_WORDS] = "";

    ck_assert_msg(hostile_judge(&g, words) != HOSTILE_DIFFERENT,
                  "seed %llu: %s", (unsigned long long)g.seed, words);
}

/* Those that once found something first. */
static const struct {
    enum hostile_paging paging;
    enum kind kind;
    uint64_t seed;
} known[] = {
    {HOSTILE_UNPAGED, SVM, 14},
    {HOSTILE_UNPAGED, VTX, 18},
    {HOSTILE_UNPAGED, SVM, HOSTILE_EDGES | 751},
    {HOSTILE_UNPAGED, SVM, 1354},
    {HOSTILE_UNPAGED, VTX, 66},
    {HOSTILE_UNPAGED, VTX, 3622},
    {HOSTILE_UNPAGED, VTX, 3762},
    {HOSTILE_PAGED, SVM, 1582},
    {HOSTILE_PAGED, SVM, HOSTILE_EDGES | 3235},
    {HOSTILE_UNPAGED, INNER, 159},
    {HOSTILE_UNPAGED, INNER, 343},
    {HOSTILE_UNPAGED, INNER, 595},
    {HOSTILE_UNPAGED, INNER, 951},
    {HOSTILE_UNPAGED, INNER, 1047},
    {HOSTILE_UNPAGED, INNER, 558},
    {HOSTILE_UNPAGED, INNER, 3055},
    {HOSTILE_UNPAGED, RESUMES, 54},
    {HOSTILE_UNPAGED, RESUMES, 55},
    {HOSTILE_UNPAGED, RESUMES, 130},
    {HOSTILE_UNPAGED, RESUMES, 567},
    {HOSTILE_UNPAGED, RESUMES, 607},
    {HOSTILE_UNPAGED, STEPPED, 14},
    {HOSTILE_UNPAGED, STEPPED, HOSTILE_EDGES | 39},
};

START_TEST(disturbed_programs_find_no_difference)
{
    for (uint64_t i = 0; i < EACH; i++)
        is_alike(guest_of((enum kind)_i, 100 * (unsigned)_i + i));
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].kind == (enum kind)_i) {
            struct hostile_guest g = guest_of(known[i].kind, known[i].seed);

            g.paging = known[i].paging;
            is_alike(g);
        }
}
END_TEST

/* A monitor that has changed its tables and dropped nothing: run at once and
 * stepped they keep different translations, and may. */
START_TEST(stale_translations_are_known)
{
    struct hostile_guest g = guest_of(STEPPED_SVM, 31111024);
    char words[HOSTILE_WORDS] = "";

    g.disturbed = false;
    g.insns = 3000;
    ck_assert_int_eq(hostile_judge(&g, words), HOSTILE_STALE);
}
END_TEST

Suite *suite_x86_arrivals(void);
Suite *suite_x86_arrivals(void)
{
    Suite *s = suite_create("x86_arrivals");
    TCase *t = tcase_create("x86_arrivals");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, an_interrupt_comes_behind_an_nmi, 0, 2);
    tcase_add_loop_test(t, so_it_does_in_a_virtual_machine, 0, ENGINES);
    tcase_add_loop_test(t, an_nmi_comes_behind_an_exception, 0, ENGINES);
    tcase_add_loop_test(t, an_nmi_comes_behind_a_shadow, 0, 2 * ENGINES);
    tcase_add_loop_test(t, strings_are_interrupted, 0, ENGINES);
    tcase_add_loop_test(t, what_ends_a_halt, 0, ENGINES);
    tcase_add_loop_test(t, who_gets_what_first, 0, ARRAY_LEN(inners));
    tcase_add_test(t, virtual_nmis_stay_behind);
    tcase_add_loop_test(t, disturbed_programs_find_no_difference, 0, KINDS);
    tcase_add_test(t, stale_translations_are_known);
    suite_add_tcase(s, t);
    return s;
}
