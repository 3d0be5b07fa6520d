/* Descriptions of machines: what is refused, where, and with which words. */
#include "popek-goldberg/language/reform.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Comes before every row's text, which begins in line 2. */
#define HEAD                                                           \
    "machine m address 8 word 8 register ac : 8 scaled 2 trap priv : " \
    "privileged\n"

static const struct {
    const char *text, *says;
} faults[] = {
    {"regster x : 8", ":2:1: expected a declaration, found 'regster'; did you "
                      "mean 'register'?"},
    {"register x 8", ":2:12: expected ':', found '8'"},
    {"register x : 65", ":2:14: a width is 1 to 64"},
    {"register x : 8 scaled 9", ":2:23: a scaled width is 1 to 8"},
    {"register ac : 8", ":2:10: 'ac' is there already"},
    {"register base : 8", ":2:10: 'base' is there already"},
    {"register user : 8", ":2:10: 'user' is a word of the language"},
    {"register 8 : 8", ":2:10: expected a name, found '8'"},
    {"memory 9", ":2:8: the number of words of memory is 1 to 8"},
    {"monitor 1", ":2:9: the number of the monitor's words is 2 to 16"},
    {"const c 4", ":2:9: expected '=', found '4'"},
    {"const c = 99999999999999999999", ":2:11: a number of more than 64 bits"},
    {"const c = 12ab", ":2:11: expected a number"},
    {"trap x : privilegd", ":2:10: expected a kind of trap: privileged, "
                           "memory, operand or system_call, found 'privilegd'; "
                           "did you mean 'privileged'?"},
    {"trap memory : memory", ":2:6: this trap is there already"},
    {"timing no", ":2:8: expected a text in quotes, found 'no'"},
    {"timing \"no", ":2:8: a text without its closing quote"},
    {"instruction A { ax <- 1 }", ":2:17: expected an action: when, trap, or "
                                  "NAME <- VALUE, found 'ax'; did you mean "
                                  "'ac'?"},
    {"instruction A { ac = 1 }", ":2:20: expected '<-'; '=' compares"},
    {"instruction A { ac <- md }", ":2:23: expected a value, found 'md'"},
    {"instruction A { ac <- ac == 1 }", ":2:27: expected a value ('=' is "
                                        "written once), found '='"},
    {"instruction A { ac <- 300 }", ":2:23: 300 does not fit into the 8 bits"},
    {"instruction A { ac <- 100 }", ":2:23: 100 does not fit into the 2 bits "
                                    "of the scaled machine"},
    {"instruction A { ac <- ac[9] }", "there is no bit 9 in a value of 8 bits"},
    {"instruction A { ac <- ac[7] }", "there is no bit 7 in a value of 2 bits "
                                      "in the scaled machine"},
    {"instruction A { ac <- cat(1, ac) }", "cat joins two values of known"},
    {"instruction A { when mode = usr: ac <- 1 }",
     ":2:29: expected a value, found 'usr'; did you mean 'user'?"},
    {"instruction A { when mode = user ac <- 1 }",
     ":2:34: expected ':', found 'ac'"},
    {"instruction A { trap prv }", ":2:22: expected the name of a declared "
                                   "trap, found 'prv'; did you mean 'priv'?"},
    {"instruction A { ac <- 1", ":2:24: expected an action: when, trap, or "
                                "NAME <- VALUE, but the text ends here"},
    {"instruction A { ac <- 1; }", ":2:24: ';' is no part of the language"},
    {"instruction A { ac <- !ac }", ":2:23: '!' is no part of the language; "
                                    "write 'not'"},
    {"instruction A { ac <- 1 = 1 = 1 }", "comparisons do not chain"},
    {"instruction A { ac <- 1 + unpredictable }",
     "'unpredictable' is the whole value of an assignment"},
    {"switch s : 1 instruction A { s <- 1 }", "a switch is how the machine is "
                                              "set up; no instruction writes"},
    {"instruction A { } instruction A { }",
     ":2:31: an instruction 'A' is there already"},
    {"instruction A (x:1, y:1, z:1, u:1, v:1, w:1, t:1) { }",
     "more than 6 operands"},
    {"instruction A { } memory 4", "expected before the first instruction"},
    {"instruction A { } claim B critical source \"x\" confidence H",
     ":2:25: expected t1, t2, t3, exact, hybrid, efficiency, or an "
     "instruction declared above, found 'B'"},
    {"instruction A { } claim A holds source \"x\" confidence H",
     ":2:27: expected privileged, critical or innocuous, found 'holds'"},
    {"instruction A { } claim t1 holds source \"x\" confidence X",
     "expected a confidence: H, M or L, found 'X'"},
    {"register y : 16 scaled 1 instruction A { y <- cat(mode, ac) }",
     "the scaled place cuts this to 1 bits, of 3; give it 'scaled 3'"},
    {"resource r : 1 monitor 2", "the monitor's value does not fit"},
    {"address 3 instruction A { }", "the address is too narrow"},
    {"clock c : 8 enforced", ":2:13: expected a declaration"},
    {"duplicate ac", ":2:11: expected mode, base, bound, or a resource"},
    {"duplicate mode", ":2:15: expected 'as', but the text ends here"},
    {"duplicate pc as x", ":2:11: expected mode, base, bound, or a resource"},
    {"instruction A { } duplicate mode as x",
     ":2:29: expected before the machine's own instructions"},
    {"instruction A { } without A",
     ":2:27: expected an inherited instruction, found 'A'"},
    {"intercept prive { A }", "expected the name of a declared trap, found "
                              "'prive'; did you mean 'priv'?"},
    {"intercept priv { A }", "expected an inherited instruction, found 'A'"},
    {"instruction A covers { } { }", ":2:24: expected a mnemonic, found '}'"},
    {"note A \"x\"", ":2:6: expected a text in quotes, or an instruction"},
    {"list \"x\" { A } beyond { B } source \"s\" confidence H",
     ":2:27: expected a text in quotes, found '}'"},
    {"list \"x\" A", ":2:10: expected '{', found 'A'"},
    {"repair r \"x\" { A }", "expected an instruction declared above"},
    {"leaves_out x", ":2:12: expected a text in quotes, found 'x'"},
    {"", ":2:1: a machine without an instruction"},
    {"\x01", ":2:1: byte 0x01 is no part of the language"},
    {"// a comment", ":2:1: expected a declaration, found '/'; '#' begins"},
    {"instruction A 'add' { }", "a text stands between double quotes"},
    {"instruction A { } claim A innocuous source \"s\" confidence high",
     "found 'high'; one letter: H"},
};

static enum status parse(const char *text, struct isa **isa, struct diag *d)
{
    d->text[0] = '\0';
    return isa_parse("m.isa", text, strlen(text), isa, d);
}

#define LIKE "machine m like pdp10-ka10\n"

/* Of what a machine that is like another may say. */
static const struct {
    const char *text, *says;
} like_faults[] = {
    {"machine m like pdp10-ka11",
     "m.isa:1:16: no machine named 'pdp10-ka11' is built in; did you mean "
     "'pdp10-ka10'?"},
    {"machine m like", "m.isa:1:15: expected the name of a built-in machine"},
    {LIKE "memory 2", "m.isa:2:8: expected before the first instruction"},
    {LIKE "register ac : 35 scaled 3",
     "'ac' is inherited with 36 bits, scaled 3; it keeps them"},
    {LIKE "without JRST9", "expected an inherited instruction, found 'JRST9'; "
                           "did you mean 'JRST0'?"},
    {LIKE "claim t1 fails source \"x\" confidence L without JRST1",
     "expected before claims, notes, lists and repairs"},
    {LIKE "instruction MOVE { } instruction MOVE { }",
     "m.isa:2:34: an instruction 'MOVE' is there already"},
    {LIKE "duplicate mode as ac", "'ac' is there already"},
    {LIKE "trap t : privileged duplicate mode as cpl",
     "expected before the machine's own traps"},
};

START_TEST(test_like_fault)
{
    struct isa *isa;
    struct diag d;

    ck_assert_int_eq(parse(like_faults[_i].text, &isa, &d), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, like_faults[_i].says) != NULL,
                  "%s\n  says: %s\n  not:  %s", like_faults[_i].text, d.text,
                  like_faults[_i].says);
}
END_TEST

static const struct isa_encoding *code(const struct isa *isa, const char *name)
{
    int i = isa_find_encoding(isa, name);

    ck_assert_msg(i >= 0, "there is no %s", name);
    return &isa->encodings[i];
}

START_TEST(test_like_another)
{
    static const char text[] =
        LIKE "\"other\" without JRST4 duplicate mode as cpl\n"
             "trap out : privileged\n"
             "intercept out { DATAO_APR JRST1 }\n"
             "instruction MOVE { ac <- mode }\n"
             "instruction NEW covers { A B, C } { }";
    struct isa *base, *isa;
    struct diag d;

    ck_assert_int_eq(parse("machine x like pdp10-ka10", &base, &d), STATUS_OK);
    ck_assert_msg(parse(text, &isa, &d) == STATUS_OK, "%s", d.text);
    ck_assert_str_eq(isa->name, "m");
    ck_assert_str_eq(isa->title, "other");
    ck_assert_str_eq(isa->like, "pdp10-ka10");
    ck_assert(isa->assisted && !base->assisted);
    ck_assert_uint_eq(base->claim_count, 0);
    ck_assert_int_lt(isa_find_encoding(isa, "JRST4"), 0);
    ck_assert_uint_eq(isa->encoding_count, base->encoding_count);
    int cpl = isa_find_element(isa, "cpl", 3);
    ck_assert_int_ge(cpl, ISA_BUILT_IN);
    ck_assert(isa->elements[cpl].duplicated);
    ck_assert_int_eq(base->traps[1].kind, ISA_TRAP_PRIVILEGED);
    ck_assert_int_eq(isa->traps[1].kind, ISA_TRAP_OPERAND);
    /* What was said of mode is said of cpl; what is new is said of mode. */
    ck_assert_uint_eq(code(isa, "JRST1")->actions[1].element, (unsigned)cpl);
    ck_assert_int_eq(code(isa, "JRST1")->actions[0].kind, ISA_TRAP);
    ck_assert_uint_eq(code(base, "JRST1")->actions[0].element, ISA_MODE);
    ck_assert_uint_eq(code(isa, "MOVE")->actions[0].value->index, ISA_MODE);
    ck_assert_uint_eq(code(isa, "NEW")->cover_count, 3);
    ck_assert_str_eq(code(isa, "NEW")->covers[2], "C");
    isa_free(base);
    isa_free(isa);
}
END_TEST

START_TEST(test_a_repair_of_a_mnemonic_is_of_all_its_encodings)
{
    struct isa *isa;
    struct diag d;

    ck_assert_int_eq(parse(LIKE "repair r \"x\" { JRST MOVE JRST1 }", &isa, &d),
                     STATUS_OK);
    const struct isa_repair *r = &isa->repairs[0];
    unsigned of_jrst = 0;
    for (unsigned i = 0; i < r->count; i++)
        of_jrst += !strcmp(isa->encodings[r->encodings[i]].mnemonic, "JRST");
    ck_assert_uint_gt(of_jrst, 2);
    ck_assert_uint_eq(r->count, of_jrst + 1);
    isa_free(isa);
}
END_TEST

START_TEST(test_a_clone_shares_nothing)
{
    struct isa *isa, *copy;
    struct diag d;

    ck_assert_int_eq(parse(LIKE "list \"l\" { JSP } beyond { X \"w\" } "
                                "source \"s\" confidence H\n"
                                "note \"n\" claim t1 fails source \"s\" "
                                "confidence H differs \"y\"",
                           &isa, &d),
                     STATUS_OK);
    copy = isa_clone(isa);
    ck_assert_ptr_nonnull(copy);
    ck_assert(isa_duplicate(copy, ISA_MODE, NULL));
    ck_assert(isa_intercept(copy, 0, 1));
    ck_assert_uint_eq(code(copy, "MOVE")->action_count, 2);
    ck_assert_uint_eq(code(isa, "MOVE")->action_count, 1);
    ck_assert_uint_eq(code(isa, "JRST1")->actions[0].element, ISA_MODE);
    ck_assert_uint_eq(copy->element_count, isa->element_count + 1);
    isa_free(isa);
    ck_assert_str_eq(copy->lists[0].beyond[0].why, "w");
    ck_assert_str_eq(copy->claims[0].differs, "y");
    isa_free(copy);
}
END_TEST

START_TEST(test_fault)
{
    struct isa *isa;
    struct diag d;
    char text[1024];

    snprintf(text, sizeof(text), HEAD "%s", faults[_i].text);
    ck_assert_int_eq(parse(text, &isa, &d), STATUS_BAD_INPUT);
    ck_assert_ptr_null(isa);
    ck_assert_msg(
        !strncmp(d.text, "m.isa:2:", 8) && strstr(d.text, faults[_i].says),
        "%s\n  says: %s\n  not:  %s", faults[_i].text, d.text, faults[_i].says);
}
END_TEST

/* However deep, long or many: refused with a place, and no crash. */
START_TEST(test_bounds)
{
    static const char *const pieces[] = {
        "(",    "~",    "when 1: ", "not ",     "1 ? ",
        "mem[", "cat(", "1 + ",     "when 1: {"};
    static char text[ISA_TEXT + 2];
    struct isa *isa;
    struct diag d;

    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        bool action = pieces[i][0] == 'w';
        size_t n =
            (size_t)snprintf(text, sizeof(text), HEAD "instruction A { %s",
                             action ? "" : "ac <- ");

        while (n + 16 < sizeof(text))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", pieces[i]);
        ck_assert_int_eq(parse(text, &isa, &d), STATUS_BAD_INPUT);
        ck_assert_msg(strstr(d.text, "more than") || strstr(d.text, "deeper"),
                      "%s: %s", pieces[i], d.text);
    }
    memset(text, ' ', sizeof(text) - 1);
    ck_assert_int_eq(parse(text, &isa, &d), STATUS_BAD_INPUT);
}
END_TEST

START_TEST(test_tree)
{
    struct isa *isa;
    struct diag d;

    ck_assert_msg(parse(HEAD "const big = 0x80 scaled 2\n"
                             "instruction A of B \"title\" (n : 4) {\n"
                             "  when mode = user: trap priv\n"
                             "  else { mem[n] <- ac + big pc <- 1 + 2 * 3 }\n"
                             "}\n",
                        &isa, &d) == STATUS_OK,
                  "%s", d.text);
    const struct isa_encoding *c = &isa->encodings[0];
    ck_assert_str_eq(c->mnemonic, "B");
    ck_assert_str_eq(c->title, "title");
    ck_assert_uint_eq(c->action_count, 3);
    ck_assert_int_eq(c->actions[0].kind, ISA_TRAP);
    ck_assert_int_eq(c->actions[1].guard->op, ISA_NOT);
    ck_assert_uint_eq(c->actions[1].value->b->value[ISA_FULL], 0x80);
    ck_assert_uint_eq(c->actions[1].value->b->value[ISA_SCALED], 2);
    ck_assert_uint_eq(c->actions[1].value->width[ISA_SCALED], 2);
    ck_assert_int_eq(c->actions[2].value->op, ISA_ADD);
    ck_assert_int_eq(c->actions[2].value->b->op, ISA_MUL);
    isa_free(isa);
}
END_TEST

Suite *suite_pg_language(void)
{
    Suite *s = suite_create("pg_language");
    TCase *t = tcase_create("parser");

    tcase_add_loop_test(t, test_fault, 0, (int)ARRAY_LEN(faults));
    tcase_add_loop_test(t, test_like_fault, 0, (int)ARRAY_LEN(like_faults));
    tcase_add_test(t, test_like_another);
    tcase_add_test(t, test_a_clone_shares_nothing);
    tcase_add_test(t, test_a_repair_of_a_mnemonic_is_of_all_its_encodings);
    tcase_add_test(t, test_bounds);
    tcase_add_test(t, test_tree);
    suite_add_tcase(s, t);
    return s;
}
