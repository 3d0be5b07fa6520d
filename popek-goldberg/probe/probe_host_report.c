/* What the probe saw, as a table to be read. */
#include "base/format.h"
#include "popek-goldberg/probe/agree_host.h"

#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
} claims[PG_CLAIM_COUNT] = {
    [PG_CLAIM_PRIVILEGED] = {"privileged", "traps in user mode"},
    [PG_CLAIM_IOPL] = {"by IOPL", "traps when CPL > IOPL"},
    [PG_CLAIM_CONTROL] = {"by control", "a control bit decides, or what is "
                                        "above the supervisor"},
    [PG_CLAIM_CRITICAL] = {"critical", "sensitive, and does not trap"},
    [PG_CLAIM_CHECKED] = {"checked", "a critical one where CPL makes it trap, "
                                     "or refuse and say nothing"},
    [PG_CLAIM_UNPRIVILEGED] = {"unprivileged", "does not trap at any CPL"},
    [PG_CLAIM_BOTH] = {"in both", "traps or calls the supervisor at any CPL"},
};

static const char *const verdicts[PG_HOST_VERDICTS] = {
    [PG_HOST_TRAPS] = "traps",
    [PG_HOST_EXECUTES] = "executes",
    [PG_HOST_DOES_LESS] = "executes, does less",
    [PG_HOST_REVEALS] = "executes, reveals",
    [PG_HOST_EMULATED] = "emulated by the kernel",
    [PG_HOST_CALLS] = "calls",
    [PG_HOST_ABSENT] = "not there",
    [PG_HOST_CUT] = "cut off",
    [PG_HOST_LOST] = "lost",
    [PG_HOST_NOT_RUN] = "not run",
};

const char *pg_host_claim_name(enum pg_host_claim claim)
{
    return claims[claim].name;
}

const char *pg_host_verdict_name(enum pg_host_verdict verdict)
{
    return verdicts[verdict];
}

struct sink {
    pg_host_print print;
    void *context;
};

PRINTF(2, 3)
static void say(const struct sink *sink, const char *fmt, ...)
{
    char line[256];
    va_list ap;

    va_start(ap, fmt);
    format_va(line, sizeof(line), fmt, ap);
    va_end(ap);
    sink->print(sink->context, line);
}

static void put_bytes(char *out, size_t cap, const struct pg_host_code *code)
{
    size_t n = 0;

    for (unsigned i = 0; i < code->length; i++)
        n += format(out + n, cap - n, "%02X", code->bytes[i]);
}

/* The column of what is derived; none without an answer. */
enum { DERIVED_SIZE = 16 };
static void put_derived(char out[DERIVED_SIZE], const char *words)
{
    *out = '\0';
    if (words)
        format(out, DERIVED_SIZE, "%-10s ", words);
}

static void report_row(const struct sink *sink, const struct pg_host_row *row,
                       const struct pg_host_answer *answer)
{
    char bytes[2 * PG_HOST_CODE_MAX + 1], derived[DERIVED_SIZE];

    put_bytes(bytes, sizeof(bytes), &row->insn->code);
    put_derived(derived, answer ? pg_host_class_name(answer->derived) : NULL);
    say(sink, "%c%c%-14s %-14s %-12s %s%-7s  %s: %s", row->differs ? '*' : ' ',
        answer && !answer->agrees ? '+' : ' ', row->insn->name, bytes,
        pg_host_claim_name(row->insn->claim), derived, row->insn->source,
        pg_host_verdict_name(row->verdict), row->words);
}

static void report_differences(const struct sink *sink,
                               const struct pg_host_row *rows,
                               const struct pg_host_facts *facts)
{
    bool emulated = false;

    say(sink, "%u of %u rows differ from their claim%s", facts->differences,
        facts->count, facts->differences ? ":" : ".");
    for (unsigned i = 0; i < facts->count; i++)
        if (rows[i].differs) {
            say(sink, "* %s: %s says %s (%s); seen: %s.", rows[i].insn->name,
                rows[i].insn->source, claims[rows[i].insn->claim].name,
                claims[rows[i].insn->claim].meaning,
                pg_host_verdict_name(rows[i].verdict));
            emulated |= rows[i].verdict == PG_HOST_EMULATED;
        }
    if (emulated) {
        say(sink, "Emulated: the claim is older than CR4.UMIP, with which "
                  "these trap in user mode");
        say(sink, "(Intel SDM vol. 3, \"Control Registers\"); Linux turns it "
                  "on and answers for them.");
    }
}

static void report_answers(const struct sink *sink,
                           const struct pg_host_row *rows, unsigned count,
                           const struct pg_host_answer *answers)
{
    unsigned differ = 0;

    for (unsigned i = 0; i < count; i++)
        differ += !answers[i].agrees;
    say(sink, "%s", "");
    say(sink, "From the description x86-64 something else is derived in %u%s",
        differ, differ ? ":" : ".");
    for (unsigned i = 0; i < count; i++)
        if (!answers[i].agrees)
            say(sink, "+ %s: %s; %s.", rows[i].insn->name,
                pg_host_class_name(answers[i].derived),
                answers[i].why ? answers[i].why : "NOT EXPLAINED");
}

/* Why "emulated" is believed.  The values decided; the times support. */
static void report_evidence(const struct sink *sink,
                            const struct pg_host_facts *facts)
{
    bool has = facts->features >> PG_FEATURE_UMIP & 1;

    say(sink, "UMIP: CPUID %s, /proc/cpuinfo %s.",
        !facts->cpuid_read ? "cannot be read"
        : has              ? "has it"
                           : "lacks it",
        facts->kernel_umip ? "lists it" : "does not list it");
    say(sink,
        "Evidence only: SGDT took %u ns; PUSHF, which does not trap, %u; "
        "CLI with a",
        facts->ns_sgdt, facts->ns_direct);
    say(sink, "handler that steps over it, %u.", facts->ns_trap);
}

static void report_legend(const struct sink *sink)
{
    for (unsigned i = 0; i < PG_CLAIM_COUNT; i++)
        say(sink, "  %-12s  %s", claims[i].name, claims[i].meaning);
    say(sink, "SDM, APM: the instruction's page in Intel's volume 2, AMD's "
              "volume 3; R&I 3B, 3C:");
    say(sink, "Robin and Irvine 2000; Bugnion: Bugnion, Nieh, Tsafrir 2017.");
}

void pg_host_report(const struct pg_host_row *rows,
                    const struct pg_host_facts *facts,
                    const struct pg_host_answer *answers, pg_host_print print,
                    void *context)
{
    const struct sink sink = {print, context};
    char derived[DERIVED_SIZE];

    put_derived(derived, answers ? "derived" : NULL);
    say(&sink, "This processor in user mode (CPL 3, IOPL %u):", facts->iopl);
    say(&sink, "  %-14s %-14s %-12s %s%-7s  %s", "instruction", "encoding",
        "claimed", derived, "source", "seen");
    for (unsigned i = 0; i < facts->count; i++)
        report_row(&sink, &rows[i], answers ? &answers[i] : NULL);
    say(&sink, "%s", "");
    report_differences(&sink, rows, facts);
    if (answers)
        report_answers(&sink, rows, facts->count, answers);
    say(&sink, "%s", "");
    report_evidence(&sink, facts);
    say(&sink, "%s", "");
    report_legend(&sink);
    if (answers)
        say(&sink, "Derived: trapline check x86-64; innocuous is what is not "
                   "sensitive.");
}
