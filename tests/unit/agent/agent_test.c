/* Tests of the agent: what is on the config drive, the domain's XML, what is refused of the controller's
 * words. */
#include "../test.h"

#include "agent/config_drive.h"
#include "agent/server.h"
#include "agent/vm.h"
#include "base/memory.h"

static const char wanted[] =
	"{\"id\":\"11111111-2222-3333-4444-555555555555\",\"generation\":3,\"want\":\"running\",\"name\":\"a<"
	"b\","
	"\"hostname\":\"a-b\",\"instance_name\":\"instance-00000001\",\"project_id\":\"p\",\"availability_"
	"zone\":\"nova\","
	"\"vcpus\":1,\"memory_mb\":64,\"disk_gb\":1,\"image\":null,\"kernel\":null,\"ramdisk\":null,"
	"\"ports\":[{\"id\":"
	"\"aaaaaaaa-2222-3333-4444-555555555555\",\"index\":0,\"mac_address\":\"fa:16:3e:00:00:01\",\"vnic_"
	"type\":\"direct\","
	"\"admin_state_up\":true,\"port_security\":true,\"mtu\":1500,\"vlan\":1010,\"device\":{\"address\":"
	"\"0000:21:10.0\","
	"\"type\":\"type-VF\",\"parent\":\"0000:21:00.0\"},\"network\":{\"id\":\"bbbbbbbb-2222-3333-4444-"
	"555555555555\","
	"\"name\":\"n\",\"type\":\"vlan\",\"subnets\":[{\"id\":\"cccccccc-2222-3333-4444-555555555555\","
	"\"cidr\":"
	"\"10.0.0.0/"
	"24\",\"ip_version\":4,\"gateway_ip\":\"10.0.0.1\",\"enable_dhcp\":false,\"dns_nameservers\":[],"
	"\"host_routes\":[]}]},\"fixed_ips\":[{\"ip_address\":\"10.0.0.100\",\"subnet_id\":"
	"\"cccccccc-2222-3333-4444-555555555555\"}]}],\"devices\":[],\"config_drive\":{\"meta\":{\"peer\":"
	"\"10.0.0.101\"},"
	"\"user_data\":\"aGVsbG8=\",\"keys\":[{\"name\":\"k\",\"type\":\"ssh\",\"data\":\"ssh-rsa AAAA\"}]}}";

static yyjson_doc *server(void)
{
	yyjson_doc *doc = yyjson_read(wanted, strlen(wanted), 0);

	assert_non_null(doc);
	return doc;
}

static void test_network_data_has_the_static_address(void **state)
{
	yyjson_doc *doc = server();
	char *text = config_drive_network_data(yyjson_doc_get_root(doc));

	(void)state;
	assert_non_null(strstr(text, "\"ethernet_mac_address\":\"fa:16:3e:00:00:01\""));
	assert_non_null(
		strstr(text,
		       "\"type\":\"ipv4\",\"ip_address\":\"10.0.0.100\",\"netmask\":\"255.255.255.0\""));
	assert_non_null(strstr(text, "\"gateway\":\"10.0.0.1\""));
	free(text);
	yyjson_doc_free(doc);
}

static void test_the_volume_is_config_2(void **state)
{
	char *folder = test_folder_make(), *path = memory_printf("%s/c.iso", folder);
	char label[9] = "", command[512];
	yyjson_doc *doc = server();
	struct error err;

	(void)state;
	assert_true(config_drive_write(yyjson_doc_get_root(doc), path, &err));
	FILE *file = fopen(path, "r");
	fseek(file, 32768 + 40, SEEK_SET); /* ECMA-119: volume identifier of the primary descriptor */
	assert_int_equal(fread(label, 1, 8, file), 8);
	fclose(file);
	assert_string_equal(label, "config-2");
	snprintf(command, sizeof command,
		 "bsdtar -xOf %s openstack/latest/user_data | grep -qx hello && "
		 "bsdtar -xOf %s openstack/latest/meta_data.json | grep -q '\"peer\":\"10.0.0.101\"'",
		 path, path);
	assert_int_equal(system(command), 0);
	free(path);
	yyjson_doc_free(doc);
	test_folder_remove(folder);
}

static void test_the_domain_has_the_vf_and_escapes_names(void **state)
{
	yyjson_doc *doc = server();
	struct text xml = {0};

	(void)state;
	vm_xml(yyjson_doc_get_root(doc), "/x", "qemu", &xml);
	assert_non_null(
		strstr(xml.data,
		       "<hostdev mode='subsystem' type='pci' managed='no'>"
		       "<source><address domain='0x0000' bus='0x21' slot='0x10' function='0x0'/></source>"
		       "<alias name='ua-aaaaaaaa-2222-3333-4444-555555555555'/></hostdev>"));
	assert_non_null(strstr(xml.data, "a&lt;b"));
	assert_non_null(strstr(xml.data, "machine='q35'"));
	text_done(&xml);
	yyjson_doc_free(doc);
}

/* The controller's words with one of them changed. */
static bool accepted(const char *from, const char *to)
{
	char *at = strstr(wanted, from),
	     *text = memory_printf("%.*s%s%s", (int)(at - wanted), wanted, to, at + strlen(from));
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	struct error err;
	bool ok = server_check(yyjson_doc_get_root(doc), &err);

	yyjson_doc_free(doc);
	free(text);
	return ok;
}

static void test_the_controllers_words_are_checked(void **state)
{
	(void)state;
	assert_true(accepted("\"vcpus\":1", "\"vcpus\":2"));
	assert_false(accepted("11111111-2222", "../../../etc"));
	assert_false(accepted("0000:21:10.0", "0000:21:10.0'/><x"));
	assert_false(accepted("fa:16:3e:00:00:01", "fa:16:3e:00:00:0'"));
	assert_false(accepted("instance-00000001", "a/b"));
	assert_false(accepted("\"vlan\":1010", "\"vlan\":5000"));
	assert_false(accepted("\"memory_mb\":64", "\"memory_mb\":-1"));
	assert_false(accepted("\"want\":\"running\"", "\"want\":\"flying\""));
	assert_false(accepted("10.0.0.100", "10.0.0.1'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_data_has_the_static_address),
		cmocka_unit_test(test_the_volume_is_config_2),
		cmocka_unit_test(test_the_domain_has_the_vf_and_escapes_names),
		cmocka_unit_test(test_the_controllers_words_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
