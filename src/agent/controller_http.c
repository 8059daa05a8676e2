/* HTTP to the controller, by libcurl. */
#include "agent/controller.h"

#include "base/memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/stat.h>

#define ANSWER_MAX (64u * 1024 * 1024)

static size_t take_text(char *bytes, size_t size, size_t count, void *argument)
{
	struct text *text = argument;

	if (text->length + size * count > ANSWER_MAX)
		return 0;
	text_add_bytes(text, bytes, size * count);
	return size * count;
}

static CURL *curl_make(const struct controller *controller, const char *path, struct curl_slist **headers)
{
	_cleanup_free_ char *url = memory_printf("%s/agent/v1/%s", controller->url, path);
	_cleanup_free_ char *credential = memory_printf("X-Agent-Credential: %s", controller->credential);
	CURL *curl = curl_easy_init();

	*headers = curl_slist_append(*headers, credential);
	*headers = curl_slist_append(*headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "penstock-agent/" PENSTOCK_VERSION);
	return curl;
}

static bool curl_finish(CURL *curl, struct curl_slist *headers, const char *what, struct error *err)
{
	CURLcode code = curl_easy_perform(curl);
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK && code != CURLE_HTTP_RETURNED_ERROR)
		return error_set(err, ERROR_UNAVAILABLE, "%s: %s", what, curl_easy_strerror(code));
	if (status >= 200 && status < 300)
		return true;
	return error_set(err, (enum error_kind)status, "%s: the controller answers %ld ", what, status);
}

bool controller_send(const struct controller *controller, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err)
{
	_cleanup_(text_done) struct text local = {0};
	_cleanup_free_ char *type = memory_printf("Content-Type: %s", content_type);
	struct curl_slist *headers = curl_slist_append(NULL, type);
	CURL *curl = curl_make(controller, path, &headers);
	struct text *text = answer ? answer : &local;

	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	_cleanup_free_ char *what = memory_printf("%s %s", method, path);
	if (curl_finish(curl, headers, what, err))
		return true;
	if (text->length) {
		struct error why = *err;
		error_set(err, why.kind, "%s%.300s", why.message, text->data);
	}
	return false;
}

struct download {
	FILE *file;
	CURL *curl;
	bool began;
};

static size_t take_file(char *bytes, size_t size, size_t count, void *argument)
{
	struct download *download = argument;
	long status = 0;

	/* A server that does not continue sends all of it again. */
	curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
	if (!download->began && status == 200 && ftruncate(fileno(download->file), 0) != 0)
		return 0;
	download->began = true;
	return fwrite(bytes, size, count, download->file);
}

bool controller_download(const struct controller *controller, const char *image_id, const char *path,
			 struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "ae");
	_cleanup_free_ char *target = memory_printf("images/%s", image_id);
	struct curl_slist *headers = NULL;
	struct stat there;

	if (!file || fstat(fileno(file), &there) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	CURL *curl = curl_make(controller, target, &headers);
	struct download download = {.file = file, .curl = curl};
	if (there.st_size > 0) {
		_cleanup_free_ char *range = memory_printf("Range: bytes=%lld-", (long long)there.st_size);
		headers = curl_slist_append(headers, range);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_file);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	/* However large it is: but something must come in every minute. */
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
	if (!curl_finish(curl, headers, "downloading the image", err))
		return false;
	if (fflush(file) != 0 || fsync(fileno(file)) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

bool controller_upload(const struct controller *controller, const char *image_id, const char *sha512,
		       const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *target = memory_printf("images/%s", image_id);
	_cleanup_free_ char *checksum = memory_printf("X-Image-Checksum-Sha512: %s", sha512);
	_cleanup_(text_done) struct text answer = {0};
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
	struct stat facts;

	if (!file || fstat(fileno(file), &facts) != 0) {
		curl_slist_free_all(headers);
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	}
	headers = curl_slist_append(headers, checksum);
	CURL *curl = curl_make(controller, target, &headers);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READDATA, file);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)facts.st_size);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	/* As with downloads; the answer comes when all of it is on the controller's disk. */
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 300L);
	if (curl_finish(curl, headers, "sending the disk", err))
		return true;
	if (answer.length) {
		struct error why = *err;
		error_set(err, why.kind, "%s%.300s", why.message, answer.data);
	}
	return false;
}
