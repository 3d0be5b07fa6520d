/* The bare machine, by programs that run on it: interruptions in both modes,
 * invalid PSWs, loops, signals, PER, translation. */
#include "tests/s370_bare.h"

#include <check.h>

/* ---- Programs that run to a disabled wait ---- */

/* From the restart PSW at 0; a program is at 200 and its data behind it.  What
 * must stand where afterwards: {address, word}, up to four. */
static const struct {
    const char *what, *program;
    uint32_t ia;
    uint64_t ran;
    struct {
        uint32_t at, word;
    } left[4];
} programs[] = {
    {"a loop and a disabled wait",
     "0: 00000000 00000200 "
     "200: 41100005 46100204 82000210 " /* LA 1,5; BCT 1,*; LPSW */
     "210: 00020000 00000042",
     0x42,
     7,
     {{8, 0}}},
    {"the restart PSW is stored with zeros",
     "0: FF000000 00000200 200: 82000208 208: 00020000 00000001",
     1,
     1,
     {{8, 0}, {12, 0}}},

    /* SVC and program interruptions, into the other mode and back */
    {"SVC in BC mode",
     "0: 00000000 30000200 60: 00000000 00000300 "
     "200: 0A2A 82000208 208: 00020000 00000043 "
     "300: 82000020", /* LPSW the old PSW */
     0x43,
     3,
     {{0x20, 0x0000002A}, {0x24, 0x70000202}, {0x88, 0}}},
    {"SVC in EC mode, handled in BC mode",
     "0: 00081000 00000200 60: 00000000 00000300 "
     "200: 0A2A 82000208 208: 00020000 00000044 300: 82000020",
     0x44,
     3,
     {{0x20, 0x00081000}, {0x24, 0x00000202}, {0x88, 0x0002002A}}},
    {"SVC by EXECUTE: ILC 2, address behind EXECUTE",
     "0: 00080000 00000200 200: 41100099 4410020C 00000000 0A00 "
     "60: 00020000 00000045",
     0x45,
     2,
     {{0x24, 0x00000208}, {0x88, 0x00040099}}},
    {"operation exception in BC mode",
     "0: 00000000 00000200 200: 0000",
     0xE68,
     1,
     {{0x28, 0x00000001}, {0x2C, 0x40000202}}},
    {"addressing exception in EC mode",
     "0: 00080000 00000200 200: 58100208 58210000 00010000",
     0xE68,
     2,
     {{0x8C, 0x00040005}, {0x2C, 0x00000208}}},
    {"a privileged instruction in the problem state",
     "0: 00090000 00000200 200: 82000000",
     0xE68,
     1,
     {{0x28, 0x00090000}, {0x8C, 0x00040002}}},
    {"an odd address", "0: 00080000 00000201", 0xE68, 1, {{0x8C, 0x00020006}}},
    {"an address beyond storage",
     "0: 00080000 00010000",
     0xE68,
     1,
     {{0x8C, 0x00020005}}},

    /* PSWs that must not be used */
    {"LPSW of an invalid PSW: ILC 0, and the PSW as it was loaded",
     "0: 00000000 00000200 200: 82000208 208: F80EFFFF FF123456",
     0xE68,
     1,
     {{0x28, 0xF80EFFFF}, {0x2C, 0xFF123456}, {0x8C, 0x00000006}}},
    {"an invalid PSW in the wait state is no wait",
     "0: 00000000 00000200 200: 82000208 208: 800A0000 00000400",
     0xE68,
     1,
     {{0x28, 0x800A0000}, {0x8C, 0x00000006}}},
    {"an invalid SVC new PSW",
     "0: 00000000 00000200 200: 0A01 60: 000800FF 00000300",
     0xE68,
     1,
     {{0x28, 0x000800FF}, {0x2C, 0x00000300}, {0x8C, 0x00000006}}},
    {"an invalid restart PSW",
     "0: 10080000 00000200",
     0xE68,
     0,
     {{0x28, 0x10080000}}},
    {"SSM of an invalid mask: after the instruction",
     "0: 00080000 00000200 200: 80000208 208: 80",
     0xE68,
     1,
     {{0x28, 0x80080000}, {0x2C, 0x00000204}, {0x8C, 0x00040006}}},

    /* MONITOR CALL */
    {"monitor call in BC mode",
     "0: 00000000 00000200 200: B7880300 AF051234 300: 00000400",
     0xE68,
     2,
     {{0x28, 0x00000040}, {0x94, 0x00050000}, {0x9C, 0x00000234}}},

    /* Prefixing: the locations of an interruption move with it */
    {"an interruption after SET PREFIX",
     "0: 00080000 00004200 4200: B2100300 0A07 300: 00002000 "
     "2060: 00020000 00000046",
     0x46,
     2,
     {{0x2088, 0x00020007}, {0x2024, 0x00004206}, {0x300, 0x00002000}}},
    {"real 2000 is absolute 0, and the other way round",
     "0: 00080000 00004200 4200: B2100300 41100FFF 41110001 1A11 58210304 "
     "50200308 82000310 300: 00002000 ABCDEF01 2310: 00020000 00000047",
     0x47,
     7,
     {{0x2308, 0xABCDEF01}}},

    /* Storage keys and references by interruptions */
    {"an interruption refers to its block and changes it",
     "0: 00080000 00000200 200: 41200000 41100000 0812 0A00 "
     "60: 00080000 00000220 220: 0932 50300300 82000230 "
     "230: 00020000 00000048",
     0x48,
     7,
     {{0x300, 0x00000006}}},
};

START_TEST(test_program)
{
    struct s370_machine *m = bare_machine(programs[_i].program);
    uint64_t ran = bare_run_to(m, programs[_i].ia);

    ck_assert_msg(ran == programs[_i].ran, "%s: %llu instructions",
                  programs[_i].what, (unsigned long long)ran);
    for (unsigned i = 0; i < 4 && programs[_i].left[i].at; i++)
        ck_assert_msg(
            bare_word(m, programs[_i].left[i].at) == programs[_i].left[i].word,
            "%s: at %X is %08X", programs[_i].what, programs[_i].left[i].at,
            bare_word(m, programs[_i].left[i].at));
    ck_assert_uint_eq(m->insns, ran);
    s370_machine_free(m);
}
END_TEST

/* ---- Runs that do not get anywhere ---- */

static const struct {
    const char *what, *program;
    enum s370_stop stop;
    uint64_t ran;
} loops[] = {
    {"the program new PSW is invalid itself",
     "0: 10080000 00000200 68: 10080000 00000200", S370_STOP_PSW_LOOP, 0},
    {"an instruction, then invalid PSWs",
     "0: 00000000 00000200 200: 0A00 60: 80080000 00000000 "
     "68: 80080000 00000000",
     S370_STOP_PSW_LOOP, 1},
    {"an external new PSW that is enabled for what persists",
     "0: 01080000 00000200 58: 01080000 00000200 200: B2080300 B7000308 "
     "300: FFFFFFFF FFFFFFFF 308: 00000400",
     S370_STOP_PSW_LOOP, 2},
    {"the same in the wait state",
     "0: 01080000 00000200 58: 010A0000 00000200 200: B2080300 B7000308 "
     "300: FFFFFFFF FFFFFFFF 308: 00000400",
     S370_STOP_PSW_LOOP, 2},
    {"a program interruption loop that executes is the guest's business",
     "0: 00080000 00000200 68: 00080000 00000200 200: 0000", S370_STOP_BUDGET,
     BARE_MANY},
    {"so is one that fetches from an odd address",
     "0: 00080000 00000201 68: 00080000 00000201", S370_STOP_BUDGET, BARE_MANY},
    {"SIGP stop", "0: 00080000 00000200 200: 41200000 AE120005 47F00200",
     S370_STOP_STOPPED, 2},
    {"SIGP stop, enabled for interruptions",
     "0: 03080000 00000200 200: 41200000 AE120005 47F00200", S370_STOP_STOPPED,
     2},
    {"SIGP CPU reset", "0: 00080000 00000200 200: 41200000 AE12000C 0000",
     S370_STOP_STOPPED, 2},
};

START_TEST(test_loop_ends)
{
    struct s370_machine *m = bare_machine(loops[_i].program);
    uint64_t ran;
    enum s370_stop stop = s370_machine_run(m, BARE_MANY, &ran);

    ck_assert_msg(stop == loops[_i].stop, "%s: stop %d", loops[_i].what, stop);
    ck_assert_msg(ran == loops[_i].ran, "%s: %llu instructions", loops[_i].what,
                  (unsigned long long)ran);
    if (stop == S370_STOP_BUDGET)
        return s370_machine_free(m);
    /* It stays there, and the restart key leads out of it. */
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, &ran), stop);
    ck_assert_uint_eq(ran, 0);
    if (stop == S370_STOP_STOPPED) {
        bare_put(m, "0: 00020000 00000051");
        s370_machine_restart(m);
        ck_assert_uint_eq(bare_run_to(m, 0x51), 0);
    }
    s370_machine_free(m);
}
END_TEST

/* ---- Signals to oneself ---- */

START_TEST(test_sigp_interrupts_itself)
{
    /* LCTL 0; SIGP external call, emergency signal; then SSM */
    struct s370_machine *m =
        bare_machine("0: 00080000 00000200 "
                     "200: B7000300 41200005 AE120002 AE120003 80000304 "
                     "58: 00080000 00000220 220: D203 0310 0084 82000230 "
                     "230: 010A0000 00000240 300: 00006000 01");

    m->cpu.address = 5;
    ck_assert_int_eq(s370_machine_run(m, 7, NULL), S370_STOP_BUDGET);
    /* The emergency signal first, by whom, then the call. */
    ck_assert_uint_eq(bare_word(m, 0x310), 0x00051201);
    ck_assert_int_eq(s370_machine_run(m, 2, NULL), S370_STOP_BUDGET);
    ck_assert_uint_eq(bare_word(m, 0x310), 0x00051202);
    ck_assert_int_eq(s370_machine_run(m, BARE_MANY, NULL), S370_STOP_IDLE);
    s370_machine_free(m);
}
END_TEST

START_TEST(test_sigp_restart)
{
    struct s370_machine *m = bare_machine(
        "0: 00080000 00000200 200: 41200000 92020001 92530007 AE120006 0000");

    ck_assert_uint_eq(bare_run_to(m, 0x253), 4);
    ck_assert_uint_eq(bare_word(m, 0x0C), 0x00000210);
    s370_machine_free(m);
}
END_TEST

/* ---- Program-event recording ---- */

/* EC mode with PER on at 200; CR9 to CR11 from 300. */
static const struct {
    const char *what, *program;
    uint64_t ran;
    uint32_t code, per, at; /* locations 140, 150 (a word at 148), 152 */
    uint32_t old_ia;
} recorded[] = {
    {"a store into the area",
     "200: B79B0300 50000400 50000500 300: 20000000 00000500 00000503", 3,
     0x00040080, 0x2000, 0x208, 0x20C},
    {"a branch", "200: B79B0300 47F00210 210: 0000 300: 80000000", 2,
     0x00040080, 0x8000, 0x204, 0x210},
    {"the fetch of an instruction",
     "200: B79B0300 1800 1800 300: 40000000 00000206 00000207", 3, 0x00020080,
     0x4000, 0x206, 0x208},
    {"LCTL itself is an instruction that alters",
     "200: B79B0300 300: 40000000 00000000 00FFFFFF", 1, 0, 0, 0, 0},
    {"with an exception, only the fetch is told",
     "200: B79B0300 8C100000 300: F000FFFF 00000000 00FFFFFF", 2, 0x00040086,
     0x4000, 0x204, 0x208},
    {"an operation exception and its fetch",
     "200: B79B0300 0000 300: 40000000 00000000 00FFFFFF", 2, 0x00020081,
     0x4000, 0x204, 0x206},
    {"EXECUTE: the target's fetch, at EXECUTE's address",
     "200: B79B0300 44000210 210: 1811 300: 40000000 00000210 00000210", 2,
     0x00040080, 0x4000, 0x204, 0x208},
    {"LPSW that ends recording is recorded",
     "200: B79B0300 82000310 300: 40000000 00000204 00000204 "
     "310: 00080000 00000400",
     2, 0x00040080, 0x4000, 0x204, 0x400},
    {"LPSW into BC mode",
     "200: B79B0300 82000310 300: 40000000 00000204 00000204 "
     "310: 00000000 00000400",
     2, 0, 0x4000, 0x204, 0x80000400},
    {"SVC: after its interruption",
     "200: B79B0300 0A05 300: 40000000 00000204 00000204 "
     "60: 00080000 00000777",
     2, 0x00020080, 0x4000, 0x204, 0x777},
};

START_TEST(test_recorded)
{
    struct s370_machine *m = bare_machine("0: 40080000 00000200");

    bare_put(m, recorded[_i].program);
    ck_assert_int_eq(s370_machine_run(m, recorded[_i].ran, NULL),
                     S370_STOP_BUDGET);
    if (!recorded[_i].per) { /* nothing was */
        ck_assert_msg(m->cpu.psw.ia == 0x204, "%s", recorded[_i].what);
        return s370_machine_free(m);
    }
    /* The one of an SVC comes at the next look, as no instruction. */
    s370_machine_run(m, 1, NULL);
    ck_assert_msg(m->cpu.psw.ia == 0xE68, "%s: at %06X", recorded[_i].what,
                  m->cpu.psw.ia);
    ck_assert_msg(bare_word(m, 140) == recorded[_i].code, "%s: code %08X",
                  recorded[_i].what, bare_word(m, 140));
    ck_assert_msg((bare_word(m, 148) & 0xFFFF) == recorded[_i].per,
                  "%s: per %08X", recorded[_i].what, bare_word(m, 148));
    ck_assert_msg(bare_word(m, 152) == recorded[_i].at, "%s: at %08X",
                  recorded[_i].what, bare_word(m, 152));
    ck_assert_msg(bare_word(m, 0x2C) == recorded[_i].old_ia, "%s: old PSW %08X",
                  recorded[_i].what, bare_word(m, 0x2C));
    ck_assert_uint_eq(m->insns, recorded[_i].ran);
    s370_machine_free(m);
}
END_TEST

/* ---- Translation ---- */

START_TEST(test_a_page_fault_is_repaired)
{
    /* 4K pages, 64K segments; segment table at 800, page table at 900: pages
     * 0 to 4 are themselves, page 5 is invalid until the handler makes it real
     * page 8. */
    struct s370_machine *m = bare_machine(
        "0: 00080000 00000200 200: B7010300 82000308 "
        "300: 00800000 00000800 308: 04080000 00000210 "
        "800: F0000900 900: 0000 0010 0020 0030 0040 0058 "
        "210: 58500320 58105000 82000318 320: 00005000 "
        "68: 00080000 00000400 400: D201 090A 0410 B20D0000 82000028 "
        "410: 0080 8000: 12345678 318: 00020000 00000054");

    ck_assert_uint_eq(bare_run_to(m, 0x54), 2 + 2 + 3 + 2);
    ck_assert_uint_eq(m->cpu.gr[1], 0x12345678);
    ck_assert_uint_eq(bare_word(m, 140), 0x00040011);
    ck_assert_uint_eq(bare_word(m, 144), 0x00005000);
    ck_assert_uint_eq(bare_word(m, 0x2C), 0x214); /* nullified */
    ck_assert_uint_eq(bare_word(m, 0x28), 0x04080000);
    s370_machine_free(m);
}
END_TEST

Suite *suite_s370_machine(void)
{
    Suite *s = suite_create("s370_machine");
    TCase *c = tcase_create("machine");

    tcase_add_loop_test(c, test_program, 0, ARRAY_LEN(programs));
    tcase_add_loop_test(c, test_loop_ends, 0, ARRAY_LEN(loops));
    tcase_add_test(c, test_sigp_interrupts_itself);
    tcase_add_test(c, test_sigp_restart);
    tcase_add_loop_test(c, test_recorded, 0, ARRAY_LEN(recorded));
    tcase_add_test(c, test_a_page_fault_is_repaired);
    suite_add_tcase(s, c);
    return s;
}
