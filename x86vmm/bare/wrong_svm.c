#include "x86vmm/bare/command.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/engine_svm_hw.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/bare/wrong.h"
#include "x86vmm/svm/exit.h"

/* What the row makes of the right value. */
static uint64_t spoil(unsigned row, uint64_t V)
{
    const uint64_t values[] = {
#define WRONG(name, value, check, words) value,
#include "x86vmm/bare/wrong_svm.def"
#undef WRONG
    };

    return values[row];
}

static const struct {
    enum vmcb_field field;
    const char *check, *words;
} rows[] = {
#define WRONG(name, value, check, words) {VMCB_##name, #check, words},
#include "x86vmm/bare/wrong_svm.def"
#undef WRONG
};

/* One mistake may break several rules; one of them is the row's. */
static bool is_told(const uint8_t *page, const char *check)
{
    const struct svm_broken *b = svm_explain(page);

    for (size_t i = 0; i < b->count && i < SVM_BROKEN_MAX; i++)
        if (command_is(b->rules[i].check->name, check))
            return true;
    say("  but %s is not among these", check);
    return false;
}

/* A VMCB is plain storage: afterwards it is as it was. */
static bool try_one(struct vcpu *v, unsigned i, unsigned *refused)
{
    static uint8_t kept[MEMORY_PAGE];
    struct x86_state *s = v->arch, before = *s;
    uint8_t *page = svm_page(v);

    say("wrong %u of %u: %s", i + 1, (unsigned)ARRAY_LEN(rows), rows[i].words);
    memcpy(kept, page, sizeof(kept));
    svm_put(page, rows[i].field, spoil(i, svm_get(page, rows[i].field)));
    bool told = is_told(page, rows[i].check);
    int64_t code = svm_try(v);
    bool invalid = code == SVM_EXIT_INVALID;
    *refused += invalid;
    if (!invalid)
        say("  this processor does not look at it: the guest has run, and "
            "exited by %llx",
            (unsigned long long)code);
    memcpy(page, kept, sizeof(kept));
    *s = before;
    return told;
}

bool wrong_svm_try_all(struct machine *m, struct allocator *a, struct diag *d)
{
    static const uint8_t hlt[] = {0xF4}; /* at 1 MiB, in 64-bit mode */
    const struct module image = {"wrong", hlt, sizeof(hlt)};
    unsigned right = 0, refused = 0;

    if (machine_make(m, a, &engine_svm_hw, &image, NULL, d))
        return false;
    bool clean = !svm_explain(svm_page(&m->vm.vcpu))->count &&
                 svm_try(&m->vm.vcpu) == SVM_EXIT_HLT;
    if (!clean)
        say("and the right one does not run");
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        right += try_one(&m->vm.vcpu, i, &refused);
    say("%u of %u wrong set-ups ended in the right sentence; the processor "
        "refused %u of them",
        right, (unsigned)ARRAY_LEN(rows), refused);
    return right == ARRAY_LEN(rows) && clean;
}
