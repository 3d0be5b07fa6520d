/* Two PCs in lockstep: that they are the same, and that what is not is seen. */
#include "tests/x86_bare.h"
#include "tests/x86_pair.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/written.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    const struct engine_ops *engine;
} engines[] = {{"vtx", &engine_vtx}, {"svm", &engine_svm}};

START_TEST(every_exit_is_the_same)
{
    const char *image = x86_pair_exits();

    if (!image)
        return;
    struct x86_lockstep_report *r =
        x86_pair_run(image, engines[_i].name, engines[_i].engine, NULL, NULL);
    ck_assert_msg(r->same, "%s, at %llx: %s", r->what,
                  (unsigned long long)r->pc, r->insn);
    ck_assert_int_eq(r->end, X86_LOCKSTEP_STOPPED);
    ck_assert_uint_gt(r->exits, 60);
    ck_assert_uint_gt(r->syncs, r->exits);
    free(r);
}
END_TEST

/* An exit after each of them: in the shadow of a load of SS that is traced,
 * in the midst of strings. */
START_TEST(each_instruction_is_the_same)
{
    const char *image = x86_pair_exits();
    const uint64_t limit = 1000;

    if (!image)
        return;
    struct x86_lockstep_report *r =
        x86_pair_step(image, engines[_i].name, engines[_i].engine, limit);
    ck_assert_msg(r->same, "%s, at %llx: %s", r->what,
                  (unsigned long long)r->pc, r->insn);
    ck_assert_int_eq(r->end, X86_LOCKSTEP_CUT);
    ck_assert_uint_eq(r->insns, limit);
    free(r);
}
END_TEST

/* ---- Storage behind everybody's back ---- */

enum { HIDDEN = 0x1C0120 };

static enum verdict cpuid_scribbles(struct vcpu *v, struct vm_exit *x)
{
    *mem_at(&v->vm->mem, HIDDEN, 1) = 0x5A;
    return x86_interpreters[X86_OP_CPUID](v, x);
}

static void break_cpuid(void *who, struct vm *vm)
{
    interpreter_fn *table = who;

    memcpy(table, x86_interpreters, X86_OP_COUNT * sizeof(*table));
    table[X86_OP_CPUID] = cpuid_scribbles;
    vm->interpreters = table;
}

/* Whoever reads the report is told how to see the exits up to there. */
static bool says_how_to_see_it(const struct x86_lockstep_report *r)
{
    char *text = NULL, want[100];
    size_t size;
    FILE *to = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(to);
    x86_lockstep_print(to, r, "trapline", "--kernel a");
    ck_assert_int_eq(fclose(to), 0);
    snprintf(want, sizeof(want),
             "trapline trace --kernel a --on vtx --hide-monitor --stop-after "
             "%llu |",
             (unsigned long long)r->insns + 1);
    bool says = strstr(text, want) && strstr(text, " before ") &&
                strstr(text, "SENSITIVE VMX_EXIT_CPUID CPUID eax ");
    free(text);
    return says;
}

/* No log has it: the comparison of all storage at the end finds the page, and
 * another run the instruction. */
START_TEST(a_store_without_log_is_found)
{
    const char *image = x86_pair_exits();
    static interpreter_fn table[X86_OP_COUNT];
    char words[96];

    if (!image)
        return;
    struct x86_lockstep_report *r =
        x86_pair_run(image, "vtx", &engine_vtx, break_cpuid, table);
    snprintf(words, sizeof(words),
             "storage at %x: 0000000000000000 bare, 000000000000005a vtx",
             HIDDEN);
    ck_assert(!r->same);
    ck_assert_str_eq(r->what, words);
    ck_assert(r->exact);
    ck_assert_str_eq(r->insn, "cpuid");
    ck_assert_str_eq(r->last[r->last_count - 1].insn, "CPUID");
    ck_assert(says_how_to_see_it(r));
    free(r);
}
END_TEST

/* ---- The log ---- */

static void run_code(struct x86_bare *m, const uint8_t *code, size_t n,
                     uint64_t insns)
{
    memcpy(m->storage + BARE_CODE, code, n);
    x86_code_written(&m->cpu, BARE_CODE, n);
    m->cpu.state.rip = BARE_CODE;
    ck_assert_int_eq(x86_run(&m->cpu, insns), X86_BUDGET);
}

static bool logged(const struct x86_written *w, uint64_t gpa)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->list[i] == gpa / X86_PAGE)
            return true;
    return false;
}

/* Stores, pushes and strings; and again after the log was emptied, when the
 * TLB has the pages. */
START_TEST(the_log_has_each_page_that_is_written)
{
    static const uint8_t code[] = {
        0x89, 0x07,                /* mov [rdi], eax */
        0x50,                      /* push rax */
        0x57,                      /* push rdi */
        0x81, 0xC7, 0, 0x20, 0, 0, /* add edi, 0x2000 */
        0xAB,                      /* stosd */
        0x5F,                      /* pop rdi */
        0x58,                      /* pop rax */
        0x8B, 0x0E,                /* mov ecx, [rsi] */
    };
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    struct x86_written *w = x86_written_new(BARE_STORAGE);

    ck_assert(w);
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    m->cpu.state.gpr[X86_RSI] = BARE_DATA + 0x5000;
    x86_written_attach(&m->cpu, w);
    for (unsigned i = 0; i < 3; i++) {
        run_code(m, code, sizeof(code), 8);
        ck_assert(logged(w, BARE_DATA));
        ck_assert(logged(w, BARE_DATA + 0x2000));
        ck_assert(logged(w, BARE_STACK - 8));
        ck_assert(!logged(w, BARE_DATA + 0x5000));
        x86_written_forget(&m->cpu);
        ck_assert_uint_eq(w->count, 0);
        ck_assert(!x86_written_has(w, BARE_DATA));
    }
    x86_written_attach(&m->cpu, NULL);
    run_code(m, code, sizeof(code), 8);
    ck_assert_uint_eq(w->count, 0);
    x86_written_free(w);
    x86_bare_free(m);
}
END_TEST

START_TEST(the_log_takes_any_range)
{
    struct x86_written *w = x86_written_new(8 * X86_PAGE);

    ck_assert(w);
    x86_written_note(w, X86_PAGE - 1, 2);
    x86_written_note(w, 5 * X86_PAGE, X86_PAGE);
    x86_written_note(w, 7 * X86_PAGE, 100 * X86_PAGE);
    x86_written_note(w, 0, 0);
    x86_written_note(w, UINT64_MAX - 100, 50);
    ck_assert_uint_eq(w->count, 4);
    ck_assert(logged(w, 0) && logged(w, X86_PAGE) && logged(w, 5 * X86_PAGE) &&
              logged(w, 7 * X86_PAGE));
    x86_written_free(w);
}
END_TEST

/* ---- A disk of one's own ---- */

START_TEST(a_scratch_disk_keeps_the_image)
{
    char path[] = "/tmp/trapline-scratch-XXXXXX";
    int fd = mkstemp(path);
    uint8_t sector[IDE_SECTOR];
    struct pc_scratch a, b;
    struct ide_medium x, y;
    struct diag diag;

    ck_assert(fd >= 0 && !ftruncate(fd, 4096 * IDE_SECTOR));
    ck_assert(!pc_scratch_open(&a, path, &x, &diag));
    ck_assert(!pc_scratch_open(&b, path, &y, &diag));
    ck_assert_uint_eq(x.sectors, 4096);
    for (unsigned i = 0; i < 1000; i++) {
        memset(sector, (int)i, sizeof(sector));
        ck_assert(x.write(x.who, i * 37 % 4096, sector));
        ck_assert(y.write(y.who, i * 37 % 4096, sector));
    }
    ck_assert_uint_eq(pc_scratch_differ(&a, &b), UINT64_MAX);
    ck_assert(y.write(y.who, 4001, sector));
    ck_assert_uint_eq(pc_scratch_differ(&a, &b), 4001);
    ck_assert(x.read(x.who, 37 * 7, sector) && sector[511] == 7);
    ck_assert(x.read(x.who, 4001, sector) && sector[0] == 0);
    ck_assert(pread(fd, sector, 1, 37 * 7 * IDE_SECTOR) == 1 && !sector[0]);
    pc_scratch_close(&a);
    pc_scratch_close(&b);
    close(fd);
    unlink(path);
}
END_TEST

Suite *suite_x86_compare(void)
{
    Suite *s = suite_create("x86_compare");
    TCase *t = tcase_create("compare");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, every_exit_is_the_same, 0, (int)ARRAY_LEN(engines));
    tcase_add_loop_test(t, each_instruction_is_the_same, 0,
                        (int)ARRAY_LEN(engines));
    tcase_add_test(t, a_store_without_log_is_found);
    tcase_add_test(t, the_log_has_each_page_that_is_written);
    tcase_add_test(t, the_log_takes_any_range);
    tcase_add_test(t, a_scratch_disk_keeps_the_image);
    suite_add_tcase(s, t);
    return s;
}
