/* Steps about storage, the stack, ports and what is no instruction. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

static uint32_t operand(struct ox_case *c)
{
    static const uint32_t list[] = {0,      0x10,   0xFFC,  0xFFFD,
                                    0xFFFF, 0x1000, 0x10000};

    if (c->mode != OX_REAL && c->mode != OX_V86)
        return ox_address(c);
    return OX_PICK(c, list);
}

void ox_step_memory(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint32_t opcode;
    } list[] = {
        {"mov eax,", 1, 0x8B},  {"mov", 1, 0x89},   {"mov al,", 1, 0x8A},
        {"mov byte", 1, 0x88},  {"xchg", 1, 0x87},  {"add", 1, 0x01},
        {"cmpxchg", 2, 0xB10F}, {"bts", 2, 0xAB0F}, {"movzx ax,", 2, 0xB70F}};
    unsigned i = ox_below(c, ARRAY_LEN(list)), prefix = ox_segment_prefix(c);
    uint32_t at = operand(c);

    ox_say(c, "%s %x:[%x]", list[i].name, prefix, at);
    ox_set(c, RAX, ox_value(c) & 0x1F);
    if (c->bits == 64 && ox_chance(c, 30))
        ox_memory(c, prefix, list[i].n + 1, list[i].opcode << 8 | 0x48, RAX,
                  at);
    else {
        ox_operands(c, ox_chance(c, 80) ? 32 : 16);
        ox_memory(c, prefix, list[i].n, list[i].opcode, RAX, at);
    }
}

/* LOCK is for what reads and writes storage, but for CMP and TEST. */
void ox_step_lock(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint32_t opcode;
    } list[] = {
        {"add", 1, 0x01},         {"xchg", 1, 0x87},   {"cmpxchg", 2, 0xB10F},
        {"bts", 2, 0xAB0F},       {"xadd", 2, 0xC10F}, {"inc/dec", 1, 0xFF},
        {"cmpxchg8b", 2, 0xC70F}, {"cmp", 1, 0x39},    {"test", 1, 0x85},
        {"bt", 2, 0xA30F},        {"mov", 1, 0x89},    {"add eax,", 1, 0x03}};
    unsigned i = ox_below(c, ARRAY_LEN(list));
    uint32_t at = operand(c);

    ox_say(c, "lock %s [%x]", list[i].name, at);
    ox_set(c, RCX, ox_value(c) & 0x1F);
    ox_operands(c, 32);
    ox_byte(c, 0xF0);
    ox_memory(c, ox_segment_prefix(c), list[i].n, list[i].opcode, RCX, at);
}

/* With the stack pointer somewhere else. */
void ox_step_stack(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint32_t bytes;
    } list[] = {{"push eax", 1, 0x50},
                {"pop eax", 1, 0x58},
                {"pusha", 1, 0x60},
                {"popa", 1, 0x61},
                {"enter 16, 0", 4, 0x000010C8},
                {"leave", 1, 0xC9},
                {"enter 16, 2", 4, 0x020010C8},
                {"call +0", 5, 0x00000000E8},
                {"push fs", 2, 0xA00F}};
    unsigned i = ox_below(c, ARRAY_LEN(list));
    uint32_t sp = operand(c);

    ox_say(c, "sp %x; %s", sp, list[i].name);
    ox_set(c, RBP, sp);
    ox_set(c, RBX, (uint32_t)0);
    ox_operands(c, 32);
    ox_bytes(c, 2, 0xE389); /* mov ebx, esp */
    ox_set(c, RSP, sp);
    if (c->bits != 64)
        ox_operands(c, list[i].n == 5 || ox_chance(c, 80) ? 32 : 16);
    ox_bytes(c, list[i].n, list[i].bytes);
    if (ox_chance(c, 70)) {
        ox_operands(c, 32);
        ox_bytes(c, 2, 0xDC89); /* mov esp, ebx */
    }
}

/* Nobody is at these ports. */
void ox_step_port(struct ox_case *c)
{
    static const uint16_t ports[] = {0x240, 0x243, 0x244, 0x247,
                                     0x248, 0x24F, 0x3EF, 0x1000};
    static const uint8_t opcodes[] = {0xEC, 0xED, 0xEE, 0xEF};
    unsigned port = OX_PICK(c, ports), opcode = OX_PICK(c, opcodes);
    unsigned bits = ox_chance(c, 60) ? 32 : 16;

    ox_say(c, "port %x, %x (%u)", port, opcode, bits);
    ox_set(c, RDX, port);
    ox_operands(c, bits);
    ox_byte(c, opcode);
    if (opcode < 0xEE)
        ox_set(c, RAX, 0);
}

/* Few elements, across the end of a page or segment. */
void ox_step_string(struct ox_case *c)
{
    static const struct {
        const char *name;
        uint8_t opcode;
    } list[] = {{"movsb", 0xA4}, {"movsd", 0xA5}, {"stosb", 0xAA},
                {"stosd", 0xAB}, {"lodsd", 0xAD}, {"scasb", 0xAE},
                {"cmpsb", 0xA6}, {"outsb", 0x6E}, {"insb", 0x6C},
                {"outsd", 0x6F}};
    unsigned i = ox_below(c, ARRAY_LEN(list));
    uint32_t from = operand(c), to = operand(c), n = ox_below(c, 12);
    bool rep = ox_chance(c, 75);

    if (list[i].opcode == 0x6C) /* what is read is not the same everywhere */
        n = 0, rep = true;
    if (rep && to >= AT_CODE3 && to < AT_CODE3 + 0x400) /* not over itself: */
        to += 0x800; /* an instruction that repeats need not see that */
    ox_say(c, "%s%s %x, %x, %x times", rep ? "rep " : "", list[i].name, to,
           from, n);
    ox_set(c, RSI, from);
    ox_set(c, RDI, to);
    ox_set(c, RCX, n);
    ox_set(c, RDX, 0x243);
    if (c->bits == 16 && ox_chance(c, 50))
        ox_byte(c, 0x67);
    ox_operands(c, 32);
    if (rep)
        ox_byte(c, 0xF3);
    ox_byte(c, list[i].opcode);
}

/* SMAP's flag around an access to the window. */
void ox_step_access_flag(struct ox_case *c)
{
    uint32_t at = WINDOW + 0x1000 * ox_below(c, 8) + 0x10;
    bool write = ox_chance(c, 40);

    if (c->mode == OX_REAL || c->mode == OX_V86)
        at &= 0xFFF;
    ox_say(c, "stac, %s [%x], clac, again", write ? "write" : "read", at);
    ox_bytes(c, 3, 0xCB010F);
    ox_operands(c, 32);
    ox_memory(c, NO_SEG, 1, write ? 0x89 : 0x8B, RDX, at);
    ox_bytes(c, 3, 0xCA010F);
    ox_operands(c, 32);
    ox_memory(c, NO_SEG, 1, write ? 0x89 : 0x8B, RDX, at);
}

void ox_step_odd(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint64_t bytes;
    } list[] = {{"ud2", 2, 0x0B0F},      {"lock mov", 3, 0xC089F0},
                {"lock nop", 2, 0x90F0}, {"aam 0", 2, 0x00D4},
                {"fwait", 1, 0x9B},      {"fnop", 2, 0xD0D9},
                {"movaps", 3, 0xC1280F}, {"emms", 2, 0x770F},
                {"vmcall", 3, 0xC1010F}, {"mov cr3 by 16 bits", 4, 0xD8200F66},
                {"xgetbv", 3, 0xD0010F}, {"long nop", 8, 0x6666666666666666},
                {"div", 2, 0xF0F6},      {"rsm", 2, 0xAA0F},
                {"salc", 1, 0xD6},       {"bound", 2, 0x0562}};
    unsigned i = ox_below(c, ARRAY_LEN(list));

    ox_say(c, "%s", list[i].name);
    if (list[i].n == 8) {
        ox_bytes(c, 6 + ox_below(c, 3), list[i].bytes);
        ox_bytes(c, 7, 0x66666666666666);
        ox_byte(c, 0x90);
        return;
    }
    if (list[i].bytes == 0x0562) {
        if (c->bits != 64)
            ox_memory(c, NO_SEG, 1, 0x62, RCX, operand(c));
        return;
    }
    if (list[i].bytes == 0xF0F6)
        ox_set(c, RAX, 0x100);
    ox_bytes(c, list[i].n, list[i].bytes);
}
