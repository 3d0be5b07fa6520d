/* The PC: processor, devices and time together, by small programs in machine
 * code. */
#include "base/bytes.h"
#include "cli/vmm_x86.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/pc/load.h"
#include "x86vmm/pc/pc.h"
#include "x86vmm/vtx/sample.h"
#include "x86vmm/vtx/vtx.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { CODE = 0x7C00, STORAGE = 2 << 20 };

static struct rig {
    struct pc *pc;
    char printed[256];
    size_t n;
} rig;

static void print(void *to, const uint8_t *bytes, size_t n)
{
    struct rig *r = to;

    ck_assert_uint_lt(r->n + n, sizeof(r->printed));
    memcpy(r->printed + r->n, bytes, n);
    r->n += n;
}

static void set_up(void)
{
    struct pc_plan plan = {.storage = STORAGE, .seconds = PC_EPOCH};
    struct diag diag = {{0}};

    memset(&rig, 0, sizeof(rig));
    rig.pc = pc_new(&plan, &diag);
    ck_assert_msg(rig.pc, "%s", diag.text);
    rig.pc->board.uart.output = rig.pc->board.debug.output = print;
    rig.pc->board.uart.to = rig.pc->board.debug.to = &rig;
}

static void tear_down(void)
{
    pc_free(rig.pc);
}

/* A program at 0000:7C00. */
static void program(const uint8_t *code, size_t n)
{
    struct load_plan plan = {.mem = &rig.pc->mem, .storage = STORAGE};
    uint8_t sector[512] = {0};
    struct diag diag = {{0}};

    ck_assert_uint_le(n, 510);
    memcpy(sector, code, n);
    sector[510] = 0x55;
    sector[511] = 0xAA;
    plan.kernel = (struct load_file){"program", sector, sizeof(sector)};
    ck_assert(!load_kernel(&plan, &rig.pc->cpu.state, &diag));
    pc_state_set(rig.pc);
}
#define PROGRAM(...)                              \
    do {                                          \
        static const uint8_t b[] = {__VA_ARGS__}; \
        program(b, sizeof(b));                    \
    } while (0)

static void ends(enum pc_stop stop, const char *words)
{
    char text[128];

    ck_assert_int_eq(pc_run(rig.pc, 10000000), stop);
    pc_stop_words(&rig.pc->platform, stop, rig.pc->cpu.state.rip, text,
                  sizeof(text));
    ck_assert_str_eq(text, words);
}

#define OUT(port, value) 0xB0, value, 0xE6, port /* mov al; out */

START_TEST(exit_port_ends_with_a_code)
{
    PROGRAM(0xB8, 3, 0, 0xE7, 0xF4); /* mov ax, 3; out F4h, ax */
    ends(PC_STOPPED, "through its exit port, code 3");
    ck_assert_uint_eq(rig.pc->cpu.ran, 2);
    ck_assert_uint_eq(rig.pc->clock.now, 2);
}
END_TEST

START_TEST(debug_port_prints)
{
    PROGRAM(OUT(0xE9, 'H'), OUT(0xE9, 'i'), 0xF4);
    ends(PC_HALTED, "HLT with interrupts off at 7c09");
    ck_assert_uint_eq(rig.n, 2);
    ck_assert_mem_eq(rig.printed, "Hi", 2);
}
END_TEST

/* As drivers do before they listen. */
START_TEST(typed_before_a_reset_comes_after_it)
{
    static const char typed[] = "Hello, driver";

    PROGRAM(0xB9, 0xFF, 0xFF, 0xE2, 0xFE,          /* some characters' time */
            0xBA, 0xFA, 0x03, 0xB0, 7, 0xEE,       /* reset the FIFOs */
            0xB2, 0xF8, 0xEC,                      /* in al, 3F8h */
            0xB9, sizeof(typed) - 1, 0,            /* so often: */
            0xB2, 0xFD, 0xEC, 0xA8, 1, 0x74, 0xFB, /* until LSR says so */
            0xB2, 0xF8, 0xEC, 0xE6, 0xE9,          /* in 3F8h; out E9h */
            0xE2, 0xF2, 0xF4);
    ck_assert_uint_eq(
        pc_input(rig.pc, (const uint8_t *)typed, sizeof(typed) - 1),
        sizeof(typed) - 1);
    ends(PC_HALTED, "HLT with interrupts off at 7c20");
    ck_assert_uint_eq(rig.n, sizeof(typed) - 1);
    ck_assert_mem_eq(rig.printed, typed, sizeof(typed) - 1);
}
END_TEST

/* Off, FFFF:0510 is 0000:0500; the code itself, below 1 MiB, goes on. */
START_TEST(line_20_is_masked)
{
    PROGRAM(OUT(0x92, 0), 0xB8, 0xFF, 0xFF, 0x8E, 0xD8, /* mov ds, FFFFh */
            0xC6, 0x06, 0x10, 0x05, 0x5A, /* mov byte [0510h], 5Ah */
            OUT(0x92, 2),                 /* on: another place */
            0xC6, 0x06, 0x10, 0x05, 0xA5, /* mov byte [0510h], A5h */
            0xF4);
    ends(PC_HALTED, "HLT with interrupts off at 7c18");
    ck_assert_uint_eq(*mem_at(&rig.pc->mem, 0x500, 1), 0x5A);
    ck_assert_uint_eq(*mem_at(&rig.pc->mem, 0x100500, 1), 0xA5);
}
END_TEST

START_TEST(reset_ends)
{
    PROGRAM(OUT(0x64, 0xFE));
    ends(PC_STOPPED, "reset through the keyboard controller");
}
END_TEST

START_TEST(power_off_ends)
{
    PROGRAM(0xBA, 0x00, 0x89, /* mov dx, 8900h */
            0xBE, 0x0C, 0x7C, /* mov si, text */
            0xB9, 8, 0,       /* mov cx, 8 */
            0xF3, 0x6E, 0xF4, /* rep outsb; hlt */
            'S', 'h', 'u', 't', 'd', 'o', 'w', 'n');
    ends(PC_STOPPED, "power off through port 8900h");
}
END_TEST

/* IDTR with no room, then an interrupt (real mode). */
START_TEST(triple_fault_shuts_down)
{
    PROGRAM(0x0F, 0x01, 0x1E, 0x10, 0x7C, /* lidt [7C10h] */
            0xCC);
    ck_assert_int_eq(pc_run(rig.pc, 1000), PC_SHUTDOWN);
}
END_TEST

/* The timer interrupts HLT, each time; the program counts ten and ends. */
START_TEST(timer_wakes_the_processor)
{
    PROGRAM(0xC7, 0x06, 0x80, 0x00, 0x30, 0x7C, /* vector 20h: 0:7C30 */
            0xC7, 0x06, 0x82, 0x00, 0x00, 0x00, /**/
            OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), /**/
            OUT(0x21, 0x03),                                   /* edges */
            OUT(0x43, 0x34), OUT(0x40, 0x9C),                  /**/
            OUT(0x40, 0x2E),            /* 11932: 100 Hz */
            0xFB, 0xF4,                 /* sti; hlt */
            0xEB, 0xFD,                 /* jmp to the hlt */
            0, 0, 0, 0,                 /* at 7C30: */
            0xFE, 0x06, 0x00, 0x7B,     /* inc byte [7B00h] */
            0x80, 0x3E, 0x00, 0x7B, 10, /* cmp byte [7B00h], 10 */
            0x75, 0x02, 0xE6, 0xF4,     /* jne; out F4h, al */
            0xCF);
    ck_assert_int_eq(rig.pc->storage[0x7C30], 0xFE);
    ck_assert_int_eq(pc_run(rig.pc, 100000), PC_STOPPED);
    ck_assert_uint_eq(rig.pc->storage[0x7B00], 10);
    /* One edge when the mode is set, nine periods of 10 ms. */
    ck_assert_uint_ge(rig.pc->clock.now, X86_TICKS_SECOND / 100 * 9);
    ck_assert_uint_lt(rig.pc->clock.now, X86_TICKS_SECOND / 100 * 9 + 2000);
    ck_assert_uint_lt(rig.pc->cpu.ran, 200);
}
END_TEST

/* A count of 1000 is read back to be less, by the time that has passed: the
 * clock is right at each access, however long the processor has run. */
/* Nothing else would wake it: no event is due, and in turn of IF. */
START_TEST(preemption_timer_ends_a_wait)
{
    enum { TICKS = 5000, NOP = 0x90 };
    struct vtx *t = malloc(sizeof(*t));
    struct vmcs v;
    bool exited;

    ck_assert_ptr_nonnull(t);
    vtx_attach(t, &rig.pc->cpu);
    vmcs_make(&v, X86_SAMPLE_REAL);
    vmcs_put(&v, VMX_PIN_PREEMPTION_TIMER, true);
    vmcs_put(&v, VMX_EXIT_SAVE_TIMER, true);
    v.field[VMCS_PREEMPTION_TIMER] = TICKS;
    v.field[VMCS_GUEST_ACTIVITY] = 1; /* HLT */
    v.field[VMCS_GUEST_RFLAGS] |= _i ? X86_FLAG_IF : 0;
    rig.pc->storage[0x1000] = NOP;
    ck_assert_msg(vtx_enter(&rig.pc->cpu, &v, &exited) && !exited, "%s",
                  t->why.check ? t->why.check->words : "");
    ck_assert_int_eq(pc_run(rig.pc, 1), PC_BUDGET);
    ck_assert_uint_eq(v.field[VMCS_EXIT_REASON], VMX_EXIT_PREEMPTION_TIMER);
    ck_assert_uint_eq(v.field[VMCS_GUEST_ACTIVITY], 1);
    ck_assert_uint_eq(v.field[VMCS_PREEMPTION_TIMER], 0);
    ck_assert_uint_ge(rig.pc->clock.now, TICKS);
    ck_assert_uint_lt(rig.pc->clock.now, TICKS + 10);
    free(t);
}
END_TEST

/* Under the monitor, too, the second of two that wait is lost. */
START_TEST(nmis_that_wait_are_one)
{
    const struct pc_plan plan = {.storage = STORAGE, .apic = true};
    struct diag diag = {{0}};
    struct x86_vmm *vmm =
        x86_vmm_new(&engine_vtx, x86_vmm_pc_pool(&plan), NULL, &diag);

    ck_assert_msg(vmm, "%s", diag.text);
    struct vm *vm = x86_vmm_add_pc(vmm, "pc", &plan, &diag);
    ck_assert_msg(vm, "%s", diag.text);
    const struct board_host *host = &x86_vm_board(vm)->host;
    for (unsigned i = 0; i < 3; i++) {
        host->nmi(host->who);
        ck_assert_uint_eq(vm->vcpu.pending.count, 1);
    }
    x86_vmm_free(vmm);
}
END_TEST

START_TEST(time_is_right_at_each_access)
{
    PROGRAM(OUT(0x43, 0x30), OUT(0x40, 0x10), OUT(0x40, 0x27), /* 10000 */
            0xB9, 0x00, 0x80,       /* mov cx, 8000h */
            0xE2, 0xFE,             /* loop: itself */
            OUT(0x43, 0x00),        /* latch */
            0xE4, 0x40, 0x88, 0xC3, /* in al; mov bl, al */
            0xE4, 0x40, 0x88, 0xC7, /* in al; mov bh, al */
            0xF4);
    ck_assert_int_eq(pc_run(rig.pc, 100000), PC_HALTED);
    unsigned count = rig.pc->cpu.state.gpr[X86_RBX] & 0xFFFF;
    /* 32772 instructions are 391.03 counts */
    ck_assert_uint_eq(count, 10000 - 391);
}
END_TEST

/* The same by steps of any length. */
START_TEST(pieces_do_not_matter)
{
    uint64_t now[2], ran[2];

    for (unsigned i = 0; i < 2; i++) {
        PROGRAM(0xC7, 0x06, 0x80, 0x00, 0x30, 0x7C, /* as above */
                0xC7, 0x06, 0x82, 0x00, 0x00, 0x00, /**/
                OUT(0x20, 0x11), OUT(0x21, 0x20), OUT(0x21, 0x04), /**/
                OUT(0x21, 0x03),                                   /**/
                OUT(0x43, 0x34), OUT(0x40, 0x10),                  /**/
                OUT(0x40, 0x00),                                   /* 16 */
                0xFB, 0x40, 0xEB, 0xFD, /* sti; inc ax; jmp */
                0, 0, 0, 0,             /* at 7C30: */
                0xFF, 0x06, 0x00, 0x7B, /* inc word [7B00h] */
                0x80, 0x3E, 0x00, 0x7B, 200, 0x75, 0x02, 0xE6, 0xF4, 0xCF);
        enum pc_stop stop = PC_BUDGET;
        for (unsigned n = 1; stop == PC_BUDGET; n = n % 7 + 1)
            stop = pc_run(rig.pc, i ? n : 1000000);
        ck_assert_int_eq(stop, PC_STOPPED);
        now[i] = rig.pc->clock.now;
        ran[i] = rig.pc->cpu.ran;
        tear_down();
        set_up();
    }
    ck_assert_uint_eq(now[0], now[1]);
    ck_assert_uint_eq(ran[0], ran[1]);
}
END_TEST

START_TEST(serial_port_wakes_the_processor)
{
    static const uint8_t key = 'k';

    PROGRAM(0xC7, 0x06, 0x90, 0x00, 0x20, 0x7C,       /* vector 24h */
            0xC7, 0x06, 0x92, 0x00, 0x00, 0x00,       /**/
            0xBA, 0xFC, 0x03, 0xB0, 0x08, 0xEE,       /* MCR: OUT2 */
            0xBA, 0xF9, 0x03, 0xB0, 0x01, 0xEE,       /* IER: received */
            0xFB, 0xF4, 0xEB, 0xFE,                   /* sti; hlt */
            0, 0, 0, 0,                               /* at 7C20: */
            0xBA, 0xF8, 0x03, 0xEC, 0xFE, 0xC0, 0xEE, /* it plus 1, back */
            0xE6, 0xF4);
    ends(PC_IDLE, "HLT, and nothing is due");
    ends(PC_IDLE, "HLT, and nothing is due");
    ck_assert_uint_eq(pc_input(rig.pc, &key, 1), 1);
    ends(PC_STOPPED, "through its exit port, code 108");
    ck_assert_uint_eq(rig.n, 1);
    ck_assert_int_eq(rig.printed[0], 'l');
}
END_TEST

START_TEST(firmware_begins_at_the_top)
{
    static uint8_t rom[128 << 10];
    struct pc_plan plan = {
        .storage = STORAGE, .rom = rom, .rom_size = sizeof(rom)};
    static const uint8_t reset[] = {0xEA, 0x00, 0x00, 0x00, 0xE0};
    static const uint8_t begin[] = {0xB0, 9, 0xA2, 0x07, 0x00, 0xE6, 0xF4};
    struct diag diag = {{0}};

    memcpy(rom + sizeof(rom) - 16, reset, sizeof(reset)); /* jmp E000:0 */
    memcpy(rom, begin, sizeof(begin));
    struct pc *pc = pc_new(&plan, &diag);
    ck_assert_msg(pc, "%s", diag.text);
    ck_assert_int_eq(pc_run(pc, 100), PC_STOPPED);
    ck_assert_uint_eq(pc->platform.exit_code, 9);
    ck_assert_uint_eq(pc->cpu.ran, 4);
    ck_assert_uint_eq(pc->storage[0xE0000], 0xB0); /* the copy is RAM */
    pc_free(pc);
}
END_TEST

START_TEST(a_pc_that_cannot_be_is_refused)
{
    static const struct {
        uint64_t storage;
        size_t rom;
        const char *words;
    } plans[] = {{0, 0, "whole MiB"},
                 {1 << 20, 0, "whole MiB"},
                 {(2 << 20) + 4096, 0, "whole MiB"},
                 {4ull << 30, 0, "whole MiB"},
                 {2 << 20, 100, "whole pages"},
                 {2 << 20, 32 << 20, "whole pages"}};
    static const uint8_t rom[100];

    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        struct pc_plan plan = {.storage = plans[i].storage,
                               .rom = plans[i].rom ? rom : NULL,
                               .rom_size = plans[i].rom};
        struct diag diag = {{0}};

        ck_assert_ptr_null(pc_new(&plan, &diag));
        ck_assert_msg(strstr(diag.text, plans[i].words), "%s", diag.text);
    }
}
END_TEST

Suite *suite_x86_pc(void)
{
    Suite *s = suite_create("x86_pc");
    TCase *t = tcase_create("x86_pc");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, exit_port_ends_with_a_code);
    tcase_add_test(t, debug_port_prints);
    tcase_add_test(t, typed_before_a_reset_comes_after_it);
    tcase_add_test(t, line_20_is_masked);
    tcase_add_test(t, reset_ends);
    tcase_add_test(t, power_off_ends);
    tcase_add_test(t, triple_fault_shuts_down);
    tcase_add_test(t, timer_wakes_the_processor);
    tcase_add_loop_test(t, preemption_timer_ends_a_wait, 0, 2);
    tcase_add_test(t, nmis_that_wait_are_one);
    tcase_add_test(t, time_is_right_at_each_access);
    tcase_add_test(t, pieces_do_not_matter);
    tcase_add_test(t, serial_port_wakes_the_processor);
    tcase_add_test(t, firmware_begins_at_the_top);
    tcase_add_test(t, a_pc_that_cannot_be_is_refused);
    suite_add_tcase(s, t);
    return s;
}
