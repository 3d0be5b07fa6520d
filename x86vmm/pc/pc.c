#include "x86vmm/pc/pc.h"

#include "base/format.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/msr.h"
#include "x86vmm/pc/mp_table.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, ROM_LOW = 128 << 10 };

/* ---- Time ---- */

/* Tell the clock of the instructions that it has not heard of. */
static void tell_clock(struct pc *pc)
{
    uint64_t news = pc->cpu.ran - pc->cpu.ran_told;

    pc->cpu.ran_told = pc->cpu.ran;
    clock_advance(&pc->clock, news);
}

/* Is the local APIC there, and turned on? */
static bool has_apic(const struct pc *pc)
{
    return pc->apic && (pc->cpu.msrs->apic_base & X86_APIC_ENABLED);
}

/* Is the processor to be interrupted?  The 8259As are its own without local
 * APIC, or come through that. */
static bool interrupts(const struct pc *pc)
{
    if (!has_apic(pc))
        return pic_pending(&pc->pic);
    return lapic_pending(&pc->lapic) >= 0 ||
           (lapic_passes_extint(&pc->lapic) && pic_pending(&pc->pic));
}

/* After anything that devices have done: is there an interrupt, and how long
 * may the processor run before the next event? */
static void look(struct pc *pc)
{
    struct x86_cpu *cpu = &pc->cpu;
    uint64_t due = pc->clock.next == CLOCK_NEVER
                       ? UINT64_MAX
                       : cpu->ran + (pc->clock.next - pc->clock.now);

    cpu->interrupt_line = interrupts(pc);
    cpu->run_end = min_u64(cpu->run_end, pc->platform.stopped ? cpu->ran : due);
    cpu->code_stale = true; /* so that a block ends here */
}

static void port_io(void *dev, uint64_t offset, unsigned size, bool write,
                    uint64_t *value)
{
    struct pc_port *p = dev;

    tell_clock(p->pc);
    p->io(p->dev, offset, size, write, value);
    look(p->pc);
}

static int acknowledge(void *who)
{
    struct pc *pc = who;
    int vector = has_apic(pc) ? lapic_acknowledge(&pc->lapic) : -1;

    if (vector < 0)
        vector = pic_acknowledge(&pc->pic);
    pc->cpu.interrupt_line = interrupts(pc);
    return vector;
}

/* ---- The APICs ---- */

static void line_changed(void *who, unsigned line, bool raised)
{
    struct pc *pc = who;

    pic_line(&pc->pic, line, raised);
    if (pc->apic)
        ioapic_line(&pc->ioapic, line, raised);
}

static void apic_nmi(void *who)
{
    ((struct pc *)who)->cpu.nmi_pending = true;
}

static void apic_ended(void *who, unsigned vector)
{
    ioapic_ended(&((struct pc *)who)->ioapic, vector);
}

/* CR8 and the task priority register are one; off, it forgets all.  It can be
 * moved (Intel SDM vol. 3, "Relocating the Local APIC Registers"), but storage
 * and other devices come first. */
static void apic_changed(void *who)
{
    struct pc *pc = who;
    struct bus_device *d = &pc->bus.devices[pc->apic_device];

    d->first = pc->cpu.msrs->apic_base & ~(uint64_t)(LAPIC_SIZE - 1);
    d->last = d->first + LAPIC_SIZE - 1;

    if (has_apic(pc))
        lapic_set_cr8(&pc->lapic, pc->cpu.state.cr8);
    else
        lapic_reset(&pc->lapic);
    look(pc);
}

static void local_io(void *who, uint64_t offset, unsigned size, bool write,
                     uint64_t *value)
{
    struct pc *pc = who;

    if (!has_apic(pc)) {
        *value = write ? *value : UINT64_MAX;
        return;
    }
    lapic_io(&pc->lapic, offset, size, write, value);
    pc->cpu.state.cr8 = pc->lapic.tpr >> 4;
}

/* ---- x87 exceptions as an interrupt ---- */

static void float_error(void *who)
{
    struct pc *pc = who;

    x86_line_set(&pc->platform, X86_LINE_FLOAT, true);
    look(pc);
}

static void float_io(void *who, uint64_t offset, unsigned size, bool write,
                     uint64_t *value)
{
    struct pc *pc = who;

    (void)offset;
    (void)size;
    if (write)
        x86_line_set(&pc->platform, X86_LINE_FLOAT, false);
    else
        *value = UINT64_MAX;
}

/* ---- Running ---- */

/* Time in HLT goes on to the next event, until one interrupts. */
static enum pc_stop wait(struct pc *pc)
{
    struct x86_cpu *cpu = &pc->cpu;

    if (cpu->nmi_pending && !cpu->nmi_blocked)
        return PC_BUDGET;
    if (!(cpu->state.rflags & X86_FLAG_IF))
        return PC_HALTED;
    for (unsigned i = 0; i < CLOCK_ENDLESS; i++) {
        if (pc->platform.stopped)
            return PC_STOPPED;
        if (interrupts(pc))
            return PC_BUDGET;
        if (pc->clock.next == CLOCK_NEVER)
            return PC_IDLE;
        clock_advance(&pc->clock, pc->clock.next - pc->clock.now);
    }
    return PC_IDLE; /* events without end, which it has masked */
}

enum pc_stop pc_run(struct pc *pc, uint64_t n)
{
    struct x86_cpu *cpu = &pc->cpu;
    uint64_t end = cpu->ran + n;
    enum pc_stop stop = PC_BUDGET;

    while (stop == PC_BUDGET && cpu->ran < end) {
        tell_clock(pc);
        cpu->run_end = end;
        look(pc);
        enum x86_outcome out = x86_run(cpu, cpu->run_end - cpu->ran);
        tell_clock(pc);
        if (pc->platform.stopped)
            return PC_STOPPED;
        if (out == X86_SHUTDOWN)
            return PC_SHUTDOWN;
        if (out == X86_HALT)
            stop = wait(pc);
    }
    return stop;
}

void pc_state_set(struct pc *pc)
{
    x86_tlb_flush(&pc->cpu, true);
    x86_mode_changed(&pc->cpu);
}

size_t pc_input(struct pc *pc, const uint8_t *bytes, size_t n)
{
    size_t taken = uart_input(&pc->uart, bytes, n);

    look(pc);
    return taken;
}

void pc_stop_words(const struct pc *pc, enum pc_stop stop, char *out,
                   size_t size)
{
    const struct x86_platform *p = &pc->platform;

    switch (stop) {
    case PC_STOPPED:
        if (p->how == X86_STOP_EXIT)
            format(out, size, "through its exit port, code %u", p->exit_code);
        else
            format(out, size, "%s through %s",
                   p->how == X86_STOP_OFF ? "power off" : "reset", p->through);
        break;
    case PC_HALTED:
        format(out, size, "HLT with interrupts off at %llx",
               (unsigned long long)pc->cpu.state.rip);
        break;
    case PC_IDLE:
        format(out, size, "HLT, and nothing is due");
        break;
    case PC_SHUTDOWN:
        format(out, size, "triple fault at %llx",
               (unsigned long long)pc->cpu.state.rip);
        break;
    default:
        format(out, size, "%s", "");
        break;
    }
}

/* ---- Making ---- */

static bool add_port(struct pc *pc, enum bus_space space, uint64_t first,
                     unsigned registers, const char *name, bus_io_fn io,
                     void *dev)
{
    struct pc_port *p = &pc->ports[pc->port_count++];

    *p = (struct pc_port){pc, io, dev};
    return !bus_add(&pc->bus,
                    &(struct bus_device){space, first, first + registers - 1,
                                         name, port_io, p});
}

static bool add_apics(struct pc *pc)
{
    pc->apic_device = pc->bus.count;
    return !pc->apic || (add_port(pc, BUS_MMIO, LAPIC_AT, LAPIC_SIZE,
                                  "local APIC", local_io, pc) &&
                         add_port(pc, BUS_MMIO, IOAPIC_AT, IOAPIC_SIZE,
                                  "I/O APIC", ioapic_io, &pc->ioapic));
}

static bool add_devices(struct pc *pc)
{
    const struct {
        enum bus_space space;
        uint64_t first;
        unsigned registers;
        const char *name;
        bus_io_fn io;
        void *dev;
    } rows[] = {
        {BUS_PORT, PIC_PORT, 2, "first PIC", pic_first_io, &pc->pic},
        {BUS_PORT, PIC_PORT_SECOND, 2, "second PIC", pic_second_io, &pc->pic},
        {BUS_PORT, PIC_PORT_ELCR, 2, "ELCR", pic_elcr_io, &pc->pic},
        {BUS_PORT, PIT_PORT, 4, "timer", pit_io, &pc->pit},
        {BUS_PORT, PIT_PORT_GATE, 1, "port 61h", pit_gate_io, &pc->pit},
        {BUS_PORT, RTC_PORT, 2, "clock", rtc_io, &pc->rtc},
        {BUS_PORT, KBC_PORT_DATA, 1, "keyboard", kbc_data_io, &pc->kbc},
        {BUS_PORT, KBC_PORT_COMMAND, 1, "keyboard", kbc_command_io, &pc->kbc},
        {BUS_PORT, KBC_PORT_92, 1, "port 92h", kbc_92_io, &pc->kbc},
        {BUS_PORT, KBC_PORT_RESET, 1, "port CF9h", kbc_reset_io, &pc->kbc},
        {BUS_PORT, IDE_PORT, 8, "disk", ide_io, &pc->ide},
        {BUS_PORT, IDE_PORT_CONTROL, 1, "disk", ide_control_io, &pc->ide},
        {BUS_PORT, TEXT_PORT, 2, "display", text_io, &pc->text},
        {BUS_PORT, TEXT_PORT_STATUS, 1, "display", text_status_io, &pc->text},
        {BUS_PORT, X86_PORT_SERIAL, UART_REGISTERS, "serial port", uart_io,
         &pc->uart},
        {BUS_MMIO, X86_MMIO_SERIAL, UART_REGISTERS, "serial port", uart_io,
         &pc->uart},
        {BUS_PORT, X86_PORT_FLOAT, 1, "x87 error", float_io, pc},
        {BUS_PORT, X86_PORT_DEBUG, 1, "debug port", debug_port_io, &pc->debug},
        {BUS_PORT, X86_PORT_EXIT, 1, "exit port", exit_port_io, &pc->platform},
        {BUS_PORT, X86_PORT_OFF, 1, "power-off port", off_port_io, &pc->off},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!add_port(pc, rows[i].space, rows[i].first, rows[i].registers,
                      rows[i].name, rows[i].io, rows[i].dev))
            return false;
    return true;
}

static void begin_devices(struct pc *pc, const struct pc_plan *plan)
{
    pic_init(&pc->pic);
    lapic_init(&pc->lapic, &pc->clock);
    pc->lapic.nmi = apic_nmi;
    pc->lapic.ended = apic_ended;
    pc->lapic.who = pc;
    ioapic_init(&pc->ioapic, &pc->lapic);
    pc->platform.line_changed = line_changed;
    pc->platform.controller = pc;
    pit_init(&pc->pit, &pc->clock, &pc->platform);
    rtc_init(&pc->rtc, &pc->clock, &pc->platform, plan->seconds, plan->storage);
    kbc_init(&pc->kbc, &pc->platform);
    ide_init(&pc->ide, &pc->clock, &pc->platform, plan->disks);
    uart_init(&pc->uart, &pc->platform, X86_LINE_SERIAL);
    pc->uart.ungated = true;
    pc->off.platform = &pc->platform;
}

static bool add_slot(struct pc *pc, uint64_t gpa, uint64_t size, uint8_t *host,
                     uint32_t flags)
{
    return !mem_add(&pc->mem, &(struct mem_slot){gpa, size, host, flags});
}

static bool add_storage(struct pc *pc, const struct pc_plan *plan)
{
    pc->bytes = plan->storage;
    pc->storage = calloc(1, (size_t)plan->storage);
    return pc->storage && add_slot(pc, 0, PC_LOW_END, pc->storage, 0) &&
           add_slot(pc, TEXT_AT, TEXT_SIZE, pc->storage + TEXT_AT, 0) &&
           add_slot(pc, PC_HIGH_BEGIN, plan->storage - PC_HIGH_BEGIN,
                    pc->storage + PC_HIGH_BEGIN, 0);
}

static bool add_rom(struct pc *pc, const struct pc_plan *plan)
{
    size_t size = plan->rom_size, low = size < ROM_LOW ? size : ROM_LOW;
    uint64_t at = PC_HIGH_BEGIN - low;

    if (!plan->rom)
        return true;
    pc->rom = malloc(size);
    if (!pc->rom)
        return false;
    memcpy(pc->rom, plan->rom, size);
    memcpy(pc->storage + at, plan->rom + (size - low), low);
    return add_slot(pc, at, low, pc->storage + at, 0) &&
           add_slot(pc, (UINT64_C(1) << 32) - size, size, pc->rom,
                    MEM_READ_ONLY);
}

/* What firmware would have left. */
static void leave_tables(struct pc *pc, const struct pc_plan *plan)
{
    if (plan->rom)
        return;
    mp_put_bios_data(pc->storage);
    if (pc->apic)
        mp_put_table(pc->storage);
}

static bool is_possible(const struct pc_plan *plan, struct diag *diag)
{
    if (plan->storage < PC_STORAGE_MIN || plan->storage > PC_STORAGE_MAX ||
        plan->storage % PC_STORAGE_UNIT) {
        diag_set(diag, STATUS_BAD_INPUT,
                 "storage of %llu bytes: whole MiB from 2 to 3072",
                 (unsigned long long)plan->storage);
        return false;
    }
    if (plan->vendor && strlen(plan->vendor) != PC_VENDOR) {
        diag_set(diag, STATUS_BAD_INPUT, "vendor '%s': %d characters",
                 plan->vendor, PC_VENDOR);
        return false;
    }
    if (plan->rom && (!plan->rom_size || plan->rom_size % PAGE ||
                      plan->rom_size > PC_ROM_MAX)) {
        diag_set(diag, STATUS_BAD_INPUT,
                 "firmware of %llu bytes: whole pages of 4 KiB up to 16 MiB",
                 (unsigned long long)plan->rom_size);
        return false;
    }
    return true;
}

struct pc *pc_new(const struct pc_plan *plan, struct diag *diag)
{
    struct x86_world world;
    struct pc *pc;

    if (!is_possible(plan, diag))
        return NULL;
    pc = calloc(1, sizeof(*pc));
    if (pc)
        pc->apic = plan->apic;
    if (pc && add_storage(pc, plan) && add_rom(pc, plan) && add_devices(pc) &&
        add_apics(pc)) {
        clock_init(&pc->clock);
        begin_devices(pc, plan);
        leave_tables(pc, plan);
        world =
            (struct x86_world){.mem = &pc->mem,
                               .bus = &pc->bus,
                               .clock = &pc->clock,
                               .acknowledge = acknowledge,
                               .who = pc,
                               .apic = pc->apic,
                               .vendor = plan->vendor,
                               .apic_changed = pc->apic ? apic_changed : NULL,
                               .float_error = float_error};
        if (!x86_cpu_init(&pc->cpu, &world))
            return pc;
    }
    diag_set(diag, STATUS_NO_MEMORY, "no memory for a PC of %llu MiB",
             (unsigned long long)(plan->storage >> 20));
    pc_free(pc);
    return NULL;
}

void pc_free(struct pc *pc)
{
    if (!pc)
        return;
    x86_cpu_fini(&pc->cpu);
    free(pc->storage);
    free(pc->rom);
    free(pc);
}
