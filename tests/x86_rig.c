#include "tests/x86_rig.h"

#include "base/format.h"
#include "tests/skip.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

const struct kvm_probe *rig_probe(void)
{
    static struct kvm_probe p;

    if (!p.rows[0].name)
        kvm_probe_run(&p);
    return &p;
}

static const struct engine_ops *engine = &engine_kvm;

void rig_use(const struct engine_ops *which)
{
    engine = which;
}

void rig_use_kvm(void)
{
    rig_use(&engine_kvm);
}

void rig_use_vtx(void)
{
    rig_use(&engine_vtx);
}

void rig_use_svm(void)
{
    rig_use(&engine_svm);
}

bool rig_on_svm(void)
{
    return engine == &engine_svm;
}

bool rig_on_kvm(void)
{
    return engine == &engine_kvm;
}

bool rig_must(void)
{
    const char *must = getenv("TRAPLINE_KVM");

    return must && !strcmp(must, "whole");
}

static bool have_row(unsigned row)
{
    if (!rig_on_kvm() && !x86_op_decode_available())
        skip_test("%s", X86_NO_DECODER);
    if (!rig_on_kvm())
        return x86_op_decode_available();

    const struct kvm_probe *p = rig_probe();
    const char *why = p->verdict == KVM_ABSENT ? p->why : p->rows[row].why_not;

    if (p->verdict != KVM_ABSENT && p->rows[row].works)
        return true;
    if (rig_must())
        ck_abort_msg("%s: %s", p->rows[row].title, why);
    skip_test("needs /dev/kvm with %s: %s", p->rows[row].title, why);
    return false;
}

bool rig_has_mode(enum x86_mode mode)
{
    return have_row(mode);
}

bool rig_has(enum kvm_feature f)
{
    return have_row(X86_MODE_COUNT + f);
}

static void print(void *to, const uint8_t *bytes, size_t n)
{
    struct rig *r = to;

    ck_assert_uint_lt(r->n + n, sizeof(r->printed));
    memcpy(r->printed + r->n, bytes, n);
    r->n += n;
}

static bool keep(void *to, const char *text, size_t n)
{
    struct rig *r = to;

    if (r->logged + n >= sizeof(r->log))
        return false;
    memcpy(r->log + r->logged, text, n);
    r->logged += n;
    return true;
}

struct rig *rig_new(enum x86_mode mode)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct diag d = {{0}};

    trace_ledger_init(&r->ledger);
    trace_text_init(&r->text, keep, r);
    trace_attach(&r->trace, &r->ledger.sink);
    trace_attach(&r->trace, &r->text.sink);
    r->vmm = x86_vmm_new(engine, RIG_POOL, &r->trace, &d);
    ck_assert_msg(r->vmm, "%s", d.text);
    r->vm = x86_vmm_add(r->vmm, "guest", mode, RIG_STORAGE, &d);
    ck_assert_msg(r->vm, "%s", d.text);
    x86_vm_on_output(r->vm, print, r);
    return r;
}

void rig_free(struct rig *r)
{
    x86_vmm_free(r->vmm);
    free(r);
}

struct rig *rig_with_code(enum x86_mode mode, const void *code, size_t n)
{
    struct rig *r = rig_new(mode);
    struct diag d = {{0}};

    ck_assert_msg(!x86_vm_load(r->vm, code, n, &d), "%s", d.text);
    return r;
}

struct rig *rig_with_guest(enum x86_mode mode, const char *name)
{
    const char *build = getenv("BUILD");
    struct rig *r = rig_new(mode);
    struct diag d = {{0}};
    char path[256];

    format(path, sizeof(path), "%s/x86vmm/guest/%s.bin",
           build ? build : "build", name);
    if (x86_vm_load_file(r->vm, path, &d) == STATUS_OK) {
        ck_assert_uint_eq(x86_image_mode(path, &d), mode);
        return r;
    }
    rig_free(r);
    skip_test("needs the guest %s (an assembler for x86): %s", name, d.text);
    return NULL;
}

enum turn rig_run(struct rig *r)
{
    volatile bool interrupted = false;
    size_t count;
    struct vm **vms = x86_vmm_vms(r->vmm, &count);

    return vmm_run(vms, count, &interrupted);
}

uint64_t rig_count(const struct rig *r, const char *reason)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < r->ledger.count; i++)
        if (!strcmp(r->ledger.rows[i].reason, reason))
            n += r->ledger.rows[i].count;
    return n;
}

void rig_run_to_halt(struct rig *r)
{
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    ck_assert_msg(r->vm->state == VM_STOPPED && r->vm->vcpu.waiting, "%s\n%.*s",
                  r->vm->diag.text, (int)r->logged, r->log);
}
