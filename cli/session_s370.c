#include "cli/session_s370.h"

#include "cli/command.h"
#include "cli/redirect.h"
#include "cli/vmm_s370.h"
#include "s370/dev/dev_console.h"
#include "s370/vcpu.h"

#include <stdio.h>
#include <string.h>

struct s370_channels *session_s370_channels(const struct guest *g)
{
    return g->vm ? s370_vm_channels(g->vm) : g->bare->channels;
}

const struct s370_psw *session_s370_psw(const struct guest *g)
{
    return g->vm ? &s370_vcpu(&g->vm->vcpu)->psw : &g->bare->cpu.psw;
}

/* ---- The operator's hands ---- */

/* An enabled wait: an interruption from outside can end it. */
static bool in_wait(void *machine)
{
    const struct s370_psw *psw = session_s370_psw(machine);

    return psw->wait && s370_psw_valid(psw) && s370_psw_enabled(psw);
}

static bool reading(void *machine)
{
    return s370_console_reading(((struct guest *)machine)->console);
}

static void attention(void *machine)
{
    const struct guest *g = machine;

    if (s370_console_attention(g->console))
        cli_say("%s: it has no console with a request key", g->name);
}

static void answer(void *machine, const char *text)
{
    struct guest *g = machine;

    if (s370_console_type(g->console, text))
        cli_say("%s: its console did not take '%s'", g->name, text);
    else
        session_typed(g, text);
}

/* The stop key: the stopped state, in which nothing interrupts. */
static void stop(void *machine)
{
    struct guest *g = machine;

    g->stopped = true;
    if (!g->vm) {
        g->bare->cpu.stopped = true;
        return;
    }
    s370_vcpu(&g->vm->vcpu)->stopped = true;
    g->vm->vcpu.waiting = true;
}

static uint64_t insns(const void *guest)
{
    const struct guest *g = guest;

    return g->vm ? g->vm->vcpu.insns : g->bare->insns;
}

/* ---- The devices' host ---- */

static void printed(void *who, uint16_t address, const char *text, size_t len)
{
    (void)address;
    session_printed(who, text, len);
}

static void begins_to_read(void *who, uint16_t address)
{
    struct guest *g = who;

    g->console = s370_channels_find(session_s370_channels(g), address);
    session_reading(g);
}

static void trouble(void *who, uint16_t address, const char *text)
{
    struct guest *g = who;

    (void)address;
    g->troubled = true;
    cli_say("%s: %s", g->name, text);
}

enum status session_s370_open(struct guest *g, struct diag *diag)
{
    enum status st =
        equip_open(&g->equip, &g->file, g->session->plan->ipl, diag);

    if (st)
        return st;
    for (unsigned i = 0; i < g->equip.config.note_count; i++)
        cli_say("%s", g->equip.config.notes[i]);
    if (!g->session->plan->scratch_tapes) {
        st = redirect_missing_tape(&g->equip.config, diag);
        if (st)
            return st;
    }
    if (g->session->plan->outputs)
        return redirect_outputs(&g->equip.config, g->session->plan->outputs,
                                diag);
    if (strcmp(g->name, g->file.name))
        return redirect_namesake(&g->equip.config, g->name, diag);
    return STATUS_OK;
}

enum status session_s370_attach(struct guest *g, struct diag *diag)
{
    static const struct script_hands hands = {in_wait, reading, attention,
                                              answer,  stop,    NULL};
    struct s370_console_host host = {printed, begins_to_read, g, trouble};
    struct script_hands mine = hands;
    bool scratch = g->session->plan->scratch_tapes;

    enum status st = equip_attach(&g->equip, session_s370_channels(g), &host,
                                  scratch ? S370_CONFIG_CREATE_TAPES : 0, diag);
    if (st)
        return st;
    g->console = equip_console(&g->equip, session_s370_channels(g));
    mine.machine = g;
    return session_sit(g, &mine, g->vm ? &g->vm->clock : &g->bare->clock, insns,
                       diag);
}

void session_s370_written(struct guest *g)
{
    redirect_written(&g->equip.config, g->wrote, sizeof(g->wrote));
}

void session_s370_ended(struct guest *g)
{
    uint8_t bytes[8];

    s370_psw_store(session_s370_psw(g), 0, 0, bytes);
    snprintf(g->why, sizeof(g->why),
             "in a disabled wait, PSW %02X%02X%02X%02X %02X%02X%02X%02X",
             bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5],
             bytes[6], bytes[7]);
}
