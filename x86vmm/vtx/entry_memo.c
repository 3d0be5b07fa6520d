#include "x86vmm/vtx/entry_memo.h"

#include "base/bits.h"
#include "x86vmm/machine/state.h"

#include <string.h>

enum { LINE = 16 }; /* fields that are compared at once */

static void add(struct entry_rows *to, const struct entry_rows *from)
{
    for (size_t i = 0; i < ARRAY_LEN(to->bits); i++)
        to->bits[i] |= from->bits[i];
}

/* What is asked about now is what will have held, or the memo holds nothing. */
static void add_changed(struct entry_memo *m, const struct vmcs *v)
{
    const uint64_t *is = v->field;
    uint64_t *was = m->field;
    uint64_t flags = was[VMCS_GUEST_RFLAGS] ^ is[VMCS_GUEST_RFLAGS];

    for (unsigned i = 0; i < VMCS_FIELD_COUNT; i += LINE) {
        unsigned n = min_u32(LINE, VMCS_FIELD_COUNT - i);

        if (!memcmp(was + i, is + i, n * sizeof(*is)))
            continue;
        for (unsigned j = i; j < i + n; j++)
            if (was[j] != is[j])
                add(&m->due, &m->readers[j]);
        memcpy(was + i, is + i, n * sizeof(*is));
    }
    if (flags & X86_FLAG_VM)
        add(&m->due, &m->readers[ENTRY_READS_VM]);
    add(&m->due, &m->readers[ENTRY_READS_STORAGE]);
}

void entry_memo_begin(struct entry_memo *m, const struct entry *e)
{
    bool same =
        m->known && m->address == e->address && m->host_long == e->host_long;

    memset(&m->due, same ? 0 : 0xFF, sizeof(m->due));
    if (same)
        add_changed(m, e->vmcs);
    else
        memcpy(m->field, e->vmcs->field, sizeof(m->field));
    m->known = false; /* until they have held */
}

/* A row has been asked: what did it look at? */
static void learn(struct entry_memo *m, const struct entry_reads *reads,
                  unsigned row)
{
    for (unsigned i = 0; i < ARRAY_LEN(reads->bits); i++)
        for (uint64_t left = reads->bits[i]; left; left &= left - 1) {
            unsigned what = 64 * i + (unsigned)__builtin_ctzll(left);

            m->readers[what].bits[row / 64] |= UINT64_C(1) << row % 64;
        }
}

static bool ask(struct entry_memo *m, struct entry *e, unsigned row,
                struct entry_failure *failure)
{
    struct entry_reads reads = {{0}};
    bool held;

    e->reads = &reads;
    held = entry_check_row(e, row, failure);
    e->reads = NULL;
    learn(m, &reads, row);
    return held;
}

bool entry_memo_until(struct entry_memo *m, struct entry *e,
                      enum entry_stage first, enum entry_stage last,
                      struct entry_failure *failure)
{
    failure->check = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(m->due.bits); i++)
        for (uint64_t left = m->due.bits[i]; left; left &= left - 1) {
            unsigned row = 64 * i + (unsigned)__builtin_ctzll(left);
            enum entry_stage stage;

            if (row >= ENTRY_ROWS)
                return true;
            stage = entry_checks.rows[row].stage;
            if (stage >= first && stage <= last && !ask(m, e, row, failure))
                return false;
        }
    return true;
}

void entry_memo_end(struct entry_memo *m, const struct entry *e)
{
    m->known = true;
    m->address = e->address;
    m->host_long = e->host_long;
}
