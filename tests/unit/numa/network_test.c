/* Networks that are near some cells only. */
#include "../test.h"

#include "base/text.h"
#include "numa/network.h"
#include "site.h"

#define CELLS \
	"[{'id': 0, 'cpus': '0-3', 'memory_mb': 1, 'physical_networks': ['a', 'b']}, " \
	"{'id': 2, 'cpus': '4-7', 'memory_mb': 1, 'physical_networks': ['b', 'c'], 'tunnels': true}]"

static bool fits(const struct numa_host *host, uint64_t cells, const char *one, const char *two,
		 bool tunnelled)
{
	const char *const names[] = {one, two};

	return numa_networks_fit(host, cells,
				 &(struct numa_networks){.physical = names,
							 .physical_count = two ? 2 : one != NULL,
							 .tunnelled = tunnelled});
}

static void test_near(void **state)
{
	struct numa_host host = {0};

	(void)state;
	site_host(&host, CELLS);
	assert_true(fits(&host, 1, "a", NULL, false) && !fits(&host, 2, "a", NULL, false));
	assert_true(fits(&host, 1, "b", NULL, false) && fits(&host, 2, "b", NULL, false));
	assert_true(!fits(&host, 1, "a", "c", false) && !fits(&host, 2, "a", "c", false));
	assert_true(fits(&host, 3, "a", "c", true));
	assert_true(fits(&host, 1, "elsewhere", "A", false)); /* near no cell: it does not matter */
	assert_true(!fits(&host, 1, NULL, NULL, true) && fits(&host, 2, NULL, NULL, true));
	/* a host that says nothing takes everybody */
	site_host(&host, "[{'id': 0, 'cpus': '0-3', 'memory_mb': 1}]");
	assert_true(fits(&host, 1, "a", "c", true));
	numa_host_done(&host);
}

static void test_words(void **state)
{
	const char *const names[] = {"c", "nowhere", "b", "c"};
	const struct numa_networks networks = {.physical = names, .physical_count = 4, .tunnelled = true};
	struct numa_host host = {0};
	struct text why = {0};

	(void)state;
	site_host(&host, CELLS);
	numa_networks_explain(&host, &networks, &why);
	assert_string_equal(why.data, "c (NUMA node 2) and b (NUMA nodes 0, 2) and tunnels (NUMA node 2)");
	text_done(&why);
	numa_host_done(&host);
}

/* What was there before stays if the new is wrong. */
static void test_bad(void **state)
{
	static const char *const lists[] = {
		"[{\"id\": 0, \"cpus\": \"0\", \"memory_mb\": 1, \"physical_networks\": [\"\"]}]",
		"[{\"id\": 0, \"cpus\": \"0\", \"memory_mb\": 1, \"physical_networks\": [\"a\", 3]}]",
	};
	struct numa_host host = {0};
	struct error err;

	(void)state;
	site_host(&host, CELLS);
	for (size_t i = 0; i < 2; i++) {
		yyjson_doc *doc = yyjson_read(lists[i], strlen(lists[i]), 0);

		assert_false(numa_host_read(yyjson_doc_get_root(doc), &host, &err));
		assert_non_null(strstr(err.message, "physical_networks"));
		yyjson_doc_free(doc);
	}
	assert_int_equal(host.cell_count, 2);
	assert_false(fits(&host, 2, "a", NULL, false));
	numa_host_done(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_near), cmocka_unit_test(test_words),
					   cmocka_unit_test(test_bad)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
