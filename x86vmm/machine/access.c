#include "x86vmm/machine/access.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/code.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/paging.h"

#include <string.h>

/* ---- One page ---- */

/* X86_TLB_USER, X86_TLB_IMPLICIT or 0. */
static unsigned kind_of(struct x86_cpu *cpu, enum x86_in_name name)
{
    if (name == X86_AS_CPL)
        return cpu->user;
    if (UNLIKELY(cpu->opened))
        x86_tlb_close(cpu);
    return X86_TLB_IMPLICIT;
}

/* What is no storage is the bus's, in naturally aligned pieces of 8 bytes and
 * less, as a processor splits them. */
static void access_bus(struct x86_cpu *cpu, uint64_t gpa, size_t size,
                       bool write, uint8_t *bytes)
{
    while (size) {
        unsigned n = 8;
        uint64_t v = 0;

        while (n > size || gpa % n)
            n /= 2;
        for (unsigned i = 0; write && i < n; i++)
            v |= (uint64_t)bytes[i] << (8 * i);
        bus_access(cpu->world.bus, BUS_MMIO, gpa, n, write, &v);
        for (unsigned i = 0; !write && i < n; i++)
            bytes[i] = (uint8_t)(v >> (8 * i));
        gpa += n;
        bytes += n;
        size -= n;
    }
}

/* A page that is only partly storage, or none. */
static void access_odd(struct x86_cpu *cpu, uint64_t gpa, size_t size,
                       bool write, uint8_t *bytes)
{
    const struct mem_slot *slot = mem_find(cpu->world.mem, gpa, size);

    if (!slot)
        access_bus(cpu, gpa, size, write, bytes);
    else if (!write)
        memcpy(bytes, slot->host + (gpa - slot->gpa), size);
    else if (!(slot->flags & MEM_READ_ONLY))
        memcpy(slot->host + (gpa - slot->gpa), bytes, size);
}

/* Code may lie there.  Once it does not any more the short way is open. */
static void see_store(struct x86_cpu *cpu, struct x86_tlb_entry *t,
                      uint64_t gpa, size_t size)
{
    x86_code_written(cpu, gpa, size);
    if (t->host && !x86_code_cached(cpu->code, gpa) &&
        !(mem_find(cpu->world.mem, gpa, 1)->flags & MEM_READ_ONLY))
        t->tag[1] &= ~(uint64_t)X86_TLB_SLOW;
}

/* ---- Several stores ---- */

void x86_stores_begin(struct x86_cpu *cpu)
{
    if (cpu->guest && !cpu->stores.depth++)
        cpu->stores.count = 0;
}

int x86_stores_end(struct x86_cpu *cpu, int code)
{
    if (cpu->stores.depth && !--cpu->stores.depth && code == X86_FAULT &&
        cpu->fault.exits)
        x86_stores_undo(cpu);
    return code;
}

void x86_stores_undo(struct x86_cpu *cpu)
{
    struct x86_stores *s = &cpu->stores;

    while (s->count) {
        s->count--;
        memcpy(s->was[s->count].host, s->was[s->count].bytes,
               s->was[s->count].size);
        x86_code_written(cpu, s->was[s->count].gpa, s->was[s->count].size);
    }
}

/* These bytes of storage are about to be overwritten. */
static void keep(struct x86_cpu *cpu, uint64_t gpa, size_t size)
{
    struct x86_stores *s = &cpu->stores;

    for (size_t at = 0, n; at < size; at += n) {
        n = min_u64(size - at, sizeof(s->was->bytes));
        uint8_t *host = mem_at(cpu->world.mem, gpa + at, n);

        if (!host || s->count == X86_STORES) /* none has so many */
            continue;
        s->was[s->count].gpa = gpa + at;
        s->was[s->count].host = host;
        s->was[s->count].size = (uint8_t)n;
        memcpy(s->was[s->count++].bytes, host, n);
    }
}

static void touch(struct x86_cpu *cpu, struct x86_tlb_entry *t, uint64_t linear,
                  size_t size, enum x86_access access, uint8_t *bytes)
{
    uint64_t offset = linear % X86_PAGE, gpa = x86_tlb_gpa(t) + offset;
    bool write = access == X86_WRITE;

    if (write && UNLIKELY(cpu->stores.depth))
        keep(cpu, gpa, size);
    if (t->tag[x86_tlb_way(access)] & X86_TLB_SLOW) {
        access_odd(cpu, gpa, size, write, bytes);
        if (write)
            see_store(cpu, t, gpa, size);
    } else if (write) {
        memcpy(t->host + offset, bytes, size);
    } else {
        memcpy(bytes, t->host + offset, size);
    }
}

/* ---- By linear address ---- */

/* Width of a linear address: it wraps there. */
static uint64_t wrap(const struct x86_cpu *cpu, uint64_t linear)
{
    return cpu->state.efer & X86_EFER_LMA ? linear : (uint32_t)linear;
}

/* Both pages are looked up before either is touched. */
static int access_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                         enum x86_access access, unsigned kind, uint8_t *bytes)
{
    struct x86_tlb_entry *t;
    size_t first;

    linear = wrap(cpu, linear);
    first = X86_PAGE - linear % X86_PAGE;
    TRY(x86_tlb_find(cpu, linear, access, kind, &t));
    if (LIKELY(size <= first)) {
        touch(cpu, t, linear, size, access, bytes);
        x86_debug_access(cpu, linear, size, access == X86_WRITE);
        return 0;
    }
    uint64_t next = wrap(cpu, linear + first);
    TRY(x86_tlb_find(cpu, next, access, kind, &t));
    if (size - first > X86_PAGE)
        return x86_raise_gp(cpu); /* no instruction does */
    TRY(x86_tlb_find(cpu, linear, access, kind, &t));
    touch(cpu, t, linear, first, access, bytes);
    TRY(x86_tlb_find(cpu, next, access, kind, &t));
    touch(cpu, t, next, size - first, access, bytes + first);
    x86_debug_access(cpu, linear, size, access == X86_WRITE);
    return 0;
}

int x86_read_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                    enum x86_in_name name, void *to)
{
    return access_linear(cpu, linear, size, X86_READ, kind_of(cpu, name), to);
}

int x86_write_linear(struct x86_cpu *cpu, uint64_t linear, size_t size,
                     enum x86_in_name name, const void *from)
{
    uint8_t bytes[512]; /* the longest operand: FXSAVE's */

    while (size > sizeof(bytes)) {
        TRY(x86_write_linear(cpu, linear, sizeof(bytes), name, from));
        from = (const uint8_t *)from + sizeof(bytes);
        linear += sizeof(bytes);
        size -= sizeof(bytes);
    }
    memcpy(bytes, from, size);
    return access_linear(cpu, linear, size, X86_WRITE, kind_of(cpu, name),
                         bytes);
}

int x86_walk(struct x86_cpu *cpu, uint64_t linear, enum x86_access access,
             enum x86_in_name name, uint64_t *gpa)
{
    struct x86_tlb_entry *t;

    linear = wrap(cpu, linear);
    TRY(x86_tlb_find(cpu, linear, access, kind_of(cpu, name), &t));
    *gpa = x86_tlb_gpa(t) + linear % X86_PAGE;
    return 0;
}

/* ---- Segments ---- */

static int raise_segment(struct x86_cpu *cpu, enum x86_seg seg)
{
    return x86_raise_error(cpu, seg == X86_SS ? X86_EXC_SS : X86_EXC_GP, 0);
}

static bool is_canonical(uint64_t linear)
{
    return (uint64_t)((int64_t)(linear << 16) >> 16) == linear;
}

/* Offsets from..to in a segment (SDM vol. 3, "Limit Checking"). */
static bool in_limit(const struct x86_segment *s, uint64_t from, uint64_t to)
{
    uint64_t top = s->attr & X86_ATTR_DB ? 0xFFFFFFFF : 0xFFFF;

    if (x86_segment_down(s))
        return from > s->limit && to <= top;
    return to <= s->limit;
}

static int linear_of(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                     size_t size, enum x86_access access, uint64_t *linear)
{
    const struct x86_segment *s = &cpu->state.seg[seg];

    if (cpu->code_bits == 64) {
        *linear = offset;
        if (seg == X86_FS || seg == X86_GS)
            *linear += s->base;
        if (UNLIKELY(!is_canonical(*linear) ||
                     !is_canonical(*linear + size - 1)))
            return raise_segment(cpu, seg);
        return 0;
    }
    if (UNLIKELY(!x86_segment_allows(cpu, s, access) ||
                 !in_limit(s, offset, offset + size - 1)))
        return raise_segment(cpu, seg);
    *linear = (uint32_t)(s->base + offset);
    return 0;
}

/* SDM vol. 3, "Alignment Checking". */
bool x86_aligns(const struct x86_cpu *cpu)
{
    enum { CR0_AM = 0x40000 };

    return cpu->cpl == 3 && (cpu->state.cr0 & CR0_AM) &&
           (cpu->state.rflags & X86_FLAG_AC);
}

static int check_alignment(struct x86_cpu *cpu, uint64_t linear, size_t size)
{
    if (LIKELY(!x86_aligns(cpu)))
        return 0;
    uint64_t to = size == 6 ? 4 : size == 10 ? 8 : size; /* table 6-7 */
    if (to <= 8 && !(to & (to - 1)) && (linear & (to - 1)))
        return x86_raise_error(cpu, X86_EXC_AC, 0);
    return 0;
}

static int access_segment(struct x86_cpu *cpu, enum x86_seg seg,
                          uint64_t offset, size_t size, enum x86_access access,
                          uint8_t *bytes)
{
    uint64_t linear;

    TRY(linear_of(cpu, seg, offset, size, access, &linear));
    TRY(check_alignment(cpu, linear, size));
    return access_linear(cpu, linear, size, access, cpu->user, bytes);
}

int x86_read_slow(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                  unsigned size, uint64_t *value)
{
    uint8_t bytes[8] = {0};

    TRY(access_segment(cpu, seg, offset, size, X86_READ, bytes));
    *value = load_le64(bytes);
    return 0;
}

int x86_write_slow(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                   unsigned size, uint64_t value)
{
    uint8_t bytes[8];

    store_le64(bytes, value);
    return access_segment(cpu, seg, offset, size, X86_WRITE, bytes);
}

int x86_read_bytes(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                   size_t size, void *to)
{
    return access_segment(cpu, seg, offset, size, X86_READ, to);
}

int x86_write_bytes(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                    size_t size, const void *from)
{
    uint64_t linear;

    TRY(linear_of(cpu, seg, offset, size, X86_WRITE, &linear));
    TRY(check_alignment(cpu, linear, size));
    return x86_write_linear(cpu, linear, size, X86_AS_CPL, from);
}

int x86_check_write(struct x86_cpu *cpu, enum x86_seg seg, uint64_t offset,
                    size_t size)
{
    struct x86_tlb_entry *t;
    uint64_t linear, next;

    TRY(linear_of(cpu, seg, offset, size, X86_WRITE, &linear));
    TRY(check_alignment(cpu, linear, size));
    linear = wrap(cpu, linear);
    next = wrap(cpu, (linear | (X86_PAGE - 1)) + 1);
    TRY(x86_tlb_find(cpu, linear, X86_WRITE, cpu->user, &t));
    if (size <= X86_PAGE - linear % X86_PAGE)
        return 0;
    return x86_tlb_find(cpu, next, X86_WRITE, cpu->user, &t);
}
