/* Steps of the second stream of cases: what needs 64-bit registers, and
 * operands that must be aligned. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

/* MOV r64, imm64. */
static void set_wide(struct ox_case *c, unsigned reg, uint64_t value)
{
    ox_bytes(c, 2, 0xB848 | reg << 8);
    ox_bytes(c, 8, value);
}

/* At both ends of what is canonical, and where other entries of the upper
 * levels of paging lead. */
static uint64_t far_address(struct ox_case *c)
{
    static const uint64_t list[] = {
        UINT64_C(0x00007FFFFFFFFFFF), UINT64_C(0x00007FFFFFFFFFFC),
        UINT64_C(0x0000800000000000), UINT64_C(0xFFFF7FFFFFFFFFFF),
        UINT64_C(0xFFFF7FFFFFFFFFFC), UINT64_C(0x8000000000000000) | AT_DATA3,
        UINT64_C(0xFFFFFFFFFFFFFFFC), UINT64_C(0xFFFFFFFFFFFFFFFF)};
    static const uint64_t entries[] = {UINT64_C(0x0000008000000000), 0x40000000,
                                       UINT64_C(0xFFFF800000000000)};
    static const uint32_t pages[] = {AT_DATA3, AT_DATA0, WINDOW, AT_STACK3};

    if (ox_chance(c, 50))
        return OX_PICK(c, list);
    return OX_PICK(c, entries) + OX_PICK(c, pages) + 0x800;
}

/* With that address in RAX, and in RBP, RSI or RDI where it is used there. */
void ox_step_far_address(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint64_t bytes;
    } list[] = {{"mov ecx, [rax]", 2, 0x088B},
                {"mov [rax], ecx", 2, 0x0889},
                {"mov ecx, [rbp]", 3, 0x004D8B},
                {"mov [rbp], cl", 3, 0x004D88},
                {"add [rax], rcx", 3, 0x080148},
                {"mov ecx, fs:[rax]", 3, 0x088B64},
                {"jmp rax", 2, 0xE0FF},
                {"call rax", 2, 0xD0FF},
                {"push rax, ret", 2, 0xC350},
                {"jmp far [rax]", 2, 0x28FF},
                {"invlpg [rax]", 3, 0x38010F},
                {"sgdt [rax]", 3, 0x00010F},
                {"lgdt [rax]", 3, 0x10010F},
                {"movsb", 1, 0xA4},
                {"stosd", 1, 0xAB},
                {"lodsb", 1, 0xAC},
                {"cmpxchg16b [rax]", 4, 0x08C70F48},
                {"clflush [rax]", 3, 0x38AE0F},
                {"bt [rax], rcx", 4, 0x08A30F48},
                {"fnstsw [rax]", 2, 0x38DD}};
    unsigned i = ox_below(c, ARRAY_LEN(list));
    uint64_t at = far_address(c);

    if (c->bits != 64) {
        ox_step_memory(c);
        return;
    }
    ox_say(c, "rax %llx; %s", (unsigned long long)at, list[i].name);
    set_wide(c, RAX, at);
    set_wide(c, RBP, at);
    set_wide(c, RSI, at);
    set_wide(c, RDI, ox_chance(c, 50) ? at : AT_DATA3 + 0x40);
    ox_set(c, RCX, ox_value(c) & 0x1F);
    ox_bytes(c, list[i].n, list[i].bytes);
}

/* MOV to a control or debug register with something in its upper half. */
void ox_step_wide_register(struct ox_case *c)
{
    static const uint8_t regs[] = {0, 3, 4, 8, 2};
    static const uint8_t bits[] = {32, 33, 47, 52, 60, 61, 62};
    uint64_t up = UINT64_C(1) << OX_PICK(c, bits);
    unsigned reg = OX_PICK(c, regs);

    if (c->bits != 64) {
        ox_step_control(c);
        return;
    }
    if (ox_chance(c, 40)) {
        reg = ox_below(c, 8);
        ox_say(c, "mov dr%u, %llx", reg, (unsigned long long)up);
        set_wide(c, RAX, reg == 7 ? up | 0x400 : up);
        ox_bytes(c, 3, 0xC0230F | reg << 19);
        return;
    }
    if (reg == 0 || reg == 4)
        up |= c->field[(reg ? CASE_CR4 : CASE_CR0) / 4];
    if (reg == 3)
        up = UINT64_C(1) << (52 + ox_below(c, 12)) | c->field[CASE_CR3 / 4];
    ox_say(c, "mov cr%u, %llx", reg, (unsigned long long)up);
    set_wide(c, RAX, up);
    if (reg == 8)
        ox_byte(c, 0x44);
    ox_bytes(c, 3, 0xC0220F | (reg & 7) << 19);
}

/* Operands that must be aligned, or must have no reserved bits. */
void ox_step_aligned(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n, reg;
        uint32_t opcode;
    } list[] = {
        {"movaps xmm0,", 2, 0, 0x280F}, {"movaps", 2, 0, 0x290F},
        {"movups", 2, 0, 0x110F},       {"movdqa", 3, 0, 0x7F0F66},
        {"ldmxcsr", 2, 2, 0xAE0F},      {"movq mm0,", 2, 0, 0x6F0F},
        {"cmpxchg8b", 2, 1, 0xC70F},    {"fldz, fstp dword", 1, 3, 0xD9},
        {"clflush", 2, 7, 0xAE0F}};
    static const uint32_t low[] = {0, 0x10, 8, 0x21, 0xFFC, 0xFF8, 0xFFFD};
    unsigned i = ox_below(c, ARRAY_LEN(list)), prefix = ox_segment_prefix(c);
    bool is_low = c->mode == OX_REAL || c->mode == OX_V86;
    uint32_t at = is_low ? OX_PICK(c, low) : ox_address(c);

    ox_say(c, "%s %x:[%x]", list[i].name, prefix, at);
    if (list[i].n > 1 && list[i].reg == 0)
        ox_bytes(c, 3, 0xC0570F); /* xorps xmm0, xmm0 */
    if (list[i].n == 1)
        ox_bytes(c, 4, 0xEED9E3DB); /* fninit, fldz */
    if (list[i].n == 3) {
        if (prefix)
            ox_byte(c, prefix);
        prefix = 0;
    }
    ox_memory(c, prefix, list[i].n, list[i].opcode, list[i].reg, at);
}

/* Bases of FS, GS and the other GS, and what is there. */
void ox_step_base_register(struct ox_case *c)
{
    static const uint32_t bases[] = {AT_DATA3, AT_DATA0, WINDOW, 0xFFFFF000};
    uint32_t msr = 0xC0000100 + ox_below(c, 3), base = OX_PICK(c, bases);
    bool swap = ox_chance(c, 60), write = ox_chance(c, 40);

    if (c->bits != 64 || c->cpl) {
        ox_step_load_segment(c);
        return;
    }
    ox_say(c, "msr %x %x, %s, %s", msr, base, swap ? "swapgs" : "no swap",
           write ? "write" : "read");
    ox_set(c, RCX, msr);
    ox_set(c, RAX, base);
    ox_set(c, RDX, base >> 31 ? 0xFFFFFFFF : 0);
    ox_bytes(c, 2, 0x300F);
    if (swap)
        ox_bytes(c, 3, 0xF8010F);
    ox_memory(c, msr == 0xC0000100 ? 0x64 : 0x65, 1, write ? 0x89 : 0x8B, RDX,
              ox_below(c, 2) ? 0x20 : 0x1020);
}

/* Through gates with any of the seven other stacks. */
void ox_step_stack_table(struct ox_case *c)
{
    unsigned n = 0x8E + ox_below(c, 2);

    if (ox_chance(c, 30)) {
        ox_step_far_jump(c);
        return;
    }
    ox_say(c, "int %x", n);
    ox_bytes(c, 2, 0xCD | n << 8);
}

/* What 64-bit code does not have, what is nowhere, and what needs a feature
 * that is off. */
void ox_step_no_instruction(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint64_t bytes;
        bool wide; /* elsewhere it is one */
    } list[] = {{"mov cs, eax", 2, 0xC88E, false},
                {"push es", 1, 0x06, true},
                {"pop ds", 1, 0x1F, true},
                {"aaa", 1, 0x37, true},
                {"daa", 1, 0x27, true},
                {"into", 1, 0xCE, true},
                {"pusha", 1, 0x60, true},
                {"add al, 0 (82)", 3, 0x00C082, true},
                {"ud1", 3, 0xC0B90F, false},
                {"xsetbv", 3, 0xD1010F, false},
                {"lidt eax", 3, 0xD8010F, false},
                {"mov seg 6", 2, 0xF08E, false},
                {"mov cr1", 3, 0xC8220F, false},
                {"lock inc eax", 3, 0xC0FFF0, false},
                {"lea of a register", 2, 0xC08D, false},
                {"group 4 /7", 2, 0xF8FE, false},
                {"group 5 /7", 2, 0xF8FF, false},
                {"group 9 /1 of a register", 3, 0xC8C70F, false},
                {"too long", 8, 0x6666666666666666, false}};
    unsigned i = ox_below(c, ARRAY_LEN(list));

    if (list[i].wide && c->bits != 64)
        i = 0;
    ox_say(c, "%s", list[i].name);
    if (list[i].n == 8)
        ox_bytes(c, 7, list[i].bytes);
    ox_bytes(c, list[i].n, list[i].bytes);
}

/* EFER's bits that are not there, and counters that are not. */
void ox_step_extended_feature(struct ox_case *c)
{
    static const uint8_t bits[] = {1, 9, 10, 15, 16, 31};
    unsigned bit = OX_PICK(c, bits);
    bool counter = ox_chance(c, 30);

    ox_say(c, counter ? "rdpmc" : "efer, bit %u", bit);
    ox_set(c, RCX, counter ? 0x3FFFFFFF : 0xC0000080);
    ox_set(c, RAX, c->field[CASE_EFER / 4] ^ UINT32_C(1) << bit);
    ox_set(c, RDX, 0);
    ox_bytes(c, 2, counter ? 0x330F : 0x300F);
}

/* INS to any address; seldom more than one element. */
static void put_in(struct ox_case *c)
{
    uint32_t at = ox_address(c), port = 0x23E + ox_below(c, 12);
    bool wide = ox_chance(c, 60), repeat = ox_chance(c, 30);

    ox_say(c, "%sins%c %x, %x", repeat ? "rep " : "", wide ? 'd' : 'b', at,
           port);
    ox_set(c, RDI, at);
    ox_set(c, RDX, port);
    ox_set(c, RCX, ox_below(c, 3));
    if (repeat)
        ox_byte(c, 0xF3);
    ox_byte(c, wide ? 0x6D : 0x6C);
}

/* With NT, where TSSs are: to the task that the link names. */
static void return_from_task(struct ox_case *c)
{
    ox_say(c, "nt, iret");
    ox_operands(c, 16);
    ox_byte(c, 0x68); /* push 4002, popf */
    ox_bytes(c, 2, 0x4002);
    ox_operands(c, 16);
    ox_byte(c, 0x9D);
    ox_byte(c, 0xCF);
}

/* MOV of a null selector to SS. */
static void load_null_stack(struct ox_case *c)
{
    unsigned rpl = ox_chance(c, 50) ? c->cpl : ox_below(c, 4);

    ox_say(c, "mov ss, %u", rpl);
    ox_set(c, RAX, rpl);
    ox_bytes(c, 2, 0xD08E);
}

/* To tasks whose segments are of all kinds, or back; INS and null stacks. */
void ox_step_other_task(struct ox_case *c)
{
    if (ox_chance(c, 15))
        put_in(c);
    else if (c->bits == 64 && ox_chance(c, 25))
        load_null_stack(c);
    else if (c->bits == 64)
        ox_step_far_address(c);
    else if (c->mode == OX_PROTECTED && ox_chance(c, 25))
        return_from_task(c);
    else
        ox_step_task(c);
}

/* Where the TSS of 32 bits has the stack of CPL 1, and how far it goes. */
static void put_inner_stack(struct ox_case *c)
{
    static const uint16_t selectors[] = {SEL_DATA_1 | 1,
                                         SEL_DATA_1 | 1,
                                         SEL_DATA_1,
                                         SEL_DATA_2 | 2,
                                         SEL_ABSENT | 1,
                                         SEL_STACK | 1,
                                         SEL_CODE_1 | 1,
                                         SEL_RANDOM | 1,
                                         SEL_LIMIT | 1,
                                         SEL_TSS | 1,
                                         0,
                                         0x3F9};
    static const uint32_t tops[] = {
        AT_STACK1 + 0xF00, AT_STACK1 + 0xF02, AT_STACK1 + 0xF01, 0, 2, 8,
        0x10002,           WINDOW + 0x1008};
    uint8_t *tss = c->arena + AT_TSS;
    uint16_t selector = OX_PICK(c, selectors);
    uint32_t top = OX_PICK(c, tops);

    store_le32(tss + 0xC, top);
    store_le16(tss + 0x10, selector);
    ox_say(c, "%x:%x of CPL 1, ", selector, top);
    if (!ox_chance(c, 15))
        return;
    unsigned limit = 0xB + ox_below(c, 8); /* that of CPL 0 is there */
    store_le16(c->arena + AT_GDT + SEL_TSS, (uint16_t)limit);
    ox_say(c, "limit %x, ", limit);
}

/* To CPL 1 from an outer one, by an interrupt gate or a call gate. */
void ox_step_inner_stack(struct ox_case *c)
{
    unsigned words = ox_below(c, 4), at = AT_GDT + SEL_RANDOM + 8;

    if (c->mode != OX_PROTECTED || c->cpl < 2) {
        ox_step_interrupt(c);
        return;
    }
    put_inner_stack(c);
    if (ox_chance(c, 50)) {
        ox_say(c, "int 87");
        ox_bytes(c, 2, 0x87CD);
        return;
    }
    ox_put_gate(c->arena + at, SEL_CODE_1, AT_PAD0 + 64,
                ox_chance(c, 70) ? 0xEC : 0xE4, words);
    ox_say(c, "call far %x, %u words", SEL_RANDOM + 8, words);
    ox_operands(c, 16);
    ox_bytes(c, 5, 0x9A | (uint64_t)(SEL_RANDOM + 8) << 24);
}

/* What a task is to have loaded, of TSS_B. */
enum { TASK_EIP = 0x20, TASK_SEGMENTS = 0x48, TASK_LDT = 0x60 };

/* Of CPL 0 or 3, and right. */
static unsigned put_task(struct ox_case *c)
{
    uint8_t *tss = c->arena + AT_TSS_B;
    bool user = ox_chance(c, 50);

    store_le32(tss + TASK_EIP, user ? AT_PAD3 : AT_PAD0 + 64);
    store_le32(tss + 0x24, 2);
    store_le32(tss + 0x38, (user ? AT_STACK3 : AT_STACK_T) + 0x800);
    for (unsigned i = 0; i < 6; i++)
        store_le16(tss + TASK_SEGMENTS + 4 * i, SEL_DATA);
    store_le16(tss + TASK_SEGMENTS + 4, user ? SEL_CODE_3 | 3 : SEL_CODE);
    store_le16(tss + TASK_SEGMENTS + 8, user ? SEL_DATA_3 | 3 : SEL_STACK);
    store_le16(tss + TASK_LDT, 0);
    return user ? 3 : 0;
}

static void spoil_code(struct ox_case *c, uint8_t *tss, unsigned cpl)
{
    static const uint16_t list[] = {SEL_CODE_ABSENT,
                                    SEL_CODE_ABSENT,
                                    SEL_CONFORMING,
                                    SEL_CONFORMING,
                                    SEL_CODE,
                                    SEL_EXECUTE_ONLY,
                                    SEL_CODE_1,
                                    SEL_DATA_3,
                                    0,
                                    0x3F8};
    static const uint32_t ends[] = {0xFFFF, 0x10000, 0x10001, 0xFFFFFFFF};

    if (ox_chance(c, 50)) {
        store_le16(tss + TASK_SEGMENTS + 4, OX_PICK(c, list) | cpl);
        return;
    }
    store_le32(tss + TASK_EIP, OX_PICK(c, ends));
    store_le16(tss + TASK_SEGMENTS + 4, cpl ? SEL_CODE16_3 | cpl : SEL_CODE16);
}

static void spoil_data(struct ox_case *c, uint8_t *tss, unsigned cpl)
{
    static const uint16_t list[] = {SEL_ABSENT | 3,
                                    SEL_ABSENT,
                                    SEL_DATA_1,
                                    SEL_EXECUTE_ONLY | 3,
                                    SEL_CONFORMING | 3,
                                    SEL_READ_ONLY | 3,
                                    SEL_CODE_ABSENT,
                                    SEL_STACK,
                                    SEL_TSS,
                                    0,
                                    SEL_RANDOM,
                                    0x3F8};
    static const uint8_t data[] = {0, 3, 4, 5};
    unsigned n = OX_PICK(c, data);

    store_le16(tss + TASK_SEGMENTS + 4 * n,
               OX_PICK(c, list) | (ox_chance(c, 50) ? cpl : 0));
}

/* To a task that has one thing wrong, or two data segments. */
void ox_step_spoilt_task(struct ox_case *c)
{
    static const uint16_t stacks[] = {
        SEL_ABSENT, SEL_STACK,  SEL_DATA_3, SEL_READ_ONLY, SEL_DATA_1, SEL_DOWN,
        SEL_CODE,   SEL_RANDOM, 0,          0x3F8};
    static const uint16_t ldts[] = {SEL_LDT,  SEL_LDT | 4, SEL_TSS,
                                    SEL_DATA, 3,           0x3F8};
    uint8_t *tss = c->arena + AT_TSS_B;
    unsigned cpl;

    if (c->mode != OX_PROTECTED && c->mode != OX_V86) {
        ox_step_wide_register(c);
        return;
    }
    cpl = put_task(c);
    switch (ox_below(c, 4)) {
    case 0:
        spoil_code(c, tss, cpl);
        break;
    case 1:
        store_le16(tss + TASK_SEGMENTS + 8, OX_PICK(c, stacks) | cpl);
        break;
    case 2:
        store_le16(tss + TASK_LDT, OX_PICK(c, ldts));
        break;
    default:
        spoil_data(c, tss, cpl);
        spoil_data(c, tss, cpl);
        break;
    }
    ox_say(c, "a task with");
    for (unsigned i = 0; i < 6; i++)
        ox_say(c, " %x", load_le16(tss + TASK_SEGMENTS + 4 * i));
    ox_say(c, ", ldt %x, at %x, ", load_le16(tss + TASK_LDT),
           load_le32(tss + TASK_EIP));
    ox_step_task(c);
}

/* A load of SS from where a breakpoint is. */
void ox_step_watched_stack(struct ox_case *c)
{
    uint32_t at = (c->cpl == 3 ? AT_DATA3 : AT_DATA0) + ox_slot(c);
    uint16_t selector = c->cpl == 3   ? SEL_DATA_3 | 3
                        : c->cpl == 2 ? SEL_DATA_2 | 2
                        : c->cpl == 1 ? SEL_DATA_1 | 1
                                      : SEL_STACK;

    if (c->mode == OX_REAL || c->mode == OX_V86) {
        ox_step_spoilt_task(c);
        return;
    }
    store_le32(c->arena + at, selector);
    c->field[CASE_DR1 / 4] = at + ox_below(c, 3);
    c->field[CASE_DR7 / 4] = 0x300408 | (ox_chance(c, 30) ? 0x3000F : 0);
    ox_say(c, "mov ss, [%x], watched", at);
    ox_memory(c, NO_SEG, 1, 0x8E, 2, at);
    if (ox_chance(c, 80))
        ox_byte(c, 0x90);
}
