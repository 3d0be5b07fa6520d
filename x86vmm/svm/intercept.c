/* Which instructions leave a guest, or act otherwise in one (AMD APM vol. 2,
 * 15.8 to 15.11; 15.7.1: which exceptions come before). */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/svm/part.h"

#define F(name)  (v->field[VMCB_##name])
#define ON(name) vmcb_has(v, SVM_INTERCEPT_##name)

/* EXITINFO1: it is MOV, and this is its general register (15.33.1). */
#define BY_MOV (UINT64_C(1) << 63)

/* Leave: true, for svm_intercept. */
static bool leave(struct x86_cpu *cpu, const struct x86_op *op, uint64_t why,
                  uint64_t info1, int *code)
{
    *code = svm_exits(cpu, op, why, info1, 0);
    return true;
}

/* ---- By one bit ---- */

enum { SVM_EXIT_NONE = 0 };

static const uint16_t codes[X86_INSN_COUNT] = {
#define OP(name, priv, body, title)
#define OP_ASKED(name, priv, body, title, sens, vmx, control, svm, effect) \
    [X86_INSN_##name] = SVM_EXIT_##svm,
#define OP_AS_ASKED(name, mnemonic, ...) OP_ASKED(name, __VA_ARGS__)
#define OP_ASSIST(name, title, sens, vmx, svm, effect) \
    [X86_INSN_##name] = SVM_EXIT_##svm,
#include "x86vmm/machine/op.def"
#undef OP
};

_Static_assert((int)SVM_EXIT_INTR == SVM_EXIT_INTERCEPTS + SVM_INTERCEPT_INTR &&
                   (int)SVM_EXIT_WBINVD ==
                       SVM_EXIT_INTERCEPTS + SVM_INTERCEPT_WBINVD,
               "exit codes are in the order of the intercepts");

enum svm_intercept svm_intercept_of(const struct x86_op *op)
{
    return (enum svm_intercept)(codes[op->id] - SVM_EXIT_INTERCEPTS);
}

/* Exceptions that the body raises are before the intercept. */
static bool faults_first(const struct x86_cpu *cpu, const struct x86_op *op)
{
    const uint64_t pce = 0x100;

    switch (op->id) {
    case X86_INSN_RDTSC:
    case X86_INSN_RDTSCP:
        return cpu->cpl && (cpu->state.cr4 & X86_CR4_TSD);
    case X86_INSN_RDPMC:
        return cpu->cpl && !(cpu->state.cr4 & pce);
    case X86_INSN_LLDT:
    case X86_INSN_LTR:
        return cpu->cpl || x86_is_8086(cpu);
    case X86_INSN_SLDT:
    case X86_INSN_STR:
        return x86_is_8086(cpu);
    default:
        return false;
    }
}

static bool by_bit(struct x86_cpu *cpu, const struct vmcb *v,
                   const struct x86_op *op, int *code)
{
    uint64_t info1 = op->id == X86_INSN_INT ? (uint8_t)op->imm : 0;

    if (!vmcb_has(v, svm_intercept_of(op)) || faults_first(cpu, op))
        return false;
    return leave(cpu, op, codes[op->id], info1, code);
}

/* ---- Control registers ---- */

static bool read_exits(const struct vmcb *v, unsigned reg)
{
    return F(INTERCEPT_CR) >> reg & 1;
}

static bool write_exits(const struct vmcb *v, unsigned reg)
{
    return F(INTERCEPT_CR) >> (16 + reg) & 1;
}

/* 15.21.2: with V_INTR_MASKING CR8 is V_TPR. */
static bool write_tpr(struct x86_cpu *cpu, uint64_t value, int *code)
{
    uint64_t *field = &svm_of(cpu)->v->field[VMCB_V_INTR];

    *field = (*field & ~(uint64_t)VMCB_V_TPR) | value;
    if (!(*field & VMCB_V_MASKING))
        return false; /* the processor's too */
    *code = X86_SYNC;
    return true;
}

static bool write_creg(struct x86_cpu *cpu, const struct vmcb *v,
                       const struct x86_op *op, int *code)
{
    const uint64_t free = 0xA; /* TS MP */
    unsigned reg = op->operand[0].reg, from = op->operand[1].reg;
    uint64_t value = x86_gpr(cpu, from, op->operand[1].size);

    *code = x86_check_creg(cpu, reg, value);
    if (*code)
        return true;
    if (write_exits(v, reg))
        return leave(cpu, op, SVM_EXIT_CR0_WRITE + reg, BY_MOV | from, code);
    if (reg == 0 && ON(CR0_SEL_WRITE) &&
        ((value | X86_CR0_ET) ^ cpu->state.cr0) & ~free)
        return leave(cpu, op, SVM_EXIT_CR0_SEL_WRITE, BY_MOV | from, code);
    return reg == 8 && write_tpr(cpu, value, code);
}

static bool read_creg(struct x86_cpu *cpu, const struct vmcb *v,
                      const struct x86_op *op, int *code)
{
    unsigned reg = op->operand[1].reg, to = op->operand[0].reg;

    if (!x86_has_creg(reg))
        return false;
    if (read_exits(v, reg))
        return leave(cpu, op, SVM_EXIT_CR0_READ + reg, BY_MOV | to, code);
    if (reg != 8 || !(F(V_INTR) & VMCB_V_MASKING))
        return false;
    *code = x86_put(cpu, op, 0, F(V_INTR) & VMCB_V_TPR & 0xF);
    return true;
}

static bool mov_creg(struct x86_cpu *cpu, const struct vmcb *v,
                     const struct x86_op *op, int *code)
{
    return op->operand[0].kind == X86_CREG ? write_creg(cpu, v, op, code)
                                           : read_creg(cpu, v, op, code);
}

static bool smsw(struct x86_cpu *cpu, const struct vmcb *v,
                 const struct x86_op *op, int *code)
{
    return read_exits(v, 0) && leave(cpu, op, SVM_EXIT_CR0_READ, 0, code);
}

static bool clts(struct x86_cpu *cpu, const struct vmcb *v,
                 const struct x86_op *op, int *code)
{
    return write_exits(v, 0) && leave(cpu, op, SVM_EXIT_CR0_WRITE, 0, code);
}

/* Whatever it writes (15.9). */
static bool lmsw(struct x86_cpu *cpu, const struct vmcb *v,
                 const struct x86_op *op, int *code)
{
    if (write_exits(v, 0))
        return leave(cpu, op, SVM_EXIT_CR0_WRITE, 0, code);
    return ON(CR0_SEL_WRITE) && leave(cpu, op, SVM_EXIT_CR0_SEL_WRITE, 0, code);
}

/* ---- Debug registers ---- all exceptions are first. */

static bool mov_dreg(struct x86_cpu *cpu, const struct vmcb *v,
                     const struct x86_op *op, int *code)
{
    bool to = op->operand[0].kind == X86_DREG;
    unsigned reg = op->operand[to ? 0 : 1].reg, gpr = op->operand[to].reg;
    bool high = to && x86_gpr(cpu, gpr, op->operand[1].size) >> 32;

    if (cpu->cpl || reg > 7 ||
        (reg / 2 == 2 && (cpu->state.cr4 & X86_CR4_DE)) ||
        (cpu->dr[7] & X86_DR7_GD) || (high && reg >= 4) ||
        !(F(INTERCEPT_DR) >> (reg + (to ? 16 : 0)) & 1))
        return false;
    return leave(cpu, op, (to ? SVM_EXIT_DR0_WRITE : SVM_EXIT_DR0_READ) + reg,
                 gpr, code);
}

/* ---- Ports ---- */

static bool port_exits(const struct x86_cpu *cpu, const struct vmcb *v,
                       unsigned port, unsigned size)
{
    uint64_t map = F(IOPM_BASE) & ~UINT64_C(0xFFF);

    for (unsigned i = port; i < port + size; i++) {
        const uint8_t *p = mem_at(cpu->world.mem, map + i / 8, 1);

        if (!p || (*p >> i % 8 & 1))
            return true;
    }
    return false;
}

enum { IO_IN = 1, IO_STRING = 4, IO_REP = 8 };

/* EXITINFO1's fields for sizes have a bit a size. */
static uint64_t io_sizes(unsigned size, unsigned asize)
{
    return size << 4 | (asize >> 1) << 7;
}

static bool is_in(const struct x86_op *op)
{
    return op->id == X86_INSN_IN || op->id == X86_INSN_INSB ||
           op->id == X86_INSN_INSW || op->id == X86_INSN_INSD;
}

static bool io(struct x86_cpu *cpu, const struct vmcb *v,
               const struct x86_op *op, int *code)
{
    bool plain = op->id == X86_INSN_IN || op->id == X86_INSN_OUT;
    bool in = is_in(op);
    bool immediate = plain && op->operand[in].kind == X86_IMM;
    bool rep = !plain && (op->flags & (X86_REP | X86_REPNE));
    unsigned size = plain ? op->operand[!in].size : min_u32(op->size, 4);
    unsigned port =
        immediate ? (uint8_t)op->imm : (uint16_t)cpu->state.gpr[X86_RDX];
    unsigned seg = plain || in ? X86_ES : op->seg;

    if (!ON(IOIO) || !port_exits(cpu, v, port, size) ||
        (rep && !x86_gpr(cpu, X86_RCX, op->asize)))
        return false;
    *code = x86_io_allowed(cpu, port, size);
    if (*code)
        return true;
    *code = svm_exits(cpu, op, SVM_EXIT_IOIO,
                      (in ? IO_IN : 0) | (plain ? 0 : IO_STRING) |
                          (rep ? IO_REP : 0) | io_sizes(size, op->asize) |
                          seg << 10 | (uint64_t)port << 16,
                      cpu->next_rip);
    return true;
}

/* ---- MSRs ---- */

/* Two bits each: read, write; three ranges of 2000, 2 KiB each (15.11). */
static bool msr_exits(const struct x86_cpu *cpu, const struct vmcb *v,
                      uint32_t index, bool write)
{
    static const uint32_t first[] = {0, 0xC0000000, 0xC0010000};
    uint64_t map = F(MSRPM_BASE) & ~UINT64_C(0xFFF);

    for (unsigned i = 0; i < ARRAY_LEN(first); i++) {
        uint32_t n = index - first[i], bit = 2 * n + write;
        const uint8_t *p;

        if (n > 0x1FFF)
            continue;
        p = mem_at(cpu->world.mem, map + i * UINT64_C(0x800) + bit / 8, 1);
        return !p || (*p >> bit % 8 & 1);
    }
    return true;
}

static bool msr(struct x86_cpu *cpu, const struct vmcb *v,
                const struct x86_op *op, int *code)
{
    bool write = op->id == X86_INSN_WRMSR;

    return ON(MSR) &&
           msr_exits(cpu, v, (uint32_t)cpu->state.gpr[X86_RCX], write) &&
           leave(cpu, op, SVM_EXIT_MSR, write, code);
}

/* ---- Others ---- */

static bool invlpg(struct x86_cpu *cpu, const struct vmcb *v,
                   const struct x86_op *op, int *code)
{
    uint64_t linear =
        x86_fast_linear(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op));

    return ON(INVLPG) && leave(cpu, op, SVM_EXIT_INVLPG, linear, code);
}

typedef bool (*intercept_fn)(struct x86_cpu *cpu, const struct vmcb *v,
                             const struct x86_op *op, int *code);

bool svm_intercept(struct x86_cpu *cpu, const struct x86_op *op, int *code)
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
        [X86_INSN_INVLPG] = invlpg,
    };

    return (by[op->id] ? by[op->id] : by_bit)(cpu, svm_of(cpu)->v, op, code);
}
