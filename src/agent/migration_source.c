/* The host that a guest leaves. */
#include "agent/migration.h"

#include "agent/file.h"
#include "agent/images.h"
#include "agent/lifecycle_step.h"
#include "agent/migration_xml.h"
#include "agent/plug.h"
#include "agent/world.h"
#include "base/memory.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS	  200
#define DRIVE_MAX (4 * 1024 * 1024) /* of a config drive; the controller takes no more */

static struct migration_settings settings = {.scheme = "tcp", .completion_seconds = 800, .downtime_ms = 500};

void migration_configure(const struct migration_settings *given)
{
	settings = *given;
}

/* --- before --- */

static char *config_drive_base64(const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ unsigned char *bytes = memory_alloc(DRIVE_MAX + 1);
	size_t size = file ? fread(bytes, 1, DRIVE_MAX + 1, file) : 0;

	if (!file || ferror(file)) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot read %s", path);
		return NULL;
	}
	if (size > DRIVE_MAX) {
		error_set(err, ERROR_INTERNAL, "%s is larger than %d bytes", path, DRIVE_MAX);
		return NULL;
	}
	char *text = memory_alloc(4 * (size + 2) / 3 + 4);
	EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
	return text;
}

char *migration_facts(const struct host_folders *folders, const char *server_id, struct error *err)
{
	_cleanup_free_ char *folder = lifecycle_folder(folders, server_id),
			    *disk = memory_printf("%s/disk", folder),
			    *iso = memory_printf("%s/config.iso", folder);
	_cleanup_free_ char *drive = config_drive_base64(iso, err);
	int64_t size = image_disk_size(disk);

	if (!drive)
		return NULL;
	if (size > 0)
		return memory_printf("{\"disk_bytes\":%lld,\"config_drive\":\"%s\"}", (long long)size, drive);
	error_set(err, ERROR_INTERNAL, "%s is no qcow2", disk);
	return NULL;
}

/* --- on its way --- */

/* That libvirt said so is known after a crash, too. */
static char *left_mark(const char *folder)
{
	return memory_printf("%s/left", folder);
}

static char *place_in(const char *text, const char *address)
{
	const char *place = strstr(text, "%s");

	return memory_printf("%.*s%s%s", (int)(place - text), text, address, place + 2);
}

/* Of libvirt over there, and of the stream to the QEMU over there. */
static void make_uris(const char *address, char **uri, char **data_uri)
{
	bool ipv6 = strchr(address, ':');
	_cleanup_free_ char *host = memory_printf(ipv6 ? "[%s]" : "%s", address),
			    *usual = memory_printf("qemu+%s://%%s/system", settings.scheme);

	*uri = place_in(*settings.uri ? settings.uri : usual, host);
	*data_uri = memory_printf("tcp://%s", host);
}

static bool make_xml(const struct lifecycle *life, yyjson_val *server, struct text *xml, struct error *err)
{
	yyjson_val *way = yyjson_obj_get(server, "migration");
	const char *id = json_text(server, "id"), *cpus = yyjson_get_str(yyjson_obj_get(way, "cpus"));
	_cleanup_free_ struct numa_placement *numa = server_placement(way);
	_cleanup_free_ char *from = lifecycle_folder(life->folders, id),
			    *to = memory_printf("%s/%.36s", json_text(way, "folder"), id), *now = NULL;
	const struct migration_change change = {.from_folder = from,
						.to_folder = to,
						.cpus = cpus,
						.numa = numa,
						.devices = yyjson_obj_get(way, "devices")};

	if (!world->domain_migratable_xml(id, &now, err))
		return false;
	return now ? migration_xml(now, &change, xml, err)
		   : error_set(err, ERROR_NOT_FOUND, "the guest has ended meanwhile");
}

/* Nova's measure: so many seconds for each GiB of memory and disk, of which there are at least two. */
static int64_t seconds_for(yyjson_val *server)
{
	int64_t gigabytes = json_int(server, "memory_mb", 0) / 1024 + json_int(server, "disk_gb", 0);

	return settings.completion_seconds * (gigabytes > 2 ? gigabytes : 2);
}

static bool migrate(const struct lifecycle *life, yyjson_val *server, const struct migration_word *word,
		    struct error *err)
{
	yyjson_val *way = yyjson_obj_get(server, "migration");
	_cleanup_(text_done) struct text xml = {0};
	_cleanup_free_ char *uri = NULL, *data_uri = NULL;

	if (!make_xml(life, server, &xml, err))
		return false;
	make_uris(json_text(way, "address"), &uri, &data_uri);
	lifecycle_step(life, "migrate");
	return world->domain_migrate(
		json_text(server, "id"),
		&(struct world_migration){.uri = uri,
					  .data_uri = data_uri,
					  .xml = xml.data,
					  .post_copy = settings.post_copy &&
						       yyjson_arr_size(yyjson_obj_get(way, "devices")) == 0,
					  .auto_converge = settings.auto_converge,
					  .force_complete = settings.force_complete,
					  .complete = json_bool(way, "complete", false),
					  .bandwidth = settings.bandwidth,
					  .downtime_ms = settings.downtime_ms,
					  .seconds = seconds_for(server),
					  .wish = word->wish,
					  .argument = life->argument},
		err);
}

/* --- the ends --- */

/* No guest is left without its NICs: what was taken out of it comes in again. */
static enum server_outcome come_back(const struct lifecycle *life, const char *folder, yyjson_val *server,
				     enum server_outcome outcome, struct error *err)
{
	struct error why;

	lifecycle_step(life, "plug");
	if (plug_settle(life, folder, server, server, &why))
		return outcome;
	*err = why;
	return SERVER_LATER;
}

static enum server_outcome is_away(const char *folder)
{
	_cleanup_free_ char *mark = left_mark(folder);

	return access(mark, F_OK) == 0 ? SERVER_LEFT : SERVER_ENDED;
}

/* An earlier life of the agent has set it going, and libvirt is at it. */
static bool wait_for_libvirt(const struct lifecycle *life, yyjson_val *server, bool stay,
			     const struct migration_word *word, enum world_guest *guest, struct error *err)
{
	const char *id = json_text(server, "id");

	lifecycle_step(life, "migrate");
	while (world->domain_state(id, guest, err)) {
		if (*guest != WORLD_GUEST_GOES)
			return true;
		if ((stay || word->wish(life->argument) == WORLD_STAY) &&
		    !world->domain_migrate_abort(id, err))
			return false;
		world->pause(LOOK_MS);
	}
	return false;
}

static enum server_outcome set_going(const struct lifecycle *life, const char *folder, yyjson_val *server,
				     const struct migration_word *word, struct error *err)
{
	_cleanup_free_ char *mark = left_mark(folder);
	struct error failure;
	bool running;

	lifecycle_step(life, "ask");
	if (!word->may_leave(json_text(server, "id"), json_int(server, "generation", 0), err))
		return come_back(life, folder, server,
				 err->kind == ERROR_CONFLICT || err->kind == ERROR_NOT_FOUND ? SERVER_REFUSED
											     : SERVER_LATER,
				 err);
	unlink(mark);
	if (plug_all_out(life, server, PLUG_OUT_TO_MIGRATE, err) && migrate(life, server, word, err)) {
		if (file_write(mark, "", FILE_DURABLE, err))
			return SERVER_LEFT;
		return SERVER_LATER;
	}
	if (err->kind == ERROR_UNAVAILABLE ||
	    !world->domain_running(json_text(server, "id"), &running, &failure))
		return SERVER_LATER;
	return running ? come_back(life, folder, server, SERVER_REFUSED, err) : SERVER_ENDED;
}

enum server_outcome migration_leave(const struct lifecycle *life, yyjson_val *server,
				    const struct migration_word *word, struct error *err)
{
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, json_text(server, "id"));
	bool stay = strcmp(json_text(server, "want"), "staying") == 0;
	enum world_guest guest;

	if (!wait_for_libvirt(life, server, stay, word, &guest, err))
		return SERVER_LATER;
	if (guest == WORLD_NO_GUEST)
		return is_away(folder);
	if (!lifecycle_remember(folder, server, err))
		return SERVER_LATER;
	return stay ? come_back(life, folder, server, SERVER_RUNS, err)
		    : set_going(life, folder, server, word, err);
}
