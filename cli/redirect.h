/* Output of System/370 devices, sent elsewhere. */
#ifndef CLI_REDIRECT_H
#define CLI_REDIRECT_H

#include "s370/dev/config.h"

/* Let printers and punches write to, and tapes that may be written be copies
 * in, this folder, as ADDRESS.out and ADDRESS.aws.  A tape that is missing is
 * missing there too. */
MUST_USE enum status redirect_outputs(struct s370_config *c, const char *folder,
                                      struct diag *diag);

#endif
