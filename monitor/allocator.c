#include "monitor/allocator.h"

void allocator_init(struct allocator *a, uint8_t *pool, uint64_t size,
                    uint64_t slice)
{
    *a = (struct allocator){
        .pool = pool, .size = size, .slice = slice, .fresh = size};
}

static uint64_t round_up(uint64_t n, uint64_t align)
{
    return (n + align - 1) / align * align;
}

static bool is_free(const struct allocator *a, uint64_t first, uint64_t size)
{
    for (unsigned i = 0; i < a->count; i++) {
        const struct grant *g = &a->grants[i];

        if (first < g->first + g->size && g->first < first + size)
            return false;
    }
    return true;
}

/* First fit: at the start of the pool or right behind a grant. */
static bool find_room(const struct allocator *a, uint64_t size, uint64_t align,
                      uint64_t *at)
{
    for (unsigned i = 0; i <= a->count; i++) {
        uint64_t end = i ? a->grants[i - 1].first + a->grants[i - 1].size : 0;
        uint64_t first = round_up(end, align);

        if (first <= a->size && size <= a->size - first &&
            is_free(a, first, size)) {
            *at = first;
            return true;
        }
    }
    return false;
}

static enum status take(struct allocator *a, unsigned owner, uint64_t size,
                        uint64_t align, uint64_t *at)
{
    if (!size || !align)
        return diag_set(&a->diag, STATUS_BAD_INPUT,
                        "a grant of %llu bytes aligned to %llu",
                        (unsigned long long)size, (unsigned long long)align);
    if (a->count == ALLOCATOR_GRANTS_MAX || !find_room(a, size, align, at))
        return diag_set(&a->diag, STATUS_NO_MEMORY,
                        "no room for %llu bytes in real storage of %llu",
                        (unsigned long long)size, (unsigned long long)a->size);
    a->grants[a->count++] = (struct grant){*at, size, owner};
    if (*at < a->fresh)
        __builtin_memset(a->pool + *at, 0, min_u64(size, a->fresh - *at));
    if (*at + size > a->fresh)
        a->fresh = *at + size;
    return STATUS_OK;
}

enum status allocator_keep(struct allocator *a, uint64_t size, uint64_t align,
                           uint64_t *at)
{
    return take(a, 0, size, align, at);
}

enum status allocator_give_storage(struct allocator *a, struct vm *vm,
                                   uint64_t gpa, uint64_t size, uint64_t align)
{
    uint64_t at;
    enum status st = take(a, vm->id, size, align, &at);

    if (st)
        return st;
    struct mem_slot slot = {.gpa = gpa, .size = size, .host = a->pool + at};
    st = mem_add(&vm->mem, &slot);
    if (st) {
        a->count--;
        diag_set(&a->diag, st, "storage at %llx overlaps or is too much",
                 (unsigned long long)gpa);
    }
    return st;
}

enum status allocator_give_device(struct allocator *a, struct vm *vm,
                                  const struct bus_device *d)
{
    enum status st = bus_add(&vm->bus, d);

    if (st)
        diag_set(&a->diag, st, "device %s at %llx: %s", d->name,
                 (unsigned long long)d->first,
                 st == STATUS_NO_MEMORY ? "the bus is full"
                                        : "the address is taken");
    return st;
}

void allocator_give_time(struct allocator *a, struct vm *vm)
{
    vm->slice = a->slice;
}

bool allocator_owns(const struct allocator *a, unsigned owner, uint64_t first,
                    uint64_t size)
{
    for (unsigned i = 0; i < a->count; i++) {
        const struct grant *g = &a->grants[i];

        if (g->owner == owner && first >= g->first &&
            first - g->first < g->size && size <= g->size - (first - g->first))
            return true;
    }
    return false;
}

void allocator_reclaim(struct allocator *a, struct vm *vm)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < a->count; i++)
        if (a->grants[i].owner != vm->id)
            a->grants[kept++] = a->grants[i];
    a->count = kept;
    vm->mem.count = 0;
    vm->bus.count = 0;
    vm->slice = 0;
}
