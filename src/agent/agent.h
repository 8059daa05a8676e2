/* The agent at work: learns what the host should run, makes it so, reports what is. */
#pragma once

#include "agent/controller.h"
#include "agent/lifecycle.h"
#include "numa/cpu_set.h"
#include "pci/device_spec.h"

/* One [sriov_nic] physical_device_mappings item: a PF that carries a physical network. */
struct device_mapping {
	char physical_network[65], netdev[16];
};

/* One [DEFAULT] reserved_huge_pages: what the host keeps for itself. */
struct reserved_pages {
	int node;
	int64_t size_kb, count;
};

/* A VF that is never offered, whatever the device specs say. */
struct excluded_device {
	char address[16];
};

struct agent_settings {
	struct controller controller;
	struct host_folders folders;
	char state_dir[256];
	char availability_zone[256];
	int64_t reserved_memory_mb;
	struct device_spec *specs;
	size_t spec_count;
	bool report_in_placement; /* [pci]: Placement shows the devices that have no physical network */
	struct device_mapping *mappings;
	size_t mapping_count;
	bool has_cpu_sets;				  /* one of these is set */
	struct cpu_set cpu_shared_set, cpu_dedicated_set; /* [compute] */
	struct excluded_device
		*excluded; /* [sriov_nic] exclude_devices: addresses of VFs that are never offered */
	size_t excluded_count;
	struct reserved_pages *reserved_pages;
	size_t reserved_page_count;
};

/* Runs until agent_stop() is called (by a signal's thread).  Guests stay as they are. */
bool agent_run(const struct agent_settings *settings, struct error *err);
void agent_stop(void);
