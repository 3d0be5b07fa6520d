#include "s370/engine/trap_exit.h"

static const char *const program_names[256] = {
#define PROGRAM(code, name, ends, words) [code] = #name,
#include "s370/machine/interruption.def"
#undef PROGRAM
};

/* The instruction's bytes, from the guest's own storage: it was fetched a
 * moment ago, so they are there; addresses wrap at 16M and are prefixed. */
static void fetch(const struct s370_vcpu *g, uint32_t a, unsigned len,
                  uint8_t *to)
{
    for (unsigned i = 0; i < len; i++) {
        uint32_t real = (a + i) & S370_ADDRESS_MASK;
        uint32_t at = s370_real_to_absolute(real, g->prefix);

        to[i] = at < g->storage.size ? g->storage.bytes[at] : 0;
    }
}

static void decode_at(const struct s370_vcpu *g, uint32_t a, uint8_t bytes[8],
                      struct s370_decoded *d)
{
    fetch(g, a, 2, bytes);
    fetch(g, a + 2, s370_insn_len(bytes[0]) - 2, bytes + 2);
    s370_decode(bytes, d);
}

/* The subject of EX, its second byte modified (GA22-7000, "EXECUTE"). */
static void decode_subject(const struct s370_cpu *cpu,
                           const struct s370_vcpu *g, struct s370_decoded *d,
                           uint8_t bytes[8])
{
    uint32_t at = (cpu->gr[d->x2] + cpu->gr[d->b2] + d->d2) & S370_ADDRESS_MASK;
    uint8_t modifier = d->r1 ? (uint8_t)cpu->gr[d->r1] : 0;

    __builtin_memset(bytes, 0, 8);
    decode_at(g, at, bytes, d);
    bytes[1] |= modifier;
    s370_decode(bytes, d);
}

static void describe_operands(const struct s370_cpu *cpu,
                              const struct s370_decoded *d, struct exit_op *op)
{
    uint32_t first = (cpu->gr[d->b1] + d->d1) & S370_ADDRESS_MASK;
    uint32_t second =
        (cpu->gr[d->x2] + cpu->gr[d->b2] + d->d2) & S370_ADDRESS_MASK;
    bool si = s370_insns.rows[d->op].format == S370_FMT_SI;

    op->addr = si ? first : second;
    op->addr2 = second;
    op->r1 = d->r1;
    op->r2 = d->r2;
    op->imm = d->imm;
}

/* A privileged operation: decode it, for nobody else has. */
static void describe_sensitive(struct vcpu *v, struct vm_exit *x)
{
    const struct trap_vm *t = v->vm->backing;
    const struct s370_cpu *cpu = &t->machine->cpu;
    struct s370_vcpu *g = s370_vcpu(v);
    struct s370_decoded d;

    g->psw.ia = (uint32_t)x->pc;
    decode_at(g, g->psw.ia, x->op.bytes, &d);
    x->op.executed = d.op == S370_OP_EX;
    if (x->op.executed)
        decode_subject(cpu, g, &d, x->op.bytes);
    x->reason = EXIT_SENSITIVE;
    x->insn = &s370_insns.rows[d.op];
    describe_operands(cpu, &d, &x->op);
}

/* The guest addressed storage that it does not have.  On the bare machine
 * that is an addressing exception, which ends the instruction where
 * translation would nullify it. */
static void describe_fault(struct vcpu *v, const struct s370_interruption *in,
                           struct vm_exit *x)
{
    uint32_t a = in->translation_address;

    s370_vcpu(v)->psw.ia = (uint32_t)x->pc;
    x->reason = EXIT_FAULT;
    x->fault = (struct exit_fault){.gva = a, .gpa = a, .access = ACCESS_READ};
    x->event = (struct vm_event){.kind = S370_INT_PROGRAM,
                                 .code = S370_PGM_ADDRESSING,
                                 .past_insn = true};
}

static void describe_program(struct vcpu *v, const struct s370_interruption *in,
                             struct vm_exit *x)
{
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;
    bool nullified = code == S370_PGM_SEGMENT_TRANSLATION ||
                     code == S370_PGM_PAGE_TRANSLATION;

    x->raw = in->code;
    x->raw_name = program_names[code ? code : S370_PGM_PER_EVENT];
    if (nullified) {
        x->pc = s370_vcpu(v)->psw.ia;
        describe_fault(v, in, x);
    } else if (code == S370_PGM_PRIVILEGED_OPERATION) {
        describe_sensitive(v, x);
    } else {
        x->reason = EXIT_TRAP;
        x->event =
            (struct vm_event){.kind = S370_INT_PROGRAM,
                              .code = code,
                              .info = {in->monitor_code, in->monitor_class}};
    }
}

void trap_exit_describe(struct vcpu *v, const struct s370_interruption *in,
                        struct vm_exit *x)
{
    const struct trap_vm *t = v->vm->backing;
    struct s370_cpu *cpu = &t->machine->cpu;
    struct s370_vcpu *g = s370_vcpu(v);

    x->pc = (g->psw.ia - in->ilc) & S370_ADDRESS_MASK;
    x->insn_len = in->ilc;
    g->ilc = in->ilc;
    /* Events of a SUPERVISOR CALL stay with the CPU until its interruption
     * has been taken; the CPU will be another guest's by then. */
    g->per_code = in->per_code | cpu->per_code;
    g->per_address = cpu->per_address;
    cpu->per_code = 0;
    switch (in->class) {
    case S370_INT_PROGRAM:
        describe_program(v, in, x);
        break;
    case S370_INT_SVC:
        x->reason = EXIT_TRAP;
        x->insn = &s370_insns.rows[S370_OP_SVC];
        x->raw = in->code;
        x->raw_name = "SUPERVISOR_CALL";
        x->event = (struct vm_event){.kind = S370_INT_SVC, .code = in->code};
        break;
    default:
        x->reason = EXIT_TIMER;
        x->pc = g->psw.ia;
        break;
    }
}

static void program_before(struct vm_exit *x, unsigned code)
{
    x->reason = EXIT_TRAP;
    x->raw = code;
    x->raw_name = program_names[code];
    x->event = (struct vm_event){.kind = S370_INT_PROGRAM,
                                 .code = code & ~(unsigned)S370_PGM_PER_EVENT};
}

/* What the guest's processor would find out before it executes anything: that
 * it is stopped; that SUPERVISOR CALL has left an event for PER; that the PSW
 * is invalid, and only a valid one may be loaded into the real CPU. */
bool trap_exit_enterable(struct vcpu *v, struct vm_exit *x)
{
    struct s370_vcpu *g = s370_vcpu(v);

    x->pc = g->psw.ia;
    if (g->stopped) {
        x->reason = EXIT_HALT;
        x->raw_name = "STOPPED";
    } else if (g->per_code) {
        program_before(x, S370_PGM_PER_EVENT);
    } else if (!s370_psw_valid(&g->psw)) {
        g->ilc = 0;
        program_before(x, S370_PGM_SPECIFICATION);
    } else if (s370_psw_dat(&g->psw)) {
        x->reason = EXIT_ENTRY_FAILED;
        x->raw_name = "GUEST_TRANSLATION";
    } else {
        return true;
    }
    return false;
}
