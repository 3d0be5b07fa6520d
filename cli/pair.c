#include "cli/pair.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Temporary files ---- */

static void remove_files(const char *folder)
{
    char path[512];
    DIR *dir = opendir(folder);

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    if (dir)
        closedir(dir);
}

static bool same_file(const char *a, const char *b)
{
    FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
    int c = x && y ? 0 : x == y ? EOF : 1, d = c;

    while (x && y && c != EOF && c == d) {
        c = getc(x);
        d = getc(y);
    }
    if (x)
        fclose(x);
    if (y)
        fclose(y);
    return c == d && c == EOF;
}

/* Compare every file of one folder with its namesake in the other. */
static void compare_folders(struct pair *p, const char *from, const char *with)
{
    char a[512], b[512];
    DIR *dir = opendir(from);

    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        snprintf(a, sizeof(a), "%s/%s", from, e->d_name);
        snprintf(b, sizeof(b), "%s/%s", with, e->d_name);
        if (e->d_name[0] != '.' && !same_file(a, b))
            snprintf(p->output_differs, sizeof(p->output_differs),
                     "what device %.3s has written", e->d_name);
    }
    if (dir)
        closedir(dir);
}

/* ---- Two sessions ---- */

static enum status open_side(struct pair_side *side, struct diag *d)
{
    remove_files(side->folder);
    return session_open(&side->session, &side->plan, d);
}

static enum status make(void *who, struct lockstep_pair *pair, struct diag *d)
{
    struct pair *p = who;

    p->output_differs[0] = p->unmet.text[0] = '\0';
    overheard_begin(&p->bare.text, &p->guest.text);
    enum status st = open_side(&p->bare, d);
    if (st)
        return st;
    st = open_side(&p->guest, d);
    if (st) {
        session_close(&p->bare.session);
        return st;
    }
    pair->bare = p->bare.session.guests[0].bare;
    pair->vm = p->guest.session.guests[0].vm;
    if (p->mutant)
        s370_vm_interpreter(pair->vm, p->mutant_op, p->mutant);
    return STATUS_OK;
}

static bool same_output(void *who, const struct lockstep_pair *pair,
                        char *words, size_t cap)
{
    const struct pair *p = who;
    bool same = overheard_same(&p->bare.text);

    (void)pair;
    if (!same)
        snprintf(words, cap, "what the console has printed");
    return same;
}

/* Files are whole when their devices are gone. */
static void drop(void *who, struct lockstep_pair *pair)
{
    struct pair *p = who;
    struct consoles *cs = &p->guest.session.consoles;

    (void)pair;
    if (cs->run)
        script_done(cs->run, &p->unmet);
    session_close(&p->guest.session);
    session_close(&p->bare.session);
    compare_folders(p, p->bare.folder, p->guest.folder);
    compare_folders(p, p->guest.folder, p->bare.folder);
}

struct lockstep_guest pair_guest(struct pair *p)
{
    return (struct lockstep_guest){make, drop, same_output, p};
}

static bool plan_side(struct pair_side *side, const struct session_plan *plan,
                      enum session_on on, const char *folder, const char *name)
{
    side->plan = *plan;
    side->plan.on_given = true;
    side->plan.on = on;
    side->plan.stop_after = 0;
    side->plan.trace = NULL;
    side->plan.heard = overheard_text;
    side->plan.who = &side->text;
    snprintf(side->folder, sizeof(side->folder), "%s/%s", folder, name);
    side->plan.outputs = side->folder;
    return !mkdir(side->folder, 0700);
}

struct pair *pair_new(const struct session_plan *plan, struct diag *diag)
{
    struct pair *p = calloc(1, sizeof(*p));

    if (!p) {
        diag_set(diag, STATUS_NO_MEMORY, "no memory");
        return NULL;
    }
    overheard_begin(&p->bare.text, &p->guest.text);
    snprintf(p->folder, sizeof(p->folder), "/tmp/trapline-compare-XXXXXX");
    if (!mkdtemp(p->folder) ||
        !plan_side(&p->bare, plan, ON_BARE, p->folder, "bare") ||
        !plan_side(&p->guest, plan, ON_TRAP, p->folder, "guest")) {
        diag_set(diag, STATUS_HOST_FAILED, "%s: cannot be made", p->folder);
        pair_free(p);
        return NULL;
    }
    return p;
}

void pair_free(struct pair *p)
{
    struct pair_side *sides[] = {&p->bare, &p->guest};

    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        if (sides[i]->folder[0]) {
            remove_files(sides[i]->folder);
            rmdir(sides[i]->folder);
        }
        overheard_free(&sides[i]->text);
    }
    rmdir(p->folder);
    free(p);
}
