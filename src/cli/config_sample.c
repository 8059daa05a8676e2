/* penstock config sample: etc/penstock.conf, printed from the table that the daemons check against.  Every
 * option that has an effect, commented out, with its default or, where it has none, with an example. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/config_print.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 100

static const char head[] =
	"# /etc/penstock/penstock.conf: what penstockd, penstock-agent and penstock read when no "
	"--config-file is "
	"given.\n"
	"#\n"
	"# Every option that has an effect, commented out at its default; those without a default with an "
	"example.\n"
	"# It is a host's or the controller's file alike: each program takes what is its own.  Files of Nova "
	"and\n"
	"# Neutron can be taken as they are: put them into /etc/penstock/penstock.conf.d/ (*.conf, later "
	"names win), "
	"or\n"
	"# name them with --config-file, together with this one.\n"
	"#\n"
	"# What is wrong with it, before anything is started:   penstock config check "
	"/etc/penstock/penstock.conf\n"
	"# The same as a manual: penstock.conf(5).  Printed by `penstock config sample`.\n";

/* What an option without a default may look like. */
static const struct {
	const char *group, *name;
	const char *value;
} examples[] = {
	{"penstock", "public_url", "https://cloud.example.org:5000"},
	{"host", "vfs", "p5p1:5,p5p2:2:drivers"},
	{"host", "hugepages", "2M:1024,1G:16"},
	{"pci", "device_spec", "{\"devname\": \"p5p1\", \"physical_network\": \"physnet_sriov\"}"},
	{"pci", "device_spec", "{\"vendor_id\": \"10de\", \"product_id\": \"1eb8\"}"},
	{"pci", "device_spec", "{\"address\": \"0000:83:00.0\"}"},
	{"pci", "alias",
	 "{\"name\": \"my_PF\", \"vendor_id\": \"8086\", \"product_id\": \"1528\", \"device_type\": "
	 "\"type-PF\"}"},
	{"pci", "alias",
	 "{\"name\": \"gpu\", \"vendor_id\": \"10de\", \"product_id\": \"1eb8\", \"numa_policy\": "
	 "\"preferred\"}"},
	{"pci", "release_hook", "/usr/local/sbin/format-nvme"},
	{"libvirt", "live_migration_inbound_addr", "10.0.0.11"},
	{"libvirt", "live_migration_scheme", "tls"},
	{"libvirt", "live_migration_uri", "qemu+tls://%s/system"},
	{"DEFAULT", "host", "edge-1"},
	{"DEFAULT", "instances_path", "/var/lib/penstock/agent/instances"},
	{"DEFAULT", "reserved_huge_pages", "node:0,size:2048,count:64"},
	{"compute", "cpu_shared_set", "0-3"},
	{"compute", "cpu_dedicated_set", "4-15"},
	{"libvirt", "virt_type", "kvm"},
	{"filter_scheduler", "enabled_filters",
	 "AvailabilityZoneFilter,ComputeFilter,PciPassthroughFilter,NUMATopologyFilter,"
	 "ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter"},
	{"filter_scheduler", "available_filters", "nova.scheduler.filters.all_filters"},
	{"filter_scheduler", "isolated_hosts", "edge-1,edge-2"},
	{"filter_scheduler", "isolated_images", "9f2f3b0c-6d5e-4c1c-8a0c-0a8d5b0f2f11"},
	{"filter_scheduler", "image_properties_default_architecture", "x86_64"},
	{"neutron", "physnets", "physnet_sriov"},
	{"neutron_physnet_*", "numa_nodes", "0"},
	{"neutron_tunnel", "numa_nodes", "0"},
	{"ml2", "type_drivers", "local,flat,vlan,vxlan"},
	{"ml2", "mechanism_drivers", "openvswitch,sriovnicswitch"},
	{"ml2", "physical_network_mtus", "physnet_sriov:9000"},
	{"ml2_type_vlan", "network_vlan_ranges", "physnet_sriov:1010:1020"},
	{"sriov_driver", "vnic_type_prohibit_list", "direct-physical"},
	{"ml2_sriov", "supported_pci_vendor_devs", "8086:1515,8086:10ca"},
	{"sriov_nic", "physical_device_mappings", "physnet_sriov:p5p1"},
	{"sriov_nic", "exclude_devices", "p5p1:0000:07:10.0;0000:07:10.2"},
	{"sriov_nic", "resource_provider_bandwidths", "p5p1:10000000:10000000"},
	{"sriov_nic", "resource_provider_hypervisors", "p5p1:edge-1"},
	{"sriov_nic", "resource_provider_default_hypervisor", "edge-1"},
	{"database", "connection", "sqlite:////var/lib/penstock/penstock.db"},
};

/* Comment lines, broken at blanks. */
static void print_wrapped(const char *text)
{
	while (*text) {
		size_t length = strlen(text), cut = length;

		if (length > WIDTH - 2) {
			for (cut = WIDTH - 2; cut > 0 && text[cut] != ' '; cut--) {
			}
			cut = cut ? cut : strcspn(text, " ");
		}
		printf("# %.*s\n", (int)cut, text);
		text += cut + (text[cut] == ' ');
	}
}

static void print_values(const struct config_option *option)
{
	bool printed = false;

	for (size_t i = 0; text_is_empty(option->fallback) && i < ELEMENTS_OF(examples); i++) {
		if (strcmp(examples[i].group, option->group) != 0 ||
		    strcmp(examples[i].name, option->name) != 0)
			continue;
		printf("#%s = %s\n", option->name, examples[i].value);
		printed = true;
	}
	if (!printed)
		printf("#%s = %s\n", option->name, option->fallback ? option->fallback : "");
}

static void print_option(const struct config_option *option)
{
	_cleanup_free_ char *allowed = config_option_allowed(option);
	_cleanup_(text_done) struct text text = {0};

	text_add(&text, option->help);
	if (strcmp(allowed, "a text") != 0)
		text_addf(&text, " (%s)", allowed);
	if (option->multi)
		text_add(&text, "; may be given several times, and every one counts");
	if (text_is_empty(option->fallback))
		text_add(&text, "; for example:");
	puts("");
	print_wrapped(text.data);
	print_values(option);
}

/* A section for each physical network: that of the examples. */
static void print_group(const char *group)
{
	printf("\n\n[%s]\n",
	       strcmp(group, "neutron_physnet_*") == 0 ? "neutron_physnet_physnet_sriov" : group);
}

int cli_config_sample(void)
{
	fputs(head, stdout);
	options_print(&(struct option_printer){print_group, print_option, NULL});
	return fflush(stdout) == 0 ? 0 : 1;
}
