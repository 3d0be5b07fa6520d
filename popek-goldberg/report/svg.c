#include "popek-goldberg/report/svg.h"

#include "popek-goldberg/report/sets.h"
#include "popek-goldberg/report/text.h"

#include <string.h>

/* In units of the picture, which a page may scale. */
enum {
    LINE = 16,      /* from one line of text to the next */
    GAP = 12,       /* between a frame and what is in it */
    COLUMN = 270,   /* width of a column of names */
    LETTERS = 36,   /* in a line of a column */
    WIDE = 124,     /* in a line as wide as the picture */
    HEAD = 2 * LINE /* a title above the names */
};

/* Names of a region from (x, y) on, in lines of `letters`.  Returns how many
 * lines that were; to NULL: only count. */
static unsigned put_names(FILE *to, const struct pg_judgement *j,
                          enum pg_reading r, enum pg_region region, unsigned x,
                          unsigned y, unsigned letters)
{
    bool titles = region != PG_IN_NEITHER && region != PG_IN_PRIVILEGED;
    struct pg_region_walk w = {0};
    char ways[PG_WAYS_SIZE], name[PG_MEMBER_SIZE];
    unsigned lines = 0, column = 0;

    while (pg_walk_region(j, r, region, &w)) {
        pg_member_words(j, r, w.encoding, name);
        unsigned size = (unsigned)strlen(name) + 2;
        bool title = w.opens && titles;

        if (title || !column || column + size > letters) {
            if (column && to)
                fputs("</text>\n", to);
            if (title) {
                pg_group_words(w.ways, ways);
                if (to)
                    fprintf(to,
                            "<text class=\"ways\" x=\"%u\" y=\"%u\">%s:"
                            "</text>\n",
                            x, y + lines * LINE, ways);
                lines++;
            }
            if (to)
                fprintf(to, "<text x=\"%u\" y=\"%u\">", x + 8,
                        y + lines * LINE);
            lines++;
            column = 0;
        }
        if (to)
            fprintf(to, "%s%s", column ? ", " : "", name);
        column += size;
    }
    if (column && to)
        fputs("</text>\n", to);
    return lines;
}

static void put_frame(FILE *to, const char *class, unsigned x, unsigned y,
                      unsigned width, unsigned height)
{
    fprintf(to,
            "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" "
            "rx=\"8\"/>\n",
            class, x, y, width, height);
}

static void put_title(FILE *to, unsigned x, unsigned y, const char *title,
                      unsigned count)
{
    fprintf(to, "<text class=\"title\" x=\"%u\" y=\"%u\">%s (%u)</text>\n", x,
            y, title, count);
}

/* Where everything stands: three columns, and a line below them. */
struct plan {
    unsigned lines[PG_REGIONS], count[PG_REGIONS];
    unsigned inner;  /* height of the columns */
    unsigned user;   /* of the frame of the user sensitive ones */
    unsigned bottom; /* where the innocuous ones begin */
    unsigned width, height;
};

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static void lay_out(const struct pg_judgement *j, enum pg_reading r,
                    struct plan *p)
{
    for (enum pg_region i = 0; i < PG_REGIONS; i++) {
        p->lines[i] =
            put_names(NULL, j, r, i, 0, 0, i == PG_IN_NEITHER ? WIDE : LETTERS);
        p->count[i] = pg_region_count(j, r, i);
    }
    p->user = HEAD + p->lines[PG_IN_USER_CRITICAL] * LINE;
    p->inner = HEAD + GAP +
               LINE * most(p->lines[PG_IN_PRIVILEGED], p->lines[PG_IN_BOTH]);
    p->inner = most(p->inner,
                    HEAD + p->user + 2 * GAP + LINE * p->lines[PG_IN_CRITICAL]);
    p->width = 3 * COLUMN + 11 * GAP;
    p->bottom = p->inner + HEAD + 5 * GAP;
    p->height = p->bottom + HEAD + LINE * p->lines[PG_IN_NEITHER];
}

static void put_columns(FILE *to, const struct pg_judgement *j,
                        enum pg_reading r, const struct plan *p)
{
    unsigned x[] = {2 * GAP, 4 * GAP + COLUMN, 6 * GAP + 2 * COLUMN};
    unsigned top = HEAD + 2 * GAP, names = top + HEAD;
    unsigned critical = p->count[PG_IN_CRITICAL], user;

    user = p->count[PG_IN_USER_CRITICAL];
    put_frame(to, "set", GAP, GAP, 2 * COLUMN + 4 * GAP,
              p->inner + HEAD + 2 * GAP);
    put_title(to, 2 * GAP, GAP + LINE + 4, "PRIVILEGED",
              p->count[PG_IN_PRIVILEGED] + p->count[PG_IN_BOTH]);
    put_frame(to, "set", x[1] - GAP, 2 * GAP, 2 * COLUMN + 7 * GAP,
              p->inner + HEAD + 2 * GAP);
    put_title(to, x[2], 2 * GAP + LINE + 4, "SENSITIVE",
              p->count[PG_IN_BOTH] + critical + user);
    put_title(to, x[0], top + LINE, "privileged, innocuous",
              p->count[PG_IN_PRIVILEGED]);
    put_names(to, j, r, PG_IN_PRIVILEGED, x[0], names, LETTERS);
    put_title(to, x[1], top + LINE, "privileged and sensitive",
              p->count[PG_IN_BOTH]);
    put_names(to, j, r, PG_IN_BOTH, x[1], names, LETTERS);
    put_frame(to, critical + user ? "critical" : "set", x[2], top,
              COLUMN + 3 * GAP, p->inner);
    put_title(to, x[2] + GAP, top + LINE, "CRITICAL", critical + user);
    put_frame(to, "user", x[2] + GAP, names - LINE / 2, COLUMN + GAP, p->user);
    put_title(to, x[2] + 2 * GAP, names + LINE / 2, "in user mode too", user);
    put_names(to, j, r, PG_IN_USER_CRITICAL, x[2] + 2 * GAP,
              names + LINE / 2 + LINE + 4, LETTERS);
    put_names(to, j, r, PG_IN_CRITICAL, x[2] + 2 * GAP, names + p->user + LINE,
              LETTERS);
}

void pg_put_svg(FILE *to, const struct pg_judgement *j, enum pg_reading r)
{
    struct plan p;
    unsigned critical;

    lay_out(j, r, &p);
    critical = p.count[PG_IN_CRITICAL] + p.count[PG_IN_USER_CRITICAL];
    fprintf(to,
            "<svg role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" "
            "viewBox=\"0 0 %u %u\" aria-label=\"The sets of %s: two "
            "overlapping boxes, %u privileged and %u sensitive instructions; "
            "%u are in both, and %u are critical: sensitive and not "
            "privileged. The same stands in the table below.\">\n",
            p.width, p.height, j->isa->name,
            p.count[PG_IN_PRIVILEGED] + p.count[PG_IN_BOTH],
            p.count[PG_IN_BOTH] + critical, p.count[PG_IN_BOTH], critical);
    put_columns(to, j, r, &p);
    put_title(to, 2 * GAP, p.bottom + LINE, "neither: innocuous",
              p.count[PG_IN_NEITHER]);
    put_names(to, j, r, PG_IN_NEITHER, 2 * GAP, p.bottom + HEAD + 2, WIDE);
    fputs("</svg>\n", to);
}
