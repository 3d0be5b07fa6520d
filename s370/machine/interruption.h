/* Interruptions: what was recognized, and how the CPU takes it. */
#ifndef S370_MACHINE_INTERRUPTION_H
#define S370_MACHINE_INTERRUPTION_H

#include "base/types.h"

enum s370_class {
    S370_INT_NONE,
    S370_INT_RESTART,
    S370_INT_EXTERNAL,
    S370_INT_SVC,
    S370_INT_PROGRAM,
    S370_INT_MACHINE_CHECK,
    S370_INT_IO,
    S370_INT_COUNT
};

enum s370_program_code {
#define PROGRAM(code, name, ends, words) S370_PGM_##name = code,
#include "s370/machine/interruption.def"
#undef PROGRAM
};

/* Did translation fail by an entry that is invalid or missing?  (code without
 * the PER event's bit.) */
static inline bool s370_is_translation_exception(unsigned code)
{
    return code == S370_PGM_SEGMENT_TRANSLATION ||
           code == S370_PGM_PAGE_TRANSLATION;
}

/* External-interruption codes (GA22-7000, "External Interruption"). */
enum {
    S370_EXT_INTERVAL_TIMER = 0x0080, /* these three are or'ed together */
    S370_EXT_INTERRUPT_KEY = 0x0040,
    S370_EXT_SIGNAL = 0x0020,
    S370_EXT_EMERGENCY_SIGNAL = 0x1201, /* SIGP */
    S370_EXT_EXTERNAL_CALL = 0x1202,    /* SIGP */
    S370_EXT_CLOCK_COMPARATOR = 0x1004,
    S370_EXT_CPU_TIMER = 0x1005
};

/* Fixed storage locations, real addresses (GA22-7000, "Assigned Storage
 * Locations"). */
enum {
    S370_PSA_RESTART_NEW = 0,
    S370_PSA_RESTART_OLD = 8,
    S370_PSA_EXTERNAL_OLD = 24,
    S370_PSA_SVC_OLD = 32,
    S370_PSA_PROGRAM_OLD = 40,
    S370_PSA_MACHINE_CHECK_OLD = 48,
    S370_PSA_IO_OLD = 56,
    S370_PSA_CSW = 64,
    S370_PSA_CAW = 72,
    S370_PSA_INTERVAL_TIMER = 80,
    S370_PSA_EXTERNAL_NEW = 88,
    S370_PSA_SVC_NEW = 96,
    S370_PSA_PROGRAM_NEW = 104,
    S370_PSA_MACHINE_CHECK_NEW = 112,
    S370_PSA_IO_NEW = 120,
    S370_PSA_EXTERNAL_CODE = 132, /* EC: CPU address, code */
    S370_PSA_SVC_CODE = 136,      /* EC: 0, ILC, code */
    S370_PSA_PROGRAM_CODE = 140,  /* EC: 0, ILC, code */
    S370_PSA_TRANSLATION_ADDRESS = 144,
    S370_PSA_MONITOR_CLASS = 148, /* bytes 148-149 */
    S370_PSA_PER_CODE = 150,
    S370_PSA_PER_ADDRESS = 152,
    S370_PSA_MONITOR_CODE = 156,
    S370_PSA_CHANNEL_ID = 168,
    S370_PSA_IO_ADDRESS = 184, /* EC: 0, device address at 186 */
    /* What store status stores; absolute addresses. */
    S370_PSA_STATUS_CPU_TIMER = 216,
    S370_PSA_STATUS_COMPARATOR = 224,
    S370_PSA_STATUS_PSW = 256,
    S370_PSA_STATUS_PREFIX = 264,
    S370_PSA_STATUS_FPR = 352,
    S370_PSA_STATUS_GR = 384,
    S370_PSA_STATUS_CR = 448
};

/* One interruption, recognized but not yet taken. */
struct s370_interruption {
    uint8_t class; /* enum s370_class */
    uint8_t ilc;   /* bytes: 0, 2, 4, 6 (SVC and program) */
    uint16_t code; /* program: code or'ed with 0x80 for a PER event; SVC: I;
                    * external: code; I/O: device address */
    uint16_t cpu_address;         /* external 1201, 1202: who signalled */
    uint32_t translation_address; /* program 10, 11 */
    uint32_t monitor_code;        /* program 40 */
    uint8_t monitor_class;
    uint8_t per_code;     /* event bits, as stored in location 150 */
    uint32_t per_address; /* of the instruction that caused the event */
};

struct s370_psw;
struct s370_storage;

/* Take an interruption on any processor, real or virtual: store the old PSW
 * and what belongs to it at `prefix` in the storage, fetch the new PSW.  psw
 * is replaced; an invalid new PSW is the caller's to notice (the next
 * instruction fetch takes a specification exception).  `storage` always holds
 * prefix..prefix+4095. */
void s370_interruption_take(const struct s370_interruption *in,
                            struct s370_psw *psw, struct s370_storage *storage,
                            uint32_t prefix);

/* "program 0004 protection", "SVC 07", "I/O 00C", "external 1005". */
size_t s370_interruption_show(const struct s370_interruption *in, char *out,
                              size_t cap);

#endif
