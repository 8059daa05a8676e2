/* Where guests fit, where they do not, and what is said then. */
#include "../test.h"

#include "site.h"

#define PINNED "hw:cpu_policy=dedicated "

/* Two nodes of four CPUs each without hyperthreads, half of them dedicated. */
#define HALF \
	"[{'id': 0, 'socket': 0, 'cpus': '0-3', 'shared': '0-1', 'dedicated': '2-3', 'memory_mb': 4096}," \
	" {'id': 1, 'socket': 0, 'cpus': '4-7', 'shared': '4-5', 'dedicated': '6-7', 'memory_mb': 4096}]"
/* All CPUs of node 1 are dedicated, none of node 0; a socket each. */
#define ONLY_1 \
	"[{'id': 0, 'socket': 0, 'cpus': '0-3', 'memory_mb': 4096}," \
	" {'id': 1, 'socket': 1, 'cpus': '4-7', 'dedicated': '4-7', 'memory_mb': 4096}]"
/* One node, four cores of two threads, all dedicated. */
#define SMT \
	"[{'id': 0, 'cpus': '0-7', 'dedicated': '0-7', 'memory_mb': 4096," \
	"  'siblings': ['0,4', '1,5', '2,6', '3,7']}]"
/* Two nodes with 512 pages of 2 MB and one of 1 GB each. */
#define PAGES \
	"[{'id': 0, 'cpus': '0-3', 'memory_mb': 4096," \
	"  'hugepages': [{'size_kb': 1048576, 'total': 1}, {'size_kb': 2048, 'total': 512}]}," \
	" {'id': 1, 'cpus': '4-7', 'memory_mb': 4096," \
	"  'hugepages': [{'size_kb': 2048, 'total': 512}, {'size_kb': 1048576, 'total': 1}]}]"

static struct numa_host host;
static struct numa_guest guest;
static struct numa_placement placement, claimed;
static struct numa_fit how;
static struct text reason;

static int begin(void **state)
{
	(void)state;
	how = (struct numa_fit){0};
	return 0;
}

static int end(void **state)
{
	(void)state;
	numa_host_done(&host);
	text_done(&reason);
	return 0;
}

static bool fit(int vcpus, int64_t memory_mb, const char *flavor)
{
	site_guest(&guest, vcpus, memory_mb, flavor);
	text_done(&reason);
	return numa_fit(&host, &guest, &how, &placement, &reason);
}

static void fits(int vcpus, int64_t memory_mb, const char *flavor)
{
	if (!fit(vcpus, memory_mb, flavor))
		fail_msg("%s", reason.data);
	assert_null(reason.data);
}

/* ... and claims it (the last one is `claimed`). */
static void boots(int vcpus, int64_t memory_mb, const char *flavor)
{
	struct error err = {0};

	fits(vcpus, memory_mb, flavor);
	if (!numa_claim(&host, &placement, &err))
		fail_msg("%s", err.message);
	claimed = placement;
}

static void fails(int vcpus, int64_t memory_mb, const char *flavor, const char *expected)
{
	assert_false(fit(vcpus, memory_mb, flavor));
	assert_string_equal(reason.data, expected);
	assert_int_equal(placement.cell_count, 0);
}

static void check_set(const struct cpu_set *set, const char *expected)
{
	char text[CPU_SET_TEXT_SIZE];

	assert_string_equal(cpu_set_format(set, text), expected);
}

static void check_pins(const char *expected)
{
	char text[200] = "";

	for (int vcpu = 0; vcpu < placement.vcpus; vcpu++)
		snprintf(text + strlen(text), sizeof text - strlen(text), vcpu ? ",%d" : "%d",
			 placement.pins[vcpu]);
	assert_string_equal(text, expected);
}

static void many_nodes(int count)
{
	struct text cells = {0};

	text_add(&cells, "[");
	for (int i = 0; i < count; i++)
		text_addf(&cells, "%s{'id':%d,'cpus':'%d-%d','memory_mb':1024}", i ? "," : "", i, i * 2,
			  i * 2 + 1);
	text_add(&cells, "]");
	site_host(&host, cells.data);
	text_done(&cells);
}

/* --- CPUs --- */

static void test_no_topology(void **state)
{
	(void)state;
	site_host(&host, HALF);
	fits(64, 65536, "");
	assert_int_equal(placement.cell_count, 0);
}

/* Scenario 106. */
static void test_106_too_many_cells(void **state)
{
	(void)state;
	site_host(&host, SMT);
	fails(2, 512, "hw:numa_nodes=2", "needs 2 NUMA nodes, it has 1");
	site_host(&host, "[]");
	fails(2, 512, "hw:numa_nodes=2", "has not told its NUMA nodes");
}

/* Scenario 108. */
static void test_108_dedicated(void **state)
{
	(void)state;
	site_host(&host, ONLY_1);
	fails(5, 512, PINNED,
	      "needs 5 dedicated CPUs on one NUMA node; node 0 has 0 free, node 1 has 4 free");
	boots(4, 512, PINNED);
	assert_int_equal(placement.cells[0].host_cell, 1);
	check_pins("4,5,6,7");
	check_set(&placement.cells[0].taken, "4-7");
	check_set(&placement.cells[0].floating, "");
	check_set(&placement.emulator, "4-7");
	fails(1, 512, PINNED, "needs 1 dedicated CPU on one NUMA node; node 0 has 0 free, node 1 has 0 free");
	numa_release(&host, &claimed);
	boots(4, 512, PINNED);
}

/* Scenario 109. */
static void test_109_mixed(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'memory_mb': 4096},"
			 " {'id': 1, 'cpus': '4-7', 'shared': '4', 'dedicated': '5-7', 'memory_mb': 4096}]");
	boots(4, 512, "hw:cpu_policy=mixed hw:cpu_dedicated_mask=^0");
	assert_int_equal(placement.cells[0].host_cell, 1);
	check_pins("-1,5,6,7");
	check_set(&placement.cells[0].floating, "4");
	check_set(&placement.cells[0].taken, "5-7");
	check_set(&placement.emulator, "4-7");
	assert_int_equal(host.cells[1].shared_used, 1);
}

static void test_mixed_lacks(void **state)
{
	(void)state;
	site_host(&host, HALF);
	fails(4, 512, "hw:cpu_policy=mixed hw:cpu_dedicated_mask=0",
	      "needs 3 shared CPUs on one NUMA node; node 0 has 2 free, node 1 has 2 free");
	fits(4, 512, "hw:cpu_policy=mixed hw:cpu_dedicated_mask=0-1");
}

/* A guest never gets more shared CPUs than there are, whatever the ratio; several guests share them. */
static void test_shared_ratio(void **state)
{
	(void)state;
	site_host(&host, HALF);
	host.cpu_ratio = 2;
	host.memory_ratio = 1;
	fails(3, 512, "hw:numa_nodes=1",
	      "needs 3 shared CPUs on one NUMA node; node 0 has 2 free, node 1 has 2 free");
	for (int i = 0; i < 4; i++)
		boots(2, 512, "hw:numa_nodes=1");
	fails(1, 512, "hw:numa_nodes=1",
	      "needs 1 shared CPU on one NUMA node; node 0 has 0 free, node 1 has 0 free");
	numa_release(&host, &claimed);
	fits(1, 512, "hw:numa_nodes=1");
	check_set(&placement.emulator, placement.cells[0].host_cell ? "4-5" : "0-1");
}

/* Scenario 112. */
static void test_112_emulator_isolate(void **state)
{
	(void)state;
	site_host(&host, ONLY_1);
	fails(4, 512, PINNED "hw:emulator_threads_policy=isolate",
	      "needs 5 dedicated CPUs (one of them for the emulator's threads) on one NUMA node; node 0 has "
	      "0 "
	      "free, node 1 has 4 free");
	boots(3, 512, PINNED "hw:emulator_threads_policy=isolate");
	check_pins("4,5,6");
	check_set(&placement.emulator, "7");
	check_set(&placement.cells[0].taken, "4-7");
	check_set(&host.cells[1].pinned, "4-7");
}

static void test_nothing_is_dedicated(void **state)
{
	(void)state;
	site_host(&host, PAGES);
	fails(4, 512, PINNED,
	      "needs 4 dedicated CPUs on one NUMA node; it has none ([compute] cpu_dedicated_set)");
}

static void test_emulator_of_cell_0(void **state)
{
	(void)state;
	/* the second guest cell needs all of a node: the emulator's CPU is beside the first */
	site_host(&host, "[{'id': 0, 'cpus': '0-1', 'dedicated': '0-1', 'memory_mb': 4096},"
			 " {'id': 1, 'cpus': '2-4', 'dedicated': '2-4', 'memory_mb': 4096}]");
	fits(4, 512, PINNED "hw:numa_nodes=2 hw:emulator_threads_policy=isolate");
	assert_int_equal(placement.cells[0].host_cell, 1);
	assert_int_equal(placement.cells[1].host_cell, 0);
	check_pins("2,3,0,1");
	check_set(&placement.emulator, "4");
}

static void test_emulator_share(void **state)
{
	(void)state;
	site_host(&host, HALF);
	fits(2, 512, PINNED "hw:emulator_threads_policy=share");
	check_set(&placement.emulator, "0-1,4-5");
	numa_host_done(&host);
	site_host(&host, SMT); /* no shared CPUs */
	fits(2, 512, PINNED "hw:emulator_threads_policy=share");
	check_set(&placement.emulator, "0,4");
}

static void test_emulator_beside_realtime(void **state)
{
	(void)state;
	site_host(&host, ONLY_1);
	fits(4, 512, PINNED "hw:cpu_realtime=yes hw:cpu_realtime_mask=^0-1");
	check_set(&placement.realtime, "2-3");
	check_set(&placement.emulator, "4-5");
}

/* --- thread policies --- */

static void test_prefer(void **state)
{
	(void)state;
	site_host(&host, SMT);
	boots(2, 512, PINNED "hw:cpu_thread_policy=prefer");
	check_pins("0,4");
	boots(1, 512, PINNED);
	check_pins("1");
	boots(1, 512, PINNED); /* what leaves whole cores whole */
	check_pins("5");
	boots(3, 512, PINNED);
	check_pins("2,6,3");
	boots(1, 512, PINNED);
	check_pins("7");
}

/* Nova falls back to any threads. */
static void test_prefer_without_siblings(void **state)
{
	(void)state;
	site_host(&host, SMT);
	host.cells[0].pinned.words[0] = 0x0f;
	fits(4, 512, PINNED "hw:cpu_thread_policy=prefer");
	check_pins("4,5,6,7");
}

/* Scenario 111. */
static void test_111_require_without_smt(void **state)
{
	(void)state;
	site_host(&host, ONLY_1);
	fails(2, 512, PINNED "hw:cpu_thread_policy=require",
	      "needs 2 dedicated CPUs and 2 dedicated CPUs with free siblings on one NUMA node; node 0 has 0 "
	      "dedicated CPUs free, node 1 has no hyperthreads");
}

static void test_require(void **state)
{
	(void)state;
	site_host(&host, SMT);
	host.cells[0].pinned.words[0] = 0x01; /* 4 is alone */
	boots(2, 512, PINNED "hw:cpu_thread_policy=require");
	check_pins("1,5");
	fails(5, 512, PINNED "hw:cpu_thread_policy=require",
	      "needs 5 dedicated CPUs with free siblings on one NUMA node; node 0 has 4");
	boots(3, 512, PINNED "hw:cpu_thread_policy=require"); /* an odd one has a core with a free sibling */
	check_pins("2,6,3");
	fails(1, 512, PINNED "hw:cpu_thread_policy=require",
	      "needs 1 dedicated CPU with free siblings on one NUMA node; node 0 has 0");
}

/* More than Nova finds, which takes the same number from each core. */
static void test_require_uneven_cores(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-8', 'dedicated': '0-8', 'memory_mb': 4096,"
			 "  'siblings': ['0-3', '4-6', '7-8']}]");
	fits(9, 512, PINNED "hw:cpu_thread_policy=require");
	fits(5, 512, PINNED "hw:cpu_thread_policy=require");
	check_pins("0,1,2,7,8"); /* nobody alone */
}

static void test_isolate(void **state)
{
	(void)state;
	site_host(&host, SMT);
	boots(2, 512, PINNED "hw:cpu_thread_policy=isolate");
	check_pins("0,1");
	check_set(&placement.cells[0].taken, "0-1,4-5"); /* siblings are nobody's */
	boots(1, 512, PINNED);
	check_pins("2");
	fails(2, 512, PINNED "hw:cpu_thread_policy=isolate",
	      "needs 2 whole cores on one NUMA node; node 0 has 1 free");
	fits(1, 512, PINNED "hw:cpu_thread_policy=isolate");
	check_pins("3");
}

/* The emulator's CPU is on no core of the guest's vCPUs, but may be where a sibling is in use. */
static void test_isolate_with_emulator(void **state)
{
	const char *flavor = PINNED "hw:cpu_thread_policy=isolate hw:emulator_threads_policy=isolate";

	(void)state;
	site_host(&host, SMT);
	fails(4, 512, flavor,
	      "needs 4 whole cores and a dedicated CPU for the emulator's threads on one NUMA node; node 0 "
	      "has 4 "
	      "free");
	fits(3, 512, flavor);
	check_set(&placement.emulator, "3");
	check_set(&placement.cells[0].taken, "0-6");
	host.cells[0].pinned.words[0] = 0x01;
	fits(3, 512, flavor);
	check_pins("1,2,3");
	check_set(&placement.emulator, "4");
}

/* Where a sibling is no dedicated CPU others would run on the core. */
static void test_isolate_needs_the_core(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'shared': '2', 'dedicated': '0-1,3', 'memory_mb': 4096,"
			 "  'siblings': ['0,2', '1,3']}]");
	fits(1, 512, PINNED "hw:cpu_thread_policy=isolate");
	check_pins("1");
	fails(2, 512, PINNED "hw:cpu_thread_policy=isolate",
	      "needs 2 whole cores on one NUMA node; node 0 has 1 free");
}

/* Cores of one thread go first: less is idle.  (Nova takes cores of most threads only.) */
static void test_isolate_on_hybrid_cores(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'dedicated': '0-3', 'memory_mb': 4096,"
			 "  'siblings': ['0-1']}]");
	fits(3, 512, PINNED "hw:cpu_thread_policy=isolate");
	check_pins("2,3,0");
	check_set(&placement.cells[0].taken, "0-3");
}

static void test_trait(void **state)
{
	(void)state;
	site_host(&host, SMT);
	fails(1, 512, PINNED "trait:HW_CPU_HYPERTHREADING=forbidden",
	      "has hyperthreads, which trait:HW_CPU_HYPERTHREADING forbids");
	fits(1, 512, "trait:HW_CPU_HYPERTHREADING=required");
	numa_host_done(&host);
	site_host(&host, ONLY_1);
	fails(1, 512, "trait:HW_CPU_HYPERTHREADING=required",
	      "has no hyperthreads, which trait:HW_CPU_HYPERTHREADING requires");
	fits(2, 512, PINNED "trait:HW_CPU_HYPERTHREADING=forbidden");
}

/* --- memory --- */

/* Scenario 107. */
static void test_107_hugepages(void **state)
{
	(void)state;
	site_host(&host, PAGES);
	fails(1, 2048, "hw:mem_page_size=large",
	      "needs 2048 MB in large pages on one NUMA node; node 0 has 1024 MB free, node 1 has 1024 MB "
	      "free");
	boots(1, 1024, "hw:mem_page_size=large");
	assert_int_equal(placement.cells[0].page_kb, 1048576);
	assert_int_equal(host.cells[0].pages[2].used, 1);
	boots(2, 2048, "hw:mem_page_size=2MB hw:numa_nodes=2");
	assert_int_equal(host.cells[0].pages[1].used, 512);
	assert_int_equal(host.cells[1].pages[1].used, 512);
	fails(1, 2, "hw:mem_page_size=2048",
	      "needs 2 MB in pages of 2 MB on one NUMA node; node 0 has 0 MB free, node 1 has 0 MB free");
	numa_release(&host, &claimed);
	fits(1, 2, "hw:mem_page_size=2048");
	assert_int_equal(placement.cells[0].page_kb, 2048);
}

static void test_page_wishes(void **state)
{
	(void)state;
	site_host(&host, PAGES);
	fits(1, 1024, "hw:mem_page_size=any");
	assert_int_equal(placement.cells[0].page_kb, 1048576);
	fits(1, 1000, "hw:mem_page_size=any"); /* no multiple of 1 GB */
	assert_int_equal(placement.cells[0].page_kb, 2048);
	fits(1, 1001, "hw:mem_page_size=any"); /* nor of 2 MB */
	assert_int_equal(placement.cells[0].page_kb, 4);
	fits(1, 2048, "hw:mem_page_size=any"); /* there is only one of 1 GB */
	assert_int_equal(placement.cells[0].page_kb, 4);
	fits(1, 1024, "hw:mem_page_size=small");
	assert_int_equal(placement.cells[0].page_kb, 4);
	fits(1, 512, "");
	fits(1, 512, "hw:numa_nodes=1");
	assert_int_equal(placement.cells[0].page_kb, 0);
	fails(1, 1000, "hw:mem_page_size=1GB",
	      "needs 1000 MB in pages of 1 GB on one NUMA node; node 0 has none of them, node 1 has none of "
	      "them");
	fails(1, 512, "hw:mem_page_size=64",
	      "needs 512 MB in pages of 64 KB on one NUMA node; node 0 has none of them, node 1 has none of "
	      "them");
}

static void test_reserved_pages(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'memory_mb': 4096,"
			 "  'hugepages': [{'size_kb': 2048, 'total': 512, 'reserved': 256}]}]");
	fits(1, 512, "hw:mem_page_size=2048");
	fails(1, 514, "hw:mem_page_size=2048",
	      "needs 514 MB in pages of 2 MB on one NUMA node; node 0 has 512 MB free");
}

/* Who asks for no huge pages cannot have their memory; only ordinary memory is overcommitted, and not for
 * guests with pages or CPUs of their own. */
static void test_memory_ratio(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'shared': '0-1', 'dedicated': '2-3', 'memory_mb': 4096,"
			 "  'hugepages': [{'size_kb': 1048576, 'total': 3}]}]");
	host.memory_ratio = 2;
	host.cpu_ratio = 16;
	fails(1, 1025, "hw:numa_nodes=1",
	      "needs 1025 MB of memory on one NUMA node; node 0 has 1024 MB free");
	boots(1, 1024, "hw:numa_nodes=1");
	fails(1, 1, PINNED, "needs 1 MB of memory on one NUMA node; node 0 has 0 MB free");
	fails(1, 1, "hw:mem_page_size=small",
	      "needs 1 MB in small pages on one NUMA node; node 0 has 0 MB free");
	boots(1, 1000, "hw:numa_nodes=1");
	fails(1, 25, "hw:numa_nodes=1", "needs 25 MB of memory on one NUMA node; node 0 has 24 MB free");
	fits(1, 3072, PINNED "hw:mem_page_size=large");
}

/* --- several cells --- */

static void test_uneven_cells(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-1', 'dedicated': '0-1', 'memory_mb': 4096},"
			 " {'id': 5, 'cpus': '2-5', 'dedicated': '2-5', 'memory_mb': 1024},"
			 " {'id': 7, 'cpus': '6-9', 'dedicated': '6-8', 'memory_mb': 8192}]");
	fits(6, 4096,
	     PINNED "hw:numa_nodes=2 hw:numa_cpus.0=0-1,5 hw:numa_mem.0=3072 hw:numa_cpus.1=2-4 "
		    "hw:numa_mem.1=1024");
	assert_int_equal(placement.cells[0].host_cell, 7);
	assert_int_equal(placement.cells[1].host_cell, 5);
	check_pins("6,7,2,3,4,8");
	fails(6, 4096,
	      PINNED "hw:numa_nodes=2 hw:numa_cpus.0=0-2 hw:numa_mem.0=2048 hw:numa_cpus.1=3-5 "
		     "hw:numa_mem.1=2048",
	      "needs different NUMA nodes for guest nodes 0 and 1, of which each fits only on node 7");
	fails(6, 4096,
	      PINNED "hw:numa_nodes=2 hw:numa_cpus.0=0 hw:numa_mem.0=2048 hw:numa_cpus.1=1-5 "
		     "hw:numa_mem.1=2048",
	      "needs 5 dedicated CPUs on one NUMA node for guest node 1; node 0 has 2 free, node 5 has 4 "
	      "free, "
	      "node 7 has 3 free");
}

static void test_reasons_differ(void **state)
{
	(void)state;
	site_host(&host, "[{'id': 0, 'cpus': '0-1', 'dedicated': '0-1', 'memory_mb': 4096},"
			 " {'id': 1, 'cpus': '2-5', 'dedicated': '2-5', 'memory_mb': 1024}]");
	fails(4, 2048, PINNED,
	      "needs 4 dedicated CPUs and 2048 MB of memory on one NUMA node; node 0 has 2 dedicated CPUs "
	      "free, "
	      "node 1 has 1024 MB of ordinary memory free");
}

static void test_many_nodes(void **state)
{
	(void)state;
	many_nodes(NUMA_MAX_CELLS);
	assert_false(fit(3, 512, "hw:numa_nodes=1"));
	assert_non_null(strstr(reason.data, "node 7 has 2 free, and so on for 56 more nodes"));
	/* Nova would try up to 64! permutations */
	fits(128, 64 * 512, "hw:numa_nodes=64");
	fits(64, 32 * 512, "hw:numa_nodes=32");
	fails(128, 64 * 1024 + 64, "hw:numa_nodes=64",
	      "needs 1025 MB of memory on one NUMA node for guest node 0; node 0 has 1024 MB free, node 1 "
	      "has "
	      "1024 MB free, node 2 has 1024 MB free, node 3 has 1024 MB free, node 4 has 1024 MB free, node "
	      "5 "
	      "has 1024 MB free, node 6 has 1024 MB free, node 7 has 1024 MB free, and so on for 56 more "
	      "nodes");
}

/* --- preferences --- */

static int placed_on(int vcpus, int64_t memory_mb, const char *flavor)
{
	fits(vcpus, memory_mb, flavor);
	return placement.cells[0].host_cell;
}

#define THREE \
	"[{'id': 0, 'cpus': '0-3', 'shared': '0-1', 'dedicated': '2-3', 'memory_mb': 2048}," \
	" {'id': 1, 'cpus': '4-8', 'shared': '4-5', 'dedicated': '6-8', 'memory_mb': 2048}," \
	" {'id': 2, 'cpus': '9-12', 'shared': '9-10', 'dedicated': '11-12', 'memory_mb': 4096}]"

static void test_spread_and_pack(void **state)
{
	(void)state;
	site_host(&host, THREE);
	host.cells[0].shared_used = 1;
	assert_int_equal(placed_on(1, 512, PINNED), 1);		   /* most CPUs free */
	assert_int_equal(placed_on(1, 512, "hw:numa_nodes=1"), 2); /* least in use, most memory */
	host.pack = true;
	assert_int_equal(placed_on(1, 512, PINNED), 0); /* fewest CPUs, least memory */
	assert_int_equal(placed_on(1, 512, "hw:numa_nodes=1"), 0);
}

/* Scenario 116. */
static void test_116_pci_guest_finds_its_node(void **state)
{
	(void)state;
	site_host(&host, HALF);
	host.cells[1].free_devices = 2;
	assert_int_equal(placed_on(1, 512, PINNED), 0); /* who wants none stays away */
	how.wants_devices = true;
	assert_int_equal(placed_on(1, 512, PINNED), 1);
	host.pack = true;
	assert_int_equal(placed_on(1, 512, PINNED), 1);
}

/* Nova does not sort when all cells are needed. */
static void test_all_cells_in_order(void **state)
{
	(void)state;
	site_host(&host, HALF);
	host.cells[0].pinned.words[0] = 1u << 2;
	fits(2, 512, PINNED "hw:numa_nodes=2");
	assert_int_equal(placement.cells[0].host_cell, 0);
	check_pins("3,6");
}

/* --- devices and networks --- */

/* A device on a node, and its policy. */
struct device {
	int node;
	enum pci_numa_policy policy;
	int asked;
};

static bool device_accepts(void *context, const struct numa_host *on, uint64_t cells)
{
	struct device *device = context;

	device->asked++;
	return numa_policy_allows(device->policy, numa_distance(on, cells, device->node));
}

static bool fits_with(int node, enum pci_numa_policy policy)
{
	struct device device = {.node = node, .policy = policy};

	how = (struct numa_fit){.accept = device_accepts, .context = &device, .wants_devices = true};
	return fit(2, 512, PINNED);
}

/* Scenarios 93, 94, 96 and 97: CPUs only on node 1; the device's node is unknown, 0 or 1. */
static void test_97_policy_matrix(void **state)
{
	(void)state;
	site_host(&host, ONLY_1);
	assert_true(fits_with(PCI_NUMA_NONE, PCI_NUMA_PREFERRED));
	assert_true(fits_with(0, PCI_NUMA_PREFERRED));
	assert_true(fits_with(1, PCI_NUMA_PREFERRED));
	assert_true(fits_with(PCI_NUMA_NONE, PCI_NUMA_LEGACY));
	assert_false(fits_with(0, PCI_NUMA_LEGACY));
	assert_true(fits_with(1, PCI_NUMA_LEGACY));
	assert_false(fits_with(PCI_NUMA_NONE, PCI_NUMA_REQUIRED));
	assert_false(fits_with(0, PCI_NUMA_REQUIRED));
	assert_string_equal(reason.data,
			    "has the CPUs and the memory on NUMA node 1, but not with the devices "
			    "and networks that are wanted");
	assert_true(fits_with(1, PCI_NUMA_REQUIRED));
}

/* Scenarios 101 and 102. */
static void test_101_socket(void **state)
{
	(void)state;
	site_host(&host, ONLY_1); /* a socket each */
	assert_false(fits_with(0, PCI_NUMA_SOCKET));
	assert_true(fits_with(1, PCI_NUMA_SOCKET));
	assert_false(fits_with(PCI_NUMA_NONE, PCI_NUMA_SOCKET));
	host.cells[1].socket = 0;
	assert_true(fits_with(0, PCI_NUMA_SOCKET));
	assert_false(fits_with(0, PCI_NUMA_REQUIRED));
	host.cells[0].socket = NUMA_NO_SOCKET;
	assert_false(fits_with(0, PCI_NUMA_SOCKET));
	assert_false(fits_with(9, PCI_NUMA_SOCKET)); /* a node without CPUs or memory */
	/* one that is unknown spoils all (as in Nova) */
	site_host(&host, "[{'id': 0, 'socket': 0, 'cpus': '0', 'memory_mb': 1024},"
			 " {'id': 1, 'socket': 0, 'cpus': '1-2', 'dedicated': '1-2', 'memory_mb': 1024},"
			 " {'id': 2, 'cpus': '3', 'memory_mb': 1024}]");
	assert_false(fits_with(0, PCI_NUMA_SOCKET));
	host.cells[2].socket = 1;
	assert_true(fits_with(0, PCI_NUMA_SOCKET));
}

/* Scenario 103. */
static void test_103_socket_many_cells(void **state)
{
	struct device device = {.node = 0, .policy = PCI_NUMA_SOCKET};

	(void)state;
	site_host(&host, "[{'id': 0, 'socket': 0, 'cpus': '0-1', 'memory_mb': 1024},"
			 " {'id': 1, 'socket': 0, 'cpus': '2-3', 'dedicated': '2-3', 'memory_mb': 1024},"
			 " {'id': 2, 'socket': 1, 'cpus': '4-5', 'dedicated': '4-5', 'memory_mb': 1024},"
			 " {'id': 3, 'socket': 1, 'cpus': '6-7', 'dedicated': '6-7', 'memory_mb': 1024}]");
	how = (struct numa_fit){.accept = device_accepts, .context = &device};
	fits(6, 600, PINNED "hw:numa_nodes=3");
	assert_false(fit(4, 400,
			 PINNED "hw:numa_nodes=2 hw:numa_cpus.0=0 hw:numa_mem.0=1 hw:numa_cpus.1=1-3 "
				"hw:numa_mem.1=399"));
}

/* The next choice is tried when one is refused, and each set of nodes only once. */
static void test_refusals(void **state)
{
	struct device device = {.node = 3, .policy = PCI_NUMA_REQUIRED};

	(void)state;
	site_host(
		&host,
		"[{'id': 0, 'cpus': '0-1', 'memory_mb': 1024}, {'id': 1, 'cpus': '2-3', 'memory_mb': 1024},"
		" {'id': 2, 'cpus': '4-5', 'memory_mb': 1024}, {'id': 3, 'cpus': '6-7', 'memory_mb': 1024}]");
	how = (struct numa_fit){.accept = device_accepts, .context = &device};
	fits(4, 400, "hw:numa_nodes=2");
	assert_int_equal(device.asked, 3); /* 0 1, 0 2, 0 3 */
	assert_int_equal(placement.cells[1].host_cell, 3);
	device = (struct device){.node = 9, .policy = PCI_NUMA_REQUIRED};
	fails(4, 400, "hw:numa_nodes=2",
	      "has the CPUs and the memory on NUMA nodes 0, 1, 2 and 3, but not with the devices and "
	      "networks "
	      "that are wanted");
	assert_int_equal(device.asked, 6);
}

/* Each physical network is declared on a node ([neutron_physnet_...] numa_nodes). */
static bool networks_accept(void *context, const struct numa_host *on, uint64_t cells)
{
	const uint64_t *networks = context;

	(void)on;
	return networks[0] & cells && networks[1] & cells;
}

/* Scenario 118. */
static void test_118_physnet_affinity(void **state)
{
	uint64_t networks[] = {1u << 0, 1u << 1};

	(void)state;
	site_host(&host, HALF);
	how = (struct numa_fit){.accept = networks_accept, .context = networks};
	fails(2, 512, PINNED,
	      "has the CPUs and the memory on NUMA nodes 0 and 1, but not with the devices and networks that "
	      "are "
	      "wanted");
	fits(2, 512, PINNED "hw:numa_nodes=2");
}

static bool never(void *context, const struct numa_host *on, uint64_t cells)
{
	(void)on, (void)cells;
	++*(int *)context;
	return false;
}

/* Work is bounded, and said to be. */
static void test_bounded(void **state)
{
	int asked = 0;

	(void)state;
	many_nodes(32);
	how = (struct numa_fit){.accept = never, .context = &asked};
	assert_false(fit(16, 1600, "hw:numa_nodes=16"));
	assert_int_equal(asked, 4096);
	assert_non_null(strstr(reason.data, "(4096 choices of nodes were tried)"));
}

/* Without node 0, which guest node 0 needs, billions of sets are no use: none is begun. */
static void test_dead_ends(void **state)
{
	struct text flavor = {0};
	int asked = 0;

	(void)state;
	many_nodes(34);
	host.cells[0].pages[0].total *= 2;
	text_add(&flavor, "hw:numa_nodes=32");
	for (int i = 0; i < 32; i++)
		text_addf(&flavor, " hw:numa_cpus.%d=%d hw:numa_mem.%d=%d", i, i, i, i ? 100 : 2000);
	how = (struct numa_fit){.accept = never, .context = &asked};
	assert_false(fit(32, 2000 + 3100, flavor.data));
	text_done(&flavor);
	assert_int_equal(asked, 33 * 32 / 2); /* 31 of the 33 others */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_topology),
		TEST(test_106_too_many_cells),
		TEST(test_108_dedicated),
		TEST(test_109_mixed),
		TEST(test_mixed_lacks),
		TEST(test_shared_ratio),
		TEST(test_112_emulator_isolate),
		TEST(test_nothing_is_dedicated),
		TEST(test_emulator_of_cell_0),
		TEST(test_emulator_share),
		TEST(test_emulator_beside_realtime),
		TEST(test_prefer),
		TEST(test_prefer_without_siblings),
		TEST(test_111_require_without_smt),
		TEST(test_require),
		TEST(test_require_uneven_cores),
		TEST(test_isolate),
		TEST(test_isolate_with_emulator),
		TEST(test_isolate_needs_the_core),
		TEST(test_isolate_on_hybrid_cores),
		TEST(test_trait),
		TEST(test_107_hugepages),
		TEST(test_page_wishes),
		TEST(test_reserved_pages),
		TEST(test_memory_ratio),
		TEST(test_uneven_cells),
		TEST(test_reasons_differ),
		TEST(test_many_nodes),
		TEST(test_spread_and_pack),
		TEST(test_116_pci_guest_finds_its_node),
		TEST(test_all_cells_in_order),
		TEST(test_97_policy_matrix),
		TEST(test_101_socket),
		TEST(test_103_socket_many_cells),
		TEST(test_refusals),
		TEST(test_118_physnet_affinity),
		TEST(test_bounded),
		TEST(test_dead_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
