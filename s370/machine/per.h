/* Program-event recording: who tells it what (GA22-7000, "Program-Event
 * Recording").
 *
 * Called only while the PSW has EC mode and the PER mask on.  Each compares
 * with CR9 to CR11 and adds event bits to cpu->per_code, as location 150 has
 * them.  The driver clears per_code and sets per_address to the instruction's
 * own address before the instruction, drops all but the fetching event when
 * the instruction was suppressed or nullified, and reports what is left. */
#ifndef S370_MACHINE_PER_H
#define S370_MACHINE_PER_H

#include "s370/machine/cpu.h"

/* The events, as bits of location 150 and of CR9 bits 0-7. */
enum {
    S370_PER_BRANCH = 0x80,
    S370_PER_FETCH = 0x40,
    S370_PER_STORE = 0x20,
    S370_PER_REGISTER = 0x10
};

/* An instruction was fetched from cpu->per_address. */
void s370_per_fetch(struct s370_cpu *cpu);
/* And EXECUTE fetched its target from a. */
void s370_per_fetch_target(struct s370_cpu *cpu, uint32_t a);
/* A branch was taken; psw.ia is where to. */
void s370_per_branch(struct s370_cpu *cpu);
/* len bytes at logical address a were stored (the range may wrap). */
void s370_per_store(struct s370_cpu *cpu, uint32_t a, uint32_t len);
/* The instruction (of an EX: the target) is done; the general registers were
 * `before`. */
void s370_per_registers(struct s370_cpu *cpu, const struct s370_decoded *d,
                        const uint32_t before[16]);

/* Have a..a+len-1 an address in common with the storage area of CR10 and CR11?
 * Both wrap at 16M. */
bool s370_per_covers(const uint32_t cr[16], uint32_t a, uint32_t len);

static inline bool s370_per_on(const struct s370_cpu *cpu)
{
    return cpu->psw.ec && (cpu->psw.system_mask & S370_MASK_PER);
}

#endif
