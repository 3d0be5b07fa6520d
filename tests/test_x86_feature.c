/* What CPUID announces is there, and what it does not is not. */
#include "tests/x86_system.h"
#include "x86vmm/machine/cpuid.h"
#include "x86vmm/machine/msr.h"

#include <check.h>

enum { SSE_ON = 0x600 }; /* CR4: OSFXSR, OSXMMEXCPT */
enum feature_kind { INSN, IN_CR4, IN_EFER, MSR, TOLD };
enum feature_reg { EBX, ECX, EDX };

static const struct feature {
    uint32_t leaf;
    enum feature_reg reg;
    unsigned bit;
    const char *name, *hex;
    enum feature_kind kind;
    uint32_t number;
} features[] = {
#define INSN(leaf, reg, bit, name, hex) {leaf, reg, bit, name, hex, INSN, 0},
#define BIT_OF(leaf, reg, bit, name, where, number) \
    {leaf, reg, bit, name, NULL, IN_##where, number},
#define MSR(leaf, reg, bit, name, number) \
    {leaf, reg, bit, name, NULL, MSR, number},
#define TOLD(leaf, reg, bit, name) {leaf, reg, bit, name, NULL, TOLD, 0},
#include "tests/vectors/x86_feature.def"
#undef INSN
#undef BIT_OF
#undef MSR
#undef TOLD
};

static uint32_t register_of(const struct x86_cpuid_row *r, enum feature_reg reg)
{
    return reg == EBX ? r->ebx : reg == ECX ? r->ecx : r->edx;
}

static bool is_there(struct x86_bare *m, const struct feature *f)
{
    enum { EFER = 0xC0000080 };
    struct x86_cpu *cpu = &m->cpu;
    uint64_t value, bit = UINT64_C(1) << (f->number & 63);

    switch (f->kind) {
    case INSN:
        sys_program(m, f->hex);
        cpu->state.gpr[X86_RDI] = BARE_DATA;
        return x86_try(cpu) != X86_FAULT;
    case IN_CR4:
        sys_program(m, "0F22E0"); /* MOV CR4, RAX */
        cpu->state.gpr[X86_RAX] = cpu->state.cr4 | bit;
        return x86_try(cpu) != X86_FAULT;
    case IN_EFER:
        return !x86_msr_write(cpu, EFER, cpu->state.efer | bit);
    default:
        return !x86_msr_read(cpu, f->number, &value);
    }
}

START_TEST(what_is_announced_is_there)
{
    const struct feature *f = &features[_i];
    struct x86_cpuid_row row = x86_cpuid(f->leaf);
    bool announced = register_of(&row, f->reg) >> f->bit & 1;
    struct x86_bare *m = sys_new(SYS_LONG, 0);

    m->cpu.state.cr4 |= SSE_ON;
    if (f->kind != TOLD)
        ck_assert_msg(is_there(m, f) == announced, "%s is %sannounced, %s",
                      f->name, announced ? "" : "not ",
                      announced ? "and raises" : "but is there");
    x86_bare_free(m);
}
END_TEST

/* So that nothing is announced that nobody tries. */
START_TEST(each_announced_bit_has_a_row)
{
    static const uint32_t leaves[] = {1, 7, 0x80000001};

    for (unsigned i = 0; i < 96 * ARRAY_LEN(leaves); i++) {
        struct x86_cpuid_row row = x86_cpuid(leaves[i / 96]);
        enum feature_reg reg = (enum feature_reg)(i / 32 % 3);
        bool found = i % 96 < 32 && row.leaf == 1; /* EBX: numbers */

        for (size_t f = 0; f < ARRAY_LEN(features); f++)
            found =
                found || (features[f].leaf == row.leaf &&
                          features[f].reg == reg && features[f].bit == i % 32);
        ck_assert_msg(found || !(register_of(&row, reg) >> i % 32 & 1),
                      "leaf %X, register %d, bit %u", row.leaf, (int)reg,
                      i % 32);
    }
}
END_TEST

/* No bank; the status is what was written. */
START_TEST(machine_checks_have_their_registers)
{
    enum { CAP = 0x179, STATUS = 0x17A, CTL = 0x17B, BANK_0 = 0x400 };
    struct x86_bare *m = sys_new(SYS_LONG, 0);
    uint64_t value = 1;

    ck_assert_int_eq(x86_msr_read(&m->cpu, CAP, &value), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_int_eq(x86_msr_write(&m->cpu, CAP, 0), X86_FAULT);
    ck_assert_int_eq(x86_msr_write(&m->cpu, STATUS, 7), 0);
    ck_assert_int_eq(x86_msr_read(&m->cpu, STATUS, &value), 0);
    ck_assert_uint_eq(value, 7);
    ck_assert_int_eq(x86_msr_write(&m->cpu, STATUS, 8), X86_FAULT);
    ck_assert_int_eq(x86_msr_read(&m->cpu, CTL, &value), X86_FAULT);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(x86_msr_read(&m->cpu, BANK_0 + i, &value), X86_FAULT);
    x86_bare_free(m);
}
END_TEST

/* A program writes 0, executes CPUID, and asks which microcode there is (Intel
 * SDM vol. 3, "Microcode Update Facilities"). */
START_TEST(no_microcode_is_loaded)
{
    struct x86_bare *m = sys_new(SYS_LONG, 0);
    uint64_t value = 1;

    ck_assert_int_eq(x86_msr_write(&m->cpu, 0x8B, 0), 0);
    ck_assert_int_eq(x86_msr_read(&m->cpu, 0x8B, &value), 0);
    ck_assert_uint_eq(value, 0);
    x86_bare_free(m);
}
END_TEST

Suite *suite_x86_feature(void);
Suite *suite_x86_feature(void)
{
    Suite *s = suite_create("x86_feature");
    TCase *t = tcase_create("x86_feature");

    tcase_add_loop_test(t, what_is_announced_is_there, 0, ARRAY_LEN(features));
    tcase_add_test(t, each_announced_bit_has_a_row);
    tcase_add_test(t, machine_checks_have_their_registers);
    tcase_add_test(t, no_microcode_is_loaded);
    suite_add_tcase(s, t);
    return s;
}
