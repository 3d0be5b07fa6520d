#include "x86vmm/vtx/dump.h"

#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/registers.h"
#include "x86vmm/vtx/sample.h"

#include <string.h>
#include <strings.h>

/* ---- Words of a line ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(const struct text *t, const char *word)
{
    return t->n == strlen(word) && !strncasecmp(t->p, word, t->n);
}

static struct text trim(struct text t)
{
    while (t.n && is_space(t.p[0]))
        t.p++, t.n--;
    while (t.n && is_space(t.p[t.n - 1]))
        t.n--;
    return t;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* The whole of it; false: it is none, or too large. */
static bool number(struct text t, uint64_t *value)
{
    uint64_t base = 10;

    if (t.n > 2 && t.p[0] == '0' && (t.p[1] == 'x' || t.p[1] == 'X')) {
        base = 16;
        t.p += 2;
        t.n -= 2;
    }
    *value = 0;
    for (size_t i = 0; i < t.n; i++) {
        uint64_t d = (uint64_t)digit(t.p[i]);

        if (d >= base || *value > (UINT64_MAX - d) / base)
            return false;
        *value = *value * base + d;
    }
    return t.n != 0;
}

/* ---- Lines ---- */

enum { SHOWN_MAX = 60 };

struct reading {
    const char *name;
    unsigned line;
    struct vmcs_dump *dump;
    bool from_given, sampled;
    struct diag *d;
};

static enum status complain(const struct reading *r, const char *what,
                            struct text t)
{
    char shown[SHOWN_MAX + 1];
    size_t n = t.n < SHOWN_MAX ? t.n : SHOWN_MAX;

    /* Any bytes may stand there: they are not for a terminal. */
    for (size_t i = 0; i < n; i++)
        shown[i] = (char)(t.p[i] >= ' ' && t.p[i] <= '~' ? t.p[i] : '?');
    shown[n] = '\0';
    return diag_set(r->d, STATUS_BAD_INPUT, "%s:%u: %s: '%s'", r->name, r->line,
                    what, shown);
}

static enum status read_like(struct reading *r, struct text value)
{
    for (unsigned i = 0; i < VMCS_SAMPLE_COUNT; i++)
        if (is_word(&value, vmcs_sample_name((enum vmcs_sample)i))) {
            vmcs_make(&r->dump->vmcs, (enum vmcs_sample)i);
            r->sampled = true;
            return STATUS_OK;
        }
    return complain(r, "like real, v86, protected, pae or long, not", value);
}

static enum status read_field(struct reading *r, struct text name,
                              struct text value)
{
    enum vmcs_field f = vmcs_named(name.p, name.n);
    uint64_t v;

    if (is_word(&name, "like"))
        return r->dump->given || r->sampled
                   ? complain(r, "this comes first, and once", name)
                   : read_like(r, value);
    if (is_word(&name, "entered_from")) {
        r->from_given = true;
        r->dump->host_long = is_word(&value, "long");
        return r->dump->host_long || is_word(&value, "protected")
                   ? STATUS_OK
                   : complain(r, "long or protected, not", value);
    }
    if (f == VMCS_FIELD_COUNT)
        return complain(r, "not a field of a VMCS", name);
    if (!number(value, &v))
        return complain(r, "not a number", value);
    if (vmcs_width(f) < 64 && v >> vmcs_width(f))
        return complain(r, "too large for this field", value);
    r->dump->vmcs.field[f] = v;
    r->dump->given++;
    return STATUS_OK;
}

static enum status read_line(struct reading *r, struct text line)
{
    const char *comment = memchr(line.p, '#', line.n);
    const char *equals;

    if (comment)
        line.n = (size_t)(comment - line.p);
    line = trim(line);
    if (!line.n)
        return STATUS_OK;
    equals = memchr(line.p, '=', line.n);
    if (!equals)
        return complain(r, "NAME = VALUE is wanted, not", line);
    struct text name = {line.p, (size_t)(equals - line.p)};
    struct text value = {equals + 1, line.n - name.n - 1};
    return read_field(r, trim(name), trim(value));
}

/* The next line of *rest, without its end; false: there is none. */
static bool next_line(struct text *rest, struct text *line)
{
    const char *end;

    if (!rest->n)
        return false;
    end = memchr(rest->p, '\n', rest->n);
    line->p = rest->p;
    line->n = end ? (size_t)(end - rest->p) : rest->n;
    rest->p += line->n + (end != NULL);
    rest->n -= line->n + (end != NULL);
    return true;
}

enum status vmcs_dump_read(const char *name, const char *text, size_t n,
                           struct vmcs_dump *dump, struct diag *d)
{
    struct reading r = {.name = name, .dump = dump, .d = d};
    struct text rest = {text, n}, line;

    memset(dump, 0, sizeof(*dump));
    vmcs_defaults(&dump->vmcs);
    dump->registers = registers_are_in(rest);
    if (dump->registers) {
        dump->given = registers_read(rest, &dump->vmcs);
        dump->host_long = true;
        return STATUS_OK;
    }
    while (next_line(&rest, &line)) {
        enum status st;

        r.line++;
        st = read_line(&r, line);
        if (st != STATUS_OK)
            return st;
    }
    if (!r.from_given)
        dump->host_long = vmcs_has(&dump->vmcs, VMX_EXIT_HOST_64);
    return dump->given || r.sampled
               ? STATUS_OK
               : diag_set(d, STATUS_BAD_INPUT,
                          "%s: no field of a VMCS, and no register", name);
}
