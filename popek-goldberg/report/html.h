/* A judgement as one page of HTML: nothing is fetched from elsewhere, nothing
 * needs JavaScript, and what a picture or a colour says is there in words. */
#ifndef POPEK_GOLDBERG_REPORT_HTML_H
#define POPEK_GOLDBERG_REPORT_HTML_H

#include "popek-goldberg/report/report.h"
#include "popek-goldberg/solver/certify.h"

struct pg_page {
    FILE *to;
    const struct pg_judgement *j;
    enum pg_reading r;
    const struct pg_certificates *certificates; /* or NULL */
};

void pg_report_html(const struct pg_page *page);

/* ---- Parts of it ---- */

/* Every witness, its states and outcomes side by side; element ids w1, w2, ...
 * are what links point to.  (html_witness.c) */
void pg_put_html_witnesses(const struct pg_page *page);

/* The states and outcomes of one witness. */
void pg_put_html_states(FILE *to, const struct isa *isa,
                        const struct pg_row *row);

/* What each technique keeps, with a witness for what it does not.
 * (html_properties.c) */
void pg_put_html_properties(const struct pg_page *page);

/* How each question was answered about each instruction. (html_proof.c) */
void pg_put_html_proofs(const struct pg_page *page);

/* Claims, lists of the literature, notes, what is left out. (html_about.c) */
void pg_put_html_about(const struct pg_page *page);

/* <section> with its heading, which has this id; and the end of it. */
void pg_open_section(FILE *to, const char *id, const char *title);
void pg_close_section(FILE *to);

/* A table that may be wider than the screen: in a region that the keyboard
 * scrolls.  `columns` are the headings, parted by '|'. */
void pg_open_table(FILE *to, const char *caption, const char *columns);
void pg_close_table(FILE *to);

/* One that fits any screen: nothing that the keyboard has to pass through. */
void pg_open_small_table(FILE *to, const char *caption, const char *columns);
void pg_close_small_table(FILE *to);

/* <th scope="row"> or <td>, escaped. */
void pg_put_row_head(FILE *to, const char *text);
void pg_put_cell(FILE *to, const char *text);

#endif
