/* Which instructions leave a guest, or act otherwise in one (Intel SDM vol. 3,
 * 26.1, "Instructions That Cause VM Exits", and 26.3, "Changes to Instruction
 * Behavior in VMX Non-Root Operation"). */
#include "base/bytes.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/vtx/part.h"

#define F(name)  (v->field[VMCS_##name])
#define ON(name) vmcs_has(v, VMX_##name)

/* What a row says in place of a control, and of a reason. */
enum { VMX_ALWAYS = -1, VMX_CODE = -2, VMX_NEVER = -3, VMX_EXIT_NONE = 0xFFFF };

static const struct {
    uint16_t reason;
    int control;
} simple[X86_INSN_COUNT] = {
#define OP(name, priv, body, title)
#define OP_ASKED(name, priv, body, title, sens, vmx, control, svm, effect) \
    [X86_INSN_##name] = {VMX_EXIT_##vmx, VMX_##control},
#define OP_AS_ASKED(name, mnemonic, ...) OP_ASKED(name, __VA_ARGS__)
#define OP_ASSIST(name, title, sens, vmx, svm, effect) \
    [X86_INSN_##name] = {VMX_EXIT_##vmx, VMX_ALWAYS},
#include "x86vmm/machine/op.def"
#undef OP
};

enum vmx_exit vtx_exit_of(const struct x86_op *op)
{
    return (enum vmx_exit)simple[op->id].reason;
}

/* Leave: true, for vtx_intercept. */
static bool leave(struct x86_cpu *cpu, const struct x86_op *op,
                  enum vmx_exit why, uint64_t qualification, int *code)
{
    *code = vtx_exits(cpu, op, why, qualification);
    return true;
}

uint64_t vtx_displacement(const struct x86_cpu *cpu, const struct x86_op *op,
                          unsigned operand)
{
    uint64_t at = (uint64_t)op->disp;

    if (op->operand[operand].kind != X86_MEM)
        return 0;
    return op->flags & X86_RIP_RELATIVE ? at + cpu->next_rip : at;
}

/* The format of EXIT_INSTRUCTION_INFO, where it is about memory (28.2.5). */
uint32_t vtx_operand_info(const struct x86_op *op, unsigned operand)
{
    unsigned asize = op->asize == 8 ? 2 : op->asize == 4 ? 1 : 0;
    uint32_t info = asize << 7 | (uint32_t)op->seg << 15;

    if (op->operand[operand].kind == X86_REG)
        return op->operand[operand].reg << 3 | asize << 7 | 1u << 10;
    info |= op->index == X86_NO_REG
                ? 1u << 22
                : (uint32_t)op->scale | (uint32_t)op->index << 18;
    info |= op->base == X86_NO_REG ? 1u << 27 : (uint32_t)op->base << 23;
    return info;
}

/* ---- Control registers ---- */

/* As the guest sees it: bits that the monitor owns come from the shadow. */
static uint64_t seen(uint64_t real, uint64_t mask, uint64_t shadow)
{
    return (real & ~mask) | (shadow & mask);
}

static bool is_target(const struct vmcs *v, uint64_t value)
{
    for (unsigned i = 0; i < F(CR3_TARGET_COUNT) && i < VMX_CR3_TARGETS; i++)
        if (v->field[VMCS_CR3_TARGET0 + i] == value)
            return true;
    return false;
}

static uint8_t *virtual_tpr(const struct x86_cpu *cpu, const struct vmcs *v)
{
    return mem_at(cpu->world.mem, F(VIRTUAL_APIC_ADDR) + 0x80, 4);
}

/* An exit like a trap: the MOV has been done. */
static int write_tpr(struct x86_cpu *cpu, const struct vmcs *v, uint64_t value)
{
    uint8_t *tpr = virtual_tpr(cpu, v);

    if (value >> 4)
        return x86_raise_gp(cpu);
    if (tpr)
        store_le32(tpr, (uint32_t)value << 4);
    if (value >= (F(TPR_THRESHOLD) & 0xF))
        return X86_SYNC;
    cpu->state.rip = cpu->next_rip;
    vtx_exits(cpu, NULL, VMX_EXIT_TPR_BELOW_THRESHOLD, 0);
    vtx_of(cpu)->exit.rf = VTX_RF_OFF;
    return X86_FAULT;
}

static bool write_masked(struct x86_cpu *cpu, const struct vmcs *v,
                         const struct x86_op *op, unsigned reg, uint64_t value,
                         uint64_t qualification, int *code)
{
    uint64_t mask = reg ? F(CR4_MASK) : F(CR0_MASK);
    uint64_t shadow = reg ? F(CR4_SHADOW) : F(CR0_SHADOW);
    uint64_t real = reg ? cpu->state.cr4 : cpu->state.cr0;

    if ((value ^ shadow) & mask)
        return leave(cpu, op, VMX_EXIT_CR_ACCESS, qualification, code);
    *code = x86_set_creg(cpu, reg, seen(value, mask, real));
    return true;
}

static bool write_creg(struct x86_cpu *cpu, const struct vmcs *v,
                       const struct x86_op *op, unsigned reg, int *code)
{
    unsigned from = op->operand[1].reg;
    uint64_t value = x86_gpr(cpu, from, op->operand[1].size);
    uint64_t qualification = reg | (uint64_t)from << 8;

    if (reg == 0 || reg == 4)
        return write_masked(cpu, v, op, reg, value, qualification, code);
    if (reg == 3 && ON(PRIMARY_CR3_LOAD) && !is_target(v, value))
        return leave(cpu, op, VMX_EXIT_CR_ACCESS, qualification, code);
    if (reg == 8 && ON(PRIMARY_CR8_LOAD))
        return leave(cpu, op, VMX_EXIT_CR_ACCESS, qualification, code);
    if (reg != 8 || !ON(PRIMARY_TPR_SHADOW))
        return false;
    *code = write_tpr(cpu, v, value);
    return true;
}

static bool read_creg(struct x86_cpu *cpu, const struct vmcs *v,
                      const struct x86_op *op, unsigned reg, int *code)
{
    enum { FROM = 1 << 4 };
    uint64_t qualification = reg | FROM | (uint64_t)op->operand[0].reg << 8;
    const uint8_t *tpr;

    if ((reg == 3 && ON(PRIMARY_CR3_STORE)) ||
        (reg == 8 && ON(PRIMARY_CR8_STORE)))
        return leave(cpu, op, VMX_EXIT_CR_ACCESS, qualification, code);
    if (reg == 8 && ON(PRIMARY_TPR_SHADOW)) {
        tpr = virtual_tpr(cpu, v);
        *code = x86_put(cpu, op, 0, tpr ? load_le32(tpr) >> 4 & 0xF : 0);
    } else if (reg == 0) {
        *code = x86_put(cpu, op, 0,
                        seen(cpu->state.cr0, F(CR0_MASK), F(CR0_SHADOW)));
    } else if (reg == 4) {
        *code = x86_put(cpu, op, 0,
                        seen(cpu->state.cr4, F(CR4_MASK), F(CR4_SHADOW)));
    } else {
        return false;
    }
    return true;
}

static bool mov_creg(struct x86_cpu *cpu, const struct vmcs *v,
                     const struct x86_op *op, int *code)
{
    return op->operand[0].kind == X86_CREG
               ? write_creg(cpu, v, op, op->operand[0].reg, code)
               : read_creg(cpu, v, op, op->operand[1].reg, code);
}

static bool clts(struct x86_cpu *cpu, const struct vmcs *v,
                 const struct x86_op *op, int *code)
{
    enum { CLTS = 2 << 4 };

    if (!(F(CR0_MASK) & X86_CR0_TS))
        return false;
    if (F(CR0_SHADOW) & X86_CR0_TS)
        return leave(cpu, op, VMX_EXIT_CR_ACCESS, CLTS, code);
    *code = 0; /* the monitor's TS stays, the guest's is clear already */
    return true;
}

/* PE can only be set by it. */
static bool lmsw(struct x86_cpu *cpu, const struct vmcs *v,
                 const struct x86_op *op, int *code)
{
    enum { LMSW = 3 << 4, FROM_MEMORY = 1 << 6 };
    uint64_t mask = F(CR0_MASK), shadow = F(CR0_SHADOW), value, old;
    bool memory = op->operand[0].kind == X86_MEM;

    *code = x86_get(cpu, op, 0, &value);
    if (*code)
        return true;
    value &= 0xF;
    if ((mask & 0xE & (value ^ shadow)) ||
        (mask & X86_CR0_PE & value & ~shadow)) {
        leave(cpu, op, VMX_EXIT_CR_ACCESS,
              LMSW | (memory ? FROM_MEMORY : 0) | value << 16, code);
        vtx_of(cpu)->exit.linear = memory ? x86_offset(cpu, op) : 0;
        return true;
    }
    old = cpu->state.cr0;
    value |= old & X86_CR0_PE;
    *code =
        x86_set_creg(cpu, 0, seen((old & ~UINT64_C(0xF)) | value, mask, old));
    return true;
}

static bool smsw(struct x86_cpu *cpu, const struct vmcs *v,
                 const struct x86_op *op, int *code)
{
    *code =
        x86_put(cpu, op, 0, seen(cpu->state.cr0, F(CR0_MASK), F(CR0_SHADOW)));
    return true;
}

static bool mov_dreg(struct x86_cpu *cpu, const struct vmcs *v,
                     const struct x86_op *op, int *code)
{
    enum { FROM = 1 << 4 };
    bool to = op->operand[0].kind == X86_DREG;
    unsigned reg = op->operand[to ? 0 : 1].reg, gpr = op->operand[to].reg;

    if (!ON(PRIMARY_MOV_DR) || reg > 7)
        return false;
    return leave(cpu, op, VMX_EXIT_MOV_DR,
                 reg | (to ? 0 : FROM) | (uint64_t)gpr << 8, code);
}

/* ---- Ports ---- */

bool vtx_asks_port(const struct vmcs *v, const struct mem_map *mem,
                   unsigned port, unsigned size)
{
    if (!ON(PRIMARY_IO_BITMAPS))
        return ON(PRIMARY_UNCONDITIONAL_IO);
    for (unsigned i = port; i < port + size; i++) {
        uint64_t map = i < 0x8000 ? F(IO_BITMAP_A) : F(IO_BITMAP_B);
        const uint8_t *p = mem_at(mem, map + i % 0x8000 / 8, 1);

        if (i > 0xFFFF || !p || (*p >> i % 8 & 1))
            return true;
    }
    return false;
}

static bool io(struct x86_cpu *cpu, const struct vmcs *v,
               const struct x86_op *op, int *code)
{
    enum { IN = 8, STRING = 16, REP = 32, IMMEDIATE = 64 };
    bool plain = op->id == X86_INSN_IN || op->id == X86_INSN_OUT;
    bool in = op->id == X86_INSN_IN || op->id == X86_INSN_INSB ||
              op->id == X86_INSN_INSW || op->id == X86_INSN_INSD;
    bool immediate = plain && op->operand[in].kind == X86_IMM;
    bool rep = !plain && (op->flags & (X86_REP | X86_REPNE));
    unsigned size = plain ? op->operand[!in].size : min_u32(op->size, 4);
    unsigned port =
        immediate ? (uint8_t)op->imm : (uint16_t)cpu->state.gpr[X86_RDX];

    if (!vtx_asks_port(v, cpu->world.mem, port, size) ||
        (rep && !x86_gpr(cpu, X86_RCX, op->asize)))
        return false;
    *code = x86_io_allowed(cpu, port, size);
    if (*code)
        return true;
    leave(cpu, op, VMX_EXIT_IO,
          (size - 1) | (in ? IN : 0) | (plain ? 0 : STRING) | (rep ? REP : 0) |
              (immediate ? IMMEDIATE : 0) | (uint64_t)port << 16,
          code);
    if (plain)
        return true;
    enum x86_seg seg = in ? X86_ES : (enum x86_seg)op->seg;
    struct vtx_exit *x = &vtx_of(cpu)->exit;
    x->linear = x86_fast_linear(
        cpu, seg, x86_gpr(cpu, in ? X86_RDI : X86_RSI, op->asize));
    x->info = (op->asize == 8   ? 2u
               : op->asize == 4 ? 1u
                                : 0u)
                  << 7 |
              (uint32_t)seg << 15;
    return true;
}

/* ---- MSRs ---- */

bool vtx_asks_msr(const struct vmcs *v, const struct mem_map *mem,
                  uint32_t index, bool write)
{
    uint32_t n = index & 0x1FFF;
    uint64_t map =
        F(MSR_BITMAP) + (write ? 0x800 : 0) + (index >> 31 ? 0x400 : 0) + n / 8;
    bool mapped = index <= 0x1FFF || index >> 13 == 0xC0000000u >> 13;
    const uint8_t *p = mem_at(mem, map, 1);

    return !ON(PRIMARY_MSR_BITMAPS) || !mapped || !p || (*p >> n % 8 & 1);
}

static bool msr(struct x86_cpu *cpu, const struct vmcs *v,
                const struct x86_op *op, int *code)
{
    bool write = op->id == X86_INSN_WRMSR;

    if (!vtx_asks_msr(v, cpu->world.mem, (uint32_t)cpu->state.gpr[X86_RCX],
                      write))
        return false;
    return leave(cpu, op, write ? VMX_EXIT_WRMSR : VMX_EXIT_RDMSR, 0, code);
}

/* ---- Descriptor tables ---- */

static bool table(struct x86_cpu *cpu, const struct vmcs *v,
                  const struct x86_op *op, int *code)
{
    static const struct {
        uint16_t id, reason;
        uint8_t which; /* bits 29:28 of the information */
        bool loads;
    } of[] = {
        {X86_INSN_SGDT, VMX_EXIT_GDTR_IDTR, 0, false},
        {X86_INSN_SIDT, VMX_EXIT_GDTR_IDTR, 1, false},
        {X86_INSN_LGDT, VMX_EXIT_GDTR_IDTR, 2, true},
        {X86_INSN_LIDT, VMX_EXIT_GDTR_IDTR, 3, true},
        {X86_INSN_SLDT, VMX_EXIT_LDTR_TR, 0, false},
        {X86_INSN_STR, VMX_EXIT_LDTR_TR, 1, false},
        {X86_INSN_LLDT, VMX_EXIT_LDTR_TR, 2, true},
        {X86_INSN_LTR, VMX_EXIT_LDTR_TR, 3, true},
    };
    unsigned i = 0;

    if (!ON(SECONDARY_DESCRIPTOR_TABLE))
        return false;
    while (of[i].id != op->id)
        i++;
    if ((of[i].loads && cpu->cpl) ||
        (of[i].reason == VMX_EXIT_LDTR_TR && x86_is_8086(cpu)))
        return false; /* the body faults first */
    leave(cpu, op, (enum vmx_exit)of[i].reason, vtx_displacement(cpu, op, 0),
          code);
    vtx_of(cpu)->exit.info = vtx_operand_info(op, 0) | (uint32_t)of[i].which
                                                           << 28;
    return true;
}

/* ---- Others ---- */

static bool invlpg(struct x86_cpu *cpu, const struct vmcs *v,
                   const struct x86_op *op, int *code)
{
    uint64_t linear =
        x86_fast_linear(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op));

    if (!ON(PRIMARY_INVLPG))
        return false;
    return leave(cpu, op, VMX_EXIT_INVLPG, linear, code);
}

/* It ends the blocking of NMIs even if it faults; but not of NMIs that are the
 * monitor's own (26.3).  What the fault's exit tells of that is in 28.2.2. */
static bool iret(struct x86_cpu *cpu, const struct vmcs *v,
                 const struct x86_op *op, int *code)
{
    bool others = ON(PIN_NMI) && !ON(PIN_VIRTUAL_NMIS);

    if (!cpu->nmi_blocked)
        return false;
    *code = op_iret(cpu, op);
    cpu->nmi_blocked = others;
    vtx_of(cpu)->unblocked = !others && *code == X86_FAULT;
    return true;
}

/* By the table; faults that come before. */
static bool by_table(struct x86_cpu *cpu, const struct vmcs *v,
                     const struct x86_op *op, int *code)
{
    enum { PCE = 0x100 };
    bool rdtscp = op->id == X86_INSN_RDTSCP;

    if (rdtscp && !ON(SECONDARY_RDTSCP)) {
        *code = x86_raise(cpu, X86_EXC_UD);
        return true;
    }
    if ((rdtscp || op->id == X86_INSN_RDTSC) && cpu->cpl &&
        (cpu->state.cr4 & X86_CR4_TSD))
        return false;
    if (op->id == X86_INSN_RDPMC && cpu->cpl && !(cpu->state.cr4 & PCE))
        return false;
    int control = simple[op->id].control;
    if (control != VMX_ALWAYS &&
        (control < 0 || !vmcs_has(v, (enum vmx_control)control)))
        return false;
    return leave(cpu, op, vtx_exit_of(op), 0, code);
}

typedef bool (*intercept_fn)(struct x86_cpu *cpu, const struct vmcs *v,
                             const struct x86_op *op, int *code);

bool vtx_intercept(struct x86_cpu *cpu, const struct x86_op *op, int *code)
{
    static const intercept_fn by[X86_INSN_COUNT] = {
        [X86_INSN_MOV_CREG] = mov_creg,
        [X86_INSN_CLTS] = clts,
        [X86_INSN_LMSW] = lmsw,
        [X86_INSN_SMSW] = smsw,
        [X86_INSN_MOV_DREG] = mov_dreg,
        [X86_INSN_IN] = io,
        [X86_INSN_OUT] = io,
        [X86_INSN_INSB] = io,
        [X86_INSN_INSW] = io,
        [X86_INSN_INSD] = io,
        [X86_INSN_OUTSB] = io,
        [X86_INSN_OUTSW] = io,
        [X86_INSN_OUTSD] = io,
        [X86_INSN_RDMSR] = msr,
        [X86_INSN_WRMSR] = msr,
        [X86_INSN_LGDT] = table,
        [X86_INSN_LIDT] = table,
        [X86_INSN_SGDT] = table,
        [X86_INSN_SIDT] = table,
        [X86_INSN_LLDT] = table,
        [X86_INSN_LTR] = table,
        [X86_INSN_SLDT] = table,
        [X86_INSN_STR] = table,
        [X86_INSN_INVLPG] = invlpg,
        [X86_INSN_IRET] = iret,
        [X86_INSN_IRETD] = iret,
        [X86_INSN_IRETQ] = iret,
    };
    const struct vmcs *v = vtx_of(cpu)->v;

    return (by[op->id] ? by[op->id] : by_table)(cpu, v, op, code);
}
