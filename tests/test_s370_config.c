/* s370/dev/config.c: configurations, good and bad; and the one that cli/equip
 * makes up for a tape. */
#include "cli/equip.h"
#include "tests/io_bench.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct s370_config c;
static struct diag diag;

static enum status parse(const char *text)
{
    return s370_config_parse(text, strlen(text), "dir/x.conf", &c, &diag);
}

static void good(const char *text)
{
    ck_assert_msg(parse(text) == STATUS_OK, "%s", diag.text);
}

START_TEST(test_statements)
{
    good("# a comment\n"
         "* another\n"
         "\n"
         "ARCHMODE S/370   # trailing\r\n"
         "  mainsize 8\n"
         "CPUSERIAL 01A2b3\n"
         "CPUMODEL 3168\n"
         "LOADPARM ABC\n"
         "NUMCPU 1\n"
         "0009 3215-C noprompt\n"
         "00C 3505 \"a deck.txt\" 'b c' ascii \\\n"
         "   eof\n"
         "0:00E 1403 list.txt");
    ck_assert_str_eq(c.path, "dir/x.conf");
    ck_assert_str_eq(c.folder, "dir");
    ck_assert_uint_eq(c.main_size, 8 << 20);
    ck_assert_uint_eq(c.cpu_serial, 0x01A2B3);
    ck_assert_uint_eq(c.cpu_model, 0x3168);
    ck_assert_str_eq(c.loadparm, "ABC");
    ck_assert_uint_eq(c.note_count, 0);
    ck_assert_uint_eq(c.device_count, 3);
    ck_assert_uint_eq(c.devices[0].address, 0x009);
    ck_assert_str_eq(c.devices[0].type->name, "3215-C");
    ck_assert_uint_eq(c.devices[0].line, 10);
    ck_assert_uint_eq(c.devices[1].count, 4);
    ck_assert_str_eq(c.devices[1].args[0], "a deck.txt");
    ck_assert_str_eq(c.devices[1].args[1], "b c");
    ck_assert_str_eq(c.devices[1].args[3], "eof");
    ck_assert_uint_eq(c.devices[2].address, 0x00E);
    ck_assert_uint_eq(c.devices[2].line, 13);
    s370_config_free(&c);
}
END_TEST

START_TEST(test_defaults_and_notes)
{
    good("XPNDSIZE 0\nOSTAILOR QUIET\nNUMCPU 2\nMAINSIZE 64\n"
         "CNSLPORT 3270\n01F 1052\n");
    ck_assert_uint_eq(c.main_size, 16 << 20);
    ck_assert_uint_eq(c.note_count, 5);
    ck_assert_str_eq(c.notes[0], "dir/x.conf:1: XPNDSIZE has no effect here");
    ck_assert_str_eq(c.notes[2],
                     "dir/x.conf:3: NUMCPU: this machine has one CPU");
    s370_config_free(&c);
    good("01F 1052\n");
    ck_assert_uint_eq(c.main_size, 2 << 20);
    s370_config_free(&c);
    good("MAINSIZE 65K\n01F 1052\n");
    ck_assert_uint_eq(c.main_size, 17 * 4096);
    s370_config_free(&c);
}
END_TEST

START_TEST(test_ranges)
{
    static const uint16_t want[] = {0x180, 0x181, 0x182, 0x190,
                                    0x191, 0x1A0, 0x1A1, 0x1A2};

    good("180-182,190.2,1A0,1A1-1A2 3420\n");
    ck_assert_uint_eq(c.device_count, ARRAY_LEN(want));
    for (unsigned i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_uint_eq(c.devices[i].address, want[i]);
    s370_config_free(&c);
}
END_TEST

static const struct bad {
    const char *text, *message;
} bads[] = {
    {"", "dir/x.conf: there is no device in it"},
    {"MAINSIZE 2\n", "dir/x.conf: there is no device in it"},
    {"01F 1052\n150 3330 x.ckd\n",
     "dir/x.conf:2: device 150: type 3330 is not supported; there are 1052"},
    {"01F 1052\nHELLO world\n",
     "dir/x.conf:2: unknown statement 'HELLO'; there are "
     "device statements (ADDRESS TYPE ...) and ARCHMODE ARCHLVL MAINSIZE"},
    {"01F\n", "dir/x.conf:1: device 01F: its type is missing"},
    {"01F 1052\n\n01F 3215\n", "dir/x.conf:3: device 01F is on line 1 already"},
    {"180-182,181 3420\n", "dir/x.conf:1: device 181 is on line 1 already"},
    {"182-180 3420\n", "dir/x.conf:1: '182-180' is not a device address"},
    {"180.0 3420\n", "'180.0' is not a device address"},
    {"180.x 3420\n", "'180.x' is not a device address"},
    {"180, 3420\n", "'' is not a device address"},
    {"1000 3420\n", "device 1000: a System/370 has channels 0 to F"},
    {"F00.256 3420\n001 1052", "more than 256 devices"},
    {"FFF.2 3420\n", "device 1000: a System/370"},
    {"ARCHMODE z/Arch\n", "dir/x.conf:1: ARCHMODE z/Arch: this machine is"},
    {"ARCHMODE\n", "dir/x.conf:1: ARCHMODE: a value is missing"},
    {"MAINSIZE x\n", "MAINSIZE: 'x' is not a number"},
    {"MAINSIZE 0\n", "MAINSIZE: '0' is not a number"},
    {"MAINSIZE -1\n", "MAINSIZE: '-1' is not a number"},
    {"MAINSIZE 99999999999999999999\n", "is not a number of megabytes"},
    {"CPUSERIAL 1234567\n", "CPUSERIAL: '1234567' is not"},
    {"CPUMODEL 30X3\n", "CPUMODEL: '30X3' is not"},
    {"NUMCPU 0\n", "NUMCPU: '0' is not"},
    {"LOADPARM 123456789\n", "LOADPARM: '123456789' has more than 8"},
    {"01F 1052 \"open\n", "dir/x.conf:1: the quotation mark \" is not closed"},
    {"# ok\n01F 1052 \\\n a \\\n b \"\n", "dir/x.conf:2: the quotation mark"},
    {"01F 3505 a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
     "a a\n",
     "dir/x.conf:1: more than 32 arguments"},
};

START_TEST(test_errors_name_the_line)
{
    ck_assert_int_eq(parse(bads[_i].text), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(diag.text, bads[_i].message), "%s", diag.text);
    ck_assert_ptr_null(c.path);
    ck_assert_ptr_null(c.devices);
}
END_TEST

START_TEST(test_odd_bytes)
{
    static char text[6000];

    ck_assert_int_eq(s370_config_parse("01F 1052\n0\0A", 11, "z", &c, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_str_eq(diag.text, "z:2: a zero byte: this is not a text file");
    memset(text, 'A', sizeof(text));
    ck_assert_int_eq(s370_config_parse(text, sizeof(text), "z", &c, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_str_eq(diag.text, "z:1: the statement is longer than 4096 bytes");
}
END_TEST

START_TEST(test_read_and_attach)
{
    struct bench *b = bench_new();
    struct s370_config from;

    ck_assert_int_eq(s370_config_read(bench_path(b, "none"), &from, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "none: cannot open: No such"));
    ck_assert_int_eq(s370_config_read(b->folder, &from, &diag),
                     STATUS_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(diag.text, "cannot read: Is a directory"));

    /* names are looked for beside the configuration too */
    bench_text(b, "deck.of.a.test", "BESIDE\n");
    bench_text(b, "m.conf",
               "00C 3505 deck.of.a.test eof\n"
               "\n"
               "00D 3505 missing.deck\n");
    ck_assert_int_eq(s370_config_read(bench_path(b, "m.conf"), &from, &diag),
                     STATUS_OK);
    ck_assert_int_eq(s370_config_attach(&from, b->channels, &b->host, 0, &diag),
                     STATUS_BAD_INPUT);
    s370_config_free(&from);
    ck_assert_ptr_nonnull(strstr(
        diag.text, "m.conf:3: 00D 3505: missing.deck: cannot read: No such"));
    ck_assert_uint_eq(bench_do(b, 0x00C, 0x02, 80).unit,
                      S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END);
    ck_assert(bench_has(b, "BESIDE  "));
    bench_free(b);
}
END_TEST

/* The tape's name stands in quotation marks: it may not end them. */
START_TEST(test_a_name_is_no_statement)
{
    static const char *const names[] = {
        "a.aws", "it's.aws", "a\" ro\n000E 1403 \"b.aws", "a\nb.aws"};
    struct guest_file file = {.kind = GUEST_TAPE};
    struct equip e;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool plain = i < 2;

        snprintf(file.path, sizeof(file.path), "%s", names[i]);
        ck_assert_int_eq(equip_open(&e, &file, NULL, &diag),
                         plain ? STATUS_OK : STATUS_BAD_INPUT);
        if (!plain)
            continue;
        ck_assert_uint_eq(e.config.device_count, 2);
        ck_assert_str_eq(e.config.devices[1].args[0], names[i]);
        equip_close(&e);
    }
}
END_TEST

Suite *suite_s370_config(void)
{
    Suite *s = suite_create("s370/dev/config");
    TCase *t = tcase_create("configurations");

    tcase_add_test(t, test_statements);
    tcase_add_test(t, test_defaults_and_notes);
    tcase_add_test(t, test_ranges);
    tcase_add_loop_test(t, test_errors_name_the_line, 0, ARRAY_LEN(bads));
    tcase_add_test(t, test_odd_bytes);
    tcase_add_test(t, test_read_and_attach);
    tcase_add_test(t, test_a_name_is_no_statement);
    suite_add_tcase(s, t);
    return s;
}
