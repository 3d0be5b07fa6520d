/* See the header.  The child builds a page of code that ends in INT3, sends
 * itself a signal, and returns from that handler with the registers that the
 * stage asks for: so the first byte runs in a known state.  Whatever comes next
 * (the INT3, or a trap before it) is a signal again, on an alternate stack, and
 * its context holds the answer.  No assembly, and no register is lost. */
#include "popek-goldberg/probe/probe_host_run.h"

#include <signal.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    INT3 = 0xCC,
    PAGE = 4096,
    ALTERNATE_STACK = 64 * 1024, /* room for the sanitizers and AVX-512 */
    ARITHMETIC_FLAGS = 0x8D5,    /* CF PF AF ZF SF OF */
    INNER_CODE = 0x10,           /* Linux: GDT_ENTRY_KERNEL_CS, _DS */
    INNER_DATA = 0x18,
    GET_FS = 0x1003 /* ARCH_GET_FS of asm/prctl.h, which musl lacks */
};

/* The child's.  Stands right below the alternate stack, where the handlers
 * find it through their context: there is no variable of this file. */
struct stage {
    const struct pg_host_code *code;
    struct pg_host_seen *seen; /* shared with the parent */
    uint8_t *page;             /* of the code */
    uint64_t *stack;           /* PG_HOST_STACK words; all below 2 GiB */
    uint8_t *data;
    uint64_t fs_base;
    bool running;
    struct timespec began;
};

static size_t total_length(const struct pg_host_code *code)
{
    return (size_t)code->length * (code->repeat ? code->repeat : 1);
}

static struct stage *stage_of(const ucontext_t *context)
{
    return (struct stage *)(void *)((uint8_t *)context->uc_stack.ss_sp - PAGE);
}

static uint16_t own_data_selector(void)
{
    uint16_t ss;

    __asm__("mov %%ss, %0" : "=r"(ss));
    return ss;
}

/* ---- Before the first byte ---- */

static void put_far(uint8_t *data, const uint8_t *to, uint16_t selector)
{
    uint32_t offset = (uint32_t)(uintptr_t)to;

    memcpy(data, &offset, sizeof(offset));
    memcpy(data + sizeof(offset), &selector, sizeof(selector));
}

static void put_frame(struct stage *s, uint64_t cs)
{
    uint64_t *top = s->stack + PG_HOST_STACK_TOP;

    top[0] = (uintptr_t)s->page + total_length(s->code);
    top[1] = cs;
    top[2] = s->seen->wanted_flags;
    top[3] = (uintptr_t)top;
    top[4] = own_data_selector();
}

/* rax and the word on the stack that an instruction may pop. */
static void put_word(struct stage *s, greg_t *regs, uint64_t word)
{
    regs[REG_RAX] = (greg_t)word;
    s->stack[PG_HOST_STACK_TOP] = word;
}

static void set_stage(struct stage *s, greg_t *regs)
{
    const uint8_t *behind = s->page + total_length(s->code);
    uint16_t own_cs = (uint16_t)regs[REG_CSGSFS];

    switch (s->code->stage) {
    case PG_STAGE_PLAIN:
        break;
    case PG_STAGE_PORT:
        regs[REG_RDX] = 0x80;
        break;
    case PG_STAGE_MSR:
        regs[REG_RCX] = 0xC0000103;
        break;
    case PG_STAGE_POINTER:
        regs[REG_RAX] = (greg_t)(uintptr_t)s->data;
        break;
    case PG_STAGE_NUMBER:
        regs[REG_RAX] = 0xFFFF;
        break;
    case PG_STAGE_FLAGS:
        s->stack[PG_HOST_STACK_TOP] = s->seen->wanted_flags;
        break;
    case PG_STAGE_OWN_CODE:
        put_word(s, regs, own_cs);
        break;
    case PG_STAGE_OWN_DATA:
        put_word(s, regs, own_data_selector());
        break;
    case PG_STAGE_INNER_CODE:
        put_word(s, regs, INNER_CODE);
        break;
    case PG_STAGE_INNER_DATA:
        put_word(s, regs, INNER_DATA);
        break;
    case PG_STAGE_FAR_OWN:
        put_far(s->data, behind, own_cs);
        break;
    case PG_STAGE_FAR_INNER:
        put_far(s->data, behind, INNER_CODE);
        break;
    case PG_STAGE_RET_OWN:
    case PG_STAGE_IRET_OWN:
        put_frame(s, own_cs);
        break;
    case PG_STAGE_RET_INNER:
    case PG_STAGE_IRET_INNER:
        put_frame(s, INNER_CODE);
        break;
    case PG_STAGE_FS_BASE:
        regs[REG_RAX] = (greg_t)s->fs_base;
        break;
    }
}

static void set_registers(struct stage *s, greg_t *regs)
{
    static const int zero[] = {REG_RDX, REG_RBP, REG_R8,  REG_R9,  REG_R10,
                               REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

    for (size_t i = 0; i < ARRAY_LEN(zero); i++)
        regs[zero[i]] = 0;
    regs[REG_RAX] = (greg_t)s->code->rax;
    regs[REG_RCX] = (greg_t)s->code->rcx;
    regs[REG_RBX] = (greg_t)(uintptr_t)s->data;
    regs[REG_RSI] = regs[REG_RBX];
    regs[REG_RDI] = regs[REG_RBX];
    regs[REG_RSP] = (greg_t)(uintptr_t)(s->stack + PG_HOST_STACK_TOP);
    regs[REG_RIP] = (greg_t)(uintptr_t)s->page;
    regs[REG_EFL] &= ~(greg_t)ARITHMETIC_FLAGS;
    s->seen->flags_before = (uint64_t)regs[REG_EFL];
    s->seen->wanted_flags = ((uint64_t)regs[REG_EFL] & ~(uint64_t)PG_FLAG_IF) |
                            PG_FLAG_IOPL | PG_FLAG_CF;
    set_stage(s, regs);
}

/* ---- After it ---- */

static uint64_t nanoseconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - then->tv_sec) * 1000000000u +
           (uint64_t)now.tv_nsec - (uint64_t)then->tv_nsec;
}

static void record(struct stage *s, const siginfo_t *info, const greg_t *regs,
                   bool through)
{
    struct pg_host_seen *seen = s->seen;

    seen->signal = info->si_signo;
    seen->code = info->si_code;
    seen->trap_number = (uint64_t)regs[REG_TRAPNO];
    seen->error_code = (uint64_t)regs[REG_ERR];
    seen->at = regs[REG_RIP] - (greg_t)(uintptr_t)s->page;
    seen->flags_after = (uint64_t)regs[REG_EFL];
    seen->rax = (uint64_t)regs[REG_RAX];
    seen->rbx = (uint64_t)regs[REG_RBX];
    seen->rcx = (uint64_t)regs[REG_RCX];
    seen->rdx = (uint64_t)regs[REG_RDX];
    seen->rsp_moved =
        (uintptr_t)(s->stack + PG_HOST_STACK_TOP) - (uint64_t)regs[REG_RSP];
    memcpy(seen->stack, s->stack, sizeof(seen->stack));
    memcpy(seen->data, s->data, sizeof(seen->data));
    seen->end = through ? PG_END_THROUGH : PG_END_SIGNAL;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    greg_t *regs = user->uc_mcontext.gregs;
    struct stage *s = stage_of(user);
    size_t length = total_length(s->code);

    if (!s->running) {
        if (number != SIGUSR1)
            _exit(1);
        s->running = true;
        set_registers(s, regs);
        clock_gettime(CLOCK_MONOTONIC, &s->began);
        return;
    }
    size_t at = (size_t)regs[REG_RIP] - (uintptr_t)s->page;
    bool through = number == SIGTRAP && at == length + 1;
    if (s->code->repeat && !through && at < length) {
        regs[REG_RIP] += s->code->length;
        return;
    }
    s->seen->ns = nanoseconds_since(&s->began);
    record(s, info, regs, through);
    _exit(0);
}

/* ---- The child ---- */

/* Nothing that the code could do lasts: no core, no file, a second or so. */
static void limit_child(unsigned limit_ms)
{
    const struct rlimit none = {0, 0};
    rlim_t seconds = limit_ms / 1000 + 2;
    const struct rlimit cpu = {seconds, seconds};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_CPU, &cpu);
}

static bool catch_signals(void *stack)
{
    static const int numbers[] = {SIGUSR1, SIGSEGV, SIGILL, SIGBUS,
                                  SIGFPE,  SIGTRAP, SIGSYS};
    const stack_t alternate = {.ss_sp = stack, .ss_size = ALTERNATE_STACK};
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigset_t none;

    sigfillset(&action.sa_mask);
    sigemptyset(&none);
    if (sigaltstack(&alternate, NULL))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (sigaction(numbers[i], &action, NULL))
            return false;
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* The far forms have a 32-bit address: code, data, stack below 2 GiB. */
static uint8_t *map_low(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static bool build(struct stage *s)
{
    const struct pg_host_code *code = s->code;

    s->page = map_low(3 * PAGE);
    if (!s->page)
        return false;
    s->data = s->page + PAGE;
    /* In the middle of its page, for code that pushes over and over. */
    s->stack = (uint64_t *)(void *)(s->page + 2 * PAGE + PAGE / 2);
    memset(s->page, INT3, PAGE);
    for (size_t at = 0; at < total_length(code); at += code->length)
        memcpy(s->page + at, code->bytes, code->length);
    return mprotect(s->page, PAGE, PROT_READ | PROT_EXEC) == 0;
}

/* Leaves 2 when the host does not let it begin. */
_Noreturn static void be_child(const struct pg_host_code *code,
                               struct pg_host_seen *seen, unsigned limit_ms)
{
    uint8_t *low = map_low(PAGE + ALTERNATE_STACK);
    struct stage *s = (struct stage *)(void *)low;

    if (!low)
        _exit(2);
    s->code = code;
    s->seen = seen;
    limit_child(limit_ms);
    if (!build(s) || !catch_signals(low + PAGE) ||
        syscall(SYS_arch_prctl, GET_FS, &s->fs_base))
        _exit(2);
    raise(SIGUSR1);
    _exit(1); /* the code never comes back here */
}

/* ---- The parent ---- */

/* Wait until the child has closed its end, or the time is over. */
static bool ends_in_time(int fd, unsigned limit_ms)
{
    struct timespec began;
    struct pollfd end = {.fd = fd, .events = POLLIN};

    clock_gettime(CLOCK_MONOTONIC, &began);
    for (;;) {
        uint64_t spent = nanoseconds_since(&began) / 1000000;

        if (spent > limit_ms)
            return false;
        int n = poll(&end, 1, (int)(limit_ms - spent) + 1);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static int reap(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0; /* somebody else's SIGCHLD is ignored: nothing to see */
    return status;
}

static enum status judge(struct pg_host_seen *seen, int status, bool in_time,
                         struct diag *diag)
{
    if (seen->end != PG_END_LOST)
        return STATUS_OK;
    if (!in_time) {
        seen->end = PG_END_CUT;
        return STATUS_OK;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return diag_set(diag, STATUS_UNSUPPORTED,
                        "this host lets no page of code be made");
    seen->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return STATUS_OK;
}

static enum status run_shared(const struct pg_host_code *code,
                              unsigned limit_ms, struct pg_host_seen *shared,
                              struct diag *diag)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return diag_set(diag, STATUS_HOST_FAILED, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(code, shared, limit_ms);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return diag_set(diag, STATUS_HOST_FAILED, "fork: %s", strerror(errno));
    }
    bool in_time = ends_in_time(ends[0], limit_ms);
    close(ends[0]);
    if (!in_time)
        kill(child, SIGKILL);
    return judge(shared, reap(child), in_time, diag);
}

enum status pg_host_run(const struct pg_host_code *code, unsigned limit_ms,
                        struct pg_host_seen *seen, struct diag *diag)
{
    struct pg_host_seen *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return diag_set(diag, STATUS_HOST_FAILED, "mmap: %s", strerror(errno));
    enum status st = run_shared(code, limit_ms, shared, diag);
    *seen = *shared;
    munmap(shared, PAGE);
    return st;
}

const char *pg_host_signal_code_name(int signal, int code)
{
    static const struct {
        int signal, code;
        const char *name;
    } names[] = {
        {SIGSEGV, SI_KERNEL, "SI_KERNEL"},  {SIGTRAP, SI_KERNEL, "SI_KERNEL"},
        {SIGSEGV, SEGV_MAPERR, "MAPERR"},   {SIGSEGV, SEGV_ACCERR, "ACCERR"},
        {SIGILL, ILL_ILLOPN, "ILL_ILLOPN"}, {SIGFPE, FPE_INTDIV, "FPE_INTDIV"},
        {SIGTRAP, TRAP_BRKPT, "BRKPT"},     {SIGTRAP, TRAP_TRACE, "TRACE"},
        {SIGBUS, SI_KERNEL, "SI_KERNEL"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].signal == signal && names[i].code == code)
            return names[i].name;
    return "?";
}

#else

enum status pg_host_run(const struct pg_host_code *code, unsigned limit_ms,
                        struct pg_host_seen *seen, struct diag *diag)
{
    (void)code;
    (void)limit_ms;
    *seen = (struct pg_host_seen){.end = PG_END_LOST};
    return diag_set(diag, STATUS_UNSUPPORTED,
                    "probing the host needs an x86-64 processor and a 64-bit "
                    "Linux process");
}

const char *pg_host_signal_code_name(int signal, int code)
{
    (void)signal;
    (void)code;
    return "?";
}

#endif

const char *pg_host_signal_name(int signal)
{
    static const struct {
        int signal;
        const char *name;
    } names[] = {
        {SIGSEGV, "SIGSEGV"}, {SIGILL, "SIGILL"},   {SIGFPE, "SIGFPE"},
        {SIGABRT, "SIGABRT"}, {SIGTERM, "SIGTERM"},
#ifdef SIGTRAP
        {SIGTRAP, "SIGTRAP"},
#endif
#ifdef SIGBUS
        {SIGBUS, "SIGBUS"},   {SIGKILL, "SIGKILL"}, {SIGSYS, "SIGSYS"},
#endif
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].signal == signal)
            return names[i].name;
    return "?";
}
