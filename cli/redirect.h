/* Output of System/370 devices, sent elsewhere. */
#ifndef CLI_REDIRECT_H
#define CLI_REDIRECT_H

#include "s370/dev/config.h"

/* Let printers and punches write to, and tapes that may be written be copies
 * in, this folder, as ADDRESS.out and ADDRESS.aws.  A tape that is missing is
 * missing there too. */
MUST_USE enum status redirect_outputs(struct s370_config *c, const char *folder,
                                      struct diag *diag);

/* For a second guest of one configuration: its printers and punches write
 * beside the first one's, multi2.multi.prt for the guest multi2. */
MUST_USE enum status redirect_namesake(struct s370_config *c, const char *name,
                                       struct diag *diag);

/* Complain of a tape that may be written and whose file is missing, before
 * other devices have emptied their files. */
MUST_USE enum status redirect_missing_tape(const struct s370_config *c,
                                           struct diag *diag);

/* The files that printers and punches have written something into, as
 * "multi.prt, cards.out"; returns the length, 0 for none. */
size_t redirect_written(const struct s370_config *c, char *out, size_t cap);

#endif
