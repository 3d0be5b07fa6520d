/* The person's terminal, lent to a guest's serial port: every key goes to the
 * guest and every byte of the guest to the screen. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/types.h"

enum { TERMINAL_LEAVE = 0x1D }; /* Ctrl-]: ends the run */

/* Are stdin and stdout one? */
bool terminal_is_there(void);

/* No echo, no lines, no signals by keys.  False: it could not be. */
bool terminal_raw(void);

/* As it was; may be called at any time, from a signal handler too. */
void terminal_restore(void);

/* Keys that were pressed, at most n, waiting so many milliseconds for the
 * first; 0 when there are none, -1 when the terminal has gone. */
long terminal_keys(uint8_t *keys, size_t n, int milliseconds);

/* By TERM: can its cursor be moved, and its screen be cleared? */
bool terminal_has_cursor(void);

#endif
