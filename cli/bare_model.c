/* The monitor in our machine: the modelled PC, whose processor has VT-x or
 * AMD-V, and executes its instructions; or a PC under our monitor, which lets
 * its guest have VT-x. */
#include "cli/bare.h"
#include "cli/gdb.h"
#include "cli/pc_machine.h"
#include "cli/session.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 256 << 20, COM2 = 0x2F8, COM2_LINE = 3, PIECE = 1000000 };

/* Exits to the monitor below, if there is one. */
struct count {
    struct trace_sink sink;
    bool begun;
    uint64_t exits, passed;
};

struct model {
    struct pc_machine pc;
    struct trace trace;
    struct count count;
    struct uart second;
    struct bare_console console;
    FILE *json;
    struct gdb gdb;
    struct bare_keys *keys; /* borrowed */
};

static void printed(void *to, const uint8_t *bytes, size_t n)
{
    bare_console_take(to, bytes, n);
}

static void wrote_json(void *to, const uint8_t *bytes, size_t n)
{
    if (to)
        fwrite(bytes, 1, n, to);
}

static void count(struct trace_sink *sink, const struct trace_event *e)
{
    struct count *c = (struct count *)sink;

    if (e->kind != TRACE_EXIT)
        return;
    /* not what it did before it had a guest */
    c->begun = c->begun || (e->insn && !strcmp(e->insn, "VMLAUNCH"));
    c->exits += c->begun;
    c->passed += !strcmp(e->reason, exit_reason_name(EXIT_TRAP));
}

static enum status load(struct model *m, const uint8_t *image, size_t size,
                        struct diag *d)
{
    struct load_plan plan = {.kernel = {"the monitor's image", image, size}};

    return pc_machine_load(&m->pc, &plan, d);
}

static enum status make(struct model *m, const struct bare_plan *plan,
                        struct diag *d)
{
    const struct pc_plan pc = {
        .storage = MEMORY, .seconds = PC_EPOCH, .nested = plan->nested};
    enum pc_assist assist = PC_ASSIST_VTX;
    enum status st;

    if (plan->cpu && !pc_assist_find(plan->cpu, &assist))
        return diag_set(d, STATUS_BAD_INPUT,
                        "--cpu: the model's processor has vtx or svm, not '%s'",
                        plan->cpu);

    m->count.sink = (struct trace_sink){.emit = count, .wordless = true};
    if (plan->nested)
        trace_attach(&m->trace, &m->count.sink);
    st = pc_machine_open(&m->pc, plan->nested ? &engine_vtx : NULL,
                         "the bare monitor", &pc, &m->trace, d);
    if (!st)
        st = pc_machine_assist(&m->pc, assist, d);
    if (st)
        return st;
    m->pc.board->debug.output = printed;
    m->pc.board->debug.to = &m->console;
    if (plan->json && !(m->json = fopen(plan->json, "w")))
        return diag_set(d, STATUS_BAD_INPUT, "%s: %s", plan->json,
                        strerror(errno));
    uart_init(&m->second, m->pc.platform, COM2_LINE);
    m->second.output = wrote_json;
    m->second.to = m->json;
    return bus_add(
        m->pc.board->bus,
        &(struct bus_device){BUS_PORT, COM2, COM2 + UART_REGISTERS - 1,
                             "second serial port", uart_io, &m->second});
}

/* Keys, as far as there is room for them. */
static void tend_keys(struct model *m)
{
    uint8_t keys[16];

    if (board_unread(m->pc.board))
        return;
    size_t n = bare_keys_take(m->keys, keys, sizeof(keys));
    if (n)
        (void)board_input(m->pc.board, keys, n);
}

static void run(struct model *m, const struct bare_plan *plan,
                struct bare_end *end)
{
    uint64_t begin = session_host_ns(), limit = bare_limit(plan, m->keys);
    enum pc_stop stop = PC_BUDGET;

    bool killed = plan->debug && !gdb_begin(&m->gdb, m->pc.pc);

    while (stop == PC_BUDGET && !end->late && !end->ended && !killed &&
           !session_interrupted) {
        stop = plan->debug ? gdb_run(&m->gdb, m->pc.pc, PIECE, &killed)
                           : pc_machine_run(&m->pc, PIECE);
        tend_keys(m);
        end->late = !plan->debug && session_host_ns() - begin > limit;
    }
    end->left = killed;
    end->seconds = (double)(session_host_ns() - begin) / 1e9;
    end->insns = pc_machine_ran(&m->pc);
    end->exits = m->count.exits;
    end->passed = m->count.passed;
    pc_machine_words(&m->pc, stop, end->how, sizeof(end->how));
}

static enum status wait_for_gdb(struct model *m, struct diag *d)
{
    enum status st = gdb_open(&m->gdb, d);

    if (!st)
        bare_tell_gdb(m->gdb.port);
    return st;
}

enum status bare_run_model(const struct bare_plan *plan, const uint8_t *image,
                           size_t size, struct bare_keys *keys,
                           struct bare_end *end, struct diag *d)
{
    struct model *m;
    enum status st;

    if (!x86_op_decode_available())
        return diag_set(d, STATUS_UNSUPPORTED, "--on model: %s",
                        X86_NO_DECODER);
    m = calloc(1, sizeof(*m));
    if (!m)
        return diag_set(d, STATUS_NO_MEMORY, "no memory for a PC");
    m->keys = keys;
    m->gdb.listens = m->gdb.fd = -1;
    m->console.end = end;
    m->console.raw = bare_is_terminal(plan);
    st = make(m, plan, d);
    if (!st)
        st = load(m, image, size, d);
    if (!st && plan->debug)
        st = wait_for_gdb(m, d);
    if (!st)
        run(m, plan, end);
    gdb_close(&m->gdb);
    if (m->json && fclose(m->json) && !st)
        st = diag_set(d, STATUS_HOST_FAILED, "%s: %s", plan->json,
                      strerror(errno));
    pc_machine_close(&m->pc);
    free(m);
    return st;
}
