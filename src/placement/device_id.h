/* Within the placement room: the ids of devices' providers.  They follow from host and address, so that they
 * need no table and the provider of an id is found without looking at all: UUIDs of version 8 (RFC 9562) with
 * the PCI address in front, digits of the host's id in the middle and the host's number at the end. */
#pragma once

#include "pci/address.h"

#include <stdbool.h>
#include <stdint.h>

/* "00002100-a1b2-8c3d-8e4f-000000000007" */
char *device_id_format(const char *host_id, int64_t host_number, pci_address address, char text[37]);
/* false if it is no such id.  Whether the host's id is meant the caller finds by formatting it again. */
bool device_id_parse(const char *text, int64_t *host_number, pci_address *address);
