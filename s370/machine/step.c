/* The meaning of a program: fetch, decode, one privilege check, execute. */
#include "s370/machine/access.h"
#include "s370/machine/execute.h"
#include "s370/machine/per.h"

/* How an instruction that ends with the code ends: a letter of
 * interruption.def. */
static char ending(int code)
{
    enum { S = 'S', T = 'T', N = 'N', C = 'C' };
    static const char endings[] = {
#define PROGRAM(number, name, ends, words) [number] = ends,
#include "s370/machine/interruption.def"
#undef PROGRAM
    };

    return endings[code];
}

/* The interruption code of an instruction that could not be fetched whole
 * leaves the ILC open; ours counts the halfwords known to belong to it. */
static int fetch(struct s370_cpu *cpu, uint8_t bytes[6])
{
    uint32_t ia = cpu->psw.ia;
    unsigned got = 0, want = 2;

    cpu->ilc = 2;
    if (ia & 1)
        return S370_PGM_SPECIFICATION;
    while (got < want) {
        uint32_t a = (ia + got) & S370_ADDRESS_MASK;
        struct s370_tlb_entry *e = s370_fetch_at(cpu, a);

        if (e->read_tag != ((a / S370_BLOCK * S370_BLOCK) | cpu->context))
            TRY(s370_fetch_fill(cpu, a, &e));
        bytes[got] = e->host[a & (S370_BLOCK - 1)];
        bytes[got + 1] = e->host[(a & (S370_BLOCK - 1)) + 1];
        want = s370_insn_len(bytes[0]);
        cpu->ilc = (uint8_t)want;
        got += 2;
    }
    return 0;
}

/* PER sees the registers before and after; of EXECUTE it wants the target. */
static int execute_recorded(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    uint32_t before[16];

    __builtin_memcpy(before, cpu->gr, sizeof(before));
    int outcome = s370_bodies[d->op](cpu, d);
    if (d->op != S370_OP_EX)
        s370_per_registers(cpu, d, before);
    return outcome;
}

int s370_execute(struct s370_cpu *cpu, const struct s370_decoded *d)
{
    if (d->op == S370_OP_INVALID)
        return S370_PGM_OPERATION;
    if (s370_insns.rows[d->op].privilege == PRIV_P && cpu->psw.problem)
        return S370_PGM_PRIVILEGED_OPERATION;
    if (UNLIKELY(s370_per_on(cpu)))
        return execute_recorded(cpu, d);
    return s370_bodies[d->op](cpu, d);
}

static int attempt(struct s370_cpu *cpu)
{
    uint8_t bytes[6];
    struct s370_decoded d;
    int outcome = fetch(cpu, bytes);

    cpu->psw.ia = (cpu->psw.ia + cpu->ilc) & S370_ADDRESS_MASK;
    if (outcome)
        return outcome;
    if (UNLIKELY(s370_per_on(cpu)))
        s370_per_fetch(cpu);
    s370_decode(bytes, &d);
    return s370_execute(cpu, &d);
}

static void program(struct s370_cpu *cpu, int code,
                    struct s370_interruption *in)
{
    *in = (struct s370_interruption){
        .class = S370_INT_PROGRAM,
        .ilc = cpu->ilc,
        .code = (uint16_t)code,
        .translation_address = cpu->translation_address,
        .monitor_code = cpu->monitor_code,
        .monitor_class = cpu->monitor_class,
        .per_code = cpu->per_code,
        .per_address = cpu->per_address,
    };
    if (cpu->per_code)
        in->code |= S370_PGM_PER_EVENT;
    cpu->per_code = 0;
}

/* Events that wait, and an invalid PSW that is in force: one interruption tells
 * of both.  The ILC is that of no instruction when the PSW is invalid
 * ("Program-Event Recording", "Exceptions Associated with the PSW"). */
static void report_events(struct s370_cpu *cpu, struct s370_interruption *in)
{
    bool valid = s370_psw_valid(&cpu->psw);

    if (!valid)
        cpu->ilc = 0;
    program(cpu, valid ? 0 : S370_PGM_SPECIFICATION, in);
}

/* GA22-7000, "Types of Instruction Ending" and, for what PER reports of an
 * instruction that did not complete, "Program-Event Recording".  One that
 * leaves an invalid PSW did complete. */
void s370_conclude(struct s370_cpu *cpu, int outcome,
                   struct s370_interruption *in)
{
    in->class = S370_INT_NONE;
    if (outcome == S370_DONE || outcome == S370_SYNC) {
        if (UNLIKELY(cpu->per_code))
            report_events(cpu, in);
        return;
    }
    if (outcome == S370_SVC) {
        *in = (struct s370_interruption){
            .class = S370_INT_SVC, .ilc = cpu->ilc, .code = cpu->svc_code};
        return;
    }
    if (ending(outcome) != 'C' && s370_psw_valid(&cpu->psw))
        cpu->per_code &= S370_PER_FETCH;
    if (ending(outcome) == 'N')
        cpu->psw.ia = (cpu->psw.ia - cpu->ilc) & S370_ADDRESS_MASK;
    program(cpu, outcome, in);
}

/* Events of a SUPERVISOR CALL wait until its interruption has been taken; an
 * invalid PSW interrupts before it has executed anything.  Neither is an
 * instruction, so neither counts. */
static bool interrupted_before(struct s370_cpu *cpu,
                               struct s370_interruption *in)
{
    if (LIKELY(!cpu->per_code && s370_psw_valid(&cpu->psw)))
        return false;
    report_events(cpu, in);
    return true;
}

int s370_step_outcome(struct s370_cpu *cpu, struct s370_interruption *in)
{
    s370_context_changed(cpu);
    if (interrupted_before(cpu, in))
        return S370_DONE;
    cpu->per_address = cpu->psw.ia;
    cpu->ran++;
    int outcome = attempt(cpu);
    s370_conclude(cpu, outcome, in);
    return outcome;
}

void s370_step(struct s370_cpu *cpu, struct s370_interruption *in)
{
    (void)s370_step_outcome(cpu, in);
}
