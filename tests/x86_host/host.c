#include "tests/x86_host/host.h"

#ifdef __x86_64__

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { SELECTOR_64 = 0x33, SELECTOR_32 = 0x23, SELECTOR_DATA = 0x2B };

/* What the door knows, one page behind it. */
struct door {
    uint64_t gpr[16];  /* 0x00 */
    uint64_t host_sp;  /* 0x80 */
    uint64_t frame[5]; /* 0x88: RIP, CS, RFLAGS, RSP, SS for IRETQ */
    uint64_t rflags;   /* 0xB0 */
    uint64_t stack[16];
};
_Static_assert(offsetof(struct door, rflags) == 0xB0, "the door's layout");

/* door_in() goes to the frame's RIP with the registers; door_out is where the
 * code goes at its end, with any registers.  No flag changes on the way. */
extern const uint8_t door_begin[], door_out[], door_back[], door_end[];
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "door_begin:\n"
        ".set D, door_begin + 0x1000\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, D+0x80(%rip)\n"
        "mov D+0x00(%rip), %rax; mov D+0x08(%rip), %rcx\n"
        "mov D+0x10(%rip), %rdx; mov D+0x18(%rip), %rbx\n"
        "mov D+0x28(%rip), %rbp; mov D+0x30(%rip), %rsi\n"
        "mov D+0x38(%rip), %rdi; mov D+0x40(%rip), %r8\n"
        "mov D+0x48(%rip), %r9;  mov D+0x50(%rip), %r10\n"
        "mov D+0x58(%rip), %r11; mov D+0x60(%rip), %r12\n"
        "mov D+0x68(%rip), %r13; mov D+0x70(%rip), %r14\n"
        "mov D+0x78(%rip), %r15\n"
        "lea D+0x88(%rip), %rsp\n"
        "iretq\n"
        "door_out:\n"
        "mov %rsp, D+0x20(%rip)\n"
        "mov %rax, D+0x00(%rip); mov %rcx, D+0x08(%rip)\n"
        "mov %rdx, D+0x10(%rip); mov %rbx, D+0x18(%rip)\n"
        "mov %rbp, D+0x28(%rip); mov %rsi, D+0x30(%rip)\n"
        "mov %rdi, D+0x38(%rip); mov %r8, D+0x40(%rip)\n"
        "mov %r9, D+0x48(%rip);  mov %r10, D+0x50(%rip)\n"
        "mov %r11, D+0x58(%rip); mov %r12, D+0x60(%rip)\n"
        "mov %r13, D+0x68(%rip); mov %r14, D+0x70(%rip)\n"
        "mov %r15, D+0x78(%rip)\n"
        "lea D+0x138(%rip), %rsp\n"
        "pushfq; pop D+0xB0(%rip)\n"
        "door_back:\n" /* also from a signal */
        "mov D+0x80(%rip), %rsp\n"
        "cld\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        "door_end:\n"
        ".popsection\n");

/* One a process: signals know no other. */
static struct host_state *caught; /* where a signal's registers go */
static bool has_32;
static char signal_stack[1 << 16];

static struct door *door(void)
{
    return (struct door *)(uintptr_t)(HOST_DOOR + 0x1000);
}

static uint64_t in_door(const uint8_t *label)
{
    return HOST_DOOR + (uint64_t)(label - door_begin);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    static const uint8_t order[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    ucontext_t *u = context;
    greg_t *g = u->uc_mcontext.gregs;
    struct host_state *s = caught;

    (void)info;
    if (!s) { /* our own mistake: let it end us */
        signal(number, SIG_DFL);
        return;
    }
    for (unsigned i = 0; i < 16; i++)
        s->gpr[i] = (uint64_t)g[order[i]];
    s->rip = (uint64_t)g[REG_RIP];
    s->rflags = (uint64_t)g[REG_EFL];
    s->vector = (int)g[REG_TRAPNO];
    s->error = (uint32_t)g[REG_ERR];
    s->cr2 = (uint64_t)g[REG_CR2];
    g[REG_RIP] = (greg_t)in_door(door_back);
    g[REG_EFL] = 0x202;
    g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xFFFFLL) | SELECTOR_64;
}

static bool map(uint64_t at, size_t size, int protection)
{
    void *want = (void *)(uintptr_t)at;

    return mmap(want, size, protection,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                0) == want;
}

/* The code, which may be run and read there, and is written here. */
static uint8_t *code;

static bool map_code(void)
{
    void *want = (void *)(uintptr_t)HOST_CODE, *alias;
    int fd = memfd_create("code", 0);

    if (fd < 0 || ftruncate(fd, HOST_CODE_SIZE))
        return false;
    alias =
        mmap(NULL, HOST_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    want = mmap(want, HOST_CODE_SIZE, PROT_READ | PROT_EXEC,
                MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    close(fd);
    code = alias;
    return alias != MAP_FAILED && want == (void *)(uintptr_t)HOST_CODE;
}

static bool catch_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    struct sigaction a = {.sa_sigaction = on_signal,
                          .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    if (sigaltstack(&stack, NULL))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (sigaction(numbers[i], &a, NULL))
            return false;
    return true;
}

/* IRETQ to CS 23h faults where the kernel has no such segment. */
static void try_32(void)
{
    static const uint8_t inc_eax[] = {0x40}; /* a REX prefix elsewhere */
    struct host_state s = {.rip = HOST_CODE, .rflags = 2};

    host_load(inc_eax, sizeof(inc_eax), 32);
    host_run(&s, 32);
    has_32 = s.vector == -1 && s.gpr[0] == 1;
}

const char *host_open(void)
{
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;

    if (!map(HOST_DATA, HOST_DATA_SIZE, PROT_READ | PROT_WRITE) ||
        !map(HOST_FIXED, HOST_FIXED_SIZE, PROT_READ | PROT_WRITE) ||
        !map_code() || !map(HOST_DOOR, 0x2000, all))
        return "no room at the addresses that the code is to have";
    memcpy((void *)(uintptr_t)HOST_DOOR, door_begin,
           (size_t)(door_end - door_begin));
    memset((void *)(uintptr_t)HOST_DATA, 0, HOST_DATA_SIZE);
    memset((void *)(uintptr_t)HOST_FIXED, 0x5A, HOST_FIXED_SIZE);
    if (mprotect((void *)(uintptr_t)HOST_FIXED, HOST_FIXED_SIZE, PROT_READ) ||
        mprotect((void *)(uintptr_t)HOST_DOOR, 4096, PROT_READ | PROT_EXEC) ||
        !catch_signals())
        return "mprotect or sigaction failed";
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(SELECTOR_DATA));
    try_32();
    return NULL;
}

bool host_has_32(void)
{
    return has_32;
}

bool host_is_mapped(uint64_t address)
{
    void *page = (void *)(uintptr_t)(address & ~UINT64_C(0xFFF));
    unsigned char there;

    return !mincore(page, 4096, &there);
}

void host_load(const uint8_t *bytes, size_t size, unsigned bits)
{
    uint64_t out = in_door(door_out);
    uint8_t *to = code;

    memcpy(to, bytes, size);
    to += size;
    if (bits == 64) { /* JMP [RIP] */
        memcpy(to, "\xFF\x25\0\0\0\0", 6);
        memcpy(to + 6, &out, 8);
    } else { /* JMP 33h:out */
        *to = 0xEA;
        memcpy(to + 1, &out, 4);
        memcpy(to + 5, "\x33\0", 2);
    }
}

void host_run(struct host_state *s, unsigned bits)
{
    struct door *d = door();
    union {
        uint64_t address;
        void (*enter)(void);
    } in = {.address = HOST_DOOR};

    memcpy(d->gpr, s->gpr, sizeof(d->gpr));
    d->frame[0] = s->rip;
    d->frame[1] = bits == 64 ? SELECTOR_64 : SELECTOR_32;
    d->frame[2] = s->rflags;
    d->frame[3] = s->gpr[4];
    d->frame[4] = SELECTOR_DATA;
    s->vector = -1;
    caught = s;
    in.enter();
    caught = NULL;
    if (s->vector != -1)
        return;
    memcpy(s->gpr, d->gpr, sizeof(d->gpr));
    s->rflags = d->rflags;
}

#else

const char *host_open(void)
{
    return "this host's processor is no x86-64";
}

bool host_has_32(void)
{
    return false;
}

bool host_is_mapped(uint64_t address)
{
    (void)address;
    return true;
}

void host_load(const uint8_t *bytes, size_t size, unsigned bits)
{
    (void)bytes;
    (void)size;
    (void)bits;
}

void host_run(struct host_state *s, unsigned bits)
{
    (void)bits;
    s->vector = -1;
}

#endif
