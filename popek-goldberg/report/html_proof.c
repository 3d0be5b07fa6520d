/* The certificates of the page: how each question was answered. */
#include "popek-goldberg/report/html.h"
#include "popek-goldberg/report/text.h"

enum { QUESTION_SIZE = 96 };

static const char *answer(const struct pg_page *p, unsigned i, unsigned k)
{
    const struct pg_case *b = &p->j->best;

    if (p->certificates && p->certificates->of[i][k].proved != PG_NOT_ASKED)
        return pg_proved_name(p->certificates->of[i][k].proved);
    return pg_exhausted_says(&b->labels[i], &b->exact[i], &pg_queries[k])
               ? "witness"
               : "exhausted";
}

static void put_method(const struct pg_page *p)
{
    const struct pg_certificates *c = p->certificates;

    fputs("<p>\"Exhausted\": there is no witness among the states of the "
          "scaled machine; the last columns have how many these were.",
          p->to);
    if (c) {
        fputs(" \"Certified\": the solver <code>", p->to);
        pg_put_html(p->to, c->command);
        fputs("</code>", p->to);
        if (*c->version) {
            fputs(" (", p->to);
            pg_put_html(p->to, c->version);
            fputs(")", p->to);
        }
        fprintf(p->to,
                " says that there is none in full width either. Of %u "
                "questions %u were certified, %u have a witness in full width "
                "too, %u differ, %u are open. ",
                c->asked, c->count[PG_CERTIFIED], c->count[PG_REPLAYED],
                c->count[PG_CONTRADICTED], c->count[PG_LEFT_OPEN]);
        pg_put_html(p->to, c->trouble);
    } else {
        fputs(" No solver was asked: nothing is said of the full width.",
              p->to);
    }
    fputs("</p>\n", p->to);
}

static void put_questions(const struct pg_page *p)
{
    char name[QUESTION_SIZE];

    fputs("<p>Is there a witness that an instruction is</p>\n<ol>\n", p->to);
    for (unsigned k = 0; k < PG_QUERIES; k++) {
        pg_query_name(&pg_queries[k], name, sizeof(name));
        fprintf(p->to, "<li>%s?</li>\n", name);
    }
    fputs("</ol>\n", p->to);
}

static void put_answers(const struct pg_page *p, unsigned i)
{
    const struct pg_case *b = &p->j->best;

    pg_put_row_head(p->to, p->j->isa->encodings[i].name);
    for (unsigned k = 0; k < PG_QUERIES; k++)
        pg_put_cell(p->to, answer(p, i, k));
    fprintf(p->to, "<td>%llu</td><td>%llu</td></tr>\n",
            (unsigned long long)b->labels[i].states,
            (unsigned long long)b->exact[i].states);
}

/* Why some are open. */
static void put_troubles(const struct pg_page *p)
{
    const struct pg_certificates *c = p->certificates;
    char name[QUESTION_SIZE];

    if (!c || !(c->count[PG_LEFT_OPEN] + c->count[PG_CONTRADICTED]))
        return;
    fputs("<ul>\n", p->to);
    for (unsigned i = 0; i < c->encodings; i++)
        for (unsigned k = 0; k < PG_QUERIES; k++) {
            if (c->of[i][k].proved < PG_CONTRADICTED)
                continue;
            pg_query_name(&pg_queries[k], name, sizeof(name));
            fprintf(p->to, "<li>%s, %s: %s", p->j->isa->encodings[i].name, name,
                    pg_proved_name(c->of[i][k].proved));
            if (c->of[i][k].why) {
                fputs(", ", p->to);
                pg_put_html(p->to, c->of[i][k].why);
            }
            fputs("</li>\n", p->to);
        }
    fputs("</ul>\n", p->to);
}

void pg_put_html_proofs(const struct pg_page *p)
{
    char columns[PG_QUERIES * 4 + 64] = "Encoding";
    size_t n = sizeof("Encoding") - 1;

    for (unsigned k = 0; k < PG_QUERIES; k++)
        n += (size_t)snprintf(columns + n, sizeof(columns) - n, "|%u", k + 1);
    snprintf(columns + n, sizeof(columns) - n, "|States|States, exact");
    pg_open_section(p->to, "proofs", "Certificates");
    put_method(p);
    put_questions(p);
    pg_open_table(p->to, "The answer to each question", columns);
    for (unsigned i = 0; i < p->j->isa->encoding_count; i++)
        put_answers(p, i);
    pg_close_table(p->to);
    put_troubles(p);
    pg_close_section(p->to);
}
