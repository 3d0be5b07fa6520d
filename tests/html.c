#include "tests/html.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 64, NAME = 32 };

struct name {
    char text[NAME];
};

struct reader {
    const char *at;
    struct html_page page;
    struct name open[DEPTH];
    unsigned depth, level;
    char (*ids)[2 * NAME], (*ends)[2 * NAME]; /* HTML_IDS of each */
    unsigned id_count, end_count;
    bool lang, title;
};

static void fault(struct reader *r, const char *what, const char *which)
{
    if (!*r->page.fault)
        snprintf(r->page.fault, sizeof(r->page.fault), "%s: %.60s, at %.60s",
                 what, which, r->at);
}

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "rect", "hr"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static void take_name(struct reader *r, struct name *out)
{
    size_t n = 0;

    while ((isalnum((unsigned char)*r->at) || *r->at == '-') && n + 1 < NAME)
        out->text[n++] = *r->at++;
    out->text[n] = '\0';
    if (!n)
        fault(r, "no name", "");
}

/* & only as a known character. */
static void check_escape(struct reader *r)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;",
                                        "&#39;"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (!strncmp(r->at, known[i], strlen(known[i])))
            return;
    fault(r, "a bare &", "");
}

static void keep(struct reader *r, char (*list)[2 * NAME], unsigned *count,
                 const char *text, size_t len)
{
    if (*count == HTML_IDS || len >= 2 * NAME) {
        fault(r, "too many or too long an id", text);
        return;
    }
    memcpy(list[*count], text, len);
    list[(*count)++][len] = '\0';
}

static void take_attribute(struct reader *r, const char *element, bool *scope,
                           bool *label)
{
    struct name name;

    take_name(r, &name);
    if (strncmp(r->at, "=\"", 2) != 0) {
        fault(r, "an attribute without a quoted value", name.text);
        return;
    }
    const char *value = r->at += 2;
    for (; *r->at && *r->at != '"'; r->at++) {
        if (*r->at == '<')
            fault(r, "< in an attribute", name.text);
        if (*r->at == '&')
            check_escape(r);
    }
    size_t len = (size_t)(r->at - value);
    r->at += *r->at == '"';
    if (!strcmp(name.text, "id"))
        keep(r, r->ids, &r->id_count, value, len);
    else if (!strcmp(name.text, "href") && *value == '#')
        keep(r, r->ends, &r->end_count, value + 1, len - 1);
    else if (!strcmp(name.text, "aria-labelledby"))
        keep(r, r->ends, &r->end_count, value, len);
    else if (!strcmp(name.text, "href") || !strcmp(name.text, "src") ||
             !strncmp(name.text, "on", 2) || !strcmp(name.text, "style"))
        fault(r, "fetches, or runs", name.text);
    *scope = *scope || !strcmp(name.text, "scope");
    *label = *label || !strcmp(name.text, "aria-label");
    r->lang = r->lang || (!strcmp(element, "html") &&
                          !strcmp(name.text, "lang") && len == 2);
}

static void count_element(struct reader *r, const char *name, bool scope,
                          bool label)
{
    if (name[0] == 'h' && isdigit((unsigned char)name[1])) {
        unsigned level = (unsigned)(name[1] - '0');

        if (level > r->level + 1 || (level == 1 && r->page.headings))
            fault(r, "headings out of order", name);
        r->level = level;
        r->page.headings++;
    }
    if (!strcmp(name, "th") && !scope)
        fault(r, "no scope", name);
    if (!strcmp(name, "svg") && !label)
        fault(r, "no text", name);
    if (!strcmp(name, "script") || !strcmp(name, "link") ||
        !strcmp(name, "img") || !strcmp(name, "iframe"))
        fault(r, "fetches, or runs", name);
    r->page.links += !strcmp(name, "a");
    r->page.cells += !strcmp(name, "td");
    r->page.images += !strcmp(name, "svg");
    r->title = r->title || !strcmp(name, "title");
}

static void take_end(struct reader *r)
{
    struct name name;

    take_name(r, &name);
    if (!r->depth || strcmp(r->open[r->depth - 1].text, name.text) != 0)
        fault(r, "an end without its begin", name.text);
    else
        r->depth--;
    if (*r->at++ != '>')
        fault(r, "no >", name.text);
}

static void take_element(struct reader *r)
{
    bool scope = false, label = false;
    struct name name;

    take_name(r, &name);
    while (*r->at == ' ' && !*r->page.fault) {
        r->at++;
        take_attribute(r, name.text, &scope, &label);
    }
    bool empty = *r->at == '/';
    r->at += empty;
    if (*r->at != '>') {
        fault(r, "no >", name.text);
        return;
    }
    r->at++;
    count_element(r, name.text, scope, label);
    if (empty || is_void(name.text))
        return;
    if (r->depth == DEPTH)
        fault(r, "too deep", name.text);
    else
        r->open[r->depth++] = name;
    if (!strcmp(name.text, "style")) {
        const char *end = strstr(r->at, "</style>");

        if (!end || memmem(r->at, (size_t)(end - r->at), "url(", 4) ||
            memmem(r->at, (size_t)(end - r->at), "@import", 7))
            fault(r, "fetches", name.text);
        else
            r->at = end;
    }
}

static bool is_in(const char *what, char (*list)[2 * NAME], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(list[i], what))
            return true;
    return false;
}

static void check_ids(struct reader *r)
{
    for (unsigned i = 0; i < r->id_count; i++)
        if (is_in(r->ids[i], r->ids + i + 1, r->id_count - i - 1))
            fault(r, "an id twice", r->ids[i]);
    for (unsigned i = 0; i < r->end_count; i++)
        if (!is_in(r->ends[i], r->ids, r->id_count))
            fault(r, "a link to nowhere", r->ends[i]);
}

struct html_page html_read(const char *text)
{
    static const char start[] = "<!DOCTYPE html>";
    struct reader r = {.at = text};

    r.ids = calloc(HTML_IDS, sizeof(*r.ids));
    r.ends = calloc(HTML_IDS, sizeof(*r.ends));
    if (!r.ids || !r.ends || strncmp(text, start, strlen(start)) != 0)
        fault(&r, "no document", "");
    r.at += strlen(start);
    while (*r.at && !*r.page.fault) {
        if (!strncmp(r.at, "</", 2)) {
            r.at += 2;
            take_end(&r);
        } else if (*r.at == '<') {
            r.at++;
            take_element(&r);
        } else {
            if (*r.at == '&')
                check_escape(&r);
            r.at++;
        }
    }
    if (r.depth)
        fault(&r, "no end", r.open[r.depth - 1].text);
    if (!r.lang || !r.title || !r.page.headings)
        fault(&r, "no language, title or heading", "");
    check_ids(&r);
    free(r.ids);
    free(r.ends);
    return r.page;
}
