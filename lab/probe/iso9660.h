/* Finding and reading files on an ISO 9660 volume with Joliet names. */
#ifndef PROBE_ISO9660_H
#define PROBE_ISO9660_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iso9660 {
	unsigned cdrom;
	uint32_t root, root_size; /* the root folder: first sector, bytes */
};

/* Opens the drive's medium if its Joliet volume has this name (no matter in which case the letters are). */
bool iso9660_open(struct iso9660 *volume, unsigned cdrom, const char *name);

/*
 * Reads the file at `path` ("folder/file") into `buffer` and ends it with a NUL.  False if there is no such
 * file, if it cannot be read, or if it is longer than size - 1 bytes.
 */
bool iso9660_read(const struct iso9660 *volume, const char *path, char *buffer, size_t size,
		  size_t *ret_length);

#endif
