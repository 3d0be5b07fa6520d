/* Main storage with its keys. */
#ifndef S370_MACHINE_STORAGE_H
#define S370_MACHINE_STORAGE_H

#include "base/types.h"

enum {
    S370_KEY_ACCESS = 0xF0, /* bits of a storage key, as ISK shows them */
    S370_KEY_FETCH = 0x08,
    S370_KEY_REFERENCE = 0x04,
    S370_KEY_CHANGE = 0x02,
    S370_BLOCK = 2048, /* bytes under one key */
    S370_ADDRESS_MASK = 0xFFFFFF
};

/* A stretch of absolute storage and its keys.  A machine owns one; a virtual
 * machine has a view of a part of the real one, in the same form.  Addresses
 * at or past `size` do not exist. */
struct s370_storage {
    uint8_t *bytes;
    uint8_t *keys; /* one a 2K block */
    uint32_t size; /* multiple of 4096 */
};

#endif
