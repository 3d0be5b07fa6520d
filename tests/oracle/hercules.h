/* A Hercules of its own in a temporary directory, spoken to through its pipe
 * for external user interfaces. */
#ifndef TESTS_ORACLE_HERCULES_H
#define TESTS_ORACLE_HERCULES_H

#include "base/diag.h"

#include <sys/types.h>

struct hercules {
    pid_t pid;
    int to, from; /* pipes; -1 */
    char directory[64];
    char text[1 << 16]; /* what it said last */
    size_t len;
    double took; /* seconds of CPU time from restart to the wait, last time */
};

/* Is there one on this machine? */
bool hercules_installed(void);

/* Start it with `megabytes` of storage.  On failure nothing is left behind. */
MUST_USE enum status hercules_start(struct hercules *h, unsigned megabytes,
                                    struct diag *d);
/* The same with more devices, a line each as Hercules reads them, whose files
 * are in `folder`, which stays. */
MUST_USE enum status hercules_start_with(struct hercules *h, unsigned megabytes,
                                         const char *devices,
                                         const char *folder, struct diag *d);
/* A line at its console (a / first: at the guest's), and whether words were
 * said since the last one. */
MUST_USE enum status hercules_command(struct hercules *h, const char *words,
                                      struct diag *d);
bool hercules_says(struct hercules *h, const char *words, unsigned seconds);
/* CPU time of all its threads. */
double hercules_cpu_seconds(const struct hercules *h);

/* Load the image at 0, restart, wait for a wait state, and fetch `size` bytes
 * of storage.  *wait_address: of the PSW with which it waits.  An error when
 * it is not there within `seconds`. */
MUST_USE enum status hercules_run(struct hercules *h, const uint8_t *image,
                                  uint8_t *result, size_t size,
                                  unsigned seconds, uint32_t *wait_address,
                                  struct diag *d);
/* End it, whatever it does, and remove its directory. */
void hercules_end(struct hercules *h);

#endif
