/* The quarantine's files. */
#include "agent/quarantine.h"

#include "agent/file.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/timestamp.h"
#include "sys/sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

static struct {
	pthread_mutex_t lock;
	char folder[300];
	struct map strikes; /* by address: how many, as a pointer */
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_uint put_count, told_count;
static _Atomic int64_t put_at; /* sys_monotonic() */

#define NEWS_LIMIT (30 * TIME_SECOND) /* a controller that takes no inventory is not waited for longer */

static char *path_of(const char *address, const char *suffix)
{
	return memory_printf("%s/%.15s%s", kept.folder, address, suffix);
}

bool quarantine_configure(const char *state_dir, struct error *err)
{
	map_done(&kept.strikes, NULL);
	snprintf(kept.folder, sizeof kept.folder, "%.250s%s", state_dir, *state_dir ? "/quarantine" : "");
	return !*kept.folder || mkdir(kept.folder, 0755) == 0 || errno == EEXIST ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", kept.folder);
}

/* --- reading --- */

static void parse(yyjson_val *root, struct quarantine *q)
{
	yyjson_val *device = yyjson_obj_get(root, "device");

	snprintf(q->reason, sizeof q->reason, "%s", json_text(root, "reason"));
	snprintf(q->since, sizeof q->since, "%s", json_text(root, "since"));
	q->heals = json_bool(root, "heals", false);
	q->has_device = is_pci_address(json_text(device, "address"));
	if (q->has_device)
		granted_device_parse(device, json_text(root, "server_id"), &q->device);
}

static bool read_locked(const char *address, struct quarantine *q)
{
	_cleanup_free_ char *path = path_of(address, ".json");

	*q = (struct quarantine){0};
	if (!*kept.folder || access(path, F_OK) != 0)
		return false;
	yyjson_doc *doc = yyjson_read_file(path, YYJSON_READ_ALLOW_INVALID_UNICODE, NULL, NULL);
	parse(yyjson_doc_get_root(doc), q);
	yyjson_doc_free(doc);
	if (!*q->reason)
		snprintf(q->reason, sizeof q->reason, "%s says no reason", path);
	return true;
}

bool quarantine_read(const char *address, struct quarantine *q)
{
	pthread_mutex_lock(&kept.lock);
	bool there = read_locked(address, q);
	pthread_mutex_unlock(&kept.lock);
	return there;
}

static char **list(const char *suffix)
{
	_cleanup_closedir_ DIR *dir = *kept.folder ? opendir(kept.folder) : NULL;
	char **names = NULL, address[16];
	size_t count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char *dot = strrchr(entry->d_name, '.'); /* the address has one, too */

		if (!dot || strcmp(dot, suffix) != 0 || dot - entry->d_name != 12)
			continue;
		snprintf(address, sizeof address, "%.12s", entry->d_name);
		if (is_pci_address(address))
			*ARRAY_ADD(names, count) = memory_copy_text(address);
	}
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

char **quarantine_list(void)
{
	return list(".json");
}

/* --- writing --- */

static char *describe(const char *address, const struct quarantine *q)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);

	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "address", address);
	yyjson_mut_obj_add_str(doc, root, "reason", q->reason);
	yyjson_mut_obj_add_str(doc, root, "since", q->since);
	yyjson_mut_obj_add_bool(doc, root, "heals", q->heals);
	if (q->has_device) {
		yyjson_mut_obj_add_str(doc, root, "server_id", q->device.owner);
		granted_device_write(doc, yyjson_mut_obj_add_obj(doc, root, "device"), &q->device);
	}
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY | YYJSON_WRITE_ALLOW_INVALID_UNICODE, NULL);
	yyjson_mut_doc_free(doc);
	return text;
}

static bool put_locked(const char *address, bool heals, const struct granted_device *device,
		       const char *reason, struct error *err)
{
	_cleanup_free_ char *path = path_of(address, ".json");
	struct quarantine q;

	if (!*kept.folder)
		return error_set(err, ERROR_INTERNAL, "%s: %s", address, reason);
	bool known = read_locked(address, &q);
	if (known && q.heals == heals && strcmp(q.reason, reason) == 0 && (!device || q.has_device))
		return true;
	q.heals = heals;
	snprintf(q.reason, sizeof q.reason, "%s", reason);
	text_make_utf8(q.reason);
	if (!*q.since)
		time_format(sys_now(), TIME_SECONDS_Z, q.since);
	if (device) {
		q.device = *device;
		q.has_device = true;
	}
	_cleanup_free_ char *text = describe(address, &q);
	if (!file_write(path, text, FILE_DURABLE, err))
		return false;
	atomic_store(&put_at, sys_monotonic());
	atomic_fetch_add(&put_count, !known);
	log_error("%s is quarantined: %s", address, q.reason);
	return true;
}

bool quarantine_put(const char *address, bool heals, const struct granted_device *device, const char *reason,
		    struct error *err)
{
	pthread_mutex_lock(&kept.lock);
	bool ok = put_locked(address, heals, device, reason, err);
	pthread_mutex_unlock(&kept.lock);
	return ok;
}

bool quarantine_lift(const char *address, struct error *err)
{
	_cleanup_free_ char *path = path_of(address, ".json");

	if (!*kept.folder || access(path, F_OK) != 0)
		return true;
	if (unlink(path) != 0 && errno != ENOENT)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
	log_info("%s is out of quarantine", address);
	return true;
}

unsigned quarantine_count(void)
{
	return atomic_load(&put_count);
}

void quarantine_told(unsigned count)
{
	atomic_store(&told_count, count);
}

bool quarantine_is_news(void)
{
	return atomic_load(&told_count) != atomic_load(&put_count) &&
	       sys_monotonic() - atomic_load(&put_at) < NEWS_LIMIT;
}

/* --- the operator's word --- */

bool quarantine_asked(const char *address, bool *force)
{
	_cleanup_free_ char *path = path_of(address, ".release");
	_cleanup_fclose_ FILE *file = *kept.folder ? fopen(path, "re") : NULL;
	char word[16] = "";

	*force = file && fscanf(file, "%15s", word) == 1 && strcmp(word, "force") == 0;
	return file;
}

void quarantine_answer(const char *address, const char *why)
{
	_cleanup_free_ char *path = path_of(address, ".release"), *answer = path_of(address, ".answer");
	struct error err;

	if (!file_write(answer, why, FILE_WHOLE, &err))
		log_error("%s", err.message);
	unlink(path);
}

/* --- how often --- */

int quarantine_strike(const char *address)
{
	pthread_mutex_lock(&kept.lock);
	intptr_t count = (intptr_t)map_get(&kept.strikes, address) + 1;
	map_put(&kept.strikes, address, (void *)count);
	pthread_mutex_unlock(&kept.lock);
	return (int)count;
}

void quarantine_forgive(const char *address)
{
	pthread_mutex_lock(&kept.lock);
	map_remove(&kept.strikes, address);
	pthread_mutex_unlock(&kept.lock);
}
