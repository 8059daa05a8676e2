/* What flavors and images may ask of NUMA, CPUs and pages, and what becomes of it. */
#include "../test.h"

#include "lookup.h"

static struct numa_guest guest;

/* Four vCPUs and 4096 MB. */
static void accepted(const char *flavor, const char *image)
{
	struct error err;

	if (!lookup_guest(4, 4096, flavor, image, &guest, &err))
		fail_msg("%s", err.message);
}

static void refused_as(enum error_kind kind, const char *flavor, const char *image, const char *part)
{
	struct error err;

	assert_false(lookup_guest(4, 4096, flavor, image, &guest, &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void refused(const char *flavor, const char *image, const char *part)
{
	refused_as(ERROR_BAD_REQUEST, flavor, image, part);
}

static void check_set(const struct cpu_set *set, const char *expected)
{
	char text[CPU_SET_TEXT_SIZE];

	assert_string_equal(cpu_set_format(set, text), expected);
}

/* 11.1: only nodes, pages and CPUs of its own make a topology. */
static void test_what_makes_a_topology(void **state)
{
	(void)state;
	accepted("", "");
	assert_int_equal(guest.cell_count, 0);
	accepted("hw:cpu_policy=shared hw:pci_numa_affinity_policy=required "
		 "trait:HW_CPU_HYPERTHREADING=required",
		 "");
	assert_int_equal(guest.cell_count, 0);
	assert_true(guest.has_pci_policy);
	assert_int_equal(guest.hyperthreads, NUMA_HYPERTHREADS_REQUIRED);
	accepted("hw:numa_nodes=1", "");
	assert_int_equal(guest.cell_count, 1);
	assert_true(cpu_set_is_empty(&guest.cells[0].dedicated));
	accepted("", "hw_numa_nodes=1");
	assert_int_equal(guest.cell_count, 1);
	accepted("hw:mem_page_size=large", "");
	assert_int_equal(guest.cell_count, 1);
	accepted("hw:cpu_policy=dedicated", "");
	assert_int_equal(guest.cell_count, 1);
	check_set(&guest.cells[0].dedicated, "0-3");
	assert_int_equal(guest.cells[0].memory_mb, 4096);
	accepted("hw:cpu_policy=mixed hw:cpu_dedicated_mask=^0", "");
	assert_int_equal(guest.cell_count, 1);
}

static void test_no_sides(void **state)
{
	struct numa_wish wish = {.vcpus = 2, .memory_mb = 512};
	struct error err = {0};

	(void)state;
	assert_true(numa_guest_parse(&wish, &guest, &err));
	assert_int_equal(guest.cell_count, 0);
	wish.vcpus = CPU_SET_MAX + 1; /* without a topology that is none of ours */
	assert_true(numa_guest_parse(&wish, &guest, &err));
	assert_false(lookup_guest(CPU_SET_MAX + 1, 512, "hw:numa_nodes=1", "", &guest, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_false(lookup_guest(1, INT64_C(1) << 31, "hw:numa_nodes=1", "", &guest, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
}

static void test_nodes(void **state)
{
	(void)state;
	accepted("hw:numa_nodes=2", "");
	assert_int_equal(guest.cell_count, 2);
	check_set(&guest.cells[0].vcpus, "0-1");
	check_set(&guest.cells[1].vcpus, "2-3");
	assert_int_equal(guest.cells[1].memory_mb, 2048);
	refused("hw:numa_nodes=0", "", "hw:numa_nodes");
	refused("hw:numa_nodes=x", "", "hw:numa_nodes");
	refused("hw:numa_nodes=65", "", "1 to 64");
	refused("", "hw_numa_nodes=-1", "hw_numa_nodes");
	refused("hw:numa_nodes=2", "hw_numa_nodes=2", "only one of them");
}

/* Scenario 113. */
static void test_113_bad_topology(void **state)
{
	const char *good = "hw:numa_nodes=2 hw:numa_cpus.0=0,3 hw:numa_mem.0=1024 hw:numa_cpus.1=1-2 "
			   "hw:numa_mem.1=3072";

	(void)state;
	accepted(good, "");
	check_set(&guest.cells[0].vcpus, "0,3");
	check_set(&guest.cells[1].vcpus, "1-2");
	assert_int_equal(guest.cells[0].memory_mb, 1024);
	assert_int_equal(guest.cells[1].memory_mb, 3072);
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-3 hw:numa_mem.0=4096", "", "hw:numa_cpus.1 is missing");
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-1 hw:numa_cpus.1=2-3", "", "hw:numa_mem.0 is missing");
	refused("hw:numa_nodes=2 hw:numa_mem.0=2048 hw:numa_mem.1=2048", "", "hw:numa_cpus.0 is missing");
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-2 hw:numa_mem.0=2048 hw:numa_cpus.1=2-3 hw:numa_mem.1=2048",
		"", "another node has");
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-1 hw:numa_mem.0=2048 hw:numa_cpus.1=2-4 hw:numa_mem.1=2048",
		"", "the last one is 3");
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0 hw:numa_mem.0=2048 hw:numa_cpus.1=2 hw:numa_mem.1=2048", "",
		"the vCPUs 1,3");
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-1 hw:numa_mem.0=2048 hw:numa_cpus.1=2-3 hw:numa_mem.1=2047",
		"", "4095 MB together");
	refused("hw:numa_nodes=1 hw:numa_cpus.0=0-3 hw:numa_mem.0=4G", "", "hw:numa_mem.0");
	refused("hw:numa_nodes=1 hw:numa_cpus.0=0-x hw:numa_mem.0=4096", "", "hw:numa_cpus.0");
	/* Nova passes these over in silence */
	refused("hw:numa_nodes=1 hw:numa_cpus.0=0-3 hw:numa_mem.0=4096 hw:numa_mem.3=1", "",
		"only 1 NUMA nodes");
	refused("hw:numa_cpus.0=0-3 hw:numa_mem.0=4096", "", "needs hw:numa_nodes");
}

static void test_topology_of_both_sides(void **state)
{
	const char *cells = "hw_numa_cpus.0=0-1 hw_numa_mem.0=1024 hw_numa_cpus.1=2-3 hw_numa_mem.1=3072";

	(void)state;
	accepted("hw:numa_nodes=2", cells);
	assert_int_equal(guest.cells[1].memory_mb, 3072);
	accepted("", "hw_numa_nodes=1 hw_numa_cpus.0=0-3 hw_numa_mem.0=4096");
	assert_int_equal(guest.cell_count, 1);
	refused("hw:numa_nodes=2 hw:numa_cpus.0=0-1 hw:numa_cpus.1=2-3", cells, "hw_numa_cpus.N");
	refused("hw:numa_nodes=2 hw:numa_mem.1=3072", cells, "hw_numa_mem.N");
}

/* Scenario 114. */
static void test_114_uneven_split(void **state)
{
	struct error err;

	(void)state;
	assert_false(lookup_guest(3, 4096, "hw:numa_nodes=2", "", &guest, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
	assert_non_null(strstr(err.message, "evenly"));
	assert_false(lookup_guest(4, 4095, "hw:numa_nodes=2", "", &guest, &err));
	assert_non_null(strstr(err.message, "evenly"));
}

static void test_cpu_policy(void **state)
{
	static const struct {
		const char *flavor, *image;
		int policy; /* -1: refused */
	} rows[] = {
		{"shared", "shared", NUMA_CPU_SHARED},
		{"shared", "dedicated", -1},
		{"shared", "mixed", -1},
		{"shared", NULL, NUMA_CPU_SHARED},
		{"dedicated", "shared", NUMA_CPU_DEDICATED},
		{"dedicated", "dedicated", NUMA_CPU_DEDICATED},
		{"dedicated", "mixed", NUMA_CPU_DEDICATED},
		{"dedicated", NULL, NUMA_CPU_DEDICATED},
		{"mixed", "shared", NUMA_CPU_MIXED},
		{"mixed", "dedicated", -1},
		{"mixed", "mixed", NUMA_CPU_MIXED},
		{"mixed", NULL, NUMA_CPU_MIXED},
		{NULL, "shared", NUMA_CPU_SHARED},
		{NULL, "dedicated", NUMA_CPU_DEDICATED},
		{NULL, NULL, NUMA_CPU_SHARED},
		{"pinned", NULL, -1},
		{NULL, "pinned", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char flavor[100] = "", image[100] = "";

		if (rows[i].flavor)
			snprintf(flavor, sizeof flavor, "hw:cpu_policy=%s%s", rows[i].flavor,
				 strcmp(rows[i].flavor, "mixed") == 0 ? " hw:cpu_dedicated_mask=0" : "");
		if (rows[i].image)
			snprintf(image, sizeof image, "hw_cpu_policy=%s", rows[i].image);
		if (rows[i].policy < 0) {
			refused(flavor, image, "policy");
			continue;
		}
		accepted(flavor, image);
		assert_int_equal(guest.cpu_policy, rows[i].policy);
	}
}

static void test_thread_policy(void **state)
{
	const char *pinned = "hw:cpu_policy=dedicated";

	(void)state;
	accepted(pinned, "");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_UNSET);
	accepted(pinned, "hw_cpu_thread_policy=require");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_REQUIRE);
	accepted("hw:cpu_policy=dedicated hw:cpu_thread_policy=prefer", "hw_cpu_thread_policy=isolate");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_ISOLATE);
	accepted("hw:cpu_policy=dedicated hw:cpu_thread_policy=isolate", "hw_cpu_thread_policy=isolate");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_ISOLATE);
	accepted("hw:cpu_policy=dedicated hw:cpu_thread_policy=require", "");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_REQUIRE);
	refused("hw:cpu_policy=dedicated hw:cpu_thread_policy=require", "hw_cpu_thread_policy=prefer",
		"differs");
	refused("hw:cpu_policy=dedicated hw:cpu_thread_policy=isolate", "hw_cpu_thread_policy=require",
		"differs");
	refused("hw:cpu_thread_policy=prefer", "", "dedicated or mixed");
	refused("hw:cpu_policy=shared", "hw_cpu_thread_policy=isolate", "dedicated or mixed");
	refused("hw:cpu_policy=dedicated hw:cpu_thread_policy=alone", "", "prefer, isolate and require");
}

static void test_emulator_policy(void **state)
{
	(void)state;
	accepted("hw:cpu_policy=dedicated hw:emulator_threads_policy=isolate", "");
	assert_int_equal(guest.emulator_policy, NUMA_EMULATOR_ISOLATE);
	accepted("hw:cpu_policy=mixed hw:cpu_dedicated_mask=1 hw:emulator_threads_policy=isolate", "");
	accepted("hw:emulator_threads_policy=share", "");
	assert_int_equal(guest.emulator_policy, NUMA_EMULATOR_SHARE);
	refused("hw:emulator_threads_policy=isolate", "", "dedicated or mixed");
	refused("hw:cpu_policy=dedicated hw:emulator_threads_policy=own", "", "share and isolate");
}

static void test_dedicated_mask(void **state)
{
	(void)state;
	accepted("hw:cpu_policy=mixed hw:cpu_dedicated_mask=^0", "");
	check_set(&guest.cells[0].dedicated, "1-3");
	accepted("hw:cpu_policy=mixed hw:cpu_dedicated_mask=0-2,^1 hw:numa_nodes=2", "");
	check_set(&guest.cells[0].dedicated, "0");
	check_set(&guest.cells[1].dedicated, "2");
	accepted("hw:cpu_dedicated_mask=1", "hw_cpu_policy=mixed");
	assert_int_equal(guest.cpu_policy, NUMA_CPU_MIXED);
	refused("hw:cpu_policy=mixed", "", "hw:cpu_dedicated_mask");
	refused("hw:cpu_policy=mixed hw:cpu_dedicated_mask=0-3", "", "4 of 4");
	refused("hw:cpu_policy=mixed hw:cpu_dedicated_mask=^0-3", "", "0 of 4");
	refused("hw:cpu_policy=mixed hw:cpu_dedicated_mask=4", "", "the last one is 3");
	refused("hw:cpu_policy=dedicated hw:cpu_dedicated_mask=0", "",
		"only allowed with hw:cpu_policy mixed");
	refused("hw:cpu_dedicated_mask=0", "", "only allowed with hw:cpu_policy mixed");
}

static void test_realtime(void **state)
{
	(void)state;
	accepted("hw:cpu_policy=dedicated hw:cpu_realtime=yes hw:cpu_realtime_mask=^0", "");
	check_set(&guest.realtime, "1-3");
	accepted("hw:cpu_policy=dedicated hw:cpu_realtime=yes hw:cpu_realtime_mask=^0",
		 "hw_cpu_realtime_mask=2-3");
	check_set(&guest.realtime, "2-3"); /* the image's goes before */
	accepted("hw:cpu_policy=dedicated hw:cpu_realtime=true hw:emulator_threads_policy=share", "");
	check_set(&guest.realtime, "0-3");
	accepted("hw:cpu_policy=dedicated hw:cpu_realtime=no hw:cpu_realtime_mask=^0", "");
	check_set(&guest.realtime, "");
	accepted("hw:cpu_policy=mixed hw:cpu_realtime=1 hw:cpu_realtime_mask=2-3", "");
	check_set(&guest.cells[0].dedicated, "2-3");
	check_set(&guest.realtime, "2-3");
	refused("hw:cpu_realtime=yes hw:cpu_realtime_mask=^0", "", "dedicated or mixed");
	refused("hw:cpu_policy=dedicated hw:cpu_realtime=yes", "", "cpu_realtime_mask");
	refused("hw:cpu_policy=dedicated hw:cpu_realtime=yes hw:cpu_realtime_mask=0-3", "", "leaves out");
	refused("hw:cpu_policy=dedicated hw:cpu_realtime=yes hw:cpu_realtime_mask=^0-3", "",
		"at least one vCPU");
	refused("hw:cpu_policy=dedicated hw:cpu_realtime=yes hw:cpu_realtime_mask=3-4", "",
		"the last one is 3");
	refused("hw:cpu_policy=dedicated hw:cpu_realtime=maybe", "", "neither true nor false");
	refused("hw:cpu_policy=mixed hw:cpu_realtime=yes hw:cpu_realtime_mask=^0 hw:cpu_dedicated_mask=^0",
		"", "not both");
	refused("hw:cpu_policy=mixed hw:cpu_realtime=yes hw:emulator_threads_policy=share", "", "4 of 4");
	/* vCPUs in real time never float */
	refused("hw:cpu_policy=mixed hw:cpu_realtime=yes hw:emulator_threads_policy=share "
		"hw:cpu_dedicated_mask=^0",
		"", "not both");
	refused("hw:cpu_policy=mixed hw:cpu_realtime_mask=^0", "", "either");
}

static void test_page_size(void **state)
{
	static const struct {
		const char *text;
		int64_t page_kb;
	} sizes[] = {{"small", NUMA_PAGES_SMALL},
		     {"large", NUMA_PAGES_LARGE},
		     {"any", NUMA_PAGES_ANY},
		     {"2048", 2048},
		     {"2048KB", 2048},
		     {"2MB", 2048},
		     {"2M", 2048},
		     {"1GB", 1048576},
		     {"1GiB", 1048576},
		     {"4kB", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char flavor[64];

		snprintf(flavor, sizeof flavor, "hw:mem_page_size=%s", sizes[i].text);
		accepted(flavor, "");
		assert_int_equal(guest.page_kb, sizes[i].page_kb);
	}
	accepted("hw:mem_page_size=large", "hw_mem_page_size=2MB");
	assert_int_equal(guest.page_kb, 2048);
	accepted("hw:mem_page_size=any", "hw_mem_page_size=small");
	assert_int_equal(guest.page_kb, NUMA_PAGES_SMALL);
	refused("", "hw_mem_page_size=2MB", "any or large");
	refused("hw:mem_page_size=2048", "hw_mem_page_size=2048", "any or large");
	refused("hw:mem_page_size=small", "hw_mem_page_size=large", "any or large");
	refused("hw:mem_page_size=any", "hw_mem_page_size=tiny", "hw_mem_page_size: 'tiny'");
	refused("hw:mem_page_size=huge", "", "small, large, any");
	refused("hw:mem_page_size=0", "", "hw:mem_page_size");
	refused("hw:mem_page_size=-2048", "", "hw:mem_page_size");
	refused("hw:mem_page_size=2MX", "", "hw:mem_page_size");
	refused("hw:mem_page_size=99999999999999999999", "", "hw:mem_page_size");
}

/* Scenario 99. */
static void test_99_flavor_against_image(void **state)
{
	(void)state;
	refused_as(ERROR_FORBIDDEN, "hw:pci_numa_affinity_policy=required",
		   "hw_pci_numa_affinity_policy=preferred", "differs");
	accepted("hw:pci_numa_affinity_policy=required", "hw_pci_numa_affinity_policy=required");
	assert_true(guest.has_pci_policy);
	assert_int_equal(guest.pci_policy, PCI_NUMA_REQUIRED);
	accepted("", "hw_pci_numa_affinity_policy=socket");
	assert_int_equal(guest.pci_policy, PCI_NUMA_SOCKET);
	accepted("", "");
	assert_false(guest.has_pci_policy);
	refused("hw:pci_numa_affinity_policy=close", "", "required, preferred, legacy and socket");
}

static void test_resources(void **state)
{
	(void)state;
	accepted("resources:PCPU=4", "");
	assert_int_equal(guest.cpu_policy, NUMA_CPU_DEDICATED);
	assert_int_equal(guest.cell_count, 1);
	accepted("resources:VCPU=4", "");
	assert_int_equal(guest.cell_count, 0);
	accepted("resources:PCPU=5 hw:emulator_threads_policy=isolate", "");
	assert_int_equal(guest.emulator_policy, NUMA_EMULATOR_ISOLATE);
	refused("resources:PCPU=4 hw:emulator_threads_policy=isolate", "",
		"must be 5: the flavor's 4 vCPUs and one");
	refused("resources:PCPU=3", "", "must be 4");
	refused("resources:PCPU=2 resources:VCPU=2", "", "not allowed together");
	refused("resources:PCPU=4 hw:cpu_policy=dedicated", "", "hw:cpu_policy");
	refused("resources:VCPU=4", "hw_cpu_policy=shared", "hw_cpu_policy");
	refused("resources:PCPU=many", "", "resources:PCPU");
}

static void test_trait(void **state)
{
	(void)state;
	accepted("resources:PCPU=4 trait:HW_CPU_HYPERTHREADING=forbidden", "");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_ISOLATE);
	assert_int_equal(guest.hyperthreads, NUMA_HYPERTHREADS_FORBIDDEN);
	accepted("hw:cpu_policy=dedicated", "trait:HW_CPU_HYPERTHREADING=required");
	assert_int_equal(guest.thread_policy, NUMA_THREADS_REQUIRE);
	refused("hw:cpu_policy=dedicated hw:cpu_thread_policy=require trait:HW_CPU_HYPERTHREADING=required",
		"", "say the same");
	refused("hw:cpu_policy=dedicated trait:HW_CPU_HYPERTHREADING=wanted", "", "required and forbidden");
	refused("hw:cpu_policy=dedicated trait:HW_CPU_HYPERTHREADING=forbidden",
		"trait:HW_CPU_HYPERTHREADING=required", "differ");
}

/* Scenario 117: a rebuild keeps the topology. */
static void test_117_rebuild(void **state)
{
	struct numa_guest before;

	(void)state;
	accepted("hw:mem_page_size=large hw:cpu_policy=dedicated", "");
	before = guest;
	accepted("hw:mem_page_size=large hw:cpu_policy=dedicated", "hw_pci_numa_affinity_policy=required");
	assert_true(numa_guest_equal(&before, &guest));
	accepted("hw:mem_page_size=large hw:cpu_policy=dedicated", "hw_mem_page_size=2048");
	assert_false(numa_guest_equal(&before, &guest));
	accepted("hw:mem_page_size=large hw:cpu_policy=dedicated", "hw_numa_nodes=2");
	assert_false(numa_guest_equal(&before, &guest));
	accepted("hw:mem_page_size=large hw:cpu_policy=dedicated", "hw_cpu_thread_policy=isolate");
	assert_false(numa_guest_equal(&before, &guest));
	accepted("hw:mem_page_size=large", "");
	assert_false(numa_guest_equal(&before, &guest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_makes_a_topology),
		cmocka_unit_test(test_no_sides),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_113_bad_topology),
		cmocka_unit_test(test_topology_of_both_sides),
		cmocka_unit_test(test_114_uneven_split),
		cmocka_unit_test(test_cpu_policy),
		cmocka_unit_test(test_thread_policy),
		cmocka_unit_test(test_emulator_policy),
		cmocka_unit_test(test_dedicated_mask),
		cmocka_unit_test(test_realtime),
		cmocka_unit_test(test_page_size),
		cmocka_unit_test(test_99_flavor_against_image),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_trait),
		cmocka_unit_test(test_117_rebuild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
