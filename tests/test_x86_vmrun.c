/* VMCBs: their layout, their checks, each of which has a vector that breaks it
 * alone, and the explainer. */
#include "base/bytes.h"
#include "tests/command.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/settings.h"
#include "x86vmm/svm/dump.h"
#include "x86vmm/svm/sample.h"
#include "x86vmm/svm/vmrun_check.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE = 0x20000, BAD_PDPTES = 0x8000, GOOD_PDPTES = 0x9000 };

static const struct {
    const char *rule, *sample, *changes;
} vectors[] = {
#define BREAKS(rule, sample, changes) {#rule, #sample, changes},
#include "tests/vectors/x86_vmrun.def"
#undef BREAKS
};

/* ---- Rules ---- */

static uint8_t storage[STORAGE];

static struct vmrun make_run(const struct vmcb_dump *dump, struct mem_map *mem)
{
    memset(storage, 0, sizeof(storage));
    memset(mem, 0, sizeof(*mem));
    store_le64(storage + BAD_PDPTES + 8, 0x1E7);
    store_le64(storage + GOOD_PDPTES, 0xA001);
    store_le64(storage + GOOD_PDPTES + 8, 0x1E6); /* not present */
    ck_assert_int_eq(
        mem_add(mem, &(struct mem_slot){.size = STORAGE, .host = storage}), 0);
    return (struct vmrun){.vmcb = &dump->vmcb,
                          .mem = mem,
                          .efer = X86_EFER_OWN | SVM_EFER_SVME,
                          .cr4 = X86_CR4_OWN,
                          .host_paging = dump->host_paging};
}

static void read_text(struct vmcb_dump *dump, const char *text)
{
    struct diag d = {""};

    ck_assert_msg(!vmcb_dump_read("text", text, strlen(text), dump, &d), "%s",
                  d.text);
}

START_TEST(samples_hold)
{
    for (unsigned i = 0; i < X86_SAMPLE_COUNT; i++) {
        struct vmcb_dump dump = {.host_paging = true};
        struct vmrun_failure f;
        struct mem_map mem;
        char text[512];

        vmcb_make(&dump.vmcb, (enum x86_sample)i);
        dump.vmcb.field[VMCB_CR3] = GOOD_PDPTES;
        struct vmrun r = make_run(&dump, &mem);
        if (vmrun_check_all(&r, &f, 1)) {
            vmrun_failure_words(&f, text, sizeof(text));
            ck_abort_msg("%s: %s", x86_sample_name((enum x86_sample)i), text);
        }
        ck_assert(vmrun_check(&r, &f));
    }
}
END_TEST

START_TEST(each_vector_breaks_its_rule_alone)
{
    struct vmcb_dump dump;
    struct vmrun_failure f[4];
    struct mem_map mem;
    char text[512];

    snprintf(text, sizeof(text), "like = %s\n%s\n", vectors[_i].sample,
             vectors[_i].changes);
    for (char *p = text; *p; p++)
        *p = *p == ';' ? '\n' : *p;
    read_text(&dump, text);
    struct vmrun r = make_run(&dump, &mem);
    ck_assert_uint_eq(vmrun_check_all(&r, f, ARRAY_LEN(f)), 1);
    ck_assert_str_eq(f[0].check->name, vectors[_i].rule);
    ck_assert(!vmrun_check(&r, f));
    ck_assert_str_eq(f[0].check->name, vectors[_i].rule);
    if (!f[0].computed)
        return;
    dump.vmcb.field[f[0].check->field] = f[0].should_be;
    ck_assert(f[0].check->bits);
    ck_assert_uint_eq(vmrun_check_all(&r, f, 1), 0); /* it would do */
}
END_TEST

START_TEST(each_rule_has_a_vector)
{
    for (size_t i = 0; i < vmrun_checks.count; i++) {
        const struct vmrun_check *c = &vmrun_checks.rows[i];
        bool found = false;

        for (size_t k = 0; k < ARRAY_LEN(vectors); k++)
            found = found || !strcmp(vectors[k].rule, c->name);
        ck_assert_msg(found, "%s has no vector", c->name);
        ck_assert(!strncmp(c->section, "15.", 3));
    }
}
END_TEST

START_TEST(sentences_say_what_where_and_how)
{
    struct vmcb_dump dump;
    struct vmrun_failure f;
    struct mem_map mem;
    char text[512];

    read_text(&dump, "like = long\ncr4 = 0\n");
    struct vmrun r = make_run(&dump, &mem);
    ck_assert(!vmrun_check(&r, &f));
    vmrun_failure_words(&f, text, sizeof(text));
    ck_assert_str_eq(text, "CR4 is 0x0, but should have PAE (bit 5) set, since "
                           "EFER.LME and CR0.PG are (0x20 would do) [APM vol. "
                           "2, 15.5.1]");
}
END_TEST

/* ---- The layout ---- */

START_TEST(fields_do_not_overlap)
{
    unsigned end = 0;

    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++) {
        const struct vmcb_field_desc *f = &vmcb_fields[i];

        ck_assert_msg(f->offset >= end, "%s", f->name);
        end = f->offset + f->size;
        ck_assert_uint_le(end, VMCB_PAGE);
        ck_assert_int_eq(f->area >= VMCB_AREA_STATE &&
                             f->area != VMCB_AREA_IDLE,
                         f->offset >= VMCB_STATE && f->area != VMCB_AREA_IDLE);
        ck_assert_int_eq(vmcb_named(f->name, strlen(f->name)), i);
        ck_assert_ptr_nonnull(vmcb_area_words((enum vmcb_area)f->area));
    }
    ck_assert_int_eq(vmcb_named("CR9", 3), VMCB_FIELD_COUNT);
}
END_TEST

/* Offsets that every monitor has written down. */
START_TEST(fields_are_where_monitors_look)
{
    ck_assert_uint_eq(vmcb_fields[VMCB_EXITCODE].offset, 0x70);
    ck_assert_uint_eq(vmcb_fields[VMCB_EVENTINJ].offset, 0xA8);
    ck_assert_uint_eq(vmcb_fields[VMCB_N_CR3].offset, 0xB0);
    ck_assert_uint_eq(vmcb_fields[VMCB_NRIP].offset, 0xC8);
    ck_assert_uint_eq(vmcb_fields[VMCB_EFER].offset, 0x4D0);
    ck_assert_uint_eq(vmcb_fields[VMCB_RIP].offset, 0x578);
    ck_assert_uint_eq(vmcb_fields[VMCB_RAX].offset, 0x5F8);
    ck_assert_uint_eq(vmcb_fields[VMCB_CR2].offset, 0x640);
    ck_assert_uint_eq(vmcb_fields[VMCB_G_PAT].offset, 0x668);
}
END_TEST

START_TEST(pages_are_little_endian)
{
    uint8_t page[VMCB_PAGE], back[VMCB_PAGE] = {0};
    struct vmcb v;

    for (unsigned i = 0; i < VMCB_PAGE; i++)
        page[i] = (uint8_t)(i * 7 + i / 256);
    vmcb_load(&v, page);
    ck_assert_uint_eq(v.field[VMCB_RIP], load_le64(page + 0x578));
    ck_assert_uint_eq(v.field[VMCB_ASID], load_le32(page + 0x58));
    ck_assert_uint_eq(v.field[VMCB_TLB_CONTROL], page[0x5C]);
    ck_assert_uint_eq(v.field[VMCB_INSN_BYTES_2], load_le64(page + 0xD8) >> 8);
    for (unsigned a = 0; a < VMCB_AREA_COUNT; a++)
        vmcb_store(&v, 1u << a, back);
    for (unsigned i = 0; i < VMCB_FIELD_COUNT; i++)
        ck_assert_mem_eq(back + vmcb_fields[i].offset,
                         page + vmcb_fields[i].offset, vmcb_fields[i].size);
    ck_assert_uint_eq(back[0x4CC], 0); /* reserved */
    vmcb_load(&v, NULL);
    ck_assert_uint_eq(v.field[VMCB_ASID], UINT32_MAX);
}
END_TEST

START_TEST(segments_are_found)
{
    struct vmcb v;

    memset(&v, 0, sizeof(v));
    for (unsigned i = 0; i < X86_SEG_COUNT; i++) {
        struct x86_segment s = {UINT64_C(0x0000800000001000) + i, i, 8,
                                X86_ATTR_P | X86_ATTR_G};

        vmcb_put_segment(&v, (enum x86_seg)i, &s);
        s = vmcb_get_segment(&v, (enum x86_seg)i);
        ck_assert_uint_eq(s.base, UINT64_C(0xFFFF800000001000) + i);
        ck_assert_uint_eq(s.limit, i);
        ck_assert_uint_eq(s.attr, X86_ATTR_P | X86_ATTR_G);
        s.attr = X86_ATTR_UNUSABLE;
        vmcb_put_segment(&v, (enum x86_seg)i, &s);
        ck_assert_uint_eq(vmcb_get_segment(&v, (enum x86_seg)i).attr,
                          i == X86_CS ? 0 : X86_ATTR_UNUSABLE);
    }
    ck_assert_uint_eq(v.field[VMCB_TR_LIMIT], X86_TR);
    ck_assert_uint_eq(v.field[VMCB_LDTR_SELECTOR], 8);
}
END_TEST

START_TEST(exits_have_names)
{
    for (size_t i = 0; i < svm_exits_all.count; i++) {
        const struct svm_exit_desc *e = &svm_exits_all.rows[i];

        ck_assert_ptr_eq(svm_exit_of((uint64_t)e->code), e);
        ck_assert(e->words[0] && e->info1[0] && e->info2[0]);
    }
    ck_assert_str_eq(svm_exit_of(0x72)->name, "CPUID");
    ck_assert_str_eq(svm_exit_of(UINT64_MAX)->name, "INVALID");
    ck_assert_ptr_null(svm_exit_of(0x1234));
    for (size_t i = 0; i < svm_intercepts.count; i++)
        ck_assert_int_eq(svm_intercepts.rows[i].exit,
                         0x60 + (int)svm_intercepts.rows[i].intercept);
}
END_TEST

/* ---- Dumps ---- */

static const struct {
    const char *text, *complaint;
} bad[] = {
    {"", "no field of a VMCB"},
    {"like = long\nlike = real\n", "t:2: this comes first, and once: 'like'"},
    {"like = short", "t:1: like real, v86, protected, pae or long, not: "
                     "'short'"},
    {"CR0 0", "t:1: NAME = VALUE is wanted, not: 'CR0 0'"},
    {"ASID = 0x100000000", "t:1: too large for this field: '0x100000000'"},
    {"CPL = x", "t:1: not a number: 'x'"},
    {"GUEST_CR0 = 1", "t:1: not a field of a VMCB: 'GUEST_CR0'"},
    {"host_paging = 1", "t:1: yes or no, not: '1'"},
};

START_TEST(bad_dumps_are_refused)
{
    struct vmcb_dump dump;
    struct diag d = {""};

    ck_assert_int_eq(
        vmcb_dump_read("t", bad[_i].text, strlen(bad[_i].text), &dump, &d),
        STATUS_BAD_INPUT);
    ck_assert_msg(strstr(d.text, bad[_i].complaint), "%s", d.text);
}
END_TEST

START_TEST(pages_are_read_as_hexdump_prints_them)
{
    static const char text[] =
        "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 01  |....|\n"
        "00000010  01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |....|\n"
        "00000020  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |....|\n"
        "*\n"
        "00000050  00 00 00 00 00 00 00 00  07 00 00 00 00 00 00 00  |....|\n"
        "00000060  FF Ff ff ff ff ff ff ff  ff ff ff ff ff ff ff ff  |....|\n"
        "*\n"
        "00001000\n";
    struct vmcb_dump dump;

    ck_assert(vmcb_dump_is(text, strlen(text)));
    read_text(&dump, text);
    ck_assert_uint_eq(dump.vmcb.field[VMCB_INTERCEPT_1], 0x01000000);
    ck_assert_uint_eq(dump.vmcb.field[VMCB_INTERCEPT_2], 1);
    ck_assert_uint_eq(dump.vmcb.field[VMCB_IOPM_BASE], 0);
    ck_assert_uint_eq(dump.vmcb.field[VMCB_ASID], 7);
    ck_assert_uint_eq(dump.vmcb.field[VMCB_RIP], UINT64_MAX);
}
END_TEST

START_TEST(any_text_can_be_read)
{
    uint64_t seed = 88172645463325252u;
    char text[300];

    for (unsigned i = 0; i < 20000; i++) {
        static const char some[] = "0123456789abcdefx =\n*#CR likeong|";
        struct vmcb_dump dump;
        struct diag d = {""};

        for (unsigned k = 0; k < sizeof(text); k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            text[k] = some[seed % (sizeof(some) - 1)];
        }
        (void)vmcb_dump_is(text, sizeof(text));
        if (vmcb_dump_read("t", text, sizeof(text), &dump, &d))
            ck_assert_uint_ne(d.text[0], 0);
    }
}
END_TEST

/* ---- The command ---- */

static void explain(const char *text, const char *how, int status,
                    const char *says)
{
    command_file("vmcb", text, strlen(text));
    const struct command *c = command_run(command_folder(), "explain %s", how);
    ck_assert_msg(c->status == status && strstr(c->out, says), "%d: %s%s",
                  c->status, c->out, c->err);
}

START_TEST(the_command_explains_vmcbs)
{
    char last[64];

    command_folder();
    explain("like = real\n", "--svm vmcb", 0, "this VMCB would be entered");
    explain("like = real\nASID = 0\n", "vmcb", 1, /* ASID tells */
            "ASID is 0x0, but should not be 0");
    explain("like = real\n", "vmcb", 0, "this VMCS would be entered");
    command_clean();
    snprintf(last, sizeof(last), "%zu rules\n", vmrun_checks.count);
    command_expect(&(struct command_case){"explain --svm --rules", 0, last});
}
END_TEST

Suite *suite_x86_vmrun(void);
Suite *suite_x86_vmrun(void)
{
    Suite *s = suite_create("x86_vmrun");
    TCase *t = tcase_create("vmrun");

    tcase_add_test(t, samples_hold);
    tcase_add_loop_test(t, each_vector_breaks_its_rule_alone, 0,
                        ARRAY_LEN(vectors));
    tcase_add_test(t, each_rule_has_a_vector);
    tcase_add_test(t, sentences_say_what_where_and_how);
    tcase_add_test(t, fields_do_not_overlap);
    tcase_add_test(t, fields_are_where_monitors_look);
    tcase_add_test(t, pages_are_little_endian);
    tcase_add_test(t, segments_are_found);
    tcase_add_test(t, exits_have_names);
    tcase_add_loop_test(t, bad_dumps_are_refused, 0, ARRAY_LEN(bad));
    tcase_add_test(t, pages_are_read_as_hexdump_prints_them);
    tcase_add_test(t, any_text_can_be_read);
    tcase_add_test(t, the_command_explains_vmcbs);
    suite_add_tcase(s, t);
    return s;
}
