#include "cli/vmm_s370.h"

#include "s370/engine/engine_trap.h"
#include "s370/exit/guest_access.h"
#include "s370/exit/guest_reset.h"
#include "s370/exit/interpreter.h"
#include "s370/exit/isa.h"
#include "s370/machine/machine.h"
#include "s370/machine/timer.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, REAL_MAX = 16 << 20 };

/* Everything of one virtual machine; `vm` comes first, so that the public
 * pointer leads back here. */
struct guest {
    struct vm vm;
    struct s370_vcpu vcpu;
    struct trap_vm trap;
    interpreter_fn interpreters[S370_OP_COUNT];
};

struct s370_vmm {
    struct trap_machine machine; /* its storage is owned here */
    struct allocator allocator;
    struct clock no_clock; /* of the real CPU while it runs nobody */
    struct trace *trace;   /* borrowed */
    struct vm *vms[S370_VMM_VMS_MAX];
    size_t count;
};

static struct guest *guest_of(struct vm *vm)
{
    return (struct guest *)vm;
}

/* ---- The real machine ---- */

static bool make_storage(struct s370_storage *s, uint32_t bytes)
{
    s->size = bytes;
    s->bytes = calloc(bytes, 1);
    s->keys = calloc(bytes / S370_BLOCK, 1);
    return s->bytes && s->keys;
}

/* Real page 0, with the assigned locations, stays the monitor's. */
static enum status start_machine(struct s370_vmm *vmm)
{
    struct trap_machine *m = &vmm->machine;
    uint64_t page_zero;

    allocator_init(&vmm->allocator, m->storage.bytes, m->storage.size,
                   S370_VMM_SLICE);
    m->allocator = &vmm->allocator;
    clock_init(&vmm->no_clock);
    s370_cpu_init(&m->cpu, &m->storage, &vmm->no_clock, NULL);
    trap_machine_init(m);
    return allocator_keep(&vmm->allocator, PAGE, PAGE, &page_zero);
}

struct s370_vmm *s370_vmm_new(uint32_t bytes, struct trace *trace,
                              struct diag *diag)
{
    struct s370_vmm *vmm;

    if (!bytes)
        bytes = REAL_MAX;
    if (bytes % PAGE || bytes > REAL_MAX) {
        diag_set(diag, STATUS_BAD_INPUT,
                 "real storage of %u bytes: not a multiple of 4096 up to 16M",
                 bytes);
        return NULL;
    }
    vmm = calloc(1, sizeof(*vmm));
    if (!vmm || !make_storage(&vmm->machine.storage, bytes) ||
        start_machine(vmm)) {
        diag_set(diag, STATUS_NO_MEMORY,
                 "no memory for real storage of %u "
                 "bytes",
                 bytes);
        s370_vmm_free(vmm);
        return NULL;
    }
    vmm->trace = trace;
    return vmm;
}

static void free_guest(struct guest *g)
{
    if (g && g->vcpu.channels)
        s370_channels_free(g->vcpu.channels);
    free(g);
}

void s370_vmm_free(struct s370_vmm *vmm)
{
    if (!vmm)
        return;
    for (size_t i = 0; i < vmm->count; i++) {
        vm_end(vmm->vms[i]);
        free_guest(guest_of(vmm->vms[i]));
    }
    free(vmm->machine.storage.bytes);
    free(vmm->machine.storage.keys);
    free(vmm);
}

struct vm **s370_vmm_vms(struct s370_vmm *vmm, size_t *count)
{
    *count = vmm->count;
    return vmm->vms;
}

const struct allocator *s370_vmm_allocator(const struct s370_vmm *vmm)
{
    return &vmm->allocator;
}

const struct s370_storage *s370_vmm_storage(const struct s370_vmm *vmm)
{
    return &vmm->machine.storage;
}

/* ---- A virtual machine ---- */

static void name_parts(struct s370_vmm *vmm, struct guest *g, const char *name)
{
    struct vm *vm = &g->vm;

    vm->id = (unsigned)vmm->count + 1;
    vm->name = name;
    vm->isa = &s370_isa;
    vm->engine = &engine_trap;
    vm->handlers = s370_handlers;
    vm->interpreters = g->interpreters;
    vm->trace = vmm->trace;
    vm->arch = &g->vcpu;
    vm->backing = &g->trap;
    vm->patience = S370_PATIENCE;
    vm->vcpu.vm = vm;
    vm->vcpu.arch = &g->vcpu;
    g->trap.machine = &vmm->machine;
    memcpy(g->interpreters, s370_interpreters, sizeof(g->interpreters));
    clock_init(&vm->clock);
}

/* The guest's view: its slot of the real storage, with the real keys. */
static void view_storage(const struct s370_vmm *vmm, struct guest *g)
{
    const struct s370_storage *real = &vmm->machine.storage;
    const struct mem_slot *slot = &g->vm.mem.slots[0];
    size_t at = (size_t)(slot->host - real->bytes);

    g->vcpu.storage =
        (struct s370_storage){.bytes = slot->host,
                              .keys = real->keys + at / S370_BLOCK,
                              .size = (uint32_t)slot->size};
    memset(g->vcpu.storage.keys, 0, slot->size / S370_BLOCK);
}

static uint64_t attempted(const void *vm)
{
    return ((const struct vm *)vm)->vcpu.insns;
}

static enum status give(struct s370_vmm *vmm, struct guest *g, uint32_t bytes)
{
    struct allocator *a = &vmm->allocator;
    enum status st = allocator_give_storage(a, &g->vm, 0, bytes, PAGE);

    if (st)
        return st;
    allocator_give_time(a, &g->vm);
    view_storage(vmm, g);
    g->vcpu.channels =
        s370_channels_new(&g->vcpu.storage, &g->vm.clock, vmm->trace, g->vm.id);
    if (!g->vcpu.channels)
        return diag_set(&a->diag, STATUS_NO_MEMORY, "no memory for channels");
    s370_channels_counter(g->vcpu.channels, attempted, &g->vm);
    g->vcpu.cpuid = S370_CPUID;
    guest_reset(&g->vm.vcpu, true);
    st = vm_start(&g->vm);
    return st ? diag_set(&a->diag, st, "%s", g->vm.diag.text) : st;
}

struct vm *s370_vmm_add(struct s370_vmm *vmm, const char *name, uint32_t bytes,
                        struct diag *diag)
{
    struct guest *g;
    enum status st = STATUS_NO_MEMORY;

    if (vmm->count == S370_VMM_VMS_MAX || !bytes || bytes % PAGE) {
        diag_set(diag, STATUS_BAD_INPUT,
                 "%s: %u bytes of storage are not whole pages, or there are "
                 "%u machines already",
                 name, bytes, (unsigned)S370_VMM_VMS_MAX);
        return NULL;
    }
    g = calloc(1, sizeof(*g));
    if (g) {
        name_parts(vmm, g, name);
        st = give(vmm, g, bytes);
    }
    if (st) {
        diag_set(diag, st, "%s: %s", name,
                 g ? vmm->allocator.diag.text : "no memory");
        if (g)
            allocator_reclaim(&vmm->allocator, &g->vm);
        free_guest(g);
        return NULL;
    }
    vmm->vms[vmm->count++] = &g->vm;
    return &g->vm;
}

struct s370_channels *s370_vm_channels(struct vm *vm)
{
    return guest_of(vm)->vcpu.channels;
}

void s370_vm_interpreter(struct vm *vm, enum s370_op op, interpreter_fn fn)
{
    guest_of(vm)->interpreters[op] = fn;
}

/* ---- The operator ---- */

static void ready(struct vm *vm)
{
    struct s370_vcpu *g = &guest_of(vm)->vcpu;

    g->stopped = false;
    vm->vcpu.waiting = guest_waits(g);
    vm->state = VM_READY;
    vm->storm = vm->skips = 0;
    vm->diag.text[0] = '\0';
}

enum status s370_vm_ipl(struct vm *vm, uint16_t address, struct diag *diag)
{
    struct s370_vcpu *g = &guest_of(vm)->vcpu;

    s370_channels_reset(g->channels);
    guest_reset(&vm->vcpu, true);
    s370_channels_prefix(g->channels, 0);
    s370_channels_multiplex(g->channels, false);
    vm->vcpu.pending.count = 0;
    ready(vm);
    enum status st = s370_channels_ipl(g->channels, address, diag);
    if (st)
        return st;
    s370_interval_restart(&g->timers, vm->clock.now);
    s370_psw_load(&g->psw, g->storage.bytes);
    vm->vcpu.waiting = guest_waits(g);
    return STATUS_OK;
}

enum status s370_vm_load(struct vm *vm, uint32_t at, const uint8_t *bytes,
                         uint32_t len, struct diag *diag)
{
    uint8_t *to = mem_at(&vm->mem, at, len);

    if (!to)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: %u bytes at %06X do not fit in its storage",
                        vm->name, len, at);
    memcpy(to, bytes, len);
    return STATUS_OK;
}

void s370_vm_restart(struct vm *vm)
{
    ready(vm);
    guest_of(vm)->vcpu.restart_pending = true;
}

void s370_vm_interrupt_key(struct vm *vm)
{
    guest_of(vm)->vcpu.timers.key_pending = true;
}

void s370_vm_interval_switch(struct vm *vm, bool on)
{
    struct s370_timers *t = &guest_of(vm)->vcpu.timers;

    if (on && !t->interval_enabled)
        s370_interval_restart(t, vm->clock.now);
    t->interval_enabled = on;
}

/* ---- State ---- */

enum status s370_vm_state(struct vm *vm, struct s370_guest_state *s)
{
    const struct s370_vcpu *g = &guest_of(vm)->vcpu;
    enum status st = vm->engine->load_regs(&vm->vcpu, S370_GROUPS_ALL);

    *s = (struct s370_guest_state){.psw = g->psw,
                                   .prefix = g->prefix,
                                   .timers = g->timers,
                                   .ticks = vm->clock.now,
                                   .storage = g->storage};
    memcpy(s->gr, g->gr, sizeof(s->gr));
    memcpy(s->fpr, g->fpr, sizeof(s->fpr));
    memcpy(s->cr, g->cr, sizeof(s->cr));
    return st;
}

enum status s370_vm_set_state(struct vm *vm, const struct s370_guest_state *s)
{
    struct s370_vcpu *g = &guest_of(vm)->vcpu;

    if (s->prefix % PAGE || s->prefix >= g->storage.size)
        return diag_set(&vm->diag, STATUS_BAD_INPUT,
                        "prefix %06X is not a page of the storage", s->prefix);
    g->psw = s->psw;
    g->prefix = s->prefix;
    g->timers = s->timers;
    memcpy(g->gr, s->gr, sizeof(g->gr));
    memcpy(g->fpr, s->fpr, sizeof(g->fpr));
    memcpy(g->cr, s->cr, sizeof(g->cr));
    g->purge = true;
    s370_channels_prefix(g->channels, g->prefix);
    s370_channels_multiplex(g->channels, g->cr[0] & S370_CR0_BLOCK_MULTIPLEX);
    vm->vcpu.waiting = guest_waits(g);
    return vm->engine->store_regs(&vm->vcpu, S370_GROUPS_ALL);
}
