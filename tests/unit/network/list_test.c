/* Tests of lists: filters, fields, sorting, pages. */
#include "cloud.h"

static char network[37], subnet[37];

/* Networks n1 to n5 (n2 and n4 down, mtu 1400 + n) and ports p1 to p3 of an ordinary user. */
static int set_up(void **state)
{
	cloud_set_up(state);
	for (int i = 1; i <= 5; i++)
		make(ADMIN, "network",
		     text("'name': 'n%d', 'mtu': %d, 'admin_state_up': %s", i, 1400 + i,
			  i % 2 ? "true" : "false"));
	snprintf(network, sizeof network, "%s", make(MEMBER, "network", "'name': 'own'"));
	snprintf(subnet, sizeof subnet, "%s",
		 make(MEMBER, "subnet",
		      text("'network_id': '%s', 'ip_version': 4, 'cidr': '10.0.0.0/24'", network)));
	for (int i = 1; i <= 3; i++)
		make(MEMBER, "port",
		     text("'network_id': '%s', 'name': 'p%d', 'mac_address': '02:00:00:00:aa:0%d', "
			  "'device_id': '%s'",
			  network, i, i, i == 1 ? "" : "d"));
	return 0;
}

/* The names that a list shows, one after another. */
static const char *names(const char *token, const char *plural, const char *query)
{
	static char all[200];
	size_t length = 0;

	*all = '\0';
	if (cloud_call(token, "GET", text("/%s?%s", plural, query), NULL) != 200)
		fail_msg("%s: %s", query, cloud_at("/NeutronError/message"));
	for (int i = 0; i < cloud_size(text("/%s", plural)); i++)
		length += (size_t)snprintf(all + length, sizeof all - length, "%s%s", i ? " " : "",
					   cloud_at(text("/%s/%d/name", plural, i)));
	return all;
}

#define assert_names(token, plural, query, wanted) assert_string_equal(names(token, plural, query), wanted)

static void filters(void **state)
{
	(void)state;
	assert_names(ADMIN, "networks", "name=n2", "n2");
	assert_names(ADMIN, "networks", "name=n4&name=n2&name=x", "n2 n4");
	assert_names(ADMIN, "networks", "name=n4&admin_state_up=true", "");
	assert_names(ADMIN, "networks", "admin_state_up=False", "n2 n4");
	assert_names(ADMIN, "networks", "admin_state_up=0", "n2 n4");
	assert_names(ADMIN, "networks", "mtu=1403", "n3");
	assert_names(ADMIN, "networks", "mtu=01403", "n3");
	assert_names(ADMIN, "networks", "status=ACTIVE&mtu=1401", "n1");
	assert_names(ADMIN, "networks", "shared=true", "");
	assert_names(ADMIN, "networks", "project_id=p1", "own");
	assert_names(ADMIN, "networks", "tenant_id=p1", "own");
	assert_names(ADMIN, "networks", "provider:network_type=vlan", "");
	assert_names(ADMIN, "networks", "tags=red", "");
	assert_names(ADMIN, "networks", "not-tags=red&name=n1", "n1");
	assert_names(MEMBER, "networks", "", "own");
	assert_names(MEMBER, "networks", "name=n1", "");
}

/* What a user may not see cannot be asked for either. */
static void filters_on_hidden_members(void **state)
{
	(void)state;
	assert_names(MEMBER, "networks", "provider:network_type=vxlan", "");
	assert_names(MEMBER, "ports", "binding:host_id=", "");
}

static void filters_of_ports(void **state)
{
	(void)state;
	assert_names(MEMBER, "ports", text("network_id=%s&device_id=d", network), "p2 p3");
	assert_names(MEMBER, "ports", "device_id=", "p1");
	assert_names(MEMBER, "ports", "mac_address=02:00:00:00:AA:02", "p2");
	assert_names(MEMBER, "ports", "fixed_ips=ip_address%3D10.0.0.3", "p2");
	assert_names(MEMBER, "ports", "fixed_ips=ip_address%3D10.0.0.3&fixed_ips=ip_address%3D10.0.0.2",
		     "p1 p2");
	assert_names(MEMBER, "ports",
		     text("fixed_ips=ip_address%%3D10.0.0.3&fixed_ips=subnet_id%%3D%s", subnet), "p2");
	assert_names(MEMBER, "ports", "fixed_ips=ip_address%3D10.0.0.3&fixed_ips=subnet_id%3Dx", "");
	assert_names(MEMBER, "ports", "fixed_ips=ip_address_substr%3D.4", "p3");
	assert_names(MEMBER, "subnets", "ip_version=6", "");
	assert_names(MEMBER, "subnets", "cidr=10.0.0.0/24&enable_dhcp=1", "");
	assert_int_equal(cloud_size("/subnets"), 1);
}

static void refuses_bad_filters(void **state)
{
	(void)state;
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?nosuchfilter=1", NULL);
	assert_at("/NeutronError/message", "['nosuchfilter'] is invalid attribute for filtering");
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?subnets=x", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/ports?binding:vnic_type=direct", NULL);
	refused(400, "InvalidInput", ADMIN, "GET", "/networks?admin_state_up=maybe", NULL);
	refused(400, "InvalidInput", ADMIN, "GET", "/networks?mtu=big", NULL);
	refused(400, "InvalidInput", ADMIN, "GET", "/ports?fixed_ips=nope", NULL);
}

static void fields(void **state)
{
	(void)state;
	assert_int_equal(cloud_call(MEMBER, "GET", "/ports?fields=name&fields=status&name=p1", NULL), 200);
	assert_at("/ports/0", "{\"name\":\"p1\",\"status\":\"DOWN\"}");
	assert_int_equal(cloud_call(MEMBER, "GET", "/ports?fields=nope", NULL), 200);
	assert_at("/ports", "[{},{},{}]");
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks/%s?fields=name", network), NULL), 200);
	assert_at("/network", "{\"name\":\"own\"}");
	/* An empty name names nothing: everything is shown. */
	assert_int_equal(cloud_call(MEMBER, "GET", text("/networks/%s?fields=", network), NULL), 200);
	assert_at("/network/name", "own");
}

static void sorts(void **state)
{
	(void)state;
	assert_names(ADMIN, "networks", "project_id=p0&sort_key=name&sort_dir=desc", "n5 n4 n3 n2 n1");
	assert_names(ADMIN, "networks", "project_id=p0&sort_key=mtu&sort_dir=desc", "n5 n4 n3 n2 n1");
	assert_names(ADMIN, "networks",
		     "project_id=p0&sort_key=admin_state_up&sort_dir=desc&sort_key=name&sort_dir=asc",
		     "n1 n3 n5 n2 n4");
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?sort_key=nope&sort_dir=asc", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?sort_key=subnets&sort_dir=asc", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?sort_key=name&sort_dir=sideways", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?sort_key=name", NULL);
	refused(400, "HTTPBadRequest", ADMIN, "GET", "/networks?sort_dir=asc", NULL);
}

static const char *id_of(const char *name)
{
	assert_int_equal(cloud_call(ADMIN, "GET", text("/networks?name=%s", name), NULL), 200);
	return cloud_at("/networks/0/id");
}

#define BY_NAME "project_id=p0&sort_key=name&sort_dir=asc"

static void pages(void **state)
{
	(void)state;
	assert_names(ADMIN, "networks", BY_NAME "&limit=2", "n1 n2");
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&marker=%s", id_of("n2")), "n3 n4");
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&marker=%s", id_of("n4")), "n5");
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&marker=%s", id_of("n5")), "");
	assert_names(ADMIN, "networks", BY_NAME "&limit=2&page_reverse=True", "n4 n5");
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&page_reverse=true&marker=%s", id_of("n4")),
		     "n2 n3");
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&page_reverse=true&marker=%s", id_of("n2")),
		     "n1");
	/* The marker need not pass the filters itself. */
	assert_names(ADMIN, "networks", text(BY_NAME "&limit=2&admin_state_up=true&marker=%s", id_of("n2")),
		     "n3 n5");
	/* Without a limit, or with 0, there are no pages, and the marker says nothing. */
	assert_names(ADMIN, "networks", BY_NAME "&limit=0&marker=nope", "n1 n2 n3 n4 n5");
	assert_int_equal(cloud_size("/networks_links"), -1);
	assert_names(ADMIN, "networks", BY_NAME "&marker=nope", "n1 n2 n3 n4 n5");
	assert_names(ADMIN, "networks", BY_NAME "&limit=9000000000000000000", "n1 n2 n3 n4 n5");
}

static void refuses_bad_pages(void **state)
{
	(void)state;
	refused(400, "BadRequest", ADMIN, "GET", "/networks?limit=-1", NULL);
	refused(400, "BadRequest", ADMIN, "GET", "/networks?limit=abc", NULL);
	refused(404, "NetworkNotFound", ADMIN, "GET", "/networks?limit=1&marker=nope", NULL);
	refused(404, "PortNotFound", ADMIN, "GET", "/ports?limit=1&marker=nope", NULL);
	/* Nor can one look for things of others with it. */
	const char *foreign = id_of("n1");
	refused(404, "NetworkNotFound", MEMBER, "GET", text("/networks?limit=1&marker=%s", foreign), NULL);
}

/* Who follows the links sees everything once, with the filters of the beginning. */
static void links_lead_through(void **state)
{
	const char *prefix = "http://c/network/v2.0";
	char path[500] = "/ports?limit=2&name=p1&name=p3&name=p%32&sort_key=name&sort_dir=desc&fields=name";

	(void)state;
	assert_int_equal(cloud_call(MEMBER, "GET", path, NULL), 200);
	assert_at("/ports", "[{\"name\":\"p3\"},{\"name\":\"p2\"}]");
	assert_at("/ports_links/0/rel", "next");
	assert_at("/ports_links/1/rel", "previous");
	const char *next = cloud_at("/ports_links/0/href");
	assert_int_equal(strncmp(next, prefix, strlen(prefix)), 0);
	assert_int_equal(cloud_call(MEMBER, "GET", next + strlen(prefix), NULL), 200);
	assert_at("/ports", "[{\"name\":\"p1\"}]");
	assert_int_equal(cloud_size("/ports_links"), 1);
	assert_at("/ports_links/0/rel", "previous");
	const char *previous = cloud_at("/ports_links/0/href");
	assert_int_equal(cloud_call(MEMBER, "GET", previous + strlen(prefix), NULL), 200);
	assert_at("/ports", "[{\"name\":\"p3\"},{\"name\":\"p2\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(filters_on_hidden_members),
		cmocka_unit_test(filters_of_ports),
		cmocka_unit_test(refuses_bad_filters),
		cmocka_unit_test(fields),
		cmocka_unit_test(sorts),
		cmocka_unit_test(pages),
		cmocka_unit_test(refuses_bad_pages),
		cmocka_unit_test(links_lead_through),
	};

	return cmocka_run_group_tests(tests, set_up, cloud_tear_down);
}
