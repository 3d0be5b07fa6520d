#include "x86vmm/bare/wrong.h"

#include "x86vmm/bare/command.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/engine_vmx.h"
#include "x86vmm/bare/vmx.h"

/* What the row makes of the right value. */
static uint64_t spoil(unsigned row, uint64_t V)
{
    const uint64_t values[] = {
#define WRONG(name, value, check, words) value,
#include "x86vmm/bare/wrong.def"
#undef WRONG
    };

    return values[row];
}

static const struct {
    enum vmcs_field field;
    const char *check, *words;
} rows[] = {
#define WRONG(name, value, check, words) {VMCS_##name, #check, words},
#include "x86vmm/bare/wrong.def"
#undef WRONG
};

/* One mistake may break several rules; one of them is the row's. */
static bool is_told(const char *check)
{
    const struct vmx_broken *b = vmx_last_broken();

    for (size_t i = 0; i < b->count && i < VMX_BROKEN_MAX; i++)
        if (command_is(b->rules[i].check->name, check))
            return true;
    say("  but %s is not among these", check);
    return false;
}

static bool try_one(struct vcpu *v, unsigned i)
{
    struct x86_state *s = v->arch, kept = *s;
    struct vm_exit x = {0};
    uint64_t right;

    say("wrong %u of %u: %s", i + 1, (unsigned)ARRAY_LEN(rows), rows[i].words);
    vmx_read(rows[i].field, &right);
    vmx_write(rows[i].field, spoil(i, right));
    bool refused = !engine_vmx.run(v, &x) && x.reason == EXIT_ENTRY_FAILED;
    vmx_write(rows[i].field, right);
    *s = kept;
    if (!refused)
        say("  it was entered");
    return refused && is_told(rows[i].check);
}

/* HLT, for what it would matter. */
static const uint8_t sector[512] = {0xF4, [510] = 0x55, [511] = 0xAA};

bool wrong_try_all(struct machine *m, struct allocator *a, struct diag *d)
{
    const struct module image = {"wrong", sector, sizeof(sector)};
    unsigned right = 0;

    if (machine_make(m, a, &engine_vmx, &image, NULL, d))
        return false;
    bool clean = !vmx_explain()->count; /* the right one: nothing to say */
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        right += try_one(&m->vm.vcpu, i);
    say("%u of %u wrong set-ups ended in the right sentence", right,
        (unsigned)ARRAY_LEN(rows));
    return right == ARRAY_LEN(rows) && clean;
}
