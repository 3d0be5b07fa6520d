#include "x86vmm/svm/dump.h"

#include "base/digit.h"
#include "x86vmm/machine/settings.h"
#include "x86vmm/svm/sample.h"

#include <string.h>

/* ---- Bytes, as hexdump -C prints them ---- */

enum { ROW = 16 };

/* Digits up to a blank or the end; *digits: how many. */
static uint64_t hex_word(struct span *t, unsigned *digits)
{
    uint64_t value = 0;

    while (t->n && *t->p == ' ')
        t->p++, t->n--;
    for (*digits = 0; t->n && digit_value(*t->p) < 16; ++*digits) {
        value = value << 4 | digit_value(*t->p);
        t->p++, t->n--;
    }
    return value;
}

/* "000005a0  00 01 ...  |....|" */
static bool is_bytes(struct span line)
{
    unsigned digits;

    hex_word(&line, &digits);
    if (digits < 7 || digits > 8 || !line.n || *line.p != ' ')
        return false;
    hex_word(&line, &digits);
    return digits == 2;
}

/* One such line into the page; how many bytes. */
static unsigned read_bytes(struct span line, uint8_t *page, uint64_t *at)
{
    unsigned digits, n = 0;

    *at = hex_word(&line, &digits);
    for (; n < ROW; n++) {
        uint64_t byte = hex_word(&line, &digits);

        if (digits != 2)
            break;
        if (*at + n < VMCB_PAGE)
            page[*at + n] = (uint8_t)byte;
    }
    return n;
}

/* `*`: rows like the one before, up to the next offset. */
static unsigned read_page(struct span text, struct vmcb *v)
{
    uint8_t page[VMCB_PAGE] = {0};
    uint64_t at = 0, last = 0;
    struct span line;
    bool repeats = false;
    unsigned given = 0;

    while (span_next_line(&text, &line)) {
        line = span_trim(line);
        if (span_is(line, "*"))
            repeats = true;
        if (!is_bytes(line))
            continue;
        given += read_bytes(line, page, &at);
        for (uint64_t i = last + ROW; repeats && i < at && i < VMCB_PAGE;
             i += ROW)
            memcpy(page + i, page + last, ROW);
        repeats = false;
        last = at < VMCB_PAGE ? at & ~UINT64_C(15) : last;
    }
    for (uint64_t i = last + ROW; repeats && i < VMCB_PAGE; i += ROW)
        memcpy(page + i, page + last, ROW);
    vmcb_load(v, page);
    return given;
}

static bool has_bytes(struct span text)
{
    struct span line;

    while (span_next_line(&text, &line))
        if (is_bytes(span_trim(line)))
            return true;
    return false;
}

/* ---- Fields ---- */

struct reading {
    struct vmcb_dump *dump;
    bool sampled;
};

static enum status read_like(struct reading *r, const struct settings *s,
                             struct span name, struct span value)
{
    enum x86_sample sample;
    enum status st;

    if (r->dump->given || r->sampled)
        return settings_complain(s, "this comes first, and once", name);
    st = settings_sample(s, value, &sample);
    if (!st)
        vmcb_make(&r->dump->vmcb, sample);
    r->sampled = !st;
    return st;
}

static enum status read_field(void *who, struct settings *s, struct span name,
                              struct span value)
{
    struct reading *r = who;
    enum vmcb_field f = vmcb_named(name.p, name.n);
    enum status st;

    if (span_is(name, "like"))
        return read_like(r, s, name, value);
    if (span_is(name, "host_paging"))
        return settings_either(s, value, "yes", "no", &r->dump->host_paging);
    if (f == VMCB_FIELD_COUNT)
        return settings_complain(s, "not a field of a VMCB", name);
    st = settings_number(s, value, 8u * vmcb_fields[f].size,
                         &r->dump->vmcb.field[f]);
    r->dump->given += !st;
    return st;
}

enum status vmcb_dump_read(const char *name, const char *text, size_t n,
                           struct vmcb_dump *dump, struct diag *d)
{
    struct settings s = {.name = name, .diag = d};
    struct reading r = {.dump = dump};
    struct span all = {text, n};
    enum status st;

    memset(dump, 0, sizeof(*dump));
    dump->host_paging = true;
    if (has_bytes(all)) {
        dump->given = read_page(all, &dump->vmcb);
        return STATUS_OK;
    }
    st = settings_read(&s, all, read_field, &r);
    if (st)
        return st;
    return dump->given || r.sampled
               ? STATUS_OK
               : diag_set(d, STATUS_BAD_INPUT, "%s: no field of a VMCB", name);
}

/* ---- Which of the two vendors' ---- */

struct looking {
    unsigned vmcb;
};

/* Several settings in a line are not ours: registers that QEMU prints. */
static enum status look(void *who, struct settings *s, struct span name,
                        struct span value)
{
    struct looking *l = who;
    enum vmcb_field f = vmcb_named(name.p, name.n);

    (void)s;
    l->vmcb += span_is(name, "host_paging") ||
               (f != VMCB_FIELD_COUNT && f != VMCB_TSC_OFFSET);
    return memchr(value.p, ' ', value.n) ? STATUS_BAD_INPUT : STATUS_OK;
}

bool vmcb_dump_is(const char *text, size_t n)
{
    struct diag d;
    struct settings s = {.name = "", .diag = &d};
    struct looking l = {0};
    struct span all = {text, n};

    if (has_bytes(all))
        return true;
    return !settings_read(&s, all, look, &l) && l.vmcb;
}
