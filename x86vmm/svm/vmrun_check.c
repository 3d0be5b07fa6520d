#include "x86vmm/svm/vmrun_check.h"

#include "base/bits.h"
#include "base/format.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/svm/part.h"

/* ---- What the rows' expressions say ---- */

#define F(name)    (r->vmcb->field[VMCB_##name])
#define PHYSICAL   physical(r)
#define CS_L_D     ((uint64_t)X86_ATTR_L | X86_ATTR_DB)
#define PAGING     (F(CR0) & X86_CR0_PG)
#define LONG       (PAGING && (F(EFER) & X86_EFER_LME))
#define PAE_PAGING (PAGING && (F(CR4) & X86_CR4_PAE) && !LONG)
#define NESTED     (F(NP_CONTROL) & VMCB_NESTED_PAGING)

#define INJECTING      (F(EVENTINJ) & VMCB_EVENT_VALID)
#define INJECTION_TYPE (F(EVENTINJ) >> 8 & 7)

/* "Extend to" the width takes the byte behind the MSR permission map. */
enum { MSRPM_BYTES = 0x2001, IOPM_BYTES = 0x3000 };

static uint64_t physical(const struct vmrun *r)
{
    return BITS_MASK(r->physical_bits ? r->physical_bits : X86_PHYSICAL_BITS);
}

/* The lowest twelve bits of the address do not count. */
static bool table_fits(const struct vmrun *r, uint64_t base, uint64_t bytes)
{
    base &= ~UINT64_C(0xFFF);
    return base <= PHYSICAL && bytes <= PHYSICAL + 1 - base;
}

/* ---- The rows ---- */

#define V (r->vmcb->field[field])

#define CHECK(name, about, section, when, holds, words) \
    static bool holds_##name(const struct vmrun *r)     \
    {                                                   \
        const enum vmcb_field field = VMCB_##about;     \
                                                        \
        (void)field;                                    \
        return !(when) || (holds);                      \
    }
#define BITS(name, about, section, when, must, may, words)        \
    static void bits_##name(const struct vmrun *r, uint64_t *set, \
                            uint64_t *open)                       \
    {                                                             \
        (void)r;                                                  \
        *set = (when) ? (must) : 0;                               \
        *open = (when) ? (may) : UINT64_MAX;                      \
    }
#include "x86vmm/svm/vmrun_check.def"
#undef CHECK
#undef BITS

static const struct vmrun_check rows[] = {
#define CHECK(name, about, section, when, holds, words) \
    {#name, VMCB_##about, section, words, holds_##name, NULL},
#define BITS(name, about, section, when, must, may, words) \
    {#name, VMCB_##about, section, words, NULL, bits_##name},
#include "x86vmm/svm/vmrun_check.def"
#undef CHECK
#undef BITS
};
const struct vmrun_check_table vmrun_checks = {rows, ARRAY_LEN(rows)};

/* ---- Asking ---- */

static bool ask(const struct vmrun *r, const struct vmrun_check *c,
                struct vmrun_failure *f)
{
    uint64_t value = r->vmcb->field[c->field], must = 0, may = UINT64_MAX;

    if (c->holds) {
        if (c->holds(r))
            return true;
    } else {
        c->bits(r, &must, &may);
        if ((value & must) == must && !(value & ~may))
            return true;
    }
    *f = (struct vmrun_failure){.check = c,
                                .value = value,
                                .computed = c->bits != NULL,
                                .should_be = (value | must) & may};
    return false;
}

size_t vmrun_check_all(const struct vmrun *r, struct vmrun_failure *failures,
                       size_t cap)
{
    struct vmrun_failure f;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!ask(r, &rows[i], &f)) {
            if (n < cap)
                failures[n] = f;
            n++;
        }
    return n;
}

bool vmrun_check(const struct vmrun *r, struct vmrun_failure *failure)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!ask(r, &rows[i], failure))
            return false;
    failure->check = NULL;
    return true;
}

/* ---- Telling ---- */

void vmrun_failure_words(const struct vmrun_failure *f, char *text, size_t cap)
{
    size_t n = format(text, cap, "%s is 0x%llX, but should %s",
                      vmcb_fields[f->check->field].name,
                      (unsigned long long)f->value, f->check->words);

    if (f->computed)
        n += format(text + n, cap - n, " (0x%llX would do)",
                    (unsigned long long)f->should_be);
    format(text + n, cap - n, " [APM vol. 2, %s]", f->check->section);
}
