/* What the machine is like, as far as Penstock cares: facts that are read from the kernel's files and from
 * the distribution's, once, for checking and planning. */
#pragma once

#include "agent/inventory.h"
#include "agent/settings.h"
#include "host/host.h"
#include "host/plan.h"
#include "host/wishes.h"

enum machine_family { FAMILY_OTHER, FAMILY_DEBIAN, FAMILY_REDHAT };

/* Who else configures a NIC. */
enum machine_manager {
	MANAGER_NONE,
	MANAGER_NETWORKD,
	MANAGER_NETPLAN,
	MANAGER_NETWORKMANAGER,
	MANAGER_NETWORK_SCRIPTS,
	MANAGER_IFUPDOWN,
};

/* A PF that the configuration names, by a device_spec, by physical_device_mappings, in host.conf or by --pf.
 */
struct machine_nic {
	char name[16];
	const struct pci_device *device; /* NULL: there is no such network device */
	bool physical_network;		 /* guests get its VFs for ports */
	char physnet[65];
	bool up;
	int mtu;
	bool mac_is_permanent;
	int autoprobe;	/* sriov_drivers_autoprobe; -1: this kernel has none */
	bool switchdev; /* its VFs are ports of an embedded switch */
	const struct wish_vfs *wish;
	enum machine_manager manager;
	char managed_by[256]; /* the file that says so */
};

struct machine {
	const char *root; /* "": this machine, now */
	enum machine_family family;
	char system[128]; /* "Debian GNU/Linux 12 (bookworm)" */
	char *cmdline;	  /* of the running kernel */
	bool intel, amd;  /* who made the CPU */
	bool dmar, ivrs;  /* tables by which the firmware tells of an IOMMU: VT-d, AMD-Vi */
	int iommus, iommu_groups;
	struct wishes wishes;
	struct agent_settings settings;
	struct pci_device *devices;
	size_t device_count;
	struct machine_nic *nics;
	size_t nic_count;
};

/* Start from {0}; machine_done() in any case. */
bool machine_read(const struct host_request *request, struct machine *machine, struct error *err);
void machine_done(struct machine *machine);

/* --- small questions about files --- */

bool machine_has(const char *path);
/* The last component of paths in a folder that match this pattern (fnmatch), sorted, ended by NULL, for
 * world_list_free(); never NULL. */
char **machine_list(const char *folder, const char *pattern);
/* Is this systemd unit switched on? */
bool machine_unit_enabled(const char *unit);
/* The value of KEY=value in a shell-like or INI file's text, without quotes: the last one in [section] (NULL:
 * anywhere).  For the caller to free; NULL if it is not there. */
char *machine_value(const char *text, const char *section, const char *key);

/* Fills nic->manager and managed_by. */
void manager_find(struct machine_nic *nic);
const char *manager_name(enum machine_manager manager);
