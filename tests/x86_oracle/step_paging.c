/* Steps about translations: page tables that change under a program, and what
 * takes their old contents out of the TLB. */
#include "tests/x86_oracle/emit.h"
#include "tests/x86_oracle/step.h"

static bool is_paged(const struct ox_case *c)
{
    return c->mode != OX_REAL && c->mode != OX_V86 && !c->cpl &&
           c->field[CASE_CR0 / 4] >> 31;
}

static void write_word(struct ox_case *c, uint32_t at, uint32_t value)
{
    ox_operands(c, 32);
    ox_memory(c, NO_SEG, 1, 0xC7, 0, at);
    ox_bytes(c, 4, value);
}

static void touch(struct ox_case *c, uint32_t at, bool write)
{
    ox_operands(c, 32);
    ox_memory(c, NO_SEG, 1, write ? 0x89 : 0x8B, RDX, at);
}

static void set_control(struct ox_case *c, unsigned reg, uint32_t value)
{
    ox_set(c, RAX, value);
    ox_bytes(c, 3, 0xC0220F | reg << 19);
}

/* CR3 leaves global pages where they are, and may do so with others of the same
 * address: so it is only for programs without any. */
static void forget(struct ox_case *c, uint32_t page)
{
    uint32_t cr4 = c->field[CASE_CR4 / 4];

    switch (ox_below(c, 3)) {
    case 0:
        if (!(cr4 & 0x80)) {
            ox_say(c, "cr3 again");
            set_control(c, 3, c->field[CASE_CR3 / 4]);
            return;
        }
        break;
    case 1:
        ox_say(c, "PGE");
        set_control(c, 4, cr4 ^ 0x80);
        set_control(c, 4, cr4);
        return;
    default:
        break;
    }
    ox_say(c, "invlpg");
    ox_memory(c, NO_SEG, 2, 0x010F, 7, page + ox_below(c, 0x1000));
}

/* Another entry for a page that has been used. */
void ox_step_remap(struct ox_case *c)
{
    static const uint32_t frames[] = {AT_DATA3, AT_DATA0, AT_STACK3, AT_PAD3};
    bool wide = c->field[CASE_CR4 / 4] & 0x20, write = ox_chance(c, 50);
    unsigned i = ox_below(c, 8);
    uint32_t page = WINDOW + 0x1000 * i, entry = OX_PICK(c, frames) | 7;

    if (!is_paged(c)) {
        ox_step_memory(c);
        return;
    }
    for (unsigned bit = 0; bit < 9; bit++) /* P W U PWT PCD A D PAT G */
        if (ox_chance(c, 20))
            entry ^= 1u << bit;
    ox_say(c, "use [%x], entry %x, ", page, entry);
    touch(c, page + 0x10, false);
    write_word(c, wide ? AT_WPT + 8 * i : AT_WPT_32 + 4 * i, entry);
    forget(c, page);
    ox_say(c, ", %s", write ? "write" : "read");
    touch(c, page + 0x10, write);
}

/* PAE paging's four pointers are loaded by MOV to CR3, which looks at their
 * reserved bits. */
void ox_step_pointers(struct ox_case *c)
{
    static const uint32_t bits[] = {0, 0, 8, 0x10, 2, 4, 0x20, 0x100, 0xE00};
    unsigned i = ox_below(c, 4);
    uint32_t entry = AT_PD | ox_below(c, 2) | OX_PICK(c, bits);

    if (!is_paged(c) || c->mode != OX_PROTECTED ||
        !(c->field[CASE_CR4 / 4] & 0x20)) {
        ox_step_control(c);
        return;
    }
    if (!i) /* where all is */
        entry |= 1;
    ox_say(c, "pointer %u %x, cr3 again", i, entry);
    write_word(c, AT_PDPT + 8 * i, entry);
    set_control(c, 3, AT_PDPT);
    touch(c, (uint32_t)i << 30 | AT_DATA3, false);
}
