#include "tests/x86_hostile.h"

#include "base/bytes.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/debug.h"
#include "x86vmm/machine/paging.h"
#include "x86vmm/machine/segment.h"

#include <stdlib.h>
#include <string.h>

static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Beginnings of instructions that are the system's own; what follows in
 * storage is their operands. */
static const struct opening {
    uint8_t size, bytes[3];
} openings[] = {
    {1, {0xEA}},       {1, {0x9A}},       {1, {0xCB}},
    {1, {0xCF}},       {1, {0xCA}},       {1, {0xCD}},
    {1, {0xCC}},       {1, {0xCE}},       {2, {0x48, 0xCF}},
    {2, {0x48, 0xCB}}, {2, {0xFF, 0x28}}, {2, {0xFF, 0x18}},
    {1, {0x8E}},       {1, {0x8C}},       {1, {0x1F}},
    {1, {0x17}},       {1, {0xC4}},       {1, {0xC5}},
    {2, {0x0F, 0x00}}, {2, {0x0F, 0x01}}, {2, {0x0F, 0x02}},
    {2, {0x0F, 0x03}}, {1, {0x63}},       {2, {0x0F, 0x20}},
    {2, {0x0F, 0x21}}, {2, {0x0F, 0x22}}, {2, {0x0F, 0x23}},
    {2, {0x0F, 0x30}}, {2, {0x0F, 0x32}}, {2, {0x0F, 0x05}},
    {2, {0x0F, 0x07}}, {2, {0x0F, 0x34}}, {2, {0x0F, 0x35}},
    {1, {0xFA}},       {1, {0xFB}},       {1, {0x9C}},
    {1, {0x9D}},       {1, {0xEC}},       {1, {0xEE}},
    {2, {0xF3, 0x6D}}, {2, {0xF3, 0x6E}}, {1, {0x62}},
    {2, {0x0F, 0xB2}}, {2, {0x0F, 0xA1}}, {3, {0x0F, 0x01, 0xF8}},
    {2, {0x0F, 0x0B}}, {1, {0x90}},       {1, {0x50}},
    {1, {0x58}},       {1, {0x8B}},       {1, {0x89}},
    {2, {0x0F, 0xA2}}, {2, {0x0F, 0x31}}, {2, {0x0F, 0x08}},
    {1, {0xE4}},       {1, {0xE6}},       {1, {0x6C}},
    {2, {0xF3, 0x6C}}, {2, {0xF3, 0xA4}}, {2, {0xF3, 0xAA}},
};

/* Those of monitors: VT-x, AMD-V. */
static const struct opening of_monitors[] = {
    {3, {0x0F, 0x01, 0xC1}}, {3, {0x0F, 0x01, 0xC2}}, {3, {0x0F, 0x01, 0xC3}},
    {3, {0x0F, 0x01, 0xC4}}, {2, {0x0F, 0x78}},       {2, {0x0F, 0x79}},
    {2, {0x0F, 0xC7}},       {3, {0x66, 0x0F, 0xC7}}, {3, {0xF3, 0x0F, 0xC7}},
    {3, {0x66, 0x0F, 0x38}}, {3, {0x0F, 0x01, 0xD8}}, {3, {0x0F, 0x01, 0xD9}},
    {3, {0x0F, 0x01, 0xDA}}, {3, {0x0F, 0x01, 0xDB}}, {3, {0x0F, 0x01, 0xDC}},
    {3, {0x0F, 0x01, 0xDD}}, {3, {0x0F, 0x01, 0xDE}}, {3, {0x0F, 0x01, 0xDF}},
};

/* In programs with paging: the wide strings at ports, another port, and what
 * drops translations. */
static const struct opening of_paging[] = {
    {2, {0xF3, 0x6F}},
    {3, {0xF3, 0x66, 0x6F}},
    {2, {0xF3, 0x6D}},
    {3, {0xF3, 0x66, 0x6D}},
    {1, {0x6F}},
    {1, {0xBA}},
    {3, {0x0F, 0x01, 0x38}},
    {3, {0x0F, 0x01, 0x3D}},
    {3, {0x0F, 0x20, 0xD8}},
    {3, {0x0F, 0x22, 0xD8}},
    {3, {0x0F, 0x22, 0xE0}},
    {2, {0xFE, 0x05}},
};

/* With HOSTILE_EDGES: strings, and what stores in more than one piece. */
static const struct opening of_edges[] = {
    {2, {0xF3, 0x6C}},
    {2, {0xF3, 0x6D}},
    {2, {0xF3, 0x6E}},
    {2, {0xF3, 0x6F}},
    {2, {0xF3, 0xA4}},
    {2, {0xF3, 0xA5}},
    {2, {0xF3, 0xAA}},
    {2, {0xF3, 0xAB}},
    {1, {0x60}},
    {1, {0x61}},
    {1, {0xC8}},
    {1, {0xFD}},
    {1, {0xFC}},
    {2, {0x0F, 0xC7}},
    {3, {0x0F, 0xAE, 0x07}},
    {3, {0x0F, 0xAE, 0x0F}},
    {1, {0x87}},
    {2, {0xFF, 0x37}},
    {2, {0x8F, 0x07}},
    {3, {0x0F, 0x11, 0x07}},
    {2, {0xDD, 0x37}},
    {2, {0xDD, 0x27}},
    {3, {0x67, 0xF3, 0x6C}},
    {3, {0x66, 0xF3, 0x6D}},
};

static uint64_t edge(uint64_t *seed)
{
    static const uint32_t ends[] = {
        0,         0x10000,        BARE_STORAGE,   BARE_STORAGE - 0x1000,
        BARE_CODE, X86_MODE_PAGES, BARE_CODE + 64, 0x9000};

    return ends[next(seed) % ARRAY_LEN(ends)] + next(seed) % 32 - UINT64_C(16);
}

static void write_code(struct x86_bare *m, bool pages, bool edges,
                       uint64_t *seed)
{
    uint8_t *to = m->storage + BARE_CODE, *end = to + 0x400;

    unsigned kind = next(seed) % 8; /* 0: any bytes */

    while (to < end) {
        const struct opening *o = &openings[next(seed) % ARRAY_LEN(openings)];

        if (next(seed) % 8 == 0)
            o = &of_monitors[next(seed) % ARRAY_LEN(of_monitors)];
        if (pages && next(seed) % 8 == 0)
            o = &of_paging[next(seed) % ARRAY_LEN(of_paging)];
        if (edges && next(seed) % 3 == 0)
            o = &of_edges[next(seed) % ARRAY_LEN(of_edges)];
        memcpy(to, o->bytes, o->size);
        to += kind ? o->size : 0;
        for (unsigned n = next(seed) % 5; n; n--)
            *to++ = (uint8_t)next(seed);
    }
}

/* Random bits into the tables: few, so that much of them goes on working. */
static void spoil(struct x86_bare *m, uint64_t *seed)
{
    static const struct {
        uint32_t at, size;
    } places[] = {{SYS_GDT, SEL_LIMIT}, {SYS_IDT, 0x400},
                  {SYS_TSS, 0x80},      {SYS_TSS2, 0x70},
                  {SYS_TSS16, 0x30},    {X86_MODE_PAGES, 0x3000}};

    for (unsigned n = next(seed) % 24; n; n--) {
        unsigned which = next(seed) % ARRAY_LEN(places);
        uint32_t at = places[which].at + next(seed) % places[which].size;

        m->storage[at] ^= (uint8_t)(1u << next(seed) % 8);
    }
    for (unsigned i = 0; i < 0x400; i += 2) /* selectors on the stacks */
        store_le16(m->storage + SYS_USER - 0x100 + i,
                   (uint16_t)(next(seed) % SEL_LIMIT));
}

/* Most go on behind what faulted: take away an error code, add 3 to the saved
 * RIP, IRET. */
static void make_handlers(struct x86_bare *m, enum sys_mode mode,
                          uint64_t *seed)
{
    static const char on_16[] = "\x5D\x83\xC5\x03\x55\xCF";
    static const char on_32[] = "\x83\xC4\x04\x83\x04\x24\x03\xCF";
    static const char on_64[] = "\x48\x83\xC4\x08\x48\x83\x04\x24\x03\x48\xCF";
    bool wide = mode == SYS_LONG || mode == SYS_COMPAT;
    const char *code = mode == SYS_REAL ? on_16 : wide ? on_64 : on_32;
    size_t size = mode == SYS_REAL ? 6 : wide ? 11 : 8;

    for (unsigned v = 0; v < 256; v++) {
        bool error = x86_exception_has_error(v) && mode != SYS_REAL;
        size_t skip = error || mode == SYS_REAL ? 0 : wide ? 4 : 3;

        if (next(seed) % 16)
            memcpy(m->storage + SYS_HANDLERS + 16 * v, code + skip,
                   size - skip);
    }
}

/* ---- Paging ---- one level more than the mode needs: storage in pages, the
 * rest in large ones; of PAE paging all four pointers lead to one directory. */

enum { ALL = 7 /* present, writable, the user's */, LARGE = 0x80 };
enum { DIRECTORY = X86_MODE_PAGES + 0x1000, TABLE = X86_MODE_PAGES + 0x2000 };

static void page_32(struct x86_bare *m)
{
    uint8_t *directory = m->storage + X86_MODE_PAGES;

    for (unsigned i = 0; i < 1024; i++) {
        store_le32(directory + 4 * i, i << 22 | LARGE | ALL);
        store_le32(m->storage + TABLE + 4 * i, i << 12 | ALL);
    }
    store_le32(directory, TABLE | ALL);
    m->cpu.state.cr4 |= X86_CR4_PSE;
}

static void page_pae(struct x86_bare *m)
{
    uint8_t *directory = m->storage + DIRECTORY;

    for (unsigned i = 0; i < 4; i++)
        store_le64(m->storage + X86_MODE_PAGES + 8 * i, DIRECTORY | 1);
    for (unsigned i = 0; i < 512; i++) {
        store_le64(directory + 8 * i, i << 21 | LARGE | ALL);
        store_le64(m->storage + TABLE + 8 * i, i << 12 | ALL);
    }
    store_le64(directory, TABLE | ALL);
    m->cpu.state.cr4 |= X86_CR4_PAE;
}

static void begin_paging(struct x86_bare *m, enum hostile_paging paging)
{
    if (paging == HOSTILE_UNPAGED)
        return;
    memset(m->storage + X86_MODE_PAGES, 0, 0x3000);
    if (paging == HOSTILE_PAGED)
        page_32(m);
    else
        page_pae(m);
    m->cpu.state.cr3 = X86_MODE_PAGES;
}

/* Behind spoil(): pointers that the processor would not have loaded are made
 * anew.  Now and then with what else there is of paging. */
static void turn_on(struct x86_bare *m, enum hostile_paging paging,
                    uint64_t *seed)
{
    struct x86_state *s = &m->cpu.state;

    if (paging == HOSTILE_UNPAGED)
        return;
    s->cr0 |= X86_CR0_PG | (next(seed) % 2 ? X86_CR0_WP : 0);
    s->cr4 |= next(seed) % 2 ? X86_CR4_PGE : 0;
    s->cr4 |= next(seed) % 4 ? 0 : next(seed) % 2 ? X86_CR4_SMEP : X86_CR4_SMAP;
    if (paging == HOSTILE_PAE && next(seed) % 2)
        s->efer |= X86_EFER_NXE;
    for (unsigned i = 0; paging == HOSTILE_PAE && i < 4; i++)
        if (x86_load_pdptes(&m->cpu, s->cr3))
            store_le64(m->storage + X86_MODE_PAGES + 8 * i, DIRECTORY | 1);
    if (paging == HOSTILE_PAE && x86_load_pdptes(&m->cpu, s->cr3))
        abort();
}

/* ---- The program ---- */

static enum sys_mode mode_of(uint64_t *seed, unsigned *cpl)
{
    enum sys_mode mode = next(seed) % SYS_MODE_COUNT;

    *cpl = mode == SYS_V86 ? 3 : next(seed) % 2 ? 3 : 0;
    return mode;
}

enum sys_mode hostile_mode(uint64_t seed, unsigned *cpl)
{
    return mode_of(&seed, cpl);
}

bool hostile_chooses_paging(uint64_t seed)
{
    unsigned cpl;
    enum sys_mode mode = hostile_mode(seed, &cpl);

    return mode == SYS_PROTECTED || mode == SYS_V86;
}

struct x86_bare *hostile_new(uint64_t seed, enum hostile_paging paging,
                             unsigned without)
{
    unsigned cpl;
    bool edges = seed & HOSTILE_EDGES;
    enum sys_mode mode = mode_of(&seed, &cpl);
    struct x86_bare *m = sys_new(mode, mode == SYS_REAL ? 0 : cpl);
    struct x86_state *s = &m->cpu.state;

    if (mode != SYS_PROTECTED && mode != SYS_V86)
        paging = HOSTILE_UNPAGED;
    write_code(m, paging != HOSTILE_UNPAGED, edges, &seed);
    begin_paging(m, paging);
    make_handlers(m, mode, &seed);
    spoil(m, &seed);
    for (unsigned i = 0; i < X86_GPR_COUNT; i++)
        if (i != X86_RSP)
            s->gpr[i] = next(&seed) % 2 ? next(&seed) % SEL_LIMIT : next(&seed);
    for (unsigned i = 0; edges && i < X86_GPR_COUNT; i++)
        if (i != X86_RSP && i != X86_RCX && next(&seed) % 2)
            s->gpr[i] = edge(&seed);
    s->rflags |= next(&seed) & (X86_FLAG_IOPL | X86_FLAG_TF | X86_FLAG_NT |
                                X86_FLAG_AC | 0xCD5);
    if (next(&seed) % 4 == 0) {
        m->cpu.dr[0] = BARE_CODE + next(&seed) % 0x400;
        m->cpu.dr[1] = next(&seed) % BARE_STORAGE;
        m->cpu.dr[7] = (next(&seed) & 0xFFFF23FF) | X86_DR7_ONE;
    }
    if (without & HOSTILE_NO_BREAKPOINTS)
        m->cpu.dr[7] = X86_DR7_ONE;
    if (next(&seed) % 4 == 0)
        s->cr0 |= 0x40000; /* AM */
    turn_on(m, paging, &seed);
    x86_mode_changed(&m->cpu);
    return m;
}
