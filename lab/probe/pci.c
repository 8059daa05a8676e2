/* Walking and reading PCI configuration space. */
#include "pci.h"

#include "machine.h"

enum {
	ADDRESS_PORT = 0xcf8,
	DATA_PORT = 0xcfc,
	BRIDGE_BUSES = 0x18,
	MEMORY_AND_MASTER = 6,
	BAR_IS_IO = 1,
	BAR_TYPE = 6,
	BAR_IS_64_BIT = 4,
};

static void select(pci_address address, uint32_t reg)
{
	port_write32(ADDRESS_PORT, 0x80000000u | address << 8 | (reg & ~3u));
}

uint32_t pci_read(pci_address address, uint32_t reg)
{
	select(address, reg);
	return port_read32(DATA_PORT) >> 8 * (reg & 3);
}

void pci_write(pci_address address, uint32_t reg, uint32_t value)
{
	select(address, reg);
	port_write32(DATA_PORT, value);
}

static void scan_bus(uint32_t bus, void (*found)(pci_address address));

static void scan_behind(pci_address bridge, void (*found)(pci_address address))
{
	uint32_t secondary = pci_read(bridge, BRIDGE_BUSES) >> 8 & 255;

	if (secondary > pci_bus(bridge))
		scan_bus(secondary, found);
}

static void scan_slot(uint32_t bus, uint32_t slot, void (*found)(pci_address address))
{
	for (uint32_t function = 0; function < 8; function++) {
		pci_address address = bus << 8 | slot << 3 | function;
		uint32_t type;

		if ((pci_read(address, PCI_ID) & 0xffff) == 0xffff) {
			if (function == 0)
				return;
			continue;
		}
		type = pci_read(address, PCI_HEADER_TYPE) & 255;
		found(address);
		if ((type & 0x7f) == 1)
			scan_behind(address, found);
		if (function == 0 && !(type & 0x80))
			return;
	}
}

static void scan_bus(uint32_t bus, void (*found)(pci_address address))
{
	for (uint32_t slot = 0; slot < 32; slot++)
		scan_slot(bus, slot, found);
}

void pci_scan(void (*found)(pci_address address))
{
	scan_bus(0, found);
}

volatile uint32_t *pci_enable(pci_address address, uint32_t bar)
{
	uint32_t low = pci_read(address, bar);

	if (low & BAR_IS_IO || (low & ~15u) == 0)
		return NULL;
	if ((low & BAR_TYPE) == BAR_IS_64_BIT && pci_read(address, bar + 4) != 0)
		return NULL;
	pci_write(address, PCI_COMMAND, (pci_read(address, PCI_COMMAND) & 0xffff) | MEMORY_AND_MASTER);
	return (volatile uint32_t *)(uintptr_t)(low & ~15u);
}
