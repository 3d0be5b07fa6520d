#include "tests/s370_bare.h"

#include "base/bytes.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const defaults = "58: 00020000 00000E58 00020000 00000E60 "
                                    "68: 00020000 00000E68 00020000 00000E70 "
                                    "78: 00020000 00000E78";

static unsigned digit(char c)
{
    const char *digits = "0123456789ABCDEF", *at = strchr(digits, c);

    ck_assert_msg(c && at, "bad digit in a program: %c", c);
    return (unsigned)(at - digits);
}

void bare_put(struct s370_machine *m, const char *program)
{
    unsigned long at = 0;

    while (*program) {
        size_t word = strcspn(program, " ");
        if (word && program[word - 1] == ':') {
            at = strtoul(program, NULL, 16);
        } else {
            for (size_t i = 0; i + 1 < word; i += 2) {
                ck_assert_uint_lt(at, m->storage.size);
                m->storage.bytes[at++] =
                    (uint8_t)(digit(program[i]) << 4 | digit(program[i + 1]));
            }
        }
        program += word + strspn(program + word, " ");
    }
}

struct s370_machine *bare_machine(const char *program)
{
    struct s370_machine *m = s370_machine_new(BARE_SIZE, NULL);

    ck_assert_ptr_nonnull(m);
    bare_put(m, defaults);
    bare_put(m, program);
    s370_machine_restart(m);
    return m;
}

uint32_t bare_word(const struct s370_machine *m, uint32_t a)
{
    return load_be32(m->storage.bytes + a);
}

uint64_t bare_doubleword(const struct s370_machine *m, uint32_t a)
{
    return load_be64(m->storage.bytes + a);
}

uint64_t bare_run_to(struct s370_machine *m, uint32_t ia)
{
    uint64_t ran;
    enum s370_stop stop = s370_machine_run(m, BARE_MANY, &ran);

    ck_assert_msg(stop == S370_STOP_DISABLED_WAIT && m->cpu.psw.ia == ia,
                  "stopped for %d at %06X after %llu, not at %06X", stop,
                  m->cpu.psw.ia, (unsigned long long)ran, ia);
    return ran;
}
