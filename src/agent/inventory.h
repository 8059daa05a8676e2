/* All knowledge of sysfs: which PCI devices, CPUs and memory this host has.  `root` is "" on a real host and
 * a folder with a copy of the tree in tests. */
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

struct host_facts {
	int64_t vcpus, memory_mb, disk_gb; /* disk: of the file system that holds state_dir */
	char cpu_model[64], cpu_vendor[16];
	int sockets, cores, threads;
	struct host_cell {
		int id;
		int64_t memory_mb;
		char cpus[256]; /* "0-3,8" as sysfs has it */
		int64_t hugepages_2m;
	} cells[16];
	int cell_count;
};

/* All PCI endpoints (no bridges), sorted by address; *devices is freed by the caller. */
bool inventory_devices(const char *root, struct pci_device **devices, size_t *count, struct error *err);
bool inventory_host(const char *root, const char *state_dir, struct host_facts *facts, struct error *err);
