/* The words every layer speaks: fixed-width integers, status, must-use. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE       __attribute__((warn_unused_result))
#define PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define LIKELY(x)      __builtin_expect(!!(x), 1)
#define UNLIKELY(x)    __builtin_expect(!!(x), 0)

/* How a host operation ended.  Guest-visible conditions are never a status:
 * they are records (struct vm_event, struct s370_interruption). */
enum status {
    STATUS_OK,
    STATUS_BAD_INPUT,   /* a file, a line, a flag is wrong */
    STATUS_NO_MEMORY,   /* the host or the pool has no room */
    STATUS_UNSUPPORTED, /* this host or engine cannot do it */
    STATUS_HOST_FAILED, /* a system call failed */
    STATUS_COUNT
};

#endif
