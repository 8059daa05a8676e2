/* What this machine shall have: /etc/penstock/host.conf, written by `penstock host setup`, read at each boot
 *by `penstock host apply`, compared by `penstock host check`.
 *
 *	[host]
 *	vfs = p5p1:5, p5p2:2:drivers
 *	hugepages = 2M:1024
 *
 * `drivers`: the host's own driver binds these VFs (macvtap ports need that); else none does. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WISHES_FILE  "/etc/penstock/host.conf"
#define WISHES_PAGES 4

struct wish_vfs {
	char netdev[16];
	int count;
	bool drivers;
};

struct wish_pages {
	char size[8]; /* as the kernel's command line has it: "2M", "1G" */
	int64_t size_kb, count;
};

struct wishes {
	struct wish_vfs *vfs;
	size_t vfs_count;
	struct wish_pages pages[WISHES_PAGES];
	size_t pages_count;
};

/* Start from {0}; without the file there are no wishes. */
bool wishes_read(struct wishes *wishes, struct error *err);
void wishes_done(struct wishes *wishes);
/* "p5p1=5", "p5p1:5:drivers"; "2M=1024".  Each replaces what was wished for the same. */
bool wishes_add_vfs(struct wishes *wishes, const char *text, struct error *err);
bool wishes_add_pages(struct wishes *wishes, const char *text, struct error *err);
const struct wish_vfs *wishes_find(const struct wishes *wishes, const char *netdev);
/* The file, for the caller to free. */
char *wishes_text(const struct wishes *wishes);
