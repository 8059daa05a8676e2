/*
 * QEMU's ACPI PCI hot-plug of q35 (docs/specs/acpi_pci_hotplug), by its registers alone: what the ACPI code
 * of an operating system does when the machine signals an event.  A bus is selected by the number that QEMU
 * gave it.
 */
#include "hotplug.h"

#include "machine.h"
#include "pci.h"
#include "serial.h"

enum {
	UP_PORT = 0xcc0,   /* slots with something new; reading clears it */
	DOWN_PORT = 0xcc4, /* slots of which something is to go */
	EJECT_PORT = 0xcc8,
	SELECT_PORT = 0xcd0,
	BUSES = 64,
};

static void sees(pci_address address)
{
	uint32_t id = pci_read(address, PCI_ID);

	serial_print("PROBE sees %B %x:%x\n", address, id & 0xffff, id >> 16);
}

void hotplug_poll(void)
{
	bool plugged = false;

	for (uint32_t bus = 0; bus < BUSES; bus++) {
		port_write32(SELECT_PORT, bus);
		plugged |= port_read32(UP_PORT) != 0;
		uint32_t down = port_read32(DOWN_PORT);
		if (down) {
			serial_print("PROBE lets go\n");
			port_write32(EJECT_PORT, down);
		}
	}
	if (plugged) {
		serial_print("PROBE plugged\n");
		pci_scan(sees);
	}
}
