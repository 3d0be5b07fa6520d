/* One row serves everybody: the tables that describe an architecture.
 *
 * Each wing's machine/insn.def and machine/regs.def expand into these rows;
 * the decoder, the privilege check, the interpreters, the assembler, the
 * tracer and the checker read nothing else. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/types.h"

/* Who may execute an instruction. */
enum privilege {
    PRIV_U, /* unprivileged */
    PRIV_P, /* privileged: traps in the problem state (user mode) */
    PRIV_Q, /* semi-privileged: traps depending on a control bit */
    PRIV_COUNT
};

/* How an instruction is sensitive, after Popek and Goldberg 1974, section 4.
 * Declared here, derived and observed by the checker. */
enum sensitivity {
    SENS_INNOCUOUS = 0,
    SENS_CTL = 1, /* control sensitive: changes mode, mapping or resources */
    SENS_LOC = 2, /* behaviour sensitive: the result depends on location */
    SENS_MODE = 4 /* behaviour sensitive: the result depends on the mode */
};

struct insn_desc {
    uint16_t id;         /* index of the row */
    uint32_t opcode;     /* as the manual prints it: 0x82, 0xB202 */
    uint8_t format;      /* the wing's own enum */
    uint8_t length;      /* bytes; 0 where it varies */
    uint8_t privilege;   /* enum privilege */
    uint8_t sensitivity; /* OR of enum sensitivity */
    const char *name;    /* mnemonic: "LPSW" */
    const char *title;   /* "LOAD PSW" */
    const char *effect;  /* one line: "PSW <- M8[D2(B2)]" */
};

struct insn_table {
    const struct insn_desc *rows;
    size_t count;
};

/* Registers come in groups, so that an engine copies only what is needed. */
struct reg_desc {
    uint16_t id;
    uint8_t group;   /* bit number in a group mask; the wing's own enum */
    uint8_t bits;    /* width */
    uint32_t offset; /* of the register in the vcpu's architectural state */
    const char *name;
};

struct reg_table {
    const struct reg_desc *rows;
    size_t count;
};

/* Is it the row of this name?  Rows' names are in capitals; the n characters
 * asked for may be in any case. */
static inline bool table_name_is(const char *row, const char *name, size_t n)
{
    size_t i = 0;

    for (; i < n && row[i]; i++) {
        bool small = name[i] >= 'a' && name[i] <= 'z';

        if (row[i] != (small ? name[i] - 'a' + 'A' : name[i]))
            return false;
    }
    return i == n && !row[i];
}

#endif
