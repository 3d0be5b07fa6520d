/* Runs a few bytes of x86-64 code in a child process and says how it ended.
 * Knows processes, signals and registers; of instructions only the bytes. */
#ifndef POPEK_GOLDBERG_PROBE_PROBE_HOST_RUN_H
#define POPEK_GOLDBERG_PROBE_PROBE_HOST_RUN_H

#include "base/diag.h"

/* What stands in registers and storage before the first byte.  In all of them:
 * rbx, rsi and rdi point to storage, rsp into the middle of a stack, the other
 * registers are 0 (rax and rcx: as the code says), and the arithmetic flags are
 * clear.  "own" is the selector that the process has, "inner" one of the
 * supervisor's; far addresses lead behind the last byte. */
enum pg_host_stage {
    PG_STAGE_PLAIN,
    PG_STAGE_PORT,       /* edx = 80, a port that nothing answers at */
    PG_STAGE_MSR,        /* ecx = C0000103, TSC_AUX, edx and eax 0 */
    PG_STAGE_POINTER,    /* rax = address of storage */
    PG_STAGE_NUMBER,     /* rax = FFFF, a call that no kernel has */
    PG_STAGE_FLAGS,      /* stack: RFLAGS, IF cleared, IOPL 3, CF set */
    PG_STAGE_OWN_CODE,   /* rax, stack: own CS */
    PG_STAGE_OWN_DATA,   /* rax, stack: own SS */
    PG_STAGE_INNER_CODE, /* rax, stack: the supervisor's CS */
    PG_STAGE_INNER_DATA, /* rax, stack: the supervisor's data segment */
    PG_STAGE_FAR_OWN,    /* storage: m16:32 */
    PG_STAGE_FAR_INNER,
    PG_STAGE_RET_OWN, /* stack: RIP, CS */
    PG_STAGE_RET_INNER,
    PG_STAGE_IRET_OWN, /* stack: RIP, CS, RFLAGS as in FLAGS, RSP, SS */
    PG_STAGE_IRET_INNER,
    PG_STAGE_FS_BASE /* rax: the FS base that is there */
};

enum { PG_HOST_CODE_MAX = 16, PG_HOST_REPEAT_MAX = 64 };

struct pg_host_code {
    uint8_t bytes[PG_HOST_CODE_MAX];
    uint8_t length;
    uint8_t repeat; /* 0: once; more: a handler steps over what traps */
    enum pg_host_stage stage;
    uint64_t rax, rcx; /* where the stage does not say otherwise */
};

/* How the child ended. */
enum pg_host_end {
    PG_END_LOST,    /* without a record; `signal` killed it, or 0 */
    PG_END_THROUGH, /* behind the last byte */
    PG_END_SIGNAL,  /* a signal before that */
    PG_END_CUT      /* the time was over */
};

/* RFLAGS (SDM volume 1, "EFLAGS Register"). */
enum {
    PG_FLAG_CF = 1 << 0,
    PG_FLAG_ZF = 1 << 6,
    PG_FLAG_IF = 1 << 9,
    PG_FLAG_IOPL = 3 << 12
};

enum { PG_HOST_STACK = 16, PG_HOST_STACK_TOP = 8, PG_HOST_DATA = 32 };

struct pg_host_seen {
    enum pg_host_end end;
    int signal, code;                 /* si_signo, si_code */
    uint64_t trap_number, error_code; /* the processor's, from the context */
    int64_t at;                       /* rip then; from the first byte */
    uint64_t wanted_flags;            /* what FLAGS and IRET asked for */
    uint64_t flags_before, flags_after;
    uint64_t rax, rbx, rcx, rdx,
        rsp_moved;                 /* then; rsp_moved: bytes downwards */
    uint64_t stack[PG_HOST_STACK]; /* then; rsp was at [STACK_TOP] */
    uint8_t data[PG_HOST_DATA];
    uint64_t ns; /* from the first byte to the end, signals included */
};

/* Run the code.  Never hangs: the child is killed after limit_ms and has, too,
 * a limit of its own on processor time.  STATUS_UNSUPPORTED where the host is
 * not x86-64 Linux or forbids a page of code; STATUS_HOST_FAILED when there is
 * no child to be had.  Whatever the code does is no failure: see `end`. */
enum status pg_host_run(const struct pg_host_code *code, unsigned limit_ms,
                        struct pg_host_seen *seen, struct diag *diag) MUST_USE;

/* "SIGSEGV", "SI_KERNEL"; "?" for what does not come from a trap. */
const char *pg_host_signal_name(int signal);
const char *pg_host_signal_code_name(int signal, int code);

#endif
