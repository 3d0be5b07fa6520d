/* Paging of the modelled x86 processor: rights, large pages, translations. */
#include "base/bytes.h"
#include "tests/x86_bare.h"
#include "x86vmm/machine/access.h"
#include "x86vmm/machine/paging.h"

#include <check.h>
#include <inttypes.h>

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, G = 0x100 };
#define XD (UINT64_C(1) << 63)

enum { TABLE = BARE_PAGE_TABLE, FRAME = 0x30000 };

static const struct right {
    uint64_t entry;
    unsigned access, user, wp, nxe;
    int error; /* of #PF; -1: none */
} rights[] = {
    {FRAME | P | W | U, X86_READ, 1, 1, 1, -1},
    {FRAME | P | W | U, X86_WRITE, 1, 1, 1, -1},
    {FRAME | P | W | U, X86_FETCH, 1, 1, 1, -1},
    {FRAME | P | W, X86_READ, 1, 1, 1, 5},
    {FRAME | P | W, X86_READ, 0, 1, 1, -1},
    {FRAME | P | U, X86_WRITE, 1, 1, 1, 7},
    {FRAME | P | U, X86_WRITE, 1, 0, 1, 7},
    {FRAME | P | U, X86_WRITE, 0, 1, 1, 3},
    {FRAME | P | U, X86_WRITE, 0, 0, 1, -1},
    {FRAME | W | U, X86_READ, 1, 1, 1, 4},
    {FRAME | W | U, X86_WRITE, 0, 1, 1, 2},
    {FRAME | W | U, X86_FETCH, 0, 1, 1, 0x10},
    {FRAME | W | U, X86_FETCH, 0, 1, 0, 0},
    {FRAME | P | U | XD, X86_FETCH, 1, 1, 1, 0x15},
    {FRAME | P | U | XD, X86_READ, 1, 1, 1, -1},
    {FRAME | P | U | XD, X86_READ, 1, 1, 0, 0xD}, /* reserved */
    {FRAME | P | U | UINT64_C(1) << 40, X86_READ, 1, 1, 1, 0xD},
    {FRAME | P | U | UINT64_C(1) << 52, X86_READ, 1, 1, 1, -1},
};

START_TEST(rights_of_pages)
{
    const struct right *r = &rights[_i];
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint8_t *entry = x86_bare_map(m, r->entry);
    struct x86_page page;
    int code;

    m->cpu.state.cr0 |= r->wp ? X86_CR0_WP : 0;
    m->cpu.state.efer |= r->nxe ? X86_EFER_NXE : 0;
    code = x86_page_walk(&m->cpu, BARE_PAGE + 5, (enum x86_access)r->access,
                         r->user, &page);
    ck_assert_int_eq(code ? (int)m->cpu.fault.error : -1, r->error);
    if (code) {
        ck_assert_uint_eq(m->cpu.fault.cr2, BARE_PAGE + 5);
        ck_assert_uint_eq(load_le64(entry), r->entry); /* no A, no D */
        x86_bare_free(m);
        return;
    }
    ck_assert_uint_eq(page.gpa, FRAME);
    ck_assert_uint_eq(load_le64(entry),
                      r->entry | A | (r->access == X86_WRITE ? D : 0));
    x86_bare_free(m);
}
END_TEST

/* SMEP and SMAP: a supervisor and a user's page (SDM vol. 3, "Determination of
 * Access Rights"). */
#define SMEP X86_CR4_SMEP
#define SMAP X86_CR4_SMAP
static const struct kept_off {
    uint64_t entry;
    unsigned access, kind, ac, nxe;
    uint64_t cr4;
    int error;
} kept_off[] = {
    {FRAME | P | W | U, X86_FETCH, 0, 0, 1, SMEP, 0x11},
    {FRAME | P | W | U, X86_FETCH, 0, 0, 0, SMEP, 0x11},
    {FRAME | P | W | U, X86_FETCH, 0, 1, 1, SMEP, 0x11},
    {FRAME | P | W | U, X86_FETCH, 0, 0, 1, SMAP, -1},
    {FRAME | P | W | U, X86_FETCH, X86_TLB_USER, 0, 1, SMEP | SMAP, -1},
    {FRAME | P | W, X86_FETCH, 0, 0, 1, SMEP | SMAP, -1},
    {FRAME | W, X86_FETCH, 0, 0, 0, SMEP, 0x10}, /* SMEP makes it tell */
    {FRAME | P | W | U, X86_READ, 0, 0, 1, SMEP, -1},
    {FRAME | P | W | U, X86_READ, 0, 0, 1, SMAP, 1},
    {FRAME | P | W | U, X86_WRITE, 0, 0, 1, SMAP, 3},
    {FRAME | P | W | U, X86_READ, 0, 1, 1, SMAP, -1},
    {FRAME | P | W | U, X86_WRITE, 0, 1, 1, SMAP, -1},
    {FRAME | P | U, X86_WRITE, 0, 1, 1, SMAP, 3}, /* WP still holds */
    {FRAME | P | W | U, X86_READ, X86_TLB_IMPLICIT, 1, 1, SMAP, 1},
    {FRAME | P | W | U, X86_WRITE, X86_TLB_IMPLICIT, 1, 1, SMAP, 3},
    {FRAME | P | W, X86_READ, X86_TLB_IMPLICIT, 0, 1, SMAP, -1},
    {FRAME | P | W, X86_WRITE, 0, 0, 1, SMAP, -1},
    {FRAME | P | W | U, X86_READ, X86_TLB_USER, 0, 1, SMAP, -1},
    {FRAME | P | W | U, X86_WRITE, X86_TLB_USER, 1, 1, SMAP, -1},
};

START_TEST(supervisors_are_kept_off)
{
    const struct kept_off *r = &kept_off[_i];
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    struct x86_page page;

    x86_bare_map(m, r->entry);
    m->cpu.state.cr0 |= X86_CR0_WP;
    m->cpu.state.cr4 |= r->cr4;
    m->cpu.state.efer |= r->nxe ? X86_EFER_NXE : 0;
    m->cpu.state.rflags |= r->ac ? X86_FLAG_AC : 0;
    int code = x86_page_walk(&m->cpu, BARE_PAGE, (enum x86_access)r->access,
                             r->kind, &page);
    ck_assert_int_eq(code ? (int)m->cpu.fault.error : -1, r->error);
    x86_bare_free(m);
}
END_TEST

/* STAC lets in, CLAC shuts out, whatever has been translated between; the
 * processor's own accesses stay out.  More pages than are remembered. */
START_TEST(smap_and_the_flag)
{
    enum { PAGES = 2 * X86_TLB_OPENED };
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    struct x86_cpu *cpu = &m->cpu;
    uint64_t v;

    for (unsigned n = 1; n <= PAGES; n++) {
        for (unsigned i = 0; i < n; i++)
            store_le64(x86_bare_map(m, FRAME | P | W | U) + 8 * i,
                       FRAME | P | W | U);
        cpu->state.cr4 |= SMAP;
        cpu->state.rflags |= X86_FLAG_AC;
        x86_mode_changed(cpu);
        for (unsigned i = 0; i < n; i++) {
            uint64_t at = BARE_PAGE + i * X86_PAGE;

            store_le64(m->storage + TABLE + 8 * i, FRAME | P | W | U);
            ck_assert_int_eq(x86_read(cpu, X86_DS, at, 8, &v), 0);
            ck_assert_int_eq(x86_write(cpu, X86_DS, at, 8, v), 0);
        }
        ck_assert_int_eq(x86_read_linear(cpu, BARE_PAGE, 8, X86_AS_SYSTEM, &v),
                         X86_FAULT);
        ck_assert_int_eq(x86_read(cpu, X86_DS, BARE_PAGE, 8, &v), 0);
        cpu->state.rflags &= ~X86_FLAG_AC;
        x86_mode_changed(cpu);
        for (unsigned i = 0; i < n; i++)
            ck_assert_int_eq(
                x86_read(cpu, X86_DS, BARE_PAGE + i * X86_PAGE, 8, &v),
                X86_FAULT);
    }
    x86_bare_free(m);
}
END_TEST

/* A second level's 1-GiB page is reserved where CPUID does not tell of them;
 * a large page's low address bits are. */
START_TEST(reserved_bits_of_large_pages)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint8_t *pdpt = m->storage + X86_MODE_PAGES + 0x1000;
    struct x86_page page;

    store_le64(pdpt + 0x1000 + 8, 0x200000 | 0x2000 | 0x83);
    ck_assert_int_eq(x86_page_walk(&m->cpu, 0x200000, X86_READ, false, &page),
                     X86_FAULT);
    ck_assert_uint_eq(m->cpu.fault.error, 9);
    store_le64(pdpt + 8, 0x83);
    ck_assert_int_eq(
        x86_page_walk(&m->cpu, UINT64_C(1) << 30, X86_READ, false, &page),
        X86_FAULT);
    ck_assert_uint_eq(m->cpu.fault.error, 9);
    x86_bare_free(m);
}
END_TEST

/* What the TLB holds stays until it is dropped; global pages longer. */
START_TEST(translations_last_until_dropped)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    struct x86_cpu *cpu = &m->cpu;
    uint8_t *entry = x86_bare_map(m, FRAME | P | W | G);
    uint64_t v;

    cpu->state.cr4 |= 0x80; /* PGE */
    m->storage[FRAME] = 1;
    m->storage[FRAME + 0x1000] = 2;
    ck_assert_int_eq(x86_read(cpu, X86_DS, BARE_PAGE, 1, &v), 0);
    ck_assert_uint_eq(v, 1);
    store_le64(entry, (FRAME + 0x1000) | P | W | G);
    x86_tlb_flush(cpu, false);
    ck_assert_int_eq(x86_read(cpu, X86_DS, BARE_PAGE, 1, &v), 0);
    ck_assert_uint_eq(v, 1);
    x86_tlb_invalidate(cpu, BARE_PAGE);
    ck_assert_int_eq(x86_read(cpu, X86_DS, BARE_PAGE, 1, &v), 0);
    ck_assert_uint_eq(v, 2);
    store_le64(entry, 0);
    x86_tlb_flush(cpu, true);
    ck_assert_int_eq(x86_read(cpu, X86_DS, BARE_PAGE, 1, &v), X86_FAULT);
    x86_bare_free(m);
}
END_TEST

START_TEST(reading_first_does_not_let_write)
{
    struct x86_bare *m = x86_bare_new(X86_MODE_LONG);
    uint8_t *entry = x86_bare_map(m, FRAME | P | W);
    uint64_t v;

    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_PAGE, 8, &v), 0);
    ck_assert_uint_eq(load_le64(entry) & (A | D), A);
    ck_assert_int_eq(x86_write(&m->cpu, X86_DS, BARE_PAGE, 8, 7), 0);
    ck_assert_uint_eq(load_le64(entry) & (A | D), A | D);
    ck_assert_uint_eq(load_le64(m->storage + FRAME), 7);
    x86_bare_user(m);
    ck_assert_int_eq(x86_read(&m->cpu, X86_DS, BARE_PAGE, 8, &v), X86_FAULT);
    x86_bare_free(m);
}
END_TEST

Suite *suite_x86_paging(void)
{
    Suite *s = suite_create("x86_paging");
    TCase *t = tcase_create("paging");

    tcase_add_loop_test(t, rights_of_pages, 0, (int)ARRAY_LEN(rights));
    tcase_add_loop_test(t, supervisors_are_kept_off, 0,
                        (int)ARRAY_LEN(kept_off));
    tcase_add_test(t, smap_and_the_flag);
    tcase_add_test(t, reserved_bits_of_large_pages);
    tcase_add_test(t, translations_last_until_dropped);
    tcase_add_test(t, reading_first_does_not_let_write);
    suite_add_tcase(s, t);
    return s;
}
