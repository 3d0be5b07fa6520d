/* Making a device from its statement in a configuration. */
#ifndef S370_DEV_DEV_H
#define S370_DEV_DEV_H

#include "base/diag.h"
#include "s370/machine/channel.h"
#include "s370/machine/device.h"

#include <stdio.h>

/* Where consoles print and where devices complain; borrowed for as long as
 * the device lives.  The pointers may be NULL: then nobody hears. */
struct s370_console_host {
    /* Text of a console, ASCII, with '\n' where the carrier returns. */
    void (*print)(void *who, uint16_t address, const char *text, size_t len);
    /* A console has begun a read, and no line is typed for it yet.  May type
     * it at once or later. */
    void (*reading)(void *who, uint16_t address);
    void *who;
    /* A host failure while the guest runs (a full disk).  The guest gets an
     * equipment check; this is the message for the person, without newline. */
    void (*trouble)(void *who, uint16_t address, const char *text);
};

/* A device statement, taken apart.  All borrowed for the call. */
struct s370_dev_spec {
    uint16_t address;
    const char *type; /* "3505" */
    const char *const *args;
    unsigned count;
    const char *folder; /* of the configuration file; "" when there is none */
    bool create_tapes;  /* a missing tape that may be written is made */
    const struct s370_console_host *host; /* copied; may be NULL */
};

/* Make the device; the caller owns it until the channels do.  The message of
 * a failure names the device and the file. */
typedef enum status (*s370_dev_create_fn)(const struct s370_dev_spec *,
                                          struct s370_device **, struct diag *);

/* One row of devices.def. */
struct s370_dev_type {
    const char *name;  /* as a configuration has it */
    const char *class; /* "card reader" */
    s370_dev_create_fn create;
    const char *help; /* the arguments it takes */
};

/* NULL when there is no such type. */
const struct s370_dev_type *s370_dev_find(const char *name);
/* All rows; *count of them. */
const struct s370_dev_type *s370_dev_types(unsigned *count);

#define DEVICE_CLASS(class, create)                                         \
    enum status create(const struct s370_dev_spec *, struct s370_device **, \
                       struct diag *);
#include "s370/dev/devices.def"
#undef DEVICE_CLASS

/* ---- What devices share ---- */

enum {
    DEV_ENDED = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END,
    DEV_PATH_MAX = 1024
};

/* A unit check with this sense byte 0, at initial selection or at the end. */
struct s370_start dev_refuse(struct s370_device *d, uint8_t sense0);
uint8_t dev_check(struct s370_device *d, uint8_t sense0);
/* An immediate command that is done. */
struct s370_start dev_immediate(void);
/* Accepted; done after so many ticks. */
struct s370_start dev_started(uint32_t latency);

/* Tell the person. */
void dev_trouble(const struct s370_device *d,
                 const struct s370_console_host *host, const char *fmt, ...)
    PRINTF(3, 4);

/* A file as the statement names it: relative to the current directory, or
 * else to the configuration's folder when it exists only there. */
MUST_USE enum status dev_path(const struct s370_dev_spec *spec,
                              const char *name, char out[DEV_PATH_MAX],
                              struct diag *diag);

/* The file that args[0] names, opened to be written from its start, or behind
 * what it has; its path in `path`.  A file that another device writes is
 * refused.  The caller closes it. */
MUST_USE enum status dev_output(const struct s370_dev_spec *spec, bool append,
                                char path[DEV_PATH_MAX], FILE **out,
                                struct diag *diag);
/* Push out what was written; the status for it.  A failure is told. */
uint8_t dev_written(struct s370_device *d, const struct s370_console_host *host,
                    const char *path, FILE *file);

/* Is this argument the option (any case)? */
bool dev_option(const char *arg, const char *option);
/* "00C 3505: " + message. */
enum status dev_fail(const struct s370_dev_spec *spec, struct diag *diag,
                     enum status st, const char *fmt, ...) PRINTF(4, 5);

#endif
