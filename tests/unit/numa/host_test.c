/* Reading hosts and placements, and what claims do to a host. */
#include "../test.h"

#include "site.h"

#define CELL(rest) "[{'id': 0, 'cpus': '0-3', 'memory_mb': 1024" rest "}]"

static struct numa_host host;

static int end(void **state)
{
	(void)state;
	numa_host_done(&host);
	return 0;
}

static void check_set(const struct cpu_set *set, const char *expected)
{
	char text[CPU_SET_TEXT_SIZE];

	assert_string_equal(cpu_set_format(set, text), expected);
}

/* --- inventories --- */

static void test_read(void **state)
{
	const struct numa_cell *cell;

	(void)state;
	site_host(&host,
		  "[{'id': 3, 'cpus': '8-9', 'memory_mb': 2048},"
		  " {'id': 1, 'socket': 1, 'cpus': '0-7', 'shared': '0,4', 'dedicated': '1-3,5-7',"
		  "  'siblings': ['0,4', '1,5'], 'memory_mb': 4096, 'page_kb': 64, 'hugepages': ["
		  "  {'size_kb': 1048576, 'total': 2, 'reserved': 1}, {'size_kb': 2048, 'total': 256}]}]");
	assert_int_equal(host.cell_count, 2);
	cell = &host.cells[0];
	assert_int_equal(cell->id, 1);
	assert_int_equal(cell->socket, 1);
	check_set(&cell->shared, "0,4");
	check_set(&cell->dedicated, "1-3,5-7");
	assert_int_equal(cell->core_count, 6); /* 2, 3, 6 and 7 alone */
	assert_int_equal(cell->page_count, 3);
	assert_int_equal(cell->pages[0].size_kb, 64);
	assert_int_equal(cell->pages[0].total, (4096 - 2048 - 512) * 16);
	assert_int_equal(cell->pages[1].size_kb, 2048);
	assert_int_equal(cell->pages[2].total, 2);
	assert_int_equal(cell->pages[2].reserved, 1);
	assert_int_equal(numa_cell_free_mb(cell), 4096 - 1024);
	cell = &host.cells[1];
	assert_int_equal(cell->id, 3);
	assert_int_equal(cell->socket, NUMA_NO_SOCKET);
	check_set(&cell->shared, "8-9"); /* as without cpu_dedicated_set and cpu_shared_set */
	check_set(&cell->dedicated, "");
	assert_int_equal(cell->pages[0].size_kb, 4);
	assert_true(numa_host_has_hyperthreads(&host));
	assert_ptr_equal(numa_host_cell(&host, 3), cell);
	assert_null(numa_host_cell(&host, 0));
}

static void test_read_more_huge_pages_than_memory(void **state)
{
	(void)state;
	site_host(&host, CELL(", 'hugepages': [{'size_kb': 1048576, 'total': 2}]"));
	assert_int_equal(host.cells[0].pages[0].total, 0);
}

static void test_read_errors(void **state)
{
	static const struct {
		const char *cells, *part;
	} rows[] = {
		{"{}", "a list"},
		{"[1]", "id"},
		{"[{'cpus': '0'}]", "id"},
		{"[{'id': -1, 'cpus': '0', 'memory_mb': 1}]", "id"},
		{"[{'id': 99999, 'cpus': '0', 'memory_mb': 1}]", "id and socket"},
		{"[{'id': 0, 'cpus': '0'}]", "memory_mb"},
		{"[{'id': 0, 'cpus': 3, 'memory_mb': 1}]", "cpus"},
		{"[{'id': 0, 'cpus': '0-', 'memory_mb': 1}]", "cpus"},
		{"[{'id': 0, 'cpus': '0-1024', 'memory_mb': 1}]", "1023"},
		{"[{'id': 0, 'cpus': '0', 'memory_mb': 1.5}]", "memory_mb"},
		{"[{'id': 0, 'cpus': '0', 'memory_mb': 1, 'page_kb': 0}]", "page_kb"},
		{CELL(", 'socket': 'x'"), "socket"},
		{CELL(", 'shared': '3-4'"), "among its cpus"},
		{CELL(", 'dedicated': '4'"), "among its cpus"},
		{CELL(", 'shared': '0-1', 'dedicated': '1-2'"), "no CPU in common"},
		{CELL(", 'siblings': ['0-4']"), "siblings"},
		{CELL(", 'siblings': ['0-1', '1-2']"), "siblings"},
		{CELL(", 'siblings': ['']"), "siblings"},
		{CELL(", 'siblings': [0]"), "siblings"},
		{CELL(", 'hugepages': [{'size_kb': 4, 'total': 1}]"), "larger than page_kb"},
		{CELL(", 'hugepages': [{'size_kb': 64, 'total': 1}, {'size_kb': 64, 'total': 1}]"), "differ"},
		{CELL(", 'hugepages': [{'size_kb': 64}]"), "total"},
		{CELL(", 'hugepages': [{'total': 1}]"), "size_kb"},
		{CELL(", 'hugepages': [{'size_kb': 1048576, 'total': 1099511627776}]"), "more huge pages"},
		{CELL(", 'hugepages': [{'size_kb': 8, 'total': 1}, {'size_kb': 16, 'total': 1}, {'size_kb': "
		      "32, "
		      "'total': 1}, {'size_kb': 64, 'total': 1}, {'size_kb': 128, 'total': 1}, {'size_kb': "
		      "256, "
		      "'total': 1}]"),
		 "more than 6 sizes"},
		{"[{'id': 0, 'cpus': '0', 'memory_mb': 1}, {'id': 0, 'cpus': '1', 'memory_mb': 1}]", "twice"},
		{"[{'id': 0, 'cpus': '0', 'memory_mb': 1}, {'id': 1, 'cpus': '0', 'memory_mb': 1}]",
		 "another node"},
	};
	struct error err;

	(void)state;
	site_host(&host, CELL(""));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (site_read(&host, rows[i].cells, &err))
			fail_msg("%s was read", rows[i].cells);
		assert_int_equal(err.kind, ERROR_BAD_REQUEST);
		if (!strstr(err.message, rows[i].part))
			fail_msg("\"%s\" does not say \"%s\"", err.message, rows[i].part);
	}
	assert_int_equal(host.cell_count, 1); /* still as it was */
	check_set(&host.cells[0].shared, "0-3");
}

/* --- claims --- */

#define SITE \
	"[{'id': 0, 'cpus': '0-3', 'shared': '0-1', 'dedicated': '2-3', 'memory_mb': 1024," \
	"  'hugepages': [{'size_kb': 2048, 'total': 128}]}," \
	" {'id': 1, 'cpus': '4-7', 'shared': '4-5', 'dedicated': '6-7', 'memory_mb': 1024," \
	"  'hugepages': [{'size_kb': 2048, 'total': 128}]}]"
#define PLACED \
	"{\"cells\":[{\"node\":0,\"memory_mb\":128,\"page_kb\":2048,\"vcpus\":\"0-1\",\"floating\":\"0-1\"," \
	"\"taken\":\"2\",\"pins\":[[1,2]]}," \
	"{\"node\":1,\"memory_mb\":128,\"page_kb\":0,\"vcpus\":\"2-3\",\"floating\":\"\"," \
	"\"taken\":\"6-7\",\"pins\":[[2,6],[3,7]]}]," \
	"\"emulator\":\"0-1\",\"realtime\":\"3\"}"

static struct numa_placement placement;

static void place(const char *json)
{
	struct error err = {0};

	if (!numa_placement_parse(json, &placement, &err))
		fail_msg("%s", err.message);
}

static void test_claim_and_release(void **state)
{
	struct error err = {0};

	(void)state;
	site_host(&host, SITE);
	place(PLACED);
	assert_true(numa_claim(&host, &placement, &err));
	check_set(&host.cells[0].pinned, "2");
	check_set(&host.cells[1].pinned, "6-7");
	assert_int_equal(host.cells[0].shared_used, 1);
	assert_int_equal(host.cells[1].shared_used, 0);
	assert_int_equal(host.cells[0].pages[1].used, 64);
	assert_int_equal(host.cells[0].pages[0].used, 0);
	assert_int_equal(host.cells[1].pages[0].used, 128 * 256);
	numa_release(&host, &placement);
	check_set(&host.cells[1].pinned, "");
	assert_int_equal(host.cells[0].shared_used, 0);
	assert_int_equal(host.cells[0].pages[1].used, 0);
	assert_int_equal(host.cells[1].pages[0].used, 0);
}

static void refused(const char *part)
{
	struct error err = {0};
	struct cpu_set before = host.cells[0].pinned;

	assert_false(numa_claim(&host, &placement, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" does not say \"%s\"", err.message, part);
	assert_true(cpu_set_equal(&host.cells[0].pinned, &before)); /* nothing is half done */
}

static void test_claim_conflicts(void **state)
{
	(void)state;
	site_host(&host, SITE);
	place(PLACED);
	cpu_set_add(&host.cells[1].pinned, 7);
	refused("node 1: the CPUs 7 are not free");
	site_host(&host, SITE);
	host.cells[0].shared_used = 2;
	refused("shared CPUs");
	site_host(&host, SITE);
	host.cells[0].pages[1].used = 65;
	refused("128 MB in pages of 2048 KB");
	site_host(&host, SITE);
	host.memory_ratio = 2; /* not for a guest with pinned CPUs */
	host.cells[1].pages[0].used = host.cells[1].pages[0].total - 128 * 256 + 1;
	refused("128 MB of memory");
	site_host(&host, CELL(", 'dedicated': '2-3', 'shared': '0-1', "
			      "'hugepages': [{'size_kb': 2048, 'total': 128}]"));
	refused("node 1 is not there");
	site_host(&host, CELL(", 'dedicated': '2-3', 'shared': '0-1'"));
	refused("pages of 2048 KB");
}

/* What is there is counted, even if the host's sets are others by now. */
static void test_record(void **state)
{
	(void)state;
	site_host(&host, CELL(", 'dedicated': '1', 'shared': '0'"));
	place(PLACED);
	numa_record(&host, &placement);
	check_set(&host.cells[0].pinned, "2");
	assert_int_equal(host.cells[0].shared_used, 1);
	assert_int_equal(numa_cell_shared_left(&host, &host.cells[0]), 0);
	numa_release(&host, &placement);
	check_set(&host.cells[0].pinned, "");
	assert_int_equal(host.cells[0].shared_used, 0);
}

/* --- texts --- */

static void test_placement_text(void **state)
{
	struct text text = {0};

	(void)state;
	place(PLACED);
	assert_int_equal(placement.vcpus, 4);
	assert_int_equal(placement.pins[0], -1);
	assert_int_equal(placement.pins[3], 7);
	assert_int_equal(placement.pins[4], -1);
	numa_placement_write(&placement, &text);
	assert_string_equal(text.data, PLACED);
	text_done(&text);
	place("{\"cells\": [], \"emulator\": \"\", \"realtime\": \"\"}");
	assert_int_equal(placement.cell_count, 0);
}

/* One part of a good text is put in another's place. */
static void check_bad(const char *part, const char *by)
{
	const char *at = strstr(PLACED, part);
	struct error err = {0};
	char text[1000];

	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - PLACED), PLACED, by, at + strlen(part));
	if (numa_placement_parse(text, &placement, &err))
		fail_msg("%s was read", text);
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
}

static void test_placement_errors(void **state)
{
	(void)state;
	check_bad("{\"cells\"", "[");
	check_bad("\"cells\"", "\"cell\"");
	check_bad("\"node\":1", "\"node\":0");
	check_bad("\"node\":1", "\"node\":-1");
	check_bad("\"node\":1", "\"node\":\"1\"");
	check_bad("128", "1e3");
	check_bad("2048", "-1");
	check_bad("\"vcpus\":\"0-1\"", "\"vcpus\":3");
	check_bad("\"vcpus\":\"0-1\"", "\"vcpus\":\"0-2\""); /* two cells have vCPU 2 */
	check_bad("\"vcpus\":\"0-1\"", "\"vcpus\":\"1\"");   /* nobody has vCPU 0 */
	check_bad("\"floating\":\"0-1\"", "\"floating\":\"\"");
	check_bad("\"floating\":\"0-1\"", "\"floating\":\"0-1024\"");
	check_bad("\"taken\":\"2\"", "\"taken\":\"2,6\""); /* taken twice */
	check_bad("\"taken\":\"2\"", "\"taken\":\"\"");
	check_bad("[[1,2]]", "{}");
	check_bad("[[1,2]]", "[[1,2],[1,2]]");
	check_bad("\"2\",\"pins\":[[1,2]]", "\"2-3\",\"pins\":[[1,2],[1,3]]");
	check_bad("[[1,2]]", "[[2,2]]");
	check_bad("[[1,2]]", "[[1]]");
	check_bad("[[1,2]]", "[[1,2,3]]");
	check_bad("[[1,2]]", "[[-1,2]]");
	check_bad("[[1,2]]", "[[1,1024]]");
	check_bad("[[1,2]]", "[1,2]");
	check_bad("[3,7]", "[3,6]");
	check_bad("\"emulator\"", "\"e\"");
	check_bad("\"realtime\":\"3\"", "\"realtime\":\"4\"");
	check_bad("}", "");
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),
		TEST(test_read_more_huge_pages_than_memory),
		TEST(test_read_errors),
		TEST(test_claim_and_release),
		TEST(test_claim_conflicts),
		TEST(test_record),
		TEST(test_placement_text),
		TEST(test_placement_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
