/* The table of options: those of nova.conf, neutron.conf, ml2_conf.ini and sriov_agent.ini that are about
 * what Penstock does, and Penstock's own.  docs/configuration.md is printed from it: `penstock config
 * options`. Defaults and ranges are those of the rooms that read the options. */
#include "config/items.h"
#include "config/options.h"

#include "base/memory.h"

/* --- are the values that have a syntax of their own well-formed? --- */

static bool is_vlan_range(const char *text)
{
	char physnet[ITEM_PHYSNET_SIZE];
	int64_t first, last;

	return item_vlan_range(text, physnet, &first, &last);
}

static bool is_vni_range(const char *text)
{
	int64_t first, last;

	return item_vni_range(text, &first, &last);
}

static bool is_physnet(const char *text)
{
	char physnet[ITEM_PHYSNET_SIZE];

	return item_physnet(text, physnet);
}

static bool is_physnet_mtu(const char *text)
{
	char physnet[ITEM_PHYSNET_SIZE];
	int64_t mtu;

	return item_physnet_mtu(text, physnet, &mtu);
}

static bool is_mapping(const char *text)
{
	char physnet[ITEM_PHYSNET_SIZE], netdev[ITEM_NETDEV_SIZE];

	return item_mapping(text, physnet, netdev);
}

static bool is_exclusion(const char *text)
{
	char netdev[ITEM_NETDEV_SIZE];

	return item_exclusion(text, netdev, NULL, NULL);
}

static bool is_bandwidth(const char *text)
{
	char netdev[ITEM_NETDEV_SIZE];
	int64_t egress, ingress;

	return item_bandwidth(text, netdev, &egress, &ingress);
}

static bool is_hypervisor(const char *text)
{
	char netdev[ITEM_NETDEV_SIZE], hypervisor[ITEM_HYPERVISOR_SIZE];

	return item_hypervisor(text, netdev, hypervisor);
}

static bool is_inventory(const char *text)
{
	struct item_inventory inventory;

	return item_inventory(text, &inventory);
}

static bool is_device_ids(const char *text)
{
	unsigned vendor, product;

	return item_device_ids(text, &vendor, &product);
}

static bool is_huge_pages(const char *text)
{
	int64_t size_kb, count;
	int node;

	return item_huge_pages(text, &node, &size_kb, &count);
}

static bool is_host_vfs(const char *text)
{
	char netdev[ITEM_NETDEV_SIZE];
	bool drivers;
	int count;

	return item_host_vfs(text, netdev, &count, &drivers);
}

static bool is_host_pages(const char *text)
{
	int64_t size_kb, count;
	char size[8];

	return item_host_pages(text, size, &size_kb, &count);
}

static bool is_numa_node(const char *text)
{
	int node;

	return item_numa_node(text, &node);
}

/* --- the table --- */

const struct config_option config_options[] = {
	/* --- what only Penstock has --- */
	{"penstock", "listen", .fallback = "0.0.0.0", .help = "address that penstockd listens on"},
	{"penstock", "port", .type = CONFIG_INT, .fallback = "5000", .min = 0, .max = 65535,
	 .help = "port that penstockd listens on"},
	{"penstock", "public_url",
	 .help = "URL under which clients reach penstockd, for the catalog; else what each request names"},
	{"penstock", "controller_url", .fallback = "http://127.0.0.1:5000",
	 .help = "where a host finds penstockd"},
	{"penstock", "agent_state_path", .fallback = "/var/lib/penstock/agent",
	 .help = "folder of penstock-agent"},
	{"penstock", "device_timeout", .type = CONFIG_INT, .fallback = "120", .min = 1, .max = 3600,
	 .help = "seconds after which a call to the kernel about a device is left to itself"},
	{"penstock", "libvirt_timeout", .type = CONFIG_INT, .fallback = "60", .min = 1, .max = 3600,
	 .help = "the same for calls to libvirt; starting and ending guests may take ten times as long"},
	{"penstock", "keep_pfs_up", .type = CONFIG_BOOL, .fallback = "True",
	 .help = "PFs that carry offered VFs or a physical network are brought up again when they go down"},
	{"penstock", "network_forward", .type = CONFIG_CHOICE, .fallback = "nat",
	 .choices = "nat,route,open,none", .help = "how libvirt networks of hosts reach the world"},

	/* --- which PCI devices guests may have --- */
	{"pci", "device_spec", .type = CONFIG_JSON, .multi = true,
	 .older = "pci.passthrough_whitelist DEFAULT.pci_passthrough_whitelist",
	 .help = "devices of this host that are offered to guests"},
	{"pci", "alias", .type = CONFIG_JSON, .multi = true, .older = "DEFAULT.pci_alias",
	 .help = "name under which flavors ask for devices"},
	{"pci", "report_in_placement", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "report this host's devices to Placement"},
	{"pci", "iommu_group_mates", .type = CONFIG_CHOICE, .fallback = "refuse", .choices = "refuse,grant",
	 .help = "grant: offered devices in the IOMMU group of one that a guest gets are taken from their "
		 "drivers with it"},
	{"pci", "release_hook",
	 .help = "program that is run when a guest has given a device back, before anybody gets it: docs/devices.md"},
	{"pci", "release_hook_timeout", .type = CONFIG_INT, .fallback = "600", .min = 1, .max = 86400,
	 .help = "seconds that it may take"},
	{"filter_scheduler", "pci_in_placement", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "claim devices in Placement"},

	/* --- hosts and what they keep for themselves --- */
	{"DEFAULT", "host", .help = "name of this host; else what the kernel says"},
	{"DEFAULT", "state_path", .fallback = "/var/lib/penstock", .help = "folder of penstockd"},
	{"DEFAULT", "instances_path",
	 .help = "folder of guests' disks; else `instances` in [penstock] agent_state_path"},
	{"DEFAULT", "default_availability_zone", .fallback = "nova", .help = "zone of hosts in no other one"},
	{"DEFAULT", "reserved_host_memory_mb", .type = CONFIG_INT, .fallback = "512", .min = 0,
	 .max = INT32_MAX, .help = "MiB that guests do not get"},
	{"DEFAULT", "reserved_huge_pages", .multi = true, .check = is_huge_pages,
	 .allowed = "node:0,size:2048,count:64 (size in KiB, or with KB, MB, GB)",
	 .help = "huge pages that guests do not get, by NUMA node"},
	{"DEFAULT", "reserved_host_cpus", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "0",
	 .help = "CPUs that guests do not get"},
	{"DEFAULT", "reserved_host_disk_mb", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "0",
	 .help = "MiB of disk that guests do not get"},
	{"DEFAULT", "vcpu_pin_set", .state = CONFIG_MEANINGLESS,
	 .instead = "[compute] cpu_shared_set and cpu_dedicated_set", .help = "CPUs that guests may use"},
	{"DEFAULT", "cpu_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "0.0", .min = 0,
	 .max = 1000000, .help = "virtual CPUs for each CPU; 0: the initial ratio"},
	{"DEFAULT", "ram_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "0.0", .min = 0,
	 .max = 1000000, .help = "guests' memory for each MiB; 0: the initial ratio"},
	{"DEFAULT", "disk_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "0.0", .min = 0,
	 .max = 1000000, .help = "guests' disk for each GiB; 0: the initial ratio"},
	{"DEFAULT", "initial_cpu_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "4.0", .min = 0,
	 .max = 1000000, .help = "cpu_allocation_ratio where it is 0"},
	{"DEFAULT", "initial_ram_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "1.0", .min = 0,
	 .max = 1000000, .help = "ram_allocation_ratio where it is 0"},
	{"DEFAULT", "initial_disk_allocation_ratio", .type = CONFIG_NUMBER, .fallback = "1.0", .min = 0,
	 .max = 1000000, .help = "disk_allocation_ratio where it is 0"},
	{"compute", "cpu_shared_set", .allowed = "CPUs like 0-3,8,^2, below 1024",
	 .help = "CPUs of this host for guests without CPUs of their own"},
	{"compute", "cpu_dedicated_set", .allowed = "CPUs like 0-3,8,^2, below 1024",
	 .help = "CPUs of this host that guests may have for themselves"},
	{"compute", "packing_host_numa_cells_allocation_strategy", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "fill one NUMA node before the next"},

	/* --- /etc/penstock/host.conf: what `penstock host setup` and `host apply` make of a host --- */
	{"host", "vfs", .type = CONFIG_LIST, .check = is_host_vfs, .allowed = "p5p1:5, or p5p1:5:drivers",
	 .help = "VFs that PFs have from boot on; drivers: the host's own driver binds them"},
	{"host", "hugepages", .type = CONFIG_LIST, .check = is_host_pages, .allowed = "2M:1024 or 1G:16",
	 .help = "huge pages of this host"},

	/* --- guests --- */
	{"DEFAULT", "instance_build_timeout", .type = CONFIG_INT, .fallback = "600", .min = 0, .max = 86400,
	 .help = "seconds after which a host's building of a server counts as failed; 0: never"},
	{"DEFAULT", "allow_resize_to_same_host", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "may a server be resized on its own host"},
	{"DEFAULT", "resize_confirm_window", .type = CONFIG_INT, .fallback = "0", .min = 0, .max = INT32_MAX,
	 .help = "seconds after which a resize or migration is confirmed by itself; 0: never"},
	{"DEFAULT", "shelved_offload_time", .type = CONFIG_INT, .fallback = "0", .min = -1, .max = INT32_MAX,
	 .help = "seconds after which a shelved server gives up its host; -1: never"},
	{"penstock", "move_timeout", .type = CONFIG_INT, .fallback = "7200", .min = 0, .max = 604800,
	 .help = "seconds after which a resize, a migration or what else moves a disk (shelving, an image, a rebuild) "
		 "and does not end is an error; 0: never"},
	{"penstock", "action_timeout", .type = CONFIG_INT, .fallback = "1800", .min = 0, .max = 604800,
	 .help = "seconds after which a stop, start, reboot, pause, suspension or deletion that does not end is an "
		 "error; 0: never"},
	{"DEFAULT", "force_config_drive", .type = CONFIG_BOOL, .state = CONFIG_MEANINGLESS,
	 .fallback = "False", .instead = "every server has a config drive",
	 .help = "a config drive for every server"},
	{"DEFAULT", "config_drive_format", .type = CONFIG_CHOICE, .state = CONFIG_NOT_YET,
	 .fallback = "iso9660", .help = "format of config drives"},
	{"DEFAULT", "vif_plugging_timeout", .type = CONFIG_INT, .state = CONFIG_MEANINGLESS,
	 .fallback = "300", .instead = "the agent programs each VF itself before its guest starts",
	 .help = "seconds to wait for ports"},
	{"DEFAULT", "vif_plugging_is_fatal", .type = CONFIG_BOOL, .state = CONFIG_MEANINGLESS,
	 .fallback = "True", .instead = "the agent programs each VF itself before its guest starts",
	 .help = "do ports that do not become active fail a server"},
	{"libvirt", "connection_uri", .fallback = "qemu:///system", .help = "how the agent reaches libvirt"},
	{"libvirt", "virt_type", .type = CONFIG_CHOICE, .fallback = "", .choices = "kvm,qemu",
	 .help = "how guests run; else kvm where there is KVM"},
	{"libvirt", "cpu_mode", .type = CONFIG_CHOICE, .state = CONFIG_NOT_YET,
	 .help = "model of guests' CPUs"},
	{"libvirt", "cpu_models", .type = CONFIG_LIST, .state = CONFIG_NOT_YET, .older = "libvirt.cpu_model",
	 .help = "models of guests' CPUs"},
	{"libvirt", "hw_machine_type", .type = CONFIG_LIST, .state = CONFIG_NOT_YET,
	 .help = "machine types of guests"},
	{"libvirt", "num_pcie_ports", .type = CONFIG_INT, .fallback = "0", .min = 0, .max = 28,
	 .help = "PCIe root ports that guests have at least; 0: as many as they need, and four to spare"},
	{"libvirt", "rx_queue_size", .type = CONFIG_INT, .state = CONFIG_NOT_YET,
	 .help = "length of receive queues"},
	{"libvirt", "tx_queue_size", .type = CONFIG_INT, .state = CONFIG_NOT_YET,
	 .help = "length of transmit queues"},
	{"libvirt", "device_detach_attempts", .type = CONFIG_INT, .fallback = "8", .min = 1, .max = 1000,
	 .help = "how often a guest is asked to let go of a device"},
	{"libvirt", "device_detach_timeout", .type = CONFIG_INT, .fallback = "20", .min = 1, .max = 3600,
	 .help = "seconds that it is given each time"},
	{"libvirt", "live_migration_inbound_addr",
	 .help = "name or address under which other hosts send guests here; else the host's name"},
	{"libvirt", "live_migration_scheme",
	 .help = "how libvirt reaches the libvirt of another host (qemu+SCHEME://...); else tcp"},
	{"libvirt", "live_migration_uri", .help = "the same as a whole URI, with %s for the other host"},
	{"libvirt", "live_migration_permit_post_copy", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "may a live migration that is to end run the guest on the target before all of it is there"},
	{"libvirt", "live_migration_permit_auto_converge", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "may a guest be slowed down so that its live migration ends"},
	{"libvirt", "live_migration_completion_timeout", .type = CONFIG_INT, .fallback = "800", .min = 0,
	 .max = 2147483647,
	 .help = "seconds that a live migration may take for each GiB of memory and disk; 0: no limit"},
	{"libvirt", "live_migration_timeout_action", .type = CONFIG_CHOICE, .fallback = "abort",
	 .choices = "abort,force_complete",
	 .help = "what becomes of one that takes longer: it is given up, or the guest stands still until it "
		 "is over"},
	{"libvirt", "live_migration_bandwidth", .type = CONFIG_INT, .fallback = "0", .min = 0,
	 .max = 2147483647, .help = "MiB/s that a live migration may take; 0: no limit"},
	{"libvirt", "live_migration_downtime", .type = CONFIG_INT, .fallback = "500", .min = 100,
	 .max = 2147483647,
	 .help = "milliseconds that a guest may stand still at the end of its live migration"},
	{"libvirt", "cpu_power_management", .type = CONFIG_BOOL, .state = CONFIG_NOT_YET, .fallback = "False",
	 .help = "power of dedicated CPUs"},
	{"libvirt", "cpu_power_management_strategy", .type = CONFIG_CHOICE, .state = CONFIG_NOT_YET,
	 .fallback = "cpu_state", .help = "how to save power of dedicated CPUs"},

	/* --- scheduling --- */
	{"filter_scheduler", "cpu_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = -1000000, .max = 1000000, .help = "weight of free CPUs"},
	{"filter_scheduler", "ram_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = -1000000, .max = 1000000, .older = "DEFAULT.ram_weight_multiplier",
	 .help = "weight of free memory"},
	{"filter_scheduler", "disk_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = -1000000, .max = 1000000, .older = "DEFAULT.disk_weight_multiplier",
	 .help = "weight of free disk"},
	{"filter_scheduler", "pci_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0", .min = 0,
	 .max = 1000000, .help = "weight of having few free devices"},
	{"filter_scheduler", "enabled_filters", .type = CONFIG_LIST,
	 .older = "DEFAULT.scheduler_default_filters",
	 .help = "filters that hosts have to pass beside those that always apply"},
	{"filter_scheduler", "available_filters", .multi = true,
	 .older = "DEFAULT.scheduler_available_filters",
	 .help = "classes of filters that may be enabled; else all"},
	{"filter_scheduler", "weight_classes", .type = CONFIG_LIST, .state = CONFIG_REPLACED,
	 .older = "DEFAULT.scheduler_weight_classes", .instead = "the weight multipliers",
	 .help = "classes of weighers"},
	{"filter_scheduler", "host_subset_size", .type = CONFIG_INT, .fallback = "1", .min = 1,
	 .max = INT32_MAX, .older = "DEFAULT.scheduler_host_subset_size",
	 .help = "best hosts of which any is taken"},
	{"filter_scheduler", "track_instance_changes", .type = CONFIG_BOOL, .state = CONFIG_REPLACED,
	 .fallback = "True", .older = "DEFAULT.scheduler_tracks_instance_changes",
	 .instead = "the scheduler always knows", .help = "does the scheduler know hosts' servers"},
	{"filter_scheduler", "max_instances_per_host", .type = CONFIG_INT, .fallback = "50", .min = 1,
	 .max = INT32_MAX, .older = "DEFAULT.max_instances_per_host",
	 .help = "servers of a host, for NumInstancesFilter"},
	{"filter_scheduler", "max_io_ops_per_host", .type = CONFIG_INT, .fallback = "8", .min = 0,
	 .max = INT32_MAX, .older = "DEFAULT.max_io_ops_per_host",
	 .help = "servers that a host builds at once, for IoOpsFilter"},
	{"filter_scheduler", "num_instances_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "0.0",
	 .min = -1000000, .max = 1000000, .help = "weight of servers of a host"},
	{"filter_scheduler", "io_ops_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "-1.0",
	 .min = -1000000, .max = 1000000, .older = "DEFAULT.io_ops_weight_multiplier",
	 .help = "weight of servers that a host is building"},
	{"filter_scheduler", "build_failure_weight_multiplier", .type = CONFIG_NUMBER,
	 .fallback = "1000000.0", .min = -1000000, .max = 1000000,
	 .help = "weight of having failed to build no server of late"},
	{"filter_scheduler", "hypervisor_version_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = -1000000, .max = 1000000, .help = "weight of a newer libvirt"},
	{"filter_scheduler", "soft_affinity_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = 0, .max = 1000000, .older = "DEFAULT.soft_affinity_weight_multiplier",
	 .help = "weight of soft affinity"},
	{"filter_scheduler", "soft_anti_affinity_weight_multiplier", .type = CONFIG_NUMBER, .fallback = "1.0",
	 .min = 0, .max = 1000000, .older = "DEFAULT.soft_anti_affinity_weight_multiplier",
	 .help = "weight of soft anti-affinity"},
	{"filter_scheduler", "shuffle_best_same_weighed_hosts", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "take any of the best hosts if they are equal"},
	{"filter_scheduler", "isolated_hosts", .type = CONFIG_LIST, .fallback = "",
	 .older = "DEFAULT.isolated_hosts", .help = "hosts of isolated images, for IsolatedHostsFilter"},
	{"filter_scheduler", "isolated_images", .type = CONFIG_LIST, .fallback = "",
	 .older = "DEFAULT.isolated_images", .help = "images of isolated hosts, for IsolatedHostsFilter"},
	{"filter_scheduler", "restrict_isolated_hosts_to_isolated_images", .type = CONFIG_BOOL,
	 .fallback = "True", .older = "DEFAULT.restrict_isolated_hosts_to_isolated_images",
	 .help = "do isolated hosts take no other images"},
	{"filter_scheduler", "image_properties_default_architecture",
	 .help = "architecture of images that do not say it, for ImagePropertiesFilter"},
	{"scheduler", "max_attempts", .type = CONFIG_INT, .fallback = "3", .min = 1, .max = INT32_MAX,
	 .older = "DEFAULT.scheduler_max_attempts", .help = "hosts to try before a server is in ERROR"},
	{"scheduler", "driver", .state = CONFIG_REPLACED, .older = "DEFAULT.scheduler_driver",
	 .instead = "the one scheduler that is built", .help = "scheduler"},

	/* --- NUMA nodes of physical networks --- */
	{"neutron", "physnets", .type = CONFIG_LIST, .fallback = "", .check = is_physnet,
	 .allowed = "a physical network's name of 1 to 64 characters",
	 .help = "physical networks of which this host's NUMA nodes are known"},
	{"neutron_physnet_*", "numa_nodes", .type = CONFIG_LIST, .fallback = "", .check = is_numa_node,
	 .allowed = "whole numbers from 0 to 1023",
	 .help = "NUMA nodes of this host that reach the physical network *"},
	{"neutron_tunnel", "numa_nodes", .type = CONFIG_LIST, .fallback = "", .check = is_numa_node,
	 .allowed = "whole numbers from 0 to 1023",
	 .help = "NUMA nodes of this host that reach networks in tunnels"},
	{"neutron", "service_metadata_proxy", .type = CONFIG_BOOL, .state = CONFIG_REPLACED,
	 .fallback = "False", .instead = "the config drive of each server",
	 .help = "answer for the metadata service"},

	/* --- limits of Compute --- */
	{"quota", "instances", .type = CONFIG_INT, .fallback = "10", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_instances", .help = "servers of a project; -1: any number"},
	{"quota", "cores", .type = CONFIG_INT, .fallback = "20", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_cores", .help = "virtual CPUs of a project; -1: any number"},
	{"quota", "ram", .type = CONFIG_INT, .fallback = "51200", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_ram", .help = "MiB of memory of a project; -1: any number"},
	{"quota", "metadata_items", .type = CONFIG_INT, .fallback = "128", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_metadata_items", .help = "properties of a server; -1: any number"},
	{"quota", "key_pairs", .type = CONFIG_INT, .fallback = "100", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_key_pairs", .help = "key pairs of a user; -1: any number"},
	{"quota", "server_groups", .type = CONFIG_INT, .fallback = "10", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_server_groups", .help = "server groups of a project; -1: any number"},
	{"quota", "server_group_members", .type = CONFIG_INT, .fallback = "10", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_server_group_members", .help = "servers of a group; -1: any number"},
	{"quota", "injected_files", .type = CONFIG_INT, .state = CONFIG_REPLACED, .fallback = "5", .min = -1,
	 .max = INT32_MAX, .older = "DEFAULT.quota_injected_files",
	 .instead = "no files are put into servers; user data does it", .help = "files put into a server"},
	{"quota", "injected_file_content_bytes", .type = CONFIG_INT, .state = CONFIG_REPLACED,
	 .fallback = "10240", .min = -1, .max = INT32_MAX,
	 .older = "DEFAULT.quota_injected_file_content_bytes",
	 .instead = "no files are put into servers; user data does it",
	 .help = "size of a file put into a server"},
	{"quota", "injected_file_path_length", .type = CONFIG_INT, .state = CONFIG_REPLACED,
	 .fallback = "255", .min = -1, .max = INT32_MAX, .older = "DEFAULT.quota_injected_file_path_length",
	 .instead = "no files are put into servers; user data does it",
	 .help = "length of the name of a file put into a server"},
	{"quota", "driver", .state = CONFIG_REPLACED, .older = "DEFAULT.quota_driver",
	 .instead = "the limits of this file", .help = "how limits are kept"},
	{"quota", "recheck_quota", .type = CONFIG_BOOL, .state = CONFIG_REPLACED, .fallback = "True",
	 .instead = "limits and what they limit change in one transaction", .help = "count again afterwards"},
	{"quota", "count_usage_from_placement", .type = CONFIG_BOOL, .state = CONFIG_REPLACED,
	 .fallback = "False", .instead = "limits and what they limit change in one transaction",
	 .help = "count in Placement"},
	{"api", "max_limit", .type = CONFIG_INT, .fallback = "1000", .min = 1, .max = 100000,
	 .older = "DEFAULT.osapi_max_limit", .help = "entries of a list"},
	{"api", "enable_instance_password", .type = CONFIG_BOOL, .fallback = "True",
	 .older = "DEFAULT.enable_instance_password", .help = "adminPass in answers"},

	/* --- networks --- */
	{"ml2", "type_drivers", .type = CONFIG_LIST,
	 .help = "types of networks that there are; else all that are built"},
	{"ml2", "project_network_types", .type = CONFIG_LIST, .fallback = "local",
	 .choices = "local,flat,vlan,vxlan,geneve", .older = "ml2.tenant_network_types",
	 .help = "types of networks that users make, tried in this order"},
	{"ml2", "mechanism_drivers", .type = CONFIG_LIST,
	 .help = "sriovnicswitch in it binds VFs and PFs to ports"},
	{"ml2", "physical_network_mtus", .type = CONFIG_LIST, .check = is_physnet_mtu,
	 .allowed = "physical_network:MTU, an MTU being from 68 to 65535",
	 .help = "MTU of physical networks that carry less than the others"},
	{"ml2", "path_mtu", .type = CONFIG_INT, .fallback = "0", .min = 0, .max = 65535,
	 .help = "MTU between hosts; 0: global_physnet_mtu"},
	{"ml2", "extension_drivers", .type = CONFIG_LIST, .state = CONFIG_MEANINGLESS,
	 .instead = "every extension that is built is there", .help = "extensions"},
	{"ml2", "external_network_type", .state = CONFIG_NOT_YET, .help = "type of external networks"},
	{"DEFAULT", "global_physnet_mtu", .type = CONFIG_INT, .fallback = "1500", .min = 68, .max = 65535,
	 .older = "ml2.segment_mtu", .help = "MTU of physical networks"},
	{"DEFAULT", "base_mac", .fallback = "fa:16:3e:00:00:00", .allowed = "a unicast MAC address",
	 .help = "first three bytes of MAC addresses, and the fourth if it is not 0"},
	{"DEFAULT", "core_plugin", .state = CONFIG_REPLACED, .instead = "what [ml2] says",
	 .help = "plugin of the network service"},
	{"DEFAULT", "service_plugins", .type = CONFIG_LIST, .state = CONFIG_REPLACED,
	 .instead = "every extension that is built is there", .help = "more plugins of the network service"},
	{"DEFAULT", "vlan_transparent", .type = CONFIG_BOOL, .state = CONFIG_NOT_YET, .fallback = "False",
	 .help = "networks that let VLANs through"},
	{"DEFAULT", "vlan_qinq", .type = CONFIG_BOOL, .fallback = "False",
	 .help = "networks may be asked for whose VLANs are tagged by 802.1ad, for VLANs of guests within them"},
	{"ml2_type_vlan", "network_vlan_ranges", .type = CONFIG_LIST, .check = is_vlan_range,
	 .allowed = "physical_network or physical_network:first:last, VLANs being from 1 to 4094",
	 .help = "VLANs that may be given to networks of users, by physical network"},
	{"ml2_type_flat", "flat_networks", .type = CONFIG_LIST, .fallback = "*", .check = is_physnet,
	 .allowed = "a physical network's name of 1 to 64 characters",
	 .help = "physical networks that flat networks may be on; * for any"},
	{"ml2_type_vxlan", "vni_ranges", .type = CONFIG_LIST, .fallback = "1:65535", .check = is_vni_range,
	 .allowed = "first:last, whole numbers from 1 to 16777215",
	 .help = "VXLANs that may be given to networks of users"},
	{"ml2_type_vxlan", "vxlan_group", .state = CONFIG_REPLACED, .instead = "[penstock] network_forward",
	 .help = "multicast group of VXLANs"},
	{"ml2_type_geneve", "vni_ranges", .type = CONFIG_LIST, .state = CONFIG_NOT_YET, .fallback = "",
	 .help = "Geneve networks"},
	{"ml2_type_geneve", "max_header_size", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "30",
	 .help = "size of Geneve headers"},
	{"ml2_type_gre", "tunnel_id_ranges", .type = CONFIG_LIST, .state = CONFIG_NOT_YET, .fallback = "",
	 .help = "GRE networks"},
	{"ovs", "bridge_mappings", .type = CONFIG_LIST, .state = CONFIG_MEANINGLESS,
	 .instead = "[sriov_nic] physical_device_mappings", .help = "bridges of physical networks"},
	{"securitygroup", "firewall_driver", .state = CONFIG_MEANINGLESS,
	 .instead = "rules are kept and not enforced on VFs",
	 .help = "how rules of security groups are enforced"},

	/* --- SR-IOV --- */
	{"sriov_driver", "vnic_type_prohibit_list", .type = CONFIG_LIST, .fallback = "",
	 .choices = "direct,macvtap,direct-physical,accelerator-direct",
	 .older = "sriov_driver.vnic_type_blacklist", .help = "vNIC types that are not bound"},
	{"ml2_sriov", "supported_pci_vendor_devs", .type = CONFIG_LIST, .check = is_device_ids,
	 .allowed = "vendor:product in hexadecimal, say 8086:10ca",
	 .help = "the only devices that are bound to ports; else any"},
	{"ml2_sriov", "agent_required", .type = CONFIG_BOOL, .state = CONFIG_MEANINGLESS, .fallback = "True",
	 .instead = "ports are bound where the host runs penstock-agent",
	 .help = "does binding need a NIC agent"},
	{"sriov_nic", "physical_device_mappings", .type = CONFIG_LIST, .check = is_mapping,
	 .allowed = "physical_network:network_device",
	 .help = "this host's network devices, by physical network"},
	{"sriov_nic", "exclude_devices", .type = CONFIG_LIST, .check = is_exclusion,
	 .allowed = "network_device:address;address, an address being like 0000:07:10.1",
	 .help = "VFs that are left alone, by network device of physical_device_mappings"},
	{"sriov_nic", "resource_provider_bandwidths", .type = CONFIG_LIST, .check = is_bandwidth,
	 .allowed = "network_device:egress:ingress, in kbit/s, each of which may be left out",
	 .help = "bandwidth of this host's network devices in Placement"},
	{"sriov_nic", "resource_provider_hypervisors", .type = CONFIG_LIST, .check = is_hypervisor,
	 .allowed = "network_device:hypervisor",
	 .help = "hypervisors in Placement that network devices with a bandwidth belong to"},
	{"sriov_nic", "resource_provider_default_hypervisor",
	 .help = "the hypervisor of the other ones; else [DEFAULT] host"},
	{"sriov_nic", "resource_provider_inventory_defaults", .type = CONFIG_LIST, .check = is_inventory,
	 .fallback = "allocation_ratio:1.0,min_unit:1,step_size:1,reserved:0",
	 .allowed =
		 "allocation_ratio:number, or min_unit, max_unit, step_size or reserved and a whole number",
	 .help = "what Placement is told of each bandwidth"},
	{"agent", "polling_interval", .type = CONFIG_INT, .state = CONFIG_MEANINGLESS, .fallback = "2",
	 .instead = "the agent programs each VF itself before its guest starts",
	 .help = "seconds between looks at devices"},
	{"agent", "report_interval", .type = CONFIG_INT, .state = CONFIG_MEANINGLESS, .fallback = "30",
	 .instead = "hosts report every 25 seconds", .help = "seconds between reports of hosts"},
	{"agent", "extensions", .type = CONFIG_LIST, .state = CONFIG_MEANINGLESS, .fallback = "",
	 .instead = "every extension that is built is there", .help = "extensions of agents"},
	{"DEFAULT", "agent_down_time", .type = CONFIG_INT, .fallback = "75", .min = 1, .max = 86400,
	 .help = "seconds without report after which an agent is dead"},
	{"DEFAULT", "enable_new_agents", .type = CONFIG_BOOL, .state = CONFIG_NOT_YET, .fallback = "True",
	 .help = "are new agents enabled"},
	{"fdb", "shared_physical_device_mappings", .type = CONFIG_LIST, .state = CONFIG_NOT_YET,
	 .fallback = "", .help = "devices that VFs share with bridges"},

	/* --- limits of Network --- */
	{"quotas", "quota_network", .type = CONFIG_INT, .fallback = "100", .min = -1, .max = INT32_MAX,
	 .help = "networks of a project; -1: any number"},
	{"quotas", "quota_subnet", .type = CONFIG_INT, .fallback = "100", .min = -1, .max = INT32_MAX,
	 .help = "subnets of a project; -1: any number"},
	{"quotas", "quota_port", .type = CONFIG_INT, .fallback = "500", .min = -1, .max = INT32_MAX,
	 .help = "ports of a project; -1: any number"},
	{"quotas", "quota_security_group", .type = CONFIG_INT, .fallback = "10", .min = -1, .max = INT32_MAX,
	 .help = "security groups of a project; -1: any number"},
	{"quotas", "quota_security_group_rule", .type = CONFIG_INT, .fallback = "100", .min = -1,
	 .max = INT32_MAX, .help = "rules of security groups of a project; -1: any number"},
	{"quotas", "quota_router", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "10", .min = -1,
	 .max = INT32_MAX, .help = "routers of a project"},
	{"quotas", "quota_floatingip", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "50",
	 .min = -1, .max = INT32_MAX, .help = "floating IPs of a project"},
	{"quotas", "quota_rbac_policy", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "10",
	 .min = -1, .max = INT32_MAX, .help = "RBAC policies of a project"},
	{"quotas", "default_quota", .type = CONFIG_INT, .state = CONFIG_NOT_YET, .fallback = "-1",
	 .help = "limit of anything else"},
	{"quotas", "quota_driver", .state = CONFIG_REPLACED, .instead = "the limits of this file",
	 .help = "how limits are kept"},
	{"quotas", "track_quota_usage", .type = CONFIG_BOOL, .state = CONFIG_REPLACED, .fallback = "True",
	 .instead = "limits and what they limit change in one transaction", .help = "keep count"},

	/* --- users, images, database --- */
	{"token", "expiration", .type = CONFIG_INT, .fallback = "3600", .min = 1, .max = 31536000,
	 .help = "seconds that a token is valid"},
	{"identity", "password_hash_rounds", .type = CONFIG_INT, .fallback = "12", .min = 4, .max = 31,
	 .help = "cost of password hashes: 2 to the power of this"},
	{"DEFAULT", "image_size_cap", .type = CONFIG_INT, .fallback = "1099511627776", .min = 1,
	 .max = INT64_C(1) << 62, .help = "bytes of an image"},
	{"database", "connection", .secret = true, .allowed = "sqlite:///FILE, or leave it out",
	 .foreign = item_is_mysql, .instead = "penstock.db in [DEFAULT] state_path",
	 .help = "sqlite:///FILE; else, or with mysql..., penstock.db in [DEFAULT] state_path"},
	{"DEFAULT", "transport_url", .state = CONFIG_REPLACED,
	 .instead = "hosts ask [penstock] controller_url, there is no message bus", .help = "message bus"},
	{"DEFAULT", "debug", .type = CONFIG_BOOL, .state = CONFIG_REPLACED, .fallback = "False",
	 .instead = "penstockd --debug and penstock-agent --debug", .help = "log much"},

	/* --- of OpenStack, near those above --- */
	{"ml2", "overlay_ip_version", .state = CONFIG_ELSEWHERE},
	{"ml2", "tunnelled_network_rp_name", .state = CONFIG_ELSEWHERE},
	{"DEFAULT", "default_availability_zones", .state = CONFIG_ELSEWHERE},
	{"quotas", "quota_pool", .state = CONFIG_ELSEWHERE},
	{"ovs", "resource_provider_bandwidths", .state = CONFIG_ELSEWHERE},
};

const size_t config_option_count = ELEMENTS_OF(config_options);
