/* Exceptions of our processor that no recorder has written down. */
#include "tests/x86_oracle/event.h"

#include <stdlib.h>

static const uint32_t *raise_at(const struct ox_result *r, uint32_t n)
{
    return r->raised + (size_t)n * OX_RAISED_WORDS;
}

static uint64_t pair_at(const uint32_t *w)
{
    return w[0] | (uint64_t)w[1] << 32;
}

bool ox_raised_event(const struct ox_result *ours, uint32_t n,
                     struct ox_event *e)
{
    const uint32_t *w;

    if (n >= ours->raises)
        return false;
    w = raise_at(ours, n);
    *e = (struct ox_event){.record = ox_record_of(w[OX_RAISED_RECORD]),
                           .vector = w[OX_RAISED_VECTOR],
                           .error = w[OX_RAISED_ERROR],
                           .cs = w[OX_RAISED_CS],
                           .flags = w[OX_RAISED_FLAGS],
                           .cr0 = w[OX_RAISED_CR0],
                           .cr4 = w[OX_RAISED_CR4],
                           .dr6 = w[OX_RAISED_DR6],
                           .ip = pair_at(w + OX_RAISED_IP),
                           .cr2 = pair_at(w + OX_RAISED_CR2),
                           .sp = pair_at(w + OX_RAISED_STACK),
                           .based = true,
                           .base = w[OX_RAISED_BASE]};
    for (unsigned i = 0; i < GPRS; i++)
        e->gpr[i] = pair_at(w + OX_RAISED_GPR + 2 * i);
    return true;
}

void ox_find_base(const struct ox_result *ours, struct ox_event *e)
{
    struct ox_event raised;

    for (uint32_t n = 0; ox_raised_event(ours, n, &raised); n++)
        if (raised.vector == e->vector && raised.cs == e->cs &&
            (e->halved ? (uint16_t)raised.ip : raised.ip) == e->ip) {
            e->ip = raised.ip;
            e->based = true;
            e->base = raised.base;
            return;
        }
}

/* A gate of 16 bits leaves half of IP; a task gate no place at all. */
static bool is_recorded(const struct ox_event *e, const uint32_t *w)
{
    return e->vector == w[OX_RAISED_VECTOR] &&
           (e->vector == 8 || !((e->ip ^ w[OX_RAISED_IP]) & 0xFFFF));
}

/* The first from `n` on that is that event; if none is, `raises`. */
static uint32_t find(const struct ox_result *r, uint32_t n,
                     const struct ox_event *e)
{
    while (n < r->raises && !is_recorded(e, raise_at(r, n)))
        n++;
    return n;
}

/* Of ours->raised. */
struct lost {
    uint32_t first, end;
    uint32_t at; /* in the peer's words: where it has something else */
};

/* Those that are in no record of ours, from d->start on. */
static bool find_lost(const struct ox_difference *d, struct lost *lost)
{
    const struct ox_result *r = d->ours;
    struct ox_event e;

    *lost = (struct lost){.at = d->start};
    for (uint32_t at = 0; at < d->start && at < r->count;) {
        enum ox_record record = ox_record_of(r->word[at]);

        if (record >= OX_SUMS)
            return false;
        if (ox_event_at(d->c, r, at, &e))
            lost->first = find(r, lost->first, &e) + 1;
        at += ox_record_size(record);
    }
    lost->end = r->raises;
    if (ox_event_at(d->c, r, d->start, &e))
        lost->end = find(r, lost->first, &e);
    return lost->first < lost->end;
}

/* Leave out what the peer has recorded. */
static void skip_shared(const struct ox_difference *d, struct lost *lost)
{
    struct ox_event e;

    while (lost->first < lost->end &&
           ox_event_at(d->c, d->theirs, lost->at, &e) &&
           is_recorded(&e, raise_at(d->ours, lost->first))) {
        lost->first++;
        lost->at += ox_record_size(e.record);
    }
}

bool ox_all_raised(const struct ox_difference *d)
{
    struct lost lost;

    if (!find_lost(d, &lost))
        return false;
    skip_shared(d, &lost);
    return lost.at >= d->theirs->count;
}

/* A word of a record at w. */
static void put(uint32_t *w, enum ox_record record, enum ox_field f,
                uint32_t value)
{
    w[f - ox_record_head(record)] = value;
}

static void put_pair(uint32_t *w, enum ox_field f, const uint32_t *value)
{
    put(w, OX_R64, f, value[0]);
    put(w, OX_R64, f + 1, value[1]);
}

static void put_real(uint32_t *w, const uint32_t *from)
{
    put(w, OX_R16, OX_R16_VECTOR_IP,
        from[OX_RAISED_VECTOR] | from[OX_RAISED_IP] << 16);
    put(w, OX_R16, OX_R16_CS_FLAGS,
        from[OX_RAISED_CS] | from[OX_RAISED_FLAGS] << 16);
    put(w, OX_R16, OX_R16_CR0, from[OX_RAISED_CR0]);
    put(w, OX_R16, OX_R16_CR2, from[OX_RAISED_CR2]);
    put(w, OX_R16, OX_R16_CR4, from[OX_RAISED_CR4]);
    put(w, OX_R16, OX_R16_DR6, from[OX_RAISED_DR6]);
    for (unsigned n = 0; n < 8; n++)
        put(w, OX_R16, OX_R16_EAX - n, from[OX_RAISED_GPR + 2 * n]);
}

static void put_protected(uint32_t *w, const uint32_t *from)
{
    put(w, OX_R32, OX_R32_WIDTH, OX_TOLD);
    put(w, OX_R32, OX_R32_ERROR, from[OX_RAISED_ERROR]);
    put(w, OX_R32, OX_R32_EIP, from[OX_RAISED_IP]);
    put(w, OX_R32, OX_R32_CS, from[OX_RAISED_CS]);
    put(w, OX_R32, OX_R32_EFLAGS, from[OX_RAISED_FLAGS]);
    put(w, OX_R32, OX_R32_CR0, from[OX_RAISED_CR0]);
    put(w, OX_R32, OX_R32_CR2, from[OX_RAISED_CR2]);
    put(w, OX_R32, OX_R32_CR4, from[OX_RAISED_CR4]);
    put(w, OX_R32, OX_R32_DR6, from[OX_RAISED_DR6]);
    for (unsigned n = 0; n < 8; n++)
        put(w, OX_R32, OX_R32_EAX - n, from[OX_RAISED_GPR + 2 * n]);
}

static void put_long(uint32_t *w, const uint32_t *from)
{
    put(w, OX_R64, OX_R64_ERROR, from[OX_RAISED_ERROR]);
    put_pair(w, OX_R64_RIP, from + OX_RAISED_IP);
    put(w, OX_R64, OX_R64_CS, from[OX_RAISED_CS]);
    put(w, OX_R64, OX_R64_RFLAGS, from[OX_RAISED_FLAGS]);
    put(w, OX_R64, OX_R64_CR0, from[OX_RAISED_CR0]);
    put_pair(w, OX_R64_CR2, from + OX_RAISED_CR2);
    put(w, OX_R64, OX_R64_CR4, from[OX_RAISED_CR4]);
    put(w, OX_R64, OX_R64_DR6, from[OX_RAISED_DR6]);
    for (unsigned n = 0; n < 16; n++)
        put_pair(w, ox_long_register(n), from + OX_RAISED_GPR + 2 * n);
}

static struct ox_told *tell(const struct ox_difference *d,
                            const struct lost *lost)
{
    const uint32_t *from = raise_at(d->ours, lost->first);
    enum ox_record record = ox_record_of(from[OX_RAISED_RECORD]);
    uint32_t count = lost->at + ox_record_size(record);
    struct ox_told *t = calloc(1, sizeof(*t) + count * sizeof(*t->word));

    if (!t)
        abort();
    t->ip = from[OX_RAISED_IP];
    t->ours = *d->ours;
    t->ours.word = t->word;
    t->ours.count = count;
    t->d = *d;
    t->theirs = *d->theirs;
    if (lost->at < t->theirs.count &&
        ox_record_of(t->theirs.word[lost->at]) == OX_NEST)
        t->theirs.count = lost->at; /* which is of another exception */
    t->d.ours = &t->ours;
    t->d.theirs = &t->theirs;
    t->d.record = record;
    t->d.start = t->d.at = lost->at;
    t->d.field =
        lost->at < d->theirs->count ? ox_record_head(record) : OX_FIELD_COUNT;
    return t;
}

/* An exception as a record of it. */
static void put_event(uint32_t *w, enum ox_record record, const uint32_t *from)
{
    w[0] = from[OX_RAISED_RECORD] | from[OX_RAISED_VECTOR];
    if (record == OX_R16)
        put_real(w, from);
    else if (record == OX_R32)
        put_protected(w, from);
    else
        put_long(w, from);
}

static struct ox_told *tell_one(const struct ox_difference *d,
                                const struct lost *lost)
{
    const uint32_t *from = raise_at(d->ours, lost->first);
    struct ox_told *t = tell(d, lost);

    memcpy(t->word, d->ours->word, d->start * sizeof(*t->word));
    memcpy(t->word + d->start, d->theirs->word + d->start,
           (lost->at - d->start) * sizeof(*t->word));
    put_event(t->word + lost->at, t->d.record, from);
    return t;
}

struct ox_told *ox_tell_lost(const struct ox_difference *d)
{
    struct lost lost;

    if (!find_lost(d, &lost))
        return NULL;
    skip_shared(d, &lost);
    return lost.first < lost.end ? tell_one(d, &lost) : NULL;
}

/* An end in a recorder at that word. */
static const uint32_t *nest_at(const struct ox_result *r, uint32_t at)
{
    if (at >= r->count || ox_record_of(r->word[at]) != OX_NEST ||
        at + ox_record_size(OX_NEST) > r->count)
        return NULL;
    return r->word + at;
}

struct ox_told *ox_tell_nested(const struct ox_difference *d)
{
    const uint32_t *ours = nest_at(d->ours, d->start);
    const uint32_t *theirs = nest_at(d->theirs, d->start);
    const unsigned ip = OX_NEST_IP - OX_NEST_HEAD;
    struct lost lost;

    if (!ours || !theirs || ours[ip] != theirs[ip] || !find_lost(d, &lost))
        return NULL;
    for (; lost.first < lost.end; lost.first++) {
        const uint32_t *w = raise_at(d->ours, lost.first);

        if (w[OX_RAISED_VECTOR] == (ours[0] & 0xFF) &&
            w[OX_RAISED_IP] == ours[ip])
            return tell_one(d, &lost);
    }
    return NULL;
}

/* ---- What QEMU has raised, too ---- */

/* From there on; it logs nothing of real-address mode. */
static uint32_t skip_real(const struct ox_result *r, uint32_t n)
{
    while (n < r->raises && raise_at(r, n)[OX_RAISED_RECORD] == RECORD_REAL)
        n++;
    return n;
}

static bool is_same(const uint32_t *ours, const uint32_t *theirs)
{
    return ours[OX_RAISED_VECTOR] == theirs[OX_RAISED_VECTOR] &&
           ours[OX_RAISED_CS] == theirs[OX_RAISED_CS] &&
           pair_at(ours + OX_RAISED_IP) == pair_at(theirs + OX_RAISED_IP);
}

/* Where the two lists part, at `ours` of the one and `theirs` of the other. */
static bool find_parting(const struct ox_difference *d, uint32_t *ours,
                         uint32_t *theirs)
{
    uint32_t i = 0, j = 0;

    for (;; i++, j++) {
        i = skip_real(d->ours, i);
        if (i >= d->ours->raises || j >= d->theirs->raises ||
            !is_same(raise_at(d->ours, i), raise_at(d->theirs, j)))
            break;
    }
    *ours = i;
    *theirs = j;
    return i < OX_RAISES_MAX && (i < d->ours->raises || j < d->theirs->raises);
}

/* The two have parted there; what is in `t` is one record of each, or none. */
static void put_parting(struct ox_told *t, const uint32_t *ours,
                        const uint32_t *theirs)
{
    struct ox_difference *d = &t->d;
    const uint32_t *any = ours ? ours : theirs;
    enum ox_record record = ox_record_of(any[OX_RAISED_RECORD]);
    uint32_t size = ox_record_size(record);

    d->record = record;
    d->at = d->start;
    d->field = ours && theirs ? ox_record_head(record) : OX_FIELD_COUNT;
    t->ours.kind = t->theirs.kind = 'R';
    t->ours.count = d->start + (ours ? size : 0);
    t->theirs.count = d->start;
    if (ours)
        put_event(t->ours.word + d->start, record, ours);
    if (!theirs)
        return;
    record = ox_record_of(theirs[OX_RAISED_RECORD]);
    t->theirs.count += ox_record_size(record);
    put_event(t->theirs.word + d->start, record, theirs);
}

/* Room for the words of both. */
static struct ox_told *copy_words(const struct ox_difference *d)
{
    uint32_t count = d->start + ox_record_size(OX_R64);
    struct ox_told *t = calloc(1, sizeof(*t) + 2 * count * sizeof(*t->word));

    if (!t)
        abort();
    t->d = *d;
    t->ours = *d->ours;
    t->theirs = *d->theirs;
    t->d.ours = &t->ours;
    t->d.theirs = &t->theirs;
    t->ours.word = t->word;
    t->theirs.word = t->word + count;
    memcpy(t->ours.word, d->ours->word, d->start * sizeof(*t->word));
    memcpy(t->theirs.word, d->theirs->word, d->start * sizeof(*t->word));
    return t;
}

/* Of a shutdown the peer's last records may be lost: it has gone on. */
struct ox_told *ox_tell_parting(const struct ox_difference *d)
{
    bool ended = d->theirs->kind == 'T' && d->start >= d->theirs->count;
    uint32_t ours, theirs;
    struct ox_told *t;
    struct lost lost;

    find_lost(d, &lost);
    if (!find_parting(d, &ours, &theirs) || ours < lost.first ||
        (ours > lost.end && !ended))
        return NULL;
    t = copy_words(d);
    put_parting(t, ours < d->ours->raises ? raise_at(d->ours, ours) : NULL,
                theirs < d->theirs->raises ? raise_at(d->theirs, theirs)
                                           : NULL);
    return t;
}
