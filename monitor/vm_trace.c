#include "monitor/vm_trace.h"

#include "base/format.h"

enum { INSN_BYTES_MAX = 16 };

static bool has(const char *text, char c)
{
    while (*text && *text != c)
        text++;
    return *text == c;
}

/* An engine may have to fetch it: only where somebody reads it. */
static char mode(const struct vcpu *v)
{
    if (!trace_words(v->vm->trace))
        return 0;
    return v->vm->isa->virtual_supervisor(v) ? 'S' : 'P';
}

/* What every line begins with. */
EXIT_PATH static void begin(const struct vcpu *v, enum trace_kind kind,
                            uint64_t pc, struct trace_event *e)
{
    /* Not the texts, which are long. */
    __builtin_memset(e, 0, offsetof(struct trace_event, text));
    e->text[0] = e->state[0] = '\0';
    e->kind = kind;
    e->vm = v->vm->id;
    e->time = v->vm->clock.now;
    e->insns = v->insns;
    e->pc = pc;
    e->pc_digits = v->vm->isa->pc_digits;
    e->mode_before = mode(v);
}

void vm_trace_next(const struct vcpu *v, struct trace_event *e)
{
    const struct vm *vm = v->vm;
    uint64_t pc = vm->isa->pc(v), gpa;
    const uint8_t *bytes = NULL;
    size_t n = INSN_BYTES_MAX;

    begin(v, TRACE_INSN, pc, e);
    if (vm->isa->translate((struct vcpu *)v, pc, ACCESS_FETCH, &gpa))
        return;
    while (n && !(bytes = mem_at(&vm->mem, gpa, n)))
        n--;
    if (n && vm->isa->disasm_in)
        vm->isa->disasm_in(v, bytes, n, pc, e->text, sizeof(e->text));
    else if (n)
        vm->isa->disasm(bytes, n, pc, e->text, sizeof(e->text));
}

static size_t length(const char *text)
{
    size_t n = 0;

    while (text[n])
        n++;
    return n;
}

/* What the instruction itself does not say. */
static void show_more(const struct vcpu *v, const struct vm_exit *x, bool done,
                      struct trace_event *e)
{
    size_t n = length(e->text);

    if (v->vm->isa->show_exit)
        v->vm->isa->show_exit(v, x, done, e->text + n, sizeof(e->text) - n);
}

/* What came of it: an answer, or what the guest receives instead. */
static void show_outcome(const struct vcpu *v, const struct vm_exit *x,
                         struct trace_event *e, enum verdict verdict)
{
    size_t n = length(e->text);

    if (verdict == VERDICT_ADVANCE)
        show_more(v, x, true, e);
    if (verdict != VERDICT_REFLECT || x->reason == EXIT_TRAP)
        return;
    n += format(e->text + n, sizeof(e->text) - n, " -> ");
    v->vm->isa->show_event(&x->event, e->text + n, sizeof(e->text) - n);
}

/* The instruction and, where it is relative to registers, the address that its
 * operand comes to. */
static void show_operation(const struct vm *vm, const struct vm_exit *x,
                           struct trace_event *e)
{
    size_t n;

    vm->isa->disasm(x->op.bytes, sizeof(x->op.bytes), x->pc, e->text,
                    sizeof(e->text));
    if (!e->text[0]) /* the table does not decode it */
        format(e->text, sizeof(e->text), "%s", x->insn->name);
    n = length(e->text);
    if (x->op.addr && has(e->text, '('))
        format(e->text + n, sizeof(e->text) - n, " @%llx",
               (unsigned long long)x->op.addr);
}

EXIT_PATH void vm_trace_before(const struct vcpu *v, const struct vm_exit *x,
                               struct trace_event *e)
{
    const struct vm *vm = v->vm;

    begin(v, TRACE_EXIT, x->pc, e);
    e->reason = exit_reason_name(x->reason);
    e->insn = x->insn ? x->insn->name : NULL;
    e->raw = x->raw;
    e->raw_name = x->raw_name;
    e->info[0] = x->raw_info[0];
    e->info[1] = x->raw_info[1];
    if (vm->trace->words) {
        if (x->reason == EXIT_TRAP)
            vm->isa->show_event(&x->event, e->text, sizeof(e->text));
        else if (x->reason == EXIT_SENSITIVE)
            show_operation(vm, x, e);
        else if (x->insn)
            format(e->text, sizeof(e->text), "%s", x->insn->name);
        show_more(v, x, false, e);
    }
    if (vm->trace->host_ns)
        e->cost_ns = vm->trace->host_ns();
}

void vm_trace_step(const struct vcpu *v, const struct trace_event *next,
                   struct trace_event *e)
{
    *e = *next;
    e->time = v->vm->clock.now;
    e->insns = v->insns;
}

/* What went over the bus, which of a read only the handler knows, with as many
 * digits as it is wide: "3f8 <- 48", "1f0 -> 0040". */
static void show_io(const struct vm_exit *x, struct trace_event *e)
{
    const struct exit_io *io = &x->io;
    size_t n =
        x->insn ? format(e->text, sizeof(e->text), "%s ", x->insn->name) : 0;

    n += format(e->text + n, sizeof(e->text) - n, "%llx %s %0*llx",
                (unsigned long long)io->addr, io->write ? "<-" : "->",
                2 * io->size, (unsigned long long)exit_io_first(io));
    if (io->count > 1)
        format(e->text + n, sizeof(e->text) - n, " x%u", io->count);
}

/* The verdict, and what only the handler knew. */
static void show_decided(const struct vcpu *v, const struct vm_exit *x,
                         struct trace_event *e, enum verdict verdict)
{
    e->verdict = verdict_word(verdict);
    if (x->reason == EXIT_IO || x->reason == EXIT_MMIO)
        show_io(x, e);
    else
        show_outcome(v, x, e, verdict);
}

EXIT_PATH void vm_trace_after(const struct vcpu *v, const struct vm_exit *x,
                              struct trace_event *e, enum verdict verdict)
{
    if (e->kind == TRACE_EXIT) {
        if (v->vm->trace->host_ns)
            e->cost_ns = v->vm->trace->host_ns() - e->cost_ns;
        if (v->vm->trace->words)
            show_decided(v, x, e, verdict);
    }
    vm_trace_emit(v, e);
}

void vm_trace_fill(const struct vcpu *v, uint64_t ran, uint64_t gva)
{
    const struct guest_isa *isa = v->vm->isa;
    struct trace_event e;
    uint64_t gpa = 0;
    int digits = (int)isa->pc_digits;

    begin(v, TRACE_MEM, isa->pc(v), &e);
    if (isa->translate((struct vcpu *)v, gva, ACCESS_READ, &gpa))
        return;
    e.reason = "fill";
    e.time += ran;
    e.insns += ran;
    e.info[0] = gva;
    e.info[1] = gpa;
    format(e.text, sizeof(e.text), "%0*llx -> %0*llx", digits,
           (unsigned long long)gva, digits, (unsigned long long)gpa);
    vm_trace_emit(v, &e);
}

void vm_trace_event(const struct vcpu *v, const struct vm_event *event,
                    struct trace_event *e)
{
    begin(v, TRACE_EVENT, v->vm->isa->pc(v), e);
    e->info[0] = event->code;
    if (v->vm->trace->words)
        v->vm->isa->show_event(event, e->text, sizeof(e->text));
}

EXIT_PATH void vm_trace_emit(const struct vcpu *v, struct trace_event *e)
{
    e->mode_after = mode(v);
    if (v->vm->trace->words)
        v->vm->isa->show_state(v, e->state, sizeof(e->state));
    trace_emit(v->vm->trace, e);
}
