/* Downloading, checking and overlaying images.  Untrusted images are opened by qemu-img only, in a process
 * with limits, with their format said and not guessed; images that name other files are refused. */
#include "agent/images.h"

#include "agent/process.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

/* Two servers of one image must not download it into the same file at once. */
static pthread_mutex_t image_lock = PTHREAD_MUTEX_INITIALIZER;

static bool sha512_of(const char *path, char hex[129], struct error *err)
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

/* A qcow2 that names a backing or data file would make the host read that file for the guest. */
static bool image_is_plain(const char *path, struct error *err)
{
	const char *argv[] = {"qemu-img", "info", "-f", "qcow2", "--output=json", path, NULL};
	_cleanup_(text_done) struct text out = {0};

	if (!process_run(argv, 30, &out, err))
		return false;
	yyjson_doc *doc = yyjson_read(out.data ? out.data : "", out.length, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *data = yyjson_obj_get(yyjson_obj_get(root, "format-specific"), "data");
	bool plain = yyjson_is_obj(root) && !yyjson_obj_get(root, "backing-filename") &&
		     !yyjson_obj_get(data, "data-file");

	yyjson_doc_free(doc);
	return plain || error_set(err, ERROR_BAD_REQUEST,
				  "the image names another file as its backing or data file: refused");
}

static bool image_download(const struct controller *controller, yyjson_val *image, const char *path,
			   struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.part", path);
	char hash[129];

	if (!controller_download(controller, json_text(image, "id"), temporary, err) ||
	    !sha512_of(temporary, hash, err))
		return false;
	if (strcmp(hash, json_text(image, "sha512")) != 0)
		return error_set(err, ERROR_INTERNAL, "the image arrived damaged: its SHA-512 differs");
	if (strcmp(format_of(image), "qcow2") == 0 && !image_is_plain(temporary, err))
		return false;
	return rename(temporary, path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot keep %s", path);
}

bool image_fetch(const struct controller *controller, const char *cache, yyjson_val *image, char path[512],
		 struct error *err)
{
	bool ok;

	/* The hash is part of the name: a file of that name was checked before it got it. */
	snprintf(path, 512, "%.380s/%.36s-%.64s", cache, json_text(image, "id"), json_text(image, "sha512"));
	pthread_mutex_lock(&image_lock);
	ok = access(path, R_OK) == 0 || image_download(controller, image, path, err);
	pthread_mutex_unlock(&image_lock);
	return ok;
}

bool image_overlay(const char *base, yyjson_val *image, int64_t disk_gb, const char *path, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", path);
	char size[32];
	const char *argv[] = {"qemu-img",	"create", "-q", "-f",	   "qcow2", "-F",
			      format_of(image), "-b",	  base, temporary, size,    NULL};
	struct stat file;

	if (access(path, F_OK) == 0)
		return true;
	snprintf(size, sizeof size, "%lldG", (long long)disk_gb);
	if (disk_gb == 0)
		argv[10] = NULL;
	if (stat(base, &file) == 0 && strcmp(format_of(image), "raw") == 0 && disk_gb > 0 &&
	    file.st_size > disk_gb << 30)
		return error_set(err, ERROR_BAD_REQUEST,
				 "the image is larger than the flavor's disk of %lld GB", (long long)disk_gb);
	if (!process_run(argv, 30, NULL, err))
		return false;
	return rename(temporary, path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", path);
}
