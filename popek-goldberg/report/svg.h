/* The set diagram as a picture inside of a page (SVG 1.1, which HTML has as an
 * element of its own). */
#ifndef POPEK_GOLDBERG_REPORT_SVG_H
#define POPEK_GOLDBERG_REPORT_SVG_H

#include "popek-goldberg/judge/decide.h"

#include <stdio.h>

/* One <svg> element.  Two boxes, privileged and sensitive, which overlap; what
 * is sensitive and not privileged stands out by its frame.  Colours are the
 * page's: classes set, both, critical, user. */
void pg_put_svg(FILE *to, const struct pg_judgement *j, enum pg_reading r);

#endif
