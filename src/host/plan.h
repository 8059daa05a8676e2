/* What is to be changed on a machine: files, links, programs to run afterwards.  Planning reads and changes
 * nothing; several subjects may plan changes of one file. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct plan_file {
	char *path;
	char *old;  /* what it says now; NULL: it is not there */
	char *text; /* what it shall say, or where the link shall point to */
	bool is_link;
	mode_t mode;
};

struct plan {
	struct plan_file *files;
	size_t file_count;
	char **commands; /* in their order, each once */
	size_t command_count;
	char **notes; /* sentences for the operator */
	size_t note_count;
};

/* Start from {0}. */
void plan_done(struct plan *plan);
/* What the file says once the plan is carried out, or NULL; for the caller to free. */
char *plan_read(const struct plan *plan, const char *path);
/* It shall say this; nothing happens if it does.  `mode` is for a new file; one that is there keeps its own.
 */
void plan_write(struct plan *plan, const char *path, const char *text, mode_t mode);
/* A symbolic link; one that is there stays as it is. */
void plan_link(struct plan *plan, const char *path, const char *target);
/* A program and its arguments, separated by blanks. */
void plan_run(struct plan *plan, const char *command);
void plan_note(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Is a file changed whose path begins so? */
bool plan_changes(const struct plan *plan, const char *prefix);
/* The files that are changed, as a unified diff. */
void plan_show(const struct plan *plan);

/* Programs that were planned once and have not ended well since, one a line: written before a file is
 * changed, so that a setup that was killed goes on where it was. */
#define PLAN_PENDING "/var/lib/penstock/host-setup.pending"
/* Those of an earlier time become commands of the plan. */
void plan_resume(struct plan *plan);
/* Carries it out: writes down the commands, changes each file in one step (what it was stays beside it as
 * PATH.before-penstock~, the first time), then, unless `record_only`, runs them.  Says what it does. */
bool plan_carry_out(const struct plan *plan, bool record_only, struct error *err);

/* A unified diff of two texts; NULL stands for no file. */
void diff_print(const char *path, const char *old, const char *text);
