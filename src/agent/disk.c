/* Copies of a server's disk, and its way to the controller and back. */
#include "agent/disk.h"

#include "agent/file.h"
#include "agent/images.h"
#include "agent/world.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_SECONDS 3600 /* of CPU time: disks are large */
#define ASK_SECONDS  15

#define KEPT "disk.kept-"
#define SENT "disk.send-"
/* What a copy to be sent holds once the controller has it, or it could not be made or sent, which is told
 * again (why follows): an order that is remembered from before does not stop the guest for another one. */
#define HAS_BEEN_SENT "sent\n"
#define WAS_REFUSED   "refused\n"

static yyjson_val *order_of(yyjson_val *server)
{
	return yyjson_obj_get(server, "disk");
}

bool disk_check(yyjson_val *order, struct error *err)
{
	static const char *const ids[] = {"keep", "restore", "send"};

	for (size_t i = 0; i < ELEMENTS_OF(ids); i++) {
		const char *id = json_text(order, ids[i]);

		if (*id && !is_uuid(id))
			return error_set(err, ERROR_BAD_REQUEST,
					 "the controller sent a bad order for a disk");
	}
	return true;
}

/* --- copies on this host --- */

static bool copy_bytes(int from, int to)
{
	ssize_t count;

	if (ioctl(to, FICLONE, from) == 0)
		return true;
	while ((count = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0) {
	}
	return count == 0;
}

/* It has its name only when it is there as a whole. */
static bool copy_file(const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.new", to);
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (in < 0 || out < 0 || !copy_bytes(in, out) || fsync(out) != 0 || rename(temporary, to) != 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot copy %s", from);
	return true;
}

static bool keep(const char *folder, const char *disk, const char *move_id, struct error *err)
{
	_cleanup_free_ char *kept = memory_printf("%s/" KEPT "%.36s", folder, move_id);

	return access(kept, F_OK) == 0 || access(disk, F_OK) != 0 || copy_file(disk, kept, err);
}

/* The rename also says that it has been done. */
static bool restore(const char *folder, const char *disk, const char *move_id, struct error *err)
{
	_cleanup_free_ char *kept = memory_printf("%s/" KEPT "%.36s", folder, move_id);

	return rename(kept, disk) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot put %s back", kept);
}

static bool is_ordered(const char *name, yyjson_val *server)
{
	static const struct {
		const char *prefix, *order;
	} copies[] = {{KEPT, "keep"}, {KEPT, "restore"}, {SENT, "send"}};

	for (size_t i = 0; i < ELEMENTS_OF(copies); i++) {
		size_t length = strlen(copies[i].prefix);

		if (strncmp(name, copies[i].prefix, length) == 0 &&
		    strcmp(name + length, json_text(order_of(server), copies[i].order)) == 0)
			return true;
	}
	return false;
}

bool disk_forget(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		bool copy = strncmp(entry->d_name, KEPT, strlen(KEPT)) == 0 ||
			    strncmp(entry->d_name, SENT, strlen(SENT)) == 0;

		if (copy && !is_ordered(entry->d_name, server) &&
		    unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s/%s", folder,
					       entry->d_name);
	}
	return true;
}

/* --- from the controller --- */

/* By way of the cache, which continues downloads and looks at what comes; no other server has use for it. */
static bool fetch(const struct lifecycle *life, const char *disk, yyjson_val *image, struct error *err)
{
	char path[IMAGE_PATH_SIZE];

	if (access(disk, F_OK) == 0)
		return true;
	return image_fetch(life->controller, life->folders->cache, image, path, err) &&
	       (rename(path, disk) == 0 ||
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", disk));
}

bool disk_settle(const struct lifecycle *life, const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder);
	yyjson_val *order = order_of(server), *image = yyjson_obj_get(order, "fetch");
	const char *kept = json_text(order, "keep"), *back = json_text(order, "restore");

	if (yyjson_is_obj(image) && mkdir(folder, 0711) != 0 && errno != EEXIST)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", folder);
	return (!*kept || keep(folder, disk, kept, err)) && (!*back || restore(folder, disk, back, err)) &&
	       (!yyjson_is_obj(image) || fetch(life, disk, image, err)) && disk_forget(folder, server, err);
}

/* --- to the controller --- */

/* qemu-img leaves that to the kernel. */
static bool file_sync(const char *path)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);

	return file >= 0 && fsync(file) == 0;
}

/* Without its base: an image of its own. */
static bool flatten(const char *folder, const char *server_id, bool running, const char *path,
		    struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder),
			    *temporary = memory_printf("%s.new", path);
	const char *argv[] = {"qemu-img", "convert", "-q", "-U",      "-f", "qcow2",
			      "-O",	  "qcow2",   disk, temporary, NULL};
	struct error ignored;

	if (access(path, F_OK) == 0)
		return true;
	/* QEMU writes all that it holds back when a guest stops. */
	if (running && !world->domain_pause(server_id, true, err))
		return false;
	bool ok = world->run(argv, COPY_SECONDS, NULL, err);
	/* If it cannot go on now, it does when the server is looked at next. */
	if (running && !world->domain_pause(server_id, false, ok ? err : &ignored))
		ok = false;
	return ok && ((file_sync(temporary) && rename(temporary, path) == 0) ||
		      error_set_errno(err, ERROR_INTERNAL, errno, "cannot keep %s", path));
}

/* How the order ended in this life of the agent or an earlier one; false: it has not. */
static bool has_ended(const char *path, enum disk_outcome *outcome, struct error *err)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
	char text[sizeof WAS_REFUSED + sizeof err->message] = "";

	if (file < 0 || read(file, text, sizeof text - 1) <= 0)
		return false;
	*outcome = text_starts_with(text, WAS_REFUSED) ? DISK_REFUSED : DISK_SENT;
	if (*outcome == DISK_REFUSED)
		error_set(err, ERROR_INTERNAL, "%s", text + sizeof WAS_REFUSED - 1);
	return *outcome == DISK_REFUSED || text_starts_with(text, HAS_BEEN_SENT);
}

/* If that cannot be written down (a full disk), it may be tried again by an agent that is started again. */
static enum disk_outcome refuse(const char *path, const struct error *err)
{
	_cleanup_free_ char *text = memory_printf(WAS_REFUSED "%s", err->message);
	struct error ignored;

	file_write(path, text, FILE_WHOLE, &ignored);
	return DISK_REFUSED;
}

static enum disk_outcome outcome_of(const struct error *err)
{
	switch (err->kind) {
	case ERROR_GONE:
	case ERROR_NOT_FOUND:
		return DISK_SENT; /* or not wanted: the controller knows */
	case ERROR_CONFLICT:	  /* what was cut short is not over there yet */
	case ERROR_UNAVAILABLE:
	case ERROR_TIMEOUT:
	case ERROR_UNAUTHORIZED:
		return DISK_LATER;
	default:
		return DISK_REFUSED;
	}
}

/* A guest is stopped for a copy only if somebody waits for it: the order may be one that is remembered, or
 * have waited here for long, and have been given up meanwhile. */
static bool is_awaited(const struct lifecycle *life, const char *image_id, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("images/%.36s/awaited", image_id);

	return controller_send(life->controller, "GET", path, "application/json", NULL, 0, ASK_SECONDS, NULL,
			       err);
}

enum disk_outcome disk_send(const struct lifecycle *life, yyjson_val *server, bool running, struct error *err)
{
	const char *image_id = json_text(order_of(server), "send"), *id = json_text(server, "id");
	_cleanup_free_ char *folder = memory_printf("%s/%.36s", life->folders->instances, id);
	_cleanup_free_ char *path = memory_printf("%s/" SENT "%.36s", folder, image_id);
	enum disk_outcome outcome = DISK_SENT;
	char hash[129];

	if (!*image_id || has_ended(path, &outcome, err))
		return outcome;
	if (life->step)
		life->step("send disk", life->argument);
	if (running && access(path, F_OK) != 0 && !is_awaited(life, image_id, err))
		return outcome_of(err) == DISK_SENT ? DISK_SENT : DISK_LATER;
	if (!flatten(folder, id, running, path, err))
		return err->kind == ERROR_UNAVAILABLE ? DISK_LATER : refuse(path, err);
	if (!image_sha512(path, hash, err))
		return refuse(path, err);
	if (!controller_upload(life->controller, image_id, hash, path, err))
		outcome = outcome_of(err);
	if (outcome != DISK_SENT)
		return outcome == DISK_REFUSED ? refuse(path, err) : outcome;
	return file_write(path, HAS_BEEN_SENT, FILE_WHOLE, err) ? DISK_SENT : DISK_LATER;
}
