/* trapline asm: assemble a source file. */
#include "cli/command.h"
#include "cli/file.h"
#include "cli/options.h"
#include "s370/asm/asm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *output, *format, *listing, *copy, *columns, *sysparm;
    bool xref;
} given;

static const struct option_row rows[] = {
    {OPTION_TEXT, "output", "FILE", "the object program; - is standard output",
     &given.output, NULL},
    {OPTION_TEXT, "format", "FORMAT",
     "core (flat image), ipl (tape), cards (to IPL), or deck", &given.format,
     NULL},
    {OPTION_TEXT, "listing", "FILE", "write the listing; - is standard output",
     &given.listing, NULL},
    {OPTION_FLAG, "xref", NULL, "with a cross-reference", &given.xref, NULL},
    {OPTION_TEXT, "copy", "DIR",
     "where COPY finds its members (the source's folder)", &given.copy, NULL},
    {OPTION_TEXT, "columns", "HOW",
     "fixed (72 continues), free, or auto (80 decides)", &given.columns, NULL},
    {OPTION_TEXT, "sysparm", "TEXT", "the value of &SYSPARM", &given.sysparm,
     NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "asm FILE [OPTION]...",
    "Assembles System/370 assembler language as GC33-4010 and the textbooks\n"
    "print it.  Without --output and --listing it only checks.",
    rows,
    "Example: trapline asm hello.s --format ipl --output hello.aws --listing -",
};

static const struct {
    const char *name;
    enum s370_asm_columns columns;
} columns[] = {
    {"auto", S370_ASM_AUTO},
    {"fixed", S370_ASM_FIXED},
    {"free", S370_ASM_FREE},
};

static bool copy_member(void *context, const char *member,
                        struct s370_buffer *into, char *file, size_t file_cap)
{
    char name[64];
    size_t n = 0;

    for (; n < sizeof(name) - 1 && member[n]; n++)
        name[n] = member[n] >= 'A' && member[n] <= 'Z'
                      ? (char)(member[n] - 'A' + 'a')
                      : member[n];
    name[n] = '\0';
    snprintf(file, file_cap, "%s/%s.mac", (const char *)context, member);
    if (file_read(file, into, NULL) == STATUS_OK)
        return true;
    snprintf(file, file_cap, "%s/%s.mac", (const char *)context, name);
    return file_read(file, into, NULL) == STATUS_OK;
}

static void print_messages(const struct assembly *a)
{
    for (const struct s370_asm_message *m = s370_asm_messages(a); m;
         m = m->next)
        cli_say("%s:%u:%u: %s%s", m->file, m->line, m->column,
                m->warning ? "warning: " : "", m->text);
}

static enum status make_core(const struct assembly *a, struct s370_buffer *out,
                             struct diag *d)
{
    uint32_t origin;

    return s370_asm_core(a, out, &origin, d);
}

static const struct {
    const char *name;
    enum status (*make)(const struct assembly *, struct s370_buffer *,
                        struct diag *);
} formats[] = {
    {"core", make_core}, /* the one that --format leaves out */
    {"ipl", s370_asm_ipl_tape},
    {"cards", s370_asm_ipl_cards},
    {"deck", s370_asm_deck},
};

/* Its row in formats, or ARRAY_LEN(formats). */
static size_t find_format(void)
{
    size_t i = 0;

    while (given.format && i < ARRAY_LEN(formats) &&
           strcmp(given.format, formats[i].name) != 0)
        i++;
    return i;
}

static int write_results(const struct assembly *a, const char *source)
{
    struct s370_buffer out = {0}, listing = {0};
    struct diag d = {""};
    enum status st = STATUS_OK;

    if (given.listing) {
        s370_asm_listing(a, given.xref, &listing);
        st = file_write(given.listing, &listing, &d);
    }
    if (st == STATUS_OK && given.output && !s370_asm_errors(a)) {
        st = formats[find_format()].make(a, &out, &d);
        if (st != STATUS_OK) {
            struct diag inner = d;

            diag_set(&d, st, "%s: %s", source, inner.text);
        } else {
            st = file_write(given.output, &out, &d);
        }
    }
    s370_buffer_free(&out);
    s370_buffer_free(&listing);
    if (st != STATUS_OK)
        return cli_fail(st, &d);
    return s370_asm_errors(a) ? CODE_USAGE : CODE_DONE;
}

static int assemble(const char *file, const struct s370_buffer *text,
                    const struct s370_asm_options *options)
{
    struct assembly *a;
    enum status st =
        s370_assemble(file, (const char *)text->bytes, text->len, options, &a);

    if (st != STATUS_OK) {
        struct diag d;

        diag_set(&d, st, "%s: too large an assembly", file);
        return cli_fail(st, &d);
    }
    print_messages(a);
    int code = write_results(a, file);
    s370_asm_free(a);
    return code;
}

int cmd_asm(int argc, char **argv)
{
    struct s370_asm_options options = {.copy = copy_member};
    struct s370_buffer text = {0};
    struct diag d = {""};
    char place[512];
    size_t i = 0;

    int code = options_parse(&usage, &argc, argv);
    if (code >= 0)
        return code;
    if (argc != 2)
        return options_complain(&usage, "one source file is wanted");
    if (find_format() == ARRAY_LEN(formats))
        return options_complain(&usage, "--format %s: core, ipl, cards or deck",
                                given.format);
    if (given.output && given.listing &&
        strcmp(given.output, given.listing) == 0)
        return options_complain(&usage, "--output and --listing: both to %s?",
                                given.output);
    while (given.columns && i < ARRAY_LEN(columns) &&
           strcmp(given.columns, columns[i].name) != 0)
        i++;
    if (i == ARRAY_LEN(columns))
        return options_complain(&usage, "--columns %s: auto, fixed or free",
                                given.columns);
    const char *slash = strrchr(argv[1], '/');
    snprintf(place, sizeof(place), "%.*s", slash ? (int)(slash - argv[1]) : 1,
             slash ? argv[1] : ".");
    options.columns = columns[i].columns;
    options.sysparm = given.sysparm;
    options.copy_context = (void *)(given.copy ? given.copy : place);
    enum status st = file_spare(given.output, argv[1], &d);
    if (st == STATUS_OK)
        st = file_spare(given.listing, argv[1], &d);
    if (st == STATUS_OK)
        st = file_read(argv[1], &text, &d);
    if (st == STATUS_OK && !text.len)
        st = diag_set(&d, STATUS_BAD_INPUT, "%s: empty", argv[1]);
    code =
        st == STATUS_OK ? assemble(argv[1], &text, &options) : cli_fail(st, &d);
    s370_buffer_free(&text);
    return cli_finish_stdout(code);
}
