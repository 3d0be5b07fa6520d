/* Gates, tasks, ports and the way through the modes: the modelled x86 processor
 * beside the manual. */
#include "base/bytes.h"
#include "tests/x86_hostile.h"
#include "tests/x86_program.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/segment.h"

#include <check.h>
#include <string.h>

/* ---- Gates ---- */

/* push 0x11; push 0x22; call gate: SS, ESP, parameters, CS, EIP inside. */
START_TEST(call_gate_copies_parameters)
{
    struct x86_bare *m = sys_done(SYS_PROTECTED, 3, "6A11 6A22 9A000000008300");

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
        sys_ready(SYS_PROTECTED, 3, "6A11 6A22 9A000000008300 8CC8 CC");

    memcpy(m->storage + SYS_CALLED, "\xCA\x08\x00", 3);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_BP);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), SEL_CODE3 | 3);
    ck_assert_uint_eq(sys_stack(m, 3, 4), SYS_USER);
    x86_bare_free(m);
}
END_TEST

/* The stack of the TSS is accessed once its frame is there, and so is the code
 * that the gate leads to; not where it does not fit: #SS, #DF and the end. */
START_TEST(inner_stack_is_accessed)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "9A000000008300");
    uint8_t *type = m->storage + SYS_GDT + SEL_DATA0 + 5,
            *code = m->storage + SYS_GDT + SEL_CODE + 5;

    *type &= 0xFE;
    *code &= 0xFE;
    if (!_i)
        store_le32(m->storage + SYS_TSS + 4, 2);
    ck_assert_int_eq(sys_run(m), _i ? X86_HALT : X86_SHUTDOWN);
    ck_assert_int_eq(*type & 1, _i);
    ck_assert_int_eq(*code & 1, _i);
    x86_bare_free(m);
}
END_TEST

/* Expand-down: a frame of 24 bytes ends at its limit, or just above it. */
START_TEST(inner_stack_ends_at_its_limit)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "9A000000008300");
    unsigned limit = SYS_STACK0 - 24 - (unsigned)_i;

    store_le64(m->storage + SYS_GDT + SEL_DATA0,
               UINT64_C(0x40970000000000) | (limit & 0xFFFF) |
                   (uint64_t)(limit >> 16) << 48);
    ck_assert_int_eq(sys_run(m), _i ? X86_HALT : X86_SHUTDOWN);
    x86_bare_free(m);
}
END_TEST

/* INT 3 to CPL 1, whose stack is absent: #SS of it, at CPL 0. */
START_TEST(inner_stack_is_absent)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "CC");

    store_le32(m->storage + SYS_TSS + 0xC, SYS_STACK1);
    store_le32(m->storage + SYS_TSS + 0x10, SEL_DATA1 | 1);
    m->storage[SYS_GDT + SEL_DATA1 + 5] &= 0x7F;
    sys_gate(m, X86_EXC_BP, SEL_CODE1, BARE_CODE, 0xEE, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_SS);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SEL_DATA1);
    x86_bare_free(m);
}
END_TEST

/* call far [0x20000] through a 64-bit gate. */
START_TEST(call_gate_of_64_bits)
{
    struct x86_bare *m = sys_ready(SYS_LONG, 3, "FF1C2500000200");

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
        sys_ready(SYS_PROTECTED, 0, "B807000000 9A000000006000 40 F4");

    make_task(m, "\xCF", 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 8);
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

/* IRET of a task that is linked to itself: it goes on behind it, without NT. */
START_TEST(task_of_its_own)
{
    struct x86_bare *m =
        sys_ready(SYS_PROTECTED, 0, "B807000000 6802400000 9D CF 40 F4");

    store_le16(m->storage + SYS_TSS, SEL_TSS);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 8);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_NT));
    x86_bare_free(m);
}
END_TEST

/* jmp TSS2 and jmp to the 16-bit one: the old ones are free, nothing nests. */
START_TEST(task_jumps)
{
    const uint32_t virtual = X86_FLAG_VIF | X86_FLAG_VIP;
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    store_le32(m->storage + SYS_TSS2 + 0x24, X86_FLAG_ONE | virtual);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rflags & virtual, virtual);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 0x1234);
    ck_assert_uint_eq(m->cpu.state.rip, TASK_CODE + 1);
    ck_assert_uint_eq(type_of(m, SEL_TSS), X86_TSS_32);
    ck_assert_uint_eq(type_of(m, SEL_TSS2), X86_TSS_32_BUSY);
    ck_assert(!(m->cpu.state.rflags & X86_FLAG_NT));
    x86_bare_free(m);
    m = sys_ready(SYS_PROTECTED, 0, "EA000000006800");
    make_task(m, "\xF4", 1);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(sys_reg(m, X86_RAX) & 0xFFFF, 0x5678);
    ck_assert_uint_eq(m->cpu.state.rip, 0xC001);
    ck_assert_uint_eq(type_of(m, SEL_TSS16), X86_TSS_16_BUSY);
    x86_bare_free(m);
}
END_TEST

/* push 2; popf: VIF and VIP stay, at CPL 0, too. */
START_TEST(popf_leaves_virtual)
{
    const uint32_t virtual = X86_FLAG_VIF | X86_FLAG_VIP;
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "6A02 9D F4");

    m->cpu.state.rflags |= virtual | X86_FLAG_AC;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rflags, X86_FLAG_ONE | virtual);
    x86_bare_free(m);
}
END_TEST

/* A task gate for #GP: the error code is on the new task's stack, the old
 * task's EIP is the instruction's. */
START_TEST(task_gate_of_a_fault)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "0F22C0");

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
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    store_le32(m->storage + SYS_TSS2 + 0x50, SEL_READ_ONLY); /* SS */
    sys_gate(m, X86_EXC_TS, SEL_TSS16, 0, 0x85, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, 0xC001);
    ck_assert_uint_eq(load_le32(m->storage + SYS_TSS2 + 0x20), TASK_CODE);
    ck_assert_uint_eq(sys_stack(m, 0, 2), SEL_READ_ONLY);
    x86_bare_free(m);
    m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");
    make_task(m, "\xF4", 1);
    sys_descriptor(m, SEL_TSS2, SYS_TSS2, 0x66, X86_ATTR_P | X86_TSS_32);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_TS);
    ck_assert_uint_eq(sys_stack(m, 0, 4), SEL_TSS2);
    ck_assert_uint_eq(sys_stack(m, 1, 4), BARE_CODE);
    x86_bare_free(m);
}
END_TEST

/* Until SS is loaded a handler of CPL 0 has the stack that the new TSS names;
 * then the new task's own. */
static void check_task_stack(int vector, unsigned field, uint32_t selector,
                             uint32_t sp)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xF4", 1);
    store_le32(m->storage + SYS_TSS2 + 4, SYS_STACK1);
    store_le32(m->storage + SYS_TSS2 + 8, SEL_DATA0);
    store_le32(m->storage + SYS_TSS2 + field, selector);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), vector);
    ck_assert_uint_eq(m->cpu.cpl, 0);
    ck_assert_uint_eq(x86_sp(&m->cpu), sp);
    ck_assert_uint_eq(sys_stack(m, 0, 4), selector & ~UINT32_C(3));
    ck_assert_uint_eq(sys_stack(m, 1, 4), TASK_CODE);
    x86_bare_free(m);
}

START_TEST(stack_of_a_task_that_cannot_be)
{
    check_task_stack(X86_EXC_TS, 0x50, SEL_READ_ONLY, SYS_STACK1 - 24); /* SS */
    /* Of another level, too: what is absent comes first. */
    check_task_stack(X86_EXC_SS, 0x50, SEL_ABSENT | 3, SYS_STACK1 - 24);
    check_task_stack(X86_EXC_TS, 0x60, SEL_DATA0, SYS_STACK1 - 24); /* LDT */
    check_task_stack(X86_EXC_TS, 0x4C, SEL_READ_ONLY, TASK_STACK - 16); /* CS */
    check_task_stack(X86_EXC_TS, 0x54, SEL_TSS, TASK_STACK - 16);       /* DS */
}
END_TEST

/* Code that is absent is #NP; of two bad segments the first tells, in the order
 * DS, ES, FS, GS. */
START_TEST(segments_of_a_task_that_cannot_be)
{
    static const struct {
        unsigned field, other;
    } order[] = {{0x54, 0x48}, {0x48, 0x58}, {0x58, 0x5C}};

    check_task_stack(X86_EXC_NP, 0x4C, SEL_CODE_ABSENT, TASK_STACK - 16);
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

        make_task(m, "\xF4", 1);
        store_le32(m->storage + SYS_TSS2 + order[i].field, SEL_EXECUTE_ONLY);
        store_le32(m->storage + SYS_TSS2 + order[i].other, SEL_TSS);
        ck_assert_int_eq(sys_run(m), X86_HALT);
        ck_assert_int_eq(sys_vector(m), X86_EXC_TS);
        ck_assert_uint_eq(sys_stack(m, 0, 4), SEL_EXECUTE_ONLY);
        x86_bare_free(m);
    }
}
END_TEST

/* Conforming code is any level's that it does not exceed: a task of CPL 3. */
START_TEST(conforming_task)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

    make_task(m, "\xCC", 1);
    for (unsigned at = 0x48; at <= 0x5C; at += 4)
        store_le32(m->storage + SYS_TSS2 + at, SEL_DATA3 | 3);
    store_le32(m->storage + SYS_TSS2 + 0x4C, SEL_CONFORMING | 3);
    store_le32(m->storage + SYS_TSS2 + 4, SYS_STACK1);
    store_le32(m->storage + SYS_TSS2 + 8, SEL_DATA0);
    sys_gate(m, X86_EXC_BP, SEL_CODE, SYS_HANDLERS + 16 * X86_EXC_BP, 0xEE, 0);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_BP);
    ck_assert_uint_eq(sys_stack(m, 1, 4), SEL_CONFORMING | 3);
    x86_bare_free(m);
}
END_TEST

/* sti; mov ss, [0x20000], which is watched; nop: the breakpoint waits for the
 * NOP behind STI, too. */
START_TEST(watched_stack_behind_sti)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "FB 8E1500000200 90 F4");

    store_le16(m->storage + BARE_DATA, SEL_DATA0);
    m->cpu.dr[0] = BARE_DATA;
    m->cpu.dr[7] = 0x30402;
    x86_mode_changed(&m->cpu);
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_DB);
    ck_assert_uint_eq(sys_stack(m, 0, 4), BARE_CODE + 8);
    x86_bare_free(m);
}
END_TEST

/* The T bit: #DB before the task's first instruction. */
START_TEST(task_trap)
{
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA000000006000");

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
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "EC CC");
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
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 3, "ED CC");

    store_le16(m->storage + SYS_TSS + 0x68 + 8, 0xFE3F);
    m->cpu.state.gpr[X86_RDX] = 0x46;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_GP); /* 49 is not open */
    x86_bare_free(m);
    m = sys_ready(SYS_PROTECTED, 3, "ED CC");
    store_le16(m->storage + SYS_TSS + 0x68 + 8, 0xFC3F);
    m->cpu.state.gpr[X86_RDX] = 0x46;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_int_eq(sys_vector(m), X86_EXC_BP);
    ck_assert_uint_eq(sys_reg(m, X86_RAX), UINT32_MAX);
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
    ck_assert_uint_eq(sys_reg(m, X86_RBX), SEL_CODE_64);
    x86_bare_free(m);
}
END_TEST

/* iretq to a compatible program: of RIP only the lower half counts. */
START_TEST(iret_drops_the_upper_half)
{
    struct x86_bare *m = sys_ready(SYS_LONG, 0, "48CF");
    uint64_t frame[5] = {UINT64_C(0xABCD00000000) | SYS_CALLED, SEL_CODE, 2,
                         SYS_USER, SEL_DATA0};

    for (unsigned i = 0; i < 5; i++)
        store_le64(m->storage + BARE_DATA + 8 * i, frame[i]);
    m->cpu.state.gpr[X86_RSP] = BARE_DATA;
    ck_assert_int_eq(sys_run(m), X86_HALT);
    ck_assert_uint_eq(m->cpu.state.rip, SYS_CALLED + 1);
    ck_assert_uint_eq(m->cpu.code_bits, 32);
    x86_bare_free(m);
}
END_TEST

/* CR0.WP and a read-only page: a supervisor's store, translated before, faults
 * once it is set.  mov [ebx], eax; mov cr0, ecx; mov [ebx], eax */
START_TEST(write_protect_is_seen_at_once)
{
    struct x86_bare *m = sys_ready(SYS_LONG, 0, "8903 0F22C1 8903 F4");
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
        sys_ready(SYS_PROTECTED, 0, "0F22E0 0F22D9 0F22C2 0F22DB F4");
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
    struct x86_bare *m = sys_ready(SYS_PROTECTED, 0, "EA 00500000 3800");

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
    ck_assert_uint_eq(sys_reg(m, X86_RAX), 0xCAFE);
    x86_bare_free(m);
}
END_TEST

/* ---- Whatever the guest does ---- */

/* One at a time and many at once are the same, and both end. */
START_TEST(hostile_programs)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct x86_bare *m = hostile_new(seed, HOSTILE_UNPAGED, 0),
                        *other = hostile_new(seed, HOSTILE_UNPAGED, 0);
        enum x86_outcome end = X86_NEXT;

        enum x86_outcome want = x86_run(&m->cpu, 3000);

        while (end == X86_NEXT && other->cpu.ran < m->cpu.ran)
            end = x86_step(&other->cpu);
        if (want == X86_SHUTDOWN && end == X86_NEXT)
            end = x86_step(&other->cpu); /* of what was still pending */
        ck_assert_msg(
            !memcmp(&m->cpu.state, &other->cpu.state, sizeof(m->cpu.state)) &&
                !memcmp(m->storage, other->storage, BARE_STORAGE),
            "seed %llu: a run and steps differ", (unsigned long long)seed);
        x86_bare_free(m);
        x86_bare_free(other);
    }
}
END_TEST

static void add_control(Suite *s)
{
    TCase *t = tcase_create("control");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, call_gate_copies_parameters);
    tcase_add_test(t, call_gate_returns);
    tcase_add_loop_test(t, inner_stack_is_accessed, 0, 2);
    tcase_add_loop_test(t, inner_stack_ends_at_its_limit, 0, 2);
    tcase_add_test(t, inner_stack_is_absent);
    tcase_add_test(t, call_gate_of_64_bits);
    tcase_add_test(t, nested_task);
    tcase_add_test(t, task_of_its_own);
    tcase_add_test(t, task_jumps);
    tcase_add_test(t, popf_leaves_virtual);
    tcase_add_test(t, task_gate_of_a_fault);
    tcase_add_test(t, tasks_that_cannot_be);
    tcase_add_test(t, stack_of_a_task_that_cannot_be);
    tcase_add_test(t, segments_of_a_task_that_cannot_be);
    tcase_add_test(t, conforming_task);
    tcase_add_test(t, watched_stack_behind_sti);
    tcase_add_test(t, task_trap);
    tcase_add_test(t, io_permission_map);
    tcase_add_test(t, io_permission_map_of_four);
    tcase_add_test(t, into_long_mode);
    tcase_add_test(t, iret_drops_the_upper_half);
    tcase_add_test(t, write_protect_is_seen_at_once);
    tcase_add_test(t, pae_pointers_are_checked);
    tcase_add_test(t, real_mode_keeps_limits);
    tcase_add_test(t, hostile_programs);
    suite_add_tcase(s, t);
}

Suite *suite_x86_control(void);

Suite *suite_x86_control(void)
{
    Suite *s = suite_create("x86_control");

    add_control(s);
    return s;
}
