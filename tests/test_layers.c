/* Who may include whom, checked against every #include line in the tree.
 *
 * The table below is the law; HACKING.md explains it.  Includes are written
 * from the root, so an include line names the layer that it reaches. */
#include "base/types.h"

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { FILES_MAX = 2048, INCLUDES_MAX = 64, PATH_SIZE = 128 };

/* A file belongs to the row with the longest matching prefix.  `may` holds
 * prefixes, space between them; none: anything.  `bare`: only the headers that
 * a freestanding compiler has. */
static const struct layer {
    const char *prefix;
    bool bare;
    const char *may;
} layers[] = {
    {"base/", true, "base/"},
    {"monitor/", true, "base/ monitor/"},
    {"s370/", false, "base/ monitor/ s370/machine/ s370/vcpu.h"},
    {"s370/machine/", false, "base/ s370/machine/"},
    {"s370/dev/", false, "base/ s370/machine/ s370/dev/"},
    {"s370/engine/", false,
     "base/ monitor/ s370/machine/ s370/vcpu.h s370/engine/"},
    {"s370/exit/", false,
     "base/ monitor/ s370/machine/ s370/vcpu.h s370/exit/"},
    {"s370/asm/", false, "base/ s370/machine/ s370/dev/ebcdic.h s370/asm/"},
    {"x86vmm/", false, "base/ monitor/ x86vmm/machine/ x86vmm/vcpu.h"},
    {"x86vmm/machine/", false, "base/ x86vmm/machine/"},
    {"x86vmm/vtx/", false, "base/ x86vmm/machine/ x86vmm/vtx/"},
    {"x86vmm/svm/", false, "base/ x86vmm/machine/ x86vmm/svm/"},
    {"x86vmm/dev/", true, "base/ x86vmm/machine/ x86vmm/dev/"},
    {"x86vmm/pc/", false, "base/ x86vmm/machine/ x86vmm/dev/ x86vmm/pc/"},
    {"x86vmm/engine/", false,
     "base/ monitor/ x86vmm/machine/ x86vmm/vtx/ x86vmm/svm/ "
     "x86vmm/vcpu.h x86vmm/engine/"},
    {"x86vmm/exit/", true,
     "base/ monitor/ x86vmm/machine/ x86vmm/vcpu.h x86vmm/exit/"},
    {"x86vmm/vm/", true,
     "base/ monitor/ x86vmm/machine/ x86vmm/dev/ x86vmm/pc/board.h "
     "x86vmm/exit/ x86vmm/vcpu.h x86vmm/vm/"},
    {"x86vmm/bare/", true,
     "base/ monitor/ x86vmm/machine/ x86vmm/vtx/ x86vmm/svm/ x86vmm/dev/ "
     "x86vmm/pc/board.h x86vmm/pc/load.h x86vmm/exit/ x86vmm/vm/ "
     "x86vmm/engine/vmcb_state.h x86vmm/engine/vmcs_state.h "
     "x86vmm/engine/vmx_exit.def x86vmm/engine/svm_exit.def "
     "x86vmm/vcpu.h x86vmm/bare/"},
    {"x86vmm/guest/", true, "base/ x86vmm/guest/"},
    {"tui/", false, "base/ monitor/ tui/"},
    {"popek-goldberg/", false, "base/"},
    {"popek-goldberg/language/", false, "base/ popek-goldberg/language/"},
    {"popek-goldberg/judge/", false,
     "base/ popek-goldberg/language/ popek-goldberg/judge/"},
    {"popek-goldberg/solver/", false,
     "base/ popek-goldberg/language/ popek-goldberg/judge/ "
     "popek-goldberg/solver/"},
    {"popek-goldberg/report/", false,
     "base/ popek-goldberg/language/ popek-goldberg/judge/ "
     "popek-goldberg/solver/ popek-goldberg/report/"},
    {"popek-goldberg/construct/", false,
     "base/ monitor/ popek-goldberg/language/ popek-goldberg/judge/ "
     "popek-goldberg/report/ popek-goldberg/construct/"},
    {"popek-goldberg/probe/", false,
     "base/ s370/machine/ x86vmm/machine/ popek-goldberg/language/ "
     "popek-goldberg/judge/ popek-goldberg/report/ popek-goldberg/probe/"},
    {"popek-goldberg/witness/", false,
     "base/ s370/machine/ popek-goldberg/language/ popek-goldberg/judge/ "
     "popek-goldberg/report/ popek-goldberg/probe/ popek-goldberg/witness/"},
    {"cli/", false, ""}, /* these three may include anything ... */
    {"tests/", false, ""},
    {"labs/", false, ""},
};

/* ... and are included by nobody but themselves. */
static const char *const closed[] = {"cli/", "tests/", "labs/"};

static const char *const bare_headers[] = {
    "stdarg.h",   "stdbool.h",     "stddef.h", "stdint.h", "limits.h",
    "stdalign.h", "stdnoreturn.h", "float.h",  "iso646.h"};

struct source {
    char path[PATH_SIZE];
    char includes[INCLUDES_MAX][PATH_SIZE]; /* of ours: "base/types.h" */
    unsigned count;
    enum { UNSEEN, OPEN, DONE } state;
};

static struct source *sources;
static unsigned source_count, faults;

static bool begins(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static const struct layer *layer_of(const char *path)
{
    const struct layer *best = NULL;

    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        if (begins(path, layers[i].prefix) &&
            (!best || strlen(layers[i].prefix) > strlen(best->prefix)))
            best = &layers[i];
    return best;
}

/* Is one of the prefixes in the list a prefix of the path? */
static bool listed(const char *path, const char *list)
{
    while (*list) {
        size_t n = strcspn(list, " ");

        if (!strncmp(path, list, n))
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

PRINTF(3, 4)
static void fault(const char *path, unsigned line, const char *fmt, ...)
{
    va_list ap;

    faults++;
    fprintf(stderr, "%s:%u: ", path, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void check_ours(const struct layer *from, const char *path,
                       unsigned line, const char *target)
{
    if (!strchr(target, '/')) {
        if (!listed(from->prefix, "tests/ cli/"))
            fault(path, line, "\"%s\" is not written from the root", target);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (begins(target, closed[i]) && *from->may)
            fault(path, line, "%s is included by nobody", closed[i]);
    if (*from->may && !listed(target, from->may))
        fault(path, line, "%s must not include %s; it may include %s",
              from->prefix, target, from->may);
}

static void check_system(const struct layer *from, const char *path,
                         unsigned line, const char *target)
{
    if (!from->bare)
        return;
    for (size_t i = 0; i < ARRAY_LEN(bare_headers); i++)
        if (!strcmp(target, bare_headers[i]))
            return;
    fault(path, line, "%s has no C library under it: no <%s>", from->prefix,
          target);
}

/* The monitor is nobody's in particular: no name in it, and no comment, has one
 * of these words, by itself or between underlines. */
static const char *const foreign_words[] = {
    "s370", "370",   "psw",    "svc",   "sio", "lpsw", "diagnose", "ibm",
    "x86",  "intel", "amd",    "vmx",   "svm", "kvm",  "vtx",      "vmcs",
    "vmcb", "ept",   "npt",    "cpuid", "msr", "hlt",  "rip",      "rsp",
    "cr0",  "cr3",   "rflags", "gdt",   "idt", "apic", "vmcall",   "cpl",
    "ccw",  "csw",   "dat",    "bc",    "ipl", "tss",  "eflags",   "vmrun"};

static void check_words(const char *path, const char *text, unsigned line)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    while (*(text += strcspn(text, letters))) {
        size_t n = strspn(text, letters);

        for (size_t i = 0; i < ARRAY_LEN(foreign_words); i++)
            if (strlen(foreign_words[i]) == n &&
                !strncasecmp(foreign_words[i], text, n))
                fault(path, line, "'%s' is a word of one machine",
                      foreign_words[i]);
        text += n;
    }
}

static void read_line(struct source *s, const struct layer *from,
                      const char *text, unsigned line)
{
    char open[2], target[PATH_SIZE];

    if (!strcmp(from->prefix, "monitor/"))
        check_words(s->path, text, line);
    if (sscanf(text, " # include %1[\"<]%127[^\">]", open, target) != 2)
        return;
    if (*open == '<') {
        check_system(from, s->path, line, target);
        return;
    }
    check_ours(from, s->path, line, target);
    ck_assert_msg(s->count < INCLUDES_MAX, "%s: too many includes", s->path);
    snprintf(s->includes[s->count++], PATH_SIZE, "%s", target);
}

static void read_source(const char *path)
{
    const struct layer *from = layer_of(path);
    FILE *f = fopen(path, "r");
    char text[1024];
    unsigned line = 0;

    if (!f)
        return; /* gone since the folder was read */
    ck_assert_msg(from != NULL, "%s is in no layer", path);
    ck_assert_msg(source_count < FILES_MAX, "FILES_MAX is too small");
    struct source *s = &sources[source_count++];
    snprintf(s->path, sizeof(s->path), "%s", path);
    while (fgets(text, sizeof(text), f))
        read_line(s, from, text, ++line);
    fclose(f);
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h") ||
                   !strcmp(dot, ".def") || !strcmp(dot, ".inc"));
}

static void read_folder(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char path[PATH_SIZE];
        struct stat st;

        int n = snprintf(path, sizeof(path), "%s%s", folder, e->d_name);
        if (e->d_name[0] == '.' || n >= (int)sizeof(path) - 1 ||
            stat(path, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            strcat(path, "/");
            read_folder(path);
        } else if (is_source(path)) {
            read_source(path);
        }
    }
    if (d)
        closedir(d);
}

static void read_tree(void)
{
    sources = calloc(FILES_MAX, sizeof(*sources));
    ck_assert_ptr_nonnull(sources);
    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        if (strchr(layers[i].prefix, '/')[1] == '\0')
            read_folder(layers[i].prefix);
    ck_assert_uint_gt(source_count, 20);
}

static void free_tree(void)
{
    free(sources);
}

static struct source *find_source(const char *path)
{
    for (unsigned i = 0; i < source_count; i++)
        if (!strcmp(sources[i].path, path))
            return &sources[i];
    return NULL;
}

/* Depth first; coming back to a file that is still open closes a circle. */
static void walk(struct source *s)
{
    s->state = OPEN;
    for (unsigned i = 0; i < s->count; i++) {
        struct source *next = find_source(s->includes[i]);

        if (next && next->state == OPEN)
            fault(s->path, 0, "circle: %s includes it, directly or not",
                  next->path);
        else if (next && next->state == UNSEEN)
            walk(next);
    }
    s->state = DONE;
}

START_TEST(test_no_include_runs_upward)
{
    ck_assert_msg(faults == 0, "%u lines break the layers (see above)", faults);
}
END_TEST

START_TEST(test_no_circle_of_files)
{
    faults = 0;
    for (unsigned i = 0; i < source_count; i++)
        if (sources[i].state == UNSEEN)
            walk(&sources[i]);
    ck_assert_msg(faults == 0, "%u circles (see above)", faults);
}
END_TEST

/* The law itself is tested: it refuses what it should. */
START_TEST(test_the_check_can_fail)
{
    static const struct {
        const char *path, *line;
        bool refused;
    } rows[] = {
        {"base/x.c", "#include \"monitor/vm.h\"", true},
        {"base/x.c", "#include <stdio.h>", true},
        {"base/x.c", "#include <stdint.h>", false},
        {"monitor/x.c", "#include <stdlib.h>", true},
        {"monitor/x.c", "/* as a new PSW says */", true},
        {"monitor/x.c", "    x->raw = VMX_EXIT;", true},
        {"monitor/x.c", "    return is_amd(v);", true},
        {"monitor/x.c", "    return v->slice;", false},
        {"monitor/x.c", "#include \"s370/machine/cpu.h\"", true},
        {"s370/machine/x.c", "#include \"monitor/vm.h\"", true},
        {"s370/machine/x.c", "#include \"x86vmm/machine/x.h\"", true},
        {"s370/dev/x.c", "#include \"monitor/exit.h\"", true},
        {"s370/dev/x.c", "#include <stdio.h>", false},
        {"s370/engine/x.c", "#include \"s370/exit/x.h\"", true},
        {"s370/exit/x.c", "  #  include \"s370/engine/x.h\"", true},
        {"x86vmm/exit/x.c", "#include \"x86vmm/engine/x.h\"", true},
        {"x86vmm/exit/x.c", "#include \"monitor/vm.h\"", false},
        {"popek-goldberg/construct/x.c", "#include \"monitor/vm.h\"", false},
        {"popek-goldberg/x.c", "#include \"s370/exit/isa.h\"", true},
        {"popek-goldberg/x.c", "#include \"s370/vcpu.h\"", true},
        {"s370/exit/x.c", "#include \"x.h\"", true},
        {"s370/exit/x.c", "#include \"cli/command.h\"", true},
        {"cli/x.c", "#include \"s370/engine/x.h\"", false},
        {"tests/x.c", "#include \"cli/script.h\"", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct source s = {0};

        snprintf(s.path, sizeof(s.path), "%s", rows[i].path);
        faults = 0;
        read_line(&s, layer_of(s.path), rows[i].line, 1);
        ck_assert_msg((faults != 0) == rows[i].refused, "%s: %s", rows[i].path,
                      rows[i].line);
    }
}
END_TEST

Suite *suite_layers(void)
{
    Suite *s = suite_create("layers");
    TCase *t = tcase_create("includes");

    tcase_add_checked_fixture(t, read_tree, free_tree);
    tcase_add_test(t, test_no_include_runs_upward);
    tcase_add_test(t, test_no_circle_of_files);
    tcase_add_test(t, test_the_check_can_fail);
    suite_add_tcase(s, t);
    return s;
}
