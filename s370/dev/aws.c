#include "s370/dev/aws.h"

#include "base/bytes.h"
#include "base/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 6,
    FLAG_FIRST = 0x80,
    FLAG_MARK = 0x40,
    FLAG_LAST = 0x20,
    TROUBLE_MAX = 200
};

/* One block or tape mark. */
struct block {
    uint64_t at;   /* file offset of its first header */
    uint32_t len;  /* data bytes; 0: a mark */
    uint32_t size; /* in the file, headers included */
};

struct aws {
    int fd;
    bool read_only;
    struct block *blocks; /* owned: the index, made when opened */
    size_t count, room;
    size_t head; /* the block that a forward read gets */
    char trouble[TROUBLE_MAX];
};

struct chunk {
    uint32_t len, before;
    uint8_t flags;
};

/* ---- The file ---- */

static bool read_at(struct aws *t, uint64_t at, void *to, size_t len)
{
    uint8_t *p = to;

    while (len) {
        ssize_t n = pread(t->fd, p, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            format(t->trouble, sizeof(t->trouble), "cannot read: %s",
                   n ? strerror(errno) : "the file has become shorter");
            return false;
        }
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool write_at(struct aws *t, uint64_t at, const void *from, size_t len)
{
    const uint8_t *p = from;

    while (len) {
        ssize_t n = pwrite(t->fd, p, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            format(t->trouble, sizeof(t->trouble), "cannot write: %s",
                   n ? strerror(errno) : "no room");
            return false;
        }
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool cut_at(struct aws *t, uint64_t at)
{
    if (!ftruncate(t->fd, (off_t)at))
        return true;
    format(t->trouble, sizeof(t->trouble), "cannot shorten: %s",
           strerror(errno));
    return false;
}

static bool read_chunk(struct aws *t, uint64_t at, struct chunk *c)
{
    uint8_t h[HEADER];

    if (!read_at(t, at, h, sizeof(h)))
        return false;
    c->len = load_le16(h);
    c->before = load_le16(h + 2);
    c->flags = h[4];
    return true;
}

/* ---- The index ---- */

static bool add_block(struct aws *t, const struct block *b)
{
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 256;
        struct block *blocks = realloc(t->blocks, room * sizeof(*blocks));

        if (!blocks)
            return false;
        t->blocks = blocks;
        t->room = room;
    }
    t->blocks[t->count++] = *b;
    return true;
}

/* What the scan of a file knows while it goes. */
struct scan {
    struct aws *t;
    const char *path;
    uint64_t at, size;  /* of the next header; of the file */
    uint32_t before;    /* data bytes of the chunk before */
    bool open;          /* within a block */
    struct block block; /* that block */
    struct diag *diag;
};

static enum status damaged(const struct scan *s, const char *what)
{
    return diag_set(s->diag, STATUS_BAD_INPUT,
                    "%s: block %llu, byte %llu of the file: %s", s->path,
                    (unsigned long long)s->t->count + 1,
                    (unsigned long long)s->at, what);
}

static const char *chunk_fault(const struct scan *s, const struct chunk *c)
{
    bool first = c->flags & FLAG_FIRST;

    if (c->flags & ~(FLAG_FIRST | FLAG_MARK | FLAG_LAST))
        return "the header has flags that AWS tapes do not have (HET "
               "compression is not supported)";
    if (c->before != s->before)
        return "the header does not fit the length of the chunk before it";
    if (c->flags & FLAG_MARK)
        return s->open  ? "a tape mark inside a block"
               : c->len ? "a tape mark with data"
                        : NULL;
    if (first == s->open)
        return s->open ? "a block begins before the last one has ended"
                       : "the beginning of the block is missing";
    if (!c->len)
        return "a chunk without data";
    if (c->len > s->size - s->at - HEADER)
        return "the file ends inside the block";
    if (s->block.len + c->len > AWS_BLOCK_MAX)
        return "the block is longer than 65535 bytes";
    return NULL;
}

static enum status add_to_index(struct scan *s)
{
    if (!add_block(s->t, &s->block))
        return diag_set(s->diag, STATUS_NO_MEMORY, "%s: no memory", s->path);
    s->open = false;
    s->block = (struct block){0};
    return STATUS_OK;
}

static enum status scan_chunk(struct scan *s)
{
    struct chunk c;

    if (s->size - s->at < HEADER)
        return damaged(s, "the file ends inside a header");
    if (!read_chunk(s->t, s->at, &c))
        return damaged(s, s->t->trouble);
    const char *fault = chunk_fault(s, &c);
    if (fault)
        return damaged(s, fault);
    if (!s->open)
        s->block.at = s->at;
    s->block.len += c.len;
    s->block.size += HEADER + c.len;
    s->open = true;
    s->at += HEADER + c.len;
    s->before = c.len;
    return c.flags & (FLAG_MARK | FLAG_LAST) ? add_to_index(s) : STATUS_OK;
}

static enum status scan_file(struct aws *t, const char *path, struct diag *diag)
{
    struct scan s = {.t = t, .path = path, .diag = diag};
    struct stat info;
    enum status st = STATUS_OK;

    if (fstat(t->fd, &info))
        return diag_set(diag, STATUS_HOST_FAILED, "%s: %s", path,
                        strerror(errno));
    if (!S_ISREG(info.st_mode))
        return diag_set(diag, STATUS_BAD_INPUT, "%s: not a file", path);
    s.size = (uint64_t)info.st_size;
    while (st == STATUS_OK && s.at < s.size)
        st = scan_chunk(&s);
    if (st == STATUS_OK && s.open)
        st = damaged(&s, "the file ends inside the block");
    return st;
}

/* ---- Opening ---- */

static enum status write_marks(struct aws *t, const char *path,
                               struct diag *diag)
{
    for (unsigned i = 0; i < 3; i++)
        if (aws_write_mark(t) != AWS_MARK)
            return diag_set(diag, STATUS_HOST_FAILED, "%s: %s", path,
                            t->trouble);
    aws_rewind(t);
    return STATUS_OK;
}

/* STATUS_OK with a descriptor; *fresh when the file was made now. */
static enum status open_file(struct aws *t, const char *path, unsigned flags,
                             bool *fresh, struct diag *diag)
{
    *fresh = false;
    t->read_only = flags & AWS_READ_ONLY;
    t->fd = open(path, (t->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (t->fd < 0 && !t->read_only && (errno == EACCES || errno == EROFS)) {
        t->read_only = true;
        t->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (t->fd < 0 && errno == ENOENT && !t->read_only && (flags & AWS_CREATE)) {
        t->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        *fresh = t->fd >= 0;
    }
    if (t->fd < 0)
        return diag_set(diag, STATUS_BAD_INPUT, "%s: cannot open: %s", path,
                        strerror(errno));
    /* a host without locks lets everybody in */
    if (flock(t->fd, (t->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) &&
        errno == EWOULDBLOCK)
        return diag_set(diag, STATUS_BAD_INPUT,
                        "%s: this tape is mounted elsewhere, and one of the "
                        "two may write",
                        path);
    return STATUS_OK;
}

enum status aws_open(const char *path, unsigned flags, struct aws **out,
                     struct diag *diag)
{
    struct aws *t = calloc(1, sizeof(*t));
    bool fresh;

    if (!t)
        return diag_set(diag, STATUS_NO_MEMORY, "%s: no memory", path);
    enum status st = open_file(t, path, flags, &fresh, diag);
    if (st == STATUS_OK)
        st = fresh ? write_marks(t, path, diag) : scan_file(t, path, diag);
    if (st == STATUS_OK)
        *out = t;
    else
        aws_close(t);
    return st;
}

void aws_close(struct aws *t)
{
    if (!t)
        return;
    if (t->fd >= 0)
        close(t->fd);
    free(t->blocks);
    free(t);
}

bool aws_read_only(const struct aws *t)
{
    return t->read_only;
}

bool aws_at_start(const struct aws *t)
{
    return t->head == 0;
}

uint64_t aws_position(const struct aws *t)
{
    return t->head;
}

const char *aws_trouble(const struct aws *t)
{
    return t->trouble;
}

/* ---- Reading ---- */

/* The file may have changed behind our back: hold every header against the
 * index. */
static enum aws_result read_block(struct aws *t, const struct block *b,
                                  uint8_t *data, uint32_t *len)
{
    uint64_t at = b->at, end = b->at + b->size;
    struct chunk c;

    *len = 0;
    do {
        if (!read_chunk(t, at, &c))
            return AWS_FAILED;
        at += HEADER;
        if (c.len > end - at || c.len > b->len - *len ||
            !(c.flags & FLAG_MARK) != (b->len != 0)) {
            format(t->trouble, sizeof(t->trouble),
                   "block %llu was changed while the tape was mounted",
                   (unsigned long long)(b - t->blocks) + 1);
            return AWS_DAMAGED;
        }
        if (!read_at(t, at, data + *len, c.len))
            return AWS_FAILED;
        *len += c.len;
        at += c.len;
    } while (end - at >= HEADER);
    return b->len ? AWS_BLOCK : AWS_MARK;
}

enum aws_result aws_read(struct aws *t, uint8_t *data, uint32_t *len)
{
    *len = 0;
    if (t->head == t->count)
        return AWS_END;
    return read_block(t, &t->blocks[t->head++], data, len);
}

enum aws_result aws_read_back(struct aws *t, uint8_t *data, uint32_t *len)
{
    *len = 0;
    if (!t->head)
        return AWS_START;
    return read_block(t, &t->blocks[--t->head], data, len);
}

enum aws_result aws_forward(struct aws *t)
{
    if (t->head == t->count)
        return AWS_END;
    return t->blocks[t->head++].len ? AWS_BLOCK : AWS_MARK;
}

enum aws_result aws_backward(struct aws *t)
{
    if (!t->head)
        return AWS_START;
    return t->blocks[--t->head].len ? AWS_BLOCK : AWS_MARK;
}

void aws_rewind(struct aws *t)
{
    t->head = 0;
}

/* ---- Writing ---- */

/* Where the head is in the file, and the data length of the chunk before. */
static uint64_t head_offset(struct aws *t, uint32_t *before)
{
    *before = 0;
    if (!t->head)
        return 0;
    const struct block *b = &t->blocks[t->head - 1];
    /* the last chunk of a block that came in several is the remainder */
    uint64_t at = b->at;
    struct chunk c = {0};
    while (at < b->at + b->size && read_chunk(t, at, &c))
        at += HEADER + c.len;
    *before = c.len;
    return b->at + b->size;
}

static enum aws_result put(struct aws *t, uint8_t flags, const uint8_t *data,
                           uint32_t len)
{
    uint8_t h[HEADER] = {0};
    uint32_t before;
    struct block b = {.len = len, .size = HEADER + len};

    b.at = head_offset(t, &before);
    store_le16(h, (uint16_t)len);
    store_le16(h + 2, (uint16_t)before);
    h[4] = flags;
    t->count = t->head;
    if (write_at(t, b.at, h, HEADER) &&
        (!len || write_at(t, b.at + HEADER, data, len)) &&
        cut_at(t, b.at + b.size) && add_block(t, &b)) {
        t->head++;
        return len ? AWS_BLOCK : AWS_MARK;
    }
    if (!t->trouble[0])
        format(t->trouble, sizeof(t->trouble), "no memory");
    if (ftruncate(t->fd, (off_t)b.at))
        t->read_only = true; /* what follows the head is no tape any more */
    return AWS_FAILED;
}

enum aws_result aws_write(struct aws *t, const uint8_t *data, uint32_t len)
{
    t->trouble[0] = '\0';
    if (!len || len > AWS_BLOCK_MAX) {
        format(t->trouble, sizeof(t->trouble), "a block of %u bytes", len);
        return AWS_FAILED;
    }
    return put(t, FLAG_FIRST | FLAG_LAST, data, len);
}

enum aws_result aws_write_mark(struct aws *t)
{
    t->trouble[0] = '\0';
    return put(t, FLAG_MARK, NULL, 0);
}

enum aws_result aws_erase(struct aws *t)
{
    uint32_t before;
    uint64_t at = head_offset(t, &before);

    t->trouble[0] = '\0';
    if (!cut_at(t, at))
        return AWS_FAILED;
    t->count = t->head;
    return AWS_BLOCK;
}
