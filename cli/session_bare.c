/* A session on the bare machine. */
#include "cli/session_s370.h"

#include <stdio.h>

/* So often a run looks whether it is interrupted. */
enum { PIECE = 100000 };

static enum status open_bare(struct session *s, struct diag *diag)
{
    struct guest *g = &s->guests[0];

    if (s->count > 1)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "the bare machine runs one guest; several need the "
                        "monitor (--on trap)");
    enum status st = session_s370_open(g, diag);
    if (st)
        return st;
    g->bare = s370_machine_new(g->equip.config.main_size, s->plan->trace);
    if (!g->bare)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for a machine");
    st = session_s370_attach(g, diag);
    return st ? st : equip_start_bare(&g->equip, g->bare, diag);
}

static void ended(struct guest *g, enum s370_stop stop)
{
    switch (stop) {
    case S370_STOP_IDLE:
        g->end = GUEST_IDLE;
        break;
    case S370_STOP_DISABLED_WAIT:
        g->end = GUEST_ENDED;
        session_s370_ended(g);
        break;
    case S370_STOP_STOPPED:
        g->end = g->stopped ? GUEST_STOPPED : GUEST_ENDED;
        if (!g->stopped)
            snprintf(g->why, sizeof(g->why), "in the stopped state");
        break;
    case S370_STOP_PSW_LOOP:
        g->end = GUEST_FAILED;
        snprintf(g->why, sizeof(g->why),
                 "interruptions with no instruction between them: they lead "
                 "to each other");
        break;
    default:
        break;
    }
}

static void run_bare(struct session *s)
{
    struct guest *g = &s->guests[0];
    uint64_t limit = s->plan->stop_after;

    g->end = GUEST_RUNNING;
    while (g->end == GUEST_RUNNING && !session_interrupted) {
        uint64_t left = limit ? limit - g->bare->insns : UINT64_MAX;

        if (!left)
            g->end = GUEST_LIMIT;
        else
            ended(g,
                  s370_machine_run(g->bare, left < PIECE ? left : PIECE, NULL));
    }
}

static void account_bare(struct session *s)
{
    struct guest *g = &s->guests[0];

    if (!g->bare)
        return;
    g->insns = g->bare->insns;
    g->ticks = g->bare->clock.now;
}

static void close_bare(struct session *s)
{
    s370_machine_free(s->guests[0].bare);
    s->guests[0].bare = NULL;
    session_s370_written(&s->guests[0]);
    equip_close(&s->guests[0].equip);
}

const struct session_ops session_bare = {open_bare, run_bare, account_bare,
                                         close_bare};
