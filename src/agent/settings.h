/* What the configuration says of a host.  It is read by penstock-agent and by `penstock config check`, and
 * reading it changes nothing. */
#pragma once

#include "agent/controller.h"
#include "agent/lifecycle.h"
#include "agent/migration.h"
#include "config/config.h"
#include "config/items.h"
#include "numa/cpu_set.h"
#include "pci/device_spec.h"

/* One [sriov_nic] physical_device_mappings item: a PF that carries a physical network. */
struct device_mapping {
	char physical_network[ITEM_PHYSNET_SIZE], netdev[ITEM_NETDEV_SIZE];
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

/* One [sriov_nic] resource_provider_bandwidths: what a PF can carry, kbit/s (-1: not said). */
struct nic_bandwidth {
	char netdev[ITEM_NETDEV_SIZE], hypervisor[ITEM_HYPERVISOR_SIZE];
	int64_t egress_kbps, ingress_kbps;
};

/* A network that is near a NUMA node: [neutron] physnets, [neutron_physnet_NAME] and [neutron_tunnel]
 * numa_nodes. */
#define NEAR_TUNNELS "" /* is no name of a physical network */
struct near_network {
	char name[ITEM_PHYSNET_SIZE]; /* or NEAR_TUNNELS */
	int node;
};

struct agent_settings {
	struct controller controller;
	struct host_folders folders;
	char host[256]; /* [DEFAULT] host, or what the kernel says */
	char state_dir[256];
	char availability_zone[256];
	int64_t reserved_memory_mb;
	struct device_spec *specs;
	size_t spec_count;
	bool report_in_placement; /* [pci]: Placement shows the devices that have no physical network */
	struct device_mapping *mappings;
	size_t mapping_count;
	struct nic_bandwidth *bandwidths; /* bandwidths.h */
	size_t bandwidth_count;
	struct item_inventory inventory_defaults; /* [sriov_nic] resource_provider_inventory_defaults */
	bool has_cpu_sets;			  /* one of these is set */
	struct cpu_set cpu_shared_set, cpu_dedicated_set; /* [compute] */
	struct excluded_device
		*excluded; /* [sriov_nic] exclude_devices: addresses of VFs that are never offered */
	size_t excluded_count;
	struct reserved_pages *reserved_pages;
	size_t reserved_page_count;
	struct near_network *near;
	size_t near_count;
	bool keep_pfs_up;					       /* [penstock] */
	bool grant_mates;					       /* [pci] iommu_group_mates = grant */
	char release_hook[256];					       /* [pci]; "" is none */
	int64_t release_hook_timeout, device_timeout, libvirt_timeout; /* seconds */
	struct migration_settings migration;			       /* [libvirt] live_migration_... */
};

/* Start from {0}.  A value that is not allowed, or contradicts another one, is an error with its place;
 * `warn` is called with sentences about what is allowed and looks like a mistake. */
bool agent_settings_read(const struct config *config, struct agent_settings *settings,
			 void (*warn)(void *user, const char *sentence), void *user, struct error *err);
/* Its part about [sriov_nic]; `host` is read before. */
bool agent_nic_read(const struct config *config, struct agent_settings *settings, struct error *err);
void agent_settings_done(struct agent_settings *settings);
