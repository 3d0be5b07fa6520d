#include "cli/vmm_x86.h"

#include "base/format.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/engine/kvm_probe.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/vm/make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

/* One machine.  vm is first: a struct vm of ours is a struct machine. */
struct machine {
    struct vm vm;
    struct x86_state state;
    struct x86_platform platform;
    struct small_pc small; /* one of these */
    struct board board;
    bool pc;
    enum x86_mode mode;
};

struct x86_vmm {
    const struct engine_ops *engine;
    struct allocator allocator;
    struct trace *trace;
    uint8_t *pool;
    uint64_t bytes;
    struct machine *machines[X86_VMM_VMS_MAX];
    struct vm *vms[X86_VMM_VMS_MAX]; /* the same, for vmm_run */
    size_t count;
};

static struct machine *machine(const struct vm *vm)
{
    return (struct machine *)(uintptr_t)vm;
}

enum status x86_vmm_probe(const struct engine_ops *engine, enum x86_mode mode,
                          struct diag *diag)
{
    struct kvm_probe p;

    if (engine != &engine_kvm)
        return engine->probe(diag);
    kvm_probe_run(&p);
    if (p.verdict == KVM_ABSENT)
        return diag_set(diag, STATUS_UNSUPPORTED, "%s", p.why);
    if (mode < X86_MODE_COUNT && !p.rows[mode].works)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "this host's KVM does not run %s: %s",
                        p.rows[mode].title, p.rows[mode].why_not);
    return STATUS_OK;
}

enum status x86_vmm_probe_all(const struct engine_ops *engine,
                              enum x86_mode mode, bool steps, struct diag *diag)
{
    const unsigned step = X86_MODE_COUNT + KVM_FEATURE_STEP;
    struct kvm_probe p;
    char lacks[sizeof(diag->text) / 2] = "";
    size_t n = 0;

    if (engine != &engine_kvm)
        return engine->probe(diag);
    kvm_probe_run(&p);
    if (p.verdict == KVM_ABSENT)
        return diag_set(diag, STATUS_UNSUPPORTED, "%s", p.why);
    for (unsigned i = 0; i < p.count; i++)
        if (!p.rows[i].works && p.rows[i].needed && (i != step || steps) &&
            (i == mode || i >= X86_MODE_COUNT || mode == X86_MODE_COUNT))
            n += format(lacks + n, sizeof(lacks) - n, "%s%s", n ? ", " : "",
                        p.rows[i].name);
    return n ? diag_set(diag, STATUS_UNSUPPORTED,
                        "this host's KVM is partial (trapline doctor); --on "
                        "vtx needs none.\nIt lacks %s",
                        lacks)
             : STATUS_OK;
}

struct x86_vmm *x86_vmm_new(const struct engine_ops *engine, uint64_t bytes,
                            struct trace *trace, struct diag *diag)
{
    struct x86_vmm *vmm = calloc(1, sizeof(*vmm));

    if (!vmm || !bytes || bytes % PAGE || bytes > SIZE_MAX / 2) {
        diag_set(diag, vmm ? STATUS_BAD_INPUT : STATUS_NO_MEMORY,
                 "a pool of %llu bytes", (unsigned long long)bytes);
        free(vmm);
        return NULL;
    }
    void *pool = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pool == MAP_FAILED) {
        diag_set(diag, STATUS_NO_MEMORY, "a pool of %llu bytes: %s",
                 (unsigned long long)bytes, strerror(errno));
        free(vmm);
        return NULL;
    }
    vmm->engine = engine;
    vmm->pool = pool;
    vmm->bytes = bytes;
    vmm->trace = trace;
    allocator_init(&vmm->allocator, vmm->pool, bytes, X86_VMM_SLICE);
    vmm->allocator.fresh = 0; /* the host gives pages of zeros, when touched */
    return vmm;
}

void x86_vmm_free(struct x86_vmm *vmm)
{
    if (!vmm)
        return;
    for (size_t i = 0; i < vmm->count; i++) {
        vm_end(vmm->vms[i]);
        allocator_reclaim(&vmm->allocator, vmm->vms[i]);
        free(vmm->machines[i]);
    }
    munmap(vmm->pool, (size_t)vmm->bytes);
    free(vmm);
}

static struct machine *new_machine(struct x86_vmm *vmm, const char *name,
                                   enum x86_mode mode)
{
    struct machine *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->mode = mode;
    m->vm.id = (unsigned)vmm->count + 1;
    m->vm.name = name;
    m->vm.engine = vmm->engine;
    m->vm.trace = vmm->trace;
    x86_vm_begin(&m->vm, &m->platform, &m->state);
    return m;
}

/* Storage, devices, time, the mode, and the engine; in this order, because
 * the engine maps what storage there is. */
static enum status equip(struct x86_vmm *vmm, struct machine *m, uint64_t bytes,
                         struct diag *diag)
{
    enum status st =
        x86_vm_give_small(&m->vm, &m->small, bytes, &vmm->allocator);

    if (st) {
        *diag = vmm->allocator.diag;
        return st;
    }
    st = x86_mode_enter(m->mode, &m->state, &m->vm.mem, x86_load_at(m->mode));
    if (st)
        return diag_set(diag, st, "%s cannot start in %s", m->vm.name,
                        x86_mode_title(m->mode));
    st = vm_start(&m->vm);
    if (st)
        *diag = m->vm.diag;
    return st;
}

static struct vm *keep(struct x86_vmm *vmm, struct machine *m)
{
    vmm->machines[vmm->count] = m;
    vmm->vms[vmm->count++] = &m->vm;
    return &m->vm;
}

static struct vm *give_up(struct x86_vmm *vmm, struct machine *m)
{
    allocator_reclaim(&vmm->allocator, &m->vm);
    free(m);
    return NULL;
}

struct vm *x86_vmm_add(struct x86_vmm *vmm, const char *name,
                       enum x86_mode mode, uint64_t bytes, struct diag *diag)
{
    if (mode >= X86_MODE_COUNT || bytes % PAGE || bytes < X86_VMM_STORAGE_MIN ||
        bytes > vmm->bytes || vmm->count == X86_VMM_VMS_MAX) {
        diag_set(diag, STATUS_BAD_INPUT,
                 "%s: no machine of %llu bytes in %s can be made", name,
                 (unsigned long long)bytes, x86_mode_title(mode));
        return NULL;
    }
    struct machine *m = new_machine(vmm, name, mode);
    if (!m) {
        diag_set(diag, STATUS_NO_MEMORY, "no memory for %s", name);
        return NULL;
    }
    return equip(vmm, m, bytes, diag) ? give_up(vmm, m) : keep(vmm, m);
}

/* ---- A whole PC ---- */

/* The processor remembers one; more while that waits are lost in it (Intel SDM
 * vol. 3, "Handling Multiple NMIs"). */
static void apic_nmi(void *who)
{
    struct machine *m = who;
    const struct vm_event nmi = {.kind = X86_EVENT_NMI};
    const struct event_queue *q = &m->vm.vcpu.pending;

    for (unsigned i = 0; i < q->count; i++)
        if (q->events[i].kind == X86_EVENT_NMI)
            return;
    if (event_post(&m->vm.vcpu, &nmi))
        return; /* so many wait already: one more is lost in them, as on any PC
                 */
}

/* DMA of the board's. */
static void written(void *who, uint64_t gpa, size_t n)
{
    struct machine *m = who;

    if (m->vm.engine->wrote)
        m->vm.engine->wrote(&m->vm.vcpu, gpa, n);
}

static enum status equip_pc(struct x86_vmm *vmm, struct machine *m,
                            const struct pc_plan *plan, struct diag *diag)
{
    enum status st;

    m->pc = true;
    m->board.host =
        (struct board_host){.nmi = apic_nmi, .written = written, .who = m};
    st = x86_vm_give_board(&m->vm, &m->board, plan, &vmm->allocator);
    if (st) {
        *diag = vmm->allocator.diag;
        return st;
    }
    m->vm.host_time = vmm->engine->now != NULL;
    m->platform.watched = plan->watched;
    m->platform.own.wanted = plan->nested;
    st = vm_start(&m->vm);
    if (st)
        *diag = m->vm.diag;
    return st;
}

uint64_t x86_vmm_pc_pool(const struct pc_plan *plan)
{
    struct mem_slot slots[PC_SLOTS];
    unsigned n = pc_plan_slots(plan, slots);
    uint64_t bytes = 0;

    for (unsigned i = 0; i < n; i++)
        bytes += slots[i].size;
    return bytes;
}

struct vm *x86_vmm_add_pc(struct x86_vmm *vmm, const char *name,
                          const struct pc_plan *plan, struct diag *diag)
{
    struct machine *m;

    if (pc_plan_check(plan, diag))
        return NULL;
    m = vmm->count < X86_VMM_VMS_MAX ? new_machine(vmm, name, X86_MODE_REAL)
                                     : NULL;
    if (!m) {
        diag_set(diag, STATUS_NO_MEMORY, "no memory for %s", name);
        return NULL;
    }
    return equip_pc(vmm, m, plan, diag) ? give_up(vmm, m) : keep(vmm, m);
}

struct board *x86_vm_board(struct vm *vm)
{
    return machine(vm)->pc ? &machine(vm)->board : NULL;
}

struct x86_platform *x86_vm_platform(struct vm *vm)
{
    return &machine(vm)->platform;
}

struct vm **x86_vmm_vms(struct x86_vmm *vmm, size_t *count)
{
    *count = vmm->count;
    return vmm->vms;
}

const struct allocator *x86_vmm_allocator(const struct x86_vmm *vmm)
{
    return &vmm->allocator;
}

enum status x86_vm_load(struct vm *vm, const uint8_t *bytes, uint64_t len,
                        struct diag *diag)
{
    uint64_t at = x86_load_at(machine(vm)->mode);
    uint8_t *to = mem_at(&vm->mem, at, len);

    if (!to || !len)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "an image of %llu bytes has no place at %llx",
                        (unsigned long long)len, (unsigned long long)at);
    memcpy(to, bytes, (size_t)len);
    return STATUS_OK;
}

/* The file's first `cap` bytes; -1 with the reason in *diag. */
static long read_start(const char *path, uint8_t *bytes, size_t cap,
                       struct diag *diag)
{
    FILE *f = fopen(path, "rb");

    if (!f) {
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
        return -1;
    }
    size_t n = fread(bytes, 1, cap, f);
    bool failed = ferror(f);
    int error = errno;
    fclose(f);
    if (failed)
        diag_set(diag, STATUS_BAD_INPUT, "%s: %s", path, strerror(error));
    return failed ? -1 : (long)n;
}

enum status x86_vm_load_file(struct vm *vm, const char *path, struct diag *diag)
{
    const struct mem_slot *last = &vm->mem.slots[vm->mem.count - 1];
    size_t cap = (size_t)last->size + 1; /* one more tells of too much */
    uint8_t *bytes = malloc(cap);

    if (!bytes)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
    long n = read_start(path, bytes, cap, diag);
    enum status st = STATUS_BAD_INPUT;
    if (n >= 0 && x86_vm_load(vm, bytes, (uint64_t)n, diag))
        diag_set(diag, st, "%s: %s", path,
                 n ? "too large for this machine" : "the file is empty");
    else if (n >= 0)
        st = STATUS_OK;
    free(bytes);
    return st;
}

enum x86_mode x86_image_mode(const char *path, struct diag *diag)
{
    uint8_t sector[X86_BOOT_SECTOR];
    long n = read_start(path, sector, sizeof(sector), diag);

    return n < 0 ? X86_MODE_COUNT : x86_mode_of_image(sector, (uint64_t)n);
}

static struct uart *serial_port(struct machine *m)
{
    return m->pc ? &m->board.uart : &m->small.uart;
}

void x86_vm_on_output(struct vm *vm, x86_output_fn fn, void *to)
{
    struct machine *m = machine(vm);
    struct debug_port *debug = m->pc ? &m->board.debug : &m->small.debug;

    serial_port(m)->output = debug->output = fn;
    serial_port(m)->to = debug->to = to;
}

size_t x86_vm_input(struct vm *vm, const uint8_t *bytes, size_t n)
{
    struct machine *m = machine(vm);

    return m->pc ? board_input(&m->board, bytes, n)
                 : uart_input(&m->small.uart, bytes, n);
}

bool x86_vm_input_waiting(const struct vm *vm)
{
    const struct machine *m = machine(vm);

    return (m->pc ? board_unread(&m->board) : m->small.uart.count) > 0;
}

bool x86_vm_exit_code(const struct vm *vm, uint32_t *code)
{
    *code = machine(vm)->platform.exit_code;
    return machine(vm)->platform.stopped;
}

struct x86_state *x86_vm_state(struct vm *vm)
{
    if (vm->vcpu.backing)
        vm->engine->load_regs(&vm->vcpu, X86_ALL);
    return &machine(vm)->state;
}
