/* What the functions of the rows of difference_qemu.def share. */
#ifndef TESTS_X86_ORACLE_DIFFERENCE_QEMU_H
#define TESTS_X86_ORACLE_DIFFERENCE_QEMU_H

#include "tests/x86_oracle/event.h"

#define DIFFERENCE(name, source, words) \
    bool ox_qemu_##name(const struct ox_difference *d);
#include "tests/x86_oracle/difference_qemu.def"
#undef DIFFERENCE

/* The exception that ours takes there, or a double fault that comes of it,
 * whatever the peer makes of it. */
bool ox_instead_of(const struct ox_difference *d, unsigned ours);

/* That, and at what instruction; false, too, where none is known. */
bool ox_faults(const struct ox_difference *d, unsigned vector,
               struct ox_event *e, struct ox_code *code);

/* The event that the peer has there, and its instruction. */
bool ox_peer_at(const struct ox_difference *d, struct ox_event *e,
                struct ox_code *code);

/* Of ours' last event, where QEMU is so lost that its log is, too. */
struct ox_difference ox_final(const struct ox_difference *d);

/* RF of a frame in storage, which may begin at any byte: a test of words. */
bool ox_is_resume_less(const struct ox_difference *d, uint32_t at,
                       uint32_t before, uint32_t ours, uint32_t theirs);

static inline bool is_0f(const struct ox_code *code, uint8_t op)
{
    return code->at[0] == 0x0F && code->at[1] == op;
}

/* Of the byte ModRM behind `n` bytes of opcode. */
static inline unsigned reg_of(const struct ox_code *code, unsigned n)
{
    return code->at[n] >> 3 & 7;
}

/* It comes of CPL 3, or of virtual-8086 mode. */
static inline bool is_users(const struct ox_event *e)
{
    return (e->cs & 3) == 3 || (e->flags & 0x20000);
}

static inline bool is_wide(const struct ox_difference *d)
{
    return d->c->mode == OX_LONG || d->c->mode == OX_COMPAT;
}

static inline bool is_error(const struct ox_difference *d)
{
    return d->field == OX_R32_ERROR || d->field == OX_R64_ERROR;
}

static inline bool is_cr2(const struct ox_difference *d)
{
    return d->field == OX_R16_CR2 || d->field == OX_R32_CR2 ||
           d->field == OX_R64_CR2;
}

static inline bool is_accumulator(const struct ox_difference *d)
{
    return d->field == OX_R16_EAX || d->field == OX_R32_EAX ||
           d->field == OX_R64_RAX;
}

#endif
