/* trapline: one command, a subcommand for each thing it does. */
#include "cli/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *title;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, title) {#name, title, cmd_##name},
#include "cli/commands.def"
#undef COMMAND
};

static int print_help(void)
{
    printf("Usage: trapline COMMAND [ARGUMENT]...\n\n"
           "Runs old and new operating systems under a virtual machine "
           "monitor,\nand shows every trap.\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].title);
    printf("\n`trapline COMMAND --help` tells more.  Exit status: 0 done, 1 a "
           "negative result,\n2 wrong usage or input, 77 this machine cannot, "
           "124 instruction limit,\n125 this host or we failed, 128+N ended "
           "by signal N.\n");
    return cli_finish_stdout(CODE_DONE);
}

static int complain_unknown(const char *name)
{
    const char *words[ARRAY_LEN(commands) + 1] = {0};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        words[i] = commands[i].name;
    const char *guess = cli_did_you_mean(name, words);
    if (guess)
        cli_say("unknown command '%s'; did you mean '%s'?", name, guess);
    else
        cli_say("unknown command '%s'", name);
    fputs("Try: trapline --help\n", stderr);
    return CODE_USAGE;
}

/* A standard stream that is closed would be the number of the next file that
 * is opened: a tape would be typed at the guest, or printed upon.  Reading
 * finds its end here, and writing fails. */
static void occupy_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    occupy_standard_streams();
    cli_watch_pipes();
    cli_called(argc ? argv[0] : NULL);
    if (argc < 2) {
        print_help();
        return CODE_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return print_help();
    if (!strcmp(name, "--version")) {
        printf("trapline %s\n", TRAPLINE_VERSION);
        return cli_finish_stdout(CODE_DONE);
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    return complain_unknown(name);
}
