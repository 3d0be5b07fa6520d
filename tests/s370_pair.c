#include "tests/s370_pair.h"

#include "base/bytes.h"
#include "s370/exit/guest_access.h"
#include "s370/machine/timer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What cannot fail here unless we are wrong. */
static void check(enum status st)
{
    assert(st == STATUS_OK);
    (void)st;
}

void s370_image_init(struct s370_image *im, uint32_t size)
{
    *im = (struct s370_image){.size = size,
                              .bytes = calloc(size, 1),
                              .keys = calloc(size / S370_BLOCK, 1)};
    assert(im->bytes && im->keys);
    im->cr[0] = S370_CR0_RESET;
    im->cr[2] = S370_CR2_RESET;
    im->cr[14] = S370_CR14_RESET;
    im->cr[15] = S370_CR15_RESET;
}

void s370_image_fini(struct s370_image *im)
{
    free(im->bytes);
    free(im->keys);
}

void s370_image_word(struct s370_image *im, uint32_t at, uint32_t word)
{
    store_be32(im->bytes + at, word);
}

void s370_image_psw(struct s370_image *im, uint32_t at, uint32_t first,
                    uint32_t second)
{
    s370_image_word(im, at, first);
    s370_image_word(im, at + 4, second);
}

/* Guest time is 0. */
static void set_timers(const struct s370_image *im, struct s370_timers *t)
{
    if (im->interval_next)
        t->interval_next = im->interval_next;
    s370_comparator_set(t, im->comparator);
    s370_cpu_timer_set(t, 0, im->cpu_timer);
}

void s370_image_to_bare(const struct s370_image *im, struct s370_machine *m)
{
    struct s370_cpu *cpu = &m->cpu;

    memcpy(m->storage.bytes, im->bytes, im->size);
    memcpy(m->storage.keys, im->keys, im->size / S370_BLOCK);
    memcpy(cpu->gr, im->gr, sizeof(im->gr));
    memcpy(cpu->fpr, im->fpr, sizeof(im->fpr));
    memcpy(cpu->cr, im->cr, sizeof(im->cr));
    cpu->psw = im->psw;
    cpu->prefix = im->prefix;
    set_timers(im, &cpu->timers);
    s370_channels_prefix(m->channels, im->prefix);
    s370_channels_multiplex(m->channels, im->cr[0] & S370_CR0_BLOCK_MULTIPLEX);
    s370_context_changed(cpu);
    s370_tlb_purge(cpu);
    s370_test_devices(m->channels);
}

/* A call to the monitor is the one thing that differs by design; here DIAGNOSE
 * is what it is on the bare machine. */
static enum verdict refuse(struct vcpu *v, struct vm_exit *x)
{
    return guest_end(v, x, S370_PGM_SPECIFICATION);
}

void s370_image_to_vm(const struct s370_image *im, struct vm *vm)
{
    struct s370_guest_state s;
    struct diag d;

    check(s370_vm_load(vm, 0, im->bytes, im->size, &d));
    check(s370_vm_state(vm, &s));
    memcpy(s.storage.keys, im->keys, im->size / S370_BLOCK);
    memcpy(s.gr, im->gr, sizeof(im->gr));
    memcpy(s.fpr, im->fpr, sizeof(im->fpr));
    memcpy(s.cr, im->cr, sizeof(im->cr));
    s.psw = im->psw;
    s.prefix = im->prefix;
    set_timers(im, &s.timers);
    check(s370_vm_set_state(vm, &s));
    s370_vm_interpreter(vm, S370_OP_DIAG, refuse);
    if (im->mutant)
        s370_vm_interpreter(vm, im->mutant_op, im->mutant);
    s370_test_devices(s370_vm_channels(vm));
}

static enum status make(void *who, struct lockstep_pair *p, struct diag *d)
{
    struct s370_image *im = who;
    struct s370_vmm *vmm = s370_vmm_new(im->size + 65536, NULL, d);

    assert(vmm);
    p->own = vmm;
    p->bare = s370_machine_new(im->size, NULL);
    p->vm = s370_vmm_add(vmm, "guest", im->size, d);
    assert(p->bare && p->vm);
    s370_image_to_bare(im, p->bare);
    s370_image_to_vm(im, p->vm);
    return STATUS_OK;
}

static void drop(void *who, struct lockstep_pair *p)
{
    (void)who;
    s370_machine_free(p->bare);
    s370_vmm_free(p->own);
}

struct lockstep_guest s370_image_guest(struct s370_image *im)
{
    return (struct lockstep_guest){make, drop, NULL, im};
}

/* ---- A device ---- */

struct test_device {
    struct s370_device device;
    uint8_t next; /* byte of the next read */
    uint32_t operations;
};

static struct s370_start start(struct s370_device *d, uint8_t command,
                               bool chained)
{
    struct test_device *t = (struct test_device *)d;
    struct s370_start s = {.latency = 3 + t->operations++ % 37};

    if (command == 0x0B)
        s.status = S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
    else if (command == 0x1B)
        s.status = S370_UNIT_CHANNEL_END;
    else if (command == 0x13)
        s.status = S370_UNIT_CHECK;
    if (command == 0x13)
        d->sense[0] = S370_SENSE_COMMAND_REJECT;
    s.latency += chained;
    return s;
}

static uint8_t finish(struct s370_device *d, uint8_t command, uint8_t *record,
                      uint32_t *len)
{
    struct test_device *t = (struct test_device *)d;
    enum s370_direction direction = s370_direction(command);

    if (direction == S370_DIR_TO_STORAGE || direction == S370_DIR_BACKWARD) {
        *len = 1 + command / 2;
        for (uint32_t i = 0; i < *len; i++)
            record[i] = t->next++;
    }
    return S370_UNIT_CHANNEL_END | S370_UNIT_DEVICE_END;
}

static void halt(struct s370_device *d)
{
    (void)d;
}

static void destroy(struct s370_device *d)
{
    free(d);
}

static const struct s370_device_ops ops = {.type = "test",
                                           .start = start,
                                           .finish = finish,
                                           .halt = halt,
                                           .destroy = destroy};

void s370_test_devices(struct s370_channels *ch)
{
    static const uint16_t addresses[] = {0x010, 0x120, 0x121};
    struct diag d;

    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct test_device *t = calloc(1, sizeof(*t));
        assert(t);
        t->device.ops = &ops;
        t->device.address = addresses[i];
        t->device.sense_len = 1;
        check(s370_channels_attach(ch, &t->device, &d));
    }
}
