/* s370/dev: consoles, cards and printers, driven by channel programs.
 * test_s370_io_oracle.c holds them against Hercules. */
#include "tests/io_bench.h"

#include "s370/dev/ebcdic.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END,
    UC = S370_UNIT_CHECK,
    UE = S370_UNIT_EXCEPTION,
    CON = 0x01F,
    RDR = 0x00C,
    PUN = 0x00D,
    PRT = 0x00E
};

static struct bench *b;

static void set_up(void)
{
    b = bench_new();
}

static void tear_down(void)
{
    bench_free(b);
}

static void attach(const char *config)
{
    enum status st = bench_attach(b, config, 0);

    ck_assert_msg(st == STATUS_OK, "%s", b->diag.text);
}

static void refused(const char *config, const char *message)
{
    ck_assert_int_ne(bench_attach(b, config, 0), STATUS_OK);
    ck_assert_msg(strstr(b->diag.text, message), "%s", b->diag.text);
}

/* ---- EBCDIC ---- */

START_TEST(test_ebcdic_is_one_to_one)
{
    static const char text[] = " .<(+|&!$*);^-/,%_>?`:#@'=\"~{}\\[]"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789";
    static const uint8_t codes[] = {
        0x40, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x5A, 0x5B, 0x5C, 0x5D,
        0x5E, 0x5F, 0x60, 0x61, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x79, 0x7A,
        0x7B, 0x7C, 0x7D, 0x7E, 0x7F, 0xA1, 0xC0, 0xD0, 0xE0, 0xAD, 0xBD};

    for (unsigned c = 0; c < 256; c++) {
        ck_assert_uint_eq(ebcdic_to_ascii(ebcdic_from_ascii((uint8_t)c)), c);
        ck_assert_uint_eq(ebcdic_from_ascii(ebcdic_to_ascii((uint8_t)c)), c);
    }
    for (unsigned i = 0; i < sizeof(codes); i++)
        ck_assert_uint_eq(ebcdic_from_ascii((uint8_t)text[i]), codes[i]);
    ck_assert_uint_eq(ebcdic_from_ascii('A'), 0xC1);
    ck_assert_uint_eq(ebcdic_from_ascii('J'), 0xD1);
    ck_assert_uint_eq(ebcdic_from_ascii('S'), 0xE2);
    ck_assert_uint_eq(ebcdic_from_ascii('z'), 0xA9);
    ck_assert_uint_eq(ebcdic_from_ascii('9'), 0xF9);
    for (const char *p = text; *p; p++)
        ck_assert_int_eq(ebcdic_glyph(ebcdic_from_ascii((uint8_t)*p)), *p);
    ck_assert_int_eq(ebcdic_glyph(0x00), ' ');
    ck_assert_int_eq(ebcdic_glyph(0x15), ' ');
    ck_assert_int_eq(ebcdic_glyph(0xFF), ' ');
}
END_TEST

/* ---- Console ---- */

START_TEST(test_console_prints)
{
    attach("001F 3215-C / noprompt");
    bench_put(b, "HELLO");
    ck_assert_uint_eq(bench_do(b, CON, 0x01, 5).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, CON, 0x09, 5).unit, ENDED);
    b->bytes[BENCH_DATA + 1] = 0x15; /* new line */
    b->bytes[BENCH_DATA + 2] = 0x00;
    ck_assert_uint_eq(bench_do(b, CON, 0x09, 4).unit, ENDED);
    ck_assert_str_eq(b->printed, "HELLOHELLO\nH\n L\n");
    struct bench_end end = bench_do(b, CON, 0x0B, 1); /* alarm */
    ck_assert_uint_eq(end.cc, 1);
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(bench_do(b, CON, 0x07, 1).unit, UC);
    ck_assert_uint_eq(bench_sense(b, CON, 0), S370_SENSE_COMMAND_REJECT);
}
END_TEST

START_TEST(test_console_reads)
{
    attach("001F 1052");
    struct s370_device *con = s370_channels_find(b->channels, CON);
    ck_assert(s370_console_is(con));
    ck_assert(!s370_console_reading(con));
    ck_assert_uint_eq(bench_do(b, CON, 0x0A, 20).unit, 0); /* still waits */
    ck_assert(s370_console_reading(con));
    ck_assert_int_eq(s370_console_type(con, "r 00,'u'\t~\n"), STATUS_OK);
    ck_assert(!s370_console_reading(con));
    clock_advance(&b->clock, 10);
    ck_assert_uint_eq(s370_tio(b->channels, CON), 1);
    ck_assert_uint_eq(b->bytes[68], ENDED);
    ck_assert_uint_eq(b->bytes[71], 10); /* residual: 20 - 10 */
    ck_assert(bench_has(b, "R 00,'U' ~"));

    /* typed ahead; then an empty line */
    ck_assert_int_eq(s370_console_type(con, "SECOND"), STATUS_OK);
    ck_assert_int_eq(s370_console_type(con, ""), STATUS_OK);
    ck_assert_uint_eq(bench_do(b, CON, 0x0A, 6).unit, ENDED);
    ck_assert(bench_has(b, "SECOND"));
    struct bench_end end = bench_do(b, CON, 0x0A, 6);
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.residual, 6);
}
END_TEST

START_TEST(test_console_keys)
{
    attach("001F 3215\n00C 3505");
    struct s370_device *con = s370_channels_find(b->channels, CON);
    struct s370_device *rdr = s370_channels_find(b->channels, RDR);
    ck_assert_int_eq(s370_console_attention(con), STATUS_OK);
    ck_assert_uint_eq(s370_tio(b->channels, CON), 1);
    ck_assert_uint_eq(b->bytes[68], S370_UNIT_ATTENTION);

    ck_assert_uint_eq(bench_do(b, CON, 0x0A, 6).unit, 0);
    ck_assert_int_eq(s370_console_cancel(con), STATUS_OK);
    clock_advance(&b->clock, 10);
    ck_assert_uint_eq(s370_tio(b->channels, CON), 1);
    ck_assert_uint_eq(b->bytes[68], ENDED | UE);

    ck_assert_uint_eq(bench_do(b, CON, 0x0A, 6).unit, 0);
    ck_assert_uint_eq(s370_hio(b->channels, CON), 1);
    ck_assert(!s370_console_reading(con));

    ck_assert_int_eq(s370_console_type(rdr, "X"), STATUS_BAD_INPUT);
    ck_assert_int_eq(s370_console_attention(rdr), STATUS_BAD_INPUT);
    ck_assert_int_eq(s370_console_cancel(NULL), STATUS_BAD_INPUT);
    ck_assert(!s370_console_reading(rdr));
    char line[S370_CONSOLE_LINE_MAX + 2];
    memset(line, 'A', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    ck_assert_int_eq(s370_console_type(con, line), STATUS_BAD_INPUT);
    for (unsigned i = 0; i < S370_CONSOLE_QUEUE_MAX; i++)
        ck_assert_int_eq(s370_console_type(con, line + 1), STATUS_OK);
    ck_assert_int_eq(s370_console_type(con, "X"), STATUS_BAD_INPUT);
    refused("009 1052 prompt", "009 1052: a console takes no argument");
}
END_TEST

/* ---- Reader ---- */

START_TEST(test_reader_text)
{
    bench_text(b, "deck", "CARD 1\r\n\tTABBED\n\nlast");
    attach("00C 3505 @deck eof");
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert(bench_has(b, "CARD 1    "));
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 79], 0x40);
    ck_assert_uint_eq(bench_do(b, RDR, 0x42, 80).unit, ENDED);
    ck_assert(bench_has(b, "        TABBED "));
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert(bench_has(b, "   "));
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert(bench_has(b, "last   "));
    struct bench_end end = bench_do(b, RDR, 0x02, 80);
    ck_assert_uint_eq(end.unit, ENDED | UE);
    ck_assert_uint_eq(end.residual, 80);
    ck_assert_uint_eq(bench_do(b, RDR, 0x01, 80).unit, UC);
    ck_assert_uint_eq(bench_sense(b, RDR, 0), S370_SENSE_COMMAND_REJECT);
    ck_assert_uint_eq(bench_do(b, RDR, 0x23, 1).cc, 1); /* feed */
}
END_TEST

START_TEST(test_reader_cards_and_several_decks)
{
    uint8_t cards[170];

    for (unsigned i = 0; i < sizeof(cards); i++)
        cards[i] = (uint8_t)(i + 0x80);
    bench_write(b, "cards", cards, 160);
    bench_text(b, "text", "ABC\n");
    attach("00C 2540 @cards @text intrq");
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, cards, 80);
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, cards + 80, 80);
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, RDR, 0), S370_SENSE_INTERVENTION);
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED);
    ck_assert(bench_has(b, "ABC "));
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED | UC);
    ck_assert_uint_eq(bench_do(b, RDR, 0x02, 80).unit, ENDED | UC);
    attach("012 3505 @cards @text multifile eof");
    ck_assert_uint_eq(bench_do(b, 0x012, 0x02, 80).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, 0x012, 0x02, 80).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, 0x012, 0x02, 80).unit, ENDED);
    ck_assert(bench_has(b, "ABC "));
    ck_assert_uint_eq(bench_do(b, 0x012, 0x02, 80).unit, ENDED | UE);

    bench_write(b, "short", cards, 170);
    refused("013 3505 @short", "short: card 3 has 10 bytes instead of 80");
    attach("014 3505 @short autopad");
    bench_do(b, 0x014, 0x02, 80);
    bench_do(b, 0x014, 0x02, 80);
    ck_assert_uint_eq(bench_do(b, 0x014, 0x02, 80).unit, ENDED);
    ck_assert_mem_eq(b->bytes + BENCH_DATA, cards + 160, 10);
    ck_assert_uint_eq(b->bytes[BENCH_DATA + 10], 0);
}
END_TEST

START_TEST(test_reader_refuses_bad_decks)
{
    char line[82];

    memset(line, 'A', 81);
    line[81] = '\0';
    bench_text(b, "long", line);
    refused("00C 3505 @long", "long:1: 81 columns, and a card has 80");
    attach("00C 3505 @long trunc");
    line[79] = ' ';
    line[80] = ' ';
    bench_text(b, "blanks", line); /* blanks behind column 80 are nothing */
    attach("010 3505 @blanks");
    bench_text(b, "odd", "AB\nC\001D\n");
    refused("011 3505 @odd ascii", "odd:2: column 2 holds the byte 01");
    refused("011 3505 @none", "none: cannot read: No such file");
    refused("011 3505 @none", "test.conf:1: 011 3505: ");
    refused("011 3505 @odd ascii ebcdic", "exclude each other");
    attach("011 3505 *");
    ck_assert_uint_eq(bench_do(b, 0x011, 0x02, 80).unit, ENDED | UC);
}
END_TEST

/* ---- Punch ---- */

START_TEST(test_punch)
{
    attach("00D 3525 @a ascii crlf\n010 3525 @e\n011 2540 @p punch ascii");
    bench_put(b, "PUNCH ME");
    ck_assert_uint_eq(bench_do(b, PUN, 0x01, 80).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, PUN, 0x41, 5).unit, ENDED);
    struct bench_end end =
        bench_run(b, PUN, &(struct bench_ccw){0x01, BENCH_DATA, 0, 100});
    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.channel, 0x40);
    ck_assert_uint_eq(end.residual, 20);
    bench_expect(b, "a", "PUNCH ME\r\nPUNCH\r\nPUNCH ME\r\n");

    ck_assert_uint_eq(bench_do(b, 0x010, 0x01, 5).unit, ENDED);
    size_t len;
    uint8_t *card = bench_read(b, "e", &len);
    ck_assert_uint_eq(len, 80);
    ck_assert_mem_eq(card, b->bytes + BENCH_DATA, 5);
    ck_assert_uint_eq(card[5], 0x40);
    ck_assert_uint_eq(card[79], 0x40);
    free(card);
    ck_assert_uint_eq(bench_do(b, 0x011, 0x01, 8).unit, ENDED);
    bench_expect(b, "p", "PUNCH ME\n");
    ck_assert_uint_eq(bench_do(b, PUN, 0x02, 80).unit, UC);
    refused("012 3525", "a punch needs a file");
    refused("012 3525 @x funny", "a punch takes no argument 'funny'");
    refused("012 3525 @no/such", "cannot write: No such file");
}
END_TEST

START_TEST(test_full_disk_is_an_equipment_check)
{
    attach(_i ? "00D 3525 /dev/full" : "00D 1403 /dev/full");
    ck_assert_uint_eq(bench_do(b, PUN, 0x01, 80).unit, ENDED | UC);
    ck_assert_uint_eq(bench_sense(b, PUN, 0), S370_SENSE_EQUIPMENT_CHECK);
    ck_assert_ptr_nonnull(strstr(b->trouble, "/dev/full: cannot write: No sp"));
    ck_assert_ptr_nonnull(strstr(b->trouble, "00D "));
}
END_TEST

START_TEST(test_two_devices_on_one_file)
{
    attach("00D 3525 @same\n010 3525 /dev/null\n011 1403 /dev/null");
    bench_put(b, "X");
    bench_do(b, PUN, 0x01, 1);
    refused("00E 1403 @same", "same: another device writes this file");
    size_t len;
    free(bench_read(b, "same", &len));
    ck_assert_uint_eq(len, 80); /* and is not emptied */
}
END_TEST

/* ---- Printer ---- */

static void print(uint8_t command)
{
    struct bench_end end = bench_do(b, PRT, command, 4);

    ck_assert_uint_eq(end.unit, ENDED);
    ck_assert_uint_eq(end.channel, 0);
}

START_TEST(test_printer_carriage)
{
    static const uint8_t commands[] = {
        0x09, 0x8B, 0xA3, 0x93, 0xA1, 0x91, 0x99, 0x89, 0x89, 0xE3, 0x0B,
        0x13, 0x1B, 0x09, 0x11, 0x19, 0x8B, 0xCB, 0x8B, 0x01, 0x8B};
    static const char lf[] =
        "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
        "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    char want[512];

    attach("00E 1403 @paper");
    bench_put(b, "LINE");
    for (unsigned i = 0; i < sizeof(commands); i++)
        print(commands[i]);
    snprintf(want, sizeof(want),
             "LINE\n\f%.18s\f%.6sLINE%.12sLINE\f%.6sLINE%.6sLINE\r\fLINE\r"
             "%.66sLINE\nLINE\n\nLINE\n\n\n\f%.62s\fLINE\r",
             lf, lf, lf, lf, lf, lf, lf);
    bench_expect(b, "paper", want);
}
END_TEST

START_TEST(test_printer_lines)
{
    attach("00E 1403 @paper crlf");
    bench_put(b, "LINE ONE");
    b->bytes[BENCH_DATA + 100] = 0xC1;
    b->bytes[BENCH_DATA + 131] = 0xC2;
    b->bytes[BENCH_DATA + 132] = 0xC3; /* column 133 is not there */
    print(0x09);
    print(0x01);
    print(0x11);
    struct bench_end end =
        bench_run(b, PRT, &(struct bench_ccw){0x09, BENCH_DATA, 0, 200});
    ck_assert_uint_eq(end.channel, 0x40);
    ck_assert_uint_eq(end.residual, 68);
    b->bytes[BENCH_DATA] = 0x00; /* no train has it */
    bench_do(b, PRT, 0x09, 6);
    size_t len;
    uint8_t *text = bench_read(b, "paper", &len);
    ck_assert_uint_eq(len, 6 + 6 + 7 + 134 + 8);
    ck_assert_mem_eq(text, "LINE\r\nLINE\r\rLINE\r\n\nLINE ONE ", 28);
    ck_assert_mem_eq(text + 19 + 131, "B\r\n INE O\r\n", 11);
    free(text);
}
END_TEST

START_TEST(test_printer_immediate_and_refused)
{
    attach("00E 1403 @paper");
    struct bench_end end = bench_do(b, PRT, 0x0B, 1);
    ck_assert_uint_eq(end.cc, 1);
    ck_assert_uint_eq(end.unit, ENDED);
    for (unsigned i = 0; i < 5; i++) {
        uint8_t command = (const uint8_t[]){0x02, 0x21, 0x81, 0xE9, 0xEF}[i];

        end = bench_do(b, PRT, command, 1);
        ck_assert_uint_eq(end.cc, 1);
        ck_assert_uint_eq(end.unit, UC);
        ck_assert_uint_eq(bench_sense(b, PRT, 0), S370_SENSE_COMMAND_REJECT);
    }
    bench_expect(b, "paper", "\n");
    refused("00F 1403", "a printer needs a file");
    refused("00F 1403 @paper fold", "a printer takes no argument 'fold'");
}
END_TEST

/* The 1403's control unit lets nobody write its UCS buffer by mistake. */
START_TEST(test_printer_gate_load)
{
    static const struct bench_ccw chain[] = {{0xEB, BENCH_DATA, 0x60, 1},
                                             {0xFB, BENCH_DATA, 0x20, 240}};

    attach("00E 1403 @paper");
    ck_assert_uint_eq(bench_do(b, PRT, 0xFB, 240).unit, UC);
    ck_assert_uint_eq(bench_sense(b, PRT, 0), S370_SENSE_COMMAND_REJECT);
    ck_assert_uint_eq(bench_run(b, PRT, chain).unit, ENDED);
    bench_do(b, PRT, 0xEB, 1);
    ck_assert_uint_eq(bench_do(b, PRT, 0xF3, 240).unit, UC); /* not chained */
}
END_TEST

START_TEST(test_printer_forms_control_buffer)
{
    uint8_t *image = b->bytes + BENCH_DATA;

    attach("00E 3211 @paper");
    memset(image, 0, 300);
    image[0] = 1;
    image[4] = 2;
    image[9] = 0x10; /* ten lines */
    ck_assert_uint_eq(bench_do(b, PRT, 0x63, 10).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, PRT, 0xFB, 240).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, PRT, 0x93, 1).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, PRT, 0x13, 1).unit, ENDED);
    ck_assert_uint_eq(bench_do(b, PRT, 0x8B, 1).unit, ENDED);
    bench_expect(b, "paper", "\n\n\n\n\n\n\f");
    struct bench_end end = bench_do(b, PRT, 0x9B, 1); /* no such stop */
    ck_assert_uint_eq(end.unit, ENDED | UC);
    image[2] = 0x0D; /* no such channel */
    ck_assert_uint_eq(bench_do(b, PRT, 0x63, 10).unit, ENDED | UC);
    image[2] = 0;
    ck_assert_uint_eq(bench_do(b, PRT, 0x63, 9).unit, ENDED | UC); /* no end */
}
END_TEST

START_TEST(test_printer_noclear)
{
    bench_text(b, "paper", "OLD\n");
    attach("00E 1403 @paper noclear");
    bench_put(b, "NEW");
    print(0x09);
    bench_expect(b, "paper", "OLD\nNEW\n");
}
END_TEST

Suite *suite_s370_devices(void)
{
    Suite *s = suite_create("s370/dev");
    TCase *t = tcase_create("consoles, cards, printers");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, test_ebcdic_is_one_to_one);
    tcase_add_test(t, test_console_prints);
    tcase_add_test(t, test_console_reads);
    tcase_add_test(t, test_console_keys);
    tcase_add_test(t, test_reader_text);
    tcase_add_test(t, test_reader_cards_and_several_decks);
    tcase_add_test(t, test_reader_refuses_bad_decks);
    tcase_add_test(t, test_punch);
    tcase_add_test(t, test_two_devices_on_one_file);
    tcase_add_loop_test(t, test_full_disk_is_an_equipment_check, 0, 2);
    tcase_add_test(t, test_printer_carriage);
    tcase_add_test(t, test_printer_lines);
    tcase_add_test(t, test_printer_immediate_and_refused);
    tcase_add_test(t, test_printer_gate_load);
    tcase_add_test(t, test_printer_forms_control_buffer);
    tcase_add_test(t, test_printer_noclear);
    suite_add_tcase(s, t);
    return s;
}
