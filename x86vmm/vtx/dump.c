#include "x86vmm/vtx/dump.h"

#include "x86vmm/vtx/dump_log.h"
#include "x86vmm/vtx/registers.h"
#include "x86vmm/vtx/sample.h"

#include <string.h>

struct reading {
    struct vmcs_dump *dump;
    bool from_given, sampled;
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
        vmcs_make(&r->dump->vmcs, sample);
    r->sampled = !st;
    return st;
}

static enum status read_field(void *who, struct settings *s, struct span name,
                              struct span value)
{
    struct reading *r = who;
    enum vmcs_field f = vmcs_named(name.p, name.n);
    enum status st;

    if (span_is(name, "like"))
        return read_like(r, s, name, value);
    if (span_is(name, "entered_from")) {
        r->from_given = true;
        return settings_either(s, value, "long", "protected",
                               &r->dump->host_long);
    }
    if (f == VMCS_FIELD_COUNT)
        return settings_complain(s, "not a field of a VMCS", name);
    st = settings_number(s, value, vmcs_width(f), &r->dump->vmcs.field[f]);
    r->dump->given += !st;
    return st;
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
    dump->elsewhere = true;
    if (log_is_in(all)) {
        dump->given = log_read(all, &dump->vmcs);
        dump->host_long = vmcs_has(&dump->vmcs, VMX_EXIT_HOST_64);
        return STATUS_OK;
    }
    if (registers_are_in(all)) {
        dump->given = registers_read(all, &dump->vmcs);
        dump->host_long = true;
        return STATUS_OK;
    }
    dump->elsewhere = false;
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

struct entry vmcs_dump_entry(const struct vmcs_dump *dump)
{
    struct entry e = {.vmcs = &dump->vmcs,
                      .address = UINT64_MAX,
                      .host_long = dump->host_long};

    if (dump->elsewhere) {
        e.capability = vmx_any_capability;
        e.physical_bits = VMX_ANY_PHYSICAL;
    }
    return e;
}
