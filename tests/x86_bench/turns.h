/* How often each loop of loops.S is gone through; C and assembler read it. */
#ifndef TESTS_X86_BENCH_TURNS_H
#define TESTS_X86_BENCH_TURNS_H

#define TURNS_ALU        40000000
#define TURNS_MIXED      8000000
#define TURNS_PRIVILEGED 1000000
#define TURNS_EXIT       1000000

#endif
