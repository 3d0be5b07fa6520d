/* A VMCS from the log of the monitor whose entry has failed: dump_log.def has
 * the form, dump.h says more. */
#ifndef X86VMM_VTX_DUMP_LOG_H
#define X86VMM_VTX_DUMP_LOG_H

#include "x86vmm/machine/settings.h"
#include "x86vmm/vtx/vmcs.h"

/* Is there the heading of such a VMCS in it? */
bool log_is_in(struct span t);

/* The last one's fields into v, which has all others; how many were found. */
unsigned log_read(struct span t, struct vmcs *v);

#endif
