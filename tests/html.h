/* A strict little reader of HTML, for the pages that the command prints. */
#ifndef TESTS_HTML_H
#define TESTS_HTML_H

#include "base/types.h"

enum { HTML_IDS = 8192 };

struct html_page {
    unsigned headings, links, cells, images;
    char fault[256]; /* what is wrong with it; "" for nothing */
};

/* One document: elements nest and end, attributes are quoted and escaped, ids
 * are there once, links within the page have their end, headings leave out no
 * level and begin with h1, every th has a scope, the language and a title are
 * said, an svg says what it shows, and nothing is fetched or run. */
struct html_page html_read(const char *text);

#endif
