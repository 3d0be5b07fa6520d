/* Where the monitor speaks: port E9, where an emulator has it, and the first
 * serial port; JSON lines go to the second. */
#ifndef X86VMM_BARE_CONSOLE_H
#define X86VMM_BARE_CONSOLE_H

#include "base/types.h"

void console_init(void);
/* Until the last character has left. */
void console_drain(void);

/* A character that has been typed at the first serial port, or -1. */
int console_read(void);

/* A line: "bare: ...". */
void say(const char *fmt, ...) PRINTF(1, 2);
/* Sinks of traces (trace_write_fn). */
bool console_write(void *to, const char *text, size_t n);
bool console_write_json(void *to, const char *text, size_t n);

#endif
