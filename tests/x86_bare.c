#include "tests/x86_bare.h"

#include "base/bytes.h"
#include "x86vmm/machine/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_interrupt(void *who)
{
    (void)who;
    return -1;
}

static void *get(size_t size)
{
    void *p = calloc(1, size);

    if (!p) {
        perror("x86_bare");
        exit(1);
    }
    return p;
}

void x86_bare_enter(struct x86_bare *m, enum x86_mode mode)
{
    bool real = mode == X86_MODE_REAL;
    struct x86_state *s = &m->cpu.state;

    x86_cpu_reset(&m->cpu);
    if (x86_mode_enter(mode, s, &m->mem, real ? 0 : BARE_CODE))
        abort();
    if (real) {
        s->seg[X86_CS].selector = BARE_CODE >> 4;
        s->seg[X86_CS].base = BARE_CODE;
    }
    s->gpr[X86_RSP] = real ? 0x8000 : BARE_STACK;
    x86_tlb_flush(&m->cpu, true);
    x86_code_written(&m->cpu, 0, BARE_STORAGE);
    x86_mode_changed(&m->cpu);
}

struct x86_bare *x86_bare_new(enum x86_mode mode)
{
    struct x86_bare *m = get(sizeof(*m));
    struct x86_world world = {.mem = &m->mem,
                              .bus = &m->bus,
                              .clock = &m->clock,
                              .acknowledge = no_interrupt};

    m->storage = get(BARE_STORAGE);
    clock_init(&m->clock);
    if (mem_add(&m->mem,
                &(struct mem_slot){.size = BARE_STORAGE, .host = m->storage}) ||
        x86_cpu_init(&m->cpu, &world))
        abort();
    x86_bare_enter(m, mode);
    return m;
}

void x86_bare_free(struct x86_bare *m)
{
    x86_cpu_fini(&m->cpu);
    free(m->storage);
    free(m);
}

/* Let the user into every page of the mode's tables. */
static void open_pages(struct x86_bare *m)
{
    const struct x86_state *s = &m->cpu.state;
    uint8_t *tables = m->storage + X86_MODE_PAGES;
    unsigned entry = s->cr4 & X86_CR4_PAE ? 8 : 4;

    for (unsigned i = 0; i < X86_MODE_TABLES_END - X86_MODE_PAGES; i += entry)
        if (tables[i] & 1)
            tables[i] |= 4;
}

void x86_bare_user(struct x86_bare *m)
{
    struct x86_state *s = &m->cpu.state;

    if (s->cr0 & X86_CR0_PG)
        open_pages(m);
    for (unsigned i = X86_ES; i <= X86_GS; i++) {
        s->seg[i].attr |= X86_ATTR_DPL;
        s->seg[i].selector |= 3;
    }
    x86_tlb_flush(&m->cpu, true);
    x86_mode_changed(&m->cpu);
}

uint8_t *x86_bare_map(struct x86_bare *m, uint64_t entry)
{
    enum { TABLE_RIGHTS = 7 /* present, written, the user's */, USER = 4 };
    uint8_t *at = m->storage + BARE_PAGE_TABLE;

    store_le64(m->storage + X86_MODE_PAGES + 0x2010,
               BARE_PAGE_TABLE | TABLE_RIGHTS);
    m->storage[X86_MODE_PAGES] |= USER;
    m->storage[X86_MODE_PAGES + 0x1000] |= USER;
    store_le64(at, entry);
    x86_tlb_flush(&m->cpu, true);
    return at;
}

void x86_bare_host(struct vmcs *v, const struct x86_state *s, uint64_t rip)
{
    v->field[VMCS_HOST_CR0] = s->cr0;
    v->field[VMCS_HOST_CR3] = s->cr3;
    v->field[VMCS_HOST_CR4] = s->cr4;
    v->field[VMCS_HOST_EFER] = s->efer;
    v->field[VMCS_HOST_CS_SELECTOR] = s->seg[X86_CS].selector & 0xFFF8;
    v->field[VMCS_HOST_RIP] = rip;
    v->field[VMCS_HOST_RSP] = BARE_STACK;
}
