/* What QEMU tells of its exceptions: its log, `-d int`, of those too that no
 * recorder has written down.  It leaves out those of real-address mode. */
#include "tests/x86_oracle/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INT3 = 3, INTO = 4, LMA = 0x400, HEARD_MAX = 2 * OX_RAISES_MAX };

/* Behind that name, in one exception's lines; 0: it is not there. */
static uint64_t value_of(const char *from, const char *end, const char *name)
{
    const char *at = strstr(from, name);

    return at && at < end ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static void put_pair(uint32_t *w, uint64_t value)
{
    w[0] = (uint32_t)value;
    w[1] = (uint32_t)(value >> 32);
}

/* The names of general registers, with 32 and with 64 bits. */
static const char *const registers[16][2] = {
    {"\nEAX=", "\nRAX="}, {" ECX=", " RCX="}, {" EDX=", " RDX="},
    {" EBX=", " RBX="},   {" ESP=", " RSP="}, {" EBP=", " RBP="},
    {"\nESI=", "\nRSI="}, {" EDI=", " RDI="}, {"\nR8 =", "\nR8 ="},
    {" R9 =", " R9 ="},   {" R10=", " R10="}, {" R11=", " R11="},
    {"\nR12=", "\nR12="}, {" R13=", " R13="}, {" R14=", " R14="},
    {" R15=", " R15="}};

/* It logs the address of an INT, and ours what that saves. */
static uint64_t place_of(unsigned vector, bool software, uint64_t ip)
{
    if (!software)
        return ip;
    return ip + (vector == INT3 || vector == INTO ? 1 : 2);
}

/* One, of the lines up to `end`; its first tells VECTOR ERROR SOFTWARE CS:IP.
 */
static bool read_one(const char *line, const char *end, uint32_t *w)
{
    unsigned vector, error, software, cs;
    unsigned long long ip, pc;
    bool wide = value_of(line, end, "\nEFER=") & LMA;

    if (sscanf(line, "%*u: v=%x e=%x i=%x cpl=%*u IP=%x:%llx pc=%llx", &vector,
               &error, &software, &cs, &ip, &pc) != 6)
        return false;
    memset(w, 0, OX_RAISED_WORDS * sizeof(*w));
    w[OX_RAISED_RECORD] = wide ? RECORD_64 : RECORD_32;
    w[OX_RAISED_VECTOR] = vector;
    w[OX_RAISED_ERROR] = error;
    w[OX_RAISED_CS] = cs;
    put_pair(w + OX_RAISED_IP, place_of(vector, software, ip));
    w[OX_RAISED_FLAGS] =
        (uint32_t)(value_of(line, end, " EFL=") | value_of(line, end, " RFL="));
    w[OX_RAISED_CR0] = (uint32_t)value_of(line, end, "\nCR0=");
    put_pair(w + OX_RAISED_CR2, value_of(line, end, " CR2="));
    w[OX_RAISED_CR4] = (uint32_t)value_of(line, end, " CR4=");
    w[OX_RAISED_DR6] = (uint32_t)value_of(line, end, "\nDR6=");
    w[OX_RAISED_BASE] = (uint32_t)(pc - ip);
    for (unsigned n = 0; n < 16; n++)
        put_pair(w + OX_RAISED_GPR + 2 * n,
                 value_of(line, end, registers[n][wide]));
    return true;
}

static const char *next_one(const char *at)
{
    at = strstr(at, ": v=");
    while (at && at[-1] != '\n' && (at[-1] == ' ' || at[-1] >= '0'))
        at--;
    return at;
}

void ox_read_heard(const char *log, struct ox_result *of)
{
    const char *line = next_one(log), *end;

    of->raised = calloc(HEARD_MAX, OX_RAISED_WORDS * sizeof(*of->raised));
    if (!of->raised)
        abort();
    for (; line && of->raises < HEARD_MAX; line = end) {
        uint32_t *w = of->raised + (size_t)of->raises * OX_RAISED_WORDS;

        end = next_one(strchr(line, '=') + 1);
        if (read_one(line, end ? end : line + strlen(line), w))
            w[OX_RAISED_NUMBER] = of->raises++;
    }
}
