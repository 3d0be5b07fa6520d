/* Real guests on the bare PC: images of others, from a folder that is no part
 * of the project, with an operator at the serial port. */
#ifndef TESTS_X86_GUEST_H
#define TESTS_X86_GUEST_H

#include "x86vmm/pc/load.h"
#include "x86vmm/pc/pc.h"

enum { GUEST_TEXT = 1 << 18, GUEST_DISKS = 3 };

struct x86_guest {
    struct pc *pc;
    char text[GUEST_TEXT]; /* what it has printed, ended by 0 */
    size_t length;
    size_t seen; /* of it, by x86_guest_wait */
    struct guest_disk {
        uint8_t *bytes; /* a copy: writes are forgotten */
        size_t size;
    } disks[GUEST_DISKS];
};

/* What to start: files of the folder. */
struct x86_guest_plan {
    const char *kernel; /* or firmware, if that is what it is */
    bool firmware;
    const char *module; /* text of the first module, or NULL */
    const char *append;
    const char *disks[GUEST_DISKS]; /* [2] is a floppy disk */
    bool apic, test_device;
};

/* Where a file of the folder is: TRAPLINE_X86_GUESTS, or else what
 * tests/guests.sh makes, BUILD/guests. */
void x86_guest_path(const char *name, char *path, size_t size);

/* The guest, or NULL: the test has said that it skips, because the folder has
 * no such files. */
struct x86_guest *x86_guest_new(const struct x86_guest_plan *plan);
void x86_guest_free(struct x86_guest *g);

/* Run until it has printed this, behind what was waited for last; n
 * instructions at most.  False, too, when it ends before. */
bool x86_guest_wait(struct x86_guest *g, const char *text, uint64_t n);

/* A line, and Enter. */
void x86_guest_type(struct x86_guest *g, const char *line);

#endif
