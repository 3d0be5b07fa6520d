/* trapline check --host: the processor that the program runs on. */
#ifndef CLI_CHECK_HOST_H
#define CLI_CHECK_HOST_H

/* Probe it and print what was seen; returns an exit_code: CODE_NEGATIVE where
 * it differs from what the literature claims. */
int check_host(void);

#endif
