#include "popek-goldberg/language/machines.h"

const struct pg_machine pg_built_in[] = {
#define MACHINE(name, text) {name, text},
#include "popek-goldberg/language/machines.inc"
#undef MACHINE
    {NULL, NULL},
};
