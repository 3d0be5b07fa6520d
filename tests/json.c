#include "tests/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

/* Each reader returns the place after what it read, or NULL. */
static const char *value(const char *p, unsigned depth);

static const char *space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *digits(const char *p)
{
    size_t n = strspn(p, "0123456789");

    return n ? p + n : NULL;
}

static const char *number(const char *p)
{
    p += *p == '-';
    p = *p == '0' ? p + 1 : digits(p);
    if (p && *p == '.')
        p = digits(p + 1);
    if (p && (*p == 'e' || *p == 'E')) {
        p++;
        p = digits(p + (*p == '+' || *p == '-'));
    }
    return p;
}

static const char *string(const char *p)
{
    if (*p++ != '"')
        return NULL;
    for (; *p != '"'; p++) {
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p != '\\')
            continue;
        p++;
        if (*p == 'u') {
            for (int i = 1; i <= 4; i++)
                if (!isxdigit((unsigned char)p[i]))
                    return NULL;
            p += 4;
        } else if (!*p || !strchr("\"\\/bfnrt", *p)) {
            return NULL;
        }
    }
    return p + 1;
}

static const char *member(const char *p, unsigned depth)
{
    p = string(space(p));
    if (!p)
        return NULL;
    p = space(p);
    return *p == ':' ? value(p + 1, depth) : NULL;
}

/* The rest of an array or object, after its opening bracket. */
static const char *list(const char *p, char close, unsigned depth)
{
    p = space(p);
    if (*p == close)
        return p + 1;
    for (;;) {
        p = close == '}' ? member(p, depth) : value(p, depth);
        if (!p)
            return NULL;
        p = space(p);
        if (*p == close)
            return p + 1;
        if (*p++ != ',')
            return NULL;
    }
}

static const char *value(const char *p, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};

    p = space(p);
    if (depth == DEPTH_MAX)
        return NULL;
    if (*p == '{')
        return list(p + 1, '}', depth + 1);
    if (*p == '[')
        return list(p + 1, ']', depth + 1);
    if (*p == '"')
        return string(p);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strncmp(p, words[i], strlen(words[i])))
            return p + strlen(words[i]);
    return number(p);
}

bool json_valid(const char *text)
{
    const char *end = value(text, 0);

    return end && !*space(end);
}

int json_lines(const char *text)
{
    int n = 0;

    while (*text) {
        size_t len = strcspn(text, "\n");
        char *line = strndup(text, len);
        bool good = line && line[0] == '{' && json_valid(line);

        free(line);
        if (!good)
            return -1;
        n++;
        text += len + (text[len] == '\n');
    }
    return n;
}

long long json_number(const char *text, const char *key)
{
    char quoted[64];

    snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *p = strstr(text, quoted);
    return p ? strtoll(p + strlen(quoted), NULL, 10) : -1;
}
