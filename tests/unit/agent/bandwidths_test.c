/* Tests of [sriov_nic] resource_provider_*. */
#include "../test.h"

#include "agent/bandwidths.h"
#include "base/memory.h"

static struct agent_settings settings;

static bool read_text(const char *options, struct error *err)
{
	struct config *config = config_new();
	_cleanup_free_ char *ini = memory_printf("[DEFAULT]\nhost = edge-1\n[sriov_nic]\n"
						 "physical_device_mappings = a:p1,b:p2\n%s\n",
						 options);
	bool ok;

	agent_settings_done(&settings);
	ok = config_read_text(config, "test", ini, err) &&
	     agent_settings_read(config, &settings, NULL, NULL, err);
	config_free(config);
	return ok;
}

static char *told(void)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *nic = yyjson_mut_obj(doc);

	bandwidths_tell(&settings, doc, nic);
	char *text = yyjson_mut_val_write(nic, 0, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

static int make(void **state)
{
	struct error err;

	(void)state;
	return read_text("", &err) ? 0 : 1;
}

static int drop(void **state)
{
	(void)state;
	agent_settings_done(&settings);
	return 0;
}

static void test_nothing_said(void **state)
{
	(void)state;
	_cleanup_free_ char *text = told();
	assert_string_equal(text, "{\"resource_provider_bandwidths\":{},\"resource_provider_hypervisors\":{},"
				  "\"resource_provider_inventory_defaults\":{\"allocation_ratio\":1.0,"
				  "\"min_unit\":1,\"step_size\":1,\"reserved\":0}}");
}

static void test_all_said(void **state)
{
	struct error err = {0};

	(void)state;
	if (!read_text(
		    "resource_provider_bandwidths = p1:10000000:, p2::500\n"
		    "resource_provider_hypervisors = p2:other:host\n"
		    "resource_provider_inventory_defaults = allocation_ratio:1.5,step_size:1000,max_unit:7",
		    &err))
		fail_msg("%s", err.message);
	_cleanup_free_ char *text = told();
	assert_string_equal(
		text, "{\"resource_provider_bandwidths\":{\"p1\":{\"egress\":10000000,\"ingress\":null},"
		      "\"p2\":{\"egress\":null,\"ingress\":500}},\"resource_provider_hypervisors\":"
		      "{\"p1\":\"edge-1\",\"p2\":\"other:host\"},\"resource_provider_inventory_defaults\":"
		      "{\"allocation_ratio\":1.5,\"min_unit\":1,\"step_size\":1000,\"reserved\":0,"
		      "\"max_unit\":7}}");
}

static void test_bad_ones(void **state)
{
	static const char *const bad[] = {
		"resource_provider_bandwidths = nope:1:1",
		"resource_provider_bandwidths = p1",
		"resource_provider_bandwidths = p1:1",
		"resource_provider_bandwidths = p1:1:1:1",
		"resource_provider_bandwidths = :1:1",
		"resource_provider_bandwidths = p1:-1:1",
		"resource_provider_bandwidths = p1:1:1G",
		"resource_provider_bandwidths = p1:1:1,p1:1:1",
		"resource_provider_hypervisors = nope:h",
		"resource_provider_hypervisors = p1",
		"resource_provider_hypervisors = p1:",
		"resource_provider_inventory_defaults = 1",
		"resource_provider_inventory_defaults = total:1",
		"resource_provider_inventory_defaults = allocation_ratio:",
		"resource_provider_inventory_defaults = allocation_ratio:-1",
		"resource_provider_inventory_defaults = allocation_ratio:1x",
		"resource_provider_inventory_defaults = min_unit:0",
		"resource_provider_inventory_defaults = reserved:-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct error err = {0};

		if (read_text(bad[i], &err))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(strstr(err.message, "[sriov_nic] resource_provider_"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_said, make, drop),
		cmocka_unit_test_setup_teardown(test_all_said, make, drop),
		cmocka_unit_test_setup_teardown(test_bad_ones, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
