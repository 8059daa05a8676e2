/* PCI configuration space, by the ports 0xcf8 and 0xcfc. */
#ifndef PROBE_PCI_H
#define PROBE_PCI_H

#include <stdint.h>

/* A function's address: bus << 8 | slot << 3 | function. */
typedef uint32_t pci_address;

#define PCI_ID		0x00 /* vendor, device << 16 */
#define PCI_COMMAND	0x04
#define PCI_CLASS	0x08 /* class << 16 in the two upper bytes */
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0	0x10
#define PCI_BAR5	0x24

static inline uint32_t pci_bus(pci_address address)
{
	return address >> 8;
}

static inline uint32_t pci_slot(pci_address address)
{
	return address >> 3 & 31;
}

static inline uint32_t pci_function(pci_address address)
{
	return address & 7;
}

uint32_t pci_read(pci_address address, uint32_t reg);
void pci_write(pci_address address, uint32_t reg, uint32_t value);

/* Calls `found` for every function on the buses that the firmware numbered, bridges before what is behind
 * them. */
void pci_scan(void (*found)(pci_address address));

/*
 * Lets a function decode memory and be a bus master, and returns where its BAR is, or NULL if the firmware
 * gave it no place below 4 GiB.
 */
volatile uint32_t *pci_enable(pci_address address, uint32_t bar);

#endif
