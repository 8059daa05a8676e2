/* Device specs: which PCI devices of a host are offered to guests, as nova.conf says it ([pci] device_spec,
 * formerly [pci] passthrough_whitelist and [DEFAULT] pci_passthrough_whitelist).  Pure logic: who uses it
 *reads the configuration and sysfs.
 *
 * One value of the option is a JSON object or a list of them; each object has
 *	vendor_id, product_id	hex, "0x" allowed, or "*"
 *	address			"0000:21:00.0": this device and, if it is a PF, its VFs; or with wildcards
 *				"*:21:10.*", "0000:21:*", ":0a:00." - a field is a whole number, * or left
 *out, as in Nova; or an object of regular expressions {"domain", "bus", "slot", "function"} (field_regex.h:
 *matched from the field's beginning, in any case of letters)
 *	devname			a network device: of a PF for the PF and its VFs, of any other device for that
 *one anything else		a tag: physical_network (null is none), trusted, remote_managed, managed ...
 * `address` excludes `devname`.  The FIRST spec that selects a device gives it its tags; there are no
 *exceptions
 * ("all but").
 *
 * Use, for an agent:
 *	device_spec_parse() for each value of the option, in order (log the warnings);
 *	device_spec_find() for each PCI endpoint of the host: NULL means not offered; else spec->tags is the
 *inventory's `tags` and spec->physical_network its `physical_network`. A netdev that a guest has taken away
 *(its PF is passed through) is to be given as it was: remember address and name, or the devname would stop to
 *select its devices (in Nova it does, and they vanish from the inventory). */
#pragma once

#include "base/error.h"
#include "pci/address.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	DEVICE_SPEC_ANY_ID = -1,
	DEVICE_SPEC_MAX = 1024,	     /* specs in all */
	DEVICE_SPEC_MAX_TEXT = 65536 /* bytes of one value of the option */
};

struct device_spec_regex;

struct device_spec {
	int vendor_id, product_id;	 /* or DEVICE_SPEC_ANY_ID */
	int domain, bus, slot, function; /* -1: any */
	pci_address single;		 /* the one address that is meant (selects a PF's VFs too), or NONE */
	struct device_spec_regex *regex; /* or NULL */
	char devname[64];		 /* or "" */
	char physical_network[65];	 /* "" if the spec names none */
	bool has_physical_network;	 /* false also for null */
	bool remote_managed, one_time_use;
	char *tags; /* JSON object: everything that is no selector, booleans as "true" and "false" */
};

/* Parses one value of the option: an object or a list of them, which is added to *specs.  Errors say what was
 * wrong and what is allowed; `where` ("nova.conf:12: [pci] device_spec") stands in front.  *warning gets a
 * sentence about unknown keys, or "".  After a failure *specs is still to be freed. */
bool device_spec_parse(const char *where, const char *json, struct device_spec **specs, size_t *count,
		       char warning[256], struct error *err);
void device_specs_free(struct device_spec *specs, size_t count);

/* What the spec may not say, given [pci] report_in_placement: one_time_use without it; with it a devname, or
 * names that are too long. */
bool device_spec_check_placement(const char *where, const struct device_spec *spec, bool report_in_placement,
				 struct error *err);

/* What a spec looks at.  NULL counts as "". */
struct device_spec_device {
	const char *address, *vendor_id, *product_id;
	const char *parent;	 /* address of the PF of a VF, or "" */
	const char *netdev;	 /* its own, or that of a VF's PF; known even while a guest has it */
	const char *own_netdev;	 /* of a VF: its own, or "" */
	const char *card_serial; /* of the card's VPD, its own or its PF's, or "": remote_managed needs one */
};

/* The first spec that selects the device, or NULL.  A device whose address does not parse (a 32-bit domain)
 * is selected by none. */
const struct device_spec *device_spec_find(const struct device_spec *specs, size_t count,
					   const struct device_spec_device *device);
