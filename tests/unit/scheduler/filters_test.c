/* Nova's filters: which names are known, and what each lets through. */
#include "site.h"

#include "base/memory.h"
#include "scheduler/filters.h"

static int teardown(void **state)
{
	(void)state;
	site_close();
	return 0;
}

static int setup(void **state)
{
	(void)state;
	site_open(NULL);
	return 0;
}

/* The site anew, with these options of [filter_scheduler] and one host h. */
static void site_with(const char *options)
{
	_cleanup_free_ char *conf = memory_printf("[filter_scheduler]\n%s\n", options);
	struct site_host host = {.name = "h",
				 .more = "\"hypervisor\":{\"type\":\"QEMU\",\"version\":10000002},\"cpu\":{"
					 "\"arch\":\"x86_64\","
					 "\"features\":[\"avx\",\"sse4\"],\"topology\":{\"cores\":8},"
					 "\"maxphysaddr\":{\"bits\":46}},"};

	site_close();
	site_open(conf);
	assert_non_null(site_report(&host));
}

/* NULL if it fits, else the reason. */
static const char *asked(struct scheduler_request request)
{
	static char reason[400];

	request.server_id = "s";
	text_done(&refusals);
	refusals = (struct text){0};
	assert_true(store_transaction_begin(db, &err));
	bool ok = scheduler_claim(db, &request, &grant, &refusals, &err);
	store_transaction_undo(db);
	if (ok)
		return NULL;
	snprintf(reason, sizeof reason, "%s", err.kind == ERROR_CONFLICT ? refusals.data : err.message);
	return reason;
}

#define SPECS(...) asked((struct scheduler_request){.extra_specs = __VA_ARGS__})
#define IMAGE(...) asked((struct scheduler_request){.image = "{\"properties\":" __VA_ARGS__ "}"})
#define QUERY(...) asked((struct scheduler_request){.query = __VA_ARGS__})

static void test_names(void **state)
{
	static const struct {
		const char *options, *says;
	} bad[] = {
		{"enabled_filters = ComputeFilter, PciPasstroughFilter",
		 "the nearest is PciPassthroughFilter"},
		{"enabled_filters = RamWeigher", "there is no filter RamWeigher"},
		{"enabled_filters = SimpleCIDRAffinityFilter", "SimpleCIDRAffinityFilter is not built"},
		{"enabled_filters = AggregateIoOpsFilter", "AggregateIoOpsFilter is not built"},
		{"available_filters = nova.scheduler.filters.json_filter.JsonFilter\nenabled_filters = "
		 "IoOpsFilter",
		 "IoOpsFilter is not among available_filters"},
		{"available_filters = my.own.Filter", "there is no filter Filter"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		_cleanup_free_ char *conf = memory_printf("[filter_scheduler]\n%s\n", bad[i].options);
		struct config *config = config_new();

		assert_true(config_read_text(config, "nova.conf", conf, &err));
		assert_false(scheduler_configure(config, &err));
		if (!strstr(err.message, bad[i].says))
			fail_msg("%s: %s", bad[i].options, err.message);
		config_free(config);
	}
	site_with("available_filters = nova.scheduler.filters.all_filters\n"
		  "enabled_filters = AvailabilityZoneFilter,ComputeFilter,PciPassthroughFilter,JsonFilter");
	assert_true(scheduler_filter_is_enabled(FILTER_JSON));
	assert_false(scheduler_filter_is_enabled(FILTER_IMAGE_PROPERTIES));
	site_with("");
	assert_true(scheduler_filter_is_enabled(FILTER_COMPUTE_CAPABILITIES) &&
		    scheduler_filter_is_enabled(FILTER_IMAGE_PROPERTIES));
	assert_false(scheduler_filter_is_enabled(FILTER_JSON));
}

static void test_capabilities(void **state)
{
	static const char *const pass[] = {
		"{}",
		"{\"capabilities:cpu_info:arch\":\"x86_64\"}",
		"{\"capabilities:cpu_info:topology:cores\":\">= 8\"}",
		"{\"capabilities:cpu_info:features\":\"<in> avx\"}",
		"{\"capabilities:hypervisor_type\":\"s== QEMU\",\"capabilities:free_ram_mb\":\"= 4096\"}",
		"{\"vcpus_total\":\"<= 8\"}",
		"{\"nothing_of_ours\":\"= 5\",\"hw:cpu_policy\":\"shared\",\"quota:x\":\"1\"}",
		"{\"hw:maxphysaddr_bits\":\"46\"}",
		"{\"capabilities:hypervisor_hostname\":\"<or> g <or> h\"}",
	};
	static const char *const refuse[] = {
		"{\"capabilities:cpu_info:arch\":\"aarch64\"}",
		"{\"capabilities:cpu_info:topology:cores\":\">= 9\"}",
		"{\"capabilities:cpu_info:features\":\"<in> amx\"}",
		"{\"capabilities:cpu_info:model\":\"x\"}",
		"{\"capabilities:unheard_of\":\"x\"}",
		"{\"vcpus_total\":\"> 8\"}",
		"{\"hw:maxphysaddr_bits\":\"47\"}",
	};

	(void)state;
	site_with("");
	for (size_t i = 0; i < ELEMENTS_OF(pass); i++) {
		if (SPECS(pass[i]))
			fail_msg("%s: %s", pass[i], SPECS(pass[i]));
	}
	for (size_t i = 0; i < ELEMENTS_OF(refuse); i++) {
		if (!SPECS(refuse[i]))
			fail_msg("%s", refuse[i]);
	}
	assert_string_equal(SPECS("{\"capabilities:cpu_info:arch\":\"aarch64\"}"),
			    "h: the flavor wants capabilities:cpu_info:arch = aarch64, it has x86_64\n");
	site_with("enabled_filters = ComputeFilter");
	assert_null(SPECS("{\"capabilities:cpu_info:arch\":\"aarch64\"}"));
}

static void test_image_properties(void **state)
{
	(void)state;
	site_with("");
	assert_null(IMAGE("{}"));
	assert_null(IMAGE("{\"hw_architecture\":\"amd64\",\"img_hv_type\":\"kvm\",\"hw_vm_mode\":\"hvm\"}"));
	assert_null(IMAGE("{\"hw_architecture\":\"i686\"}"));
	assert_string_equal(IMAGE("{\"hw_architecture\":\"aarch64\"}"),
			    "h: the image is for aarch64, it is x86_64\n");
	assert_string_equal(IMAGE("{\"img_hv_type\":\"xen\"}"),
			    "h: the image is for the hypervisor xen, it runs QEMU\n");
	assert_string_equal(IMAGE("{\"hw_vm_mode\":\"xen\"}"),
			    "h: the image wants VM mode xen, it has hvm only\n");
	assert_null(IMAGE("{\"img_hv_type\":\"qemu\",\"img_hv_requested_version\":\">=6.0,<11\"}"));
	assert_null(IMAGE("{\"img_hv_type\":\"qemu\",\"img_hv_requested_version\":\"==10.0.2\"}"));
	assert_string_equal(IMAGE("{\"img_hv_type\":\"qemu\",\"img_hv_requested_version\":\">10.0.2\"}"),
			    "h: the image wants hypervisor version >10.0.2, it has 10.0.2\n");
	assert_null(
		IMAGE("{\"img_hv_requested_version\":\">99\"}")); /* only beside another one, as in Nova */
	site_with("image_properties_default_architecture = aarch64");
	assert_string_equal(IMAGE("{}"), "h: the image is for aarch64, it is x86_64\n");
	assert_null(IMAGE("{\"hw_architecture\":\"x86_64\"}"));
}

static void test_queries(void **state)
{
	static const struct {
		const char *query;
		bool holds;
	} cases[] = {
		{"[\">=\", \"$free_ram_mb\", 4096]", true},
		{"[\">\", \"$free_ram_mb\", 8192]", false},
		{"[\"and\", [\">=\", \"$vcpus_total\", 8], [\"=\", \"$cpu_info.arch\", \"x86_64\"]]", true},
		{"[\"and\", [\">=\", \"$vcpus_total\", 8], [\"=\", \"$cpu_info.arch\", \"x\"]]", false},
		{"[\"or\", [\"<\", \"$vcpus_total\", 8], [\"in\", \"$host\", \"g\", \"h\"]]", true},
		{"[\"in\", \"$host\", \"g\"]", false},
		{"[\"not\", [\"=\", \"$host\", \"h\"]]", false},
		{"[\"not\", [\"=\", \"$host\", \"g\"]]", true},
		{"[\"=\", \"$unheard_of\", 1]", false},
		{"[\"=\", \"$vcpus_total\", \"8\"]", false},
		{"[\"<=\", \"$num_instances\", 0]", true},
		{"[\"=\", 1]", false},
	};

	(void)state;
	site_with("enabled_filters = JsonFilter");
	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		if ((QUERY(cases[i].query) == NULL) != cases[i].holds)
			fail_msg("%s", cases[i].query);
	}
	assert_string_equal(QUERY("[\">\", \"$free_ram_mb\", 8192]"),
			    "h: is not what the hint query asks for\n");
	assert_non_null(strstr(QUERY("[\"near\", 1]"), "must be a JSON list"));
	assert_non_null(strstr(QUERY("[\"and\", [\"near\", 1]]"), "must be a JSON list"));
	assert_non_null(strstr(QUERY("no JSON"), "must be a JSON list"));
	assert_non_null(strstr(QUERY("{}"), "must be a JSON list"));
	site_with("");
	assert_null(QUERY("[\">\", \"$free_ram_mb\", 8192]"));
}

static void test_numbers(void **state)
{
	char id[37];

	(void)state;
	site_with("enabled_filters = NumInstancesFilter, IoOpsFilter\nmax_instances_per_host = 2\n"
		  "max_io_ops_per_host = 1");
	assert_true(site_claim("a", "memory=1"));
	snprintf(id, sizeof id, "%s", grant.host_id);
	assert_null(SPECS(NULL));
	scheduler_build_begins(db, id);
	assert_string_equal(SPECS(NULL), "h: is building 1 servers (max_io_ops_per_host is 1)\n");
	scheduler_build_ends(db, id, SCHEDULER_BUILD_DONE);
	assert_true(site_claim("b", "memory=1"));
	assert_string_equal(SPECS(NULL), "h: has 2 servers (max_instances_per_host is 2)\n");
}

static const char *imaged(const char *id)
{
	return asked((struct scheduler_request){.image_id = id});
}

static void test_isolated(void **state)
{
	(void)state;
	site_with("enabled_filters = IsolatedHostsFilter\nisolated_hosts = h\nisolated_images = i1, i2");
	assert_null(imaged("i2"));
	assert_string_equal(imaged("i3"),
			    "h: is among isolated_hosts, and the image is not among isolated_images\n");
	site_with("enabled_filters = IsolatedHostsFilter\nisolated_hosts = h\nisolated_images = i1\n"
		  "restrict_isolated_hosts_to_isolated_images = false");
	assert_null(imaged("i3"));
	site_with("enabled_filters = IsolatedHostsFilter\nisolated_hosts = other\nisolated_images = i1");
	assert_string_equal(imaged("i1"),
			    "h: is not among isolated_hosts, and the image is among isolated_images\n");
	assert_null(imaged("i3"));
	site_with("isolated_hosts = h");
	assert_null(imaged("i3"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),   TEST(test_capabilities), TEST(test_image_properties),
		TEST(test_queries), TEST(test_numbers),	     TEST(test_isolated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
