/* trapline bare: our monitor with nothing under it. */
#include "cli/bare.h"
#include "cli/command.h"
#include "cli/file.h"
#include "cli/options.h"
#include "cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 60, QEMU_PORT = 1234 /* of its -s */ };

static struct {
    const char *on, *output, *json, *cpu, *kernel, *initrd, *append;
    bool trace, debug, wrong, plain, reboot, nested;
    uint64_t seconds, stop_after;
    bool seconds_given;
} given;

static const struct option_row rows[] = {
    {OPTION_TEXT, "on", "PC",
     "bochs (VT-x), qemu (AMD-V), model (the "
     "default)",
     &given.on, NULL},
    {OPTION_FLAG, "trace", NULL, "a line for each exit, as `trapline trace`",
     &given.trace, NULL},
    {OPTION_TEXT, "json", "FILE",
     "the same as JSON lines, over the second serial port", &given.json, NULL},
    {OPTION_TEXT, "kernel", "FILE",
     "a guest of its own: a kernel, on a whole PC", &given.kernel, NULL},
    {OPTION_TEXT, "initrd", "FILE", "its initial RAM disk", &given.initrd,
     NULL},
    {OPTION_TEXT, "append", "TEXT", "its command line", &given.append, NULL},
    {OPTION_FLAG, "reboot", NULL,
     "its reset begins it anew; else it ends the run", &given.reboot, NULL},
    {OPTION_FLAG, "wrong", NULL,
     "no guest: twelve wrong VMCSs or VMCBs, explained", &given.wrong, NULL},
    {OPTION_FLAG, "plain", NULL,
     "CPUIDs under the least of loops, to measure by", &given.plain, NULL},
    {OPTION_TEXT, "cpu", "MODEL",
     "the emulator's processor; of the model, vtx or svm", &given.cpu, NULL},
    {OPTION_NUMBER, "time", "SECONDS",
     "the run's limit (60, at a terminal none)", &given.seconds,
     &given.seconds_given},
    {OPTION_NUMBER, "stop-after", "N",
     "of each guest; a turn counts as many "
     "as it was given",
     &given.stop_after, NULL},
    {OPTION_FLAG, "nested", NULL,
     "on the model as a guest of the monitor, with VT-x", &given.nested, NULL},
    {OPTION_FLAG, "debug", NULL, "wait for gdb (model, qemu)", &given.debug,
     NULL},
    {OPTION_TEXT, "output", "FILE", "of build: the image (trapline.img)",
     &given.output, NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "bare build|run [GUEST]... [OPTION]...",
    "build makes an image of the monitor and its guests: a disk that a PC "
    "boots,\nand a Multiboot kernel.  run starts it on a PC with nothing under "
    "it, and shows\nits console.  A GUEST is a flat image or a boot sector, or "
    "the name of one of\nours; without any it is hello-real.  With --kernel "
    "standard input is that PC's\n"
    "serial port; of a terminal each key, and Ctrl-] ends the run.",
    rows,
    "Exit status: 0 all guests ended well, 1 one did not, or was stopped by\n"
    "--stop-after, 77 this PC or host lacks what it takes, 124 the time limit."
    "\n\n"
    "Examples:\n"
    "  trapline bare run --trace\n"
    "  trapline bare run --on bochs hello-real hello-long\n"
    "  trapline bare build --output disk.img && qemu-system-x86_64 -cpu max "
    "\\\n"
    "      -drive file=disk.img,format=raw -debugcon stdio",
};

/* ---- What was asked ---- */

static const char *command_words(void)
{
    static char words[64];
    char limit[32] = "";

    if (given.stop_after)
        snprintf(limit, sizeof(limit), "limit=%llu",
                 (unsigned long long)given.stop_after);
    snprintf(words, sizeof(words), "%s%s%s%s%s%s", given.trace ? "trace " : "",
             given.json ? "json " : "", given.wrong ? "wrong " : "",
             given.plain ? "plain " : "", given.reboot ? "reboot " : "", limit);
    return words;
}

/* An option that is given, and is the other one's; NULL: none. */
static const char *astray(bool is_build)
{
    if (!is_build)
        return given.output ? "--output is for build" : NULL;
    return given.on              ? "--on is for run"
           : given.cpu           ? "--cpu is for run"
           : given.seconds_given ? "--time is for run"
           : given.nested        ? "--nested is for run"
           : given.debug         ? "--debug is for run"
           : given.json          ? "--json is for run"
                                 : NULL;
}

/* Returns -1, or an exit code. */
static int make_plan(int argc, char **argv, struct bare_plan *plan)
{
    plan->on = BARE_MODEL;
    for (unsigned i = 0; given.on && i <= BARE_ON_COUNT; i++) {
        if (i == BARE_ON_COUNT)
            return options_complain(
                &usage, "--on: bochs, qemu or model, not '%s'", given.on);
        if (!strcmp(given.on, bare_on_names[i])) {
            plan->on = (enum bare_on)i;
            break;
        }
    }
    if (given.nested && (plan->on != BARE_MODEL ||
                         (given.cpu && strcmp(given.cpu, "vtx") != 0)))
        return options_complain(&usage,
                                "--nested: with --on model, and its VT-x");
    if (given.nested && given.debug)
        return options_complain(&usage, "--debug: not with --nested");
    if (argc - 2 > BARE_GUESTS_MAX)
        return options_complain(&usage, "at most %d guests", BARE_GUESTS_MAX);
    if (given.wrong && (argc > 2 || given.kernel || given.plain))
        return options_complain(&usage, "--wrong runs no guest");
    if (given.plain && given.kernel)
        return options_complain(&usage, "--plain: not with --kernel");
    for (int i = 2; i < argc; i++)
        plan->guests[plan->count++] = argv[i];
    if ((given.initrd || given.append || given.reboot) && !given.kernel)
        return options_complain(
            &usage, "--initrd, --append and --reboot go with --kernel");
    plan->kernel = given.kernel;
    plan->initrd = given.initrd;
    plan->append = given.append;
    if (!plan->count && !given.wrong && !given.kernel)
        plan->guests[plan->count++] = given.plain ? "cpuid-long" : "hello-real";
    plan->command = command_words();
    plan->cpu = given.cpu;
    plan->json = given.json;
    plan->debug = given.debug;
    plan->nested = given.nested;
    plan->seconds = given.seconds_given ? given.seconds : SECONDS;
    plan->seconds_given = given.seconds_given;
    return -1;
}

/* ---- Doing it ---- */

/* Nothing that goes into an image is written over. */
static enum status spare(const struct bare_plan *plan, const char *path,
                         struct diag *d)
{
    enum status st = file_spare(path, plan->kernel, d);

    if (!st)
        st = file_spare(path, plan->initrd, d);
    for (unsigned i = 0; !st && i < plan->count; i++)
        st = file_spare(path, plan->guests[i], d);
    return st;
}

static int build(const struct bare_plan *plan)
{
    const char *path = given.output ? given.output : "trapline.img";
    struct diag d = {""};
    size_t size;
    enum status st = spare(plan, path, &d);
    uint8_t *image = st ? NULL : bare_image(plan, &size, &st, &d);
    FILE *f = image ? fopen(path, "wb") : NULL;

    if (!image)
        return cli_fail(st, &d);
    bool written = f && fwrite(image, 1, size, f) == size;
    if (f && fclose(f))
        written = false;
    free(image);
    if (!written) {
        st = f ? STATUS_HOST_FAILED : STATUS_BAD_INPUT;
        diag_set(&d, st, "%s: %s", path, strerror(errno));
        return cli_fail(st, &d);
    }
    printf("%s: %zu bytes, a disk and a Multiboot kernel, %u guest%s%s\n", path,
           size, plan->count, plan->count == 1 ? "" : "s",
           plan->kernel ? " and a PC" : "");
    return cli_finish_stdout(CODE_DONE);
}

/* What a level costs, in exits. */
static void say_levels(const struct bare_end *end)
{
    cli_say(
        "nested: %llu exits to the monitor below; %llu of them were for the "
        "one above: %.1f for each",
        (unsigned long long)end->exits, (unsigned long long)end->passed,
        end->passed ? (double)end->exits / (double)end->passed : 0);
}

static int judge(const struct bare_plan *plan, const struct bare_end *end)
{
    const char *on = bare_on_names[plan->on];

    if (end->ended && !end->code) {
        cli_say("%s: the monitor and its guests ended well, %.1f s", on,
                end->seconds);
        if (plan->on == BARE_MODEL)
            cli_say("model: %llu instructions, the monitor's and the guests'",
                    (unsigned long long)end->insns);
        if (plan->nested)
            say_levels(end);
        return CODE_DONE;
    }
    if (end->ended) {
        cli_say("%s: the monitor ended with code %d, %.1f s", on, end->code,
                end->seconds);
        return end->code == CODE_SKIPPED || end->code == CODE_OURS
                   ? end->code
                   : CODE_NEGATIVE;
    }
    if (end->late) {
        cli_say("%s: stopped after %.1f s, its limit (--time)", on,
                end->seconds);
        return CODE_LIMIT;
    }
    if (session_interrupted || end->left) {
        cli_say("%s: %s after %.1f s", on, end->left ? "left" : "interrupted",
                end->seconds);
        return end->left ? CODE_DONE : session_cut_code();
    }
    cli_say("%s: it ended before the monitor did: %s", on, end->how);
    return end->refused ? CODE_USAGE : CODE_OURS;
}

/* alone: without any argument. */
static int run(const struct bare_plan *plan, bool alone)
{
    struct bare_end end = {0};
    struct diag d = {""};

    if (plan->debug && plan->on == BARE_BOCHS)
        return options_complain(&usage, "--debug is for --on model and qemu: "
                                        "Debian's Bochs has no gdb stub");
    if (plan->debug && plan->on == BARE_QEMU)
        bare_tell_gdb(QEMU_PORT);
    enum status st = spare(plan, plan->json, &d);
    if (!st)
        st = bare_run(plan, &end, &d);
    if (st)
        return cli_fail(st, &d);
    int code = judge(plan, &end);
    if (alone)
        cli_say("next: --trace shows each exit; hello-real hello-long are two "
                "guests; --wrong\n  has beginners' mistakes; --on bochs and "
                "--on qemu are other PCs");
    return cli_finish_stdout(code);
}

int cmd_bare(int argc, char **argv)
{
    struct bare_plan plan = {0};
    int words = argc, code = options_parse(&usage, &argc, argv);

    if (code >= 0)
        return code;
    bool is_build = argc > 1 && !strcmp(argv[1], "build");
    if (!is_build && (argc < 2 || strcmp(argv[1], "run") != 0))
        return options_complain(&usage, "build or run is wanted");
    if (astray(is_build))
        return options_complain(&usage, "%s", astray(is_build));
    bool alone = words == 2;
    code = make_plan(argc, argv, &plan);
    if (code >= 0)
        return code;
    return is_build ? build(&plan) : run(&plan, alone);
}
