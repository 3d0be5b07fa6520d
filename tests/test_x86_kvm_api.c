/* What the engine on /dev/kvm has beyond running guests: its table of exits,
 * explanations, the log of written pages, a PC with the host's time and the
 * kernel's interrupt controllers.  See test_x86_kvm.c for hosts that lack
 * something. */
#include "base/bytes.h"
#include "tests/skip.h"
#include "tests/x86_rig.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/pc/pc.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, NMI = 2 };

/* ---- The table of exits ---- */

static const struct {
    unsigned number;
    const char *name;
} rows[] = {
#define KVM_ROW(number, name, reason, words) {number, #name},
#define KVM_OTHER(number, name, words)       {number, #name},
#define KVM_INTERNAL(number, name, words)
#include "x86vmm/engine/kvm_exit.def"
#undef KVM_ROW
#undef KVM_OTHER
#undef KVM_INTERNAL
};

static bool has_row(const char *name, unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].number == number && !strcmp(rows[i].name, name))
            return true;
    return false;
}

/* The header's list of reasons is one block; values of other fields that begin
 * alike (KVM_EXIT_IO_IN) are indented or elsewhere. */
START_TEST(every_exit_of_the_kernel_has_a_row)
{
    FILE *f = fopen("/usr/include/linux/kvm.h", "r");
    char line[256], name[64];
    unsigned number, found = 0;
    bool inside = false;

    if (!f) {
        skip_test("needs <linux/kvm.h> (package linux-libc-dev)");
        return;
    }
    while (fgets(line, sizeof(line), f)) {
        bool reason =
            sscanf(line, "#define KVM_EXIT_%63s %u", name, &number) == 2;

        inside = reason && (inside || !strcmp(name, "UNKNOWN"));
        if (!inside)
            continue;
        found++;
        ck_assert_msg(has_row(name, number), "KVM_EXIT_%s, %u", name, number);
    }
    fclose(f);
    ck_assert_uint_ge(found, 30);
}
END_TEST

/* ---- Explanations ---- */

START_TEST(a_refused_state_is_explained)
{
    if (!rig_has_mode(X86_MODE_LONG))
        return;
    struct rig *r = rig_with_code(X86_MODE_LONG, "\xF4", 1);
    x86_vm_state(r->vm)->cr4 &= ~X86_CR4_PAE;
    rig_run(r);
    ck_assert_int_eq(r->vm->state, VM_FAILED);
    ck_assert_msg(strstr(r->vm->diag.text, "GUEST_CR4"), "%s",
                  r->vm->diag.text);
    rig_free(r);
}
END_TEST

static const uint8_t swap_at_device[] = {
    0x48, 0x0F, 0xC7, 0x0C, 0x25, 0, 0, 0x0E, 0, /* cmpxchg16b [0E0000h] */
    0xF4                                         /* hlt */
};

/* No storage is there, so KVM would have to emulate it, and cannot. */
START_TEST(an_instruction_beyond_kvm_is_shown)
{
    if (!rig_has_mode(X86_MODE_LONG))
        return;
    struct rig *r =
        rig_with_code(X86_MODE_LONG, swap_at_device, sizeof(swap_at_device));
    rig_run(r);
    ck_assert_int_eq(r->vm->state, VM_FAILED);
    ck_assert_msg(strstr(r->vm->diag.text, ": 48 0f c7 0c 25 00 00 0e 00"),
                  "%s", r->vm->diag.text);
    rig_free(r);
}
END_TEST

/* ---- Breakpoints ---- */

static const uint8_t loop_code[] = {
    0xB9, 0x03, 0x00, /* mov cx, 3 */
    0x40,             /* inc ax */
    0xE2, 0xFD,       /* loop back */
    0x43, 0x43,       /* inc bx; inc bx */
    0xF4              /* hlt */
};

/* From the breakpoint on, and not before, every instruction is an exit. */
START_TEST(a_breakpoint_begins_the_steps)
{
    const struct kvm_probe_row *row =
        &rig_probe()->rows[X86_MODE_COUNT + KVM_FEATURE_BREAK];

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    if (!row->works) { /* QEMU's AMD-V has none */
        skip_test("needs /dev/kvm with hardware breakpoints: %s", row->why_not);
        return;
    }
    struct rig *r = rig_with_code(X86_MODE_REAL, loop_code, sizeof(loop_code));
    r->vm->vcpu.stops = true;
    r->vm->vcpu.stop_at = X86_LOAD_REAL + 6;
    rig_run_to_halt(r);
    ck_assert(r->vm->vcpu.stepping);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], 3);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX], 2);
    ck_assert_uint_eq(rig_count(r, "STEP"), 3); /* the stop, and two */
    rig_free(r);
}
END_TEST

/* ---- The log of written pages ---- */

static const uint8_t write_pages[] = {
    0xB8, 0x00, 0x20, /* mov ax, 2000h */
    0x8E, 0xD8,       /* mov ds, ax */
    0xA2, 0x00, 0x00, /* mov [0], al: page 20h */
    0xA2, 0xFF, 0x0F, /* mov [0FFFh], al: the same */
    0xA2, 0x00, 0x30, /* mov [3000h], al: page 23h */
    0xF4,             /* hlt */
    0xA2, 0x00, 0x70, /* mov [7000h], al: page 27h */
    0xF4              /* hlt */
};

static void run_again(struct rig *r, uint64_t rip)
{
    r->vm->state = VM_READY;
    r->vm->vcpu.waiting = false;
    x86_vm_state(r->vm)->rip = rip;
    rig_run_to_halt(r);
}

START_TEST(written_pages_are_counted)
{
    uint64_t pages;

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    struct rig *r =
        rig_with_code(X86_MODE_REAL, write_pages, sizeof(write_pages));
    ck_assert_int_eq(engine_kvm.written(r->vm, &pages), STATUS_OK);
    ck_assert_uint_eq(pages, 0);
    rig_run_to_halt(r);
    ck_assert_int_eq(engine_kvm.written(r->vm, &pages), STATUS_OK);
    ck_assert_uint_ge(pages, 2); /* code too, as it came into reach */
    run_again(r, X86_LOAD_REAL);
    ck_assert_int_eq(engine_kvm.written(r->vm, &pages), STATUS_OK);
    ck_assert_uint_eq(pages, 2);
    run_again(r, x86_vm_state(r->vm)->rip);
    /* A device: the last byte of page 26h and all of 27h; of 30h one byte, of
     * what is no storage and of nothing no page. */
    engine_kvm.wrote(&r->vm->vcpu, 0x28000 - PAGE - 1, PAGE + 1);
    engine_kvm.wrote(&r->vm->vcpu, 0x30000, 1);
    engine_kvm.wrote(&r->vm->vcpu, 0xE0000, PAGE);
    engine_kvm.wrote(&r->vm->vcpu, 0x31000, 0);
    ck_assert_int_eq(engine_kvm.written(r->vm, &pages), STATUS_OK);
    ck_assert_uint_eq(pages, 3);
    ck_assert_int_eq(engine_kvm.written(r->vm, &pages), STATUS_OK);
    ck_assert_uint_eq(pages, 0);
    rig_free(r);
}
END_TEST

/* ---- A PC ---- */

static const uint8_t count_ticks[] = {
    0xFA,                         /* cli */
    0x31, 0xC0,                   /* xor ax, ax */
    0x8E, 0xD8,                   /* mov ds, ax */
    0x8E, 0xD0,                   /* mov ss, ax */
    0xBC, 0x00, 0x7C,             /* mov sp, 7C00h */
    0xC7, 0x06, 0x20, 0,    0, 6, /* mov word [20h], 600h */
    0xC7, 0x06, 0x22, 0,    0, 0, /* mov word [22h], 0 */
    0xB0, 0x11, 0xE6, 0x20,       /* first 8259A: four words follow, */
    0xB0, 0x08, 0xE6, 0x21,       /* vectors from 8, */
    0xB0, 0x04, 0xE6, 0x21,       /* the second at line 2, */
    0xB0, 0x01, 0xE6, 0x21,       /* of an 8086; */
    0xB0, 0xFE, 0xE6, 0x21,       /* only line 0 */
    0xB0, 0x34, 0xE6, 0x43,       /* 8254: counter 0, mode 2, */
    0xB0, 0x00, 0xE6, 0x40,       /* 4096 counts, */
    0xB0, 0x10, 0xE6, 0x40,       /* 3.4 ms */
    0x31, 0xDB,                   /* xor bx, bx */
    0xFB,                         /* sti */
    0xF4,                         /* hlt */
    0x83, 0xFB, 0x05,             /* cmp bx, 5 */
    0x72, 0xFA,                   /* jb back to hlt */
    0xB0, 0x07, 0xE6, 0xF4,       /* out 0F4h, 7 */
    0xF4                          /* hlt */
};
static const uint8_t on_tick[] = {
    0x43,                   /* inc bx */
    0xB0, 0x20, 0xE6, 0x20, /* end of interrupt */
    0xCF                    /* iret */
};

static void put_code(struct vm *vm)
{
    struct x86_state *s = x86_vm_state(vm);

    memcpy(mem_at(&vm->mem, X86_LOAD_REAL, sizeof(count_ticks)), count_ticks,
           sizeof(count_ticks));
    memcpy(mem_at(&vm->mem, 0x600, sizeof(on_tick)), on_tick, sizeof(on_tick));
    s->seg[X86_CS].base = s->seg[X86_CS].selector = 0;
    s->rip = X86_LOAD_REAL;
}

/* A timer of the board's, or the kernel's (1), asleep between its ticks. */
START_TEST(a_pc_takes_its_timer)
{
    const struct pc_plan plan = {
        .storage = PC_STORAGE_MIN, .seconds = PC_EPOCH, .outside_irqchip = _i};
    volatile bool interrupted = false;
    struct diag d = {""};
    uint32_t code;
    size_t count;

    if (!rig_has_mode(X86_MODE_REAL) || !rig_has(KVM_FEATURE_INTERRUPT))
        return;
    struct x86_vmm *vmm =
        x86_vmm_new(&engine_kvm, x86_vmm_pc_pool(&plan), NULL, &d);
    ck_assert_msg(vmm, "%s", d.text);
    struct vm *vm = x86_vmm_add_pc(vmm, "pc", &plan, &d);
    ck_assert_msg(vm, "%s", d.text);
    ck_assert(vm->host_time);
    put_code(vm);
    struct vm **vms = x86_vmm_vms(vmm, &count);
    ck_assert_int_eq(vmm_run(vms, count, &interrupted), TURN_STOPPED);
    ck_assert_msg(x86_vm_exit_code(vm, &code), "%s", vm->diag.text);
    ck_assert_uint_eq(code, 7);
    /* Or more: KVM's timer catches up with what it missed. */
    ck_assert_uint_ge(x86_vm_state(vm)->gpr[X86_RBX], 5);
    /* Five times 4096 counts of 1193182 Hz, in ticks of 10 ns. */
    ck_assert_uint_ge(vm->clock.now, UINT64_C(5) * 4096 * 100000000 / 1193182);
    x86_vmm_free(vmm);
}
END_TEST

static const uint8_t ask_features[] = {
    0x66, 0xB8, 1, 0, 0, 0, /* mov eax, 1 */
    0x0F, 0xA2,             /* cpuid */
    0xF4                    /* hlt */
};

/* CPUID tells of the local APIC that the board has (1), or has not. */
START_TEST(a_pc_knows_its_apic)
{
    const struct pc_plan plan = {
        .storage = PC_STORAGE_MIN, .seconds = PC_EPOCH, .apic = _i};
    volatile bool interrupted = false;
    struct diag d = {""};
    size_t count;

    if (!rig_has_mode(X86_MODE_REAL) || !rig_has(KVM_FEATURE_CPUID))
        return;
    struct x86_vmm *vmm =
        x86_vmm_new(&engine_kvm, x86_vmm_pc_pool(&plan), NULL, &d);
    ck_assert_msg(vmm, "%s", d.text);
    struct vm *vm = x86_vmm_add_pc(vmm, "pc", &plan, &d);
    ck_assert_msg(vm, "%s", d.text);
    put_code(vm);
    memcpy(mem_at(&vm->mem, X86_LOAD_REAL, sizeof(ask_features)), ask_features,
           sizeof(ask_features));
    struct vm **vms = x86_vmm_vms(vmm, &count);
    ck_assert_int_eq(vmm_run(vms, count, &interrupted), TURN_STOPPED);
    ck_assert_uint_eq(x86_vm_state(vm)->gpr[X86_RDX] >> 9 & 1, _i);
    x86_vmm_free(vmm);
}
END_TEST

START_TEST(time_passes_in_sleep)
{
    if (!rig_has_mode(X86_MODE_REAL))
        return;
    struct rig *r = rig_with_code(X86_MODE_REAL, "\xF4", 1);
    struct vcpu *v = &r->vm->vcpu;
    uint64_t begin = engine_kvm.now(v, 0), until = begin + 2000000;
    ck_assert_uint_ge(engine_kvm.now(v, until), until);
    ck_assert_uint_ge(engine_kvm.now(v, 0), until);
    engine_kvm.kick(v); /* no time for sleep */
    ck_assert_uint_lt(engine_kvm.now(v, until + X86_TICKS_SECOND * 3600ull),
                      until + X86_TICKS_SECOND * 3600ull);
    rig_free(r);
}
END_TEST

/* One NMI, by its vector's handler, though the guest's interrupts are off. */
START_TEST(an_nmi_is_delivered)
{
    static const uint8_t on_nmi[] = {0xB0, 'N', 0xE6, 0xE9, /* out E9h, 'N' */
                                     0xF4};
    const struct vm_event nmi = {.kind = X86_EVENT_NMI, .code = NMI};

    if (!rig_has_mode(X86_MODE_REAL) || !rig_has(KVM_FEATURE_INTERRUPT))
        return;
    struct rig *r = rig_with_code(X86_MODE_REAL, "\xEB\xFE", 2); /* for ever */
    struct x86_state *s = x86_vm_state(r->vm);
    memcpy(mem_at(&r->vm->mem, 0x600, sizeof(on_nmi)), on_nmi, sizeof(on_nmi));
    store_le32(mem_at(&r->vm->mem, 4 * NMI, 4), 0x600);
    s->seg[X86_SS].base = s->seg[X86_SS].selector = 0;
    s->gpr[X86_RSP] = X86_LOAD_REAL;
    ck_assert_int_eq(engine_kvm.inject(&r->vm->vcpu, &nmi), STATUS_OK);
    rig_run_to_halt(r);
    ck_assert_uint_eq(r->n, 1);
    ck_assert_int_eq(r->printed[0], 'N');
    rig_free(r);
}
END_TEST

static volatile unsigned alarms;
static volatile suseconds_t pause_us;

/* The next one, a little later than this one was: a host that is slow gets on,
 * too. */
static void on_alarm(int signal)
{
    struct itimerval next = {.it_value = {.tv_usec = pause_us}};

    (void)signal;
    alarms++;
    pause_us += pause_us / 100;
    setitimer(ITIMER_REAL, &next, NULL);
}

/* Signals that come all the time: each ends an entry, none keeps the guest from
 * what it does. */
START_TEST(signals_keep_no_guest_from_its_end)
{
    static const uint8_t code[] = {
        0xB9, 0xE8, 0x03, /* mov cx, 1000 */
        0xB0, '.',        /* mov al, '.' */
        0xE6, 0xE9,       /* out E9h, al */
        0xE2, 0xFC,       /* loop back to it */
        0xF4              /* hlt */
    };
    struct sigaction act = {.sa_handler = on_alarm};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct itimerval soon = {.it_value = {.tv_usec = 400}},
                     never = {{0, 0}, {0, 0}};

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    struct rig *r = rig_with_code(X86_MODE_REAL, code, sizeof(code));
    ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
    pause_us = 400;
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    rig_run_to_halt(r);
    ck_assert_int_eq(sigaction(SIGALRM, &ignore, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    ck_assert_uint_gt(alarms, 0);
    ck_assert_uint_eq(r->n, 1000);
    rig_free(r);
}
END_TEST

static void *write_late(void *pipe)
{
    nanosleep(&(struct timespec){.tv_nsec = 4 * KVM_TICK_MS * 1000000}, NULL);
    return (void *)(write(((int *)pipe)[1], "k", 1) - 1);
}

/* The ticks that fetch a guest back are not felt where there is none. */
START_TEST(ticks_end_no_other_call)
{
    pthread_t writer;
    int ends[2];
    char key;

    if (!rig_has_mode(X86_MODE_REAL))
        return;
    struct rig *r = rig_with_code(X86_MODE_REAL, "\xF4", 1);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_late, ends), 0);
    ck_assert_int_eq(read(ends[0], &key, 1), 1);
    pthread_join(writer, NULL);
    rig_run_to_halt(r);
    rig_free(r);
}
END_TEST

Suite *suite_x86_kvm_api(void)
{
    Suite *s = suite_create("x86_kvm_api");
    TCase *c = tcase_create("kvm");

    rig_probe();
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, rig_use_kvm, NULL);
    tcase_add_test(c, every_exit_of_the_kernel_has_a_row);
    tcase_add_test(c, a_refused_state_is_explained);
    tcase_add_test(c, an_instruction_beyond_kvm_is_shown);
    tcase_add_test(c, a_breakpoint_begins_the_steps);
    tcase_add_test(c, written_pages_are_counted);
    tcase_add_loop_test(c, a_pc_takes_its_timer, 0, 2);
    tcase_add_loop_test(c, a_pc_knows_its_apic, 0, 2);
    tcase_add_test(c, time_passes_in_sleep);
    tcase_add_test(c, ticks_end_no_other_call);
    tcase_add_test(c, an_nmi_is_delivered);
    tcase_add_test(c, signals_keep_no_guest_from_its_end);
    suite_add_tcase(s, c);
    return s;
}
