/* PCI addresses: what is read is written in one way, and read again the same. */
#include "fuzz.h"

#include "agent/server.h"
#include "pci/address.h"

/* The same by another way: sscanf() with the lengths looked at. */
static bool is_address(const char *text, pci_address *address)
{
	unsigned part[4] = {0}, count = 0;
	size_t digits;

	for (const char *c = text;; c++, count++) {
		if (count == 4)
			return false;
		digits = strspn(c, "0123456789abcdefABCDEF");
		if (digits < 1 || digits > (count == 3 ? 1u : 4u))
			return false;
		part[count] = (unsigned)strtoul(c, NULL, 16);
		c += digits;
		if (*c == '.' && !c[2] && c[1] >= '0' && c[1] <= '7' && (count == 1 || count == 2)) {
			part[3] = (unsigned)(c[1] - '0');
			break;
		}
		if (*c != ':')
			return false;
	}
	if (count == 1) {
		part[2] = part[1];
		part[1] = part[0];
		part[0] = 0;
	}
	*address = part[0] << 16 | part[1] << 8 | part[2] << 3 | part[3];
	return part[1] <= 0xff && part[2] <= 0x1f && *address != PCI_ADDRESS_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *text = fuzz_rest(&input);
	char written[PCI_ADDRESS_SIZE];
	pci_address address, again;

	if (!pci_address_parse(text, &address)) {
		FUZZ_CHECK(!is_pci_address(text));
		return 0;
	}
	FUZZ_CHECK(address != PCI_ADDRESS_NONE);
	pci_address_format(address, written);
	FUZZ_CHECK(strlen(written) == PCI_ADDRESS_SIZE - 1);
	FUZZ_CHECK(pci_address_parse(written, &again) && again == address);
	FUZZ_CHECK(is_pci_address(written));
	if (strlen(text) == strlen(written))
		FUZZ_CHECK(is_address(text, &again) && again == address);
	return 0;
}
