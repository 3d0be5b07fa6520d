/* The engines, by guests: on /dev/kvm, and on the modelled VT-x, which is
 * everywhere.  A host without /dev/kvm, or one whose KVM
 * lacks what a test needs, skips that test and says what is missing.  With
 * TRAPLINE_KVM=whole in the environment nothing may be missing: so the same
 * suite runs where KVM is known to be whole (tests/kvm/run-in-qemu.sh). */
#include "base/format.h"
#include "tests/skip.h"
#include "tests/x86_rig.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/platform.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { RANDOM_GUESTS = 12 };

/* A KVM that ignores the CPUID table shows somebody else's signature. */
static void cover_signature(struct rig *r)
{
    static const char before[] = "I run under: ";
    char *at = memmem(r->printed, r->n, before, strlen(before));

    if (rig_on_kvm() && at &&
        !rig_probe()->rows[X86_MODE_COUNT + KVM_FEATURE_CPUID].works)
        memcpy(at + strlen(before), "Trapline VMM", 12);
}

static void check_printed(const struct rig *r, const char *want)
{
    ck_assert_msg(r->n == strlen(want) && !memcmp(r->printed, want, r->n),
                  "printed \"%.*s\" (%s)", (int)r->n, r->printed,
                  r->vm->diag.text);
}

static void check_exit_code(const struct rig *r, uint32_t want)
{
    uint32_t code;

    ck_assert_msg(x86_vm_exit_code(r->vm, &code), "%s\n%.*s", r->vm->diag.text,
                  (int)r->logged, r->log);
    ck_assert_uint_eq(code, want);
    ck_assert_int_eq(r->vm->state, VM_STOPPED);
}

/* ---- the probe ---- */

START_TEST(probe_says_why)
{
    const struct kvm_probe *p = rig_probe();
    struct diag d = {{0}};
    enum status st = engine_kvm.probe(&d);
    bool all = true;

    for (unsigned i = 0; i < p->count; i++) {
        ck_assert(p->rows[i].name[0] && p->rows[i].title[0]);
        ck_assert_int_eq(p->rows[i].works, !p->rows[i].why_not[0]);
        all = all && (p->rows[i].works || !p->rows[i].needed);
    }
    ck_assert_int_eq(p->count == 0, p->verdict == KVM_ABSENT);
    ck_assert_int_eq(p->why[0] != '\0', p->verdict == KVM_ABSENT);
    ck_assert_int_eq(all && p->count, p->verdict == KVM_WHOLE);
    ck_assert_int_eq(st == STATUS_OK && !d.text[0], p->verdict == KVM_WHOLE);
    if (rig_must())
        ck_assert_msg(p->verdict == KVM_WHOLE, "%s%s", p->why, d.text);
}
END_TEST

/* ---- the guests ---- */

#define HELLO(mode)                     \
    "Hello from " mode " mode.\n"       \
    "I run under: Trapline VMM\n"       \
    "This line went through storage.\n" \
    "This line was one instruction.\n"
#define AWAKE "An interrupt woke me.\n"

static void say_hello(enum x86_mode mode, bool stepping)
{
    bool real = mode == X86_MODE_REAL;

    if (!rig_has_mode(mode) || !rig_has(KVM_FEATURE_MMIO) ||
        (stepping && !rig_has(KVM_FEATURE_STEP)))
        return;
    struct rig *r = rig_with_guest(mode, real ? "hello-real" : "hello-long");
    if (!r)
        return;
    r->vm->vcpu.stepping = stepping;
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    cover_signature(r);
    check_printed(r, real ? HELLO("real") "xxxx\n" AWAKE : HELLO("long") AWAKE);
    check_exit_code(r, 0);
    ck_assert_uint_eq(rig_count(r, "MMIO"), 33);
    ck_assert_uint_eq(rig_count(r, "HALT"), 1);
    ck_assert_uint_eq(rig_count(r, "HYPERCALL"), real ? 0 : 1);
    ck_assert_uint_eq(rig_count(r, "SENSITIVE"),
                      stepping || !rig_on_kvm() ? 1 : 0); /* CPUID */
    ck_assert_uint_gt(rig_count(r, "IO"), 150);
    ck_assert_int_eq(rig_count(r, "STEP") > 500, stepping);
    ck_assert_uint_eq(r->vm->vcpu.exits, r->ledger.exits);
    rig_free(r);
}

START_TEST(real_mode_guest)
{
    say_hello(X86_MODE_REAL, false);
}
END_TEST

START_TEST(long_mode_guest)
{
    say_hello(X86_MODE_LONG, false);
}
END_TEST

START_TEST(real_mode_guest_stepped)
{
    say_hello(X86_MODE_REAL, true);
}
END_TEST

START_TEST(long_mode_guest_stepped)
{
    say_hello(X86_MODE_LONG, true);
}
END_TEST

/* The trace without what the host's clock and signals make: their exits, and
 * the column of instructions, in which they count.  A turn that the clock has
 * ended took time, so that an interruption may come before the HLT that waits
 * for it. */
static size_t without_clock(const struct rig *r, char *out)
{
    static const char *const timed[] = {" TIMER ", " INTERRUPT ", " WINDOW ",
                                        " HALT "};
    enum { COLUMN = 8 };
    size_t n = 0;

    for (const char *line = r->log, *end; *line; line = end) {
        bool left_out = false;

        end = strchr(line, '\n') + 1;
        ck_assert_uint_gt((size_t)(end - line), COLUMN);
        for (size_t i = 0; i < ARRAY_LEN(timed); i++)
            left_out |= memmem(line, (size_t)(end - line), timed[i],
                               strlen(timed[i])) != NULL;
        if (left_out)
            continue;
        memcpy(out + n, line + COLUMN, (size_t)(end - line) - COLUMN);
        n += (size_t)(end - line) - COLUMN;
    }
    return n;
}

START_TEST(trace_repeats)
{
    static char texts[2][sizeof(((struct rig *)0)->log)];
    size_t n[2];
    struct rig *r;

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    for (unsigned i = 0; i < 2; i++) {
        r = rig_with_guest(X86_MODE_REAL, "hello-real");
        if (!r)
            return;
        rig_run(r);
        n[i] = without_clock(r, texts[i]);
        rig_free(r);
    }
    ck_assert_uint_gt(n[0], 10000);
    size_t same = 0;
    while (same < n[0] && texts[0][same] == texts[1][same])
        same++;
    ck_assert_msg(n[0] == n[1] && same == n[0], "%.99s\n%.99s",
                  texts[0] + same - (same < 60 ? same : 60),
                  texts[1] + same - (same < 60 ? same : 60));
}
END_TEST

/* Asleep in HLT until something is typed, and idle is not stopped. */
START_TEST(listening_guest)
{
    struct rig *r;

    if (!rig_has_mode(X86_MODE_REAL) ||
        !(r = rig_with_guest(X86_MODE_REAL, "echo-real")))
        return;
    ck_assert_int_eq(rig_run(r), TURN_IDLE);
    check_printed(r, "");
    x86_vm_input(r->vm, (const uint8_t *)"hello, ", 7);
    ck_assert_int_eq(rig_run(r), TURN_IDLE);
    x86_vm_input(r->vm, (const uint8_t *)"world\r", 6);
    ck_assert_int_eq(rig_run(r), TURN_IDLE);
    uint64_t exits = r->vm->vcpu.exits;
    ck_assert_int_eq(rig_run(r), TURN_IDLE);
    ck_assert_uint_eq(r->vm->vcpu.exits, exits); /* asleep it costs nothing */
    x86_vm_input(r->vm, (const uint8_t *)"!\x04?", 3);
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    check_printed(r, "hello, world\r\n!");
    check_exit_code(r, 0);
    rig_free(r);
}
END_TEST

/* ---- failures ---- */

START_TEST(triple_fault_is_a_shutdown)
{
    struct rig *r;
    uint32_t code;

    if (!rig_has_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "triple")))
        return;
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_FAILED);
    ck_assert_uint_eq(rig_count(r, "SHUTDOWN"), 1);
    ck_assert(!x86_vm_exit_code(r->vm, &code));
    ck_assert_msg(strstr(r->vm->diag.text, "triple fault"), "%s",
                  r->vm->diag.text);
    rig_free(r);
}
END_TEST

static void refuse_entry(struct rig *r)
{
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_FAILED);
    ck_assert_msg(rig_count(r, "ENTRY_FAILED") == 1, "%.*s", (int)r->logged,
                  r->log);
    ck_assert_msg(strstr(r->vm->diag.text, "refused to enter"), "%s",
                  r->vm->diag.text);
    /* which field, its value, and the rule that this breaks */
    ck_assert_msg(strstr(r->vm->diag.text, "but should "), "%s",
                  r->vm->diag.text);
}

/* Long mode without the paging that it rests on (AMD APM vol. 2, "Canonicali-
 * zation and Consistency Checks"; Intel SDM vol. 3, "Checks on Guest Control
 * Registers"): KVM itself finds it. */
START_TEST(impossible_state)
{
    if (!rig_has_mode(X86_MODE_LONG))
        return;
    struct rig *r = rig_with_code(X86_MODE_LONG, "\xF4", 1);
    x86_vm_state(r->vm)->cr4 &= ~X86_CR4_PAE;
    refuse_entry(r);
    rig_free(r);
}
END_TEST

/* Code that is of 64 and of 32 bits at once: the processor finds it. */
START_TEST(state_that_the_processor_refuses)
{
    if (!rig_has_mode(X86_MODE_LONG))
        return;
    if (rig_on_kvm() && rig_probe()->verdict != KVM_WHOLE) {
        skip_test("needs a whole /dev/kvm: this one does not check the "
                  "guest's state as processors do");
        return;
    }
    struct rig *r = rig_with_code(X86_MODE_LONG, "\xF4", 1);
    x86_vm_state(r->vm)->seg[X86_CS].attr |= X86_ATTR_DB;
    refuse_entry(r);
    ck_assert_msg(strstr(r->log, rig_on_kvm() ? "KVM_EXIT_FAIL_ENTRY" : "CS"),
                  "%s", r->log);
    rig_free(r);
}
END_TEST

START_TEST(endless_loop_reaches_the_limit)
{
    struct rig *r;

    if (!rig_has_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    r->vm->stop_after = 5 * X86_VMM_SLICE;
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_READY); /* it could go on */
    ck_assert_uint_eq(r->vm->vcpu.insns, r->vm->stop_after);
    ck_assert_uint_ge(rig_count(r, "TIMER"), 1);
    rig_free(r);
}
END_TEST

static volatile bool interrupted; /* by a signal, as control-C does */

static void on_alarm(int signal)
{
    (void)signal;
    interrupted = true;
}

START_TEST(endless_loop_is_interrupted)
{
    struct sigaction act = {.sa_handler = on_alarm};
    struct itimerval soon = {.it_value = {.tv_usec = 30000}};
    struct rig *r;
    size_t count;

    if (!rig_has_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    struct vm **vms = x86_vmm_vms(r->vmm, &count);
    ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    vmm_run(vms, count, &interrupted);
    ck_assert(interrupted);
    ck_assert_int_eq(r->vm->state, VM_READY);
    rig_free(r);
}
END_TEST

static void *kick_soon(void *vcpu)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    struct vcpu *v = vcpu;

    v->vm->engine->kick(v);
    return NULL;
}

START_TEST(endless_loop_is_kicked)
{
    struct vm_exit x = {0};
    struct rig *r;
    pthread_t kicker;

    if (!rig_has_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    struct vcpu *v = &r->vm->vcpu;
    const struct engine_ops *engine = r->vm->engine;
    v->budget = X86_VMM_SLICE;
    engine->kick(v); /* before the entry */
    ck_assert_int_eq(engine->run(v, &x), STATUS_OK);
    ck_assert_int_eq(x.reason, EXIT_INTERRUPT);
    ck_assert_int_eq(pthread_create(&kicker, NULL, kick_soon, v), 0);
    do { /* from another thread, while it runs */
        ck_assert_int_eq(engine->run(v, &x), STATUS_OK);
        ck_assert(x.reason == EXIT_TIMER || x.reason == EXIT_INTERRUPT);
    } while (x.reason == EXIT_TIMER);
    ck_assert_uint_eq(x.pc, X86_LOAD_FLAT);
    pthread_join(kicker, NULL);
    rig_free(r);
}
END_TEST

/* Random code, for a while: whatever it does to ports, storage and its own
 * tables, it ends as a machine ends, never as a failure of the host. */
START_TEST(random_code_harms_nobody)
{
    uint32_t seed = 1 + (uint32_t)_i;
    uint8_t code[4096];
    enum x86_mode mode = _i % 2 ? X86_MODE_LONG : X86_MODE_REAL;

    if (!rig_has_mode(mode))
        return;
    for (size_t i = 0; i < sizeof(code); i++) {
        seed = seed * 1664525 + 1013904223;
        code[i] = (uint8_t)(seed >> 24);
        if (seed >> 8 & 1) /* many exits, and few that end it */
            code[i] =
                (uint8_t) "\x6C\x6E\xE6\xEC\xEE\xFB\x0F\x66"[seed >> 9 & 7];
    }
    struct rig *r = rig_with_code(mode, code, sizeof(code));
    x86_vm_on_output(r->vm, NULL, NULL);
    x86_vm_state(r->vm)->gpr[X86_RDX] = X86_PORT_SERIAL;
    r->vm->vcpu.stepping = _i / 2 % 2;
    r->vm->stop_after = r->vm->vcpu.stepping ? 500 : 2 * X86_VMM_SLICE;
    enum turn turn = rig_run(r);
    ck_assert(turn == TURN_STOPPED || turn == TURN_IDLE);
    ck_assert_msg(!strstr(r->vm->diag.text, "KVM_"), "%s", r->vm->diag.text);
    rig_free(r);
}
END_TEST

/* ---- two machines ---- */

static uint64_t counted(const struct trace_ledger *l,
                        const struct ledger_row *row)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!strcmp(l->rows[i].reason, row->reason) &&
            !strcmp(l->rows[i].insn ? l->rows[i].insn : "",
                    row->insn ? row->insn : ""))
            return l->rows[i].count;
    return 0;
}

/* With nobody but a ledger listening, an engine may fetch less of the state:
 * the ledger says the same, instruction by instruction. */
START_TEST(ledger_alone_counts_the_same)
{
    struct rig *whole, *counts;

    if (!rig_has_mode(X86_MODE_REAL) || !rig_has(KVM_FEATURE_MMIO) ||
        !(whole = rig_with_guest(X86_MODE_REAL, "hello-real")))
        return;
    counts = rig_with_guest(X86_MODE_REAL, "hello-real");
    counts->trace.sinks = &counts->ledger.sink;
    counts->ledger.sink.next = NULL;
    counts->trace.words = false;
    ck_assert_int_eq(rig_run(whole), TURN_STOPPED);
    ck_assert_int_eq(rig_run(counts), TURN_STOPPED);
    for (unsigned i = 0; i < whole->ledger.count; i++) {
        const struct ledger_row *row = &whole->ledger.rows[i];

        if (strcmp(row->reason, "IO") && strcmp(row->reason, "MMIO"))
            continue; /* the host's clock makes others */
        ck_assert_msg(counted(&counts->ledger, row) == row->count,
                      "%s %s: %llu exits, and %llu", row->reason,
                      row->insn ? row->insn : "-",
                      (unsigned long long)row->count,
                      (unsigned long long)counted(&counts->ledger, row));
    }
    ck_assert_uint_gt(whole->ledger.count, 3);
    rig_free(counts);
    rig_free(whole);
}
END_TEST

/* They take turns, and what belongs to one is not the other's, whatever the
 * time between their ticks is. */
START_TEST(two_machines_take_turns)
{
    enum { BUSY_SLICES = 30 };
    static const long between[] = {0, 1000000, 2500000, 4000000}; /* ns */
    struct diag d = {{0}};
    struct rig *r;
    uint32_t code;

    if (!rig_has_mode(X86_MODE_LONG) || !rig_has_mode(X86_MODE_REAL) ||
        !(r = rig_with_guest(X86_MODE_LONG, "hello-long")))
        return;
    nanosleep(&(struct timespec){.tv_nsec = between[_i]}, NULL);
    struct vm *busy =
        x86_vmm_add(r->vmm, "busy", X86_MODE_REAL, RIG_STORAGE, &d);
    ck_assert_msg(busy, "%s", d.text);
    ck_assert_int_eq(x86_vm_load(busy, (const uint8_t *)"\xEB\xFE", 2, &d), 0);
    busy->stop_after = BUSY_SLICES * X86_VMM_SLICE;
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    cover_signature(r);
    check_printed(r, HELLO("long") AWAKE);
    check_exit_code(r, 0);
    ck_assert(!x86_vm_exit_code(busy, &code));
    ck_assert_uint_eq(busy->vcpu.insns, BUSY_SLICES * X86_VMM_SLICE);
    /* The one that has ended does not disturb the other. */
    ck_assert_uint_lt(rig_count(r, "INTERRUPT"), BUSY_SLICES);

    const struct allocator *a = x86_vmm_allocator(r->vmm);
    for (unsigned i = 0; i < busy->mem.count; i++) {
        uint64_t at = (uint64_t)(busy->mem.slots[i].host - a->pool);

        ck_assert(allocator_owns(a, busy->id, at, busy->mem.slots[i].size));
        ck_assert(!allocator_owns(a, r->vm->id, at, 1));
    }
    rig_free(r);
}
END_TEST

/* ---- bad input ---- */

START_TEST(bad_machines_are_refused)
{
    struct diag d = {{0}};

    ck_assert_ptr_null(x86_vmm_new(&engine_vtx, 0, NULL, &d));
    ck_assert_ptr_null(x86_vmm_new(&engine_vtx, 4095, NULL, &d));
    ck_assert_ptr_null(
        x86_vmm_new(&engine_vtx, UINT64_MAX & ~4095ull, NULL, &d));
    ck_assert_uint_eq(x86_image_mode("/nonexistent/x", &d), X86_MODE_COUNT);
    ck_assert_msg(strstr(d.text, "/nonexistent/x"), "%s", d.text);
    struct x86_vmm *vmm = x86_vmm_new(&engine_vtx, 4 << 20, NULL, &d);
    ck_assert(vmm);
    ck_assert_ptr_null(x86_vmm_add(vmm, "g", X86_MODE_COUNT, 2 << 20, &d));
    ck_assert_ptr_null(x86_vmm_add(vmm, "g", X86_MODE_REAL, 4096, &d));
    ck_assert_ptr_null(x86_vmm_add(vmm, "g", X86_MODE_REAL, 8 << 20, &d));
    ck_assert_ptr_null(
        x86_vmm_add(vmm, "g", X86_MODE_REAL, UINT64_MAX & ~4095ull, &d));
    x86_vmm_free(vmm);
}
END_TEST

START_TEST(bad_images_are_refused)
{
    static const uint8_t much[RIG_STORAGE];
    struct diag d = {{0}};

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    struct rig *r = rig_new(X86_MODE_REAL);
    ck_assert_int_eq(x86_vm_load(r->vm, much, 0, &d), STATUS_BAD_INPUT);
    ck_assert_int_eq(x86_vm_load(r->vm, much, 0xA0000 - X86_LOAD_REAL + 1, &d),
                     STATUS_BAD_INPUT);
    ck_assert_int_eq(x86_vm_load(r->vm, much, 0xA0000 - X86_LOAD_REAL, &d),
                     STATUS_OK);
    ck_assert_int_eq(x86_vm_load_file(r->vm, "/dev/null", &d),
                     STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, "/dev/null: "), "%s", d.text);
    ck_assert_int_eq(x86_vm_load_file(r->vm, "/dev/zero", &d),
                     STATUS_BAD_INPUT);
    ck_assert_int_eq(x86_vm_load_file(r->vm, "/", &d), STATUS_BAD_INPUT);
    rig_free(r);
}
END_TEST

/* What needs no /dev/kvm has a tag, to be left out where that is all that is
 * wanted (CK_EXCLUDE_TAGS). */
static void add_guests(Suite *s, const char *name, void (*use)(void))
{
    TCase *c = tcase_create(name);

    tcase_set_tags(c, use == rig_use_kvm ? "kvm" : "model");

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, use, NULL);
    tcase_add_test(c, real_mode_guest);
    tcase_add_test(c, long_mode_guest);
    tcase_add_test(c, real_mode_guest_stepped);
    tcase_add_test(c, long_mode_guest_stepped);
    tcase_add_test(c, trace_repeats);
    tcase_add_test(c, listening_guest);
    tcase_add_test(c, triple_fault_is_a_shutdown);
    tcase_add_test(c, impossible_state);
    tcase_add_test(c, state_that_the_processor_refuses);
    tcase_add_test(c, endless_loop_reaches_the_limit);
    tcase_add_test(c, endless_loop_is_interrupted);
    tcase_add_test(c, endless_loop_is_kicked);
    tcase_add_loop_test(c, random_code_harms_nobody, 0, RANDOM_GUESTS);
    tcase_add_loop_test(c, two_machines_take_turns, 0, 4);
    tcase_add_test(c, ledger_alone_counts_the_same);
    tcase_add_test(c, bad_images_are_refused);
    suite_add_tcase(s, c);
}

Suite *suite_x86_kvm(void)
{
    Suite *s = suite_create("x86_kvm");
    TCase *c = tcase_create("hosts");

    rig_probe();
    tcase_add_test(c, probe_says_why);
    tcase_add_test(c, bad_machines_are_refused);
    suite_add_tcase(s, c);
    add_guests(s, "kvm", rig_use_kvm);
    add_guests(s, "vtx", rig_use_vtx);
    add_guests(s, "svm", rig_use_svm);
    return s;
}
