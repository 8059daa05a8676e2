/* Allocation candidates, and that they say what the scheduler does. */
#include "cloud.h"

#include <time.h>

#define VF "CUSTOM_PCI_8086_10CA"

static const char *const buses[] = {"21", "22", "23"};

static int candidates(const char *query)
{
	get(text("/allocation_candidates?%s", query));
	return cloud_size("/allocation_requests");
}

static void test_one_group(void **state)
{
	const char *root, *card;

	(void)state;
	cloud_host("a", buses, (const int[]){2, 1}, 2);
	cloud_host("b", buses, (const int[]){0}, 0);
	root = provider("a");
	card = provider("a_0000:21:00.0");
	assert_int_equal(candidates("resources=VCPU:1,MEMORY_MB:10"), 2);
	assert_int_equal(cloud_size("/provider_summaries"), 4);
	assert_int_equal(candidates("resources=VCPU:1," VF ":1"), 2);
	assert_int_equal(cloud_size("/provider_summaries"), 3);
	assert_at(text("/provider_summaries/%s/resources/" VF "/capacity", card), "2");
	assert_at(text("/provider_summaries/%s/parent_provider_uuid", card), root);
	assert_int_equal(candidates("resources=VCPU:1," VF ":2"), 1);
	assert_at(text("/allocation_requests/0/allocations/%s/resources", card), "{\"" VF "\":2}");
	assert_at("/allocation_requests/0/mappings", text("{\"\":[\"%s\",\"%s\"]}", root, card));
	assert_int_equal(candidates("resources=" VF ":3"), 0);
	assert_int_equal(candidates("resources=VCPU:1&limit=1"), 1);
	assert_int_equal(candidates("resources=VCPU:1," VF ":1&required=COMPUTE_MANAGED_PCI_DEVICE"), 2);
	assert_int_equal(candidates("resources=VCPU:1&required=COMPUTE_MANAGED_PCI_DEVICE"), 0);
	assert_int_equal(candidates(text("resources=VCPU:1&in_tree=%s", card)), 1);
	assert_int_equal(candidates("resources=VCPU:1&root_required=!COMPUTE_NODE"), 0);
	assert_int_equal(cloud_call(ADMIN, "1.10", "GET", "/allocation_candidates?resources=VCPU:1", NULL),
			 200);
	assert_at("/allocation_requests/0/allocations/0/resource_provider/uuid", root);
}

/* Each host's devices are its own. */
static void test_several_hosts(void **state)
{
	static const char *const other[] = {"41", "42", "43"};

	(void)state;
	cloud_host("a", buses, (const int[]){2, 1}, 2);
	cloud_host("b", NULL, NULL, 0);
	cloud_host("c", other, (const int[]){1, 1, 2}, 3);
	assert_int_equal(candidates("resources=VCPU:1"), 3);
	assert_int_equal(candidates("resources=VCPU:1," VF ":1"), 5);
	assert_int_equal(cloud_size("/provider_summaries"), 7);
	assert_int_equal(candidates("resources=" VF ":2"), 2);
	assert_int_equal(candidates(text("resources1=" VF ":1&in_tree1=%s", provider("c_0000:41:00.0"))), 3);
	assert_true(site_claim("s1", "alias=vf:4"));
	assert_int_equal(candidates("resources=" VF ":1"), 2);
	assert_int_equal(cloud_size("/provider_summaries"), 3);
	assert_at(text("/provider_summaries/%s/resources/" VF "/used", provider("c_0000:43:00.0")), "");
}

static void test_groups(void **state)
{
	(void)state;
	cloud_host("a", buses, (const int[]){2, 1}, 2);
	assert_int_equal(candidates("resources=VCPU:1&resources1=" VF ":1&resources2=" VF
				    ":1&group_policy=none"),
			 3);
	assert_int_equal(candidates("resources=VCPU:1&resources1=" VF ":1&resources2=" VF
				    ":1&group_policy=isolate"),
			 2);
	assert_int_equal(candidates("resources_A=" VF ":2&required_A=COMPUTE_MANAGED_PCI_DEVICE"), 1);
	assert_int_equal(cloud_size("/allocation_requests/0/mappings/_A"), 1);
	assert_int_equal(candidates("resources_A=" VF ":1&required_A=!COMPUTE_MANAGED_PCI_DEVICE"), 0);
}

static void test_bad_wishes(void **state)
{
	(void)state;
	cloud_host("a", buses, (const int[]){1}, 1);
	refused(400, "group_policy", "1.39", "GET",
		"/allocation_candidates?resources1=VCPU:1&resources2=VCPU:1", NULL);
	refused(400, "one of 'none' and 'isolate'", "1.39", "GET",
		"/allocation_candidates?resources=VCPU:1&group_policy=x", NULL);
	refused(400, "'resources' is a required", "1.39", "GET", "/allocation_candidates", NULL);
	refused(400, "no resources1", "1.39", "GET",
		"/allocation_candidates?resources=VCPU:1&required1=COMPUTE_NODE", NULL);
	refused(400, "'limit'", "1.39", "GET", "/allocation_candidates?resources=VCPU:1&limit=0", NULL);
	refused(400, "'resources1' was unexpected", "1.24", "GET", "/allocation_candidates?resources1=VCPU:1",
		NULL);
	refused(400, "'resources_A' was unexpected", "1.32", "GET",
		"/allocation_candidates?resources_A=VCPU:1", NULL);
	refused(501, "same_subtree", "1.39", "GET", "/allocation_candidates?resources=VCPU:1&same_subtree=_A",
		NULL);
	refused(404, "", "1.9", "GET", "/allocation_candidates?resources=VCPU:1", NULL);
}

/* A request of `count` VFs as Nova would ask Placement for it: a group for each. */
static const char *wish(int count, bool isolate)
{
	const char *query = text("resources=VCPU:1&group_policy=%s&limit=1", isolate ? "isolate" : "none");

	for (int i = 1; i <= count; i++)
		query = text("%s&resources%d=" VF ":1", query, i);
	return query;
}

/* What is used is what is allocated, and never more than there is. */
static void check_sums(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *id = provider(names[i]);
		int used, total, sum = 0;

		get(text("/resource_providers/%s/usages", id));
		used = atoi(cloud_at("/usages/" VF));
		get(text("/resource_providers/%s/inventories", id));
		total = atoi(cloud_at("/inventories/" VF "/total"));
		get(text("/resource_providers/%s/allocations", id));
		for (int s = 0; s < 12; s++)
			sum += atoi(cloud_at(text("/allocations/s%d/resources/" VF, s)));
		assert_int_equal(used, sum);
		assert_true(used <= total);
	}
}

/* P13: eight cards and six groups are 262,144 candidates, and more without an end to the search; the answer
 * is bounded, and so is the time for it. */
static void test_a_wide_host_is_not_enumerated(void **state)
{
	static const char *const wide[] = {"21", "22", "23", "24", "25", "26", "27", "28"};
	const char *one = "", *none = "";
	clock_t began;

	(void)state;
	cloud_host("a", wide, (const int[]){8, 8, 8, 8, 8, 8, 8, 8}, 8);
	for (int i = 1; i <= 6; i++) {
		one = text("%s&resources%d=" VF ":1", one, i);
		none = text("%s&resources%d=" VF ":8", none, i + (i > 3)); /* 6 of 8 cards, whole */
	}
	began = clock();
	assert_int_equal(candidates(text("resources=VCPU:1&group_policy=none%s", one)), 1000);
	assert_int_equal(candidates(text("resources=VCPU:1&group_policy=isolate%s&limit=3", none)), 3);
	assert_int_equal(candidates(
				 text("resources=VCPU:1&group_policy=isolate%s&resources8=" VF ":9", none)),
			 0);
	assert_true((clock() - began) / CLOCKS_PER_SEC < 5);
}

/* There is a candidate exactly when the scheduler finds devices, whoever came and went before. */
static void test_it_says_what_the_scheduler_does(void **state)
{
	static const char *const names[] = {"a_0000:21:00.0", "a_0000:22:00.0", "a_0000:23:00.0"};
	bool there[12] = {false};
	int refusals_seen = 0, grants_seen = 0;

	(void)state;
	srand(15);
	cloud_host("a", buses, (const int[]){3, 2, 1}, 3);
	for (int round = 0; round < 150; round++) {
		int s = rand() % 12, count = 1 + rand() % 4;
		bool isolate = rand() % 2;
		const char *server = text("s%d", s);

		if (there[s]) {
			site_release(server);
			there[s] = false;
			continue;
		}
		bool shown = candidates(wish(count, isolate)) > 0;
		there[s] = site_claim(server, text("alias=vf:%d%s", count, isolate ? " isolate=yes" : ""));
		assert_int_equal(shown, there[s]);
		grants_seen += there[s];
		refusals_seen += !there[s];
		if (round % 10 == 0)
			check_sums(names, ELEMENTS_OF(names));
	}
	assert_true(refusals_seen > 10 && grants_seen > 10);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, cloud_set_up, cloud_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_one_group),
		T(test_several_hosts),
		T(test_groups),
		T(test_bad_wishes),
		T(test_a_wide_host_is_not_enumerated),
		T(test_it_says_what_the_scheduler_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
