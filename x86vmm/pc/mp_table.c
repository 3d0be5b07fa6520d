#include "x86vmm/pc/mp_table.h"

#include "base/bytes.h"
#include "x86vmm/dev/dev_ioapic.h"
#include "x86vmm/dev/dev_lapic.h"

#include <string.h>

enum { BDA_EBDA = 0x40E, BDA_KBYTES = 0x413 };
enum { POINTER = 16, HEADER = 44 };
/* Entries' types, and the interrupts' among them. */
enum { PROCESSOR, BUS, IOAPIC, TO_IOAPIC, TO_LAPIC };
enum { INT, NMI, SMI, EXTINT };
enum { IOAPIC_ID = 0, ISA_BUS = 0, LINES = 16, CASCADE = 2 };

void mp_put_bios_data(uint8_t *storage)
{
    store_le16(storage + BDA_EBDA, PC_EBDA >> 4);
    store_le16(storage + BDA_KBYTES, PC_EBDA / 1024);
}

/* All bytes together are 0. */
static void seal(uint8_t *p, size_t n, size_t at)
{
    uint8_t sum = 0;

    p[at] = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + p[i]);
    p[at] = (uint8_t)-sum;
}

static uint8_t *put_interrupt(uint8_t *p, uint8_t type, uint8_t kind,
                              uint8_t line, uint8_t to, uint8_t input)
{
    const uint8_t entry[8] = {type, kind, 0, 0, ISA_BUS, line, to, input};

    memcpy(p, entry, sizeof(entry));
    return p + sizeof(entry);
}

/* One processor (family 6, an FPU, a local APIC), the ISA bus, the I/O APIC,
 * and who is connected to what; returns how many entries. */
static unsigned put_entries(uint8_t **end)
{
    enum { USABLE = 1, FIRST = 2, FEATURES = 0x201, ALL = 0xFF };
    uint8_t *p = *end;
    unsigned n = 3;

    p[0] = PROCESSOR;
    p[2] = LAPIC_VERSION;
    p[3] = USABLE | FIRST;
    store_le32(p + 4, 0x600);
    store_le32(p + 8, FEATURES);
    p[20] = BUS;
    p[21] = ISA_BUS;
    memcpy(p + 22, "ISA   ", 6);
    p[28] = IOAPIC;
    p[29] = IOAPIC_ID;
    p[30] = IOAPIC_VERSION;
    p[31] = USABLE;
    store_le32(p + 32, (uint32_t)IOAPIC_AT);
    p += 36;
    for (uint8_t line = 0; line < LINES; line++, n++)
        if (line == CASCADE)
            n--;
        else
            p = put_interrupt(p, TO_IOAPIC, INT, line, IOAPIC_ID,
                              line ? line : IOAPIC_TIMER);
    p = put_interrupt(p, TO_LAPIC, EXTINT, 0, 0, 0);
    *end = put_interrupt(p, TO_LAPIC, NMI, 0, ALL, 1);
    return n + 2;
}

void mp_put_table(uint8_t *storage)
{
    uint8_t *pointer = storage + PC_EBDA, *table = pointer + POINTER;
    uint8_t *end = table + HEADER;

    memset(pointer, 0, PC_EBDA_SIZE);
    unsigned entries = put_entries(&end);
    memcpy(table, "PCMP", 4);
    store_le16(table + 4, (uint16_t)(end - table));
    table[6] = 4; /* of the specification: 1.4 */
    memcpy(table + 8, "TRAPLINEBARE PC     ", 20);
    store_le16(table + 34, (uint16_t)entries);
    store_le32(table + 36, (uint32_t)LAPIC_AT);
    seal(table, (size_t)(end - table), 7);
    memcpy(pointer, "_MP_", 4);
    store_le32(pointer + 4, PC_EBDA + POINTER);
    pointer[8] = 1; /* length: 16 bytes */
    pointer[9] = 4;
    seal(pointer, POINTER, 10);
}
