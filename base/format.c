#include "base/format.h"

struct sink {
    char *out;
    size_t cap, len;
};

struct spec {
    bool zero, left;
    int width, precision;
    int longs; /* 0 int, 1 long, 2 long long, 3 size_t */
};

static void put(struct sink *s, char c)
{
    if (s->len + 1 < s->cap)
        s->out[s->len++] = c;
}

static void put_text(struct sink *s, const struct spec *f, const char *text)
{
    int n = 0;

    while ((f->precision < 0 || n < f->precision) && text[n])
        n++;
    for (int i = n; !f->left && i < f->width; i++)
        put(s, ' ');
    for (int i = 0; i < n; i++)
        put(s, text[i]);
    for (int i = n; f->left && i < f->width; i++)
        put(s, ' ');
}

static void put_number(struct sink *s, const struct spec *f, uint64_t u,
                       bool negative, unsigned base, const char *digits)
{
    char buf[24];
    int n = 0;

    do
        buf[n++] = digits[u % base];
    while (u /= base);
    int len = n + negative;
    for (int i = len; !f->zero && !f->left && i < f->width; i++)
        put(s, ' ');
    if (negative)
        put(s, '-');
    for (int i = len; f->zero && !f->left && i < f->width; i++)
        put(s, '0');
    while (n)
        put(s, buf[--n]);
    for (int i = len; f->left && i < f->width; i++)
        put(s, ' ');
}

static int read_count(const char **p, va_list *ap)
{
    int n = 0;

    if (**p == '*') {
        ++*p;
        return va_arg(*ap, int);
    }
    while (**p >= '0' && **p <= '9')
        n = n * 10 + (*(*p)++ - '0');
    return n;
}

static const char *read_spec(const char *p, struct spec *f, va_list *ap)
{
    *f = (struct spec){.precision = -1};
    for (; *p == '0' || *p == '-'; p++) {
        f->zero |= *p == '0';
        f->left |= *p == '-';
    }
    f->width = read_count(&p, ap);
    if (*p == '.') {
        p++;
        f->precision = read_count(&p, ap);
    }
    for (; *p == 'l' || *p == 'z'; p++)
        f->longs = *p == 'z' ? 3 : f->longs + 1;
    return p;
}

static uint64_t next_unsigned(const struct spec *f, va_list *ap)
{
    switch (f->longs) {
    case 0:
        return va_arg(*ap, unsigned);
    case 1:
        return va_arg(*ap, unsigned long);
    case 3:
        return va_arg(*ap, size_t);
    default:
        return va_arg(*ap, unsigned long long);
    }
}

static int64_t next_signed(const struct spec *f, va_list *ap)
{
    switch (f->longs) {
    case 0:
        return va_arg(*ap, int);
    case 1:
        return va_arg(*ap, long);
    case 3:
        return (int64_t)va_arg(*ap, size_t);
    default:
        return va_arg(*ap, long long);
    }
}

static void convert(struct sink *s, struct spec *f, char kind, va_list *ap)
{
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    int64_t i;
    const char *text;

    switch (kind) {
    case 'c':
        put(s, (char)va_arg(*ap, int));
        break;
    case 's':
        text = va_arg(*ap, const char *);
        put_text(s, f, text ? text : "(null)");
        break;
    case 'd':
    case 'i':
        i = next_signed(f, ap);
        put_number(s, f, i < 0 ? 0 - (uint64_t)i : (uint64_t)i, i < 0, 10,
                   lower);
        break;
    case 'u':
        put_number(s, f, next_unsigned(f, ap), false, 10, lower);
        break;
    case 'x':
        put_number(s, f, next_unsigned(f, ap), false, 16, lower);
        break;
    case 'X':
        put_number(s, f, next_unsigned(f, ap), false, 16, upper);
        break;
    case 'p':
        put_number(s, f, (uintptr_t)va_arg(*ap, void *), false, 16, lower);
        break;
    case '%':
        put(s, '%');
        break;
    default:
        put(s, '%');
        put(s, kind);
    }
}

size_t format_va(char *out, size_t cap, const char *fmt, va_list ap)
{
    struct sink s = {out, cap, 0};
    va_list args;

    va_copy(args, ap);
    for (const char *p = fmt; *p; p++) {
        struct spec f;

        if (*p != '%') {
            put(&s, *p);
            continue;
        }
        p = read_spec(p + 1, &f, &args);
        if (!*p)
            break;
        convert(&s, &f, *p, &args);
    }
    va_end(args);
    if (cap)
        out[s.len] = '\0';
    return s.len;
}

size_t format(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    size_t n = format_va(out, cap, fmt, ap);
    va_end(ap);
    return n;
}
