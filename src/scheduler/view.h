/* What hosts have and who has what of it, as Placement shows it: read from the store, on any thread. */
#pragma once

#include "pci/address.h"
#include "pci/device.h"
#include "pci/resource.h"
#include "scheduler/scheduler.h"

/* A host's amounts, as it reported them. */
struct scheduler_amounts {
	char id[37];
	char name[256];
	int64_t number;	  /* small integer, never changes */
	int64_t revision; /* moves with what the host shall run */
	bool enabled;
	bool in_placement; /* [pci] report_in_placement */
	int64_t shared_cpus, dedicated_cpus, memory_mb, reserved_memory_mb, disk_gb;
};

/* A device that Placement shows: of a host with report_in_placement, offered (or a server's since it was),
 * and without a physical network. */
struct scheduler_shown {
	char host_id[37];
	char address[PCI_ADDRESS_SIZE];
	char parent[PCI_ADDRESS_SIZE]; /* of a VF, or "" */
	struct pci_resource resource;  /* owned */
	char server_id[37];	       /* whose it is, or "" */
	bool usable;		       /* healthy and there */
	bool one_time_use;
	bool spent; /* it has been given to a server, and nobody said that it can be given again */
};

/* What a server has claimed of a host, but for devices. */
struct scheduler_share {
	char server_id[37], host_id[37];
	int64_t vcpus, pcpus, memory_mb, disk_gb; /* vcpus: that float; pcpus: CPUs that nobody else has */
};

/* Each gives the host's (NULL: all hosts'), in the order of hosts' numbers; freed by the caller, devices with
 * scheduler_shown_free(). */
bool scheduler_view_hosts(struct store *db, const char *host_id, struct scheduler_amounts **hosts,
			  size_t *count, struct error *err);
bool scheduler_view_devices(struct store *db, const char *host_id, struct scheduler_shown **devices,
			    size_t *count, struct error *err);
bool scheduler_view_shares(struct store *db, const char *host_id, struct scheduler_share **shares,
			   size_t *count, struct error *err);
void scheduler_shown_free(struct scheduler_shown *devices, size_t count);

/* The id of the host with this number; "" if there is none. */
bool scheduler_host_of_number(struct store *db, int64_t number, char id[37], struct error *err);
/* The ids of the hosts on which the server has claimed anything; *hosts is freed by the caller. */
bool scheduler_hosts_of_server(struct store *db, const char *server_id, char (**hosts)[37], size_t *count,
			       struct error *err);

/* What of each amount may be given away is (total - reserved) * ratio. */
struct scheduler_ratios {
	double cpu, ram, disk;
};
struct scheduler_ratios scheduler_ratios(void);

/* A device with one_time_use that may (not) be given to a server (again).  The writer's thread. */
bool scheduler_device_set_spent(struct store *db, const char *host_id, const char *address, bool spent,
				struct error *err);
