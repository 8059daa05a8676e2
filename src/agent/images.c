/* Downloading, checking and overlaying images.  Untrusted images are opened by qemu-img only, in a process
 * with limits, with their format said and not guessed; images that name other files are refused. */
#include "agent/images.h"

#include "agent/overlay.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#define QEMU_IMG_SECONDS 30
#define UNUSED_SECONDS	 (24 * 3600)

/* Two servers of one image must not download it into the same file at once: an image's id picks its lock. */
static pthread_mutex_t image_locks[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
					 PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

bool image_sha512(const char *path, char hex[129], struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ unsigned char *buffer = memory_alloc(1 << 16);
	unsigned char digest[64];
	size_t count;

	if (!file)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_DigestInit_ex(context, EVP_sha512(), NULL);
	while ((count = fread(buffer, 1, 1 << 16, file)) > 0)
		EVP_DigestUpdate(context, buffer, count);
	EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	for (int i = 0; i < 64; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static const char *format_of(yyjson_val *image)
{
	return strcmp(json_text(image, "disk_format"), "qcow2") == 0 ? "qcow2" : "raw";
}

/* Size of the disk that a guest sees; and refuses a qcow2 that names a backing or data file: the host would
 * read that file for the guest. */
static bool qcow2_look(const char *path, int64_t *size, struct error *err)
{
	const char *argv[] = {"qemu-img", "info", "-f", "qcow2", "--output=json", path, NULL};
	_cleanup_(text_done) struct text out = {0};

	if (!world->run(argv, QEMU_IMG_SECONDS, &out, err))
		return false;
	yyjson_doc *doc = yyjson_read(out.data ? out.data : "", out.length, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *data = yyjson_obj_get(yyjson_obj_get(root, "format-specific"), "data");
	bool plain = yyjson_is_obj(root) && !yyjson_obj_get(root, "backing-filename") &&
		     !yyjson_obj_get(data, "data-file");

	*size = json_int(root, "virtual-size", 0);
	yyjson_doc_free(doc);
	return plain || error_set(err, ERROR_BAD_REQUEST,
				  "the image names another file as its backing or data file: refused");
}

static bool disk_size(const char *path, yyjson_val *image, int64_t *size, struct error *err)
{
	struct stat file;

	if (strcmp(format_of(image), "qcow2") == 0)
		return qcow2_look(path, size, err);
	if (stat(path, &file) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	*size = file.st_size;
	return true;
}

static bool image_download(const struct controller *controller, yyjson_val *image, const char *path,
			   struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.part", path);
	char hash[129];
	int64_t size;

	if (!controller_download(controller, json_text(image, "id"), temporary, err) &&
	    err->kind != ERROR_RANGE) /* it was there as a whole */
		return false;
	if (!image_sha512(temporary, hash, err))
		return false;
	if (strcmp(hash, json_text(image, "sha512")) != 0) {
		unlink(temporary);
		return error_set(err, ERROR_INTERNAL, "the image arrived damaged: its SHA-512 differs");
	}
	if (!disk_size(temporary, image, &size, err)) {
		unlink(temporary);
		return false;
	}
	return rename(temporary, path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot keep %s", path);
}

bool image_fetch(const struct controller *controller, const char *cache, yyjson_val *image,
		 char path[IMAGE_PATH_SIZE], struct error *err)
{
	const char *id = json_text(image, "id");
	pthread_mutex_t *lock = &image_locks[(unsigned char)id[0] % ELEMENTS_OF(image_locks)];
	bool ok;

	/* The hash is part of the name: a file of that name was checked before it got it. */
	snprintf(path, IMAGE_PATH_SIZE, "%.380s/%.36s-%.64s", cache, id, json_text(image, "sha512"));
	pthread_mutex_lock(lock);
	/* Its time says when it was last asked for. */
	ok = utimensat(AT_FDCWD, path, NULL, 0) == 0 || image_download(controller, image, path, err);
	pthread_mutex_unlock(lock);
	return ok;
}

/* As its header says it. */
int64_t image_disk_size(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	unsigned char header[32];
	uint64_t size = 0;

	if (!file || fread(header, 1, sizeof header, file) != sizeof header ||
	    memcmp(header, "QFI\xfb", 4) != 0)
		return 0;
	for (int i = 24; i < 32; i++)
		size = size << 8 | header[i];
	return (int64_t)size;
}

/* The base was looked at when it came into the cache. */
static bool base_size(const char *base, yyjson_val *image, int64_t *size, struct error *err)
{
	if (strcmp(format_of(image), "qcow2") != 0)
		return disk_size(base, image, size, err);
	*size = image_disk_size(base);
	return *size > 0 || error_set(err, ERROR_INTERNAL, "cannot read the header of %s", base);
}

bool image_overlay(const char *base, yyjson_val *image, int64_t disk_gb, const char *path, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	int64_t size;

	if (access(path, F_OK) == 0)
		return true;
	if (!base_size(base, image, &size, err))
		return false;
	if (disk_gb > 0 && size > disk_gb << 30)
		return error_set(err, ERROR_BAD_REQUEST,
				 "the image is larger than the flavor's disk of %lld GB", (long long)disk_gb);
	/* A disk is counted in sectors. */
	size = disk_gb > 0 ? disk_gb << 30 : (size + 511) / 512 * 512;
	if (!overlay_write(temporary, base, format_of(image), size, err))
		return false;
	return rename(temporary, path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", path);
}

bool image_grow(const char *disk, int64_t disk_gb, struct error *err)
{
	int64_t now = image_disk_size(disk);
	char size[32];
	const char *argv[] = {"qemu-img", "resize", "-q", "-f", "qcow2", disk, size, NULL};

	if (now == 0 || now >= disk_gb << 30)
		return true;
	snprintf(size, sizeof size, "%lldG", (long long)disk_gb);
	return world->run(argv, QEMU_IMG_SECONDS, NULL, err);
}

/* --- cleaning the cache --- */

static void add_links(const char *folder, struct map *used)
{
	static const char *const names[] = {"base", "kernel", "ramdisk"};
	char target[IMAGE_PATH_SIZE];

	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, names[i]);
		ssize_t length = readlink(path, target, sizeof target - 1);

		if (length > 0) {
			target[length] = '\0';
			map_put(used, target, used);
		}
	}
}

void images_clean(const char *cache, const char *instances)
{
	_cleanup_closedir_ DIR *servers = opendir(instances), *images = opendir(cache);
	struct map used = {0};
	struct stat file;

	if (!servers || !images)
		return;
	for (struct dirent *entry; (entry = readdir(servers));) {
		_cleanup_free_ char *folder = memory_printf("%s/%s", instances, entry->d_name);

		if (is_uuid(entry->d_name))
			add_links(folder, &used);
	}
	for (struct dirent *entry; (entry = readdir(images));) {
		_cleanup_free_ char *path = memory_printf("%s/%s", cache, entry->d_name);

		if (entry->d_name[0] == '.' || map_get(&used, path) || stat(path, &file) != 0 ||
		    sys_now() / TIME_SECOND - file.st_mtime < UNUSED_SECONDS)
			continue;
		log_info("image %.36s is not used any more: removed from the cache", entry->d_name);
		unlink(path);
	}
	map_done(&used, NULL);
}
