/* The bare monitor as a guest of ours that is a monitor itself: it must not see
 * the difference (x86vmm/engine/nested.h). */
#include "command.h"
#include "skip.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const images[] = {
    "hello-real hello-long climb-real",
    "loop hello-long --stop-after 3M", /* time-sliced */
    "hostile-long triple hello-long",
};

static bool can_run(void)
{
    char path[512];
    const char *program = command_program(), *slash = strrchr(program, '/');

    snprintf(path, sizeof(path), "%.*s/x86vmm/bare/monitor.img",
             (int)(slash - program), program);
    if (access(path, R_OK))
        skip_test("this build has no monitor for bare metal (no x86 compiler)");
    else if (!x86_op_decode_available())
        skip_test("%s", X86_NO_DECODER);
    return !access(path, R_OK) && x86_op_decode_available();
}

/* Its console, traces of its guests included, and the number of instructions
 * are the same, to the byte. */
START_TEST(the_bare_monitor_sees_no_monitor)
{
    static char bare[1 << 20];

    if (!can_run())
        return;
    const struct command *c =
        command_run(NULL, "$F bare run --trace --cpu vtx %s", images[_i]);
    snprintf(bare, sizeof(bare), "%s", c->out);
    ck_assert_uint_gt(strlen(bare), 1000);
    const char *ran = strstr(c->err, "model: ");
    ck_assert_ptr_nonnull(ran);
    char count[64];
    snprintf(count, sizeof(count), "%.*s",
             (int)strcspn(strrchr(c->err, ':'), "i"), strrchr(c->err, ':'));
    c = command_run(NULL, "$F bare run --trace --nested %s", images[_i]);
    ck_assert_msg(!strcmp(bare, c->out), "%s%s", c->out, c->err);
    ck_assert_msg(strstr(c->err, count), "not%s: %s", count, c->err);
}
END_TEST

START_TEST(without_the_option_there_is_no_vtx)
{
    char path[512];

    if (!can_run())
        return;
    snprintf(path, sizeof(path), "%s/image", command_folder());
    command_run(NULL, "bare build hello-real --output %s", path);
    const struct command *c =
        command_run(NULL, "run --on vtx --mem 64M --kernel %s", path);
    ck_assert_msg(strstr(c->out, "neither VT-x nor AMD-V") ||
                      strstr(c->out, "no VT-x"),
                  "%s%s", c->out, c->err);
    c = command_run(NULL,
                    "$F trace --on vtx --nested --mem 64M --kernel %s | "
                    "grep VM",
                    path);
    ck_assert_msg(strstr(c->out, "VMLAUNCH             SENSITIVE resume"),
                  "no entry");
    ck_assert_msg(strstr(c->out, " VMREAD 4402          SENSITIVE advance"),
                  "nobody reads the exit reason");
    ck_assert_msg(strstr(c->out, "VM exit 30 VMX_EXIT_IO TRAP      reflect"),
                  "no I/O exit of its guest");
}
END_TEST

/* Nor does anybody who looks at all that it could see, at every exit. */
START_TEST(nor_does_whoever_compares)
{
    char path[512];

    if (!can_run())
        return;
    snprintf(path, sizeof(path), "%s/image", command_folder());
    command_run(NULL, "bare build %s --output %s", images[2], path);
    const struct command *c =
        command_run(NULL, "$F compare --nested --mem 64M --kernel %s", path);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    ck_assert_msg(strstr(c->out, "no difference between bare and vtx"), "%s",
                  c->out);
}
END_TEST

static const struct command_case cases[] = {
    {"compare --nested --on vtx,svm --kernel /dev/null", 2,
     "--nested: with --on bare,vtx"},
    {"run --nested --kernel /dev/null", 2, "--nested: with --on vtx"},
    {"run --on svm --nested --kernel /dev/null", 2, "--nested: with --on vtx"},
    {"run --on vtx --nested x.img", 2, "--nested belongs to --kernel"},
    {"bare run --on qemu --nested", 2, "--nested: with --on model"},
    {"bare run --cpu svm --nested", 2, "--nested: with --on model"},
};

START_TEST(wrong_words_are_refused)
{
    command_expect(&cases[_i]);
}
END_TEST

Suite *suite_x86_inner_bare(void);
Suite *suite_x86_inner_bare(void)
{
    Suite *s = suite_create("x86_inner_bare");
    TCase *t = tcase_create("x86_inner_bare");

    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_loop_test(t, the_bare_monitor_sees_no_monitor, 0,
                        ARRAY_LEN(images));
    tcase_add_test(t, nor_does_whoever_compares);
    tcase_add_test(t, without_the_option_there_is_no_vtx);
    tcase_add_loop_test(t, wrong_words_are_refused, 0, ARRAY_LEN(cases));
    suite_add_tcase(s, t);
    return s;
}
