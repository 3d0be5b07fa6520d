/* AMD-V in software: a part of the modelled processor (AMD APM vol. 2, chapter
 * 15, "Secure Virtual Machine").
 *
 * A monitor is either in storage, and uses VMRUN and its kin; or it is this
 * program, which fills a struct vmcb, enters, runs the processor until
 * X86_EXIT, and reads the struct.
 *
 * Offered, as CPUID 8000_000A says: nested paging, NRIP, decode assists, flush
 * by ASID.  Not: LBR virtualization, PAUSE filters, AVIC, virtual GIF, SKINIT,
 * TSC ratio, virtualized VMLOAD and VMSAVE, encryption. */
#ifndef X86VMM_SVM_SVM_H
#define X86VMM_SVM_SVM_H

#include "x86vmm/machine/guest_tlb.h"
#include "x86vmm/svm/vmrun_check.h"

/* A #VMEXIT on its way: fields of the VMCB. */
struct svm_exit {
    uint64_t code, info1, info2;
    uint64_t next;            /* NRIP; 0: no instruction has done it */
    uint8_t count, bytes[15]; /* of the instruction: decode assist */
};

/* Nested page tables are in the host's format (15.25.3): its mode at VMRUN. */
struct svm_nested {
    uint64_t root;
    uint8_t levels, entry; /* bytes of one */
    bool nxe, pse, smep;
    uint64_t reserved[4][2]; /* bits: level 0 is the leaf's; of a large page */
};

/* Whose translations are kept, and what they were made of. */
struct svm_kept {
    uint32_t asid; /* 0: nobody's */
    uint64_t n_cr3, cr0, cr3, cr4, efer;
};

struct svm {
    uint64_t vm_cr, hsave_pa; /* MSRs */
    uint64_t performance[8];
    bool gif;         /* global interrupt flag */
    uint64_t address; /* of the VMCB, of a monitor in storage */
    struct vmcb own;  /* its contents */

    struct vmcb *v; /* of the guest that is run */
    bool outside;   /* its monitor is this program */
    bool host_if;   /* the monitor's RFLAGS.IF */
    bool host_tf;   /* it was stepping over VMRUN */
    struct svm_kept kept;
    struct svm_nested nested;
    struct x86_guest_tlb pages; /* what was found in it */
    struct svm_exit exit;       /* on its way */
    struct vmrun_failure why;   /* the last VMRUN that failed */
};

/* Make it a part of this processor; borrowed until the processor's end.  CPUID
 * then says AuthenticAMD, unless the processor's world has a vendor. */
void svm_attach(struct svm *t, struct x86_cpu *cpu);

/* Enter the guest of a monitor that is this program.  The general registers
 * but RAX and RSP are the processor's, and so is all that VMLOAD loads (FS, GS,
 * TR, LDTR, KernelGsBase, STAR, LSTAR, CSTAR, SFMASK, SYSENTER_*): it stays
 * there at the entry and at the exit, and svm_load_more() and svm_save_more()
 * move it.  All else comes from v, which is borrowed until the exit (x86_run or
 * x86_step: X86_EXIT); then v has the guest's state and why it was left, and
 * the processor has that state too.  Nested page tables have four levels, with
 * NX.
 *
 * An interrupt or NMI that exits stays pending (cpu->interrupt_line,
 * cpu->nmi_pending): the monitor takes it.
 *
 * False: a check failed, v->EXITCODE is SVM_EXIT_INVALID, and t->why says
 * which; the processor is as it was.  An exit may come at once: *exited. */
bool svm_enter(struct x86_cpu *cpu, struct vmcb *v, bool *exited);

/* What VMLOAD and VMSAVE do. */
void svm_load_more(struct x86_cpu *cpu, const struct vmcb *v);
void svm_save_more(const struct x86_cpu *cpu, struct vmcb *v);

/* Leave the guest that is run, between two instructions, as if a physical
 * interrupt had come (SVM_EXIT_INTR), or by another code. */
void svm_leave_by(struct x86_cpu *cpu, enum svm_exit_code why);

#endif
