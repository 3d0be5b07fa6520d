/* The interrupt controllers of a PC: two 8259As, the second one on line 2 of
 * the first.
 *
 * Source: Intel, 8259A data sheet (231468), "Programming the 8259A"; the
 * edge/level registers at 4D0h are those of PCI chipsets (Intel 82371SB,
 * "ELCR").  Not there: the 8080's mode, in which INTA gives a CALL. */
#ifndef X86VMM_DEV_DEV_PIC_H
#define X86VMM_DEV_DEV_PIC_H

#include "base/bus.h"

/* Where a PC has the two registers of each, and the two of edge and level. */
enum { PIC_PORT = 0x20, PIC_PORT_SECOND = 0xA0, PIC_PORT_ELCR = 0x4D0 };

struct pic_chip {
    uint8_t irr, isr, imr;
    bool asks; /* INT is up: it stays so until INTA, though the request goes */
    uint8_t lines; /* levels at the inputs */
    uint8_t elcr;  /* inputs that are level-triggered */
    uint8_t elcr_mask;
    uint8_t vector; /* of input 0 */
    uint8_t lowest; /* the input of lowest priority; 7 unless rotated */
    uint8_t step;   /* the ICW that is expected next, or 0 */
    bool icw4;      /* and it comes */
    bool single;    /* no ICW3 */
    bool level;     /* LTIM: all inputs are level-triggered */
    bool auto_end, rotate_auto_end;
    bool special_mask, special_nested;
    bool read_isr, poll;
    bool begun; /* ICW1 has come */
    bool first; /* it has the other one on input 2 */
};

struct pic {
    struct pic_chip chips[2];
};

/* As before any programming: in the data sheet nothing is said of that.  Here
 * lines are level-triggered vectors from X86_LINE_VECTOR on that need no end
 * of interrupt, as platform.h promises. */
void pic_init(struct pic *p);

/* Input 0 to 15 changes; fits x86_platform.line_changed. */
void pic_line(void *pic, unsigned line, bool raised);

/* Is INT raised? */
bool pic_pending(const struct pic *p);

/* The processor acknowledges (INTA): the vector.  Where the request has gone
 * before that, or there is none, it is input 7's, which is not in service then
 * (data sheet, "Interrupt Sequence": a default IR7). */
int pic_acknowledge(struct pic *p);

/* bus_io_fn of the two registers of a chip (dev: struct pic; two functions,
 * for a device has one range), and of ELCR. */
void pic_first_io(void *dev, uint64_t offset, unsigned size, bool write,
                  uint64_t *value);
void pic_second_io(void *dev, uint64_t offset, unsigned size, bool write,
                   uint64_t *value);
void pic_elcr_io(void *dev, uint64_t offset, unsigned size, bool write,
                 uint64_t *value);

#endif
