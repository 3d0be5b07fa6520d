/* 1052 and 3215 printer-keyboards, from the side of the person. */
#ifndef S370_DEV_DEV_CONSOLE_H
#define S370_DEV_DEV_CONSOLE_H

#include "s370/dev/dev.h"

enum {
    S370_CONSOLE_LINE_MAX = 1024, /* characters of one line */
    S370_CONSOLE_QUEUE_MAX = 256  /* lines typed ahead */
};

bool s370_console_is(const struct s370_device *d);

/* Type a line and press End of Block; it answers the read that is
 * outstanding, or the next one.  Letters become upper case, what is not
 * printable ASCII a blank.  STATUS_BAD_INPUT: no console, or the line is too
 * long, or too many wait. */
MUST_USE enum status s370_console_type(struct s370_device *d, const char *line);

/* Press the attention (request) key.  STATUS_BAD_INPUT: no console. */
enum status s370_console_attention(struct s370_device *d);

/* Press Cancel: the read that is outstanding ends with unit exception; lines
 * typed ahead are dropped. */
enum status s370_console_cancel(struct s370_device *d);

/* Is a read outstanding with no line for it yet? */
bool s370_console_reading(const struct s370_device *d);

#endif
