/* The grant journal as a file: what is no journal is never taken for an empty one. */
#include "../test.h"

#include "agent/grant.h"
#include "base/memory.h"

static char *folder;
static struct error err;

static void put(const char *text)
{
	_cleanup_free_ char *path = memory_printf("%s/grant.json", folder);
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static bool is_read(void)
{
	struct grant grant;
	bool ok = grant_read(folder, &grant, &err);

	grant_done(&grant);
	return ok;
}

static void test_no_journal(void **state)
{
	static const char *const wrong[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"devices\": []}",
		"{\"leases\": []}",
		"{\"devices\": {}, \"leases\": []}",
		"{\"devices\": [{}], \"leases\": []}",
		"{\"devices\": [{\"address\": \"10.0\"}], \"leases\": []}",
		"{\"devices\": [], \"leases\": [{\"mac\": \"fa:16:3e:00:00:01\"}]}",
		"{\"devices\": [], \"leases\": [",
	};

	(void)state;
	folder = test_folder_make();
	assert_true(is_read()); /* none at all: nothing was taken */
	for (size_t i = 0; i < ELEMENTS_OF(wrong); i++) {
		put(wrong[i]);
		if (is_read())
			fail_msg("taken for a journal: %s", wrong[i]);
		assert_non_null(strstr(err.message, "is no grant journal"));
	}
	put("{\"devices\": [], \"leases\": []}");
	assert_true(is_read());
	test_folder_remove(folder);
}

/* The kernel allows any bytes in the name of a network device. */
static void test_odd_name(void **state)
{
	struct granted_device device = {.memory = {.address = "0000:10:10.1", .netdev = "eth\xff\xe2\x82"},
					.place = {.parent = "0000:10:00.0", .vf_index = 1}};
	struct grant grant = {.devices = &device, .device_count = 1}, again;

	(void)state;
	folder = test_folder_make();
	assert_true(grant_write(folder, &grant, &err));
	assert_true(grant_read(folder, &again, &err));
	assert_int_equal(again.device_count, 1);
	assert_string_equal(again.devices[0].memory.netdev, device.memory.netdev);
	assert_int_equal(again.devices[0].place.vf_index, 1);
	grant_done(&again);
	test_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_journal),
		cmocka_unit_test(test_odd_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
