/* Bochs and QEMU without a screen, and what all machines have said. */
#include "tests/x86_oracle/machine.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const names[OX_MACHINES] = {"ours", "Bochs", "QEMU"};
static const char *const programs[OX_MACHINES] = {NULL, "bochs",
                                                  "qemu-system-x86_64"};

const char *ox_machine_name(enum ox_machine m)
{
    return names[m];
}

bool ox_machine_present(enum ox_machine m)
{
    char command[128];

    if (m == OX_OURS)
        return true;
    snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1",
             programs[m]);
    return system(command) == 0;
}

/* ---- Starting them ---- */

static const char *const qemu =
    "cd '%s' && %s exec qemu-system-x86_64 %s -accel tcg "
    "-cpu "
    "max,vendor=GenuineIntel,-la57,-pku,-fsgsbase,-pcid,-vme,-xsave,-rdtscp -M "
    "pc -m 32 "
    "-display none -nodefaults -no-user-config -monitor none -bios image.rom "
    "-debugcon file:qemu.out -device isa-debug-exit,iobase=0xf4,iosize=1 "
    "-device ib700 -action watchdog=reset "
    "</dev/null >qemu.log 2>&1";

static const char *const bochs =
    "cd '%s' && TERM=vt100 "
    "exec bochs -f bochsrc -rc bochs.rc </dev/null "
    ">bochs.out 2>bochs.log";

/* A model with SMEP, SMAP and UMIP, and little else that is new. */
static const char *const bochsrc =
    "plugin_ctrl: unmapped=1\n"
    "config_interface: textconfig\n"
    "display_library: term\n"
    "romimage: file=image.rom\n"
    "vgaromimage: file=/usr/share/vgabios/vgabios.bin\n"
    "megs: 32\n"
    "cpu: model=%s, count=1, ips=50000000, reset_on_triple_fault=1, "
    "ignore_bad_msrs=0\n"
    "cpuid: x86_64=1\n"
    "clock: sync=none\n"
    "port_e9_hack: enabled=1\n"
    "log: bochs.text\n"
    "panic: action=fatal\n"
    "error: action=ignore\n"
    "info: action=ignore\n"
    "sound: waveoutdrv=dummy, waveout=none\n"
    "speaker: enabled=0\n";

static bool prepare_bochs(const char *folder)
{
    const char *model = getenv("BOCHS_MODEL");
    char path[512];
    FILE *f;

    snprintf(path, sizeof(path), "%s/bochsrc", folder);
    f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, bochsrc, model ? model : "corei3_cnl");
    if (fclose(f))
        return false;
    snprintf(path, sizeof(path), "%s/bochs.rc", folder);
    f = fopen(path, "w");
    for (unsigned n = 0; f && n < 20000;
         n++) /* its debugger stops at a reset */
        fprintf(f, "continue\n");
    return f && fprintf(f, "quit\n") > 0 && fclose(f) == 0;
}

/* However that ends, already before this; what is executed keeps to it. */
static void end_with(pid_t parent)
{
#ifdef PR_SET_PDEATHSIG
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
#endif
}

/* Exceptions may come for ever, so that its log is kept short. */
static const char *const limit = "ulimit -f 16384 &&";
static const char *const logs = "-d int -D int.log";

static pid_t start(enum ox_machine on, const char *folder, bool logging)
{
    pid_t parent = getpid(), child;
    char command[1024];

    if (on == OX_QEMU)
        snprintf(command, sizeof(command), qemu, folder, logging ? limit : "",
                 logging ? logs : "");
    else
        snprintf(command, sizeof(command), bochs, folder);
    if (on == OX_BOCHS && !prepare_bochs(folder))
        return -1;
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        end_with(parent);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return child;
}

/* How far it is: the highest case of which it has spoken, plus one. */
static uint32_t progress(const char *path)
{
    uint32_t far = 0;
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "r");

    while (f && getline(&line, &room, f) > 0) {
        unsigned long n = strtoul(line + 1, NULL, 16);

        if (strchr("CRT", line[0]) && n >= far && n < UINT32_MAX)
            far = (uint32_t)n + 1;
    }
    if (f)
        fclose(f);
    free(line);
    return far;
}

/* What it has computed, in seconds. */
static time_t busy_seconds(pid_t child)
{
    struct timespec t = {0};
    clockid_t clock;

    if (clock_getcpuclockid(child, &clock) || clock_gettime(clock, &t))
        return 0;
    return t.tv_sec;
}

/* Until it ends, or has come no further for long, though it has computed (or
 * for very long): then it never will.  One whose harness a case has overwritten
 * may begin again for ever.  QEMU's watchdog comes before that.  True: it has
 * crashed. */
static bool wait_for(pid_t child, const char *path)
{
    enum { WAITS_A_SECOND = 20, BUSY_SECONDS = 10, STILL_SECONDS = 60 };
    time_t busy = 0;
    uint32_t far = 0;
    int status = 0;

    for (unsigned n = 1, still = 0; waitpid(child, &status, WNOHANG) == 0;
         n++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000000 / WAITS_A_SECOND},
                  NULL);
        if (n % WAITS_A_SECOND)
            continue;
        uint32_t now = progress(path);

        if (now != far)
            busy = busy_seconds(child);
        still = now == far ? still + 1 : 0;
        far = now;
        if (still == STILL_SECONDS ||
            (still && busy_seconds(child) >= busy + BUSY_SECONDS))
            kill(-child, SIGKILL);
    }
    return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t n = 0, room = 0, got = 1;

    while (f && got) {
        room = n + 65536 + 1;
        text = realloc(text, room + n);
        if (!text)
            abort();
        got = fread(text + n, 1, room - n - 1, f);
        n += got;
    }
    if (f)
        fclose(f);
    if (!text)
        return strdup("");
    text[n] = 0;
    return text;
}

/* ---- What they say ---- */

/* A blank and eight digits each; what a program has printed by itself between
 * them, which may be anything, ends them. */
static uint32_t parse_words(const char *at, uint32_t **free_word)
{
    uint32_t n = 0, word;
    char *end;

    for (; *at == ' '; at = end, n++) {
        word = (uint32_t)strtoul(at + 1, &end, 16);
        if (end != at + 9)
            break;
        *(*free_word)++ = word;
    }
    return n;
}

/* An exception of ours; a second run of the case has the same ones again. */
static void parse_raised(struct ox_result *of, const char *at,
                         uint32_t **free_word)
{
    uint32_t *w = *free_word;

    if (parse_words(at, free_word) != OX_RAISED_WORDS ||
        w[OX_RAISED_NUMBER] != of->raises) {
        *free_word = w;
        return;
    }
    if (!of->raises++)
        of->raised = w;
}

/* "C 00000012 89ABCDEF ...", or T, or R; W, of words in storage, comes behind
 * R and T, X before them. */
static void parse_line(struct ox_run *r, const char *line, uint32_t **free_word)
{
    struct ox_result *of;
    unsigned long n;
    char *end;

    if (!strchr("CRTWX", line[0]))
        return;
    n = strtoul(line + 1, &end, 16);
    if (end != line + 9 || n >= r->cases)
        return;
    of = &r->of[n];
    if (line[0] == 'W') {
        if (of->kind && !of->stored) {
            of->stored = *free_word;
            of->pairs = parse_words(end, free_word) / 2;
        }
    } else if (line[0] == 'X') {
        if (!of->kind)
            parse_raised(of, end, free_word);
    } else if (!of->kind) {
        of->kind = line[0];
        of->word = *free_word;
        of->count = parse_words(end, free_word);
    }
}

static void make_room(struct ox_run *r)
{
    r->of = calloc(r->cases + 1, sizeof(*r->of));
    if (!r->of)
        abort();
}

/* Its words stay where they are: results point there. */
static void parse(struct ox_run *r)
{
    size_t n = strlen(r->text) / 9 + 16;
    struct ox_words *w = calloc(1, sizeof(*w) + 4 * n);
    uint32_t *free_word;

    if (!w)
        abort();
    w->next = r->words;
    r->words = w;
    free_word = w->word;
    for (const char *p = r->text; p; p = strchr(p, '\n')) {
        while (isspace((unsigned char)*p))
            p++;
        if (!*p) /* which strchr finds in any string */
            break;
        parse_line(r, p, &free_word);
    }
}

/* Beginning with that case. */
static void write_image(struct ox_image *i, uint32_t first, const char *folder)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/image.rom", folder);
    store_le32(i->bytes + AT_PLAN - AT_IMAGE, first);
    if (!ox_image_write(i, path)) {
        perror(path);
        exit(2);
    }
}

/* True: it has crashed. */
static bool run_one(struct ox_run *r, enum ox_machine on, pid_t child,
                    const struct ox_image *i, const char *folder)
{
    bool crashed = false;
    char path[512];

    if (on == OX_OURS) {
        free(r->text);
        r->text = ox_run_ours(i);
        parse(r);
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s.out", folder,
             on == OX_QEMU ? "qemu" : "bochs");
    if (child > 0)
        crashed = wait_for(child, path);
    free(r->text);
    r->text = read_file(path);
    unlink(path);
    parse(r);
    return crashed;
}

/* Where a peer has ended it is started anew, many times: first with the case
 * that is missing, for the one before may be to blame, then behind it. */
static void go_on(struct ox_run *r, enum ox_machine on, struct ox_image *i,
                  const char *folder)
{
    enum { TIMES_MAX = 40 };
    uint32_t behind = 1; /* what has been tried: case 0 was the first */

    for (unsigned n = 0; n < TIMES_MAX; n++) {
        uint32_t k = 0;
        bool crashed;

        for (uint32_t j = 0; j < r->cases; j++)
            if (r->of[j].kind)
                k = j + 1;
        if (k < behind)
            k = behind;
        if (k >= r->cases)
            return;
        behind = k + 1;
        write_image(i, k, folder);
        crashed = run_one(r, on, on == OX_OURS ? 0 : start(on, folder, false),
                          i, folder);
        r->of[k].crashed = crashed && !r->of[k].kind;
    }
}

void ox_run_all(struct ox_run runs[OX_MACHINES], struct ox_image *i,
                const char *folder, const bool skip[OX_MACHINES])
{
    pid_t child[OX_MACHINES] = {0};

    write_image(i, 0, folder);
    for (unsigned m = 0; m < OX_MACHINES; m++) {
        runs[m] = (struct ox_run){.cases = i->cases,
                                  .absent = skip[m] || !ox_machine_present(m)};
        make_room(&runs[m]);
        if (m != OX_OURS && !runs[m].absent)
            child[m] = start(m, folder, false);
    }
    for (unsigned m = 0; m < OX_MACHINES; m++)
        if (!runs[m].absent) {
            bool crashed = run_one(&runs[m], m, child[m], i, folder);

            runs[m].of[0].crashed = crashed && !runs[m].of[0].kind;
        }
    for (unsigned m = 0; m < OX_MACHINES; m++)
        if (!runs[m].absent)
            go_on(&runs[m], m, i, folder);
}

void ox_listen(struct ox_image *i, const char *folder, struct ox_result *of)
{
    char path[512], *log;
    pid_t child;

    write_image(i, 0, folder);
    snprintf(path, sizeof(path), "%s/qemu.out", folder);
    child = start(OX_QEMU, folder, true);
    if (child > 0)
        wait_for(child, path);
    unlink(path);
    snprintf(path, sizeof(path), "%s/int.log", folder);
    log = read_file(path);
    unlink(path);
    ox_read_heard(log, of);
    free(log);
}

void ox_run_free(struct ox_run *r)
{
    while (r->words) {
        struct ox_words *next = r->words->next;

        free(r->words);
        r->words = next;
    }
    free(r->of);
    free(r->text);
}
