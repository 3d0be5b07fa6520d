/* Tapes on disk, in AWS format.
 *
 * The file is a sequence of chunks: a header of 6 bytes (little-endian 16-bit
 * length of this chunk's data, length of the chunk before it, one byte of
 * flags, one of zero) and the data.  A block is one or more chunks; the first
 * is flagged 80, the last 20.  A tape mark is a header alone, flagged 40. */
#ifndef S370_DEV_AWS_H
#define S370_DEV_AWS_H

#include "base/diag.h"
#include "base/types.h"

enum { AWS_BLOCK_MAX = 65535 };

struct aws;

/* How a movement or transfer ended. */
enum aws_result {
    AWS_BLOCK,  /* a block was read, written or passed */
    AWS_MARK,   /* a tape mark was */
    AWS_START,  /* backward at the load point; nothing moved */
    AWS_END,    /* forward where nothing is recorded; nothing moved */
    AWS_FAILED, /* the host could not read or write; aws_trouble says why */
    AWS_DAMAGED /* the file is no longer what it was when it was opened */
};

enum {
    AWS_READ_ONLY = 1,
    AWS_CREATE = 2 /* make a missing file, with three tape marks */
};

/* Open and check every header.  Errors name the file and the block.  A file
 * that may not be written is opened read-only.  Many may read a tape, or one
 * may write it. */
MUST_USE enum status aws_open(const char *path, unsigned flags,
                              struct aws **out, struct diag *diag);
void aws_close(struct aws *t);

bool aws_read_only(const struct aws *t);
bool aws_at_start(const struct aws *t);
/* Number of the block under the head, from 0; marks count. */
uint64_t aws_position(const struct aws *t);
/* Why the last transfer failed. */
const char *aws_trouble(const struct aws *t);

/* Read the next block into data (AWS_BLOCK_MAX bytes), or the one before the
 * head, in its forward order too. */
enum aws_result aws_read(struct aws *t, uint8_t *data, uint32_t *len);
enum aws_result aws_read_back(struct aws *t, uint8_t *data, uint32_t *len);

/* Pass over one block or mark. */
enum aws_result aws_forward(struct aws *t);
enum aws_result aws_backward(struct aws *t);
void aws_rewind(struct aws *t);

/* Write at the head; what was recorded behind it is gone.  The file has it
 * when these return; after a failure the file ends before the head. */
enum aws_result aws_write(struct aws *t, const uint8_t *data, uint32_t len);
enum aws_result aws_write_mark(struct aws *t);
/* Make everything behind the head blank. */
enum aws_result aws_erase(struct aws *t);

#endif
