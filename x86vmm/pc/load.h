/* What a boot loader does: a kernel into storage, the processor at its door.
 *
 * Files are hostile: every offset and size in them is checked against the file
 * and against storage.  A complaint names the file and the offset in it. */
#ifndef X86VMM_PC_LOAD_H
#define X86VMM_PC_LOAD_H

#include "base/diag.h"
#include "base/mem.h"
#include "x86vmm/machine/state.h"

/* A file in the host's memory; borrowed. */
struct load_file {
    const char *name;
    const uint8_t *bytes; /* NULL: none */
    size_t size;
};

enum load_kind {
    LOAD_REAL,      /* a boot sector, with its mark: at 7C00h in real mode */
    LOAD_FLAT,      /* anything else: at 1 MiB in 64-bit mode */
    LOAD_MULTIBOOT, /* Multiboot 1: 32-bit protected mode, no paging */
    LOAD_PVH,       /* an ELF with Xen's note PHYS32_ENTRY: the same */
    LOAD_LINUX,     /* a bzImage, by Linux's 64-bit or 32-bit protocol */
    LOAD_KINDS
};

struct load_plan {
    struct load_file kernel;
    struct load_file initrd; /* the first module, too */
    const char *append;      /* the command line; NULL: "" */
    const struct mem_map *mem;
    uint64_t storage; /* bytes: from 0, but for a PC's hole */
};

/* What kind of kernel is it? */
enum load_kind load_kind(const struct load_file *f);
/* "Multiboot kernel" */
const char *load_kind_title(enum load_kind kind);

/* Fill storage and *state.  STATUS_BAD_INPUT, with *diag, when the file is
 * damaged or has no room. */
MUST_USE enum status load_kernel(const struct load_plan *plan,
                                 struct x86_state *state, struct diag *diag);

/* ---- For the loaders' files ---- */

/* Below PC_LOW_END, what all of them use of storage. */
enum {
    LOAD_GDT = 0x1000,
    LOAD_INFO = 0x2000,    /* start info, multiboot info; 4 KiB */
    LOAD_COMMAND = 0x3000, /* the command line */
    LOAD_COMMAND_MAX = 0x1000,
    LOAD_PARAMS = 0x4000, /* Linux's boot_params; 4 KiB */
    LOAD_PAGES = 0x5000,  /* PML4, PDPT, four directories */
    LOAD_LOW_END = 0xB000,
    /* Kernels that start without page tables of ours may be down to here. */
    LOAD_LOW_END_32 = LOAD_PARAMS
};

/* A range of storage, as the kernel is told of it: types of E820. */
struct load_range {
    uint64_t first, size;
    uint32_t type; /* 1 RAM, 2 reserved */
};
enum { LOAD_RANGES = 4 };
void load_ranges(const struct load_plan *plan,
                 struct load_range ranges[LOAD_RANGES]);

/* Is offset..offset+n-1 in the file?  Complains if not: `what` is there. */
MUST_USE enum status load_check(const struct load_file *f, uint64_t offset,
                                uint64_t n, const char *what,
                                struct diag *diag);

/* Copy a part of a file, checked, to storage; zeros up to `room` bytes. */
MUST_USE enum status load_copy(const struct load_plan *plan,
                               const struct load_file *f, uint64_t offset,
                               uint64_t n, uint64_t gpa, uint64_t room,
                               struct diag *diag);

/* The command line, zero-terminated, to LOAD_COMMAND. */
MUST_USE enum status load_command(const struct load_plan *plan,
                                  struct diag *diag);

/* The initrd as high as it may be below `limit`, above `floor`; *gpa is 0 when
 * there is none. */
MUST_USE enum status load_initrd(const struct load_plan *plan, uint64_t floor,
                                 uint64_t limit, uint64_t *gpa,
                                 struct diag *diag);

/* Flat segments of 4 GiB, interrupts off, CPL 0; no paging, or the first 4 GiB
 * mapped to themselves in 64-bit mode.  Linux wants its own selectors. */
enum load_entry { LOAD_ENTRY_32, LOAD_ENTRY_LINUX_32, LOAD_ENTRY_LINUX_64 };
MUST_USE enum status load_enter(const struct load_plan *plan,
                                struct x86_state *s, enum load_entry how,
                                uint64_t entry, struct diag *diag);

/* An ELF's loadable segments, 32 or 64 bits, by their physical addresses. */
struct load_elf {
    uint64_t entry;      /* linear */
    uint64_t first, end; /* of what was loaded */
    uint64_t pvh;        /* entry by Xen's note, or 0 */
};
/* Look, without loading, at headers and notes. */
MUST_USE enum status load_elf_look(const struct load_file *f,
                                   struct load_elf *elf, struct diag *diag);
MUST_USE enum status load_elf(const struct load_plan *plan,
                              struct load_elf *elf, struct diag *diag);

MUST_USE enum status load_multiboot(const struct load_plan *plan,
                                    struct x86_state *s, struct diag *diag);
MUST_USE enum status load_pvh(const struct load_plan *plan, struct x86_state *s,
                              struct diag *diag);
MUST_USE enum status load_linux(const struct load_plan *plan,
                                struct x86_state *s, struct diag *diag);

/* Where the Multiboot header is, or -1; whether it is a bzImage. */
int64_t load_multiboot_find(const struct load_file *f);
bool load_linux_is(const struct load_file *f);

#endif
