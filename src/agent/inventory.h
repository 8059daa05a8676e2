/* What this host has: PCI devices, CPUs, memory (sysfs, procfs). */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_device {
	char address[16]; /* "0000:21:10.0" */
	char vendor_id[5], product_id[5];
	char class_code[5]; /* "0200" */
	char type[10];	    /* "type-PCI", "type-PF", "type-VF" */
	char parent[16];    /* PF of a VF, or "" */
	int vf_index;	    /* -1 if no VF */
	int numa_node;	    /* -1: none */
	int iommu_group;    /* -1: none */
	char driver[32];    /* "" if none is bound */
	char netdev[16];    /* name of its network device, or "" */
	char mac_address[18];
	int numvfs, totalvfs; /* of a PF: VFs that exist (counted by their virtfnN links: sriov_numvfs can
				 block) */
};

#define HOST_CELLS_MAX 16
#define HOST_PAGES_MAX 4

struct host_facts {
	int64_t vcpus, memory_mb, disk_gb; /* disk: of the file system that holds state_dir */
	char cpu_model[64], cpu_vendor[16];
	int sockets, cores, threads;
	struct host_cell {
		int id;
		int64_t memory_mb;
		char cpus[256];	     /* "0-3,8" as sysfs has it */
		int socket;	     /* -1: unknown */
		char siblings[2048]; /* cpus_topology() */
		struct host_pages {
			int64_t size_kb, total;
		} pages[HOST_PAGES_MAX];
		int page_count;
	} cells[HOST_CELLS_MAX];
	int cell_count;
};

/* All PCI endpoints (no bridges), sorted by address; *devices is freed by the caller. */
bool inventory_devices(struct pci_device **devices, size_t *count, struct error *err);
/* The one of a list of inventory_devices() with this address, or NULL. */
struct pci_device *inventory_find(struct pci_device *devices, size_t count, const char *address);
bool inventory_host(const char *state_dir, struct host_facts *facts, struct error *err);
