/* A processor put straight into one of its modes, with the tables that the
 * mode needs in guest storage: what firmware and a loader would have done. */
#ifndef X86VMM_MACHINE_MODE_H
#define X86VMM_MACHINE_MODE_H

#include "base/mem.h"
#include "x86vmm/machine/state.h"

enum x86_mode {
#define MODE(name, word, title) X86_MODE_##name,
#include "x86vmm/machine/mode.def"
#undef MODE
    X86_MODE_COUNT
};

/* "real", "long" ...; and a title. */
const char *x86_mode_name(enum x86_mode m);
const char *x86_mode_title(enum x86_mode m);
/* X86_MODE_COUNT when there is no such word. */
enum x86_mode x86_mode_parse(const char *word);

/* Where a mode's tables lie in guest storage: below X86_MODE_TABLES_END. */
enum {
    X86_MODE_GDT = 0x500,
    X86_MODE_PAGES = 0x1000, /* page directory, or PML4, PDPT, directory */
    X86_MODE_TABLES_END = 0x4000,
    X86_MODE_STACK = 0x7C00 /* initial SP, ESP, RSP: grows down */
};

/* Reset the state, then enter the mode at `entry`: flat segments, interrupts
 * off, CPL 0.  PAGED maps the first 4 GiB to itself in 4-MiB pages, LONG the
 * first GiB in 2-MiB pages.  Real mode: entry is linear, below 64 KiB, CS 0.
 * STATUS_BAD_INPUT when the storage lacks the tables' place. */
MUST_USE enum status x86_mode_enter(enum x86_mode m, struct x86_state *s,
                                    const struct mem_map *mem, uint64_t entry);

/* ---- Images without headers ---- */

enum {
    X86_BOOT_SECTOR = 512,
    X86_LOAD_REAL = 0x7C00,  /* as a PC loads a boot sector */
    X86_LOAD_FLAT = 0x100000 /* all other modes */
};

/* The mode that one is made for: a boot sector's signature, 55 AA at offset
 * 510, says real mode, however long the image is; all else is for long mode. */
enum x86_mode x86_mode_of_image(const uint8_t *bytes, uint64_t size);

/* Where it is put, and begins. */
static inline uint64_t x86_load_at(enum x86_mode m)
{
    return m == X86_MODE_REAL ? X86_LOAD_REAL : X86_LOAD_FLAT;
}

#endif
