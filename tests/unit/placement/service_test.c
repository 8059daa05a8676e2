/* The Placement API: who may ask, microversions, providers, names, what cannot be written. */
#include "cloud.h"

#include "placement/device_id.h"

static const char *const two[] = {"21", "22"};

static const char *two_cards(void)
{
	return cloud_host("a", two, (const int[]){2, 1}, 2);
}

/* --- ids --- */

static void test_device_ids(void **state)
{
	const char *host = "a1b2c3d4-e5f6-4789-8abc-def012345678";
	pci_address address;
	int64_t number;
	char id[37];

	(void)state;
	device_id_format(host, 7, 0x2100, id);
	assert_string_equal(id, "00002100-a1b2-8c3d-8e5f-000000000007");
	assert_true(device_id_parse(id, &number, &address));
	assert_int_equal(number, 7);
	assert_int_equal(address, 0x2100);
	assert_false(device_id_parse(host, &number, &address));
	assert_false(device_id_parse("", &number, &address));
	assert_false(device_id_parse("00002100-a1b2-8c3d-8e5f-00000000000x", &number, &address));
	assert_false(device_id_parse("00002100-a1b2-8c3d-8e5f-0000000000071", &number, &address));
	assert_false(device_id_parse("00002100-a1b2-8c3d-8e5f000000000000-", &number, &address));
}

static void test_an_id_is_its_hosts_alone(void **state)
{
	char forged[37];
	pci_address address = 0x2100;

	(void)state;
	two_cards();
	get(text("/resource_providers/%s", provider("a_0000:21:00.0")));
	/* the same number, another host's id */
	device_id_format("ffffffff-ffff-4fff-8fff-ffffffffffff", 1, address, forged);
	refused(404, "No resource provider with uuid", "1.39", "GET", text("/resource_providers/%s", forged),
		NULL);
	refused(404, "No resource provider", "1.39", "GET", "/resource_providers/x", NULL);
}

/* --- who may, and which version --- */

static void test_policies(void **state)
{
	(void)state;
	two_cards();
	assert_int_equal(cloud_call(NULL, NULL, "GET", "/", NULL), 200);
	assert_at("/versions/0/max_version", "1.39");
	assert_int_equal(cloud_call(NULL, NULL, "GET", "/resource_providers", NULL), 401);
	assert_int_equal(cloud_call("service", NULL, "GET", "/resource_providers", NULL), 200);
	assert_int_equal(cloud_call("reader", NULL, "GET", "/resource_providers", NULL), 403);
	assert_int_equal(cloud_call("reader", "1.9", "GET", "/usages?project_id=p1", NULL), 200);
	assert_int_equal(cloud_call("reader", "1.9", "GET", "/usages?project_id=p2", NULL), 403);
	assert_int_equal(cloud_call("nobody", "1.9", "GET", "/usages?project_id=p1", NULL), 403);
	assert_int_equal(cloud_call(ADMIN, "1.9", "GET", "/usages?project_id=p2", NULL), 200);
}

static void test_versions(void **state)
{
	static const char *const bad[] = {"1", "x", "1.x", "", "1.-1"};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		refused(400, "invalid version string", bad[i], "GET", "/resource_providers", NULL);
	refused(406, "Unacceptable version header: 1.40", "1.40", "GET", "/resource_providers", NULL);
	assert_at("/errors/0/max_version", "1.39");
	refused(406, "Unacceptable version header: 2.0", "2.0", "GET", "/resource_providers", NULL);
	assert_int_equal(cloud_call(ADMIN, "latest", "GET", "/resource_providers", NULL), 200);
	assert_int_equal(cloud_call(ADMIN, "1.5, compute 2.1", "GET", "/traits", NULL), 404);
	assert_int_equal(cloud_call(ADMIN, "1.6", "GET", "/traits", NULL), 200);
	assert_int_equal(cloud_call(ADMIN, "1.39", "DELETE", "/traits", NULL), 405);
	assert_int_equal(cloud_call(ADMIN, "1.39", "GET", "/nothing", NULL), 404);
}

static void test_what_each_version_shows(void **state)
{
	const char *id;

	(void)state;
	two_cards();
	id = provider("a");
	assert_int_equal(cloud_call(ADMIN, "1.0", "GET", text("/resource_providers/%s", id), NULL), 200);
	assert_int_equal(cloud_size("/links"), 3);
	assert_at("/root_provider_uuid", "");
	assert_int_equal(cloud_call(ADMIN, "1.14", "GET", text("/resource_providers/%s", id), NULL), 200);
	assert_int_equal(cloud_size("/links"), 6);
	assert_at("/root_provider_uuid", id);
	assert_at("/parent_provider_uuid", "null");
	refused(400, "'required' was unexpected", "1.17", "GET", "/resource_providers?required=HW_NIC_SRIOV",
		NULL);
	refused(400, "'nonsense' was unexpected", "1.39", "GET", "/resource_providers?nonsense=1", NULL);
	refused(404, "", "1.22", "GET", "/resource_providers/x", NULL);
	assert_at("/errors/0/code", "");
	refused(404, "", "1.23", "GET", "/resource_providers/x", NULL);
	assert_at("/errors/0/code", "placement.undefined_code");
}

/* --- providers --- */

static int found(const char *query)
{
	get(text("/resource_providers?%s", query));
	return cloud_size("/resource_providers");
}

static void test_filters(void **state)
{
	const char *b[] = {"31"}, *a;

	(void)state;
	a = two_cards();
	cloud_host("b", b, (const int[]){1}, 1);
	snprintf(cloud_aggregate_host, sizeof cloud_aggregate_host, "%s", a);
	assert_int_equal(found(""), 5);
	assert_int_equal(found("name=a_0000:21:00.0"), 1);
	assert_int_equal(found(text("uuid=%s", a)), 1);
	assert_int_equal(found(text("in_tree=%s", provider("a_0000:22:00.0"))), 3);
	assert_int_equal(found("in_tree=nonsense"), 0);
	assert_int_equal(found("resources=CUSTOM_PCI_8086_10CA:2"), 1);
	assert_int_equal(found("resources=VCPU:1,MEMORY_MB:100"), 2);
	assert_int_equal(found("resources=VCPU:1,CUSTOM_PCI_8086_10CA:1"), 0);
	assert_int_equal(found("required=COMPUTE_MANAGED_PCI_DEVICE"), 3);
	assert_int_equal(found("required=!COMPUTE_MANAGED_PCI_DEVICE"), 2);
	assert_int_equal(found("required=in:COMPUTE_NODE,COMPUTE_MANAGED_PCI_DEVICE"), 5);
	assert_int_equal(found("required=COMPUTE_NODE&required=COMPUTE_MANAGED_PCI_DEVICE"), 0);
	assert_int_equal(found("member_of=" AGGREGATE), 3);
	assert_int_equal(found("member_of=in:x," AGGREGATE), 3);
	assert_int_equal(found("member_of=!" AGGREGATE), 2);
	refused(400, "No such resource class X", "1.39", "GET", "/resource_providers?resources=X:1", NULL);
	refused(400, "Badly formed", "1.39", "GET", "/resource_providers?resources=VCPU", NULL);
	refused(400, "positive integer", "1.39", "GET", "/resource_providers?resources=VCPU:0", NULL);
	refused(400, "No such trait(s): X", "1.39", "GET", "/resource_providers?required=X", NULL);
	refused(400, "Malformed", "1.39", "GET", "/resource_providers?required=", NULL);
}

static void test_inventories_and_usages(void **state)
{
	const char *root, *card;

	(void)state;
	two_cards();
	root = provider("a");
	card = provider("a_0000:21:00.0");
	assert_true(site_claim("s1", "alias=vf:1 host=a vcpus=2 memory=300 disk=3"));
	get(text("/resource_providers/%s/inventories", root));
	assert_int_equal(cloud_size("/inventories"), 3);
	assert_at("/inventories/VCPU/total", "8");
	assert_at("/inventories/VCPU/allocation_ratio", "4.0");
	assert_at("/inventories/MEMORY_MB/max_unit", "8192");
	get(text("/resource_providers/%s/usages", root));
	assert_at("/usages", "{\"VCPU\":2,\"MEMORY_MB\":300,\"DISK_GB\":3}");
	get(text("/resource_providers/%s/inventories/CUSTOM_PCI_8086_10CA", card));
	assert_at("/total", "2");
	assert_at("/reserved", "0");
	refused(404, "No inventory of class VCPU", "1.39", "GET",
		text("/resource_providers/%s/inventories/VCPU", card), NULL);
	get(text("/resource_providers/%s/allocations", provider("a_0000:22:00.0")));
	assert_at("/allocations/s1/resources", "{\"CUSTOM_PCI_8086_10CA\":1}");
	get("/allocations/s1");
	assert_int_equal(cloud_size("/allocations"), 2);
	assert_at("/project_id", "p1");
	assert_at("/consumer_type", "INSTANCE");
	get("/allocations/s2");
	assert_at("", "{\"allocations\":{}}");
	get("/usages?project_id=p1");
	assert_at("/usages/INSTANCE/consumer_count", "1");
	assert_at("/usages/INSTANCE/MEMORY_MB", "300");
	get("/usages?project_id=p1&consumer_type=MIGRATION");
	assert_at("/usages", "{}");
	assert_true(site_claim("m1", "host=a vcpus=1 memory=50 disk=0"));
	get("/usages?project_id=p1");
	assert_at("/usages/INSTANCE/MEMORY_MB", "300");
	assert_at("/usages/MIGRATION", "{\"consumer_count\":1,\"MEMORY_MB\":50,\"VCPU\":1}");
	get("/usages?project_id=p1&consumer_type=all");
	assert_at("/usages/all/MEMORY_MB", "350");
	assert_int_equal(cloud_call(ADMIN, "1.37", "GET", "/usages?project_id=p1", NULL), 200);
	assert_at("/usages/MEMORY_MB", "350");
	refused(400, "project_id", "1.39", "GET", "/usages", NULL);
}

static void test_an_ill_device_is_reserved(void **state)
{
	struct site_host host = {.name = "a", .more = "\"report_in_placement\":true,"};

	(void)state;
	site_device(&host, "0000:41:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0, "\"health\":\"no IOMMU\"");
	assert_non_null(site_report(&host));
	get(text("/resource_providers/%s/inventories", provider("a_0000:41:00.0")));
	assert_at("/inventories/CUSTOM_PCI_10DE_1EB8/reserved", "1");
}

/* --- names --- */

static void test_names(void **state)
{
	(void)state;
	two_cards();
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", "/traits/CUSTOM_X", NULL), 201);
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", "/traits/CUSTOM_X", NULL), 204);
	assert_int_equal(cloud_call(ADMIN, "1.39", "GET", "/traits/CUSTOM_X", NULL), 204);
	get("/traits?name=startswith:CUSTOM_");
	assert_at("/traits", "[\"CUSTOM_X\"]");
	get("/traits?name=in:CUSTOM_X,COMPUTE_NODE,HW_NIC_SRIOV&associated=true");
	assert_at("/traits", "[\"COMPUTE_NODE\"]");
	assert_int_equal(cloud_call(ADMIN, "1.39", "DELETE", "/traits/CUSTOM_X", NULL), 204);
	refused(404, "No such trait", "1.39", "DELETE", "/traits/CUSTOM_X", NULL);
	refused(400, "standard trait", "1.39", "DELETE", "/traits/HW_NIC_SRIOV", NULL);
	refused(400, "CUSTOM_", "1.39", "PUT", "/traits/HW_NEW", NULL);
	refused(400, "CUSTOM_", "1.39", "PUT", "/traits/CUSTOM_a", NULL);
	refused(400, "name parameter", "1.39", "GET", "/traits?name=x", NULL);
	refused(400, "associated", "1.39", "GET", "/traits?associated=perhaps", NULL);

	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", "/resource_classes/CUSTOM_R", NULL), 201);
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", "/resource_classes/CUSTOM_R", NULL), 204);
	refused(409, "already exists", "1.39", "POST", "/resource_classes", "{'name': 'CUSTOM_R'}");
	assert_int_equal(cloud_call(ADMIN, "1.39", "POST", "/resource_classes", "{'name': 'CUSTOM_S'}"), 201);
	refused(400, "required", "1.39", "POST", "/resource_classes", "{}");
	refused(409, "hosts have it", "1.39", "DELETE", "/resource_classes/CUSTOM_PCI_8086_10CA", NULL);
	refused(400, "standard resource class", "1.39", "DELETE", "/resource_classes/VCPU", NULL);
	assert_int_equal(cloud_call(ADMIN, "1.39", "DELETE", "/resource_classes/CUSTOM_R", NULL), 204);
	refused(404, "No such resource class", "1.39", "GET", "/resource_classes/CUSTOM_R", NULL);
	get("/resource_classes/CUSTOM_S");
	assert_at("/links/0/href", "/placement/resource_classes/CUSTOM_S");
}

/* --- writes --- */

static void test_what_cannot_be_written(void **state)
{
	const char *card, *path;

	(void)state;
	two_cards();
	card = provider("a_0000:21:00.0");
	path = text("/resource_providers/%s/inventories/CUSTOM_PCI_8086_10CA", card);
	refused(403, "Placement only shows", "1.39", "PUT", "/allocations/s1", "{}");
	refused(403, "Placement only shows", "1.39", "DELETE", text("/resource_providers/%s", card), NULL);
	refused(400, "resource_provider_generation", "1.39", "PUT", path, "{'total': 2}");
	refused(409, "generation conflict", "1.39", "PUT", path,
		"{'resource_provider_generation': 77, 'total': 2, 'reserved': 2}");
	assert_at("/errors/0/code", "placement.concurrent_update");
	refused(403, "Placement only shows", "1.39", "PUT", path,
		"{'resource_provider_generation': 1, 'total': 2, 'reserved': 2}");
	refused(400, "", "1.39", "PUT", path, "nonsense");
}

static void test_used_once(void **state)
{
	struct site_host host = {.name = "a", .more = "\"report_in_placement\":true,"};
	const char *path;

	(void)state;
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, NULL, 0,
		    "\"tags\":{\"one_time_use\":\"true\",\"resource_class\":\"card\"}");
	assert_non_null(site_report(&host));
	path = text("/resource_providers/%s/inventories/CUSTOM_CARD", provider("a_0000:21:00.0"));
	assert_true(site_claim("s1", "alias=card:1"));
	get(path);
	assert_at("/reserved", "1");
	site_release("s1");
	get(path);
	assert_at("/reserved", "1");
	assert_false(site_claim("s2", "alias=card:1"));
	assert_non_null(strstr(refusals.data, "used once"));
	refused(403, "only shows", "1.39", "PUT", path,
		"{'resource_provider_generation': 1, 'total': 2, 'reserved': 0}");
	refused(400, "reserved must be 0 or 1", "1.39", "PUT", path,
		"{'resource_provider_generation': 1, 'total': 1, 'reserved': 5}");
	refused(403, "only shows", "1.39", "PUT", path,
		"{'resource_provider_generation': 1, 'total': 1, 'reserved': 0, 'min_unit': 2}");
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", path,
				    "{'resource_provider_generation': 1, 'total': 1, 'reserved': 0}"),
			 200);
	assert_at("/reserved", "0");
	assert_true(site_claim("s2", "alias=card:1"));
	site_release("s2");
	/* all inventories at once; and a device that was never used can be kept back */
	path = text("/resource_providers/%s/inventories", provider("a_0000:21:00.0"));
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", path,
				    "{'resource_provider_generation': 1, 'inventories': {'CUSTOM_CARD': "
				    "{'total': 1, 'reserved': 0, 'max_unit': 1, 'allocation_ratio': 1.0}}}"),
			 200);
	assert_at("/inventories/CUSTOM_CARD/reserved", "0");
	assert_int_equal(cloud_call(ADMIN, "1.39", "PUT", path,
				    "{'resource_provider_generation': 1, 'inventories': {'CUSTOM_CARD': "
				    "{'total': 1, 'reserved': 1}}}"),
			 200);
	assert_false(site_claim("s3", "alias=card:1"));
	refused(403, "only shows", "1.39", "PUT", path,
		"{'resource_provider_generation': 1, 'inventories': {}}");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, cloud_set_up, cloud_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device_ids),
		T(test_an_id_is_its_hosts_alone),
		T(test_policies),
		T(test_versions),
		T(test_what_each_version_shows),
		T(test_filters),
		T(test_inventories_and_usages),
		T(test_an_ill_device_is_reserved),
		T(test_names),
		T(test_what_cannot_be_written),
		T(test_used_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
