/* The facts that `penstock host check` tells of: a line each, and what mends it. */
#pragma once

#include "host/machine.h"

enum check_level { CHECK_PASS, CHECK_WARN, CHECK_FAIL };

struct check_row {
	enum check_level level;
	char *fact;   /* "p5p1: VFs" */
	char *detail; /* "5 of 7" */
	char *mend;   /* a command or an edit, or NULL */
};

struct check {
	const struct machine *machine;
	const struct config *config;
	struct check_row *rows;
	size_t count;
};

/* A fact that is as it shall be. */
void check_pass(struct check *check, const char *fact, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One that is not: `mend` says the exact command or edit. */
void check_not(struct check *check, enum check_level level, const char *fact, const char *mend,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* IOMMU, vfio, KVM, libvirt, memory, lockdown. */
void check_platform(struct check *check);
/* Memory that guests with devices pin. */
void check_memory(struct check *check);
/* Each PF of the configuration. */
void check_nics(struct check *check);
/* IOMMU groups of everything that is offered. */
void check_groups(struct check *check);
