/* What a GUEST operand names: a file, or one of the sample guests. */
#ifndef CLI_GUEST_FILE_H
#define CLI_GUEST_FILE_H

#include "base/diag.h"

enum guest_kind {
    GUEST_CONFIG, /* a System/370 configuration, in the form of Hercules */
    GUEST_TAPE,   /* a System/370 tape in AWS format, to IPL from */
    GUEST_CORE,   /* System/370 storage from 0, its restart PSW at 0 */
    GUEST_X86,    /* a flat x86 image */
    GUEST_KINDS
};

struct guest_file {
    enum guest_kind kind;
    char path[1024];
    char name[32]; /* for messages and prefixes: the file's, without folder
                    * and suffix */
};

/* A path of a file; or a bare name: a sample guest, looked for where the build
 * puts them: below the folder of the program, or below build/. */
MUST_USE enum status guest_file_find(const char *operand, struct guest_file *f,
                                     struct diag *diag);

/* The same for a kernel of a bare PC, whatever its name is. */
MUST_USE enum status guest_file_kernel(const char *path, struct guest_file *f,
                                       struct diag *diag);

/* The whole file; the caller frees.  NULL, with *diag, when it cannot be read,
 * is empty or longer than max. */
uint8_t *guest_file_read(const struct guest_file *f, size_t max, size_t *size,
                         struct diag *diag);

#endif
