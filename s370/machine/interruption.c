/* Interruption action: the old PSW and what belongs to it go to their assigned
 * locations, the new PSW comes from there (GA22-7000, "Interruptions"). */
#include "s370/machine/interruption.h"

#include "base/bytes.h"
#include "base/format.h"
#include "s370/machine/psw.h"
#include "s370/machine/storage.h"

/* Where the PSWs of a class are, as real addresses. */
static const struct {
    uint8_t old, new;
    const char *name;
} classes[S370_INT_COUNT] = {
    [S370_INT_RESTART] = {S370_PSA_RESTART_OLD, S370_PSA_RESTART_NEW,
                          "restart"},
    [S370_INT_EXTERNAL] = {S370_PSA_EXTERNAL_OLD, S370_PSA_EXTERNAL_NEW,
                           "external"},
    [S370_INT_SVC] = {S370_PSA_SVC_OLD, S370_PSA_SVC_NEW, "SVC"},
    [S370_INT_PROGRAM] = {S370_PSA_PROGRAM_OLD, S370_PSA_PROGRAM_NEW,
                          "program"},
    [S370_INT_MACHINE_CHECK] = {S370_PSA_MACHINE_CHECK_OLD,
                                S370_PSA_MACHINE_CHECK_NEW, "machine check"},
    [S370_INT_IO] = {S370_PSA_IO_OLD, S370_PSA_IO_NEW, "I/O"},
};

static bool from_signal(const struct s370_interruption *in)
{
    return in->code == S370_EXT_EMERGENCY_SIGNAL ||
           in->code == S370_EXT_EXTERNAL_CALL;
}

/* The interruption code and the ILC: in EC mode they have locations of their
 * own, in BC mode they are in the old PSW.  The address of a CPU that
 * signalled is stored in both modes, zeros in its place only in EC mode
 * ("External Interruption"). */
static void store_code(const struct s370_interruption *in, bool ec,
                       uint8_t *psa)
{
    uint32_t with_ilc = (uint32_t)in->ilc << 16 | in->code;

    if (in->class == S370_INT_EXTERNAL && from_signal(in))
        store_be16(psa + S370_PSA_EXTERNAL_CODE, in->cpu_address);
    else if (in->class == S370_INT_EXTERNAL && ec)
        store_be16(psa + S370_PSA_EXTERNAL_CODE, 0);
    if (!ec)
        return;
    if (in->class == S370_INT_EXTERNAL)
        store_be16(psa + S370_PSA_EXTERNAL_CODE + 2, in->code);
    else if (in->class == S370_INT_SVC)
        store_be32(psa + S370_PSA_SVC_CODE, with_ilc);
    else if (in->class == S370_INT_PROGRAM)
        store_be32(psa + S370_PSA_PROGRAM_CODE, with_ilc);
    else if (in->class == S370_INT_IO)
        store_be32(psa + S370_PSA_IO_ADDRESS, in->code);
}

/* What a program interruption stores beside its code, in both modes.  The
 * manual leaves the low bits of a translation-exception address open; we
 * store the whole address. */
static void store_program(const struct s370_interruption *in, uint8_t *psa)
{
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;

    if (s370_is_translation_exception(code))
        store_be32(psa + S370_PSA_TRANSLATION_ADDRESS,
                   in->translation_address & S370_ADDRESS_MASK);
    if (code == S370_PGM_MONITOR_EVENT) {
        store_be16(psa + S370_PSA_MONITOR_CLASS, in->monitor_class);
        store_be32(psa + S370_PSA_MONITOR_CODE,
                   in->monitor_code & S370_ADDRESS_MASK);
    }
    if (in->code & S370_PGM_PER_EVENT) {
        store_be16(psa + S370_PSA_PER_CODE, (uint16_t)(in->per_code << 8));
        store_be32(psa + S370_PSA_PER_ADDRESS,
                   in->per_address & S370_ADDRESS_MASK);
    }
}

void s370_interruption_take(const struct s370_interruption *in,
                            struct s370_psw *psw, struct s370_storage *storage,
                            uint32_t prefix)
{
    uint8_t *psa = storage->bytes + prefix;

    store_code(in, psw->ec, psa);
    if (in->class == S370_INT_PROGRAM)
        store_program(in, psa);
    /* Zeros are the code of a restart and of a machine check. */
    bool coded =
        in->class != S370_INT_RESTART && in->class != S370_INT_MACHINE_CHECK;
    s370_psw_store(psw, in->ilc, coded ? in->code : 0,
                   psa + classes[in->class].old);
    s370_psw_load(psw, psa + classes[in->class].new);
    /* All assigned locations are in the first block of the prefix area
     * ("Storage Key": references by an interruption are recorded). */
    storage->keys[prefix / S370_BLOCK] |= S370_KEY_REFERENCE | S370_KEY_CHANGE;
}

static const char *program_words(unsigned code)
{
    switch (code) {
#define PROGRAM(number, name, ends, words) \
    case number:                           \
        return words;
#include "s370/machine/interruption.def"
#undef PROGRAM
    }
    return "unassigned";
}

size_t s370_interruption_show(const struct s370_interruption *in, char *out,
                              size_t cap)
{
    const char *name =
        in->class < S370_INT_COUNT ? classes[in->class].name : NULL;
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;

    switch (in->class) {
    case S370_INT_EXTERNAL:
        return format(out, cap, "%s %04X", name, in->code);
    case S370_INT_SVC:
        return format(out, cap, "%s %02X", name, in->code);
    case S370_INT_IO:
        return format(out, cap, "%s %03X", name, in->code);
    case S370_INT_PROGRAM:
        if (code && in->code != code)
            return format(out, cap, "%s %04X %s and program event", name,
                          in->code, program_words(code));
        return format(out, cap, "%s %04X %s", name, in->code,
                      program_words(in->code));
    default:
        return format(out, cap, "%s", name ? name : "no interruption");
    }
}
