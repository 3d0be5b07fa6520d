#include "tests/x86_hostile_arrival.h"

#include "base/bytes.h"
#include "tests/x86_system.h"
#include "x86vmm/machine/segment.h"

#include <string.h>

static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* ---- When ---- */

/* An interrupt controller gives mostly vectors from 20h, and can any. */
static int vector_of(uint64_t *seed)
{
    uint32_t kind = next(seed);

    if (kind % 3 == 0)
        return HOSTILE_NMI;
    return (int)(kind % 16 == 1 ? next(seed) % 0x20 : 0x20 + next(seed) % 0xE0);
}

unsigned hostile_arrivals(uint64_t seed,
                          struct hostile_arrival to[HOSTILE_ARRIVALS])
{
    unsigned count = 1 + next(&seed) % HOSTILE_ARRIVALS;
    uint64_t at = 0;

    for (unsigned i = 0; i < count; i++) {
        uint32_t gap = next(&seed);

        at += (gap >> 8) % (gap % 4 == 0 ? 3 : gap % 4 == 1 ? 200 : 20);
        to[i] = (struct hostile_arrival){at, vector_of(&seed)};
    }
    return count;
}

/* ---- Controllers ---- */

void hostile_controller_raise(struct hostile_controller *c, int vector)
{
    if (!c->waits)
        c->vector = (uint8_t)vector;
    c->waits = true;
    if (c->cpu)
        c->cpu->interrupt_line = true;
}

int hostile_controller_acknowledge(void *who)
{
    struct hostile_controller *c = who;

    if (!c->waits)
        return -1;
    c->waits = false;
    if (c->cpu)
        c->cpu->interrupt_line = false;
    return c->vector;
}

bool hostile_controller_waits(void *who)
{
    return ((const struct hostile_controller *)who)->waits;
}

void hostile_controller_attach(struct hostile_controller *c,
                               struct x86_cpu *cpu)
{
    c->cpu = cpu;
    cpu->world.acknowledge = hostile_controller_acknowledge;
    cpu->world.who = c;
}

/* ---- Programs ---- */

/* What opens and closes windows. */
static void sprinkle(uint8_t *code, unsigned size, uint64_t *seed)
{
    static const struct {
        uint8_t size, bytes[3];
    } some[] = {
        {1, {0xF4}},             /* hlt */
        {2, {0xFB, 0xF4}},       /* sti; hlt */
        {2, {0xFB, 0x90}},       /* sti; nop */
        {2, {0xFB, 0xFA}},       /* sti; cli */
        {3, {0xFB, 0x8E, 0xD0}}, /* sti; mov ss, ax */
        {2, {0x8E, 0xD0}},       /* mov ss, ax */
        {3, {0x16, 0x17, 0xF4}}, /* push ss; pop ss; hlt */
        {3, {0x16, 0x17, 0xFB}},
        {2, {0x9C, 0x9D}}, /* pushf; popf */
        {1, {0xCF}},       /* iret */
    };

    for (unsigned n = next(seed) % 48; n; n--) {
        unsigned which = next(seed) % ARRAY_LEN(some);

        memcpy(code + next(seed) % (size - 3), some[which].bytes,
               some[which].size);
    }
}

/* Some gates leave IF on, change the task, are 16 bits wide, or have a stack of
 * their own. */
static void mix_gates(struct x86_bare *m, uint64_t *seed)
{
    bool wide = m->cpu.state.efer & X86_EFER_LMA;
    unsigned size = wide ? 16 : 8;

    for (unsigned v = 0; v < 256; v++) {
        uint8_t *gate = m->storage + SYS_IDT + v * size;

        switch (next(seed) % 12) {
        case 0:
        case 1:
            gate[5] |= 1; /* a trap gate */
            break;
        case 2:
            if (wide)
                gate[4] = 1;
            else
                store_le64(gate, UINT64_C(0xE500) << 32 |
                                     (next(seed) % 2 ? SEL_TSS2 : SEL_TSS16)
                                         << 16);
            break;
        case 3:
            if (!wide)
                gate[5] &= (uint8_t)~8;
            break;
        default:
            break;
        }
    }
}

void hostile_disturb(struct x86_bare *m, uint64_t seed)
{
    struct x86_state *s = &m->cpu.state;

    seed ^= 0x1A7E;
    sprinkle(m->storage + BARE_CODE + 3, 0x3FD, &seed);
    if (!x86_real_mode(s))
        mix_gates(m, &seed);
    if (next(&seed) % 4)
        s->rflags |= X86_FLAG_IF;
    if (next(&seed) % 2)
        s->rflags &= ~X86_FLAG_TF;
}

static void disturb_vmcs(struct vmcs *v, uint64_t *seed)
{
    static const uint16_t some[] = {
        VMX_PIN_EXTERNAL_INTERRUPT, VMX_PIN_NMI, VMX_PIN_VIRTUAL_NMIS,
        VMX_EXIT_ACKNOWLEDGE_INTERRUPT, VMX_PRIMARY_HLT};

    for (unsigned i = 0; i < ARRAY_LEN(some); i++)
        vmcs_put(v, (enum vmx_control)some[i], next(seed) % 2);
    if (!vmcs_has(v, VMX_PIN_NMI))
        vmcs_put(v, VMX_PIN_VIRTUAL_NMIS, false);
    vmcs_put(v, VMX_PRIMARY_INTERRUPT_WINDOW, next(seed) % 8 == 0);
    vmcs_put(v, VMX_PRIMARY_NMI_WINDOW,
             vmcs_has(v, VMX_PIN_VIRTUAL_NMIS) && next(seed) % 4 == 0);
    v->field[VMCS_GUEST_RFLAGS] |= next(seed) % 2 ? X86_FLAG_IF : 0;
    if (next(seed) % 8 == 0)
        v->field[VMCS_GUEST_INTERRUPTIBILITY] |= VMCS_BY_NMI;
    if (next(seed) % 16 == 0)
        v->field[VMCS_GUEST_ACTIVITY] = next(seed) % 3;
}

static void disturb_vmcb(struct hostile_monitor *h, uint64_t *seed)
{
    static const uint8_t some[] = {SVM_INTERCEPT_INTR,  SVM_INTERCEPT_NMI,
                                   SVM_INTERCEPT_VINTR, SVM_INTERCEPT_HLT,
                                   SVM_INTERCEPT_IRET,  SVM_INTERCEPT_STGI,
                                   SVM_INTERCEPT_CLGI};
    uint8_t *at = h->m->storage + h->m->cpu.state.gpr[X86_RAX];
    struct vmcb v;

    vmcb_load(&v, at);
    for (unsigned i = 0; i < ARRAY_LEN(some); i++)
        vmcb_put(&v, (enum svm_intercept)some[i], next(seed) % 2);
    v.field[VMCB_V_INTR] =
        (next(seed) % 2 ? VMCB_V_MASKING : 0) |
        (next(seed) % 3 ? 0
                        : VMCB_V_IRQ | (next(seed) % 2) * VMCB_V_IGNORE_TPR);
    v.field[VMCB_V_INTR] |= (uint64_t)(0x20 + next(seed) % 0xE0) << 32;
    v.field[VMCB_RFLAGS] |= next(seed) % 2 ? X86_FLAG_IF : 0;
    vmcb_store(&v, UINT32_MAX, at);
}

void hostile_disturb_monitor(struct hostile_monitor *h, bool svm, uint64_t seed)
{
    hostile_disturb(h->m, seed);
    seed ^= 0x7E57;
    if (svm)
        disturb_vmcb(h, &seed);
    else
        disturb_vmcs(&h->vtx.own, &seed);
}
