#include "s370/machine/operand.h"

static const struct {
    uint8_t length;
    const char *operands;
} formats[] = {
#define FORMAT(name, length, operands) {length, operands},
#include "s370/machine/format.def"
#undef FORMAT
};

/* Fields that lie at the same place in every format that has them. */
static const struct {
    char name[3];
    struct s370_field field;
} fields[] = {
    {"R1", {8, 4, false}},  {"M1", {8, 4, false}},  {"R2", {12, 4, false}},
    {"R3", {12, 4, false}}, {"M3", {12, 4, false}}, {"X2", {12, 4, false}},
    {"I3", {12, 4, false}}, {"L1", {8, 4, true}},   {"L2", {12, 4, true}},
    {"I2", {8, 8, false}},  {"I", {8, 8, false}},   {"L", {8, 8, true}},
};

static bool is_name(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Step over a field's name and look it up. */
static struct s370_field take_field(const char **p)
{
    const char *name = *p;
    size_t n = 0;

    while (is_name(name[n]))
        n++;
    *p += n;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        size_t k = 0;

        while (k < n && fields[i].name[k] == name[k])
            k++;
        if (k == n && !fields[i].name[k])
            return fields[i].field;
    }
    return (struct s370_field){0};
}

/* D(B), D(X,B) or D(L,B) whose base and displacement begin at bit `first`. */
static struct s370_operand take_storage(const char **p, uint8_t first)
{
    struct s370_operand o = {
        .kind = S370_OPERAND_STORAGE,
        .field = {(uint8_t)(first + 4), 12, false},
        .base = {first, 4, false},
    };

    while (is_name(**p))
        ++*p;
    ++*p; /* ( */
    if (**p == 'X')
        o.index = take_field(p);
    else if (**p == 'L')
        o.length = take_field(p);
    while (**p != ')')
        ++*p;
    ++*p;
    return o;
}

static struct s370_operand take_plain(const char **p)
{
    char kind = **p;

    return (struct s370_operand){
        .kind = kind == 'R'   ? S370_OPERAND_REGISTER
                : kind == 'M' ? S370_OPERAND_MASK
                              : S370_OPERAND_IMMEDIATE,
        .field = take_field(p),
    };
}

unsigned s370_format_operands(enum s370_format f,
                              struct s370_operand out[S370_OPERANDS_MAX])
{
    const char *p = formats[f].operands;
    uint8_t storage = 16; /* the first base is at bit 16, the second at 32 */
    unsigned n = 0;

    while (*p && n < S370_OPERANDS_MAX) {
        if (*p == 'D') {
            out[n++] = take_storage(&p, storage);
            storage += 16;
        } else {
            out[n++] = take_plain(&p);
        }
        if (*p == ',')
            p++;
    }
    return n;
}

unsigned s370_format_length(enum s370_format f)
{
    return formats[f].length;
}

const char *s370_format_text(enum s370_format f)
{
    return formats[f].operands;
}
