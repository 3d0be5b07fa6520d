/* The bare machine with devices: I/O interruptions, IPL, runs in pieces and
 * traced, and what a hostile guest cannot do. */
#include "base/bytes.h"
#include "s370/dev/dev.h"
#include "tests/s370_bare.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- I/O and IPL ---- */

struct paper {
    char text[256];
    size_t len;
};

static void print(void *who, uint16_t address, const char *text, size_t len)
{
    struct paper *p = who;

    if (!p)
        return;
    ck_assert_uint_eq(address, 0x009);
    ck_assert_uint_lt(p->len + len, sizeof(p->text));
    memcpy(p->text + p->len, text, len);
    p->len += len;
}

static void attach(struct s370_machine *m, uint16_t address, const char *type,
                   const char *arg, struct paper *paper)
{
    struct s370_console_host host = {.print = print, .who = paper};
    struct s370_dev_spec spec = {.address = address,
                                 .type = type,
                                 .args = &arg,
                                 .count = arg ? 1 : 0,
                                 .folder = "",
                                 .host = &host};
    struct s370_device *d = NULL;
    struct diag diag = {{0}};

    ck_assert_msg(s370_dev_find(type)->create(&spec, &d, &diag) == STATUS_OK,
                  "%s", diag.text);
    ck_assert_int_eq(s370_channels_attach(m->channels, d, &diag), STATUS_OK);
}

/* SIO to a console and at once a disabled wait: "HELLO" in EBCDIC. */
static const char *const hello =
    "0: 00080000 00000200 48: 00000300 200: 41200009 9C002000 82000310 "
    "300: 01000320 20000006 310: 00020000 00000055 320: C8C5D3D3D615";

START_TEST(test_the_last_line_is_printed)
{
    struct s370_machine *m = bare_machine(hello);
    struct paper paper = {{0}, 0};

    attach(m, 0x009, "3215", NULL, &paper);
    ck_assert_uint_eq(bare_run_to(m, 0x55), 3);
    ck_assert_str_eq(paper.text, "HELLO\n");
    ck_assert_uint_gt(m->clock.now, 3);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_external_comes_before_io)
{
    struct s370_machine *m = bare_machine(hello);
    struct paper paper = {{0}, 0};

    attach(m, 0x009, "3215", NULL, &paper);
    bare_put(m, "310: 000A0000 00000055"); /* wait with everything masked */
    bare_run_to(m, 0x55);
    /* Now an open wait finds an I/O and an external interruption. */
    s370_machine_interrupt_key(m);
    bare_put(
        m, "0: 03080000 00000400 58: 02080000 00000410 78: 00020000 00000056");
    s370_machine_restart(m);
    ck_assert_uint_eq(bare_run_to(m, 0x56), 0);
    ck_assert_uint_eq(bare_word(m, 0x38), 0x02080000);
    ck_assert_uint_eq(bare_word(m, 0x3C), 0x00000410);
    ck_assert_uint_eq(bare_word(m, 0xB8), 0x00000009);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_channel_masks)
{
    /* channel 0 in BC mode is bit 0; in EC mode bit 0 of CR2 */
    static const struct {
        const char *wait;
        uint32_t cr2;
        enum s370_stop stop;
    } rows[] = {
        {"310: 80020000 00000055", 0xFFFFFFFF, S370_STOP_DISABLED_WAIT},
        {"310: 40020000 00000055", 0xFFFFFFFF, S370_STOP_IDLE},
        {"310: 02020000 00000055", 0xFFFFFFFF, S370_STOP_IDLE},
        {"310: 020A0000 00000055", 0x80000000, S370_STOP_DISABLED_WAIT},
        {"310: 020A0000 00000055", 0x7FFFFFFF, S370_STOP_IDLE},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct s370_machine *m = bare_machine(hello);
        struct paper paper = {{0}, 0};

        attach(m, 0x009, "3215", NULL, &paper);
        bare_put(m, rows[i].wait);
        m->cpu.cr[2] = rows[i].cr2;
        ck_assert_msg(s370_machine_run(m, BARE_MANY, NULL) == rows[i].stop,
                      "row %u", i);
        if (rows[i].stop == S370_STOP_DISABLED_WAIT)
            ck_assert_uint_eq(m->cpu.psw.ia, 0xE78);
        s370_machine_free(m);
    }
}
END_TEST

START_TEST(test_an_endless_channel_program_does_not_hang)
{
    /* console control (no operation) chained to itself by TIC */
    struct s370_machine *m = bare_machine(hello);
    struct paper paper = {{0}, 0};

    attach(m, 0x009, "3215", NULL, &paper);
    bare_put(m, "300: 03000320 60000001 08000300 00000000");
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, NULL),
                     S370_STOP_DISABLED_WAIT);
    bare_put(m, "310: 020A0000 00000055");
    s370_machine_restart(m);
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, NULL), S370_STOP_IDLE);
    s370_machine_free(m);
}
END_TEST

/* Cards in EBCDIC: the IPL card reads the program card to 200. */
static void write_deck(const char *path)
{
    /* BC PSW for 200; CCW: read 80 bytes to 200; CCW not used */
    static const uint8_t ipl[24] = {0, 0, 0, 0, 0,    0, 2, 0,
                                    2, 0, 2, 0, 0x20, 0, 0, 80};
    /* SIO 9; LPSW; CAW at 48 is set by the program: MVC 48(4),21C */
    static const uint8_t code[80] = {
        0xD2, 0x03, 0x00, 0x48, 0x02, 0x1C, 0x41, 0x20, 0x00, 0x09, 0x9C, 0x00,
        0x20, 0x00, 0x82, 0x00, 0x02, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x20, 0x01, 0x00, 0x02, 0x38,
        0x20, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x57, 0xC9, 0xD7, 0xD3};
    uint8_t card[80] = {0};
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    memcpy(card, ipl, sizeof(ipl));
    ck_assert_uint_eq(fwrite(card, 80, 1, f), 1);
    ck_assert_uint_eq(fwrite(code, 80, 1, f), 1);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_ipl_from_cards)
{
    struct s370_machine *m = s370_machine_new(BARE_SIZE, NULL);
    struct paper paper = {{0}, 0};
    struct diag diag = {{0}};
    char path[] = "/tmp/trapline-deck-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    write_deck(path);
    attach(m, 0x009, "3215", NULL, &paper);
    attach(m, 0x00C, "3505", path, &paper);
    /* What a reset has to undo. */
    m->cpu.prefix = 0x2000;
    m->cpu.stopped = true;
    m->cpu.timers.key_pending = m->cpu.restart_pending = true;
    m->cpu.cr[0] = UINT32_MAX;
    m->cpu.gr[7] = 0x77;
    ck_assert_msg(s370_machine_ipl(m, 0x00C, &diag) == STATUS_OK, "%s",
                  diag.text);
    ck_assert_uint_eq(bare_word(m, 0), 0x0000000C); /* the device, BC mode */
    ck_assert_uint_eq(m->cpu.psw.ia, 0x200);
    ck_assert_uint_eq(m->cpu.cr[0], S370_CR0_RESET);
    ck_assert_uint_eq(m->cpu.gr[7], 0x77);
    bare_run_to(m, 0x57);
    ck_assert_str_eq(paper.text, "IPL");

    ck_assert_int_eq(s370_machine_ipl(m, 0x00D, &diag), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(diag.text, "00D"), "%s", diag.text);
    ck_assert_int_eq(s370_machine_ipl(m, 0x00C, &diag), STATUS_BAD_INPUT);
    ck_assert_msg(strstr(diag.text, "00C"), "%s", diag.text);
    unlink(path);
    s370_machine_free(m);
}
END_TEST

/* ---- A run in pieces, traced or not, is the same run ---- */

/* Counts, prints HELLO again and again with I/O interruptions, takes interval
 * timer interruptions; 300 loops of it. */
static const char *const busy =
    "0: 00080000 00000200 48: 00000300 50: 00000200 "
    "58: 00080000 00000280 78: 00080000 00000290 "
    "200: 41200009 41300040 9C002000 80000304 41110001 47F0020C "
    "280: 92020050 95AA0050 82000018 "
    "290: 46300298 82000310 298: 9C002000 82000038 "
    "300: 01000320 20000006 310: 00020000 00000055 320: C8C5D3D3D615";

static struct s370_machine *busy_machine(struct paper *paper,
                                         struct trace *trace)
{
    struct s370_machine *m = bare_machine(busy);

    bare_put(m, "200: 41200009 41300010 9C002000 80000308 41110001 47F00210 "
                "308: 03");
    attach(m, 0x009, "3215", NULL, paper);
    m->trace = trace;
    return m;
}

START_TEST(test_a_run_in_pieces_is_the_same)
{
    struct paper whole = {{0}, 0}, pieces = {{0}, 0};
    struct s370_machine *a = busy_machine(&whole, NULL);
    struct s370_machine *b = busy_machine(&pieces, NULL);
    uint64_t n = bare_run_to(a, 0x55), sum = 0, ran;
    unsigned piece = 1;

    ck_assert_uint_gt(n, 1000);
    while (s370_machine_run(b, piece, &ran) == S370_STOP_BUDGET) {
        ck_assert_uint_eq(ran, piece);
        sum += ran;
        piece = piece * 5 % 97 + 1;
    }
    ck_assert_uint_eq(sum + ran, n);
    ck_assert_uint_eq(b->clock.now, a->clock.now);
    ck_assert_mem_eq(b->storage.bytes, a->storage.bytes, BARE_SIZE);
    ck_assert_mem_eq(b->storage.keys, a->storage.keys, BARE_SIZE / S370_BLOCK);
    ck_assert_mem_eq(b->cpu.gr, a->cpu.gr, sizeof(a->cpu.gr));
    ck_assert_str_eq(pieces.text, whole.text);
    s370_machine_free(a);
    s370_machine_free(b);
}
END_TEST

/* A guest that is disabled and polls with TIO sees the end of the operation at
 * the tick at which it is due, not where a run happens to end. */
START_TEST(test_polling_ends_when_the_device_does)
{
    struct paper whole = {{0}, 0}, pieces = {{0}, 0};
    struct s370_machine *a = bare_machine(
        "0: 00080000 00000200 48: 00000300 "
        "200: 41200009 41300005 9C002000 41110001 9D002000 4720020C "
        "218: 46300208 82000310 "
        "300: 01000320 60000006 01000320 20000006 310: 00020000 00000055 "
        "320: C8C5D3D3D615");
    struct s370_machine *b = bare_machine("");

    memcpy(b->storage.bytes, a->storage.bytes, BARE_SIZE);
    attach(a, 0x009, "3215", NULL, &whole);
    attach(b, 0x009, "3215", NULL, &pieces);
    uint64_t n = bare_run_to(a, 0x55), ran;
    while (s370_machine_run(b, 7, &ran) == S370_STOP_BUDGET)
        continue;
    ck_assert_uint_gt(a->cpu.gr[1], 10);
    ck_assert_uint_lt(n, S370_INTERVAL_TICKS);
    ck_assert_uint_eq(b->insns, n);
    ck_assert_uint_eq(b->cpu.gr[1], a->cpu.gr[1]);
    ck_assert_str_eq(pieces.text, whole.text);
    ck_assert_uint_eq(whole.len, 10 * 6);
    s370_machine_free(a);
    s370_machine_free(b);
}
END_TEST

struct counter {
    struct trace_sink sink;
    uint64_t insns, events;
    struct trace_event last;
};

static void count(struct trace_sink *s, const struct trace_event *e)
{
    struct counter *c = (struct counter *)s;

    c->insns += e->kind == TRACE_INSN;
    c->events += e->kind == TRACE_EVENT;
    if (e->kind == TRACE_EVENT)
        c->last = *e;
}

START_TEST(test_a_traced_run_is_the_same)
{
    struct paper plain = {{0}, 0}, told = {{0}, 0};
    struct trace trace = {.insns = true};
    struct counter c = {.sink = {.emit = count}};
    struct s370_machine *a = busy_machine(&plain, NULL);

    trace_attach(&trace, &c.sink);
    struct s370_machine *b = busy_machine(&told, &trace);
    uint64_t n = bare_run_to(a, 0x55);
    ck_assert_uint_eq(bare_run_to(b, 0x55), n);
    ck_assert_uint_eq(c.insns, n);
    ck_assert_uint_gt(c.events, 16);
    ck_assert_str_eq(c.last.text, "I/O 009");
    ck_assert_uint_eq(c.last.info[0], 9);
    ck_assert_uint_eq(b->clock.now, a->clock.now);
    ck_assert_mem_eq(b->storage.bytes, a->storage.bytes, BARE_SIZE);
    ck_assert_str_eq(told.text, plain.text);
    s370_machine_free(a);
    s370_machine_free(b);
}
END_TEST

/* ---- Load, store status, and a hostile guest ---- */

START_TEST(test_load_checks_its_range)
{
    struct s370_machine *m = s370_machine_new(BARE_SIZE, NULL);
    static const uint8_t b[16] = {1};

    ck_assert_int_eq(s370_machine_load(m, BARE_SIZE - 16, b, 16), STATUS_OK);
    ck_assert_int_eq(s370_machine_load(m, BARE_SIZE - 15, b, 16),
                     STATUS_BAD_INPUT);
    ck_assert_int_eq(s370_machine_load(m, UINT32_MAX, b, 16), STATUS_BAD_INPUT);
    ck_assert_int_eq(s370_machine_load(m, 16, b, UINT32_MAX), STATUS_BAD_INPUT);
    ck_assert_int_eq(s370_machine_load(m, BARE_SIZE, b, 0), STATUS_OK);
    ck_assert_uint_eq(m->storage.bytes[BARE_SIZE - 16], 1);
    s370_machine_store_status(m);
    ck_assert_uint_eq(bare_word(m, 448), S370_CR0_RESET);
    s370_machine_free(m);
}
END_TEST

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* New PSWs into storage: most of them may be used, few wait. */
static void random_psws(struct s370_machine *m, uint32_t *seed)
{
    for (unsigned at = 0; at < 128; at += 8) {
        uint32_t high = random_next(seed), low = random_next(seed);

        if (random_next(seed) % 8)
            high &= high & 0x00080000 ? 0x47F90000 : 0xFFF90000;
        store_be32(m->storage.bytes + at, high);
        store_be32(m->storage.bytes + at + 4, low & 0xFF00FFFE);
    }
}

/* Storage full of random bytes, a part of them valid opcodes. */
static struct s370_machine *random_machine(uint32_t *seed)
{
    struct s370_machine *m = s370_machine_new(BARE_SIZE, NULL);

    attach(m, 0x009, "3215", NULL, NULL);
    for (unsigned a = 0; a < BARE_SIZE; a += 4)
        store_be32(m->storage.bytes + a, random_next(seed));
    for (unsigned a = 2; a < BARE_SIZE; a += 8) {
        const struct insn_desc *d =
            &s370_insns.rows[random_next(seed) % S370_OP_COUNT];
        uint32_t any = random_next(seed) & 0xFF;
        uint32_t opcode = d->opcode > 0xFF ? d->opcode : d->opcode << 8 | any;

        store_be16(m->storage.bytes + a, (uint16_t)opcode);
    }
    for (unsigned r = 0; r < 16; r++)
        m->cpu.gr[r] = random_next(seed) & 0xFF01FFFF;
    return m;
}

static void run_in_pieces(struct s370_machine *m, uint64_t n)
{
    enum s370_stop stop;
    uint64_t piece = 1, ran;

    do {
        stop = s370_machine_run(m, piece < n ? piece : n, &ran);
        n -= ran;
        piece = piece * 5 % 53 + 1;
    } while (stop == S370_STOP_BUDGET && n);
}

static void check_same(struct s370_machine *a, struct s370_machine *b,
                       uint32_t seed)
{
    char psw_a[64], psw_b[64];

    s370_psw_show(&a->cpu.psw, psw_a, sizeof(psw_a));
    s370_psw_show(&b->cpu.psw, psw_b, sizeof(psw_b));
    ck_assert_str_eq(psw_a, psw_b);
    ck_assert_uint_eq(a->insns, b->insns);
    ck_assert_uint_eq(a->clock.now, b->clock.now);
    ck_assert_mem_eq(a->cpu.gr, b->cpu.gr, sizeof(a->cpu.gr));
    ck_assert_mem_eq(a->cpu.fpr, b->cpu.fpr, sizeof(a->cpu.fpr));
    ck_assert_mem_eq(a->cpu.cr, b->cpu.cr, sizeof(a->cpu.cr));
    ck_assert_msg(
        !memcmp(a->storage.bytes, b->storage.bytes, BARE_SIZE) &&
            !memcmp(a->storage.keys, b->storage.keys, BARE_SIZE / S370_BLOCK),
        "storage differs, seed %X", seed);
}

/* All masks as they come: whatever happens, the run ends, most of it is
 * instructions, and in pieces it is the same. */
START_TEST(test_random_bytes_do_no_harm)
{
    uint32_t seed = 0x370 + (uint32_t)_i;
    uint64_t insns = 0;

    for (unsigned round = 0; round < 15; round++) {
        uint32_t again = seed;
        struct s370_machine *a = random_machine(&seed);
        struct s370_machine *b = random_machine(&again);

        for (unsigned k = 0; k < 10; k++) {
            random_psws(a, &seed);
            random_psws(b, &again);
            s370_machine_restart(a);
            s370_machine_restart(b);
            s370_machine_run(a, 3000, NULL);
            run_in_pieces(b, 3000);
            check_same(a, b, seed);
        }
        insns += a->insns;
        s370_machine_free(a);
        s370_machine_free(b);
    }
    ck_assert_msg(insns > 50000, "only %llu ran", (unsigned long long)insns);
}
END_TEST

Suite *suite_s370_machine_io(void)
{
    Suite *s = suite_create("s370_machine_io");
    TCase *c = tcase_create("machine");

    tcase_add_test(c, test_the_last_line_is_printed);
    tcase_add_test(c, test_external_comes_before_io);
    tcase_add_test(c, test_channel_masks);
    tcase_add_test(c, test_an_endless_channel_program_does_not_hang);
    tcase_add_test(c, test_ipl_from_cards);
    tcase_add_test(c, test_a_run_in_pieces_is_the_same);
    tcase_add_test(c, test_polling_ends_when_the_device_does);
    tcase_add_test(c, test_a_traced_run_is_the_same);
    tcase_add_test(c, test_load_checks_its_range);
    tcase_add_loop_test(c, test_random_bytes_do_no_harm, 0, 8);
    suite_add_tcase(s, c);
    return s;
}
