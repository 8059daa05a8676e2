/* Modules, and what becomes of them when they are killed. */
#include "daemon.h"

#include "disk.h"
#include "fiber.h"
#include "trace.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_MAX 4096

static struct daemon *fd_owner[FDS_MAX];

/* --- memory --- */

struct search {
	struct daemon *daemon;
	const char *path;
};

static void image_add(struct daemon *daemon, char *from, const char *to)
{
	struct daemon_image *image = &daemon->images[daemon->image_count++];

	*image = (struct daemon_image){.at = from, .size = (size_t)(to - from)};
	image->pristine = malloc(image->size);
	memcpy(image->pristine, from, image->size);
}

/* What can be written, but for what the linker has closed after it. */
static int images_find(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct search *search = argument;
	uintptr_t closed_from = 0, closed_to = 0;

	(void)size;
	if (!info->dlpi_name || strcmp(info->dlpi_name, search->path) != 0)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type != PT_GNU_RELRO)
			continue;
		closed_from = (info->dlpi_addr + part->p_vaddr) & ~(uintptr_t)4095;
		closed_to = (info->dlpi_addr + part->p_vaddr + part->p_memsz) & ~(uintptr_t)4095;
	}
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + part->p_vaddr, to = from + part->p_memsz;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_W))
			continue;
		if (closed_from <= from && closed_to > from)
			from = closed_to;
		if (from < to)
			image_add(search->daemon, (char *)from, (const char *)to);
	}
	return 1;
}

static void *module_open(const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!module) {
		fprintf(stderr, "sim: %s\n", dlerror());
		exit(2);
	}
	return module;
}

static void library_images(struct daemon *daemon, const char *library)
{
	void *module = module_open(library);
	struct link_map *map;

	dlinfo(module, RTLD_DI_LINKMAP, &map);
	dl_iterate_phdr(images_find, &(struct search){daemon, map->l_name});
}

/* Each copy is a file of its own, which the linker takes for another library. */
struct daemon *daemon_load(const char *name, const char *module, const char *library)
{
	struct daemon *daemon = calloc(1, sizeof *daemon);
	char path[300], command[700];

	snprintf(daemon->name, sizeof daemon->name, "%s", name);
	snprintf(path, sizeof path, "%s/%s.so", disk_root(), name);
	snprintf(command, sizeof command, "cp '%s' '%s'", module, path);
	if (system(command) != 0)
		exit(2);
	daemon->module = module_open(path);
	daemon->main = (int (*)(int, char **))daemon_symbol(daemon, "main");
	dl_iterate_phdr(images_find, &(struct search){daemon, path});
	if (library)
		library_images(daemon, library);
	return daemon;
}

void *daemon_symbol(const struct daemon *daemon, const char *name)
{
	void *found = dlsym(daemon->module, name);

	if (!found) {
		fprintf(stderr, "sim: %s: %s\n", daemon->name, dlerror());
		exit(2);
	}
	return found;
}

/* --- open files --- */

void daemon_fd(int fd, bool open)
{
	if (fd >= 0 && fd < FDS_MAX)
		fd_owner[fd] = open ? fiber_daemon() : NULL;
}

static void files_close(const struct daemon *daemon)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (fd_owner[fd] != daemon)
			continue;
		fd_owner[fd] = NULL;
		syscall(SYS_close, fd);
	}
}

/* --- life and death --- */

static void *run_main(void *argument)
{
	struct daemon *daemon = argument;
	int count = 0;

	while (daemon->arguments[count])
		count++;
	optind = 0;
	daemon_ended(daemon, daemon->main(count, (char **)daemon->arguments));
}

void daemon_start(struct daemon *daemon)
{
	daemon->runs = true;
	daemon->incarnation++;
	trace(TRACE_WORLD, "%s starts (%d)", daemon->name, daemon->incarnation);
	fiber_start(daemon, daemon->name, run_main, daemon);
}

static void wipe(struct daemon *daemon, int status)
{
	daemon->runs = false;
	daemon->status = status;
	daemon->ended_at = sim_now();
	files_close(daemon);
	for (size_t i = 0; i < daemon->image_count; i++)
		memcpy(daemon->images[i].at, daemon->images[i].pristine, daemon->images[i].size);
}

void daemon_kill(struct daemon *daemon)
{
	if (!daemon->runs)
		return;
	trace(TRACE_FAULT, "kill -9 %s", daemon->name);
	wipe(daemon, -9);
	fiber_end_all(daemon);
}

void daemon_ended(struct daemon *daemon, int status)
{
	trace(TRACE_WORLD, "%s ends with status %d", daemon->name, status);
	wipe(daemon, status);
	fiber_end_all(daemon);
	abort();
}
