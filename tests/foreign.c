#include "tests/foreign.h"

#include "tests/command.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- Starting QEMU ---- */

/* Exit status, or 1000 + signal. */
static int run(const char *line)
{
    int status = system(line); /* NOLINT: the tests' own words */

    ck_assert_int_ne(status, -1);
    if (WIFSIGNALED(status))
        return 1000 + WTERMSIG(status);
    status = WEXITSTATUS(status);
    return status > 128 ? 1000 + status - 128 : status; /* said by the shell */
}

bool foreign_have(const char *program)
{
    char line[128];

    snprintf(line, sizeof(line), "%s --version >/dev/null 2>&1", program);
    return run(line) == 0;
}

/* ---- Linux programs ---- */

enum { LOAD_AT = 0x10000, HEAD = 120, WORDS = 16 };

static const struct {
    const char *emulator;
    uint16_t machine; /* e_machine of the ELF specification */
    bool wide;
    uint32_t flags;
    uint32_t before, after[2]; /* first register 0; exit */
} archs[FOREIGN_ARCHS] = {
    [FOREIGN_ARM] = {"qemu-arm",
                     40,
                     false,
                     0x05000000,
                     0xE3A00000,
                     {0xE3A07001, 0xEF000000}},
    [FOREIGN_AARCH64] =
        {"qemu-aarch64", 183, true, 0, 0xD2800000, {0xD2800BA8, 0xD4000001}},
};

const char *foreign_emulator(enum foreign_arch arch)
{
    return archs[arch].emulator;
}

struct image {
    uint8_t bytes[256];
    unsigned size;
};

/* A number of so many bytes, little-endian. */
static void put(struct image *i, uint64_t value, unsigned size)
{
    while (size--) {
        ck_assert_uint_lt(i->size, sizeof(i->bytes));
        i->bytes[i->size++] = (uint8_t)value;
        value >>= 8;
    }
}

/* ELF header and one program header: all of the file, to be read, written and
 * executed. */
static void put_head(struct image *i, enum foreign_arch arch, unsigned size)
{
    bool wide = archs[arch].wide;
    unsigned address = wide ? 8 : 4, header = wide ? 64 : 52;

    put(i, 0x464C457F, 4);
    put(i, wide ? 2 : 1, 1);
    put(i, 0x0101, 2);
    put(i, 0, 8), put(i, 0, 1);
    put(i, 2, 2), put(i, archs[arch].machine, 2), put(i, 1, 4);
    put(i, LOAD_AT + HEAD, address);
    put(i, header, address), put(i, 0, address);
    put(i, archs[arch].flags, 4);
    put(i, header, 2), put(i, wide ? 56 : 32, 2), put(i, 1, 2);
    put(i, 0, 6);
    put(i, 1, 4);
    if (wide)
        put(i, 7, 4);
    put(i, 0, address), put(i, LOAD_AT, address), put(i, LOAD_AT, address);
    put(i, size, address), put(i, size, address);
    if (!wide)
        put(i, 7, 4);
    put(i, 0x1000, address);
    while (i->size < HEAD)
        put(i, 0, 1);
}

int foreign_run(enum foreign_arch arch, const uint32_t *words, unsigned count)
{
    struct image i = {.size = 0};
    char line[256];

    ck_assert_uint_le(count, WORDS);
    put_head(&i, arch, HEAD + 4 * (count + 3));
    put(&i, archs[arch].before, 4);
    for (unsigned k = 0; k < count; k++)
        put(&i, words[k], 4);
    put(&i, archs[arch].after[0], 4);
    put(&i, archs[arch].after[1], 4);
    command_file("foreign", i.bytes, i.size);
    snprintf(line, sizeof(line),
             "cd %s && chmod +x foreign && ulimit -c 0 && timeout 60 %s "
             "./foreign >/dev/null 2>&1",
             command_folder(), archs[arch].emulator);
    return run(line);
}

/* ---- A bare RISC-V ---- */

enum {
    RAM = 0x80000000,
    UART = 0x10000000,     /* of QEMU's machine "virt" */
    FINISHER = 0x00100000, /* a word ends the run: 0x5555, all is well */
    CODE = 64 * 1024
};

enum { ZERO = 0, T0 = 5, T1 = 6, T2 = 7 }; /* registers */

enum {
    SEPC = 0x141,
    SCOUNTEREN = 0x106,
    VSEPC = 0x241,
    MSTATUS = 0x300,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MEPC = 0x341,
    MCAUSE = 0x342,
    PMPCFG0 = 0x3A0,
    PMPADDR0 = 0x3B0,
    HSTATUS = 0x600,
    HCOUNTEREN = 0x606
};

struct code {
    uint8_t bytes[CODE];
    unsigned size;
};

static void word(struct code *c, uint32_t w)
{
    ck_assert_uint_le(c->size + 4, CODE);
    for (unsigned i = 0; i < 4; i++)
        c->bytes[c->size++] = (uint8_t)(w >> 8 * i);
}

static void addi(struct code *c, unsigned rd, unsigned rs, unsigned n)
{
    word(c, n << 20 | rs << 15 | rd << 7 | 0x13);
}

/* Eleven bits at a time, as ADDI takes a number with a sign. */
static void load(struct code *c, unsigned rd, uint64_t value)
{
    addi(c, rd, ZERO, value >> 55 & 0x7FF);
    for (int at = 44; at >= 0; at -= 11) {
        word(c, 11u << 20 | rd << 15 | 1 << 12 | rd << 7 | 0x13); /* SLLI */
        addi(c, rd, rd, value >> at & 0x7FF);
    }
}

static void csr_read(struct code *c, unsigned rd, unsigned csr)
{
    word(c, csr << 20 | 2 << 12 | rd << 7 | 0x73);
}

static void csr_set(struct code *c, unsigned csr, uint64_t value)
{
    load(c, T0, value);
    word(c, csr << 20 | T0 << 15 | 1 << 12 | 0x73);
}

static void store_byte(struct code *c, unsigned value, unsigned at)
{
    word(c, value << 20 | at << 15 | 0x23);
}

static uint64_t mstatus_of(const struct foreign_probe *p)
{
    bool guest = p->mode == 'V' || p->mode == 'W';
    bool user = p->mode == 'U' || p->mode == 'W';

    return (uint64_t)guest << 39 | (uint64_t)p->tw << 21 |
           (uint64_t)p->fs << 13 | (user ? 0 : 1) << 11;
}

enum { SET_UP = 160 }; /* words of one probe before its body, at most */

/* Set up, leave M-mode, execute it and an ECALL, say what came. */
static void put_probe(struct code *c, enum foreign_levels levels,
                      const struct foreign_probe *p)
{
    uint64_t body = RAM + c->size + 4 * SET_UP;
    unsigned end = c->size + 4 * SET_UP;

    csr_set(c, MTVEC, body + 8);
    csr_set(c, MEPC, body);
    csr_set(c, MSTATUS, mstatus_of(p));
    csr_set(c, MCOUNTEREN, p->mcounteren ? 7 : 0);
    if (levels != FOREIGN_MU) {
        csr_set(c, SCOUNTEREN, p->scounteren ? 7 : 0);
        csr_set(c, SEPC, body + 4);
    }
    if (levels == FOREIGN_H) {
        csr_set(c, VSEPC, body + 4);
        csr_set(c, HCOUNTEREN, p->hcounteren ? 7 : 0);
        csr_set(c, HSTATUS,
                (uint64_t)p->vtsr << 22 | (uint64_t)p->vtw << 21 |
                    (uint64_t)p->vtvm << 20 | (uint64_t)p->hu << 9);
    }
    while (c->size < end - 4)
        addi(c, ZERO, ZERO, 0);
    word(c, 0x30200073); /* MRET */
    ck_assert_uint_eq(c->size, end);
    word(c, p->word);
    word(c, 0x00000073); /* ECALL */
    load(c, T1, UART);
    csr_read(c, T0, MCAUSE);
    addi(c, T0, T0, '@');
    store_byte(c, T0, T1);
    csr_read(c, T0, MEPC);
    load(c, T2, body);
    word(c, 0x20u << 25 | T2 << 20 | T0 << 15 | T0 << 7 | 0x33); /* SUB */
    word(c, 1 << 20 | T0 << 15 | 3 << 12 | T0 << 7 | 0x13);      /* SLTIU */
    addi(c, T0, T0, '0');
    store_byte(c, T0, T1);
}

static void put_machine(struct code *c, enum foreign_levels levels,
                        const struct foreign_probe *probes, unsigned count)
{
    csr_set(c, PMPADDR0, UINT64_MAX >> 10); /* all of storage, for all modes */
    csr_set(c, PMPCFG0, 0x1F);
    for (unsigned i = 0; i < count; i++)
        put_probe(c, levels, &probes[i]);
    load(c, T0, FINISHER);
    load(c, T1, 0x5555);
    word(c, T1 << 20 | T0 << 15 | 2 << 12 | 0x23); /* SW */
    word(c, 0x0000006F);                           /* for ever */
}

bool foreign_riscv(enum foreign_levels levels,
                   const struct foreign_probe *probes, unsigned count,
                   struct foreign_outcome *out)
{
    static const char *const cpus[FOREIGN_LEVELS] = {
        "rv64,s=false,h=false", "rv64,h=false", "rv64,h=true"};
    static struct code c;
    char line[512], said[1024] = "";

    c.size = 0;
    put_machine(&c, levels, probes, count);
    command_file("bare", c.bytes, c.size);
    snprintf(line, sizeof(line),
             "timeout 60 qemu-system-riscv64 -M virt -cpu %s -bios none "
             "-display none -monitor none -serial stdio "
             "-device loader,file=%s/bare,addr=0x80000000 </dev/null 2>&1",
             cpus[levels], command_folder());
    FILE *f = popen(line, "r"); /* NOLINT: the tests' own words */
    ck_assert_ptr_nonnull(f);
    size_t n = fread(said, 1, sizeof(said) - 1, f);
    if (pclose(f) != 0 || n != 2 * (size_t)count) {
        fprintf(stderr, "foreign_riscv: %s: %s\n", cpus[levels], said);
        return false;
    }
    for (unsigned i = 0; i < count; i++)
        out[i] = (struct foreign_outcome){(unsigned)(said[2 * i] - '@'),
                                          said[2 * i + 1] == '1'};
    return true;
}
