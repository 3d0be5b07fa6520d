/* "RIP=0000000000001000 RFL=00000002 ...", "CS =0008 00000000 ffffffff
 * 00c09b00 ...": QEMU's cpu_x86_dump_state, as its users see it. */
#include "x86vmm/vtx/registers.h"

#include "base/digit.h"
#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/sample.h"

#include <string.h>

/* A word "NAME=HEX" and the field. */
static const struct {
    const char *name;
    enum vmcs_field field;
} plain[] = {
    {"RIP=", VMCS_GUEST_RIP},    {"EIP=", VMCS_GUEST_RIP},
    {"RFL=", VMCS_GUEST_RFLAGS}, {"EFL=", VMCS_GUEST_RFLAGS},
    {"RSP=", VMCS_GUEST_RSP},    {"ESP=", VMCS_GUEST_RSP},
    {"CR0=", VMCS_GUEST_CR0},    {"CR3=", VMCS_GUEST_CR3},
    {"CR4=", VMCS_GUEST_CR4},    {"DR7=", VMCS_GUEST_DR7},
    {"EFER=", VMCS_GUEST_EFER},
};

/* In the order of enum x86_seg; GDT and IDT have a base and a limit. */
static const char *const segments[] = {
    "ES =", "CS =", "SS =", "DS =", "FS =", "GS =", "LDT=", "TR ="};

static bool hex(const char **p, const char *end, uint64_t *value)
{
    const char *from = *p;

    *value = 0;
    for (; *p < end && *p - from < 16; ++*p) {
        unsigned d = digit_value(**p);

        if (d > 15)
            break;
        *value = *value << 4 | d;
    }
    return *p > from;
}

/* `n` numbers after `name` at the beginning of a word; false: not there. */
static bool find(struct span t, const char *name, uint64_t *values, unsigned n)
{
    const char *end = t.p + t.n;
    size_t len = strlen(name);

    for (const char *p = t.p; p + len <= end; p++) {
        const char *at = p + len;
        unsigned i = 0;

        if (memcmp(p, name, len) != 0 ||
            (p > t.p && p[-1] != ' ' && p[-1] != '\n'))
            continue;
        for (; i < n; i++) {
            while (at < end && *at == ' ')
                at++;
            if (!hex(&at, end, &values[i]))
                break;
        }
        if (i == n)
            return true;
    }
    return false;
}

bool registers_are_in(struct span t)
{
    uint64_t values[4];

    return find(t, "CS =", values, 4);
}

static bool read_segment(struct span t, unsigned i, struct vmcs *v)
{
    uint64_t of[4]; /* selector, base, limit, second doubleword's attributes */
    uint64_t rights;

    if (!find(t, segments[i], of, 4))
        return false;
    rights = of[3] >> 8 & 0xF0FF;
    if (!(rights & X86_ATTR_P))
        rights = VMCS_RIGHTS_UNUSABLE;
    vmcs_set(v, (enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + i), of[0]);
    vmcs_set(v, (enum vmcs_field)(VMCS_GUEST_ES_BASE + i), of[1]);
    vmcs_set(v, (enum vmcs_field)(VMCS_GUEST_ES_LIMIT + i), of[2]);
    vmcs_set(v, (enum vmcs_field)(VMCS_GUEST_ES_RIGHTS + i), rights);
    return true;
}

static bool read_table(struct span t, const char *name, enum vmcs_field base,
                       enum vmcs_field limit, struct vmcs *v)
{
    uint64_t of[2];

    if (!find(t, name, of, 2))
        return false;
    vmcs_set(v, base, of[0]);
    vmcs_set(v, limit, of[1]);
    return true;
}

unsigned registers_read(struct span t, struct vmcs *v)
{
    unsigned found = 0;

    vmcs_make(v, X86_SAMPLE_REAL);
    vmcs_put(v, VMX_ENTRY_LOAD_EFER, true);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        uint64_t value;

        if (!find(t, plain[i].name, &value, 1))
            continue;
        vmcs_set(v, plain[i].field, value);
        found++;
    }
    for (unsigned i = 0; i < ARRAY_LEN(segments); i++)
        found += read_segment(t, i, v);
    found +=
        read_table(t, "GDT=", VMCS_GUEST_GDTR_BASE, VMCS_GUEST_GDTR_LIMIT, v);
    found +=
        read_table(t, "IDT=", VMCS_GUEST_IDTR_BASE, VMCS_GUEST_IDTR_LIMIT, v);
    v->field[VMCS_GUEST_CR0] |= X86_CR0_NE;
    v->field[VMCS_GUEST_CR4] |= VMX_CR4_VMXE;
    vmcs_put(v, VMX_ENTRY_IA32E_GUEST,
             v->field[VMCS_GUEST_EFER] & X86_EFER_LMA);
    return found;
}
