/* Fields, controls, capabilities and exit reasons of VT-x, as tables. */
#include "base/bytes.h"
#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/exit.h"
#include "x86vmm/vtx/sample.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(fields_are_found_by_encoding_and_name)
{
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        const struct vmcs_field_desc *d = &vmcs_fields[i];

        ck_assert_uint_eq(vmcs_find(d->encoding), i);
        ck_assert_uint_eq(vmcs_named(d->name, strlen(d->name)), i);
        ck_assert_msg(!i || d->encoding > vmcs_fields[i - 1].encoding,
                      "%s is out of order", d->name);
        ck_assert_msg(!(d->encoding & 1), "%s", d->name);
        ck_assert(*d->words && *d->section);
    }
    ck_assert_uint_eq(vmcs_find(0x6801), VMCS_FIELD_COUNT);
    ck_assert_uint_eq(vmcs_find(UINT64_MAX), VMCS_FIELD_COUNT);
    ck_assert_uint_eq(vmcs_find(UINT64_C(0x100006800)), VMCS_FIELD_COUNT);
    ck_assert_uint_eq(vmcs_named("GUEST_CR", 8), VMCS_FIELD_COUNT);
    ck_assert_uint_eq(vmcs_named("guest_cr0", 9), VMCS_GUEST_CR0);
}
END_TEST

/* What the encoding says agrees with what the name says. */
START_TEST(kinds_agree_with_names)
{
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++) {
        const char *name = vmcs_fields[i].name;
        enum vmcs_kind kind = vmcs_kind((enum vmcs_field)i);
        bool host = !strncmp(name, "HOST_", 5);

        ck_assert_msg((kind == VMCS_HOST) == host, "%s is of kind %s", name,
                      vmcs_kind_words(kind));
        if (kind == VMCS_GUEST)
            ck_assert_msg(!strncmp(name, "GUEST_", 6) ||
                              i == VMCS_LINK_POINTER ||
                              i == VMCS_PREEMPTION_TIMER,
                          "%s", name);
    }
    ck_assert_uint_eq(vmcs_width(VMCS_VPID), 16);
    ck_assert_uint_eq(vmcs_width(VMCS_EPT_POINTER), 64);
    ck_assert_uint_eq(vmcs_width(VMCS_EXIT_REASON), 32);
    ck_assert_uint_eq(vmcs_width(VMCS_GUEST_RIP), 64);
    ck_assert_int_eq(vmcs_kind(VMCS_EXIT_QUALIFICATION), VMCS_READ_ONLY);
}
END_TEST

START_TEST(segments_lie_in_order)
{
    static const char *const names[] = {"ES", "CS", "SS",   "DS",
                                        "FS", "GS", "LDTR", "TR"};
    static const struct {
        enum vmcs_field first;
        const char *part;
    } parts[] = {{VMCS_GUEST_ES_SELECTOR, "SELECTOR"},
                 {VMCS_GUEST_ES_LIMIT, "LIMIT"},
                 {VMCS_GUEST_ES_RIGHTS, "RIGHTS"},
                 {VMCS_GUEST_ES_BASE, "BASE"}};

    for (size_t p = 0; p < ARRAY_LEN(parts); p++)
        for (unsigned s = 0; s < ARRAY_LEN(names); s++) {
            char want[32];

            snprintf(want, sizeof(want), "GUEST_%s_%s", names[s],
                     parts[p].part);
            ck_assert_str_eq(vmcs_fields[parts[p].first + s].name, want);
        }
}
END_TEST

START_TEST(a_region_keeps_a_vmcs)
{
    uint8_t *region = malloc(VMCS_REGION);
    struct vmcs a, b;

    memset(region, 0xEE, VMCS_REGION);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        vmcs_set(&a, (enum vmcs_field)i,
                 UINT64_C(0x9E3779B97F4A7C15) * (i + 1));
    a.launched = true;
    vmcs_store(&a, region);
    ck_assert_uint_eq(load_le64(region), UINT64_C(0xEEEEEEEEEEEEEEEE));
    ck_assert_uint_eq(load_le32(region + VMCS_AT_LAUNCHED), 1);
    vmcs_load(&b, region);
    ck_assert(b.launched);
    ck_assert_mem_eq(a.field, b.field, sizeof(a.field));
    memset(region, 0xFF, VMCS_REGION); /* anything may be there */
    vmcs_load(&b, region);
    ck_assert(!b.launched);
    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i++)
        ck_assert_uint_eq(b.field[i],
                          UINT64_MAX >> (64 - vmcs_width((enum vmcs_field)i)));
    free(region);
}
END_TEST

/* The figures of processors that have all default1 controls. */
static const struct {
    uint32_t msr;
    uint32_t must; /* low half */
} known[] = {
    {0x481, 0x00000016}, {0x482, 0x0401E172}, {0x483, 0x00036DFF},
    {0x484, 0x000011FF}, {0x48B, 0},          {0x48D, 0x00000016},
    {0x48E, 0x04006172}, {0x48F, 0x00036DFB}, {0x490, 0x000011FB},
};

START_TEST(capabilities_follow_the_controls)
{
    uint64_t v;

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        ck_assert(vmx_capability(known[i].msr, &v));
        ck_assert_msg((uint32_t)v == known[i].must, "MSR %X is %llX",
                      known[i].msr, (unsigned long long)v);
        ck_assert_uint_eq((v >> 32 & (uint32_t)v), (uint32_t)v);
    }
    for (uint32_t msr = VMX_MSR_BASIC; msr <= VMX_MSR_LAST; msr++)
        ck_assert_msg(vmx_capability(msr, &v), "MSR %X", msr);
    ck_assert(!vmx_capability(VMX_MSR_BASIC - 1, &v));
    ck_assert(!vmx_capability(VMX_MSR_LAST + 1, &v)); /* no VM functions */
    ck_assert(vmx_capability(VMX_MSR_BASIC, &v));
    ck_assert_uint_eq(v & 0x7FFFFFFF, VMCS_REVISION);
    ck_assert_uint_eq(v >> 32 & 0x1FFF, VMCS_REGION);
    ck_assert_uint_eq(v >> 50 & 15, 6);
    ck_assert(vmx_capability(VMX_MSR_VMCS_ENUM, &v));
    ck_assert_uint_eq(v, 0x2E); /* PREEMPTION_TIMER's index */
}
END_TEST

START_TEST(each_control_can_be_set)
{
    for (size_t i = 0; i < vmx_controls.count; i++) {
        const struct vmx_control_desc *c = &vmx_controls.rows[i];
        enum vmx_group g = (enum vmx_group)(c->control / 32);
        uint32_t bit = UINT32_C(1) << (c->control % 32);
        struct vmcs v;

        ck_assert_msg(vmx_may(g) & bit, "%s", c->name);
        ck_assert_msg(!(vmx_must(g) & bit), "%s", c->name);
        vmcs_defaults(&v);
        ck_assert(!vmcs_bit(&v, c->control));
        vmcs_put(&v, c->control, true);
        ck_assert_uint_eq(v.field[vmx_groups[g].field], vmx_must(g) | bit);
        ck_assert(vmcs_bit(&v, c->control));
        ck_assert_int_eq(vmcs_has(&v, c->control), g != VMX_GROUP_SECONDARY);
        vmcs_put(&v, VMX_PRIMARY_SECONDARY, true);
        ck_assert(vmcs_has(&v, c->control));
        vmcs_put(&v, c->control, false);
        ck_assert(!vmcs_bit(&v, c->control));
    }
}
END_TEST

START_TEST(exits_and_errors_have_words)
{
    for (size_t i = 0; i < vmx_exits.count; i++) {
        const struct vmx_exit_desc *d = &vmx_exits.rows[i];

        ck_assert_ptr_eq(vmx_exit_of(d->number), d); /* no number twice */
        ck_assert(*d->words && *d->qualification);
    }
    ck_assert_str_eq(vmx_exit_of(48)->name, "EPT_VIOLATION");
    ck_assert_ptr_null(vmx_exit_of(35));
    ck_assert_str_eq(vmx_error_words(7),
                     "VM entry with invalid control field(s)");
    ck_assert_ptr_null(vmx_error_words(0));
    ck_assert_ptr_null(vmx_error_words(14));
    ck_assert_ptr_null(vmx_error_words(1000));
}
END_TEST

Suite *suite_x86_vmcs(void)
{
    Suite *s = suite_create("x86_vmcs");
    TCase *c = tcase_create("vmcs");

    tcase_add_test(c, fields_are_found_by_encoding_and_name);
    tcase_add_test(c, kinds_agree_with_names);
    tcase_add_test(c, segments_lie_in_order);
    tcase_add_test(c, a_region_keeps_a_vmcs);
    tcase_add_test(c, capabilities_follow_the_controls);
    tcase_add_test(c, each_control_can_be_set);
    tcase_add_test(c, exits_and_errors_have_words);
    suite_add_tcase(s, c);
    return s;
}
