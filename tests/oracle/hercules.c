#include "tests/oracle/hercules.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No line of it opens a listener: the console is the integrated one. */
static const char configuration[] = "CPUSERIAL 000001\n"
                                    "CPUMODEL 3033\n"
                                    "MAINSIZE %u\n"
                                    "XPNDSIZE 0\n"
                                    "CNSLPORT 127.0.0.1:3270\n"
                                    "NUMCPU 1\n"
                                    "ARCHMODE S/370\n"
                                    "OSTAILOR QUIET\n"
                                    "PANRATE FAST\n"
                                    "001F 3215-C noprompt\n";

static const char *const files[] = {"o.conf", "in.core", "out.core"};

bool hercules_installed(void)
{
    const char *path = getenv("PATH");
    char name[4096];

    while (path && *path) {
        size_t n = strcspn(path, ":");
        if (n < sizeof(name) - 16) {
            snprintf(name, sizeof(name), "%.*s/hercules", (int)n, path);
            if (!access(name, X_OK))
                return true;
        }
        path += n + (path[n] == ':');
    }
    return false;
}

/* Name of a file in the directory; valid until the next call. */
static const char *name_of(const struct hercules *h, const char *file)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s/%s", h->directory, file);
    return name;
}

static enum status host_failed(struct diag *d, const char *what)
{
    return diag_set(d, STATUS_HOST_FAILED, "hercules: %s: %s", what,
                    strerror(errno));
}

/* ---- The process ---- */

static void become_hercules(const struct hercules *h, const char *folder,
                            int in, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it never outlives us */
    setenv("HERCULES_RC", "/dev/null", 1);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0 || chdir(folder))
        _exit(126);
    execlp("hercules", "hercules", "-f", name_of(h, "o.conf"), "EXTERNALGUI",
           (char *)NULL);
    _exit(127);
}

static enum status start_process(struct hercules *h, const char *folder,
                                 struct diag *d)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC))
        return host_failed(d, "pipe");
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]), close(in[1]);
        return host_failed(d, "pipe");
    }
    h->pid = fork();
    if (h->pid == 0)
        become_hercules(h, folder, in[0], out[1]);
    close(in[0]), close(out[1]);
    h->to = in[1];
    h->from = out[0];
    return h->pid < 0 ? host_failed(d, "fork") : STATUS_OK;
}

static enum status write_file(const char *name, const void *bytes, size_t n,
                              struct diag *d)
{
    FILE *f = fopen(name, "wb");

    if (!f)
        return host_failed(d, name);
    bool good = fwrite(bytes, 1, n, f) == n;
    good = !fclose(f) && good;
    return good ? STATUS_OK : host_failed(d, name);
}

static enum status read_file(const char *name, void *bytes, size_t n,
                             struct diag *d)
{
    FILE *f = fopen(name, "rb");

    if (!f)
        return host_failed(d, name);
    size_t got = fread(bytes, 1, n, f);
    fclose(f);
    return got == n ? STATUS_OK
                    : diag_set(d, STATUS_HOST_FAILED, "%s: too short", name);
}

/* ---- The conversation ---- */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Of all its threads; but for the CPU's they sleep. */
static double cpu_seconds(const struct hercules *h)
{
    struct timespec t;
    clockid_t clock;

    if (clock_getcpuclockid(h->pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum status say(struct hercules *h, const char *words, struct diag *d)
{
    size_t n = strlen(words);

    h->len = 0; /* answers come after */
    h->text[0] = 0;
    return write(h->to, words, n) == (ssize_t)n ? STATUS_OK
                                                : host_failed(d, words);
}

/* Keep the last half when there is too much. */
static void make_room(struct hercules *h)
{
    size_t half = sizeof(h->text) / 2;

    if (h->len > half) {
        memmove(h->text, h->text + h->len - half / 2, half / 2);
        h->len = half / 2;
    }
}

/* Read what comes within `ms` milliseconds; false when nothing does. */
static bool read_some(struct hercules *h, int64_t ms)
{
    struct pollfd p = {.fd = h->from, .events = POLLIN};

    make_room(h);
    if (ms <= 0 || poll(&p, 1, (int)ms) <= 0)
        return false;
    ssize_t n = read(h->from, h->text + h->len, sizeof(h->text) - 1 - h->len);
    if (n <= 0)
        return false;
    for (ssize_t i = 0; i < n; i++)
        if (!h->text[h->len + (size_t)i])
            h->text[h->len + (size_t)i] = ' ';
    h->len += (size_t)n;
    h->text[h->len] = 0;
    return true;
}

/* Read until the text holds either; returns where, or NULL. */
static const char *expect_either(struct hercules *h, const char *words,
                                 const char *others, unsigned seconds)
{
    int64_t end = now_ms() + (int64_t)seconds * 1000;
    const char *at;

    while (!(at = strstr(h->text, words)) && !(at = strstr(h->text, others)))
        if (!read_some(h, end - now_ms()))
            return NULL;
    return at;
}

static const char *expect(struct hercules *h, const char *words,
                          unsigned seconds)
{
    return expect_either(h, words, words, seconds);
}

/* A directory of its own; the common lines of the configuration in it. */
static enum status make_directory(struct hercules *h, unsigned megabytes,
                                  const char *devices, struct diag *d)
{
    const char *tmp = getenv("TMPDIR");
    char text[4096];

    snprintf(h->directory, sizeof(h->directory), "%s/trapline-oracle-XXXXXX",
             tmp && strlen(tmp) < 32 ? tmp : "/tmp");
    if (!mkdtemp(h->directory)) {
        enum status st = host_failed(d, h->directory);
        h->directory[0] = 0;
        return st;
    }
    size_t n = (size_t)snprintf(text, sizeof(text), configuration, megabytes);
    if (strlen(devices) >= sizeof(text) - n)
        return diag_set(d, STATUS_BAD_INPUT, "hercules: too many devices");
    strcpy(text + n, devices);
    return write_file(name_of(h, "o.conf"), text, strlen(text), d);
}

enum status hercules_start_with(struct hercules *h, unsigned megabytes,
                                const char *devices, const char *folder,
                                struct diag *d)
{
    *h = (struct hercules){.pid = -1, .to = -1, .from = -1};
    signal(SIGPIPE, SIG_IGN);
    enum status st = make_directory(h, megabytes, devices, d);
    if (st == STATUS_OK)
        st = start_process(h, folder ? folder : h->directory, d);
    if (st == STATUS_OK && !expect(h, "HHCPN013I", 20))
        st = diag_set(d, STATUS_HOST_FAILED, "hercules does not start: %s",
                      h->text);
    if (st != STATUS_OK)
        hercules_end(h);
    return st;
}

enum status hercules_start(struct hercules *h, unsigned megabytes,
                           struct diag *d)
{
    return hercules_start_with(h, megabytes, "", NULL, d);
}

enum status hercules_command(struct hercules *h, const char *words,
                             struct diag *d)
{
    char line[256];

    if (snprintf(line, sizeof(line), "%s\n", words) >= (int)sizeof(line))
        return diag_set(d, STATUS_BAD_INPUT, "hercules: too long: %s", words);
    return say(h, line, d);
}

bool hercules_says(struct hercules *h, const char *words, unsigned seconds)
{
    return expect(h, words, seconds);
}

double hercules_cpu_seconds(const struct hercules *h)
{
    return cpu_seconds(h);
}

/* "... HHCCP011I CPU0000: Disabled wait state\n  PSW=00020000 00000000", which
 * may come in pieces. */
static uint32_t wait_psw_address(struct hercules *h)
{
    enum { PSW_TEXT = 21 };

    do {
        const char *at = strstr(h->text, "HHCCP011I");
        const char *psw = at ? strstr(at, "PSW=") : NULL;

        if (psw && strlen(psw) >= PSW_TEXT)
            return (uint32_t)strtoul(psw + 13, NULL, 16) & 0xFFFFFF;
    } while (read_some(h, 2000));
    return UINT32_MAX;
}

/* It is rejected until the CPU has stopped. */
static enum status save_storage(struct hercules *h, size_t size, struct diag *d)
{
    char words[64];
    enum status st;

    snprintf(words, sizeof(words), "savecore out.core 0 %zx\n", size - 1);
    for (unsigned tries = 0; tries < 50; tries++) {
        st = say(h, words, d);
        const char *answer = expect_either(h, "HHCPN170I", "HHCPN102E", 20);
        if (st != STATUS_OK || (answer && !strncmp(answer, "HHCPN170I", 9)))
            return st;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return diag_set(d, STATUS_HOST_FAILED, "hercules: savecore: %s", h->text);
}

enum status hercules_run(struct hercules *h, const uint8_t *image,
                         uint8_t *result, size_t size, unsigned seconds,
                         uint32_t *wait_address, struct diag *d)
{
    enum status st = write_file(name_of(h, "in.core"), image, size, d);
    const char *at;

    *wait_address = UINT32_MAX;
    unlink(name_of(h, "out.core")); /* savecore never overwrites */
    if (st == STATUS_OK)
        st = say(h, "loadcore in.core\n", d);
    if (st == STATUS_OK && !expect(h, "HHCPN113I", 20))
        st = diag_set(d, STATUS_HOST_FAILED, "hercules: loadcore: no answer");
    double began = cpu_seconds(h);
    if (st == STATUS_OK)
        st = say(h, "restart\n", d);
    if (st != STATUS_OK)
        return st;
    at = expect(h, "HHCCP011I", seconds);
    h->took = cpu_seconds(h) - began;
    if (at)
        *wait_address = wait_psw_address(h);
    else
        st = say(h, "stop\n", d);
    if (st == STATUS_OK)
        st = save_storage(h, size, d);
    return st == STATUS_OK ? read_file(name_of(h, "out.core"), result, size, d)
                           : st;
}

void hercules_end(struct hercules *h)
{
    if (h->pid > 0) {
        kill(h->pid, SIGKILL);
        waitpid(h->pid, NULL, 0);
    }
    if (h->to >= 0)
        close(h->to);
    if (h->from >= 0)
        close(h->from);
    h->pid = h->to = h->from = -1;
    if (!h->directory[0])
        return;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(name_of(h, files[i]));
    rmdir(h->directory);
    h->directory[0] = 0;
}
