/* A System/370 guest as a command names it, put onto any System/370: the bare
 * machine or a virtual one. */
#ifndef CLI_EQUIP_H
#define CLI_EQUIP_H

#include "cli/guest_file.h"
#include "monitor/vm.h"
#include "s370/dev/config.h"
#include "s370/machine/machine.h"

struct equip {
    struct guest_file file;
    struct s370_config config; /* of the file, or made up for a tape or core */
    uint8_t *core;             /* owned; GUEST_CORE: storage from 0 */
    uint32_t core_size;
    uint16_t ipl; /* device to IPL from; without meaning for GUEST_CORE */
};

/* Read what the file describes.  ipl: the address that the user gave, or NULL:
 * then the first tape with a file, or else the only card reader with one.
 * After a failure there is nothing to close. */
MUST_USE enum status equip_open(struct equip *e, const struct guest_file *file,
                                const uint64_t *ipl, struct diag *diag);
void equip_close(struct equip *e);

/* Attach the devices.  Each call opens the files anew; output files are
 * written over.  flags: S370_CONFIG_*. */
MUST_USE enum status equip_attach(const struct equip *e,
                                  struct s370_channels *channels,
                                  const struct s370_console_host *host,
                                  unsigned flags, struct diag *diag);

/* The first console among them, or NULL. */
struct s370_device *equip_console(const struct equip *e,
                                  struct s370_channels *channels);

/* IPL, or load the core and press restart: the guest can run. */
MUST_USE enum status equip_start_bare(const struct equip *e,
                                      struct s370_machine *m,
                                      struct diag *diag);
MUST_USE enum status equip_start_vm(const struct equip *e, struct vm *vm,
                                    struct diag *diag);

#endif
