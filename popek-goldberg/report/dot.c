#include "popek-goldberg/report/dot.h"

#include "popek-goldberg/report/sets.h"

#include <string.h>

enum { LINE_MAX_CHARS = 44 };

/* Inside of a label: quotes and backslashes are escaped, line ends are not. */
static void put_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
    }
}

/* One node for each group of a region. */
static void put_groups(FILE *to, const struct pg_judgement *j,
                       enum pg_reading r, enum pg_region region)
{
    bool titles = region != PG_IN_NEITHER && region != PG_IN_PRIVILEGED;
    struct pg_region_walk w = {0};
    char ways[PG_WAYS_SIZE], name[PG_MEMBER_SIZE];
    size_t column = 0;

    while (pg_walk_region(j, r, region, &w)) {
        pg_member_words(j, r, w.encoding, name);
        if (w.opens) {
            pg_group_words(w.ways, ways);
            fprintf(to, "%s      r%ug%u [label=\"%s%s",
                    w.group > 1 ? "\\l\"];\n" : "", (unsigned)region, w.group,
                    titles ? ways : "", titles ? ":\\l" : "");
            column = 0;
        } else if (column + strlen(name) > LINE_MAX_CHARS) {
            fputs(",\\l", to);
            column = 0;
        } else {
            fputs(", ", to);
        }
        fprintf(to, "%s%s", column ? "" : "  ", name);
        column += strlen(name) + 2;
    }
    if (w.group)
        fputs("\\l\"];\n", to);
    else
        fprintf(to, "      r%ug0 [label=\"none\"];\n", (unsigned)region);
}

static void open_set(FILE *to, const char *id, const char *title, unsigned n,
                     const char *look)
{
    fprintf(to, "  subgraph cluster_%s {\n    label=\"%s (%u)\"; %s\n", id,
            title, n, look);
}

static void put_sensitive(FILE *to, const struct pg_judgement *j,
                          enum pg_reading r)
{
    unsigned both = pg_region_count(j, r, PG_IN_BOTH);
    unsigned supervisor = pg_region_count(j, r, PG_IN_CRITICAL);
    unsigned user = pg_region_count(j, r, PG_IN_USER_CRITICAL);

    open_set(to, "sensitive", "SENSITIVE: control, location, mode, leaks",
             both + supervisor + user, "style=rounded; color=black;");
    open_set(to, "both", "PRIVILEGED and sensitive: the monitor sees them",
             both, "style=\"rounded,filled\"; fillcolor=\"#e3f1e3\";");
    put_groups(to, j, r, PG_IN_BOTH);
    fputs("  }\n", to);
    open_set(to, "critical",
             supervisor + user
                 ? "CRITICAL: sensitive, not privileged.  Theorem 1 fails"
                 : "CRITICAL: sensitive, not privileged",
             supervisor + user,
             "style=\"rounded,filled,bold\"; penwidth=3; "
             "color=\"#a00000\"; fillcolor=\"#fdeaea\";");
    open_set(to, "user",
             user ? "USER SENSITIVE, not privileged.  Theorem 3 fails"
                  : "USER SENSITIVE, not privileged",
             user, "style=\"rounded,dashed\"; penwidth=2;");
    put_groups(to, j, r, PG_IN_USER_CRITICAL);
    fputs("  }\n", to);
    put_groups(to, j, r, PG_IN_CRITICAL);
    fputs("  }\n  }\n", to);
}

void pg_report_dot(FILE *to, const struct pg_judgement *j, enum pg_reading r)
{
    fprintf(to, "graph \"%s\" {\n  label=\"%s: ", j->isa->name, j->isa->name);
    put_text(to, j->isa->title);
    fprintf(to,
            "\\n%s reading; Theorem 1 %s, 2 %s, 3 %s\"; labelloc=t;\n"
            "  fontname=\"Helvetica\"; rankdir=LR; nodesep=0.1; "
            "ranksep=0.2;\n"
            "  node [shape=box, style=\"rounded,filled\", "
            "fillcolor=white, fontname=\"Courier\", fontsize=11];\n",
            r == PG_LITERAL ? "literal" : "corrected",
            j->best.holds[r][PG_T1] ? "holds" : "fails",
            j->best.holds[r][PG_T2] ? "holds" : "fails",
            j->best.holds[r][PG_T3] ? "holds" : "fails");
    put_sensitive(to, j, r);
    open_set(to, "innocuous", "INNOCUOUS",
             pg_region_count(j, r, PG_IN_PRIVILEGED) +
                 pg_region_count(j, r, PG_IN_NEITHER),
             "style=rounded;");
    open_set(to, "privileged", "PRIVILEGED and innocuous",
             pg_region_count(j, r, PG_IN_PRIVILEGED),
             "style=\"rounded,filled\"; fillcolor=\"#e3f1e3\";");
    put_groups(to, j, r, PG_IN_PRIVILEGED);
    fputs("  }\n", to);
    put_groups(to, j, r, PG_IN_NEITHER);
    fputs("  }\n}\n", to);
}
