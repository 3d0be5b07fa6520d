#include "tests/x86_svm_rig.h"

#include "base/bytes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct svm_rig svm_rig_new(void)
{
    struct svm_rig r = {.m = x86_bare_new(X86_MODE_LONG),
                        .t = malloc(sizeof(*r.t)),
                        .v = malloc(sizeof(*r.v))};

    svm_attach(r.t, &r.m->cpu);
    r.m->cpu.state.efer |= SVM_EFER_SVME;
    r.t->hsave_pa = SVM_HSAVE;
    return r;
}

void svm_rig_free(struct svm_rig *r)
{
    x86_bare_free(r->m);
    free(r->t);
    free(r->v);
}

void svm_code(struct svm_rig *r, uint32_t at, const void *code, size_t n)
{
    memcpy(r->m->storage + at, code, n);
    x86_code_written(&r->m->cpu, at, n);
}

void svm_make_nested(struct svm_rig *r)
{
    uint8_t *at = r->m->storage + SVM_NESTED;

    for (unsigned i = 0; i < 3; i++)
        store_le64(at + 0x1000 * i, (SVM_NESTED + 0x1000 * (i + 1)) | 7);
    for (unsigned i = 0; i < 512; i++)
        store_le64(at + 0x3000 + 8 * i, (uint64_t)i * 4096 | 7);
}

uint8_t *svm_nested_of(struct svm_rig *r, uint32_t gpa)
{
    return r->m->storage + SVM_NESTED + 0x3000 + 8 * (gpa / 4096);
}

static void set_tables(struct svm_rig *r)
{
    svm_make_nested(r);
    r->v->field[VMCB_N_CR3] = SVM_NESTED;
    r->v->field[VMCB_MSRPM_BASE] = SVM_MSRPM;
    r->v->field[VMCB_IOPM_BASE] = SVM_IOPM;
}

void svm_make_real(struct svm_rig *r)
{
    struct vmcb *v = r->v;

    vmcb_make(v, X86_SAMPLE_REAL);
    set_tables(r);
    v->field[VMCB_CS_BASE] = SVM_GUEST;
    v->field[VMCB_CS_SELECTOR] = SVM_GUEST >> 4;
    v->field[VMCB_RIP] = 0;
    v->field[VMCB_RSP] = 0x8000;
}

void svm_make_long(struct svm_rig *r)
{
    struct vmcb *v = r->v;

    vmcb_make(v, X86_SAMPLE_LONG);
    set_tables(r);
    v->field[VMCB_CR3] = r->m->cpu.state.cr3;
    v->field[VMCB_RIP] = SVM_GUEST;
    v->field[VMCB_RSP] = BARE_STACK;
}

void svm_rig_enter(struct svm_rig *r)
{
    bool exited;
    char text[512] = "";

    if (!svm_enter(&r->m->cpu, r->v, &exited)) {
        vmrun_failure_words(&r->t->why, text, sizeof(text));
        ck_abort_msg("%s", text);
    }
    ck_assert(!exited);
}

void svm_rig_run_to(struct svm_rig *r, enum svm_exit_code code)
{
    const uint64_t *f = r->v->field;

    svm_rig_enter(r);
    ck_assert_int_eq(x86_run(&r->m->cpu, 1000), X86_EXIT);
    ck_assert_ptr_null(r->m->cpu.guest);
    ck_assert_msg(f[VMCB_EXITCODE] == (uint64_t)code, "exit %llX, %llX %llX",
                  (unsigned long long)f[VMCB_EXITCODE],
                  (unsigned long long)f[VMCB_EXITINFO1],
                  (unsigned long long)f[VMCB_EXITINFO2]);
}
