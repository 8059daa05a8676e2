/* Writing an empty qcow2, version 3 (QEMU's docs/interop/qcow2.txt): clusters of 64 KiB, of which the first
 * has the header, the second the refcount table, the third its only block, and those from the fourth on the
 * L1 table.  Nothing is mapped: all is read from the backing file. */
#include "agent/overlay.h"

#include "base/memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CLUSTER_BITS	   16
#define CLUSTER		   (1 << CLUSTER_BITS)
#define L2_BYTES	   ((int64_t)CLUSTER / 8 * CLUSTER) /* of the guest, behind one entry of L1 */
#define FIRST_L1	   3
#define REFCOUNTS_OF_BLOCK (CLUSTER / 2)
#define NAME_MAX_SIZE	   1023
#define EXTENSION_FORMAT   0xe2792acaU

struct header {
	char magic[4];
	uint32_t version;
	uint64_t backing_offset;
	uint32_t backing_size, cluster_bits;
	uint64_t size;
	uint32_t encryption, l1_size;
	uint64_t l1_offset, refcount_offset;
	uint32_t refcount_clusters, snapshots;
	uint64_t snapshots_offset, incompatible, compatible, autoclear;
	uint32_t refcount_order, length;
	/* extensions: the backing file's format, the end */
	uint32_t format_type, format_size;
	char format[8];
	uint64_t end;
};
_Static_assert(sizeof(struct header) == 128, "as it lies in the file");

static void header_fill(struct header *header, const char *base, const char *base_format, int64_t size,
			uint32_t l1_size)
{
	*header = (struct header){.magic = {'Q', 'F', 'I', '\xfb'},
				  .version = htobe32(3),
				  .backing_offset = htobe64(sizeof *header),
				  .backing_size = htobe32((uint32_t)strlen(base)),
				  .cluster_bits = htobe32(CLUSTER_BITS),
				  .size = htobe64((uint64_t)size),
				  .l1_size = htobe32(l1_size),
				  .l1_offset = htobe64((uint64_t)FIRST_L1 * CLUSTER),
				  .refcount_offset = htobe64(CLUSTER),
				  .refcount_clusters = htobe32(1),
				  .refcount_order = htobe32(4),
				  .length = htobe32(104),
				  .format_type = htobe32(EXTENSION_FORMAT),
				  .format_size = htobe32((uint32_t)strlen(base_format))};
	memcpy(header->format, base_format, strnlen(base_format, sizeof header->format));
}

static bool write_at(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset) == (ssize_t)size;
}

/* Each cluster that there is counts one. */
static bool refcounts_write(int fd, uint32_t clusters)
{
	_cleanup_free_ uint16_t *counts = memory_alloc(clusters * sizeof *counts);
	uint64_t block = htobe64(2 * CLUSTER);

	for (uint32_t i = 0; i < clusters; i++)
		counts[i] = htobe16(1);
	return write_at(fd, &block, sizeof block, CLUSTER) &&
	       write_at(fd, counts, clusters * sizeof *counts, 2 * CLUSTER);
}

bool overlay_write(const char *path, const char *base, const char *base_format, int64_t size,
		   struct error *err)
{
	int64_t l1_size = (size + L2_BYTES - 1) / L2_BYTES,
		l1_clusters = (l1_size * 8 + CLUSTER - 1) / CLUSTER;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct header header;

	if (size < 1 || FIRST_L1 + l1_clusters > REFCOUNTS_OF_BLOCK || strlen(base) > NAME_MAX_SIZE)
		return error_set(err, ERROR_BAD_REQUEST, "no disk of %lld bytes can be laid over %.200s",
				 (long long)size, base);
	header_fill(&header, base, base_format, size, (uint32_t)l1_size);
	if (fd >= 0 && ftruncate(fd, (FIRST_L1 + l1_clusters) * CLUSTER) == 0 &&
	    write_at(fd, &header, sizeof header, 0) && write_at(fd, base, strlen(base), sizeof header) &&
	    refcounts_write(fd, (uint32_t)(FIRST_L1 + l1_clusters)) && fdatasync(fd) == 0)
		return true;
	return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", path);
}
