#include "x86vmm/vtx/dump.h"

#include "x86vmm/vtx/control.h"
#include "x86vmm/vtx/registers.h"
#include "x86vmm/vtx/sample.h"

#include <string.h>

struct reading {
    struct vmcs_dump *dump;
    bool from_given, sampled;
};

static enum status read_like(struct reading *r, const struct settings *s,
                             struct span value)
{
    for (unsigned i = 0; i < VMCS_SAMPLE_COUNT; i++)
        if (span_is(value, vmcs_sample_name((enum vmcs_sample)i))) {
            vmcs_make(&r->dump->vmcs, (enum vmcs_sample)i);
            r->sampled = true;
            return STATUS_OK;
        }
    return settings_complain(s, "like real, v86, protected, pae or long, not",
                             value);
}

static enum status read_field(void *who, struct settings *s, struct span name,
                              struct span value)
{
    struct reading *r = who;
    enum vmcs_field f = vmcs_named(name.p, name.n);
    uint64_t v;

    if (span_is(name, "like"))
        return r->dump->given || r->sampled
                   ? settings_complain(s, "this comes first, and once", name)
                   : read_like(r, s, value);
    if (span_is(name, "entered_from")) {
        r->from_given = true;
        r->dump->host_long = span_is(value, "long");
        return r->dump->host_long || span_is(value, "protected")
                   ? STATUS_OK
                   : settings_complain(s, "long or protected, not", value);
    }
    if (f == VMCS_FIELD_COUNT)
        return settings_complain(s, "not a field of a VMCS", name);
    if (!span_number(value, &v))
        return settings_complain(s, "not a number", value);
    if (vmcs_width(f) < 64 && v >> vmcs_width(f))
        return settings_complain(s, "too large for this field", value);
    r->dump->vmcs.field[f] = v;
    r->dump->given++;
    return STATUS_OK;
}

enum status vmcs_dump_read(const char *name, const char *text, size_t n,
                           struct vmcs_dump *dump, struct diag *d)
{
    struct settings s = {.name = name, .diag = d};
    struct reading r = {.dump = dump};
    struct span all = {text, n};
    enum status st;

    memset(dump, 0, sizeof(*dump));
    vmcs_defaults(&dump->vmcs);
    dump->registers = registers_are_in(all);
    if (dump->registers) {
        dump->given = registers_read(all, &dump->vmcs);
        dump->host_long = true;
        return STATUS_OK;
    }
    st = settings_read(&s, all, read_field, &r);
    if (st)
        return st;
    if (!r.from_given)
        dump->host_long = vmcs_has(&dump->vmcs, VMX_EXIT_HOST_64);
    return dump->given || r.sampled
               ? STATUS_OK
               : diag_set(d, STATUS_BAD_INPUT,
                          "%s: no field of a VMCS, and no register", name);
}
