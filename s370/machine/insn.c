/* The instruction table and its decoder. */
#include "s370/machine/insn.h"

#include "s370/machine/decode.h"

static const struct insn_desc rows[S370_OP_COUNT] = {
#define INSN(opcode, name, format, priv, sens, op, title, effect)           \
    [S370_OP_##                                                             \
        name] = {S370_OP_##name,                                            \
                 opcode,                                                    \
                 S370_FMT_##format,                                         \
                 S370_INSN_LEN((opcode) > 0xFF ? (opcode) >> 8 : (opcode)), \
                 PRIV_##priv,                                               \
                 sens,                                                      \
                 #name,                                                     \
                 title,                                                     \
                 effect},
#include "s370/machine/insn.def"
#undef INSN
};

const struct insn_table s370_insns = {rows, S370_OP_COUNT};

const s370_body_fn s370_bodies[S370_OP_COUNT] = {
#define INSN(opcode, name, format, priv, sens, op, title, effect) \
    [S370_OP_##name] = op_##op,
#include "s370/machine/insn.def"
#undef INSN
};

/* Opcodes are dense in this index: one byte; B2 and a second byte; and 9C-9F,
 * where of bits 8-15 only bit 15 belongs to the opcode, and in TEST CHANNEL
 * (9F) not even that (GA22-7000, "Input/Output Instructions"). */
enum { SLOT_B2 = 0x100, SLOT_IO = 0x200, SLOTS = 0x208 };

#define SLOT(first, second)                            \
    ((first) == 0xB2   ? SLOT_B2 + (second)            \
     : (first) == 0x9F ? SLOT_IO + 6                   \
     : (first) >= 0x9C && (first) < 0x9F               \
         ? SLOT_IO + ((first)-0x9C) * 2 + ((second)&1) \
         : (first))

/* Row number and one, so that 0 says that there is none. */
static const uint16_t row_at[SLOTS] = {
#define INSN(opcode, name, format, priv, sens, op, title, effect)              \
    [(opcode) > 0xFF ? SLOT((opcode) >> 8, (opcode)&0xFF) : SLOT(opcode, 0)] = \
        S370_OP_##name + 1,
#include "s370/machine/insn.def"
#undef INSN
};

void s370_decode(const uint8_t bytes[6], struct s370_decoded *d)
{
    unsigned row = row_at[SLOT(bytes[0], bytes[1])];

    d->len = (uint8_t)s370_insn_len(bytes[0]);
    if (row) {
        d->op = (uint16_t)(row - 1);
        s370_decode_as(rows[row - 1].format, bytes, d);
        return;
    }
    s370_decode_as(S370_FMT_RR, bytes, d);
    d->op = S370_OP_INVALID;
}
