/* Facts about memory: vfio pins all of a guest's, so it must be there, and QEMU must be allowed to. */
#include "host/check.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define CAP_SYS_RESOURCE_BIT 24

/* --- huge pages --- */

static int64_t pages_there(int64_t size_kb)
{
	char path[128], line[32];

	snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-%lldkB/nr_hugepages",
		 (long long)size_kb);
	world_line(path, line, sizeof line);
	return *line ? atoll(line) : -1;
}

/* Of [DEFAULT] reserved_huge_pages and of host.conf: what this size needs at least. */
static int64_t pages_reserved(const struct agent_settings *settings, int64_t size_kb)
{
	int64_t sum = 0;

	for (size_t i = 0; i < settings->reserved_page_count; i++) {
		if (settings->reserved_pages[i].size_kb == size_kb)
			sum += settings->reserved_pages[i].count;
	}
	return sum;
}

static void check_size(struct check *check, const char *size, int64_t size_kb, int64_t wanted)
{
	_cleanup_free_ char *fact = memory_printf("huge pages of %s", size),
			    *mend = memory_printf("penstock host setup --hugepages %s=%lld; reboot", size,
						  (long long)wanted);
	int64_t there = pages_there(size_kb);

	if (there < 0)
		check_not(check, CHECK_FAIL, fact, "choose a size of `ls /sys/kernel/mm/hugepages`",
			  "this machine has none of that size");
	else if (there < wanted)
		check_not(check, CHECK_FAIL, fact, mend, "%lld of %lld", (long long)there, (long long)wanted);
	else
		check_pass(check, fact, "%lld, %lld are asked for", (long long)there, (long long)wanted);
}

static void check_pages(struct check *check)
{
	const struct machine *m = check->machine;

	for (size_t i = 0; i < m->wishes.pages_count; i++)
		check_size(check, m->wishes.pages[i].size, m->wishes.pages[i].size_kb,
			   m->wishes.pages[i].count);
	for (size_t i = 0; i < m->settings.reserved_page_count; i++) {
		int64_t size_kb = m->settings.reserved_pages[i].size_kb;
		bool told = false;
		char size[24];

		for (size_t j = 0; j < m->wishes.pages_count; j++)
			told |= m->wishes.pages[j].size_kb == size_kb;
		for (size_t j = 0; j < i; j++)
			told |= m->settings.reserved_pages[j].size_kb == size_kb;
		snprintf(size, sizeof size, size_kb % 1048576 ? "%lldM" : "%lldG",
			 (long long)(size_kb % 1048576 ? size_kb >> 10 : size_kb >> 20));
		if (!told && size_kb >= 1024)
			check_size(check, size, size_kb, pages_reserved(&m->settings, size_kb));
	}
}

/* --- RLIMIT_MEMLOCK of what starts QEMU --- */

/* The value behind "KEY:" or "KEY   " in a file of /proc. */
static void value_of(const char *text, const char *key, char *value, size_t size)
{
	const char *at = text ? strstr(text, key) : NULL;

	at = at ? at + strlen(key) + strspn(at + strlen(key), " \t:") : "";
	snprintf(value, size, "%.*s", (int)strcspn(at, " \t\n"), at);
}

/* libvirt raises the limit for each QEMU, which needs a capability if its own is lower. */
static void check_process(struct check *check, const char *pid, const char *name)
{
	_cleanup_free_ char *limits_path = memory_printf("/proc/%s/limits", pid),
			    *status_path = memory_printf("/proc/%s/status", pid),
			    *limits = world->read(limits_path), *status = world->read(status_path),
			    *mend = memory_printf("systemctl edit %s: [Service] LimitMEMLOCK=infinity", name);
	char limit[32], capabilities[32];

	value_of(limits, "Max locked memory", limit, sizeof limit);
	value_of(status, "CapEff", capabilities, sizeof capabilities);
	if (strcmp(limit, "unlimited") == 0)
		check_pass(check, "locked memory (RLIMIT_MEMLOCK)", "%s may lock all", name);
	else if (strtoull(capabilities, NULL, 16) >> CAP_SYS_RESOURCE_BIT & 1)
		check_pass(check, "locked memory (RLIMIT_MEMLOCK)", "%s may raise it for each guest", name);
	else
		check_not(check, CHECK_FAIL, "locked memory (RLIMIT_MEMLOCK)", mend,
			  "%s may lock %s bytes and cannot raise that: guests with devices do not start",
			  name, limit);
}

static void check_memlock(struct check *check)
{
	static const char *const daemons[] = {"libvirtd", "virtqemud"};
	char **pids = world->list("/proc"), comm[64];
	bool found = false;

	for (size_t i = 0; pids && pids[i] && !found; i++) {
		_cleanup_free_ char *path = memory_printf("/proc/%s/comm", pids[i]);

		if (!strchr("123456789", *pids[i]))
			continue;
		world_line(path, comm, sizeof comm);
		for (size_t d = 0; d < ELEMENTS_OF(daemons) && !found; d++) {
			found = strcmp(comm, daemons[d]) == 0;
			if (found)
				check_process(check, pids[i], daemons[d]);
		}
	}
	world_list_free(pids);
	if (!found && !*check->machine->root)
		check_not(check, CHECK_WARN, "locked memory (RLIMIT_MEMLOCK)", NULL,
			  "neither libvirtd nor virtqemud runs: not known");
}

/* --- overcommitment --- */

static void check_ratio(struct check *check)
{
	static const char fact[] = "memory: overcommitment";
	double ratio = 0;
	struct error err;

	if (!config_number(check->config, "DEFAULT", "ram_allocation_ratio", 0, 0, 1e6, &ratio, &err) ||
	    (ratio == 0 && !config_number(check->config, "DEFAULT", "initial_ram_allocation_ratio", 1, 0, 1e6,
					  &ratio, &err)))
		return;
	if (ratio > 1)
		check_not(check, CHECK_WARN, fact, "nova.conf: [DEFAULT] ram_allocation_ratio = 1.0",
			  "%.1f: memory of guests with devices is pinned and can be given away once only",
			  ratio);
	else
		check_pass(check, fact, "none (ratio %.1f)", ratio);
}

void check_memory(struct check *check)
{
	check_pages(check);
	check_memlock(check);
	check_ratio(check);
}
