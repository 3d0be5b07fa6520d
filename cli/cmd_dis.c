/* trapline dis: an image of storage as assembler language. */
#include "cli/command.h"
#include "cli/file.h"
#include "cli/options.h"
#include "s370/asm/dis.h"

#include <string.h>

static struct {
    uint64_t origin;
    bool plain;
    const char *bases, *output;
} given;

static const struct option_row rows[] = {
    {OPTION_HEX, "origin", "ADDRESS", "where the first byte lies (0)",
     &given.origin, NULL},
    {OPTION_TEXT, "bases", "LIST",
     "what base registers hold (hex): 12=1002,11=2000", &given.bases, NULL},
    {OPTION_FLAG, "plain", NULL, "without addresses and bytes", &given.plain,
     NULL},
    {OPTION_TEXT, "output", "FILE", "where to write (standard output)",
     &given.output, NULL},
    {.kind = OPTION_END},
};

static const struct command_usage usage = {
    "dis FILE [OPTION]...",
    "Disassembles a flat image of System/370 storage.  What it writes can be\n"
    "assembled, and gives the same bytes again.",
    rows,
    "Example: trapline dis core.img --origin 1000 --bases 12=1002",
};

/* One REGISTER=ADDRESS; *p moves behind it and a comma. */
static bool take_base(const char **p, struct s370_dis_options *o)
{
    char text[32];
    size_t n = strcspn(*p, ","), name = strcspn(*p, "=");
    uint64_t r, address;

    if (name >= n || n >= sizeof(text))
        return false;
    memcpy(text, *p, n);
    text[n] = '\0';
    text[name] = '\0';
    if (!options_number(text, 10, &r) || r < 1 || r > 15 ||
        !options_number(text + name + 1, 16, &address) || address > 0xFFFFFF)
        return false;
    o->bases[r] = (int32_t)address;
    *p += n;
    *p += **p == ',';
    return true;
}

int cmd_dis(int argc, char **argv)
{
    struct s370_dis_options o = {0};
    struct s370_buffer in = {0}, out = {0};
    struct diag d = {""}, why = {""};

    int code = options_parse(&usage, &argc, argv);
    if (code >= 0)
        return code;
    if (argc != 2)
        return options_complain(&usage, "one file is wanted");
    for (unsigned i = 0; i < 16; i++)
        o.bases[i] = -1;
    for (const char *p = given.bases; p && *p;)
        if (!take_base(&p, &o))
            return options_complain(&usage, "--bases %s: not REGISTER=ADDRESS",
                                    given.bases);
    if (given.origin > 0xFFFFFF)
        return options_complain(&usage, "--origin: more than 24 bits");
    o.origin = (uint32_t)given.origin;
    o.plain = given.plain;
    enum status st = file_spare(given.output, argv[1], &d);
    if (st == STATUS_OK)
        st = file_read(argv[1], &in, &d);
    if (st == STATUS_OK && (st = s370_dis(in.bytes, in.len, &o, &out, &why)))
        diag_set(&d, st, "%s: %s", argv[1], why.text);
    if (st == STATUS_OK)
        st = file_write(given.output ? given.output : "-", &out, &d);
    s370_buffer_free(&in);
    s370_buffer_free(&out);
    return st == STATUS_OK ? cli_finish_stdout(CODE_DONE) : cli_fail(st, &d);
}
