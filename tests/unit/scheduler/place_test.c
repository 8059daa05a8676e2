/* Where servers go, which devices they get, and why not. */
#include "site.h"

#include "base/memory.h"

static int setup(void **state)
{
	(void)state;
	site_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	site_close();
	return 0;
}

/* The host of the story: p5p1 with 5 VFs of physnet_sriov, p5p2 whole, a GPU. */
static void lab1(void)
{
	struct site_host host = {.name = "lab1", .vcpus = 4, .memory_mb = 4096, .reserved_memory_mb = 512};

	site_card(&host, "0000:21", 5, "physnet_sriov", 0);
	site_card(&host, "0000:41", 2, NULL, 1);
	site_device(&host, "0000:61:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 1, NULL);
	assert_non_null(site_report(&host));
}

#define REFUSED(want, line) \
	do { \
		assert_false(site_claim("refused", want)); \
		assert_int_equal(err.kind, ERROR_CONFLICT); \
		assert_string_equal(err.message, "No valid host was found."); \
		assert_string_equal(refusals.data, line "\n"); \
	} while (0)

static void test_story(void **state)
{
	struct scheduler_device *devices;
	size_t count;

	(void)state;
	lab1();
	assert_true(site_claim("s1", "direct=physnet_sriov alias=my_PF:1"));
	assert_string_equal(grant.host_name, "lab1");
	assert_string_equal(site_granted(), "0000:21:10.0 0000:41:00.0");
	assert_string_equal(grant.devices[0].port_id, "port-0");
	assert_string_equal(grant.devices[0].alias, "");
	assert_string_equal(grant.devices[0].type, "type-VF");
	assert_string_equal(grant.devices[0].parent, "0000:21:00.0");
	assert_string_equal(grant.devices[0].vendor_id, "8086");
	assert_string_equal(grant.devices[0].product_id, "10ca");
	assert_string_equal(grant.devices[0].physical_network, "physnet_sriov");
	assert_string_equal(grant.devices[0].mac_address, "");
	assert_int_equal(grant.devices[0].numa_node, 0);
	assert_string_equal(grant.devices[1].alias, "my_PF");
	assert_string_equal(grant.devices[1].type, "type-PF");
	assert_string_equal(grant.devices[1].mac_address, "a0:36:9f:8f:3f:b8");
	assert_int_equal(grant.devices[1].numa_node, 1);
	/* the store says the same */
	assert_true(scheduler_devices_of_server(db, "s1", &devices, &count, &err));
	assert_int_equal(count, grant.device_count);
	assert_memory_equal(devices, grant.devices, count * sizeof *devices);
	free(devices);

	assert_true(site_claim("s2", "direct=physnet_sriov macvtap=PHYSNET_SRIOV"));
	assert_string_equal(site_granted(), "0000:21:10.1 0000:21:10.2");
	REFUSED("alias=my_PF:1",
		"lab1: alias my_PF: needs 1 device: 1 of 2 is in use, the PF 0000:21:00.0 has 3 of its "
		"VFs in use");
	site_release("s1");
	site_release("s2");
	site_release("s2"); /* nothing claimed is fine */
	assert_int_equal(site_count("SELECT count(*) FROM device_claim"), 0);
	assert_true(site_claim("s3", "direct-physical=physnet_sriov"));
	assert_string_equal(site_granted(), "0000:21:00.0");
}

static void test_refusals(void **state)
{
	(void)state;
	REFUSED("", "no host has joined yet (penstock-agent)");
	lab1();
	REFUSED("direct=nope", "lab1: needs 1 VF of nope: it offers none");
	REFUSED("direct=physnet_sriov direct=physnet_sriov direct=physnet_sriov direct=physnet_sriov "
		"direct=physnet_sriov direct=physnet_sriov",
		"lab1: needs 6 VFs of physnet_sriov: it has 5");
	REFUSED("memory=4096", "lab1: needs 4096 MB of memory, 3584 are free");
	REFUSED("memory=40960", "lab1: needs 40960 MB of memory, it has 4096 in all");
	REFUSED("vcpus=5", "lab1: needs 5 vCPUs, it has 4 in all");
	REFUSED("disk=1000", "lab1: needs 1000 GB of disk, it has 100 in all");
	REFUSED("zone=other", "lab1: is in availability zone nova, not other");
	REFUSED("host=lab9", "lab9: no host of this name has joined");
	REFUSED("alias=gpu:2", "lab1: alias gpu: needs 2 devices: it has 1");
	REFUSED("alias=my_PF:2 direct=physnet_sriov", "lab1: has devices for each wish, but not for all 3 "
						      "together: they want the same ones, or a PF and VFs "
						      "of it");
	assert_true(site_claim("s1", "vcpus=3 direct=physnet_sriov direct="));
	assert_string_equal(site_granted(), "0000:21:10.0 0000:41:10.0");
	REFUSED("vcpus=2", "lab1: needs 2 vCPUs, 1 is free");
	REFUSED("direct-physical=physnet_sriov",
		"lab1: needs 1 PF of physnet_sriov: the PF 0000:21:00.0 has 1 of its VFs in use");
	assert_true(site_claim("s2", "direct=physnet_sriov direct=physnet_sriov direct=physnet_sriov "
				     "direct=physnet_sriov vcpus=0"));
	REFUSED("direct=physnet_sriov vcpus=0", "lab1: needs 1 VF of physnet_sriov: 5 of 5 are in use");
	site_release("s1");
	site_release("s2");
	assert_true(site_claim("s3", "alias=my_PF:2"));
	REFUSED("direct=physnet_sriov",
		"lab1: needs 1 VF of physnet_sriov: 5 of 5 go with a PF that is in use (0000:21:00.0)");
}

static void test_one_pf(void **state)
{
	struct site_host host = {.name = "h"};

	(void)state;
	site_card(&host, "0000:41", 2, "net", -1);
	assert_non_null(site_report(&host));
	assert_true(site_claim("s1", "alias=vf:2"));
	assert_string_equal(site_granted(), "0000:41:10.0 0000:41:10.1");
	REFUSED("alias=pf:1", "h: alias pf: the PF 0000:41:00.0 has 2 of its VFs in use");
}

static void test_health(void **state)
{
	struct site_host host = {.name = "h"};

	(void)state;
	site_device(&host, "0000:01:00.0", "10de:1eb8", "type-PCI", NULL, NULL, -1, "\"health\":\"ill\"");
	site_device(&host, "0000:02:00.0", "10de:1eb8", "type-PCI", NULL, NULL, -1, "\"offered\":false");
	assert_non_null(site_report(&host));
	REFUSED("alias=gpu:1", "h: alias gpu: needs 1 device: 1 of 1 cannot be used now (0000:01:00.0: ill)");
}

/* Two GPUs that the IOMMU cannot tell apart, a card whose ports are such, and a GPU by itself. */
static void grouped(const char *mates)
{
	struct site_host host = {.name = "h", .more = mates};

	site_device(&host, "0000:61:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0, "\"iommu_group\":7");
	site_device(&host, "0000:61:00.1", "10de:1eb8", "type-PCI", NULL, NULL, 0, "\"iommu_group\":7");
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, "net", 0, "\"iommu_group\":8");
	site_device(&host, "0000:21:00.1", "8086:10c9", "type-PF", NULL, "other", 0, "\"iommu_group\":8");
	site_device(&host, "0000:21:10.1", "8086:10ca", "type-VF", "0000:21:00.1", "other", 0,
		    "\"iommu_group\":9");
	assert_non_null(site_report(&host));
}

static void test_groups(void **state)
{
	(void)state;
	grouped(NULL);
	assert_true(site_claim("s1", "alias=gpu:1"));
	REFUSED("alias=gpu:1", "h: alias gpu: needs 1 device: 1 of 2 is in use, 1 of 2 share an IOMMU group "
			       "with 0000:61:00.0, which is in use");
	site_release("s1");
	assert_true(site_claim("s1", "alias=gpu:2")); /* one server may have both */
	/* a PF's mate is not touched, nor are its VFs */
	assert_true(site_claim("s2", "direct-physical=net"));
	assert_true(site_claim("s3", "direct=other"));
	REFUSED("direct-physical=other",
		"h: needs 1 PF of other: the PF 0000:21:00.1 has 1 of its VFs in use");
}

static void test_groups_granted(void **state)
{
	struct scheduler_device *devices;
	size_t count;

	(void)state;
	grouped("\"iommu_group_mates\":\"grant\",");
	assert_true(site_claim("s1", "alias=gpu:1"));
	assert_string_equal(site_granted(), "0000:61:00.0");
	/* the mate is the server's, but it is not given to the guest */
	assert_int_equal(site_count("SELECT count(*) FROM device_claim WHERE server_id = 's1'"), 2);
	assert_true(scheduler_devices_of_server(db, "s1", &devices, &count, &err));
	assert_int_equal(count, 1);
	free(devices);
	REFUSED("alias=gpu:1", "h: alias gpu: needs 1 device: 2 of 2 are in use");
	assert_true(scheduler_load(db, &err)); /* also after a restart */
	REFUSED("alias=gpu:1", "h: alias gpu: needs 1 device: 2 of 2 are in use");
	site_release("s1");
	assert_true(site_claim("s1", "alias=gpu:2"));
	/* a PF brings the other port along, without its VFs */
	REFUSED("direct-physical=net direct=other",
		"h: has devices for each wish, but not for all 2 together: "
		"they want the same ones, or a PF and VFs of it");
	assert_true(site_claim("s2", "direct=other"));
	REFUSED("direct-physical=net", "h: needs 1 PF of net: 1 of 1 share an IOMMU group with VFs of "
				       "0000:21:00.1, which are in use");
	site_release("s2");
	assert_true(site_claim("s2", "direct-physical=net"));
	REFUSED("direct=other", "h: needs 1 VF of other: 1 of 1 go with a PF that is in use (0000:21:00.1)");
}

static void test_states_of_a_host(void **state)
{
	struct site_host host = {.name = "h"};
	struct scheduler_host view;
	char id[37];

	(void)state;
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_join(db, "young", "c", id, &err));
	assert_true(store_transaction_commit(db, &err));
	REFUSED("", "young: has not told yet what it has");
	assert_true(scheduler_host_load(db, "young", &view, &err) && !view.up);
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_host_set_enabled(db, id, false, "broken fan", &err));
	assert_true(store_transaction_commit(db, &err));
	REFUSED("", "young: is disabled (broken fan)");
	snprintf(id, sizeof id, "%s", site_report(&host));
	assert_true(site_claim("s1", ""));
	assert_string_equal(grant.host_name, "h");
	site_now += SCHEDULER_DOWN_AFTER + 90 * INT64_C(1000000);
	REFUSED("host=h", "h: is down (last heard of 2 min ago)");
	assert_true(scheduler_host_load(db, "h", &view, &err) && !view.up);
	assert_true(scheduler_host_heard(db, id, &err));
	assert_true(scheduler_host_load(db, id, &view, &err) && view.up);
	assert_int_equal(view.running_vms, 1);
	assert_int_equal(view.memory_mb_used, 64);
	assert_true(site_claim("s2", ""));
	/* what is stored survives a restart */
	assert_true(scheduler_housekeeping(db, &err));
	assert_int_equal(site_count("SELECT max(heard_at) FROM host_state"), site_now);
	site_now += INT64_C(5000000);
	assert_true(scheduler_host_heard(db, id, &err) && scheduler_housekeeping(db, &err));
	assert_int_equal(site_count("SELECT max(heard_at) FROM host_state"), site_now - INT64_C(5000000));
	/* nobody is down, or up, because the clock is set */
	for (int hours = -5; hours <= 5; hours += 10) {
		site_clock_set = hours * 3600 * INT64_C(1000000);
		assert_true(scheduler_host_load(db, id, &view, &err) && view.up);
	}
	site_now += SCHEDULER_DOWN_AFTER;
	assert_true(scheduler_host_load(db, id, &view, &err) && !view.up);
	site_clock_set = 0;
	assert_false(scheduler_host_load(db, "nobody", &view, &err));
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

/* Servers without devices stay away from hosts that have some; those with are stacked. */
static void test_weights(void **state)
{
	struct site_host plain = {.name = "plain"}, small = {.name = "small"}, large = {.name = "large"},
			 roomy = {.name = "roomy"};

	(void)state;
	site_card(&large, "0000:21", 8, "net", 0);
	assert_non_null(site_report(&large));
	site_card(&small, "0000:21", 2, "net", 0);
	assert_non_null(site_report(&small));
	assert_non_null(site_report(&plain));
	assert_non_null(site_report(&roomy));
	assert_true(site_claim("s1", ""));
	assert_string_equal(grant.host_name, "plain");
	assert_true(site_claim("s2", ""));
	assert_string_equal(grant.host_name, "roomy");
	assert_true(site_claim("s3", "direct=net"));
	assert_string_equal(grant.host_name, "small");
	assert_true(site_claim("s4", "direct=net direct=net"));
	assert_string_equal(grant.host_name, "large");
	assert_true(site_claim("s5", "direct=net host=large"));
	assert_string_equal(grant.host_name, "large");
}

/* Two hosts: `a` has two devices and joined first, `b` has none, half the CPUs and an older libvirt. */
static const char *placed(const char *options, const char *want)
{
	struct site_host a = {.name = "a", .more = "\"hypervisor\":{\"version\":10},"},
			 b = {.name = "b", .vcpus = 4, .more = "\"hypervisor\":{\"version\":9},"};
	_cleanup_free_ char *conf = memory_printf("[filter_scheduler]\n%s\n", options);

	site_close();
	site_open(conf);
	site_card(&a, "0000:21", 1, "net", 0);
	assert_non_null(site_report(&a));
	assert_non_null(site_report(&b));
	assert_true(site_claim("s", want));
	return grant.host_name;
}

/* CPU: 1 and 0.5; devices: 0 and 1; version: 1 and 0; memory and disk are equal. */
static void test_multipliers(void **state)
{
	(void)state;
	assert_string_equal(placed("", ""), "a"); /* 1 + 0 + 1 against 0.5 + 1 + 0 */
	assert_string_equal(placed("hypervisor_version_weight_multiplier = 0", ""), "b");
	assert_string_equal(placed("pci_weight_multiplier = 1.6", ""), "b");
	assert_string_equal(placed("pci_weight_multiplier = 1.4", ""), "a");
	assert_string_equal(placed("cpu_weight_multiplier = -1", ""), "b");
	assert_string_equal(placed("cpu_weight_multiplier = -1\npci_weight_multiplier = 0\n"
				   "hypervisor_version_weight_multiplier = 0",
				   ""),
			    "b");
	assert_string_equal(placed("pci_weight_multiplier = 9", "direct=net"), "a");
}

static const char *place_again(const char *server)
{
	assert_true(site_claim(server, "vcpus=0 memory=0 disk=0"));
	return grant.host_name;
}

/* What hosts are doing counts as well; all else is equal. */
static void test_weights_of_what_hosts_do(void **state)
{
	struct site_host a = {.name = "a"}, b = {.name = "b"};
	char id[37];

	(void)state;
	snprintf(id, sizeof id, "%s", site_report(&a));
	assert_non_null(site_report(&b));
	assert_string_equal(place_again("s1"), "a");
	scheduler_build_begins(db, id);
	assert_string_equal(place_again("s2"), "b");
	scheduler_build_ends(db, id, SCHEDULER_BUILD_LEFT);
	assert_string_equal(place_again("s3"), "a");
	scheduler_build_begins(db, id);
	scheduler_build_ends(db, id, SCHEDULER_BUILD_FAILED);
	assert_string_equal(place_again("s4"), "b");
	assert_true(site_claim("s5", "vcpus=0 memory=0 disk=0 host=a"));
	/* its inventory is read again: what it did is not forgotten */
	a = (struct site_host){.name = "a", .memory_mb = 16384};
	assert_non_null(site_report(&a));
	assert_string_equal(place_again("s6"), "b");
	scheduler_build_begins(db, id);
	scheduler_build_ends(db, id, SCHEDULER_BUILD_DONE);
	assert_string_equal(place_again("s7"), "a");
	/* undone with the transaction */
	assert_true(store_transaction_begin(db, &err));
	scheduler_build_begins(db, id);
	scheduler_build_ends(db, id, SCHEDULER_BUILD_FAILED);
	store_transaction_undo(db);
	assert_string_equal(place_again("s8"), "a");
	scheduler_build_ends(db, id, SCHEDULER_BUILD_DONE); /* of one that began before the process did */
	assert_string_equal(place_again("s9"), "a");
	scheduler_build_begins(db, "nobody");
}

/* How many of ten servers, each placed by itself, are on each of the hosts h0 ... h3. */
static void spread(const char *options, int on[4])
{
	_cleanup_free_ char *conf = memory_printf("[filter_scheduler]\n%s\n", options);

	site_close();
	site_open(conf);
	for (int i = 0; i < 4; i++) {
		char name[8];
		struct site_host host = {.name = name, .memory_mb = i == 3 ? 4096 : 8192};

		snprintf(name, sizeof name, "h%d", i);
		assert_non_null(site_report(&host));
		on[i] = 0;
	}
	for (int i = 0; i < 100; i++) {
		place_again("s");
		on[atoi(grant.host_name + 1)]++;
		site_release("s");
	}
}

static void test_subset_and_shuffle(void **state)
{
	int on[4];

	(void)state;
	spread("", on);
	assert_int_equal(on[0], 100);
	spread("host_subset_size = 2", on);
	assert_true(on[0] > 20 && on[1] > 20 && on[2] == 0 && on[3] == 0);
	spread("host_subset_size = 100", on);
	assert_true(on[0] > 5 && on[1] > 5 && on[2] > 5 && on[3] > 5);
	spread("shuffle_best_same_weighed_hosts = true", on);
	assert_true(on[0] > 10 && on[1] > 10 && on[2] > 10 && on[3] == 0);
}

/* Which of several devices. */
static void test_choice(void **state)
{
	struct site_host host = {.name = "h"};

	(void)state;
	site_card(&host, "0000:21", 4, "net", 0);
	site_card(&host, "0000:41", 4, "net", 1);
	site_device(&host, "0000:61:00.0", "10de:1eb8", "type-PCI", NULL, "net", 0, NULL);
	site_device(&host, "0000:62:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 1, NULL);
	site_device(&host, "0000:63:00.0", "10de:1eb8", "type-PCI", NULL, NULL, -1, NULL);
	assert_non_null(site_report(&host));
	/* whole PFs stay free as long as they can */
	assert_true(site_claim("s1", "direct=net"));
	assert_string_equal(site_granted(), "0000:21:10.0");
	assert_true(site_claim("s2", "direct=net direct=net"));
	assert_string_equal(site_granted(), "0000:21:10.1 0000:21:10.2");
	/* devices of one node, though one VF of the broken PF is left */
	assert_true(site_claim("s3", "direct=net direct=net"));
	assert_string_equal(site_granted(), "0000:41:10.0 0000:41:10.1");
	/* fewest tags first */
	assert_true(site_claim("s4", "alias=gpu:1"));
	assert_string_equal(site_granted(), "0000:62:00.0");
	assert_true(site_claim("s5", "alias=gpu:2"));
	assert_string_equal(site_granted(), "0000:63:00.0 0000:61:00.0");
}

static void test_live_migratable(void **state)
{
	struct site_host host = {.name = "h"};

	(void)state;
	site_device(&host, "0000:61:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0, NULL);
	assert_non_null(site_report(&host));
	REFUSED("alias=gpu_lm:1",
		"h: alias gpu_lm: needs 1 device: it offers none 10de:1eb8 with live_migratable true");
	assert_true(site_claim("s1", "alias=gpu:1"));
}

/* An alias without device_type takes a PF only where nothing else has its ids. */
static void test_untyped_alias(void **state)
{
	struct site_host host = {.name = "h"};

	(void)state;
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, NULL, 0, NULL);
	site_device(&host, "0000:41:00.0", "8086:10c9", "type-PCI", NULL, NULL, 0, NULL);
	assert_non_null(site_report(&host));
	assert_true(site_claim("s1", "alias=my_PF:1"));
	assert_string_equal(site_granted(), "0000:41:00.0");
	REFUSED("alias=my_PF:1", "h: alias my_PF: needs 1 device: 1 of 1 is in use");
	assert_true(site_claim("s2", "alias=pf:1"));
	assert_string_equal(site_granted(), "0000:21:00.0");
}

static void test_bad_requests(void **state)
{
	(void)state;
	lab1();
	assert_false(site_claim("s", "alias=nope:1"));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_string_equal(err.message, "PCI alias nope is not defined");
	assert_false(site_claim("s", "alias=gpu:65"));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_false(site_claim("s", "vdpa=physnet_sriov"));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_true(scheduler_alias_check("gpu:1,my_PF:1", &err));
	assert_false(scheduler_alias_check("gpu", &err));
	/* a second claim of a server is a mistake of the caller, not a host that does not fit */
	assert_true(site_claim("s", "direct=physnet_sriov"));
	assert_false(site_claim("s", "direct=physnet_sriov"));
	assert_int_equal(err.kind, ERROR_INTERNAL);
	assert_int_equal(site_count("SELECT count(*) FROM device_claim"), 1);
	assert_true(site_claim("t", "direct=physnet_sriov"));
	assert_string_equal(site_granted(), "0000:21:10.1");
}

/* The store knows better than the fleet: another controller took a device. */
static void test_behind_the_back(void **state)
{
	(void)state;
	lab1();
	assert_true(store_exec(db, &err,
			       "INSERT INTO claim (server_id, host_id, vcpus, memory_mb, disk_gb) SELECT "
			       "'other', id, 1, 64, 1 FROM host"));
	assert_true(store_exec(
		db, &err,
		"INSERT INTO device_claim SELECT id, '0000:21:10.0', 'other', 0, '', '' FROM host"));
	assert_true(site_claim("s", "direct=physnet_sriov"));
	assert_string_equal(site_granted(), "0000:21:10.1");
	assert_int_equal(site_count("SELECT count(*) FROM claim WHERE server_id = 's'"), 1);
}

static void test_configuration(void **state)
{
	static const struct {
		const char *conf, *says;
	} bad[] = {
		{"[pci]\nalias = {\"name\": \"a\"}\n",
		 "nova.conf:2: [pci] alias: Invalid PCI alias definition"},
		{"[DEFAULT]\npci_alias = 3\n", "nova.conf:2: [pci] alias"},
		{"[DEFAULT]\n\ncpu_allocation_ratio = many\n",
		 "nova.conf:3: [DEFAULT] cpu_allocation_ratio = many"},
		{"[DEFAULT]\nram_allocation_ratio = -1\n", "expected a number from 0"},
		{"[filter_scheduler]\npci_weight_multiplier = -1\n", "pci_weight_multiplier"},
		{"[filter_scheduler]\nram_weight_multiplier = nan\n", "ram_weight_multiplier"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		struct config *config = config_new();

		assert_true(config_read_text(config, "nova.conf", bad[i].conf, &err));
		assert_false(scheduler_configure(config, &err));
		if (!strstr(err.message, bad[i].says))
			fail_msg("%s", err.message);
		config_free(config);
	}
}

static void test_ratios(void **state)
{
	struct site_host host = {.name = "h", .vcpus = 2, .memory_mb = 1000, .reserved_memory_mb = 200};

	(void)state;
	site_close();
	site_open("[DEFAULT]\ncpu_allocation_ratio = 2.0\nram_allocation_ratio = 0\n"
		  "initial_ram_allocation_ratio = 1.25\n");
	assert_non_null(site_report(&host));
	assert_true(site_claim("s1", "vcpus=2 memory=500"));
	assert_true(site_claim("s2", "vcpus=1 memory=500"));
	REFUSED("vcpus=1 memory=1", "h: needs 1 MB of memory, 0 are free");
	REFUSED("vcpus=2 memory=0", "h: needs 2 vCPUs, 1 is free");
	site_close();
	site_open(""); /* Nova's: CPUs four times, the rest once */
	host = (struct site_host){.name = "h", .vcpus = 4, .memory_mb = 4096, .disk_gb = 40};
	assert_non_null(site_report(&host));
	for (int i = 0; i < 4; i++)
		assert_true(site_claim(i == 0	? "a"
				       : i == 1 ? "b"
				       : i == 2 ? "c"
						: "d",
				       "vcpus=4 memory=1024 disk=10"));
	REFUSED("vcpus=1 memory=1 disk=0", "h: needs 1 vCPUs, 0 are free");
	REFUSED("vcpus=0 memory=1 disk=0", "h: needs 1 MB of memory, 0 are free");
	REFUSED("vcpus=0 memory=0 disk=1", "h: needs 1 GB of disk, 0 are free");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_story),
		TEST(test_refusals),
		TEST(test_one_pf),
		TEST(test_health),
		TEST(test_groups),
		TEST(test_groups_granted),
		TEST(test_states_of_a_host),
		TEST(test_weights),
		TEST(test_multipliers),
		TEST(test_weights_of_what_hosts_do),
		TEST(test_subset_and_shuffle),
		TEST(test_choice),
		TEST(test_live_migratable),
		TEST(test_untyped_alias),
		TEST(test_bad_requests),
		TEST(test_behind_the_back),
		TEST(test_configuration),
		TEST(test_ratios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
