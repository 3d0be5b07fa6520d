/* The driver's object code. */
#ifndef TESTS_ORACLE_DRIVER_H
#define TESTS_ORACLE_DRIVER_H

#include "base/diag.h"
#include "tests/oracle/layout.h"

/* Assemble the source with our own assembler. */
MUST_USE enum status driver_assemble(const char *file,
                                     uint8_t driver[DRIVER_SIZE],
                                     struct diag *d);

#endif
