/* An image on three machines: ours, Bochs, QEMU. */
#ifndef TESTS_X86_ORACLE_MACHINE_H
#define TESTS_X86_ORACLE_MACHINE_H

#include "base/types.h"
#include "tests/x86_oracle/case.h"

enum ox_machine { OX_OURS, OX_BOCHS, OX_QEMU, OX_MACHINES };

/* What a machine has said of one case: 'C' with two checksums, 'R' with all
 * that was recorded, 'T' for a shutdown, with either of what was recorded
 * before it, 0: nothing (it never ended). */
struct ox_result {
    char kind;
    bool crashed; /* kind 0, since the peer itself ends with a signal */
    uint32_t count;
    uint32_t *word; /* owned by the run */
    /* Of a run in full: pairs of an address, ascending, and what is there, for
     * the words of the arena that the case has changed; likewise. */
    uint32_t *stored;
    uint32_t pairs;
    /* Ours, in full: the first exceptions and INTs of the case, those too
     * that no recorder has written down; OX_RAISED_WORDS each; likewise.
     * QEMU's, where it was asked (ox_listen): but not in real-address mode. */
    uint32_t *raised;
    uint32_t raises;
    bool written; /* code is to be read as the case has left it */
};

/* The words of one of `raised`; RECORD is the head of who would record it, IP
 * is what is saved. */
enum ox_raised {
    OX_RAISED_NUMBER, /* in the case */
    OX_RAISED_RECORD,
    OX_RAISED_VECTOR,
    OX_RAISED_ERROR,
    OX_RAISED_CS,
    OX_RAISED_IP, /* two words, the lower half first; CR2 and GPRs, too */
    OX_RAISED_FLAGS = OX_RAISED_IP + 2,
    OX_RAISED_CR0,
    OX_RAISED_CR2,
    OX_RAISED_CR4 = OX_RAISED_CR2 + 2,
    OX_RAISED_DR6,
    OX_RAISED_STACK, /* the linear address of the stack's top */
    OX_RAISED_BASE = OX_RAISED_STACK + 2, /* CS's */
    OX_RAISED_GPR = OX_RAISED_BASE + 2,
    OX_RAISED_WORDS = OX_RAISED_GPR + 2 * 16
};
enum { OX_RAISES_MAX = 32 }; /* of a case */

struct ox_words {
    struct ox_words *next;
    uint32_t word[];
};

struct ox_run {
    bool absent; /* that machine is not on this host */
    uint32_t cases;
    struct ox_result *of;
    struct ox_words *words;
    char *text; /* the last that it wrote */
};

/* ---- image.c ---- */
struct ox_image {
    uint8_t *bytes; /* IMAGE_SIZE */
    uint8_t *plain; /* ARENA_SIZE: the template */
    size_t end;     /* of the cases, from AT_IMAGE */
    uint32_t cases;
};
/* From what was assembled of image.S.  False, with a message: it is not there.
 */
bool ox_image_open(struct ox_image *i, const char *path);
void ox_image_close(struct ox_image *i);
/* No cases. */
void ox_image_clear(struct ox_image *i, bool verbose);
/* False: it is full. */
bool ox_image_add(struct ox_image *i, const struct ox_case *c);
bool ox_image_write(const struct ox_image *i, const char *path);

/* ---- ours.c, peer.c ---- All machines that are here and not to be skipped, at
 * once; `folder` is for files of the run.  Each run is freed by ox_run_free. */
void ox_run_all(struct ox_run runs[OX_MACHINES], struct ox_image *i,
                const char *folder, const bool skip[OX_MACHINES]);
void ox_run_free(struct ox_run *r);
/* Text that ends with NUL, owned by the caller. */
char *ox_run_ours(const struct ox_image *i);
/* QEMU once more, with one case: `of->raised` and `of->raises`; the first is to
 * be freed by the caller. */
void ox_listen(struct ox_image *i, const char *folder, struct ox_result *of);
const char *ox_machine_name(enum ox_machine m);
bool ox_machine_present(enum ox_machine m);

/* ---- heard.c ---- The same, of QEMU's log. */
void ox_read_heard(const char *log, struct ox_result *of);

#endif
