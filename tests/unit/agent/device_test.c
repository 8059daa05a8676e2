/* Tests of handing devices over and taking them back, on a simulated host. */
#include "../test.h"

#include "agent/device.h"
#include "agent/netdev.h"
#include "agent/simulated/simulated.h"

#define PF "0000:10:00.0"
#define VF "0000:10:10.1"

static struct world changed;
static char refused[128]; /* path of a file whose writes fail */

static bool some_writes_fail(const char *path, const char *text, struct error *err)
{
	if (*refused && strstr(path, refused))
		return error_set(err, ERROR_INTERNAL, "refused: %s", path);
	return world_simulated.write(path, text, err);
}

static int make(void **state)
{
	struct error err;

	(void)state;
	assert_true(simulated_start("4,2,4", &err));
	changed = world_simulated;
	changed.write = some_writes_fail;
	*refused = '\0';
	world = &changed;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	simulated_end();
	world = &world_real;
	return 0;
}

static void assert_pristine(void)
{
	char why[300];

	if (!simulated_is_pristine(why, sizeof why))
		fail_msg("%s", why);
}

static const char *driver(const char *address)
{
	static char name[32];
	char path[128];

	snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/driver", address);
	world->link(path, name, sizeof name);
	return name;
}

static void test_a_vf_goes_and_comes_back(void **state)
{
	struct device_memory memory;
	struct device_place place;
	struct error err;

	(void)state;
	assert_true(device_find(VF, &place, &err));
	assert_string_equal(place.parent, PF);
	assert_string_equal(place.pf, "sim0");
	assert_int_equal(place.vf_index, 1);
	assert_true(device_remember(VF, &memory, &err));
	assert_true(device_take(&memory, &err));
	assert_string_equal(driver(VF), "vfio-pci");
	assert_true(device_take(&memory, &err)); /* again */
	assert_true(device_return(&memory, &err));
	assert_true(device_return(&memory, &err));
	assert_pristine();
}

static void test_a_pf_comes_back_with_name_mtu_state_and_vfs(void **state)
{
	struct device_memory memory;
	struct error err;

	(void)state;
	assert_true(netdev_set_mtu("sim0", 9000, &err));
	assert_true(device_remember(PF, &memory, &err));
	assert_int_equal(memory.numvfs, 4);
	assert_true(device_take(&memory, &err));
	assert_int_equal(netdev_mtu("sim0"), -1);
	assert_true(device_return(&memory, &err));
	assert_string_equal(driver(PF), "igb");
	assert_int_equal(netdev_mtu("sim0"), 9000);
	assert_true(netdev_set_mtu("sim0", 1500, &err));
	assert_pristine();
}

static void test_a_pf_is_not_taken_from_under_a_guest(void **state)
{
	struct device_memory vf, pf;
	struct error err;

	(void)state;
	assert_true(device_remember(PF, &pf, &err));
	assert_true(device_remember(VF, &vf, &err));
	assert_true(device_take(&vf, &err));
	assert_false(device_take(&pf, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_false(device_remember(PF, &pf, &err));
	assert_string_equal(driver(PF), "igb");
	assert_true(device_return(&vf, &err));
	assert_pristine();
}

/* Some operators bind what guests shall have to vfio-pci at boot. */
static void test_a_device_that_is_bound_to_vfio_stays_so(void **state)
{
	struct device_memory memory;
	struct error err;

	(void)state;
	assert_true(world->write("/sys/bus/pci/devices/" VF "/driver_override", "vfio-pci", &err));
	assert_true(world->write("/sys/bus/pci/drivers_probe", VF, &err));
	assert_true(device_remember(VF, &memory, &err));
	assert_true(device_take(&memory, &err));
	assert_true(device_return(&memory, &err));
	assert_string_equal(driver(VF), "vfio-pci");
	assert_true(device_remember(VF, &memory, &err));
	assert_string_equal(memory.override, "vfio-pci");
}

static void test_what_fails_can_be_done_again(void **state)
{
	static const char *const files[] = {"driver_override", "drivers_probe", "driver/unbind",
					    "sriov_numvfs"};
	struct device_memory memory;
	struct error err;

	(void)state;
	assert_true(device_remember(PF, &memory, &err));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(refused, sizeof refused, "%s", files[i]);
		assert_false(device_take(&memory, &err));
		*refused = '\0';
		assert_true(device_take(&memory, &err));
		snprintf(refused, sizeof refused, "%s",
			 strcmp(files[i], "drivers_probe") == 0 ? "igb/bind" : files[i]);
		assert_false(device_return(&memory, &err));
		*refused = '\0';
		assert_true(device_return(&memory, &err));
		assert_pristine();
	}
}

/* All ones: it fell off the bus. */
static char *dead_config(const char *path)
{
	return strstr(path, "/config") ? strdup("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
				       : world_simulated.read(path);
}

static void test_a_device_that_does_not_answer_is_not_given_back(void **state)
{
	struct device_memory memory;
	struct error err;

	(void)state;
	assert_true(device_remember(PF, &memory, &err));
	assert_true(device_take(&memory, &err));
	changed.read = dead_config;
	assert_false(device_return(&memory, &err));
	assert_non_null(strstr(err.message, "does not answer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_vf_goes_and_comes_back, make, drop),
		cmocka_unit_test_setup_teardown(test_a_pf_comes_back_with_name_mtu_state_and_vfs, make, drop),
		cmocka_unit_test_setup_teardown(test_a_pf_is_not_taken_from_under_a_guest, make, drop),
		cmocka_unit_test_setup_teardown(test_a_device_that_is_bound_to_vfio_stays_so, make, drop),
		cmocka_unit_test_setup_teardown(test_what_fails_can_be_done_again, make, drop),
		cmocka_unit_test_setup_teardown(test_a_device_that_does_not_answer_is_not_given_back, make,
						drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
