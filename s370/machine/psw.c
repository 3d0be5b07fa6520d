/* The PSW between its 8 bytes and its fields (GA22-7000, "Program Status
 * Word"). */
#include "s370/machine/psw.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/format.h"
#include "s370/machine/storage.h"

/* EC mode: bits 0, 2-4, 16-17 and 24-39 must be zeros. */
static const uint64_t ec_zeros = 0xB800C0FFFF000000;

void s370_psw_load(struct s370_psw *p, const uint8_t bytes[8])
{
    uint64_t w = load_be64(bytes);
    unsigned masks;

    *p = (struct s370_psw){
        .system_mask = bytes[0],
        .key = (uint8_t)ibm64(w, 8, 11),
        .ec = ibm64(w, 12, 12),
        .machine_check = ibm64(w, 13, 13),
        .wait = ibm64(w, 14, 14),
        .problem = ibm64(w, 15, 15),
        .ia = (uint32_t)(w & S370_ADDRESS_MASK),
    };
    if (p->ec) {
        masks = (unsigned)ibm64(w, 18, 23);
        p->reserved = w & ec_zeros;
    } else {
        masks = (unsigned)ibm64(w, 34, 39);
    }
    p->cc = masks >> 4 & 3;
    p->program_mask = masks & 0xF;
}

void s370_psw_store(const struct s370_psw *p, unsigned ilc, uint16_t code,
                    uint8_t bytes[8])
{
    uint64_t w =
        ibm64_put(0, 7, p->system_mask) | ibm64_put(8, 11, p->key) |
        ibm64_put(12, 12, p->ec) | ibm64_put(13, 13, p->machine_check) |
        ibm64_put(14, 14, p->wait) | ibm64_put(15, 15, p->problem) | p->ia;

    if (p->ec)
        w |= ibm64_put(18, 19, p->cc) | ibm64_put(20, 23, p->program_mask) |
             (p->reserved & ec_zeros & ~ibm64_put(0, 7, 0xFF));
    else
        w |= ibm64_put(16, 31, code) | ibm64_put(32, 33, ilc / 2) |
             ibm64_put(34, 35, p->cc) | ibm64_put(36, 39, p->program_mask);
    store_be64(bytes, w);
}

bool s370_psw_valid(const struct s370_psw *p)
{
    return !p->ec || (!(p->system_mask & 0xB8) &&
                      !(p->reserved & ~ibm64_put(0, 7, 0xFF)));
}

size_t s370_psw_brief(const struct s370_psw *p, char *out, size_t cap)
{
    uint8_t b[8];

    s370_psw_store(p, 0, 0, b);
    return format(out, cap, "%s %08x %08x", p->ec ? "EC" : "BC", load_be32(b),
                  load_be32(b + 4));
}

size_t s370_psw_show(const struct s370_psw *p, char *out, size_t cap)
{
    size_t n = s370_psw_brief(p, out, cap);

    return n + format(out + n, cap - n, " %c key %u cc %u",
                      p->problem ? 'P' : 'S', (unsigned)p->key,
                      (unsigned)p->cc);
}
