/* What the engines on the modelled processor settle by themselves, and what
 * they tell: the guest must not see a difference from a bare processor without
 * VT-x and AMD-V.  What they have in common with /dev/kvm: test_x86_exits.c,
 * test_x86_kvm.c. */
#include "base/bytes.h"
#include "tests/skip.h"
#include "tests/x86_hostile_judge.h"
#include "tests/x86_rig.h"
#include "x86vmm/engine/engine_svm.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/machine/exception.h"
#include "x86vmm/machine/op.h"
#include "x86vmm/machine/platform.h"

#include <check.h>
#include <string.h>

enum { HANDLER = 0x7E00 };

/* Real mode; any exception in the table ends in: pop bx; hlt. */
static struct rig *rig_catching(unsigned vector, const void *code, size_t n)
{
    struct rig *r = rig_with_code(X86_MODE_REAL, code, n);

    store_le32(mem_at(&r->vm->mem, 4 * vector, 4), HANDLER);
    memcpy(mem_at(&r->vm->mem, HANDLER, 2), "\x5B\xF4", 2);
    return r;
}

/* Code that raises `vector` at offset `at`, stepped or not. */
static void raises(unsigned vector, unsigned at, const void *code, size_t n)
{
    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_catching(vector, code, n);

        r->vm->vcpu.stepping = stepping;
        rig_run_to_halt(r);
        ck_assert_msg(x86_vm_state(r->vm)->gpr[X86_RBX] == X86_LOAD_REAL + at,
                      "vector %u at %llx\n%s", vector,
                      (unsigned long long)x86_vm_state(r->vm)->gpr[X86_RBX],
                      r->log);
        ck_assert_uint_eq(rig_count(r, "SENSITIVE"), 0);
        rig_free(r);
    }
}
#define RAISES(vector, at, code) raises(vector, at, code, sizeof(code) - 1)

/* A guest that is not told of VT-x or AMD-V has none, though it runs in it. */
START_TEST(instructions_of_monitors_are_undefined)
{
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xC2\xF4");         /* vmlaunch */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xC4\xF4");         /* vmxoff */
    RAISES(X86_EXC_UD, 0, "\xF3\x0F\xC7\x36\0\0\xF4"); /* vmxon */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xD8\xF4");         /* vmrun */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDA\xF4");         /* vmload */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDB\xF4");         /* vmsave */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDC\xF4");         /* stgi */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDD\xF4");         /* clgi */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDE\xF4");         /* skinit */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xDF\xF4");         /* invlpga */
    if (rig_on_svm())
        RAISES(X86_EXC_UD, 0, "\x0F\x01\xC1\xF4"); /* vmcall */
    else
        RAISES(X86_EXC_UD, 0, "\x0F\x01\xD9\xF4"); /* vmmcall */
    RAISES(X86_EXC_UD, 0, "\x0F\x01\xD1\xF4");     /* xsetbv */
}
END_TEST

/* VMX operation fixes CR0.NE and CR4.VMXE; the guest sees its own. */
START_TEST(fixed_bits_are_shadowed)
{
    static const char code[] = "\x0F\x20\xC6"      /* mov esi, cr0 */
                               "\x0F\x20\xC0"      /* mov eax, cr0 */
                               "\x66\x83\xC8\x20"  /* or eax, NE */
                               "\x0F\x22\xC0"      /* mov cr0, eax */
                               "\x0F\x20\xC7"      /* mov edi, cr0 */
                               "\x66\x83\xE0\xDF"  /* and eax, ~NE */
                               "\x0F\x22\xC0"      /* mov cr0, eax */
                               "\x0F\x20\xC1"      /* mov ecx, cr0 */
                               "\x0F\x20\xE5\xF4"; /* mov ebp, cr4 */

    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_with_code(X86_MODE_REAL, code, sizeof(code) - 1);
        const struct x86_state *s = x86_vm_state(r->vm);

        r->vm->vcpu.stepping = stepping;
        rig_run_to_halt(r);
        ck_assert_uint_eq(s->gpr[X86_RSI] & X86_CR0_NE, 0);
        ck_assert_uint_eq(s->gpr[X86_RDI], s->gpr[X86_RSI] | X86_CR0_NE);
        ck_assert_uint_eq(s->gpr[X86_RCX], s->gpr[X86_RSI]);
        ck_assert_uint_eq(s->gpr[X86_RBP], 0);
        ck_assert_uint_eq(s->cr4, 0);
        rig_free(r);
    }
    /* mov eax, 2000h; mov cr4, eax: reserved, as there is no VT-x */
    RAISES(X86_EXC_GP, 6, "\x66\xB8\x00\x20\0\0\x0F\x22\xE0\xF4");
}
END_TEST

/* EFER.SVME likewise: mov ecx, EFER; rdmsr; mov esi, eax; or eax, SCE; wrmsr;
 * rdmsr; mov edi, eax; and a try to set it. */
START_TEST(efer_is_shadowed)
{
    static const char code[] = "\x66\xB9\x80\0\0\xC0\x0F\x32\x66\x89\xC6"
                               "\x66\x83\xC8\x01\x0F\x30\x0F\x32"
                               "\x66\x89\xC7\xF4";

    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_with_code(X86_MODE_REAL, code, sizeof(code) - 1);
        const struct x86_state *s = x86_vm_state(r->vm);

        r->vm->vcpu.stepping = stepping;
        rig_run_to_halt(r);
        ck_assert_uint_eq(s->gpr[X86_RSI], 0);
        ck_assert_uint_eq(s->gpr[X86_RDI], X86_EFER_SCE);
        ck_assert_uint_eq(s->efer, X86_EFER_SCE);
        ck_assert_uint_eq(rig_count(r, "SENSITIVE"), 0);
        rig_free(r);
    }
    RAISES(X86_EXC_GP, 15,
           "\x66\xB9\x80\0\0\xC0\x66\xBA\0\0\0\0" /* edx = 0 */
           "\xB4\x10\x90\x0F\x30\xF4");           /* ah = 10h */
}
END_TEST

/* WRMSR of IA32_APIC_BASE, which is the platform's: bits that are reserved, and
 * the x2APIC's, which there is none of (Intel SDM vol. 3, "Local APIC Status
 * and Location"). */
static void writes_apic_base(uint32_t edx, uint32_t eax, bool faults)
{
    enum { WRMSR = 18 };
    /* mov ecx, 1Bh; mov eax, ...; mov edx, ...; wrmsr; xor bx, bx; hlt */
    char code[] = "\x66\xB9\x1B\0\0\0\x66\xB8....\x66\xBA....\x0F\x30\x31"
                  "\xDB\xF4";

    store_le32((uint8_t *)code + 8, eax);
    store_le32((uint8_t *)code + 14, edx);
    struct rig *r = rig_catching(X86_EXC_GP, code, sizeof(code) - 1);
    struct x86_platform *p = x86_vm_platform(r->vm);
    p->apic = true;
    p->apic_base = X86_APIC_BASE_RESET;
    rig_run_to_halt(r);
    ck_assert_msg((uint16_t)x86_vm_state(r->vm)->gpr[X86_RBX] ==
                      (faults ? X86_LOAD_REAL + WRMSR : 0),
                  "%x:%x\n%s", edx, eax, r->log);
    ck_assert_uint_eq(p->apic_base,
                      faults ? X86_APIC_BASE_RESET
                             : ((uint64_t)edx << 32 | eax | X86_APIC_BSP));
    rig_free(r);
}

START_TEST(apic_base_has_reserved_bits)
{
    writes_apic_base(0, 0xFEE00900, false);
    writes_apic_base(0, 0xFEE00100, false);
    writes_apic_base(0xF, 0xFEE00800, false);
    writes_apic_base(0, 0xFEE00901, true);
    writes_apic_base(0, 0xFEE00980, true);
    writes_apic_base(0, 0xFEE00A00, true);
    writes_apic_base(0, 0xFEE00D00, true);
    writes_apic_base(0x10, 0xFEE00900, true);
}
END_TEST

/* The trap flag counts for instructions that the monitor does, too:
 * pushf; or word [esp], 100h; popf; X; hlt */
START_TEST(trap_flag_outlasts_an_exit)
{
    RAISES(X86_EXC_DB, 9, "\x9C\x66\x58\x80\xCC\x01\x50\x9D\x90\xF4");
    RAISES(X86_EXC_DB, 10, "\x9C\x66\x58\x80\xCC\x01\x50\x9D\xE6\x50\xF4");
    RAISES(X86_EXC_DB, 10, "\x9C\x66\x58\x80\xCC\x01\x50\x9D\xE4\x50\xF4");
    RAISES(X86_EXC_DB, 9, "\x9C\x66\x58\x80\xCC\x01\x50\x9D\xF4");
    /* mov dx, E000h; mov ds, dx; ... mov al, [0]; mov [0], al */
    RAISES(X86_EXC_DB, 16,
           "\xBA\0\xE0\x8E\xDA\x9C\x66\x58\x80\xCC\x01\x50\x9D\xA0\0\0\xF4");
    RAISES(X86_EXC_DB, 16,
           "\xBA\0\xE0\x8E\xDA\x9C\x66\x58\x80\xCC\x01\x50\x9D\xA2\0\0\xF4");
}
END_TEST

/* xor eax, eax: VERSION; vmcall or vmmcall; mov si, ax; hlt */
START_TEST(there_is_a_hypercall)
{
    uint8_t code[] = {0x66, 0x31, 0xC0, 0x0F, 0x01, 0xC1, 0x89, 0xC6, 0xF4};

    if (rig_on_svm())
        code[5] = 0xD9;
    struct rig *r = rig_with_code(X86_MODE_REAL, code, sizeof(code));

    rig_run_to_halt(r);
    ck_assert_uint_eq(rig_count(r, "HYPERCALL"), 1);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RSI] & 0xFFFF, 1);
    rig_free(r);
}
END_TEST

/* ---- Devices in storage ---- */

struct listener {
    unsigned n, bytes;
    uint64_t last;
};

static void listen(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    struct listener *l = dev;

    if (!write)
        *value = 0x1111111111111111 * (offset + 1);
    l->n++;
    l->bytes += size;
    l->last = *value;
}

static uint64_t last_heard;

/* Accesses that no decoder of a few forms would know, in long mode: RBX is
 * E0000. */
static void listened(const char *code, size_t n, unsigned accesses,
                     unsigned bytes, uint64_t rax)
{
    struct listener l = {0, 0, 0};
    struct rig *r = rig_with_code(X86_MODE_LONG, code, n);
    struct bus_device d = {BUS_MMIO, 0xE0000, 0xE0FFF, "listener", listen, &l};

    ck_assert_int_eq(bus_add(&r->vm->bus, &d), STATUS_OK);
    x86_vm_state(r->vm)->gpr[X86_RBX] = 0xE0000;
    x86_vm_state(r->vm)->gpr[X86_RDI] = 0x9000;
    x86_vm_state(r->vm)->gpr[X86_RSI] = 0xE0000;
    x86_vm_state(r->vm)->gpr[X86_RCX] = 3;
    rig_run_to_halt(r);
    ck_assert_msg(l.n == accesses && l.bytes == bytes,
                  "%u accesses, %u bytes\n%s", l.n, l.bytes, r->log);
    ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RAX], rax);
    ck_assert_uint_eq(rig_count(r, "MMIO"), accesses);
    last_heard = l.last;
    rig_free(r);
}
#define LISTENED(accesses, bytes, rax, code) \
    listened(code, sizeof(code) - 1, accesses, bytes, rax)

START_TEST(any_instruction_may_meet_a_device)
{
    LISTENED(2, 8, 0x11111111, /* xor eax, eax; xchg [rbx], eax */
             "\x31\xC0\x87\x03\xF4");
    LISTENED(3, 3, 0x11332211, /* rep movsb; mov eax, [9000h]; high byte: */
             "\xC6\x04\x25\x03\x90\0\0\x11" /* movb [9003h], 11h */
             "\xF3\xA4\x8B\x04\x25\0\x90\0\0\xF4");
    LISTENED(1, 8, 0x1111111111111111, /* push [rbx]; pop rax */
             "\xFF\x33\x58\xF4");
    LISTENED(2, 8, 0, /* xor eax, eax; inc dword [rbx] */
             "\x31\xC0\xFF\x03\xF4");
}
END_TEST

/* Moves, which are not executed twice: rax = -1 first. */
START_TEST(moves_meet_a_device)
{
    LISTENED(1, 4, 0x11111111, /* mov eax, [rbx] */
             "\x48\x83\xC8\xFF\x8B\x03\xF4");
    LISTENED(1, 8, 0x1111111111111111, /* mov rax, [rbx] */
             "\x48\x83\xC8\xFF\x48\x8B\x03\xF4");
    LISTENED(1, 2, 0xFFFFFFFFFFFF1111, /* mov ax, [rbx] */
             "\x48\x83\xC8\xFF\x66\x8B\x03\xF4");
    LISTENED(1, 1, 0xFFFFFFFFFFFFFF22, /* mov al, [rbx + 1] */
             "\x48\x83\xC8\xFF\x8A\x43\x01\xF4");
    LISTENED(1, 1, 0xFFFFFFFFFFFF11FF, /* mov ah, [rbx] */
             "\x48\x83\xC8\xFF\x8A\x23\xF4");
    LISTENED(1, 4, 0xDDDDDDDD, /* mov eax, [rbx + rcx * 4] */
             "\x48\x83\xC8\xFF\x8B\x04\x8B\xF4");
    LISTENED(1, 2, 0x7777, /* movzx eax, word [rbx + 6] */
             "\x48\x83\xC8\xFF\x0F\xB7\x43\x06\xF4");
    LISTENED(1, 1, 0xFFFFFFFFFFFFFF99, /* movsx rax, byte [rbx + 8] */
             "\x48\x31\xC0\x48\x0F\xBE\x43\x08\xF4");
    LISTENED(1, 1, 0xFFFFFF99, /* movsx eax, byte [rbx + 8] */
             "\x48\x83\xC8\xFF\x0F\xBE\x43\x08\xF4");
    LISTENED(2, 12, 5, /* mov eax, 5; mov [rbx], rax; mov dword [rbx], -1 */
             "\xB8\x05\0\0\0\x48\x89\x03\xC7\x03\xFF\xFF\xFF\xFF\xF4");
    ck_assert_uint_eq(last_heard, 0xFFFFFFFF);
    LISTENED(1, 8, 5, /* mov eax, 5; mov [rbx], rax */
             "\xB8\x05\0\0\0\x48\x89\x03\xF4");
    ck_assert_uint_eq(last_heard, 5);
    LISTENED(1, 8, 0, /* xor eax, eax; mov qword [rbx], -2 */
             "\x31\xC0\x48\xC7\x03\xFE\xFF\xFF\xFF\xF4");
    ck_assert_uint_eq(last_heard, 0xFFFFFFFFFFFFFFFE);
}
END_TEST

/* Addresses above all storage, where the engine has its tables. */
START_TEST(tables_are_out_of_reach)
{
    /* real addresses cannot be that high; page tables can: PML4 entry 0, PDPT
     * entry 1 as a directory at 32 GiB: no storage there reads as ones */
    struct rig *r =
        rig_with_code(X86_MODE_LONG, "\xA0\0\0\0\x40\0\0\0\0\xF4", 10);

    store_le64(mem_at(&r->vm->mem, X86_MODE_PAGES + 0x1008, 8),
               UINT64_C(0x800001000) | 3);
    ck_assert_int_eq(rig_run(r), TURN_STOPPED);
    ck_assert_int_eq(r->vm->state, VM_FAILED); /* #PF, and no IDT */
    ck_assert_uint_eq(rig_count(r, "SHUTDOWN"), 1);
    rig_free(r);
}
END_TEST

/* The same run twice, and stepped: as many instructions. */
START_TEST(instructions_are_counted)
{
    uint64_t counts[2];

    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_with_guest(X86_MODE_LONG, "hello-long");

        if (!r)
            return;
        r->vm->vcpu.stepping = stepping;
        rig_run(r);
        counts[stepping] = r->vm->vcpu.insns;
        rig_free(r);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    ck_assert_uint_gt(counts[0], 1000);
}
END_TEST

/* ---- Interrupts ---- */

/* Line 0 is raised all the time; after STI one more instruction comes before
 * its interrupt, whatever leaves the guest meanwhile. */
static void interrupted_at(unsigned at, const void *code, size_t n)
{
    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_catching(X86_LINE_VECTOR, code, n);
        const uint64_t *gpr = x86_vm_state(r->vm)->gpr;

        r->vm->vcpu.stepping = stepping;
        x86_vm_platform(r->vm)->raised = 1;
        rig_run_to_halt(r);
        ck_assert_msg((uint16_t)gpr[X86_RBX] == X86_LOAD_REAL + at,
                      "%s, not %x: interrupted at %x\n%s",
                      stepping ? "stepped" : "at once", X86_LOAD_REAL + at,
                      (uint16_t)gpr[X86_RBX], r->log);
        rig_free(r);
    }
}
#define INTERRUPTED(at, code) interrupted_at(at, code, sizeof(code) - 1)

START_TEST(sti_keeps_its_shadow)
{
    INTERRUPTED(2, "\xFB\x90\x90\xF4");         /* sti; nop */
    INTERRUPTED(3, "\xFB\xE4\x50\x90\xF4");     /* sti; in al, 50h */
    INTERRUPTED(3, "\xFB\xE6\x50\x90\xF4");     /* sti; out 50h, al */
    INTERRUPTED(3, "\xFB\x0F\xA2\x90\xF4");     /* sti; cpuid */
    INTERRUPTED(2, "\xFB\xF4\x90\xF4");         /* sti; hlt */
    INTERRUPTED(3, "\x90\xFB\xFB\x90\x90\xF4"); /* nop; sti; sti */
    INTERRUPTED(5, "\xFB\x8E\xD0\xE4\x50\xF4"); /* sti; mov ss, ax; in */
    /* mov ax, E000h; mov ds, ax; sti; mov al, [bx], or inc byte [bx] */
    INTERRUPTED(8, "\xB8\0\xE0\x8E\xD8\xFB\x8A\x07\x90\xF4");
    INTERRUPTED(8, "\xB8\0\xE0\x8E\xD8\xFB\xFE\x07\x90\xF4");
    /* ...; mov ss, ax; xor sp, sp; sti; pop ss */
    INTERRUPTED(10, "\xB8\0\xE0\x8E\xD0\x31\xE4\xFB\x17\x90\x90\xF4");
}
END_TEST

/* ---- State that a handler changes ---- */

enum { OTHER_TABLES = 0x140000, LEAVES = 0x150000, HIGH_AT = 0x200000 };

static void change_cr3(void *who, uint64_t offset, unsigned size, bool write,
                       uint64_t *value)
{
    (void)offset, (void)size, (void)write, (void)value;
    x86_vm_state(who)->cr3 = OTHER_TABLES;
}

/* In these tables a page is at HIGH_AT, by 4-KiB leaves at `leaves`. */
static void put_high(struct vm *vm, uint64_t tables, uint64_t leaves,
                     uint64_t page)
{
    store_le64(mem_at(&vm->mem, tables + 0x2008, 8), leaves | 3);
    store_le64(mem_at(&vm->mem, leaves, 8), page | 3);
}

/* mov bl, [rsi]; out 50h, al: now CR3 is another; mov cl, [rsi]; hlt */
START_TEST(tables_change_in_an_exit)
{
    static const char code[] = "\x8A\x1E\xE6\x50\x8A\x0E\xF4";

    for (unsigned stepping = 0; stepping < 2; stepping++) {
        struct rig *r = rig_with_code(X86_MODE_LONG, code, sizeof(code) - 1);
        const struct mem_map *mem = &r->vm->mem;
        struct bus_device d = {BUS_PORT,  0x50,       0x50,
                               "changer", change_cr3, r->vm};

        ck_assert_int_eq(bus_add(&r->vm->bus, &d), STATUS_OK);
        memcpy(mem_at(mem, OTHER_TABLES, 0x3000),
               mem_at(mem, X86_MODE_PAGES, 0x3000), 0x3000);
        for (unsigned i = 0; i < 2; i++)
            store_le64(mem_at(mem, OTHER_TABLES + 0x1000 * i, 8),
                       (OTHER_TABLES + 0x1000 * (i + 1)) | 3);
        put_high(r->vm, X86_MODE_PAGES, LEAVES, 0x9000);
        put_high(r->vm, OTHER_TABLES, LEAVES + 0x1000, 0xA000);
        *(uint8_t *)mem_at(mem, 0x9000, 1) = 0x11;
        *(uint8_t *)mem_at(mem, 0xA000, 1) = 0x22;
        x86_vm_state(r->vm)->gpr[X86_RSI] = HIGH_AT;
        r->vm->vcpu.stepping = stepping;
        rig_run_to_halt(r);
        ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RBX] & 0xFF, 0x11);
        ck_assert_uint_eq(x86_vm_state(r->vm)->gpr[X86_RCX] & 0xFF, 0x22);
        rig_free(r);
    }
}
END_TEST

/* ---- VT-x and AMD-V ---- */

/* 1, 3: every instruction in the trace; 2, 3: long mode. */
START_TEST(both_tell_the_same)
{
    static char texts[2][sizeof(((struct rig *)0)->log)];
    bool stepping = _i & 1;
    enum x86_mode mode = _i & 2 ? X86_MODE_LONG : X86_MODE_REAL;

    for (unsigned i = 0; i < 2; i++) {
        rig_use(i ? &engine_svm : &engine_vtx);
        struct rig *r =
            rig_with_guest(mode, _i & 2 ? "hello-long" : "hello-real");
        if (!r)
            return;
        r->vm->vcpu.stepping = r->trace.insns = stepping;
        rig_run(r);
        ck_assert_uint_gt(r->logged, 10000);
        memcpy(texts[i], r->log, sizeof(texts[i]));
        rig_free(r);
    }
    ck_assert_str_eq(texts[0], texts[1]);
}
END_TEST

/* ---- Hostile guests ---- */

static void is_alike(const struct engine_ops *engine, uint64_t seed)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    const struct hostile_guest g = {.engine = engine,
                                    .seed = seed,
                                    .insns = 1500,
                                    .slice = slices[seed % 3]};
    char words[HOSTILE_WORDS] = "";

    ck_assert_msg(hostile_judge(&g, words) != HOSTILE_DIFFERENT,
                  "%s, seed %llu: %s", engine->name, (unsigned long long)seed,
                  words);
}

/* Programs that do everything that an engine has to settle; those that once
 * found something first. */
START_TEST(hostile_guests_find_no_difference)
{
    static const uint64_t known[] = {
        7,           11,          14,
        87,          100,         113,
        121,         147,         333,
        1530,        1891,        2309,
        20261122392, 77001000134, 77001000817,
        5000976,     5002095,     6006300,
        6006317,     7003533,     4611686018437391015};
    const struct engine_ops *engine = _i ? &engine_svm : &engine_vtx;

    if (!x86_op_decode_available()) {
        skip_test("%s", X86_NO_DECODER);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        is_alike(engine, known[i]);
    for (uint64_t seed = 1; seed <= 16; seed++)
        is_alike(engine, seed);
}
END_TEST

/* Real mode: two elements at every port but the one that ends the machine.
 *   xor dx, dx
 *   1: cmp dx, F4h; je 2; mov cx, 2; mov si, 9000h; mov di, si;
 *   rep outsb (or insb); 2: inc dx; jnz 1; hlt */
START_TEST(strings_at_every_port)
{
    uint8_t code[] = {0x31, 0xD2, 0x81, 0xFA, 0xF4, 0x00, 0x74, 0x0A,
                      0xB9, 0x02, 0x00, 0xBE, 0x00, 0x90, 0x89, 0xF7,
                      0xF3, 0x6E, 0x42, 0x75, 0xED, 0xF4};

    if (_i)
        code[17] = 0x6C;
    struct rig *r = rig_with_code(X86_MODE_REAL, code, sizeof(code));

    r->trace.sinks = NULL;
    rig_run_to_halt(r);
    ck_assert_uint_eq(r->vm->vcpu.insns, 2 + 65536 * 9 - 5);
    rig_free(r);
}
END_TEST

static void add_engine(Suite *s, const char *name, void (*use)(void))
{
    TCase *c = tcase_create(name);

    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, use, NULL);
    tcase_add_test(c, instructions_of_monitors_are_undefined);
    tcase_add_test(c, fixed_bits_are_shadowed);
    tcase_add_test(c, efer_is_shadowed);
    tcase_add_test(c, trap_flag_outlasts_an_exit);
    tcase_add_test(c, apic_base_has_reserved_bits);
    tcase_add_test(c, there_is_a_hypercall);
    tcase_add_test(c, any_instruction_may_meet_a_device);
    tcase_add_test(c, moves_meet_a_device);
    tcase_add_test(c, tables_are_out_of_reach);
    tcase_add_test(c, instructions_are_counted);
    tcase_add_test(c, sti_keeps_its_shadow);
    tcase_add_test(c, tables_change_in_an_exit);
    tcase_add_loop_test(c, strings_at_every_port, 0, 2);
    suite_add_tcase(s, c);
}

Suite *suite_x86_engine(void)
{
    Suite *s = suite_create("x86_engine");
    TCase *c = tcase_create("both");

    add_engine(s, "vtx", rig_use_vtx);
    add_engine(s, "svm", rig_use_svm);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, both_tell_the_same, 0, 4);
    tcase_add_loop_test(c, hostile_guests_find_no_difference, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
