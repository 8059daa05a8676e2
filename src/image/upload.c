/* PUT /v2/images/{id}/file: bytes from the client to the disk, hashed on the way and never held in memory.
 * They go to <id>.part; a worker brings them safely to disk and gives them their name; the writer then says
 * active. Until then the row stays queued, so that a crash leaves nothing but a file that image_recover()
 * removes. */
#include "base/memory.h"
#include "base/text.h"
#include "image/internal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define QCOW2_HEADER \
	32 /* bytes up to and with the virtual size, which is at 24 (QEMU's docs/interop/qcow2.txt) */

struct upload {
	char id[40];
	char *part, *path; /* while it comes in, and when it is complete */
	int file;
	int64_t size;
	int64_t created_at; /* of the image: tells it from a later one with the same id */
	EVP_MD_CTX *md5, *sha512;
	char md5_text[33], sha512_text[129];
	unsigned char head[QCOW2_HEADER];
	const char *disk_format;
	bool renamed, committed;
	struct upload *next;
};

/* Uploads under way, one for each image. */
static pthread_mutex_t saving_lock = PTHREAD_MUTEX_INITIALIZER;
static struct upload *saving;

static bool saving_find(const char *id)
{
	for (const struct upload *u = saving; u; u = u->next) {
		if (strcmp(u->id, id) == 0)
			return true;
	}
	return false;
}

bool image_is_saving(const char *id)
{
	pthread_mutex_lock(&saving_lock);
	bool found = saving_find(id);
	pthread_mutex_unlock(&saving_lock);
	return found;
}

static bool saving_enter(struct upload *upload)
{
	pthread_mutex_lock(&saving_lock);
	bool is_free = !saving_find(upload->id);
	if (is_free) {
		upload->next = saving;
		saving = upload;
	}
	pthread_mutex_unlock(&saving_lock);
	return is_free;
}

static void saving_leave(struct upload *upload)
{
	pthread_mutex_lock(&saving_lock);
	for (struct upload **link = &saving; *link; link = &(*link)->next) {
		if (*link == upload) {
			*link = upload->next;
			break;
		}
	}
	pthread_mutex_unlock(&saving_lock);
}

static void upload_free(struct upload *upload)
{
	if (upload->file >= 0)
		close(upload->file);
	EVP_MD_CTX_free(upload->md5);
	EVP_MD_CTX_free(upload->sha512);
	free(upload->part);
	free(upload->path);
	free(upload);
}

static bool too_large(struct error *err)
{
	return error_set(err, ERROR_TOO_LARGE, "Denying attempt to upload image larger than %lld bytes.",
			 (long long)image_settings.size_cap);
}

/* A disk that is full is not the server's fault, and the client is told. */
static bool disk_error(struct error *err, int number, const char *what)
{
	if (number == ENOSPC || number == EDQUOT || number == EFBIG)
		return error_set(err, ERROR_TOO_LARGE, "Image storage media is full.");
	return error_set_errno(err, ERROR_INTERNAL, number, "image: %s", what);
}

static bool may_upload(struct http_request *request, struct image_record *record, struct error *err)
{
	const char *type = http_header(request, "Content-Type"),
		   *length = http_header(request, "Content-Length");
	int64_t size;

	if (!type || strcmp(type, "application/octet-stream") != 0)
		return error_set(err, ERROR_UNSUPPORTED_MEDIA,
				 "The request media type %.100s is not supported by this server.",
				 type ? type : "");
	if (!image_record_load_own(request, request->params[0], "upload_image", record, err))
		return false;
	if (strcmp(record->status, "queued") != 0)
		return error_set(err, ERROR_CONFLICT,
				 "Image status transition from %s to saving is not allowed", record->status);
	if (!record->disk_format || !record->container_format)
		return error_set(
			err, ERROR_BAD_REQUEST,
			"Properties disk_format, container_format must be set prior to saving data.");
	return !length || !text_to_int64(length, 0, INT64_MAX, &size) || size <= image_settings.size_cap ||
	       too_large(err);
}

static bool upload_open(struct upload *upload, struct error *err)
{
	upload->part = image_path(upload->id, ".part");
	upload->path = image_path(upload->id, "");
	upload->file = open(upload->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (upload->file < 0)
		return disk_error(err, errno, "cannot make the file");
	upload->md5 = EVP_MD_CTX_new();
	upload->sha512 = EVP_MD_CTX_new();
	if (EVP_DigestInit_ex(upload->md5, EVP_md5(), NULL) != 1 ||
	    EVP_DigestInit_ex(upload->sha512, EVP_sha512(), NULL) != 1)
		return error_set(err, ERROR_INTERNAL, "image: libcrypto offers no MD5 or SHA-512");
	return true;
}

bool image_upload_start(struct http_request *request, const struct image_record *record, struct error *err)
{
	struct upload *upload = memory_alloc(sizeof *upload);
	upload->file = -1;
	upload->created_at = record->created_at;
	upload->disk_format = record->disk_format;
	snprintf(upload->id, sizeof upload->id, "%s", record->id);
	if (!saving_enter(upload)) {
		upload_free(upload);
		return error_set(err, ERROR_CONFLICT,
				 "Image status transition from saving to saving is not allowed");
	}
	request->upload = upload;
	return upload_open(upload, err);
}

static bool upload_begin(struct http_request *request, struct error *err)
{
	struct image_record record;

	return may_upload(request, &record, err) && image_upload_start(request, &record, err);
}

static bool write_all(int file, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(file, bytes, count);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			bytes += written;
			count -= (size_t)written;
		}
	}
	return true;
}

static bool upload_chunk(struct http_request *request, const char *bytes, size_t count, struct error *err)
{
	struct upload *upload = request->upload;

	if ((int64_t)count > image_settings.size_cap - upload->size)
		return too_large(err);
	if (upload->size < QCOW2_HEADER) {
		size_t room = QCOW2_HEADER - (size_t)upload->size;

		memcpy(upload->head + upload->size, bytes, count < room ? count : room);
	}
	if (!write_all(upload->file, bytes, count))
		return disk_error(err, errno, "cannot write");
	EVP_DigestUpdate(upload->md5, bytes, count);
	EVP_DigestUpdate(upload->sha512, bytes, count);
	upload->size += (int64_t)count;
	return true;
}

static void upload_abandon(struct http_request *request)
{
	struct upload *upload = TAKE_PTR(request->upload);

	if (upload->part && !upload->renamed)
		unlink(upload->part);
	if (upload->renamed && !upload->committed)
		unlink(upload->path);
	saving_leave(upload);
	upload_free(upload);
}

const struct http_upload image_upload = {.begin = upload_begin,
					 .chunk = upload_chunk,
					 .abandon = upload_abandon};

static void digest_text(EVP_MD_CTX *context, char *text)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	EVP_DigestFinal_ex(context, digest, &size);
	for (unsigned i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}

/* Brings file and name to disk: a worker may wait for that. */
bool image_upload_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	struct upload *upload = request->upload;
	_cleanup_close_ int folder = open(image_settings.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)response;
	digest_text(upload->md5, upload->md5_text);
	digest_text(upload->sha512, upload->sha512_text);
	if (fsync(upload->file) != 0 || rename(upload->part, upload->path) != 0)
		return disk_error(err, errno, "cannot bring the file to disk");
	upload->renamed = true;
	if (folder < 0 || fsync(folder) != 0)
		return disk_error(err, errno, "cannot bring the folder to disk");
	return true;
}

static int64_t virtual_size(const struct upload *upload)
{
	uint64_t size;

	if (strcmp(upload->disk_format, "raw") == 0)
		return upload->size;
	if (strcmp(upload->disk_format, "qcow2") != 0 || upload->size < QCOW2_HEADER ||
	    memcmp(upload->head, "QFI\xfb", 4) != 0)
		return -1;
	memcpy(&size, upload->head + 24, sizeof size);
	size = be64toh(size);
	return size <= INT64_MAX ? (int64_t)size : -1;
}

static void upload_end(void *argument, bool committed)
{
	((struct upload *)argument)->committed = committed;
}

const char *image_upload_sha512(const struct http_request *request)
{
	return ((const struct upload *)request->upload)->sha512_text;
}

bool image_upload_settle(struct http_request *request, struct image_record *record, struct error *err)
{
	struct upload *upload = request->upload;

	if (!record || record->created_at != upload->created_at || strcmp(record->status, "queued") != 0)
		return error_set(err, ERROR_GONE,
				 "Image %s could not be found after upload. It may have been deleted during "
				 "the upload.",
				 upload->id);
	record->status = "active";
	record->size = upload->size;
	record->virtual_size = virtual_size(upload);
	record->checksum = upload->md5_text;
	record->sha512 = upload->sha512_text;
	store_on_end(request->db, upload_end, upload);
	return image_record_save(request, record, err);
}

bool image_upload_finish(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct upload *upload = request->upload;
	struct image_record record;
	bool found = image_record_load(request, upload->id, &record, err);

	image_no_content(response);
	return image_upload_settle(request, found ? &record : NULL, err);
}
