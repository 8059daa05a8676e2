/* penstock host setup: what is to be changed, shown, and made so. */
#include "host/host.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/holders.h"
#include "host/machine.h"
#include "host/subjects.h"
#include "host/vfs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIVE_WAIT_S 2

/* --- what is wished for --- */

/* Do VFs of this PF have drivers of the host's now? */
static bool uses_drivers(const struct machine *m, const struct machine_nic *nic)
{
	for (size_t i = 0; i < m->device_count; i++) {
		const struct pci_device *vf = &m->devices[i];

		if (strcmp(vf->parent, nic->device->address) == 0 && *vf->driver &&
		    !strstr(vf->driver, "vfio"))
			return true;
	}
	return false;
}

/* A PF that is configured and of which nobody said how many VFs it shall have keeps those that it has. */
static void wishes_complete(struct machine *m)
{
	for (size_t i = 0; i < m->nic_count; i++) {
		struct machine_nic *nic = &m->nics[i];

		if (!nic->device || nic->wish)
			continue;
		struct wish_vfs *wish = ARRAY_ADD(m->wishes.vfs, m->wishes.vfs_count);
		*wish = (struct wish_vfs){.count = nic->device->numvfs, .drivers = uses_drivers(m, nic)};
		snprintf(wish->netdev, sizeof wish->netdev, "%s", nic->name);
	}
	for (size_t i = 0; i < m->nic_count; i++) /* the array may have moved */
		m->nics[i].wish = wishes_find(&m->wishes, m->nics[i].name);
}

static bool is_requested(const struct host_request *request, const char *name)
{
	for (size_t i = 0; i < request->vfs_count; i++) {
		size_t length = strlen(name);

		if (strncmp(request->vfs[i], name, length) == 0 && strchr("=:", request->vfs[i][length]))
			return true;
	}
	return false;
}

static bool wish_check(const struct host_request *request, const struct machine_nic *nic, struct error *err)
{
	const struct pci_device *pf = nic->device;

	if (!nic->wish || (!pf && !is_requested(request, nic->name)))
		return true;
	if (!pf)
		return error_set(err, ERROR_BAD_REQUEST, "there is no network device %s that is a PCI device",
				 nic->name);
	if (nic->wish->count > pf->totalvfs)
		return error_set(err, ERROR_BAD_REQUEST,
				 "%s can have %d VFs at most, as its firmware says (sriov_totalvfs)",
				 nic->name, pf->totalvfs);
	if (nic->wish->count < pf->numvfs && is_requested(request, nic->name))
		return error_set(
			err, ERROR_BAD_REQUEST,
			"%s has %d VFs: a number of VFs is never lowered. When no guest has one: echo 0 > "
			"/sys/class/net/%s/device/sriov_numvfs, and run this again",
			nic->name, pf->numvfs, nic->name);
	return true;
}

static bool wishes_check(const struct host_request *request, const struct machine *m, struct error *err)
{
	for (size_t i = 0; i < m->nic_count; i++) {
		if (!wish_check(request, &m->nics[i], err))
			return false;
	}
	return true;
}

/* --- planning --- */

/* How many VFs the NIC's owner may be told to make: what it is told may take effect at any time, and it
 * takes all VFs away to make another number of them. */
static int number_to_tell(const struct machine *m, const struct machine_nic *nic)
{
	_cleanup_(text_done) struct text holders = {0};

	if (!nic->wish || !nic->device || nic->wish->count == 0)
		return -1;
	if (nic->wish->count < nic->device->numvfs)
		return -1;
	if (nic->wish->count > nic->device->numvfs &&
	    holders_find(m->devices, m->device_count, nic->device->address, &holders))
		return -1;
	return nic->wish->count;
}

static void nic_plan(const struct machine *m, const struct machine_nic *nic, struct plan *plan)
{
	int vfs = number_to_tell(m, nic);

	if (!nic->device) {
		plan_note(plan, "there is no network device %s now: nothing was done for it", nic->name);
		return;
	}
	if (nic->wish->count == 0 && nic->physical_network && nic->device->totalvfs > 0)
		plan_note(plan, "%s has no VFs: say how many with --vfs %s=N (up to %d)", nic->name,
			  nic->name, nic->device->totalvfs);
	names_plan(nic, vfs, plan);
	manager_plan(nic, vfs, plan);
}

static bool everything_plan(const struct machine *m, const struct cmdline_change *change, struct plan *plan,
			    struct error *err)
{
	_cleanup_free_ char *wishes = wishes_text(&m->wishes);

	plan_resume(plan);
	plan_write(plan, WISHES_FILE, wishes, 0644);
	if (!kernel_plan(change, plan, err))
		return false;
	modules_plan(m, plan);
	unit_plan(m, plan);
	for (size_t i = 0; i < m->nic_count; i++)
		nic_plan(m, &m->nics[i], plan);
	initramfs_plan(plan);
	if (!m->nic_count)
		plan_note(plan, "no PF is named: neither in the configuration (device_spec, "
				"physical_device_mappings) nor "
				"by --vfs");
	return true;
}

/* --- now, on this machine --- */

static void vfio_load(void)
{
	static const char *const argv[] = {"modprobe", "vfio-pci", NULL};
	struct error err;

	if (!modules_present("vfio-pci") && !world->run(argv, 10, NULL, &err))
		fprintf(stderr, "penstock: modprobe vfio-pci: %s\n", err.message);
}

static int64_t pages_now(const struct wish_pages *wish, char path[128])
{
	char line[32];

	snprintf(path, 128, "/sys/kernel/mm/hugepages/hugepages-%lldkB/nr_hugepages",
		 (long long)wish->size_kb);
	world_line(path, line, sizeof line);
	return *line ? atoll(line) : -1;
}

/* More of them, if the kernel finds that much memory in one piece; the rest comes at the next boot. */
static void pages_raise(const struct wish_pages *wish)
{
	char path[128], text[24];
	struct error err;

	int64_t now = pages_now(wish, path);
	if (now < 0 || now >= wish->count)
		return;
	snprintf(text, sizeof text, "%lld", (long long)wish->count);
	if (!world->write(path, text, &err))
		fprintf(stderr, "penstock: %s\n", err.message);
}

static bool make_it_so(const struct machine *m)
{
	bool ok = true;
	struct error err;

	vfio_load();
	for (size_t i = 0; i < m->wishes.pages_count; i++)
		pages_raise(&m->wishes.pages[i]);
	for (size_t i = 0; i < m->nic_count; i++) {
		if (!m->nics[i].device || vfs_apply(m->nics[i].wish, LIVE_WAIT_S, &err))
			continue;
		fprintf(stderr, "penstock: %s\n", err.message);
		ok = false;
	}
	return ok;
}

/* Pages that are there need no reboot, though the running command line does not name them. */
static void say_whether_to_reboot(const struct machine *m, const struct cmdline_change *change)
{
	struct cmdline_change words = *change;
	char missing[200], path[128];
	bool pages = true;

	for (size_t i = 0; i < m->wishes.pages_count; i++)
		pages &= pages_now(&m->wishes.pages[i], path) >= m->wishes.pages[i].count;
	words.pages_count = pages ? 0 : change->pages_count;
	if (!cmdline_is_right(m->cmdline, &words, missing, sizeof missing))
		printf("reboot needed: this boot's kernel command line is not as it shall be: %s\n", missing);
}

/* --- all --- */

static void show(const struct plan *plan, bool dry_run)
{
	if (!plan->file_count)
		printf("nothing to change in files\n");
	plan_show(plan);
	for (size_t i = 0; dry_run && i < plan->command_count; i++)
		printf("would run: %s\n", plan->commands[i]);
}

static bool setup(const struct host_request *request, struct machine *m, struct plan *plan, struct error *err)
{
	struct cmdline_change change;
	bool live = !*request->root, ok = true;

	if (!machine_read(request, m, err) || !wishes_check(request, m, err))
		return false;
	wishes_complete(m);
	kernel_change(m, &change);
	if (!everything_plan(m, &change, plan, err))
		return false;
	show(plan, request->dry_run);
	if (!request->dry_run) {
		if (!plan_carry_out(plan, !live, err) || (live && !kernel_verify(&change, err)))
			return false;
		ok = !live || make_it_so(m);
	}
	for (size_t i = 0; i < plan->note_count; i++)
		printf("note: %s\n", plan->notes[i]);
	say_whether_to_reboot(m, &change);
	return ok || error_set(err, ERROR_CONFLICT,
			       "not everything could be done now; what is in files holds from the "
			       "next boot on");
}

static bool may(const struct host_request *request, struct error *err)
{
	return request->dry_run || *request->root || geteuid() == 0 ||
	       error_set(err, ERROR_FORBIDDEN,
			 "host setup changes files of the system: run it as root, or with --dry-run");
}

int host_setup(const struct host_request *request)
{
	struct machine m = {0};
	struct plan plan = {0};
	struct error err;
	bool ok = may(request, &err) && setup(request, &m, &plan, &err);

	fflush(stdout);
	if (!ok)
		fprintf(stderr, "penstock: %s\n", err.message);
	plan_done(&plan);
	machine_done(&m);
	return ok ? 0 : err.kind == ERROR_BAD_REQUEST ? 2 : 1;
}
