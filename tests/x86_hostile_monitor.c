#include "tests/x86_hostile_monitor.h"

#include "base/bytes.h"
#include "tests/x86_hostile.h"
#include "x86vmm/svm/sample.h"
#include "x86vmm/vtx/sample.h"

#include <stdlib.h>
#include <string.h>

enum {
    REGION = 0x50000, /* VMXON region, VMCS; host save area, VMCB */
    REGION_2 = 0x51000,
    TABLES = 0x60000, /* EPT or nested paging: identity, the first 2 MiB */
    MAPS = 0x70000,   /* of ports and MSRs */
    SVME = 0x1000
};

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 20;
}

/* The bits are read, write and execute of EPT; present, writable and user of
 * nested paging. */
static void make_tables(uint8_t *storage, uint64_t leaf, uint64_t *seed)
{
    for (unsigned i = 0; i < 3; i++)
        store_le64(storage + TABLES + 0x1000 * i,
                   (TABLES + 0x1000 * (i + 1)) | 7);
    for (unsigned i = 0; i < 512; i++)
        store_le64(storage + TABLES + 0x3000 + 8 * i,
                   (uint64_t)i * 4096 | 7 | leaf);
    for (uint64_t n = next(seed) % 8; n; n--)
        storage[TABLES + next(seed) % 0x4000] ^= (uint8_t)(1 << next(seed) % 8);
}

/* A wrong bit. */
static uint64_t spoiled(uint64_t value, uint64_t *seed)
{
    return value ^ UINT64_C(1) << next(seed) % 64 >> next(seed) % 32;
}

static void make_vmcs(struct hostile_monitor *h, uint64_t *seed)
{
    struct x86_bare *m = h->m;
    const struct x86_state *s = &m->cpu.state;
    struct vmcs *v = &h->vtx.own;

    make_tables(m->storage, 6 << 3, seed);
    vmcs_make(v, (enum x86_sample)(next(seed) % X86_SAMPLE_COUNT));
    v->field[VMCS_EPT_POINTER] = TABLES | 0x1E;
    v->field[VMCS_GUEST_CR3] = X86_MODE_PAGES;
    v->field[VMCS_GUEST_RIP] = BARE_CODE;
    v->field[VMCS_MSR_BITMAP] = v->field[VMCS_IO_BITMAP_A] = MAPS;
    v->field[VMCS_IO_BITMAP_B] = MAPS + 0x1000;
    x86_bare_host(v, s, BARE_CODE + 16);
    for (uint64_t n = next(seed) % 6; n; n--) {
        enum vmcs_field f = (enum vmcs_field)(next(seed) % VMCS_FIELD_COUNT);

        vmcs_set(v, f, spoiled(v->field[f], seed));
    }
}

static void begin_vtx(struct hostile_monitor *h, uint64_t *seed)
{
    struct x86_cpu *cpu = &h->m->cpu;

    vtx_attach(&h->vtx, cpu);
    cpu->state.cr0 |= X86_CR0_NE;
    cpu->state.cr4 |= VMX_CR4_VMXE;
    store_le32(h->m->storage + REGION, VMCS_REVISION);
    store_le32(h->m->storage + REGION_2, VMCS_REVISION);
    h->vtx.on = true;
    h->vtx.vmxon = REGION;
    h->vtx.current = REGION_2;
    make_vmcs(h, seed);
    memcpy(h->m->storage + BARE_CODE, "\x0F\x01\xC2", 3); /* vmlaunch */
}

static void begin_svm(struct hostile_monitor *h, uint64_t *seed)
{
    struct x86_bare *m = h->m;
    struct vmcb v;

    svm_attach(&h->svm, &m->cpu);
    m->cpu.state.efer |= SVME;
    h->svm.hsave_pa = REGION;
    make_tables(m->storage, 0, seed);
    vmcb_make(&v, (enum x86_sample)(next(seed) % X86_SAMPLE_COUNT));
    v.field[VMCB_N_CR3] = TABLES;
    v.field[VMCB_CR3] = X86_MODE_PAGES;
    v.field[VMCB_RIP] = BARE_CODE + 3;
    v.field[VMCB_IOPM_BASE] = v.field[VMCB_MSRPM_BASE] = MAPS;
    for (uint64_t n = next(seed) % 6; n; n--) {
        enum vmcb_field f = (enum vmcb_field)(next(seed) % VMCB_FIELD_COUNT);

        vmcb_set(&v, f, spoiled(v.field[f], seed));
    }
    vmcb_store(&v, UINT32_MAX, m->storage + REGION_2);
    m->cpu.state.gpr[X86_RAX] = REGION_2;
    memcpy(m->storage + BARE_CODE, "\x0F\x01\xD8", 3); /* vmrun */
}

/* From this seed on the first of a program that may enter a guest. */
static uint64_t able(uint64_t seed)
{
    unsigned cpl;

    while (hostile_mode(seed, &cpl) != SYS_LONG || cpl)
        seed = next(&seed);
    return seed;
}

/* ---- A monitor that goes on ---- */

enum { HANDLER = BARE_CODE + 0x800, LOG = 0x7F000, INNER = BARE_CODE + 0x100 };

/* At each exit: reason and qualification are added up at LOG, 3 is added to
 * RIP, and VMRESUME.  Behind it, where that fails, is a HLT. */
static void make_handler(uint8_t *storage)
{
    static const uint8_t code[] = {
        0xB8, 0x02, 0x44, 0,    0,                   /* mov eax, reason */
        0x0F, 0x78, 0xC1,                            /* vmread rcx, rax */
        0x48, 0x01, 0x0C, 0x25, 0x00, 0xF0, 0x07, 0, /* add [LOG], rcx */
        0xB8, 0x00, 0x64, 0,    0,                   /* qualification */
        0x0F, 0x78, 0xC1,                            /* vmread rcx, rax */
        0x48, 0x01, 0x0C, 0x25, 0x08, 0xF0, 0x07, 0, /* add [LOG+8], rcx */
        0xB8, 0x1E, 0x68, 0,    0,                   /* RIP */
        0x0F, 0x78, 0xC1, 0x48, 0x83, 0xC1, 3,       /* ... add rcx, 3 */
        0x0F, 0x79, 0xC1,                            /* vmwrite rax, rcx */
        0x0F, 0x01, 0xC3, 0xF4};                     /* vmresume; hlt */

    memcpy(storage + HANDLER, code, sizeof(code));
}

static void let_resume(struct hostile_monitor *h, uint64_t *seed)
{
    uint8_t *leaves = h->m->storage + TABLES + 0x3000;
    struct vmcs *v = &h->vtx.own;

    make_handler(h->m->storage);
    v->field[VMCS_HOST_RIP] = HANDLER;
    v->field[VMCS_GUEST_RIP] = INNER;
    v->field[VMCS_GUEST_GDTR_BASE] = h->m->cpu.state.gdt.base;
    v->field[VMCS_GUEST_IDTR_BASE] = h->m->cpu.state.idt.base;
    v->field[VMCS_GUEST_GDTR_LIMIT] = h->m->cpu.state.gdt.limit;
    v->field[VMCS_GUEST_IDTR_LIMIT] = h->m->cpu.state.idt.limit;
    if (next(seed) % 4)
        v->field[VMCS_EXCEPTION_BITMAP] = (uint32_t)next(seed);
    if (next(seed) % 2)
        v->field[VMCS_PF_ERROR_MASK] = next(seed) % 32;
    v->field[VMCS_PF_ERROR_MATCH] = next(seed) % 32;
    for (uint64_t n = next(seed) % 64; n; n--) { /* but for the program's own */
        uint64_t page = next(seed) % 256, right = next(seed) % 3;

        if (page != BARE_CODE / 4096)
            leaves[8 * page] &= (uint8_t) ~(1u << right);
    }
}

struct hostile_monitor *hostile_monitor_new(bool svm, uint64_t seed,
                                            bool resumes)
{
    struct hostile_monitor *h = calloc(1, sizeof(*h));

    seed = able(seed);
    h->m = hostile_new(seed, HOSTILE_UNPAGED, 0);
    for (unsigned i = 0; i < 0x4000; i += 8)
        store_le64(h->m->storage + MAPS + i, next(&seed) << 30 ^ next(&seed));
    if (svm)
        begin_svm(h, &seed);
    else
        begin_vtx(h, &seed);
    if (resumes && !svm)
        let_resume(h, &seed);
    x86_mode_changed(&h->m->cpu);
    return h;
}

void hostile_monitor_free(struct hostile_monitor *h)
{
    x86_bare_free(h->m);
    free(h);
}
