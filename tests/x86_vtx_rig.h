/* A modelled processor with VT-x and what its suites begin from. */
#ifndef TESTS_X86_VTX_RIG_H
#define TESTS_X86_VTX_RIG_H

#include "tests/x86_bare.h"
#include "x86vmm/vtx/part.h"
#include "x86vmm/vtx/sample.h"

enum {
    VMXON_REGION = 0x50000,
    REGION = 0x51000, /* these three have the revision identifier */
    REGION_2 = 0x52000,
    EPT = 0x60000, /* PML4, PDPT, PD, PT of the first 2 MiB */
    GUEST = 0x30000
};

/* Made by vtx_rig_set_up for each test: 64-bit mode. */
extern struct x86_bare *m;
extern struct vtx *t;
extern struct vmcs *v;

void vtx_rig_set_up(void);
void vtx_rig_tear_down(void);

void put_code(uint32_t at, const void *code, size_t n);
#define CODE(at, bytes) put_code(at, bytes, sizeof(bytes) - 1)

/* EPT: identity, 4-KiB pages, all allowed; the entry of one of them. */
void make_ept(void);
uint8_t *ept_of(uint32_t gpa);

/* v is a guest in real-address mode that begins at GUEST. */
void make_real(void);

/* Enter v, which must be allowed; and run until the exit, which must have this
 * reason. */
void vtx_rig_enter(void);
void vtx_rig_run_to(enum vmx_exit reason);

#endif
