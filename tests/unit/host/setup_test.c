/* `penstock host check` and `host setup` on the files of four systems (tests/data/hosts), against golden
 * results. PENSTOCK_TEST_REGENERATE=1 writes those anew. */
#include "../test.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *folder;

static int make(void **state)
{
	(void)state;
	folder = test_folder_make();
	return folder ? 0 : -1;
}

static int drop(void **state)
{
	(void)state;
	test_folder_remove(folder);
	return 0;
}

/* Runs it in the test's folder; the tree is below ./tree. */
static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
	char command[2048], line[2300];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof line, "cd %s && { %s; }", folder, command);
	return system(line) >> 8;
}

/* What ./out says is what the golden file says. */
static void check_golden(const char *host, const char *what)
{
	if (getenv("PENSTOCK_TEST_REGENERATE"))
		assert_int_equal(shell("cp out %s/%s.%s.txt", HOSTS, host, what), 0);
	assert_int_equal(shell("diff -u %s/%s.%s.txt out", HOSTS, host, what), 0);
}

static void check_host(const char *host, const char *arguments)
{
	assert_int_equal(shell("cp -a %s/%s tree", HOSTS, host), 0);
	assert_int_equal(shell("%s host check --root tree > out 2>&1", PENSTOCK), 1);
	check_golden(host, "check-before");

	/* A dry run changes nothing, and shows what the real one shows. */
	assert_int_equal(shell("%s host setup --root tree %s --dry-run > dry 2>&1", PENSTOCK, arguments), 0);
	assert_int_equal(shell("diff -r --no-dereference %s/%s tree", HOSTS, host), 0);
	assert_int_equal(shell("%s host setup --root tree %s > out 2>&1", PENSTOCK, arguments), 0);
	check_golden(host, "setup");
	assert_int_equal(
		shell("for f in dry out; do grep -vE '^(made|changed|would run)' $f > $f.shown; done; "
		      "cmp dry.shown out.shown"),
		0);

	/* What was changed stays beside it, under a name that nobody takes for a file of his. */
	assert_int_equal(
		shell("(cd tree && find . -name '*penstock~*') | sed 's/[.]before-penstock~$//' > kept; "
		      "test -s kept && while read -r f; do "
		      "cmp %s/%s/$f tree/$f.before-penstock~ || exit 1; done < kept",
		      HOSTS, host),
		0);
	assert_int_equal(shell("find tree -name '*penstock-new*' | grep ."), 1);

	/* The second run changes nothing. */
	assert_int_equal(shell("cp -a tree again && %s host setup --root again %s > out 2>&1", PENSTOCK,
			       arguments),
			 0);
	assert_int_equal(shell("grep -q '^nothing to change in files' out"), 0);
	assert_int_equal(shell("diff -r --no-dereference tree again"), 0);
	/* Neither does one without arguments: what was asked for is kept. */
	assert_int_equal(shell("%s host setup --root again > out 2>&1", PENSTOCK), 0);
	assert_int_equal(shell("diff -r --no-dereference tree again"), 0);

	assert_int_equal(shell("%s host check --root tree > out 2>&1", PENSTOCK), 1);
	check_golden(host, "check-after");
}

static void test_debian_12(void **state)
{
	(void)state;
	check_host("debian-12", "--vfs enp33s0f0=5 --hugepages 2M=1024");
}

static void test_ubuntu_24_04(void **state)
{
	struct stat status;
	char path[128];

	(void)state;
	check_host("ubuntu-24.04", "--vfs ens5f0=8 --hugepages 1G=16");
	snprintf(path, sizeof path, "%s/tree/etc/netplan/90-penstock.yaml", folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_rhel_7(void **state)
{
	(void)state;
	check_host("rhel-7", "--vfs p5p1=5");
}

static void test_rhel_9(void **state)
{
	(void)state;
	check_host("rhel-9", "--vfs ens5f0=5 --vfs ens5f1=4");
}

/* P10: by facts.  A command line that asks for an IOMMU is not one, and one that is on needs no word. */
static void test_p10_the_iommu_is_a_fact(void **state)
{
	(void)state;
	assert_int_equal(shell("cp -a %s/rhel-7 tree && echo intel_iommu=on iommu=pt > tree/proc/cmdline",
			       HOSTS),
			 0);
	assert_int_equal(shell("%s host check --root tree > out", PENSTOCK), 1);
	assert_int_equal(
		shell("grep -q '^IOMMU: kernel .*FAIL  off, though its command line asks for it' out"), 0);
	assert_int_equal(shell("mkdir -p tree/sys/class/iommu/dmar0 tree/sys/kernel/iommu_groups/1; "
			       "echo quiet > tree/proc/cmdline; %s host check --root tree > out",
			       PENSTOCK),
			 1);
	assert_int_equal(shell("grep -q '^IOMMU: kernel .*PASS  1 unit, 1 groups' out"), 0);
	assert_int_equal(shell("grep -q '^IOMMU: interrupt remapping .*FAIL' out"), 0);
	assert_int_equal(shell("printf '  1:  9  IR-IO-APIC  1-edge\\n' > tree/proc/interrupts; "
			       "%s host setup --root tree > out; grep iommu tree/etc/default/grub",
			       PENSTOCK),
			 1); /* nothing that is right is changed */
	assert_int_equal(shell("%s host check --root tree | grep -q 'remapping .*PASS  on'", PENSTOCK), 0);
	assert_int_equal(
		shell("rm tree/sys/firmware/acpi/tables/DMAR; rm -r tree/sys/class/iommu "
		      "tree/sys/kernel/iommu_groups; %s host check --root tree | grep -q '^IOMMU: firmware "
		      ".*FAIL  no ACPI table'",
		      PENSTOCK),
		0);
}

/* P6: the number is never lowered; P25: nor above what the firmware allows. */
static void test_p6_p25_numbers_of_vfs_that_are_refused(void **state)
{
	(void)state;
	assert_int_equal(shell("cp -a %s/ubuntu-24.04 tree && cp -a tree was", HOSTS), 0);
	assert_int_equal(shell("%s host setup --root tree --vfs ens5f1=1 2> out", PENSTOCK), 2);
	assert_int_equal(shell("grep -q 'ens5f1 has 2 VFs: a number of VFs is never lowered' out"), 0);
	assert_int_equal(shell("%s host setup --root tree --vfs ens5f1=64 2> out", PENSTOCK), 2);
	assert_int_equal(shell("grep -q 'ens5f1 can have 63 VFs at most' out"), 0);
	assert_int_equal(shell("%s host setup --root tree --vfs p9p9=1 2> out", PENSTOCK), 2);
	assert_int_equal(shell("grep -q 'no network device p9p9' out"), 0);
	assert_int_equal(shell("diff -r --no-dereference tree was"), 0);
	assert_int_equal(shell("d=tree/sys/bus/pci/devices/0000:21:00.0; ln -sfn "
			       "../../../../bus/pci/drivers/mlx5_core "
			       "$d/driver; echo 0 > $d/sriov_totalvfs; %s host check --root tree > out",
			       PENSTOCK),
			 1);
	assert_int_equal(
		shell("grep -A1 'ens5f0: VFs that the firmware allows .*FAIL' out | grep -q 'mend: mstconfig "
		      "-d 0000:21:00.0 set SRIOV_EN=1 NUM_OF_VFS=8'"),
		0);
}

/* P6: what others would make VFs by is not told a number that takes away VFs which guests have. */
static void test_p6_owners_are_told_no_number_while_a_vf_is_held(void **state)
{
	(void)state;
	assert_int_equal(
		shell("cp -a %s/ubuntu-24.04 tree && printf '    ens5f1:\\n      dhcp4: false\\n' >> "
		      "tree/etc/netplan/50-cloud-init.yaml",
		      HOSTS),
		0);
	assert_int_equal(shell("d=tree/sys/bus/pci; mkdir -p $d/drivers/vfio-pci tree/proc/4711/fd; ln -s "
			       "../../../../bus/pci/drivers/vfio-pci $d/devices/0000:21:10.1/driver"),
			 0);
	assert_int_equal(shell("%s host setup --root tree --vfs ens5f1=4 > out", PENSTOCK), 0);
	assert_int_equal(shell("grep -q 'ens5f1:4' tree/etc/penstock/host.conf"), 0);
	assert_int_equal(shell("test ! -e tree/etc/netplan/90-penstock.yaml"), 0);
	assert_int_equal(shell("rm tree/sys/bus/pci/devices/0000:21:10.1/driver; "
			       "%s host setup --root tree > out; grep -A1 ens5f1 "
			       "tree/etc/netplan/90-penstock.yaml | grep "
			       "-q 'virtual-function-count: 4'",
			       PENSTOCK),
			 0);
}

/* P9, P30, P31, P36, P37: rows of the check. */
static void test_p9_p30_p31_p36_p37_rows(void **state)
{
	(void)state;
	assert_int_equal(
		shell("cp -a %s/ubuntu-24.04 tree && cd tree && echo sw0 > "
		      "sys/class/net/ens5f1/phys_switch_id && "
		      "ln -sfn ../../../../kernel/iommu_groups/41 "
		      "sys/bus/pci/devices/0000:21:10.1/iommu_group && "
		      "printf '[DEFAULT]\\nglobal_physnet_mtu = 9000\\nram_allocation_ratio = 1.5\\n"
		      "reserved_huge_pages = node:0,size:2048,count:64\\n' >> etc/penstock/penstock.conf && "
		      "mkdir -p proc/99 && echo virtqemud > proc/99/comm && printf 'Max locked memory  65536 "
		      " "
		      "65536  bytes\\n' > proc/99/limits && printf 'CapEff:\\t0000000000000000\\n' > "
		      "proc/99/status",
		      HOSTS),
		0);
	assert_int_equal(shell("%s host check --root tree > out", PENSTOCK), 1);
	assert_int_equal(shell("grep -q 'IOMMU group of 0000:21:10.1 .*FAIL  group 41 is not viable: it has "
			       "0000:21:00.1 as well, which the driver ixgbe' out"),
			 0);
	assert_int_equal(shell("grep -A1 'ens5f0: MTU .*FAIL' out | grep -q 'mtu: 9000 in /etc/netplan'"), 0);
	assert_int_equal(
		shell("grep -A1 'ens5f1: embedded switch .*WARN' out | grep -q 'devlink dev eswitch set "
		      "pci/0000:21:00.1 mode legacy'"),
		0);
	assert_int_equal(shell("grep -q 'kernel lockdown .*WARN  integrity' out"), 0);
	assert_int_equal(shell("grep -A1 'huge pages of 2M .*FAIL  0 of 64' out | grep -q 'hugepages 2M=64'"),
			 0);
	assert_int_equal(shell("grep -A1 'RLIMIT_MEMLOCK.*FAIL  virtqemud may lock 65536' out | grep -q "
			       "'LimitMEMLOCK=infinity'"),
			 0);
	assert_int_equal(shell("grep -q 'overcommitment .*WARN  1.5' out"), 0);
	assert_int_equal(shell("printf 'CapEff:\\t000001ffffffffff\\n' > tree/proc/99/status; %s host check "
			       "--root tree | "
			       "grep -q 'RLIMIT_MEMLOCK.*PASS  virtqemud may raise it'",
			       PENSTOCK),
			 0);
	assert_int_equal(
		shell("%s host check --root tree --json > out; python3 -c 'import json; d = "
		      "json.load(open(\"out\")); "
		      "assert d[\"ok\"] is False and any(c[\"status\"] == \"FAIL\" and c[\"mend\"] for c in "
		      "d[\"checks\"])'",
		      PENSTOCK),
		0);
}

/* P8: by the permanent MAC; by its place where that is not known (a bond's MAC). */
static void test_p8_names_do_not_move(void **state)
{
	(void)state;
	assert_int_equal(shell("cp -a %s/rhel-9 tree && echo 3 > tree/sys/class/net/ens5f0/addr_assign_type "
			       "&& %s host setup "
			       "--root tree > out",
			       HOSTS, PENSTOCK),
			 0);
	assert_int_equal(
		shell("grep -q '^Path=pci-0000:21:00.0$' tree/etc/systemd/network/10-penstock-ens5f0.link"),
		0);
	assert_int_equal(shell("grep -q '^PermanentMACAddress=a0:36:9f:44:55:62$' "
			       "tree/etc/systemd/network/10-penstock-ens5f1.link"),
			 0);
	/* Somebody's own file is left alone, and so is a name of the kernel's. */
	assert_int_equal(
		shell("rm -rf tree && cp -a %s/rhel-9 tree && mkdir -p tree/etc/udev/rules.d && echo "
		      "'SUBSYSTEM==\"net\", ATTR{address}==\"a0:36:9f:44:55:60\", NAME=\"ens5f0\"' > "
		      "tree/etc/udev/rules.d/70-net.rules && sed -i 's/ens5f1/eth1/' "
		      "tree/etc/penstock/penstock.conf && d=tree/sys/bus/pci/devices/0000:21:00.1/net && mv "
		      "$d/ens5f1 $d/eth1 && rm tree/sys/class/net/ens5f1 && ln -s "
		      "../../devices/pci0000:20/0000:20:02.0/0000:21:00.1/net/eth1 tree/sys/class/net/eth1 "
		      "&& "
		      "%s host setup --root tree > out && test ! -e tree/etc/systemd/network && grep -q "
		      "'note: "
		      "eth1 "
		      "is a name of the kernel' out",
		      HOSTS, PENSTOCK),
		0);
}

/* RHEL 8: the words are in GRUB's environment, which grubby writes. */
static void test_entries_that_take_their_words_from_grubs_environment(void **state)
{
	(void)state;
	assert_int_equal(
		shell("cp -a %s/rhel-9 tree && sed -i 's/^options .*/options $kernelopts $tuned_params/' "
		      "tree/boot/loader/entries/*.conf && echo 'kernelopts=root=/dev/mapper/rhel-root ro' > "
		      "tree/boot/grub2/grubenv && rm tree/etc/kernel/cmdline && cp -a tree/boot boot && %s "
		      "host "
		      "setup --root tree --vfs ens5f0=2 > out",
		      HOSTS, PENSTOCK),
		0);
	assert_int_equal(shell("grep -q 'would run.*: grubby --update-kernel=ALL --args=intel_iommu=on$' out "
			       "&& diff -r boot "
			       "tree/boot"),
			 0);
	assert_int_equal(
		shell("echo 'kernelopts=root=/dev/mapper/rhel-root ro intel_iommu=on iommu=pt' > "
		      "tree/boot/grub2/grubenv; rm tree/var/lib/penstock/host-setup.pending; %s host setup "
		      "--root tree > out; grep grubby out",
		      PENSTOCK),
		1);
}

/* --- kill -9 --- */

/* Does the system call that the stopped child is about to make change which files there are? */
static bool is_a_step(pid_t child)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	switch (info.entry.nr) {
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_symlink:
	case SYS_symlinkat:
		return true;
	default:
		return false;
	}
}

/* Sets ./tree up and kills that before its nth step; false: it had fewer. */
static bool setup_killed_at(int n)
{
	int status, steps = 0;
	pid_t child = fork();

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (chdir(folder) == 0 && freopen("out", "w", stdout))
			execl(PENSTOCK, "penstock", "host", "setup", "--root", "tree", "--vfs", "p5p1=5",
			      NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (WIFSTOPPED(status)) {
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && is_a_step(child) && ++steps == n)
			kill(child, SIGKILL);
		ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		waitpid(child, &status, 0);
	}
	return WIFSIGNALED(status);
}

/* Whenever it was killed, the next setup ends where an undisturbed one would have, with the same programs to
 * run. */
static void test_a_killed_setup_goes_on(void **state)
{
	int n = 1;

	(void)state;
	assert_int_equal(shell("cp -a %s/rhel-7 fresh && cp -a fresh whole && %s host setup --root whole "
			       "--vfs p5p1=5 > out",
			       HOSTS, PENSTOCK),
			 0);
	assert_int_equal(shell("grep -q '^grub2-mkconfig' whole/var/lib/penstock/host-setup.pending"), 0);
	for (;; n++) {
		assert_int_equal(shell("rm -rf tree && cp -a fresh tree"), 0);
		if (!setup_killed_at(n))
			break;
		assert_int_equal(shell("%s host setup --root tree --vfs p5p1=5 > out && diff -r "
				       "--no-dereference whole tree",
				       PENSTOCK),
				 0);
	}
	assert_in_range(n, 10, 30);
}

/* A file that is a link is changed where it leads to; one that leads out of the tree is left alone. */
static void test_links_are_followed(void **state)
{
	(void)state;
	assert_int_equal(
		shell("cp -a %s/rhel-7 tree && mv tree/etc/default/grub tree/etc/sysconfig/grub && ln -s "
		      "../sysconfig/grub tree/etc/default/grub && %s host setup --root tree > out",
		      HOSTS, PENSTOCK),
		0);
	assert_int_equal(shell("test -L tree/etc/default/grub && grep -q iommu=pt tree/etc/sysconfig/grub"),
			 0);
	assert_int_equal(shell("cp "
			       "%s/rhel-7/etc/default/grub outside; cp outside was; ln -sfn %s/outside "
			       "tree/etc/default/grub; %s host setup --root tree > out 2>&1",
			       HOSTS, folder, PENSTOCK),
			 1);
	assert_int_equal(shell("grep -q 'out of the tree' out && cmp outside was"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_debian_12, make, drop),
		cmocka_unit_test_setup_teardown(test_ubuntu_24_04, make, drop),
		cmocka_unit_test_setup_teardown(test_rhel_7, make, drop),
		cmocka_unit_test_setup_teardown(test_rhel_9, make, drop),
		cmocka_unit_test_setup_teardown(test_p10_the_iommu_is_a_fact, make, drop),
		cmocka_unit_test_setup_teardown(test_p6_p25_numbers_of_vfs_that_are_refused, make, drop),
		cmocka_unit_test_setup_teardown(test_p6_owners_are_told_no_number_while_a_vf_is_held, make,
						drop),
		cmocka_unit_test_setup_teardown(test_p9_p30_p31_p36_p37_rows, make, drop),
		cmocka_unit_test_setup_teardown(test_p8_names_do_not_move, make, drop),
		cmocka_unit_test_setup_teardown(test_entries_that_take_their_words_from_grubs_environment,
						make, drop),
		cmocka_unit_test_setup_teardown(test_a_killed_setup_goes_on, make, drop),
		cmocka_unit_test_setup_teardown(test_links_are_followed, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
