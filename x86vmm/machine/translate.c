#include "x86vmm/machine/translate.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "x86vmm/machine/insn.h"

#include <string.h>

enum { PAGE = 4096 };

uint64_t x86_linear(const struct x86_state *s, enum x86_seg seg,
                    uint64_t offset)
{
    if (x86_code_bits(s) == 64)
        return offset + (seg == X86_FS || seg == X86_GS ? s->seg[seg].base : 0);
    return (uint32_t)(s->seg[seg].base + offset);
}

/* The shape of a paging mode (Intel SDM vol. 3, "Paging"). */
struct paging {
    unsigned levels, entry_size, index_bits;
    uint64_t root;
    uint64_t frame; /* address bits of an entry */
};

static struct paging paging_of(const struct x86_state *s)
{
    const uint64_t frame52 = BITS_MASK(52) & ~BITS_MASK(12);

    if (s->efer & X86_EFER_LMA)
        return (struct paging){s->cr4 & X86_CR4_LA57 ? 5 : 4, 8, 9,
                               s->cr3 & frame52, frame52};
    if (s->cr4 & X86_CR4_PAE) /* the root is 32 bytes, not a page */
        return (struct paging){3, 8, 9, s->cr3 & 0xFFFFFFE0, frame52};
    return (struct paging){2, 4, 10, s->cr3 & 0xFFFFF000, 0xFFFFF000};
}

/* A large page's frame.  32-bit paging keeps bits 39-32 in bits 20-13. */
static uint64_t large_frame(const struct paging *p, uint64_t entry,
                            unsigned shift)
{
    uint64_t frame = entry & p->frame & ~BITS_MASK(shift);

    if (p->entry_size == 4)
        frame |= intel64(entry, 20, 13) << 32;
    return frame;
}

static bool may_be_large(const struct x86_state *s, const struct paging *p,
                         unsigned level)
{
    if (p->levels == 2)
        return level == 2 && (s->cr4 & X86_CR4_PSE);
    return level == 2 || (level == 3 && p->levels > 3);
}

bool x86_translate(const struct x86_state *s, const struct mem_map *mem,
                   uint64_t linear, uint64_t *gpa)
{
    if (!(s->cr0 & X86_CR0_PG)) {
        *gpa = linear;
        return true;
    }
    struct paging p = paging_of(s);
    uint64_t table = p.root;
    for (unsigned level = p.levels; level > 0; level--) {
        unsigned shift = 12 + (level - 1) * p.index_bits;
        uint64_t index = linear >> shift & BITS_MASK(p.index_bits);

        if (p.levels == 3 && level == 3)
            index &= 3;
        const uint8_t *at =
            mem_at(mem, table + index * p.entry_size, p.entry_size);
        if (!at)
            return false;
        uint64_t entry = p.entry_size == 4 ? load_le32(at) : load_le64(at);
        if (!(entry & 1))
            return false;
        if (level == 1 || ((entry & 0x80) && may_be_large(s, &p, level))) {
            table =
                level == 1 ? entry & p.frame : large_frame(&p, entry, shift);
            *gpa = table | (linear & BITS_MASK(shift));
            return true;
        }
        table = entry & p.frame;
    }
    return false;
}

/* As much of [linear, linear + n) as is in one page. */
static size_t fetch_in_page(const struct x86_state *s,
                            const struct mem_map *mem, uint64_t linear,
                            uint8_t *bytes, size_t n)
{
    size_t in_page = PAGE - (size_t)(linear & (PAGE - 1));
    uint64_t gpa;
    const uint8_t *at;

    if (!x86_translate(s, mem, linear, &gpa))
        return 0;
    n = n < in_page ? n : in_page;
    while (n && !(at = mem_at(mem, gpa, n)))
        n--;
    if (n)
        memcpy(bytes, at, n);
    return n;
}

size_t x86_fetch(const struct x86_state *s, const struct mem_map *mem,
                 int64_t delta, uint8_t *bytes, size_t n)
{
    size_t done = 0, piece;

    while (done < n) {
        uint64_t offset = s->rip + (uint64_t)delta + done;

        piece = fetch_in_page(s, mem, x86_linear(s, X86_CS, offset),
                              bytes + done, n - done);
        if (!piece)
            break;
        done += piece;
    }
    return done;
}

/* ---- Strings ---- */

/* Bytes from `at` on, upwards or downwards, until code that may be fetched from
 * `code` on, in the same page. */
static uint64_t until_code(uint64_t at, uint64_t code, bool down)
{
    if (at / PAGE != code / PAGE)
        return PAGE;
    if (at >= code + X86_INSN_MAX)
        return down ? at - (code + X86_INSN_MAX) : PAGE;
    if (at + sizeof(uint64_t) > code)
        return 0;
    return down ? PAGE : code - at;
}

/* The same for the code of the instruction that is executed. */
static uint64_t until_own_code(const struct x86_state *s,
                               const struct mem_map *mem, uint64_t linear,
                               bool down)
{
    uint64_t code = x86_linear(s, X86_CS, s->rip), last, at, gpa, room;

    last = (code + X86_INSN_MAX - 1) / PAGE * PAGE;
    if (!x86_translate(s, mem, linear, &at) ||
        !x86_translate(s, mem, code, &gpa))
        return 0;
    room = until_code(at, gpa, down);
    if (last > code && x86_translate(s, mem, last, &gpa))
        room = min_u64(room, until_code(at, gpa, down));
    return room;
}

/* The first and the last offset in ES. */
static void string_bounds(const struct x86_state *s, uint64_t *low,
                          uint64_t *high)
{
    enum { DOWN = 4, CODE = 8 }; /* of the type: expand-down data */
    const struct x86_segment *es = &s->seg[X86_ES];

    if (x86_code_bits(s) == 64)
        return;
    if ((es->attr & (DOWN | CODE)) != DOWN) {
        *high = min_u64(*high, es->limit);
        return;
    }
    *low = (uint64_t)es->limit + 1;
    *high = min_u64(*high, es->attr & X86_ATTR_DB ? UINT32_MAX : UINT16_MAX);
}

uint64_t x86_string_room(const struct x86_state *s, const struct mem_map *mem,
                         uint64_t mask, unsigned size)
{
    uint64_t at = s->gpr[X86_RDI] & mask, low = 0, high = mask;
    uint64_t linear = x86_linear(s, X86_ES, at), in_page = linear % PAGE, room;
    bool down = s->rflags & X86_FLAG_DF;

    string_bounds(s, &low, &high);
    if (at < low || at > high || in_page + size > PAGE)
        return 1;
    room = down ? min_u64(in_page, at - low)
                : min_u64(PAGE - in_page - 1, high - at) + 1;
    room = min_u64(room, until_own_code(s, mem, linear, down));
    return room < size ? 1 : room / size;
}
