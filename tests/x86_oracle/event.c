#include "tests/x86_oracle/event.h"

enum { VM = 0x20000, LONG_CODE = 0x200000 };

/* ---- Events ---- */

#define WORD(name) w[OX_##name - ox_record_head(e->record)]
#define PAIR(name) (WORD(name) | (uint64_t)WORD(name##_UP) << 32)

static void from_real(const uint32_t *w, struct ox_event *e)
{
    e->ip = WORD(R16_VECTOR_IP) >> 16;
    e->cs = WORD(R16_CS_FLAGS) & 0xFFFF;
    e->flags = WORD(R16_CS_FLAGS) >> 16;
    e->sp = WORD(R16_SP);
    e->cr0 = WORD(R16_CR0);
    e->cr2 = WORD(R16_CR2);
    e->cr4 = WORD(R16_CR4);
    e->dr6 = WORD(R16_DR6);
    for (unsigned n = 0; n < 8; n++)
        e->gpr[n] = w[OX_R16_EAX - OX_R16_HEAD - n];
}

/* A frame of words: the recorder tells, or the case's own gate does, which may
 * lead to the recorder of the other width. */
static bool has_words(const struct ox_case *c, const uint32_t *w,
                      const struct ox_event *e)
{
    if (WORD(R32_WIDTH) == OX_TOLD)
        return false;
    return WORD(R32_WIDTH) ||
           (c->arena[AT_IDT + 8 * e->vector + 5] & 0x1E) == 6;
}

/* IP, CS, and flags, from a word on. */
static void from_words(const uint32_t *w, struct ox_event *e)
{
    bool has_error = e->vector == 8 || e->vector == 17 ||
                     (e->vector >= 10 && e->vector <= 14);
    uint32_t low = has_error ? WORD(R32_ERROR) : WORD(R32_EIP) << 16;
    uint32_t high =
        has_error ? WORD(R32_EIP) : WORD(R32_EIP) >> 16 | WORD(R32_CS) << 16;

    e->error = has_error ? low & 0xFFFF : 0;
    e->ip = low >> 16;
    e->cs = high & 0xFFFF;
    e->flags = high >> 16;
}

static void from_protected(const struct ox_case *c, const uint32_t *w,
                           struct ox_event *e)
{
    e->error = WORD(R32_ERROR);
    e->ip = WORD(R32_EIP);
    e->cs = WORD(R32_CS) & 0xFFFF;
    e->flags = WORD(R32_EFLAGS);
    e->halved = has_words(c, w, e);
    if (e->halved)
        from_words(w, e);
    e->sp = WORD(R32_SP);
    e->cr0 = WORD(R32_CR0);
    e->cr2 = WORD(R32_CR2);
    e->cr4 = WORD(R32_CR4);
    e->dr6 = WORD(R32_DR6);
    for (unsigned n = 0; n < 8; n++)
        e->gpr[n] = w[OX_R32_EAX - OX_R32_HEAD - n];
}

enum ox_field ox_long_register(unsigned n)
{
    static const enum ox_field order[GPRS] = {
        OX_R64_RAX,       OX_R64_RCX, OX_R64_RDX, OX_R64_RBX,
        OX_R64_SAVED_RSP, OX_R64_RBP, OX_R64_RSI, OX_R64_RDI,
        OX_R64_R8,        OX_R64_R9,  OX_R64_R10, OX_R64_R11,
        OX_R64_R12,       OX_R64_R13, OX_R64_R14, OX_R64_R15};

    return order[n];
}

static void from_long(const uint32_t *w, struct ox_event *e)
{
    e->error = WORD(R64_ERROR);
    e->ip = PAIR(R64_RIP);
    e->cs = WORD(R64_CS) & 0xFFFF;
    e->flags = WORD(R64_RFLAGS);
    e->sp = PAIR(R64_SP);
    e->cr0 = WORD(R64_CR0);
    e->cr2 = PAIR(R64_CR2);
    e->cr4 = WORD(R64_CR4);
    e->dr6 = WORD(R64_DR6);
    for (unsigned n = 0; n < GPRS; n++)
        e->gpr[n] = w[ox_long_register(n) - OX_R64_HEAD] |
                    (uint64_t)w[ox_long_register(n) + 1 - OX_R64_HEAD] << 32;
}

uint32_t ox_stored_at(const struct ox_case *c, const struct ox_result *r,
                      uint32_t at)
{
    for (uint32_t i = 0; i < r->pairs; i++)
        if (r->stored[2 * i] == at)
            return r->stored[2 * i + 1];
    return load_le32(c->arena + at);
}

static void from_old_task(const struct ox_case *c, const struct ox_result *r,
                          struct ox_event *e)
{
    uint32_t back = ox_stored_at(c, r, AT_TSS_DF) & 0xFFF8;
    uint32_t tss = back == SEL_TSS_B ? AT_TSS_B : AT_TSS;

    e->ip = ox_stored_at(c, r, tss + 0x20);
    e->flags = ox_stored_at(c, r, tss + 0x24);
    e->cs = ox_stored_at(c, r, tss + 0x4C) & 0xFFFF;
    for (unsigned n = 0; n < 8; n++)
        e->gpr[n] = ox_stored_at(c, r, tss + 0x28 + 4 * n);
}

bool ox_event_at(const struct ox_case *c, const struct ox_result *r,
                 uint32_t at, struct ox_event *e)
{
    memset(e, 0, sizeof(*e));
    if (at >= r->count)
        return false;
    e->record = ox_record_of(r->word[at]);
    if (e->record == OX_RECORD_COUNT ||
        at + ox_record_size(e->record) > r->count)
        return false;
    e->vector = r->word[at] & 0xFF;
    if (e->record == OX_R16)
        from_real(r->word + at, e);
    else if (e->record == OX_R32)
        from_protected(c, r->word + at, e);
    else if (e->record == OX_R64)
        from_long(r->word + at, e);
    else
        return false;
    if (e->record == OX_R32 && e->vector == 8 && e->cs == 0xCCCC &&
        e->ip == 0xCCCCCCCC)
        from_old_task(c, r, e);
    ox_find_base(r, e);
    e->of = r->written ? r : NULL;
    return true;
}

bool ox_last_event(const struct ox_case *c, const struct ox_result *r,
                   uint32_t end, struct ox_event *e)
{
    bool found = false;
    struct ox_event next;

    for (uint32_t at = 0; at < end && at < r->count;) {
        enum ox_record record = ox_record_of(r->word[at]);

        if (record >= OX_SUMS)
            break;
        if (ox_event_at(c, r, at, &next)) {
            *e = next;
            found = true;
        }
        at += ox_record_size(record);
    }
    return found;
}

bool ox_ends_behind_stack(const struct ox_difference *d)
{
    unsigned limit = load_le16(d->c->arena + AT_GDT + SEL_TSS);
    struct ox_event e;

    return (limit % 8 == 1 || limit % 8 == 2) && limit < 0x1B &&
           ox_event_at(d->c, d->theirs, d->start, &e) && e.vector == 10 &&
           (e.error & ~3u) == SEL_TSS;
}

bool ox_is_operand_outside(const struct ox_difference *d)
{
    uint32_t ds = 0;

    if (d->c->mode == OX_REAL && d->record == OX_R16 &&
        ((d->field >= OX_R16_EDI && d->field <= OX_R16_EAX) ||
         d->field == OX_R16_CS_FLAGS))
        ds = word_of(d, OX_R16_ES_DS) >> 16;
    else if (d->c->mode == OX_V86 && d->record == OX_R32 &&
             ((d->field >= OX_R32_EDI && d->field <= OX_R32_EAX) ||
              d->field == OX_R32_EFLAGS) &&
             (word_of(d, OX_R32_EFLAGS) & 0x20000))
        ds = word_of(d, OX_R32_SAVED_DS) & 0xFFFF;
    return ds > 0x9000 && ds * 16 < 0x100000;
}

/* ---- Code ---- */

static uint32_t half_of(const struct ox_case *c, uint32_t selector,
                        unsigned half)
{
    const uint8_t *table = c->arena + (selector & 4 ? AT_LDT : AT_GDT);

    return load_le32(table + (selector & 0x3F8) + half);
}

uint32_t ox_lower_half_of(const struct ox_case *c, uint32_t selector)
{
    return half_of(c, selector, 0);
}

uint32_t ox_upper_half_of(const struct ox_case *c, uint32_t selector)
{
    return half_of(c, selector, 4);
}

uint32_t ox_base_of(const struct ox_case *c, uint32_t selector)
{
    uint32_t low = half_of(c, selector, 0), high = half_of(c, selector, 4);

    return low >> 16 | (high & 0xFF) << 16 | (high & 0xFF000000);
}

static bool is_prefix(uint8_t byte, bool wide)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xF0 || byte == 0xF2 ||
           byte == 0xF3 || (byte & 0xE7) == 0x26 || byte == 0x64 ||
           byte == 0x65 || (wide && (byte & 0xF0) == 0x40);
}

/* 32 bytes as they are at the end. */
static void read_written(const struct ox_case *c, const struct ox_result *r,
                         uint32_t at, uint8_t *to)
{
    for (uint32_t i = 0; i < 32; i++)
        to[i] =
            (uint8_t)(ox_stored_at(c, r, (at + i) & ~3u) >> 8 * ((at + i) & 3));
}

bool ox_code_of(const struct ox_case *c, const struct ox_event *e,
                unsigned back, struct ox_code *code)
{
    bool low = e->record == OX_R16 || (e->flags & VM);
    bool wide =
        e->record == OX_R64 && !low && (ox_upper_half_of(c, e->cs) & LONG_CODE);
    uint64_t base = wide       ? 0
                    : e->based ? e->base
                    : low      ? e->cs << 4
                               : ox_base_of(c, e->cs);
    uint64_t at = base + e->ip - back;

    memset(code, 0, sizeof(*code));
    if (!wide)
        at &= UINT32_MAX;
    if (at > ARENA_SIZE - 32)
        return false;
    if (e->of)
        read_written(c, e->of, (uint32_t)at, code->bytes);
    code->at = e->of ? code->bytes : c->arena + at;
    code->address = (uint32_t)at;
    for (; is_prefix(*code->at, wide); code->at++, code->address++) {
        uint8_t byte = *code->at;

        if (code->address == at + 16)
            return false;
        code->lock = code->lock || byte == 0xF0;
        if ((byte & 0xE7) == 0x26 || byte == 0x64 || byte == 0x65)
            code->override = byte;
        code->rex = wide && (byte & 0xF0) == 0x40 ? byte : 0;
    }
    return true;
}
