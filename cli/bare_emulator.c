/* Bochs and QEMU, headless: a folder of their own, the console through a pipe,
 * a time limit.  What they return tells nothing: the monitor's last line
 * does. */
#include "cli/bare.h"
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    const char *program, *packages, *cpu;
} emulators[] = {
    [BARE_BOCHS] = {"bochs", "bochs bochs-term bochsbios vgabios",
                    "corei7_haswell_4770"},
    [BARE_QEMU] = {"qemu-system-x86_64", "qemu-system-x86", "max"},
};

/* ---- The emulator's files ---- */

struct stage {
    char folder[64];
    char image[128], script[128], settings[128], keys[128], said[128];
    int keys_to;   /* the first serial port's other end; -1: nobody types */
    char line[64]; /* the terminal that Bochs has for it */
};

static enum status write_file(const char *path, const void *bytes, size_t n,
                              struct diag *d)
{
    FILE *f = fopen(path, "wb");
    bool written = f && fwrite(bytes, 1, n, f) == n;

    if (f && fclose(f))
        written = false;
    return written ? STATUS_OK
                   : diag_set(d, STATUS_HOST_FAILED, "%s: %s", path,
                              strerror(errno));
}

/* What Debian's Bochs 2.7 wants to run with no display, sound or person. */
static enum status write_settings(const struct bare_plan *plan,
                                  const struct stage *s, struct diag *d)
{
    char json[BARE_PATH + 64] = "", keys[128] = "", text[BARE_PATH + 2048];
    int n;

    if (plan->json)
        snprintf(json, sizeof(json), "com2: enabled=1, mode=file, dev=\"%s\"\n",
                 plan->json);
    if (s->keys_to >= 0)
        snprintf(keys, sizeof(keys), "com1: enabled=1, mode=term, dev=%s\n",
                 s->line);
    n = snprintf(
        text, sizeof(text),
        "plugin_ctrl: unmapped=1\n"
        "config_interface: textconfig\n"
        "display_library: term\n"
        "romimage: file=/usr/share/bochs/BIOS-bochs-latest\n"
        "vgaromimage: file=/usr/share/vgabios/vgabios.bin\n"
        "megs: 256\n"
        "cpu: model=%s, count=1, ips=50000000, reset_on_triple_fault=0\n"
        "clock: sync=none\n"
        "ata0-master: type=disk, path=\"%s\", mode=flat\n"
        "boot: disk\n"
        "port_e9_hack: enabled=1\n"
        "log: %s/log\n"
        "panic: action=fatal\n"
        "error: action=report\n"
        "sound: waveoutdrv=dummy, waveout=none\n"
        "speaker: enabled=0\n"
        "%s%s",
        plan->cpu ? plan->cpu : emulators[BARE_BOCHS].cpu, s->image, s->folder,
        keys, json);
    enum status st = write_file(s->settings, text, (size_t)n, d);
    return st ? st : write_file(s->script, "continue\nquit\n", 14, d);
}

/* Somebody may type: QEMU has a pair of pipes for its serial port, Bochs a
 * terminal. */
static enum status make_keys(const struct bare_plan *plan, struct stage *s,
                             struct diag *d)
{
    char in[160], out[160];
    struct termios t;

    s->keys_to = -1;
    if (!bare_is_terminal(plan))
        return STATUS_OK;
    snprintf(s->keys, sizeof(s->keys), "%s/keys", s->folder);
    snprintf(in, sizeof(in), "%s.in", s->keys);
    snprintf(out, sizeof(out), "%s.out", s->keys);
    if (plan->on == BARE_QEMU) {
        if (!mkfifo(in, 0600) && !mkfifo(out, 0600))
            s->keys_to = open(in, O_RDWR | O_CLOEXEC);
    } else {
        s->keys_to = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (s->keys_to >= 0 && !grantpt(s->keys_to) && !unlockpt(s->keys_to) &&
            !tcgetattr(s->keys_to, &t)) {
            cfmakeraw(&t);
            tcsetattr(s->keys_to, TCSANOW, &t);
            snprintf(s->line, sizeof(s->line), "%s", ptsname(s->keys_to));
        }
    }
    return s->keys_to >= 0
               ? STATUS_OK
               : diag_set(d, STATUS_HOST_FAILED, "no way for what is typed: %s",
                          strerror(errno));
}

static enum status set_stage(const struct bare_plan *plan, struct stage *s,
                             const uint8_t *image, size_t size, struct diag *d)
{
    const char *tmp = getenv("TMPDIR");
    enum status st;

    if (!tmp || strlen(tmp) > sizeof(s->folder) - 24)
        tmp = "/tmp";
    snprintf(s->folder, sizeof(s->folder), "%s/trapline-XXXXXX", tmp);
    if (!mkdtemp(s->folder))
        return diag_set(d, STATUS_HOST_FAILED, "%s: %s", s->folder,
                        strerror(errno));
    snprintf(s->image, sizeof(s->image), "%s/disk.img", s->folder);
    snprintf(s->script, sizeof(s->script), "%s/script", s->folder);
    snprintf(s->settings, sizeof(s->settings), "%s/bochsrc", s->folder);
    snprintf(s->said, sizeof(s->said), "%s/said", s->folder);
    st = write_file(s->image, image, size, d);
    if (!st)
        st = make_keys(plan, s, d);
    if (!st && plan->on == BARE_BOCHS)
        st = write_settings(plan, s, d);
    return st;
}

/* All that an emulator may have left there. */
static void clear_stage(const struct stage *s)
{
    static const char *const names[] = {"disk.img", "disk.img.lock", "script",
                                        "bochsrc",  "log",           "keys.in",
                                        "keys.out", "said"};
    char path[160];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", s->folder, names[i]);
        unlink(path);
    }
    rmdir(s->folder);
}

/* ---- The emulator ---- */

static _Noreturn void become_bochs(const struct stage *s)
{
    setenv("TERM", "vt100", 1); /* its display wants some */
    execlp("bochs", "bochs", "-q", "-f", s->settings, "-rc", s->script,
           (char *)NULL);
    _exit(127);
}

static _Noreturn void become_qemu(const struct bare_plan *plan,
                                  const struct stage *s)
{
    char drive[160], keys[160] = "null", json[BARE_PATH + 8] = "null";

    snprintf(drive, sizeof(drive), "file=%s,format=raw,if=ide", s->image);
    if (s->keys_to >= 0)
        snprintf(keys, sizeof(keys), "pipe:%s", s->keys);
    if (plan->json)
        snprintf(json, sizeof(json), "file:%s", plan->json);
    execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", "tcg", "-cpu",
           plan->cpu ? plan->cpu : emulators[BARE_QEMU].cpu, "-m", "256",
           "-display", "none", "-nodefaults", "-no-reboot", "-drive", drive,
           "-debugcon", "stdio", "-serial", keys, "-serial", json, "-device",
           "isa-debug-exit,iobase=0xf4,iosize=1",
           plan->debug ? "-s" : (char *)NULL, plan->debug ? "-S" : (char *)NULL,
           (char *)NULL);
    _exit(127);
}

/* Not reached by the terminal's signals, which are ours to heed, and gone when
 * we are.  Bochs talks a lot. */
static void become_child(const struct stage *s, int console, bool quiet)
{
    int null = open("/dev/null", O_RDWR);

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, 0);
    dup2(console, 1);
    if (quiet)
        dup2(open(s->said, O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
}

static pid_t start(const struct bare_plan *plan, const struct stage *s,
                   int *console)
{
    int ends[2];
    pid_t child;

    if (pipe(ends))
        return -1;
    fflush(stdout);
    child = fork();
    if (!child) {
        close(ends[0]);
        become_child(s, ends[1], plan->on == BARE_BOCHS);
        if (plan->on == BARE_BOCHS)
            become_bochs(s);
        become_qemu(plan, s);
    }
    close(ends[1]);
    *console = ends[0];
    if (child < 0)
        close(ends[0]);
    return child;
}

/* One by one: a serial port has little room. */
static void tend_keys(const struct stage *s, struct bare_keys *k)
{
    uint8_t key;

    if (s->keys_to >= 0 && bare_keys_take(k, &key, 1) &&
        write(s->keys_to, &key, 1) != 1)
        k->wanted = false;
}

/* Until it closes its console, says the monitor's last line, or is late. */
static void listen_to(const struct bare_plan *plan, const struct stage *s,
                      int console, struct bare_keys *keys, struct bare_end *end)
{
    enum { LOOK_MS = 20, TYPING_MS = 2 };
    uint64_t begin = session_host_ns(), limit = bare_limit(plan, keys);
    struct bare_console c = {.end = end, .raw = bare_is_terminal(plan)};
    uint8_t bytes[4096];

    while (!end->ended && !end->late && !session_interrupted) {
        struct pollfd p = {.fd = console, .events = POLLIN};
        uint64_t spent = session_host_ns() - begin;

        end->late = !plan->debug && spent >= limit;
        tend_keys(s, keys);
        if (poll(&p, 1, keys->wanted ? TYPING_MS : LOOK_MS) <= 0)
            continue;
        ssize_t n = read(console, bytes, sizeof(bytes));
        if (n <= 0 && errno != EINTR)
            break;
        bare_console_take(&c, bytes, n > 0 ? (size_t)n : 0);
    }
    end->seconds = (double)(session_host_ns() - begin) / 1e9;
}

/* It ends by itself after the monitor's last line; if not, it is made to.
 * Bochs does not heed SIGTERM. */
static void end_child(pid_t child, struct bare_end *end)
{
    int status = 0;

    for (unsigned i = 0; end->ended && i < 50; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return;
        usleep(20000);
    }
    if (end->late || end->ended || session_interrupted)
        kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (WIFEXITED(status))
        snprintf(end->how, sizeof(end->how), "exit status %d",
                 WEXITSTATUS(status));
    else
        snprintf(end->how, sizeof(end->how), "signal %d", WTERMSIG(status));
}

/* Bochs' own words, of why it did not begin; "" if it has none. */
static void read_words(const struct stage *s, char *words, size_t size)
{
    FILE *f = fopen(s->said, "r");
    char line[256];
    bool next = false;

    *words = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        char *at = strrchr(line, ']'); /* "[CPU   ] words", "rc:7: words" */

        line[strcspn(line, "\n")] = '\0';
        if (next)
            snprintf(words, size, "%s", at && at[1] ? at + 2 : line);
        next = strstr(line, "exiting with the following message");
    }
    if (f)
        fclose(f);
}

static void explain_end(const struct bare_plan *plan, const struct stage *s,
                        struct bare_end *end)
{
    char words[256];

    if (end->ended || end->late || session_interrupted)
        return;
    if (plan->on == BARE_QEMU) { /* which has told why by itself */
        end->refused = plan->cpu && !strcmp(end->how, "exit status 1");
        return;
    }
    read_words(s, words, sizeof(words));
    end->refused = plan->cpu && strstr(words, "cpu directive malformed");
    if (end->refused)
        snprintf(end->how, sizeof(end->how),
                 "it knows no processor '%.64s'; `bochs --help cpu` lists them",
                 plan->cpu);
    else if (*words)
        snprintf(end->how, sizeof(end->how), "it says: %.160s", words);
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[512];

    while (path && *path) {
        size_t n = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program);
        if (!access(file, X_OK))
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

enum status bare_run_emulator(const struct bare_plan *plan,
                              const uint8_t *image, size_t size,
                              struct bare_keys *keys, struct bare_end *end,
                              struct diag *d)
{
    struct stage s = {.keys_to = -1};
    enum status st;
    int console;

    if (!in_path(emulators[plan->on].program))
        return diag_set(
            d, STATUS_UNSUPPORTED,
            "%s is not installed (Debian: apt-get install %s); --on "
            "model needs neither Bochs nor QEMU",
            emulators[plan->on].program, emulators[plan->on].packages);
    st = set_stage(plan, &s, image, size, d);
    if (!st) {
        pid_t child = start(plan, &s, &console);

        if (child < 0) {
            st = diag_set(d, STATUS_HOST_FAILED, "%s: %s",
                          emulators[plan->on].program, strerror(errno));
        } else {
            listen_to(plan, &s, console, keys, end);
            end_child(child, end);
            explain_end(plan, &s, end);
            close(console);
        }
    }
    if (s.keys_to >= 0)
        close(s.keys_to);
    clear_stage(&s);
    return st;
}
