/* Hosts whose devices Placement shows: what they may report, who gets their devices, what is shown. */
#include "site.h"

#include "base/memory.h"
#include "scheduler/view.h"

#define CONF \
	"[filter_scheduler]\npci_in_placement = true\n[pci]\n" \
	"alias = {\"name\": \"vf\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\"}\n" \
	"alias = {\"name\": \"pf\", \"vendor_id\": \"8086\", \"product_id\": \"10c9\"}\n" \
	"alias = {\"name\": \"gpu\", \"resource_class\": \"GPU\", \"traits\": \"blue\"}\n"
#define REPORTS "\"report_in_placement\":true,"

#define HIDDEN	"\"offered\":false"
#define TAGS(x) "\"tags\":{" x "}"

static int set_up(void **state)
{
	(void)state;
	site_open(CONF);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	site_close();
	return 0;
}

static struct site_host host_new(const char *name)
{
	return (struct site_host){.name = name, .more = REPORTS};
}

/* A PF that is not offered, and VFs that are. */
static void add_vfs(struct site_host *host, const char *bus, int count)
{
	char pf[16], vf[16];

	snprintf(pf, sizeof pf, "0000:%s:00.0", bus);
	site_device(host, pf, "8086:10c9", "type-PF", NULL, NULL, 0, HIDDEN);
	for (int i = 0; i < count; i++) {
		snprintf(vf, sizeof vf, "0000:%s:10.%d", bus, i);
		site_device(host, vf, "8086:10ca", "type-VF", pf, NULL, 0, NULL);
	}
}

static bool reports(struct site_host host)
{
	return site_report(&host);
}

/* --- what may be reported --- */

static void test_contradictions_are_refused(void **state)
{
	struct site_host host = host_new("a");

	(void)state;
	site_card(&host, "0000:21", 2, NULL, 0);
	assert_false(reports(host));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_int_equal(site_count("SELECT count(*) FROM device"), 0);
	/* with a physical network they are not shown, and that is fine */
	host = host_new("a");
	site_card(&host, "0000:21", 2, "physnet_a", 0);
	assert_true(reports(host));
	host = (struct site_host){.name = "a", .more = "\"report_in_placement\":7,"};
	assert_false(reports(host));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
}

static void test_it_is_not_switched_off_under_way(void **state)
{
	struct site_host host = host_new("a");

	(void)state;
	add_vfs(&host, "21", 2);
	assert_true(reports(host));
	assert_true(site_claim("s1", "alias=vf:1"));

	host = (struct site_host){.name = "a"};
	add_vfs(&host, "21", 2);
	assert_false(reports(host));
	assert_non_null(strstr(err.message, "cannot be switched off"));
	/* nothing offered any more, but a server has one */
	assert_false(reports((struct site_host){.name = "a"}));
	assert_true(reports(host_new("a")));
	site_release("s1");
	assert_true(reports((struct site_host){.name = "a"}));
	assert_int_equal(site_count("SELECT in_placement FROM host"), 0);
}

static void test_a_pf_in_use_does_not_become_its_vfs(void **state)
{
	struct site_host host = host_new("a");

	(void)state;
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, NULL, 0, NULL);
	assert_true(reports(host));
	assert_true(site_claim("s1", "alias=pf:1"));
	host = host_new("a");
	add_vfs(&host, "21", 1);
	assert_false(reports(host));
	assert_non_null(strstr(err.message, "a server has the PF 0000:21:00.0"));
	site_release("s1");
	host = host_new("a");
	add_vfs(&host, "21", 1);
	assert_true(reports(host));
	assert_true(site_claim("s1", "alias=vf:1"));
	host = host_new("a");
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, NULL, 0, NULL);
	assert_false(reports(host));
	assert_non_null(strstr(err.message, "a server has the VF 0000:21:10.0"));
}

/* --- who gets what --- */

static void test_class_and_traits(void **state)
{
	struct site_host host = host_new("a"), silent = {.name = "b"};

	(void)state;
	site_device(&host, "0000:41:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0,
		    TAGS("\"resource_class\":\"gpu\",\"traits\":\"red\""));
	site_device(&host, "0000:42:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0,
		    TAGS("\"resource_class\":\"gpu\",\"traits\":\"red,blue\""));
	assert_true(reports(host));
	site_device(&silent, "0000:43:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0,
		    TAGS("\"resource_class\":\"gpu\",\"traits\":\"blue\""));
	assert_true(reports(silent));
	assert_true(site_claim("s1", "alias=gpu:1"));
	assert_string_equal(site_granted(), "0000:42:00.0");
	assert_false(site_claim("s2", "alias=gpu:1"));
	assert_non_null(strstr(refusals.data, "b: alias gpu: needs 1 device: it offers none of resource "
					      "class CUSTOM_GPU in Placement with the traits CUSTOM_BLUE"));
}

static void test_isolate(void **state)
{
	struct site_host host = host_new("a");

	(void)state;
	add_vfs(&host, "21", 3);
	add_vfs(&host, "22", 2);
	assert_true(reports(host));
	assert_false(site_claim("s1", "alias=vf:3 isolate=yes"));
	assert_non_null(strstr(refusals.data, "group_policy isolate"));
	assert_true(site_claim("s1", "alias=vf:1,vf:1 isolate=yes"));
	assert_string_equal(site_granted(), "0000:22:10.0 0000:21:10.0");
	assert_true(site_claim("s2", "alias=vf:3"));
	assert_false(site_claim("s3", "alias=vf:1"));
}

static void test_used_once(void **state)
{
	struct site_host host = host_new("a");
	const char *id;

	(void)state;
	site_device(&host, "0000:21:00.0", "8086:10c9", "type-PF", NULL, NULL, 0,
		    TAGS("\"one_time_use\":\"true\""));
	id = site_report(&host);
	assert_non_null(id);
	/* a claim that is undone has used nothing */
	assert_true(store_transaction_begin(db, &err));
	struct scheduler_request request = {.server_id = "s0", .vcpus = 1, .alias_spec = "pf:1"};
	assert_true(scheduler_claim(db, &request, &grant, &refusals, &err));
	store_transaction_undo(db);
	assert_true(site_claim("s1", "alias=pf:1"));
	site_release("s1");
	assert_false(site_claim("s2", "alias=pf:1"));
	/* nor after a restart */
	assert_true(scheduler_load(db, &err));
	assert_false(site_claim("s2", "alias=pf:1"));
	assert_true(store_transaction_begin(db, &err));
	assert_true(scheduler_device_set_spent(db, id, "0000:21:00.0", false, &err));
	assert_true(store_transaction_commit(db, &err));
	assert_true(site_claim("s2", "alias=pf:1"));
}

/* --- what is shown --- */

static void test_view(void **state)
{
	struct site_host host = host_new("a");
	struct scheduler_amounts *hosts;
	struct scheduler_shown *devices;
	struct scheduler_share *shares;
	size_t count;
	char(*where)[37];

	(void)state;
	host.reserved_memory_mb = 512;
	add_vfs(&host, "21", 2);
	site_card(&host, "0000:31", 1, "physnet_a", 0);
	site_device(&host, "0000:41:00.0", "10de:1eb8", "type-PCI", NULL, NULL, 0, "\"health\":\"ill\"");
	assert_true(reports(host));
	assert_true(site_claim("s1", "alias=vf:1 direct=physnet_a memory=100 vcpus=2"));
	assert_true(scheduler_view_hosts(db, NULL, &hosts, &count, &err));
	assert_int_equal(count, 1);
	assert_true(hosts->in_placement && hosts->enabled);
	assert_int_equal(hosts->shared_cpus, 8);
	assert_int_equal(hosts->reserved_memory_mb, 512);
	assert_true(scheduler_view_devices(db, hosts->id, &devices, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(devices[0].parent, "0000:21:00.0");
	assert_string_equal(devices[0].server_id, "s1");
	assert_string_equal(devices[1].server_id, "");
	assert_true(devices[1].usable);
	assert_false(devices[2].usable);
	scheduler_shown_free(devices, count);
	assert_true(scheduler_view_shares(db, NULL, &shares, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(shares->vcpus, 2);
	assert_int_equal(shares->memory_mb, 100);
	assert_int_equal(shares->pcpus, 0);
	free(shares);
	assert_true(scheduler_hosts_of_server(db, "s1", &where, &count, &err));
	assert_int_equal(count, 1);
	assert_string_equal(where[0], hosts->id);
	free(where);
	free(hosts);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_contradictions_are_refused),
		T(test_it_is_not_switched_off_under_way),
		T(test_a_pf_in_use_does_not_become_its_vfs),
		T(test_class_and_traits),
		T(test_isolate),
		T(test_used_once),
		T(test_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
