/* The pure parts of `penstock host`: command lines, shell files, matches of network files, diffs. */
#include "../test.h"

#include "base/memory.h"
#include "host/cmdline.h"
#include "host/subjects.h"
#include "host/wishes.h"

#include <fcntl.h>

static const struct cmdline_change iommu = {.add = {"intel_iommu=on", "iommu=pt"},
					    .add_count = 2,
					    .remove = {"intel_iommu=off"},
					    .remove_count = 1};

static void check_cmdline(const char *line, const struct cmdline_change *change, const char *expected)
{
	_cleanup_free_ char *without = cmdline_remove(line, change), *with = cmdline_add(without, "", change),
			    *again = NULL, *twice = NULL;
	char missing[200];

	assert_string_equal(with, expected);
	again = cmdline_remove(with, change);
	twice = cmdline_add(again, "", change);
	assert_string_equal(twice, expected);
	assert_true(cmdline_is_right(with, change, missing, sizeof missing));
}

static void test_command_lines(void **state)
{
	const struct wish_pages pages = {"2M", 2048, 1024};
	struct cmdline_change more = {.pages = &pages, .pages_count = 1};

	(void)state;
	check_cmdline("", &iommu, "intel_iommu=on iommu=pt");
	check_cmdline("quiet  splash", &iommu, "quiet  splash intel_iommu=on iommu=pt");
	check_cmdline("iommu=pt quiet intel_iommu=off", &iommu, "iommu=pt quiet intel_iommu=on");
	check_cmdline("dyndbg=\"file a.c +p\" x", &iommu, "dyndbg=\"file a.c +p\" x intel_iommu=on iommu=pt");
	check_cmdline("hugepages=64 quiet", &more, "quiet hugepagesz=2M hugepages=1024");
	check_cmdline("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=8", &more,
		      "hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=1024");
	check_cmdline("hugepages=1024", &more, "hugepages=1024");
	check_cmdline("default_hugepagesz=1G hugepages=4", &more,
		      "default_hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=1024");
}

static void check_grub(const char *text, const char *expected)
{
	_cleanup_free_ char *changed = grub_change(text, "GRUB_CMDLINE_LINUX", "", &iommu, true);

	if (!expected) {
		assert_null(changed);
		return;
	}
	assert_non_null(changed);
	assert_string_equal(changed, expected);
}

static void test_shell_files_of_grub(void **state)
{
	(void)state;
	check_grub("A=1\nGRUB_CMDLINE_LINUX=\"quiet\" # why\nB=2\n",
		   "A=1\nGRUB_CMDLINE_LINUX=\"quiet intel_iommu=on iommu=pt\" # why\nB=2\n");
	check_grub("GRUB_CMDLINE_LINUX='a'", "GRUB_CMDLINE_LINUX='a intel_iommu=on iommu=pt'");
	check_grub("GRUB_CMDLINE_LINUX=quiet\n", "GRUB_CMDLINE_LINUX=\"quiet intel_iommu=on iommu=pt\"\n");
	check_grub("GRUB_CMDLINE_LINUX=\n", "GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt\"\n");
	check_grub("export GRUB_CMDLINE_LINUX=\"\"\n",
		   "export GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt\"\n");
	check_grub("#GRUB_CMDLINE_LINUX=\"\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"x\"\n", NULL);
	check_grub("GRUB_CMDLINE_LINUX=\"a\nb\"\n", NULL);
	check_grub("GRUB_CMDLINE_LINUX=a\\\n", NULL);
	check_grub("GRUB_CMDLINE_LINUX=a\" b\"\n", NULL);
}

static void test_matches_of_networkd(void **state)
{
	struct pci_device device = {.address = "0000:21:00.0",
				    .driver = "ixgbe",
				    .mac_address = "a0:36:9f:8f:3f:b8"};
	struct machine_nic nic = {.name = "p5p1", .device = &device};

	(void)state;
	assert_true(networkd_matches("[Match]\nName=eno1 p5p*\n[Network]\nDHCP=yes\n", &nic));
	assert_true(networkd_matches("[Match]\nMACAddress=A0:36:9F:8F:3F:B8\n", &nic));
	assert_true(networkd_matches("[Match]\nPath = pci-0000:21:00.0\nDriver=ixgbe\n", &nic));
	assert_false(networkd_matches("[Match]\nName=p5p1\nDriver=igb\n", &nic));
	assert_false(networkd_matches("[Match]\nName=p5p1\nVirtualization=yes\n", &nic)); /* nobody knows */
	assert_false(networkd_matches("[Network]\nName=p5p1\n", &nic));
}

static void check_netplan(const char *text, const char *expected)
{
	struct pci_device device = {.mac_address = "a0:36:9f:8f:3f:b8"};
	struct machine_nic nic = {.name = "p5p1", .device = &device};
	char id[64];
	bool found = netplan_definition(text, &nic, id);

	assert_int_equal(found, expected != NULL);
	if (expected)
		assert_string_equal(id, expected);
}

static void test_definitions_of_netplan(void **state)
{
	(void)state;
	check_netplan("network:\n  ethernets:\n    eno1:\n      dhcp4: true\n    p5p1:\n      mtu: 9000\n",
		      "p5p1");
	check_netplan("network:\n  ethernets:\n    fast:\n      match: \n        name: p5*\n    eno1: {}\n",
		      "fast");
	check_netplan("network:\n    ethernets:\n        a:\n            match:\n                macaddress: "
		      "'A0:36:9F:8F:3F:B8'\n",
		      "a");
	check_netplan(
		"network:\n  ethernets:\n    b:\n      match:\n        macaddress: 00:00:00:00:00:01\n      "
		"set-name: \"p5p1\" # it\n  version: 2\n",
		"b");
	check_netplan("network:\n  ethernets:\n    p5p1:\n      match:\n        name: eno1\n", NULL);
	check_netplan("network:\n  bridges:\n    p5p1:\n      dhcp4: no\n  ethernets:\n    eno1: {}\n", NULL);
	check_netplan("network:\n  ethernets:\n    eno1: {}\n  vlans:\n    p5p1:\n      id: 5\n", NULL);
	check_netplan("", NULL);
}

static void test_wishes(void **state)
{
	static const char *const bad[] = {"p5p1",
					  "p5p1=",
					  "p5p1=-1",
					  "p5p1=x",
					  "=5",
					  "p5p1=5,driver",
					  "p5p1=5,drivers,x",
					  "../x=5",
					  "p*=5",
					  "averyveryverylongname=5",
					  "p5p1=65536"};
	static const char *const bad_pages[] = {"2M",	 "2K=1", "=1",	   "0M=1",
						"2M=-1", "M=1",	 "2M=1=2", "2MB=4"};
	struct wishes wishes = {0};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		assert_false(wishes_add_vfs(&wishes, bad[i], &err));
	for (size_t i = 0; i < ELEMENTS_OF(bad_pages); i++)
		assert_false(wishes_add_pages(&wishes, bad_pages[i], &err));
	assert_true(wishes_add_vfs(&wishes, "p5p1=5", &err));
	assert_true(wishes_add_vfs(&wishes, "p5p2=2,drivers", &err));
	assert_true(wishes_add_vfs(&wishes, "p5p1=7", &err));
	assert_true(wishes_add_pages(&wishes, "1G=16", &err));
	_cleanup_free_ char *text = wishes_text(&wishes);
	assert_non_null(strstr(text, "\nvfs = p5p1:7, p5p2:2:drivers\nhugepages = 1G:16\n"));
	wishes_done(&wishes);
}

/* patch(1) makes the one of the other, for many pairs of texts. */
static void test_diffs_are_what_patch_reads(void **state)
{
	char *folder = test_folder_make(), path[64], command[300];

	(void)state;
	snprintf(path, sizeof path, "%s/diff", folder);
	srand(4);
	for (int round = 0; round < 25; round++) {
		char old[400] = "", new[400] = "";

		for (int line = rand() % 30; line > 0; line--) {
			char text[8];

			snprintf(text, sizeof text, "%d\n", rand() % 6);
			if (rand() % 4)
				strcat(old, text);
			if (rand() % 4)
				strcat(new, text);
		}
		if (round % 3 == 0)
			strcat(new, "no end");
		if (strcmp(old, new) == 0)
			continue;
		fflush(stdout);
		int saved = dup(1), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		diff_print("f", old, new);
		fflush(stdout);
		dup2(saved, 1);
		close(saved);
		close(fd);
		snprintf(command, sizeof command, "%s/f", folder);
		FILE *file = fopen(command, "w");
		fputs(old, file);
		fclose(file);
		snprintf(command, sizeof command, "%s/want", folder);
		file = fopen(command, "w");
		fputs(new, file);
		fclose(file);
		snprintf(command, sizeof command, "cd %s && patch -s -p0 < diff && touch f && cmp f want",
			 folder);
		assert_int_equal(system(command), 0);
	}
	test_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_shell_files_of_grub),
		cmocka_unit_test(test_matches_of_networkd),
		cmocka_unit_test(test_definitions_of_netplan),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_diffs_are_what_patch_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
