/* base/trace: the sinks, their golden lines, and what they do when a disk is
 * full. */
#include "base/trace.h"
#include "tests/json.h"

#include <check.h>
#include <string.h>

/* A place to write to, with room for `room` bytes. */
struct paper {
    char text[8192];
    size_t len, room;
};

static bool paper_write(void *to, const char *text, size_t len)
{
    struct paper *p = to;

    if (len > p->room)
        return false;
    memcpy(p->text + p->len, text, len);
    p->len += len;
    p->room -= len;
    p->text[p->len] = '\0';
    return true;
}

static struct trace_event an_exit(void)
{
    return (struct trace_event){.kind = TRACE_EXIT,
                                .vm = 1,
                                .time = 25412,
                                .insns = 25412,
                                .pc = 0x4a6,
                                .pc_digits = 6,
                                .reason = "SENSITIVE",
                                .insn = "LPSW",
                                .verdict = "resume",
                                .mode_before = 'S',
                                .mode_after = 'P',
                                .raw = 2,
                                .text = "LPSW  24(0)",
                                .state = "FF060000 400004AA"};
}

static const struct {
    const char *what;
    struct trace_event event;
    const char *text, *json;
} golden[] = {
    {"an exit",
     {.kind = TRACE_EXIT,
      .vm = 1,
      .seq = 7,
      .time = 9,
      .insns = 412,
      .pc = 0x4a6,
      .pc_digits = 6,
      .reason = "SENSITIVE",
      .insn = "LPSW",
      .verdict = "resume",
      .mode_before = 'S',
      .mode_after = 'P',
      .raw = 2,
      .info = {1, 2},
      .text = "LPSW  24(0)",
      .state = "FF060000 400004AA"},
     "    412 1 0004a6 S>P LPSW  24(0)          SENSITIVE resume  "
     "FF060000 400004AA",
     "{\"kind\":\"exit\",\"seq\":7,\"vm\":1,\"time\":9,\"insns\":412,"
     "\"pc\":1190,\"reason\":\"SENSITIVE\",\"insn\":\"LPSW\","
     "\"verdict\":\"resume\",\"before\":\"S\",\"after\":\"P\",\"raw\":2,"
     "\"info\":[1,2],\"text\":\"LPSW  24(0)\","
     "\"state\":\"FF060000 400004AA\"}"},
    {"an exit with the engine's name and a cost",
     {.kind = TRACE_EXIT,
      .vm = 2,
      .pc = 0xfff0,
      .pc_digits = 16,
      .reason = "IO",
      .raw = 2,
      .raw_name = "KVM_EXIT_IO",
      .cost_ns = 950},
     "      0 2 000000000000fff0 ->- KVM_EXIT_IO          IO        -",
     "{\"kind\":\"exit\",\"seq\":0,\"vm\":2,\"time\":0,\"insns\":0,"
     "\"pc\":65520,\"reason\":\"IO\",\"raw\":2,\"raw_name\":\"KVM_EXIT_IO\","
     "\"cost_ns\":950}"},
    {"an interruption that the guest takes",
     {.kind = TRACE_EVENT,
      .vm = 1,
      .insns = 500,
      .pc = 0x600,
      .pc_digits = 6,
      .mode_before = 'P',
      .mode_after = 'S',
      .info = {0xc, 0},
      .text = "I/O 00C"},
     "    500 1 000600 P>S I/O 00C              event",
     "{\"kind\":\"event\",\"seq\":0,\"vm\":1,\"time\":0,\"insns\":500,"
     "\"pc\":1536,\"before\":\"P\",\"after\":\"S\",\"info\":[12,0],"
     "\"text\":\"I/O 00C\"}"},
    {"a channel command word",
     {.kind = TRACE_IO, .insns = 500, .text = "00C CCW 02 000800 00 80"},
     "    500 0 io   00C CCW 02 000800 00 80",
     "{\"kind\":\"io\",\"seq\":0,\"vm\":0,\"time\":0,\"insns\":500,\"pc\":0,"
     "\"text\":\"00C CCW 02 000800 00 80\"}"},
    {"words, with all that JSON must escape",
     {.kind = TRACE_NOTE, .text = "a \"quote\" \\ \t\x01 \xe9"},
     "      0 0 a \"quote\" \\ \t\x01 \xe9",
     "{\"kind\":\"note\",\"seq\":0,\"vm\":0,\"time\":0,\"insns\":0,"
     "\"text\":\"a \\\"quote\\\" \\\\ \\u0009\\u0001 \\u00e9\"}"},
};

START_TEST(test_golden_lines)
{
    char line[2048];

    ck_assert_uint_eq(trace_text_line(&golden[_i].event, line, sizeof(line)),
                      strlen(line));
    ck_assert_str_eq(line, golden[_i].text);
    trace_jsonl_line(&golden[_i].event, line, sizeof(line));
    ck_assert_str_eq(line, golden[_i].json);
    ck_assert(json_valid(line));
}
END_TEST

START_TEST(test_columns_stand_under_their_names)
{
    struct trace_event e = an_exit();
    char head[160], line[160];

    trace_text_header(6, head, sizeof(head));
    trace_text_line(&e, line, sizeof(line));
    ck_assert_int_eq(strstr(head, "pc") - head, strstr(line, "0004a6") - line);
    ck_assert_int_eq(strstr(head, "reason") - head,
                     strstr(line, "SENSITIVE") - line);
    ck_assert_int_eq(strstr(head, "verdict") - head,
                     strstr(line, "resume") - line);
    ck_assert_int_eq(strstr(head, "virtual") - head,
                     strstr(line, "FF06") - line);
    ck_assert_uint_le(strlen(line), 80);
}
END_TEST

/* The longest event there can be still makes one whole JSON line. */
START_TEST(test_the_worst_event_fits)
{
    struct paper p = {.room = sizeof(p.text) - 1};
    struct trace_jsonl s;
    struct trace t = {0};
    struct trace_event e = {.kind = TRACE_EXIT,
                            .time = UINT64_MAX,
                            .insns = UINT64_MAX,
                            .pc = UINT64_MAX,
                            .reason = "ENTRY_FAILED",
                            .insn = "VMPTRLD",
                            .verdict = "reflect",
                            .mode_before = 'S',
                            .mode_after = 'P',
                            .raw = UINT32_MAX,
                            .raw_name = "VMX_EXIT_ENTRY_FAILURE_GUEST_STATE",
                            .info = {UINT64_MAX, UINT64_MAX},
                            .cost_ns = UINT64_MAX};

    memset(e.text, '\x01', sizeof(e.text) - 1);
    memset(e.state, '\x01', sizeof(e.state) - 1);
    trace_jsonl_init(&s, paper_write, &p);
    trace_attach(&t, &s.sink);
    trace_emit(&t, &e);
    ck_assert(!s.failed);
    ck_assert_int_eq(json_lines(p.text), 2);
}
END_TEST

START_TEST(test_jsonl_names_its_schema_once)
{
    struct paper p = {.room = sizeof(p.text) - 1};
    struct trace_jsonl s;
    struct trace t = {0};
    struct trace_event e = an_exit();

    trace_jsonl_init(&s, paper_write, &p);
    trace_attach(&t, &s.sink);
    trace_emit(&t, &e);
    trace_emit(&t, &e);
    ck_assert_int_eq(json_lines(p.text), 3);
    ck_assert_ptr_eq(strstr(p.text, "{\"schema\":\"trapline/trace/v1\"}\n"),
                     p.text);
    ck_assert_ptr_nonnull(strstr(p.text, "\"seq\":1"));
    ck_assert_ptr_nonnull(strstr(p.text, "\"seq\":2"));
}
END_TEST

START_TEST(test_full_disk_is_remembered)
{
    struct paper p = {.room = 200}, q = {.room = 40};
    struct trace_text text;
    struct trace_jsonl json;
    struct trace t = {0};
    struct trace_event e = an_exit();

    trace_text_init(&text, paper_write, &p);
    trace_jsonl_init(&json, paper_write, &q);
    trace_attach(&t, &text.sink);
    trace_attach(&t, &json.sink);
    for (int i = 0; i < 5; i++)
        trace_emit(&t, &e);
    ck_assert(text.failed);
    ck_assert(json.failed);
    size_t len = p.len;
    p.room = 4096; /* room again, but the file already has a hole */
    trace_emit(&t, &e);
    ck_assert_uint_eq(p.len, len);
}
END_TEST

/* Of a row of a narrow terminal what is behind its edge; of what a guest
 * prints nothing. */
START_TEST(test_rows_end_at_the_edge)
{
    struct paper p = {.room = sizeof(p.text) - 1};
    struct trace_text text;
    struct trace t = {0};
    struct trace_event row = an_exit(), note = {.kind = TRACE_NOTE};

    memset(note.text, 'n', 60);
    trace_text_init(&text, paper_write, &p);
    text.columns = 40;
    trace_attach(&t, &text.sink);
    trace_emit(&t, &row);
    ck_assert_uint_eq(p.len, 41 + 41);
    ck_assert_int_eq(p.text[40], '\n');
    ck_assert_int_eq(p.text[81], '\n');
    trace_emit(&t, &note);
    ck_assert_uint_gt(p.len, 82 + 60);
}
END_TEST

START_TEST(test_lines_are_cut_not_overrun)
{
    struct trace_event e = an_exit();
    char line[40];

    for (size_t cap = 0; cap < sizeof(line); cap++) {
        memset(line, '#', sizeof(line));
        size_t n = trace_text_line(&e, line, cap);
        ck_assert_uint_le(n, cap ? cap - 1 : 0);
        ck_assert_int_eq(line[cap], '#');
        memset(line, '#', sizeof(line));
        n = trace_jsonl_line(&e, line, cap);
        ck_assert_uint_le(n, cap ? cap - 1 : 0);
        ck_assert_int_eq(line[cap], '#');
    }
}
END_TEST

START_TEST(test_ring_keeps_the_newest)
{
    struct trace_event room[4];
    struct trace_ring ring;
    struct trace t = {0};

    trace_ring_init(&ring, room, ARRAY_LEN(room));
    trace_attach(&t, &ring.sink);
    ck_assert_ptr_null(trace_ring_at(&ring, 0));
    for (int i = 0; i < 10; i++) {
        struct trace_event e = an_exit();
        trace_emit(&t, &e);
        ck_assert_uint_eq(trace_ring_at(&ring, 0)->seq, (uint64_t)i + 1);
    }
    ck_assert_uint_eq(trace_ring_at(&ring, 3)->seq, 7);
    ck_assert_ptr_null(trace_ring_at(&ring, 4));
    ck_assert_ptr_null(trace_ring_at(&ring, UINT64_MAX));
}
END_TEST

START_TEST(test_ledger_counts_by_reason_and_instruction)
{
    struct trace_ledger l;
    struct trace t = {0};
    char lpsw[] = "LPSW"; /* equal text at another address */

    trace_ledger_init(&l);
    trace_attach(&t, &l.sink);
    for (int i = 0; i < 6; i++) {
        struct trace_event e = an_exit();
        e.insn = i < 3 ? "LPSW" : i < 5 ? lpsw : NULL;
        e.cost_ns = 10;
        trace_emit(&t, &e);
    }
    struct trace_event other = {.kind = TRACE_EVENT};
    trace_emit(&t, &other);
    ck_assert_uint_eq(l.count, 2);
    ck_assert_uint_eq(l.exits, 6);
    ck_assert_uint_eq(l.cost_ns, 60);
    ck_assert_uint_eq(l.rows[0].count, 5);
    ck_assert_uint_eq(l.rows[1].count, 1);
    ck_assert_uint_eq(l.lost, 0);
}
END_TEST

START_TEST(test_ledger_never_loses_silently)
{
    static char names[LEDGER_ROWS + 5][8];
    struct trace_ledger l;
    struct trace t = {0};

    trace_ledger_init(&l);
    trace_attach(&t, &l.sink);
    for (int i = 0; i < LEDGER_ROWS + 5; i++) {
        struct trace_event e = an_exit();
        names[i][0] = (char)('A' + i % 26);
        names[i][1] = (char)('A' + i / 26);
        e.insn = names[i];
        trace_emit(&t, &e);
    }
    ck_assert_uint_eq(l.exits, LEDGER_ROWS + 5);
    ck_assert_uint_eq(l.lost, 5);
}
END_TEST

START_TEST(test_no_trace_costs_nothing)
{
    struct trace t = {0};
    struct trace_event e = an_exit();

    ck_assert(!trace_on(NULL));
    ck_assert(!trace_on(&t));
    trace_emit(NULL, &e);
    trace_emit(&t, &e);
    ck_assert_uint_eq(t.seq, 1);
}
END_TEST

/* The checker that the checks stand on. */
START_TEST(test_json_reader_is_strict)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       "0",
                                       "-1.5e+3",
                                       " {\"a\":[1,2,{\"b\":null}]} ",
                                       "\"\\u00e9\\n\"",
                                       "true"};
    static const char *const bad[] = {
        "",      "{",   "{\"a\"}", "{\"a\":}", "[1,]",
        "01",    "1.",  "\"\t\"",  "\"",       "{\"a\":1,}",
        "{a:1}", "1 2", "\"\\x\"", "nul",      "\"\\u12\""};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(json_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!json_valid(bad[i]), "%s", bad[i]);
}
END_TEST

Suite *suite_trace(void)
{
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("sinks");

    tcase_add_loop_test(t, test_golden_lines, 0, ARRAY_LEN(golden));
    tcase_add_test(t, test_columns_stand_under_their_names);
    tcase_add_test(t, test_the_worst_event_fits);
    tcase_add_test(t, test_jsonl_names_its_schema_once);
    tcase_add_test(t, test_full_disk_is_remembered);
    tcase_add_test(t, test_lines_are_cut_not_overrun);
    tcase_add_test(t, test_ring_keeps_the_newest);
    tcase_add_test(t, test_ledger_counts_by_reason_and_instruction);
    tcase_add_test(t, test_ledger_never_loses_silently);
    tcase_add_test(t, test_rows_end_at_the_edge);
    tcase_add_test(t, test_no_trace_costs_nothing);
    tcase_add_test(t, test_json_reader_is_strict);
    suite_add_tcase(s, t);
    return s;
}
