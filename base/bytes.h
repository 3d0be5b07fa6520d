/* Loads and stores of a stated byte order at any alignment, on any host. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/types.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_BE16(x) __builtin_bswap16(x)
#define BYTES_BE32(x) __builtin_bswap32(x)
#define BYTES_BE64(x) __builtin_bswap64(x)
#define BYTES_LE16(x) (x)
#define BYTES_LE32(x) (x)
#define BYTES_LE64(x) (x)
#else
#define BYTES_BE16(x) (x)
#define BYTES_BE32(x) (x)
#define BYTES_BE64(x) (x)
#define BYTES_LE16(x) __builtin_bswap16(x)
#define BYTES_LE32(x) __builtin_bswap32(x)
#define BYTES_LE64(x) __builtin_bswap64(x)
#endif

#define BYTES_ACCESS(order, ORDER, bits)                              \
    static inline uint##bits##_t load_##order##bits(const void *p)    \
    {                                                                 \
        uint##bits##_t v;                                             \
        __builtin_memcpy(&v, p, sizeof(v));                           \
        return BYTES_##ORDER##bits(v);                                \
    }                                                                 \
    static inline void store_##order##bits(void *p, uint##bits##_t v) \
    {                                                                 \
        v = BYTES_##ORDER##bits(v);                                   \
        __builtin_memcpy(p, &v, sizeof(v));                           \
    }

/* load_be16 store_be16 ... load_le64 store_le64 */
BYTES_ACCESS(be, BE, 16)
BYTES_ACCESS(be, BE, 32)
BYTES_ACCESS(be, BE, 64)
BYTES_ACCESS(le, LE, 16)
BYTES_ACCESS(le, LE, 32)
BYTES_ACCESS(le, LE, 64)

/* System/370 addresses are 24 bits wide. */
static inline uint32_t load_be24(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline void store_be24(void *p, uint32_t v)
{
    uint8_t *b = p;
    b[0] = (uint8_t)(v >> 16);
    b[1] = (uint8_t)(v >> 8);
    b[2] = (uint8_t)v;
}

#endif
