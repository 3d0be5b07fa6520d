/* TRANSLATE, and TRANSLATE AND TEST (GA22-7000, "General Instructions"). */
#include "s370/machine/access.h"

/* One table byte as it is when the bytes of the first operand before `done`
 * have been replaced already: the table may overlap them. */
static int table_byte(struct s370_cpu *cpu, uint32_t table, uint8_t argument,
                      uint32_t first, const uint8_t *result, unsigned done,
                      uint8_t *v)
{
    uint32_t a = (table + argument) & S370_ADDRESS_MASK;
    uint32_t offset = (a - first) & S370_ADDRESS_MASK;

    if (offset < done) {
        *v = result[offset];
        return 0;
    }
    return s370_load8(cpu, a, v);
}

/* Only table bytes that are used are accessed, and all of them before the
 * first result is stored, so that the instruction can be nullified. */
int op_tr(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea1(cpu, d), table = s370_ea2(cpu, d);
    unsigned len = d->imm + 1u;
    uint8_t bytes[256];

    TRY(s370_check_store(cpu, a, len));
    TRY(s370_load_bytes(cpu, a, len, bytes));
    for (unsigned i = 0; i < len; i++)
        TRY(table_byte(cpu, table, bytes[i], a, bytes, i, &bytes[i]));
    return s370_store_bytes(cpu, a, len, bytes);
}

/* The first operand is accessed only as far as it is scanned. */
int op_trt(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t a = s370_ea1(cpu, d), table = s370_ea2(cpu, d);
    unsigned len = d->imm + 1u;
    uint8_t argument, function = 0;
    unsigned i;

    for (i = 0; i < len && !function; i++) {
        TRY(s370_load8(cpu, a + i, &argument));
        TRY(s370_load8(cpu, table + argument, &function));
    }
    cpu->psw.cc = 0;
    if (function) {
        uint32_t at = (a + i - 1) & S370_ADDRESS_MASK;

        cpu->gr[1] = (cpu->gr[1] & 0xFF000000) | at;
        cpu->gr[2] = (cpu->gr[2] & 0xFFFFFF00) | function;
        cpu->psw.cc = i == len ? 2 : 1;
    }
    return 0;
}
