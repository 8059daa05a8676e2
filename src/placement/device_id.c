/* Ids of devices' providers. */
#include "placement/device_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *device_id_format(const char *host_id, int64_t host_number, pci_address address, char text[37])
{
	snprintf(text, 37, "%08" PRIx32 "-%.4s-8%.3s-8%.3s-%012" PRIx64, address, host_id, host_id + 4,
		 host_id + 9, (uint64_t)host_number & UINT64_C(0xffffffffffff));
	return text;
}

bool device_id_parse(const char *text, int64_t *host_number, pci_address *address)
{
	uint64_t number;
	int end = 0;

	if (strlen(text) != 36 || strspn(text, "0123456789abcdef-") != 36 || text[14] != '8' ||
	    text[19] != '8' ||
	    sscanf(text, "%8" SCNx32 "-%*4[0-9a-f]-%*4[0-9a-f]-%*4[0-9a-f]-%12" SCNx64 "%n", address, &number,
		   &end) != 2 ||
	    end != 36)
		return false;
	*host_number = (int64_t)number;
	return true;
}
