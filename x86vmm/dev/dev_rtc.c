#include "x86vmm/dev/dev_rtc.h"

#include "x86vmm/dev/bytewise.h"

enum rtc_register {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
    CENTURY = 0x32
};

enum {
    A_UPDATING = 0x80,
    A_RATE = 0x0F,
    B_SET = 0x80,
    B_PERIODIC = 0x40,
    B_ALARM = 0x20,
    B_UPDATED = 0x10,
    B_BINARY = 4,
    B_24 = 2,
    C_IRQ = 0x80,
    D_VALID = 0x80,
    HOUR_PM = 0x80,
    ALARM_ANY = 0xC0, /* an alarm byte that matches each */
    UPDATE_TICKS = X86_TICKS_SECOND / 1000000 * 244
};

/* ---- The calendar ---- days since 1970-01-01 and back, by years that begin
 * in March, so that the odd day is the last. */

struct date {
    int64_t year;
    unsigned month, day;
};

static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 +
                      (int64_t)day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static struct date date_of(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);

    return (struct date){yoe + era * 400 + (month <= 2), month,
                         (unsigned)(doy - (153 * mp + 2) / 5 + 1)};
}

/* ---- The time's bytes ---- */

static uint8_t encode(const struct rtc *r, unsigned n)
{
    return (uint8_t)(r->bytes[REG_B] & B_BINARY ? n
                                                : n / 10 % 10 << 4 | n % 10);
}

static unsigned decode(const struct rtc *r, uint8_t byte)
{
    return r->bytes[REG_B] & B_BINARY ? byte : (byte >> 4) * 10u + (byte & 15u);
}

static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
    if (r->bytes[REG_B] & B_24)
        return encode(r, hour);
    return (uint8_t)(encode(r, hour % 12 ? hour % 12 : 12) |
                     (hour >= 12 ? HOUR_PM : 0));
}

static unsigned decode_hour(const struct rtc *r, uint8_t byte)
{
    if (r->bytes[REG_B] & B_24)
        return decode(r, byte);
    return decode(r, byte & (uint8_t)~HOUR_PM) % 12 + (byte & HOUR_PM ? 12 : 0);
}

static void write_time(struct rtc *r, int64_t now)
{
    int64_t days = (now >= 0 ? now : now - 86399) / 86400;
    unsigned second = (unsigned)(now - days * 86400);
    struct date d = date_of(days);

    r->bytes[SECONDS] = encode(r, second % 60);
    r->bytes[MINUTES] = encode(r, second / 60 % 60);
    r->bytes[HOURS] = encode_hour(r, second / 3600);
    r->bytes[WEEKDAY] = encode(r, (unsigned)((days % 7 + 11) % 7 + 1));
    r->bytes[DAY] = encode(r, d.day);
    r->bytes[MONTH] = encode(r, d.month);
    r->bytes[YEAR] = encode(r, (unsigned)(d.year % 100));
    r->bytes[CENTURY] = encode(r, (unsigned)(d.year / 100));
}

static int64_t read_time(const struct rtc *r)
{
    const uint8_t *b = r->bytes;
    unsigned month = decode(r, b[MONTH]);
    int64_t days =
        days_of((int64_t)decode(r, b[CENTURY]) * 100 + decode(r, b[YEAR]),
                month >= 1 && month <= 12 ? month : 1, decode(r, b[DAY]));

    return days * 86400 + (int64_t)decode_hour(r, b[HOURS]) * 3600 +
           (int64_t)decode(r, b[MINUTES]) * 60 + decode(r, b[SECONDS]);
}

static int64_t now(const struct rtc *r)
{
    return r->seconds + (int64_t)(r->clock->now / X86_TICKS_SECOND);
}

/* Bring the time's bytes up to now, unless the program holds them. */
static void look(struct rtc *r)
{
    if (!(r->bytes[REG_B] & B_SET))
        write_time(r, now(r));
}

/* ---- Flags and interrupts ---- */

/* Ticks between periodic flags, 0: none.  Rates 1 and 2 are those of 8 and 9
 * with the time base of a PC, 32.768 kHz. */
static uint64_t period(const struct rtc *r)
{
    unsigned rate = r->bytes[REG_A] & A_RATE;

    if (!rate)
        return 0;
    return ((uint64_t)X86_TICKS_SECOND << (rate < 3 ? rate + 6 : rate - 1)) /
           32768;
}

static bool alarm_matches(const struct rtc *r)
{
    static const uint8_t pairs[3] = {SECONDS, MINUTES, HOURS};

    for (unsigned i = 0; i < 3; i++) {
        uint8_t alarm = r->bytes[pairs[i] + 1];

        if ((alarm & ALARM_ANY) != ALARM_ANY && alarm != r->bytes[pairs[i]])
            return false;
    }
    return true;
}

/* What has come since the last look. */
static void update_flags(struct rtc *r)
{
    uint64_t t = r->clock->now, last = r->looked, p = period(r);

    r->looked = t;
    if (p && t / p != last / p)
        r->flags |= B_PERIODIC;
    if (t / X86_TICKS_SECOND == last / X86_TICKS_SECOND ||
        (r->bytes[REG_B] & B_SET))
        return;
    r->flags |= B_UPDATED;
    look(r);
    if (alarm_matches(r))
        r->flags |= B_ALARM;
}

static void event(void *owner, uint64_t arg);

/* Come back when the next flag that interrupts can be set. */
static void schedule(struct rtc *r)
{
    uint64_t t = r->clock->now, p = period(r), wait = CLOCK_NEVER;
    uint8_t b = r->bytes[REG_B];

    clock_cancel(r->clock, event, r);
    if ((b & B_PERIODIC) && p)
        wait = p - t % p;
    if (b & (B_ALARM | B_UPDATED))
        wait = min_u64(wait, X86_TICKS_SECOND - t % X86_TICKS_SECOND);
    if (wait != CLOCK_NEVER && clock_after(r->clock, wait, event, r, 0))
        return; /* one event at a time: there is room */
}

static void set_line(struct rtc *r)
{
    x86_line_set(r->platform, X86_LINE_RTC, r->flags & r->bytes[REG_B]);
}

static void event(void *owner, uint64_t arg)
{
    struct rtc *r = owner;

    (void)arg;
    update_flags(r);
    set_line(r);
    schedule(r);
}

/* ---- On the bus ---- */

static uint8_t read_data(struct rtc *r)
{
    uint8_t value;

    update_flags(r);
    switch (r->index) {
    case REG_A: {
        uint64_t left = X86_TICKS_SECOND - r->clock->now % X86_TICKS_SECOND;
        bool updating = left <= UPDATE_TICKS && !(r->bytes[REG_B] & B_SET);

        return r->bytes[REG_A] | (updating ? A_UPDATING : 0);
    }
    case REG_C:
        value = (uint8_t)(r->flags | (r->flags & r->bytes[REG_B] ? C_IRQ : 0));
        r->flags = 0;
        set_line(r);
        return value;
    case REG_D:
        return D_VALID;
    default:
        look(r);
        return r->bytes[r->index];
    }
}

static void write_data(struct rtc *r, uint8_t value)
{
    bool time = r->index <= YEAR || r->index == CENTURY;

    update_flags(r);
    look(r);
    switch (r->index) {
    case REG_A:
        r->bytes[REG_A] = value & (uint8_t)~A_UPDATING;
        break;
    case REG_B:
        r->bytes[REG_B] = value & B_SET ? value & (uint8_t)~B_UPDATED : value;
        look(r); /* perhaps in another form */
        set_line(r);
        break;
    case REG_C:
    case REG_D:
        return;
    default:
        r->bytes[r->index] = value;
        break;
    }
    if (time)
        r->seconds += read_time(r) - now(r);
    schedule(r);
}

static uint8_t read_register(void *dev, unsigned reg)
{
    return reg ? read_data(dev) : 0xFF;
}

static void write_register(void *dev, unsigned reg, uint8_t value)
{
    struct rtc *r = dev;

    if (reg)
        write_data(r, value);
    else
        r->index = value % RTC_BYTES; /* bit 7 masks NMIs, which are none */
}

void rtc_io(void *dev, uint64_t offset, unsigned size, bool write,
            uint64_t *value)
{
    bytewise_io(dev, 2, read_register, write_register, offset, size, write,
                value);
}

/* ---- What firmware looks for ---- */

static void put_16(struct rtc *r, unsigned at, uint64_t n)
{
    r->bytes[at] = (uint8_t)n;
    r->bytes[at + 1] = (uint8_t)(n >> 8);
}

/* Storage: below 640 KiB, from 1 MiB, the same up to 64 MiB, and from 16 MiB
 * in units of 64 KiB. */
static void tell_storage(struct rtc *r, uint64_t bytes)
{
    uint64_t mib = 1 << 20, above = bytes > mib ? (bytes - mib) / 1024 : 0;

    put_16(r, 0x15, 640);
    put_16(r, 0x17, min_u64(above, 0xFFFF));
    put_16(r, 0x30, min_u64(above, 0xFFFF));
    put_16(r, 0x34,
           bytes > 16 * mib ? min_u64((bytes - 16 * mib) >> 16, 0xFFFF) : 0);
}

void rtc_reset(struct rtc *r)
{
    clock_cancel(r->clock, event, r);
    r->bytes[REG_B] &= (uint8_t) ~(B_PERIODIC | B_ALARM | B_UPDATED);
    r->flags = 0;
    set_line(r);
}

/* PC AT Technical Reference, "RT/CMOS RAM": diskette drive types, equipment.
 * The order is that of the BIOSes of Bochs. */
void rtc_tell_floppies(struct rtc *r, const uint8_t types[2])
{
    enum { DRIVES = 0x10, EQUIPMENT = 0x14, ORDER = 0x3D };

    r->bytes[DRIVES] = (uint8_t)(types[0] << 4 | types[1]);
    if (types[0] || types[1])
        r->bytes[EQUIPMENT] |= types[1] ? 0x41 : 0x01;
    if (types[0])
        r->bytes[ORDER] = 0x21; /* the disk is next */
}

void rtc_init(struct rtc *r, struct clock *clock, struct x86_platform *platform,
              int64_t seconds, uint64_t bytes)
{
    clock_cancel(clock, event, r);
    *r = (struct rtc){.clock = clock, .platform = platform};
    r->seconds = seconds - (int64_t)(clock->now / X86_TICKS_SECOND);
    r->looked = clock->now;
    r->bytes[REG_A] = 0x26; /* 32.768 kHz, 1024 Hz */
    r->bytes[REG_B] = B_24;
    r->bytes[REG_D] = D_VALID;
    r->bytes[0x14] = 0x02; /* equipment: a coprocessor */
    r->bytes[0x38] = 0x20; /* boot from the disk */
    r->bytes[0x3D] = 0x02;
    r->bytes[0x12] = 0xF0; /* a disk of a type that 19h tells of */
    r->bytes[0x19] = 0x2F;
    tell_storage(r, bytes);
}
