/* Each rule of VM entry has a vector that breaks it alone; the explainer. */
#include "base/bytes.h"
#include "tests/command.h"
#include "x86vmm/machine/settings.h"
#include "x86vmm/vtx/dump.h"
#include "x86vmm/vtx/entry_memo.h"
#include "x86vmm/vtx/sample.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORAGE = 0x20000, CURRENT = 0x7000 };

static const struct {
    const char *rule, *sample, *changes;
} vectors[] = {
#define BREAKS(rule, sample, changes) {#rule, #sample, changes},
#include "tests/vectors/x86_entry.def"
#undef BREAKS
};

/* ---- A VMCS from a vector ---- */

static bool set_control(struct vmcs *v, const char *text)
{
    for (size_t i = 0; i < vmx_controls.count; i++) {
        const struct vmx_control_desc *c = &vmx_controls.rows[i];
        char on[64], off[64];
        const char *group = vmx_groups[c->control / 32].name;

        snprintf(on, sizeof(on), "%s+%s", group, c->name);
        snprintf(off, sizeof(off), "%s-%s", group, c->name);
        if (strcmp(text, on) != 0 && strcmp(text, off) != 0)
            continue;
        vmcs_put(v, c->control, !strcmp(text, on));
        return true;
    }
    return false;
}

/* One change; those of fields go through the reader of dumps. */
static void change(struct vmcs_dump *dump, const char *text)
{
    struct vmcs_dump one;
    char line[128];
    struct diag d = {""};

    if (set_control(&dump->vmcs, text))
        return;
    if (!strncmp(text, "entered_from=", 13)) {
        dump->host_long = !strcmp(text + 13, "long");
        return;
    }
    snprintf(line, sizeof(line), "%s\n", text);
    ck_assert_msg(!vmcs_dump_read(text, line, strlen(line), &one, &d), "%s",
                  d.text);
    enum vmcs_field f = vmcs_named(text, strcspn(text, "="));
    dump->vmcs.field[f] = one.vmcs.field[f];
}

static void make(const char *sample, const char *changes,
                 struct vmcs_dump *dump)
{
    char copy[1024];
    unsigned i = 0;

    while (i < X86_SAMPLE_COUNT &&
           strcmp(x86_sample_name((enum x86_sample)i), sample) != 0)
        i++;
    ck_assert_uint_lt(i, X86_SAMPLE_COUNT);
    vmcs_make(&dump->vmcs, (enum x86_sample)i);
    dump->host_long = true;
    snprintf(copy, sizeof(copy), "%s", changes);
    for (char *p = strtok(copy, ";"); p; p = strtok(NULL, ";"))
        change(dump, p);
}

/* ---- Storage ---- */

static struct mem_map map;
static uint8_t *storage;

static bool load_msr(void *who, uint32_t msr, uint64_t value)
{
    (void)who;
    return msr == 0x174 && !(value >> 32);
}

static void put_msr(uint32_t at, uint64_t index, uint64_t value)
{
    store_le64(storage + at, index);
    store_le64(storage + at + 8, value);
}

static void set_up(void)
{
    storage = calloc(1, STORAGE);
    map = (struct mem_map){0};
    ck_assert(
        !mem_add(&map, &(struct mem_slot){.size = STORAGE, .host = storage}));
    store_le32(storage + 0x5080, 0x30);
    store_le32(storage + 0x7000, VMCS_REVISION);
    store_le64(storage + 0x8008, 3);
    store_le64(storage + 0x9000, 1);
    put_msr(0xA000, UINT64_C(0x100000174), 0);
    put_msr(0xA010, 0xC0000100, 0);
    put_msr(0xA020, 0x808, 0);
    put_msr(0xA030, 0x9E, 0);
    put_msr(0xA040, 0x174, UINT64_C(1) << 32);
    put_msr(0x1FFF0, 0x174, 1); /* and the next one is outside */
}

static void tear_down(void)
{
    free(storage);
}

static struct entry entry_of(const struct vmcs_dump *dump)
{
    return (struct entry){.vmcs = &dump->vmcs,
                          .mem = &map,
                          .address = CURRENT,
                          .host_long = dump->host_long,
                          .load = load_msr};
}

/* ---- Rules ---- */

START_TEST(samples_can_be_entered)
{
    struct vmcs_dump dump;
    struct entry_failure f[8];
    char text[512] = "";

    make(x86_sample_name((enum x86_sample)_i), "GUEST_CR3=0x9000", &dump);
    struct entry e = entry_of(&dump);
    size_t n = entry_check_all(&e, f, ARRAY_LEN(f));
    if (n)
        entry_failure_words(&f[0], text, sizeof(text));
    ck_assert_msg(!n, "%s: %s", x86_sample_name((enum x86_sample)_i), text);
}
END_TEST

/* A processor with no more than what must be, but TRUE capability MSRs; it
 * wants bit 0 of all controls. */
static uint64_t meagre(uint32_t msr)
{
    uint64_t ours = 0;

    vmx_capability(msr, &ours);
    for (unsigned g = 0; g < VMX_GROUP_COUNT; g++)
        if (msr == vmx_groups[g].true_msr || msr == vmx_groups[g].msr)
            return UINT64_C(1) << 32 | 1;
    return ours;
}

/* It is the processor's own MSRs, and its width, that are asked. */
START_TEST(rules_ask_the_processor)
{
    struct entry_failure f[16];
    struct vmcs_dump dump;
    bool pin = false, width = false;

    make("long", "HOST_CR3=0x100000000", &dump); /* 32 bits do not reach it */
    struct entry e = entry_of(&dump);
    ck_assert_uint_eq(entry_check_all(&e, f, ARRAY_LEN(f)), 0);
    e.capability = meagre;
    e.physical_bits = 32;
    size_t n = entry_check_all(&e, f, ARRAY_LEN(f));
    for (size_t i = 0; i < n && i < ARRAY_LEN(f); i++) {
        width = width || !strcmp(f[i].check->name, "HOST_CR3");
        if (strcmp(f[i].check->name, "PIN_CONTROLS") != 0)
            continue;
        pin = true;
        ck_assert_uint_eq(f[i].should_be, 1);
    }
    ck_assert(pin && width);
}
END_TEST

static void check_vector(const char *rule, const char *sample,
                         const char *changes)
{
    struct entry_failure f[16];
    struct vmcs_dump dump;
    char text[512] = "";

    make(sample, changes, &dump);
    struct entry e = entry_of(&dump);
    size_t n = entry_check_all(&e, f, ARRAY_LEN(f));
    ck_assert_msg(n > 0, "%s: %s breaks nothing", rule, changes);
    for (size_t i = 0; i < n && i < ARRAY_LEN(f); i++) {
        entry_failure_words(&f[i], text, sizeof(text));
        ck_assert_msg(!strcmp(f[i].check->name, rule), "%s: %s breaks %s: %s",
                      rule, changes, f[i].check->name, text);
    }
    if (!f[0].computed)
        return;
    /* The figure that would do does: for this rule, in this field. */
    for (size_t i = 0; i < n; i++)
        dump.vmcs.field[f[i].field] = f[i].should_be;
    if (entry_check_all(&e, f, 1))
        ck_assert_str_ne(f[0].check->name, rule);
}

START_TEST(a_vector_breaks_one_rule_alone)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++)
        check_vector(vectors[i].rule, vectors[i].sample, vectors[i].changes);
}
END_TEST

START_TEST(every_rule_has_a_vector)
{
    for (size_t i = 0; i < entry_checks.count; i++) {
        size_t k = 0;

        while (k < ARRAY_LEN(vectors) &&
               strcmp(vectors[k].rule, entry_checks.rows[i].name) != 0)
            k++;
        ck_assert_msg(k < ARRAY_LEN(vectors), "%s has no vector",
                      entry_checks.rows[i].name);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(entry_checks.rows[i].name,
                             entry_checks.rows[j].name);
    }
}
END_TEST

/* As the processor asks: by stages, until one fails. */
START_TEST(the_first_kind_decides)
{
    struct entry_failure f;
    struct vmcs_dump dump;

    make("long", "EPT_POINTER=6;HOST_CS_SELECTOR=0;GUEST_CR4=0x2000", &dump);
    struct entry e = entry_of(&dump);
    ck_assert(!entry_check_until(&e, ENTRY_CONTROLS, ENTRY_HOST, &f));
    ck_assert_str_eq(f.check->name, "EPT_LEVELS");
    ck_assert_uint_eq(entry_stage_number(f.check->stage), 7);
    ck_assert(!entry_check_until(&e, ENTRY_HOST, ENTRY_HOST, &f));
    ck_assert_str_eq(f.check->name, "HOST_CS");
    ck_assert_uint_eq(entry_stage_number(f.check->stage), 8);
    ck_assert(!entry_check_until(&e, ENTRY_GUEST, ENTRY_LINK, &f));
    ck_assert_str_eq(f.check->name, "GUEST_LONG_PAE");
    ck_assert_uint_eq(entry_stage_number(f.check->stage), 33);
    ck_assert(entry_check_until(&e, ENTRY_MSR, ENTRY_MSR, &f));
}
END_TEST

static const struct {
    const char *changes;
    uint64_t qualification;
    unsigned reason;
} qualifications[] = {
    {"GUEST_RFLAGS=0", 0, 33},
    {"LINK_POINTER=1", 4, 33},
    {"GUEST_INTERRUPTIBILITY=2;ENTRY_INTERRUPTION_INFO=0x80000202", 3, 33},
    {"ENTRY_MSR_LOAD_COUNT=2;ENTRY_MSR_LOAD_ADDR=0x1FFF0", 2, 34},
};

START_TEST(failures_have_qualifications)
{
    struct entry_failure f;
    struct vmcs_dump dump;

    make("long", qualifications[_i].changes, &dump);
    struct entry e = entry_of(&dump);
    ck_assert(!entry_check_until(&e, ENTRY_CONTROLS, ENTRY_MSR, &f));
    ck_assert_uint_eq(entry_qualification(&f),
                      qualifications[_i].qualification);
    ck_assert_uint_eq(entry_stage_number(f.check->stage),
                      qualifications[_i].reason);
    make("pae", "GUEST_PDPTE3=3", &dump);
    e = entry_of(&dump);
    ck_assert(!entry_check_until(&e, ENTRY_CONTROLS, ENTRY_MSR, &f));
    ck_assert_uint_eq(entry_qualification(&f), 2);
    ck_assert_uint_eq(f.field, VMCS_GUEST_PDPTE3);
}
END_TEST

/* Any contents at all. */
START_TEST(any_vmcs_can_be_checked)
{
    uint64_t seed = 88172645463325252u;
    struct entry_failure f;
    char text[80];

    for (unsigned round = 0; round < 3000; round++) {
        struct vmcs_dump dump;

        make("long", "", &dump);
        for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            if (seed % 8 < round % 8)
                vmcs_set(&dump.vmcs, (enum vmcs_field)i, seed >> (seed & 63));
        }
        struct entry e = entry_of(&dump);
        if (!entry_check_until(&e, ENTRY_CONTROLS, ENTRY_MSR, &f))
            entry_failure_words(&f, text, round % sizeof(text));
        entry_check_all(&e, NULL, 0);
    }
}
END_TEST

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 20;
}

/* The first rule that is broken, before the MSRs are loaded; NULL. */
static const struct entry_check *broken(struct entry *e,
                                        struct entry_memo *memo)
{
    struct entry_failure f;

    if (!memo) {
        if (entry_check_until(e, ENTRY_CONTROLS, ENTRY_HOST, &f))
            entry_check_until(e, ENTRY_GUEST, ENTRY_LINK, &f);
        return f.check;
    }
    entry_memo_begin(memo, e);
    if (entry_memo_until(memo, e, ENTRY_CONTROLS, ENTRY_HOST, &f) &&
        entry_memo_until(memo, e, ENTRY_GUEST, ENTRY_LINK, &f))
        entry_memo_end(memo, e);
    return f.check;
}

/* A field or a byte of storage that rules look at; some changes are undone. */
static void alter(struct vmcs_dump *d, const struct vmcs *good, uint64_t *seed)
{
    static const uint32_t looked_at[] = {0x9000, 0x9018, 0x8080, 0xC000};
    enum vmcs_field f = (enum vmcs_field)(next(seed) % VMCS_FIELD_COUNT);

    if (next(seed) % 8 == 0)
        storage[looked_at[next(seed) % 4]] ^= 2;
    else if (next(seed) % 16 == 0)
        d->host_long = !d->host_long;
    else
        vmcs_set(&d->vmcs, f,
                 d->vmcs.field[f] ^ UINT64_C(1) << next(seed) % vmcs_width(f));
    if (next(seed) % 2)
        d->vmcs.field[f] = good->field[f];
}

/* What is not asked again would have held. */
START_TEST(a_memo_changes_no_answer)
{
    uint64_t seed = 42;
    unsigned held = 0, fell = 0;

    for (unsigned round = 0; round < 60; round++) {
        enum x86_sample sample = round % X86_SAMPLE_COUNT;
        struct entry_memo memo = {.known = false};
        struct vmcs_dump good, dump;

        make(x86_sample_name(sample),
             "GUEST_CR3=0x9000;VIRTUAL_APIC_ADDR=0x8000", &good);
        dump = good;
        for (unsigned step = 0; step < 200; step++) {
            const struct entry_check *all, *again;

            alter(&dump, &good.vmcs, &seed);
            struct entry e = entry_of(&dump);
            all = broken(&e, NULL);
            again = broken(&e, &memo);
            ck_assert_msg(all == again, "round %u, step %u: %s, but %s", round,
                          step, all ? all->name : "-",
                          again ? again->name : "-");
            held += !all;
            fell += all != NULL;
            if (all && next(&seed) % 2)
                dump = good;
        }
    }
    ck_assert_uint_gt(held, 2000);
    ck_assert_uint_gt(fell, 2000);
}
END_TEST

/* ---- trapline explain: twelve typical wrong set-ups ---- */

static const struct {
    const char *text;
    int code;
    const char *says; /* on stdout, or stderr where code is 2 */
} dumps[] = {
    {"like = long\nGUEST_RIP = 0x1000", 0, "would be entered"},
    {"like=long\nGUEST_CR0 = 0x80000001", 1,
     "GUEST_CR0 is 0x80000001, but should have NE set"},
    {"like=long\nGUEST_CR4 = 0x20", 1, "(0x2020 would do)"},
    {"like=real\nSECONDARY_CONTROLS=0x2", 1,
     "PG and PE too unless the guest is unrestricted"},
    {"like=long\nGUEST_TR_RIGHTS=0x89", 1, "type 11 (busy TSS)"},
    {"like=long\nGUEST_TR_RIGHTS=0x1008B", 1, "be usable (bit 16 clear)"},
    {"like=long\nLINK_POINTER=0", 1, "be all ones"},
    {"like=long\nGUEST_RFLAGS=0", 1, "have bit 1 set"},
    {"like=long\nHOST_TR_SELECTOR=0", 1, "HOST_TR_SELECTOR is 0x0"},
    {"like=long\nEPT_POINTER=0x1000", 1, "a page walk of 4 levels"},
    {"like=long\nPIN_CONTROLS=0", 1, "(0x16 would do)"},
    {"like=long\nENTRY_INTERRUPTION_INFO=0x80000030", 1, "have IF (bit 9) set"},
    {"like=long\nGUEST_CS_RIGHTS=0xE09B # L and D", 1, "have D/B (bit 14)"},
    {"like=long\nGUEST_ES_RIGHTS=0xC013", 1, "be present (bit 7)"},
    {"EFER=0000000000000000\nSS =0000 00000000 0000ffff 0000f300\n"
     "CS =f000 ffff0000 0000ffff 00009b00\nCR0=60000010 CR4=00000000\n"
     "TR =0000 00000000 0000ffff 00008b00\nEFL=00000002\n",
     1, "SS_DPL_REAL"},
    {"CS =f000 ffff0000 0000ffff 00009b00\nEFL=00000002\n", 0,
     "would be entered"},
    /* of a processor that has more than ours */
    {"CS =0010 0000000000000000 ffffffff 00a09b00 DPL=0 CS64 [-RA]\n"
     "SS =0018 0000000000000000 ffffffff 00c09300\n"
     "CR0=80050033 CR2=00007f3d9c0e1000 CR3=00000081234ac005 CR4=00770ef0\n"
     "TR =0040 fffffe0000003000 00004087 00008b00\nEFER=0000000000000d01\n"
     "RIP=ffffffff81a0c0ab RFL=00000246\n",
     0, "as far as this tells"},
    {"GUEST_RIP = twelve", 2, ":1: not a number: 'twelve'"},
    {"\n\nGUEST_RIPE = 12", 2, ":3: not a field of a VMCS: 'GUEST_RIPE'"},
    {"GUEST_RIP = 0x10000000000000000", 2, ":1: not a number"},
    {"VPID = 65536", 2, ":1: too large for this field: '65536'"},
    {"like = short", 2, "not: 'short'"},
    {"like = long", 0, ""},
    {"like = long\nlike = long", 2, ":2: this comes first, and once"},
    {"\033[31m = 1", 2, ":1: not a field of a VMCS: '?[31m'"},
    {"VPID = 1\nlike = long", 2, ":2: this comes first"},
    {"VPID", 2, ":1: NAME = VALUE is wanted"},
    {"", 2, "no field of a VMCS"},
};

START_TEST(explains)
{
    struct vmcs_dump dump;
    struct diag d = {""};
    char out[8192] = "";
    size_t n = 0;
    enum status st =
        vmcs_dump_read("it", dumps[_i].text, strlen(dumps[_i].text), &dump, &d);

    ck_assert_msg((st == STATUS_BAD_INPUT) == (dumps[_i].code == 2), "%s",
                  d.text);
    snprintf(out, sizeof(out), "%s", d.text);
    if (st == STATUS_OK) {
        struct entry_failure f[64];
        struct entry e = vmcs_dump_entry(&dump);
        char text[512];

        n = entry_check_all(&e, f, ARRAY_LEN(f));
        for (size_t i = 0; i < n; i++) {
            entry_failure_words(&f[i], text, sizeof(text));
            snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s: %s\n",
                     f[i].check->name, text);
        }
        ck_assert_msg((n != 0) == (dumps[_i].code == 1), "%s: %s",
                      dumps[_i].text, out);
    }
    ck_assert_msg(dumps[_i].code == 0 || strstr(out, dumps[_i].says),
                  "%s\nsays\n%s", dumps[_i].text, out);
}
END_TEST

/* One of each exit status, through the program. */
START_TEST(the_command_explains)
{
    static const unsigned some[] = {0, 1, 14, 16, 17};

    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        const char *text = dumps[some[i]].text, *says = dumps[some[i]].says;

        command_file("vmcs", text, strlen(text));
        const struct command *c = command_run(command_folder(), "explain vmcs");
        ck_assert_int_eq(c->status, dumps[some[i]].code);
        ck_assert_msg(strstr(c->out, says) || strstr(c->err, says), "%s%s",
                      c->out, c->err);
    }
    command_clean();
}
END_TEST

START_TEST(the_command_lists_its_rules)
{
    char last[32];

    snprintf(last, sizeof(last), "%zu rules", entry_checks.count);
    command_expect(&(struct command_case){"explain --rules", 0, last});
    command_expect(&(struct command_case){"explain", 2, "one file is wanted"});
    command_expect(&(struct command_case){"explain /nowhere", 2, "/nowhere"});
}
END_TEST

Suite *suite_x86_entry(void)
{
    Suite *s = suite_create("x86_entry");
    TCase *c = tcase_create("entry");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, samples_can_be_entered, 0, X86_SAMPLE_COUNT);
    tcase_add_test(c, rules_ask_the_processor);
    tcase_add_test(c, a_vector_breaks_one_rule_alone);
    tcase_add_test(c, every_rule_has_a_vector);
    tcase_add_test(c, the_first_kind_decides);
    tcase_add_loop_test(c, failures_have_qualifications, 0,
                        ARRAY_LEN(qualifications));
    tcase_add_test(c, any_vmcs_can_be_checked);
    tcase_add_test(c, a_memo_changes_no_answer);
    tcase_add_loop_test(c, explains, 0, ARRAY_LEN(dumps));
    tcase_add_test(c, the_command_explains);
    tcase_add_test(c, the_command_lists_its_rules);
    suite_add_tcase(s, c);
    return s;
}
