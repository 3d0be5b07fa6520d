/* The monitor on bare metal: on the model, by VT-x and AMD-V, and on Bochs and
 * QEMU where they are installed. */
#include "base/bytes.h"
#include "command.h"
#include "skip.h"
#include "x86vmm/machine/op.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What is there ---- */

static const struct {
    const char *on, *program, *packages;
} pcs[] = {
    {"--on model --cpu vtx", NULL, NULL},
    {"--on model --cpu svm", NULL, NULL},
    {"--on bochs", "bochs", "bochs bochs-term bochsbios vgabios"},
    {"--on qemu", "qemu-system-x86_64", "qemu-system-x86"},
};
enum { MODELS = 2, PCS = ARRAY_LEN(pcs) };

static bool built(void)
{
    char path[512];
    const char *program = command_program(), *slash = strrchr(program, '/');

    snprintf(path, sizeof(path), "%.*s/x86vmm/bare/monitor.img",
             (int)(slash - program), program);
    return !access(path, R_OK);
}

/* Can this PC be had?  Says so if not. */
static bool is_there(unsigned pc)
{
    char line[128];

    if (!built()) {
        skip_test("this build has no monitor for bare metal (no x86 compiler)");
        return false;
    }
    if (!pcs[pc].program) {
        if (!x86_op_decode_available())
            skip_test("%s", X86_NO_DECODER);
        return x86_op_decode_available();
    }
    snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1",
             pcs[pc].program);
    if (!system(line))
        return true;
    skip_test("no %s, for the bare monitor: apt-get install %s",
              pcs[pc].program, pcs[pc].packages);
    return false;
}

/* ---- The trace ---- */

/* Of a trace: lines without the count in front; none that tell of the end of a
 * turn, of what an engine has settled by itself, or of the monitor.  The caller
 * frees it. */
static char *neutral(const char *trace)
{
    size_t n = 0, size = strlen(trace) + 2;
    char *out = calloc(1, size);

    ck_assert_ptr_nonnull(out);

    for (const char *p = trace, *end; *p; p = end + (*end == '\n')) {
        end = p + strcspn(p, "\n");
        const char *from = p + strspn(p, " ");
        from += strcspn(from, " \n");
        size_t len = (size_t)(end - from);
        char line[512];

        snprintf(line, sizeof(line), "%.*s", (int)len, from);
        if (!strncmp(p, "bare: ", 6) || strstr(line, " TIMER ") ||
            strstr(line, " SETTLED ") || !len)
            continue;
        n += (size_t)snprintf(out + n, size - n, "%s\n", line);
        ck_assert_uint_lt(n, size);
    }
    return out;
}

static const char *const traced[] = {"hello-real", "hello-long",
                                     "climb-real", "devices-real",
                                     "tasks-real", "divide-long"};

/* The same guest, the same exits, the same verdicts and states, whoever is
 * below. */
START_TEST(traces_are_the_engines)
{
    unsigned pc = (unsigned)_i % PCS, guest = (unsigned)_i / PCS;
    char file[512];

    if ((pc >= MODELS && guest > 0 && guest < 3) || !is_there(pc)) /* time */
        return;
    if (!x86_op_decode_available()) {
        skip_test("%s", X86_NO_DECODER);
        return;
    }
    snprintf(file, sizeof(file), "%s", command_program());
    snprintf(strrchr(file, '/'), 64, "/x86vmm/guest/%s.bin", traced[guest]);
    char *engine = neutral(command_run(NULL, "trace --on vtx '%s'", file)->out);
    const struct command *c =
        command_run(NULL, "bare run %s --trace %s", pcs[pc].on, traced[guest]);
    char *mine = neutral(c->out);
    ck_assert_msg(c->status == 0, "%s: status %d: %s%s", pcs[pc].on, c->status,
                  c->out, c->err);
    ck_assert_uint_gt(strlen(mine), 900);
    for (const char *a = mine, *b = engine; *a || *b; a++, b++) {
        size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

        ck_assert_msg(n == m && !memcmp(a, b, n), "%s: %.*s\nnot %.*s",
                      pcs[pc].on, (int)n, a, (int)m, b);
        a += n;
        b += m;
    }
    free(mine);
    free(engine);
}
END_TEST

/* ---- What it says ---- */

static const struct {
    const char *args;
    int status;
    const char *says[4];
} runs[] = {
    {"hello-real hello-long",
     0,
     {"hello-real | An interrupt woke me.",
      "hello-long | An interrupt woke me.", "the end, code 0"}},
    {"climb-real",
     0,
     {"climb-real | Now with paging.", "climb-real | And now in long mode."}},
    /* one that never exits does not keep the others from it */
    {"loop hello-long --stop-after 20M",
     1,
     {"hello-long | An interrupt woke me.",
      "hello-long has ended: through its exit port, code 0",
      "loop was stopped at its limit"}},
    {"hostile-long triple hello-long",
     1,
     {"faults, and I am still here.",
      "hostile-long has failed: ", "triple has failed: its processor shut down",
      "hello-long has ended: through its exit port, code 0"}},
};

START_TEST(guests_run_beside_each_other)
{
    unsigned pc = (unsigned)_i % PCS, run = (unsigned)_i / PCS;

    if ((pc >= MODELS && run < 3) || !is_there(pc)) /* time */
        return;
    const struct command *c =
        command_run(NULL, "bare run %s %s", pcs[pc].on, runs[run].args);
    ck_assert_msg(c->status == runs[run].status, "%s: status %d: %s%s",
                  pcs[pc].on, c->status, c->out, c->err);
    for (unsigned i = 0; i < 4 && runs[run].says[i]; i++)
        ck_assert_msg(strstr(c->out, runs[run].says[i]), "no '%s' in %s",
                      runs[run].says[i], c->out);
}
END_TEST

/* By the rows of pcs: VMCSs, and VMCBs, one of which QEMU enters. */
static const struct {
    const char *all, *one;
} lessons[PCS] = {
    {"12 of 12 wrong set-ups ended in the right sentence",
     "GUEST_RFLAGS is 0x0, but should have bit 1"},
    {"12 of 12 wrong set-ups ended in the right sentence; the processor "
     "refused 12 of them",
     "ASID is 0x0, but should not be 0"},
    {"12 of 12 wrong set-ups ended in the right sentence",
     "PIN_CONTROLS is 0x0, but should"},
    {"12 of 12 wrong set-ups ended in the right sentence; the processor "
     "refused 11 of them",
     "this processor does not look at it: the guest has run, and exited by "
     "78"},
};

START_TEST(wrong_set_ups_are_explained)
{
    if (!is_there((unsigned)_i))
        return;
    const struct command *c =
        command_run(NULL, "bare run --wrong %s", pcs[_i].on);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    ck_assert_msg(strstr(c->out, lessons[_i].all), "%s", c->out);
    ck_assert_msg(strstr(c->out, lessons[_i].one), "%s", c->out);
}
END_TEST

START_TEST(json_comes_over_the_second_port)
{
    char path[512], line[256];

    if (!is_there((unsigned)_i))
        return;
    snprintf(path, sizeof(path), "%s/j", command_folder());
    const struct command *c =
        command_run(NULL, "bare run %s --json %s hello-long", pcs[_i].on, path);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    ck_assert_msg(strstr(line, "trapline/trace/v1"), "%s", line);
    unsigned exits = 0;
    while (fgets(line, sizeof(line), f))
        exits += strstr(line, "\"reason\":\"MMIO\"") != NULL;
    fclose(f);
    ck_assert_uint_eq(exits, 33);
}
END_TEST

static const struct command_case cases[] = {
    {"bare", 2, "build or run is wanted"},
    {"bare walk", 2, "build or run is wanted"},
    {"bare run --on mars", 2, "not 'mars'"},
    {"bare run --output x", 2, "--output is for build"},
    {"bare run --on bochs --debug", 2, "Bochs has no gdb stub"},
    {"bare run", 0, "next: --trace shows each exit"},
    {"bare run --wrong hello-real", 2, "runs no guest"},
    {"bare run --on model --cpu arm", 2, "not 'arm'"},
    {"bare run no-such-guest", 2, "no such file, and no guest of ours:"},
    {"bare run /dev/null", 2, "/dev/null: "},
    {"bare build --output /no/such/folder/x", 2, "No such file"},
    {"bare run --on model --time 1 loop", 124, "its limit (--time)"},
    {"bare run --on model a a a a a a a a a", 2, "at most 8 guests"},
};

START_TEST(wrong_words_are_refused)
{
    if (is_there(0))
        command_expect(&cases[_i]);
}
END_TEST

/* ---- Images ---- */

START_TEST(image_is_a_disk_and_a_kernel)
{
    enum { ROOM = 1 << 20 };
    uint8_t *bytes = malloc(ROOM);
    char path[512];
    unsigned at = 0;

    ck_assert_ptr_nonnull(bytes);
    if (!is_there(0)) {
        free(bytes);
        return;
    }
    snprintf(path, sizeof(path), "%s/disk", command_folder());
    const struct command *c =
        command_run(NULL, "bare build hello-real --output %s", path);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(bytes, 1, ROOM, f);
    fclose(f);
    ck_assert_uint_gt(n, 65536);
    ck_assert_uint_eq(n % (16 * 63 * 512), 0);
    ck_assert_uint_eq(load_le16(bytes + 510), 0xAA55);
    ck_assert_uint_le(load_le32(bytes + 500) * 512, n);
    while (at < 8192 && load_le32(bytes + at) != 0x1BADB002)
        at += 4;
    ck_assert_uint_lt(at, 8192);
    ck_assert_uint_eq(load_le32(bytes + at) + load_le32(bytes + at + 4) +
                          load_le32(bytes + at + 8),
                      0);
    free(bytes);
    /* our own loader of Multiboot kernels starts it, too */
    c = command_run(NULL, "run --kernel %s --on bare --assist vtx --mem 128M",
                    path);
    ck_assert_msg(strstr(c->out, "hello-real has ended: through its exit "
                                 "port, code 0"),
                  "%s%s", c->out, c->err);
}
END_TEST

Suite *suite_x86_bare(void)
{
    Suite *s = suite_create("x86_bare");
    TCase *t = tcase_create("monitor");

    tcase_set_timeout(t, 300);
    tcase_add_checked_fixture(t, NULL, command_clean);
    tcase_add_loop_test(t, traces_are_the_engines, 0, PCS * ARRAY_LEN(traced));
    tcase_add_loop_test(t, guests_run_beside_each_other, 0,
                        PCS * ARRAY_LEN(runs));
    tcase_add_loop_test(t, wrong_set_ups_are_explained, 0, PCS);
    tcase_add_loop_test(t, json_comes_over_the_second_port, 0, PCS);
    tcase_add_loop_test(t, wrong_words_are_refused, 0, ARRAY_LEN(cases));
    tcase_add_test(t, image_is_a_disk_and_a_kernel);
    suite_add_tcase(s, t);
    return s;
}
