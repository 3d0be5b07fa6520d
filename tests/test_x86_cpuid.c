/* The processor profile, and the interpreter that shows it. */
#include "x86vmm/exit/isa.h"
#include "x86vmm/machine/cpuid.h"

#include <check.h>
#include <string.h>

static void check_text(const char *want, const uint32_t *words, size_t n)
{
    char text[65] = {0};

    ck_assert_uint_lt(4 * n, sizeof(text));
    for (size_t i = 0; i < 4 * n; i++)
        text[i] = (char)(words[i / 4] >> 8 * (i % 4));
    ck_assert_str_eq(text, want);
}

START_TEST(texts)
{
    struct x86_cpuid_row vendor = x86_cpuid(0), hv = x86_cpuid(0x40000000);
    uint32_t name[12];

    check_text("Trapline X86", (uint32_t[]){vendor.ebx, vendor.edx, vendor.ecx},
               3);
    check_text("Trapline VMM", (uint32_t[]){hv.ebx, hv.ecx, hv.edx}, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct x86_cpuid_row r = x86_cpuid(0x80000002 + i);

        memcpy(&name[4 * i], (uint32_t[]){r.eax, r.ebx, r.ecx, r.edx}, 16);
    }
    check_text("Trapline virtual x86-64 processor", name, 12);
}
END_TEST

/* What long mode and our guests stand on is said to be there. */
START_TEST(features)
{
    struct x86_cpuid_row basic = x86_cpuid(1), extended = x86_cpuid(0x80000001);

    ck_assert(basic.ecx >> 31 & 1);   /* HYPERVISOR */
    ck_assert(basic.edx >> 6 & 1);    /* PAE */
    ck_assert(basic.edx >> 3 & 1);    /* PSE */
    ck_assert(!(basic.edx >> 9 & 1)); /* no APIC is modelled */
    ck_assert(extended.edx >> 29 & 1);
    ck_assert_uint_eq(x86_cpuid(0x40000001).ebx, X86_PORT_HYPERCALL);
    ck_assert_uint_eq(x86_cpuid(0x80000008).eax >> 8 & 0xFF, 48);
}
END_TEST

static void check_same(uint32_t leaf, uint32_t as)
{
    struct x86_cpuid_row a = x86_cpuid(leaf), b = x86_cpuid(as);

    ck_assert_msg(a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx &&
                      a.edx == b.edx,
                  "leaf %x is not as leaf %x", leaf, as);
}

/* Above a range's highest leaf: the highest basic one; in a range but unknown:
 * zeros. */
START_TEST(leaves_out_of_range)
{
    check_same(8, 7);
    check_same(0x3FFFFFFF, 7);
    check_same(0x40000002, 7);
    check_same(0x40000100, 7);
    check_same(0x80000009, 7);
    check_same(0xFFFFFFFF, 7);
    struct x86_cpuid_row r = x86_cpuid(0x80000005);
    ck_assert_uint_eq(r.eax | r.ebx | r.ecx | r.edx, 0);
    r = x86_cpuid_sub(7, 1);
    ck_assert_uint_eq(r.eax | r.ebx | r.ecx | r.edx, 0);
    ck_assert_uint_eq(x86_cpuid_sub(7, 0).ebx, 0x100080);
}
END_TEST

START_TEST(rows_are_in_order_and_in_range)
{
    const struct x86_cpuid_table *t = &x86_cpuid_profile;

    ck_assert_uint_ge(t->count, 8);
    for (size_t i = 0; i < t->count; i++) {
        ck_assert(i == 0 || t->rows[i].leaf > t->rows[i - 1].leaf);
        ck_assert_uint_eq(x86_cpuid(t->rows[i].leaf).leaf, t->rows[i].leaf);
        ck_assert_uint_ge(x86_cpuid(t->rows[i].leaf & 0xFFFFFF00).eax,
                          t->rows[i].leaf);
    }
}
END_TEST

/* What the machine around the processor adds, and hides. */
START_TEST(machines)
{
    const struct x86_cpuid_world bare = {.vendor = "GenuineIntel",
                                         .apic = true},
                                 monitored = {.monitor = true, .wide = true};
    struct x86_cpuid_row r = x86_cpuid_in(0, 0, &bare);

    ck_assert_uint_eq(r.ebx, 0x756E6547); /* Genu */
    ck_assert_uint_eq(r.ecx, 0x6C65746E); /* ntel */
    r = x86_cpuid_in(1, 0, &bare);
    ck_assert_uint_eq(r.ecx >> 31, 0);
    ck_assert(r.edx >> 9 & 1);
    r = x86_cpuid_in(0x40000000, 0, &bare);
    ck_assert_uint_eq(r.ebx, x86_cpuid(7).ebx); /* the highest basic leaf */
    ck_assert(!(x86_cpuid_in(0x80000001, 0, &bare).edx >> 11 & 1));
    ck_assert(x86_cpuid_in(0x80000001, 0, &monitored).edx >> 11 & 1);
    r = x86_cpuid_in(1, 0, &monitored);
    ck_assert_uint_eq(r.ecx >> 31, 1);
    ck_assert(!(r.edx >> 9 & 1));
    r = x86_cpuid_in(0x40000000, 0, &monitored);
    ck_assert_uint_eq(r.ebx, x86_cpuid(0x40000000).ebx);
}
END_TEST

/* The interpreter reads EAX only, and clears the upper halves. */
START_TEST(interprets)
{
    struct x86_state s = {.gpr = {[X86_RAX] = 0xFFFFFFFF40000000,
                                  [X86_RBX] = UINT64_MAX,
                                  [X86_RCX] = UINT64_MAX,
                                  [X86_RDX] = UINT64_MAX}};
    struct x86_platform platform = {0};
    struct vm vm = {.arch = &platform};
    struct vcpu v = {.vm = &vm, .arch = &s};
    struct vm_exit x = {0};
    struct x86_cpuid_row want = x86_cpuid(0x40000000);

    ck_assert_int_eq(x86_interpreters[X86_OP_CPUID](&v, &x), VERDICT_ADVANCE);
    ck_assert_uint_eq(s.gpr[X86_RAX], want.eax);
    ck_assert_uint_eq(s.gpr[X86_RBX], want.ebx);
    ck_assert_uint_eq(s.gpr[X86_RCX], want.ecx);
    ck_assert_uint_eq(s.gpr[X86_RDX], want.edx);
}
END_TEST

Suite *suite_x86_cpuid(void)
{
    Suite *s = suite_create("x86_cpuid");
    TCase *c = tcase_create("profile");

    tcase_add_test(c, texts);
    tcase_add_test(c, features);
    tcase_add_test(c, leaves_out_of_range);
    tcase_add_test(c, rows_are_in_order_and_in_range);
    tcase_add_test(c, machines);
    tcase_add_test(c, interprets);
    suite_add_tcase(s, c);
    return s;
}
