/* Any text as a source: assembled or refused with messages that name places in
 * it; what it makes is disassembled and comes back. */
#include "tests/fuzz/fuzz.h"

#include "s370/asm/asm.h"
#include "s370/asm/dis.h"

#include <stdlib.h>
#include <string.h>

static const char plain[] =
    "A        START 0\n"
    "         USING A,15\n"
    "         L     1,=F'42'\n"
    "         MVC   B(4),=CL8'HELLO'\n"
    "         BNE   A+4*(L'B-2)\n"
    "B        DC    3XL2'1F',E'-1.5E3',P'12.3',A(B-A,*),S(B)\n"
    "X        EQU   *-A\n"
    "         ORG   A+X'40'\n"
    "         CCW   2,B,X'20',X\n"
    "         LTORG\n"
    "C        DSECT\n"
    "D        DS    0D,CL5\n"
    "         END   A\n";

static const char macros[] =
    "         MACRO\n"
    "&L       M     &P,&Q=5\n"
    "         LCLA  &I(3)\n"
    "         LCLC  &S\n"
    "&L       DS    0H\n"
    ".A       AIF   (&I(1) GE &Q OR '&P'(1,1) EQ 'X').B\n"
    "&I(1)    SETA  &I(1)+1\n"
    "&S       SETC  'AB&SYSNDX'(2,3).'C'\n"
    "         DC    C'&S',AL1(&I(1),N'&P,K'&P)\n"
    "         AGO   .A\n"
    ".B       MNOTE *,'T&P(2)'\n"
    "         MEND\n"
    "         M     (1,2,3),Q=3\n"
    "X        M     X\n"
    "         COPY  ME\n"
    "         AIF   (T'X EQ 'H').C\n"
    ".C       END\n";

/* A card with a continuation. */
static const char cards[] =
    "A        LM    1,                                                      "
    "X00000010\n"
    "               2,0(3)                                                  "
    " 00000020\n"
    "         DC    C'A STRING THAT GOES ON FOR LONGER THAN ONE CARD WILL HO"
    "X00000030\n"
    "               LD'                                                     "
    " 00000040\n"
    "         END\n";

const struct fuzz_seed fuzz_seeds[] = {
    {plain, sizeof(plain) - 1},
    {macros, sizeof(macros) - 1},
    {cards, sizeof(cards) - 1},
    {NULL, 0},
};

/* COPY finds one member, which copies itself. */
static bool copy(void *context, const char *member, struct s370_buffer *into,
                 char *file, size_t file_cap)
{
    static const char text[] = "         COPY  ME\nY        DS    F\n";

    (void)context;
    if (strcmp(member, "ME") != 0)
        return false;
    strncpy(file, "ME", file_cap);
    s370_buffer_put(into, text, sizeof(text) - 1);
    return true;
}

static void check_messages(const struct assembly *a)
{
    unsigned errors = 0;

    for (const struct s370_asm_message *m = s370_asm_messages(a); m;
         m = m->next) {
        if (!m->line || !m->column || !m->file || !*m->text)
            abort();
        errors += !m->warning;
    }
    if (errors > s370_asm_errors(a))
        abort();
}

static struct assembly *assemble(const uint8_t *bytes, size_t len)
{
    static const struct s370_asm_options options = {.copy = copy};
    struct assembly *a;

    return s370_assemble("fuzz", (const char *)bytes, len, &options, &a) ==
                   STATUS_OK
               ? a
               : NULL;
}

/* Bytes to source and back. */
static void check_round_trip(const uint8_t *bytes, size_t len)
{
    struct s370_dis_options o = {.plain = true};
    struct s370_buffer text = {0}, image = {0};
    struct diag d;
    uint32_t origin;

    for (unsigned i = 0; i < 16; i++)
        o.bases[i] = i % 5 ? -1 : (int32_t)i * 8;
    if (s370_dis(bytes, len, &o, &text, &d) != STATUS_OK)
        abort();
    struct assembly *a = assemble(text.bytes, text.len);
    if (!a || s370_asm_errors(a) ||
        s370_asm_core(a, &image, &origin, &d) != STATUS_OK ||
        image.len != len || memcmp(image.bytes, bytes, len) != 0)
        abort();
    s370_asm_free(a);
    s370_buffer_free(&text);
    s370_buffer_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct s370_buffer out = {0};
    struct assembly *a = assemble(bytes, len);
    uint32_t origin;
    struct diag d;

    if (a) {
        check_messages(a);
        s370_asm_listing(a, true, &out);
        if (s370_asm_core(a, &out, &origin, &d) == STATUS_OK &&
            s370_asm_errors(a))
            abort();
        if (s370_asm_deck(a, &out, &d) == STATUS_OK && s370_asm_errors(a))
            abort();
        if (s370_asm_ipl_tape(a, &out, &d) == STATUS_OK && s370_asm_errors(a))
            abort();
        s370_asm_free(a);
        s370_buffer_free(&out);
    }
    if (len)
        check_round_trip(bytes, len);
    return 0;
}
