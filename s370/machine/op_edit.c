/* EDIT and EDIT AND MARK (GA22-7000, "Decimal Instructions"). */
#include "s370/machine/access.h"

enum { /* pattern characters */
       DIGIT_SELECTOR = 0x20,
       SIGNIFICANCE_STARTER = 0x21,
       FIELD_SEPARATOR = 0x22,
       ZONE = 0xF0
};

struct edit {
    struct s370_cpu *cpu;
    uint32_t source; /* of the next byte to be fetched */
    uint8_t pattern[256];
    uint8_t fill;      /* the first pattern character */
    uint8_t low;       /* right digit of the byte in hand */
    bool half;         /* low is yet to be used */
    bool significance; /* the significance indicator */
    bool nonzero;      /* a digit of this field was */
    int mark;          /* index of the last first-significant digit, or -1 */
};

/* The next source digit.  A left digit is judged with the digit on its right:
 * a sign code there is skipped, and a plus turns significance off after the
 * left digit has been used (*plus). */
static int next_digit(struct edit *e, uint8_t *digit, bool *plus)
{
    uint8_t byte;

    *plus = false;
    if (e->half) {
        *digit = e->low;
        e->half = false;
        return 0;
    }
    TRY(s370_load8(e->cpu, e->source, &byte));
    e->source = (e->source + 1) & S370_ADDRESS_MASK;
    *digit = byte >> 4;
    e->low = byte & 0xF;
    e->half = e->low <= 9;
    *plus = !e->half && e->low != 0xB && e->low != 0xD;
    return *digit > 9 ? S370_PGM_DATA : 0;
}

static int edit_digit(struct edit *e, unsigned i)
{
    uint8_t digit;
    bool plus;

    TRY(next_digit(e, &digit, &plus));
    bool starter = e->pattern[i] == SIGNIFICANCE_STARTER;
    if (digit != 0 && !e->significance)
        e->mark = (int)i;
    if (digit != 0)
        e->nonzero = true;
    e->pattern[i] = digit || e->significance ? ZONE | digit : e->fill;
    e->significance = (e->significance || starter || digit) && !plus;
    return 0;
}

static int edit(struct edit *e, unsigned length)
{
    e->fill = e->pattern[0];
    for (unsigned i = 0; i < length; i++) {
        switch (e->pattern[i]) {
        case DIGIT_SELECTOR:
        case SIGNIFICANCE_STARTER:
            TRY(edit_digit(e, i));
            break;
        case FIELD_SEPARATOR:
            e->pattern[i] = e->fill;
            e->significance = false;
            e->nonzero = false;
            break;
        default: /* a message character */
            if (!e->significance)
                e->pattern[i] = e->fill;
        }
    }
    return 0;
}

/* The result is stored as a whole: nothing changes when an exception ends the
 * operation in the midst of the pattern. */
static int edit_operands(struct s370_cpu *cpu, const struct s370_decoded *d,
                         struct edit *e)
{
    uint32_t a = s370_ea1(cpu, d);
    unsigned length = d->imm + 1u;

    *e = (struct edit){.cpu = cpu, .source = s370_ea2(cpu, d), .mark = -1};
    TRY(s370_load_bytes(cpu, a, length, e->pattern));
    TRY(edit(e, length));
    TRY(s370_store_bytes(cpu, a, length, e->pattern));
    cpu->psw.cc = !e->nonzero ? 0 : e->significance ? 1 : 2;
    return 0;
}

int op_ed(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct edit e;

    return edit_operands(cpu, d, &e);
}

/* Bits 8-31 of register 1 get the address of the first significant result
 * digit; bits 0-7 stay. */
int op_edmk(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    struct edit e;
    uint32_t a = s370_ea1(cpu, d);

    TRY(edit_operands(cpu, d, &e));
    if (e.mark >= 0)
        cpu->gr[1] = (cpu->gr[1] & ~(uint32_t)S370_ADDRESS_MASK) |
                     ((a + (uint32_t)e.mark) & S370_ADDRESS_MASK);
    return 0;
}
