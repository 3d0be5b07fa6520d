/* A monitor on bare metal that says all it is told: one small guest after the
 * other (cases.def) under AMD-V, a line for each #VMEXIT.  The same image runs
 * on the modelled processor, on Bochs and on QEMU; compare.sh holds the lines
 * against each other. */
#include "base/bytes.h"
#include "x86vmm/svm/exit.h"
#include "x86vmm/svm/sample.h"

enum {
    DATA = 0x5000,
    STACK = 0x7000,
    TABLES = 0x10000, /* of guests: PML4, PDPT, PD */
    GDT = 0x14000,
    TSS = 0x15000,
    IDT_32 = 0x16000,
    IDT_64 = 0x17000,
    GUEST = 0x30000,
    HANDLER = 0x800, /* in it: HLT */
    PAGE = 4096,
    PORT = 0xE9,
    PORT_END = 0xF4,
    PORT_OFF = 0x8900
};

void monitor_enter(uint64_t vmcb, uint64_t *registers);
void monitor_ignore(void);
extern const uint8_t trap_stubs[]; /* 16 bytes each */
void bare_main(uint32_t magic, uint32_t storage);
void bare_trap(const uint64_t *frame);

#define PAGES(name, n) \
    static uint8_t name[(n)*PAGE] __attribute__((aligned(4096)))
PAGES(block, 1);
PAGES(save, 1);
PAGES(own_idt, 1);
PAGES(iopm, 4);
PAGES(msrpm, 2);
PAGES(nested, 4); /* PML4, PDPT, PD, PT of the first 2 MiB */

static struct vmcb vmcb;
static uint64_t regs[6]; /* RBX RCX RDX RSI RDI RBP */

/* ---- The machine ---- */

static inline void out_byte(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint64_t read_msr(uint32_t index)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return low | (uint64_t)high << 32;
}

static inline void write_msr(uint32_t index, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"a"((uint32_t)value), "d"(value >> 32),
                     "c"(index));
}

static uint8_t *at(uint64_t address)
{
    return (uint8_t *)(uintptr_t)address;
}

/* ---- The console ---- */

static void say(const char *text)
{
    while (*text)
        out_byte(PORT, (uint8_t)*text++);
}

static void say_hex(uint64_t value)
{
    bool begun = false;

    for (int i = 60; i >= 0; i -= 4) {
        unsigned d = value >> i & 15;

        begun = begun || d || !i;
        if (begun)
            out_byte(PORT, (uint8_t) "0123456789abcdef"[d]);
    }
}

static void say_value(const char *name, uint64_t value)
{
    say(" ");
    say(name);
    say("=");
    say_hex(value);
}

static _Noreturn void end(void)
{
    say("end\n");
    for (const char *p = "Shutdown"; *p; p++)
        out_byte(PORT_OFF, (uint8_t)*p);
    out_byte(PORT_END, 0x10);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void bare_trap(const uint64_t *frame)
{
    say("trap");
    say_value("vector", frame[0]);
    say("\n");
    end();
}

/* ---- What guests have ---- */

static void make_pages(uint8_t *root, uint8_t *next, uint64_t flags)
{
    store_le64(root, (uintptr_t)next | flags);
    store_le64(next, (uintptr_t)(next + PAGE) | flags);
    for (uint64_t i = 0; i < 512; i++)
        store_le64(next + PAGE + 8 * i, i << 21 | flags | 0x80);
}

static void make_nested(void)
{
    make_pages(nested, nested + PAGE, 7);
    store_le64(nested + 2 * PAGE, (uintptr_t)(nested + 3 * PAGE) | 7);
    for (uint64_t i = 0; i < 512; i++)
        store_le64(nested + 3 * PAGE + 8 * i, i << 12 | 7);
}

static void set_page(uint64_t gpa, uint64_t flags)
{
    store_le64(nested + 3 * PAGE + 8 * (gpa >> 12), gpa | flags);
}

static void make_gates(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint32_t to = GUEST + HANDLER;

        store_le32(at(4 * i), (GUEST >> 4) << 16 | HANDLER);
        store_le32(at(IDT_32 + 8 * i), (to & 0xFFFF) | 0x08 << 16);
        store_le32(at(IDT_32 + 8 * i + 4), (to & 0xFFFF0000) | 0x8E00);
        store_le64(at(IDT_64 + 16 * i), (to & 0xFFFF) | 0x18 << 16 |
                                            UINT64_C(0x8E00) << 32 |
                                            (uint64_t)(to >> 16) << 48);
        store_le64(at(IDT_64 + 16 * i + 8), 0);
    }
    store_le64(at(IDT_32 + 8 * 0x30), UINT64_C(0x0000850000280000));
}

static void make_guests(void)
{
    static const uint64_t descriptors[] = {0,
                                           UINT64_C(0x00CF9B000000FFFF),
                                           UINT64_C(0x00CF93000000FFFF),
                                           UINT64_C(0x00AF9B000000FFFF),
                                           0,
                                           UINT64_C(0x0000890150000067)};

    for (unsigned i = 0; i < ARRAY_LEN(descriptors); i++)
        store_le64(at(GDT + 8 * i), descriptors[i]);
    make_gates();
    make_pages(at(TABLES), at(TABLES + PAGE), 7);
}

/* ---- Cases ---- */

enum mode { REAL, PROTECTED, LONG, USER };

static void make_mode(enum mode mode)
{
    vmcb_make(&vmcb, mode >= LONG        ? X86_SAMPLE_LONG
                     : mode == PROTECTED ? X86_SAMPLE_PAE
                                         : X86_SAMPLE_REAL);
#define V(name) vmcb.field[VMCB_##name]
    V(N_CR3) = (uintptr_t)nested;
    V(IOPM_BASE) = (uintptr_t)iopm;
    V(MSRPM_BASE) = (uintptr_t)msrpm;
    V(GDTR_BASE) = GDT;
    V(GDTR_LIMIT) = 0x2F;
    V(RIP) = GUEST;
    V(RSP) = STACK;
    V(IDTR_LIMIT) = 0xFFF;
    V(INTERCEPT_2) |= 2; /* VMMCALL */
    for (unsigned i = X86_ES; i <= X86_GS; i++)
        V(ES_SELECTOR + 4 * i) = mode == REAL ? 0 : i == X86_CS ? 8 : 0x10;
    if (mode == REAL) {
        V(CS_SELECTOR) = GUEST >> 4;
        V(CS_BASE) = GUEST;
        V(RIP) = 0;
        V(IDTR_LIMIT) = 0x3FF;
    } else if (mode == PROTECTED) {
        V(CR0) = 0x11;
        V(CR4) = 0;
        V(IDTR_BASE) = IDT_32;
        V(IDTR_LIMIT) = 0x7FF;
        V(TR_SELECTOR) = 0x20;
        V(TR_BASE) = TSS + 0x800;
    } else {
        V(CS_SELECTOR) = 0x18;
        V(CR3) = TABLES;
        V(IDTR_BASE) = IDT_64;
    }
    if (mode == USER) {
        V(CPL) = 3;
        V(CS_ATTRIB) |= X86_ATTR_DPL;
        V(SS_ATTRIB) |= X86_ATTR_DPL;
        V(CS_SELECTOR) |= 3;
        V(SS_SELECTOR) |= 3;
    }
}

#define ON(name)     vmcb_put(&vmcb, SVM_INTERCEPT_##name, true)
#define CR(bit)      (V(INTERCEPT_CR) |= 1u << (bit))
#define DR(bit)      (V(INTERCEPT_DR) |= 1u << (bit))
#define EXCEPTION(n) (V(INTERCEPT_EXCEPTIONS) |= 1u << (n))
#define EVENT(type, vector) \
    V(EVENTINJ) = VMCB_EVENT_VALID | (uint64_t)(type) << 8 | (vector)
#define VIRTUAL(priority, tpr, vector)                          \
    (VMCB_V_IRQ | VMCB_V_MASKING | (uint64_t)(priority) << 16 | \
     (uint64_t)(vector) << 32 | (tpr))
#define UNMAP(page)      set_page(page, 0)
#define READ_ONLY(page)  set_page(page, 5)
#define SUPERVISOR(page) set_page(page, 3)
#define NO_EXECUTE(page) set_page(page, 7 | UINT64_C(1) << 63)

#define CASE(name, mode, steps, setup) extern const uint8_t guest_##name[];
#include "tests/svm/cases.def"
#undef CASE

/* What stands for the intercept that has just exited is taken away. */
static bool forgo(void)
{
    uint64_t code = V(EXITCODE);

    if (code < 0x20)
        V(INTERCEPT_CR) &= ~(UINT64_C(1) << code);
    else if (code < 0x40)
        V(INTERCEPT_DR) &= ~(UINT64_C(1) << (code - 0x20));
    else if (code >= 0x60 && code <= 0xA0 && code != SVM_EXIT_HLT &&
             code != SVM_EXIT_SHUTDOWN && code != SVM_EXIT_VMRUN &&
             code != SVM_EXIT_VMMCALL)
        vmcb_put(&vmcb, (enum svm_intercept)(code - 0x60), false);
    else
        return code == SVM_EXIT_EXCP_DB;
    return true;
}

/* The fields that are told, by name. */
static const struct {
    const char *name;
    uint16_t field;
} told[] = {
    {"info1", VMCB_EXITINFO1},
    {"info2", VMCB_EXITINFO2},
    {"intinfo", VMCB_EXITINTINFO},
    {"nrip", VMCB_NRIP},
    {"bytes", VMCB_INSN_COUNT},
    {"inject", VMCB_EVENTINJ},
    {"shadow", VMCB_INTERRUPT_SHADOW},
    {"vintr", VMCB_V_INTR},
    {"rip", VMCB_RIP},
    {"rflags", VMCB_RFLAGS},
    {"rax", VMCB_RAX},
    {"rsp", VMCB_RSP},
    {"cpl", VMCB_CPL},
    {"cs", VMCB_CS_SELECTOR},
    {"csbase", VMCB_CS_BASE},
    {"csattr", VMCB_CS_ATTRIB},
    {"ss", VMCB_SS_SELECTOR},
    {"cr0", VMCB_CR0},
    {"cr2", VMCB_CR2},
    {"cr3", VMCB_CR3},
    {"cr4", VMCB_CR4},
    {"efer", VMCB_EFER},
    {"dr6", VMCB_DR6},
    {"dr7", VMCB_DR7},
};

static void tell(unsigned number, const char *name, unsigned step)
{
    static const char *const names[] = {"rbx", "rcx", "rdx"};
    const struct svm_exit_desc *e = svm_exit_of(V(EXITCODE));
    uint64_t stack = V(SS_BASE) + V(RSP);

    say_hex(number);
    say(".");
    say(name);
    say(".");
    say_hex(step);
    say(" exit=");
    if (e)
        say(e->name);
    else
        say_hex(V(EXITCODE));
    for (unsigned i = 0; i < ARRAY_LEN(told); i++)
        say_value(told[i].name, vmcb.field[told[i].field]);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        say_value(names[i], regs[i]);
    if (stack + 48 < GUEST && stack >= DATA) {
        say_value("stack0", load_le64(at(stack)));
        say_value("stack1", load_le64(at(stack + 8)));
        say_value("stack2", load_le64(at(stack + 16)));
    }
    say("\n");
}

static void run(unsigned number, const char *name, unsigned steps)
{
    for (unsigned step = 1; step <= steps; step++) {
        for (unsigned a = 0; a < VMCB_AREA_COUNT; a++)
            vmcb_store(&vmcb, 1u << a, block);
        monitor_enter((uintptr_t)block, regs);
        vmcb_load(&vmcb, block);
        tell(number, name, step);
        V(TLB_CONTROL) = 1;
        if (!forgo())
            return;
    }
}

static void prepare(const uint8_t *code, enum mode mode)
{
    enum { LENGTH = 128 };

    make_nested();
    make_guests();
    for (unsigned i = 0; i < LENGTH; i++)
        at(GUEST)[i] = code[i];
    *at(GUEST + HANDLER) = 0xF4;
    for (unsigned i = 0; i < 0x2000; i++)
        at(DATA)[i] = (uint8_t)(i < 32 ? 0 : 0xAA);
    for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
        regs[i] = 0;
    make_mode(mode);
    V(TLB_CONTROL) = 1;
}

/* Our own exceptions. */
static void load_idt(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {32 * 16 - 1, (uintptr_t)own_idt};

    for (unsigned i = 0; i < 32; i++) {
        uint64_t to =
            i == 1 ? (uintptr_t)monitor_ignore : (uintptr_t)trap_stubs + 16 * i;

        store_le64(own_idt + 16 * i, (to & 0xFFFF) | 0x18 << 16 |
                                         UINT64_C(0x8E00) << 32 |
                                         (to >> 16 & 0xFFFF) << 48);
    }
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

void bare_main(uint32_t magic, uint32_t storage)
{
    unsigned number = 0;

    (void)magic, (void)storage;
    load_idt();
    out_byte(0x21, 0xFF);
    out_byte(0xA1, 0xFF);
    write_msr(0xC0000080, read_msr(0xC0000080) | SVM_EFER_SVME | 0x800);
    write_msr(0xC0010117, (uintptr_t)save);
    for (unsigned i = 0; i < sizeof(iopm); i++)
        iopm[i] = 0xFF;
    for (unsigned i = 0; i < sizeof(msrpm); i++)
        msrpm[i] = 0xFF;
#define CASE(name, mode, steps, setup) \
    prepare(guest_##name, mode);       \
    setup;                             \
    run(++number, #name, steps);
#include "tests/svm/cases.def"
#undef CASE
    end();
}
