/* A real guest: IBM's Tape Operating System/360 compiles, links and runs a job,
 * and its listing is what it must be.
 *
 * The images are no part of the project.  They are looked for in the folder
 * that TRAPLINE_TOS360 names, or else in ../shared/guests/tos360. */
#include "s370/dev/config.h"
#include "s370/dev/dev_console.h"
#include "s370/machine/machine.h"
#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONSOLE = 0x01F, SYSRES = 0x0C0, TEXT_MAX = 65536 };

/* What the operator answers, a line each time the console reads; an empty line
 * starts the job. */
static const char *const answers[] = {
    "SET DATE=02/01/69,CLOCK=00/00/00",
    "ASSGN SYSRDR,X'00A'",
    "ASSGN SYSIPT,X'00A'",
    "ASSGN SYSLST,X'00B'",
    "",
};

/* The images' folder, and one of our own where the guest's files are. */
static char images[PATH_MAX], scratch[] = "/tmp/trapline-tos360-XXXXXX";

static struct dialogue {
    struct s370_channels *channels;
    unsigned answered;
    char said[TEXT_MAX];
    size_t length;
} console;

static void print(void *who, uint16_t address, const char *text, size_t len)
{
    struct dialogue *o = who;

    (void)address;
    ck_assert_uint_lt(o->length + len, TEXT_MAX);
    memcpy(o->said + o->length, text, len);
    o->length += len;
}

static void reading(void *who, uint16_t address)
{
    struct dialogue *o = who;

    if (o->answered < ARRAY_LEN(answers))
        ck_assert_int_eq(
            s370_console_type(s370_channels_find(o->channels, address),
                              answers[o->answered++]),
            STATUS_OK);
}

static void trouble(void *who, uint16_t address, const char *text)
{
    (void)who;
    ck_abort_msg("%03X: %s", address, text);
}

/* False, and the test has said that it skips: there are no images. */
static bool find_images(void)
{
    const char *named = getenv("TRAPLINE_TOS360");
    const char *folder = named ? named : "../shared/guests/tos360";
    char probe[PATH_MAX + 16];

    if (!realpath(folder, images)) {
        skip_test("no TOS/360 images in %s (%s): set TRAPLINE_TOS360", folder,
                  strerror(errno));
        return false;
    }
    snprintf(probe, sizeof(probe), "%s/sysres.aws", images);
    if (access(probe, R_OK)) {
        skip_test("no TOS/360 images: %s: %s", probe, strerror(errno));
        return false;
    }
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    ck_assert_int_eq(chdir(scratch), 0);
    return true;
}

/* A file without carriage control, trailing blanks and empty lines. */
static void read_listing(const char *path, char *out)
{
    char line[512];
    FILE *f = fopen(path, "r");
    size_t used = 0;

    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), f)) {
        char *from = line + strspn(line, "\f\r");
        size_t n = strlen(from);

        while (n && strchr(" \r\n\f", from[n - 1]))
            n--;
        if (!n)
            continue;
        ck_assert_uint_lt(used + n + 2, TEXT_MAX);
        memcpy(out + used, from, n);
        used += n;
        out[used++] = '\n';
    }
    out[used] = '\0';
    fclose(f);
}

/* The listing is the expected one, or the first line that is not. */
static void check_listing(void)
{
    static char got[TEXT_MAX], wanted[TEXT_MAX];
    char path[PATH_MAX + 32];
    const char *g = got, *w = wanted;
    unsigned line = 1;

    snprintf(path, sizeof(path), "%s/sieve.expected", images);
    read_listing(path, wanted);
    read_listing("sieve.prt", got);
    ck_assert_uint_gt(strlen(wanted), 1000);
    while (*g && *w) {
        size_t ng = strcspn(g, "\n"), nw = strcspn(w, "\n");

        ck_assert_msg(ng == nw && !memcmp(g, w, ng),
                      "line %u of the listing is\n%.*s\nand must be\n%.*s",
                      line, (int)ng, g, (int)nw, w);
        g += ng + 1;
        w += nw + 1;
        line++;
    }
    ck_assert_msg(!*g && !*w, "the listing has %s than %u lines",
                  *g ? "more" : "less", line - 1);
}

static void remove_scratch(void)
{
    static const char *const files[] = {"sieve.prt", "work1.aws", "work2.aws",
                                        "work3.aws", "work4.aws", "work5.aws"};

    for (unsigned i = 0; i < ARRAY_LEN(files); i++)
        ck_assert_msg(!unlink(files[i]), "%s: %s", files[i], strerror(errno));
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(scratch), 0);
}

static void read_config(struct s370_config *config)
{
    char path[PATH_MAX + 16];
    struct diag d = {{0}};

    snprintf(path, sizeof(path), "%s/tos360.conf", images);
    ck_assert_msg(s370_config_read(path, config, &d) == STATUS_OK, "%s",
                  d.text);
}

static void attach(const struct s370_config *config, struct s370_channels *ch)
{
    struct s370_console_host host = {print, reading, &console, trouble};
    struct diag d = {{0}};

    console.channels = ch;
    ck_assert_msg(s370_config_attach(config, ch, &host,
                                     S370_CONFIG_CREATE_TAPES, &d) == STATUS_OK,
                  "%s", d.text);
}

/* What the console has said, once the job is over. */
static void check_console(void)
{
    static const char *const words[] = {
        "0I10A GIVE IPL CONTROL STATEMENTS", "0I20I IPL COMPLETE",
        "1C00A  READY FOR COMMUNICATIONS.", "// JOB SIEVE", "EOJ SIEVE"};
    const char *at = console.said;

    ck_assert_uint_eq(console.answered, ARRAY_LEN(answers));
    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        at = strstr(at, words[i]);
        ck_assert_msg(at != NULL, "no %s on the console:\n%s", words[i],
                      console.said);
    }
}

START_TEST(test_bare)
{
    struct s370_config config;
    struct diag d = {{0}};
    uint64_t ran;

    if (!find_images())
        return;
    read_config(&config);
    struct s370_machine *m = s370_machine_new(config.main_size, NULL);
    ck_assert_ptr_nonnull(m);
    attach(&config, m->channels);
    ck_assert_msg(s370_machine_ipl(m, SYSRES, &d) == STATUS_OK, "%s", d.text);

    /* It waits until the operator asks for attention. */
    ck_assert_int_eq(s370_machine_run(m, 1000000, &ran), S370_STOP_IDLE);
    ck_assert_str_eq(console.said, "");
    ck_assert_int_eq(
        s370_console_attention(s370_channels_find(m->channels, CONSOLE)),
        STATUS_OK);
    /* It answers, runs the job, and waits for the next one. */
    ck_assert_int_eq(s370_machine_run(m, 100000000, &ran), S370_STOP_IDLE);
    ck_assert_uint_gt(ran, 1000000);
    check_console();
    s370_machine_free(m);
    s370_config_free(&config);
    check_listing();
    remove_scratch();
}
END_TEST

Suite *suite_tos360(void)
{
    Suite *s = suite_create("tos360");
    TCase *c = tcase_create("tos360");

    tcase_set_timeout(c, 120);
    tcase_add_test(c, test_bare);
    suite_add_tcase(s, c);
    return s;
}
