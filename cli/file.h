/* Whole files in and out of buffers; "-" is standard input or output. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "base/diag.h"
#include "s370/asm/asm.h"

/* Append the file.  STATUS_BAD_INPUT when it cannot be opened or read (d says
 * why, if not NULL), or has more than 64 megabytes. */
MUST_USE enum status file_read(const char *path, struct s370_buffer *into,
                               struct diag *d);

/* Write the buffer as the whole file. */
MUST_USE enum status file_write(const char *path, const struct s370_buffer *b,
                                struct diag *d);

/* STATUS_BAD_INPUT when the file to be written is the one to be read, under
 * whatever name: it would be lost.  NULL and "-" are no files. */
MUST_USE enum status file_spare(const char *written, const char *read,
                                struct diag *d);

#endif
