/* Handing PCI devices over to guests and taking them back: driver_override, vfio-pci, and what a PF must get
 * back (name, MTU, state, VFs).  Blocking: call on a worker, one at a time for a device and its PF. */
#pragma once

#include "agent/inventory.h"
#include "base/error.h"

#include <stdbool.h>

/* What a device was before it was given away; kept in the grant journal. */
struct device_memory {
	char address[16];
	char driver[32];      /* "" if none was bound; vfio-pci where the operator binds it at boot */
	char override[32];    /* driver_override, or "" */
	char netdev[16];      /* of a NIC */
	char mac_address[18]; /* of its network device, or "" */
	bool up;
	int mtu;
	int numvfs;
	bool autoprobe; /* sriov_drivers_autoprobe */
};

/* Where a VF belongs. */
struct device_place {
	char parent[16]; /* address of its PF, or "" */
	char pf[16];	 /* network device of its PF, or "" */
	int vf_index;	 /* -1: no VF */
};

bool device_find(const char *address, struct device_place *place, struct error *err);
/* Looks at a device as it is now, until two looks agree: one on its way is not remembered so. ERROR_CONFLICT:
 * one of its VFs is with a guest. */
bool device_remember(const char *address, struct device_memory *memory, struct error *err);
/* Addresses of its VFs, in their order, ended by NULL, for world_list_free(); NULL and *err if it cannot be
 * told. */
char **device_vfs(const char *address, struct error *err);
void device_driver(const char *address, char driver[32]);
/* False, of type DEVICE_FAILS, if its configuration space reads as all ones: it fell off the bus, or its
 * reset did not end. */
bool device_answers(const char *address, struct error *err);
/* err->type of what is wrong with the device itself, and will be so the next time. */
#define DEVICE_FAILS "device"
/* Binds it to vfio-pci (idempotent).  A PF: refused while one of its VFs is bound to vfio-pci; its VFs are
 * removed first.  Waits until the driver link says so. */
bool device_take(const struct device_memory *memory, struct error *err);
/* Name of its network device, or "". */
void device_netdev(const char *address, char name[16]);
/* A macvtap port's VF stays with its driver: its network device gets the port's address, and is set up. */
bool device_lend(const struct device_memory *memory, const char *mac_address, struct error *err);
/* Gives the network device of a lent VF its address and its state back. */
bool device_unlend(const struct device_memory *memory, struct error *err);
/* Gives it back (idempotent): resets it, clears driver_override, unbinds vfio-pci, binds the driver it had; a
 * NIC: waits for its network device, names it as it was, MTU, up; a PF: VFs recreated.  All of it is read
 * back at the end. */
bool device_return(const struct device_memory *memory, struct error *err);
