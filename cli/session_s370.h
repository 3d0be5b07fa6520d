/* What the two kinds of System/370 in a session share: console and channels
 * are the same, bare and virtual. */
#ifndef CLI_SESSION_S370_H
#define CLI_SESSION_S370_H

#include "cli/session.h"

/* Read the guest's file; its devices onto the channels; the operator before
 * its console. */
MUST_USE enum status session_s370_open(struct guest *g, struct diag *diag);
MUST_USE enum status session_s370_attach(struct guest *g, struct diag *diag);

/* The channels, PSW and clock of the guest, whichever machine it is on. */
struct s370_channels *session_s370_channels(const struct guest *g);
const struct s370_psw *session_s370_psw(const struct guest *g);

/* What it has written on paper and cards, into g->wrote. */
void session_s370_written(struct guest *g);

/* "in a disabled wait, PSW 000A0000 00000FFF", into g->why. */
void session_s370_ended(struct guest *g);

#endif
