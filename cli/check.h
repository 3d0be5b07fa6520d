/* What `trapline check` was told, and the parts that its commands share. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli/check_construct.h"
#include "cli/command.h"
#include "cli/options.h"
#include "popek-goldberg/report/report.h"
#include "popek-goldberg/solver/certify.h"

struct check_options {
    bool all, json, html, dot, compare, probe, host, one_witness;
    const char *reading, *instruction, *solver, *efficiency;
    const char *technique, *repair;
    uint64_t witness;
    enum pg_reading r; /* what `reading` says */
    struct check_construct construct;
};

extern const struct command_usage check_usage;

/* Parse the machine of this name: a file where it has a dot or a slash, or none
 * is built in.  *isa is the caller's, for isa_free.  Otherwise an exit code,
 * and the complaint has been made. */
int check_open(const char *name, struct isa **isa);
/* The same for another command, which makes the complaint. */
int check_open_for(const struct command_usage *u, const char *name,
                   struct isa **isa);

/* Open and judge; undone by check_forget. */
struct check_subject {
    struct isa *isa;
    struct pg_judgement j;
};
int check_judge(const char *name, struct check_subject *out);
void check_forget(struct check_subject *s);

/* CODE_DONE when all premises hold and no claim differs. */
int check_verdict(const struct pg_judgement *j, enum pg_reading r);

/* Is there a solver of this command?  CODE_DONE, or an exit code after the
 * complaint. */
int check_solver(const char *solver);

/* Ask the solver of this command about an encoding or mnemonic (NULL: all), for
 * at most total_ms.  CODE_DONE; CODE_NEGATIVE when something differs or is
 * open; or another exit code, with the complaint made and nothing in *out,
 * which is otherwise for pg_certificates_free. */
int check_certify(const struct pg_judgement *j, const char *solver,
                  const char *instruction, unsigned total_ms,
                  struct pg_certificates *out);

/* As JSON, or as a page: all in one piece, certificates included. */
int check_print_whole(const struct pg_judgement *j,
                      const struct check_options *o, unsigned total_ms);

/* The commands; argv[1] on are machines.  Each returns an exit code. */
int check_one(char **argv, const struct check_options *o);
int check_compare(char **argv, const struct check_options *o);
int check_technique(char **argv, const struct check_options *o);
int check_repair(char **argv, const struct check_options *o);
int check_all(char **argv, const struct check_options *o);
int check_probe(char **argv, const struct check_options *o);
int check_host(char **argv, const struct check_options *o);

#endif
