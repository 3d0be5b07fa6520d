/* A bench for devices: storage, a clock, channels, and a folder of files. */
#ifndef TESTS_IO_BENCH_H
#define TESTS_IO_BENCH_H

#include "s370/dev/config.h"
#include "s370/dev/dev_console.h"

enum {
    BENCH_SIZE = 128 * 1024,
    BENCH_DATA = 0x4000, /* where transfers go; free to the end of storage */
    BENCH_TEXT = 8192
};

struct bench {
    uint8_t bytes[BENCH_SIZE], keys[BENCH_SIZE / S370_BLOCK];
    struct s370_storage storage;
    struct clock clock;
    struct s370_channels *channels;
    struct s370_console_host host;
    char printed[BENCH_TEXT]; /* what consoles printed */
    size_t printed_len;
    char trouble[DIAG_SIZE]; /* the last complaint */
    struct diag diag;
    char folder[64];
};

/* What a channel program ended with. */
struct bench_end {
    uint8_t cc, unit, channel;
    uint16_t residual;
};

struct bench_ccw {
    uint8_t command;
    uint32_t address;
    uint8_t flags;
    uint16_t count;
};

/* Fresh, with a temporary folder; free removes the folder and what is in it. */
struct bench *bench_new(void);
void bench_free(struct bench *b);

/* A file of the folder. */
const char *bench_path(const struct bench *b, const char *name);
void bench_write(const struct bench *b, const char *name, const void *bytes,
                 size_t len);
void bench_text(const struct bench *b, const char *name, const char *text);
/* Its bytes; *len of them, with a zero byte behind.  The caller frees. */
uint8_t *bench_read(const struct bench *b, const char *name, size_t *len);
/* Does the file hold just this text? */
void bench_expect(const struct bench *b, const char *name, const char *text);

/* Attach what the configuration says; '@' in it is the folder and a slash. */
enum status bench_attach(struct bench *b, const char *config, unsigned flags);

/* Run the CCWs (as many as chain) and let the device come to rest.  The status
 * is that of the channel program, with what the device added later. */
struct bench_end bench_run(struct bench *b, uint16_t address,
                           const struct bench_ccw *ccws);
/* One CCW with SLI. */
struct bench_end bench_do(struct bench *b, uint16_t address, uint8_t command,
                          uint16_t count);
/* EBCDIC text to BENCH_DATA, filled with blanks to 256 bytes. */
void bench_put(struct bench *b, const char *text);
/* Is this EBCDIC text at BENCH_DATA? */
bool bench_has(const struct bench *b, const char *text);
/* Sense byte n. */
uint8_t bench_sense(struct bench *b, uint16_t address, unsigned n);

#endif
