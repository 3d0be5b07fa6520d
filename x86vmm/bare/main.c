/* The story: find out what this processor can, make a machine for each guest
 * that has come along, and let them take turns. */
#include "monitor/dispatcher.h"
#include "x86vmm/bare/command.h"
#include "x86vmm/bare/console.h"
#include "x86vmm/bare/cpu.h"
#include "x86vmm/bare/engine_svm_hw.h"
#include "x86vmm/bare/engine_vmx.h"
#include "x86vmm/bare/layout.h"
#include "x86vmm/bare/machine.h"
#include "x86vmm/bare/memory.h"
#include "x86vmm/bare/pc_machine.h"
#include "x86vmm/bare/plain.h"
#include "x86vmm/bare/time.h"
#include "x86vmm/bare/vmx.h"
#include "x86vmm/bare/wrong.h"

enum { POOL_AT = IMAGE_END + (8 << 20), SLICE = 1000000 };

extern const uint8_t bss_end[];

struct monitor {
    struct command command;
    struct trace trace;
    struct trace_text text;
    struct trace_jsonl jsonl;
    struct allocator allocator;
    struct machine machines[MACHINES_MAX];
    struct pc_modules modules; /* for the last of them: a whole PC */
    struct pc_machine pc;
    struct machine *turns[MACHINES_MAX + 1];
    size_t count;
};
static struct monitor monitor; /* there is one machine, and one monitor */

_Noreturn void bare_main(uint32_t magic, uint64_t info);

/* ---- What there is ---- */

/* Bytes of storage from 0 on: from the boot sector (INT 15h, AX = E801h), or
 * the Multiboot information's mem_upper, KiB from 1 MiB on. */
static uint64_t storage_end(uint32_t magic, uint64_t info)
{
    if (magic == MAGIC_SECTOR)
        return (info << 16) + (16 << 20);
    const uint32_t *words = (const uint32_t *)info;
    return (words[0] & 1) ? ((uint64_t)words[2] + 1024) << 10 : 0;
}

/* ---- Steps ---- */

static const struct engine_ops *find_engine(struct diag *d)
{
    uint32_t r[4];
    char vendor[13] = "";

    cpuid(0, r);
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    say("the processor says that it is of '%s'", vendor);
    if (!engine_vmx.probe(d)) {
        say("it has VT-x: on to VMX operation");
        return vmx_on(d) ? NULL : &engine_vmx;
    }
    if (!engine_svm_hw.probe(d)) {
        say("it has AMD-V: on with it");
        return svm_on(d) ? NULL : &engine_svm_hw;
    }
    diag_set(d, STATUS_UNSUPPORTED, "CPUID announces neither VT-x nor AMD-V");
    return NULL;
}

static void listen(void)
{
    struct monitor *m = &monitor;

    if (m->command.trace) {
        trace_text_init(&m->text, console_write, NULL);
        trace_attach(&m->trace, &m->text.sink);
    }
    if (m->command.json) {
        trace_jsonl_init(&m->jsonl, console_write_json, NULL);
        trace_attach(&m->trace, &m->jsonl.sink);
    }
}

/* A module of a whole PC's, or a guest. */
static struct module *part_of_pc(const struct module *m)
{
    struct pc_modules *pc = &monitor.modules;
    const struct {
        const char *name;
        struct module *into;
    } rows[] = {{"kernel", &pc->kernel},
                {"initrd", &pc->initrd},
                {"append", &pc->append}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (command_is(m->name, rows[i].name))
            return rows[i].into;
    return NULL;
}

static void add(struct machine *m)
{
    m->vm.stop_after = monitor.command.limit;
    m->traced = monitor.command.trace;
    monitor.turns[monitor.count++] = m;
    say("%s: a machine of its own", m->vm.name);
}

static enum status make_pc(const struct engine_ops *engine, struct diag *d)
{
    struct monitor *m = &monitor;
    enum status st;

    if (!m->modules.kernel.bytes)
        return STATUS_OK;
    m->pc.machine.vm.id = (unsigned)m->count + 1;
    st = pc_machine_make(&m->pc, &m->allocator, engine, &m->modules, &m->trace,
                         d);
    if (st)
        return st;
    m->pc.machine.raw = !m->count && !m->command.trace;
    add(&m->pc.machine);
    return STATUS_OK;
}

static enum status make_machines(const struct engine_ops *engine,
                                 struct diag *d)
{
    struct monitor *m = &monitor;
    struct module image = {0};
    enum status st = STATUS_OK;

    while (!st && module_next(&image)) {
        struct module *part = part_of_pc(&image);

        if (part)
            *part = image;
        if (part || command_read(&m->command, &image))
            continue;
        if (m->count == MACHINES_MAX)
            return diag_set(d, STATUS_BAD_INPUT, "more guests than %u",
                            MACHINES_MAX);
        struct machine *to = &m->machines[m->count];
        to->vm.id = (unsigned)m->count + 1;
        st = machine_make(to, &m->allocator, engine, &image, &m->trace, d);
        if (!st)
            add(to);
    }
    return st ? st : make_pc(engine, d);
}

/* ---- Turns ---- */

static bool judge(const struct machine *m)
{
    const struct vm *vm = &m->vm;
    const char *name = vm->name;

    if (vm->state == VM_FAILED)
        say("%s has failed: %s", name, vm->diag.text);
    else if (m->platform.stopped && m->platform.how != X86_STOP_EXIT)
        say("%s has ended: %s through %s", name,
            m->platform.how == X86_STOP_OFF ? "power off" : "reset",
            m->platform.through);
    else if (m->platform.stopped)
        say("%s has ended: through its exit port, code %u", name,
            m->platform.exit_code);
    else if (vm->state == VM_STOPPED)
        say("%s has ended: %s", name, vm->diag.text);
    else if (vm->vcpu.waiting)
        say("%s waits for what cannot come", name);
    else
        say("%s was stopped at its limit", name);
    say("  %llu exits", (unsigned long long)vm->vcpu.exits);
    return vm->state == VM_STOPPED &&
           !(m->platform.stopped && m->platform.exit_code);
}

/* What is typed is the kernel's. */
static void listen_to_line(void)
{
    int byte;

    while (monitor.modules.kernel.bytes && (byte = console_read()) >= 0) {
        const uint8_t key = (uint8_t)byte;

        (void)board_input(&monitor.pc.board, &key, 1);
    }
}

/* A whole PC that has been reset, and is to begin anew. */
static bool reboots(const struct machine *m)
{
    struct monitor *t = &monitor;
    struct diag d = {{0}};

    if (!t->command.reboot || m != &t->pc.machine || !m->platform.stopped ||
        m->platform.how != X86_STOP_RESET)
        return false;
    say("%s: reset through %s, it begins anew", m->vm.name,
        m->platform.through);
    if (pc_machine_reset(&t->pc, &t->modules, &d))
        say("and cannot: %s", d.text);
    return m->vm.state == VM_READY;
}

/* Round robin, until the last has ended.  True: all well. */
static bool take_turns(void)
{
    const volatile bool interrupted = false;
    bool ended[MACHINES_MAX + 1] = {false}, well = true;

    for (size_t left = monitor.count; left; listen_to_line())
        for (size_t i = 0; i < monitor.count; i++) {
            struct machine *m = monitor.turns[i];

            if (ended[i] || vm_turn(&m->vm, &interrupted) < TURN_IDLE ||
                reboots(m))
                continue;
            well = judge(m) && well;
            ended[i] = true;
            left--;
        }
    return well;
}

/* The last line, by which whoever has started us knows. */
static _Noreturn void bare_end(uint8_t code)
{
    say("the end, code %u", code);
    cpu_off(code);
}

/* 77: this machine lacks what it takes; 1: a guest's file is bad. */
static _Noreturn void give_up(enum status st, const struct diag *d)
{
    say("%s", d->text);
    bare_end(st == STATUS_BAD_INPUT ? 1 : 77);
}

static _Noreturn void try_wrong(const struct engine_ops *engine, struct diag *d)
{
    struct monitor *m = &monitor;

    m->machines[0].vm.id = 1;
    bare_end(engine == &engine_vmx
                 ? !wrong_try_all(&m->machines[0], &m->allocator, d)
                 : !wrong_svm_try_all(&m->machines[0], &m->allocator, d));
}

_Noreturn void bare_main(uint32_t magic, uint64_t info)
{
    struct monitor *m = &monitor;
    struct module module = {0};
    struct diag d = {{0}};

    console_init();
    cpu_init();
    time_init();
    uint64_t end = storage_end(magic, info);
    say("Trapline's monitor, in long mode, with %llu MiB",
        (unsigned long long)(end >> 20));
    if (end < POOL_AT + MACHINE_STORAGE)
        give_up(diag_set(&d, STATUS_NO_MEMORY, "64 MiB are wanted"), &d);
    while (module_next(&module) && !command_read(&m->command, &module))
        ;
    const struct engine_ops *engine = find_engine(&d);
    if (!engine)
        give_up(STATUS_UNSUPPORTED, &d);
    listen();
    allocator_init(&m->allocator, (uint8_t *)(uint64_t)POOL_AT, end - POOL_AT,
                   SLICE);
    if (m->command.wrong)
        try_wrong(engine, &d);
    enum status st = make_machines(engine, &d);
    if (st)
        give_up(st, &d);
    if (m->command.plain) {
        say("plainly: %llu exits",
            (unsigned long long)plain_run(&m->machines[0].vm.vcpu));
        bare_end(0);
    }
    bare_end(!take_turns());
}
