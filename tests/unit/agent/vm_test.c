/* Tests of the XML that libvirt gets: golden texts. */
#include "../test.h"

#include "agent/vm.h"
#include "agent/vm_xml.h"
#include "base/memory.h"
#include "wanted.h"

static const char golden_domain[] =
	"<domain type='qemu'>\n"
	"  <name>instance-00000001</name>\n"
	"  <uuid>11111111-2222-3333-4444-555555555555</uuid>\n"
	"  <metadata><penstock:server xmlns:penstock='https://penstock.example/xmlns/domain/1'>"
	"<penstock:name>a&lt;b</penstock:name><penstock:generation>3</penstock:generation></penstock:server>"
	"</metadata>\n"
	"  <memory unit='MiB'>64</memory>\n"
	"  <vcpu>1</vcpu>\n"
	"  <os>\n"
	"    <type arch='x86_64' machine='q35'>hvm</type>\n"
	"    <boot dev='hd'/>\n"
	"  </os>\n"
	"  <features><acpi/><apic/></features>\n"
	"  <clock offset='utc'/>\n"
	"  <on_poweroff>destroy</on_poweroff>\n"
	"  <on_reboot>restart</on_reboot>\n"
	"  <on_crash>destroy</on_crash>\n"
	"  <devices>\n"
	"    <controller type='usb' model='none'/>\n"
	"    <controller type='pci' index='0' model='pcie-root'/>\n"
	"    <controller type='pci' index='1' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='2' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='3' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='4' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='5' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='6' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='7' model='pcie-root-port'/>\n"
	"    <controller type='pci' index='8' model='pcie-root-port'/>\n"
	"    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='writeback' "
	"discard='unmap'/>"
	"<source file='/x&amp;y/disk'/><target dev='vda' bus='virtio'/>"
	"<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>\n"
	"    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source "
	"file='/x&amp;y/config.iso'/>"
	"<target dev='sda' bus='sata'/><readonly/></disk>\n"
	"    <hostdev mode='subsystem' type='pci' managed='no'>"
	"<source><address domain='0x0000' bus='0x10' slot='0x10' function='0x1'/></source>"
	"<alias name='ua-aaaaaaaa-2222-3333-4444-555555555555'/>"
	"<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></hostdev>\n"
	"    <interface type='network'><mac address='fa:16:3e:00:00:02'/>"
	"<source network='penstock-eeeeeeee-2222-3333-4444-555555555555'/><model type='virtio'/>"
	"<mtu size='1500'/><link state='up'/><alias name='ua-dddddddd-2222-3333-4444-555555555555'/>"
	"<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></interface>\n"
	"    <hostdev mode='subsystem' type='pci' managed='no'>"
	"<source><address domain='0x0000' bus='0x11' slot='0x00' function='0x0'/></source>"
	"<alias name='ua-device-0'/>"
	"<address type='pci' domain='0x0000' bus='0x08' slot='0x00' function='0x0'/></hostdev>\n"
	"    <serial type='file'><source path='/x&amp;y/console.log' append='on'/></serial>\n"
	"    <memballoon model='none'/>\n"
	"  </devices>\n"
	"</domain>\n";

static void test_the_domain(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct text xml = {0};

	(void)state;
	vm_xml(yyjson_doc_get_root(doc), "/x&y", "qemu", &xml);
	assert_string_equal(xml.data, golden_domain);
	text_done(&xml);
	yyjson_doc_free(doc);
}

/* The <hostdev> of a port, cut out. */
static char *nic_of(const char *xml, const char *port_id)
{
	char alias[64];

	snprintf(alias, sizeof alias, "<alias name='ua-%s'/>", port_id);
	const char *found = strstr(xml, alias), *begin = xml, *next, *end;
	assert_non_null(found);
	while ((next = strstr(begin + 1, "<hostdev ")) && next < found)
		begin = next;
	end = strstr(found, "</hostdev>");
	assert_non_null(end);
	return memory_printf("%.*s", (int)(end - begin), begin);
}

#define FIRST  "aaaaaaaa-2222-3333-4444-555555555555"
#define SECOND "abababab-2222-3333-4444-555555555555"

/* Two VFs of one network: each port has its VF and its place on the guest's bus, by its own words and not by
 * the order in which the ports come. */
static void test_ports_in_any_order_make_the_same_nics(void **state)
{
	yyjson_doc *doc = wanted_server();
	yyjson_mut_doc *orders[2];
	char *nics[2][2];

	(void)state;
	for (int reversed = 0; reversed < 2; reversed++) {
		orders[reversed] = yyjson_doc_mut_copy(doc, NULL);
		yyjson_mut_val *ports =
			yyjson_mut_obj_get(yyjson_mut_doc_get_root(orders[reversed]), "ports");
		yyjson_mut_val *second =
			yyjson_mut_val_mut_copy(orders[reversed], yyjson_mut_arr_get_first(ports));
		yyjson_mut_val *device = yyjson_mut_obj_get(second, "device");

		yyjson_mut_obj_put(second, yyjson_mut_str(orders[reversed], "id"),
				   yyjson_mut_str(orders[reversed], SECOND));
		yyjson_mut_obj_put(second, yyjson_mut_str(orders[reversed], "index"),
				   yyjson_mut_int(orders[reversed], 2));
		yyjson_mut_obj_put(device, yyjson_mut_str(orders[reversed], "address"),
				   yyjson_mut_str(orders[reversed], "0000:10:10.3"));
		if (reversed)
			yyjson_mut_arr_prepend(ports, second);
		else
			yyjson_mut_arr_append(ports, second);
		yyjson_doc *server = yyjson_mut_doc_imut_copy(orders[reversed], NULL);
		struct text xml = {0};
		vm_xml(yyjson_doc_get_root(server), "/x", "qemu", &xml);
		nics[reversed][0] = nic_of(xml.data, FIRST);
		nics[reversed][1] = nic_of(xml.data, SECOND);
		text_done(&xml);
		yyjson_doc_free(server);
		yyjson_mut_doc_free(orders[reversed]);
	}
	for (int i = 0; i < 2; i++) {
		assert_string_equal(nics[0][i], nics[1][i]);
		assert_non_null(strstr(nics[0][i],
				       i == 0 ? "slot='0x10' function='0x1'" : "slot='0x10' function='0x3'"));
		free(nics[0][i]);
		free(nics[1][i]);
	}
	yyjson_doc_free(doc);
}

static void test_a_kernel_of_its_own(void **state)
{
	yyjson_doc *doc =
		wanted_changed("\"kernel\": null", "\"kernel\": {\"id\": \"k\"}", "\"ramdisk\": null",
			       "\"ramdisk\": {\"id\": \"r\"}", "\"properties\": {}",
			       "\"properties\": {\"os_command_line\": \"a=<b>\"}", NULL);
	struct text xml = {0};

	(void)state;
	vm_xml(yyjson_doc_get_root(doc), "/x", "kvm", &xml);
	assert_non_null(strstr(xml.data, "<kernel>/x/kernel</kernel>\n    <initrd>/x/ramdisk</initrd>\n"
					 "    <cmdline>a=&lt;b&gt;</cmdline>\n"));
	assert_non_null(strstr(xml.data, "<domain type='kvm'>"));
	assert_non_null(strstr(xml.data, "<cpu mode='host-passthrough'></cpu>"));
	assert_null(strstr(xml.data, "<boot dev="));
	text_done(&xml);
	yyjson_doc_free(doc);
}

/* It may be a conventional PCI device, which cannot sit on a root port. */
static void test_a_device_of_unknown_kind_is_placed_by_libvirt(void **state)
{
	yyjson_doc *doc = wanted_changed("\"type-PF\", \"alias\"", "\"type-PCI\", \"alias\"", NULL);
	struct text xml = {0};

	(void)state;
	vm_xml(yyjson_doc_get_root(doc), "/x", "qemu", &xml);
	assert_non_null(strstr(xml.data, "<alias name='ua-device-0'/></hostdev>"));
	text_done(&xml);
	yyjson_doc_free(doc);
}

static void test_a_port_that_is_down_has_no_link(void **state)
{
	yyjson_doc *doc = wanted_changed("\"vnic_type\": \"normal\", \"admin_state_up\": true",
					 "\"vnic_type\": \"normal\", \"admin_state_up\": false", NULL);
	yyjson_val *port = yyjson_doc_ptr_get(doc, "/ports/1");
	struct text xml = {0};

	(void)state;
	vm_xml_nic(port, 3, &xml);
	assert_non_null(strstr(xml.data, "<link state='down'/>"));
	text_done(&xml);
	yyjson_doc_free(doc);
}

#define NUMA_JSON \
	"\"numa\": {\"cells\": [{\"node\": 1, \"memory_mb\": 32, \"page_kb\": 2048, \"vcpus\": \"0-1\"," \
	" \"floating\": \"0-3\", \"taken\": \"5-6\", \"pins\": [[1, 5]]}," \
	" {\"node\": 0, \"memory_mb\": 32, \"page_kb\": 4, \"vcpus\": \"2\", \"floating\": \"\", " \
	"\"taken\": \"9\"," \
	" \"pins\": [[2, 9]]}], \"emulator\": \"6\", \"realtime\": \"1-2\"}, \"vcpus\": 3"

static void test_cells_and_pins(void **state)
{
	yyjson_doc *doc = wanted_changed("\"vcpus\": 1", NUMA_JSON, NULL);
	struct text xml = {0};

	(void)state;
	vm_xml(yyjson_doc_get_root(doc), "/x", "qemu", &xml);
	assert_non_null(strstr(xml.data,
			       "  <memoryBacking><hugepages><page size='2048' unit='KiB' nodeset='0'/>"
			       "</hugepages><nosharepages/><locked/></memoryBacking>\n"
			       "  <cputune>\n"
			       "    <vcpupin vcpu='0' cpuset='0-3'/>\n"
			       "    <vcpupin vcpu='1' cpuset='5'/>\n"
			       "    <vcpupin vcpu='2' cpuset='9'/>\n"
			       "    <emulatorpin cpuset='6'/>\n"
			       "    <vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>\n"
			       "  </cputune>\n"
			       "  <numatune>\n"
			       "    <memory mode='strict' nodeset='1,0'/>\n"
			       "    <memnode cellid='0' mode='strict' nodeset='1'/>\n"
			       "    <memnode cellid='1' mode='strict' nodeset='0'/>\n"
			       "  </numatune>\n"));
	assert_non_null(strstr(xml.data, "  <cpu><numa><cell id='0' cpus='0-1' memory='32' unit='MiB'/>"
					 "<cell id='1' cpus='2' memory='32' unit='MiB'/></numa></cpu>\n"));
	text_done(&xml);
	yyjson_doc_free(doc);
}

/* Dedicated CPUs are nobody else's: guests that were promised none stay away from them. */
static void test_other_guests_keep_to_the_shared_cpus(void **state)
{
	yyjson_doc *doc = wanted_server(), *pinned = wanted_changed("\"vcpus\": 1", NUMA_JSON, NULL);
	struct cpu_set shared = {0};
	struct text xml = {0};

	(void)state;
	cpu_set_add_range(&shared, 0, 2);
	vm_confine(&shared);
	vm_xml(yyjson_doc_get_root(doc), "/x", "qemu", &xml);
	assert_non_null(strstr(xml.data, "<vcpu cpuset='0-2'>1</vcpu>"));
	text_done(&xml);
	vm_xml(yyjson_doc_get_root(pinned), "/x", "qemu", &xml);
	assert_non_null(strstr(xml.data, "<vcpu>3</vcpu>"));
	text_done(&xml);
	vm_confine(NULL);
	yyjson_doc_free(doc);
	yyjson_doc_free(pinned);
}

static const char golden_network[] = "<network>\n"
				     "  <name>penstock-eeeeeeee-2222-3333-4444-555555555555</name>\n"
				     "  <uuid>eeeeeeee-2222-3333-4444-555555555555</uuid>\n"
				     "  <bridge name='pbreeeeeeee-22' stp='off'/>\n"
				     "  <forward mode='nat'/>\n"
				     "  <mtu size='1500'/>\n"
				     "  <dns><forwarder addr='8.8.8.8'/></dns>\n"
				     "  <ip address='192.168.0.1' prefix='24'><dhcp><host "
				     "mac='fa:16:3e:00:00:02' ip='192.168.0.7'/></dhcp></ip>\n"
				     "</network>\n";

static void test_the_network(void **state)
{
	yyjson_doc *doc = wanted_server();
	struct text xml = {0};

	(void)state;
	vm_xml_network(yyjson_doc_ptr_get(doc, "/ports/1"), "nat", &xml);
	assert_string_equal(xml.data, golden_network);
	text_done(&xml);
	vm_xml_network(yyjson_doc_ptr_get(doc, "/ports/1"), "none", &xml);
	assert_null(strstr(xml.data, "<forward mode"));
	text_done(&xml);
	yyjson_doc_free(doc);
}

static void test_without_dhcp_there_is_no_lease(void **state)
{
	yyjson_doc *doc = wanted_changed("\"enable_dhcp\": true", "\"enable_dhcp\": false", NULL);

	(void)state;
	assert_null(network_lease_ip(yyjson_doc_ptr_get(doc, "/ports/1")));
	yyjson_doc_free(doc);
	doc = wanted_changed("\"gateway_ip\": \"192.168.0.1\"", "\"gateway_ip\": null", NULL);
	assert_null(network_lease_ip(yyjson_doc_ptr_get(doc, "/ports/1")));
	yyjson_doc_free(doc);
}

static void test_settings_that_make_no_sense_are_refused(void **state)
{
	struct error err;

	(void)state;
	assert_true(vm_configure("kvm", &err));
	assert_false(vm_configure("xen", &err));
	assert_true(network_configure("route", &err));
	assert_false(network_configure("nat'/>", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_domain),
		cmocka_unit_test(test_ports_in_any_order_make_the_same_nics),
		cmocka_unit_test(test_a_kernel_of_its_own),
		cmocka_unit_test(test_a_device_of_unknown_kind_is_placed_by_libvirt),
		cmocka_unit_test(test_a_port_that_is_down_has_no_link),
		cmocka_unit_test(test_cells_and_pins),
		cmocka_unit_test(test_other_guests_keep_to_the_shared_cpus),
		cmocka_unit_test(test_the_network),
		cmocka_unit_test(test_without_dhcp_there_is_no_lease),
		cmocka_unit_test(test_settings_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
