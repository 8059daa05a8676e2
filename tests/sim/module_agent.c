/* The agent's HTTP in the simulator: the simulated network instead of libcurl; what an outcome means is as in
 * agent/controller_http.c. */
#include "agent/controller.h"

#include "base/memory.h"
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

static bool call(const struct controller *controller, struct net_request *request, const char *path,
		 const char *what, struct text *text, struct error *err)
{
	static const char *const outcomes[] = {[NET_REFUSED] = "Could not connect to server",
					       [NET_SILENT] = "Timeout was reached",
					       [NET_CUT] = "Server returned nothing (no headers, no data)"};
	_cleanup_free_ char *target = memory_printf("/agent/v1/%s", path);
	struct net_answer answer;

	request->target = target;
	request->credential = controller->credential;
	enum net_outcome outcome = net_call(request, &answer);
	if (outcome != NET_ANSWERED)
		return error_set(err, ERROR_UNAVAILABLE, "%s: %s", what, outcomes[outcome]);
	text_add_bytes(text, answer.body, answer.size);
	free(answer.body);
	return (answer.status >= 200 && answer.status < 300) ||
	       error_set(err, (enum error_kind)answer.status, "%s: the controller answers %d %.300s", what,
			 answer.status, text->data ? text->data : "");
}

bool controller_send(const struct controller *controller, const char *method, const char *path,
		     const char *content_type, const char *body, size_t size, int seconds,
		     struct text *answer, struct error *err)
{
	_cleanup_(text_done) struct text local = {0};
	_cleanup_free_ char *what = memory_printf("%s %s", method, path);
	struct net_request request = {.method = method,
				      .content_type = content_type,
				      .body = body,
				      .size = size,
				      .patience = seconds * SECOND};

	return call(controller, &request, path, what, answer ? answer : &local, err);
}

bool controller_download(const struct controller *controller, const char *image_id, const char *path,
			 struct error *err)
{
	_cleanup_(text_done) struct text answer = {0};
	_cleanup_free_ char *target = memory_printf("images/%s", image_id);
	struct net_request request = {.method = "GET", .patience = 60 * SECOND};

	if (!call(controller, &request, target, "downloading the image", &answer, err))
		return false;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, answer.data, answer.length) != (ssize_t)answer.length || fsync(fd) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot write %s", path);
	return true;
}

bool controller_upload(const struct controller *controller, const char *image_id, const char *sha512,
		       const char *path, struct error *err)
{
	_cleanup_(text_done) struct text answer = {0};
	_cleanup_free_ char *target = memory_printf("images/%s", image_id);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat facts;

	if (fd < 0 || fstat(fd, &facts) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
	_cleanup_free_ char *bytes = memory_alloc((size_t)facts.st_size + 1);
	struct net_request request = {.method = "PUT",
				      .content_type = "application/octet-stream",
				      .checksum = sha512,
				      .body = bytes,
				      .size = (size_t)pread(fd, bytes, (size_t)facts.st_size, 0),
				      .patience = 300 * SECOND};
	return call(controller, &request, target, "sending the disk", &answer, err);
}
