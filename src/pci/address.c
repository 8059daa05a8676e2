/* PCI addresses: text and number. */
#include "pci/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool pci_hex_parse(const char *text, int length, int digits, unsigned max, unsigned *value)
{
	unsigned read = 0;

	if (length < 1 || length > digits)
		return false;
	for (int i = 0; i < length; i++) {
		int c = tolower((unsigned char)text[i]);

		if (!isxdigit(c))
			return false;
		read = read << 4 | (unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);
	}
	if (read > max)
		return false;
	*value = read;
	return true;
}

bool pci_address_parse(const char *text, pci_address *address)
{
	const char *dot = strchr(text, '.'), *colon = strchr(text, ':');
	const char *second = colon ? strchr(colon + 1, ':') : NULL;
	const char *bus_text = second ? colon + 1 : text, *bus_end = second ? second : colon;
	unsigned domain = 0, bus, slot, function;

	if (!dot || !colon || dot < bus_end)
		return false;
	if ((second && !pci_hex_parse(text, (int)(colon - text), 4, 0xffff, &domain)) ||
	    !pci_hex_parse(bus_text, (int)(bus_end - bus_text), 2, 0xff, &bus) ||
	    !pci_hex_parse(bus_end + 1, (int)(dot - bus_end - 1), 2, 0x1f, &slot) ||
	    !pci_hex_parse(dot + 1, (int)strnlen(dot + 1, 8), 1, 7, &function))
		return false;
	pci_address read = domain << 16 | bus << 8 | slot << 3 | function;
	if (read == PCI_ADDRESS_NONE)
		return false;
	*address = read;
	return true;
}

char *pci_address_format(pci_address address, char text[PCI_ADDRESS_SIZE])
{
	if (address == PCI_ADDRESS_NONE)
		text[0] = '\0';
	else
		snprintf(text, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", pci_address_domain(address),
			 pci_address_bus(address), pci_address_slot(address), pci_address_function(address));
	return text;
}
