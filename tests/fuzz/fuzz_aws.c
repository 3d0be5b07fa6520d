/* Any bytes as a tape: refused, or read forward and backward alike. */
#include "tests/fuzz/fuzz.h"

#include "s370/dev/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t sample[] = {
    5, 0, 0, 0, 0xA0, 0, 'H', 'E', 'L', 'L', 'O', /* a block */
    2, 0, 5, 0, 0x80, 0, 'A', 'B',                /* a block of three chunks */
    1, 0, 2, 0, 0x00, 0, 'C',                     /**/
    1, 0, 1, 0, 0x20, 0, 'D',                     /**/
    0, 0, 1, 0, 0x40, 0,                          /* a tape mark */
    3, 0, 0, 0, 0xA0, 0, 'X', 'Y', 'Z',           /* a block */
    0, 0, 3, 0, 0x40, 0, 0,   0,   0,   0,   0x40, 0};

const struct fuzz_seed fuzz_seeds[] = {{sample, sizeof(sample)}, {NULL, 0}};

/* Read everything forward, then the same number backward. */
static void walk(struct aws *t)
{
    static uint8_t data[AWS_BLOCK_MAX];
    unsigned forward = 0, backward = 0;
    uint64_t bytes = 0;
    enum aws_result r;
    uint32_t len;

    while ((r = aws_read(t, data, &len)) == AWS_BLOCK || r == AWS_MARK) {
        forward++;
        bytes += len;
    }
    if (r != AWS_END)
        abort();
    while ((r = aws_read_back(t, data, &len)) == AWS_BLOCK || r == AWS_MARK) {
        backward++;
        bytes -= len;
    }
    if (r != AWS_START || forward != backward || bytes)
        abort();
}

/* Write in the middle. */
static void write_in(struct aws *t)
{
    aws_forward(t);
    if (aws_write(t, (const uint8_t *)"NEW", 3) != AWS_BLOCK ||
        aws_write_mark(t) != AWS_MARK)
        abort();
    aws_rewind(t);
    walk(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int fd = memfd_create("tape", 0);
    struct diag diag = {{0}};
    struct aws *t;
    char path[64];

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        return 0; /* the host has no room; nothing was learned */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (aws_open(path, 0, &t, &diag) == STATUS_OK) {
        walk(t);
        write_in(t);
        aws_close(t);
        /* what was written is a tape, too */
        if (aws_open(path, AWS_READ_ONLY, &t, &diag) != STATUS_OK)
            abort();
        walk(t);
        aws_close(t);
    } else if (!strstr(diag.text, ": block ")) {
        abort(); /* every refusal names the block */
    }
    close(fd);
    return 0;
}
