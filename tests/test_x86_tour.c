/* x86vmm/guest/pc-tour.S on the bare PC and on a PC under the monitor: all that
 * the guest can see is the same, at the same instruction. */
#include "cli/pc_files.h"
#include "cli/pc_machine.h"
#include "tests/skip.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE = 4 << 20, SECTORS = 64, ENOUGH = 4000000 };

static const struct engine_ops *const engines[] = {&engine_vtx, &engine_svm};
enum { APIC = 1, STEPPING = 2, WATCHED = 4 };
static const unsigned ways[] = {0, APIC, APIC | STEPPING, APIC | WATCHED};
enum { WAYS = ARRAY_LEN(ways) };

struct tour {
    struct pc_machine m;
    char printed[256];
    size_t n;
};

static void print(void *to, const uint8_t *bytes, size_t n)
{
    struct tour *t = to;

    for (; n && t->n < sizeof(t->printed) - 1; n--)
        t->printed[t->n++] = (char)*bytes++;
}

static bool read_sector(void *who, uint64_t sector, uint8_t bytes[IDE_SECTOR])
{
    (void)who;
    memset(bytes, (int)sector, IDE_SECTOR);
    return true;
}

static bool no_sector(void *who, uint64_t sector,
                      const uint8_t bytes[IDE_SECTOR])
{
    (void)who, (void)sector, (void)bytes;
    return false;
}

static bool nothing(void *who)
{
    (void)who;
    return true;
}

/* NULL, and skipped, where the guest could not be assembled. */
static struct tour *set_out(const struct engine_ops *engine, unsigned way)
{
    const char *build = getenv("BUILD");
    char path[512];
    struct diag d = {""};
    struct load_plan plan = {0};
    const struct pc_plan pc = {
        .storage = STORAGE,
        .seconds = PC_EPOCH,
        .disks = {{SECTORS, read_sector, no_sector, nothing, NULL}},
        .apic = way & APIC,
        .hides_monitor = true,
        .watched = way & WATCHED};
    struct tour *t = calloc(1, sizeof(*t));

    ck_assert_ptr_nonnull(t);
    snprintf(path, sizeof(path), "%s/x86vmm/guest/pc-tour.bin",
             build ? build : "build");
    if (pc_file_read(&plan.kernel, path, STORAGE, &d)) {
        skip_test("needs a guest (an assembler for x86): %s", d.text);
        free(t);
        return NULL;
    }
    ck_assert_msg(!pc_machine_open(&t->m, engine, "tour", &pc, NULL, &d), "%s",
                  d.text);
    t->m.board->uart.output = t->m.board->debug.output = print;
    t->m.board->uart.to = t->m.board->debug.to = t;
    ck_assert_msg(!pc_machine_load(&t->m, &plan, &d), "%s", d.text);
    pc_file_free(&plan.kernel);
    if (t->m.vm)
        t->m.vm->vcpu.stepping = way & STEPPING;
    return t;
}

static void end(struct tour *t)
{
    pc_machine_close(&t->m);
    free(t);
}

static const struct x86_state *state(const struct tour *t)
{
    return t->m.pc ? &t->m.pc->cpu.state : x86_vm_state(t->m.vm);
}

static void travel(struct tour *t)
{
    char words[200];
    enum pc_stop stop = pc_machine_run(&t->m, ENOUGH);

    pc_machine_words(&t->m, stop, words, sizeof(words));
    ck_assert_msg(stop == PC_STOPPED && !t->m.platform->exit_code &&
                      strstr(t->printed, "There and back."),
                  "%d %s: '%s'", stop, words, t->printed);
}

static void compare_storage(const struct tour *a, const struct tour *b)
{
    for (unsigned i = 0; i < a->m.mem->count; i++) {
        const struct mem_slot *x = &a->m.mem->slots[i],
                              *y = &b->m.mem->slots[i];
        uint64_t at = 0;

        while (at < x->size && x->host[at] == y->host[at])
            at++;
        ck_assert_msg(at == x->size, "storage at %llx: bare %02x, not %02x",
                      (unsigned long long)(x->gpa + at), x->host[at],
                      y->host[at]);
    }
}

START_TEST(same_on_every_machine)
{
    const struct engine_ops *engine = engines[_i / WAYS];
    struct tour *a = set_out(NULL, ways[_i % WAYS]), *b;

    if (!a)
        return;
    b = set_out(engine, ways[_i % WAYS]);
    travel(a);
    travel(b);
    ck_assert_str_eq(a->printed, b->printed);
    compare_storage(a, b);
    ck_assert_uint_eq(pc_machine_ran(&a->m), pc_machine_ran(&b->m));
    ck_assert_uint_eq(a->m.clock->now, b->m.clock->now);
    ck_assert_mem_eq(state(a)->gpr, state(b)->gpr, sizeof(state(a)->gpr));
    ck_assert_mem_eq(state(a)->seg, state(b)->seg, sizeof(state(a)->seg));
    ck_assert_uint_eq(state(a)->cr0, state(b)->cr0);
    ck_assert_uint_eq(state(a)->cr4, state(b)->cr4);
    end(a);
    end(b);
}
END_TEST

Suite *suite_x86_tour(void)
{
    Suite *s = suite_create("x86_tour");
    TCase *t = tcase_create("x86_tour");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, same_on_every_machine, 0, ARRAY_LEN(engines) * WAYS);
    suite_add_tcase(s, t);
    return s;
}
