/* Which cases can be compared?  Not those that would lose the bench (a wait,
 * a prefix without a driver under it), depend on time or on the operator, or
 * use what only one of the machines has. */
#include "base/bits.h"
#include "s370/machine/machine.h"
#include "s370/machine/per.h"
#include "s370/machine/timer.h"
#include "tests/oracle/ours.h"

/* CR9: storage-alteration events. */
#define PER_STORE 0x20000000u

static bool is_later(const uint8_t bytes[6])
{
    static const struct {
        uint16_t opcode, mask;
    } later[] = {
#define LATER(opcode, mask, name) {opcode, mask},
#include "tests/oracle/later.def"
#undef LATER
    };

    for (size_t i = 0; i < ARRAY_LEN(later); i++)
        if ((load_be16(bytes) & later[i].mask) == later[i].opcode)
            return true;
    return false;
}

/* The byte at a logical address as the CPU would fetch it; NULL when it is not
 * there or may not be fetched. */
static const uint8_t *byte_at(struct s370_machine *m, uint32_t a)
{
    const struct s370_psw *psw = &m->cpu.psw;
    uint32_t real = a & S370_ADDRESS_MASK;
    uint8_t cc;

    if (s370_psw_dat(psw) && s370_translate(&m->cpu, real, &real, &cc))
        return NULL;
    real = s370_real_to_absolute(real, m->cpu.prefix);
    if (real >= STORAGE_SIZE)
        return NULL;
    uint8_t key = m->storage.keys[real / S370_BLOCK];
    if ((key & S370_KEY_FETCH) && psw->key != 0 && psw->key != key >> 4)
        return NULL;
    return m->storage.bytes + real;
}

/* An instruction, all of it. */
static bool peek(struct s370_machine *m, uint32_t a, uint8_t bytes[6])
{
    unsigned want = 2;

    for (unsigned i = 0; i < 6; i++)
        bytes[i] = 0;
    for (unsigned i = 0; i < want; i++) {
        const uint8_t *p = byte_at(m, a + i);
        if (!p)
            return false;
        bytes[i] = *p;
        want = s370_insn_len(bytes[0]);
    }
    return true;
}

static uint32_t address2(const struct s370_cpu *cpu,
                         const struct s370_decoded *d)
{
    return (cpu->gr[d->b2] + cpu->gr[d->x2] + d->d2) & S370_ADDRESS_MASK;
}

/* The instruction at a, or what EX makes of its target. */
static bool decode(struct s370_machine *m, uint32_t a, uint8_t bytes[6],
                   struct fact *f)
{
    struct s370_decoded *d = &f->last;

    f->fetch = (a & 1) || !peek(m, a, bytes);
    f->executed_target = f->fetch_target = false;
    if (f->fetch)
        return false;
    s370_decode(bytes, d);
    if (d->op != S370_OP_EX)
        return true;
    uint32_t target = address2(&m->cpu, d);
    uint8_t modify = d->r1 ? (uint8_t)m->cpu.gr[d->r1] : 0;
    f->executed_target = true;
    f->fetch_target = (target & 1) || !peek(m, target, bytes);
    if (f->fetch_target)
        return false;
    bytes[1] |= modify;
    s370_decode(bytes, d);
    return true;
}

static enum fate judge_privileged(struct s370_machine *m,
                                  const struct s370_decoded *d)
{
    const struct s370_cpu *cpu = &m->cpu;
    uint32_t a = address2(cpu, d);
    const uint8_t *p;

    switch (d->op) {
    case S370_OP_DIAG:
        return FATE_WILD;
    case S370_OP_SIGP: /* to itself: orders that stop it */
        if ((a & 0xFF) > 12)
            return FATE_LATER;
        return (cpu->gr[d->r2] & 0xFFFF) == 0 ? FATE_WILD : FATE_RUN;
    case S370_OP_SPX: /* Hercules makes bits 1-7 a part of the prefix */
        p = byte_at(m, a);
        return p && (*p & 0x7F) ? FATE_LATER : FATE_RUN;
    case S370_OP_SIO:
    case S370_OP_SIOF:
    case S370_OP_TIO:
    case S370_OP_CLRIO:
    case S370_OP_HIO:
    case S370_OP_HDV:
    case S370_OP_TCH:
    case S370_OP_STIDC: /* Hercules' console is on channel 0 */
        return (a & 0xFF00) == 0 ? FATE_WILD : FATE_RUN;
    case S370_OP_SSK:
    case S370_OP_ISK:
        return operands_own_block(cpu->gr[d->r2] & S370_ADDRESS_MASK)
                   ? FATE_RUN
                   : FATE_WILD;
    case S370_OP_LRA: /* Hercules does not see the end of a page table */
        return cpu->cr[0] & 0x00C00000 && operands_exceed_table(m, a)
                   ? FATE_UNNOTICED
                   : FATE_RUN;
    case S370_OP_RRB:
        return operands_own_block(a) ? FATE_RUN : FATE_WILD;
    default:
        return FATE_RUN;
    }
}

/* CLC need not look behind the first bytes that are unequal. */
static bool clc_decided(struct s370_machine *m, const struct stretch s[2])
{
    for (uint32_t i = 0; i < s[0].len; i++) {
        const uint8_t *p = byte_at(m, s[0].at + i);
        const uint8_t *q = byte_at(m, s[1].at + i);
        if (!p || !q)
            return false;
        if (*p != *q)
            return true;
    }
    return false;
}

/* Nor CLM. */
static bool clm_decided(struct s370_machine *m, const struct s370_decoded *d,
                        uint32_t at)
{
    for (unsigned i = 0; i < 4; i++) {
        if (!(d->r2 & 8 >> i))
            continue;
        const uint8_t *p = byte_at(m, at++);
        if (!p)
            return false;
        if (*p != (uint8_t)(m->cpu.gr[d->r1] >> (24 - 8 * i)))
            return true;
    }
    return false;
}

/* Operands whose second may not end to the right of the first ("Data
 * Exception", 2). */
static bool improper_zap(const struct stretch s[2])
{
    uint32_t right =
        (s[1].at + s[1].len - s[0].at - s[0].len) & S370_ADDRESS_MASK;

    return right != 0 && right < s[1].len;
}

/* From the last address on to address 0 ("Address Generation"): Hercules leaves
 * its storage in PACK, UNPK and the like, with a machine check, and finds a
 * wrong block in STCTL. */
static bool wraps(const struct s370_decoded *d, unsigned n,
                  const struct stretch s[2])
{
    bool any = false;

    for (unsigned i = 0; i < n; i++)
        any |= s[i].at + s[i].len > S370_ADDRESS_MASK + 1u;
    return any && (d->op == S370_OP_STCTL ||
                   s370_insns.rows[d->op].format == S370_FMT_SS_LL);
}

/* Table entries with bits that must be zero mean something else on Hercules, or
 * nothing; the formats that CR0 has are the same. */
static bool wrong_entry(const struct s370_cpu *cpu)
{
    uint32_t page = ibm32(cpu->cr[0], 8, 9);
    uint32_t segment = ibm32(cpu->cr[0], 10, 12);

    return (page == 1 || page == 2) && (segment == 0 || segment == 2);
}

/* Results that the manual calls unpredictable. */
static bool is_open(struct s370_machine *m, const struct fact *f, unsigned n,
                    const struct stretch s[2])
{
    const struct s370_decoded *d = &f->last;

    /* EX again for the next unit, from registers that the last one changed. */
    if (f->executed_target && (d->op == S370_OP_MVCL || d->op == S370_OP_CLCL))
        return true;
    switch (d->op) {
    case S370_OP_ED: /* "overlapping pattern and source fields" */
    case S370_OP_EDMK:
        if (operands_overlap(s))
            return true;
        break;
    case S370_OP_MVCL: /* operands that overlap in real storage only, or on the
                        * instruction itself between two units of operation */
        if (s[0].len > S370_BLOCK &&
            (s370_psw_dat(&m->cpu.psw) ||
             ((m->cpu.psw.ia - s[0].at) & S370_ADDRESS_MASK) < s[0].len))
            return true;
        break;
    case S370_OP_CLCL:
        return false;
    case S370_OP_CLC:
        return f->possible && clc_decided(m, s);
    case S370_OP_CLM:
        return f->possible && clm_decided(m, d, s[0].at);
    case S370_OP_STCM: /* whether a byte is accessed that is not stored */
        return f->possible && d->r2 == 0;
    default:
        break;
    }
    /* "Interlocks": overlap by different logical addresses. */
    return n == 2 && s370_psw_dat(&m->cpu.psw) && operands_aliased(m, s);
}

/* Nothing keeps these keys from the bench. */
static bool opens_fences(const struct s370_psw *psw)
{
    return psw->key == 0 || psw->key == 15;
}

/* Is the instruction in a block that cases own?  What stands elsewhere depends
 * on other cases. */
static bool at_home(struct s370_machine *m)
{
    struct stretch s = {m->cpu.psw.ia, 6};
    bool outside;

    (void)operands_exceptions(m, &s, 1, &outside);
    return !outside;
}

/* What the comparison wants to know. */
static void note(struct s370_machine *m, struct fact *f)
{
    const struct s370_decoded *d = &f->last;
    struct stretch s[2];
    bool outside;

    if (d->op == S370_OP_INVALID)
        return;
    unsigned n = operands_of(&m->cpu, d, s);
    f->possible = operands_exceptions(m, s, n, &outside);
    if (outside && opens_fences(&m->cpu.psw))
        f->fate = FATE_WILD;
    if (f->possible & OPERANDS_EXCEED || wraps(d, n, s))
        f->fate = FATE_UNNOTICED;
    if (f->possible >> S370_PGM_TRANSLATION_SPEC & 1 && wrong_entry(&m->cpu))
        f->fate = FATE_LATER;
    if (is_open(m, f, n, s))
        f->fate = FATE_OPEN;
    if (d->op == S370_OP_STCK || d->op == S370_OP_STPT) {
        f->clock = true;
        if (((s[0].at - m->cpu.psw.ia + 8) & S370_ADDRESS_MASK) < CODE_SIZE)
            f->fate = FATE_WILD; /* the time becomes code */
    }
    if (d->op == S370_OP_RRB && !m->cpu.psw.problem)
        f->reset_reference = true;
    if (d->op == S370_OP_ISK && !m->cpu.psw.problem)
        f->key_registers |= (uint16_t)(1u << d->r1);
    if ((d->op == S370_OP_SSK || d->op == S370_OP_LCTL) && !m->cpu.psw.problem)
        f->changed_fetching = true;
    if (d->op == S370_OP_LCTL)
        f->next_block = operands_block(m, m->cpu.psw.ia);
    /* Hercules reports a store also when CS and CDS make none. */
    if ((d->op == S370_OP_CS || d->op == S370_OP_CDS) && s370_per_on(&m->cpu) &&
        m->cpu.cr[9] & PER_STORE)
        f->fate = FATE_UNNOTICED;
    if (d->op == S370_OP_ZAP && improper_zap(s))
        f->fate = FATE_UNNOTICED;
    if (d->op == S370_OP_MVCL || d->op == S370_OP_CLCL)
        f->long_registers |= (uint16_t)(1u << d->r1 | 1u << d->r2);
}

void vet_before(struct s370_machine *m, struct fact *f)
{
    uint8_t bytes[6];
    const struct s370_decoded *d = &f->last;
    bool decided = f->clock || f->reset_reference;

    f->executed++;
    f->last_op = S370_OP_INVALID;
    f->possible = 0;
    bool again = f->last_at == m->cpu.psw.ia; /* the next unit of operation */
    f->last_at = m->cpu.psw.ia;
    if (!decode(m, m->cpu.psw.ia, bytes, f))
        return;
    f->last_op = d->op;
    f->last_bytes = load_be16(bytes);
    if (again && d->op == S370_OP_CLCL)
        return;
    if (opens_fences(&m->cpu.psw) && !at_home(m))
        f->fate = FATE_WILD;
    else if (decided && d->op != S370_OP_SVC)
        f->fate = FATE_WILD; /* may use the time, or the CC */
    else if (is_later(bytes)) {
        f->fate = FATE_LATER;
        f->later_opcode = true;
    } else if (!m->cpu.psw.problem && d->op != S370_OP_INVALID)
        f->fate = judge_privileged(m, d);
    if (f->fate == FATE_RUN)
        note(m, f);
}

/* A new storage key protects at once; Hercules goes on with the old one in a
 * block that it has at hand. */
static bool key_unnoticed(const struct fact *f, unsigned code)
{
    return f->changed_fetching && code == S370_PGM_PROTECTION;
}

/* Hercules has no general-register-alteration events, drops those of SVC, and
 * judges an instruction by the PER masks that it sets, not by those that it was
 * executed under ("Program-Event Recording"). */
static bool event_unnoticed(const struct s370_cpu *cpu,
                            const struct s370_interruption *in,
                            const struct fact *f)
{
    if (in->class == S370_INT_SVC)
        return cpu->per_code != 0;
    if (in->class != S370_INT_PROGRAM || !(in->code & S370_PGM_PER_EVENT))
        return false;
    switch (f->last_op) {
    case S370_OP_LCTL:
    case S370_OP_LPSW:
    case S370_OP_SSM:
    case S370_OP_STNSM:
    case S370_OP_STOSM:
        return true;
    default:
        return in->per_code & 0x10;
    }
}

/* A program event between two units of operation: how much a unit is depends on
 * the model. */
static bool stopped_between(struct s370_machine *m,
                            const struct s370_interruption *in,
                            const struct fact *f)
{
    return in->class == S370_INT_PROGRAM && in->code & S370_PGM_PER_EVENT &&
           (f->last_op == S370_OP_MVCL || f->last_op == S370_OP_CLCL) &&
           m->cpu.psw.ia == f->last_at;
}

void vet_ended(struct s370_machine *m, const struct s370_interruption *in,
               struct fact *f)
{
    unsigned code = in->class == S370_INT_PROGRAM ? in->code & 0x7Fu : 0;

    if ((code == S370_PGM_PAGE_TRANSLATION &&
         operands_exceed_table(m, in->translation_address)) ||
        key_unnoticed(f, code) || event_unnoticed(&m->cpu, in, f))
        f->fate = FATE_UNNOTICED;
    else if (code == S370_PGM_TRANSLATION_SPEC && wrong_entry(&m->cpu))
        f->fate = FATE_LATER;
    else if ((f->fetch && f->changed_fetching) || stopped_between(m, in, f))
        f->fate = FATE_OPEN;
}

/* Control registers of GA22-7000-4 only: others are of later facilities.  The
 * interval timer steps in real time on the other machine. */
static bool control_allowed(const uint32_t cr[16])
{
    return !(cr[0] & ~UINT32_C(0xC0F80C60)) && !cr[3] && !cr[4] && !cr[5] &&
           !cr[6] && !cr[7] && !cr[12] && !cr[13];
}

/* Far from the time when they interrupt. */
static bool timers_allowed(struct s370_cpu *cpu)
{
    int64_t timer = (int64_t)s370_cpu_timer(&cpu->timers, s370_ticks(cpu));
    uint64_t comparator = cpu->timers.comparator;

    return (timer < -(INT64_C(1) << 30) || timer > INT64_C(1) << 56) &&
           (comparator < UINT64_C(1) << 60 || comparator > UINT64_C(0xF) << 60);
}

void vet_after(struct s370_machine *m, struct fact *f)
{
    struct s370_cpu *cpu = &m->cpu;

    /* EC mode, bit 16: the address space of a later facility. */
    if (cpu->psw.ec && ibm64(cpu->psw.reserved, 16, 16))
        f->fate = FATE_LATER;
    if (f->last_op == S370_OP_LCTL && /* what was fetched before counts too */
        f->next_block != operands_block(m, f->last_at))
        f->fate = FATE_OPEN;
    if (cpu->psw.wait || cpu->stopped ||
        (cpu->prefix != 0 && cpu->prefix != AT_ALT) ||
        !control_allowed(cpu->cr) || !timers_allowed(cpu))
        f->fate = FATE_WILD;
}
