/* A guest that is a monitor itself: its VT-x, its guest, and who gets which
 * exit (x86vmm/engine/nested.h). */
#include "base/bytes.h"
#include "tests/x86_hostile_judge.h"
#include "tests/x86_hostile_monitor.h"
#include "x86vmm/engine/engine_vtx.h"
#include "x86vmm/vtx/exit.h"
#include "x86vmm/vtx/sample.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- Beside the bare processor ---- */

enum { ROUNDS = 4, SEEDS = 10, INSNS = 700 };

/* Instructions of VT-x with right and wrong operands in every mode, and a guest
 * whose VMCS, tables and code are nearly right. */
START_TEST(hostile_monitors_find_no_difference)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    static const uint64_t known[] = {99,   162,  276,        313,    834,
                                     1796, 2025, 5100000439, 900318, 4002425};
    char words[HOSTILE_WORDS] = "";

    for (uint64_t i = 0; i < SEEDS; i++) {
        uint64_t seed =
            i < ARRAY_LEN(known) && !_i ? known[i] : 1000 * (unsigned)_i + i;

        const struct hostile_guest g = {.engine = &engine_vtx,
                                        .seed = seed,
                                        .monitor = true,
                                        .insns = INSNS,
                                        .slice = slices[seed % 3]};
        ck_assert_msg(hostile_judge(&g, words) != HOSTILE_DIFFERENT,
                      "seed %llu: %s", (unsigned long long)seed, words);
    }
}
END_TEST

/* Those that resume their guest, and once found something first. */
static const uint64_t resuming[] = {4000080, 4000130,  4000583, 4000683,
                                    4002102, 4004227,  5001140, 5004521,
                                    5004792, 70008144, 70008277};

START_TEST(nor_do_those_that_resume)
{
    static const uint64_t slices[] = {1000000, 7, 1};
    const struct hostile_guest g = {.engine = &engine_vtx,
                                    .seed = resuming[_i],
                                    .monitor = true,
                                    .resumes = true,
                                    .insns = 1200,
                                    .slice = slices[resuming[_i] % 3]};
    char words[HOSTILE_WORDS] = "";

    ck_assert_msg(hostile_judge(&g, words) != HOSTILE_DIFFERENT,
                  "seed %llu: %s", (unsigned long long)g.seed, words);
}
END_TEST

/* A monitor whose guest reads a page and calls CPUID, twice.  Between the two
 * it puts another page there, in the EPT, and says so by INVEPT; what has been
 * read is in R8. */
enum {
    VMXON_AT = 0x50000,
    VMCS_AT = 0x51000,
    EPT_AT = 0x60000,
    GUEST_AT = 0x30000,
    FIRST = 0x9000, /* 11 is there */
    SECOND = 0xA000 /* 22 */
};

static const char guest_code[] = "\xA0\x00\x90\x0F\xA2" /* mov al, [9000h] */
                                 "\xA0\x00\x90\x0F\xA2";
static const char launch_code[] = "\x0F\x01\xC2";
static const char exit_code[] =
    "\x49\xC1\xE0\x08\x41\x88\xC0" /* shl r8, 8; mov r8b, al */
    "\x49\xFF\xC1\x49\x83\xF9\x02" /* inc r9; cmp r9, 2 */
    "\x74\x28"                     /* je: the end */
    "\x48\xC7\x04\x25\x48\x30\x06\x00\x37\xA0\x00\x00" /* the entry */
    "\xB8\x02\x00\x00\x00\x66\x0F\x38\x80\x07"         /* invept of all */
    "\xB8\x1E\x68\x00\x00\x0F\x78\xC1"                 /* vmread rcx: RIP */
    "\x48\x83\xC1\x02\x0F\x79\xC1"                     /* add rcx, 2; vmwrite */
    "\x0F\x01\xC3\xF4";                                /* vmresume; hlt */

static void put_vmcs(struct vmcs *v, const struct x86_state *s)
{
    vmcs_make(v, X86_SAMPLE_REAL);
    v->field[VMCS_EPT_POINTER] = EPT_AT | 0x1E;
    v->field[VMCS_GUEST_CS_BASE] = GUEST_AT;
    v->field[VMCS_GUEST_CS_SELECTOR] = GUEST_AT >> 4;
    v->field[VMCS_GUEST_RIP] = 0;
    x86_bare_host(v, s, BARE_CODE + 0x100);
}

static void put_storage(uint8_t *storage)
{
    for (unsigned i = 0; i < 3; i++)
        store_le64(storage + EPT_AT + 0x1000 * i,
                   (EPT_AT + 0x1000 * (i + 1)) | 7);
    for (unsigned i = 0; i < 512; i++)
        store_le64(storage + EPT_AT + 0x3000 + 8 * i,
                   i * UINT64_C(4096) | 0x37);
    store_le32(storage + VMXON_AT, VMCS_REVISION);
    store_le32(storage + VMCS_AT, VMCS_REVISION);
    storage[FIRST] = 0x11;
    storage[SECOND] = 0x22;
    memcpy(storage + GUEST_AT, guest_code, sizeof(guest_code));
    memcpy(storage + BARE_CODE, launch_code, sizeof(launch_code));
    memcpy(storage + BARE_CODE + 0x100, exit_code, sizeof(exit_code));
}

static struct hostile_monitor *changing_monitor(void)
{
    struct hostile_monitor *h = calloc(1, sizeof(*h));

    h->m = x86_bare_new(X86_MODE_LONG);
    struct x86_cpu *cpu = &h->m->cpu;
    vtx_attach(&h->vtx, cpu);
    cpu->state.cr0 |= X86_CR0_NE;
    cpu->state.cr4 |= VMX_CR4_VMXE;
    cpu->state.gpr[X86_RDI] = BARE_DATA; /* INVEPT's descriptor: zeros */
    cpu->state.gpr[8] = cpu->state.gpr[9] = 0;
    h->vtx.on = true;
    h->vtx.vmxon = VMXON_AT;
    h->vtx.current = VMCS_AT;
    put_storage(h->m->storage);
    put_vmcs(&h->vtx.own, &cpu->state);
    x86_mode_changed(cpu);
    return h;
}

START_TEST(invept_drops_what_changed)
{
    char words[HOSTILE_WORDS] = "";
    struct hostile_pair *p =
        hostile_pair_of_monitor(&engine_vtx, changing_monitor(), 1000);

    ck_assert_msg(hostile_pair_run(p, 100, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8], 0x1122);
    hostile_pair_free(p);
}
END_TEST

/* Its guest has one of R10 EPTs, as what was read has it; we keep eight.
 * In each another page is there to be read.  The first EBX times the guest
 * reads it in another 2 MiB, too, which takes one shadow table more: they are
 * used up again and again, at every moment, with one EPT or with many. */
enum {
    EPTS = 11,
    TURNS = 1000,
    EPT_BYTES = 0x4000, /* four tables */
    READ_AT = 0x90000   /* a page for each EPT */
};

static const char turning_guest_code[] =
    "\xA0\x00\x00\x4B\x78\x05" /* mov al, [0]; dec bx; js: not that */
    "\x26\x02\x06\x00\x00"     /* add al, es:[0] */
    "\x0F\xA2";                /* cpuid */
static const char turning_exit_code[] =
    "\x4D\x6B\xC0\x1F\x0F\xB6\xC0"     /* imul r8, r8, 31; movzx eax, al */
    "\x49\x01\xC0\x49\xFF\xC1"         /* add r8, rax; inc r9 */
    "\x49\x81\xF9\xE8\x03\x00\x00"     /* cmp r9, 1000 */
    "\x74\x38"                         /* je: the end */
    "\x4C\x89\xC0\x31\xD2"             /* mov rax, r8; xor edx, edx */
    "\x49\xF7\xF2"                     /* div r10 */
    "\xC1\xE2\x0E"                     /* shl edx, 14 */
    "\x81\xC2\x1E\x00\x06\x00"         /* add edx, 6001Eh */
    "\xB8\x1A\x20\x00\x00\x0F\x79\xC2" /* vmwrite: EPT pointer */
    "\x4C\x89\xCA\x4C\x21\xDA"         /* mov rdx, r9; and rdx, r11 */
    "\x48\xC1\xE2\x15"                 /* shl rdx, 21 */
    "\xB8\x06\x68\x00\x00\x0F\x79\xC2" /* vmwrite: base of ES */
    "\x31\xD2"
    "\xB8\x1E\x68\x00\x00\x0F\x79\xC2" /* vmwrite: RIP, 0 */
    "\x0F\x01\xC3\xF4";                /* vmresume; hlt */

static void put_epts(uint8_t *storage)
{
    for (unsigned k = 0; k < EPTS; k++) {
        unsigned at = EPT_AT + k * EPT_BYTES;
        uint8_t *last = storage + at + 0x3000;

        for (unsigned i = 0; i < 3; i++)
            store_le64(storage + at + 0x1000 * i, (at + 0x1000 * (i + 1)) | 7);
        store_le64(storage + at + 0x1008, (at + 0x2000) | 7); /* 2 GiB */
        for (unsigned i = 0; i < 512; i++)
            store_le64(storage + at + 0x2000 + 8 * i, (at + 0x3000) | 7);
        for (unsigned i = 0; i < 256; i++)
            store_le64(last + 8 * i, i * UINT64_C(4096) | 0x37);
        store_le64(last, (READ_AT + k * 0x1000) | 0x37);
        storage[READ_AT + k * 0x1000] = (uint8_t)(7 * k + 3);
    }
    memcpy(storage + GUEST_AT, turning_guest_code, sizeof(turning_guest_code));
    memcpy(storage + BARE_CODE + 0x100, turning_exit_code,
           sizeof(turning_exit_code));
}

/* How often in another 2 MiB, and which: a mask for the number of the turn. */
static const struct {
    unsigned epts, far, mask;
} turnings[] = {
    {EPTS, 0, 0},    {EPTS, 1, 1},       {EPTS, 2, 3},     {EPTS, 3, 1},
    {EPTS, 200, 63}, {EPTS, TURNS, 511}, {1, TURNS, 1023}, {5, TURNS, 1023},
};

START_TEST(shadow_tables_are_used_up)
{
    struct hostile_monitor *h = changing_monitor();
    char words[HOSTILE_WORDS] = "";
    unsigned far = turnings[_i].far;
    uint64_t sum = 0;

    put_epts(h->m->storage);
    h->m->cpu.state.gpr[X86_RBX] = far;
    h->m->cpu.state.gpr[11] = turnings[_i].mask;
    h->m->cpu.state.gpr[10] = turnings[_i].epts;
    for (unsigned i = 0; i < TURNS; i++)
        sum =
            sum * 31 + (7 * (sum % turnings[_i].epts) + 3) * (i < far ? 2 : 1);
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000000);
    ck_assert_msg(hostile_pair_run(p, TURNS * 40, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[9], TURNS);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8], sum);
    hostile_pair_free(p);
}
END_TEST

/* Its guest's IRET unblocks NMIs, but not those that exit and are not virtual
 * (Intel SDM vol. 3, 26.3), though the shadow's first miss is at the stack; in
 * R8 what is blocked behind it. */
static const struct {
    bool exits, virtual;
    unsigned blocked;
} nmis[] = {{false, false, 0}, {true, false, 8}, {true, true, 0}};

START_TEST(iret_unblocks_whose_nmis)
{
    static const char guest[] = "\xCF\x0F\xA2"; /* iret; cpuid */
    static const char exit[] =
        "\xB8\x24\x48\x00\x00\x49\x0F\x78\xC0\xF4"; /* vmread r8; hlt */
    struct hostile_monitor *h = changing_monitor();
    uint8_t *storage = h->m->storage;
    struct vmcs *v = &h->vtx.own;
    char words[HOSTILE_WORDS] = "";

    memcpy(storage + GUEST_AT, guest, sizeof(guest));
    memcpy(storage + BARE_CODE + 0x100, exit, sizeof(exit));
    store_le16(storage + 0x8000, 1);
    store_le16(storage + 0x8002, GUEST_AT >> 4);
    store_le16(storage + 0x8004, 2);
    v->field[VMCS_GUEST_RSP] = 0x8000;
    v->field[VMCS_GUEST_INTERRUPTIBILITY] = 8;
    vmcs_put(v, VMX_PIN_NMI, nmis[_i].exits);
    vmcs_put(v, VMX_PIN_VIRTUAL_NMIS, nmis[_i].virtual);
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    ck_assert_msg(hostile_pair_run(p, 100, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8], nmis[_i].blocked);
    hostile_pair_free(p);
}
END_TEST

/* L1's bitmaps: the guest's instruction is at its beginning, then CPUID.  In R8
 * the reason of the first exit. */
static const struct {
    const char *code;
    unsigned at;  /* the byte of the bitmap */
    uint8_t bits; /* in it */
    bool ports;
    enum vmx_exit reason;
} bitmaps[] = {
    /* mov ecx, 174h; rdmsr or wrmsr: IA32_SYSENTER_CS */
    {"\x66\xB9\x74\x01\0\0\x0F\x32\x0F\xA2", 0x02E, 0x10, false,
     VMX_EXIT_RDMSR},
    {"\x66\xB9\x74\x01\0\0\x0F\x30\x0F\xA2", 0x82E, 0x10, false,
     VMX_EXIT_WRMSR},
    {"\x66\xB9\x74\x01\0\0\x0F\x32\x0F\xA2", 0x82E, 0x10, false,
     VMX_EXIT_CPUID},
    /* IA32_LSTAR */
    {"\x66\xB9\x82\0\0\xC0\x0F\x32\x0F\xA2", 0x410, 0x04, false,
     VMX_EXIT_RDMSR},
    {"\x66\xB9\x82\0\0\xC0\x0F\x30\x0F\xA2", 0xC10, 0x04, false,
     VMX_EXIT_WRMSR},
    {"\x66\xB9\x82\0\0\xC0\x0F\x30\x0F\xA2", 0xC10, 0xFB, false,
     VMX_EXIT_CPUID},
    /* in al, 50h; out 50h, ax; the port next to it */
    {"\xE4\x50\x0F\xA2", 0x00A, 0x01, true, VMX_EXIT_IO},
    {"\xE7\x4F\x0F\xA2", 0x00A, 0x01, true, VMX_EXIT_IO},
    {"\xE4\x51\x0F\xA2", 0x00A, 0x01, true, VMX_EXIT_CPUID},
};

START_TEST(bitmaps_are_its_own)
{
    enum { MAPS = 0x70000, CODE_BYTES = 10 };
    static const char exit[] =
        "\xB8\x02\x44\x00\x00\x49\x0F\x78\xC0\xF4"; /* vmread r8; hlt */
    struct hostile_monitor *h = changing_monitor();
    uint8_t *storage = h->m->storage;
    struct vmcs *v = &h->vtx.own;
    char words[HOSTILE_WORDS] = "";

    memcpy(storage + GUEST_AT, bitmaps[_i].code,
           bitmaps[_i].ports ? 4 : CODE_BYTES);
    memcpy(storage + BARE_CODE + 0x100, exit, sizeof(exit));
    storage[MAPS + bitmaps[_i].at] = bitmaps[_i].bits;
    vmcs_put(v, VMX_PRIMARY_MSR_BITMAPS, !bitmaps[_i].ports);
    vmcs_put(v, VMX_PRIMARY_IO_BITMAPS, bitmaps[_i].ports);
    v->field[VMCS_MSR_BITMAP] = v->field[VMCS_IO_BITMAP_A] = MAPS;
    v->field[VMCS_IO_BITMAP_B] = MAPS + 0x1000;
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8],
                      bitmaps[_i].reason);
    hostile_pair_free(p);
}
END_TEST

/* Its guest reads a page, then writes it: the second sets the dirty flag of
 * L1's entry, and nothing comes into a page that is read-only in L0's map. */
static const struct {
    bool flags, rom;
    unsigned entry; /* its low bits, afterwards */
    uint8_t byte;
} writings[] = {{false, false, 0x37, 0x12},
                {true, false, 0x337, 0x12},
                {false, true, 0x37, 0x11},
                {true, true, 0x337, 0x11}};

START_TEST(writes_after_reads_are_noted)
{
    enum { AD = 0x40, PAGE = 0x1000 };
    static const char guest[] = "\xA0\x00\x90\x40\xA2\x00\x90\x0F\xA2";
    struct hostile_monitor *h = changing_monitor();
    struct mem_map *mem = &h->m->mem;
    uint8_t *storage = h->m->storage;
    char words[HOSTILE_WORDS] = "";
    const struct mem_slot slots[] = {
        {0, FIRST, storage, 0},
        {FIRST, PAGE, storage + FIRST, writings[_i].rom ? MEM_READ_ONLY : 0},
        {FIRST + PAGE, BARE_STORAGE - FIRST - PAGE, storage + FIRST + PAGE, 0}};

    mem->count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(slots); i++)
        ck_assert(!mem_add(mem, &slots[i]));
    memcpy(storage + GUEST_AT, guest, sizeof(guest)); /* al + 1 is written */
    memcpy(storage + BARE_CODE + 0x100, "\xF4", 1);
    h->vtx.own.field[VMCS_EPT_POINTER] |= writings[_i].flags ? AD : 0;
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    ck_assert_msg(hostile_pair_run(p, 10, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(storage[FIRST], writings[_i].byte);
    ck_assert_uint_eq(load_le64(storage + EPT_AT + 0x3000 + 8 * FIRST / PAGE) &
                          0xFFF,
                      writings[_i].entry);
    hostile_pair_free(p);
}
END_TEST

/* An interrupt for L1 ends what its guest does or waits for, but not a shutdown
 * (Intel SDM vol. 3, 26.2); nor does it end a HLT of L1, which has IF off.  In
 * R8 the reason, and one: there was an exit. */
static const struct {
    const char *code;
    unsigned activity, rflags, exits;
} waits[] = {
    {"\xEB\xFE", 0, 0x002, 1 + VMX_EXIT_EXTERNAL_INTERRUPT}, /* jmp here */
    {"\xEB\xFE", 0, 0x202, 1 + VMX_EXIT_EXTERNAL_INTERRUPT},
    {"\xFB\xEB\xFD", 0, 0x002, 1 + VMX_EXIT_EXTERNAL_INTERRUPT}, /* sti */
    {"\xEB\xFE", 1, 0x202, 1 + VMX_EXIT_EXTERNAL_INTERRUPT},     /* HLT */
    {"\xEB\xFE", 1, 0x002, 1 + VMX_EXIT_EXTERNAL_INTERRUPT},
    {"\xEB\xFE", 2, 0x002, 0}, /* shutdown */
    {"\xEB\xFE", 2, 0x202, 0},
};

static void tell_reason(uint8_t *storage)
{
    static const char exit[] =
        "\xB8\x02\x44\x00\x00\x49\x0F\x78\xC0"  /* vmread r8: reason */
        "\x49\xFF\xC0\x90\x90\x90\x90\x90\xF4"; /* inc r8; nop; hlt */

    memcpy(storage + BARE_CODE + 0x100, exit, sizeof(exit));
}

START_TEST(interrupts_leave_its_guest)
{
    struct hostile_monitor *h = changing_monitor();
    struct vmcs *v = &h->vtx.own;
    char words[HOSTILE_WORDS] = "";

    strcpy((char *)h->m->storage + GUEST_AT, waits[_i].code);
    tell_reason(h->m->storage);
    vmcs_put(v, VMX_PIN_EXTERNAL_INTERRUPT, true);
    vmcs_put(v, VMX_PRIMARY_HLT, false);
    v->field[VMCS_GUEST_ACTIVITY] = waits[_i].activity;
    v->field[VMCS_GUEST_RFLAGS] = waits[_i].rflags;
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    bool asleep = waits[_i].activity != 0;
    ck_assert_msg(asleep || hostile_pair_run(p, 4, NULL, 0, words), "%s",
                  words);
    hostile_pair_interrupt(p, 0x20);
    ck_assert_msg(hostile_pair_run(p, 20, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8], waits[_i].exits);
    hostile_pair_free(p);
}
END_TEST

/* TF's trap behind STI, whose delivery is the first to touch its stack: it is
 * injected in STI's shadow. */
START_TEST(traps_behind_sti_come_again)
{
    struct hostile_monitor *h = changing_monitor();
    struct vmcs *v = &h->vtx.own;
    char words[HOSTILE_WORDS] = "";

    memcpy(h->m->storage + GUEST_AT, "\xFB\x90", 2);         /* sti */
    memcpy(h->m->storage + GUEST_AT + 0x100, "\x0F\xA2", 2); /* cpuid */
    store_le32(h->m->storage + 4 * X86_EXC_DB, GUEST_AT << 12 | 0x100);
    tell_reason(h->m->storage);
    v->field[VMCS_GUEST_RFLAGS] = 2 | X86_FLAG_TF;
    v->field[VMCS_GUEST_RSP] = 0x8000;
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    ck_assert_msg(hostile_pair_run(p, 6, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8],
                      1 + VMX_EXIT_CPUID);
    ck_assert_uint_eq(load_le16(h->m->storage + 0x7FFA), 1);
    hostile_pair_free(p);
}
END_TEST

/* An NMI that leaves its guest is being handled: the next one waits until L1
 * executes IRET. */
START_TEST(nmis_wait_for_its_iret)
{
    struct hostile_monitor *h = changing_monitor();
    struct vmcs *v = &h->vtx.own;
    char words[HOSTILE_WORDS] = "";

    strcpy((char *)h->m->storage + GUEST_AT, "\xEB\xFE");
    tell_reason(h->m->storage);
    vmcs_put(v, VMX_PIN_NMI, true);
    vmcs_put(v, VMX_PIN_VIRTUAL_NMIS, _i);
    struct hostile_pair *p = hostile_pair_of_monitor(&engine_vtx, h, 1000);
    ck_assert_msg(hostile_pair_run(p, 4, NULL, 0, words), "%s", words);
    hostile_pair_nmi(p);
    ck_assert_msg(hostile_pair_run(p, 7, NULL, 0, words), "%s", words);
    ck_assert_uint_eq(hostile_pair_bare(p)->cpu.state.gpr[8], 1);
    hostile_pair_nmi(p);
    ck_assert_msg(hostile_pair_run(p, 14, NULL, 0, words), "%s", words);
    ck_assert(hostile_pair_bare(p)->cpu.nmi_pending);
    hostile_pair_free(p);
}
END_TEST

/* ---- The tables ---- */

START_TEST(every_exit_is_somebodys)
{
    static const uint16_t rows[] = {
#define NESTED_EXIT(reason, whose) VMX_EXIT_##reason,
#include "x86vmm/engine/nested_exit.def"
#undef NESTED_EXIT
    };

    for (size_t i = 0; i < vmx_exits.count; i++) {
        unsigned found = 0;

        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            found += rows[k] == vmx_exits.rows[i].number;
        ck_assert_msg(found == 1, "%s has %u rows in nested_exit.def",
                      vmx_exits.rows[i].name, found);
    }
}
END_TEST

Suite *suite_x86_inner(void);
Suite *suite_x86_inner(void)
{
    Suite *s = suite_create("x86_inner");
    TCase *t = tcase_create("x86_inner");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, hostile_monitors_find_no_difference, 0, ROUNDS);
    tcase_add_loop_test(t, nor_do_those_that_resume, 0, ARRAY_LEN(resuming));
    tcase_add_test(t, invept_drops_what_changed);
    tcase_add_loop_test(t, iret_unblocks_whose_nmis, 0, ARRAY_LEN(nmis));
    tcase_add_loop_test(t, bitmaps_are_its_own, 0, ARRAY_LEN(bitmaps));
    tcase_add_loop_test(t, writes_after_reads_are_noted, 0,
                        ARRAY_LEN(writings));
    tcase_add_loop_test(t, shadow_tables_are_used_up, 0, ARRAY_LEN(turnings));
    tcase_add_test(t, every_exit_is_somebodys);
    suite_add_tcase(s, t);
    t = tcase_create("waiting"); /* what wakes up wrongly does so for ever */
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, interrupts_leave_its_guest, 0, ARRAY_LEN(waits));
    tcase_add_test(t, traps_behind_sti_come_again);
    tcase_add_loop_test(t, nmis_wait_for_its_iret, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
