#include "tests/command.h"

#include <check.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder_name[64];

/* Absolute path of what the build has made. */
static const char *built(const char *name, char path[PATH_MAX])
{
    const char *build = getenv("BUILD");
    char relative[PATH_MAX];

    snprintf(relative, sizeof(relative), "%s/%s", build ? build : "build",
             name);
    ck_assert_msg(realpath(relative, path) != NULL, "no %s", relative);
    return path;
}

const char *command_program(void)
{
    static char path[PATH_MAX];

    return path[0] ? path : built("trapline-san", path);
}

/* The same without the sanitizers. */
static const char *fast_program(void)
{
    static char path[PATH_MAX];

    return path[0] ? path : built("trapline", path);
}

const char *command_sample(const char *name)
{
    static char path[PATH_MAX];
    char file[64];

    snprintf(file, sizeof(file), "s370/guest/%s.conf", name);
    return built(file, path);
}

const char *command_folder(void)
{
    if (!folder_name[0]) {
        strcpy(folder_name, "/tmp/trapline-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder_name));
        ck_assert_int_eq(atexit(command_clean), 0); /* if the test does not */
    }
    return folder_name;
}

void command_clean(void)
{
    char line[128];

    if (!folder_name[0])
        return;
    snprintf(line, sizeof(line), "rm -rf %s", folder_name);
    ck_assert_int_eq(system(line), 0);
    folder_name[0] = '\0';
}

void command_file(const char *name, const void *bytes, size_t size)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", command_folder(), name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

/* On the heap, no longer than it is: what is static is copied by every fork,
 * and searched for pointers whenever a test ends. */
static char *read_back(const char *name)
{
    char path[256];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", command_folder(), name);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    size_t room = (size_t)st.st_size;
    char *text = malloc(room + 1);
    ck_assert_ptr_nonnull(text);
    text[fread(text, 1, room, f)] = '\0';
    fclose(f);
    return text;
}

const struct command *command_run(const char *folder, const char *fmt, ...)
{
    static struct command c;
    char arguments[2048], line[3072];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(arguments, sizeof(arguments), fmt, ap);
    va_end(ap);
    /* A path with blanks is one word: only lines are split. */
    setenv("T", command_program(), 1);
    setenv("F", fast_program(), 1);
    snprintf(line, sizeof(line),
             "IFS='\n' && cd '%s' && { %s%s ; } </dev/null >%s/out 2>%s/err",
             folder ? folder : ".",
             strstr(arguments, "$T") || strstr(arguments, "$F") ? "" : "$T ",
             arguments, command_folder(), command_folder());
    int status = system(line);
    c.status =
        WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    free(c.out);
    free(c.err);
    c.out = read_back("out");
    c.err = read_back("err");
    return &c;
}

void command_expect(const struct command_case *expected)
{
    const struct command *c = command_run("/", "%s", expected->args);

    ck_assert_msg(c->status == expected->status, "%s: %d\n%s", expected->args,
                  c->status, c->err);
    ck_assert_msg(strstr(c->out, expected->says) ||
                      strstr(c->err, expected->says),
                  "%s: %s%s", expected->args, c->out, c->err);
}
