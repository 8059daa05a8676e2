/* PCI addresses as one number each: they compare, sort and hash as they are.  Pure logic.
 *
 * A domain of more than 16 bits (Intel VMD numbers its own from 0x10000) is none here: Nova skips such
 * devices, no device spec can name them, and parsing one fails. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* domain << 16 | bus << 8 | slot << 3 | function */
typedef uint32_t pci_address;

#define PCI_ADDRESS_NONE UINT32_MAX /* stands for no address; ffff:ff:1f.7 is not parsed */
#define PCI_ADDRESS_SIZE 13	    /* "0000:21:10.0" and its end */

/* Reads "0000:21:10.0", or "21:10.0" (domain 0), digits in any case.  Anything else is false. */
bool pci_address_parse(const char *text, pci_address *address);
/* Writes it as sysfs does: "0000:21:10.0", or "" for PCI_ADDRESS_NONE; returns text. */
char *pci_address_format(pci_address address, char text[PCI_ADDRESS_SIZE]);

static inline unsigned pci_address_domain(pci_address address)
{
	return address >> 16;
}

static inline unsigned pci_address_bus(pci_address address)
{
	return address >> 8 & 0xff;
}

static inline unsigned pci_address_slot(pci_address address)
{
	return address >> 3 & 0x1f;
}

static inline unsigned pci_address_function(pci_address address)
{
	return address & 7;
}

/* Reads 1 to `digits` hex digits (all of the `length` characters at text) of a value up to `max`. */
bool pci_hex_parse(const char *text, int length, int digits, unsigned max, unsigned *value);
