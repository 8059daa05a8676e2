/* Tests of reading the host, from a tree of files like sysfs. */
#include "../test.h"

#include "agent/cpus.h"
#include "agent/groups.h"
#include "agent/inventory.h"
#include "agent/report.h"
#include "agent/world.h"
#include "base/memory.h"

#include <sys/stat.h>

static char *folder;

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In the tree's folder. */
static void shell(const char *format, ...)
{
	char command[1024], line[1200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof line, "cd %s && %s", folder, command);
	assert_int_equal(system(line), 0);
}

static void add_device(const char *address, const char *vendor, const char *product, const char *class_code,
		       const char *group, int node)
{
	shell("d=sys/bus/pci/devices/%s; mkdir -p $d && echo 0x%s > $d/vendor && echo 0x%s > $d/device && "
	      "echo 0x%s > $d/class && echo %d > $d/numa_node && ln -s ../../kernel/iommu_groups/%s "
	      "$d/iommu_group",
	      address, vendor, product, class_code, node, group);
}

/* A PF with 3 of 7 VFs, one of them with a guest; a bridge; an NVMe disk; a device of a made-up domain. */
static int make(void **state)
{
	(void)state;
	folder = test_folder_make();
	add_device("0000:20:00.0", "1b36", "000c", "060400", "1", 0);
	add_device("0000:21:00.0", "8086", "10c9", "020000", "12", 0);
	shell("cd sys/bus/pci/devices/0000:21:00.0 && echo 7 > sriov_totalvfs && mkdir -p net/p5p1 && "
	      "ln -s ../../../drivers/igb driver && mkfifo sriov_numvfs");
	shell("mkdir -p sys/class/net/p5p1 && echo a0:36:9f:8f:3f:b8 > sys/class/net/p5p1/address");
	for (int i = 0; i < 3; i++) {
		char address[16];

		snprintf(address, sizeof address, "0000:21:10.%d", 2 * i);
		add_device(address, "8086", "10ca", "020000", "20", 0);
		shell("cd sys/bus/pci/devices && ln -s ../0000:21:00.0 %s/physfn && ln -s ../%s "
		      "0000:21:00.0/virtfn%d",
		      address, address, i);
	}
	shell("ln -s ../../drivers/vfio-pci sys/bus/pci/devices/0000:21:10.4/driver");
	add_device("0000:03:00.0", "1b36", "0010", "010802", "5", 1);
	shell("mkdir sys/bus/pci/devices/10000:01:00.0");
	shell("mkdir -p proc && printf 'MemTotal:  2621440 kB\\n' > proc/meminfo && "
	      "for i in 0 1; do printf 'processor\\t: %%d\\nvendor_id\\t: AuthenticAMD\\nmodel name\\t: "
	      "EPYC\\n"
	      "siblings\\t: 2\\ncpu cores\\t: 1\\n\\n' $i; done > proc/cpuinfo");
	shell("for i in 0 1; do n=sys/devices/system/node/node$i; mkdir -p $n/hugepages/hugepages-2048kB && "
	      "echo $((2 * i))-$((2 * i + 1)) > $n/cpulist && echo \"Node $i MemTotal: 1310720 kB\" > "
	      "$n/meminfo && "
	      "echo 32 > $n/hugepages/hugepages-2048kB/nr_hugepages; done");
	shell("for i in 0 1 2 3; do c=sys/devices/system/cpu/cpu$i/topology; mkdir -p $c; echo $((i / 2)) > "
	      "$c/physical_package_id; echo $((i / 2 * 2))-$((i / 2 * 2 + 1)) > $c/thread_siblings_list; "
	      "done");
	world_files_set_root(folder);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	world_files_set_root("");
	test_folder_remove(folder);
	return 0;
}

/* sriov_numvfs is a pipe that nobody writes to: reading it would hang, as the real one may. */
static void test_devices(void **state)
{
	struct pci_device *devices, *pf, *vf;
	struct error err;
	size_t count;

	(void)state;
	alarm(20);
	assert_true(inventory_devices(&devices, &count, &err));
	alarm(0);
	assert_int_equal(count, 5); /* without the bridge and the made-up domain */
	pf = inventory_find(devices, count, "0000:21:00.0");
	assert_non_null(pf);
	assert_string_equal(pf->type, "type-PF");
	assert_string_equal(pf->driver, "igb");
	assert_string_equal(pf->netdev, "p5p1");
	assert_string_equal(pf->mac_address, "a0:36:9f:8f:3f:b8");
	assert_string_equal(pf->class_code, "0200");
	assert_int_equal(pf->numvfs, 3);
	assert_int_equal(pf->totalvfs, 7);
	assert_int_equal(pf->iommu_group, 12);
	vf = inventory_find(devices, count, "0000:21:10.4");
	assert_string_equal(vf->type, "type-VF");
	assert_string_equal(vf->parent, "0000:21:00.0");
	assert_int_equal(vf->vf_index, 2);
	assert_string_equal(vf->driver, "vfio-pci");
	assert_string_equal(inventory_find(devices, count, "0000:03:00.0")->type, "type-PCI");
	assert_int_equal(inventory_find(devices, count, "0000:03:00.0")->numa_node, 1);
	assert_null(inventory_find(devices, count, "0000:20:00.0"));
	free(devices);
}

static void test_the_host(void **state)
{
	struct host_facts facts;
	struct error err;

	(void)state;
	assert_true(inventory_host(folder, &facts, &err));
	assert_int_equal(facts.vcpus, 2);
	assert_int_equal(facts.sockets, 1);
	assert_int_equal(facts.cores, 1);
	assert_int_equal(facts.threads, 2);
	assert_string_equal(facts.cpu_model, "EPYC");
	assert_int_equal(facts.memory_mb, 2560);
	assert_int_equal(facts.cell_count, 2);
	assert_int_equal(facts.cells[1].memory_mb, 1280);
	assert_int_equal(facts.cells[1].page_count, 1);
	assert_int_equal(facts.cells[1].pages[0].size_kb, 2048);
	assert_int_equal(facts.cells[1].pages[0].total, 32);
	assert_string_equal(facts.cells[1].cpus, "2-3");
	assert_string_equal(facts.cells[1].siblings, "2-3");
	assert_int_equal(facts.cells[1].socket, 1);
}

static yyjson_doc *inventory(const struct agent_settings *settings)
{
	struct error err;
	char *text = report_inventory(settings, &err);

	assert_non_null(text);
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	free(text);
	return doc;
}

static const char *device_text(yyjson_doc *doc, const char *address, const char *name)
{
	yyjson_val *device;
	size_t i, max;

	yyjson_arr_foreach (yyjson_doc_ptr_get(doc, "/devices"), i, max, device) {
		if (strcmp(json_text(device, "address"), address) != 0)
			continue;
		yyjson_val *value = yyjson_obj_get(device, name);
		return yyjson_is_bool(value) ? yyjson_get_bool(value) ? "true" : "false"
					     : json_text(device, name);
	}
	return NULL;
}

/* libvirt's facts are not in the tree. */
static bool no_hypervisor(struct world_hypervisor *facts, struct error *err)
{
	(void)facts;
	return error_set(err, ERROR_UNAVAILABLE, "no libvirt");
}

/* The well-known way to offer a NIC; then its PF is given to a guest and its name is gone. */
static void test_the_inventory_keeps_what_a_guest_has(void **state)
{
	static struct world here;
	struct reserved_pages reserved = {.node = 1, .size_kb = 2048, .count = 4};
	struct agent_settings settings = {.state_dir = "/",
					  .availability_zone = "nova",
					  .has_cpu_sets = true,
					  .reserved_pages = &reserved,
					  .reserved_page_count = 1};
	char warning[256];
	struct error err;

	(void)state;
	cpu_set_add(&settings.cpu_dedicated_set, 1);
	cpu_set_add(&settings.cpu_dedicated_set, 3);
	here = world_real;
	here.hypervisor = no_hypervisor;
	world = &here;
	assert_true(device_spec_parse("x", "{\"devname\": \"p5p1\", \"physical_network\": \"physnet_sriov\"}",
				      &settings.specs, &settings.spec_count, warning, &err));
	yyjson_doc *doc = inventory(&settings);
	assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/devices")), 4);
	assert_string_equal(device_text(doc, "0000:21:10.0", "offered"), "true");
	assert_string_equal(device_text(doc, "0000:21:10.0", "physical_network"), "physnet_sriov");
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/nic_agent/device_mappings/physnet_sriov/0"),
				      "p5p1"));
	assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(doc, "/nic_agent/devices")), 1);
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/cells/1/cpus"), "2-3"));
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/cells/0/dedicated"), "1"));
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/cells/1/dedicated"), "3"));
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/cells/1/shared"), ""));
	assert_true(yyjson_equals_str(yyjson_doc_ptr_get(doc, "/cells/1/siblings/0"), "2-3"));
	assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(doc, "/cells/0/hugepages/0/reserved")), 0);
	assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(doc, "/cells/1/hugepages/0/reserved")), 4);
	yyjson_doc_free(doc);
	assert_true(report_offers("0000:21:10.0"));
	assert_false(report_offers("0000:03:00.0"));

	/* On its way to the guest: it has no driver at all for a moment, and is offered by its name all the
	 * same. */
	shell("cd sys/bus/pci/devices/0000:21:00.0 && rm -r net virtfn* driver");
	shell("rm -r sys/bus/pci/devices/0000:21:10.* sys/class/net/p5p1");
	doc = inventory(&settings);
	assert_string_equal(device_text(doc, "0000:21:00.0", "offered"), "true");
	yyjson_doc_free(doc);
	shell("ln -s ../../../drivers/vfio-pci sys/bus/pci/devices/0000:21:00.0/driver");
	doc = inventory(&settings);
	assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/devices")), 1);
	assert_string_equal(device_text(doc, "0000:21:00.0", "netdev"), "p5p1");
	assert_string_equal(device_text(doc, "0000:21:00.0", "offered"), "true");
	yyjson_doc_free(doc);
	assert_false(report_offers("0000:21:10.0"));
	device_specs_free(settings.specs, settings.spec_count);
	world = &world_real;
}

static void assert_health(const struct agent_settings *settings, const char *address, const char *health)
{
	yyjson_doc *doc = inventory(settings);

	assert_string_equal(device_text(doc, address, "health"), health);
	yyjson_doc_free(doc);
}

/* A disk whose group has a function that nobody offers, then one that is offered; VFs in their PF's group. */
static void test_groups(void **state)
{
	static struct world here;
	struct agent_settings settings = {.state_dir = "/", .availability_zone = "nova"};
	char warning[256];
	struct error err;

	(void)state;
	here = world_real;
	here.hypervisor = no_hypervisor;
	world = &here;
	assert_true(device_spec_parse("x", "{\"product_id\": \"0010\"}", &settings.specs,
				      &settings.spec_count, warning, &err));
	add_device("0000:03:00.1", "1b36", "0011", "040300", "5", 1);
	assert_health(&settings, "0000:03:00.0", "ok"); /* no driver has it */
	shell("ln -s ../../drivers/snd_hda_intel sys/bus/pci/devices/0000:03:00.1/driver");
	assert_health(&settings, "0000:03:00.0",
		      "its IOMMU group 5 has 0000:03:00.1 as well, which the driver snd_hda_intel holds");
	groups_configure(true);
	assert_health(&settings, "0000:03:00.0",
		      "its IOMMU group 5 has 0000:03:00.1 as well, which the driver snd_hda_intel holds");
	assert_true(device_spec_parse("x", "[{\"product_id\": \"0011\"}, {\"product_id\": \"10ca\"}]",
				      &settings.specs, &settings.spec_count, warning, &err));
	assert_health(&settings, "0000:03:00.0", "ok");
	char **mates = groups_mates("0000:03:00.0");
	assert_string_equal(mates[0], "0000:03:00.1");
	assert_null(mates[1]);
	world_list_free(mates);
	groups_configure(false);
	assert_null((mates = groups_mates("0000:03:00.0"))[0]);
	world_list_free(mates);
	assert_health(
		&settings, "0000:03:00.0",
		"its IOMMU group 5 has 0000:03:00.1 as well, which the driver snd_hda_intel holds: [pci] "
		"iommu_group_mates = grant would take it along");
	shell("ln -sfn ../../drivers/vfio-pci sys/bus/pci/devices/0000:03:00.1/driver");
	assert_health(&settings, "0000:03:00.0", "ok");

	assert_health(&settings, "0000:21:10.0", "ok");
	shell("ln -sfn ../../kernel/iommu_groups/12 sys/bus/pci/devices/0000:21:10.0/iommu_group");
	groups_configure(true);
	assert_health(&settings, "0000:21:10.0",
		      "its IOMMU group 12 has 0000:21:00.0 as well, which the driver igb holds");
	groups_configure(false);
	device_specs_free(settings.specs, settings.spec_count);
	world = &world_real;
}

static void test_cpu_lists(void **state)
{
	struct cpu_walk walk = {.rest = "0-2,8,10-11", .last = -1};
	static const int cpus[] = {0, 1, 2, 8, 10, 11, -1};

	(void)state;
	for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++)
		assert_int_equal(cpus_next(&walk), cpus[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_devices, make, drop),
		cmocka_unit_test_setup_teardown(test_the_host, make, drop),
		cmocka_unit_test(test_cpu_lists),
		cmocka_unit_test_setup_teardown(test_groups, make, drop),
		cmocka_unit_test_setup_teardown(test_the_inventory_keeps_what_a_guest_has, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
