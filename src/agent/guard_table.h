/* What the guard looks at: the PFs that carry offered VFs or a physical network, or are offered themselves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct guarded_vf {
	char address[16]; /* "": nothing is known of it */
	bool offered;	  /* a device spec selects it, and exclude_devices does not */
};

struct guarded_pf {
	char address[16], netdev[16], driver[32];
	int link;		/* index of the network device, once it was read */
	struct guarded_vf *vfs; /* by number */
	size_t vf_count;
};

struct guarded {
	struct guarded_pf *pfs;
	size_t count;
};

/* Makes *list anew, as of the last inventory; while one is being made it stays as it is, if there is one. */
void guarded_list(struct guarded *list);
void guarded_done(struct guarded *list);
