/* The program status word, in BC and in EC mode. */
#ifndef S370_MACHINE_PSW_H
#define S370_MACHINE_PSW_H

#include "base/types.h"

/* Bits of the system mask that are the same in both modes, and EC's own
 * (GA22-7000, "Program Status Word"). */
enum {
    S370_MASK_EXTERNAL = 0x01, /* bit 7, BC and EC */
    S370_MASK_IO = 0x02,       /* bit 6: EC all channels; BC channels 6 up */
    S370_MASK_DAT = 0x04,      /* bit 5, EC */
    S370_MASK_PER = 0x40,      /* bit 1, EC */
    /* program mask */
    S370_PM_FIXED = 8,
    S370_PM_DECIMAL = 4,
    S370_PM_UNDERFLOW = 2,
    S370_PM_SIGNIFICANCE = 1
};

struct s370_psw {
    uint8_t system_mask;  /* bits 0-7 as they stand in storage */
    uint8_t key;          /* 0-15 */
    bool ec;              /* bit 12: extended control */
    bool machine_check;   /* bit 13 */
    bool wait;            /* bit 14 */
    bool problem;         /* bit 15 */
    uint8_t cc;           /* 0-3 */
    uint8_t program_mask; /* S370_PM_* */
    uint32_t ia;          /* 24-bit instruction address */
    uint64_t reserved;    /* EC: bits that must be zero but were loaded as one;
                           * they are stored again as they stand */
};

/* Take a PSW from its 8 bytes.  Never refuses: a PSW with bits that must be
 * zero is loaded, and the specification exception comes after. */
void s370_psw_load(struct s370_psw *p, const uint8_t bytes[8]);

/* The 8 bytes.  In BC mode ilc (bytes) and the interruption code are in it;
 * in EC mode both are ignored. */
void s370_psw_store(const struct s370_psw *p, unsigned ilc, uint16_t code,
                    uint8_t bytes[8]);

/* May this PSW be used?  False: specification exception after loading (EC
 * with reserved bits; GA22-7000, "Exceptions Associated with the PSW").  An
 * odd instruction address is found later, at instruction fetch. */
bool s370_psw_valid(const struct s370_psw *p);

/* Translation is on (EC with the DAT bit). */
static inline bool s370_psw_dat(const struct s370_psw *p)
{
    return p->ec && (p->system_mask & S370_MASK_DAT);
}

/* May an external or an I/O interruption come in, as far as the system mask
 * says?  (BC mode has I/O masks in bits 0-6.)  If not, the wait state is the
 * end of a guest: there are no machine checks. */
static inline bool s370_psw_enabled(const struct s370_psw *p)
{
    return p->system_mask & (p->ec ? S370_MASK_IO | S370_MASK_EXTERNAL : 0xFF);
}

/* "EC 040d2000 00012345", for a column of a trace. */
size_t s370_psw_brief(const struct s370_psw *p, char *out, size_t cap);
/* The same with what a reader would have to decode: "... S key 0 cc 2". */
size_t s370_psw_show(const struct s370_psw *p, char *out, size_t cap);

#endif
