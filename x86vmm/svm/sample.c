#include "x86vmm/svm/sample.h"

#include "x86vmm/svm/exit.h"

#define SET(name, value) (v->field[VMCB_##name] = (value))

#define PAT_AT_RESET UINT64_C(0x0007040600070406)

static void make_segments(struct vmcb *v, uint32_t limit, unsigned code,
                          unsigned data)
{
    for (unsigned i = X86_ES; i <= X86_GS; i++) {
        uint64_t *row = &v->field[vmcb_segment((enum x86_seg)i)];

        row[VMCB_LIMIT] = limit;
        row[VMCB_ATTRIB] = i == X86_CS ? code : data;
    }
    SET(TR_LIMIT, 0x67);
    SET(TR_ATTRIB, VMCB_ATTR_TSS);
    SET(LDTR_ATTRIB, VMCB_ATTR_LDT);
    SET(GDTR_LIMIT, 0xFFFF);
    SET(IDTR_LIMIT, 0xFFFF);
}

static void nest(struct vmcb *v)
{
    SET(NP_CONTROL, VMCB_NESTED_PAGING);
    SET(G_PAT, PAT_AT_RESET);
}

static void make_guest(struct vmcb *v, enum x86_sample sample)
{
    const uint64_t paged = X86_CR0_PE | X86_CR0_PG;
    const uint32_t flat = UINT32_MAX;

    switch (sample) {
    case X86_SAMPLE_REAL:
        nest(v);
        make_segments(v, 0xFFFF, VMCB_ATTR_CODE_16, VMCB_ATTR_DATA_16);
        break;
    case X86_SAMPLE_V86:
        SET(CR0, paged | X86_CR0_ET);
        SET(RFLAGS, X86_FLAG_ONE | X86_FLAG_VM);
        SET(CPL, 3);
        make_segments(v, 0xFFFF, VMCB_ATTR_V86, VMCB_ATTR_V86);
        break;
    case X86_SAMPLE_PAE:
        nest(v);
        SET(CR0, paged | X86_CR0_ET);
        SET(CR4, X86_CR4_PAE);
        make_segments(v, flat, VMCB_ATTR_CODE_32, VMCB_ATTR_DATA_32);
        break;
    case X86_SAMPLE_LONG:
        nest(v);
        SET(CR0, paged | X86_CR0_ET);
        SET(CR4, X86_CR4_PAE);
        SET(EFER, SVM_EFER_SVME | X86_EFER_LME | X86_EFER_LMA);
        make_segments(v, flat, VMCB_ATTR_CODE_64, VMCB_ATTR_DATA_32);
        break;
    default:
        SET(CR0, paged | X86_CR0_ET);
        make_segments(v, flat, VMCB_ATTR_CODE_32, VMCB_ATTR_DATA_32);
        break;
    }
}

void vmcb_make(struct vmcb *v, enum x86_sample sample)
{
    *v = (struct vmcb){0};
    vmcb_put(v, SVM_INTERCEPT_VMRUN, true);
    vmcb_put(v, SVM_INTERCEPT_HLT, true);
    vmcb_put(v, SVM_INTERCEPT_SHUTDOWN, true);
    SET(ASID, 1);
    SET(EFER, SVM_EFER_SVME);
    SET(CR0, X86_CR0_ET);
    SET(RFLAGS, X86_FLAG_ONE);
    SET(RIP, 0x1000);
    SET(DR6, 0xFFFF0FF0);
    SET(DR7, 0x400);
    make_guest(v, sample);
}
