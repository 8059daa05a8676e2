/* libvirt's XML of domains.
 *
 * Guest PCI addresses are fixed: bus 1 is the disk's root port, bus 2 + index that of port `index`; the last
 * ones are for the devices of aliases.  Between them are spare root ports for what is plugged in later.  So a
 * NIC stays where it was, whatever comes and goes beside it. */
#include "agent/vm_xml.h"

#include "agent/device.h"
#include "agent/numa_xml.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/memory.h"

#include <string.h>

#define SPARE_PORTS 4

static int64_t wanted_root_ports; /* [libvirt] num_pcie_ports; 0: what is needed, and some to spare */

void vm_set_root_ports(int64_t count)
{
	wanted_root_ports = count;
}

/* bus 0: libvirt finds a place. */
static void add_guest_address(struct text *xml, int bus)
{
	if (bus == 0)
		return;
	text_addf(xml, "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' function='0x0'/>", bus);
}

static void add_hostdev(struct text *xml, const char *address, const char *alias, int bus)
{
	text_add(xml, "    <hostdev mode='subsystem' type='pci' managed='no'>");
	text_addf(xml,
		  "<source><address domain='0x%.4s' bus='0x%.2s' slot='0x%.2s' function='0x%.1s'/></source>",
		  address, address + 5, address + 8, address + 11);
	text_addf(xml, "<alias name='%s'/>", alias);
	add_guest_address(xml, bus);
	text_add(xml, "</hostdev>\n");
}

void vm_alias_of_port(const char *port_id, char alias[VM_ALIAS_SIZE])
{
	snprintf(alias, VM_ALIAS_SIZE, "ua-%.36s", port_id);
}

void vm_alias_of_device(size_t index, char alias[VM_ALIAS_SIZE])
{
	snprintf(alias, VM_ALIAS_SIZE, "ua-device-%zu", index);
}

void vm_xml_nic(yyjson_val *port, int bus, struct text *xml)
{
	char name[64];

	server_network_name(json_text(yyjson_obj_get(port, "network"), "id"), name);
	text_addf(xml,
		  "    <interface type='network'><mac address='%s'/><source network='%s'/>"
		  "<model type='virtio'/><mtu size='%lld'/><link state='%s'/><alias name='ua-%s'/>",
		  json_text(port, "mac_address"), name, (long long)json_int(port, "mtu", 1500),
		  json_bool(port, "admin_state_up", true) ? "up" : "down", json_text(port, "id"));
	add_guest_address(xml, bus);
	text_add(xml, "</interface>\n");
}

/* The guest has a virtio NIC, which has the VF's network device for itself (passthrough).  libvirt sets the
 * VF's VLAN anew, to none if it is not told. */
static void add_macvtap(struct text *xml, yyjson_val *port, const char *address, int bus)
{
	long long vlan = (long long)json_int(port, "vlan", 0);
	char netdev[16];

	device_netdev(address, netdev);
	text_addf(xml, "    <interface type='direct'><mac address='%s'/><source dev='",
		  json_text(port, "mac_address"));
	text_add_xml(xml, netdev);
	text_add(xml, "' mode='passthrough'/>");
	if (vlan)
		text_addf(xml, "<vlan><tag id='%lld'/></vlan>", vlan);
	text_addf(xml, "<model type='virtio'/><alias name='ua-%s'/>", json_text(port, "id"));
	add_guest_address(xml, bus);
	text_add(xml, "</interface>\n");
}

void vm_xml_port(yyjson_val *port, int bus, struct text *xml)
{
	yyjson_val *device = yyjson_obj_get(port, "device");
	char alias[VM_ALIAS_SIZE];

	vm_alias_of_port(json_text(port, "id"), alias);
	if (yyjson_is_obj(device) && strcmp(json_text(port, "vnic_type"), "macvtap") == 0)
		add_macvtap(xml, port, json_text(device, "address"), bus);
	else if (yyjson_is_obj(device))
		add_hostdev(xml, json_text(device, "address"), alias, bus);
	else
		vm_xml_nic(port, bus, xml);
}

/* Only SR-IOV functions are certainly PCI Express: another may be a conventional device, which has no place
 * on a root port. */
void vm_xml_device(yyjson_val *device, size_t index, int bus, struct text *xml)
{
	const char *address = json_text(device, "address");
	char alias[VM_ALIAS_SIZE];

	vm_alias_of_device(index, alias);
	add_hostdev(xml, address, alias, strcmp(json_text(device, "type"), "type-PCI") == 0 ? 0 : bus);
}

static void add_boot(struct text *xml, yyjson_val *server, const char *folder)
{
	yyjson_val *image = yyjson_obj_get(yyjson_obj_get(server, "image"), "properties");

	text_add(xml, "  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n");
	if (yyjson_is_obj(yyjson_obj_get(server, "kernel"))) {
		text_add(xml, "    <kernel>");
		text_add_xml(xml, folder);
		text_add(xml, "/kernel</kernel>\n");
		if (yyjson_is_obj(yyjson_obj_get(server, "ramdisk"))) {
			text_add(xml, "    <initrd>");
			text_add_xml(xml, folder);
			text_add(xml, "/ramdisk</initrd>\n");
		}
		text_add(xml, "    <cmdline>");
		text_add_xml(xml, json_text(image, "os_command_line"));
		text_add(xml, "</cmdline>\n");
	} else {
		text_add(xml, "    <boot dev='hd'/>\n");
	}
	text_add(xml, "  </os>\n");
}

static char shared_cpus[CPU_SET_TEXT_SIZE]; /* "": all */

void vm_confine(const struct cpu_set *shared)
{
	if (shared)
		cpu_set_format(shared, shared_cpus);
	else
		*shared_cpus = '\0';
}

/* vCPUs of a guest with a topology are pinned one by one. */
static void add_vcpus(struct text *xml, yyjson_val *server, const struct numa_placement *placement)
{
	long long vcpus = (long long)json_int(server, "vcpus", 1);

	if (*shared_cpus && placement->cell_count == 0)
		text_addf(xml, "  <vcpu cpuset='%s'>%lld</vcpu>\n", shared_cpus, vcpus);
	else
		text_addf(xml, "  <vcpu>%lld</vcpu>\n", vcpus);
}

static void add_head(struct text *xml, yyjson_val *server, const char *type)
{
	text_addf(xml, "<domain type='%s'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n", type,
		  json_text(server, "instance_name"), json_text(server, "id"));
	text_add(xml,
		 "  <metadata><penstock:server xmlns:penstock='" WORLD_DOMAIN_NAMESPACE "'><penstock:name>");
	text_add_xml(xml, json_text(server, "name"));
	text_addf(xml,
		  "</penstock:name><penstock:generation>%lld</penstock:generation></penstock:server>"
		  "</metadata>\n",
		  (long long)json_int(server, "generation", 0));
	text_addf(xml, "  <memory unit='MiB'>%lld</memory>\n", (long long)json_int(server, "memory_mb", 0));
}

/* Without KVM there is no CPU to pass through; its model is QEMU's own. */
static void add_cpu(struct text *xml, const struct numa_placement *placement, const char *type)
{
	const char *mode = strcmp(type, "kvm") == 0 ? " mode='host-passthrough'" : "";

	if (placement->cell_count == 0 && !*mode)
		return;
	text_addf(xml, "  <cpu%s>", mode);
	numa_xml_cells(placement, xml);
	text_add(xml, "</cpu>\n");
}

/* Highest bus that is a port's, so that root ports reach that far. */
static int last_port_bus(yyjson_val *ports)
{
	int last = 1;
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (ports, i, max, port)
		last = server_guest_bus(port) > last ? server_guest_bus(port) : last;
	return last;
}

static int root_ports(yyjson_val *ports, size_t devices)
{
	int needed = last_port_bus(ports) + (int)devices;

	if (wanted_root_ports == 0)
		return needed + SPARE_PORTS;
	return wanted_root_ports > needed ? (int)wanted_root_ports : needed;
}

static void add_controllers(struct text *xml, int count)
{
	text_add(xml, "    <controller type='usb' model='none'/>\n"
		      "    <controller type='pci' index='0' model='pcie-root'/>\n");
	for (int i = 1; i <= count; i++)
		text_addf(xml, "    <controller type='pci' index='%d' model='pcie-root-port'/>\n", i);
}

static void add_disks(struct text *xml, const char *folder)
{
	text_add(xml,
		 "    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='writeback' "
		 "discard='unmap'/><source file='");
	text_add_xml(xml, folder);
	text_add(xml, "/disk'/><target dev='vda' bus='virtio'/>");
	add_guest_address(xml, 1);
	text_add(xml, "</disk>\n    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source "
		      "file='");
	text_add_xml(xml, folder);
	text_add(xml, "/config.iso'/><target dev='sda' bus='sata'/><readonly/></disk>\n");
}

void vm_xml(yyjson_val *server, const char *folder, const char *type, struct text *xml)
{
	yyjson_val *ports = yyjson_obj_get(server, "ports"), *devices = yyjson_obj_get(server, "devices"),
		   *item;
	_cleanup_free_ struct numa_placement *placement = server_placement(server);
	int device_count = (int)yyjson_arr_size(devices), buses = root_ports(ports, yyjson_arr_size(devices));
	size_t i, max;

	add_head(xml, server, type);
	add_vcpus(xml, server, placement);
	numa_xml_tuning(placement, xml);
	add_boot(xml, server, folder);
	text_add(xml, "  <features><acpi/><apic/></features>\n");
	add_cpu(xml, placement, type);
	text_add(xml, "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n"
		      "  <on_reboot>restart</on_reboot>\n  <on_crash>destroy</on_crash>\n  <devices>\n");
	add_controllers(xml, buses);
	add_disks(xml, folder);
	yyjson_arr_foreach (ports, i, max, item)
		vm_xml_port(item, server_guest_bus(item), xml);
	yyjson_arr_foreach (devices, i, max, item)
		vm_xml_device(item, i, buses - device_count + 1 + (int)i, xml);
	text_add(xml, "    <serial type='file'><source path='");
	text_add_xml(xml, folder);
	text_add(xml, "/console.log' append='on'/></serial>\n    <memballoon model='none'/>\n"
		      "  </devices>\n</domain>\n");
}
