/* The virtual machine control block (AMD APM vol. 2, chapter 15 and appendix
 * B): what a monitor asks for, the guest's state, and why the guest was left.
 */
#ifndef X86VMM_SVM_VMCB_H
#define X86VMM_SVM_VMCB_H

#include "x86vmm/machine/state.h"

/* EFER: SVM is enabled. */
#define SVM_EFER_SVME UINT64_C(0x1000)

/* A row of vmcb.def. */
enum vmcb_field {
#define FIELD(offset, size, name, area, section, words) VMCB_##name,
#include "x86vmm/svm/vmcb.def"
#undef FIELD
    VMCB_FIELD_COUNT
};

enum vmcb_area {
    VMCB_AREA_CONTROL,
    VMCB_AREA_BOTH,
    VMCB_AREA_EXIT,
    VMCB_AREA_STATE,
    VMCB_AREA_MORE,
    VMCB_AREA_IDLE,
    VMCB_AREA_COUNT
};

struct vmcb_field_desc {
    uint16_t offset;
    uint8_t size; /* bytes */
    uint8_t area; /* enum vmcb_area */
    const char *name, *section, *words;
};

/* The contents.  Values are as wide as their fields: vmcb_set cuts them. */
struct vmcb {
    uint64_t field[VMCB_FIELD_COUNT];
};

extern const struct vmcb_field_desc vmcb_fields[VMCB_FIELD_COUNT];

/* The field of this name (any case), or VMCB_FIELD_COUNT. */
enum vmcb_field vmcb_named(const char *name, size_t n);
const char *vmcb_area_words(enum vmcb_area area);

void vmcb_set(struct vmcb *v, enum vmcb_field f, uint64_t value);

/* ---- In storage ---- one page; bytes that no row names are reserved, and
 * left alone. */
enum { VMCB_PAGE = 4096, VMCB_STATE = 0x400, VMCB_MSR_MAP = 2 * VMCB_PAGE };

/* All fields from a page; those of some areas (a bit each) to it.  NULL: no
 * storage is there, which reads as ones. */
void vmcb_load(struct vmcb *v, const uint8_t *page);
void vmcb_store(const struct vmcb *v, unsigned areas, uint8_t *page);

/* ---- Segments ---- */

/* The selector's row of a segment; its attributes, limit and base follow. */
enum vmcb_field vmcb_segment(enum x86_seg seg);
enum { VMCB_ATTRIB = 1, VMCB_LIMIT = 2, VMCB_BASE = 3 };

/* Between a VMCB and registers.  Out of a VMCB bases are made canonical, and
 * what is not present is unusable (15.5.1). */
struct x86_segment vmcb_get_segment(const struct vmcb *v, enum x86_seg seg);
void vmcb_put_segment(struct vmcb *v, enum x86_seg seg,
                      const struct x86_segment *s);

/* ---- Parts of V_INTR, INTERRUPT_SHADOW, NP_CONTROL, EVENTINJ ---- */

enum {
    VMCB_V_TPR = 0xFF,
    VMCB_V_IRQ = 1 << 8,
    VMCB_V_PRIORITY = 0xF << 16,
    VMCB_V_IGNORE_TPR = 1 << 20,
    VMCB_V_MASKING = 1 << 24
};
static inline unsigned vmcb_v_vector(const struct vmcb *v)
{
    return v->field[VMCB_V_INTR] >> 32 & 0xFF;
}
enum { VMCB_SHADOW = 1, VMCB_NESTED_PAGING = 1, VMCB_LBR = 1 };

/* EVENTINJ and EXITINTINFO. */
enum vmcb_event_type {
    VMCB_EVENT_INTERRUPT = 0,
    VMCB_EVENT_NMI = 2,
    VMCB_EVENT_EXCEPTION = 3,
    VMCB_EVENT_SOFTWARE = 4 /* INT n */
};
enum { VMCB_EVENT_ERROR = 1 << 11 };
#define VMCB_EVENT_VALID UINT64_C(0x80000000)

enum vmcb_tlb {
    VMCB_TLB_KEEP = 0,
    VMCB_TLB_DROP_ALL = 1,
    VMCB_TLB_DROP_ASID = 3,
    VMCB_TLB_DROP_ASID_LOCAL = 7
};

#endif
