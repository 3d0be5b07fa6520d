#include "tests/s370_hostile.h"

#include "base/bytes.h"
#include "monitor/dispatcher.h"
#include "s370/engine/engine_trap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const hostile_names[HOSTILE_KINDS] = {
    [HOSTILE_BYTES] = "random bytes",
    [HOSTILE_PROGRAM] = "random instructions",
    [HOSTILE_CHANNELS] = "wild channel programs",
    [HOSTILE_LOOPS] = "interruption loops",
    [HOSTILE_KEYS] = "keys, prefix, control registers",
    [HOSTILE_TIMERS] = "timers",
    [HOSTILE_EVENTS] = "program events",
    [HOSTILE_TRANSLATION] = "wild translation",
};

enum { PSA_END = 0x200, PAGE = 4096, POOL = 192 << 10 };

/* ---- The hostile guest ---- */

static enum s370_op one_of(struct random *r, const enum s370_op *ops, size_t n)
{
    return ops[random_below(r, (uint32_t)n)];
}

static struct random_mix mix_of(struct random *r, enum hostile_kind kind)
{
    static const enum s370_op io[] = {S370_OP_SIO, S370_OP_SIOF, S370_OP_TIO,
                                      S370_OP_HIO, S370_OP_HDV,  S370_OP_CLRIO};
    static const enum s370_op keys[] = {S370_OP_SSK, S370_OP_RRB, S370_OP_SPX,
                                        S370_OP_LCTL, S370_OP_SPKA};
    static const enum s370_op clocks[] = {S370_OP_SCK, S370_OP_SCKC,
                                          S370_OP_SPT, S370_OP_STOSM};
    struct random_mix mix = {.privileged = 50, .only = -1};

    mix.wild = kind == HOSTILE_BYTES;
    mix.per = kind == HOSTILE_EVENTS;
    mix.translation = kind == HOSTILE_TRANSLATION;
    if (kind == HOSTILE_CHANNELS)
        mix.only = one_of(r, io, ARRAY_LEN(io));
    if (kind == HOSTILE_KEYS)
        mix.only = one_of(r, keys, ARRAY_LEN(keys));
    if (kind == HOSTILE_TIMERS)
        mix.only = one_of(r, clocks, ARRAY_LEN(clocks));
    return mix;
}

/* Bytes over a stretch, each with a chance. */
static void scatter(struct random *r, struct s370_image *im, uint32_t from,
                    uint32_t to, unsigned percent)
{
    for (uint32_t i = from; i < to; i++)
        if (random_chance(r, percent))
            im->bytes[i] = (uint8_t)random_next(r);
}

void hostile_guest(struct random *r, enum hostile_kind kind,
                   struct s370_image *im)
{
    struct random_mix mix = mix_of(r, kind);

    random_guest(r, &mix, im);
    if (kind == HOSTILE_BYTES && random_chance(r, 50))
        scatter(r, im, 0, im->size, 100);
    if (kind == HOSTILE_CHANNELS)
        scatter(r, im, RANDOM_CCWS, RANDOM_CCWS + 512, 20);
    if (kind == HOSTILE_LOOPS)
        scatter(r, im, 0, PSA_END, 30);
    if (kind == HOSTILE_TRANSLATION)
        scatter(r, im, RANDOM_TABLES, RANDOM_TABLES + 0x200, 10);
}

/* ---- The peaceful one ---- */

/* Counts, computes and calls itself: L A ST MVC SVC BCT. */
static const uint8_t peaceful_code[] = {
    0x58, 0x20, 0xD0, 0x00, 0x5A, 0x20, 0xD0, 0x04, 0x50, 0x20, 0xD0, 0x00,
    0xD2, 0x0F, 0xD1, 0x00, 0xD0, 0x00, 0x1A, 0x32, 0x0A, 0x2A, 0x80, 0x00,
    0xD0, 0x20, 0x46, 0xF0, 0xE0, 0x00, 0x47, 0xF0, 0xE0, 0x00};

static void peaceful_guest(struct s370_image *im)
{
    s370_image_init(im, 32 << 10);
    memcpy(im->bytes + 0x1000, peaceful_code, sizeof(peaceful_code));
    s370_image_psw(im, S370_PSA_SVC_NEW, 0, 0x2000);
    s370_image_word(im, 0x2000, 0x41440001); /* LA 4,1(4) */
    s370_image_word(im, 0x2004, 0x82000020); /* LPSW 32 */
    s370_image_word(im, 0x3004, 0x01234567);
    im->psw.ia = 0x1000;
    im->gr[13] = 0x3000;
    im->gr[14] = 0x1000;
    im->gr[15] = 0x7FFFFFFF;
}

/* ---- Two guests on one machine ---- */

/* Everything of a run that is to be compared with another. */
struct record {
    struct s370_guest_state state; /* storage: copies, owned */
    enum vm_state ended;
    uint64_t insns, exits;
};

static void *copy(const void *from, size_t n)
{
    void *to = malloc(n);

    assert(to);
    return memcpy(to, from, n);
}

static void record(struct vm *vm, struct record *rec)
{
    enum status st = s370_vm_state(vm, &rec->state);
    struct s370_storage *s = &rec->state.storage;

    assert(st == STATUS_OK);
    (void)st;
    s->bytes = copy(s->bytes, s->size);
    s->keys = copy(s->keys, s->size / S370_BLOCK);
    rec->ended = vm->state;
    rec->insns = vm->vcpu.insns;
    rec->exits = vm->vcpu.exits;
}

static void forget(struct record *rec)
{
    free(rec->state.storage.bytes);
    free(rec->state.storage.keys);
}

static bool same(const struct record *a, const struct record *b,
                 const char *who, char *words)
{
    char what[80];

    if (a->insns != b->insns || a->ended != b->ended) {
        snprintf(words, HOSTILE_WORDS, "%s: %llu instructions, then %llu", who,
                 (unsigned long long)a->insns, (unsigned long long)b->insns);
        return false;
    }
    if (lockstep_differ(&a->state, &b->state, true, what, sizeof(what))) {
        snprintf(words, HOSTILE_WORDS, "%s: %s is not the same", who, what);
        return false;
    }
    return true;
}

/* Fill what nobody has been given with a pattern. */
static void fill_free(struct s370_vmm *vmm, uint8_t pattern)
{
    const struct allocator *a = s370_vmm_allocator(vmm);
    uint64_t end = 0;

    for (unsigned i = 0; i < a->count; i++)
        if (a->grants[i].first + a->grants[i].size > end)
            end = a->grants[i].first + a->grants[i].size;
    memset(a->pool + end, pattern, a->size - end);
}

/* Of the pool, is the byte the monitor's or nobody's? */
static bool outside_changed(const struct allocator *a, const uint8_t *before,
                            char *words)
{
    for (uint64_t i = 0; i < a->size; i++) {
        if (a->pool[i] == before[i] || allocator_owns(a, 1, i, 1) ||
            allocator_owns(a, 2, i, 1))
            continue;
        snprintf(words, HOSTILE_WORDS, "real %06llx changed",
                 (unsigned long long)i);
        return true;
    }
    return false;
}

static bool own(struct s370_vmm *vmm, const struct vm *vm, uint64_t real,
                uint64_t size, char *words)
{
    if (allocator_owns(s370_vmm_allocator(vmm), vm->id, real, size))
        return true;
    snprintf(words, HOSTILE_WORDS, "%s: tables lead to real %06llx", vm->name,
             (unsigned long long)real);
    return false;
}

/* Every valid entry of the shadow tables is a block of the guest's own. */
static bool shadow_confined(struct s370_vmm *vmm, struct vm *vm, char *words)
{
    const struct trap_vm *t = vm->backing;
    const uint8_t *pool = s370_vmm_allocator(vmm)->pool;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t segment = load_be32(pool + t->shadow + i * 4);
        const uint8_t *pages = pool + (segment & 0xFFFFF8);

        for (uint32_t k = 0; k < 32 && !(segment & 1); k++) {
            uint16_t entry = load_be16(pages + k * 2);
            if (!(entry & 4) &&
                !own(vmm, vm, (uint64_t)(entry >> 3) << 11, S370_BLOCK, words))
                return false;
        }
    }
    return true;
}

/* Every valid page of the monitor's tables is a page of the guest's own. */
static bool tables_confined(struct s370_vmm *vmm, struct vm *vm, char *words)
{
    const struct trap_vm *t = vm->backing;
    const struct allocator *a = s370_vmm_allocator(vmm);
    const uint8_t *at = a->pool + t->tables + t->segments * 4;

    for (uint32_t i = 0; i < t->segments * 16; i++) {
        uint16_t entry = load_be16(at + i * 2);

        if (!(entry & 8) &&
            !own(vmm, vm, (uint64_t)(entry >> 4) * PAGE, PAGE, words))
            return false;
    }
    return shadow_confined(vmm, vm, words);
}

/* What the monitor itself has written: two entries of its tables change places
 * with the guest's prefix, and the shadow tables are filled. */
static void undo_tables(struct s370_vmm *vmm, struct vm *vm,
                        const uint8_t *before)
{
    const struct trap_vm *t = vm->backing;
    uint8_t *at = s370_vmm_allocator(vmm)->pool + t->tables + t->segments * 4;
    uint8_t *other = at + t->prefix / PAGE * 2;
    uint16_t entry = load_be16(at);

    store_be16(at, load_be16(other));
    store_be16(other, entry);
    memcpy(s370_vmm_allocator(vmm)->pool + t->shadow, before + t->shadow,
           256 * (4 + 64));
}

/* One run; the peaceful guest alone when there is no hostile image. */
static bool run(struct s370_image *hostile, struct s370_image *peaceful,
                uint8_t pattern, uint64_t insns, struct record *h,
                struct record *p, char *words)
{
    static const volatile bool never = false;
    struct diag d;
    struct s370_vmm *vmm = s370_vmm_new(POOL, NULL, &d);
    struct vm *vm[2] = {NULL, NULL};
    size_t count;
    bool confined = true;

    assert(vmm);
    vm[0] = hostile ? s370_vmm_add(vmm, "hostile", hostile->size, &d) : NULL;
    vm[1] = s370_vmm_add(vmm, "peaceful", peaceful->size, &d);
    assert(vm[1]);
    if (vm[0])
        s370_image_to_vm(hostile, vm[0]);
    s370_image_to_vm(peaceful, vm[1]);
    fill_free(vmm, pattern);
    uint8_t *before = copy(s370_vmm_allocator(vmm)->pool, POOL);
    struct vm **vms = s370_vmm_vms(vmm, &count);
    for (size_t i = 0; i < count; i++) {
        vms[i]->slice = 97;
        vms[i]->stop_after = insns;
    }
    vmm_run(vms, count, &never);
    record(vm[1], p);
    if (vm[0]) {
        record(vm[0], h);
        confined = tables_confined(vmm, vm[0], words);
        undo_tables(vmm, vm[0], before);
    }
    if (confined)
        confined = !outside_changed(s370_vmm_allocator(vmm), before, words);
    free(before);
    s370_vmm_free(vmm);
    return confined;
}

bool hostile_confined(uint64_t seed, enum hostile_kind kind, uint64_t insns,
                      char words[HOSTILE_WORDS])
{
    struct random r = random_seed(seed);
    struct s370_image hostile, peaceful;
    struct record h[2] = {0}, p[3] = {0};
    bool ok;

    hostile_guest(&r, kind, &hostile);
    peaceful_guest(&peaceful);
    ok = run(&hostile, &peaceful, 0x5A, insns, &h[0], &p[0], words);
    memset(peaceful.bytes + 0x4000, 0xA5, 0x2000); /* nobody's business */
    ok = ok && run(&hostile, &peaceful, 0xC3, insns, &h[1], &p[1], words);
    ok = ok && run(NULL, &peaceful, 0, insns, NULL, &p[2], words);
    ok = ok && same(&h[0], &h[1], "the hostile guest", words) &&
         same(&p[1], &p[2], "the peaceful guest", words);
    for (int i = 0; i < 3; i++)
        forget(&p[i]);
    forget(&h[0]);
    forget(&h[1]);
    s370_image_fini(&hostile);
    s370_image_fini(&peaceful);
    return ok;
}

bool hostile_equivalent(uint64_t seed, enum hostile_kind kind, uint64_t insns,
                        char words[HOSTILE_WORDS])
{
    struct random r = random_seed(seed);
    struct lockstep_options o = {.limit = insns, .sample = 1 + seed % 5 * 10};
    struct lockstep_report report;
    struct s370_image im;
    struct diag d;

    hostile_guest(&r, kind, &im);
    struct lockstep_guest g = s370_image_guest(&im);
    enum status st = lockstep_run(&g, &o, &report, &d);
    s370_image_fini(&im);
    if (!st && report.same)
        return true;
    snprintf(words, HOSTILE_WORDS, "%s differs after %s at %06X", report.what,
             report.insn, report.pc);
    return false;
}
