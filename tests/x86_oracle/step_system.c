/* Steps about what the processor keeps: segments, tables, control and debug
 * registers, MSRs, flags. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void load_from_stack(struct ox_case *c, unsigned seg, uint32_t selector)
{
    static const uint16_t pops[] = {0x07, 0x90, 0x17, 0x1F, 0xA10F, 0xA90F};

    ox_say(c, "pop %s (%x)", names[seg], selector);
    ox_push(c, selector);
    if (c->bits != 64)
        ox_operands(c, 32);
    ox_bytes(c, seg < 4 ? 1 : 2, pops[seg]);
}

/* LES LDS LSS LFS LGS. */
static void load_far(struct ox_case *c, unsigned seg, uint32_t selector)
{
    static const uint16_t opcodes[] = {0xC4, 0xB20F, 0xB20F,
                                       0xC5, 0xB40F, 0xB50F};
    bool low = c->mode == OX_REAL || c->mode == OX_V86;
    uint32_t slot = ox_slot(c);
    uint32_t at = low ? AT_CODE3 + 0xF00 + slot /* by CS, which is known */
                      : (c->cpl == 3 ? AT_DATA3 : AT_DATA0) + slot;
    uint16_t opcode = opcodes[seg];

    store_le32(c->arena + at, AT_STACK3 + 0x900);
    store_le16(c->arena + at + 4, (uint16_t)selector);
    ox_say(c, "l%s [%x] (%x)", names[seg], at, selector);
    if (low)
        at &= 0xFFF;
    ox_operands(c, 32);
    ox_memory(c, low ? 0x2E : NO_SEG, opcode > 0xFF ? 2 : 1, opcode,
              seg == 2 ? RSP : RBX, at);
}

void ox_step_load_segment(struct ox_case *c)
{
    unsigned seg = ox_below(c, 6);
    uint32_t selector = ox_selector(c);

    switch (ox_below(c, 4)) {
    case 0:
        load_from_stack(c, seg, selector);
        break;
    case 1:
        load_far(c, seg, selector);
        break;
    default:
        ox_say(c, "mov %s, %x", names[seg], selector);
        ox_set(c, RAX, selector);
        ox_bytes(c, 2, 0xC08E | seg << 11);
    }
    if (ox_chance(c, 40) && seg != 1) { /* and use it */
        static const uint8_t prefix[] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
        bool write = ox_chance(c, 40);
        uint32_t at = ox_chance(c, 50) ? AT_DATA3 : ox_below(c, 0x2000);

        if (c->mode == OX_REAL || c->mode == OX_V86)
            at &= 0x1FFF;
        ox_say(c, "; %s %s:[%x]", write ? "write" : "read", names[seg], at);
        ox_operands(c, 32);
        ox_memory(c, prefix[seg], 1, write ? 0x89 : 0x8B, RDX, at);
    }
}

void ox_step_look_up(struct ox_case *c)
{
    static const char *const text[] = {"lar", "lsl", "verr", "verw"};
    unsigned i = ox_below(c, 4), bits = ox_chance(c, 70) ? 32 : 16;
    uint32_t selector = ox_selector(c);

    ox_say(c, "%s %x (%u)", text[i], selector, bits);
    ox_set(c, RBX, selector);
    ox_set(c, RAX, 0x55555555);
    ox_operands(c, i < 2 ? bits : 32);
    if (i < 2) {
        ox_bytes(c, 3, 0xC3020F | i << 8);
        if (i == 0 && bits == 32) { /* and eax, ~F0000: they are undefined */
            ox_operands(c, 32);
            ox_byte(c, 0x25);
            ox_bytes(c, 4, ~UINT32_C(0xF0000));
        }
    } else
        ox_bytes(c, 3, 0xE3000F | (i == 3 ? 0x080000u : 0));
}

void ox_step_arpl(struct ox_case *c)
{
    if (c->bits == 64)
        return;
    ox_say(c, "arpl ax, bx");
    ox_set(c, RAX, ox_selector(c));
    ox_set(c, RBX, ox_selector(c));
    ox_bytes(c, 2, 0xD863);
}

/* LGDT, LIDT: with what is there already, shorter sometimes, or nonsense. */
void ox_step_load_table(struct ox_case *c)
{
    bool idt = ox_chance(c, 50), low = c->mode == OX_REAL || c->mode == OX_V86;
    uint32_t at = (c->cpl == 3 || low ? AT_DATA3 : AT_DATA0) + ox_slot(c);
    unsigned i = (idt ? CASE_IDTR : CASE_GDTR) / 4;
    uint32_t limit = c->field[i] >> 16, base = c->field[i + 1];

    if (ox_chance(c, 30))
        limit = ox_below(c, limit + 1);
    store_le16(c->arena + at, (uint16_t)limit);
    store_le32(c->arena + at + 2, base);
    store_le32(c->arena + at + 6, c->bits == 64 && ox_chance(c, 20)
                                      ? 0x8000u << ox_below(c, 2)
                                      : 0);
    ox_say(c, "%s %x, %x", idt ? "lidt" : "lgdt", limit, base);
    if (ox_chance(c, 80) && c->bits != 64)
        ox_operands(c, 32);
    ox_memory(c, NO_SEG, 2, 0x010F, idt ? 3 : 2, low ? at & 0xFFF : at);
}

void ox_step_store_table(struct ox_case *c)
{
    static const struct {
        const char *name;
        uint16_t opcode;
        uint8_t reg;
    } list[] = {{"sgdt", 0x010F, 0},
                {"sidt", 0x010F, 1},
                {"smsw", 0x010F, 4},
                {"sldt", 0x000F, 0},
                {"str", 0x000F, 1}};
    unsigned i = ox_below(c, ARRAY_LEN(list));
    bool low = c->mode == OX_REAL || c->mode == OX_V86;
    uint32_t at = low ? ox_below(c, 0xFF8) : ox_address(c);

    if (i >= 2 && ox_chance(c, 50)) {
        ox_say(c, "%s eax", list[i].name);
        ox_set(c, RAX, 0x77777777);
        ox_operands(c, ox_chance(c, 50) ? 32 : 16);
        ox_bytes(c, 3,
                 list[i].opcode | 0xC00000u | (unsigned)list[i].reg << 19);
        return;
    }
    ox_say(c, "%s [%x]", list[i].name, at);
    ox_memory(c, ox_segment_prefix(c), 2, list[i].opcode, list[i].reg, at);
}

void ox_step_load_system(struct ox_case *c)
{
    bool tr = ox_chance(c, 50);
    static const uint16_t tss[] = {SEL_TSS_B, SEL_TSS, SEL_TSS_16, SEL_TSS_64};
    uint32_t selector = ox_chance(c, 40) ? ox_selector(c)
                        : tr             ? OX_PICK(c, tss)
                                         : SEL_LDT;

    ox_say(c, "%s %x", tr ? "ltr" : "lldt", selector);
    ox_set(c, RAX, selector);
    ox_bytes(c, 3, tr ? 0xD8000F : 0xD0000F);
}

/* ---- Control registers ---- */

/* Bits of CR4 that the modelled processor has, and some that it does not. */
static uint32_t random_cr4(struct ox_case *c)
{
    uint32_t v = c->field[CASE_CR4 / 4];
    static const uint8_t bits[] = {2, 3, 4, 5, 7, 8, 9, 10, 11, 20, 21, 15, 24};

    for (unsigned n = 1 + ox_below(c, 2); n > 0; n--)
        v ^= 1u << OX_PICK(c, bits);
    return v;
}

static uint32_t random_cr0(struct ox_case *c)
{
    static const uint8_t bits[] = {1, 2, 3, 5, 16, 18, 29, 30, 31, 0, 28};
    uint32_t v = c->field[CASE_CR0 / 4];

    for (unsigned n = 1 + ox_below(c, 2); n > 0; n--)
        v ^= 1u << OX_PICK(c, bits);
    if (v >> 31 == 0 && (c->field[CASE_CR0 / 4] & 1))
        v |= 1; /* else the IDT's gates would be taken for addresses, */
    if (c->mode == OX_COMPAT) /* or here two for each one */
        v |= 0x80000000;
    return v;
}

static void read_control(struct ox_case *c)
{
    static const uint8_t regs[] = {0, 2, 3, 4, 1, 5};
    unsigned reg = OX_PICK(c, regs);

    ox_say(c, "mov rax, cr%u", reg);
    ox_bytes(c, 3, 0xC0200F | reg << 19);
}

void ox_step_control(struct ox_case *c)
{
    static const uint8_t regs[] = {0, 0, 2, 3, 4, 4, 1};
    unsigned reg = OX_PICK(c, regs);
    uint32_t v = reg == 0   ? random_cr0(c)
                 : reg == 4 ? random_cr4(c)
                 : reg == 3 ? c->field[CASE_CR3 / 4] | ox_below(c, 4) << 3
                            : ox_value(c);

    switch (ox_below(c, 6)) {
    case 0:
        read_control(c);
        return;
    case 1:
        v = (ox_value(c) & 0xFFF0) | (v & 0xE) | ox_below(c, 2);
        ox_say(c, "lmsw %x", v);
        ox_set(c, RAX, v);
        ox_bytes(c, 3, 0xF0010F);
        return;
    case 2:
        if (c->bits == 64) {
            ox_say(c, "mov cr8, %x", v &= 0x1F);
            ox_set(c, RAX, v);
            ox_bytes(c, 4, 0xC0220F44);
            ox_bytes(c, 4, 0xC0200F44);
            return;
        }
        break;
    default:
        break;
    }
    ox_say(c, "mov cr%u, %x", reg, v);
    ox_set(c, RAX, v);
    ox_bytes(c, 3, 0xC0220F | reg << 19);
}

void ox_step_debug(struct ox_case *c)
{
    unsigned reg = ox_below(c, 8);
    bool to = ox_chance(c, 60);
    uint32_t v = ox_value(c);

    if (reg == 7)
        v = ox_dr7(c);
    else if (reg < 4)
        v = ox_address(c);
    ox_say(c, to ? "mov dr%u, %x" : "mov eax, dr%u (%x)", reg, v);
    ox_set(c, RAX, v);
    ox_bytes(c, 3, (to ? 0xC0230F : 0xC0210Fu) | reg << 19);
}

void ox_step_msr(struct ox_case *c)
{
    static const uint32_t list[] = {
        0xC0000080, 0xC0000080, 0xC0000081, 0xC0000082, 0xC0000084,
        0xC0000100, 0xC0000101, 0xC0000102, 0xC0000083, 0x174,
        0x175,      0x176,      0x277,      0x12345678};
    uint32_t index = OX_PICK(c, list), low = ox_value(c), high = 0;
    bool write = ox_chance(c, 65);

    if (index == 0xC0000080)
        low = c->field[CASE_EFER / 4] ^ 1u << (ox_chance(c, 40)   ? 8
                                               : ox_chance(c, 50) ? 11
                                                                  : 0);
    else if (index == 0xC0000081)
        high = ox_selector(c) | ox_selector(c) << 16;
    else if (index == 0x277) { /* PAT: types, one of them reserved */
        low = 0x00070406 | ox_below(c, 8) << 24;
        high = 0x01050000;
    } else if (ox_chance(c, 15))
        high = ox_chance(c, 50) ? 0x8000 : 0xFFFF8000;
    ox_say(c, "%s %x, %x%08x", write ? "wrmsr" : "rdmsr", index, high, low);
    ox_set(c, RCX, index);
    ox_set(c, RAX, low);
    ox_set(c, RDX, high);
    ox_bytes(c, 2, write ? 0x300F : 0x320F);
}

void ox_step_flags(struct ox_case *c)
{
    uint32_t f = ox_flags(c);

    switch (ox_below(c, 5)) {
    case 0:
        ox_say(c, "cli");
        ox_byte(c, 0xFA);
        break;
    case 1:
        ox_say(c, "sti");
        ox_byte(c, 0xFB);
        break;
    case 2:
        ox_say(c, "pushf");
        ox_operands(c, ox_chance(c, 70) ? 32 : 16);
        ox_byte(c, 0x9C);
        ox_operands(c, 32);
        ox_byte(c, 0x58); /* pop eax */
        break;
    default:
        ox_say(c, "popf %x", f);
        ox_push(c, f);
        ox_operands(c, ox_chance(c, 80) ? 32 : 16);
        ox_byte(c, 0x9D);
    }
}

void ox_step_privileged(struct ox_case *c)
{
    static const struct {
        const char *name;
        unsigned n;
        uint32_t bytes;
    } list[] = {{"clts", 2, 0x060F},     {"wbinvd", 2, 0x090F},
                {"swapgs", 3, 0xF8010F}, {"clac", 3, 0xCA010F},
                {"stac", 3, 0xCB010F},   {"rdtsc", 2, 0x310F},
                {"hlt", 1, 0xF4},        {"invd", 2, 0x080F}};
    unsigned i = ox_below(c, ARRAY_LEN(list) + 2);

    if (i >= ARRAY_LEN(list)) {
        uint32_t at = ox_address(c);

        ox_say(c, "invlpg [%x]", at);
        ox_memory(c, ox_segment_prefix(c), 2, 0x010F, 7, at);
        return;
    }
    if ((list[i].n == 1 && c->cpl == 0) || /* it would wait for ever */
        (list[i].bytes == 0x310F &&
         !((c->field[CASE_CR4 / 4] & 4) && c->cpl))) /* it would succeed */
        i = 0; /* the time is not the same everywhere */
    ox_say(c, "%s", list[i].name);
    ox_bytes(c, list[i].n, list[i].bytes);
    if (list[i].bytes == 0x310F) {
        ox_set(c, RAX, 0);
        ox_set(c, RDX, 0);
    }
}
