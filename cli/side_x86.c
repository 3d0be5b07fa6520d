#include "cli/side_x86.h"

#include "base/format.h"
#include "cli/pc_files.h"
#include "monitor/dispatcher.h"
#include "x86vmm/engine/model.h"
#include "x86vmm/machine/insn.h"
#include "x86vmm/machine/mode.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/translate.h"

#include <stdlib.h>
#include <string.h>

/* ---- Files ---- */

enum status x86_side_read(struct x86_side_files *f,
                          const struct session_plan *p, struct diag *diag)
{
    size_t most = (size_t)(p->mem ? p->mem : SESSION_MEM_DEFAULT);
    enum status st;

    *f = (struct x86_side_files){0};
    if (p->bios)
        return pc_firmware_read(&f->rom, p->bios, diag);
    st = pc_file_read(&f->kernel, p->guests[0], most, diag);
    if (!st)
        st = pc_file_read(&f->initrd, p->initrd, most, diag);
    return st;
}

void x86_side_forget(struct x86_side_files *f)
{
    pc_file_free(&f->kernel);
    pc_file_free(&f->initrd);
    pc_file_free(&f->rom);
}

/* ---- Exits ---- */

/* It has been executed, as a rule, and may have changed where it lies. */
static void disassemble(const struct vcpu *v, const struct vm_exit *x,
                        char *text, size_t cap)
{
    const struct x86_state *s = v->arch;
    uint8_t bytes[X86_INSN_MAX];
    size_t n = x86_fetch(s, &v->vm->mem, (int64_t)(x->pc - s->rip), bytes,
                         sizeof(bytes));

    x86_op_text(bytes, n, x86_code_bits(s), x->pc, text, cap);
}

static struct x86_past_exit past_exit(const struct vcpu *v,
                                      const struct vm_exit *x)
{
    const struct x86_state *s = v->arch;
    struct x86_past_exit past = {
        .insns = v->insns + x->ran,
        .pc = x->pc,
        .cs = s->seg[X86_CS].selector,
        .reason = exit_reason_name(x->reason),
        .raw_name = x->raw_name,
        .insn = x->insn ? x->insn->name : NULL,
        .kind = x->reason,
        .rax = (uint32_t)s->gpr[X86_RAX],
        .rcx = (uint32_t)s->gpr[X86_RCX],
        .rdx = (uint32_t)s->gpr[X86_RDX],
    };

    if (!x->insn && (x->reason == EXIT_SETTLED || x->reason == EXIT_MMIO))
        disassemble(v, x, past.text, sizeof(past.text));
    if (x->reason == EXIT_IO || x->reason == EXIT_MMIO) {
        past.size = x->io.size;
        past.addr = x->io.addr;
        past.write = x->io.write;
        past.value = x->io.write ? exit_io_first(&x->io) : 0;
    }
    return past;
}

/* The host's timer comes where we want it: it is no exit of the guest's. */
static enum status noting_run(struct vcpu *v, struct vm_exit *x)
{
    struct x86_noting *n = (struct x86_noting *)(uintptr_t)v->vm->engine;
    enum status st = n->below->run(v, x);

    n->reason = x->reason;
    if (st || x->reason == EXIT_TIMER || x->reason == EXIT_STEP)
        return st;
    n->last[n->count++ % X86_LOCKSTEP_EXITS] = past_exit(v, x);
    return st;
}

static void begin_noting(struct x86_noting *n, const struct engine_ops *below)
{
    *n = (struct x86_noting){.ops = *below, .below = below};
    n->ops.run = noting_run;
}

/* ---- The console ---- */

static void printed(void *to, const uint8_t *bytes, size_t n)
{
    struct x86_side *s = to;

    s->quiet = s->pc.clock->now;
    overheard_text(&s->text, (const char *)bytes, n);
    if (s->script)
        script_printed(s->script, (const char *)bytes, n);
}

static bool in_wait(void *machine)
{
    return pc_machine_waits(&((struct x86_side *)machine)->pc);
}

static bool reading(void *machine)
{
    (void)machine;
    return true;
}

static void attention(void *machine)
{
    struct x86_side *s = machine;

    (void)board_input(s->pc.board, (const uint8_t *)"\r", 1);
    s->quiet = s->pc.clock->now;
}

static void answer(void *machine, const char *text)
{
    struct x86_side *s = machine;

    (void)board_input(s->pc.board, (const uint8_t *)text, strlen(text));
    attention(machine);
}

static void stop(void *machine)
{
    x86_stop(((struct x86_side *)machine)->pc.platform, X86_STOP_OFF,
             "its operator");
}

static enum status begin_console(struct x86_side *s,
                                 const struct session_plan *plan,
                                 struct diag *diag)
{
    const struct script_hands hands = {in_wait, reading, attention,
                                       answer,  stop,    s};

    s->pc.board->uart.output = s->pc.board->debug.output = printed;
    s->pc.board->uart.to = s->pc.board->debug.to = s;
    if (!plan->script)
        return STATUS_OK;
    s->script = calloc(1, sizeof(*s->script));
    if (!s->script ||
        script_begin(s->script, plan->script, s->pc.clock, &hands))
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a script");
    return STATUS_OK;
}

/* ---- Making ---- */

static enum status load(struct x86_side *s, const struct session_plan *plan,
                        const struct x86_side_files *f, struct diag *diag)
{
    struct load_plan load = {.kernel = f->kernel,
                             .initrd = f->initrd,
                             .append =
                                 pc_file_command(&f->kernel, plan->append)};

    return f->rom.bytes ? STATUS_OK : pc_machine_load(&s->pc, &load, diag);
}

static enum status begin_log(struct x86_side *s, struct diag *diag)
{
    struct x86_cpu *cpu =
        s->pc.pc ? &s->pc.pc->cpu : model_cpu(&s->pc.vm->vcpu);

    if (!cpu)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "%s: its processor cannot be looked into", s->name);
    s->written = x86_written_new(s->pc.bytes);
    if (!s->written)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a log");
    x86_written_attach(cpu, s->written);
    return STATUS_OK;
}

static enum status open_drives(struct x86_side *s, const struct session_plan *p,
                               struct pc_plan *plan, struct diag *diag)
{
    enum status st = STATUS_OK;

    for (unsigned i = 0; i < X86_SIDE_DISKS && !st; i++)
        st =
            pc_scratch_open(&s->drives[i], p->drives[i], &plan->disks[i], diag);
    for (unsigned i = 0; i < FDC_DISKS && !st; i++) {
        struct ide_medium *medium = &plan->floppies[i].disk;

        st = pc_scratch_open(&s->drives[X86_SIDE_DISKS + i], p->floppies[i],
                             medium, diag);
        if (!st)
            st = pc_floppy_check(p->floppies[i], medium->sectors, diag);
    }
    return st;
}

static enum status open_machine(struct x86_side *s,
                                const struct x86_lockstep_side *as,
                                const struct session_plan *p,
                                const struct x86_side_files *f,
                                struct diag *diag)
{
    struct pc_plan plan = {.storage = p->mem ? p->mem : SESSION_MEM_DEFAULT,
                           .seconds = PC_EPOCH,
                           .apic = p->apic,
                           .test_device = p->test_device,
                           .vendor = p->vendor,
                           .hides_monitor = true,
                           .nested = p->nested,
                           .rom = f->rom.bytes,
                           .rom_size = f->rom.size};
    enum status st = STATUS_OK;

    st = open_drives(s, p, &plan, diag);
    if (st)
        return st;
    if (as->engine)
        begin_noting(&s->noting, as->engine);
    st = pc_machine_open(&s->pc, as->engine ? &s->noting.ops : NULL, as->name,
                         &plan, NULL, diag);
    if (!st && p->nested)
        st = pc_machine_assist(&s->pc, PC_ASSIST_VTX, diag);
    if (!st && s->pc.vm)
        s->pc.vm->patience = UINT64_MAX; /* a bare one has no other */
    return st;
}

enum status x86_side_open(struct x86_side *s,
                          const struct x86_lockstep_side *as,
                          const struct session_plan *plan,
                          const struct x86_side_files *f, struct diag *diag)
{
    s->name = as->name;
    s->quiet = 0;
    s->ended = false;
    for (unsigned i = 0; i < X86_SIDE_DRIVES; i++)
        s->drives[i].fd = -1;
    enum status st = open_machine(s, as, plan, f, diag);
    if (!st)
        st = begin_console(s, plan, diag);
    if (!st)
        st = load(s, plan, f, diag);
    if (!st)
        st = begin_log(s, diag);
    if (st)
        x86_side_close(s);
    return st;
}

void x86_side_close(struct x86_side *s)
{
    if (s->script)
        script_end(s->script);
    free(s->script);
    s->script = NULL;
    pc_machine_close(&s->pc);
    x86_written_free(s->written);
    s->written = NULL;
    for (unsigned i = 0; i < X86_SIDE_DRIVES; i++)
        pc_scratch_close(&s->drives[i]);
}

/* ---- Running ---- */

static enum pc_stop stop_of(const struct x86_side *s, enum turn turn)
{
    if (s->pc.platform->stopped)
        return PC_STOPPED;
    if (turn == TURN_IDLE)
        return PC_IDLE;
    if (s->pc.vm->state == VM_STOPPED)
        return PC_HALTED;
    return s->noting.reason == EXIT_SHUTDOWN ? PC_SHUTDOWN : PC_FAILED;
}

void x86_side_turn(struct x86_side *s, uint64_t n)
{
    struct vm *vm = s->pc.vm;

    vm->slice = n;
    enum turn turn = vcpu_once(&vm->vcpu);
    s->ended =
        turn == TURN_STOPPED || turn == TURN_IDLE || s->pc.platform->stopped;
    if (s->ended)
        s->stop = stop_of(s, turn);
}

void x86_side_run_to(struct x86_side *s, uint64_t insns)
{
    while (!s->ended && x86_side_insns(s) < insns) {
        uint64_t left = insns - x86_side_insns(s);

        if (s->pc.vm) {
            x86_side_turn(s, left);
            continue;
        }
        s->stop = pc_run(s->pc.pc, left);
        s->ended = s->stop != PC_BUDGET;
    }
}

/* What is due at this tick happens now, as on a bare machine; a monitor would
 * do it before the next instruction.  It may be that the operator stops. */
bool x86_side_rests(struct x86_side *s)
{
    struct vm *vm = s->pc.vm;

    if (!vm)
        return true;
    if (vm->vcpu.waiting || vm->vcpu.within || x86_vm_state(vm)->delivering)
        return false;
    clock_run(&vm->clock);
    if (!s->ended && s->pc.platform->stopped) {
        s->ended = true;
        s->stop = PC_STOPPED;
    }
    return true;
}
