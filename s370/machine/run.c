/* The same meaning as s370_step, faster: while instructions come from one 2K
 * block, fetching is a pointer into host storage, and the bodies of hot.def
 * are compiled into one switch.  Every instruction is decoded from storage
 * when it is executed, so that a program may change the very next one.
 *
 * What is rare is left to s370_step: PER, an instruction across two blocks, an
 * odd address, anything that cannot be fetched. */
#include "s370/machine/execute.h"
#include "s370/machine/hot.h"

enum {
#define INSN(opcode, name, format, priv, sens, op, title, effect) \
    OPCODE_##name = opcode, FORMAT_##name = S370_FMT_##format,    \
    UNPRIVILEGED_##name = PRIV_##priv == PRIV_U,
#include "s370/machine/insn.def"
#undef INSN
    INSN_MAX = 6 /* bytes */
};

/* A run in one block: registers of the loop, where they are not locals. */
struct block {
    const uint8_t *host; /* of its first byte */
    uint32_t ia;         /* of its first byte */
    uint64_t end;        /* cpu->ran when the budget is used up */
};

S370_INLINE uint32_t ia_of(const struct block *b, const uint8_t *p)
{
    return (b->ia + (uint32_t)(p - b->host)) & S370_ADDRESS_MASK;
}

/* Any other instruction: the driver's state is in the CPU before it. */
static int execute_cold(struct s370_cpu *cpu, const struct block *b,
                        const uint8_t *p, uint64_t left)
{
    struct s370_decoded d;

    s370_decode(p, &d);
    cpu->ilc = d.len;
    cpu->psw.ia = ia_of(b, p + d.len);
    cpu->ran = b->end - left;
    return s370_execute(cpu, &d);
}

/* Where in the block the instruction address is, or NULL: not in it. */
S370_INLINE const uint8_t *in_block(const struct s370_cpu *cpu,
                                    const struct block *b)
{
    uint32_t offset = cpu->psw.ia - b->ia;

    return offset <= S370_BLOCK - INSN_MAX && !(offset & 1) ? b->host + offset
                                                            : NULL;
}

/* A hot instruction does not end the run unless it has a code; that none is
 * privileged is seen here, where nobody asks. */
#define HOT(name, op)                                           \
    case OPCODE_##name: {                                       \
        enum { LEN = S370_INSN_LEN(OPCODE_##name) };            \
        _Static_assert(UNPRIVILEGED_##name, #name);             \
        struct s370_decoded d;                                  \
                                                                \
        s370_decode_as((enum s370_format)FORMAT_##name, p, &d); \
        outcome = body_##op(cpu, &d);                           \
        p += LEN;                                               \
        if (UNLIKELY(outcome)) {                                \
            cpu->ilc = LEN;                                     \
            cpu->psw.ia = ia_of(b, p);                          \
            cpu->ran = b->end - left;                           \
            return outcome;                                     \
        }                                                       \
        break;                                                  \
    }
#define HOT_BRANCH(name, op)                                    \
    case OPCODE_##name: {                                       \
        enum { LEN = S370_INSN_LEN(OPCODE_##name) };            \
        _Static_assert(UNPRIVILEGED_##name, #name);             \
        struct s370_decoded d;                                  \
                                                                \
        s370_decode_as((enum s370_format)FORMAT_##name, p, &d); \
        cpu->ilc = LEN;                                         \
        cpu->psw.ia = ia_of(b, p + LEN);                        \
        outcome = body_##op(cpu, &d);                           \
        p = in_block(cpu, b);                                   \
        if (UNLIKELY(!p)) {                                     \
            cpu->ran = b->end - left;                           \
            return outcome;                                     \
        }                                                       \
        break;                                                  \
    }

/* Execute from psw.ia on, which is in the block, until the budget is used up,
 * control leaves the block, or an outcome is not 0. */
static int run_block(struct s370_cpu *cpu, const struct block *where)
{
    const struct block here = *where, *b = &here;
    const uint8_t *p = in_block(cpu, b),
                  *last = b->host + S370_BLOCK - INSN_MAX;
    uint64_t left = b->end - cpu->ran;
    int outcome = 0;

    while (left && p <= last) {
        left--;
        switch (*p) {
#include "s370/machine/hot.def"
        default:
            outcome = execute_cold(cpu, b, p, left);
            p = in_block(cpu, b);
            if (outcome || !p)
                return outcome;
            break;
        }
    }
    cpu->psw.ia = ia_of(b, p);
    cpu->ran = b->end - left;
    return 0;
}

/* The block of psw.ia, if the fast driver can run there. */
static bool find_block(struct s370_cpu *cpu, struct block *b)
{
    uint32_t ia = cpu->psw.ia, offset = ia & (S370_BLOCK - 1);
    struct s370_tlb_entry *e = s370_fetch_at(cpu, ia);

    if ((ia & 1) || offset > S370_BLOCK - INSN_MAX ||
        (cpu->context & S370_CONTEXT_PER) || cpu->per_code)
        return false;
    b->ia = ia - offset;
    if (e->read_tag != (b->ia | cpu->context) && s370_fetch_fill(cpu, ia, &e))
        return false;
    b->host = e->host;
    return true;
}

/* Masks or state have changed: may an interruption come in, or is the PSW one
 * that executes nothing?  Or has an I/O
 * instruction begun something that is due before the run is over? */
static bool must_look(const struct s370_cpu *cpu, uint64_t end)
{
    const struct s370_psw *psw = &cpu->psw;

    return s370_psw_enabled(psw) || psw->wait || cpu->restart_pending ||
           cpu->stopped || !s370_psw_valid(psw) ||
           cpu->clock->next - cpu->clock->now < end;
}

void s370_run(struct s370_cpu *cpu, uint64_t n, struct s370_interruption *in)
{
    uint64_t most = UINT64_MAX - cpu->ran;
    struct block b = {.end = cpu->ran + (n < most ? n : most)};
    int outcome;

    in->class = S370_INT_NONE;
    s370_context_changed(cpu);
    if (n && !s370_psw_valid(&cpu->psw)) {
        s370_step(cpu, in);
        return;
    }
    while (cpu->ran < b.end) {
        if (find_block(cpu, &b)) {
            outcome = run_block(cpu, &b);
            s370_conclude(cpu, outcome, in);
        } else {
            outcome = s370_step_outcome(cpu, in);
        }
        if (in->class || (outcome == S370_SYNC && must_look(cpu, b.end)))
            return;
    }
}
