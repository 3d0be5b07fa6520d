/* trapline check --technique and --repair: what a technique keeps of the three
 * properties, and the smallest change that makes a premise true. */
#include "cli/check.h"
#include "popek-goldberg/judge/properties.h"
#include "popek-goldberg/judge/repair.h"

#include <string.h>

static const char *const theorem_words[] = {"t1", "t2", "t3", NULL};

/* Index of the word, or -1 after a complaint. */
static int find_word(const char *option, const char *word,
                     const char *const *words)
{
    char list[128] = "";

    for (int i = 0; words[i]; i++) {
        size_t at = strlen(list);

        if (!strcmp(words[i], word))
            return i;
        snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", words[i]);
    }
    const char *guess = cli_did_you_mean(word, words);
    options_complain(&check_usage, "--%s %s: %s%s%sone of %s", option, word,
                     guess ? "did you mean " : "", guess ? guess : "",
                     guess ? "; " : "", list);
    return -1;
}

int check_technique(char **argv, const struct check_options *o)
{
    int t = find_word("technique", o->technique, pg_technique_words);
    struct pg_properties *p = NULL;
    struct check_subject s;
    struct diag d = {""};
    int code = t < 0 ? CODE_USAGE : check_judge(argv[1], &s);

    if (code != CODE_DONE)
        return code;
    enum status st = pg_properties_derive(&s.j, &p, &d);
    if (st == STATUS_OK) {
        pg_properties_put_technique(stdout, p, (enum pg_technique)t, o->r);
        code = check_verdict(&s.j, o->r);
    } else {
        code = cli_fail(st, &d);
    }
    pg_properties_free(p);
    check_forget(&s);
    return code;
}

int check_repair(char **argv, const struct check_options *o)
{
    int t = find_word("repair", o->repair, theorem_words);
    struct check_subject s;
    struct diag d = {""};
    int code = t < 0 ? CODE_USAGE : check_judge(argv[1], &s);

    if (code != CODE_DONE)
        return code;
    enum status st = pg_repair_put(stdout, &s.j, (unsigned)t, &d);
    code = st == STATUS_OK ? check_verdict(&s.j, o->r) : cli_fail(st, &d);
    check_forget(&s);
    return code;
}
