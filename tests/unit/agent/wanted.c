/* A server as the controller would ask for it. */
#include "wanted.h"

#include "../test.h"

const char wanted_json[] =
	"{\"id\": \"11111111-2222-3333-4444-555555555555\", \"generation\": 3, \"want\": \"running\","
	" \"name\": \"a<b\", \"hostname\": \"a-b\", \"instance_name\": \"instance-00000001\","
	" \"project_id\": \"p\", \"user_id\": \"u\", \"availability_zone\": \"nova\","
	" \"vcpus\": 1, \"memory_mb\": 64, \"disk_gb\": 1,"
	" \"image\": {\"id\": \"99999999-2222-3333-4444-555555555555\", \"disk_format\": \"raw\", \"size\": "
	"4,"
	"   \"sha512\": \"ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db2"
	"7ac185f8a0e1d5f84f88bc887fd67b143732c304cc5fa9ad8e6f57f50028a8ff\","
	"   \"properties\": {}},"
	" \"kernel\": null, \"ramdisk\": null,"
	" \"ports\": ["
	"  {\"id\": \"aaaaaaaa-2222-3333-4444-555555555555\", \"index\": 0, \"mac_address\": "
	"\"fa:16:3e:00:00:01\","
	"   \"vnic_type\": \"direct\", \"admin_state_up\": true, \"port_security\": true, \"mtu\": 1500, "
	"\"vlan\": 1010,"
	"   \"qos\": {\"max_kbps\": 3000, \"min_kbps\": 2000},"
	"   \"device\": {\"address\": \"0000:10:10.1\", \"type\": \"type-VF\", \"parent\": \"0000:10:00.0\"},"
	"   \"network\": {\"id\": \"bbbbbbbb-2222-3333-4444-555555555555\", \"name\": \"n\", \"type\": "
	"\"vlan\","
	"    \"subnets\": [{\"id\": \"cccccccc-2222-3333-4444-555555555555\", \"cidr\": \"10.0.0.0/24\", "
	"\"ip_version\": 4,"
	"     \"gateway_ip\": \"10.0.0.1\", \"enable_dhcp\": false, \"dns_nameservers\": [\"10.0.0.53\"],"
	"     \"host_routes\": [{\"destination\": \"10.9.0.0/16\", \"nexthop\": \"10.0.0.9\"}]}]},"
	"   \"fixed_ips\": [{\"ip_address\": \"10.0.0.100\", \"subnet_id\": "
	"\"cccccccc-2222-3333-4444-555555555555\"}]},"
	"  {\"id\": \"dddddddd-2222-3333-4444-555555555555\", \"index\": 1, \"mac_address\": "
	"\"fa:16:3e:00:00:02\","
	"   \"vnic_type\": \"normal\", \"admin_state_up\": true, \"port_security\": true, \"mtu\": 1500, "
	"\"vlan\": null,"
	"   \"device\": null,"
	"   \"network\": {\"id\": \"eeeeeeee-2222-3333-4444-555555555555\", \"name\": \"private\", \"type\": "
	"\"local\","
	"    \"subnets\": [{\"id\": \"ffffffff-2222-3333-4444-555555555555\", \"cidr\": \"192.168.0.0/24\","
	"     \"ip_version\": 4, \"gateway_ip\": \"192.168.0.1\", \"enable_dhcp\": true,"
	"     \"dns_nameservers\": [\"8.8.8.8\"], \"host_routes\": []}]},"
	"   \"fixed_ips\": [{\"ip_address\": \"192.168.0.7\", \"subnet_id\": "
	"\"ffffffff-2222-3333-4444-555555555555\"}]}],"
	" \"devices\": [{\"address\": \"0000:11:00.0\", \"type\": \"type-PF\", \"alias\": \"my_PF\", "
	"\"numa_node\": 1}],"
	" \"config_drive\": {\"meta\": {\"peer\": \"10.0.0.101\"}, \"user_data\": \"aGVsbG8=\","
	"   \"keys\": [{\"name\": \"k\", \"type\": \"ssh\", \"data\": \"ssh-rsa AAAA\"}], \"admin_pass\": "
	"\"geheim\","
	"   \"launch_index\": 0}}";

static yyjson_doc *parse(const char *text)
{
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);

	assert_non_null(doc);
	return doc;
}

yyjson_doc *wanted_server(void)
{
	return parse(wanted_json);
}

static char *replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	size_t size = strlen(text) + strlen(to) + 1;
	char *changed = malloc(size);

	assert_non_null(at);
	snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return changed;
}

yyjson_doc *wanted_changed(const char *from, const char *to, ...)
{
	char *text = replace(wanted_json, from, to), *before;
	va_list pairs;

	va_start(pairs, to);
	while ((from = va_arg(pairs, const char *))) {
		before = text;
		text = replace(before, from, va_arg(pairs, const char *));
		free(before);
	}
	va_end(pairs);
	yyjson_doc *doc = parse(text);
	free(text);
	return doc;
}
