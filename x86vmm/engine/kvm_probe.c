#include "x86vmm/engine/kvm_probe.h"

#include "base/format.h"
#include "x86vmm/engine/kvm_host.h"

static const char *const feature_names[KVM_FEATURE_COUNT] = {
#define X(name, title) #name,
    KVM_FEATURES(X)
#undef X
};
static const char *const feature_titles[KVM_FEATURE_COUNT] = {
#define X(name, title) title,
    KVM_FEATURES(X)
#undef X
};

static void fill_names(struct kvm_probe *p)
{
    for (unsigned i = 0; i < X86_MODE_COUNT; i++) {
        p->rows[i].name = x86_mode_name(i);
        p->rows[i].title = x86_mode_title(i);
    }
    for (unsigned i = 0; i < KVM_FEATURE_COUNT; i++) {
        p->rows[X86_MODE_COUNT + i].name = feature_names[i];
        p->rows[X86_MODE_COUNT + i].title = feature_titles[i];
    }
    for (unsigned i = 0; i < KVM_PROBE_ROWS; i++)
        p->rows[i].needed = i != X86_MODE_COUNT + KVM_FEATURE_BREAK &&
                            i != X86_MODE_COUNT + KVM_FEATURE_FILTER;
}

#if KVM_HOST
#include "base/bytes.h"
#include "x86vmm/engine/engine_kvm.h"
#include "x86vmm/machine/cpuid.h"

#include <string.h>
#include <sys/mman.h>

enum {
    RAM = 0x10000,
    ENTRY = 0x8000, /* of every probe guest */
    ISR = 0x8100,
    IDT = 0x9000,
    RESULT = 0x600,   /* physical; where the guests leave theirs */
    ALIAS = 0x400000, /* linear, of physical 0 where there is paging */
    PORT = 0x10,
    WAITS_MAX = 20, /* turns of two ticks each without an exit */
    SUM = 21
};

/* Three times seven, by a loop, through the stack into storage, to a port:
 * about ten instructions in every width. */
static const uint8_t sum16[] = {
    0xB9, 3,    0,    /* mov cx, 3 */
    0x31, 0xC0,       /* xor ax, ax */
    0x83, 0xC0, 7,    /* add ax, 7 */
    0xE2, 0xFB,       /* loop back to it */
    0x50, 0x5B,       /* push ax; pop bx */
    0x89, 0x1E, 0, 6, /* mov [600h], bx */
    0xE7, PORT,       /* out 10h, ax */
    0xF4              /* hlt */
};
static const uint8_t sum32[] = {
    0xB9, 3,    0, 0, 0,    /* mov ecx, 3 */
    0x31, 0xC0,             /* xor eax, eax */
    0x83, 0xC0, 7,          /* add eax, 7 */
    0xE2, 0xFB,             /* loop back to it */
    0x50, 0x5B,             /* push eax; pop ebx */
    0x89, 0x1D, 0, 6, 0, 0, /* mov [600h], ebx */
    0xE7, PORT,             /* out 10h, eax */
    0xF4                    /* hlt */
};
static const uint8_t sum32_paged[] = {
    0xB9, 3,    0, 0, 0,       /* the same, */
    0x31, 0xC0,                /* ... */
    0x83, 0xC0, 7,             /* ... */
    0xE2, 0xFB,                /* ... */
    0x50, 0x5B,                /* ... */
    0x89, 0x1D, 0, 6, 0x40, 0, /* but mov [400600h], ebx */
    0xE7, PORT,                /* ... */
    0xF4                       /* ... */
};
static const uint8_t sum64[] = {
    0xB9, 3,    0,    0, 0,          /* mov ecx, 3 */
    0x31, 0xC0,                      /* xor eax, eax */
    0x83, 0xC0, 7,                   /* add eax, 7 */
    0xE2, 0xFB,                      /* loop back to it */
    0x50, 0x5B,                      /* push rax; pop rbx */
    0x89, 0x1C, 0x25, 0, 6, 0x40, 0, /* mov [400600h], ebx */
    0xE7, PORT,                      /* out 10h, eax */
    0xF4                             /* hlt */
};
static const uint8_t ask_cpuid[] = {
    0x66, 0xB8, 0,    0, 0, 0x40, /* mov eax, 40000000h */
    0x0F, 0xA2,                   /* cpuid */
    0x66, 0x89, 0xDE,             /* mov esi, ebx */
    0x66, 0xB8, 1,    0, 0, 0,    /* mov eax, 1 */
    0x0F, 0xA2,                   /* cpuid */
    0xF4                          /* hlt */
};
static const uint8_t count_steps[] = {
    0x40, 0x40, 0x43, /* inc ax; inc ax; inc bx */
    0xF4              /* hlt */
};
static const uint8_t touch_mmio[] = {
    0xB8, 0,    0xD0, /* mov ax, 0D000h */
    0x8E, 0xD8,       /* mov ds, ax */
    0xA0, 0,    0,    /* mov al, [0] */
    0xA2, 1,    0,    /* mov [1], al */
    0xF4              /* hlt */
};
static const uint8_t take_interrupt[] = {
    0x90, 0xFB, 0x90, 0x90, /* nop; sti; nop; nop */
    0xF4                    /* hlt */
};
static const uint8_t call_gate[] = {
    0xCD, 0x30, /* int 30h, whose handler makes EAX 21 */
    0xE7, PORT, /* out 10h, eax */
    0xF4        /* hlt */
};
static const uint8_t handler32[] = {
    0xB8, SUM, 0, 0, 0, /* mov eax, 21 */
    0xCF                /* iretd */
};
static const uint8_t handler64[] = {
    0xB8, SUM, 0, 0, 0, /* mov eax, 21 */
    0x48, 0xCF          /* iretq */
};
static const uint8_t swap_16_bytes[] = {
    0xB8, 0,    0,    0,    0,                /* mov eax, 0 */
    0x31, 0xD2,                               /* xor edx, edx */
    0xBB, SUM,  0,    0,    0,                /* mov ebx, 21 */
    0x31, 0xC9,                               /* xor ecx, ecx */
    0x48, 0x0F, 0xC7, 0x0C, 0x25, 0, 6, 0, 0, /* cmpxchg16b [600h] */
    0xF4                                      /* hlt */
};
static const uint8_t use_xmm[] = {
    0xB8, SUM,  0,    0,    0, /* mov eax, 21 */
    0x66, 0x0F, 0x6E, 0xC8,    /* movd xmm1, eax */
    0x0F, 0x57, 0xC0,          /* xorps xmm0, xmm0 */
    0x66, 0x0F, 0xFE, 0xC1,    /* paddd xmm0, xmm1 */
    0x66, 0x0F, 0x7E, 0xC3,    /* movd ebx, xmm0 */
    0xF4                       /* hlt */
};
enum { MTRR_DEFAULT = 0x2FF };
static const uint8_t read_msr[] = {
    0xB9, 0,    0, 0, 0, /* mov ecx, its number */
    0x0F, 0x32,          /* rdmsr */
    0xF4                 /* hlt */
};
static const uint8_t isr[] = {0x46, 0xCF}; /* inc si; iret */

/* One probe guest. */
struct guest {
    struct vm vm;
    struct x86_state state;
    struct x86_platform platform;
    struct trace trace;     /* with one who listens: then an exit tells all */
    struct trace_sink sink; /* that it can (engine_kvm.h) */
    uint8_t *ram;
    struct kvm_probe_row *row; /* where to complain */
};

static bool complain(struct guest *g, const char *fmt, ...) PRINTF(2, 3);

static bool complain(struct guest *g, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    format_va(g->row->why_not, sizeof(g->row->why_not), fmt, ap);
    va_end(ap);
    return false;
}

/* Linear ALIAS means physical 0: so a KVM that ignores paging is found out. */
static void alias(struct guest *g, enum x86_mode mode)
{
    uint8_t *tables = g->ram + X86_MODE_PAGES;
    uint8_t *directory = tables + 0x2000;

    if (mode == X86_MODE_PAGED)
        memcpy(tables + 4 * (ALIAS >> 22), tables, 4);
    else if (mode == X86_MODE_LONG)
        memcpy(directory + 8 * (ALIAS >> 21), directory, 8);
}

static void not_said(struct trace_sink *s, const struct trace_event *e)
{
    (void)s, (void)e;
}

static bool start(struct guest *g, struct kvm_probe_row *row,
                  enum x86_mode mode, const uint8_t *code, size_t n)
{
    *g = (struct guest){.row = row};
    void *ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ram == MAP_FAILED)
        return complain(g, "no memory for the probe");
    g->ram = ram;
    g->vm.engine = &engine_kvm;
    g->vm.arch = &g->platform;
    g->vm.trace = &g->trace;
    g->sink.emit = not_said;
    trace_attach(&g->trace, &g->sink);
    g->vm.vcpu.arch = &g->state;
    struct mem_slot slot = {.size = RAM, .host = g->ram};
    if (mem_add(&g->vm.mem, &slot) ||
        x86_mode_enter(mode, &g->state, &g->vm.mem, ENTRY))
        return complain(g, "the probe has no place");
    memcpy(g->ram + ENTRY, code, n);
    alias(g, mode);
    if (vm_start(&g->vm))
        return complain(g, "%s", g->vm.diag.text);
    return true;
}

static void end(struct guest *g)
{
    if (g->vm.backing)
        vm_end(&g->vm);
    if (g->ram)
        munmap(g->ram, RAM);
}

/* The next exit that is the guest's doing, which must be this one.  It goes
 * on behind the instruction. */
static bool expect(struct guest *g, enum exit_reason reason, struct vm_exit *x)
{
    struct vcpu *v = &g->vm.vcpu;

    v->budget = 1;
    for (unsigned i = 0; i < WAITS_MAX; i++) {
        *x = (struct vm_exit){0};
        if (engine_kvm.run(v, x))
            return complain(g, "%s", g->vm.diag.text);
        if (x->reason != EXIT_TIMER && x->reason != EXIT_INTERRUPT)
            break;
    }
    if (x->reason != reason && x->why)
        return complain(g, "%s", x->why);
    if (x->reason != reason)
        return complain(g, "%s (%s %llx) at %llx instead of: %s",
                        exit_reason_words(x->reason),
                        x->raw_name ? x->raw_name : "no exit",
                        (unsigned long long)x->raw_info[0],
                        (unsigned long long)x->pc, exit_reason_words(reason));
    if (reason != EXIT_STEP && reason != EXIT_WINDOW)
        g->state.rip = x->pc + x->insn_len;
    return true;
}

static bool expect_value(struct guest *g, const char *what, uint64_t is,
                         uint64_t should)
{
    if (is == should)
        return true;
    return complain(g, "%s is %llx instead of %llx", what,
                    (unsigned long long)is, (unsigned long long)should);
}

static bool mode_works(struct guest *g, size_t code_len)
{
    struct vm_exit x;

    return expect(g, EXIT_IO, &x) &&
           expect_value(g, "the port", x.io.addr, PORT) &&
           expect_value(g, "the port's value", exit_io_first(&x.io), SUM) &&
           expect_value(g, "pc at OUT", x.pc, ENTRY + code_len - 3) &&
           expect(g, EXIT_HALT, &x) &&
           expect_value(g, "pc at HLT", x.pc, ENTRY + code_len - 1) &&
           expect_value(g, "BX", g->state.gpr[X86_RBX], SUM) &&
           expect_value(g, "the sum in storage", load_le16(g->ram + RESULT),
                        SUM);
}

static bool probe_mode(struct guest *g, struct kvm_probe_row *row,
                       enum x86_mode mode)
{
    static const struct {
        const uint8_t *code;
        size_t len;
    } codes[X86_MODE_COUNT] = {
        [X86_MODE_REAL] = {sum16, sizeof(sum16)},
        [X86_MODE_PROTECTED] = {sum32, sizeof(sum32)},
        [X86_MODE_PAGED] = {sum32_paged, sizeof(sum32_paged)},
        [X86_MODE_LONG] = {sum64, sizeof(sum64)},
    };

    return start(g, row, mode, codes[mode].code, codes[mode].len) &&
           mode_works(g, codes[mode].len);
}

static bool probe_cpuid(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_exit x;

    return start(g, row, X86_MODE_REAL, ask_cpuid, sizeof(ask_cpuid)) &&
           expect(g, EXIT_HALT, &x) &&
           (expect_value(g,
                         "KVM_SET_CPUID2 is not heeded: EBX of leaf 40000000",
                         g->state.gpr[X86_RSI], x86_cpuid(0x40000000).ebx) &&
            expect_value(g, "KVM_SET_CPUID2 is not heeded: ECX of leaf 1",
                         g->state.gpr[X86_RCX], x86_cpuid(1).ecx) &&
            expect_value(g, "KVM_SET_CPUID2 is not heeded: EDX of leaf 1",
                         g->state.gpr[X86_RDX], x86_cpuid(1).edx));
}

static bool probe_step(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_exit x;

    if (!start(g, row, X86_MODE_REAL, count_steps, sizeof(count_steps)))
        return false;
    g->vm.vcpu.stepping = true;
    for (unsigned i = 1; i <= 3; i++)
        if (!expect(g, EXIT_STEP, &x) ||
            !expect_value(g, "pc after a step", g->state.rip, ENTRY + i))
            return false;
    return expect_value(g, "AX", g->state.gpr[X86_RAX], 2) &&
           expect(g, EXIT_HALT, &x);
}

static bool probe_mmio(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_exit x;

    if (!start(g, row, X86_MODE_REAL, touch_mmio, sizeof(touch_mmio)) ||
        !expect(g, EXIT_MMIO, &x) ||
        !expect_value(g, "the address", x.io.addr, 0xD0000))
        return false;
    x.io.data[0] = SUM;
    return expect(g, EXIT_MMIO, &x) &&
           expect_value(g, "the address stored to", x.io.addr, 0xD0001) &&
           expect_value(g, "the value stored", exit_io_first(&x.io), SUM) &&
           expect(g, EXIT_HALT, &x);
}

static bool probe_interrupt(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_event irq = {.kind = 0, .code = X86_LINE_VECTOR};
    struct vm_exit x;

    if (!start(g, row, X86_MODE_REAL, take_interrupt, sizeof(take_interrupt)))
        return false;
    memcpy(g->ram + ISR, isr, sizeof(isr));
    store_le32(g->ram + 4 * X86_LINE_VECTOR, ISR);
    x86_line_set(&g->platform, 0, true);
    if (!expect(g, EXIT_WINDOW, &x) ||
        !expect_value(g, "interruptible", g->state.interruptible, true))
        return false;
    x86_line_set(&g->platform, 0, false);
    return engine_kvm.inject(&g->vm.vcpu, &irq) == STATUS_OK &&
           expect(g, EXIT_HALT, &x) &&
           expect_value(g, "interrupts taken", g->state.gpr[X86_RSI], 1);
}

/* A flat interrupt gate (Intel SDM vol. 3, "IDT Descriptors", "64-Bit Mode
 * IDT") for vector 30h. */
static bool probe_gate(struct guest *g, struct kvm_probe_row *row,
                       enum x86_mode mode)
{
    bool wide = mode == X86_MODE_LONG;
    const uint8_t *handler = wide ? handler64 : handler32;
    size_t n = wide ? sizeof(handler64) : sizeof(handler32);
    struct vm_exit x;

    if (!start(g, row, mode, call_gate, sizeof(call_gate)))
        return false;
    uint8_t *gate = g->ram + IDT + 0x30 * (wide ? 16 : 8);
    store_le32(gate, (uint32_t)g->state.seg[X86_CS].selector << 16 | ISR);
    store_le32(gate + 4, 0x8E00);
    memcpy(g->ram + ISR, handler, n);
    g->state.idt = (struct x86_table_reg){IDT, 0x31 * (wide ? 16 : 8) - 1};
    return expect(g, EXIT_IO, &x) &&
           expect_value(g, "EAX behind INT", exit_io_first(&x.io), SUM) &&
           expect(g, EXIT_HALT, &x) &&
           expect_value(g, "the stack pointer", g->state.gpr[X86_RSP],
                        X86_MODE_STACK);
}

static bool probe_cx16(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_exit x;

    return start(g, row, X86_MODE_LONG, swap_16_bytes, sizeof(swap_16_bytes)) &&
           expect(g, EXIT_HALT, &x) &&
           expect_value(g, "what it stored", load_le64(g->ram + RESULT), SUM);
}

static bool probe_sse(struct guest *g, struct kvm_probe_row *row)
{
    const uint64_t osfxsr = 0x200; /* CR4 */
    struct vm_exit x;

    if (!start(g, row, X86_MODE_LONG, use_xmm, sizeof(use_xmm)))
        return false;
    g->state.cr4 |= osfxsr;
    return expect(g, EXIT_HALT, &x) &&
           expect_value(g, "EBX", g->state.gpr[X86_RBX], SUM);
}

/* A register that nobody has; or one that KVM has, and our profile has not. */
static bool probe_msr(struct guest *g, struct kvm_probe_row *row,
                      uint32_t number)
{
    struct vm_exit x;

    if (!start(g, row, X86_MODE_LONG, read_msr, sizeof(read_msr)))
        return false;
    store_le32(g->ram + ENTRY + 1, number);
    return expect(g, EXIT_SENSITIVE, &x) && expect(g, EXIT_HALT, &x);
}

/* Two instructions run, at the third it stops, and then it steps. */
static bool probe_break(struct guest *g, struct kvm_probe_row *row)
{
    struct vm_exit x;

    if (!start(g, row, X86_MODE_REAL, count_steps, sizeof(count_steps)))
        return false;
    g->vm.vcpu.stops = true;
    g->vm.vcpu.stop_at = ENTRY + 2;
    return expect(g, EXIT_STEP, &x) &&
           expect_value(g, "pc at the breakpoint", x.pc, ENTRY + 2) &&
           expect_value(g, "AX", g->state.gpr[X86_RAX], 2);
}

static bool probe_feature(struct guest *g, struct kvm_probe_row *row,
                          enum kvm_feature f)
{
    switch (f) {
    case KVM_FEATURE_CPUID:
        return probe_cpuid(g, row);
    case KVM_FEATURE_STEP:
        return probe_step(g, row);
    case KVM_FEATURE_MMIO:
        return probe_mmio(g, row);
    case KVM_FEATURE_INTERRUPT:
        return probe_interrupt(g, row);
    case KVM_FEATURE_GATES32:
        return probe_gate(g, row, X86_MODE_PROTECTED);
    case KVM_FEATURE_GATES64:
        return probe_gate(g, row, X86_MODE_LONG);
    case KVM_FEATURE_CX16:
        return probe_cx16(g, row);
    case KVM_FEATURE_SSE:
        return probe_sse(g, row);
    case KVM_FEATURE_BREAK:
        return probe_break(g, row);
    case KVM_FEATURE_MSR:
        return probe_msr(g, row, 0x12345678);
    case KVM_FEATURE_FILTER:
        return probe_msr(g, row, MTRR_DEFAULT);
    default:
        return false;
    }
}

/* Can a VM be made at all? */
static bool present(struct kvm_probe *p)
{
    struct kvm_probe_row row = {0};
    struct guest g;
    bool made = start(&g, &row, X86_MODE_REAL, sum16, sizeof(sum16));

    end(&g);
    if (!made)
        format(p->why, sizeof(p->why), "%s", row.why_not);
    return made;
}

void kvm_probe_run(struct kvm_probe *p)
{
    unsigned works = 0;
    struct guest g;

    *p = (struct kvm_probe){.verdict = KVM_ABSENT};
    fill_names(p);
    if (!present(p))
        return;
    p->count = KVM_PROBE_ROWS;
    for (unsigned i = 0; i < KVM_PROBE_ROWS; i++) {
        struct kvm_probe_row *row = &p->rows[i];

        row->works = i < X86_MODE_COUNT
                         ? probe_mode(&g, row, i)
                         : probe_feature(
                               &g, row, (enum kvm_feature)(i - X86_MODE_COUNT));
        end(&g);
        works += row->works || !row->needed;
    }
    p->verdict = works == KVM_PROBE_ROWS ? KVM_WHOLE : KVM_PARTIAL;
}
#else
void kvm_probe_run(struct kvm_probe *p)
{
    *p = (struct kvm_probe){.verdict = KVM_ABSENT};
    fill_names(p);
    format(p->why, sizeof(p->why), KVM_NEEDS);
}
#endif
