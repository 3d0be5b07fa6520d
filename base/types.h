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
/* Off the way of every exit: its registers and its frame are not to burden
 * whoever calls it. */
#define COLD __attribute__((cold, noinline))
/* On it, and so short or so seldom called that a call is too much. */
#define INLINE static inline __attribute__((always_inline))
/* On it, and in the program's text together with what else is: a host's
 * processor comes out of a guest with cold caches. */
#define EXIT_PATH __attribute__((hot))

/* Leave the function with what expr returned, unless that is 0. */
#define TRY(expr)               \
    do {                        \
        int try_code = (expr);  \
        if (UNLIKELY(try_code)) \
            return try_code;    \
    } while (0)

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

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
