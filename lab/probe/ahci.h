/* Reading CD-ROMs on AHCI controllers. */
#ifndef PROBE_AHCI_H
#define PROBE_AHCI_H

#include "pci.h"

#include <stdbool.h>
#include <stdint.h>

#define AHCI_SECTOR	2048u
#define AHCI_CLASS	0x0106u
#define AHCI_MAX_CDROMS 4

/* Takes the CD-ROM drives of the controller into use; their media are read with ahci_read. */
void ahci_add_controller(pci_address address);

unsigned ahci_cdrom_count(void);

/* Reads one sector of 2048 bytes from the drive's medium; false if there is none or it cannot be read. */
bool ahci_read(unsigned cdrom, uint32_t sector, void *buffer);

#endif
