/* Any bytes as an operator's script: refused with the file's name, or followed
 * at a machine that always waits, for as long as it has lines to do. */
#include "cli/script.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char full[] =
    "# an operator\nattention\nwait READY\ntype LOGON\ntype\n\nwait >\nstop\n";

const struct fuzz_seed fuzz_seeds[] = {
    {full, sizeof(full) - 1}, {"type a\n", 7}, {NULL, 0}};

static bool yes(void *machine)
{
    (void)machine;
    return true;
}

static void nothing(void *machine)
{
    (void)machine;
}

static void answer(void *machine, const char *text)
{
    *(size_t *)machine += strlen(text);
}

static void follow(const struct script *s, const char *printed, size_t len)
{
    static struct script_run r;
    struct clock clock;
    size_t typed = 0;
    const struct script_hands hands = {yes,    yes,     nothing,
                                       answer, nothing, &typed};
    struct diag d = {""};

    clock_init(&clock);
    if (script_begin(&r, s, &clock, &hands))
        abort();
    for (unsigned i = 0; i < 50; i++) {
        script_printed(&r, printed, len);
        script_reading(&r);
        clock_advance(&clock, SCRIPT_REACTION + 1);
    }
    if (!script_done(&r, &d) && strncmp(d.text, "script:", 7))
        abort();
    script_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);
    struct diag d = {""};

    if (!text)
        return 0;
    memcpy(text, bytes, len);
    text[len] = 0;
    struct script *s = script_parse("script", text, &d);
    if (s)
        follow(s, text, len);
    else if (strncmp(d.text, "script:", 7))
        abort();
    script_free(s);
    free(text);
    return 0;
}
