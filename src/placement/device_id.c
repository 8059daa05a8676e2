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

/* Digits and dashes each in their places: sscanf() would take a dash for a sign. */
static bool has_form(const char *text)
{
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !text[i] || !strchr("0123456789abcdef", text[i]))
			return false;
	}
	return text[36] == '\0';
}

bool device_id_parse(const char *text, int64_t *host_number, pci_address *address)
{
	uint64_t number;
	int end = 0;

	if (!has_form(text) || text[14] != '8' || text[19] != '8' ||
	    sscanf(text, "%8" SCNx32 "-%*4[0-9a-f]-%*4[0-9a-f]-%*4[0-9a-f]-%12" SCNx64 "%n", address, &number,
		   &end) != 2 ||
	    end != 36)
		return false;
	*host_number = (int64_t)number;
	return true;
}
