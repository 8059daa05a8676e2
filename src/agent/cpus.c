/* Lists of CPUs and how they belong together. */
#include "agent/cpus.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 1024

int cpus_next(struct cpu_walk *walk)
{
	int read;

	if (walk->next < walk->last)
		return ++walk->next;
	if (!walk->rest || sscanf(walk->rest, "%d%n", &walk->next, &read) != 1)
		return -1;
	walk->rest += read;
	walk->last = walk->next;
	if (*walk->rest == '-' && sscanf(walk->rest + 1, "%d%n", &walk->last, &read) == 1)
		walk->rest += 1 + read;
	walk->rest += *walk->rest == ',';
	return walk->next >= 0 && walk->next < CPUS_MAX ? walk->next : -1;
}

static void topology_line(int cpu, const char *name, char *line, size_t size)
{
	char path[96];

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
	world_line(path, line, size);
}

static int first_of(const char *list)
{
	struct cpu_walk walk = {.rest = list, .last = -1};

	return cpus_next(&walk);
}

void cpus_topology(const char *cpus, int *socket, char *siblings, size_t size)
{
	struct cpu_walk walk = {.rest = cpus, .last = -1};
	char line[128];
	size_t used = 0;

	*socket = -1;
	*siblings = '\0';
	for (int cpu; (cpu = cpus_next(&walk)) >= 0;) {
		topology_line(cpu, "physical_package_id", line, sizeof line);
		if (*line)
			*socket = atoi(line);
		topology_line(cpu, "thread_siblings_list", line, sizeof line);
		/* each core is told by its first thread */
		if (!*line || first_of(line) != cpu || !strpbrk(line, ",-") || used + strlen(line) + 2 > size)
			continue;
		used += (size_t)snprintf(siblings + used, size - used, "%s%s", used ? " " : "", line);
	}
}
