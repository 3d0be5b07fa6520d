/* The steps of programs (step.def), in step_*.c. */
#ifndef TESTS_X86_ORACLE_STEP_H
#define TESTS_X86_ORACLE_STEP_H

#include "tests/x86_oracle/case.h"

#define STEP(name, weight, more) void ox_step_##name(struct ox_case *c);
#include "tests/x86_oracle/step.def"
#undef STEP

#endif
