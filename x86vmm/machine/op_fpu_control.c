/* x87: control, and the state in storage (Intel SDM vol. 1, 8.1.10, 8.1.11,
 * 8.3.11; vol. 2, FSTENV, FSAVE, FXSAVE). */
#include "x86vmm/machine/fpu.h"
#include "x86vmm/machine/sse.h"

#include <string.h>

static enum x86_seg seg_of(const struct x86_op *op)
{
    return (enum x86_seg)op->seg;
}

/* ---- Single registers ---- */

int op_fnstsw(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter_no_wait(cpu));
    return x86_put(cpu, op, 0, cpu->fpu.status);
}

int op_fnstcw(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_fpu_enter_no_wait(cpu));
    return x86_put(cpu, op, 0, cpu->fpu.control);
}

/* Bit 6 reads as 1, the other reserved ones as 0. */
static void set_control(struct x86_cpu *cpu, unsigned v)
{
    cpu->fpu.control = (uint16_t)((v & 0x1F3F) | 0x40);
}

int op_fldcw(struct x86_cpu *cpu, const struct x86_op *op)
{
    uint64_t v;

    TRY(x86_fpu_enter(cpu));
    TRY(x86_get(cpu, op, 0, &v));
    set_control(cpu, (unsigned)v);
    x86_fpu_summarize(cpu);
    return 0;
}

int op_fnclex(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    TRY(x86_fpu_enter_no_wait(cpu));
    cpu->fpu.status &=
        (uint16_t) ~(X86_FP_ALL | X86_FPU_SF | X86_FPU_ES | X86_FPU_BUSY);
    return 0;
}

int op_fninit(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    TRY(x86_fpu_enter_no_wait(cpu));
    x86_fpu_init(cpu);
    return 0;
}

int op_fnop(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return x86_fpu_enter(cpu);
}

/* FENI, FDISI, FSETPM: of the 8087 and 80287; nothing today. */
int op_fnop_no_wait(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return x86_fpu_enter_no_wait(cpu);
}

/* SDM vol. 3, 2.5 "Control Registers", MP. */
int op_fwait(struct x86_cpu *cpu, const struct x86_op *op)
{
    const uint64_t both = 2 | X86_CR0_TS;

    (void)op;
    if ((cpu->state.cr0 & both) == both)
        return x86_raise(cpu, X86_EXC_NM);
    return x86_fpu_wait(cpu);
}

/* ---- The environment ---- seven fields of 2 or of 4 bytes; where the last
 * instruction was and its operand as selector and offset, or, in real and
 * virtual-8086 mode, as linear addresses. */

static bool has_selectors(const struct x86_cpu *cpu)
{
    return !x86_real_mode(&cpu->state) && !(cpu->state.rflags & X86_FLAG_VM);
}

static void place_real(const struct x86_fpu *f, bool wide, uint32_t v[7])
{
    uint32_t ip = (uint32_t)(f->ip + f->cs * 16u);
    uint32_t dp = (uint32_t)(f->dp + f->ds * 16u);

    v[3] = wide ? ip & 0xFFFF : ip;
    v[4] = (wide ? (ip >> 16) << 12 : (ip >> 4) & 0xF000) | f->opcode;
    v[5] = wide ? dp & 0xFFFF : dp;
    v[6] = wide ? (dp >> 16) << 12 : (dp >> 4) & 0xF000;
}

static void environment(const struct x86_cpu *cpu, bool wide, uint32_t v[7])
{
    const struct x86_fpu *f = &cpu->fpu;

    v[0] = f->control;
    v[1] = f->status;
    v[2] = x86_fpu_tag_word(cpu);
    v[3] = (uint32_t)f->ip;
    v[4] = f->cs | (wide ? (uint32_t)f->opcode << 16 : 0);
    v[5] = (uint32_t)f->dp;
    v[6] = f->ds;
    if (!has_selectors(cpu))
        place_real(f, wide, v);
}

/* The halves of fields of 4 bytes that have no meaning are ones. */
static void put_environment(const struct x86_cpu *cpu, unsigned size,
                            uint8_t *to)
{
    bool wide = size == 28;
    uint32_t v[7];

    environment(cpu, wide, v);
    for (unsigned i = 0; i < 7; i++)
        if (wide)
            store_le32(to + 4 * i,
                       v[i] | (i < 3 || i == 6 ? UINT32_C(0xFFFF0000) : 0));
        else
            store_le16(to + 2 * i, (uint16_t)v[i]);
    if (wide && !has_selectors(cpu))
        store_le32(to + 24, v[6]);
}

static void get_environment(struct x86_cpu *cpu, unsigned size,
                            const uint8_t *from)
{
    struct x86_fpu *f = &cpu->fpu;
    bool wide = size == 28, real = !has_selectors(cpu);
    uint32_t v[7];

    for (unsigned i = 0; i < 7; i++)
        v[i] = wide ? load_le32(from + 4 * i) : load_le16(from + 2 * i);
    set_control(cpu, v[0]);
    f->status = (uint16_t)v[1];
    f->tag = (uint16_t)v[2];
    f->ip = v[3];
    f->dp = v[5];
    f->cs = real ? 0 : (uint16_t)v[4];
    f->ds = real ? 0 : (uint16_t)v[6];
    if (real) {
        f->ip |= wide ? (v[4] >> 12 & 0xFFFF) << 16 : (v[4] & 0xF000) << 4;
        f->dp |= wide ? (v[6] >> 12 & 0xFFFF) << 16 : (v[6] & 0xF000) << 4;
    }
    if (wide || real)
        f->opcode = (real ? v[4] : v[4] >> 16) & 0x7FF;
    x86_fpu_summarize(cpu);
}

/* All exceptions are masked then. */
int op_fnstenv(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint8_t bytes[28];

    TRY(x86_fpu_enter_no_wait(cpu));
    put_environment(cpu, size, bytes);
    TRY(x86_write_bytes(cpu, seg_of(op), x86_offset(cpu, op), size, bytes));
    cpu->fpu.control |= X86_FP_ALL;
    x86_fpu_summarize(cpu);
    return 0;
}

int op_fldenv(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint8_t bytes[28];

    TRY(x86_fpu_enter(cpu));
    TRY(x86_read_bytes(cpu, seg_of(op), x86_offset(cpu, op), size, bytes));
    get_environment(cpu, size, bytes);
    return 0;
}

static void put_register(uint8_t *to, const struct x86_f80 *v)
{
    store_le64(to, v->significand);
    store_le16(to + 8, v->exponent);
}

static struct x86_f80 get_register(const uint8_t *from)
{
    return (struct x86_f80){load_le64(from), load_le16(from + 8)};
}

/* The registers follow, ST(0) first. */
int op_fnsave(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint8_t bytes[108];

    TRY(x86_fpu_enter_no_wait(cpu));
    put_environment(cpu, size - 80, bytes);
    for (unsigned i = 0; i < 8; i++)
        put_register(bytes + size - 80 + 10 * i, x86_fpu_st(cpu, i));
    TRY(x86_write_bytes(cpu, seg_of(op), x86_offset(cpu, op), size, bytes));
    x86_fpu_init(cpu);
    return 0;
}

int op_frstor(struct x86_cpu *cpu, const struct x86_op *op)
{
    unsigned size = op->operand[0].size;
    uint8_t bytes[108];

    TRY(x86_fpu_enter(cpu));
    TRY(x86_read_bytes(cpu, seg_of(op), x86_offset(cpu, op), size, bytes));
    get_environment(cpu, size - 80, bytes);
    for (unsigned i = 0; i < 8; i++)
        *x86_fpu_st(cpu, i) = get_register(bytes + size - 80 + 10 * i);
    return 0;
}

/* ---- FXSAVE ---- */

enum { FX_SIZE = 512, FX_ST = 32, FX_XMM = 160 };

static unsigned vectors(const struct x86_cpu *cpu)
{
    return cpu->code_bits == 64 ? 16 : 8;
}

/* One bit a register: not empty. */
static uint8_t short_tag(const struct x86_cpu *cpu)
{
    unsigned tag = 0;

    for (unsigned i = 0; i < 8; i++)
        tag |= (unsigned)((cpu->fpu.tag >> 2 * i & 3) != X86_TAG_EMPTY) << i;
    return (uint8_t)tag;
}

static uint16_t long_tag(uint8_t tag)
{
    unsigned word = 0;

    for (unsigned i = 0; i < 8; i++)
        word |= (tag >> i & 1 ? X86_TAG_VALID : X86_TAG_EMPTY) << 2 * i;
    return (uint16_t)word;
}

static void put_pointers(const struct x86_fpu *f, bool wide, uint8_t *to)
{
    store_le64(to + 8, f->ip);
    store_le64(to + 16, f->dp);
    if (!wide) {
        store_le32(to + 12, f->cs);
        store_le32(to + 20, f->ds);
    }
}

static void put_fx(struct x86_cpu *cpu, bool wide, uint8_t *to)
{
    const struct x86_fpu *f = &cpu->fpu;

    store_le16(to, f->control);
    store_le16(to + 2, f->status);
    to[4] = short_tag(cpu);
    store_le16(to + 6, f->opcode);
    put_pointers(f, wide, to);
    store_le32(to + 24, cpu->mxcsr);
    store_le32(to + 28, X86_MXCSR_BITS);
    for (unsigned i = 0; i < 8; i++)
        put_register(to + FX_ST + 16 * i, x86_fpu_st(cpu, i));
    for (unsigned i = 0; i < vectors(cpu); i++) {
        store_le64(to + FX_XMM + 16 * i, cpu->xmm[i].q[0]);
        store_le64(to + FX_XMM + 16 * i + 8, cpu->xmm[i].q[1]);
    }
}

static int fx_address(struct x86_cpu *cpu, const struct x86_op *op,
                      uint64_t *offset)
{
    TRY(x86_fpu_enter_no_wait(cpu));
    *offset = x86_offset(cpu, op);
    return x86_sse_aligned(cpu, op, *offset);
}

/* What an FXSAVE does not store stays as it is in storage. */
static int fxsave(struct x86_cpu *cpu, const struct x86_op *op, bool wide)
{
    uint8_t bytes[FX_SIZE] = {0};
    uint64_t offset;

    TRY(fx_address(cpu, op, &offset));
    TRY(x86_check_write(cpu, seg_of(op), offset, FX_SIZE));
    put_fx(cpu, wide, bytes);
    return x86_write_bytes(cpu, seg_of(op), offset, FX_XMM + 16 * vectors(cpu),
                           bytes);
}

int op_fxsave(struct x86_cpu *cpu, const struct x86_op *op)
{
    return fxsave(cpu, op, false);
}

int op_fxsave64(struct x86_cpu *cpu, const struct x86_op *op)
{
    return fxsave(cpu, op, true);
}

static void get_fx(struct x86_cpu *cpu, bool wide, const uint8_t *from)
{
    struct x86_fpu *f = &cpu->fpu;

    set_control(cpu, load_le16(from));
    f->status = load_le16(from + 2);
    f->tag = long_tag(from[4]);
    f->opcode = load_le16(from + 6) & 0x7FF;
    f->ip = wide ? load_le64(from + 8) : load_le32(from + 8);
    f->dp = wide ? load_le64(from + 16) : load_le32(from + 16);
    f->cs = wide ? 0 : load_le16(from + 12);
    f->ds = wide ? 0 : load_le16(from + 20);
    for (unsigned i = 0; i < 8; i++)
        *x86_fpu_st(cpu, i) = get_register(from + FX_ST + 16 * i);
    x86_fpu_summarize(cpu);
    cpu->mxcsr = load_le32(from + 24);
    for (unsigned i = 0; i < vectors(cpu); i++) {
        cpu->xmm[i].q[0] = load_le64(from + FX_XMM + 16 * i);
        cpu->xmm[i].q[1] = load_le64(from + FX_XMM + 16 * i + 8);
    }
}

static int fxrstor(struct x86_cpu *cpu, const struct x86_op *op, bool wide)
{
    uint8_t bytes[FX_SIZE];
    uint64_t offset;

    TRY(fx_address(cpu, op, &offset));
    TRY(x86_read_bytes(cpu, seg_of(op), offset, FX_SIZE, bytes));
    if (load_le32(bytes + 24) & ~X86_MXCSR_BITS)
        return x86_raise_gp(cpu);
    get_fx(cpu, wide, bytes);
    return 0;
}

int op_fxrstor(struct x86_cpu *cpu, const struct x86_op *op)
{
    return fxrstor(cpu, op, false);
}

int op_fxrstor64(struct x86_cpu *cpu, const struct x86_op *op)
{
    return fxrstor(cpu, op, true);
}
