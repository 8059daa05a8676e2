/* The real host. */
#include "agent/world.h"

#include "agent/events.h"
#include "agent/holders.h"
#include "agent/libvirt.h"
#include "agent/netlink.h"
#include "agent/process.h"
#include "agent/world_files.h"
#include "base/memory.h"

#include <string.h>
#include <time.h>

static void real_pause(int milliseconds)
{
	nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000,
				     .tv_nsec = milliseconds % 1000 * 1000000L},
		  NULL);
}

const struct world world_real = {
	.read = world_files_read,
	.link = world_files_link,
	.list = world_files_list,
	.write = world_files_write,
	.disk_gb = world_files_disk_gb,
	.holder = holders_find,
	.pause = real_pause,
	.netlink = netlink_ask,
	.events = events_wait,
	.run = process_run,
	.end_processes = process_end,
	.hypervisor = libvirt_hypervisor,
	.domain_start = libvirt_domain_start,
	.domain_xml = libvirt_domain_xml,
	.domain_plug = libvirt_domain_plug,
	.domain_unplug = libvirt_domain_unplug,
	.domain_pause = libvirt_domain_pause,
	.domain_save = libvirt_domain_save,
	.domain_restore = libvirt_domain_restore,
	.domain_change = libvirt_domain_change,
	.domain_stop = libvirt_domain_stop,
	.domain_forget = libvirt_domain_forget,
	.domain_state = libvirt_domain_state,
	.domain_migratable_xml = libvirt_domain_migratable_xml,
	.domain_migrate = libvirt_domain_migrate,
	.domain_migrate_abort = libvirt_domain_migrate_abort,
	.domain_running = libvirt_domain_running,
	.domain_list = libvirt_domain_list,
	.network_xml = libvirt_network_xml,
	.network_make = libvirt_network_make,
	.network_lease = libvirt_network_lease,
	.network_remove = libvirt_network_remove,
};

const struct world *world = &world_real;

bool world_is_stuck(const struct error *err)
{
	return err->type && strcmp(err->type, WORLD_STUCK) == 0;
}

void world_id_in(const char *xml, char id[37])
{
	const char *at = strstr(xml, "<uuid>");

	snprintf(id, 37, "%.36s", at ? at + 6 : "");
}

void world_list_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

void world_line(const char *path, char *line, size_t size)
{
	_cleanup_free_ char *text = world->read(path);

	snprintf(line, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}
