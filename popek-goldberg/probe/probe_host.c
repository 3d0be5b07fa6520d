/* See the header.  Judges what pg_host_run saw, by where each instruction's
 * effect shows; what the literature says of it is looked at only afterwards. */
#include "popek-goldberg/probe/probe_host.h"

#include "base/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LIMIT_MS = 5000, /* a loaded host is slow; none of the rows needs 1 ms */
    TIMINGS = 3      /* runs of which the fastest counts */
};

/* Vectors (SDM volume 3A, "Exception and Interrupt Reference"). */
enum { VECTOR_UD = 6, VECTOR_DF = 8 };

static const char *const vectors[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR",
                                      "#UD", "#NM", "#DF", "CSO", "#TS", "#NP",
                                      "#SS", "#GP", "#PF", "#15", "#MF", "#AC",
                                      "#MC", "#XM", "#VE", "#CP"};

static const struct pg_host_insn insns[] = {
#define HOST(iname, ibytes, istage, ilook, iclaim, ifeature, isource, iisa) \
    {.name = iname,                                                         \
     .source = isource,                                                     \
     .code = {.bytes = ibytes,                                              \
              .length = sizeof(ibytes) - 1,                                 \
              .stage = PG_STAGE_##istage},                                  \
     .look = PG_LOOK_##ilook,                                               \
     .claim = PG_CLAIM_##iclaim,                                            \
     .feature = PG_FEATURE_##ifeature,                                      \
     .isa = iisa},
#include "popek-goldberg/probe/host_insn.def"
};

/* Where CPUID has a feature; the first three of the enum have no such place. */
static const struct {
    uint32_t leaf, subleaf;
    uint8_t reg, bit; /* reg: eax ebx ecx edx */
    const char *words;
} features[PG_FEATURE_COUNT] = {
    [PG_FEATURE_ALWAYS] = {.words = "always"},
    [PG_FEATURE_NOT_LONG] = {.words = "not in 64-bit mode"},
    [PG_FEATURE_NOT_ON_AMD] = {.words = "none in AMD's long mode"},
#define HOST_FEATURE(fname, fleaf, fsub, freg, fbit, fwords) \
    [PG_FEATURE_##fname] = {.leaf = fleaf,                   \
                            .subleaf = fsub,                 \
                            .reg = freg,                     \
                            .bit = fbit,                     \
                            .words = fwords},
#include "popek-goldberg/probe/host_insn.def"
};

/* What Linux makes up for the five instructions under CR4.UMIP (its
 * arch/x86/kernel/umip.c says which values): in storage a limit of 0 and this
 * base; CR0 as at boot; the LDT's selector, 0 where a process has none; the
 * selector of the TSS.  The last three are also what the processor would say,
 * so that they tell nothing without the first two. */
static const struct {
    const char *name;
    uint64_t value;
} made_up[] = {{"SGDT", 0xFFFFFFFFFFFE0000},
               {"SIDT", 0xFFFFFFFFFFFF0000},
               {"SMSW", 0x80050033},
               {"SLDT", 0},
               {"STR", 0x40}};

size_t pg_host_count(void)
{
    return ARRAY_LEN(insns);
}

const struct pg_host_insn *pg_host_insn_at(size_t i)
{
    return &insns[i];
}

const char *pg_host_feature_name(enum pg_host_feature feature)
{
    return features[feature].words;
}

_Static_assert(PG_FEATURE_COUNT <= 32, "features is 32 bits");

static const struct pg_host_insn *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(insns); i++)
        if (!strcmp(insns[i].name, name))
            return &insns[i];
    return NULL;
}

PRINTF(3, 4)
static void judge(struct pg_host_row *row, enum pg_host_verdict verdict,
                  const char *fmt, ...)
{
    va_list ap;

    row->verdict = verdict;
    va_start(ap, fmt);
    format_va(row->words, sizeof(row->words), fmt, ap);
    va_end(ap);
}

/* ---- A trap ---- */

/* Could this processor, in this mode, have the instruction? */
static bool has_feature(const struct pg_host_facts *facts,
                        enum pg_host_feature feature)
{
    if (feature <= PG_FEATURE_NOT_ON_AMD)
        return feature == PG_FEATURE_ALWAYS;
    return !facts->cpuid_read || (facts->features >> feature & 1);
}

static void judge_signal(struct pg_host_row *row,
                         const struct pg_host_facts *facts)
{
    const struct pg_host_seen *s = &row->seen;
    enum pg_host_feature feature = row->insn->feature;
    char number[16], vector[32];

    format(number, sizeof(number), "#%u", (unsigned)s->trap_number);
    format(vector, sizeof(vector), "%s",
           s->trap_number < ARRAY_LEN(vectors) ? vectors[s->trap_number]
                                               : number);
    if (s->trap_number == VECTOR_UD && !has_feature(facts, feature)) {
        bool bit = feature > PG_FEATURE_NOT_ON_AMD;
        judge(row, PG_HOST_ABSENT, "%s: %s%s", vector,
              bit ? "CPUID shows no " : "", features[feature].words);
        return;
    }
    if (s->trap_number >= VECTOR_DF) {
        size_t n = strlen(vector);
        format(vector + n, sizeof(vector) - n, "(%llX)",
               (unsigned long long)s->error_code);
    }
    judge(row, PG_HOST_TRAPS, "%s, %s %s", vector,
          pg_host_signal_name(s->signal),
          pg_host_signal_code_name(s->signal, s->code));
}

/* ---- What went through, by where its effect shows ---- */

static unsigned iopl_of(uint64_t flags)
{
    return (unsigned)(flags >> 12 & 3);
}

static void look_flags_kept(struct pg_host_row *row)
{
    const struct pg_host_seen *s = &row->seen;
    uint64_t kept = s->wanted_flags ^ s->flags_after;
    bool carried = !(kept & PG_FLAG_CF);

    if (!(kept & (PG_FLAG_IF | PG_FLAG_IOPL)))
        judge(row, PG_HOST_EXECUTES, "IF and IOPL changed");
    else
        judge(row, PG_HOST_DOES_LESS, "kept%s%s; CF %s",
              kept & PG_FLAG_IF ? " IF=1" : "",
              !(kept & PG_FLAG_IOPL)         ? ""
              : iopl_of(s->flags_after) == 0 ? " IOPL=0"
                                             : " IOPL",
              carried ? "loaded" : "kept too");
}

static void look_selector(struct pg_host_row *row, uint64_t selector)
{
    judge(row, PG_HOST_REVEALS, "selector %04X: CPL %u",
          (unsigned)(selector & 0xFFFF), (unsigned)(selector & 3));
}

/* The highest word pushed: rsp moved by 8 or 16 (CS and RIP), or by 8 with a
 * 32-bit operand, where the selector is the upper half. */
static void look_pushed(struct pg_host_row *row)
{
    const struct pg_host_seen *s = &row->seen;
    uint64_t top = s->stack[PG_HOST_STACK_TOP - 1];

    look_selector(row, s->rsp_moved == 8 ? top >> 32 : top);
}

static void look_rights(struct pg_host_row *row)
{
    const struct pg_host_seen *s = &row->seen;

    if (s->flags_after & PG_FLAG_ZF)
        judge(row, PG_HOST_REVEALS, "ZF=1, descriptor shows %08X",
              (unsigned)s->rcx);
    else
        judge(row, PG_HOST_DOES_LESS, "ZF=0: not to be seen from CPL 3");
}

static void look_verified(struct pg_host_row *row)
{
    if (row->seen.flags_after & PG_FLAG_ZF)
        judge(row, PG_HOST_EXECUTES, "ZF=1: accessible from CPL 3");
    else
        judge(row, PG_HOST_DOES_LESS, "ZF=0: not accessible from CPL 3");
}

/* Does the row hold what Linux makes up for its instruction? */
static bool is_made_up(const struct pg_host_row *row)
{
    const struct pg_host_seen *s = &row->seen;
    uint64_t value = s->rax;
    uint16_t limit = 0;

    if (s->end != PG_END_THROUGH)
        return false;
    if (row->insn->look == PG_LOOK_UMIP_TABLE) {
        memcpy(&limit, s->data, sizeof(limit));
        memcpy(&value, s->data + sizeof(limit), sizeof(value));
    }
    for (size_t i = 0; i < ARRAY_LEN(made_up); i++)
        if (!strcmp(made_up[i].name, row->insn->name))
            return limit == 0 && value == made_up[i].value;
    return false;
}

static void look_table(struct pg_host_row *row)
{
    uint16_t limit;
    uint64_t base;

    memcpy(&limit, row->seen.data, sizeof(limit));
    memcpy(&base, row->seen.data + sizeof(limit), sizeof(base));
    judge(row, is_made_up(row) ? PG_HOST_EMULATED : PG_HOST_REVEALS,
          "base %016llX limit %04X%s", (unsigned long long)base, limit,
          is_made_up(row) ? ", Linux's made-up ones" : "");
}

/* Run the one whose made-up value no real one can be mistaken for: UMIP is one
 * bit for all five. */
static enum status sgdt_is_emulated(bool *emulated, struct diag *diag)
{
    struct pg_host_row sgdt = {.insn = find("SGDT")};
    enum status st = pg_host_run(&sgdt.insn->code, LIMIT_MS, &sgdt.seen, diag);

    *emulated = st == STATUS_OK && is_made_up(&sgdt);
    return st;
}

static enum status look_word(struct pg_host_row *row, struct diag *diag)
{
    bool emulated;
    enum status st = sgdt_is_emulated(&emulated, diag);

    if (emulated && is_made_up(row))
        judge(row, PG_HOST_EMULATED, "%08X, the made-up one, as with SGDT",
              (unsigned)row->seen.rax);
    else
        judge(row, PG_HOST_REVEALS, "%08X", (unsigned)row->seen.rax);
    return st;
}

static void look_call(struct pg_host_row *row)
{
    long long answer = (int64_t)row->seen.rax;

    /* A 32-bit call leaves the upper half clear. */
    if (answer == (int32_t)answer || answer >> 32 == 0)
        answer = (int32_t)answer;
    if (row->seen.rax == 0xFFFF)
        judge(row, PG_HOST_EXECUTES, "nobody answered");
    else
        judge(row, PG_HOST_CALLS, "somebody above answered %lld", answer);
}

static enum status judge_through(struct pg_host_row *row, struct diag *diag)
{
    const struct pg_host_seen *s = &row->seen;
    uint64_t pushed = s->stack[PG_HOST_STACK_TOP - 1];

    switch (row->insn->look) {
    case PG_LOOK_NOTHING:
        judge(row, PG_HOST_EXECUTES, "goes through");
        break;
    case PG_LOOK_VALUE:
        judge(row, PG_HOST_EXECUTES, "a value, %08X", (unsigned)s->rax);
        break;
    case PG_LOOK_COUNT:
        judge(row, PG_HOST_EXECUTES, "a value of this moment");
        break;
    case PG_LOOK_CONTROL_VALUE:
        judge(row, PG_HOST_REVEALS, "the register holds %08X",
              (unsigned)s->rax);
        break;
    case PG_LOOK_FLAGS_SEEN:
        judge(row, PG_HOST_REVEALS, "IF=%u IOPL=%u",
              (unsigned)(pushed >> 9 & 1), iopl_of(pushed));
        break;
    case PG_LOOK_FLAGS_KEPT:
        look_flags_kept(row);
        break;
    case PG_LOOK_SELECTOR:
        look_selector(row, s->rax);
        break;
    case PG_LOOK_PUSHED:
        look_pushed(row);
        break;
    case PG_LOOK_RIGHTS:
        look_rights(row);
        break;
    case PG_LOOK_VERIFIED:
        look_verified(row);
        break;
    case PG_LOOK_UMIP_TABLE:
        look_table(row);
        break;
    case PG_LOOK_UMIP_WORD:
        return look_word(row, diag);
    case PG_LOOK_CALL:
        look_call(row);
        break;
    }
    return STATUS_OK;
}

/* ---- Claim and observation ---- */

static const uint16_t agreeing[PG_CLAIM_COUNT] = {
    [PG_CLAIM_PRIVILEGED] = 1 << PG_HOST_TRAPS,
    [PG_CLAIM_IOPL] = 1 << PG_HOST_TRAPS,
    [PG_CLAIM_CONTROL] = 1 << PG_HOST_TRAPS | 1 << PG_HOST_EXECUTES |
                         1 << PG_HOST_REVEALS | 1 << PG_HOST_CALLS,
    [PG_CLAIM_CRITICAL] =
        1 << PG_HOST_EXECUTES | 1 << PG_HOST_REVEALS | 1 << PG_HOST_DOES_LESS,
    [PG_CLAIM_CHECKED] = 1 << PG_HOST_TRAPS | 1 << PG_HOST_DOES_LESS,
    [PG_CLAIM_UNPRIVILEGED] = 1 << PG_HOST_EXECUTES | 1 << PG_HOST_REVEALS,
    [PG_CLAIM_BOTH] = 1 << PG_HOST_TRAPS | 1 << PG_HOST_CALLS,
};

/* An instruction that is not there, or was not run, says nothing. */
static bool differs(const struct pg_host_row *row)
{
    if (row->verdict == PG_HOST_ABSENT || row->verdict == PG_HOST_NOT_RUN)
        return false;
    return !(agreeing[row->insn->claim] >> row->verdict & 1);
}

static enum status judge_end(struct pg_host_row *row,
                             const struct pg_host_facts *facts,
                             unsigned limit_ms, struct diag *diag)
{
    switch (row->seen.end) {
    case PG_END_SIGNAL:
        judge_signal(row, facts);
        break;
    case PG_END_THROUGH:
        return judge_through(row, diag);
    case PG_END_CUT:
        judge(row, PG_HOST_CUT, "still running after %u ms", limit_ms);
        break;
    case PG_END_LOST:
        judge(row, PG_HOST_LOST, "its process ended by signal %d",
              row->seen.signal);
        break;
    }
    return STATUS_OK;
}

enum status pg_probe_host_one(struct pg_host_row *row,
                              const struct pg_host_insn *insn,
                              const struct pg_host_facts *facts,
                              unsigned limit_ms, struct diag *diag)
{
    enum status st = STATUS_OK;

    *row = (struct pg_host_row){.insn = insn};
    if (insn->claim == PG_CLAIM_IOPL && facts->iopl) {
        judge(row, PG_HOST_NOT_RUN, "this process has IOPL %u", facts->iopl);
        return STATUS_OK;
    }
    st = pg_host_run(&insn->code, limit_ms, &row->seen, diag);
    if (st == STATUS_OK)
        st = judge_end(row, facts, limit_ms, diag);
    row->differs = differs(row);
    return st;
}

/* ---- The host ---- */

/* CPUID in a child, too: it can be made to trap (arch_prctl). */
static enum status cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4],
                         bool *ran, struct diag *diag)
{
    struct pg_host_code code = {
        .bytes = {0x0F, 0xA2}, .length = 2, .rax = leaf, .rcx = subleaf};
    struct pg_host_seen seen;
    enum status st = pg_host_run(&code, LIMIT_MS, &seen, diag);

    *ran = st == STATUS_OK && seen.end == PG_END_THROUGH;
    regs[0] = (uint32_t)seen.rax;
    regs[1] = (uint32_t)seen.rbx;
    regs[2] = (uint32_t)seen.rcx;
    regs[3] = (uint32_t)seen.rdx;
    return st;
}

/* A leaf above the highest is answered with the highest one's words on some
 * processors (SDM, CPUID): those count as zeros. */
static enum status read_feature(struct pg_host_facts *facts, unsigned f,
                                struct diag *diag)
{
    uint32_t leaf = features[f].leaf, regs[4] = {0};
    bool ran;
    enum status st = cpuid(leaf & 0x80000000, 0, regs, &ran, diag);

    if (st != STATUS_OK || !ran || regs[0] < leaf) {
        facts->cpuid_read = facts->cpuid_read && ran;
        return st;
    }
    st = cpuid(leaf, features[f].subleaf, regs, &ran, diag);
    facts->cpuid_read = facts->cpuid_read && ran;
    if (st == STATUS_OK && ran)
        facts->features |= (regs[features[f].reg] >> features[f].bit & 1) << f;
    return st;
}

/* A word of the first "flags" line. */
static bool cpuinfo_has(const char *flag)
{
    char word[64];
    bool found = false, in_flags = false;
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && !found && fscanf(f, "%63s", word) == 1) {
        if (!strcmp(word, "flags"))
            in_flags = true;
        else if (!strcmp(word, "bugs") || !strcmp(word, "processor"))
            in_flags = false;
        found = in_flags && !strcmp(word, flag);
    }
    if (f)
        fclose(f);
    return found;
}

static enum status read_iopl(struct pg_host_facts *facts, struct diag *diag)
{
    struct pg_host_code nop = {.bytes = {0x90}, .length = 1};
    struct pg_host_seen seen;
    enum status st = pg_host_run(&nop, LIMIT_MS, &seen, diag);

    facts->iopl = iopl_of(seen.flags_before);
    return st;
}

enum status pg_host_look_around(struct pg_host_facts *facts, struct diag *diag)
{
    *facts = (struct pg_host_facts){.cpuid_read = true};
    enum status st = read_iopl(facts, diag);

    for (unsigned f = PG_FEATURE_NOT_ON_AMD + 1;
         st == STATUS_OK && f < PG_FEATURE_COUNT; f++)
        st = read_feature(facts, f, diag);
    facts->kernel_umip = cpuinfo_has("umip");
    return st;
}

/* Nanoseconds of many in a row, with the two signals around them. */
static enum status time_many(const char *name, uint64_t *ns, struct diag *diag)
{
    struct pg_host_code code = find(name)->code;
    struct pg_host_seen seen;
    enum status st = STATUS_OK;

    *ns = UINT64_MAX;
    code.repeat = PG_HOST_REPEAT_MAX;
    for (unsigned i = 0; i < TIMINGS && st == STATUS_OK; i++) {
        st = pg_host_run(&code, LIMIT_MS, &seen, diag);
        if (seen.end == PG_END_THROUGH && seen.ns < *ns)
            *ns = seen.ns;
    }
    return st;
}

/* Nanoseconds of one, beyond a NOP's; 0 where they did not come through. */
static enum status time_one(const char *name, unsigned *ns, struct diag *diag)
{
    uint64_t many, nothing;
    enum status st = time_many(name, &many, diag);

    if (st == STATUS_OK)
        st = time_many("NOP", &nothing, diag);
    *ns = 0;
    if (st == STATUS_OK && many != UINT64_MAX && many > nothing)
        *ns = (unsigned)((many - nothing) / PG_HOST_REPEAT_MAX);
    return st;
}

static enum status time_three(struct pg_host_facts *facts, struct diag *diag)
{
    enum status st = time_one("PUSHF", &facts->ns_direct, diag);

    if (st == STATUS_OK)
        st = time_one("SGDT", &facts->ns_sgdt, diag);
    if (st == STATUS_OK && !facts->iopl)
        st = time_one("CLI", &facts->ns_trap, diag);
    return st;
}

enum status pg_probe_host(struct pg_host_row *rows, size_t cap,
                          struct pg_host_facts *facts, struct diag *diag)
{
    if (cap < ARRAY_LEN(insns))
        return diag_set(diag, STATUS_BAD_INPUT, "room for %zu rows of %zu", cap,
                        ARRAY_LEN(insns));
    enum status st = pg_host_look_around(facts, diag);

    for (size_t i = 0; st == STATUS_OK && i < ARRAY_LEN(insns); i++) {
        st = pg_probe_host_one(&rows[i], &insns[i], facts, LIMIT_MS, diag);
        facts->count++;
        facts->differences += rows[i].differs;
    }
    return st == STATUS_OK ? time_three(facts, diag) : st;
}
