/* What channel programs do in storage: fetching CCWs and moving data, every
 * address and key checked.
 *
 * Channels use absolute addresses and the key of the CAW (GA22-7000,
 * "Storage Addressing in I/O Operations"). */
#include "base/bytes.h"
#include "s370/machine/subchannel.h"

#include <string.h>

/* ---- Storage ---- */

/* The channel's access to n bytes within one 2K block.  0, or the channel
 * status that refuses it. */
static uint8_t check(const struct subchannel *sub, uint32_t at, uint32_t n,
                     bool store)
{
    const struct s370_storage *s = sub->channels->storage;

    if (at >= s->size || n > s->size - at)
        return CHANNEL_PROGRAM_CHECK;
    uint8_t key = s->keys[at / S370_BLOCK];
    if (sub->key && sub->key != key >> 4 && (store || (key & S370_KEY_FETCH)))
        return CHANNEL_PROTECTION_CHECK;
    return 0;
}

static void refer(const struct subchannel *sub, uint32_t at, bool store)
{
    sub->channels->storage->keys[at / S370_BLOCK] |=
        store ? S370_KEY_REFERENCE | S370_KEY_CHANGE : S370_KEY_REFERENCE;
}

/* n bytes (4 or 8) of a CCW or an indirect-address word, on their boundary. */
static const uint8_t *fetch_words(struct subchannel *sub, uint32_t at,
                                  uint32_t n)
{
    uint8_t trouble =
        at & (n - 1) ? CHANNEL_PROGRAM_CHECK : check(sub, at, n, false);

    sub->channel_status |= trouble;
    if (trouble)
        return NULL;
    refer(sub, at, false);
    return sub->channels->storage->bytes + at;
}

/* ---- Fetching a CCW ---- */

bool ccw_refuse(struct subchannel *sub)
{
    sub->channel_status |= CHANNEL_PROGRAM_CHECK;
    return false;
}

/* The CCW at sub->next into sub->ccw, sub->next behind it.  False: channel
 * status is set. */
static bool fetch_one(struct subchannel *sub)
{
    const uint8_t *p;

    sub->ccw = (struct ccw){.at = sub->next};
    sub->residual = 0;
    p = fetch_words(sub, sub->next, 8);
    sub->next = (sub->next + 8) & S370_ADDRESS_MASK;
    if (!p)
        return false;
    sub->ccw.command = p[0];
    sub->ccw.address = load_be24(p + 1);
    sub->ccw.flags = p[4];
    sub->ccw.count = load_be16(p + 6);
    return true;
}

/* Indirect data addressing: the address of the first byte comes from the
 * list.  The others are on a 2K boundary, the last byte of a block for read
 * backward ("Channel Indirect Data Addressing"). */
static bool next_idaw(struct subchannel *sub, bool first)
{
    const uint8_t *p = fetch_words(sub, sub->idaw, 4);

    if (!p)
        return false;
    uint32_t word = load_be32(p);
    bool backward = s370_direction(sub->command) == S370_DIR_BACKWARD;
    uint32_t offset = backward ? S370_BLOCK - 1 : 0;
    if (word > S370_ADDRESS_MASK || (!first && word % S370_BLOCK != offset))
        return ccw_refuse(sub);
    sub->address = word;
    sub->idaw += 4;
    return true;
}

/* Set the data up for the CCW just fetched. */
bool ccw_take(struct subchannel *sub)
{
    if (!sub->ccw.count || (sub->ccw.flags & CCW_RESERVED))
        return ccw_refuse(sub);
    sub->residual = sub->ccw.count;
    sub->address = sub->ccw.address;
    if (sub->ccw.flags & CCW_PCI) {
        sub->pci = true;
        subchannel_raise(sub);
    }
    if (!(sub->ccw.flags & CCW_INDIRECT))
        return true;
    sub->idaw = sub->ccw.address;
    return next_idaw(sub, true);
}

/* Fetch the next CCW, through one transfer in channel at most; none when it
 * is the first of the program. */
bool ccw_fetch(struct subchannel *sub, bool first)
{
    bool jumped = false;

    if (!fetch_one(sub))
        return false;
    if ((sub->ccw.command & 0x0F) == 0x08) {
        if (first || sub->ccw.address & 7 ||
            sub->ccw.address >= sub->channels->storage->size)
            return ccw_refuse(sub);
        ccw_trace(sub);
        sub->next = sub->ccw.address;
        jumped = true;
        if (!fetch_one(sub))
            return false;
    }
    if (jumped && (sub->ccw.command & 0x0F) == 0x08)
        return ccw_refuse(sub);
    return true;
}

/* ---- Moving data ---- */

/* How far the current block goes in the direction of the transfer. */
static uint32_t block_left(const struct subchannel *sub, bool backward)
{
    uint32_t offset = sub->address % S370_BLOCK;

    return backward ? offset + 1 : S370_BLOCK - offset;
}

/* One piece of n bytes within a block, or a check. */
static bool move_piece(struct subchannel *sub, uint32_t n, bool backward)
{
    struct s370_storage *s = sub->channels->storage;
    bool store = s370_direction(sub->command) != S370_DIR_TO_DEVICE;
    uint32_t at = backward ? sub->address - (n - 1) : sub->address;
    uint32_t in_record = backward ? sub->limit - sub->moved - n : sub->moved;
    uint8_t trouble = check(sub, at, n, store);

    sub->channel_status |= trouble;
    if (trouble)
        return false;
    refer(sub, at, store);
    if (store)
        memcpy(s->bytes + at, sub->record + in_record, n);
    else
        memcpy(sub->record + in_record, s->bytes + at, n);
    return true;
}

/* Move what the current CCW lets pass; stops at a check. */
void ccw_move(struct subchannel *sub)
{
    enum s370_direction direction = s370_direction(sub->command);
    bool backward = direction == S370_DIR_BACKWARD;
    bool skip = (sub->ccw.flags & CCW_SKIP) && direction != S370_DIR_TO_DEVICE;
    bool started = false;

    if (skip) {
        uint32_t n = min_u32(sub->residual, sub->limit - sub->moved);

        sub->residual -= n;
        sub->moved += n;
        return;
    }
    while (sub->residual && sub->moved < sub->limit) {
        uint32_t block = block_left(sub, backward);
        bool edge = block == S370_BLOCK;
        uint32_t n =
            min_u32(min_u32(sub->residual, sub->limit - sub->moved), block);

        if (started && edge && (sub->ccw.flags & CCW_INDIRECT)) {
            if (!next_idaw(sub, false))
                return;
        }
        if (!move_piece(sub, n, backward))
            return;
        started = true;
        sub->address = backward ? sub->address - n : sub->address + n;
        sub->residual -= n;
        sub->moved += n;
    }
}
