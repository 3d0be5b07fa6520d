/* A guest made of bytes, on a bare machine and under the monitor. */
#ifndef TESTS_S370_PAIR_H
#define TESTS_S370_PAIR_H

#include "cli/lockstep.h"

/* What both machines begin with. */
struct s370_image {
    uint32_t size;  /* of the guest's storage */
    uint8_t *bytes; /* size of them, owned */
    uint8_t *keys;  /* size / 2K of them, owned */
    struct s370_psw psw;
    uint32_t gr[16];
    uint64_t fpr[4];
    uint32_t cr[16];
    uint32_t prefix;
    uint64_t comparator, cpu_timer, interval_next;

    /* An interpreter to be replaced under the monitor; NULL: none. */
    interpreter_fn mutant;
    enum s370_op mutant_op;
};

/* Storage of zeros, the processor as after a reset. */
void s370_image_init(struct s370_image *im, uint32_t size);
void s370_image_fini(struct s370_image *im);
void s370_image_word(struct s370_image *im, uint32_t at, uint32_t word);
/* A PSW from its two words, as listings print it. */
void s370_image_psw(struct s370_image *im, uint32_t at, uint32_t first,
                    uint32_t second);

/* Put the image into a machine, and what stands for devices (below). */
void s370_image_to_bare(const struct s370_image *im, struct s370_machine *m);
void s370_image_to_vm(const struct s370_image *im, struct vm *vm);

/* The makers of a lockstep run over an image. */
struct lockstep_guest s370_image_guest(struct s370_image *im);

/* A device for tests at 010 (byte multiplexor), 120 and 121 (block
 * multiplexor): reads give bytes that count up, writes are swallowed, command
 * 0B is immediate, 03 a no-operation, 13 refused with unit check; every
 * operation takes a few ticks. */
void s370_test_devices(struct s370_channels *ch);

#endif
