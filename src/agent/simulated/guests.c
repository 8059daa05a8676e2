/* The simulated libvirt: it takes the agent's own XML. */
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* "": a free one. */
static struct simulated_domain *domain_find_any(const char *id)
{
	for (int i = 0; i < simulated_now()->servers; i++) {
		if (strcmp(simulated_domains()[i].id, id) == 0)
			return &simulated_domains()[i];
	}
	return NULL;
}

static struct simulated_domain *domain_find(const char *id)
{
	struct simulated_domain *domain = domain_find_any(id);

	return domain && domain->forgotten ? NULL : domain;
}

/* --- domains --- */

static void plug_out(struct simulated_domain *domain, int index)
{
	struct simulated_plug *plug = &domain->plugs[index];

	if (plug->device)
		simulated_devices()[plug->device - 1].guest = 0;
	if (plug->network)
		simulated_now()->networks[plug->network - 1].plugged--;
	*plug = domain->plugs[--domain->plug_count];
	domain->plugs[domain->plug_count] = (struct simulated_plug){0};
}

static void domain_clear(struct simulated_domain *domain)
{
	while (domain->plug_count > 0)
		plug_out(domain, domain->plug_count - 1);
	*domain = (struct simulated_domain){0};
}

/* As VFIO sees it: no driver of the host holds another device of the group. */
static bool group_is_viable(const struct simulated_device *device, struct error *err)
{
	for (int i = 0; i < simulated_now()->pfs * (simulated_now()->vfs + 1); i++) {
		const struct simulated_device *mate = &simulated_devices()[i];

		if (mate->exists && simulated_group(mate) == simulated_group(device) && *mate->driver &&
		    strcmp(mate->driver, "vfio-pci") != 0)
			return error_set(err, ERROR_INTERNAL, "group %d is not viable",
					 simulated_group(device));
	}
	return true;
}

static bool plug_device(struct simulated_domain *domain, struct simulated_plug *plug, const char *xml,
			struct error *err)
{
	unsigned bus, slot, function, pci_domain;
	const char *at = strstr(xml, "<source><address ");
	char address[32];

	if (!at || sscanf(at, "<source><address domain='0x%x' bus='0x%x' slot='0x%x' function='0x%x'/>",
			  &pci_domain, &bus, &slot, &function) != 4)
		return error_set(err, ERROR_BAD_REQUEST, "a hostdev's address makes no sense");
	snprintf(address, sizeof address, "%04x:%02x:%02x.%x", pci_domain, bus, slot, function);
	struct simulated_device *device = simulated_find(address);
	if (!device || strcmp(device->driver, "vfio-pci") != 0 || device->guest)
		return error_set(err, ERROR_INTERNAL, "%s is not there, not bound to vfio-pci, or in use",
				 address);
	if (!group_is_viable(device, err))
		return false;
	device->guest = (int)(domain - simulated_domains()) + 1;
	plug->device = (int)(device - simulated_devices()) + 1;
	return true;
}

static bool plug_netdev(struct simulated_domain *domain, struct simulated_plug *plug, const char *xml,
			struct error *err)
{
	char name[32];

	simulated_xml_find(xml, "<source dev='", name, sizeof name);
	struct simulated_device *device = simulated_netdev(name);
	if (!device || !device->up || device->guest)
		return error_set(err, ERROR_INTERNAL, "%s is not there, not up, or in use", name);
	device->guest = (int)(domain - simulated_domains()) + 1;
	plug->device = (int)(device - simulated_devices()) + 1;
	plug->macvtap = true;
	return true;
}

static bool plug_network(struct simulated_plug *plug, const char *xml, struct error *err)
{
	char name[64];

	simulated_xml_find(xml, "<source network='penstock-", name, sizeof name);
	struct simulated_network *network = simulated_network_find(name);
	if (!*name || !network)
		return error_set(err, ERROR_INTERNAL, "network %s is not there", name);
	network->plugged++;
	plug->network = (int)(network - simulated_now()->networks) + 1;
	return true;
}

/* One <hostdev> or <interface>. */
static bool plug_in(struct simulated_domain *domain, const char *xml, bool device, struct error *err)
{
	struct simulated_plug plug = {0};
	char bus[8];

	if (domain->plug_count == SIMULATED_DEVICES)
		return error_set(err, ERROR_INTERNAL, "the simulated guest has no room for more");
	simulated_xml_find(xml, "<alias name='", plug.alias, sizeof plug.alias);
	simulated_xml_find(xml, "<address type='pci' domain='0x0000' bus='0x", bus, sizeof bus);
	plug.bus = (int)strtol(bus, NULL, 16);
	for (int i = 0; i < domain->plug_count; i++) {
		if (strcmp(domain->plugs[i].alias, plug.alias) == 0 ||
		    (plug.bus && domain->plugs[i].bus == plug.bus))
			return error_set(err, ERROR_INTERNAL, "%s: its alias or its place is taken",
					 plug.alias);
	}
	if (!(device			     ? plug_device(domain, &plug, xml, err)
	      : strstr(xml, "<source dev='") ? plug_netdev(domain, &plug, xml, err)
					     : plug_network(&plug, xml, err)))
		return false;
	domain->plugs[domain->plug_count++] = plug;
	return true;
}

static bool plug_all(struct simulated_domain *domain, const char *xml, const char *end, bool device,
		     struct error *err)
{
	const char *begin = device ? "<hostdev " : "<interface ";

	for (const char *next; (xml = strstr(xml, begin)); xml = next) {
		next = strstr(xml, end);
		if (!next)
			return error_set(err, ERROR_BAD_REQUEST, "the XML has no %s", end);
		_cleanup_free_ char *element = memory_printf("%.*s", (int)(next - xml), xml);
		if (!plug_in(domain, element, device, err))
			return false;
	}
	return true;
}

/* <vcpupin>s to one CPU each; those to a set share it. */
static uint64_t pins_read(const char *xml)
{
	uint64_t pinned = 0;
	char cpus[64], *end;

	while ((xml = strstr(xml, "<vcpupin "))) {
		xml = simulated_xml_find(xml, "cpuset='", cpus, sizeof cpus);
		if (!xml)
			break;
		unsigned long cpu = strtoul(cpus, &end, 10);
		if (*cpus && !*end && cpu < 64)
			pinned |= UINT64_C(1) << cpu;
	}
	return pinned;
}

static void disk_find(const char *xml, char path[200])
{
	static const char before[] = "<source file='";
	const char *at = strstr(xml, before), *from = at ? at + strlen(before) : "";

	snprintf(path, 200, "%.*s", (int)strcspn(from, "'"), from);
}

static bool start_locked(const char *xml, struct error *err)
{
	struct simulated_domain *domain = domain_find("");
	char id[37], number[16];

	simulated_xml_find(xml, "<uuid>", id, sizeof id);
	if (!domain || !*id || domain_find_any(id))
		return error_set(err, ERROR_INTERNAL, "there is no room for a guest, or it is there already");
	strcpy(domain->id, id);
	simulated_xml_find(xml, "<memory unit='MiB'>", number, sizeof number);
	domain->memory_mb = atoi(number);
	simulated_xml_find(xml, "<vcpu>", number, sizeof number);
	domain->vcpus = atoi(number);
	domain->pinned = pins_read(xml);
	disk_find(xml, domain->disk);
	for (const char *port = xml; (port = strstr(port, "model='pcie-root-port'")); port++)
		domain->root_ports++;
	if (plug_all(domain, xml, "</hostdev>", true, err) &&
	    plug_all(domain, xml, "</interface>", false, err))
		return true;
	domain_clear(domain);
	return false;
}

bool simulated_domain_start(const char *xml, struct error *err)
{
	simulated_change("start a domain");
	simulated_enter();
	bool ok = start_locked(xml, err);
	simulated_leave();
	return ok;
}

static void source_text(const struct simulated_plug *plug, struct text *text)
{
	char address[PCI_ADDRESS_SIZE];

	if (plug->network)
		text_addf(text, "<source network='penstock-%s'/>",
			  simulated_now()->networks[plug->network - 1].id);
	if (!plug->device || plug->macvtap)
		return;
	simulated_address(&simulated_devices()[plug->device - 1], address);
	text_addf(text,
		  "<source><address domain='0x%.4s' bus='0x%.2s' slot='0x%.2s' function='0x%.1s'/></source>",
		  address, address + 5, address + 8, address + 11);
}

static void domain_text(const struct simulated_domain *domain, struct text *text)
{
	text_addf(text, "<domain><uuid>%s</uuid><memory unit='MiB'>%d</memory>\n  <vcpu>%d</vcpu>\n",
		  domain->id, domain->memory_mb, domain->vcpus);
	if (domain->pinned)
		text_add(text, "<cputune>");
	for (int cpu = 0; cpu < 64; cpu++) {
		if (domain->pinned & UINT64_C(1) << cpu)
			text_addf(text, "<vcpupin vcpu='0' cpuset='%d'/>", cpu);
	}
	text_add(text, domain->pinned ? "</cputune>\n<devices>\n" : "<devices>\n");
	if (*domain->disk)
		text_addf(text, "<disk type='file'><source file='%s'/></disk>\n", domain->disk);
	for (int i = 0; i < domain->root_ports; i++)
		text_addf(text, "<controller type='pci' index='%d' model='pcie-root-port'/>\n", i + 1);
	for (int i = 0; i < domain->plug_count; i++) {
		const struct simulated_plug *plug = &domain->plugs[i];
		bool hostdev = plug->device && !plug->macvtap;
		const char *kind = hostdev ? "hostdev" : "interface";

		text_addf(text, "<%s %s>", kind, hostdev ? "type='pci'" : "type='network'");
		source_text(plug, text);
		text_addf(text,
			  "<alias name='%s'/><address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
			  "function='0x0'/></%s>\n",
			  plug->alias, (unsigned)plug->bus, kind);
	}
	text_add(text, "</devices></domain>\n");
}

bool simulated_domain_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(text_done) struct text text = {0};

	(void)err;
	*xml = NULL;
	simulated_enter();
	const struct simulated_domain *domain = domain_find(id);
	if (domain) {
		domain_text(domain, &text);
		*xml = text_take(&text);
	}
	simulated_leave();
	return true;
}

/* --- guests that run --- */

static struct simulated_domain *running_find(const char *id, struct error *err)
{
	struct simulated_domain *domain = domain_find(id);

	if (!domain) {
		error_set(err, ERROR_NOT_FOUND, "the guest does not run");
	} else if (domain->stuck) {
		error_set_typed(err, ERROR_INTERNAL, WORLD_STUCK, "cannot acquire state change lock");
		domain = NULL;
	}
	return domain;
}

/* libvirt gives a device without an address the first root port that is free. */
static bool plug_place(const struct simulated_domain *domain, struct simulated_plug *plug, struct error *err)
{
	bool taken[256] = {[1] = true};

	for (int i = 0; i < domain->plug_count; i++)
		taken[domain->plugs[i].bus & 255] |= &domain->plugs[i] != plug;
	for (int bus = plug->bus ? plug->bus : 1; bus <= domain->root_ports && bus < 256; bus++) {
		if (!taken[bus]) {
			plug->bus = bus;
			return true;
		}
	}
	return error_set(err, ERROR_INTERNAL, "No more available PCI slots");
}

bool simulated_domain_plug(const char *id, const char *device_xml, struct error *err)
{
	bool device = strstr(device_xml, "<hostdev ") != NULL, ok;

	simulated_change("plug into a guest");
	simulated_enter();
	struct simulated_domain *domain = running_find(id, err);
	ok = domain && plug_in(domain, device_xml, device, err);
	if (ok && !plug_place(domain, &domain->plugs[domain->plug_count - 1], err)) {
		plug_out(domain, domain->plug_count - 1);
		ok = false;
	}
	simulated_leave();
	return ok;
}

bool simulated_domain_unplug(const char *id, const char *alias, struct error *err)
{
	(void)err;
	simulated_change("unplug from a guest");
	simulated_enter();
	struct simulated_domain *domain = domain_find(id);
	for (int i = 0; domain && !simulated_now()->stubborn && !domain->paused && i < domain->plug_count;
	     i++) {
		if (strcmp(domain->plugs[i].alias, alias) == 0)
			plug_out(domain, i);
	}
	simulated_leave();
	return true;
}

bool simulated_domain_pause(const char *id, bool paused, struct error *err)
{
	simulated_enter();
	struct simulated_domain *domain = running_find(id, err);
	if (domain && domain->paused != paused) {
		simulated_change("pause or go on");
		domain->paused = paused;
	}
	simulated_leave();
	return domain;
}

/* What a file has that a guest was saved to: its networks by their names, as libvirt has them, because others
 * may be in their places by then. */
struct saved_guest {
	struct simulated_domain domain;
	char networks[SIMULATED_DEVICES][37];
};

static void saved_fill(struct saved_guest *saved, const struct simulated_domain *domain)
{
	*saved = (struct saved_guest){.domain = *domain};
	for (int i = 0; i < domain->plug_count; i++) {
		if (domain->plugs[i].network)
			memcpy(saved->networks[i], simulated_now()->networks[domain->plugs[i].network - 1].id,
			       sizeof saved->networks[i]);
	}
}

static bool save_locked(const char *id, const char *path, struct error *err)
{
	struct simulated_domain *domain = running_find(id, err);

	if (!domain)
		return false;
	for (int i = 0; i < domain->plug_count; i++) {
		if (domain->plugs[i].device && !domain->plugs[i].macvtap)
			return error_set(err, ERROR_INTERNAL, "a guest with host devices cannot be saved");
	}
	struct saved_guest saved;
	saved_fill(&saved, domain);
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	if (!file || fwrite(&saved, sizeof saved, 1, file) != 1)
		return error_set(err, ERROR_INTERNAL, "cannot write %s", path);
	domain_clear(domain);
	return true;
}

bool simulated_domain_save(const char *id, const char *path, struct error *err)
{
	simulated_change("save a guest");
	simulated_enter();
	bool ok = save_locked(id, path, err);
	simulated_leave();
	return ok;
}

static bool networks_find(struct saved_guest *saved, struct error *err)
{
	for (int i = 0; i < saved->domain.plug_count; i++) {
		const struct simulated_network *network = simulated_network_find(saved->networks[i]);

		if (*saved->networks[i] && !network)
			return error_set(err, ERROR_INTERNAL, "Network not found: penstock-%s",
					 saved->networks[i]);
		if (*saved->networks[i])
			saved->domain.plugs[i].network = (int)(network - simulated_now()->networks) + 1;
	}
	return true;
}

static bool restore_locked(const char *path, struct error *err)
{
	struct simulated_domain *domain = domain_find("");
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	struct saved_guest saved;

	if (!file || fread(&saved, sizeof saved, 1, file) != 1 || !domain || domain_find(saved.domain.id))
		return error_set(err, ERROR_INTERNAL, "%s cannot be restored", path);
	if (!networks_find(&saved, err))
		return false;
	*domain = saved.domain;
	domain->paused = false;
	for (int i = 0; i < domain->plug_count; i++) {
		if (domain->plugs[i].network)
			simulated_now()->networks[domain->plugs[i].network - 1].plugged++;
		else
			simulated_devices()[domain->plugs[i].device - 1].guest =
				(int)(domain - simulated_domains()) + 1;
	}
	return true;
}

bool simulated_domain_restore(const char *path, struct error *err)
{
	simulated_change("restore a guest");
	simulated_enter();
	bool ok = restore_locked(path, err);
	simulated_leave();
	return ok;
}

/* --- guests that go to another host --- */

bool simulated_domain_state(const char *id, enum world_guest *state, struct error *err)
{
	(void)err;
	simulated_enter();
	const struct simulated_domain *domain = domain_find(id);
	*state = !domain ? WORLD_NO_GUEST : domain->paused ? WORLD_GUEST_PAUSED : WORLD_GUEST_RUNS;
	simulated_leave();
	return true;
}

/* As another libvirt would start it; libxml2 writes other quotes. */
/* QEMU there opens the guest's disk, which the host that it goes to has made: one that does not expect it has
 * none. */
static bool disk_is_there(const char *xml, struct error *err)
{
	char path[200];

	disk_find(xml, path);
	return !*path || access(path, F_OK) == 0 ||
	       error_set(err, ERROR_INTERNAL, "Cannot access storage file '%s': No such file or directory",
			 path);
}

static bool start_there(struct simulated *there, const char *xml, struct error *err)
{
	_cleanup_free_ char *text = memory_copy_text(xml);

	for (char *at = text; *at; at++)
		*at = *at == '"' ? '\'' : *at;
	simulated_other = there;
	simulated_enter();
	bool ok = disk_is_there(text, err) && start_locked(text, err);
	simulated_leave();
	simulated_other = NULL;
	return ok;
}

/* What is plugged in and belongs to this host would have to be given back to a driver here. */
static bool may_go(const char *id, struct error *err)
{
	simulated_enter();
	const struct simulated_domain *domain = running_find(id, err);
	bool ok = domain;
	for (int i = 0; ok && i < domain->plug_count; i++) {
		if (domain->plugs[i].macvtap)
			ok = error_set(err, ERROR_INTERNAL, "a guest with a macvtap cannot be migrated");
	}
	simulated_leave();
	return ok;
}

bool simulated_domain_migrate(const char *id, const struct world_migration *how, struct error *err)
{
	const char *path = strncmp(how->uri, "simulated:", 10) == 0 ? how->uri + 10 : "";

	simulated_change("migrate a guest");
	if (how->wish(how->argument) == WORLD_STAY)
		return error_set(err, ERROR_INTERNAL, "the migration was aborted");
	struct simulated *there = simulated_map(path);
	if (!there)
		return error_set(err, ERROR_INTERNAL, "unable to connect to %s", how->uri);
	bool ok = may_go(id, err) && start_there(there, how->xml, err);
	if (ok)
		simulated_guest_ends(id);
	munmap(there, there->size);
	simulated_change("a guest has gone");
	return ok;
}

bool simulated_domain_migrate_abort(const char *id, struct error *err)
{
	(void)id;
	(void)err;
	return true; /* it takes no time here */
}

bool simulated_domain_running(const char *id, bool *running, struct error *err)
{
	(void)err;
	simulated_enter();
	*running = domain_find(id) != NULL;
	simulated_leave();
	return true;
}

bool simulated_domain_change(const char *id, const char *device_xml, struct error *err)
{
	(void)device_xml;
	simulated_enter();
	bool reached = running_find(id, err);
	simulated_leave();
	simulated_change("change a NIC");
	return reached;
}

void simulated_set_stubborn(bool stubborn)
{
	simulated_now()->stubborn = stubborn;
}

bool simulated_domain_stop(const char *id, struct error *err)
{
	bool running, reached;

	simulated_domain_running(id, &running, err);
	if (!running)
		return true;
	simulated_change("stop a domain");
	simulated_enter();
	reached = running_find(id, err);
	simulated_leave();
	if (reached)
		simulated_guest_ends(id);
	return reached;
}

/* --- guests that libvirt was killed over --- */

void simulated_guest_sticks(const char *id, bool for_ever)
{
	simulated_enter();
	struct simulated_domain *domain = domain_find(id);
	if (domain) {
		domain->stuck = true;
		domain->held_on = for_ever;
	}
	simulated_leave();
}

static void process_ends(struct simulated_domain *domain)
{
	if (!domain->held_on) {
		domain_clear(domain);
		return;
	}
	while (domain->plug_count > 0)
		plug_out(domain, domain->plug_count - 1);
	domain->has_ended = true;
}

/* "-uuid ID" of QEMU, "--conf-file=.../penstock-ID.conf" of dnsmasq.  Of guests only those that are stuck:
 * the others have been ended by then. */
bool simulated_end_processes(const char *name, const char *words, int *count, struct error *err)
{
	char id[37];

	(void)err;
	*count = 0;
	simulated_enter();
	if (strcmp(name, "qemu") == 0 && sscanf(words, "-uuid %36s", id) == 1) {
		struct simulated_domain *domain = domain_find(id);

		*count = domain && domain->stuck && !domain->has_ended;
	} else if (*simulated_now()->dnsmasq) {
		*count = strstr(words, simulated_now()->dnsmasq) != NULL;
	}
	simulated_leave();
	if (*count == 0)
		return true;
	simulated_change("end %s", words);
	simulated_enter();
	if (strcmp(name, "qemu") == 0)
		process_ends(domain_find(id));
	else
		*simulated_now()->dnsmasq = '\0';
	simulated_leave();
	return true;
}

bool simulated_domain_forget(const char *id, struct error *err)
{
	bool ok = true;

	simulated_enter();
	struct simulated_domain *domain = domain_find(id);
	if (domain && !domain->has_ended)
		ok = error_set(err, ERROR_INTERNAL, "the guest %s has a process", id);
	else if (domain)
		domain->forgotten = true;
	simulated_leave();
	return ok;
}

void simulated_libvirtd_restarts(void)
{
	simulated_enter();
	for (int i = 0; i < simulated_now()->servers; i++) {
		if (simulated_domains()[i].forgotten)
			simulated_domains()[i] = (struct simulated_domain){0};
	}
	simulated_leave();
}

void simulated_guest_ends(const char *id)
{
	simulated_enter();
	struct simulated_domain *domain = domain_find(id);
	if (domain)
		domain_clear(domain);
	simulated_leave();
}

bool simulated_domain_list(bool only_ours, struct map *ids, struct error *err)
{
	(void)only_ours;
	(void)err;
	simulated_enter();
	for (int i = 0; i < simulated_now()->servers; i++) {
		if (*simulated_domains()[i].id && !simulated_domains()[i].forgotten)
			map_put(ids, simulated_domains()[i].id, ids);
	}
	simulated_leave();
	return true;
}

size_t simulated_guests(void)
{
	size_t count = 0;

	for (int i = 0; i < simulated_now()->servers; i++)
		count += *simulated_domains()[i].id != '\0';
	return count;
}
