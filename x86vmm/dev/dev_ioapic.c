#include "x86vmm/dev/dev_ioapic.h"

#define ENTRY_LOGICAL UINT64_C(0x800)
#define ENTRY_SERVED  UINT64_C(0x4000) /* remote IRR */
#define ENTRY_LEVEL   UINT64_C(0x8000)
#define ENTRY_MASKED  UINT64_C(0x10000)
#define ENTRY_OWN     UINT64_C(0xFF0000000001AFFF)

enum { SELECT = 0, WINDOW = 0x10 };
enum { ID, VERSION, ARBITRATION, TABLE = 0x10 };

static bool is_up(const struct ioapic *p, unsigned n)
{
    return p->lines >> n & 1;
}

/* Send what the input wants.  An edge is sent once; a level until the
 * processor has ended it and the device is quiet. */
static void send(struct ioapic *p, unsigned n)
{
    uint64_t e = p->table[n];
    bool level = e & ENTRY_LEVEL;
    uint32_t bit = UINT32_C(1) << n;
    struct lapic_message m = {.vector = (uint8_t)e,
                              .mode = (enum lapic_mode)(e >> 8 & 7),
                              .destination = (uint8_t)(e >> 56),
                              .logical = e & ENTRY_LOGICAL,
                              .level = level};

    if ((e & ENTRY_MASKED) ||
        (level ? !is_up(p, n) || (e & ENTRY_SERVED) : !(p->wanted & bit)))
        return;
    p->wanted &= ~bit;
    if (lapic_send(p->lapic, &m) && level)
        p->table[n] |= ENTRY_SERVED;
}

void ioapic_line(struct ioapic *p, unsigned line, bool raised)
{
    unsigned n = line ? line % IOAPIC_INPUTS : IOAPIC_TIMER;
    uint32_t bit = UINT32_C(1) << n;

    if (line == IOAPIC_TIMER) /* the 8259As' cascade */
        return;
    if (raised && !is_up(p, n) && !(p->table[n] & ENTRY_MASKED))
        p->wanted |= bit; /* a masked edge is lost */
    p->lines = raised ? p->lines | bit : p->lines & ~bit;
    send(p, n);
}

void ioapic_ended(struct ioapic *p, unsigned vector)
{
    for (unsigned n = 0; n < IOAPIC_INPUTS; n++)
        if ((uint8_t)p->table[n] == vector && (p->table[n] & ENTRY_SERVED)) {
            p->table[n] &= ~ENTRY_SERVED;
            send(p, n);
        }
}

/* ---- Registers ---- */

static uint32_t read_window(const struct ioapic *p)
{
    unsigned n = (unsigned)(p->select - TABLE) / 2;

    if (p->select == ID || p->select == ARBITRATION)
        return p->id;
    if (p->select == VERSION)
        return IOAPIC_VERSION | (IOAPIC_INPUTS - 1) << 16;
    if (p->select < TABLE || n >= IOAPIC_INPUTS)
        return 0;
    return (uint32_t)(p->table[n] >> (p->select % 2 ? 32 : 0));
}

static void write_window(struct ioapic *p, uint32_t value)
{
    unsigned n = (unsigned)(p->select - TABLE) / 2;
    uint64_t half = p->select % 2 ? (uint64_t)value << 32 : value;
    uint64_t own =
        ENTRY_OWN & (p->select % 2 ? ~UINT64_C(0xFFFFFFFF) : UINT32_MAX);

    if (p->select == ID)
        p->id = value & 0x0F000000;
    if (p->select < TABLE || n >= IOAPIC_INPUTS)
        return;
    p->table[n] = (p->table[n] & ~own) | (half & own);
    if (!(p->table[n] & ENTRY_LEVEL))
        p->table[n] &= ~ENTRY_SERVED;
    send(p, n);
}

/* Registers of 32 bits. */
void ioapic_io(void *dev, uint64_t offset, unsigned size, bool write,
               uint64_t *value)
{
    struct ioapic *p = dev;

    if (write && offset == SELECT)
        p->select = (uint8_t)*value;
    else if (write && offset == WINDOW && size >= 4)
        write_window(p, (uint32_t)*value);
    else if (!write)
        *value = offset == SELECT   ? p->select
                 : offset == WINDOW ? read_window(p)
                                    : 0;
}

void ioapic_init(struct ioapic *p, struct lapic *lapic)
{
    *p = (struct ioapic){.lapic = lapic};
    for (unsigned n = 0; n < IOAPIC_INPUTS; n++)
        p->table[n] = ENTRY_MASKED;
}
