#include "x86vmm/pc/board.h"

#include "x86vmm/pc/mp_table.h"

#include <string.h>

enum { ROM_LOW = 256 << 10, EMPTY_ROM = 128 << 10 };

/* ---- The plan ---- */

enum status pc_plan_check(const struct pc_plan *plan, struct diag *diag)
{
    if (plan->storage < PC_STORAGE_MIN || plan->storage > PC_STORAGE_MAX ||
        plan->storage % PC_STORAGE_UNIT)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "storage of %llu bytes: whole MiB from 2 to 3072",
                        (unsigned long long)plan->storage);
    if (plan->vendor && strlen(plan->vendor) != PC_VENDOR)
        return diag_set(diag, STATUS_BAD_INPUT, "vendor '%s': %d characters",
                        plan->vendor, PC_VENDOR);
    if (plan->rom && (!plan->rom_size || plan->rom_size % PC_ROM_UNIT ||
                      plan->rom_size > PC_ROM_MAX))
        return diag_set(
            diag, STATUS_BAD_INPUT,
            "firmware of %llu bytes: whole pages of 4 KiB up to 16 MiB",
            (unsigned long long)plan->rom_size);
    for (unsigned i = 0; i < FDC_DISKS; i++)
        if (plan->floppies[i].disk.sectors &&
            !fdc_format_of(plan->floppies[i].disk.sectors))
            return diag_set(diag, STATUS_BAD_INPUT,
                            "no floppy disk has %llu sectors",
                            (unsigned long long)plan->floppies[i].disk.sectors);
    return STATUS_OK;
}

static size_t rom_low(const struct pc_plan *plan)
{
    return plan->rom_size < ROM_LOW ? plan->rom_size : ROM_LOW;
}

unsigned pc_plan_slots(const struct pc_plan *plan,
                       struct mem_slot slots[PC_SLOTS])
{
    size_t low = rom_low(plan);
    unsigned n = 0;

    slots[n++] = (struct mem_slot){0, PC_LOW_END, NULL, 0};
    slots[n++] = (struct mem_slot){TEXT_AT, TEXT_SIZE, NULL, 0};
    slots[n++] = (struct mem_slot){PC_HIGH_BEGIN, plan->storage - PC_HIGH_BEGIN,
                                   NULL, 0};
    if (!plan->rom) {
        slots[n++] = (struct mem_slot){PC_HIGH_BEGIN - EMPTY_ROM, EMPTY_ROM,
                                       NULL, MEM_READ_ONLY};
        return n;
    }
    slots[n++] = (struct mem_slot){PC_HIGH_BEGIN - low, low, NULL, 0};
    slots[n++] = (struct mem_slot){(UINT64_C(1) << 32) - plan->rom_size,
                                   plan->rom_size, NULL, MEM_READ_ONLY};
    return n;
}

void pc_plan_fill(const struct pc_plan *plan, const struct mem_map *mem)
{
    size_t low = rom_low(plan), size = plan->rom_size;

    if (plan->rom) {
        memcpy(mem_at(mem, PC_HIGH_BEGIN - low, low), plan->rom + (size - low),
               low);
        /* Its own firmware may be what is there already. */
        memmove(mem_at(mem, (UINT64_C(1) << 32) - size, size), plan->rom, size);
        return;
    }
    /* As if nothing were there; but who looks for tables, and everybody does,
     * a byte at a time, makes no exit of each. */
    memset(mem_at(mem, PC_HIGH_BEGIN - EMPTY_ROM, EMPTY_ROM), 0xFF, EMPTY_ROM);
    mp_put_bios_data(mem_at(mem, 0, PC_LOW_END));
    if (plan->apic)
        mp_put_table(mem_at(mem, 0, PC_LOW_END));
}

/* ---- Interrupts ---- */

/* Is the local APIC there, and turned on? */
static bool has_apic(const struct board *b)
{
    return b->apic && (b->platform->apic_base & X86_APIC_ENABLED);
}

/* The 8259As are the processor's own without local APIC, or come through
 * that. */
static bool waits(void *who)
{
    const struct board *b = who;

    if (!has_apic(b))
        return pic_pending(&b->pic);
    return lapic_pending(&b->lapic) >= 0 ||
           (lapic_passes_extint(&b->lapic) && pic_pending(&b->pic));
}

static int acknowledge(void *who)
{
    struct board *b = who;
    int vector = has_apic(b) ? lapic_acknowledge(&b->lapic) : -1;

    return vector < 0 ? pic_acknowledge(&b->pic) : vector;
}

static void line_changed(void *who, unsigned line, bool raised)
{
    struct board *b = who;

    pic_line(&b->pic, line, raised);
    if (b->apic)
        ioapic_line(&b->ioapic, line, raised);
}

static void after(struct board *b)
{
    if (b->host.after)
        b->host.after(b->host.who);
}

/* ---- On the bus ---- */

static void port_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    const struct board_port *p = dev;
    const struct board_host *host = &p->board->host;

    if (host->before)
        host->before(host->who);
    p->device.io(p->device.dev, offset, size, write, value);
    if (host->asked)
        host->asked(host->who, &p->device, p->device.first + offset, size,
                    write, *value);
    after(p->board);
}

/* ---- The APICs ---- */

static void apic_nmi(void *who)
{
    const struct board *b = who;

    if (b->host.nmi)
        b->host.nmi(b->host.who);
}

static void apic_ended(void *who, unsigned vector)
{
    ioapic_ended(&((struct board *)who)->ioapic, vector);
}

/* CR8 and the task priority register are one; off, it forgets all.  It can be
 * moved (Intel SDM vol. 3, "Relocating the Local APIC Registers"), but storage
 * and other devices come first. */
static void apic_changed(void *who)
{
    struct board *b = who;

    for (unsigned i = 0; i < b->bus->count; i++) {
        struct bus_device *d = &b->bus->devices[i];

        if (d->io != port_io ||
            ((struct board_port *)d->dev)->device.dev != &b->lapic)
            continue;
        d->first = b->platform->apic_base & ~(uint64_t)(LAPIC_SIZE - 1);
        d->last = d->first + LAPIC_SIZE - 1;
    }
    if (has_apic(b))
        lapic_set_cr8(&b->lapic, b->platform->cr8);
    else
        lapic_reset(&b->lapic);
    after(b);
}

static void local_io(void *who, uint64_t offset, unsigned size, bool write,
                     uint64_t *value)
{
    struct lapic *l = who;
    struct board *b = l->who;

    if (!has_apic(b)) {
        *value = write ? *value : UINT64_MAX;
        return;
    }
    lapic_io(l, offset, size, write, value);
    b->platform->cr8 = l->tpr >> 4;
}

/* ---- x87 exceptions as an interrupt ---- */

static void float_error(void *who)
{
    struct board *b = who;

    x86_line_set(b->platform, X86_LINE_FLOAT, true);
    after(b);
}

static void float_io(void *who, uint64_t offset, unsigned size, bool write,
                     uint64_t *value)
{
    const struct board *b = who;

    (void)offset;
    (void)size;
    if (write)
        x86_line_set(b->platform, X86_LINE_FLOAT, false);
    else
        *value = UINT64_MAX;
}

/* ---- The serial line ---- */

static void bring(void *who, uint64_t arg);

/* The next character is on its way, if there is one and room for it. */
static void send(struct board *b)
{
    struct board_line *l = &b->line;

    if (!l->busy && l->count && b->uart.count < BOARD_AHEAD)
        l->busy = !clock_after(b->clock, BOARD_CHARACTER, bring, b, 0);
}

static void bring(void *who, uint64_t arg)
{
    struct board *b = who;
    struct board_line *l = &b->line;

    (void)arg;
    if (b->clock->now < l->after) {
        l->busy = !clock_after(b->clock, l->after - b->clock->now, bring, b, 0);
        return;
    }
    l->busy = false;
    if (l->count && b->uart.count < BOARD_AHEAD) {
        (void)uart_input(&b->uart, &l->bytes[l->head], 1);
        l->head = (l->head + 1) % BOARD_LINE;
        l->count--;
    }
    send(b);
}

/* These come again, first of all. */
static void bring_again(struct board *b, const uint8_t *bytes, size_t n)
{
    struct board_line *l = &b->line;

    for (; n && l->count < BOARD_LINE; l->count++) {
        l->head = (l->head + BOARD_LINE - 1) % BOARD_LINE;
        l->bytes[l->head] = bytes[--n];
    }
    l->after = b->clock->now + BOARD_PAUSE;
}

static void serial_io(void *who, uint64_t offset, unsigned size, bool write,
                      uint64_t *value)
{
    struct board *b = who;
    uint8_t waiting[BOARD_AHEAD];
    unsigned emptied = b->uart.emptied;
    size_t n = write ? uart_waiting(&b->uart, waiting, sizeof(waiting)) : 0;

    uart_io(&b->uart, offset, size, write, value);
    if (b->uart.emptied != emptied)
        bring_again(b, waiting, n);
    send(b);
}

size_t board_input(struct board *b, const uint8_t *bytes, size_t n)
{
    struct board_line *l = &b->line;
    size_t taken = 0;

    for (; taken < n && l->count < BOARD_LINE; taken++)
        l->bytes[(l->head + l->count++) % BOARD_LINE] = bytes[taken];
    if (!l->busy) /* the line was quiet: the first one is there */
        bring(b, 0);
    after(b);
    return taken;
}

unsigned board_unread(const struct board *b)
{
    return b->line.count + b->uart.count;
}

/* ---- Making ---- */

struct bus_device board_device(struct board *b, unsigned i)
{
    struct bus_device d = b->ports[i].device;

    d.io = port_io;
    d.dev = &b->ports[i];
    return d;
}

static void add_port(struct board *b, enum bus_space space, uint64_t first,
                     unsigned registers, const char *name, bus_io_fn io,
                     void *dev)
{
    b->ports[b->count++] = (struct board_port){
        b, {space, first, first + registers - 1, name, io, dev}};
}

static void add_tests(struct board *b)
{
    add_port(b, BUS_PORT, TEST_PORT_LINES, X86_LINES, "test lines",
             test_lines_io, &b->test);
    add_port(b, BUS_PORT, TEST_PORT_KEEPS, TEST_PORT_SIZE, "test port",
             test_port_io, &b->test);
    add_port(b, BUS_MMIO, TEST_STORAGE_AT, TEST_STORAGE_SIZE, "test storage",
             test_storage_io, &b->test);
}

static void add_ports(struct board *b)
{
    const struct {
        enum bus_space space;
        uint64_t first;
        unsigned registers;
        const char *name;
        bus_io_fn io;
        void *dev;
    } rows[] = {
        {BUS_PORT, PIC_PORT, 2, "first PIC", pic_first_io, &b->pic},
        {BUS_PORT, PIC_PORT_SECOND, 2, "second PIC", pic_second_io, &b->pic},
        {BUS_PORT, PIC_PORT_ELCR, 2, "ELCR", pic_elcr_io, &b->pic},
        {BUS_PORT, PIT_PORT, 4, "timer", pit_io, &b->pit},
        {BUS_PORT, PIT_PORT_GATE, 1, "port 61h", pit_gate_io, &b->pit},
        {BUS_PORT, RTC_PORT, 2, "clock", rtc_io, &b->rtc},
        {BUS_PORT, KBC_PORT_DATA, 1, "keyboard", kbc_data_io, &b->kbc},
        {BUS_PORT, KBC_PORT_COMMAND, 1, "keyboard", kbc_command_io, &b->kbc},
        {BUS_PORT, KBC_PORT_92, 1, "port 92h", kbc_92_io, &b->kbc},
        {BUS_PORT, KBC_PORT_RESET, 1, "port CF9h", kbc_reset_io, &b->kbc},
        {BUS_PORT, IDE_PORT, 8, "disk", ide_io, &b->ide},
        {BUS_PORT, IDE_PORT_CONTROL, 1, "disk", ide_control_io, &b->ide},
        {BUS_PORT, DMA_PORT, DMA_PORTS, "first DMA", dma_first_io, &b->dma},
        {BUS_PORT, DMA_PORT_SECOND, DMA_PORTS_SECOND, "second DMA",
         dma_second_io, &b->dma},
        {BUS_PORT, DMA_PORT_PAGES, DMA_PAGES, "DMA pages", dma_page_io,
         &b->dma},
        {BUS_PORT, FDC_PORT, FDC_PORTS, "floppy", fdc_io, &b->fdc},
        {BUS_PORT, FDC_PORT_RATE, 1, "floppy", fdc_rate_io, &b->fdc},
        {BUS_PORT, TEXT_PORT, 2, "display", text_io, &b->text},
        {BUS_PORT, TEXT_PORT_STATUS, 1, "display", text_status_io, &b->text},
        {BUS_PORT, X86_PORT_SERIAL, UART_REGISTERS, "serial port", serial_io,
         b},
        {BUS_MMIO, X86_MMIO_SERIAL, UART_REGISTERS, "serial port", serial_io,
         b},
        {BUS_PORT, X86_PORT_FLOAT, 1, "x87 error", float_io, b},
        {BUS_PORT, X86_PORT_DEBUG, 1, "debug port", debug_port_io, &b->debug},
        {BUS_PORT, X86_PORT_EXIT, 1, "exit port", exit_port_io, b->platform},
        {BUS_PORT, X86_PORT_OFF, 1, "power-off port", off_port_io, &b->off},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add_port(b, rows[i].space, rows[i].first, rows[i].registers,
                 rows[i].name, rows[i].io, rows[i].dev);
    if (b->fwcfg.count)
        add_port(b, BUS_PORT, FWCFG_PORT, FWCFG_PORTS, "firmware's files",
                 fwcfg_io, &b->fwcfg);
    if (b->tests)
        add_tests(b);
    if (!b->apic)
        return;
    add_port(b, BUS_MMIO, LAPIC_AT, LAPIC_SIZE, "local APIC", local_io,
             &b->lapic);
    add_port(b, BUS_MMIO, IOAPIC_AT, IOAPIC_SIZE, "I/O APIC", ioapic_io,
             &b->ioapic);
}

static void begin_platform(struct board *b, const struct pc_plan *plan)
{
    struct x86_platform *p = b->platform;

    p->line_changed = line_changed;
    p->waits = waits;
    p->acknowledge = acknowledge;
    p->float_error = float_error;
    p->apic_changed = b->apic ? apic_changed : NULL;
    p->controller = b;
    p->apic = b->apic;
    p->apic_base = X86_APIC_BASE_RESET;
    p->mcg_status = 0;
    p->vendor = plan->vendor;
    p->outside_irqchip = plan->outside_irqchip;
    p->hides_monitor = plan->hides_monitor;
}

static void written(void *who, uint64_t gpa, size_t n)
{
    const struct board *b = who;

    if (b->host.written)
        b->host.written(b->host.who, gpa, n);
}

/* The drives in CMOS, and what SeaBIOS asks for: on which port its console is,
 * and no menu that waits for a key. */
static void tell_firmware(struct board *b, const struct pc_plan *plan)
{
    uint8_t types[FDC_DISKS] = {0};

    for (unsigned i = 0; i < FDC_DISKS; i++)
        if (b->fdc.drives[i].format)
            types[i] = b->fdc.drives[i].format->type;
    rtc_tell_floppies(&b->rtc, types);
    fwcfg_init(&b->fwcfg);
    if (!plan->rom)
        return;
    (void)fwcfg_add_number(&b->fwcfg, "etc/sercon-port", X86_PORT_SERIAL, 2);
    (void)fwcfg_add_number(&b->fwcfg, "etc/show-boot-menu", 0, 1);
}

/* What begins anew with a reset; the clock goes on. */
static void begin_devices(struct board *b, const struct pc_plan *plan)
{
    begin_platform(b, plan);
    pic_init(&b->pic);
    lapic_init(&b->lapic, b->clock);
    b->lapic.nmi = apic_nmi;
    b->lapic.ended = apic_ended;
    b->lapic.who = b;
    ioapic_init(&b->ioapic, &b->lapic);
    pit_init(&b->pit, b->clock, b->platform);
    kbc_init(&b->kbc, b->platform);
    b->kbc.a20 = b->host.a20;
    b->kbc.who = b->host.who;
    ide_init(&b->ide, b->clock, b->platform, plan->disks);
    dma_init(&b->dma, b->mem);
    b->dma.written = written;
    b->dma.who = b;
    fdc_init(&b->fdc, b->clock, b->platform, &b->dma, plan->floppies);
    clock_cancel(b->clock, bring, b);
    b->line = (struct board_line){.count = 0};
    uart_init(&b->uart, b->platform, X86_LINE_SERIAL);
    b->uart.ungated = true;
    b->off = (struct off_port){.platform = b->platform};
    b->test.platform = b->platform;
}

void board_init(struct board *b, const struct pc_plan *plan)
{
    b->apic = plan->apic;
    b->tests = plan->test_device;
    rtc_init(&b->rtc, b->clock, b->platform, plan->seconds, plan->storage);
    begin_devices(b, plan);
    tell_firmware(b, plan);
    b->count = 0;
    add_ports(b);
}

/* Whoever listens goes on, and finds no line raised. */
void board_reset(struct board *b, const struct pc_plan *plan)
{
    uart_output_fn output = b->uart.output;
    void *to = b->uart.to;

    clock_forget(b->clock);
    begin_devices(b, plan);
    b->uart.output = output;
    b->uart.to = to;
    b->fwcfg.selector = 0;
    b->fwcfg.at = 0;
    b->text = (struct text){0};
    b->platform->raised = 0;
    rtc_reset(&b->rtc);
    b->platform->stopped = false;
    b->platform->exit_code = 0;
    if (b->apic)
        apic_changed(b);
    if (b->host.a20)
        b->host.a20(b->host.who, true);
}
