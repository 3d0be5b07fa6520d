#include "tests/oracle/judge.h"
#include "s370/machine/disasm.h"

#include <string.h>

static void make_pair(const struct batch *b, unsigned number,
                      const uint8_t *theirs, struct pair *p)
{
    p->fact = &b->facts[number];
    p->before = b->image + case_at(number);
    memcpy(p->ours, b->result + case_at(number) + RESULT, RESULT_SIZE);
    memcpy(p->theirs, theirs + case_at(number) + RESULT, RESULT_SIZE);
}

enum judgement judge(const struct batch *b, unsigned number,
                     const uint8_t *theirs, struct tally *t)
{
    struct pair p;
    bool explained = false;

    make_pair(b, number, theirs, &p);
    if (!memcmp(p.ours, p.theirs, RESULT_SIZE))
        return JUDGED_EQUAL;
    for (unsigned i = 0; i < DIFFER_COUNT; i++) {
        if (!difference_explain((enum difference)i, &p))
            continue;
        t->explained[i]++;
        explained = true;
    }
    if (memcmp(p.ours, p.theirs, RESULT_SIZE))
        return JUDGED_DIFFERENT;
    return explained ? JUDGED_EXPLAINED : JUDGED_EQUAL;
}

/* ---- Showing ---- */

static const struct {
    const char *name;
    unsigned at, size;
} fields[] = {
    {"kind", RESULT_KIND, 4},       {"prefix", RESULT_PREFIX, 4},
    {"GR", RESULT_GR, 64},          {"FPR", RESULT_FPR, 32},
    {"CR", RESULT_CR, 64},          {"keys", RESULT_KEYS, 8},
    {"16-63", RESULT_OLD, 48},      {"128-191", RESULT_PSA, 64},
    {"CKC", RESULT_COMPARATOR, 8},  {"changed", RESULT_CHANGED, 8},
    {"chunks", RESULT_CHUNKS, 320},
};

static void show_words(FILE *out, const char *who, const uint8_t *p,
                       unsigned size)
{
    fprintf(out, "    %-9s", who);
    for (unsigned i = 0; i < size; i += 4)
        fprintf(out, " %08x", load_be32(p + i));
    fputc('\n', out);
}

static void show_code(FILE *out, const uint8_t *before)
{
    char text[80];
    const uint8_t *code = before + CASE_CODE;

    for (unsigned at = 0; at + 6 <= CODE_SIZE && load_be16(code + at) != 0x0AFE;
         at += s370_insn_len(code[at])) {
        s370_disasm(code + at, 6, 0, text, sizeof(text));
        fprintf(out, "    %04x %s\n", load_be16(code + at), text);
    }
    s370_disasm(code + CODE_TARGET, 6, 0, text, sizeof(text));
    fprintf(out, "    target of EX: %s\n", text);
}

void judge_show(FILE *out, const struct batch *b, unsigned number,
                const uint8_t *theirs, const char *their_name)
{
    struct pair p;
    uint16_t op = b->facts[number].last_op;

    make_pair(b, number, theirs, &p);
    for (unsigned i = 0; i < DIFFER_COUNT; i++)
        difference_explain((enum difference)i, &p);
    fprintf(out, "case %u ended with %s, PSW %016llx, keys %08x%02x\n", number,
            op < S370_OP_COUNT ? s370_insns.rows[op].name : "no instruction",
            (unsigned long long)load_be64(p.before + CASE_PSW),
            load_be32(p.before + CASE_KEYS), p.before[CASE_KEYS + 4]);
    fprintf(out, "    last %04x at %06x\n", p.fact->last_bytes,
            p.fact->last_at);
    show_code(out, p.before);
    show_words(out, "GR before", p.before + CASE_GR, 64);
    show_words(out, "FP before", p.before + CASE_FPR, 32);
    show_words(out, "CR before", p.before + CASE_CR, 64);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const uint8_t *o = p.ours + fields[i].at, *t = p.theirs + fields[i].at;
        if (!memcmp(o, t, fields[i].size))
            continue;
        fprintf(out, "  %s\n", fields[i].name);
        show_words(out, "ours", o, fields[i].size);
        show_words(out, their_name, t, fields[i].size);
    }
}
