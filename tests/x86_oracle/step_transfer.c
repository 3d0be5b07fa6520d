/* Steps that go elsewhere: far transfers, interrupts, tasks, fast calls. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

static bool is_8086(const struct ox_case *c)
{
    return c->mode == OX_REAL || c->mode == OX_V86;
}

/* Where a transfer to this selector should lead: to a pad that the CPL there
 * can execute, as an offset in the segment; sometimes anywhere. */
static uint32_t target(struct ox_case *c, uint32_t selector)
{
    static const uint32_t wild[] = {0xFFFFFFFF, 0x80000000,      0xFFFF,
                                    WINDOW,     WINDOW + 0x1000, AT_DATA3};
    uint32_t n = 16 * ox_below(c, 8);

    if (is_8086(c))
        return ox_chance(c, 90) ? AT_PAD3 - AT_CODE3 + n : 0x10000 + n;
    if (ox_chance(c, 12))
        return wild[ox_below(c, 2) + (c->field[CASE_CR0 / 4] >> 31
                                          ? ox_below(c, 5)
                                          : 2 + ox_below(c, 3))];
    if ((selector & ~7u) == SEL_CODE16_3)
        return AT_PAD3 - AT_CODE3 + n;
    return ((selector & 3) == 3 ? AT_PAD3 : AT_PAD0) + n;
}

static uint32_t code_selector(struct ox_case *c)
{
    static const uint16_t list[] = {SEL_CODE,
                                    SEL_CODE64,
                                    SEL_CODE16,
                                    SEL_CODE_1 | 1,
                                    SEL_CODE_2 | 2,
                                    SEL_CODE_3 | 3,
                                    SEL_CODE64_3 | 3,
                                    SEL_CONFORMING | 3,
                                    SEL_CONFORMING,
                                    SEL_CODE16_3 | 3,
                                    SEL_CALL,
                                    SEL_CALL_16,
                                    SEL_CALL_64,
                                    SEL_CALL_PARAMS,
                                    SEL_CALL_CONFORMING,
                                    SEL_EXECUTE_ONLY | 3,
                                    SEL_CODE_ABSENT};

    if (is_8086(c))
        return AT_CODE3 >> 4;
    return ox_chance(c, 70) ? OX_PICK(c, list) : ox_selector(c);
}

/* A target of 16 bits that does not lead back to the program, nor into tables
 * that are no code. */
static uint32_t low_target(struct ox_case *c, uint32_t selector, uint32_t to)
{
    enum { LOW_PAD3 = AT_DATA3 + 0xE00 };

    if (to <= 0xFFFF)
        return to;
    if (is_8086(c))
        return AT_PAD3 - AT_CODE3;
    if ((selector & 3) != 3)
        return AT_PAD0;
    store_le32(c->arena + LOW_PAD3, 0x00CD | VECTOR_LOG << 8 | 0xCDu << 16 |
                                        (uint32_t)VECTOR_END << 24);
    return LOW_PAD3;
}

static void jump_or_call(struct ox_case *c, uint32_t selector)
{
    bool call = ox_chance(c, 50);
    uint32_t to = target(c, selector);
    unsigned bits = ox_chance(c, 85) && !is_8086(c) ? 32 : 16;

    if (bits == 16)
        to = low_target(c, selector, to);

    ox_say(c, "%s far %x:%x (%u)", call ? "call" : "jmp", selector, to, bits);
    if (c->bits == 64) { /* there is no direct form */
        uint32_t at = (c->cpl == 3 ? AT_DATA3 : AT_DATA0) + ox_slot(c);
        bool rex = ox_chance(c, 30);

        store_le32(c->arena + at, to);
        store_le32(c->arena + at + 4, rex ? 0 : selector);
        store_le32(c->arena + at + 8, selector);
        if (rex)
            ox_byte(c, 0x48);
        ox_memory(c, NO_SEG, 1, 0xFF, call ? 3 : 5, at);
        return;
    }
    ox_operands(c, bits);
    ox_byte(c, call ? 0x9A : 0xEA);
    ox_bytes(c, bits / 8, to);
    ox_bytes(c, 2, selector);
}

void ox_step_far_jump(struct ox_case *c)
{
    jump_or_call(c, code_selector(c));
}

void ox_step_task(struct ox_case *c)
{
    static const uint16_t list[] = {SEL_TSS_B, SEL_TSS_B,     SEL_TSS_16,
                                    SEL_TSS,   SEL_TASK_GATE, SEL_TSS_B | 3};

    if (is_8086(c) && ox_chance(c, 80)) {
        ox_say(c, "int 84");
        ox_bytes(c, 2, 0x84CD);
        return;
    }
    jump_or_call(c, is_8086(c) ? code_selector(c) : OX_PICK(c, list));
}

/* Through a pointer in storage, by any segment. */
void ox_step_far_pointer(struct ox_case *c)
{
    uint32_t slot = ox_slot(c);
    uint32_t at = (c->cpl == 3 ? AT_DATA3 : AT_DATA0) + slot;
    uint32_t selector = code_selector(c);
    uint32_t to = target(c, selector);
    bool call = ox_chance(c, 50);

    if (is_8086(c))
        at = 0xF00 + slot; /* behind all code */
    else if (ox_chance(c, 20))
        at = ox_address(c);
    if (at >> 12 == AT_CODE3 >> 12 && !is_8086(c))
        at -= AT_CODE3 - AT_DATA3; /* not over the pad behind it */
    if (at < ARENA_SIZE - 8 && at >= AT_STACK0) {
        store_le32(c->arena + at, to);
        store_le16(c->arena + at + 4, (uint16_t)selector);
    }
    ox_say(c, "%s far [%x] (%x:%x)", call ? "call" : "jmp", at, selector, to);
    if (is_8086(c)) { /* by CS, which is known */
        to = low_target(c, selector, to);
        store_le16(c->arena + AT_CODE3 + at, (uint16_t)to);
        store_le16(c->arena + AT_CODE3 + at + 2, (uint16_t)selector);
    } else {
        ox_operands(c, 32);
    }
    ox_memory(c, is_8086(c) ? 0x2E : NO_SEG, 1, 0xFF, call ? 3 : 5, at);
}

/* A stack for a return to this selector's privilege. */
static void push_stack(struct ox_case *c, uint32_t selector)
{
    static const uint16_t ss[] = {SEL_STACK, SEL_DATA_1 | 1, SEL_DATA_2 | 2,
                                  SEL_DATA_3 | 3};
    static const uint16_t page[] = {AT_STACK0, AT_STACK1, AT_STACK2, AT_STACK3};
    unsigned rpl = selector & 3;

    ox_push(c, ox_chance(c, 80) ? ss[rpl] : ox_selector(c));
    ox_push(c, page[rpl] + 0xA00u);
}

void ox_step_far_return(struct ox_case *c)
{
    uint32_t selector = code_selector(c), to = target(c, selector);
    bool outward = (selector & 3) > c->cpl && !is_8086(c);
    bool release = ox_chance(c, 25);

    ox_say(c, "retf%s to %x:%x", release ? " 8" : "", selector, to);
    if (outward || ox_chance(c, 20))
        push_stack(c, selector);
    if (release) {
        ox_push(c, 0x11);
        ox_push(c, 0x22);
    }
    ox_push(c, selector);
    ox_push(c, to);
    ox_operands(c, 32);
    if (c->bits == 64 && !ox_chance(c, 20))
        ox_byte(c, 0x48);
    ox_byte(c, release ? 0xCA : 0xCB);
    if (release)
        ox_bytes(c, 2, c->bits == 64 ? 16 : 8);
}

/* Segments of a virtual-8086 program, then the frame. */
static void push_v86(struct ox_case *c)
{
    for (unsigned i = 0; i < 4; i++)
        ox_push(c, AT_DATA3 >> 4);
    ox_push(c, AT_STACK3 >> 4);
    ox_push(c, 0x800);
}

void ox_step_iret(struct ox_case *c)
{
    uint32_t selector = code_selector(c), to = target(c, selector);
    uint32_t flags = ox_flags(c);
    bool to_v86 = (flags & 0x20000) && !is_8086(c) && ox_chance(c, 90);

    if (to_v86) {
        push_v86(c);
        selector = AT_CODE3 >> 4;
        to = AT_PAD3 - AT_CODE3;
    } else if (c->bits == 64 || (selector & 3) > c->cpl || ox_chance(c, 20)) {
        push_stack(c, selector);
    }
    ox_say(c, "iret to %x:%x flags %x", selector, to, flags);
    ox_push(c, flags);
    ox_push(c, selector);
    ox_push(c, to);
    if (c->bits == 64 && ox_chance(c, 85))
        ox_byte(c, 0x48);
    else
        ox_operands(c, ox_chance(c, 90) ? 32 : 16);
    ox_byte(c, 0xCF);
}

void ox_step_interrupt(struct ox_case *c)
{
    unsigned n = ox_chance(c, 70) ? 0x80 + ox_below(c, 16) : ox_below(c, 256);

    switch (ox_below(c, 8)) {
    case 0:
        ox_say(c, "int3");
        ox_byte(c, 0xCC);
        break;
    case 1:
        ox_say(c, "into");
        ox_byte(c, 0xCE);
        break;
    case 2:
        ox_say(c, "int1");
        ox_byte(c, 0xF1);
        break;
    default:
        ox_say(c, "int %x", n);
        ox_bytes(c, 2, 0xCD | n << 8);
    }
}

/* The registers that SYSRET and SYSEXIT return by. */
void ox_step_fast_call(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint32_t bytes;
    } list[] = {{"syscall", 2, 0x050F},   {"sysret", 2, 0x070F},
                {"sysretq", 3, 0x070F48}, {"sysenter", 2, 0x340F},
                {"sysexit", 2, 0x350F},   {"sysexitq", 3, 0x350F48}};
    unsigned i = ox_below(c, ARRAY_LEN(list));

    if (c->bits != 64 && list[i].n == 3)
        i--;
    ox_say(c, "%s", list[i].name);
    if (i != 0 && i != 3) {
        uint32_t flags = ox_flags(c);

        ox_set(c, RCX, i < 3 ? AT_PAD3 + 16 : AT_STACK3 + 0xB00);
        ox_set(c, RDX, AT_PAD3 + 32);
        if (c->bits == 64 && i < 3) {
            ox_bytes(c, 2, 0xBB41); /* mov r11d, flags */
            ox_bytes(c, 4, flags);
        }
        if (c->bits == 64 && ox_chance(c, 5)) /* not canonical */
            ox_bytes(c, 4, ox_chance(c, 50) ? 0x2FE1C148 : 0x2FE2C148);
    }
    ox_bytes(c, list[i].n, list[i].bytes);
}

void ox_step_near_transfer(struct ox_case *c)
{
    static const uint32_t list[] = {
        WINDOW,   WINDOW + 0x1000, WINDOW + 0x2000, WINDOW + 0x3000,
        AT_PAD0,  AT_PAD3,         AT_DATA3,        WINDOW_LARGE + AT_PAD3,
        0x600000, 0xFFFF,          ARENA_SIZE};
    uint32_t to = OX_PICK(c, list);

    if (is_8086(c))
        to = ox_chance(c, 50) ? AT_PAD3 - AT_CODE3 : 0x10000 + ox_below(c, 9);
    ox_set(c, RAX, to);
    ox_say(c, "near to %x", to);
    if (ox_chance(c, 20)) {
        ox_push(c, to);
        ox_operands(c, 32);
        ox_byte(c, 0xC3);
        return;
    }
    ox_operands(c, 32);
    ox_bytes(c, 2, ox_chance(c, 50) ? 0xD0FF : 0xE0FF);
}
