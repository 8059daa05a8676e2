/* The ledger's files.  They need not survive a power cut, which resets the devices as well: at its start the
 * agent enters what the grant journals say (learn.c). */
#include "agent/ledger.h"

#include "agent/file.h"
#include "agent/server.h"
#include "agent/world.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

static struct {
	pthread_mutex_t lock;
	char folder[300];
	int64_t grants; /* the highest number so far */
} ledger = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *path_of(const char *address)
{
	return memory_printf("%s/%.15s", ledger.folder, address);
}

static bool read_locked(const char *address, struct ledger_entry *entry)
{
	_cleanup_free_ char *path = path_of(address);

	*entry = (struct ledger_entry){0};
	if (!*ledger.folder || access(path, F_OK) != 0)
		return false;
	yyjson_doc *doc = yyjson_read_file(path, 0, NULL, NULL);
	yyjson_val *root = yyjson_doc_get_root(doc);
	snprintf(entry->server_id, sizeof entry->server_id, "%.36s", json_text(root, "server_id"));
	entry->grant = json_int(root, "grant", 0);
	entry->unreadable = !is_uuid(entry->server_id);
	yyjson_doc_free(doc);
	return true;
}

static bool write_locked(const char *address, const char *server_id, int64_t grant, struct error *err)
{
	_cleanup_free_ char *path = path_of(address);
	_cleanup_free_ char *text =
		memory_printf("{\"server_id\": \"%.36s\", \"grant\": %lld}\n", server_id, (long long)grant);

	return file_write(path, text, FILE_WHOLE, err);
}

char **ledger_list(void)
{
	_cleanup_closedir_ DIR *dir = *ledger.folder ? opendir(ledger.folder) : NULL;
	char **names = NULL;
	size_t count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (is_pci_address(entry->d_name))
			*ARRAY_ADD(names, count) = memory_copy_text(entry->d_name);
	}
	*ARRAY_ADD(names, count) = NULL;
	return names;
}

bool ledger_configure(const char *state_dir, struct error *err)
{
	struct ledger_entry entry;

	pthread_mutex_lock(&ledger.lock);
	ledger.grants = 0;
	snprintf(ledger.folder, sizeof ledger.folder, "%.250s%s", state_dir, *state_dir ? "/ledger" : "");
	bool ok = !*ledger.folder || mkdir(ledger.folder, 0755) == 0 || errno == EEXIST ||
		  error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", ledger.folder);
	char **addresses = ledger_list();
	for (char **address = addresses; ok && *address; address++) {
		if (read_locked(*address, &entry) && entry.grant > ledger.grants)
			ledger.grants = entry.grant;
	}
	world_list_free(addresses);
	pthread_mutex_unlock(&ledger.lock);
	return ok;
}

bool ledger_read(const char *address, struct ledger_entry *entry)
{
	pthread_mutex_lock(&ledger.lock);
	bool there = read_locked(address, entry);
	pthread_mutex_unlock(&ledger.lock);
	return there;
}

static bool refuse(const char *address, const struct ledger_entry *entry, struct error *err)
{
	if (entry->unreadable)
		return error_set(err, ERROR_INTERNAL,
				 "%s: %s/%s cannot be read, so that it is not known whose the device is",
				 address, ledger.folder, address);
	if (strcmp(entry->server_id, LEDGER_NOBODY) == 0)
		return error_set(err, ERROR_UNAVAILABLE, "%s is being cleaned", address);
	return error_set(err, ERROR_CONFLICT, "%s has been given to server %s (grant %lld) and is not free",
			 address, entry->server_id, (long long)entry->grant);
}

bool ledger_take(const char *address, const char *server_id, int64_t *grant, struct error *err)
{
	struct ledger_entry entry;
	bool ok = true;

	pthread_mutex_lock(&ledger.lock);
	if (!*ledger.folder) {
		*grant = 0;
	} else if (read_locked(address, &entry)) {
		ok = (!entry.unreadable && strcmp(entry.server_id, server_id) == 0) ||
		     refuse(address, &entry, err);
		*grant = entry.grant;
	} else {
		*grant = ++ledger.grants;
		ok = write_locked(address, server_id, *grant, err);
	}
	pthread_mutex_unlock(&ledger.lock);
	return ok;
}

bool ledger_retake(const char *address, const char *server_id, int64_t grant, struct error *err)
{
	struct ledger_entry entry;
	bool ok;

	pthread_mutex_lock(&ledger.lock);
	if (grant > ledger.grants)
		ledger.grants = grant;
	if (!*ledger.folder)
		ok = true;
	else if (!read_locked(address, &entry))
		ok = write_locked(address, server_id, grant, err);
	else
		ok = (!entry.unreadable && strcmp(entry.server_id, server_id) == 0) ||
		     refuse(address, &entry, err);
	pthread_mutex_unlock(&ledger.lock);
	return ok;
}

bool ledger_enter(const char *address, const char *server_id, int64_t grant, struct error *err)
{
	pthread_mutex_lock(&ledger.lock);
	if (grant > ledger.grants)
		ledger.grants = grant;
	bool ok = !*ledger.folder || write_locked(address, server_id, grant, err);
	pthread_mutex_unlock(&ledger.lock);
	return ok;
}

static bool drop_locked(const char *address, struct error *err)
{
	_cleanup_free_ char *path = path_of(address);

	return unlink(path) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
}

bool ledger_drop(const char *address, const char *server_id, struct error *err)
{
	struct ledger_entry entry;

	pthread_mutex_lock(&ledger.lock);
	bool ok = !read_locked(address, &entry) || strcmp(entry.server_id, server_id) != 0 ||
		  drop_locked(address, err);
	pthread_mutex_unlock(&ledger.lock);
	return ok;
}

void ledger_forget(const char *server_id)
{
	struct error ignored;

	char **addresses = ledger_list();
	for (char **address = addresses; *address; address++)
		ledger_drop(*address, server_id, &ignored);
	world_list_free(addresses);
}
