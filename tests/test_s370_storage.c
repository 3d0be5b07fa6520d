/* What the caches of the CPU must not show; decoding; the PSW. */
#include "s370/machine/access.h"
#include "s370/machine/machine.h"

#include <check.h>
#include <string.h>

enum { SIZE = 0x20000, MEGABYTES_16 = 0x1000000 };

static struct s370_machine *machine(uint32_t size)
{
    struct s370_machine *m = s370_machine_new(size, NULL);

    ck_assert_ptr_nonnull(m);
    return m;
}

/* ---- TLB ---- */

static void put_page(struct s370_machine *m, unsigned page, unsigned frame)
{
    store_be16(m->storage.bytes + 0x2000 + 2 * page, (uint16_t)(frame << 4));
}

static struct s370_machine *translating(void)
{
    struct s370_machine *m = machine(SIZE);

    store_be32(m->storage.bytes + 0x1000, 0xF0002000);
    for (unsigned i = 0; i < 16; i++)
        put_page(m, i, i);
    m->cpu.psw.ec = true;
    m->cpu.psw.system_mask = S370_MASK_DAT;
    m->cpu.cr[0] = 0x00800000;
    m->cpu.cr[1] = 0x1000;
    s370_context_changed(&m->cpu);
    return m;
}

/* However often it is purged: generations are counted in a few bits. */
START_TEST(test_purge_forgets)
{
    struct s370_machine *m = translating();

    for (unsigned i = 0; i < 1000; i++) {
        uint8_t v = 0;

        m->storage.bytes[(4 + i % 8) * 0x1000] = (uint8_t)i;
        put_page(m, 3, 4 + i % 8);
        s370_tlb_purge(&m->cpu);
        ck_assert_int_eq(s370_load8(&m->cpu, 0x3000, &v), 0);
        ck_assert_uint_eq(v, (uint8_t)i);
        ck_assert_int_eq(s370_store8(&m->cpu, 0x3001, (uint8_t)~i), 0);
        ck_assert_uint_eq(m->storage.bytes[(4 + i % 8) * 0x1000 + 1],
                          (uint8_t)~i);
    }
    s370_machine_free(m);
}
END_TEST

/* New tables, other formats, another prefix: by context_changed alone. */
START_TEST(test_new_tables_are_seen)
{
    struct s370_machine *m = translating();
    uint8_t v = 0;

    m->storage.bytes[0x3000] = 3;
    m->storage.bytes[0x5000] = 5;
    m->storage.bytes[0x7000] = 7;
    ck_assert_int_eq(s370_load8(&m->cpu, 0x3000, &v), 0);
    ck_assert_uint_eq(v, 3);
    memcpy(m->storage.bytes + 0x6000, m->storage.bytes + 0x2000, 64);
    store_be32(m->storage.bytes + 0x1100, 0xF0006000);
    store_be16(m->storage.bytes + 0x6006, 0x0050);
    m->cpu.cr[1] = 0x1100;
    s370_context_changed(&m->cpu);
    ck_assert_int_eq(s370_load8(&m->cpu, 0x3000, &v), 0);
    ck_assert_uint_eq(v, 5);
    m->cpu.psw.system_mask = 0;
    s370_context_changed(&m->cpu);
    ck_assert_int_eq(s370_load8(&m->cpu, 0x3000, &v), 0);
    ck_assert_uint_eq(v, 3);
    m->cpu.prefix = 0x7000;
    s370_context_changed(&m->cpu);
    ck_assert_int_eq(s370_load8(&m->cpu, 0, &v), 0);
    ck_assert_uint_eq(v, 7);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_each_key_has_its_own_entries)
{
    struct s370_machine *m = machine(SIZE);
    uint8_t v;

    m->storage.keys[4] = 0x30 | S370_KEY_FETCH;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned key = 0; key < 16; key++) {
            bool may = key == 0 || key == 3;

            m->cpu.psw.key = (uint8_t)key;
            s370_context_changed(&m->cpu);
            ck_assert_int_eq(s370_load8(&m->cpu, 0x2000, &v),
                             may ? 0 : S370_PGM_PROTECTION);
            ck_assert_int_eq(s370_store8(&m->cpu, 0x2000, 1),
                             may ? 0 : S370_PGM_PROTECTION);
        }
    s370_machine_free(m);
}
END_TEST

/* A fetch makes an entry that allows no stores: the change bit comes late. */
START_TEST(test_bits_are_recorded_once_each)
{
    struct s370_machine *m = machine(SIZE);
    uint8_t *key = &m->storage.keys[4], v;

    ck_assert_int_eq(s370_check_store(&m->cpu, 0x2000, 256), 0);
    ck_assert_uint_eq(*key, 0);
    ck_assert_int_eq(s370_load8(&m->cpu, 0x2000, &v), 0);
    ck_assert_uint_eq(*key, S370_KEY_REFERENCE);
    ck_assert_int_eq(s370_store8(&m->cpu, 0x2000, 1), 0);
    ck_assert_uint_eq(*key, S370_KEY_REFERENCE | S370_KEY_CHANGE);
    *key = 0;
    s370_tlb_purge(&m->cpu);
    ck_assert_int_eq(s370_store8(&m->cpu, 0x2000, 1), 0);
    ck_assert_uint_eq(*key, S370_KEY_REFERENCE | S370_KEY_CHANGE);
    s370_machine_free(m);
}
END_TEST

/* ---- Operands ---- */

START_TEST(test_addresses_wrap_at_16m)
{
    struct s370_machine *m = machine(MEGABYTES_16);
    uint32_t v;
    uint8_t bytes[256], back[256];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    ck_assert_int_eq(s370_store32(&m->cpu, 0xFFFFFE, 0x12345678), 0);
    ck_assert_uint_eq(load_be16(m->storage.bytes + 0xFFFFFE), 0x1234);
    ck_assert_uint_eq(load_be16(m->storage.bytes), 0x5678);
    ck_assert_int_eq(s370_load32(&m->cpu, 0xFFFFFE, &v), 0);
    ck_assert_uint_eq(v, 0x12345678);
    ck_assert_int_eq(s370_store_bytes(&m->cpu, 0xFFFF80, 256, bytes), 0);
    ck_assert_int_eq(s370_load_bytes(&m->cpu, 0xFFFF80, 256, back), 0);
    ck_assert_mem_eq(bytes, back, 256);
    ck_assert_mem_eq(m->storage.bytes, bytes + 128, 128);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_an_operand_in_one_block_has_a_pointer)
{
    struct s370_machine *m = machine(SIZE);
    int code = 1;

    ck_assert_ptr_eq(s370_operand(&m->cpu, 0x2700, 256, false, &code),
                     m->storage.bytes + 0x2700);
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_null(s370_operand(&m->cpu, 0x2701, 256, true, &code));
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_null(s370_operand(&m->cpu, SIZE, 1, true, &code));
    ck_assert_int_eq(code, S370_PGM_ADDRESSING);
    s370_machine_free(m);
}
END_TEST

/* ---- Decoding ---- */

/* Is this how the table prints the opcode of these two bytes? */
static bool same_opcode(unsigned code, uint32_t opcode)
{
    if (opcode <= 0xFF)
        return code >> 8 == opcode;
    if (opcode >> 8 == 0xB2)
        return code == opcode;
    return opcode == 0x9F00 ? code >> 8 == 0x9F : (code & 0xFF01) == opcode;
}

START_TEST(test_every_opcode_decodes_to_its_row)
{
    bool found[S370_OP_COUNT] = {false};

    for (unsigned code = 0; code < 0x10000; code++) {
        uint8_t bytes[6] = {(uint8_t)(code >> 8), (uint8_t)code};
        struct s370_decoded d;

        s370_decode(bytes, &d);
        if (d.len != s370_insn_len(bytes[0]))
            ck_abort_msg("%04x: length %u", code, d.len);
        if (d.op == S370_OP_INVALID)
            continue;
        const struct insn_desc *row = &s370_insns.rows[d.op];
        if (!same_opcode(code, row->opcode) || row->length != d.len)
            ck_abort_msg("%04x is no %s", code, row->name);
        found[d.op] = true;
    }
    for (unsigned i = 0; i < S370_OP_COUNT; i++)
        if (!found[i])
            ck_abort_msg("%s is never decoded", s370_insns.rows[i].name);
}
END_TEST

/* ---- PSW ---- */

START_TEST(test_a_psw_survives)
{
    uint64_t seed = 88172645463325252u;

    for (unsigned i = 0; i < 20000; i++) {
        struct s370_psw p;
        uint8_t in[8], out[8];

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint64_t w = i % 2 ? seed & ~(UINT64_C(0xFFFF) << 32) &
                                 ~(UINT64_C(3) << 30) & ~(UINT64_C(8) << 48)
                           : seed | UINT64_C(8) << 48;
        store_be64(in, w);
        s370_psw_load(&p, in);
        s370_psw_store(&p, 0, 0, out);
        bool zeros = !(w & UINT64_C(0xB800C0FFFF000000));
        if (memcmp(in, out, 8) || s370_psw_valid(&p) != (i % 2 || zeros))
            ck_abort_msg("%016llx", (unsigned long long)w);
    }
}
END_TEST

START_TEST(test_a_bc_psw_holds_code_and_ilc)
{
    struct s370_psw p;
    uint8_t in[8], out[8];

    store_be64(in, 0xFF95000060123456);
    s370_psw_load(&p, in);
    s370_psw_store(&p, 4, 0x0011, out);
    ck_assert_uint_eq(load_be64(out), 0xFF950011A0123456);
}
END_TEST

Suite *suite_s370_storage(void);
Suite *suite_s370_storage(void)
{
    Suite *s = suite_create("s370_storage");
    TCase *tc = tcase_create("storage");

    tcase_add_test(tc, test_purge_forgets);
    tcase_add_test(tc, test_new_tables_are_seen);
    tcase_add_test(tc, test_each_key_has_its_own_entries);
    tcase_add_test(tc, test_bits_are_recorded_once_each);
    tcase_add_test(tc, test_addresses_wrap_at_16m);
    tcase_add_test(tc, test_an_operand_in_one_block_has_a_pointer);
    tcase_add_test(tc, test_every_opcode_decodes_to_its_row);
    tcase_add_test(tc, test_a_psw_survives);
    tcase_add_test(tc, test_a_bc_psw_holds_code_and_ilc);
    suite_add_tcase(s, tc);
    return s;
}
