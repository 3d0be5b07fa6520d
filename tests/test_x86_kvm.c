/* The engine on /dev/kvm, by guests.  A host without it, or one whose KVM
 * lacks what a test needs, skips that test and says what is missing.  With
 * TRAPLINE_KVM=whole in the environment nothing may be missing: so the same
 * suite runs where KVM is known to be whole (tests/kvm/run-in-qemu.sh). */
#include "base/bytes.h"
#include "base/format.h"
#include "cli/vmm_x86.h"
#include "monitor/dispatcher.h"
#include "tests/skip.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/kvm_probe.h"
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/cpuid.h"
#include "x86vmm/machine/exception.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { POOL = 64 << 20, STORAGE = 2 << 20 };

/* Run once, before the tests are forked off. */
static const struct kvm_probe *probe(void)
{
    static struct kvm_probe p;

    if (!p.rows[0].name)
        kvm_probe_run(&p);
    return &p;
}

/* Are all these rows there, of modes and features?  Skips if not. */
static bool have_row(unsigned row)
{
    const struct kvm_probe *p = probe();
    const char *must = getenv("TRAPLINE_KVM");
    const char *why = p->verdict == KVM_ABSENT ? p->why : p->rows[row].why_not;

    if (p->verdict != KVM_ABSENT && p->rows[row].works)
        return true;
    if (must && !strcmp(must, "whole"))
        ck_abort_msg("%s: %s", p->rows[row].title, why);
    skip_test("needs /dev/kvm with %s: %s", p->rows[row].title, why);
    return false;
}

static bool have_mode(enum x86_mode mode)
{
    return have_row(mode);
}

static bool have_feature(enum kvm_feature f)
{
    return have_row(X86_MODE_COUNT + f);
}

/* ---- a machine with ears ---- */

struct rig {
    struct x86_vmm *vmm;
    struct vm *vm;
    struct trace trace;
    struct trace_ledger ledger;
    struct trace_text text;
    char log[256 << 10];
    size_t logged;
    char printed[1024];
    size_t n;
};

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

static struct rig *new_rig(enum x86_mode mode)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct diag d = {{0}};

    trace_ledger_init(&r->ledger);
    trace_text_init(&r->text, keep, r);
    trace_attach(&r->trace, &r->ledger.sink);
    trace_attach(&r->trace, &r->text.sink);
    r->vmm = x86_vmm_new(POOL, &r->trace, &d);
    ck_assert_msg(r->vmm, "%s", d.text);
    r->vm = x86_vmm_add(r->vmm, "guest", mode, STORAGE, &d);
    ck_assert_msg(r->vm, "%s", d.text);
    x86_vm_on_output(r->vm, print, r);
    return r;
}

static void free_rig(struct rig *r)
{
    x86_vmm_free(r->vmm);
    free(r);
}

static struct rig *rig_with_code(enum x86_mode mode, const void *code, size_t n)
{
    struct rig *r = new_rig(mode);
    struct diag d = {{0}};

    ck_assert_msg(!x86_vm_load(r->vm, code, n, &d), "%s", d.text);
    return r;
}

/* A guest of x86vmm/guest, or NULL when there is no assembler for it here. */
static struct rig *rig_with_guest(enum x86_mode mode, const char *name)
{
    const char *build = getenv("BUILD");
    struct rig *r = new_rig(mode);
    struct diag d = {{0}};
    char path[256];

    format(path, sizeof(path), "%s/x86vmm/guest/%s.bin",
           build ? build : "build", name);
    if (x86_vm_load_file(r->vm, path, &d) == STATUS_OK) {
        ck_assert_uint_eq(x86_image_mode(path, &d), mode);
        return r;
    }
    free_rig(r);
    skip_test("needs the guest %s (an assembler for x86): %s", name, d.text);
    return NULL;
}

static enum turn run(struct rig *r)
{
    volatile bool interrupted = false;
    size_t count;
    struct vm **vms = x86_vmm_vms(r->vmm, &count);

    return vmm_run(vms, count, &interrupted);
}

static uint64_t count_of(const struct rig *r, const char *reason)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < r->ledger.count; i++)
        if (!strcmp(r->ledger.rows[i].reason, reason))
            n += r->ledger.rows[i].count;
    return n;
}

/* A KVM that ignores the CPUID table shows somebody else's signature. */
static void cover_signature(struct rig *r)
{
    static const char before[] = "I run under: ";
    char *at = memmem(r->printed, r->n, before, strlen(before));

    if (!probe()->rows[X86_MODE_COUNT + KVM_FEATURE_CPUID].works && at)
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

/* Run code that ends in HLT with interrupts off, which ends the machine. */
static void run_to_halt(struct rig *r)
{
    ck_assert_int_eq(run(r), TURN_STOPPED);
    ck_assert_msg(r->vm->state == VM_STOPPED && r->vm->vcpu.waiting, "%s\n%.*s",
                  r->vm->diag.text, (int)r->logged, r->log);
}

/* ---- the probe ---- */

START_TEST(probe_says_why)
{
    const struct kvm_probe *p = probe();
    const char *must = getenv("TRAPLINE_KVM");
    struct diag d = {{0}};
    enum status st = engine_kvm.probe(&d);
    bool all = true;

    for (unsigned i = 0; i < p->count; i++) {
        ck_assert(p->rows[i].name[0] && p->rows[i].title[0]);
        ck_assert_int_eq(p->rows[i].works, !p->rows[i].why_not[0]);
        all = all && p->rows[i].works;
    }
    ck_assert_int_eq(p->count == 0, p->verdict == KVM_ABSENT);
    ck_assert_int_eq(p->why[0] != '\0', p->verdict == KVM_ABSENT);
    ck_assert_int_eq(all && p->count, p->verdict == KVM_WHOLE);
    ck_assert_int_eq(st == STATUS_OK && !d.text[0], p->verdict == KVM_WHOLE);
    if (must && !strcmp(must, "whole"))
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

    if (!have_mode(mode) || !have_feature(KVM_FEATURE_MMIO) ||
        (stepping && !have_feature(KVM_FEATURE_STEP)))
        return;
    struct rig *r = rig_with_guest(mode, real ? "hello-real" : "hello-long");
    if (!r)
        return;
    r->vm->vcpu.stepping = stepping;
    ck_assert_int_eq(run(r), TURN_STOPPED);
    cover_signature(r);
    check_printed(r, real ? HELLO("real") "xxxx\n" AWAKE : HELLO("long") AWAKE);
    check_exit_code(r, 0);
    ck_assert_uint_eq(count_of(r, "MMIO"), 33);
    ck_assert_uint_eq(count_of(r, "HALT"), 1);
    ck_assert_uint_eq(count_of(r, "HYPERCALL"), real ? 0 : 1);
    ck_assert_uint_eq(count_of(r, "SENSITIVE"), stepping ? 1 : 0);
    ck_assert_uint_gt(count_of(r, "IO"), 150);
    ck_assert_int_eq(count_of(r, "STEP") > 500, stepping);
    ck_assert_uint_eq(r->vm->vcpu.exits, r->ledger.exits);
    free_rig(r);
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
 * the column of instructions, in which they count. */
static size_t without_clock(const struct rig *r, char *out)
{
    enum { COLUMN = 8 };
    size_t n = 0;

    for (const char *line = r->log, *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        ck_assert_uint_gt((size_t)(end - line), COLUMN);
        if (memmem(line, (size_t)(end - line), " TIMER ", 7) ||
            memmem(line, (size_t)(end - line), " INTERRUPT ", 11))
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

    if (!have_mode(X86_MODE_REAL))
        return;
    for (unsigned i = 0; i < 2; i++) {
        r = rig_with_guest(X86_MODE_REAL, "hello-real");
        if (!r)
            return;
        run(r);
        n[i] = without_clock(r, texts[i]);
        free_rig(r);
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

    if (!have_mode(X86_MODE_REAL) ||
        !(r = rig_with_guest(X86_MODE_REAL, "echo-real")))
        return;
    ck_assert_int_eq(run(r), TURN_IDLE);
    check_printed(r, "");
    x86_vm_input(r->vm, (const uint8_t *)"hello, ", 7);
    ck_assert_int_eq(run(r), TURN_IDLE);
    x86_vm_input(r->vm, (const uint8_t *)"world", 5);
    ck_assert_int_eq(run(r), TURN_IDLE);
    uint64_t exits = r->vm->vcpu.exits;
    ck_assert_int_eq(run(r), TURN_IDLE);
    ck_assert_uint_eq(r->vm->vcpu.exits, exits); /* asleep it costs nothing */
    x86_vm_input(r->vm, (const uint8_t *)"!\x04?", 3);
    ck_assert_int_eq(run(r), TURN_STOPPED);
    check_printed(r, "hello, world!");
    check_exit_code(r, 0);
    free_rig(r);
}
END_TEST

/* ---- failures ---- */

START_TEST(triple_fault_is_a_shutdown)
{
    struct rig *r;
    uint32_t code;

    if (!have_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "triple")))
        return;
    ck_assert_int_eq(run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_STOPPED);
    ck_assert_uint_eq(count_of(r, "SHUTDOWN"), 1);
    ck_assert(!x86_vm_exit_code(r->vm, &code));
    free_rig(r);
}
END_TEST

static void refuse_entry(struct rig *r)
{
    ck_assert_int_eq(run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_FAILED);
    ck_assert_msg(count_of(r, "ENTRY_FAILED") == 1, "%.*s", (int)r->logged,
                  r->log);
    ck_assert_msg(strstr(r->vm->diag.text, "refused to enter"), "%s",
                  r->vm->diag.text);
}

/* Long mode without the paging that it rests on (AMD APM vol. 2, "Canonicali-
 * zation and Consistency Checks"; Intel SDM vol. 3, "Checks on Guest Control
 * Registers"): KVM itself finds it. */
START_TEST(impossible_state)
{
    if (!have_mode(X86_MODE_LONG))
        return;
    struct rig *r = rig_with_code(X86_MODE_LONG, "\xF4", 1);
    x86_vm_state(r->vm)->cr4 &= ~X86_CR4_PAE;
    refuse_entry(r);
    free_rig(r);
}
END_TEST

/* Code that is of 64 and of 32 bits at once: the processor finds it. */
START_TEST(state_that_the_processor_refuses)
{
    if (!have_mode(X86_MODE_LONG))
        return;
    if (probe()->verdict != KVM_WHOLE) {
        skip_test("needs a whole /dev/kvm: this one does not check the "
                  "guest's state as processors do");
        return;
    }
    struct rig *r = rig_with_code(X86_MODE_LONG, "\xF4", 1);
    x86_vm_state(r->vm)->seg[X86_CS].attr |= X86_ATTR_DB;
    refuse_entry(r);
    ck_assert_msg(strstr(r->log, "KVM_EXIT_FAIL_ENTRY"), "%s", r->log);
    free_rig(r);
}
END_TEST

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

START_TEST(endless_loop_reaches_the_limit)
{
    struct rig *r;

    if (!have_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    r->vm->stop_after = 5 * X86_VMM_SLICE;
    double begun = seconds();
    ck_assert_int_eq(run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_READY); /* it could go on */
    ck_assert_uint_eq(r->vm->vcpu.insns, r->vm->stop_after);
    ck_assert_uint_ge(count_of(r, "TIMER"), 1);
    ck_assert(seconds() - begun < 5);
    free_rig(r);
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

    if (!have_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    struct vm **vms = x86_vmm_vms(r->vmm, &count);
    ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
    double begun = seconds();
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    vmm_run(vms, count, &interrupted);
    ck_assert(interrupted);
    ck_assert(seconds() - begun < 5);
    ck_assert_int_eq(r->vm->state, VM_READY);
    free_rig(r);
}
END_TEST

static void *kick_soon(void *vcpu)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    engine_kvm.kick(vcpu);
    return NULL;
}

START_TEST(endless_loop_is_kicked)
{
    struct vm_exit x = {0};
    struct rig *r;
    pthread_t kicker;

    if (!have_mode(X86_MODE_LONG) ||
        !(r = rig_with_guest(X86_MODE_LONG, "loop")))
        return;
    struct vcpu *v = &r->vm->vcpu;
    v->budget = X86_VMM_SLICE;
    engine_kvm.kick(v); /* before the entry */
    ck_assert_int_eq(engine_kvm.run(v, &x), STATUS_OK);
    ck_assert_int_eq(x.reason, EXIT_INTERRUPT);
    ck_assert_int_eq(pthread_create(&kicker, NULL, kick_soon, v), 0);
    do { /* from another thread, while it runs */
        ck_assert_int_eq(engine_kvm.run(v, &x), STATUS_OK);
        ck_assert(x.reason == EXIT_TIMER || x.reason == EXIT_INTERRUPT);
    } while (x.reason == EXIT_TIMER);
    ck_assert_uint_eq(x.pc, X86_LOAD_FLAT);
    pthread_join(kicker, NULL);
    free_rig(r);
}
END_TEST

/* ---- CPUID ---- */

static const uint8_t cpuid_code[] = {0x0F, 0xA2, /* cpuid */
                                     0xF4};      /* hlt */

static void ask(struct rig *r, uint32_t leaf)
{
    struct x86_state *s = x86_vm_state(r->vm);
    struct x86_cpuid_row want = x86_cpuid(leaf);

    r->vm->state = VM_READY;
    r->vm->vcpu.waiting = false;
    s->rip = X86_LOAD_REAL;
    s->gpr[X86_RAX] = leaf;
    s->gpr[X86_RBX] = s->gpr[X86_RCX] = s->gpr[X86_RDX] = 0;
    run_to_halt(r);
    ck_assert_msg(s->gpr[X86_RAX] == want.eax && s->gpr[X86_RBX] == want.ebx &&
                      s->gpr[X86_RCX] == want.ecx &&
                      s->gpr[X86_RDX] == want.edx,
                  "leaf %x: %llx %llx %llx %llx, not %x %x %x %x", leaf,
                  (unsigned long long)s->gpr[X86_RAX],
                  (unsigned long long)s->gpr[X86_RBX],
                  (unsigned long long)s->gpr[X86_RCX],
                  (unsigned long long)s->gpr[X86_RDX], want.eax, want.ebx,
                  want.ecx, want.edx);
}

/* KVM in the kernel and our interpreter give the same answers. */
START_TEST(cpuid_is_the_profile)
{
    static const uint32_t beyond[] = {2,          7,          0xD,
                                      0x40000002, 0x80000005, 0x80000009};

    if (!have_mode(X86_MODE_REAL) || !have_feature(KVM_FEATURE_CPUID) ||
        !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r =
        rig_with_code(X86_MODE_REAL, cpuid_code, sizeof(cpuid_code));
    r->vm->vcpu.stepping = _i;
    for (size_t i = 0; i < x86_cpuid_profile.count; i++)
        ask(r, x86_cpuid_profile.rows[i].leaf);
    for (size_t i = 0; i < ARRAY_LEN(beyond); i++)
        ask(r, beyond[i]);
    size_t asked = x86_cpuid_profile.count + ARRAY_LEN(beyond);
    ck_assert_uint_eq(count_of(r, "SENSITIVE"), _i ? asked : 0);
    ck_assert_uint_eq(r->vm->vcpu.intervened, _i ? asked : 0);
    free_rig(r);
}
END_TEST

/* ---- I/O of all widths ---- */

enum { PROBE_PORT = 0x50, LOG = 32 };

/* A device that writes down what comes and reads as a counter. */
struct recorder {
    struct {
        uint64_t offset, value;
        unsigned size;
        bool write;
    } log[LOG];
    unsigned n;
};

static void record(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    struct recorder *d = dev;

    ck_assert_uint_lt(d->n, LOG);
    if (!write)
        *value = UINT64_C(0x1716151413121110) + d->n;
    d->log[d->n].offset = offset;
    d->log[d->n].size = size;
    d->log[d->n].write = write;
    d->log[d->n++].value = *value;
}

static void attach(struct rig *r, struct recorder *d, enum bus_space space,
                   uint64_t first, uint64_t last)
{
    struct bus_device device = {space, first, last, "recorder", record, d};

    *d = (struct recorder){.n = 0};
    ck_assert_int_eq(bus_add(&r->vm->bus, &device), STATUS_OK);
}

static void check_access(const struct recorder *d, unsigned i, bool write,
                         uint64_t offset, unsigned size, uint64_t value)
{
    ck_assert_uint_lt(i, d->n);
    ck_assert_msg(d->log[i].write == write && d->log[i].offset == offset &&
                      d->log[i].size == size && d->log[i].value == value,
                  "access %u: %s %llx, %u bytes at %llx", i,
                  d->log[i].write ? "write" : "read",
                  (unsigned long long)d->log[i].value, d->log[i].size,
                  (unsigned long long)d->log[i].offset);
}

static const uint8_t widths_code[] = {
    0xB8, 0x44, 0x33, 0x22, 0x11, /* mov eax, 11223344h */
    0xE6, 0x50,                   /* out 50h, al */
    0x66, 0xE7, 0x51,             /* out 51h, ax */
    0xE7, 0x52,                   /* out 52h, eax */
    0x66, 0xBA, 0x53, 0x00,       /* mov dx, 53h */
    0xEE,                         /* out dx, al */
    0x66, 0xEF,                   /* out dx, ax */
    0xEF,                         /* out dx, eax */
    0xEF,                         /* out dx, eax */
    0xE4, 0x50,                   /* in al, 50h */
    0x66, 0xE5, 0x50,             /* in ax, 50h */
    0x89, 0xC3,                   /* mov ebx, eax */
    0xED,                         /* in eax, dx */
    0xF4                          /* hlt */
};

/* Where each exit must say that its instruction is. */
static const uint8_t widths_at[] = {5, 7, 10, 16, 17, 19, 20, 21, 23, 28};

static void check_pcs(const struct rig *r, const uint8_t *at, size_t n)
{
    char pc[32];
    const char *from = r->log;

    for (size_t i = 0; i < n; i++) {
        format(pc, sizeof(pc), " %08x ", X86_LOAD_FLAT + at[i]);
        const char *found = strstr(from, pc);
        ck_assert_msg(found, "no exit at%s, or not in order:\n%s", pc, r->log);
        from = strchr(found, '\n');
    }
}

START_TEST(ports_of_all_widths)
{
    struct recorder d;

    if (!have_mode(X86_MODE_LONG) || !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r =
        rig_with_code(X86_MODE_LONG, widths_code, sizeof(widths_code));
    attach(r, &d, BUS_PORT, PROBE_PORT, PROBE_PORT + 15);
    r->vm->vcpu.stepping = _i;
    run_to_halt(r);
    ck_assert_uint_eq(d.n, 10);
    check_access(&d, 0, true, 0, 1, 0x44);
    check_access(&d, 1, true, 1, 2, 0x3344);
    check_access(&d, 2, true, 2, 4, 0x11223344);
    check_access(&d, 3, true, 3, 1, 0x44);
    check_access(&d, 4, true, 3, 2, 0x3344);
    check_access(&d, 5, true, 3, 4, 0x11223344);
    check_access(&d, 6, true, 3, 4, 0x11223344);
    ck_assert_uint_eq(d.log[7].size, 1);
    ck_assert_uint_eq(d.log[8].size, 2);
    ck_assert_uint_eq(d.log[9].size, 4);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], 0x11221118);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], 0x13121119);
    check_pcs(r, widths_at, ARRAY_LEN(widths_at));
    free_rig(r);
}
END_TEST

static const uint8_t strings_code[] = {
    0xBA, 0x50, 0x00, 0x00, 0x00, /* mov edx, 50h */
    0xB9, 0x05, 0x00, 0x00, 0x00, /* mov ecx, 5 */
    0xBF, 0x00, 0x90, 0x00, 0x00, /* mov edi, 9000h */
    0xF3, 0x66, 0x6D,             /* rep insw */
    0xB9, 0x03, 0x00, 0x00, 0x00, /* mov ecx, 3 */
    0xBE, 0x00, 0x90, 0x00, 0x00, /* mov esi, 9000h */
    0xF3, 0x6F,                   /* rep outsd */
    0x6E,                         /* outsb */
    0xF3, 0x6E,                   /* rep outsb, rcx is 0: nothing */
    0xF4                          /* hlt */
};

START_TEST(string_io)
{
    struct recorder d;

    if (!have_mode(X86_MODE_LONG) || !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r =
        rig_with_code(X86_MODE_LONG, strings_code, sizeof(strings_code));
    attach(r, &d, BUS_PORT, PROBE_PORT, PROBE_PORT + 3);
    r->vm->vcpu.stepping = _i;
    run_to_halt(r);
    ck_assert_uint_eq(d.n, 9);
    const uint8_t *ram = mem_at(&r->vm->mem, 0x9000, 16);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(d.log[i].size, 2);
        ck_assert_uint_eq(load_le16(ram + 2 * i), 0x1110 + i);
    }
    check_access(&d, 5, true, 0, 4, 0x11111110);
    check_access(&d, 6, true, 0, 4, 0x11131112);
    check_access(&d, 7, true, 0, 4, 0x00001114);
    check_access(&d, 8, true, 0, 1, 0x00);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RCX], 0);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RDI], 0x900A);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RSI], 0x900D);
    free_rig(r);
}
END_TEST

static const uint8_t mmio_code[] = {
    0xBB, 0x00, 0x00, 0x0E, 0x00,    /* mov ebx, 0E0000h */
    0xB8, 0x44, 0x33, 0x22, 0x11,    /* mov eax, 11223344h */
    0x88, 0x03,                      /* mov [rbx], al */
    0x66, 0x89, 0x43, 0x02,          /* mov [rbx+2], ax */
    0x89, 0x43, 0x04,                /* mov [rbx+4], eax */
    0x48, 0x89, 0x43, 0x08,          /* mov [rbx+8], rax */
    0x48, 0x8B, 0x4B, 0x10,          /* mov rcx, [rbx+16] */
    0x01, 0x43, 0x20,                /* add [rbx+32], eax: load and store */
    0x8A, 0x83, 0x00, 0x01, 0,    0, /* mov al, [rbx+256]: nobody there */
    0xF4                             /* hlt */
};

START_TEST(mmio_of_all_widths)
{
    struct recorder d;

    if (!have_mode(X86_MODE_LONG) || !have_feature(KVM_FEATURE_MMIO) ||
        !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r = rig_with_code(X86_MODE_LONG, mmio_code, sizeof(mmio_code));
    attach(r, &d, BUS_MMIO, 0xE0000, 0xE00FF);
    r->vm->vcpu.stepping = _i;
    run_to_halt(r);
    ck_assert_uint_eq(d.n, 7);
    check_access(&d, 0, true, 0, 1, 0x44);
    check_access(&d, 1, true, 2, 2, 0x3344);
    check_access(&d, 2, true, 4, 4, 0x11223344);
    check_access(&d, 3, true, 8, 8, 0x11223344);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RCX],
                      UINT64_C(0x1716151413121114));
    check_access(&d, 6, true, 32, 4, 0x13121115 + 0x11223344);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], 0x112233FF);
    free_rig(r);
}
END_TEST

/* ---- events ---- */

enum { HANDLER = 0x7E00 }; /* of exceptions, in real mode */

/* The handler: pop the IP that was pushed, into BX, and halt. */
static struct rig *rig_with_handler(const uint8_t *code, size_t n,
                                    unsigned vector)
{
    struct rig *r = rig_with_code(X86_MODE_REAL, code, n);

    store_le32(mem_at(&r->vm->mem, 4 * vector, 4), HANDLER);
    memcpy(mem_at(&r->vm->mem, HANDLER, 2), "\x5B\xF4", 2);
    return r;
}

static const uint8_t call_code[] = {
    0x66, 0x31, 0xC0, /* xor eax, eax: VERSION */
    0x66, 0xE7, 0xF5, /* out 0F5h, eax */
    0x89, 0xC6,       /* mov si, ax */
    0xB0, 99,         /* mov al, 99 */
    0xE6, 0xF5,       /* out 0F5h, al: a byte is no call */
    0x66, 0xE7, 0xF5, /* out 0F5h, eax: there is no call 99 */
    0xB7, 1,    0xF4  /* mov bh, 1; hlt: must not be reached */
};

/* An undefined call is #UD at the OUT, which KVM had completed. */
START_TEST(hypercalls)
{
    if (!have_mode(X86_MODE_REAL) || !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r = rig_with_handler(call_code, sizeof(call_code), X86_EXC_UD);
    r->vm->vcpu.stepping = _i;
    run_to_halt(r);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RSI], 1);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], X86_LOAD_REAL + 12);
    ck_assert_uint_eq(count_of(r, "HYPERCALL"), 2);
    free_rig(r);
}
END_TEST

static const uint8_t msr_code[] = {
    0x66, 0xB9, 0x78, 0x56, 0x34, 0x12, /* mov ecx, 12345678h */
    0x0F, 0x32,                         /* rdmsr */
    0xB7, 1,    0xF4 /* mov bh, 1; hlt: must not be reached */
};

START_TEST(unknown_msr_is_a_protection_fault)
{
    if (!have_mode(X86_MODE_REAL) || !have_feature(KVM_FEATURE_STEP))
        return;
    struct rig *r = rig_with_handler(msr_code, sizeof(msr_code), X86_EXC_GP);
    r->vm->vcpu.stepping = _i;
    memcpy(mem_at(&r->vm->mem, X86_LOAD_REAL + 6, 2),
           _i & 2 ? "\x0F\x30" : "\x0F\x32", 2); /* wrmsr, too */
    x86_vm_state(r->vm)->gpr[X86_RAX] = 0x1234;
    run_to_halt(r);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], X86_LOAD_REAL + 6);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], 0x1234);
    if (probe()->verdict == KVM_WHOLE)
        ck_assert_uint_eq(count_of(r, "SENSITIVE"), 1);
    free_rig(r);
}
END_TEST

/* A handler that decides against an IN: the register keeps its value, though
 * KVM can only complete the instruction. */
static enum verdict refuse(struct vcpu *v, struct vm_exit *x)
{
    (void)v;
    x->event = x86_event_gp();
    return VERDICT_REFLECT;
}

static const uint8_t in_code[] = {
    0xB8, 0x34, 0x12, /* mov ax, 1234h */
    0xE5, 0x50,       /* in ax, 50h */
    0xB7, 1,    0xF4  /* mov bh, 1; hlt: must not be reached */
};
static const uint8_t load_code[] = {
    0xB8, 0x00, 0xE0, /* mov ax, 0E000h */
    0x8E, 0xD8,       /* mov ds, ax */
    0xA1, 0x00, 0x00, /* mov ax, [0] */
    0xB7, 1,    0xF4  /* mov bh, 1; hlt: must not be reached */
};

static void refuse_read(enum exit_reason reason, const uint8_t *code, size_t n,
                        unsigned at, uint64_t rax, bool stepping)
{
    struct handler_row rows[EXIT_REASON_COUNT];
    struct rig *r = rig_with_handler(code, n, X86_EXC_GP);

    memcpy(rows, x86_handlers, sizeof(rows));
    rows[reason].handle = refuse;
    r->vm->handlers = rows;
    r->vm->vcpu.stepping = stepping;
    run_to_halt(r);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], X86_LOAD_REAL + at);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], rax);
    free_rig(r);
}

START_TEST(reads_can_be_refused)
{
    if (!have_mode(X86_MODE_REAL) || !have_feature(KVM_FEATURE_STEP) ||
        !have_feature(KVM_FEATURE_MMIO))
        return;
    refuse_read(EXIT_IO, in_code, sizeof(in_code), 3, 0x1234, _i);
    refuse_read(EXIT_MMIO, load_code, sizeof(load_code), 5, 0xE000, _i);
}
END_TEST

static const uint8_t window_code[] = {
    0x90, 0x90, 0x90, /* nop ... */
    0xFB,             /* sti */
    0xEB, 0xFE        /* jmp . */
};

/* A posted interrupt waits until the guest allows it, and no longer. */
START_TEST(posted_interrupt_waits_for_the_window)
{
    struct vm_event e = {.kind = X86_EVENT_INTERRUPT, .code = 0x31};

    if (!have_mode(X86_MODE_REAL) || !have_feature(KVM_FEATURE_INTERRUPT))
        return;
    struct rig *r = rig_with_handler(window_code, sizeof(window_code), 0x31);
    r->vm->vcpu.stepping = _i;
    r->vm->stop_after = 100 * X86_VMM_SLICE;
    ck_assert_int_eq(event_post(&r->vm->vcpu, &e), STATUS_OK);
    run_to_halt(r);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], X86_LOAD_REAL + 4);
    ck_assert_uint_eq(r->vm->vcpu.pending.count, 0);
    free_rig(r);
}
END_TEST

/* ---- two machines ---- */

/* They take turns, and what belongs to one is not the other's. */
START_TEST(two_machines_take_turns)
{
    struct diag d = {{0}};
    struct rig *r;
    uint32_t code;

    if (!have_mode(X86_MODE_LONG) || !have_mode(X86_MODE_REAL) ||
        !(r = rig_with_guest(X86_MODE_LONG, "hello-long")))
        return;
    struct vm *busy = x86_vmm_add(r->vmm, "busy", X86_MODE_REAL, STORAGE, &d);
    ck_assert_msg(busy, "%s", d.text);
    ck_assert_int_eq(x86_vm_load(busy, (const uint8_t *)"\xEB\xFE", 2, &d), 0);
    busy->stop_after = 3 * X86_VMM_SLICE;
    ck_assert_int_eq(run(r), TURN_STOPPED);
    cover_signature(r);
    check_printed(r, HELLO("long") AWAKE);
    check_exit_code(r, 0);
    ck_assert(!x86_vm_exit_code(busy, &code));
    ck_assert_uint_eq(busy->vcpu.insns, 3 * X86_VMM_SLICE);

    const struct allocator *a = x86_vmm_allocator(r->vmm);
    for (unsigned i = 0; i < busy->mem.count; i++) {
        uint64_t at = (uint64_t)(busy->mem.slots[i].host - a->pool);

        ck_assert(allocator_owns(a, busy->id, at, busy->mem.slots[i].size));
        ck_assert(!allocator_owns(a, r->vm->id, at, 1));
    }
    free_rig(r);
}
END_TEST

/* ---- bad input ---- */

START_TEST(bad_machines_are_refused)
{
    struct diag d = {{0}};

    ck_assert_ptr_null(x86_vmm_new(0, NULL, &d));
    ck_assert_ptr_null(x86_vmm_new(4095, NULL, &d));
    ck_assert_ptr_null(x86_vmm_new(UINT64_MAX & ~4095ull, NULL, &d));
    ck_assert_uint_eq(x86_image_mode("/nonexistent/x", &d), X86_MODE_COUNT);
    ck_assert_msg(strstr(d.text, "/nonexistent/x"), "%s", d.text);
    struct x86_vmm *vmm = x86_vmm_new(4 << 20, NULL, &d);
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
    static const uint8_t much[STORAGE];
    struct diag d = {{0}};

    if (!have_mode(X86_MODE_REAL))
        return;
    struct rig *r = new_rig(X86_MODE_REAL);
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
    free_rig(r);
}
END_TEST

Suite *suite_x86_kvm(void)
{
    Suite *s = suite_create("x86_kvm");
    TCase *c = tcase_create("kvm");

    probe();
    tcase_set_timeout(c, 60);
    tcase_add_test(c, probe_says_why);
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
    tcase_add_loop_test(c, cpuid_is_the_profile, 0, 2); /* 1: stepped */
    tcase_add_loop_test(c, ports_of_all_widths, 0, 2);
    tcase_add_loop_test(c, string_io, 0, 2);
    tcase_add_loop_test(c, mmio_of_all_widths, 0, 2);
    tcase_add_loop_test(c, hypercalls, 0, 2);
    tcase_add_loop_test(c, unknown_msr_is_a_protection_fault, 0, 4);
    tcase_add_loop_test(c, reads_can_be_refused, 0, 2);
    tcase_add_loop_test(c, posted_interrupt_waits_for_the_window, 0, 2);
    tcase_add_test(c, two_machines_take_turns);
    tcase_add_test(c, bad_machines_are_refused);
    tcase_add_test(c, bad_images_are_refused);
    suite_add_tcase(s, c);
    return s;
}
