/* The monitor on bare metal: on the model, by VT-x and AMD-V, and on Bochs and
 * QEMU where they are installed. */
#include "base/bytes.h"
#include "command.h"
#include "skip.h"
#include "x86vmm/machine/emulate.h"
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
 * turn, of what an engine has settled by itself, or of the monitor. */
static void neutral(const char *trace, char *out, size_t size)
{
    size_t n = 0;

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
}

static const char *const traced[] = {"hello-real", "hello-long", "climb-real"};

/* The same guest, the same exits, the same verdicts and states, whoever is
 * below. */
START_TEST(traces_are_the_engines)
{
    static char mine[1 << 20], engine[1 << 20];
    unsigned pc = (unsigned)_i % PCS, guest = (unsigned)_i / PCS;
    char file[512];

    if ((pc >= MODELS && guest > 0) || !is_there(pc)) /* time */
        return;
    if (!x86_op_decode_available()) {
        skip_test("%s", X86_NO_DECODER);
        return;
    }
    snprintf(file, sizeof(file), "%s", command_program());
    snprintf(strrchr(file, '/'), 64, "/x86vmm/guest/%s.bin", traced[guest]);
    neutral(command_run(NULL, "trace --on vtx %s", file)->out, engine,
            sizeof(engine));
    const struct command *c =
        command_run(NULL, "bare run %s --trace %s", pcs[pc].on, traced[guest]);
    neutral(c->out, mine, sizeof(mine));
    ck_assert_msg(c->status == 0, "%s: status %d: %s%s", pcs[pc].on, c->status,
                  c->out, c->err);
    ck_assert_uint_gt(strlen(mine), 1000);
    for (const char *a = mine, *b = engine; *a || *b; a++, b++) {
        size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

        ck_assert_msg(n == m && !memcmp(a, b, n), "%s: %.*s\nnot %.*s",
                      pcs[pc].on, (int)n, a, (int)m, b);
        a += n;
        b += m;
    }
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

static const unsigned with_vtx[] = {0, 2}; /* of pcs */

START_TEST(wrong_set_ups_are_explained)
{
    if (!is_there(with_vtx[_i]))
        return;
    const struct command *c =
        command_run(NULL, "bare run --wrong %s", pcs[with_vtx[_i]].on);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    ck_assert_msg(strstr(c->out, "12 of 12 wrong set-ups ended in the right "
                                 "sentence"),
                  "%s", c->out);
    ck_assert_msg(strstr(c->out, "GUEST_RFLAGS is 0x0, but should have bit 1"),
                  "%s", c->out);
}
END_TEST

START_TEST(json_comes_over_the_second_port)
{
    char path[512], line[256];

    if (!is_there(0))
        return;
    snprintf(path, sizeof(path), "%s/j", command_folder());
    const struct command *c =
        command_run(NULL, "bare run --json %s hello-long", path);
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
    {"bare run --debug", 2, "have no gdb stub"},
    {"bare run --wrong hello-real", 2, "runs no guest"},
    {"bare run --on model --cpu arm", 2, "not 'arm'"},
    {"bare run no-such-guest", 2, "no-such-guest: No such file"},
    {"bare run /dev/null", 2, "/dev/null: "},
    {"bare build --output /no/such/folder/x", 2, "No such file"},
    {"bare run --on model --time 1 loop", 124, "its limit (--time)"},
    {"bare run --on model a a a a a a a a a", 2, "at most 8 guests"},
    {"bare run --on model --wrong --cpu svm", 77, "are of VT-x"},
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
    static uint8_t bytes[1 << 20];
    char path[512];
    unsigned at = 0;

    if (!is_there(0))
        return;
    snprintf(path, sizeof(path), "%s/disk", command_folder());
    const struct command *c =
        command_run(NULL, "bare build hello-real --output %s", path);
    ck_assert_msg(c->status == 0, "%s%s", c->out, c->err);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
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
    /* our own loader of Multiboot kernels starts it, too */
    c = command_run(NULL, "run --kernel %s --on bare --assist vtx --mem 128M",
                    path);
    ck_assert_msg(strstr(c->out, "hello-real has ended: through its exit "
                                 "port, code 0"),
                  "%s%s", c->out, c->err);
}
END_TEST

/* ---- Instructions that touch devices ---- */

static const struct {
    uint8_t bytes[8];
    uint8_t bits, len, size;
    bool known, write;
    uint64_t answer; /* of the device */
    uint64_t value;  /* written */
    uint64_t rax;    /* after it; 0x1122334455667788 before */
    uint64_t flags;  /* ZF and CF after it */
} insns[] = {
    {{0x88, 0x07}, 64, 2, 1, true, true, 0, 0x88, 0, 0},
    {{0x66, 0x89, 0x07}, 64, 3, 2, true, true, 0, 0x7788, 0, 0},
    {{0x89, 0x07}, 64, 2, 4, true, true, 0, 0x55667788, 0, 0},
    {{0x48, 0x89, 0x07}, 64, 3, 8, true, true, 0, 0x1122334455667788, 0, 0},
    {{0x88, 0x27}, 64, 2, 1, true, true, 0, 0x77, 0, 0}, /* AH */
    {{0xC7, 0x07, 1, 2, 3, 4}, 64, 6, 4, true, true, 0, 0x04030201, 0, 0},
    {{0x48, 0xC7, 0x07, 0xFF, 0xFF, 0xFF, 0xFF},
     64,
     7,
     8,
     true,
     true,
     0,
     UINT64_MAX,
     0,
     0},
    {{0x8A, 0x07}, 64, 2, 1, true, false, 0xAB, 0, 0x11223344556677AB, 0},
    {{0x8B, 0x07}, 64, 2, 4, true, false, 0xDEADBEEF, 0, 0xDEADBEEF, 0},
    {{0x8A, 0x27}, 64, 2, 1, true, false, 0xAB, 0, 0x112233445566AB88, 0},
    {{0x0F, 0xB6, 0x07}, 64, 3, 1, true, false, 0x80, 0, 0x80, 0},
    {{0x0F, 0xBE, 0x07}, 64, 3, 1, true, false, 0x80, 0, 0xFFFFFF80, 0},
    {{0x48, 0x0F, 0xBF, 0x07},
     64,
     4,
     2,
     true,
     false,
     0x8000,
     0,
     0xFFFFFFFFFFFF8000,
     0},
    {{0x80, 0x3F, 0x05}, 64, 3, 1, true, false, 5, 0, 0, 0x40},
    {{0x80, 0x3F, 0x05}, 64, 3, 1, true, false, 4, 0, 0, 0x1},
    {{0x3B, 0x07}, 64, 2, 4, true, false, 0x55667788, 0, 0, 0x40},
    {{0x39, 0x07}, 64, 2, 4, true, false, 0x55667789, 0, 0, 0},
    {{0xF6, 0x07, 0x20}, 64, 3, 1, true, false, 0x40, 0, 0, 0x40},
    {{0x84, 0x07}, 64, 2, 1, true, false, 0x08, 0, 0, 0},
    {{0x0B, 0x07}, 64, 2, 4, true, false, 0x11, 0, 0x55667799, 0},
    {{0x23, 0x07}, 64, 2, 4, true, false, 0xF, 0, 0x8, 0},
    {{0x33, 0x07}, 64, 2, 4, true, false, 0x55667788, 0, 0, 0x40},
    {{0xA2, 0, 0, 0, 0x0D}, 32, 5, 1, true, true, 0, 0x88, 0, 0},
    {{0xA1, 0, 0}, 16, 3, 2, true, false, 0x1234, 0, 0x1122334455661234, 0},
    {{0x26, 0xA2, 0, 0}, 16, 4, 1, true, true, 0, 0x88, 0, 0},
    {{0xAA}, 16, 1, 1, true, true, 0, 0x88, 0, 0},
    {{0xAC}, 16, 1, 1, true, false, 0x42, 0, 0x1122334455667742, 0},
    /* more than one access, or more than one place */
    {{0x00, 0x07}, 64, 0, 0, false, false, 0, 0, 0, 0},
    {{0xFF, 0x07}, 64, 0, 0, false, false, 0, 0, 0, 0},
    {{0xA4}, 64, 0, 0, false, false, 0, 0, 0, 0},
    {{0x8F, 0x07}, 64, 0, 0, false, false, 0, 0, 0, 0},
    {{0x0F, 0x6F, 0x07}, 64, 0, 0, false, false, 0, 0, 0, 0},
};

START_TEST(device_instructions_are_known)
{
    struct x86_state s = {.rflags = 2};
    struct emulation e;
    const uint64_t before = 0x1122334455667788;

    s.gpr[X86_RAX] = before;
    s.seg[X86_CS].attr = insns[_i].bits == 64   ? X86_ATTR_L
                         : insns[_i].bits == 32 ? X86_ATTR_DB
                                                : 0;
    s.efer = insns[_i].bits == 64 ? X86_EFER_LMA : 0;
    bool known = emulate_decode(&s, insns[_i].bytes, 8, &e);
    ck_assert_int_eq(known, insns[_i].known);
    if (!known)
        return;
    ck_assert_uint_eq(e.len, insns[_i].len);
    ck_assert_uint_eq(e.size, insns[_i].size);
    ck_assert_int_eq(e.write, insns[_i].write);
    if (e.write)
        ck_assert_uint_eq(e.value & (UINT64_MAX >> (64 - 8 * e.size)),
                          insns[_i].value);
    ck_assert(emulate_finish(&e, &s, insns[_i].answer));
    bool loads = insns[_i].rax || e.op == EMULATE_XOR;
    ck_assert_uint_eq(s.gpr[X86_RAX], loads ? insns[_i].rax : before);
    ck_assert_uint_eq(s.rflags & 0x41, insns[_i].flags);
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
    tcase_add_loop_test(t, wrong_set_ups_are_explained, 0, ARRAY_LEN(with_vtx));
    tcase_add_test(t, json_comes_over_the_second_port);
    tcase_add_loop_test(t, wrong_words_are_refused, 0, ARRAY_LEN(cases));
    tcase_add_test(t, image_is_a_disk_and_a_kernel);
    suite_add_tcase(s, t);
    t = tcase_create("emulate");
    tcase_add_loop_test(t, device_instructions_are_known, 0, ARRAY_LEN(insns));
    suite_add_tcase(s, t);
    return s;
}
