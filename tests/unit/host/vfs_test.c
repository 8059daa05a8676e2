/* Making VFs: what is written, in which order, and what never is; and who holds a VF. */
#include "../test.h"

#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "host/holders.h"
#include "host/vfs.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#define PF  "sys/bus/pci/devices/0000:21:00.0"
#define VF0 "sys/bus/pci/devices/0000:21:10.0"

static char *folder;
static struct world fake;
static char history[1000]; /* what was done to the host, in order */
static bool is_up;
static int makes; /* how many VFs the next write makes; -1: as many as are asked for */

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
	char command[1024], line[1200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof line, "cd %s && { %s; }", folder, command);
	assert_int_equal(system(line), 0);
}

static void happened(const char *what)
{
	size_t length = strlen(history);

	snprintf(history + length, sizeof history - length, "%s%s", length ? ", " : "", what);
}

static void vf_add(int i)
{
	shell("d=sys/bus/pci/devices/0000:21:10.%d; mkdir -p $d && echo 0x8086 > $d/vendor && echo 0x10ca > "
	      "$d/device && "
	      "echo 0x020000 > $d/class && ln -s ../0000:21:00.0 $d/physfn && ln -s ../../iommu_groups/2%d "
	      "$d/iommu_group && ln -s ../0000:21:10.%d " PF "/virtfn%d",
	      i, i, i, i);
}

static bool kernel_write(const char *path, const char *text, struct error *err)
{
	char what[100];

	(void)err;
	snprintf(what, sizeof what, "%s=%s", strrchr(path, '/') + 1, text);
	happened(what);
	if (!strstr(path, "sriov_numvfs"))
		return true;
	shell("rm -rf " PF "/virtfn* sys/bus/pci/devices/0000:21:10.*");
	for (int i = 0; i < (makes < 0 ? atoi(text) : makes); i++)
		vf_add(i);
	return true;
}

static int kernel_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			  size_t size)
{
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	(void)why;
	(void)size;
	if (message->nlmsg_type == RTM_SETLINK) {
		happened("up");
		is_up = true;
	} else if (answer) {
		info->ifi_flags = is_up ? IFF_UP : 0;
		answer(message, argument);
	}
	return 0;
}

static void no_pause(int milliseconds)
{
	(void)milliseconds;
}

/* A PF with no VFs, down. */
static int make(void **state)
{
	(void)state;
	folder = test_folder_make();
	*history = '\0';
	is_up = false;
	makes = -1;
	shell("mkdir -p " PF "/net/p5p1 sys/class/net/p5p1 proc && cd " PF
	      " && echo 0x8086 > vendor && echo 0x10c9 > device "
	      "&& echo 0x020000 > class && echo 7 > sriov_totalvfs");
	shell("cd sys/class/net/p5p1 && ln -s ../../../bus/pci/devices/0000:21:00.0 device && echo 7 > "
	      "ifindex && echo 1 > "
	      "device/sriov_drivers_autoprobe");
	world_files_set_root(folder);
	fake = world_real;
	fake.write = kernel_write;
	fake.netlink = kernel_netlink;
	fake.pause = no_pause;
	world = &fake;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	world = &world_real;
	world_files_set_root("");
	test_folder_remove(folder);
	return 0;
}

/* P25: bnxt_en makes no VFs while the PF is down.  P31: the host's driver would bind each VF as it appears.
 */
static void test_p25_p31_up_and_no_drivers_before_the_vfs(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 5};
	struct error err;

	(void)state;
	assert_true(vfs_apply(&wish, 0, &err));
	assert_string_equal(history, "up, sriov_drivers_autoprobe=0, sriov_numvfs=5");
	*history = '\0';
	shell("echo 0 > " PF "/sriov_drivers_autoprobe");
	assert_true(vfs_apply(&wish, 0, &err)); /* again: nothing is written */
	assert_string_equal(history, "");
}

static void test_drivers_as_wished(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 2, .drivers = true};
	struct error err;

	(void)state;
	assert_true(vfs_apply(&wish, 0, &err));
	assert_string_equal(history, "up, sriov_numvfs=2");
}

/* P6 */
static void test_p6_a_number_is_never_lowered(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 2, .drivers = true};
	struct error err;

	(void)state;
	for (int i = 0; i < 4; i++)
		vf_add(i);
	assert_true(vfs_apply(&wish, 0, &err));
	assert_string_equal(history, "up");
}

static void test_more_of_them_when_nobody_has_one(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 5, .drivers = true};
	struct error err;

	(void)state;
	vf_add(0);
	assert_true(vfs_apply(&wish, 0, &err));
	assert_string_equal(history, "up, sriov_numvfs=0, sriov_numvfs=5");
}

/* P6: QEMU has it; then only vfio-pci; then the host's own network. */
static void test_p6_holders_are_named(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 5, .drivers = true};
	struct error err;

	(void)state;
	vf_add(0);
	shell("mkdir -p proc/4711/fd proc/12/fd && ln -s /dev/vfio/20 proc/4711/fd/23 && ln -s /dev/pts/20 "
	      "proc/12/fd/3 && "
	      "echo qemu-system-x86 > proc/4711/comm && printf "
	      "'qemu-system-x86_64\\0-name\\0guest=instance-00000007,debug-threads=on\\0' > "
	      "proc/4711/cmdline && "
	      "ln -s ../../drivers/vfio-pci " VF0 "/driver");
	assert_false(vfs_apply(&wish, 0, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_non_null(
		strstr(err.message, "VF 0000:21:10.0: qemu-system-x86 of instance-00000007 (process 4711)"));
	shell("rm -r proc/4711");
	assert_false(vfs_apply(&wish, 0, &err));
	assert_non_null(strstr(err.message, "VF 0000:21:10.0: vfio-pci has it for a guest"));
	shell("rm " VF0 "/driver && mkdir -p " VF0 "/net/p5p1v0 sys/class/net/p5p1v0 && echo 0x1003 > "
	      "sys/class/net/p5p1v0/flags");
	assert_false(vfs_apply(&wish, 0, &err));
	assert_non_null(strstr(err.message, "the host uses it as p5p1v0, which is up"));
	assert_string_equal(history, "up"); /* sriov_numvfs was never written */
}

/* P7: what was written is not what is. */
static void test_p7_the_number_is_read_back(void **state)
{
	const struct wish_vfs wish = {.netdev = "p5p1", .count = 5, .drivers = true};
	struct error err;

	(void)state;
	makes = 3;
	assert_false(vfs_apply(&wish, 0, &err));
	assert_non_null(strstr(err.message, "p5p1 has 3 VFs after 5 were asked for"));
}

static void test_more_than_the_firmware_allows(void **state)
{
	struct wish_vfs wish = {.netdev = "p5p1", .count = 8, .drivers = true};
	struct error err;

	(void)state;
	assert_false(vfs_apply(&wish, 0, &err));
	assert_non_null(strstr(err.message, "p5p1 can have 7 VFs, not 8"));
	snprintf(wish.netdev, sizeof wish.netdev, "p5p9");
	assert_false(vfs_apply(&wish, 1, &err));
	assert_non_null(strstr(err.message, "there is no network device p5p9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_p25_p31_up_and_no_drivers_before_the_vfs, make, drop),
		cmocka_unit_test_setup_teardown(test_drivers_as_wished, make, drop),
		cmocka_unit_test_setup_teardown(test_p6_a_number_is_never_lowered, make, drop),
		cmocka_unit_test_setup_teardown(test_more_of_them_when_nobody_has_one, make, drop),
		cmocka_unit_test_setup_teardown(test_p6_holders_are_named, make, drop),
		cmocka_unit_test_setup_teardown(test_p7_the_number_is_read_back, make, drop),
		cmocka_unit_test_setup_teardown(test_more_than_the_firmware_allows, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
