/* The VMX instructions (Intel SDM vol. 3, chapter 31, "VMX Instruction
 * Reference", in the editions of 2023). */
#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/segment.h"
#include "x86vmm/vtx/part.h"

/* ---- How they end ---- 31.2 */

enum { CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800 };

static int end_with(struct x86_cpu *cpu, uint64_t set)
{
    const uint64_t all = CF | PF | AF | ZF | SF | OF;

    x86_flags_set(cpu, (x86_flags_get(cpu) & ~all) | set);
    return X86_SYNC;
}

static int succeed(struct x86_cpu *cpu)
{
    return end_with(cpu, 0);
}

/* VMfailValid, or VMfailInvalid where no VMCS is current. */
static int fail(struct x86_cpu *cpu, enum vmx_error number)
{
    struct vtx *t = vtx_of(cpu);

    if (t->current == VTX_NONE)
        return end_with(cpu, CF);
    t->own.field[VMCS_INSTRUCTION_ERROR] = (uint64_t)number;
    return end_with(cpu, ZF);
}

/* ---- Operands ---- */

static int read_pointer(struct x86_cpu *cpu, const struct x86_op *op,
                        uint64_t *pointer)
{
    return x86_read(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 8,
                    pointer);
}

static bool is_page(uint64_t address)
{
    return !(address & 0xFFF) && !(address >> X86_PHYSICAL_BITS);
}

/* The region there, or NULL where there is no storage. */
static uint8_t *region_at(const struct x86_cpu *cpu, uint64_t address)
{
    return mem_at(cpu->world.mem, address, VMCS_REGION);
}

static uint32_t revision_at(const struct x86_cpu *cpu, uint64_t address)
{
    const uint8_t *p = region_at(cpu, address);

    return p ? load_le32(p) : UINT32_MAX;
}

/* The current VMCS's contents to its region. */
static void write_back(struct x86_cpu *cpu)
{
    struct vtx *t = vtx_of(cpu);
    uint8_t *p = t->current == VTX_NONE ? NULL : region_at(cpu, t->current);

    if (!p)
        return;
    vmcs_store(&t->own, p);
    x86_code_written(cpu, t->current, VMCS_REGION);
}

/* ---- VMXON, VMXOFF ---- */

static bool keeps_fixed(const struct x86_cpu *cpu)
{
    const struct x86_state *s = &cpu->state;

    return (s->cr0 & VMX_CR0_FIXED0) == VMX_CR0_FIXED0 &&
           (s->cr4 & VMX_CR4_FIXED0) == VMX_CR4_FIXED0;
}

static int vmxon(struct x86_cpu *cpu, const struct x86_op *op)
{
    const uint64_t allowed = VTX_FEATURE_LOCK | VTX_FEATURE_VMXON;
    struct vtx *t = vtx_of(cpu);
    uint64_t pointer;

    if (cpu->cpl || (!t->on && (cpu->masked || !keeps_fixed(cpu) ||
                                (t->feature_control & allowed) != allowed)))
        return x86_raise_gp(cpu);
    if (t->on)
        return fail(cpu, VMX_ERROR_VMXON_IN_ROOT);
    TRY(read_pointer(cpu, op, &pointer));
    if (!is_page(pointer) || revision_at(cpu, pointer) != VMCS_REVISION)
        return end_with(cpu, CF);
    t->vmxon = pointer;
    t->current = VTX_NONE;
    t->on = true;
    return succeed(cpu);
}

static int vmxoff(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vtx *t = vtx_of(cpu);

    (void)op;
    write_back(cpu);
    t->current = t->vmxon = VTX_NONE;
    t->on = false;
    return succeed(cpu);
}

/* ---- VMCLEAR, VMPTRLD, VMPTRST ---- */

static int vmclear(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vtx *t = vtx_of(cpu);
    uint64_t pointer;
    uint8_t *p;

    TRY(read_pointer(cpu, op, &pointer));
    if (!is_page(pointer))
        return fail(cpu, VMX_ERROR_VMCLEAR_ADDRESS);
    if (pointer == t->vmxon)
        return fail(cpu, VMX_ERROR_VMCLEAR_VMXON);
    if (pointer == t->current) {
        write_back(cpu);
        t->current = VTX_NONE;
    }
    p = region_at(cpu, pointer);
    if (p) {
        store_le32(p + VMCS_AT_LAUNCHED, 0);
        x86_code_written(cpu, pointer, VMCS_REGION);
    }
    return succeed(cpu);
}

static int vmptrld(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vtx *t = vtx_of(cpu);
    uint64_t pointer;

    TRY(read_pointer(cpu, op, &pointer));
    if (!is_page(pointer))
        return fail(cpu, VMX_ERROR_VMPTRLD_ADDRESS);
    if (pointer == t->vmxon)
        return fail(cpu, VMX_ERROR_VMPTRLD_VMXON);
    if (revision_at(cpu, pointer) != VMCS_REVISION)
        return fail(cpu, VMX_ERROR_VMPTRLD_REVISION);
    if (pointer != t->current) {
        write_back(cpu);
        vmcs_load(&t->own, region_at(cpu, pointer));
        t->current = pointer;
    }
    return succeed(cpu);
}

static int vmptrst(struct x86_cpu *cpu, const struct x86_op *op)
{
    TRY(x86_write(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 8,
                  vtx_of(cpu)->current));
    return succeed(cpu);
}

/* ---- VMREAD, VMWRITE ---- */

/* Bit 0 of an encoding: the upper half of a field of 64 bits (type 1). */
static enum vmcs_field find(uint64_t encoding, bool *high)
{
    *high = (encoding & 1) && (encoding >> 13 & 3) == 1;
    return vmcs_find(*high ? encoding - 1 : encoding);
}

static unsigned operand_size(const struct x86_cpu *cpu)
{
    return cpu->code_bits == 64 ? 8 : 4;
}

static int vmread(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vtx *t = vtx_of(cpu);
    bool high;
    enum vmcs_field f =
        find(x86_gpr(cpu, op->operand[1].reg, operand_size(cpu)), &high);

    if (t->current == VTX_NONE)
        return end_with(cpu, CF);
    if (f == VMCS_FIELD_COUNT)
        return fail(cpu, VMX_ERROR_UNSUPPORTED_FIELD);
    TRY(x86_put(cpu, op, 0, t->own.field[f] >> (high ? 32 : 0)));
    return succeed(cpu);
}

static int vmwrite(struct x86_cpu *cpu, const struct x86_op *op)
{
    struct vtx *t = vtx_of(cpu);
    bool high;
    enum vmcs_field f =
        find(x86_gpr(cpu, op->operand[0].reg, operand_size(cpu)), &high);
    uint64_t value;

    if (t->current == VTX_NONE)
        return end_with(cpu, CF);
    TRY(x86_get(cpu, op, 1, &value));
    if (f == VMCS_FIELD_COUNT)
        return fail(cpu, VMX_ERROR_UNSUPPORTED_FIELD);
    if (vmcs_kind(f) == VMCS_READ_ONLY)
        return fail(cpu, VMX_ERROR_READ_ONLY_FIELD);
    if (high)
        value = value << 32 | (uint32_t)t->own.field[f];
    vmcs_set(&t->own, f, value);
    return succeed(cpu);
}

/* ---- VMLAUNCH, VMRESUME ---- 27.1 */

static int enter(struct x86_cpu *cpu, bool launch)
{
    struct vtx *t = vtx_of(cpu);
    struct entry e = {.vmcs = &t->own,
                      .mem = cpu->world.mem,
                      .address = t->current,
                      .host_long = x86_long_mode(cpu)};
    bool failed;

    if (t->current == VTX_NONE)
        return end_with(cpu, CF);
    if (cpu->shadowed_ss)
        return fail(cpu, VMX_ERROR_ENTRY_MOV_SS);
    if (launch && t->own.launched)
        return fail(cpu, VMX_ERROR_VMLAUNCH_NOT_CLEAR);
    if (!launch && !t->own.launched)
        return fail(cpu, VMX_ERROR_VMRESUME_NOT_LAUNCHED);
    entry_memo_begin(&t->memo, &e);
    if (!entry_memo_until(&t->memo, &e, ENTRY_CONTROLS, ENTRY_HOST, &t->why))
        return fail(cpu,
                    (enum vmx_error)entry_stage_number(t->why.check->stage));
    t->v = &t->own;
    t->outside = false;
    int code = vtx_load_guest(cpu, &e, &failed);
    t->own.launched = t->own.launched || !failed;
    cpu->next_rip = cpu->state.rip;
    return code;
}

static int vmlaunch(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return enter(cpu, true);
}

static int vmresume(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return enter(cpu, false);
}

/* There is no other monitor, of SMM, to call. */
static int vmcall(struct x86_cpu *cpu, const struct x86_op *op)
{
    (void)op;
    return fail(cpu, VMX_ERROR_VMCALL_IN_ROOT);
}

/* ---- INVEPT, INVVPID ----
 *
 * A monitor in storage finds nothing kept of its guests that they could drop:
 * each exit to it has dropped that (go_to_monitor).  Its own translations, of
 * VPID 0 and no EPT, stay, as they are to. */

/* 16 bytes in storage; the type in the register, one of the offered ones. */
static int invalidate(struct x86_cpu *cpu, const struct x86_op *op,
                      unsigned types, uint64_t descriptor[2], bool *done)
{
    uint64_t type = x86_gpr(cpu, op->operand[0].reg, operand_size(cpu));
    uint8_t bytes[16];

    *done = type > 3 || !(types >> type & 1);
    if (*done)
        return fail(cpu, VMX_ERROR_INVALID_OPERAND);
    TRY(x86_read_bytes(cpu, (enum x86_seg)op->seg, x86_offset(cpu, op), 16,
                       bytes));
    descriptor[0] = load_le64(bytes);
    descriptor[1] = load_le64(bytes + 8);
    return 0;
}

static int invept(struct x86_cpu *cpu, const struct x86_op *op)
{
    enum { SINGLE = 1, TYPES = 1 << 1 | 1 << 2 };
    struct vtx *t = vtx_of(cpu);
    uint64_t d[2], type;
    bool done;
    int code = invalidate(cpu, op, TYPES, d, &done);

    if (code || done)
        return code;
    type = x86_gpr(cpu, op->operand[0].reg, operand_size(cpu));
    if (type == SINGLE && ((d[0] & 7) % 6 || (d[0] >> 3 & 7) != 3 ||
                           (d[0] & 0xF80) || d[0] >> X86_PHYSICAL_BITS))
        return fail(cpu, VMX_ERROR_INVALID_OPERAND);
    t->forgotten = type != SINGLE || (t->forgets && t->forgotten != d[0])
                       ? VTX_NONE
                       : d[0];
    t->forgets = true;
    return succeed(cpu);
}

static int invvpid(struct x86_cpu *cpu, const struct x86_op *op)
{
    enum { ADDRESS = 0, ALL = 2, TYPES = 0xF };
    uint64_t d[2], type;
    bool done;
    int code = invalidate(cpu, op, TYPES, d, &done);

    if (code || done)
        return code;
    type = x86_gpr(cpu, op->operand[0].reg, operand_size(cpu));
    if (d[0] >> 16 ||
        (type != ALL && (!d[0] || (type == ADDRESS && !x86_canonical(d[1])))))
        return fail(cpu, VMX_ERROR_INVALID_OPERAND);
    return succeed(cpu);
}

/* ---- All of them ---- */

static const struct {
    uint16_t id;
    int (*body)(struct x86_cpu *cpu, const struct x86_op *op);
    uint8_t memory; /* 1: has a memory operand; 2: or a register */
} rows[] = {
    {X86_INSN_VMXON, vmxon, 1},       {X86_INSN_VMXOFF, vmxoff, 0},
    {X86_INSN_VMCLEAR, vmclear, 1},   {X86_INSN_VMPTRLD, vmptrld, 1},
    {X86_INSN_VMPTRST, vmptrst, 1},   {X86_INSN_VMREAD, vmread, 2},
    {X86_INSN_VMWRITE, vmwrite, 2},   {X86_INSN_VMLAUNCH, vmlaunch, 0},
    {X86_INSN_VMRESUME, vmresume, 0}, {X86_INSN_VMCALL, vmcall, 0},
    {X86_INSN_INVEPT, invept, 1},     {X86_INSN_INVVPID, invvpid, 1},
};

/* 25.9.4: registers are in bits 31:28 (the second), 6:3 (the first). */
static int leave(struct x86_cpu *cpu, const struct x86_op *op, unsigned row)
{
    uint64_t displacement = 0;
    uint32_t info = 0;

    for (unsigned i = 0; i < op->count; i++)
        if (op->operand[i].kind == X86_MEM) {
            displacement = vtx_displacement(cpu, op, i);
            info |= vtx_operand_info(op, i);
        }
    if (op->count == 2 && rows[row].memory) {
        unsigned first = op->id == X86_INSN_VMREAD ? 0 : 1;

        info |= (uint32_t)(op->operand[!first].reg & 15) << 28;
        if (rows[row].memory == 2 && op->operand[first].kind == X86_REG)
            info |= vtx_operand_info(op, first);
    }
    vtx_exits(cpu, op, vtx_exit_of(op), displacement);
    vtx_of(cpu)->exit.info = info;
    return X86_FAULT;
}

/* Real-address, virtual-8086 and compatibility mode have none of them. */
static bool has_them(const struct x86_cpu *cpu)
{
    return !x86_is_8086(cpu) && (!x86_long_mode(cpu) || cpu->code_bits == 64);
}

int vtx_instruction(struct x86_cpu *cpu, const struct x86_op *op)
{
    const struct vtx *t = vtx_of(cpu);
    unsigned i = 0;

    while (i < ARRAY_LEN(rows) && rows[i].id != op->id)
        i++;
    if (i == ARRAY_LEN(rows)) /* of another vendor */
        return x86_raise(cpu, X86_EXC_UD);
    if (t->in_guest && op->id == X86_INSN_VMCALL)
        return leave(cpu, op, i);
    if (!has_them(cpu) ||
        (op->id == X86_INSN_VMXON ? !(cpu->state.cr4 & VMX_CR4_VMXE) : !t->on))
        return x86_raise(cpu, X86_EXC_UD);
    if (t->in_guest)
        return leave(cpu, op, i);
    if (cpu->cpl)
        return x86_raise_gp(cpu);
    return rows[i].body(cpu, op);
}
