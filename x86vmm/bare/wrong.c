#include "x86vmm/bare/wrong.h"

#include "x86vmm/bare/console.h"
#include "x86vmm/bare/engine_vmx.h"

static uint64_t value_of(const struct vmcs *m, unsigned row)
{
    unsigned i = 0;

#define WRONG(name, value, check, words)          \
    if (i++ == row) {                             \
        const uint64_t V = m->field[VMCS_##name]; \
                                                  \
        (void)V;                                  \
        return value;                             \
    }
#include "x86vmm/bare/wrong.def"
#undef WRONG
    return 0;
}

static const struct {
    enum vmcs_field field;
    const char *check, *words;
} rows[] = {
#define WRONG(name, value, check, words) {VMCS_##name, #check, words},
#include "x86vmm/bare/wrong.def"
#undef WRONG
};

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* One mistake may break several rules; one of them is the row's. */
static bool try_one(struct vcpu *v, unsigned i)
{
    struct vmx_broken broken;

    say("wrong %u of %u: %s", i + 1, (unsigned)ARRAY_LEN(rows), rows[i].words);
    if (!vmx_try(v, rows[i].field, value_of(vmx_vmcs(v), i), &broken)) {
        say("  it was entered");
        return false;
    }
    for (size_t k = 0; k < broken.count && k < VMX_BROKEN_MAX; k++)
        if (same(broken.rules[k].check->name, rows[i].check))
            return true;
    say("  but %s is not among these", rows[i].check);
    return false;
}

/* HLT, for what it would matter. */
static const uint8_t sector[512] = {0xF4, [510] = 0x55, [511] = 0xAA};

bool wrong_try_all(struct machine *m, struct allocator *a, struct diag *d)
{
    const struct module image = {"wrong", sector, sizeof(sector)};
    struct vmx_broken broken;
    unsigned right = 0;

    if (machine_make(m, a, &engine_vmx, &image, NULL, d))
        return false;
    vmx_explain(&m->vm.vcpu, &broken); /* the right one: nothing */
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        right += try_one(&m->vm.vcpu, i);
    say("%u of %u wrong set-ups ended in the right sentence", right,
        (unsigned)ARRAY_LEN(rows));
    return right == ARRAY_LEN(rows) && !broken.count;
}
