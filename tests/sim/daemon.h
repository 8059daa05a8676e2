/* The product's programs as modules of this process: a copy of each for every daemon, with memory of its own
 * (what it has written into its variables is put back when it is killed), open files, and fibers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DAEMON_ARGUMENTS 16

struct daemon_image {
	void *at, *pristine;
	size_t size;
};

struct daemon {
	char name[24];
	void *module;
	int (*main)(int argc, char **argv);
	const char *arguments[DAEMON_ARGUMENTS];
	struct daemon_image images[8];
	size_t image_count;
	void **thread_variables[2]; /* those that each of its threads has of its own; or NULL */
	bool runs;
	int status; /* of the last end; -9: killed */
	int incarnation;
	int64_t ended_at; /* sim_now() */
	int64_t down_until;
	int host;    /* of an agent: its number; else 0 */
	void *world; /* of an agent (world.c) */
};

/* Loads a copy of the module.  `library`: one whose variables are the daemon's too, or NULL. */
struct daemon *daemon_load(const char *name, const char *module, const char *library);
void *daemon_symbol(const struct daemon *daemon, const char *name);
/* Calls its main() in a fiber of its own. */
void daemon_start(struct daemon *daemon);
/* It is gone with all of its fibers and open files.  If one of these asks, this does not return. */
void daemon_kill(struct daemon *daemon);
/* It ends by itself. */
_Noreturn void daemon_ended(struct daemon *daemon, int status);

/* The file descriptor is the daemon's (disk.c). */
void daemon_fd(int fd, bool open);
