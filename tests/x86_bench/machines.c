/* The command lines of those who run the loops and Debian. */
#include "tests/x86_bench/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIOS "/usr/share/bochs/BIOS-bochs-latest"
#define VGA  "/usr/share/bochs/VGABIOS-lgpl-latest"

/* A PC without what Linux would look for and none of them has. */
#define COMMAND_LINE                                          \
    "console=ttyS0 acpi=off pci=off noapic nokaslr reboot=k " \
    "panic=-1"

static const struct {
    const char *name;
    const char *program; /* NULL: ours, --on name */
    const char *package;
} rows[X86_BENCH_MACHINES] = {
    [X86_BENCH_BARE] = {"bare", NULL, NULL},
    [X86_BENCH_VTX] = {"vtx", NULL, NULL},
    [X86_BENCH_SVM] = {"svm", NULL, NULL},
    [X86_BENCH_BOCHS] = {"Bochs", "bochs-bin", "bochs, bochs-term"},
    [X86_BENCH_QEMU] = {"QEMU", "qemu-system-x86_64", "qemu-system-x86"},
};

const char *x86_bench_name(enum x86_bench_machine m)
{
    return rows[m].name;
}

/* ---- Files for Bochs ---- */

/* The debugger of Debian's build stops at the start until it is told to go
 * on. */
static const char bochs_debugger[] = "continue\nquit\n";
#define BOCHS_SETUP                                           \
    "plugin_ctrl: unmapped=1\n"                               \
    "config_interface: textconfig\n"                          \
    "display_library: term\n"                                 \
    "romimage: file=" BIOS "\n"                               \
    "vgaromimage: file=" VGA "\n"                             \
    "cpu: model=corei7_haswell_4770, count=1, ips=50000000, " \
    "reset_on_triple_fault=0\n"                               \
    "clock: sync=none\n"                                      \
    "log: bochs.log\n"                                        \
    "panic: action=fatal\n"                                   \
    "error: action=report\n"                                  \
    "sound: waveoutdrv=dummy, waveout=none\n"                 \
    "speaker: enabled=0\n"
static const char bochs_loops[] =
    BOCHS_SETUP "megs: 64\n"
                "floppya: 160k=loops.img, status=inserted, "
                "write_protected=1\n"
                "boot: floppy\n"
                "port_e9_hack: enabled=1\n";
static const char bochs_debian[] =
    BOCHS_SETUP "megs: 256\n"
                "pci: enabled=1, chipset=i440fx\n"
                "ata0-master: type=cdrom, path=disc.iso, status=inserted\n"
                "boot: cdrom\n"
                "com1: enabled=1, mode=file, dev=/proc/self/fd/1\n";

static const struct {
    const char *name, *text;
} texts[] = {{"loops.rc", bochs_loops},
             {"debian.rc", bochs_debian},
             {"debugger", bochs_debugger}};
static const char *const others[] = {"loops.img", "disc.iso", "bochs.log"};

static enum status put_file(const char *folder, const char *name,
                            const char *text, struct diag *diag)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    bool done = f && fputs(text, f) >= 0;
    if (f && fclose(f))
        done = false;
    return done ? STATUS_OK
                : diag_set(diag, STATUS_HOST_FAILED, "%s: %s", path,
                           strerror(errno));
}

static enum status put_link(const char *folder, const char *name,
                            const char *target, struct diag *diag)
{
    char link[128];

    snprintf(link, sizeof(link), "%s/%s", folder, name);
    return symlink(target, link) ? diag_set(diag, STATUS_HOST_FAILED, "%s: %s",
                                            link, strerror(errno))
                                 : STATUS_OK;
}

enum status x86_bench_begin(struct x86_bench_files *f, struct diag *diag)
{
    enum status st;

    snprintf(f->folder, sizeof(f->folder), "/tmp/trapline-bench-XXXXXX");
    if (!mkdtemp(f->folder)) {
        f->folder[0] = '\0';
        return diag_set(diag, STATUS_HOST_FAILED, "/tmp: %s", strerror(errno));
    }
    st = put_link(f->folder, "loops.img", f->image, diag);
    if (st == STATUS_OK && f->disc)
        st = put_link(f->folder, "disc.iso", f->disc, diag);
    for (size_t i = 0; st == STATUS_OK && i < ARRAY_LEN(texts); i++)
        st = put_file(f->folder, texts[i].name, texts[i].text, diag);
    return st;
}

void x86_bench_end(struct x86_bench_files *f)
{
    char path[128];

    if (!f->folder[0])
        return;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, texts[i].name);
        unlink(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->folder, others[i]);
        unlink(path);
    }
    rmdir(f->folder);
}

/* ---- Command lines ---- */

static void add(const char *argv[X86_BENCH_ARGS], const char *const words[])
{
    size_t n = 0;

    while (argv[n])
        n++;
    while (*words && n + 1 < X86_BENCH_ARGS)
        argv[n++] = *words++;
    argv[n] = NULL;
}

#define ADD(argv, ...) add(argv, (const char *const[]){__VA_ARGS__, NULL})

static void ours(const struct x86_bench_files *f, enum x86_bench_machine m,
                 bool debian, const char *argv[X86_BENCH_ARGS])
{
    ADD(argv, f->program, "run", "--quiet", "--on", rows[m].name);
    if (debian)
        ADD(argv, "--kernel", f->kernel, "--initrd", f->initrd, "--append",
            COMMAND_LINE);
    else if (m == X86_BENCH_BARE)
        ADD(argv, "--kernel", f->image);
    else
        ADD(argv, f->image);
}

static void qemu(const struct x86_bench_files *f, bool debian,
                 const char *argv[X86_BENCH_ARGS])
{
    ADD(argv, rows[X86_BENCH_QEMU].program, "-accel", "tcg", "-m", "256",
        "-display", "none", "-nodefaults", "-no-reboot");
    if (debian)
        ADD(argv, "-serial", "stdio", "-kernel", f->kernel, "-initrd",
            f->initrd, "-append", COMMAND_LINE);
    else
        ADD(argv, "-drive", "file=loops.img,format=raw,if=floppy,readonly=on",
            "-debugcon", "stdio", "-device",
            "isa-debug-exit,iobase=0xf4,iosize=1");
}

/* What keeps it from being run at all; "": nothing. */
static const char *missing(const struct x86_bench_files *f,
                           enum x86_bench_machine m, bool debian)
{
    if (m == X86_BENCH_BOCHS && debian && !f->disc)
        return "it starts no kernel without a boot loader, and there is none "
               "(packages grub-pc-bin, grub-common, xorriso, mtools)";
    if (m == X86_BENCH_BOCHS && (access(BIOS, R_OK) || access(VGA, R_OK)))
        return "no firmware for it (packages bochsbios, vgabios)";
    return "";
}

/* Our own complaint comes first, others' last. */
static const char *complaint(enum x86_bench_machine m, char *said)
{
    char *at = said + strlen(said);

    while (at > said && (unsigned char)at[-1] <= ' ')
        *--at = '\0';
    if (m < X86_BENCH_OURS) {
        said[strcspn(said, "\r\n")] = '\0';
        return said;
    }
    while (at > said && (unsigned char)at[-1] >= ' ')
        at--;
    return at;
}

/* Are all parts there? */
static enum status judge(enum x86_bench_machine m, bool debian,
                         const struct x86_bench_run *r, int status, char *said,
                         struct diag *diag)
{
    static const char loops[] = "0"
#define LOOP(letter, tenths, turns, exits, title) "x"
#include "tests/x86_bench/loops.def"
#undef LOOP
        ;
    unsigned wanted = !debian                ? (unsigned)sizeof(loops) - 1
                      : m == X86_BENCH_BOCHS ? 2 /* its loader says one */
                                             : 1;

    if (r->parts == wanted)
        return STATUS_OK;
    if (rows[m].program && WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return diag_set(diag, STATUS_UNSUPPORTED, "not installed (packages %s)",
                        rows[m].package);
    return diag_set(diag, r->parts ? STATUS_HOST_FAILED : STATUS_UNSUPPORTED,
                    "%u of %u parts; it said: %s", r->parts, wanted,
                    complaint(m, said));
}

enum status x86_bench_run(const struct x86_bench_files *f,
                          enum x86_bench_machine m, bool debian,
                          struct x86_bench_run *r, struct diag *diag)
{
    const char *argv[X86_BENCH_ARGS] = {NULL};
    char said[X86_BENCH_SAID];
    const char *why = missing(f, m, debian);
    int status = -1;

    if (*why)
        return diag_set(diag, STATUS_UNSUPPORTED, "%s", why);
    if (m < X86_BENCH_OURS)
        ours(f, m, debian, argv);
    else if (m == X86_BENCH_QEMU)
        qemu(f, debian, argv);
    else
        ADD(argv, rows[m].program, "-q", "-f",
            debian ? "debian.rc" : "loops.rc", "-rc", "debugger");
    enum status st = x86_bench_child(argv, f->folder, debian ? 'i' : '\0', r,
                                     &status, said, diag);
    return st == STATUS_OK ? judge(m, debian, r, status, said, diag) : st;
}
