/* Configurations in the form that Hercules users have. */
#ifndef S370_DEV_CONFIG_H
#define S370_DEV_CONFIG_H

#include "s370/dev/dev.h"

enum {
    S370_CONFIG_ARGS_MAX = 32,    /* of one statement */
    S370_CONFIG_DEVICES_MAX = 256 /* of one machine */
};

/* One device; a statement for several makes several. */
struct s370_config_device {
    unsigned line; /* of the statement; 0: of none that a person has written */
    uint16_t address;
    const struct s370_dev_type *type;
    char **args; /* owned */
    unsigned count;
};

struct s370_config {
    char *path;   /* owned; for messages */
    char *folder; /* owned; of that file, "" for the current one */

    uint32_t main_size;  /* bytes, multiple of 1M */
    uint32_t cpu_serial; /* 24 bits */
    uint16_t cpu_model;  /* as STIDP shows it: 0x3033 */
    char loadparm[9];

    struct s370_config_device *devices; /* owned */
    unsigned device_count;
    char **notes; /* owned; "file:line: ..." about statements of no effect */
    unsigned note_count;
};

/* Read a file.  The message of a failure is "file:line: what is wrong".  After
 * a failure there is nothing to free. */
MUST_USE enum status s370_config_read(const char *path, struct s370_config *out,
                                      struct diag *diag);
/* The same from text of `len` bytes; path is for messages and the folder. */
MUST_USE enum status s370_config_parse(const char *text, size_t len,
                                       const char *path,
                                       struct s370_config *out,
                                       struct diag *diag);
void s370_config_free(struct s370_config *c);

enum { S370_CONFIG_CREATE_TAPES = 1 };

/* Is it a printer or a punch that has a file, which it begins anew or goes on
 * with?  A file that another device of the configuration reads is refused. */
bool s370_config_writes(const struct s370_config_device *d);

/* Make the devices and attach them.  `host` is copied and may be NULL.  After
 * a failure some are attached; the channels free them. */
MUST_USE enum status s370_config_attach(const struct s370_config *c,
                                        struct s370_channels *ch,
                                        const struct s370_console_host *host,
                                        unsigned flags, struct diag *diag);

#endif
