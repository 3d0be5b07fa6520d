/* What interpreters do to a guest's storage and registers, and how they end.
 *
 * An access is checked as one of the guest's own instructions would be: by the
 * virtual PSW key against the keys of the guest's frames, and by the size of
 * the guest's storage.  Functions return 0 or a program-interruption code,
 * like the bodies of the bare machine.  Events that the guest's program-event
 * recording watches for are noted on the way. */
#ifndef S370_EXIT_GUEST_ACCESS_H
#define S370_EXIT_GUEST_ACCESS_H

#include "s370/vcpu.h"

/* Read len (1..256) bytes at a logical address. */
MUST_USE int guest_load(struct s370_vcpu *g, uint32_t a, unsigned len,
                        uint8_t *to);
/* Write them: with a code, nothing was stored. */
MUST_USE int guest_store(struct s370_vcpu *g, uint32_t a, unsigned len,
                         const uint8_t *from);

/* Operands that must be on a boundary of their own size. */
MUST_USE int guest_load32(struct s370_vcpu *g, uint32_t a, uint32_t *v);
MUST_USE int guest_load64(struct s370_vcpu *g, uint32_t a, uint64_t *v);
MUST_USE int guest_store16(struct s370_vcpu *g, uint32_t a, uint16_t v);
MUST_USE int guest_store32(struct s370_vcpu *g, uint32_t a, uint32_t v);
MUST_USE int guest_store64(struct s370_vcpu *g, uint32_t a, uint64_t v);

/* 0 when the address is a multiple of `unit` bytes, else specification. */
MUST_USE int guest_aligned(uint32_t a, unsigned unit);

/* The key of the 2K block at a guest real address; the real key of the frame
 * is the virtual key. */
MUST_USE int guest_key(struct s370_vcpu *g, uint32_t real, uint8_t **key);

/* Put a value in a general register. */
void guest_set_gr(struct s370_vcpu *g, unsigned r, uint32_t v);

/* How most interpreters end: code 0, the instruction is done; otherwise the
 * guest gets the program interruption. */
enum verdict guest_end(struct vcpu *v, struct vm_exit *x, int code);

/* The guest is in the wait state; an invalid PSW is not waited with. */
bool guest_waits(const struct s370_vcpu *g);

/* How those end that have replaced the PSW: go on, or wait, as it says. */
enum verdict guest_go_on(struct vcpu *v, struct vm_exit *x);

#endif
