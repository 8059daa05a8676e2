/* Facts about the PFs that the configuration names. */
#include "host/check.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/items.h"
#include "host/subjects.h"

#include <string.h>

#define USUAL_VFS 8 /* what is proposed where nobody said a number */

struct nic_check {
	struct check *check;
	const struct machine_nic *nic;
	char fact[64];
};

static const char *fact(struct nic_check *n, const char *what)
{
	snprintf(n->fact, sizeof n->fact, "%s: %s", n->nic->name, what);
	return n->fact;
}

/* --- is it there, what is it --- */

static bool some_pf_is_away(const struct machine *m)
{
	for (size_t i = 0; i < m->device_count; i++) {
		if (strstr(m->devices[i].driver, "vfio") && strcmp(m->devices[i].type, "type-VF") != 0)
			return true;
	}
	return false;
}

static bool check_there(struct nic_check *n)
{
	const struct machine_nic *nic = n->nic;

	if (nic->device) {
		check_pass(n->check, fact(n, "network device"), "%s, %s:%s, driver %s", nic->device->address,
			   nic->device->vendor_id, nic->device->product_id, nic->device->driver);
		return true;
	}
	if (some_pf_is_away(n->check->machine))
		check_not(n->check, CHECK_WARN, fact(n, "network device"), NULL,
			  "there is none now; a guest may have it");
	else
		check_not(
			n->check, CHECK_FAIL, fact(n, "network device"),
			"look for its name in `ip link`, and at its driver in `lspci -k`; correct devname or "
			"physical_device_mappings in the configuration",
			"there is no such network device of a PCI device");
	return false;
}

/* --- VFs --- */

static int vfs_wanted(const struct machine_nic *nic)
{
	return nic->wish ? nic->wish->count : -1;
}

/* What a device says of itself: sriov_totalvfs.  Mellanox keeps it in a setting of its firmware. */
static void check_limit(struct nic_check *n)
{
	const struct pci_device *pf = n->nic->device;
	int wanted = vfs_wanted(n->nic);
	bool mellanox = strncmp(pf->driver, "mlx", 3) == 0;
	_cleanup_free_ char *mend = NULL;

	if (wanted <= 0 && !n->nic->physical_network)
		return;
	mend = mellanox ? memory_printf("mstconfig -d %s set SRIOV_EN=1 NUM_OF_VFS=%d; reboot", pf->address,
					wanted > 0 ? wanted : 8)
			: memory_printf("switch on SR-IOV in the firmware's setup (BIOS, and that of the "
					"NIC), and reboot");
	if (pf->totalvfs == 0)
		check_not(n->check, CHECK_FAIL, fact(n, "VFs that the firmware allows"), mend,
			  "none: no SR-IOV, or it is switched off");
	else if (pf->totalvfs < wanted)
		check_not(n->check, CHECK_FAIL, fact(n, "VFs that the firmware allows"), mend,
			  "%d, and %d are asked for", pf->totalvfs, wanted);
	else
		check_pass(n->check, fact(n, "VFs that the firmware allows"), "%d", pf->totalvfs);
}

static void check_vfs(struct nic_check *n)
{
	const struct pci_device *pf = n->nic->device;
	int wanted = vfs_wanted(n->nic);
	_cleanup_free_ char *mend = memory_printf("penstock host setup --vfs %s=%d", n->nic->name,
						  wanted > 0		     ? wanted
						  : pf->totalvfs < USUAL_VFS ? pf->totalvfs
									     : USUAL_VFS);

	if (pf->totalvfs == 0)
		return;
	if (wanted > pf->numvfs)
		check_not(n->check, CHECK_FAIL, fact(n, "VFs that exist"), "penstock host apply", "%d of %d",
			  pf->numvfs, wanted);
	else if (wanted < 0 && pf->numvfs == 0 && n->nic->physical_network)
		check_not(n->check, CHECK_FAIL, fact(n, "VFs that exist"), mend,
			  "none of %d, and ports of %s need some", pf->totalvfs, n->nic->physnet);
	else if (wanted >= 0 && pf->numvfs > wanted)
		check_not(n->check, CHECK_WARN, fact(n, "VFs that exist"), mend,
			  "%d, and " WISHES_FILE " says %d: after a reboot there are fewer", pf->numvfs,
			  wanted);
	else
		check_pass(n->check, fact(n, "VFs that exist"), "%d", pf->numvfs);
}

static void check_persistent(struct nic_check *n)
{
	const struct pci_device *pf = n->nic->device;
	int wanted = vfs_wanted(n->nic), others = 0;
	_cleanup_free_ char *mend = memory_printf("penstock host setup --vfs %s=%d", n->nic->name,
						  wanted >= 0 ? wanted : pf->numvfs);
	char file[256];
	bool other = manager_makes_vfs(n->nic, &others, file, sizeof file);

	if (wanted >= 0 && !unit_enabled())
		check_not(n->check, CHECK_FAIL, fact(n, "VFs after a reboot"), "penstock host setup",
			  WISHES_FILE " says %d, and " UNIT_NAME " is not enabled", wanted);
	else if (wanted >= 0 && other && others >= 0 && others != wanted)
		check_not(n->check, CHECK_WARN, fact(n, "VFs after a reboot"), mend,
			  "%s says %d, and " WISHES_FILE " %d: whoever comes last makes them anew", file,
			  others, wanted);
	else if (wanted >= 0)
		check_pass(n->check, fact(n, "VFs after a reboot"), "%d, by " UNIT_NAME, wanted);
	else if (other)
		check_pass(n->check, fact(n, "VFs after a reboot"), "by %s", file);
	else if (pf->numvfs > 0)
		check_not(n->check, CHECK_WARN, fact(n, "VFs after a reboot"), mend,
			  "nothing makes them: they are gone then");
}

static void check_drivers(struct nic_check *n)
{
	const struct machine_nic *nic = n->nic;
	_cleanup_free_ char *mend = memory_printf("penstock host setup (echo 0 > /sys/class/net/%s/device/"
						  "sriov_drivers_autoprobe until then)",
						  nic->name);

	if (nic->device->totalvfs == 0 || nic->autoprobe < 0)
		return;
	if (nic->autoprobe == 0 || (nic->wish && nic->wish->drivers))
		check_pass(n->check, fact(n, "drivers of new VFs"), "%s",
			   nic->autoprobe ? "the host's, as asked for"
					  : "none (sriov_drivers_autoprobe is 0)");
	else
		check_not(n->check, CHECK_WARN, fact(n, "drivers of new VFs"), mend,
			  "the host's driver binds each as it appears: slow, and network services may "
			  "configure them");
}

static void check_switchdev(struct nic_check *n)
{
	_cleanup_free_ char *mend = memory_printf("with no VFs: devlink dev eswitch set pci/%s mode legacy",
						  n->nic->device->address);

	if (n->nic->switchdev)
		check_not(n->check, CHECK_WARN, fact(n, "embedded switch"), mend,
			  "in switchdev mode: VLAN, spoof check and rates that are set on VFs have no effect "
			  "there");
	else if (n->nic->device->totalvfs > 0)
		check_pass(n->check, fact(n, "embedded switch"), "legacy mode");
}

/* --- the link --- */

static void check_up(struct nic_check *n)
{
	_cleanup_free_ char *mend =
		memory_printf("ip link set %s up; `penstock host setup` for good", n->nic->name);

	if (n->nic->up)
		check_pass(n->check, fact(n, "up"), "yes");
	else if (n->nic->physical_network || n->nic->device->numvfs > 0)
		check_not(n->check, CHECK_FAIL, fact(n, "up"), mend, "no: its VFs have no carrier");
	else
		check_not(n->check, CHECK_WARN, fact(n, "up"), mend, "no");
}

/* What networks on this physical network may carry, as far as these files say. */
static int64_t mtu_wanted(const struct check *check, const char *physnet)
{
	char item[128], name[ITEM_PHYSNET_SIZE];
	int64_t mtu = 1500, global = 1500;
	struct error err;

	for (size_t i = 0;
	     config_list_item(check->config, "ml2", "physical_network_mtus", i, item, sizeof item); i++) {
		if (item_physnet_mtu(item, name, &mtu) && strcmp(name, physnet) == 0)
			return mtu;
	}
	config_int(check->config, "DEFAULT", "global_physnet_mtu", 1500, 68, 65535, &global, &err);
	return global;
}

static char *mtu_for_good(const struct machine_nic *nic, long long mtu)
{
	switch (nic->manager) {
	case MANAGER_NETPLAN:
		return memory_printf("mtu: %lld in %s, netplan apply", mtu, nic->managed_by);
	case MANAGER_NETWORKMANAGER:
		return memory_printf("nmcli connection modify %s ethernet.mtu %lld", nic->name, mtu);
	case MANAGER_NETWORK_SCRIPTS:
		return memory_printf("MTU=%lld in %s", mtu, nic->managed_by);
	case MANAGER_IFUPDOWN:
		return memory_printf("mtu %lld in %s", mtu, nic->managed_by);
	case MANAGER_NETWORKD:
		return memory_printf("[Link] MTUBytes=%lld in %s", mtu, nic->managed_by);
	default:
		return memory_printf(
			"[Link] MTUBytes=%lld in /etc/systemd/network/10-penstock-%s.link.d/mtu.conf", mtu,
			nic->name);
	}
}

static void check_mtu(struct nic_check *n)
{
	int64_t wanted = mtu_wanted(n->check, n->nic->physnet);
	_cleanup_free_ char *good = mtu_for_good(n->nic, wanted),
			    *mend = memory_printf("ip link set %s mtu %lld; for good: %s", n->nic->name,
						  (long long)wanted, good);

	if (!n->nic->physical_network)
		return;
	if (n->nic->mtu < wanted)
		check_not(n->check, CHECK_FAIL, fact(n, "MTU"), mend,
			  "%d, and networks on %s may have %lld: larger packets are lost without a word",
			  n->nic->mtu, n->nic->physnet, (long long)wanted);
	else
		check_pass(n->check, fact(n, "MTU"), "%d, networks on %s have %lld at most", n->nic->mtu,
			   n->nic->physnet, (long long)wanted);
}

static void check_name(struct nic_check *n)
{
	char file[256];

	if (names_are_stable(n->nic, file, sizeof file))
		check_pass(n->check, fact(n, "name"), "kept by %s", file);
	else
		check_not(n->check, CHECK_WARN, fact(n, "name"), "penstock host setup",
			  "nothing keeps it: it may change when a card is added");
}

/* --- who else --- */

static void check_manager(struct nic_check *n)
{
	const struct machine_nic *nic = n->nic;
	char file[256];

	if (nic->manager == MANAGER_NETWORKMANAGER && !*nic->managed_by)
		check_not(n->check, CHECK_WARN, fact(n, "managed by"), "penstock host setup",
			  "NetworkManager, which has no profile for it: it may bring it down, or ask for an "
			  "address");
	else if (networkd_programs_vfs(nic, file, sizeof file))
		check_not(n->check, CHECK_WARN, fact(n, "managed by"),
			  "take the [SR-IOV] sections out: Penstock alone programs VFs",
			  "systemd-networkd: %s sets MAC, VLAN and the like of VFs", file);
	else
		check_pass(n->check, fact(n, "managed by"), "%s%s%s", manager_name(nic->manager),
			   *nic->managed_by ? ", " : "", nic->managed_by);
}

static void check_nic(struct check *check, const struct machine_nic *nic)
{
	struct nic_check n = {check, nic, ""};

	if (!check_there(&n))
		return;
	check_limit(&n);
	check_vfs(&n);
	check_persistent(&n);
	check_drivers(&n);
	check_switchdev(&n);
	check_up(&n);
	check_mtu(&n);
	check_name(&n);
	check_manager(&n);
}

void check_nics(struct check *check)
{
	const struct machine *m = check->machine;

	for (size_t i = 0; i < m->nic_count; i++)
		check_nic(check, &m->nics[i]);
	if (!m->nic_count)
		check_not(check, CHECK_WARN, "PFs",
			  "name them: --config-file with [pci] device_spec, or --pf NAME",
			  "the configuration names no network device");
}
