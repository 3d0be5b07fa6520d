/* The traces of a small guest on /dev/kvm and on the modelled VT-x and AMD-V
 * are the same text, but for what the hardware is free to do. */
#include "base/format.h"
#include "tests/x86_rig.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A line of the trace, without what engine_vtx.h says may differ: the count of
 * instructions, AF and RF; of a device's store, unless stepping, the place. */
static bool next_line(const char **at, bool stepping, char *line, size_t cap)
{
    enum { COLUMN = 8, TEXT = 20, AF = 0x10, RF = 0x10000 };
    const char *end = strchr(*at, '\n');
    unsigned long flags;

    if (!end)
        return false;
    ck_assert_uint_gt((size_t)(end - *at), COLUMN);
    format(line, cap, "%.*s", (int)(end - *at) - COLUMN, *at + COLUMN);
    *at = end + 1;
    char *fl = strstr(line, " fl "), *state = strstr(line, "advance");
    if (fl) {
        flags = strtoul(fl + 4, NULL, 16) & ~(unsigned long)(AF | RF);
        format(fl, 16, " fl %06lx", flags);
    }
    if (!stepping && strstr(line, " MMIO ") && strstr(line, " <- ") && state) {
        *state = '\0';
        memset(line, ' ', TEXT / 2); /* the pc */
    }
    return true;
}

/* The next line that both have; false at the end. */
static bool next_of_vtx(const char **at, bool stepping, char *line, size_t cap)
{
    bool found = next_line(at, stepping, line, cap);

    if (found && !stepping && strstr(line, " CPUID "))
        found = next_line(at, stepping, line, cap);
    return found;
}

/* Elements of a REP INS that this line tells of at once. */
static unsigned long portion(const char *line)
{
    const char *times = strstr(line, " INS ") ? strstr(line, " x") : NULL;

    return times ? strtoul(times + 2, NULL, 10) : 1;
}

/* On a slow host its clock fetches a busy guest back. */
static bool next_of_kvm(const char **at, bool stepping, char *line, size_t cap)
{
    bool found;

    do
        found = next_line(at, stepping, line, cap);
    while (found && (strstr(line, " TIMER ") || strstr(line, " INTERRUPT ")));
    return found;
}

static void compare_traces(const char *kvm, const char *vtx, bool stepping)
{
    char a[256], b[256] = "";
    bool iret = false;

    while (next_of_kvm(&kvm, stepping, a, sizeof(a))) {
        ck_assert_msg(next_of_vtx(&vtx, stepping, b, sizeof(b)), "%s", a);
        if (stepping && strcmp(a, b) && (iret || strstr(b, " sti ")))
            next_line(&vtx, stepping, b, sizeof(b));
        iret = strstr(b, " iret") != NULL;
        if (iret && strcmp(a, b)) { /* with what is behind it */
            ck_assert(next_line(&vtx, stepping, b, sizeof(b)));
            continue;
        }
        if (stepping && portion(a) > 1) { /* and once more, told as the next */
            for (unsigned long n = portion(a); n > 1; n--)
                ck_assert(next_line(&vtx, stepping, b, sizeof(b)));
            ck_assert(next_of_kvm(&kvm, stepping, a, sizeof(a)));
            continue;
        }
        /* An interrupt of the host's between two of its elements is a step. */
        while (stepping && strcmp(a, b) && strstr(a, " REP OUTSB  "))
            ck_assert(next_of_kvm(&kvm, stepping, a, sizeof(a)));
        ck_assert_msg(!strcmp(a, b), "kvm: %s\nvtx: %s", a, b);
    }
    ck_assert(!next_of_vtx(&vtx, stepping, b, sizeof(b)));
}

/* Bits of the number: 1, stepped, every instruction in the trace; 2, long mode;
 * 4, on the modelled AMD-V. */
START_TEST(traces_agree)
{
    const struct engine_ops *model = _i & 4 ? &engine_svm : &engine_vtx;
    static char texts[2][sizeof(((struct rig *)0)->log)];
    bool stepping = _i & 1;
    enum x86_mode mode = _i & 2 ? X86_MODE_LONG : X86_MODE_REAL;

    rig_use_kvm();
    if (!rig_has_mode(mode) || !rig_has(KVM_FEATURE_MMIO) ||
        !rig_has(KVM_FEATURE_STEP))
        return;
    rig_use(model);
    if (!rig_has_mode(mode))
        return;
    for (unsigned i = 0; i < 2; i++) {
        rig_use(i ? model : &engine_kvm);
        struct rig *r =
            rig_with_guest(mode, _i & 2 ? "hello-long" : "hello-real");
        if (!r)
            return;
        r->vm->vcpu.stepping = r->trace.insns = stepping;
        rig_run(r);
        ck_assert_uint_gt(r->logged, 10000);
        memcpy(texts[i], r->log, sizeof(texts[i]));
        rig_free(r);
    }
    compare_traces(texts[0], texts[1], stepping);
}
END_TEST

Suite *suite_x86_traces(void)
{
    Suite *s = suite_create("x86_traces");
    TCase *c = tcase_create("kvm");

    rig_probe();
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, traces_agree, 0, 8);
    suite_add_tcase(s, c);
    return s;
}
