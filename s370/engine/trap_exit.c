#include "s370/engine/trap_exit.h"

static const char *const program_names[256] = {
#define PROGRAM(code, name, ends, words) [code] = #name,
#include "s370/machine/interruption.def"
#undef PROGRAM
};

enum { BYTES = 8 }; /* of struct exit_op */

/* The instruction's bytes, by the real translation: it was fetched so a moment
 * ago.  One that crosses a block is put together; addresses wrap at 16M. */
static void fetch(struct s370_cpu *cpu, uint32_t a, uint8_t to[BYTES])
{
    unsigned n = a % S370_BLOCK <= S370_BLOCK - BYTES ? BYTES : 2;
    uint32_t real;
    uint8_t cc;

    for (unsigned i = 0; i < BYTES; i += n) {
        if (s370_translate(cpu, a + i, &real, &cc))
            return;
        __builtin_memcpy(to + i, cpu->storage->bytes + real, n);
    }
}

static void decode_at(struct s370_cpu *cpu, uint32_t a, uint8_t bytes[BYTES],
                      struct s370_decoded *d)
{
    fetch(cpu, a, bytes);
    s370_decode(bytes, d);
}

/* The subject of EX, its second byte modified (GA22-7000, "EXECUTE"). */
static void decode_subject(struct s370_cpu *cpu, struct s370_decoded *d,
                           uint8_t bytes[BYTES])
{
    uint32_t at = (cpu->gr[d->x2] + cpu->gr[d->b2] + d->d2) & S370_ADDRESS_MASK;
    uint8_t modifier = d->r1 ? (uint8_t)cpu->gr[d->r1] : 0;

    __builtin_memset(bytes, 0, BYTES);
    decode_at(cpu, at, bytes, d);
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
    struct s370_cpu *cpu = &t->machine->cpu;
    struct s370_vcpu *g = s370_vcpu(v);
    struct s370_decoded d;

    g->psw.ia = (uint32_t)x->pc;
    decode_at(cpu, g->psw.ia, x->op.bytes, &d);
    x->op.executed = d.op == S370_OP_EX;
    if (x->op.executed)
        decode_subject(cpu, &d, x->op.bytes);
    x->reason = EXIT_SENSITIVE;
    x->insn = &s370_insns.rows[d.op];
    describe_operands(cpu, &d, &x->op);
}

/* The guest has no such storage, or its own tables do not lead there.  The
 * real CPU has nullified the instruction; of the exceptions that the guest
 * gets, only its own translation exceptions do (interruption.def). */
static void describe_fault(struct vcpu *v, const struct s370_interruption *in,
                           struct vm_exit *x)
{
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;
    uint32_t a = in->translation_address;

    x->pc = s370_vcpu(v)->psw.ia;
    x->reason = EXIT_FAULT;
    x->fault = (struct exit_fault){.gva = a, .gpa = a, .access = ACCESS_READ};
    x->event =
        (struct vm_event){.kind = S370_INT_PROGRAM,
                          .code = code,
                          .past_insn = !s370_is_translation_exception(code),
                          .info = {a}};
}

static void describe_program(struct vcpu *v, const struct s370_interruption *in,
                             bool fault, struct vm_exit *x)
{
    unsigned code = in->code & ~(unsigned)S370_PGM_PER_EVENT;

    x->raw = in->code;
    x->raw_name = program_names[code ? code : S370_PGM_PER_EVENT];
    if (fault) {
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
                        bool fault, struct vm_exit *x)
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
        describe_program(v, in, fault, x);
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
    } else if (!s370_psw_valid(&g->psw)) {
        g->ilc = 0;
        program_before(x, S370_PGM_SPECIFICATION);
    } else if (g->per_code) {
        program_before(x, S370_PGM_PER_EVENT);
    } else {
        return true;
    }
    return false;
}
