#include "tests/x86_oracle/event.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    uint32_t head;
    enum ox_field first;
} records[] = {
#define RECORD(name, head) {head, OX_##name##_HEAD},
#define FIELD(record, name)
#include "tests/x86_oracle/record.def"
#undef RECORD
#undef FIELD
    {0, OX_FIELD_COUNT},
};

static const char *const fields[] = {
#define RECORD(name, head)
#define FIELD(record, name) #name,
#include "tests/x86_oracle/record.def"
#undef RECORD
#undef FIELD
};

enum ox_record ox_record_of(uint32_t word)
{
    unsigned r = 0;

    while (r < OX_RECORD_COUNT && records[r].head >> 24 != word >> 24)
        r++;
    return (enum ox_record)r;
}

unsigned ox_record_size(enum ox_record r)
{
    return records[r + 1].first - records[r].first;
}

enum ox_field ox_record_head(enum ox_record r)
{
    return records[r].first;
}

const char *ox_field_name(enum ox_field f)
{
    return f < OX_FIELD_COUNT ? fields[f] : "the end";
}

/* ---- Comparing ---- */

static bool is_loose(enum ox_field f, uint32_t a, uint32_t b)
{
    if (f == OX_R32_EFLAGS || f == OX_R64_RFLAGS || f == OX_NEST_FLAGS)
        return (a ^ b) == 0x10000;
    return (f >= OX_SUMS_STACK_0 && f <= OX_SUMS_STACK_TASK) ||
           f == OX_SUMS_TABLES_ACCESSED || f == OX_SUMS_PAGES_ACCESSED;
}

/* This word is that one, or a part of it on a stack that is not aligned: by
 * `up` bits further up. */
static bool is_part(uint32_t word, uint32_t of, uint32_t other, int up)
{
    uint32_t whole = UINT32_MAX;
    uint32_t mask = up < 0 ? whole >> -up : whole << up;

    of = up < 0 ? of >> -up : of << up;
    return (word & mask) == of && ((word ^ other) & ~mask) == 0;
}

/* A word of a frame, or of a task, as an event has had it. */
static bool is_past(const struct ox_difference *d, uint32_t at, uint32_t before,
                    uint32_t ours, uint32_t theirs)
{
    uint32_t bit = ours ^ theirs;

    (void)at;
    (void)before;
    if (d->peer == OX_QEMU && d->pasts && (ours & bit) && !(bit & (bit - 1)) &&
        (bit & 0x01010101)) /* beside it, RF */
        return true;
    for (unsigned i = 0; i < d->pasts; i++)
        for (int up = -24; up <= 24; up += 8)
            if (is_part(ours, d->past[i].ours, theirs, up) &&
                is_part(theirs, d->past[i].theirs, ours, up))
                return true;
    return false;
}

/* What a program has pushed before the event. */
static bool is_pushed(enum ox_field f)
{
    return f == OX_R16_STACK || (f >= OX_R32_STACK_9 && f <= OX_R32_STACK_10) ||
           (f >= OX_R64_STACK_12 && f <= OX_R64_STACK_15);
}

/* A word above the frame of an event in a handler's first instruction, which is
 * of the frame of what that handler is for: it is the next event. */
static bool is_of_next(const struct ox_difference *d, uint32_t end,
                       enum ox_field f, uint32_t a, uint32_t b)
{
    bool wide = d->record == OX_R64;
    uint32_t head = ox_record_head(d->record);
    uint32_t first = end + (wide ? OX_R64_ERROR : OX_R32_ERROR) - head;
    uint32_t last = end + (wide ? OX_R64_SAVED_SS : OX_R32_EFLAGS) - head;

    if (!((f >= OX_R32_SAVED_ESP && f <= OX_R32_STACK_10) ||
          (f >= OX_R64_STACK_12 && f <= OX_R64_STACK_15)) ||
        last >= d->ours->count || last >= d->theirs->count ||
        ox_record_of(d->ours->word[end]) != d->record ||
        d->ours->word[end] != d->theirs->word[end])
        return false;
    for (; first <= last; first++)
        if (d->ours->word[first] == a && d->theirs->word[first] == b)
            return true;
    return false;
}

/* Within the record at d->start. */
static bool record_differs(struct ox_difference *d, uint32_t end)
{
    for (uint32_t i = d->start; i < end; i++) {
        uint32_t a = d->ours->word[i], b = d->theirs->word[i];
        enum ox_field f = records[d->record].first + (i - d->start);

        if (i < d->from || a == b || (d->peer == OX_QEMU && is_loose(f, a, b)))
            continue;
        if ((is_pushed(f) && is_past(d, 0, 0, a, b)) ||
            is_of_next(d, end, f, a, b))
            continue;
        d->field = f;
        d->at = i;
        if (((f >= OX_SUMS_TSS && f <= OX_SUMS_CODE) || f == OX_SUMS_IDT) &&
            ox_all_words(d, is_past))
            continue;
        return true;
    }
    return false;
}

/* From d->start on there are no records. */
static bool junk_differs(struct ox_difference *d, uint32_t end)
{
    for (d->at = d->start; d->at < end; d->at++)
        if (d->ours->word[d->at] != d->theirs->word[d->at])
            return true;
    return d->ours->kind != d->theirs->kind ||
           d->ours->count != d->theirs->count;
}

bool ox_differs(struct ox_difference *d)
{
    uint32_t n = d->ours->count;

    d->record = OX_RECORD_COUNT;
    d->field = OX_FIELD_COUNT;
    d->start = d->at = 0;
    if (d->theirs->count < n)
        n = d->theirs->count;
    while (d->start < n) {
        uint32_t end;

        d->record = ox_record_of(d->ours->word[d->start]);
        if (d->record == OX_RECORD_COUNT) /* overwritten: word by word */
            return junk_differs(d, n);
        end = d->start + ox_record_size(d->record);
        if (record_differs(d, end < n ? end : n))
            return true;
        d->start = end;
    }
    d->field = OX_FIELD_COUNT;
    d->at = n;
    d->record =
        n < d->ours->count ? ox_record_of(d->ours->word[n]) : OX_RECORD_COUNT;
    return d->ours->kind != d->theirs->kind ||
           d->ours->count != d->theirs->count;
}

static bool is_not_place(const struct ox_difference *d, uint32_t at,
                         uint32_t before, uint32_t ours, uint32_t theirs)
{
    (void)d;
    (void)before;
    (void)ours;
    (void)theirs;
    return (at & 0x1FF) != 0x20; /* EIP of a TSS */
}

/* A frame of 16 bits has EIP where others have the error code. */
static bool is_elsewhere(const struct ox_difference *d)
{
    struct ox_event ours, theirs;

    return d->record == OX_R32 && d->field >= OX_R32_ERROR &&
           ox_event_at(d->c, d->ours, d->start, &ours) &&
           ox_event_at(d->c, d->theirs, d->start, &theirs) &&
           ours.ip != theirs.ip;
}

bool ox_go_on(struct ox_difference *d)
{
    if (is_elsewhere(d))
        return false;
    switch (d->field) { /* at another fault, too, they have parted */
    case OX_R16_VECTOR_IP:
    case OX_R32_EIP:
    case OX_R64_RIP:
    case OX_NEST_IP:
    case OX_R32_CR2:
    case OX_R64_CR2:
    case OX_FIELD_COUNT:
        return false;
    case OX_R32_ERROR:
    case OX_R64_ERROR: /* QEMU often tells otherwise of the same one */
        if (d->peer == OX_BOCHS)
            return false;
        break;
    case OX_R32_CS: /* at another level, or on another stack */
    case OX_R64_CS:
    case OX_NEST_FLAGS:
    case OX_R32_ESP:
    case OX_R32_SP:
        if (d->peer == OX_QEMU)
            return false;
        break;
    case OX_SUMS_TSS: /* a task was left elsewhere */
        if (!ox_all_words(d, is_not_place))
            return false;
        break;
    default:
        if (d->at == d->start)
            return false;
    }
    d->from = d->at + 1;
    if (d->record != OX_SUMS && d->pasts < OX_PAST_MAX) {
        d->past[d->pasts].ours = d->ours->word[d->at];
        d->past[d->pasts++].theirs = d->theirs->word[d->at];
    }
    return true;
}

bool ox_witnessed(const struct ox_difference *d)
{
    struct ox_difference w = {
        .c = d->c, .peer = OX_BOCHS, .ours = d->ours, .theirs = d->witness};

    if (!d->witness || !ox_differs(&w))
        return true;
    return w.at > d->at || ox_explain(&w);
}

const struct ox_explanation *ox_explanations(enum ox_machine peer)
{
    return peer == OX_BOCHS ? ox_bochs_rows : ox_qemu_rows;
}

static const struct ox_explanation *explain_recorded(
    const struct ox_difference *d, bool witnessed)
{
    const struct ox_explanation *e = ox_explanations(d->peer);

    for (; e->name; e++)
        if ((e->alone || witnessed) && e->applies(d))
            return e;
    return NULL;
}

/* A double fault through a task gate ends the case with the same record
 * wherever it came of; the old task's TSS tells. */
static bool double_faults_elsewhere(const struct ox_difference *d, uint32_t at)
{
    struct ox_event ours, theirs;

    return ox_event_at(d->c, d->ours, at, &ours) &&
           ox_event_at(d->c, d->theirs, at, &theirs) && ours.vector == 8 &&
           theirs.vector == 8 && ours.ip != theirs.ip;
}

static bool has_half(uint32_t word, uint32_t value)
{
    return (word & 0xFFFF) == value || word >> 16 == value;
}

/* So does a fault in a recorder; of the event that was to be recorded the
 * frame tells, whose IP, in real-address mode of 16 bits, is another. */
static bool nests_elsewhere(const struct ox_difference *d, uint32_t at)
{
    struct ox_difference before = *d;
    struct ox_told *told;
    uint32_t ip;
    bool halves, found = false;

    if (ox_record_of(d->ours->word[at]) != OX_NEST)
        return false;
    before.start = at;
    told = ox_tell_lost(&before);
    if (!told)
        return false;
    ip = told->ip;
    halves = told->d.record == OX_R16;
    free(told);
    for (uint32_t i = 0; i < d->ours->pairs && !found; i++) {
        uint32_t ours = d->ours->stored[2 * i + 1];
        uint32_t theirs = ox_stored_at(d->c, d->theirs, d->ours->stored[2 * i]);

        found = halves ? has_half(ours, ip) && !has_half(theirs, ip)
                       : ours == ip && theirs != ip;
    }
    return found;
}

/* Before d->start; false: there is none. */
static bool last_record(struct ox_difference *d)
{
    uint32_t at = 0, next = 0;

    while (next < d->start) {
        at = next;
        next += ox_record_size(ox_record_of(d->ours->word[at]));
    }
    if (!next)
        return false;
    d->record = ox_record_of(d->ours->word[at]);
    d->start = d->at = at;
    return true;
}

/* From the sums to the last event, where the two have parted. */
static bool go_back(struct ox_difference *d)
{
    struct ox_difference last = *d;

    if (!last_record(&last) ||
        (!double_faults_elsewhere(d, last.at) && !nests_elsewhere(d, last.at)))
        return false;
    *d = last;
    return true;
}

static const struct ox_explanation *explain_told(struct ox_told *told,
                                                 bool witnessed)
{
    const struct ox_explanation *why =
        told ? explain_recorded(&told->d, witnessed) : NULL;

    free(told);
    return why;
}

/* Where the two have parted, by another event or at the end of one. */
static const struct ox_explanation *explain_lost(const struct ox_difference *d,
                                                 bool witnessed)
{
    struct ox_difference parted = *d;
    const struct ox_explanation *why;

    if (d->record == OX_SUMS && !go_back(&parted))
        return NULL;
    why = explain_told(ox_tell_lost(&parted), witnessed);
    if (!why && d->record == OX_NEST)
        why = explain_told(ox_tell_nested(&parted), witnessed);
    return why;
}

/* Words that may differ because of an exception before their record. */
static bool is_of_lost(const struct ox_difference *d)
{
    return d->field == OX_FIELD_COUNT || d->at == d->start ||
           d->record == OX_NEST || d->record == OX_SUMS || vector_of(d) == 8;
}

/* A program may have written its code before it has executed it. */
static const struct ox_explanation *explain_written(
    const struct ox_difference *d, bool witnessed)
{
    struct ox_result ours = *d->ours, theirs = *d->theirs;
    struct ox_difference written = *d;

    ours.written = theirs.written = true;
    written.ours = &ours;
    written.theirs = &theirs;
    return explain_recorded(&written, witnessed);
}

const struct ox_explanation *ox_explain(const struct ox_difference *d)
{
    bool witnessed = ox_witnessed(d);
    const struct ox_explanation *why = explain_recorded(d, witnessed);

    if (!why && d->peer == OX_QEMU && is_of_lost(d))
        why = explain_lost(d, witnessed);
    if (!why && d->peer == OX_QEMU)
        why = explain_written(d, witnessed);
    return why;
}

/* Of what differs at the end the last record is asked. */
const struct ox_explanation *ox_explain_heard(const struct ox_difference *d)
{
    struct ox_difference parted = *d;

    if (d->record == OX_SUMS)
        last_record(&parted);
    return explain_told(ox_tell_parting(&parted), ox_witnessed(d));
}

/* ---- Showing ---- */

static void show_event(enum ox_record record, const uint32_t *w)
{
    switch (record) {
    case OX_R32:
        printf(" [%x error %x at %x:%x flags %x]", w[0] & 0xFF, w[15],
               w[17] & 0xFFFF, w[16], w[18]);
        break;
    case OX_R64:
        printf(" [%x error %x at %x:%x flags %x]", w[0] & 0xFF, w[33],
               w[37] & 0xFFFF, w[35], w[39]);
        break;
    case OX_R16:
        printf(" [%x at %x:%x flags %x]", w[0] & 0xFF, w[12] & 0xFFFF,
               w[11] >> 16, w[12] >> 16);
        break;
    case OX_NEST:
        printf(" [in a recorder: %x error %x at %x flags %x DR6 %x]",
               w[0] & 0xFF, w[1], w[2], w[3], w[4]);
        break;
    default:
        break;
    }
}

void ox_show_raised(const struct ox_result *r)
{
    const uint32_t *w = r->raised;

    for (uint32_t n = 0; n < r->raises; n++, w += OX_RAISED_WORDS)
        printf(" %x at %x:%x%s", w[OX_RAISED_VECTOR], w[OX_RAISED_CS],
               w[OX_RAISED_IP], n + 1 < r->raises ? "," : "");
    printf("\n");
}

void ox_show(const struct ox_result *r)
{
    for (uint32_t i = 0; i < r->count;) {
        enum ox_record record = ox_record_of(r->word[i]);

        if (record == OX_RECORD_COUNT || i + ox_record_size(record) > r->count)
            break;
        show_event(record, r->word + i);
        i += ox_record_size(record);
    }
    if (r->kind == 'T')
        printf(" shutdown");
    else if (!r->kind)
        printf(r->crashed ? " crashed" : " never ended");
    printf("\n");
}
