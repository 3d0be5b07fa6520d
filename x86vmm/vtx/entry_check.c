#include "x86vmm/vtx/entry_check.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/format.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/page_entry.h"
#include "x86vmm/machine/segment.h"

/* ---- What the rows' expressions say ---- */

static void note(const struct entry *e, unsigned what)
{
    if (e->reads)
        e->reads->bits[what / 64] |= UINT64_C(1) << what % 64;
}

static uint64_t field_of(const struct entry *e, unsigned field)
{
    note(e, field);
    return e->vmcs->field[field];
}

static bool control_of(const struct entry *e, enum vmx_control c)
{
    note(e, vmx_groups[c / 32].field);
    if (c / 32 == VMX_GROUP_SECONDARY)
        note(e, VMCS_PRIMARY_CONTROLS);
    return vmcs_has(e->vmcs, c);
}

static bool is_v86(const struct entry *e)
{
    note(e, ENTRY_READS_VM);
    return e->vmcs->field[VMCS_GUEST_RFLAGS] & X86_FLAG_VM;
}

static uint64_t capability(const struct entry *e, uint32_t msr)
{
    uint64_t value = 0;

    if (e->capability)
        return e->capability(msr);
    vmx_capability(msr, &value);
    return value;
}

/* Bits of a group's controls that must be 1, and that may be. */
static uint32_t must(const struct entry *e, enum vmx_group g)
{
    const struct vmx_group_desc *d = &vmx_groups[g];

    return e->capability
               ? (uint32_t)e->capability(
                     e->capability(VMX_MSR_BASIC) & VMX_BASIC_TRUE ? d->true_msr
                                                                   : d->msr)
               : vmx_must(g);
}

static uint32_t may(const struct entry *e, enum vmx_group g)
{
    return e->capability ? e->capability(vmx_groups[g].msr) >> 32 : vmx_may(g);
}

static uint64_t physical(const struct entry *e)
{
    return BITS_MASK(e->physical_bits ? e->physical_bits : X86_PHYSICAL_BITS);
}

#define MUST(group)      must(e, VMX_GROUP_##group)
#define MAY(group)       may(e, VMX_GROUP_##group)
#define CAPABILITY(name) capability(e, VMX_MSR_##name)
/* Accessed and dirty flags: bit 6 of the EPT pointer, if there are any. */
#define EPT_DIRTY    ((CAPABILITY(EPT_VPID_CAP) >> 21 & 1) << 6)
#define F(name)      field_of(e, VMCS_##name)
#define ON(name)     control_of(e, VMX_##name)
#define S            (e->i)
#define PHYSICAL     physical(e)
#define PAGE_ADDRESS (PHYSICAL & ~UINT64_C(0xFFF))
#define LIST_ADDRESS (PHYSICAL & ~UINT64_C(0xF))
/* Of a processor that is only known by its capabilities: all that are. */
#define DEBUGCTL_OWN (e->capability ? UINT64_C(0xFFC3) : X86_DEBUGCTL_OWN)
#define EFER_LONG    (X86_EFER_LMA | X86_EFER_LME)
#define EFER_OWN     (X86_EFER_SCE | X86_EFER_NXE | EFER_LONG)

/* Sets of segments, a bit each in the order of enum x86_seg. */
enum { SIX = 0x3F, DATA = 0x39, ES_SS_DS = 0x0D, FS_GS = 0x30, TR = 0x80 };

#define SELECTOR(s)  field_of(e, VMCS_GUEST_ES_SELECTOR + (s))
#define LIMIT(s)     field_of(e, VMCS_GUEST_ES_LIMIT + (s))
#define RIGHTS(s)    field_of(e, VMCS_GUEST_ES_RIGHTS + (s))
#define RPL(s)       (SELECTOR(s) & 3)
#define TYPE(s)      (RIGHTS(s) & 0xF)
#define DPL(s)       (RIGHTS(s) >> 5 & 3)
#define USABLE(s)    (!(RIGHTS(s) & 0x10000))
#define V86          is_v86(e)
#define IA32E        ON(ENTRY_IA32E_GUEST)
#define LONG_CODE    (IA32E && (F(GUEST_CS_RIGHTS) & 0x2000))
#define UNRESTRICTED ON(SECONDARY_UNRESTRICTED_GUEST)
#define PAE_PAGING \
    ((F(GUEST_CR0) & X86_CR0_PG) && (F(GUEST_CR4) & X86_CR4_PAE) && !IA32E)

#define INJECTING      ((F(ENTRY_INTERRUPTION_INFO) & VMCS_EVENT_VALID) != 0)
#define INJECTION_TYPE vmcs_event_type(F(ENTRY_INTERRUPTION_INFO))
#define INJECTS(type)  (INJECTING && INJECTION_TYPE == (type))
#define INJECTION_REAL (UNRESTRICTED && !(F(GUEST_CR0) & X86_CR0_PE))

/* A single step that waits for the end of a shadow, or of HLT. */
#define SHADOWED                                    \
    ((F(GUEST_INTERRUPTIBILITY) & VMCS_SHADOWED) || \
     F(GUEST_ACTIVITY) == VMCS_HALTED)
#define STEPPING ((F(GUEST_RFLAGS) & X86_FLAG_TF) && !(F(GUEST_DEBUGCTL) & 2))

static bool canonical(uint64_t address)
{
    return x86_canonical(address);
}

static bool is_pat(uint64_t value)
{
    for (unsigned i = 0; i < 64; i += 8) {
        uint64_t type = value >> i & 0xFF;

        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    return true;
}

static bool is_code_type(uint64_t type)
{
    return (type & 9) == 9;
}

static bool granular(uint64_t rights, uint64_t limit)
{
    return rights & 0x8000 ? (limit & 0xFFF) == 0xFFF : !(limit >> 20);
}

/* Entries of 16 bytes. */
static bool list_fits(const struct entry *e, uint64_t address, uint64_t count)
{
    return count <= (PHYSICAL + 1 - address) / 16;
}

static bool injection_has_error(const struct entry *e)
{
    const uint32_t with_error = 1u << X86_EXC_DF | 1u << X86_EXC_TS |
                                1u << X86_EXC_NP | 1u << X86_EXC_SS |
                                1u << X86_EXC_GP | 1u << X86_EXC_PF |
                                1u << X86_EXC_AC;
    unsigned vector = F(ENTRY_INTERRUPTION_INFO) & 0xFF;

    return INJECTION_TYPE == VMCS_EVENT_EXCEPTION && vector < 32 &&
           (with_error >> vector & 1);
}

/* Which events end which state (27.3.1.5). */
static bool activity_takes(const struct entry *e)
{
    unsigned vector = F(ENTRY_INTERRUPTION_INFO) & 0xFF;
    unsigned type = INJECTION_TYPE;
    bool check = type == VMCS_EVENT_EXCEPTION && vector == X86_EXC_MC;

    switch (F(GUEST_ACTIVITY)) {
    case 1: /* HLT */
        return type == VMCS_EVENT_INTERRUPT || type == VMCS_EVENT_NMI ||
               check ||
               (type == VMCS_EVENT_EXCEPTION && vector == X86_EXC_DB) ||
               type == VMCS_EVENT_OTHER;
    case 2: /* shutdown */
        return type == VMCS_EVENT_NMI || check;
    default:
        return true;
    }
}

static uint64_t virtual_tpr(const struct entry *e)
{
    enum { AT_TPR = 0x80 };
    const uint8_t *p =
        e->mem ? mem_at(e->mem, F(VIRTUAL_APIC_ADDR) + AT_TPR, 4) : NULL;

    note(e, ENTRY_READS_STORAGE);
    return p ? load_le32(p) >> 4 & 0xF : 0xF;
}

static bool linked_revision(const struct entry *e)
{
    const uint8_t *p;

    note(e, ENTRY_READS_STORAGE);
    if (!e->mem) /* not known; but 0 is a pointer that nobody has set */
        return F(LINK_POINTER) != 0;
    p = mem_at(e->mem, F(LINK_POINTER), 4);
    return p && load_le32(p) == VMCS_REVISION;
}

static bool pdptes_hold(const struct entry *e)
{
    note(e, ENTRY_READS_STORAGE);
    return !e->mem || x86_pdptes_hold(e->mem, F(GUEST_CR3));
}

/* ---- The rows ---- */

#define V value_of(e, field)
static uint64_t value_of(const struct entry *e, enum vmcs_field field)
{
    return field_of(e, field + e->i);
}

#define CHECK(name, stage, first, each, section, when, holds, words) \
    static bool holds_##name(const struct entry *e)                  \
    {                                                                \
        const enum vmcs_field field = VMCS_##first;                  \
                                                                     \
        (void)field;                                                 \
        return !(when) || (holds);                                   \
    }
#define BITS(name, stage, first, each, section, when, must, may, words) \
    static void bits_##name(const struct entry *e, uint64_t *set,       \
                            uint64_t *open)                             \
    {                                                                   \
        const enum vmcs_field field = VMCS_##first;                     \
                                                                        \
        (void)field;                                                    \
        (void)e;                                                        \
        *set = (when) ? (must) : 0;                                     \
        *open = (when) ? (may) : UINT64_MAX;                            \
    }
#include "x86vmm/vtx/entry_check.def"
#undef CHECK
#undef BITS

static const struct entry_check rows[] = {
#define CHECK(name, stage, first, each, section, when, holds, words) \
    {#name,   ENTRY_##stage, VMCS_##first, each,                     \
     section, words,         holds_##name, NULL},
#define BITS(name, stage, first, each, section, when, must, may, words) \
    {#name,   ENTRY_##stage, VMCS_##first, each,                        \
     section, words,         NULL,         bits_##name},
#include "x86vmm/vtx/entry_check.def"
#undef CHECK
#undef BITS
};
const struct entry_check_table entry_checks = {rows, ARRAY_LEN(rows)};

/* ---- Asking ---- */

/* The row, for e->i. */
static bool ask(const struct entry *e, const struct entry_check *c,
                struct entry_failure *f)
{
    enum vmcs_field field = (enum vmcs_field)(c->field + e->i);
    uint64_t value = field_of(e, field), must, may;

    if (c->holds) {
        if (c->holds(e))
            return true;
        must = 0;
        may = UINT64_MAX;
    } else {
        c->bits(e, &must, &may);
        if ((value & must) == must && !(value & ~may))
            return true;
    }
    *f = (struct entry_failure){.check = c,
                                .field = field,
                                .value = value,
                                .computed = c->bits != NULL,
                                .should_be = (value | must) & may,
                                .msr = e->msr};
    return false;
}

/* For whoever takes a failure; false: that was enough. */
typedef bool (*take_fn)(void *who, const struct entry_failure *f);

static bool ask_each(struct entry *e, const struct entry_check *c, take_fn take,
                     void *who)
{
    uint32_t each = c->each ? c->each : 1;
    struct entry_failure f;

    for (e->i = 0; each >> e->i; e->i++)
        if ((each >> e->i & 1) && !ask(e, c, &f) && !take(who, &f))
            return false;
    return true;
}

/* All rows about one entry of the MSR list; false: that is enough. */
static bool ask_msr(struct entry *e, unsigned number,
                    const struct entry_check *first,
                    const struct entry_check *end, take_fn take, void *who)
{
    const uint8_t *p = mem_at(
        e->mem, F(ENTRY_MSR_LOAD_ADDR) + UINT64_C(16) * (number - 1), 16);
    struct entry_failure f;

    e->msr = p ? load_le32(p) : UINT32_MAX;
    e->msr_high = p ? load_le32(p + 4) : UINT32_MAX;
    e->msr_value = p ? load_le64(p + 8) : UINT64_MAX;
    for (const struct entry_check *c = first; c < end; c++)
        if (!ask(e, c, &f)) {
            f.msr_number = number;
            take(who, &f);
            return false;
        }
    return true;
}

/* The list, entry after entry, until one fails: then nothing more is loaded. */
static void ask_msrs(struct entry *e, const struct entry_check *first,
                     const struct entry_check *end, take_fn take, void *who)
{
    uint64_t count = min_u64(F(ENTRY_MSR_LOAD_COUNT), VMX_MSR_LIST_MAX);
    uint64_t address = F(ENTRY_MSR_LOAD_ADDR);

    e->i = 0;
    if (!e->mem || (address & ~LIST_ADDRESS) ||
        !list_fits(e, address, F(ENTRY_MSR_LOAD_COUNT)))
        return;
    for (unsigned i = 1; i <= count; i++)
        if (!ask_msr(e, i, first, end, take, who))
            return;
}

static void ask_all(struct entry *e, enum entry_stage first,
                    enum entry_stage last, take_fn take, void *who)
{
    const struct entry_check *c = rows, *end = rows + ARRAY_LEN(rows);

    for (; c < end && c->stage != ENTRY_MSR; c++)
        if (c->stage >= first && c->stage <= last && !ask_each(e, c, take, who))
            return;
    if (last == ENTRY_MSR)
        ask_msrs(e, c, end, take, who);
}

struct kept {
    struct entry_failure *to;
    size_t n, cap;
};

static bool keep(void *who, const struct entry_failure *f)
{
    struct kept *k = who;

    if (k->n < k->cap)
        k->to[k->n] = *f;
    k->n++;
    return true;
}

size_t entry_check_all(struct entry *e, struct entry_failure *failures,
                       size_t cap)
{
    struct kept k = {.to = failures, .cap = cap};

    ask_all(e, ENTRY_CONTROLS, ENTRY_MSR, keep, &k);
    return k.n;
}

static bool stop(void *who, const struct entry_failure *f)
{
    *(struct entry_failure *)who = *f;
    return false;
}

bool entry_check_until(struct entry *e, enum entry_stage first,
                       enum entry_stage last, struct entry_failure *failure)
{
    failure->check = NULL;
    ask_all(e, first, last, stop, failure);
    return !failure->check;
}

bool entry_check_row(struct entry *e, size_t row, struct entry_failure *failure)
{
    failure->check = NULL;
    ask_each(e, &rows[row], stop, failure);
    return !failure->check;
}

/* ---- Telling ---- */

bool entry_stage_fails_instruction(enum entry_stage stage)
{
    return stage <= ENTRY_HOST;
}

unsigned entry_stage_number(enum entry_stage stage)
{
    switch (stage) {
    case ENTRY_CONTROLS:
        return VMX_ERROR_ENTRY_CONTROLS;
    case ENTRY_HOST:
        return VMX_ERROR_ENTRY_HOST_STATE;
    case ENTRY_MSR:
        return VMX_EXIT_ENTRY_MSR_LOADING;
    default:
        return VMX_EXIT_ENTRY_GUEST_STATE;
    }
}

uint64_t entry_qualification(const struct entry_failure *f)
{
    switch (f->check->stage) {
    case ENTRY_PDPTE:
        return 2;
    case ENTRY_NMI:
        return 3;
    case ENTRY_LINK:
        return 4;
    case ENTRY_MSR:
        return f->msr_number;
    default:
        return 0;
    }
}

void entry_failure_words(const struct entry_failure *f, char *text, size_t cap)
{
    size_t n = format(text, cap, "%s is 0x%llX", vmcs_fields[f->field].name,
                      (unsigned long long)f->value);

    if (f->check->stage == ENTRY_MSR)
        n += format(text + n, cap - n, " (entry %u, MSR 0x%X)", f->msr_number,
                    f->msr);
    n += format(text + n, cap - n, ", but should %s", f->check->words);
    if (f->computed)
        n += format(text + n, cap - n, " (0x%llX would do)",
                    (unsigned long long)f->should_be);
    format(text + n, cap - n, " [SDM vol. 3, %s]", f->check->section);
}
