/* Making a server so, and undoing it in reverse. */
#include "agent/lifecycle.h"

#include "agent/config_drive.h"
#include "agent/deadline.h"
#include "agent/disk.h"
#include "agent/disk_renew.h"
#include "agent/file.h"
#include "agent/grant.h"
#include "agent/images.h"
#include "agent/ledger.h"
#include "agent/lifecycle_step.h"
#include "agent/plug.h"
#include "agent/vm.h"
#include "agent/world.h"
#include "base/deliberate.h"
#include "base/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void lifecycle_step(const struct lifecycle *life, const char *name)
{
	if (life->step)
		life->step(name, life->argument);
}

char *lifecycle_folder(const struct host_folders *folders, const char *server_id)
{
	return memory_printf("%s/%.36s", folders->instances, server_id);
}

/* --- what the folder remembers --- */

yyjson_doc *server_remembered(const struct host_folders *folders, const char *server_id)
{
	_cleanup_free_ char *folder = lifecycle_folder(folders, server_id),
			    *path = memory_printf("%s/server.json", folder);
	yyjson_doc *doc = access(path, R_OK) == 0 ? yyjson_read_file(path, 0, NULL, NULL) : NULL;
	struct error ignored;

	if (doc && server_check(yyjson_doc_get_root(doc), &ignored) &&
	    strcmp(json_text(yyjson_doc_get_root(doc), "id"), server_id) == 0)
		return doc;
	yyjson_doc_free(doc);
	return NULL;
}

bool lifecycle_remember(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/server.json", folder);
	_cleanup_free_ char *text = yyjson_val_write(server, 0, NULL);

	return file_write(path, text, FILE_WHOLE, err);
}

/* The generation in which the guest was last started; none (-1) from before it is started until it was seen
 * to run. */
static int64_t started_generation(const char *folder)
{
	_cleanup_free_ char *path = memory_printf("%s/started", folder);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	long long generation = -1;

	return file && fscanf(file, "%lld", &generation) == 1 ? generation : -1;
}

static bool remember_started(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/started", folder);
	_cleanup_free_ char *text = memory_printf("%lld\n", (long long)json_int(server, "generation", 0));

	return started_generation(folder) == json_int(server, "generation", 0) ||
	       file_write(path, text, FILE_WHOLE, err);
}

static bool forget_started(const char *folder, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/started", folder);

	return unlink(path) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
}

/* --- files --- */

/* Fetches an image and makes folder/name a link to it, which also keeps it in the cache. */
static bool link_image(const struct lifecycle *life, const char *folder, yyjson_val *image, const char *name,
		       char path[IMAGE_PATH_SIZE], struct error *err)
{
	_cleanup_free_ char *link_path = memory_printf("%s/%s", folder, name);

	if (!image_fetch(life->controller, life->folders->cache, image, path, err))
		return false;
	unlink(link_path);
	return symlink(path, link_path) == 0 ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", link_path);
}

static bool link_boot_file(const struct lifecycle *life, const char *folder, yyjson_val *server,
			   const char *name, struct error *err)
{
	yyjson_val *image = yyjson_obj_get(server, name);
	char path[IMAGE_PATH_SIZE];

	return !yyjson_is_obj(image) || link_image(life, folder, image, name, path, err);
}

bool lifecycle_boot_files(const struct lifecycle *life, const char *folder, yyjson_val *server,
			  struct error *err)
{
	return link_boot_file(life, folder, server, "kernel", err) &&
	       link_boot_file(life, folder, server, "ramdisk", err);
}

static bool setup_disk(const struct lifecycle *life, const char *folder, yyjson_val *server,
		       struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder);
	yyjson_val *image = yyjson_obj_get(server, "image");
	char base[IMAGE_PATH_SIZE];

	/* A larger flavor's disk grows while the guest is off; it never shrinks. */
	if (access(disk, F_OK) == 0)
		return image_grow(disk, json_int(server, "disk_gb", 0), err);

	if (!yyjson_is_obj(image))
		return error_set(err, ERROR_BAD_REQUEST, "a server without an image is not built");
	return link_image(life, folder, image, "base", base, err) &&
	       image_overlay(base, image, json_int(server, "disk_gb", 0), disk, err);
}

/* What is wrong with the image is wrong on every host. */
static bool blame_image(struct error *err)
{
	if (err->kind == ERROR_BAD_REQUEST || err->kind == ERROR_NOT_FOUND)
		err->type = "image";
	return false;
}

static bool setup_files(const struct lifecycle *life, const char *folder, yyjson_val *server,
			struct error *err)
{
	_cleanup_free_ char *iso = memory_printf("%s/config.iso", folder);

	lifecycle_step(life, "image");
	if (!disk_renew(folder, server, err))
		return false;
	if (!disk_settle(life, folder, server, err) || !setup_disk(life, folder, server, err) ||
	    !lifecycle_boot_files(life, folder, server, err))
		return blame_image(err);
	lifecycle_step(life, "config drive");
	/* What the guest was told at first (a password, a seed) stays what it finds. */
	return access(iso, F_OK) == 0 || config_drive_write(server, iso, err);
}

/* --- devices --- */

static bool port_is_there(yyjson_val *server, const char *port_id)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		if (strcmp(json_text(port, "id"), port_id) == 0)
			return true;
	}
	return false;
}

/* A VF whose guest does not let go of it stays as it is. */
static bool reprogram(const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};

	if (!grant_read(folder, &grant, err))
		return false;
	for (size_t i = 0; i < grant.device_count; i++) {
		const char *port_id = grant.devices[i].port_id;

		if (*port_id && !port_is_there(server, port_id))
			continue;
		if (!granted_program(&grant.devices[i], server, err))
			return false;
	}
	return vm_set_links(server, err);
}

/* --- the journal --- */

/* Gives back what an earlier attempt took and this one does not need: the server may have been given other
 * devices meanwhile. */
static bool release_unneeded(const struct grant *before, const struct grant *needed, struct error *err)
{
	for (size_t i = 0; i < before->device_count; i++) {
		if (!grant_find_device(needed, before->devices[i].memory.address) &&
		    !granted_release(&before->devices[i], err))
			return false;
	}
	for (size_t i = 0; i < before->lease_count; i++) {
		const struct granted_lease *lease = &before->leases[i];

		if (!grant_has_lease(needed, lease) &&
		    !network_leave(lease->network_id, lease->mac, lease->ip, err))
			return false;
	}
	return true;
}

static bool check_offered(const struct lifecycle *life, const struct grant *grant, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		const char *address = grant->devices[i].memory.address;

		if (!life->offered(address))
			return error_set(err, ERROR_FORBIDDEN,
					 "%s is not offered by this host's device specs", address);
	}
	return true;
}

/* The rest of the devices' IOMMU groups: a guest cannot have a device while a driver has its mate. */
static bool add_mates(const struct lifecycle *life, const struct grant *before, struct grant *grant,
		      struct error *err)
{
	size_t count = life->mates ? grant->device_count : 0;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		char **mates = life->mates(grant->devices[i].memory.address);

		for (char **mate = mates; ok && mate && *mate; mate++)
			ok = grant_add_mate(grant, before, *mate, err);
		world_list_free(mates);
	}
	return ok;
}

/* Mates of devices that are kept. */
static void keep_mates(const struct lifecycle *life, const struct grant *before, struct grant *kept)
{
	for (size_t i = 0, count = kept->device_count; life->mates && i < count; i++) {
		char **mates = life->mates(kept->devices[i].memory.address);

		for (char **mate = mates; mate && *mate; mate++) {
			const struct granted_device *had = grant_find_device(before, *mate);

			if (had && !grant_find_device(kept, *mate))
				*ARRAY_ADD(kept->devices, kept->device_count) = *had;
		}
		world_list_free(mates);
	}
}

/* What the server is not wanted to have any more goes back; what it shall have besides is taken when it is
 * started. */
static bool give_back(const struct lifecycle *life, const char *folder, yyjson_val *server, struct error *err)
{
	_cleanup_(grant_done) struct grant before = {0}, kept = {0};

	if (!grant_read(folder, &before, err))
		return false;
	grant_keep(server, &before, &kept);
	keep_mates(life, &before, &kept);
	return (kept.device_count == before.device_count && kept.lease_count == before.lease_count) ||
	       (release_unneeded(&before, &kept, err) && grant_write(folder, &kept, err));
}

/* What it is to have no more goes first: a VF that it is to have instead may come back with its PF. */
bool lifecycle_grant(const struct lifecycle *life, const char *folder, yyjson_val *server,
		     struct grant *grant, struct error *err)
{
	_cleanup_(grant_done) struct grant before = {0};

	return give_back(life, folder, server, err) && grant_read(folder, &before, err) &&
	       grant_make(server, &before, grant, err) && add_mates(life, &before, grant, err) &&
	       check_offered(life, grant, err) && grant_write(folder, grant, err);
}

/* --- setting up --- */

static bool is_standard(yyjson_val *port)
{
	return !yyjson_is_obj(yyjson_obj_get(port, "device"));
}

static bool setup_devices(const struct grant *grant, yyjson_val *server, struct error *err)
{
	for (size_t i = 0; i < grant->device_count; i++) {
		if (!granted_setup(&grant->devices[i], server, err))
			return false;
	}
	return true;
}

/* Networks that nobody is plugged into are removed by whoever leaves: they are held until the guest has
 * started. */
static bool setup_guest(const struct lifecycle *life, const char *folder, const struct grant *grant,
			yyjson_val *server, struct error *err)
{
	yyjson_val *ports = yyjson_obj_get(server, "ports"), *port;
	size_t i, max, held = 0;
	bool ok = true;

	lifecycle_step(life, "networks");
	yyjson_arr_foreach (ports, i, max, port) {
		if (ok && is_standard(port)) {
			ok = network_ensure(port, err);
			held = i + 1;
		}
	}
	lifecycle_step(life, "devices");
	ok = ok && setup_devices(grant, server, err);
	lifecycle_step(life, "guest");
	ok = ok && forget_started(folder, err) && vm_start(server, folder, err) &&
	     remember_started(folder, server, err);
	yyjson_arr_foreach (ports, i, max, port) {
		if (i < held && is_standard(port))
			network_settle(port);
	}
	return ok;
}

static bool setup_steps(const struct lifecycle *life, const char *folder, yyjson_val *server,
			yyjson_val *wanted, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};

	return lifecycle_remember(folder, server, err) && setup_files(life, folder, wanted, err) &&
	       lifecycle_grant(life, folder, wanted, &grant, err) &&
	       setup_guest(life, folder, &grant, wanted, err);
}

/* `wanted` is the server without the ports that are to be taken out. */
static bool update_running(const struct lifecycle *life, const char *folder, yyjson_val *server,
			   yyjson_val *wanted, struct error *err)
{
	bool paused = strcmp(json_text(server, "want"), "paused") == 0;

	lifecycle_step(life, "ports");
	return lifecycle_remember(folder, server, err) && disk_forget(folder, server, err) &&
	       plug_settle(life, folder, server, wanted, err) && reprogram(folder, server, err) &&
	       world->domain_pause(json_text(server, "id"), paused, err) &&
	       remember_started(folder, server, err);
}

/* --- saved memory --- */

static char *memory_of(const char *folder)
{
	return memory_printf("%s/memory", folder);
}

static bool memory_forget(const char *folder, struct error *err)
{
	_cleanup_free_ char *memory = memory_of(folder), *restoring = memory_printf("%s.restoring", memory);

	return ((unlink(memory) == 0 || errno == ENOENT) && (unlink(restoring) == 0 || errno == ENOENT)) ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", memory);
}

/* The controller is told once that the guest runs on: an agent that is started again before it hears of that
 * does not try anew what nobody waits for.  (If this cannot be written, it does.) */
static enum server_outcome refuse_to_suspend(const char *folder, yyjson_val *server)
{
	yyjson_mut_doc *runs = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_val_mut_copy(runs, server);
	struct error ignored;

	yyjson_mut_obj_put(root, yyjson_mut_str(runs, "want"), yyjson_mut_str(runs, "running"));
	yyjson_mut_doc_set_root(runs, root);
	yyjson_doc *doc = yyjson_mut_doc_imut_copy(runs, NULL);
	if (remember_started(folder, server, &ignored))
		lifecycle_remember(folder, yyjson_doc_get_root(doc), &ignored);
	yyjson_doc_free(doc);
	yyjson_mut_doc_free(runs);
	return SERVER_REFUSED;
}

static enum server_outcome suspend(const struct lifecycle *life, const char *folder, yyjson_val *server,
				   yyjson_val *wanted, struct error *err)
{
	_cleanup_free_ char *memory = memory_of(folder);
	const char *id = json_text(server, "id");

	lifecycle_step(life, "suspend");
	if (lifecycle_remember(folder, server, err) && world->domain_pause(id, false, err) &&
	    plug_unneeded_out(life, folder, server, wanted, err) &&
	    plug_all_out(life, server, PLUG_OUT_TO_SAVE, err) && world->domain_save(id, memory, err))
		return SERVER_SUSPENDED;
	return err->kind == ERROR_UNAVAILABLE ? SERVER_LATER : refuse_to_suspend(folder, server);
}

enum server_outcome lifecycle_settle_running(const struct lifecycle *life, const char *folder,
					     yyjson_val *server, yyjson_val *wanted, struct error *err)
{
	const char *want = json_text(server, "want");

	if (strcmp(want, "suspended") == 0)
		return suspend(life, folder, server, wanted, err);
	/* What was saved of it is older than what it has done since. */
	if (!memory_forget(folder, err) || !update_running(life, folder, server, wanted, err))
		return SERVER_LATER;
	return strcmp(want, "paused") == 0 ? SERVER_PAUSED : SERVER_RUNS;
}

/* What the guest is about to be plugged into again is in its journal again first: it may have been given back
 * while a port was to go that stays after all. */
static bool journal_leases(const char *folder, yyjson_val *wanted, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};
	yyjson_val *port;
	size_t i, max;

	if (!grant_read(folder, &grant, err))
		return false;
	const size_t before = grant.lease_count;
	yyjson_arr_foreach (yyjson_obj_get(wanted, "ports"), i, max, port) {
		if (is_standard(port) && !grant_add_port(&grant, port, err))
			return false;
	}
	return grant.lease_count == before || grant_write(folder, &grant, err);
}

/* Memory is used once: when it is not known whether the guest has run on from it, it is too old for its disk,
 * and the guest starts as after a power cut. */
static bool restore(const char *folder, yyjson_val *wanted, struct error *err)
{
	_cleanup_free_ char *memory = memory_of(folder), *restoring = memory_printf("%s.restoring", memory);
	yyjson_val *ports = yyjson_obj_get(wanted, "ports"), *port;
	size_t i, max, held = 0;
	bool ok = journal_leases(folder, wanted, err);

	yyjson_arr_foreach (ports, i, max, port) {
		if (ok && is_standard(port)) {
			ok = network_ensure(port, err);
			held = i + 1;
		}
	}
	ok = ok && forget_started(folder, err);
	if (ok && rename(memory, restoring) != 0)
		ok = error_set_errno(err, ERROR_INTERNAL, errno, "cannot rename %s", memory);
	if (ok && !world->domain_restore(restoring, err)) {
		ok = false;
		if (!err->type) /* else the guest may run, or have run */
			rename(restoring, memory);
	}
	yyjson_arr_foreach (ports, i, max, port) {
		if (i < held && is_standard(port))
			network_settle(port);
	}
	return ok;
}

static enum server_outcome resume(const struct lifecycle *life, const char *folder, yyjson_val *server,
				  yyjson_val *wanted, struct error *err)
{
	lifecycle_step(life, "resume");
	if (restore(folder, wanted, err))
		return lifecycle_settle_running(life, folder, server, wanted, err);
	return err->kind == ERROR_UNAVAILABLE ? SERVER_LATER : SERVER_FAILED;
}

/* One that makes trouble does not keep the others; only what hangs is waited for. */
static bool release_devices(const struct grant *grant, struct error *err)
{
	struct error why;
	bool ok = true;

	for (size_t i = grant->device_count; i > 0; i--) {
		if (granted_release(&grant->devices[i - 1], &why))
			continue;
		if (ok)
			*err = why;
		ok = false;
		if (deadline_is_hang(&why))
			break;
	}
	return ok;
}

static bool release(const char *folder, const char *server_id, struct error *err)
{
	_cleanup_(grant_done) struct grant grant = {0};
	_cleanup_free_ char *journal = memory_printf("%s/grant.json", folder);

	if (!vm_stop(server_id, err) || !grant_read(folder, &grant, err))
		return false;
	if (!release_devices(&grant, err))
		return false;
	for (size_t i = 0; i < grant.lease_count; i++) {
		const struct granted_lease *lease = &grant.leases[i];

		if (!network_leave(lease->network_id, lease->mac, lease->ip, err))
			return false;
	}
	if (unlink(journal) != 0 && errno != ENOENT)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", journal);
	ledger_forget(server_id);
	return true;
}

/* The disk goes only if this attempt made it. */
static void undo(const struct lifecycle *life, const char *folder, const char *server_id, bool keep_disk,
		 struct error *err)
{
	struct error why = *err, failure;

	lifecycle_step(life, "undo");
	if (keep_disk ? !release(folder, server_id, &failure) : !server_teardown(life, server_id, &failure))
		error_set(err, why.kind, "%s; and undoing it failed: %s", why.message, failure.message);
}

/* Nothing runs: what of it there is decides what can be done. */
static enum server_outcome setup_off(const struct lifecycle *life, const char *folder, yyjson_val *server,
				     yyjson_val *wanted, struct error *err)
{
	_cleanup_free_ char *disk = memory_printf("%s/disk", folder), *memory = memory_of(folder);
	bool had_disk = access(disk, F_OK) == 0, saved = access(memory, F_OK) == 0,
	     run = strcmp(json_text(server, "want"), "running") == 0;

	if (saved && strcmp(json_text(server, "want"), "suspended") != 0)
		return resume(life, folder, server, wanted, err);
	if (saved || !run || started_generation(folder) == json_int(server, "generation", 0)) {
		if (!give_back(life, folder, wanted, err))
			return SERVER_LATER;
		return saved ? SERVER_SUSPENDED : SERVER_ENDED;
	}
	if (memory_forget(folder, err) && setup_steps(life, folder, server, wanted, err))
		return SERVER_RUNS;
	undo(life, folder, json_text(server, "id"), had_disk, err);
	return err->kind == ERROR_UNAVAILABLE ? SERVER_LATER : SERVER_FAILED;
}

/* A guest that libvirt cannot get at, and that was never seen to run since it was started: the call that
 * started it was lost with libvirtd.  It is begun anew.  One that has run is left alone. */
static void end_false_start(const char *folder, yyjson_val *server, struct error *err)
{
	struct error why = *err, failure;

	if (!world_is_stuck(&why) || started_generation(folder) >= 0)
		return;
	if (vm_stop(json_text(server, "id"), &failure))
		error_set(err, why.kind, "%.300s; it never got to run, and is begun anew", why.message);
	else
		error_set(err, why.kind, "%.300s; and ending it failed: %s", why.message, failure.message);
}

enum server_outcome server_setup(const struct lifecycle *life, yyjson_val *server, struct error *err)
{
	const char *id = json_text(server, "id");
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, id);
	enum server_outcome outcome;
	bool running;

	if (mkdir(folder, 0711) != 0 && errno != EEXIST) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make %s", folder);
		return SERVER_FAILED;
	}
	if (!world->domain_running(id, &running, err))
		return SERVER_LATER;
	if (deliberate_bug(4) && running && started_generation(folder) >= 0) {
		world->domain_stop(id, err);
		running = false;
	}
	yyjson_doc *doc = server_without_absent(server);
	yyjson_val *wanted = yyjson_doc_get_root(doc);
	outcome = running ? lifecycle_settle_running(life, folder, server, wanted, err)
			  : setup_off(life, folder, server, wanted, err);
	yyjson_doc_free(doc);
	if (running && outcome == SERVER_LATER)
		end_false_start(folder, server, err);
	return outcome;
}

/* --- taking down --- */

bool server_stop(const struct lifecycle *life, yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, json_text(server, "id"));

	yyjson_doc *doc = server_without_absent(server);

	lifecycle_step(life, "stop");
	bool ok = vm_stop(json_text(server, "id"), err) && memory_forget(folder, err) &&
		  disk_settle(life, folder, server, err) &&
		  give_back(life, folder, yyjson_doc_get_root(doc), err);
	yyjson_doc_free(doc);
	return ok;
}

bool server_keep(const struct lifecycle *life, const char *server_id, struct error *err)
{
	lifecycle_step(life, "stop");
	return vm_stop(server_id, err);
}

static bool folder_remove(const char *folder, struct error *err)
{
	static const char *const names[] = {"disk",
					    "disk.new",
					    "left",
					    "left.new",
					    "config.iso",
					    "config.iso.new",
					    "kernel",
					    "ramdisk",
					    "base",
					    "console.log",
					    "server.json",
					    "server.json.new",
					    "started",
					    "started.new",
					    "memory",
					    "memory.restoring",
					    "grant.json.new",
					    "grant.json",
					    "disk_generation",
					    "disk_generation.new"};

	if (!disk_forget(folder, NULL, err))
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
		_cleanup_free_ char *path = memory_printf("%s/%s", folder, names[i]);

		if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
			return error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", path);
	}
	return rmdir(folder) == 0 || errno == ENOENT ||
	       error_set_errno(err, ERROR_INTERNAL, errno, "cannot remove %s", folder);
}

bool server_teardown(const struct lifecycle *life, const char *server_id, struct error *err)
{
	_cleanup_free_ char *folder = lifecycle_folder(life->folders, server_id);

	lifecycle_step(life, "remove");
	return release(folder, server_id, err) && folder_remove(folder, err);
}
