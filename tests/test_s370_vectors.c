/* Every instruction against its vectors, by both drivers. */
#include "base/bytes.h"
#include "s370/machine/timer.h"
#include "tests/vector.h"

#include <check.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/vectors/s370/"

enum { BLOCKS = VECTOR_STORAGE / S370_BLOCK, REPORT = 4096 };

/* What went wrong in a file: the first few, by file:line. */
struct report {
    char text[REPORT];
    size_t len;
    unsigned failures, vectors;
};

static void say(struct report *r, const struct vector *v, const char *driver,
                const char *fmt, ...) PRINTF(4, 5);
static void say(struct report *r, const struct vector *v, const char *driver,
                const char *fmt, ...)
{
    va_list ap;
    size_t room = REPORT - r->len;

    r->failures++;
    if (room < 200)
        return;
    r->len +=
        (size_t)snprintf(r->text + r->len, room, "\n%s:%u: %s (%s): ", v->file,
                         v->line, v->name, driver);
    va_start(ap, fmt);
    r->len += (size_t)vsnprintf(r->text + r->len, REPORT - r->len, fmt, ap);
    va_end(ap);
}

/* ---- Settings ---- */

static void set_psw(struct s370_psw *psw, uint64_t value)
{
    uint8_t bytes[8];

    store_be64(bytes, value);
    s370_psw_load(psw, bytes);
}

static void set_state(struct s370_cpu *cpu, const struct vector_setting *s)
{
    uint32_t word = (uint32_t)s->value;

    switch (s->kind) {
    case SETTING_GR:
        cpu->gr[s->at] = word;
        break;
    case SETTING_FPR:
        cpu->fpr[s->at / 2] = s->value;
        break;
    case SETTING_CR:
        cpu->cr[s->at] = word;
        break;
    case SETTING_PSW:
        set_psw(&cpu->psw, s->value);
        break;
    case SETTING_CC:
        cpu->psw.cc = word & 3;
        break;
    case SETTING_PM:
        cpu->psw.program_mask = word & 15;
        break;
    case SETTING_IA:
        cpu->psw.ia = word;
        break;
    case SETTING_PREFIX:
        cpu->prefix = word;
        break;
    default:
        break;
    }
}

static void set_outside(struct s370_cpu *cpu, const struct vector_setting *s)
{
    uint64_t ticks = cpu->clock->now + 1;

    switch (s->kind) {
    case SETTING_STORAGE:
        memcpy(cpu->storage->bytes + s->at, s->bytes, s->len);
        break;
    case SETTING_KEY:
        cpu->storage->keys[s->at / S370_BLOCK] = (uint8_t)s->value;
        break;
    case SETTING_TOD:
        s370_tod_set(&cpu->timers, ticks, s->value);
        break;
    case SETTING_COMPARATOR:
        s370_comparator_set(&cpu->timers, s->value);
        break;
    case SETTING_TIMER:
        s370_cpu_timer_set(&cpu->timers, ticks, s->value);
        break;
    default:
        break;
    }
}

static void set_all(struct s370_machine *m, const struct vector *v, bool after)
{
    for (unsigned i = 0; i < (after ? v->afters : v->befores); i++) {
        set_state(&m->cpu, after ? &v->after[i] : &v->before[i]);
        set_outside(&m->cpu, after ? &v->after[i] : &v->before[i]);
    }
}

static struct s370_machine *machine_before(const struct vector *v)
{
    struct s370_machine *m = s370_machine_new(VECTOR_STORAGE, NULL);

    ck_assert_ptr_nonnull(m);
    m->cpu.psw.ia = VECTOR_CODE_AT;
    set_all(m, v, false);
    if (!vector_find(v, false, SETTING_BARE))
        memcpy(m->storage.bytes + (m->cpu.psw.ia & (VECTOR_STORAGE - 1)),
               v->insn, v->insn_len);
    s370_tlb_purge(&m->cpu);
    return m;
}

/* ---- Comparing with what must be ---- */

struct outcome {
    const struct vector *v;
    struct s370_machine *is, *must;
    struct s370_interruption in;
    const char *driver;
    struct report *report;
};

#define SAME(o, what, is, must)                                               \
    do {                                                                      \
        unsigned long long is_ = (is), must_ = (must);                        \
        if (is_ != must_)                                                     \
            say((o)->report, (o)->v, (o)->driver, "%s is %llx, must be %llx", \
                what, is_, must_);                                            \
    } while (0)

static uint64_t wanted(const struct outcome *o, enum vector_kind kind,
                       uint64_t otherwise)
{
    const struct vector_setting *s = vector_find(o->v, true, kind);

    return s ? s->value : otherwise;
}

static void compare_registers(const struct outcome *o)
{
    const struct s370_cpu *is = &o->is->cpu, *must = &o->must->cpu;
    char name[8];

    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        SAME(o, name, is->gr[i], must->gr[i]);
        snprintf(name, sizeof(name), "c%u", i);
        SAME(o, name, is->cr[i], must->cr[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "f%u", 2 * i);
        SAME(o, name, is->fpr[i], must->fpr[i]);
    }
    SAME(o, "register zero", is->gr[S370_GR_ZERO], 0);
    SAME(o, "prefix", is->prefix, must->prefix);
}

static uint64_t psw_bits(const struct s370_psw *p)
{
    uint8_t bytes[8];

    s370_psw_store(p, 0, 0, bytes);
    return load_be64(bytes);
}

static void compare_psw(const struct outcome *o)
{
    struct s370_psw is = o->is->cpu.psw, must = o->must->cpu.psw;

    if (o->in.class && !vector_find(o->v, true, SETTING_CC) &&
        !vector_find(o->v, true, SETTING_PSW))
        is.cc = must.cc;
    SAME(o, "psw", psw_bits(&is), psw_bits(&must));
}

static void compare_storage(const struct outcome *o)
{
    const uint8_t *is = o->is->storage.bytes, *must = o->must->storage.bytes;
    char name[16];

    for (unsigned i = 0; i < VECTOR_STORAGE; i++)
        if (is[i] != must[i]) {
            snprintf(name, sizeof(name), "storage %04x", i);
            SAME(o, name, is[i], must[i]);
            break;
        }
}

static bool key_named(const struct vector *v, unsigned block)
{
    for (unsigned i = 0; i < v->afters; i++)
        if (v->after[i].kind == SETTING_KEY &&
            v->after[i].at / S370_BLOCK == block)
            return true;
    return false;
}

static void compare_keys(const struct outcome *o)
{
    char name[16];

    for (unsigned i = 0; i < BLOCKS; i++) {
        uint8_t mask = key_named(o->v, i) ? 0xFE : 0xF8;

        snprintf(name, sizeof(name), "key %04x", i * S370_BLOCK);
        SAME(o, name, o->is->storage.keys[i] & mask,
             o->must->storage.keys[i] & mask);
    }
}

static void compare_clocks(const struct outcome *o)
{
    const struct s370_timers *t = &o->is->cpu.timers;
    uint64_t ticks = s370_ticks(&o->is->cpu);

    SAME(o, "tod", s370_tod(t, ticks),
         wanted(o, SETTING_TOD, s370_tod(t, ticks)));
    SAME(o, "comparator", t->comparator, o->must->cpu.timers.comparator);
    SAME(o, "timer", s370_cpu_timer(t, ticks),
         wanted(o, SETTING_TIMER, s370_cpu_timer(t, ticks)));
}

static void compare_interruption(const struct outcome *o)
{
    const struct s370_interruption *in = &o->in;
    const struct vector_setting *program =
        vector_find(o->v, true, SETTING_PROGRAM);
    const struct vector_setting *svc = vector_find(o->v, true, SETTING_SVC);
    const struct vector_setting *monitor =
        vector_find(o->v, true, SETTING_MONITOR);

    SAME(o, "interruption class", in->class,
         program ? S370_INT_PROGRAM
         : svc   ? S370_INT_SVC
                 : S370_INT_NONE);
    if (!in->class)
        return;
    SAME(o, "interruption code", in->code,
         program ? program->value
         : svc   ? svc->value
                 : in->code);
    SAME(o, "ilc", in->ilc, wanted(o, SETTING_ILC, in->ilc));
    SAME(o, "tea", in->translation_address,
         wanted(o, SETTING_TEA, in->translation_address));
    SAME(o, "per", in->per_code, wanted(o, SETTING_PER, 0));
    if (monitor) {
        SAME(o, "monitor class", in->monitor_class, monitor->at);
        SAME(o, "monitor code", in->monitor_code, monitor->value);
    }
}

/* ---- Running ---- */

static void drive(struct outcome *o, bool run, uint64_t n)
{
    struct s370_cpu *cpu = &o->is->cpu;

    do {
        if (run)
            s370_run(cpu, n - cpu->ran, &o->in);
        else
            s370_step(cpu, &o->in);
    } while (cpu->ran < n && !o->in.class);
}

/* Where the instruction address must be when the vector does not say it. */
static uint32_t next_ia(const struct vector *v, uint32_t ia)
{
    const struct vector_setting *p = vector_find(v, true, SETTING_PROGRAM);
    uint64_t code = p ? p->value & 0x7F : 0;

    if (code == S370_PGM_SEGMENT_TRANSLATION ||
        code == S370_PGM_PAGE_TRANSLATION)
        return ia;
    return (ia + v->insn_len) & S370_ADDRESS_MASK;
}

static void run_by(const struct vector *v, struct report *r, bool run)
{
    const struct vector_setting *n = vector_find(v, false, SETTING_REPEAT);
    struct outcome o = {
        .v = v,
        .is = machine_before(v),
        .must = machine_before(v),
        .driver = run ? "run" : "step",
        .report = r,
    };

    o.must->cpu.psw.ia = next_ia(v, o.must->cpu.psw.ia);
    set_all(o.must, v, true);
    drive(&o, run, n ? n->value : 1);
    compare_interruption(&o);
    compare_registers(&o);
    compare_psw(&o);
    compare_storage(&o);
    compare_keys(&o);
    compare_clocks(&o);
    s370_machine_free(o.is);
    s370_machine_free(o.must);
}

/* The name says which row is meant: the code must decode to it. */
static void check_name(const struct vector *v, struct report *r)
{
    struct s370_decoded d;
    uint8_t bytes[6] = {0};

    memcpy(bytes, v->insn, v->insn_len < 6 ? v->insn_len : 6);
    s370_decode(bytes, &d);
    const char *name =
        d.op == S370_OP_INVALID ? "-" : s370_insns.rows[d.op].name;
    if (strcmp(name, v->name))
        say(r, v, "decode", "the code is %s", name);
}

static void run_vector(const struct vector *v, void *arg)
{
    struct report *r = arg;

    r->vectors++;
    check_name(v, r);
    run_by(v, r, false);
    run_by(v, r, true);
}

static size_t files(glob_t *g)
{
    if (glob(FOLDER "*.txt", 0, NULL, g))
        g->gl_pathc = 0;
    return g->gl_pathc;
}

START_TEST(test_file)
{
    static struct report r;
    struct diag d = {{0}};
    glob_t g;

    ck_assert_uint_gt(files(&g), (size_t)_i);
    enum status st = vector_each(g.gl_pathv[_i], run_vector, &r, &d);
    globfree(&g);
    ck_assert_msg(!st, "%s", d.text);
    ck_assert_msg(!r.failures, "%u differences in %u vectors:%s", r.failures,
                  r.vectors, r.text);
    ck_assert_uint_gt(r.vectors, 0);
}
END_TEST

/* ---- Every row has a vector ---- */

static void note_row(const struct vector *v, void *arg)
{
    bool *seen = arg;

    for (size_t i = 0; i < s370_insns.count; i++)
        if (!strcmp(v->name, s370_insns.rows[i].name))
            seen[i] = true;
}

START_TEST(test_every_row_has_a_vector)
{
    bool seen[S370_OP_COUNT] = {false};
    char missing[1024] = "";
    struct diag d;
    glob_t g;
    size_t n = files(&g);

    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(vector_each(g.gl_pathv[i], note_row, seen, &d),
                         STATUS_OK);
    globfree(&g);
    for (size_t i = 0; i < s370_insns.count; i++)
        if (!seen[i] && strlen(missing) < sizeof(missing) - 16) {
            strcat(missing, " ");
            strcat(missing, s370_insns.rows[i].name);
        }
    ck_assert_msg(!*missing, "no vector for%s", missing);
}
END_TEST

/* A framework that cannot fail proves nothing: what it must refuse. */
static void count(const struct vector *v, void *arg)
{
    (void)v;
    ++*(unsigned *)arg;
}

static enum status read_text(const char *text, struct diag *d)
{
    char name[] = "/tmp/vectorXXXXXX";
    unsigned n = 0;
    int fd = mkstemp(name);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    enum status st = vector_each(name, count, &n, d);
    remove(name);
    return st;
}

START_TEST(test_bad_text_is_refused)
{
    static const char *const bad[] = {
        "r1=0\n",
        "insn AR\n",
        "insn AR 1A1\n",
        "insn AR 1A12\nr16=0\n",
        "insn AR 1A12\nwhat=1\n",
        "insn AR 1A12\nm 10000=00\n",
        "insn AR 1A12\nm 2000=0\n",
        "insn AR 1A12\nr1=G\n",
        "insn AR 1A12\n=> program\n",
        "insn TOOLONGNAME 1A12\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct diag d = {{0}};

        ck_assert_msg(read_text(bad[i], &d) == STATUS_BAD_INPUT, "%s", bad[i]);
        ck_assert_msg(strchr(d.text, ':') != NULL, "%s", d.text);
    }
}
END_TEST

static void run_one(const struct vector *v, void *arg)
{
    run_vector(v, arg);
}

START_TEST(test_differences_are_found)
{
    static const char *const wrong[] = {
        "insn AR 1A12\nr1=1 r2=1\n=> r1=3 cc=2\n",
        "insn AR 1A12\nr1=1 r2=1\n=> r1=2 cc=1\n",
        "insn AR 1A12\nr1=1 r2=1\n=> r1=2\n",
        "insn LR 1812\n=> m 2000=01\n",
        "insn LR 1812\n=> program 0001\n",
        "insn LR 1812\n=> ia=1000\n",
        "insn SR 1A12\n",
        "insn - 0000\n",
        "insn LR 1812\n=> key 2000=10\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        static struct report r;
        char name[] = "/tmp/vectorXXXXXX";
        struct diag d;
        int fd = mkstemp(name);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

        ck_assert_ptr_nonnull(f);
        fputs(wrong[i], f);
        fclose(f);
        memset(&r, 0, sizeof(r));
        ck_assert_int_eq(vector_each(name, run_one, &r, &d), STATUS_OK);
        remove(name);
        ck_assert_msg(r.failures, "not noticed: %s", wrong[i]);
    }
}
END_TEST

Suite *suite_s370_vectors(void);
Suite *suite_s370_vectors(void)
{
    Suite *s = suite_create("s370_vectors");
    TCase *tc = tcase_create("vectors");
    glob_t g;
    size_t n = files(&g);

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_file, 0, (int)n);
    tcase_add_test(tc, test_every_row_has_a_vector);
    tcase_add_test(tc, test_bad_text_is_refused);
    tcase_add_test(tc, test_differences_are_found);
    suite_add_tcase(s, tc);
    if (n)
        globfree(&g);
    return s;
}
