/* Any bytes as a configuration: refused or understood. */
#include "tests/fuzz/fuzz.h"

#include "s370/dev/config.h"

#include <stdlib.h>
#include <string.h>

static const char full[] =
    "# comment\nARCHMODE S/370\nMAINSIZE 2\nCPUSERIAL 012345\nCPUMODEL 3033\n"
    "OSTAILOR QUIET\nNUMCPU 1\nLOADPARM A\n001F 3215-C noprompt\n"
    "00A 3505 \"a b\" ascii \\\n eof\n0:00B 1403 x crlf\n180-182,190.2 3420\n";

const struct fuzz_seed fuzz_seeds[] = {
    {full, sizeof(full) - 1}, {"01F 1052\n", 9}, {NULL, 0}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct s370_config c;
    struct diag diag = {{0}};
    enum status st =
        s370_config_parse((const char *)bytes, len, "fuzz.conf", &c, &diag);

    if (st != STATUS_OK) {
        if (strncmp(diag.text, "fuzz.conf:", 10))
            abort(); /* every refusal names the file */
        return 0;
    }
    if (!c.device_count || c.device_count > S370_CONFIG_DEVICES_MAX)
        abort();
    for (unsigned i = 0; i < c.device_count; i++)
        if (c.devices[i].address > 0xFFF || !c.devices[i].type)
            abort();
    s370_config_free(&c);
    return 0;
}
