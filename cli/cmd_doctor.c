/* trapline doctor: what this machine can do, in words. */
#include "cli/command.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option_row rows[] = {{.kind = OPTION_END}};

static const struct command_usage usage = {
    .synopsis = "doctor",
    .about = "Says which engines can run guests on this machine and, where one "
             "cannot,\nwhat is missing; and which other programs the tests "
             "would find.",
    .rows = rows,
};

/* Programs that some of the tests use beside us. */
static const struct {
    const char *program, *package, *what_for;
} helpers[] = {
    {"hercules", "hercules", "the oracle for instruction tests and bench"},
    {"qemu-system-x86_64", "qemu-system-x86", "gives the tests a /dev/kvm"},
    {"s390x-linux-gnu-as", "binutils-s390x-linux-gnu",
     "a second opinion on the assembler"},
};

/* Is there an executable of this name in PATH? */
static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[512];

    while (path && *path) {
        size_t n = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program);
        if (access(file, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

static void print_helpers(void)
{
    puts("\nPrograms that the tests use");
    for (size_t i = 0; i < ARRAY_LEN(helpers); i++) {
        bool found = in_path(helpers[i].program);

        printf("  %-20s %-8s %s", helpers[i].program,
               found ? "found" : "missing", helpers[i].what_for);
        if (!found)
            printf(" (package %s)", helpers[i].package);
        putchar('\n');
    }
}

int cmd_doctor(int argc, char **argv)
{
    int code = options_parse(&usage, &argc, argv);

    if (code >= 0)
        return code;
    if (argc > 1)
        return options_complain(&usage, "takes no operand: %s", argv[1]);
    print_helpers();
    return cli_finish_stdout(CODE_DONE);
}
