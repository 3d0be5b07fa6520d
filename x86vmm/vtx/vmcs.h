/* The virtual-machine control structure (Intel SDM vol. 3, "Virtual Machine
 * Control Structures"): what a monitor asks for, and what it is told. */
#ifndef X86VMM_VTX_VMCS_H
#define X86VMM_VTX_VMCS_H

#include "x86vmm/machine/state.h"

/* A row of vmcs.def. */
enum vmcs_field {
#define FIELD(encoding, name, section, words) VMCS_##name,
#include "x86vmm/vtx/vmcs.def"
#undef FIELD
    VMCS_FIELD_COUNT
};

enum vmcs_kind {
    VMCS_CONTROL,
    VMCS_READ_ONLY, /* exit information: VMWRITE refuses */
    VMCS_GUEST,
    VMCS_HOST,
    VMCS_KIND_COUNT
};

struct vmcs_field_desc {
    uint16_t encoding;
    const char *name, *section, *words;
};

/* The contents.  Values are as wide as their fields: vmcs_set cuts them. */
struct vmcs {
    uint64_t field[VMCS_FIELD_COUNT];
    bool launched;
};

/* Of GUEST_INTERRUPTIBILITY, and GUEST_ACTIVITY but for 0, active (SDM vol. 3,
 * "Guest Non-Register State"). */
enum {
    VMCS_BY_STI = 1,
    VMCS_BY_MOV_SS = 2,
    VMCS_SHADOWED = VMCS_BY_STI | VMCS_BY_MOV_SS,
    VMCS_BY_NMI = 8
};
enum { VMCS_HALTED = 1, VMCS_SHUT_DOWN = 2 };

/* ENTRY_INTERRUPTION_INFO, EXIT_INTERRUPTION_INFO and IDT_VECTORING_INFO: the
 * vector, and these (SDM vol. 3, "Format of the VM-Entry
 * Interruption-Information Field"). */
enum vmcs_event_type {
    VMCS_EVENT_INTERRUPT = 0,
    VMCS_EVENT_NMI = 2,
    VMCS_EVENT_EXCEPTION = 3,
    VMCS_EVENT_SOFTWARE = 4,   /* INT n */
    VMCS_EVENT_PRIVILEGED = 5, /* INT1 */
    VMCS_EVENT_BREAK = 6,      /* INT3, INTO */
    VMCS_EVENT_OTHER = 7       /* a pending monitor trap flag */
};
enum { VMCS_EVENT_ERROR = 1 << 11 };
#define VMCS_EVENT_VALID UINT32_C(0x80000000)

static inline enum vmcs_event_type vmcs_event_type(uint64_t info)
{
    return (enum vmcs_event_type)(info >> 8 & 7);
}

extern const struct vmcs_field_desc vmcs_fields[VMCS_FIELD_COUNT];

/* The field with this encoding (bit 0 clear), or this name (any case), or
 * VMCS_FIELD_COUNT. */
enum vmcs_field vmcs_find(uint64_t encoding);
enum vmcs_field vmcs_named(const char *name, size_t n);

/* 16, 32 or 64 bits; which area it is in (bits of the encoding). */
unsigned vmcs_width(enum vmcs_field f);
enum vmcs_kind vmcs_kind(enum vmcs_field f);
const char *vmcs_kind_words(enum vmcs_kind kind);

static inline void vmcs_set(struct vmcs *v, enum vmcs_field f, uint64_t value)
{
    unsigned width = vmcs_width(f);

    v->field[f] = width == 64 ? value : value & ((UINT64_C(1) << width) - 1);
}

/* ---- Segments ---- */

/* Access rights (SDM vol. 3, "Guest Register State") as X86_ATTR_*. */
static inline uint16_t vmcs_attr(uint64_t rights)
{
    return (uint16_t)((rights & 0xFF) | (rights >> 4 & 0xF00) |
                      (rights & 0x10000 ? X86_ATTR_UNUSABLE : 0));
}

/* One of the guest's. */
static inline struct x86_segment vmcs_segment(const struct vmcs *v,
                                              enum x86_seg seg)
{
    return (struct x86_segment){
        .selector = (uint16_t)v->field[VMCS_GUEST_ES_SELECTOR + seg],
        .base = v->field[VMCS_GUEST_ES_BASE + seg],
        .limit = (uint32_t)v->field[VMCS_GUEST_ES_LIMIT + seg],
        .attr = vmcs_attr(v->field[VMCS_GUEST_ES_RIGHTS + seg])};
}

/* All of them, and GDTR and IDTR, into it. */
void vmcs_put_segments(struct vmcs *v, const struct x86_state *s);

/* ---- In the guest's storage ----
 *
 * A VMCS region is one page.  What software may look at: bytes 0 to 3, the
 * revision identifier, and 4 to 7, the VMX-abort indicator (SDM vol. 3,
 * "Format of the VMCS Region").  The rest is the processor's own; here it is,
 * little-endian: at 8 the launch state (4 bytes, 1: launched), and from 16 on
 * the fields in the order of vmcs.def, 8 bytes each. */
enum {
    VMCS_REGION = 4096,
    VMCS_REVISION = 0x54524C31, /* "TRL1"; bit 31 is not part of it */
    VMCS_AT_ABORT = 4,
    VMCS_AT_LAUNCHED = 8,
    VMCS_AT_FIELDS = 16
};

/* From and to a region of VMCS_REGION bytes.  The revision and the abort
 * indicator are left alone.  Any bytes can be loaded. */
void vmcs_load(struct vmcs *v, const uint8_t *region);
void vmcs_store(const struct vmcs *v, uint8_t *region);

#endif
