/* When what the second level of translation has come to is kept, and when it is
 * dropped: a guest reads a page, its monitor puts another one there, and does
 * something or nothing before the guest reads again. */
#include "base/bytes.h"
#include "tests/x86_svm_rig.h"
#include "tests/x86_vtx_rig.h"

#include <check.h>
#include <string.h>

enum {
    PAGE = 0x9000,  /* that the guest reads; 11 is there */
    OTHER = 0xA000, /* what the monitor puts there; 22 */
    TABLES_2 = 0x70000,
    OLD = 0x11,
    NEW = 0x22,
    EPT_ALL = 7 | 6 << 3,
    EPT_READ_ONLY = 1 | 6 << 3,
    NPT_ALL = 7,
    NPT_READ_ONLY = 5
};

/* mov al, [9000h]; cpuid */
static const char reads[] = "\xA0\x00\x90\x0F\xA2";
/* mov byte [9000h], 77h; cpuid */
static const char writes[] = "\xC6\x06\x00\x90\x77\x0F\xA2";
enum { WRITES = 0x100, WRITTEN = 0x77 };

static void put_pages(uint8_t *storage)
{
    storage[PAGE] = OLD;
    storage[OTHER] = NEW;
}

/* ---- VT-x ---- */

static void vtx_set_up(void)
{
    vtx_rig_set_up();
    make_real();
    vmcs_put(v, VMX_SECONDARY_VPID, true);
    v->field[VMCS_VPID] = 1;
    put_pages(m->storage);
    memcpy(m->storage + TABLES_2, m->storage + EPT, 4096);
    CODE(GUEST, reads);
    CODE(GUEST + WRITES, writes);
}

static void vtx_put(uint64_t page, unsigned rights)
{
    store_le64(ept_of(PAGE), page | rights);
}

static void vtx_run(unsigned ip, enum vmx_exit reason)
{
    v->field[VMCS_GUEST_RIP] = ip;
    vtx_rig_run_to(reason);
}

static uint8_t vtx_read(void)
{
    vtx_run(0, VMX_EXIT_CPUID);
    return (uint8_t)m->cpu.state.gpr[X86_RAX];
}

static void other_eptp(void)
{
    v->field[VMCS_EPT_POINTER] = TABLES_2 | 0x1E;
}

static void eptp_and_back(void)
{
    other_eptp();
    vtx_read();
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
}

static void other_vpid(void)
{
    v->field[VMCS_VPID] = 2;
}

static void no_vpid(void)
{
    vmcs_put(v, VMX_SECONDARY_VPID, false);
}

static void nothing(void)
{
}

/* SDM vol. 3, 29.4.1: guest-physical mappings are of an EPTP, not of a VPID;
 * 29.4.3.1, 29.4.3.3: what drops them. */
static const struct {
    const char *name;
    void (*monitor)(void);
    uint8_t reads;
} vtx_rows[] = {
    {"nothing", nothing, OLD},
    {"another EPTP", other_eptp, NEW},
    {"another EPTP, and back", eptp_and_back, NEW},
    {"another VPID", other_vpid, OLD},
    {"no VPID", no_vpid, OLD},
};

START_TEST(vtx_entries_keep_and_drop)
{
    ck_assert_uint_eq(vtx_read(), OLD);
    vtx_rows[_i].monitor();
    vtx_put(OTHER, EPT_ALL);
    uint8_t byte = vtx_read();
    ck_assert_msg(byte == vtx_rows[_i].reads, "%s: %x", vtx_rows[_i].name,
                  byte);
}
END_TEST

/* Each kind of access is walked for, and the latest walk counts for all. */
START_TEST(vtx_rights_are_apart)
{
    vtx_put(PAGE, EPT_READ_ONLY);
    ck_assert_uint_eq(vtx_read(), OLD);
    vtx_put(OTHER, EPT_ALL);
    vtx_run(WRITES, VMX_EXIT_CPUID);
    ck_assert_uint_eq(m->storage[OTHER], WRITTEN);
    ck_assert_uint_eq(m->storage[PAGE], OLD);
    ck_assert_uint_eq(vtx_read(), WRITTEN);
}
END_TEST

/* 29.4.3.1: a violation drops what there is of its address, also of its linear
 * address: no INVEPT is needed. */
START_TEST(vtx_violation_drops)
{
    vtx_put(PAGE, EPT_READ_ONLY);
    ck_assert_uint_eq(vtx_read(), OLD);
    vtx_run(WRITES, VMX_EXIT_EPT_VIOLATION);
    vtx_put(OTHER, EPT_ALL);
    ck_assert_uint_eq(vtx_read(), NEW);
}
END_TEST

/* 29.3.5: a write after a read sets the dirty flag; one that is kept need
 * not. */
START_TEST(vtx_writes_are_noted)
{
    enum { AD = 0x40, ACCESSED = 0x100, DIRTY = 0x200, BOTH = 0x300 };

    v->field[VMCS_EPT_POINTER] |= AD;
    vtx_read();
    ck_assert_uint_eq(load_le64(ept_of(PAGE)) & BOTH, ACCESSED);
    vtx_run(WRITES, VMX_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(ept_of(PAGE)) & BOTH, BOTH);
    vtx_put(PAGE, EPT_ALL);
    vtx_run(WRITES, VMX_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(ept_of(PAGE)) & BOTH, 0);
    v->field[VMCS_EPT_POINTER] = TABLES_2 | 0x1E | AD;
    vtx_run(WRITES, VMX_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(ept_of(PAGE)) & BOTH, BOTH);
}
END_TEST

/* ---- 64-bit guests ---- mov rax, cr3; mov cr3, rax; mov al, [9000h]; cpuid */

static const char reloads[] =
    "\x0F\x20\xD8\x0F\x22\xD8\x8A\x04\x25\x00\x90\x00\x00\x0F\xA2";
enum { RELOADED = 6 }; /* behind the load of CR3 */

/* A load of CR3 drops linear addresses' translations and no others (29.4.1). */
START_TEST(vtx_cr3_loads_keep)
{
    vmcs_make(v, X86_SAMPLE_LONG);
    vmcs_put(v, VMX_PRIMARY_SECONDARY, true);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    vmcs_put(v, VMX_SECONDARY_VPID, true);
    vmcs_put(v, VMX_PRIMARY_CR3_LOAD, false);
    vmcs_put(v, VMX_PRIMARY_CR3_STORE, false);
    v->field[VMCS_VPID] = 1;
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR3] = m->cpu.state.cr3;
    CODE(GUEST, reloads);
    vtx_run(GUEST + RELOADED, VMX_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)m->cpu.state.gpr[X86_RAX], OLD);
    vtx_put(OTHER, EPT_ALL);
    vtx_run(GUEST, VMX_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)m->cpu.state.gpr[X86_RAX], OLD);
    other_eptp();
    vtx_run(GUEST, VMX_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)m->cpu.state.gpr[X86_RAX], NEW);
}
END_TEST

/* Linear addresses' translations are of a VPID; without one none is kept
 * (29.4.3.1).  The guest's own table is what changes; 2 MiB is a page there. */
static const struct {
    const char *name;
    void (*monitor)(void);
    uint8_t reads;
} linear_rows[] = {
    {"nothing", nothing, OLD},
    {"another VPID", other_vpid, NEW},
    {"no VPID", no_vpid, NEW},
};

START_TEST(vtx_linear_is_of_a_vpid)
{
    enum { LEAF = 0x72000, DIRECTORY = X86_MODE_PAGES + 0x2000 };

    vmcs_make(v, X86_SAMPLE_LONG);
    vmcs_put(v, VMX_PRIMARY_SECONDARY, true);
    vmcs_put(v, VMX_SECONDARY_EPT, true);
    vmcs_put(v, VMX_SECONDARY_VPID, true);
    v->field[VMCS_VPID] = 1;
    v->field[VMCS_EPT_POINTER] = EPT | 0x1E;
    v->field[VMCS_GUEST_CR3] = m->cpu.state.cr3;
    store_le64(m->storage + DIRECTORY + 8, LEAF | 3);
    store_le64(m->storage + LEAF, PAGE | 3);
    CODE(GUEST, "\x8A\x04\x25\x00\x00\x20\x00\x0F\xA2"); /* al, [2 MiB] */
    vtx_run(GUEST, VMX_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)m->cpu.state.gpr[X86_RAX], OLD);
    linear_rows[_i].monitor();
    store_le64(m->storage + LEAF, OTHER | 3);
    vtx_run(GUEST, VMX_EXIT_CPUID);
    ck_assert_msg((uint8_t)m->cpu.state.gpr[X86_RAX] == linear_rows[_i].reads,
                  "%s", linear_rows[_i].name);
}
END_TEST

/* ---- AMD-V ---- */

static struct svm_rig r;

static void svm_set_up(void)
{
    r = svm_rig_new();
    svm_make_real(&r);
    put_pages(r.m->storage);
    memcpy(r.m->storage + TABLES_2, r.m->storage + SVM_NESTED, 4096);
    svm_code(&r, SVM_GUEST, reads, sizeof(reads) - 1);
    svm_code(&r, SVM_GUEST + WRITES, writes, sizeof(writes) - 1);
    vmcb_put(r.v, SVM_INTERCEPT_CPUID, true);
}

static void svm_tear_down(void)
{
    svm_rig_free(&r);
}

static void svm_put(uint64_t page, unsigned rights)
{
    store_le64(svm_nested_of(&r, PAGE), page | rights);
}

static void svm_run(uint64_t ip, enum svm_exit_code code)
{
    r.v->field[VMCB_RIP] = ip;
    svm_rig_run_to(&r, code);
}

static uint8_t svm_read(void)
{
    svm_run(0, SVM_EXIT_CPUID);
    return (uint8_t)r.v->field[VMCB_RAX];
}

/* What is changed in the VMCB, and comes with its next entry. */
static const struct {
    const char *name;
    enum vmcb_field field;
    uint64_t flip;
    uint8_t reads;
} svm_rows[] = {
    {"nothing", VMCB_ASID, 0, OLD},
    {"RFLAGS", VMCB_RFLAGS, 1, OLD},
    {"another ASID", VMCB_ASID, 6, NEW},
    {"another nCR3", VMCB_N_CR3, SVM_NESTED ^ TABLES_2, NEW},
    {"TLB_CONTROL: all", VMCB_TLB_CONTROL, VMCB_TLB_DROP_ALL, NEW},
    {"TLB_CONTROL: of the ASID", VMCB_TLB_CONTROL, VMCB_TLB_DROP_ASID, NEW},
    {"TLB_CONTROL: not global", VMCB_TLB_CONTROL, VMCB_TLB_DROP_ASID_LOCAL,
     NEW},
    {"CR0", VMCB_CR0, X86_CR0_TS, NEW},
    {"CR3", VMCB_CR3, 0x1000, NEW},
    {"CR4", VMCB_CR4, 8, NEW},
    {"EFER", VMCB_EFER, 1, NEW},
};

/* APM vol. 2, 15.15, 15.16: by ASID and TLB_CONTROL.  What the monitor changes
 * of a guest's registers changes translations here, too. */
START_TEST(svm_entries_keep_and_drop)
{
    ck_assert_uint_eq(svm_read(), OLD);
    svm_put(OTHER, NPT_ALL);
    r.v->field[svm_rows[_i].field] ^= svm_rows[_i].flip;
    uint8_t byte = svm_read();
    ck_assert_msg(byte == svm_rows[_i].reads, "%s: %x", svm_rows[_i].name,
                  byte);
}
END_TEST

START_TEST(svm_rights_are_apart)
{
    svm_put(PAGE, NPT_READ_ONLY);
    ck_assert_uint_eq(svm_read(), OLD);
    svm_put(OTHER, NPT_ALL);
    svm_run(WRITES, SVM_EXIT_CPUID);
    ck_assert_uint_eq(r.m->storage[OTHER], WRITTEN);
    ck_assert_uint_eq(svm_read(), WRITTEN);
}
END_TEST

/* A monitor that grants more after a fault need not flush. */
START_TEST(svm_fault_drops)
{
    uint64_t physical;

    svm_put(PAGE, NPT_READ_ONLY);
    ck_assert_uint_eq(svm_read(), OLD);
    svm_run(WRITES, SVM_EXIT_NPF);
    ck_assert(
        !x86_guest_tlb_find(&r.t->pages, PAGE, X86_GUEST_READ, &physical));
    svm_put(PAGE, NPT_ALL);
    svm_run(WRITES, SVM_EXIT_CPUID);
    ck_assert_uint_eq(svm_read(), WRITTEN);
}
END_TEST

START_TEST(svm_writes_are_noted)
{
    enum { ACCESSED = 0x20, DIRTY = 0x40, BOTH = 0x60 };

    svm_read();
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, PAGE)) & BOTH, ACCESSED);
    svm_run(WRITES, SVM_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, PAGE)) & BOTH, BOTH);
    svm_put(PAGE, NPT_ALL);
    svm_run(WRITES, SVM_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, PAGE)) & BOTH, 0);
    r.v->field[VMCB_TLB_CONTROL] = VMCB_TLB_DROP_ASID;
    svm_run(WRITES, SVM_EXIT_CPUID);
    ck_assert_uint_eq(load_le64(svm_nested_of(&r, PAGE)) & BOTH, BOTH);
}
END_TEST

START_TEST(svm_cr3_loads_keep)
{
    svm_make_long(&r);
    vmcb_put(r.v, SVM_INTERCEPT_CPUID, true);
    svm_code(&r, SVM_GUEST, reloads, sizeof(reloads) - 1);
    svm_run(SVM_GUEST + RELOADED, SVM_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)r.v->field[VMCB_RAX], OLD);
    svm_put(OTHER, NPT_ALL);
    svm_run(SVM_GUEST, SVM_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)r.v->field[VMCB_RAX], OLD);
    r.v->field[VMCB_TLB_CONTROL] = VMCB_TLB_DROP_ASID;
    svm_run(SVM_GUEST, SVM_EXIT_CPUID);
    ck_assert_uint_eq((uint8_t)r.v->field[VMCB_RAX], NEW);
}
END_TEST

/* ---- The table itself ---- */

/* Ages come round: what is of an old one must not come back with its number. */
START_TEST(ages_come_round)
{
    static struct x86_guest_tlb tlb;
    uint64_t physical = 0;

    x86_guest_tlb_put(&tlb, PAGE, X86_GUEST_READ, OTHER);
    ck_assert(x86_guest_tlb_find(&tlb, PAGE + 5, X86_GUEST_READ, &physical));
    ck_assert_uint_eq(physical, OTHER + 5);
    ck_assert(!x86_guest_tlb_find(&tlb, PAGE, X86_GUEST_WRITE, &physical));
    for (unsigned i = 0; i < X86_GUEST_AGES; i++) {
        x86_guest_tlb_flush(&tlb);
        ck_assert_msg(
            !x86_guest_tlb_find(&tlb, PAGE, X86_GUEST_READ, &physical),
            "after %u", i + 1);
    }
}
END_TEST

/* Pages that share a place do not answer for each other. */
START_TEST(places_are_shared)
{
    static struct x86_guest_tlb tlb;
    const uint64_t far = PAGE + X86_GUEST_TLB_SIZE * UINT64_C(4096);
    uint64_t physical;

    x86_guest_tlb_put(&tlb, PAGE, X86_GUEST_RIGHTS, OTHER);
    ck_assert(!x86_guest_tlb_find(&tlb, far, X86_GUEST_READ, &physical));
    x86_guest_tlb_put(&tlb, far, X86_GUEST_READ, PAGE);
    ck_assert(!x86_guest_tlb_find(&tlb, PAGE, X86_GUEST_READ, &physical));
    ck_assert(x86_guest_tlb_find(&tlb, far, X86_GUEST_READ, &physical));
    ck_assert(!x86_guest_tlb_find(&tlb, far, X86_GUEST_WRITE, &physical));
    x86_guest_tlb_put(&tlb, far, X86_GUEST_WRITE, PAGE);
    ck_assert(x86_guest_tlb_find(&tlb, far, X86_GUEST_READ, &physical));
    x86_guest_tlb_put(&tlb, far, X86_GUEST_WRITE, OTHER); /* it has moved */
    ck_assert(!x86_guest_tlb_find(&tlb, far, X86_GUEST_READ, &physical));
    ck_assert(x86_guest_tlb_find(&tlb, far, X86_GUEST_WRITE, &physical));
    x86_guest_tlb_drop(&tlb, far);
    ck_assert(!x86_guest_tlb_find(&tlb, far, X86_GUEST_WRITE, &physical));
    ck_assert(!x86_guest_tlb_find(&tlb, far, X86_GUEST_READ, &physical));
}
END_TEST

Suite *suite_x86_guest_tlb(void)
{
    Suite *s = suite_create("x86_guest_tlb");
    TCase *c = tcase_create("vtx");

    tcase_add_checked_fixture(c, vtx_set_up, vtx_rig_tear_down);
    tcase_add_loop_test(c, vtx_entries_keep_and_drop, 0, ARRAY_LEN(vtx_rows));
    tcase_add_test(c, vtx_rights_are_apart);
    tcase_add_test(c, vtx_violation_drops);
    tcase_add_test(c, vtx_writes_are_noted);
    tcase_add_test(c, vtx_cr3_loads_keep);
    tcase_add_loop_test(c, vtx_linear_is_of_a_vpid, 0, ARRAY_LEN(linear_rows));
    suite_add_tcase(s, c);
    c = tcase_create("svm");
    tcase_add_checked_fixture(c, svm_set_up, svm_tear_down);
    tcase_add_loop_test(c, svm_entries_keep_and_drop, 0, ARRAY_LEN(svm_rows));
    tcase_add_test(c, svm_rights_are_apart);
    tcase_add_test(c, svm_fault_drops);
    tcase_add_test(c, svm_writes_are_noted);
    tcase_add_test(c, svm_cr3_loads_keep);
    suite_add_tcase(s, c);
    c = tcase_create("table");
    tcase_add_test(c, ages_come_round);
    tcase_add_test(c, places_are_shared);
    suite_add_tcase(s, c);
    return s;
}
