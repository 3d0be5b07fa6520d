/* What a guest can see of its machine: taking, comparing, printing it. */
#include "cli/lockstep.h"

#include "s370/machine/timer.h"

#include <stddef.h>
#include <string.h>

void lockstep_bare_state(const struct s370_machine *m,
                         struct s370_guest_state *s)
{
    const struct s370_cpu *cpu = &m->cpu;

    *s = (struct s370_guest_state){.psw = cpu->psw,
                                   .prefix = cpu->prefix,
                                   .timers = cpu->timers,
                                   .ticks = m->clock.now,
                                   .storage = m->storage};
    memcpy(s->gr, cpu->gr, sizeof(s->gr));
    memcpy(s->fpr, cpu->fpr, sizeof(s->fpr));
    memcpy(s->cr, cpu->cr, sizeof(s->cr));
}

/* ---- Comparing ---- */

static void psw_bytes(const struct s370_psw *p, uint8_t bytes[8])
{
    s370_psw_store(p, 0, 0, bytes);
}

static bool same_psw(const struct s370_psw *a, const struct s370_psw *b)
{
    uint8_t x[8], y[8];

    psw_bytes(a, x);
    psw_bytes(b, y);
    return !memcmp(x, y, sizeof(x));
}

/* Name of the first timing facility that differs, or NULL. */
static const char *timers_differ(const struct s370_timers *a,
                                 const struct s370_timers *b)
{
    if (a->tod_offset != b->tod_offset || a->tod_set != b->tod_set)
        return "TOD clock";
    if (a->comparator != b->comparator)
        return "clock comparator";
    if (a->cpu_timer_zero != b->cpu_timer_zero)
        return "CPU timer";
    if (a->interval_enabled != b->interval_enabled ||
        a->interval_next != b->interval_next)
        return "interval timer";
    if (a->interval_pending != b->interval_pending ||
        a->key_pending != b->key_pending ||
        a->signal_pending != b->signal_pending ||
        a->emergency_pending != b->emergency_pending ||
        a->call_pending != b->call_pending)
        return "pending external interruptions";
    return NULL;
}

static uint32_t first_difference(const uint8_t *a, const uint8_t *b,
                                 uint32_t len)
{
    uint32_t i = 0;

    while (i < len && a[i] == b[i])
        i++;
    return i;
}

static bool storage_differs(const struct s370_storage *a,
                            const struct s370_storage *b, char *what,
                            size_t cap)
{
    uint32_t blocks = a->size / S370_BLOCK;

    if (a->size != b->size) {
        snprintf(what, cap, "size of storage");
        return true;
    }
    if (memcmp(a->bytes, b->bytes, a->size) != 0) {
        uint32_t at = first_difference(a->bytes, b->bytes, a->size);
        snprintf(what, cap, "storage at %06X: %02X bare, %02X guest", at,
                 a->bytes[at], b->bytes[at]);
        return true;
    }
    if (memcmp(a->keys, b->keys, blocks) != 0) {
        uint32_t i = first_difference(a->keys, b->keys, blocks);
        snprintf(what, cap, "key of block %06X: %02X bare, %02X guest",
                 i * S370_BLOCK, a->keys[i], b->keys[i]);
        return true;
    }
    return false;
}

static bool registers_differ(const struct s370_guest_state *a,
                             const struct s370_guest_state *b, char *what,
                             size_t cap)
{
    for (unsigned i = 0; i < 16; i++) {
        if (a->gr[i] != b->gr[i] || a->cr[i] != b->cr[i]) {
            bool gr = a->gr[i] != b->gr[i];
            snprintf(what, cap, "%s%u", gr ? "GR" : "CR", i);
            return true;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        if (a->fpr[i] != b->fpr[i]) {
            snprintf(what, cap, "FPR%u", 2 * i);
            return true;
        }
    }
    return false;
}

bool lockstep_differ(const struct s370_guest_state *a,
                     const struct s370_guest_state *b, bool storage, char *what,
                     size_t cap)
{
    const char *words = NULL;

    if (!same_psw(&a->psw, &b->psw))
        words = "PSW";
    else if (a->prefix != b->prefix)
        words = "prefix";
    else if (a->ticks != b->ticks)
        words = "guest time";
    else
        words = timers_differ(&a->timers, &b->timers);
    if (words) {
        snprintf(what, cap, "%s", words);
        return true;
    }
    return registers_differ(a, b, what, cap) ||
           (storage && storage_differs(&a->storage, &b->storage, what, cap));
}

/* ---- Printing ---- */

static void mark(FILE *to, bool differs)
{
    fputs(differs ? "  <--\n" : "\n", to);
}

static void print_psw(FILE *to, const struct s370_guest_state *a,
                      const struct s370_guest_state *b)
{
    char x[64], y[64];

    s370_psw_show(&a->psw, x, sizeof(x));
    s370_psw_show(&b->psw, y, sizeof(y));
    fprintf(to, "  %-6s %-36s %-36s", "PSW", x, y);
    mark(to, !same_psw(&a->psw, &b->psw));
}

static void print_words(FILE *to, const char *name, const uint32_t *a,
                        const uint32_t *b)
{
    for (unsigned i = 0; i < 16; i += 4) {
        char x[40], y[40], label[8];

        snprintf(label, sizeof(label), "%s%u", name, i);
        snprintf(x, sizeof(x), "%08X %08X %08X %08X", a[i], a[i + 1], a[i + 2],
                 a[i + 3]);
        snprintf(y, sizeof(y), "%08X %08X %08X %08X", b[i], b[i + 1], b[i + 2],
                 b[i + 3]);
        fprintf(to, "  %-6s %-36s %-36s", label, x, y);
        mark(to, memcmp(a + i, b + i, 4 * sizeof(*a)) != 0);
    }
}

static void print_long(FILE *to, const char *name, uint64_t a, uint64_t b)
{
    fprintf(to, "  %-6s %016llX %19s %016llX %19s", name, (unsigned long long)a,
            "", (unsigned long long)b, "");
    mark(to, a != b);
}

static void print_states(FILE *to, const struct s370_guest_state *a,
                         const struct s370_guest_state *b)
{
    static const char *const fpr[4] = {"FPR0", "FPR2", "FPR4", "FPR6"};

    fprintf(to, "  %-6s %-36s %-36s\n", "", "bare", "under the monitor");
    print_psw(to, a, b);
    print_words(to, "GR", a->gr, b->gr);
    print_words(to, "CR", a->cr, b->cr);
    for (unsigned i = 0; i < 4; i++)
        print_long(to, fpr[i], a->fpr[i], b->fpr[i]);
    print_long(to, "prefix", a->prefix, b->prefix);
    print_long(to, "TOD", s370_tod(&a->timers, a->ticks),
               s370_tod(&b->timers, b->ticks));
    print_long(to, "CKC", a->timers.comparator, b->timers.comparator);
    print_long(to, "timer", s370_cpu_timer(&a->timers, a->ticks),
               s370_cpu_timer(&b->timers, b->ticks));
    print_long(to, "ticks", a->ticks, b->ticks);
}

void lockstep_print(FILE *to, const struct lockstep_report *r)
{
    static const char *const ends[] = {
        [LOCKSTEP_BUDGET] = "the run was cut off",
        [LOCKSTEP_IDLE] = "the guest waits for its operator",
        [LOCKSTEP_STOPPED] = "the guest has ended",
        [LOCKSTEP_STORM] = "the guest is in an interruption loop",
        [LOCKSTEP_GAVE_UP] = "the monitor gave up",
    };

    if (r->same) {
        fprintf(to,
                "no difference over %llu instructions (%llu exits, %llu "
                "comparisons): %s%s%s\n",
                (unsigned long long)r->insns, (unsigned long long)r->exits,
                (unsigned long long)r->syncs, ends[r->end],
                r->what[0] ? ": " : "", r->what);
        return;
    }
    fprintf(to, "difference in %s\n", r->what);
    if (r->exact)
        fprintf(to, "after instruction %llu at %06X: %s\n",
                (unsigned long long)r->insns + 1, r->pc, r->insn);
    else
        fprintf(to, "in the %llu instructions after the first %llu\n",
                (unsigned long long)r->window, (unsigned long long)r->insns);
    print_states(to, &r->bare, &r->guest);
}
