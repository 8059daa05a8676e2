/* The systemd unit that makes the VFs at boot. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OURS "/etc/systemd/system/" UNIT_NAME

/* Where the command is, or will be on that machine. */
static void program_path(const struct machine *m, char path[PATH_MAX])
{
	ssize_t length = *m->root ? -1 : readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (length > 0)
		path[length] = '\0';
	else
		strcpy(path, machine_has("/usr/local/bin/penstock") ? "/usr/local/bin/penstock"
								    : "/usr/bin/penstock");
}

static const char *installed(void)
{
	static const char *const places[] = {OURS, "/usr/local/lib/systemd/system/" UNIT_NAME,
					     "/usr/lib/systemd/system/" UNIT_NAME,
					     "/lib/systemd/system/" UNIT_NAME};

	for (size_t i = 0; i < ELEMENTS_OF(places); i++) {
		if (machine_has(places[i]))
			return places[i];
	}
	return NULL;
}

bool unit_enabled(void)
{
	return installed() && machine_unit_enabled(UNIT_NAME);
}

/* After the network's own services, so that what they do to a PF is done; before the agent looks.  Directives
 * are those that systemd 219 (RHEL 7) knows. */
static const char unit_text[] = "# Written by `penstock host setup`.\n"
				"[Unit]\n"
				"Description=Penstock: VFs and PFs of this host (" WISHES_FILE ")\n"
				"ConditionPathExists=" WISHES_FILE "\n"
				"After=local-fs.target systemd-modules-load.service network.target\n"
				"Before=penstock-agent.service\n"
				"\n"
				"[Service]\n"
				"Type=oneshot\n"
				"RemainAfterExit=yes\n"
				"ExecStart=%s host apply\n"
				"TimeoutStartSec=300\n"
				"\n"
				"[Install]\n"
				"WantedBy=multi-user.target\n";

void unit_plan(const struct machine *m, struct plan *plan)
{
	const char *place = installed();
	char program[PATH_MAX];

	if (!place || strcmp(place, OURS) == 0) {
		program_path(m, program);
		_cleanup_free_ char *text = memory_printf(unit_text, program);
		plan_write(plan, OURS, text, 0644);
	}
	plan_link(plan, "/etc/systemd/system/multi-user.target.wants/" UNIT_NAME, place ? place : OURS);
	if (plan_changes(plan, "/etc/systemd/system/") && machine_has("/run/systemd/system"))
		plan_run(plan, "systemctl daemon-reload");
}
