#include "x86vmm/bare/machine.h"

#include "base/bytes.h"
#include "base/format.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/layout.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/machine/mode.h"

extern const uint8_t image_end[];

/* ---- Modules ---- */

bool module_next(struct module *m)
{
    const uint8_t *at = image_end;

    if (m->bytes)
        at = m->bytes + (m->size + PACK_UNIT - 1) / PACK_UNIT * PACK_UNIT;
    uint64_t room = IMAGE_END - (uint64_t)at;
    if (room < PACK_HEADER || memcmp(at, PACK_MAGIC, PACK_LENGTH))
        return false;
    m->name = (const char *)at + PACK_NAME;
    m->size = load_le64(at + PACK_LENGTH);
    m->bytes = at + PACK_HEADER;
    return m->size && m->size <= room - PACK_HEADER;
}

/* ---- What it prints ---- */

/* A line of the guest's, among those of the trace. */
static void tell(struct machine *m)
{
    struct trace_event e = {.kind = TRACE_NOTE,
                            .vm = m->vm.id,
                            .insns = m->vm.vcpu.insns,
                            .time = m->vm.clock.now};

    m->line[m->printed] = '\0';
    m->printed = 0;
    format(e.text, sizeof(e.text), "| %s", m->line);
    if (trace_on(m->vm.trace))
        trace_emit(m->vm.trace, &e);
    if (!m->traced)
        say("%s | %s", m->vm.name, m->line);
}

static void output(void *to, const uint8_t *bytes, size_t n)
{
    struct machine *m = to;

    if (m->raw)
        console_write(NULL, (const char *)bytes, n);
    for (size_t i = 0; i < n && !m->raw; i++) {
        if (bytes[i] == '\n' || m->printed == MACHINE_LINE - 1)
            tell(m);
        if (bytes[i] >= ' ' && bytes[i] <= '~')
            m->line[m->printed++] = (char)bytes[i];
    }
}

void machine_listen(struct machine *m, struct uart *u, struct debug_port *p)
{
    u->output = p->output = output;
    u->to = p->to = m;
}

/* ---- Making ---- */

static enum status load(struct machine *m, const struct module *image,
                        struct diag *d)
{
    enum x86_mode mode = x86_mode_of_image(image->bytes, image->size);
    uint64_t at = x86_load_at(mode);
    uint8_t *to = mem_at(&m->vm.mem, at, image->size);

    if (!to || x86_mode_enter(mode, &m->state, &m->vm.mem, at))
        return diag_set(d, STATUS_BAD_INPUT, "%s has no place in its machine",
                        image->name);
    memcpy(to, image->bytes, image->size);
    return STATUS_OK;
}

void machine_begin(struct machine *m, const char *name,
                   const struct engine_ops *engine, struct trace *trace)
{
    m->vm.name = name;
    m->vm.engine = engine;
    m->vm.trace = trace;
    x86_vm_begin(&m->vm, &m->platform, &m->state);
}

enum status machine_make(struct machine *m, struct allocator *a,
                         const struct engine_ops *engine,
                         const struct module *image, struct trace *trace,
                         struct diag *d)
{
    enum status st;

    machine_begin(m, image->name, engine, trace);
    st = x86_vm_give_small(&m->vm, &m->small, MACHINE_STORAGE, a);
    if (st) {
        *d = a->diag;
        return st;
    }
    machine_listen(m, &m->small.uart, &m->small.debug);
    st = load(m, image, d);
    if (st)
        return st;
    st = vm_start(&m->vm);
    if (st)
        *d = m->vm.diag;
    return st;
}
