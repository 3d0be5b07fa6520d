/* The options that describe a PC, of every subcommand that runs one: rows of
 * pc_options.def, which it includes in its table. */
#ifndef CLI_PC_OPTIONS_H
#define CLI_PC_OPTIONS_H

#include "cli/options.h"
#include "cli/session.h"

#include <stdio.h>

enum pc_user { PC_RUN = 1, PC_TRACE = 2, PC_COMPARE = 4, PC_EVERY = 7 };

struct pc_options {
    const char *kernel, *initrd, *append, *drives[2], *floppies[2];
    const char *bios, *mem, *vendor, *assist, *irqchip;
    bool pages, apic, hides_monitor, watched, nested, reboots, test_device;
};

/* The first option that is given and not for this subcommand, with its
 * dashes; NULL: none. */
const char *pc_options_astray(const struct pc_options *o, enum pc_user user);

/* Those that are given and are for this subcommand, as one would type them to a
 * shell: "--kernel 'my kernel' --apic". */
void pc_options_write(FILE *to, const struct pc_options *o, enum pc_user user);

/* Into the plan.  -1 to go on, or the exit code after a complaint. */
int pc_options_choose(const struct pc_options *o,
                      const struct command_usage *usage,
                      struct session_plan *plan);

/* The operands argv[1..argc-1], or the kernel or firmware in place of one,
 * which then is kept in only[0]. */
int pc_options_guests(const struct pc_options *o,
                      const struct command_usage *usage,
                      struct session_plan *plan, int argc, char **argv,
                      char *only[1]);

#endif
