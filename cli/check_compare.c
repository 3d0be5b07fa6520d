#include "cli/check.h"
#include "popek-goldberg/report/compare.h"

#include <stdio.h>

int check_compare(char **argv, const struct check_options *o)
{
    struct check_subject s[2];
    int code = check_judge(argv[1], &s[0]);

    if (code != CODE_DONE)
        return code;
    code = check_judge(argv[2], &s[1]);
    if (code == CODE_DONE) {
        const struct pg_comparison c = {
            {&s[0].j, &s[1].j}, o->r, {argv[1], argv[2]}};

        if (o->json)
            pg_compare_json(stdout, &c);
        else
            pg_compare(stdout, &c);
        code = pg_compare_differs(&c) ? CODE_NEGATIVE : CODE_DONE;
        check_forget(&s[1]);
    }
    check_forget(&s[0]);
    return code;
}
