/* Bare machines for tests, with programs in hexadecimal. */
#ifndef TESTS_S370_BARE_H
#define TESTS_S370_BARE_H

#include "s370/machine/machine.h"

enum { BARE_SIZE = 65536, BARE_MANY = 1000000 /* instructions */ };

/* "200: 41100005 4610": hexadecimal digits from absolute addresses on; blanks
 * between them say nothing. */
void bare_put(struct s370_machine *m, const char *program);

/* A machine with a program, whose restart key has been pressed.  New PSWs that
 * the program does not set are disabled waits that name themselves: E58
 * external, E60 SVC, E68 program, E70 machine check, E78 I/O. */
struct s370_machine *bare_machine(const char *program);

uint32_t bare_word(const struct s370_machine *m, uint32_t a);
uint64_t bare_doubleword(const struct s370_machine *m, uint32_t a);

/* Run to the disabled wait at ia; how many instructions it took.  Anything
 * else fails the test. */
uint64_t bare_run_to(struct s370_machine *m, uint32_t ia);

#endif
