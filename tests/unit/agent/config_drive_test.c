/* Tests of config drives, read back with libarchive. */
#include "../test.h"

#include "agent/config_drive.h"
#include "base/memory.h"
#include "wanted.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

/* What a file of the volume says, or NULL. */
static char *volume_file(const char *volume, const char *name)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	char *text = NULL;

	archive_read_support_format_iso9660(archive);
	assert_int_equal(archive_read_open_filename(archive, volume, 10240), ARCHIVE_OK);
	while (!text && archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
		if (strcmp(archive_entry_pathname(entry), name) != 0)
			continue;
		const char *same = archive_entry_hardlink(entry);
		if (same) { /* another name of a file that came before */
			text = volume_file(volume, same);
			break;
		}
		size_t size = (size_t)archive_entry_size(entry);
		text = calloc(1, size + 1);
		assert_int_equal(archive_read_data(archive, text, size), size);
	}
	archive_read_free(archive);
	return text;
}

static yyjson_doc *volume_json(const char *volume, const char *name)
{
	char *text = volume_file(volume, name);

	assert_non_null(text);
	yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
	assert_non_null(doc);
	free(text);
	return doc;
}

static const char *at(yyjson_doc *doc, const char *pointer)
{
	const char *text = yyjson_get_str(yyjson_doc_ptr_get(doc, pointer));

	return text ? text : "";
}

struct volume {
	char *folder, *path;
};

static int make(void **state)
{
	struct volume *volume = calloc(1, sizeof *volume);
	yyjson_doc *doc = wanted_server();
	struct error err;

	volume->folder = test_folder_make();
	volume->path = memory_printf("%s/config.iso", volume->folder);
	assert_true(config_drive_write(yyjson_doc_get_root(doc), volume->path, &err));
	yyjson_doc_free(doc);
	*state = volume;
	return 0;
}

static int drop(void **state)
{
	struct volume *volume = *state;

	test_folder_remove(volume->folder);
	free(volume->path);
	free(volume);
	return 0;
}

static void test_the_volume_has_its_name(void **state)
{
	const struct volume *volume = *state;
	char label[9] = "";

	FILE *file = fopen(volume->path, "r");
	fseek(file, 16 * 2048 + 40,
	      SEEK_SET); /* ECMA-119, 8.4.7: volume identifier of the primary descriptor */
	assert_int_equal(fread(label, 1, 8, file), 8);
	fclose(file);
	assert_string_equal(label, "config-2");
}

static void test_meta_data_says_who_the_guest_is(void **state)
{
	const struct volume *volume = *state;
	yyjson_doc *doc = volume_json(volume->path, "openstack/latest/meta_data.json");

	assert_string_equal(at(doc, "/uuid"), WANTED_ID);
	assert_string_equal(at(doc, "/name"), "a<b");
	assert_string_equal(at(doc, "/hostname"), "a-b");
	assert_string_equal(at(doc, "/project_id"), "p");
	assert_string_equal(at(doc, "/availability_zone"), "nova");
	assert_string_equal(at(doc, "/admin_pass"), "geheim");
	assert_string_equal(at(doc, "/meta/peer"), "10.0.0.101");
	assert_string_equal(at(doc, "/public_keys/k"), "ssh-rsa AAAA");
	assert_string_equal(at(doc, "/keys/0/type"), "ssh");
	assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(doc, "/launch_index")), 0);
	assert_int_equal(strlen(at(doc, "/random_seed")), 684); /* 512 bytes in base64 */
	yyjson_doc_free(doc);
}

static void test_devices_are_told_by_mac_and_place(void **state)
{
	const struct volume *volume = *state;
	yyjson_doc *doc = volume_json(volume->path, "openstack/latest/meta_data.json");

	assert_string_equal(at(doc, "/devices/0/type"), "nic");
	assert_string_equal(at(doc, "/devices/0/bus"), "pci");
	assert_string_equal(at(doc, "/devices/0/address"), "0000:02:00.0");
	assert_string_equal(at(doc, "/devices/0/mac"), "fa:16:3e:00:00:01");
	yyjson_doc_free(doc);
}

static void test_network_data_of_a_vf_is_static(void **state)
{
	const struct volume *volume = *state;
	yyjson_doc *doc = volume_json(volume->path, "openstack/2018-08-27/network_data.json");

	assert_string_equal(at(doc, "/links/0/type"), "hw_veb");
	assert_string_equal(at(doc, "/links/0/ethernet_mac_address"), "fa:16:3e:00:00:01");
	assert_string_equal(at(doc, "/links/0/vif_id"), WANTED_VF_PORT);
	assert_string_equal(at(doc, "/networks/0/link"), at(doc, "/links/0/id"));
	assert_string_equal(at(doc, "/networks/0/type"), "ipv4");
	assert_string_equal(at(doc, "/networks/0/ip_address"), "10.0.0.100");
	assert_string_equal(at(doc, "/networks/0/netmask"), "255.255.255.0");
	assert_string_equal(at(doc, "/networks/0/routes/0/network"), "0.0.0.0");
	assert_string_equal(at(doc, "/networks/0/routes/0/netmask"), "0.0.0.0");
	assert_string_equal(at(doc, "/networks/0/routes/0/gateway"), "10.0.0.1");
	assert_string_equal(at(doc, "/networks/0/routes/1/network"), "10.9.0.0");
	assert_string_equal(at(doc, "/networks/0/routes/1/netmask"), "255.255.0.0");
	assert_string_equal(at(doc, "/networks/0/routes/1/gateway"), "10.0.0.9");
	assert_string_equal(at(doc, "/services/0/address"), "10.0.0.53");
	yyjson_doc_free(doc);
}

static void test_network_data_of_a_standard_nic_is_dhcp(void **state)
{
	const struct volume *volume = *state;
	yyjson_doc *doc = volume_json(volume->path, "openstack/latest/network_data.json");

	assert_string_equal(at(doc, "/networks/1/type"), "ipv4_dhcp");
	assert_null(yyjson_doc_ptr_get(doc, "/networks/1/ip_address"));
	assert_string_equal(at(doc, "/networks/1/network_id"), "eeeeeeee-2222-3333-4444-555555555555");
	yyjson_doc_free(doc);
}

/* Each version has the same files with the same content. */
static void test_every_version_is_whole(void **state)
{
	const struct volume *volume = *state;
	static const char *const versions[] = {"2012-08-10", "2013-04-04", "2013-10-17",
					       "2015-10-15", "2016-06-30", "2016-10-06",
					       "2017-02-22", "2018-08-27", "2020-10-14"};
	static const char *const names[] = {"meta_data.json", "network_data.json", "vendor_data.json",
					    "user_data"};

	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		char path[80];
		snprintf(path, sizeof path, "openstack/latest/%s", names[k]);
		char *latest = volume_file(volume->path, path);

		assert_non_null(latest);
		assert_true(strlen(latest) > 0);
		for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
			snprintf(path, sizeof path, "openstack/%s/%s", versions[i], names[k]);
			char *text = volume_file(volume->path, path);

			assert_non_null(text);
			assert_string_equal(text, latest);
			free(text);
		}
		free(latest);
	}
}

static void test_user_data_is_as_it_was_given(void **state)
{
	const struct volume *volume = *state;
	char *text = volume_file(volume->path, "openstack/latest/user_data");
	char *vendor = volume_file(volume->path, "openstack/latest/vendor_data.json");

	assert_string_equal(text, "hello");
	assert_string_equal(vendor, "{}");
	free(text);
	free(vendor);
}

static void test_user_data_that_is_no_base64_is_refused(void **state)
{
	const struct volume *volume = *state;
	char *path = memory_printf("%s/other.iso", volume->folder);
	yyjson_doc *doc = wanted_changed("aGVsbG8=", "aGVsb!8=", NULL);
	struct error err;

	assert_false(config_drive_write(yyjson_doc_get_root(doc), path, &err));
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	yyjson_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_volume_has_its_name),
		cmocka_unit_test(test_meta_data_says_who_the_guest_is),
		cmocka_unit_test(test_devices_are_told_by_mac_and_place),
		cmocka_unit_test(test_network_data_of_a_vf_is_static),
		cmocka_unit_test(test_network_data_of_a_standard_nic_is_dhcp),
		cmocka_unit_test(test_every_version_is_whole),
		cmocka_unit_test(test_user_data_is_as_it_was_given),
		cmocka_unit_test(test_user_data_that_is_no_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
