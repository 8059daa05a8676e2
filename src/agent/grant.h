/* The grant journal: what was taken from the host for a server, written down before it is taken.  It lies as
 * grant.json in the server's folder until everything was given back and that was verified. */
#pragma once

#include "agent/device.h"
#include "agent/server.h"

struct granted_device {
	struct device_memory memory;
	struct device_place place;
	char owner[37];	  /* the server that it was taken for */
	int64_t grant;	  /* ledger.h; 0: of an older journal */
	char port_id[37]; /* or "" */
	bool macvtap;	  /* lent: it stays with its driver, and the guest has a macvtap on it */
};

struct granted_lease {
	char network_id[37], mac[18], ip[46]; /* ip: "" if it has none */
	char port_id[37];		      /* "": of an older journal */
};

struct grant {
	char server_id[37];
	struct granted_device *devices;
	size_t device_count;
	struct granted_lease *leases;
	size_t lease_count;
};

/* Reads folder/grant.json; none there: an empty grant.  The folder is named after its server. */
bool grant_read(const char *folder, struct grant *grant, struct error *err);
/* Is anything on the host the port's still?  A journal that cannot be read says yes. */
bool grant_holds_port(const char *folder, const char *port_id);
/* What the server needs: as `before` remembers it, or looked at on the host as it is now. */
bool grant_make(yyjson_val *server, const struct grant *before, struct grant *grant, struct error *err);
/* That of `before` which the server is still wanted to have; nothing is looked at. */
void grant_keep(yyjson_val *server, const struct grant *before, struct grant *kept);
/* Of one device or lease: is the server still wanted to have it? */
bool grant_device_is_wanted(yyjson_val *server, const struct granted_device *device);
bool grant_lease_is_wanted(yyjson_val *server, const struct granted_lease *lease);
/* Adds what a port needs, unless it is there. */
bool grant_add_port(struct grant *grant, yyjson_val *port, struct error *err);
void grant_drop_device(struct grant *grant, size_t index);
void grant_drop_lease(struct grant *grant, size_t index);
/* Adds a device that only goes with those of the server (its IOMMU group's), unless it is there already. */
bool grant_add_mate(struct grant *grant, const struct grant *before, const char *address, struct error *err);
/* Writes folder/grant.json; it is on the disk when this returns. */
bool grant_write(const char *folder, const struct grant *grant, struct error *err);
void grant_done(struct grant *grant);

void granted_device_parse(yyjson_val *object, const char *owner, struct granted_device *device);
void granted_device_write(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct granted_device *device);

const struct granted_device *grant_find_device(const struct grant *grant, const char *address);
bool grant_has_lease(const struct grant *grant, const struct granted_lease *lease);

/* Gives a device of the grant to the guest-to-be if it answers and nobody holds it: bound to vfio-pci, a VF
 * programmed as its port says (an alias's VF is clean).  Idempotent. */
bool granted_setup(const struct granted_device *device, yyjson_val *server, struct error *err);
/* Programs a VF that a guest has anew. */
bool granted_program(const struct granted_device *device, yyjson_val *server, struct error *err);
/* Takes it back: clean, under the driver that it had; verified by reading, and the release hook was run.
 * Idempotent.  What has been given to another server since (ledger.h) is not touched.  True also if the
 * device was quarantined instead, because it cannot be made good: then it is nobody's. */
bool granted_release(const struct granted_device *device, struct error *err);
/* The same for one that no server has, once: false if it is not well.  ERROR_CONFLICT: a server has it by
 * now. */
bool granted_recheck(const struct granted_device *device, struct error *err);
