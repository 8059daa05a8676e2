/* The initramfs holds copies of some files of /etc: names of network devices, and what modprobe may load. */
#include "host/subjects.h"

#include <stddef.h>

static const char *tool(void)
{
	if (machine_has("/usr/sbin/update-initramfs"))
		return "update-initramfs -u -k all";
	if (machine_has("/usr/bin/dracut") || machine_has("/usr/sbin/dracut") || machine_has("/sbin/dracut"))
		return "dracut --force --regenerate-all";
	return NULL;
}

void initramfs_plan(struct plan *plan)
{
	if (!plan_changes(plan, "/etc/systemd/network/") && !plan_changes(plan, "/etc/modprobe.d/"))
		return;
	if (tool())
		plan_run(plan, tool());
	else
		plan_note(plan, "found neither update-initramfs nor dracut: if an initramfs of this host has "
				"files of "
				"/etc/systemd/network or /etc/modprobe.d, make it anew");
}
