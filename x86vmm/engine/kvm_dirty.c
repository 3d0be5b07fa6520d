/* Which pages were written: KVM's log of what the guest wrote, and what devices
 * wrote behind its back. */
#include "x86vmm/engine/kvm_host.h"

#if KVM_HOST
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { PAGE = 4096, BITS = 64 };

/* Words of a slot's bitmap, a bit each page: KVM writes whole words. */
static size_t words(const struct mem_slot *slot)
{
    return (size_t)((slot->size / PAGE + BITS - 1) / BITS);
}

void kvm_dirty_end(struct vm *vm)
{
    struct kvm_guest *g = vm->backing;

    for (unsigned i = 0; i < g->slots; i++) {
        free(g->by_devices[i]);
        g->by_devices[i] = NULL;
    }
    free(g->log);
    g->log = NULL;
}

/* Slots are KVM's in the order of vm->mem. */
static enum status begin(struct vm *vm)
{
    struct kvm_guest *g = vm->backing;
    size_t most = 0;

    for (unsigned i = 0; i < g->slots; i++) {
        size_t n = words(&vm->mem.slots[i]);

        most = n > most ? n : most;
        g->by_devices[i] = calloc(n, sizeof(uint64_t));
        if (!g->by_devices[i])
            break;
    }
    g->log = calloc(most, sizeof(uint64_t));
    if (!g->log || !g->by_devices[g->slots - 1]) {
        kvm_dirty_end(vm);
        return diag_set(&vm->diag, STATUS_NO_MEMORY, "no memory for a log");
    }
    for (unsigned i = 0; i < g->slots; i++) {
        enum status st =
            kvm_set_slot(vm, i, &vm->mem.slots[i], KVM_MEM_LOG_DIRTY_PAGES);

        if (st)
            return st;
    }
    return STATUS_OK;
}

/* KVM forgets what it tells: the log begins anew. */
static enum status count_slot(struct vm *vm, unsigned i, uint64_t *pages)
{
    struct kvm_guest *g = vm->backing;
    struct kvm_dirty_log log = {.slot = i, .dirty_bitmap = g->log};
    size_t n = words(&vm->mem.slots[i]);

    memset(g->log, 0, n * sizeof(uint64_t));
    if (ioctl(g->vm, KVM_GET_DIRTY_LOG, &log) < 0)
        return kvm_failed(vm, "KVM_GET_DIRTY_LOG");
    for (size_t k = 0; k < n; k++)
        *pages +=
            (unsigned)__builtin_popcountll(g->log[k] | g->by_devices[i][k]);
    memset(g->by_devices[i], 0, n * sizeof(uint64_t));
    return STATUS_OK;
}

enum status kvm_written(struct vm *vm, uint64_t *pages)
{
    const struct kvm_guest *g = vm->backing;

    *pages = 0;
    if (!g->log)
        return begin(vm);
    for (unsigned i = 0; i < g->slots; i++) {
        enum status st = count_slot(vm, i, pages);

        if (st)
            return st;
    }
    return STATUS_OK;
}

void kvm_wrote(struct vcpu *v, uint64_t gpa, size_t n)
{
    const struct vm *vm = v->vm;
    const struct kvm_guest *g = vm->backing;

    for (unsigned i = 0; g->log && n && i < g->slots; i++) {
        const struct mem_slot *slot = &vm->mem.slots[i];
        uint64_t first = (gpa - slot->gpa) / PAGE;

        if (gpa < slot->gpa || gpa - slot->gpa >= slot->size)
            continue;
        for (uint64_t page = first; page <= (gpa + n - 1 - slot->gpa) / PAGE &&
                                    page < slot->size / PAGE;
             page++)
            g->by_devices[i][page / BITS] |= UINT64_C(1) << page % BITS;
    }
}
#else
typedef int kvm_dirty_is_not_on_this_host;
#endif
