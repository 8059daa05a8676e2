/* Device specs: which PCI devices of a host are offered, as nova.conf says it ([pci] device_spec, once
 * passthrough_whitelist and pci_passthrough_whitelist).  Pure logic. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct device_spec {
	char vendor_id[8], product_id[8]; /* four hex digits, or "*" */
	char address[64];		  /* "dddd:bb:ss.f" with * as a wildcard, or "" */
	char devname[16];		  /* or "" */
	char physical_network[65];	  /* "" if the spec names none */
	bool has_physical_network;	  /* false also for null */
	char *tags;			  /* JSON object: everything that is no selector */
};

/* Parses one value of the option: an object or a list of them, which is added to *specs.  Errors say what was
 * wrong and what is allowed; `where` ("nova.conf:12") stands in front.  *warning gets a sentence about an
 * unknown key, or "". */
bool device_spec_parse(const char *where, const char *json, struct device_spec **specs, size_t *count,
		       char warning[256], struct error *err);
void device_specs_free(struct device_spec *specs, size_t count);

/* What a spec looks at. */
struct device_spec_device {
	const char *address, *vendor_id, *product_id;
	const char *parent; /* address of the PF of a VF, or "" */
	const char *netdev; /* a PF's own, or that of a VF's PF; known even while a guest has it */
};

/* The first spec that selects the device (rule: first match wins), or NULL.  A spec that names a PF, by
 * address or by devname, selects its VFs too. */
const struct device_spec *device_spec_find(const struct device_spec *specs, size_t count,
					   const struct device_spec_device *device);
