#include "x86vmm/dev/dev_pic.h"

#include "x86vmm/dev/bytewise.h"
#include "x86vmm/machine/platform.h"

enum { COMMAND, DATA, REGISTERS };
enum { INPUTS = 8, CASCADE = 2, SPURIOUS = 7 };
enum {
    ICW1 = 0x10, /* of a command: it begins the setting up */
    ICW1_ICW4 = 1,
    ICW1_SINGLE = 2,
    ICW1_LEVEL = 8,
    ICW4_AUTO_END = 2,
    ICW4_NESTED = 0x10,
    OCW3 = 8,
    OCW3_READ = 2,
    OCW3_READ_ISR = 1,
    OCW3_POLL = 4,
    OCW3_MASK = 0x40,
    OCW3_MASK_ON = 0x20,
    POLL_PENDING = 0x80
};

static uint8_t bit(unsigned n)
{
    return (uint8_t)(1u << n % INPUTS);
}

static bool is_level(const struct pic_chip *c, unsigned n)
{
    return c->level || (c->elcr & bit(n));
}

/* The input by which INT is raised, or -1: of highest priority among those
 * that request and are not masked, and above all that are in service.  The
 * special mask mode forgets those that are masked; the special fully nested
 * mode lets a second chip interrupt its own service. */
static int request(const struct pic_chip *c)
{
    uint8_t wanted = c->irr & (uint8_t)~c->imr;
    uint8_t serving = c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;

    for (unsigned i = 1; i <= INPUTS; i++) {
        unsigned n = (c->lowest + i) % INPUTS;
        bool again = c->special_nested && c->first && n == CASCADE;

        if ((serving & bit(n)) && !(again && (wanted & bit(n))))
            return -1;
        if (wanted & bit(n))
            return (int)n;
    }
    return -1;
}

/* A request lasts while its line is up; an edge is taken once. */
static void set_line(struct pic_chip *c, unsigned n, bool up)
{
    if (!up)
        c->irr &= (uint8_t)~bit(n);
    else if (is_level(c, n) || !(c->lines & bit(n)))
        c->irr |= bit(n);
    c->lines = up ? c->lines | bit(n) : c->lines & (uint8_t)~bit(n);
}

/* INT goes up with a request, and once somebody has set the chip up it does not
 * go down with it. */
static void ask(struct pic_chip *c)
{
    c->asks = request(c) >= 0 || (c->asks && c->begun);
}

static void cascade(struct pic *p)
{
    ask(&p->chips[1]);
    set_line(&p->chips[0], CASCADE, p->chips[1].asks);
    ask(&p->chips[0]);
}

/* ---- Service ---- */

static void end(struct pic_chip *c, unsigned n, bool rotate)
{
    c->isr &= (uint8_t)~bit(n);
    if (rotate)
        c->lowest = (uint8_t)(n % INPUTS);
}

/* The one of highest priority in service is done. */
static void end_highest(struct pic_chip *c, bool rotate)
{
    uint8_t serving = c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;

    for (unsigned i = 1; i <= INPUTS; i++) {
        unsigned n = (c->lowest + i) % INPUTS;

        if (serving & bit(n)) {
            end(c, n, rotate);
            return;
        }
    }
}

/* Acknowledge input n. */
static void serve(struct pic_chip *c, unsigned n)
{
    c->isr |= bit(n);
    if (!is_level(c, n))
        c->irr &= (uint8_t)~bit(n);
    if (c->auto_end)
        end(c, n, c->rotate_auto_end);
}

static int serve_highest(struct pic_chip *c)
{
    int n = request(c);

    if (n >= 0)
        serve(c, (unsigned)n);
    c->asks = false;
    return n;
}

bool pic_pending(const struct pic *p)
{
    return p->chips[0].asks;
}

int pic_acknowledge(struct pic *p)
{
    int n = serve_highest(&p->chips[0]);

    if (n != CASCADE) {
        ask(&p->chips[0]);
        return p->chips[0].vector + (n < 0 ? SPURIOUS : n);
    }
    n = serve_highest(&p->chips[1]);
    set_line(&p->chips[0], CASCADE, false); /* so that a next one is an edge */
    cascade(p);
    return p->chips[1].vector + (n < 0 ? SPURIOUS : n);
}

void pic_line(void *pic, unsigned line, bool raised)
{
    struct pic *p = pic;

    if (line == CASCADE)
        return;
    set_line(&p->chips[line / INPUTS % 2], line % INPUTS, raised);
    cascade(p);
}

/* ---- Programming ---- */

/* What ICW1 resets. */
static void begin_setup(struct pic_chip *c, uint8_t icw1)
{
    c->imr = c->isr = 0;
    c->begun = true;
    c->asks = false;
    c->lowest = INPUTS - 1;
    c->special_mask = c->read_isr = c->poll = false;
    c->auto_end = c->rotate_auto_end = c->special_nested = false;
    c->level = icw1 & ICW1_LEVEL;
    c->single = icw1 & ICW1_SINGLE;
    c->icw4 = icw1 & ICW1_ICW4;
    c->step = 2;
    c->irr = c->level ? c->lines : c->lines & c->elcr;
}

static void set_up(struct pic_chip *c, uint8_t value)
{
    switch (c->step) {
    case 2:
        c->vector = value & 0xF8;
        c->step = !c->single ? 3 : c->icw4 ? 4 : 0;
        break;
    case 3: /* who is where: on a PC it is always the same */
        c->step = c->icw4 ? 4 : 0;
        break;
    default:
        c->auto_end = value & ICW4_AUTO_END;
        c->special_nested = value & ICW4_NESTED;
        c->step = 0;
        break;
    }
}

/* Ends of interrupts and rotations, by the upper three bits. */
static void ocw2(struct pic_chip *c, uint8_t value)
{
    unsigned n = value & 7;

    switch (value >> 5) {
    case 0:
        c->rotate_auto_end = false;
        break;
    case 1:
        end_highest(c, false);
        break;
    case 3:
        end(c, n, false);
        break;
    case 4:
        c->rotate_auto_end = true;
        break;
    case 5:
        end_highest(c, true);
        break;
    case 6:
        c->lowest = (uint8_t)n;
        break;
    case 7:
        end(c, n, true);
        break;
    default:
        break;
    }
}

static void ocw3(struct pic_chip *c, uint8_t value)
{
    if (value & OCW3_POLL)
        c->poll = true;
    if (value & OCW3_READ)
        c->read_isr = value & OCW3_READ_ISR;
    if (value & OCW3_MASK)
        c->special_mask = value & OCW3_MASK_ON;
}

/* What is masked asks no more. */
static void set_mask(struct pic_chip *c, uint8_t value)
{
    c->imr = value;
    c->asks = false;
}

static void write_chip(struct pic_chip *c, unsigned reg, uint8_t value)
{
    if (reg == DATA && c->step)
        set_up(c, value);
    else if (reg == DATA)
        set_mask(c, value);
    else if (value & ICW1)
        begin_setup(c, value);
    else if (value & OCW3)
        ocw3(c, value);
    else
        ocw2(c, value);
}

static uint8_t read_chip(struct pic_chip *c, unsigned reg)
{
    if (c->poll) { /* instead of INTA */
        int n = serve_highest(c);

        c->poll = false;
        return n < 0 ? 0 : (uint8_t)(POLL_PENDING | n);
    }
    return reg == DATA ? c->imr : c->read_isr ? c->isr : c->irr;
}

/* ---- On the bus ---- */

static uint8_t read_first(void *dev, unsigned reg)
{
    struct pic *p = dev;
    uint8_t value = read_chip(&p->chips[0], reg);

    cascade(p);
    return value;
}

static void write_first(void *dev, unsigned reg, uint8_t value)
{
    struct pic *p = dev;

    write_chip(&p->chips[0], reg, value);
    cascade(p);
}

static uint8_t read_second(void *dev, unsigned reg)
{
    struct pic *p = dev;
    uint8_t value = read_chip(&p->chips[1], reg);

    cascade(p);
    return value;
}

static void write_second(void *dev, unsigned reg, uint8_t value)
{
    struct pic *p = dev;

    write_chip(&p->chips[1], reg, value);
    cascade(p);
}

static uint8_t read_elcr(void *dev, unsigned reg)
{
    return ((struct pic *)dev)->chips[reg].elcr;
}

static void write_elcr(void *dev, unsigned reg, uint8_t value)
{
    struct pic_chip *c = &((struct pic *)dev)->chips[reg];

    c->elcr = value & c->elcr_mask;
    c->irr |= c->lines & c->elcr;
    cascade(dev);
}

void pic_first_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value)
{
    bytewise_io(dev, REGISTERS, read_first, write_first, offset, size, write,
                value);
}

void pic_second_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value)
{
    bytewise_io(dev, REGISTERS, read_second, write_second, offset, size, write,
                value);
}

void pic_elcr_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value)
{
    bytewise_io(dev, REGISTERS, read_elcr, write_elcr, offset, size, write,
                value);
}

void pic_init(struct pic *p)
{
    *p = (struct pic){
        .chips = {{.first = true, .elcr_mask = 0xF8}, {.elcr_mask = 0xDE}}};
    for (unsigned i = 0; i < 2; i++) {
        p->chips[i].vector = (uint8_t)(X86_LINE_VECTOR + INPUTS * i);
        p->chips[i].lowest = INPUTS - 1;
        p->chips[i].auto_end = p->chips[i].level = true;
    }
}
