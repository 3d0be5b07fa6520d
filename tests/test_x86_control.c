/* Events between instructions, debugging, tasks, gates, and the way through the
 * modes: the modelled x86 processor beside the manual. */
#include "base/bytes.h"
#include "tests/x86_system.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/segment.h"

#include <check.h>
#include <string.h>

static struct x86_bare *ready(enum sys_mode mode, unsigned cpl, const char *hex)
{
    struct x86_bare *m = sys_new(mode, cpl);

    sys_program(m, hex);
    return m;
}

static struct x86_bare *done(enum sys_mode mode, unsigned cpl, const char *hex)
{
    struct x86_bare *m = ready(mode, cpl, hex);

    ck_assert_int_eq(sys_run(m), X86_HALT);
    return m;
}

static uint64_t reg(const struct x86_bare *m, unsigned r)
{
    return m->cpu.state.gpr[r];
}

/* ---- Interrupts from outside ---- */

enum { LINE_VECTOR = 0x30 };

static int acknowledge(void *who)
{
    struct x86_bare *m = who;

    m->cpu.interrupt_line = false;
    return LINE_VECTOR;
}

static void raise_line(struct x86_bare *m)
{
    m->cpu.world.acknowledge = acknowledge;
    m->cpu.world.who = m;
    m->cpu.interrupt_line = true;
}

/* Not while IF is off; after STI one more instruction is done. */
START_TEST(sti_has_a_shadow)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "40 40 FB 40 40 40");

    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), LINE_VECTOR);
    ck_assert_uint_eq(reg(m, X86_RAX), 3);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 4);
    x86_bare_free(m);
}
END_TEST

/* STI with IF on already has none; CLI in its shadow wins. */
START_TEST(sti_cli)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "FB FA F4");

    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), -1);
    ck_assert(m->cpu.interrupt_line);
    x86_bare_free(m);
}
END_TEST

/* mov ss, cx: inc eax is done before the interrupt; one shadow, not two. */
START_TEST(stack_loads_have_a_shadow)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "8ED1 40 40 F4");

    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    m->cpu.state.rflags |= X86_FLAG_IF;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 1);
    x86_bare_free(m);
    m = ready(SYS_PROTECTED, 0, "8ED1 8ED1 40 F4");
    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    m->cpu.state.rflags |= X86_FLAG_IF;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), LINE_VECTOR);
    ck_assert_uint_eq(reg(m, X86_RAX), 0);
    x86_bare_free(m);
}
END_TEST

/* HLT waits, and goes on behind itself. */
START_TEST(halt_waits)
{
    struct x86_bare *m = done(SYS_PROTECTED, 0, "FB F4 40 F4");

    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, BARE_CODE + 2);
    m->storage[SYS_HANDLERS + 16 * LINE_VECTOR] = 0xCF; /* IRET */
    x86_code_written(&m->cpu, SYS_HANDLERS, 0x1000);
    raise_line(m);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 1);
    x86_bare_free(m);
}
END_TEST

/* The second NMI comes after the first one's IRET. */
START_TEST(nmi_is_blocked_till_iret)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "90 90 F4");

    memcpy(m->storage + SYS_HANDLERS + 32, "\x40\x90\xCF", 3); /* inc eax */
    m->cpu.nmi_pending = true;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT); /* in the handler */
    ck_assert_uint_eq(reg(m, X86_RAX), 1);
    m->cpu.nmi_pending = true;
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT);
    ck_assert_uint_eq(m->cpu.state.rip, SYS_HANDLERS + 34);
    ck_assert_int_eq(x86_step(&m->cpu), X86_NEXT); /* IRET */
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 2);
    x86_bare_free(m);
}
END_TEST

/* ---- Debugging ---- */

/* push 0x102; popfd; inc eax; inc eax: a trap after the first INC. */
START_TEST(single_step)
{
    struct x86_bare *m = done(SYS_PROTECTED, 0, "68 02010000 9D 40 40 F4");

    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(reg(m, X86_RAX), 1);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 7);
    ck_assert(m->cpu.dr[6] & X86_DR6_BS);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_TF));
    x86_bare_free(m);
}
END_TEST

/* Between mov ss, cx and what follows it there is no trap. */
START_TEST(single_step_over_a_stack_load)
{
    struct x86_bare *m =
        ready(SYS_PROTECTED, 0, "68 02010000 9D 8ED1 40 40 F4");

    m->cpu.state.gpr[X86_RCX] = SEL_DATA0;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 9);
    x86_bare_free(m);
}
END_TEST

/* REP STOSB is traced at each iteration. */
START_TEST(single_step_of_strings)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "68 02010000 9D F3AA F4");

    m->cpu.state.gpr[X86_RCX] = 3;
    m->cpu.state.gpr[X86_RDI] = BARE_DATA;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RCX), 2);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 6);
    x86_bare_free(m);
}
END_TEST

static void breakpoint(struct x86_bare *m, uint64_t at, unsigned kind,
                       unsigned length)
{
    m->cpu.dr[1] = at;
    m->cpu.dr[7] = X86_DR7_ONE | 0x8 | kind << 20 | length << 22;
    x86_mode_changed(&m->cpu);
}

/* An instruction breakpoint is a fault; with RF it goes on. */
START_TEST(instruction_breakpoint)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "40 40 40 F4");

    breakpoint(m, BARE_CODE + 1, 0, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 1);
    ck_assert_uint_eq(m->cpu.dr[6] & 0xF, 2);
    x86_bare_free(m);
    m = ready(SYS_PROTECTED, 0, "40 40 40 F4");
    breakpoint(m, BARE_CODE + 1, 0, 0);
    /* handler: or dword [esp+8], 0x10000; iretd */
    memcpy(m->storage + SYS_HANDLERS + 16,
           "\x81\x4C\x24\x08\x00\x00\x01\x00\xCF", 9);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 3);
    x86_bare_free(m);
}
END_TEST

/* mov [0x20000], eax; mov ebx, [0x20000]: writes trap behind them, reads only
 * where they are asked for; next to it nothing does. */
START_TEST(data_breakpoints)
{
    static const char text[] = "A300000200 8B1D00000200 F4";
    static const struct {
        uint64_t at;
        unsigned kind, length;
        uint64_t rip;
    } cases[] = {
        {BARE_DATA, 1, 3, BARE_CODE + 5},
        {BARE_DATA + 2, 3, 0, BARE_CODE + 5},
        {BARE_DATA + 4, 3, 3, 0},
        {BARE_DATA - 1, 1, 0, 0},
        {BARE_DATA - 4, 1, 2, BARE_CODE + 5}, /* 8 bytes */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct x86_bare *m = ready(SYS_PROTECTED, 0, text);

        breakpoint(m, cases[i].at, cases[i].kind, cases[i].length);
        if (cases[i].length == 2)
            breakpoint(m, BARE_DATA & ~7u, 1, 2);
        ck_assert_int_eq(sys_run(m), X86_HALT);
        ck_assert_int_eq(sys_vector(m), cases[i].rip ? X86_EXC_DB : -1);
        if (cases[i].rip)
            ck_assert_uint_eq(sys_stack(m, 0, 4), cases[i].rip);
        x86_bare_free(m);
    }
}
END_TEST

/* mov ebx, [0x20000] is a read. */
START_TEST(write_breakpoints_let_reads_pass)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "8B1D00000200 F4");

    breakpoint(m, BARE_DATA, 1, 3);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), -1);
    breakpoint(m, BARE_DATA, 3, 3);
    m->cpu.halted = false;
    m->cpu.state.rip = BARE_CODE;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    x86_bare_free(m);
}
END_TEST

/* out 0x42, al with CR4.DE. */
START_TEST(port_breakpoint)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "E642 F4");

    m->cpu.state.cr4 |= X86_CR4_DE;
    breakpoint(m, 0x42, 2, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 2);
    x86_bare_free(m);
}
END_TEST

/* ---- Gates ---- */

/* push 0x11; push 0x22; call gate: SS, ESP, parameters, CS, EIP inside. */
START_TEST(call_gate_copies_parameters)
{
    struct x86_bare *m = done(SYS_PROTECTED, 3, "6A11 6A22 9A000000008300");

    ck_assert_uint_eq(m->cpu.state.rip, SYS_CALLED + 1);
    ck_assert_uint_eq(m->cpu.cpl, 0);
    ck_assert_uint_eq(x86_sp(&m->cpu), SYS_STACK0 - 24);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 11);
    ck_assert_uint_eq(sys_stack(m, 1, 4), SEL_CODE3 | 3);
    ck_assert_uint_eq(sys_stack(m, 2, 4), 0x22);
    ck_assert_uint_eq(sys_stack(m, 3, 4), 0x11);
    ck_assert_uint_eq(sys_stack(m, 4, 4), SYS_USER - 8);
    ck_assert_uint_eq(sys_stack(m, 5, 4), SEL_DATA3 | 3);
    x86_bare_free(m);
}
END_TEST

/* ... and RETF 8 gives both stacks back: the caller goes on at CPL 3. */
START_TEST(call_gate_returns)
{
    struct x86_bare *m =
        ready(SYS_PROTECTED, 3, "6A11 6A22 9A000000008300 8CC8 CC");

    memcpy(m->storage + SYS_CALLED, "\xCA\x08\x00", 3);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_BP);
    ck_assert_uint_eq(reg(m, X86_RAX), SEL_CODE3 | 3);
    ck_assert_uint_eq(sys_stack(m, 3, 4), SYS_USER);
    x86_bare_free(m);
}
END_TEST

/* call far [0x20000] through a 64-bit gate. */
START_TEST(call_gate_of_64_bits)
{
    struct x86_bare *m = ready(SYS_LONG, 3, "FF1C2500000200");

    store_le16(m->storage + BARE_DATA + 4, SEL_GATE | 3);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, SYS_CALLED + 1);
    ck_assert_uint_eq(x86_sp(&m->cpu), SYS_STACK0 - 32);
    ck_assert_uint_eq(sys_stack(m, 1, 8), SEL_CODE3_64 | 3);
    ck_assert_uint_eq(sys_stack(m, 2, 8), SYS_USER);
    ck_assert_uint_eq(m->cpu.state.seg[X86_SS].selector, 0);
    x86_bare_free(m);
}
END_TEST

/* ---- Tasks ---- */

enum { TASK_CODE = 0x30000, TASK_STACK = 0x31000 };

/* A task at TASK_CODE, whose EAX is 0x1234. */
static void make_task(struct x86_bare *m, const char *code, size_t size)
{
    uint8_t *tss = m->storage + SYS_TSS2, *small = m->storage + SYS_TSS16;

    memset(tss, 0, 0x68);
    store_le32(tss + 0x20, TASK_CODE);
    store_le32(tss + 0x24, X86_FLAG_ONE);
    store_le32(tss + 0x28, 0x1234);
    store_le32(tss + 0x38, TASK_STACK);
    for (unsigned at = 0x48; at <= 0x5C; at += 4)
        store_le32(tss + at, SEL_DATA0);
    store_le32(tss + 0x4C, SEL_CODE);
    memset(small, 0, 0x2C);
    store_le16(small + 0x0E, 0xC000);
    store_le16(small + 0x10, 2);
    store_le16(small + 0x12, 0x5678);
    store_le16(small + 0x1A, 0xD000);
    for (unsigned at = 0x22; at <= 0x28; at += 2)
        store_le16(small + at, SEL_DATA0);
    store_le16(small + 0x24, SEL_CODE);
    store_le16(small + 0x26, SEL_DATA_16);
    memcpy(m->storage + TASK_CODE, code, size);
    memcpy(m->storage + 0xC000, code, size);
}

static unsigned type_of(const struct x86_bare *m, unsigned selector)
{
    return m->storage[SYS_GDT + selector + 5] & 0xF;
}

/* call TSS2; the task's IRET comes back to INC EAX. */
START_TEST(nested_task)
{
    struct x86_bare *m =
        ready(SYS_PROTECTED, 0, "B807000000 9A000000006000 40 F4");

    make_task(m, "\xCF", 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 8);
    ck_assert_uint_eq(load_le16(m->storage + SYS_TSS2), SEL_TSS);
    ck_assert_uint_eq(load_le32(m->storage + SYS_TSS2 + 0x20), TASK_CODE + 1);
    ck_assert_uint_eq(type_of(m, SEL_TSS), X86_TSS_32_BUSY);
    ck_assert_uint_eq(type_of(m, SEL_TSS2), X86_TSS_32);
    ck_assert_uint_eq(m->cpu.state.seg[X86_TR].selector, SEL_TSS);
    ck_assert(m->cpu.state.cr0 & X86_CR0_TS);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_NT));
    x86_bare_free(m);
}
END_TEST

/* jmp TSS2 and jmp to the 16-bit one: the old ones are free, nothing nests. */
START_TEST(task_jumps)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX), 0x1234);
    ck_assert_uint_eq(m->cpu.state.rip, TASK_CODE + 1);
    ck_assert_uint_eq(type_of(m, SEL_TSS), X86_TSS_32);
    ck_assert_uint_eq(type_of(m, SEL_TSS2), X86_TSS_32_BUSY);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_NT));
    x86_bare_free(m);
    m = ready(SYS_PROTECTED, 0, "EA000000006800");
    make_task(m, "\xF4", 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(reg(m, X86_RAX) & 0xFFFF, 0x5678);
    ck_assert_uint_eq(m->cpu.state.rip, 0xC001);
    ck_assert_uint_eq(type_of(m, SEL_TSS16), X86_TSS_16_BUSY);
    x86_bare_free(m);
}
END_TEST

/* A task gate for #GP: the error code is on the new task's stack, the old
 * task's EIP is the instruction's. */
START_TEST(task_gate_of_a_fault)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 3, "0F22C0");

    make_task(m, "\xF4", 1);
    sys_gate(m, X86_EXC_GP, SEL_TSS2, 0, 0x85, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, TASK_CODE + 1);
    ck_assert_uint_eq(x86_sp(&m->cpu), TASK_STACK - 4);
    ck_assert_uint_eq(sys_stack(m, 0, 4), 0);
    ck_assert_uint_eq(load_le32(m->storage + SYS_TSS + 0x20), BARE_CODE);
    ck_assert(load_le32(m->storage + SYS_TSS + 0x24) & X86_FLAG_RF);
    ck_assert(m->cpu.state.rflags & X86_FLAG_NT);
    x86_bare_free(m);
}
END_TEST

/* A task that cannot be is an error of the new task, after the switch; a busy
 * or short one is the old one's. */
START_TEST(tasks_that_cannot_be)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    store_le32(m->storage + SYS_TSS2 + 0x50, SEL_READ_ONLY); /* SS */
    sys_gate(m, X86_EXC_TS, SEL_TSS16, 0, 0x85, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, 0xC001);
    ck_assert_uint_eq(load_le32(m->storage + SYS_TSS2 + 0x20), TASK_CODE);
    ck_assert_uint_eq(sys_stack(m, 0, 2), SEL_READ_ONLY);
    x86_bare_free(m);
    m = ready(SYS_PROTECTED, 0, "EA000000006000");
    make_task(m, "\xF4", 1);
    sys_descriptor(m, SEL_TSS2, SYS_TSS2, 0x66, X86_ATTR_P | X86_TSS_32);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_TS);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SEL_TSS2);
    ck_assert_uint_eq(sys_stack(m, 1, 4), BARE_CODE);
    x86_bare_free(m);
}
END_TEST

/* The T bit: #DB before the task's first instruction. */
START_TEST(task_trap)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    m->storage[SYS_TSS2 + 0x64] = 1;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), TASK_CODE);
    ck_assert(m->cpu.dr[6] & X86_DR6_BT);
    x86_bare_free(m);
}
END_TEST

/* ---- Ports ---- */

/* in al, dx; CPL 3, IOPL 0: by the map of the TSS. */
static int try_port(unsigned port, unsigned clear, unsigned limit)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 3, "EC CC");
    int vector;

    m->storage[SYS_TSS + 0x68 + clear / 8] &= (uint8_t) ~(1u << clear % 8);
    m->cpu.state.seg[X86_TR].limit = limit;
    m->cpu.state.gpr[X86_RDX] = port;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    vector = sys_vector(m);
    x86_bare_free(m);
    return vector;
}

START_TEST(io_permission_map)
{
    ck_assert_int_eq(try_port(0x64, 0x64, 0x20FF), X86_EXC_BP);
    ck_assert_int_eq(try_port(0x65, 0x64, 0x20FF), X86_EXC_GP);
    ck_assert_int_eq(try_port(0x64, 0x64, 0x68 + 13), X86_EXC_BP);
    ck_assert_int_eq(try_port(0x64, 0x64, 0x68 + 12), X86_EXC_GP);
    ck_assert_int_eq(try_port(0x64, 0x64, 0x66), X86_EXC_GP);
}
END_TEST

/* in eax, dx needs the bits of four ports. */
START_TEST(io_permission_map_of_four)
{
    struct x86_bare *m = ready(SYS_PROTECTED, 3, "ED CC");

    store_le16(m->storage + SYS_TSS + 0x68 + 8, 0xFE3F);
    m->cpu.state.gpr[X86_RDX] = 0x46;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_GP); /* 49 is not open */
    x86_bare_free(m);
    m = ready(SYS_PROTECTED, 3, "ED CC");
    store_le16(m->storage + SYS_TSS + 0x68 + 8, 0xFC3F);
    m->cpu.state.gpr[X86_RDX] = 0x46;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_BP);
    ck_assert_uint_eq(reg(m, X86_RAX), UINT32_MAX);
    x86_bare_free(m);
}
END_TEST

/* ---- The way through the modes ---- */

/* From real mode: LGDT, CR4.PAE, CR3, EFER.LME, CR0.PG and PE, far jump. */
START_TEST(into_long_mode)
{
    static const char text[] =
        "2E0F011640 00"           /* lgdt [cs:0x40] */
        "66B820000000 0F22E0"     /* mov eax, 0x20; mov cr4, eax */
        "66B800100000 0F22D8"     /* mov eax, 0x1000; mov cr3, eax */
        "66B9800000C0 0F32"       /* mov ecx, 0xC0000080; rdmsr */
        "660D00010000 0F30"       /* or eax, 0x100; wrmsr */
        "66B811000080 0F22C0"     /* mov eax, 0x80000011; mov cr0, eax */
        "66EA501001001800"        /* jmp 0x18:0x11050 */
        "0000000000000000000000"; /* to 0x40 */
    struct x86_bare *m = sys_new(SYS_LONG, 0); /* for its tables */

    memset(m->storage + BARE_CODE, 0, 0x100);
    x86_cpu_reset(&m->cpu);
    x86_load_8086(&m->cpu, X86_CS, BARE_CODE >> 4);
    m->cpu.state.rip = 0;
    x86_mode_changed(&m->cpu);
    ck_assert_uint_le(sys_program(m, text), 0x4C);
    store_le16(m->storage + BARE_CODE + 0x40, SEL_LIMIT - 1);
    store_le32(m->storage + BARE_CODE + 0x42, SYS_GDT);
    memcpy(m->storage + 0x11050, "\x48\xFF\xC0\x8C\xCB\xF4", 6);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, 0x11056);
    ck_assert_uint_eq(m->cpu.code_bits, 64);
    ck_assert(m->cpu.state.efer & X86_EFER_LMA);
    ck_assert_uint_eq(reg(m, X86_RBX), SEL_CODE_64);
    x86_bare_free(m);
}
END_TEST

/* CR0.WP and a read-only page: a supervisor's store, translated before, faults
 * once it is set.  mov [ebx], eax; mov cr0, ecx; mov [ebx], eax */
START_TEST(write_protect_is_seen_at_once)
{
    struct x86_bare *m = ready(SYS_LONG, 0, "8903 0F22C1 8903 F4");
    uint8_t *directory = m->storage + X86_MODE_PAGES + 2 * X86_PAGE;

    store_le64(directory + 8, 0x81); /* 2 MiB to 0, not writable */
    m->cpu.state.gpr[X86_RBX] = 0x200000 + BARE_DATA;
    m->cpu.state.gpr[X86_RCX] = m->cpu.state.cr0 | X86_CR0_WP;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_PF);
    ck_assert_uint_eq(sys_stack(m, 0, 8), 3);
    ck_assert_uint_eq(sys_stack(m, 1, 8), BARE_CODE + 5);
    ck_assert_uint_eq(m->cpu.state.cr2, 0x200000 + BARE_DATA);
    x86_bare_free(m);
}
END_TEST

/* PAE paging: a reserved bit of a page-directory pointer is #GP(0) of MOV to
 * CR3, and nothing is loaded. */
START_TEST(pae_pointers_are_checked)
{
    struct x86_bare *m =
        ready(SYS_PROTECTED, 0, "0F22E0 0F22D9 0F22C2 0F22DB F4");
    uint64_t *r = m->cpu.state.gpr;

    store_le64(m->storage + 0x30000, 0x31001);
    store_le64(m->storage + 0x31000, 0x83);
    store_le64(m->storage + 0x30020, 0x31003);
    r[X86_RAX] = X86_CR4_PAE;
    r[X86_RCX] = 0x30000;
    r[X86_RDX] = m->cpu.state.cr0 | X86_CR0_PG;
    r[X86_RBX] = 0x30020;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_GP);
    ck_assert_uint_eq(sys_stack(m, 1, 4), BARE_CODE + 9);
    ck_assert_uint_eq(m->cpu.state.cr3, 0x30000);
    x86_bare_free(m);
}
END_TEST

/* Protected mode leaves its limits behind: 4 GiB in real mode. */
START_TEST(real_mode_keeps_limits)
{
    /* jmp to 16-bit code, and there: */
    struct x86_bare *m = ready(SYS_PROTECTED, 0, "EA 00500000 3800");

    sys_descriptor(m, SEL_CODE_16, 0x10000, 0xFFFF,
                   X86_ATTR_P | X86_ATTR_S | 0xB);
    memcpy(m->storage + 0x15000,
           "\x0F\x20\xC0\x24\xFE\x0F\x22\xC0" /* to real mode */
           "\xEA\x0D\x50\x00\x10"             /* jmp 0x1000:0x500D */
           "\x67\x66\x8B\x03\xF4",            /* mov eax, [ebx] */
           18);
    store_le32(m->storage + BARE_DATA, 0xCAFE);
    m->cpu.state.gpr[X86_RBX] = BARE_DATA;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert(x86_real_mode(&m->cpu.state));
    ck_assert_uint_eq(reg(m, X86_RAX), 0xCAFE);
    x86_bare_free(m);
}
END_TEST

static void add_events(Suite *s)
{
    TCase *t = tcase_create("events");

    tcase_add_test(t, sti_has_a_shadow);
    tcase_add_test(t, sti_cli);
    tcase_add_test(t, stack_loads_have_a_shadow);
    tcase_add_test(t, halt_waits);
    tcase_add_test(t, nmi_is_blocked_till_iret);
    tcase_add_test(t, single_step);
    tcase_add_test(t, single_step_over_a_stack_load);
    tcase_add_test(t, single_step_of_strings);
    tcase_add_test(t, instruction_breakpoint);
    tcase_add_test(t, data_breakpoints);
    tcase_add_test(t, write_breakpoints_let_reads_pass);
    tcase_add_test(t, port_breakpoint);
    suite_add_tcase(s, t);
}

static void add_control(Suite *s)
{
    TCase *t = tcase_create("control");

    tcase_add_test(t, call_gate_copies_parameters);
    tcase_add_test(t, call_gate_returns);
    tcase_add_test(t, call_gate_of_64_bits);
    tcase_add_test(t, nested_task);
    tcase_add_test(t, task_jumps);
    tcase_add_test(t, task_gate_of_a_fault);
    tcase_add_test(t, tasks_that_cannot_be);
    tcase_add_test(t, task_trap);
    tcase_add_test(t, io_permission_map);
    tcase_add_test(t, io_permission_map_of_four);
    tcase_add_test(t, into_long_mode);
    tcase_add_test(t, write_protect_is_seen_at_once);
    tcase_add_test(t, pae_pointers_are_checked);
    tcase_add_test(t, real_mode_keeps_limits);
    suite_add_tcase(s, t);
}

Suite *suite_x86_control(void);

Suite *suite_x86_control(void)
{
    Suite *s = suite_create("x86_control");

    add_events(s);
    add_control(s);
    return s;
}
