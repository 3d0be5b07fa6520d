/* Steps that switch modes: protection, paging, long mode, on and off. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

/* Nothing is traced or met by a breakpoint from here on: where events would go
 * to nowhere. */
static void in_silence(struct ox_case *c)
{
    ox_push(c, 2);
    ox_operands(c, 32);
    ox_byte(c, 0x9D);
    ox_set(c, RAX, 0x400);
    ox_bytes(c, 3, 0xF8230F); /* mov dr7, eax */
}

static void set_cr0(struct ox_case *c, uint32_t value)
{
    ox_set(c, RAX, value);
    ox_bytes(c, 3, 0xC0220F);
}

/* Out of long mode, from a compatible program. */
static void leave_long_mode(struct ox_case *c)
{
    uint32_t at = AT_DATA0 + ox_slot(c);

    ox_say(c, "leave long mode");
    store_le16(c->arena + at, 0x7FF);
    store_le32(c->arena + at + 2, AT_IDT);
    in_silence(c);
    ox_memory(c, NO_SEG, 2, 0x010F, 3, at); /* lidt */
    set_cr0(c, c->field[CASE_CR0 / 4] & 0x7FFFFFFF);
}

/* Segments of 4 GiB, which stay so in real-address mode, whatever is loaded
 * there (SDM vol. 3, "Switching Back to Real-Address Mode"). */
static void come_back(struct ox_case *c, uint32_t cr0)
{
    static const uint8_t segs[] = {0, 3, 4, 5}; /* ES DS FS GS */
    static const uint8_t prefix[] = {0x26, 0x3E, 0x64, 0x65};
    unsigned i = ox_below(c, ARRAY_LEN(segs));
    uint32_t at = ox_chance(c, 50) ? AT_DATA3 + 0x800 : 0xFFFE;
    bool write = ox_chance(c, 40);

    ox_set(c, RAX, SEL_DATA);
    ox_bytes(c, 2, 0xC08E | segs[i] << 11);
    set_cr0(c, cr0);
    ox_say(c, ", and back");
    if (ox_chance(c, 50)) {
        ox_say(c, ", load it");
        ox_set(c, RAX, 0x10);
        ox_bytes(c, 2, 0xC08E | segs[i] << 11);
    }
    ox_say(c, ", %s [%x] by %x", write ? "write" : "read", at, prefix[i]);
    ox_operands(c, 32);
    ox_memory(c, prefix[i], 1, write ? 0x89 : 0x8B, RDX, at);
}

/* Into protected mode, with its tables. */
static void begin_protection(struct ox_case *c)
{
    uint32_t cr0 = c->field[CASE_CR0 / 4], slot = ox_slot(c);
    uint8_t *at = c->arena + AT_CODE3 + 0xF00 + slot;
    bool back = ox_chance(c, 30), wide = ox_chance(c, 65);

    store_le16(at, SEL_LIMIT - 1);
    store_le32(at + 2, AT_GDT);
    store_le16(at + 8, 0x7FF);
    store_le32(at + 10, AT_IDT);
    ox_say(c, "to protected mode");
    in_silence(c);
    ox_operands(c, 32);
    ox_memory(c, 0x2E, 2, 0x010F, 2, 0xF00 + slot);
    if (!back) {
        ox_operands(c, 32);
        ox_memory(c, 0x2E, 2, 0x010F, 3, 0xF00 + slot + 8);
    }
    set_cr0(c, cr0 | 1);
    if (back) {
        come_back(c, cr0);
        return;
    }
    if (ox_chance(c, 80)) {
        ox_operands(c, wide ? 32 : 16);
        ox_byte(c, 0xEA);
        ox_bytes(c, wide ? 4 : 2, AT_PAD0);
        ox_bytes(c, 2, wide ? SEL_CODE : SEL_CODE16);
    }
}

/* Paging off, or protection, or the other way round, as one would. */
void ox_step_switch_mode(struct ox_case *c)
{
    uint32_t cr0 = c->field[CASE_CR0 / 4], cr4 = c->field[CASE_CR4 / 4];

    if (c->mode == OX_REAL) {
        begin_protection(c);
        return;
    }
    if (c->mode == OX_COMPAT && !c->cpl && ox_chance(c, 50)) {
        leave_long_mode(c);
        return;
    }
    if (cr0 >> 31 && ox_chance(c, 40)) { /* paging off and on */
        ox_say(c, "paging off, on");
        if (c->mode == OX_COMPAT)
            in_silence(c);
        set_cr0(c, cr0 & 0x7FFFFFFF);
        set_cr0(c, cr0);
        return;
    }
    ox_say(c, "to long mode");
    if (c->mode == OX_COMPAT) /* it is left first */
        in_silence(c);
    set_cr0(c, cr0 & 0x7FFFFFFF);
    ox_set(c, RAX, cr4 | (ox_chance(c, 90) ? 0x20 : 0));
    ox_bytes(c, 3, 0xE0220F);
    ox_set(c, RAX, AT_PML4);
    ox_bytes(c, 3, 0xD8220F);
    ox_set(c, RCX, 0xC0000080);
    ox_set(c, RAX, 0x900);
    ox_set(c, RDX, 0);
    ox_bytes(c, 2, 0x300F);
    set_cr0(c, cr0 | 0x80000000);
}
