/* Making a machine ready for Penstock: `penstock host check`, `host setup` and `host apply`.
 *
 * `check` looks and says; `setup` plans changes of files, shows them, writes them down, makes them; `apply`
 * is what runs at every boot: VFs and PFs as /etc/penstock/host.conf has them.  What is read of the kernel
 * goes through `world` (agent/world.h). */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

#define HOST_MAX_NAMES 64

struct host_request {
	const struct config *config; /* what the daemons read */
	const char *root;	     /* "" or the folder of another machine's files: nothing is run then */
	const char *pfs[HOST_MAX_NAMES]; /* --pf: these PFs and no others */
	size_t pf_count;
	const char *vfs[HOST_MAX_NAMES]; /* --vfs: "p5p1=5" */
	size_t vfs_count;
	const char *pages[HOST_MAX_NAMES]; /* --hugepages: "2M=1024" */
	size_t pages_count;
	bool dry_run;
	bool json;
};

/* They print; exit status: 0 fine, 1 not, 2 the request makes no sense. */
int host_check(const struct host_request *request);
int host_setup(const struct host_request *request);
int host_apply(void);
