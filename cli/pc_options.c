#include "cli/pc_options.h"

#include "cli/command.h"
#include "x86vmm/pc/board.h"

#include <stdio.h>
#include <string.h>

/* 256M, 1G: powers of 1024. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    char number[24];

    if (!digits || digits >= sizeof(number) || !unit || text[digits + 1])
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    return options_number(number, 10, bytes) &&
           !__builtin_mul_overflow(
               *bytes, UINT64_C(1024) << 10 * (unsigned)(unit - units), bytes);
}

static bool is_storage(uint64_t bytes)
{
    return bytes >= PC_STORAGE_MIN && bytes <= PC_STORAGE_MAX &&
           bytes % PC_STORAGE_UNIT == 0;
}

/* Was it given?  A list of texts begins with NULL, if it is empty. */
#define GIVEN_FLAG(member)  (member)
#define GIVEN_TEXT(member)  ((member) != NULL)
#define GIVEN_TEXTS(member) ((member)[0] != NULL)

const char *pc_options_astray(const struct pc_options *o, enum pc_user user)
{
#define PC_OPTION(kind, name, value, help, member, users) \
    if (!((users)&user) && GIVEN_##kind(o->member))       \
        return "--" name;
#include "cli/pc_options.def"
#undef PC_OPTION
    return NULL;
}

#define WRITE_FLAG(name, member) fprintf(to, "%s--" name, space)
#define WRITE_TEXT(name, member) cli_write_option(to, space, name, member)
#define WRITE_TEXTS(name, member)                         \
    do {                                                  \
        cli_write_option(to, space, name, (member)[0]);   \
        if ((member)[1])                                  \
            cli_write_option(to, " ", name, (member)[1]); \
    } while (0)

void pc_options_write(FILE *to, const struct pc_options *o, enum pc_user user)
{
    const char *space = "";

#define PC_OPTION(kind, name, value, help, member, users) \
    if (((users)&user) && GIVEN_##kind(o->member)) {      \
        WRITE_##kind(name, o->member);                    \
        space = " ";                                      \
    }
#include "cli/pc_options.def"
#undef PC_OPTION
}

/* An option that is given, and is a PC's; NULL: none. */
static const char *foreign(const struct pc_options *o)
{
    return pc_options_astray(o, (enum pc_user)0);
}

static void put_plan(const struct pc_options *o, struct session_plan *plan)
{
    plan->kernel = o->kernel || o->bios;
    plan->initrd = o->initrd;
    plan->append = o->append;
    plan->drives[0] = o->drives[0];
    plan->drives[1] = o->drives[1];
    plan->floppies[0] = o->floppies[0];
    plan->floppies[1] = o->floppies[1];
    plan->bios = o->bios;
    plan->apic = o->apic;
    plan->test_device = o->test_device;
    plan->vendor = o->vendor;
    plan->pages = o->pages;
    plan->hides_monitor = o->hides_monitor;
    plan->watched = o->watched;
    plan->nested = o->nested;
    plan->reboots = o->reboots;
}

static bool choose_irqchip(const char *word, struct session_plan *plan)
{
    plan->outside_irqchip = !strcmp(word, "kernel");
    return !strcmp(word, "user") ||
           (plan->outside_irqchip && plan->on_given && plan->on == ON_KVM);
}

int pc_options_choose(const struct pc_options *o,
                      const struct command_usage *usage,
                      struct session_plan *plan)
{
    const char *other = foreign(o);

    put_plan(o, plan);
    if (o->kernel && o->bios)
        return options_complain(usage, "--kernel and --bios: which of them?");
    if (!o->kernel && (o->initrd || o->append))
        return options_complain(usage, "%s belongs to --kernel",
                                o->initrd ? "--initrd" : "--append");
    if (!plan->kernel && other)
        return options_complain(usage, "%s belongs to --kernel or --bios",
                                other);
    if (plan->kernel && plan->on_given && plan->on == ON_TRAP)
        return options_complain(usage,
                                "--on trap runs System/370 guests, not a PC");
    if (plan->hides_monitor && (!plan->on_given || plan->on == ON_BARE))
        return options_complain(usage, "--hide-monitor: on bare there is none");
    if (plan->watched &&
        (!plan->on_given || (plan->on != ON_VTX && plan->on != ON_SVM)))
        return options_complain(usage, "--watch: with --on vtx or svm");
    if (plan->nested && (!plan->on_given || plan->on != ON_VTX))
        return options_complain(usage, "--nested: with --on vtx");
    if (o->reboots && plan->on_given && plan->on != ON_BARE)
        return options_complain(usage, "--reboot: of the PC on bare only");
    if (o->assist && plan->on_given && plan->on != ON_BARE)
        return options_complain(usage, "--assist: for the PC on bare; a guest "
                                       "of the monitor has --nested");
    if (o->assist && !pc_assist_find(o->assist, &plan->assist))
        return options_complain(usage, "--assist %s: vtx or svm", o->assist);
    if (o->pages && (!plan->on_given || plan->on != ON_KVM))
        return options_complain(usage, "--pages: with --on kvm");
    if (o->irqchip && !choose_irqchip(o->irqchip, plan))
        return options_complain(usage,
                                "--irqchip %s: user, or kernel with "
                                "--on kvm",
                                o->irqchip);
    if (o->mem && (!parse_size(o->mem, &plan->mem) || !is_storage(plan->mem)))
        return options_complain(
            usage, "--mem %s: whole megabytes from 2M to 3G, as 256M", o->mem);
    if (o->vendor && strlen(o->vendor) != PC_VENDOR)
        return options_complain(usage,
                                "--vendor %s: %d characters, as GenuineIntel",
                                o->vendor, PC_VENDOR);
    return -1;
}

int pc_options_guests(const struct pc_options *o,
                      const struct command_usage *usage,
                      struct session_plan *plan, int argc, char **argv,
                      char *only[1])
{
    only[0] = (char *)(uintptr_t)(o->kernel ? o->kernel : o->bios);
    if (only[0] && argc > 1)
        return options_complain(usage, "%s: a guest beside --%s", argv[1],
                                o->kernel ? "kernel" : "bios");
    if (!only[0] && argc < 2)
        return options_complain(usage, "which guest?");
    plan->guests = only[0] ? only : argv + 1;
    plan->count = only[0] ? 1 : (unsigned)argc - 1;
    return -1;
}
