#include "tests/x86_pair.h"

#include "tests/skip.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

const char *x86_pair_exits(void)
{
    static char path[512];
    const char *build = getenv("BUILD");

    snprintf(path, sizeof(path), "%s/tests/x86_compare/exits.bin",
             build ? build : "build");
    if (!x86_op_decode_available()) {
        skip_test(X86_NO_DECODER);
        return NULL;
    }
    if (access(path, R_OK)) {
        skip_test("%s: this build has no x86 guests", path);
        return NULL;
    }
    return path;
}

static struct x86_lockstep_report *run(struct x86_lockstep_plan plan,
                                       const char *image)
{
    enum { STORAGE = 2 << 20 };
    char *guests[] = {(char *)(uintptr_t)image};
    const struct session_plan pc = {
        .guests = guests, .count = 1, .kernel = true, .mem = STORAGE};
    struct x86_lockstep_report *r = malloc(sizeof(*r));
    struct diag diag = {""};

    plan.pc = &pc;
    ck_assert(r);
    ck_assert_msg(x86_lockstep_run(&plan, r, &diag) == STATUS_OK, "%s",
                  diag.text);
    return r;
}

struct x86_lockstep_report *x86_pair_run(const char *image, const char *name,
                                         const struct engine_ops *engine,
                                         void (*made)(void *who, struct vm *vm),
                                         void *who)
{
    enum { LIMIT = 1000000 };

    return run(
        (struct x86_lockstep_plan){.side = {{"bare", NULL}, {name, engine}},
                                   .limit = LIMIT,
                                   .made = made,
                                   .who = who},
        image);
}

struct x86_lockstep_report *x86_pair_step(const char *image, const char *name,
                                          const struct engine_ops *engine,
                                          uint64_t limit)
{
    return run(
        (struct x86_lockstep_plan){.side = {{"bare", NULL}, {name, engine}},
                                   .limit = limit,
                                   .sample = 1},
        image);
}
