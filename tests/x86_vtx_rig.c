#include "tests/x86_vtx_rig.h"

#include "base/bytes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct x86_bare *m;
struct vtx *t;
struct vmcs *v;

void vtx_rig_set_up(void)
{
    m = x86_bare_new(X86_MODE_LONG);
    t = malloc(sizeof(*t));
    v = malloc(sizeof(*v));
    vtx_attach(t, &m->cpu);
    store_le32(m->storage + VMXON_REGION, VMCS_REVISION);
    store_le32(m->storage + REGION, VMCS_REVISION);
    store_le32(m->storage + REGION_2, VMCS_REVISION);
}

void vtx_rig_tear_down(void)
{
    x86_bare_free(m);
    free(t);
    free(v);
}

void put_code(uint32_t at, const void *code, size_t n)
{
    memcpy(m->storage + at, code, n);
    x86_code_written(&m->cpu, at, n);
}

/* Identity, 4-KiB pages, all allowed. */
void make_ept(void)
{
    store_le64(m->storage + EPT, (EPT + 0x1000) | 7);
    store_le64(m->storage + EPT + 0x1000, (EPT + 0x2000) | 7);
    store_le64(m->storage + EPT + 0x2000, (EPT + 0x3000) | 7);
    for (unsigned i = 0; i < 512; i++)
        store_le64(m->storage + EPT + 0x3000 + 8 * i,
                   (uint64_t)i * 4096 | 7 | 6 << 3);
}

uint8_t *ept_of(uint32_t gpa)
{
    return m->storage + EPT + 0x3000 + 8 * (gpa / 4096);
}

/* Real-address mode at GUEST. */
void make_real(void)
{
    make_ept();
    vmcs_make(v, X86_SAMPLE_REAL);
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CS_BASE] = GUEST;
    v->field[VMCS_GUEST_CS_SELECTOR] = GUEST >> 4;
    v->field[VMCS_GUEST_RIP] = 0;
    v->field[VMCS_GUEST_RSP] = 0x8000;
}

void vtx_rig_enter(void)
{
    bool exited;
    char text[512] = "";

    if (!vtx_enter(&m->cpu, v, &exited)) {
        entry_failure_words(&t->why, text, sizeof(text));
        ck_abort_msg("%s", text);
    }
    ck_assert(!exited);
}

void vtx_rig_run_to(enum vmx_exit reason)
{
    vtx_rig_enter();
    ck_assert_int_eq(x86_run(&m->cpu, 1000), X86_EXIT);
    ck_assert_ptr_null(m->cpu.guest);
    ck_assert_msg(v->field[VMCS_EXIT_REASON] == (uint64_t)reason,
                  "exit reason %u, qualification %llX",
                  (unsigned)v->field[VMCS_EXIT_REASON],
                  (unsigned long long)v->field[VMCS_EXIT_QUALIFICATION]);
}
