#include "x86vmm/machine/length.h"

enum { LENGTH_MAX = 15 };

/* What follows each opcode, a row of 16 a line:
 *
 *   .  nothing                    m  ModRM
 *   b  8 bits                     M  ModRM and 8 bits
 *   w  16 bits                    Z  ModRM and 16 or 32 bits
 *   z  16 or 32 bits              T  ModRM, and 8 bits for TEST (reg 0, 1)
 *   v  16, 32 or 64 bits (MOV)    U  the same with 16 or 32 bits
 *   e  24 bits (ENTER)            o  an address (MOV with the accumulator)
 *   p  a far pointer              x  not in this table
 */
static const char one_byte[] = "mmmmbz..mmmmbz.x"
                               "mmmmbz..mmmmbz.."
                               "mmmmbzx.mmmmbzx."
                               "mmmmbzx.mmmmbzx."
                               "................"
                               "................"
                               "..mmxxxxzZbM...."
                               "bbbbbbbbbbbbbbbb"
                               "MZMMmmmmmmmmmmmm"
                               "..........p....."
                               "oooo....bz......"
                               "bbbbbbbbvvvvvvvv"
                               "MMw.mmMZe.w..b.."
                               "mmmmbb..mmmmmmmm"
                               "bbbbbbbbzzpb...."
                               "x.xx..TU......mm";

/* After 0F. */
static const char two_bytes[] = "mmmmx.....x.xm.x"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmxxxxmmmmmmmm"
                                "......x.xxxxxxxx"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "MMMMmmm.mmxxmmmm"
                                "zzzzzzzzzzzzzzzz"
                                "mmmmmmmmmmmmmmmm"
                                "...mMmxx...mMmmm"
                                "mmmmmmmmmmMmmmmm"
                                "mmMmMMMm........"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

struct reader {
    const uint8_t *bytes;
    size_t n, at;
    unsigned bits;
    bool operand16, wide; /* operands of 16 bits; of 64, by REX.W */
    unsigned address;     /* bytes */
};

/* Reads past the end as 0; at then tells. */
static uint8_t next(struct reader *r)
{
    uint8_t b = r->at < r->n ? r->bytes[r->at] : 0;

    r->at++;
    return b;
}

static void prefixes(struct reader *r)
{
    bool operand = false, address = false;

    for (; r->at < r->n; r->at++) {
        uint8_t b = r->bytes[r->at];

        operand = operand || b == 0x66;
        address = address || b == 0x67;
        if ((b & 0xE7) != 0x26 && (b & 0xFC) != 0x64 && b != 0xF0 &&
            (b & 0xFE) != 0xF2)
            break;
    }
    if (r->bits == 64 && r->at < r->n && (r->bytes[r->at] & 0xF0) == 0x40)
        r->wide = next(r) & 8;
    r->operand16 = (r->bits == 16) != operand && !r->wide;
    if (r->bits == 64)
        r->address = address ? 4 : 8;
    else
        r->address = (r->bits == 32) != address ? 4 : 2;
}

/* ModRM, SIB and displacement; returns ModRM's reg field. */
static unsigned modrm(struct reader *r)
{
    uint8_t m = next(r);
    unsigned mod = m >> 6, rm = m & 7;

    if (mod == 3)
        return m >> 3 & 7;
    if (r->address == 2) {
        r->at += mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
        return m >> 3 & 7;
    }
    if (rm == 4)
        rm = next(r) & 7; /* the base of SIB stands for it */
    r->at += mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0;
    return m >> 3 & 7;
}

static unsigned immediate(const struct reader *r)
{
    return r->operand16 ? 2 : 4;
}

/* False: the opcode is none of ours. */
static bool operands(struct reader *r, char what)
{
    switch (what) {
    case '.':
        break;
    case 'm':
        modrm(r);
        break;
    case 'M':
        modrm(r);
        r->at += 1;
        break;
    case 'Z':
        modrm(r);
        r->at += immediate(r);
        break;
    case 'T':
        r->at += modrm(r) < 2 ? 1 : 0;
        break;
    case 'U':
        r->at += modrm(r) < 2 ? immediate(r) : 0;
        break;
    case 'b':
        r->at += 1;
        break;
    case 'w':
        r->at += 2;
        break;
    case 'e':
        r->at += 3;
        break;
    case 'z':
        r->at += immediate(r);
        break;
    case 'v':
        r->at += r->wide ? 8 : immediate(r);
        break;
    case 'o':
        r->at += r->address;
        break;
    case 'p':
        r->at += immediate(r) + 2;
        break;
    default:
        return false;
    }
    return true;
}

/* 62, C4 and C5 begin EVEX and VEX in 64-bit code, and before a register
 * elsewhere. */
static bool is_vex(const struct reader *r, uint8_t opcode)
{
    bool candidate = opcode == 0x62 || opcode == 0xC4 || opcode == 0xC5;

    return candidate && (r->bits == 64 ||
                         (r->at < r->n && (r->bytes[r->at] & 0xC0) == 0xC0));
}

static char next_opcode(struct reader *r)
{
    uint8_t b = next(r);

    if (is_vex(r, b))
        return 'x';
    if (b != 0x0F)
        return one_byte[b];
    b = next(r);
    if (b == 0x38 || b == 0x3A) {
        next(r);
        return b == 0x38 ? 'm' : 'M';
    }
    return two_bytes[b];
}

unsigned x86_length(const uint8_t *bytes, size_t n, unsigned bits)
{
    struct reader r = {
        .bytes = bytes, .n = n < LENGTH_MAX ? n : LENGTH_MAX, .bits = bits};

    prefixes(&r);
    if (r.at >= r.n || !operands(&r, next_opcode(&r)) || r.at > r.n)
        return 0;
    return (unsigned)r.at;
}
