/* The simulated libvirt: it takes the agent's own XML. */
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is found in the XML --- */

/* Copies what stands between `begin` and the quote or tag that follows; "" if it is not there. */
static const char *xml_find(const char *xml, const char *begin, char *value, size_t size)
{
	const char *at = xml ? strstr(xml, begin) : NULL;

	*value = '\0';
	if (!at)
		return NULL;
	at += strlen(begin);
	snprintf(value, size, "%.*s", (int)strcspn(at, "'<"), at);
	return at;
}

static struct simulated_network *network_find(const char *id)
{
	for (int i = 0; i < SIMULATED_NETWORKS; i++) {
		if (strcmp(simulated->networks[i].id, id) == 0)
			return &simulated->networks[i];
	}
	return NULL;
}

static struct simulated_domain *domain_find(const char *id)
{
	for (int i = 0; i < simulated->servers; i++) {
		if (strcmp(simulated->domains[i].id, id) == 0)
			return &simulated->domains[i];
	}
	return NULL;
}

/* --- domains --- */

static void plug_out(struct simulated_domain *domain, int index)
{
	struct simulated_plug *plug = &domain->plugs[index];

	if (plug->device)
		simulated->devices[plug->device - 1].guest = 0;
	if (plug->network)
		simulated->networks[plug->network - 1].plugged--;
	*plug = domain->plugs[--domain->plug_count];
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
	for (int i = 0; i < simulated->pfs * (simulated->vfs + 1); i++) {
		const struct simulated_device *mate = &simulated->devices[i];

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
	device->guest = (int)(domain - simulated->domains) + 1;
	plug->device = (int)(device - simulated->devices) + 1;
	return true;
}

static bool plug_netdev(struct simulated_domain *domain, struct simulated_plug *plug, const char *xml,
			struct error *err)
{
	char name[32];

	xml_find(xml, "<source dev='", name, sizeof name);
	struct simulated_device *device = simulated_netdev(name);
	if (!device || !device->up || device->guest)
		return error_set(err, ERROR_INTERNAL, "%s is not there, not up, or in use", name);
	device->guest = (int)(domain - simulated->domains) + 1;
	plug->device = (int)(device - simulated->devices) + 1;
	plug->macvtap = true;
	return true;
}

static bool plug_network(struct simulated_plug *plug, const char *xml, struct error *err)
{
	char name[64];

	xml_find(xml, "<source network='penstock-", name, sizeof name);
	struct simulated_network *network = network_find(name);
	if (!*name || !network)
		return error_set(err, ERROR_INTERNAL, "network %s is not there", name);
	network->plugged++;
	plug->network = (int)(network - simulated->networks) + 1;
	return true;
}

/* One <hostdev> or <interface>. */
static bool plug_in(struct simulated_domain *domain, const char *xml, bool device, struct error *err)
{
	struct simulated_plug plug = {0};
	char bus[8];

	if (domain->plug_count == SIMULATED_DEVICES)
		return error_set(err, ERROR_INTERNAL, "the simulated guest has no room for more");
	xml_find(xml, "<alias name='", plug.alias, sizeof plug.alias);
	xml_find(xml, "<address type='pci' domain='0x0000' bus='0x", bus, sizeof bus);
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

static bool start_locked(const char *xml, struct error *err)
{
	struct simulated_domain *domain = domain_find("");
	char id[37], number[16];

	xml_find(xml, "<uuid>", id, sizeof id);
	if (!domain || !*id || domain_find(id))
		return error_set(err, ERROR_INTERNAL, "there is no room for a guest, or it is there already");
	strcpy(domain->id, id);
	xml_find(xml, "<memory unit='MiB'>", number, sizeof number);
	domain->memory_mb = atoi(number);
	xml_find(xml, "<vcpu>", number, sizeof number);
	domain->vcpus = atoi(number);
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
	pthread_mutex_lock(&simulated_lock);
	bool ok = start_locked(xml, err);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

static void domain_text(const struct simulated_domain *domain, struct text *text)
{
	text_addf(text, "<domain><memory unit='MiB'>%d</memory>\n  <vcpu>%d</vcpu>\n", domain->memory_mb,
		  domain->vcpus);
	for (int i = 0; i < domain->root_ports; i++)
		text_addf(text, "<controller type='pci' index='%d' model='pcie-root-port'/>\n", i + 1);
	for (int i = 0; i < domain->plug_count; i++) {
		const struct simulated_plug *plug = &domain->plugs[i];
		const char *kind = plug->device && !plug->macvtap ? "hostdev" : "interface";

		text_addf(
			text,
			"<%s><alias name='%s'/><address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
			"function='0x0'/></%s>\n",
			kind, plug->alias, (unsigned)plug->bus, kind);
	}
	text_add(text, "</domain>\n");
}

bool simulated_domain_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(text_done) struct text text = {0};

	(void)err;
	*xml = NULL;
	pthread_mutex_lock(&simulated_lock);
	const struct simulated_domain *domain = domain_find(id);
	if (domain) {
		domain_text(domain, &text);
		*xml = text_take(&text);
	}
	pthread_mutex_unlock(&simulated_lock);
	return true;
}

/* --- guests that run --- */

static struct simulated_domain *running_find(const char *id, struct error *err)
{
	struct simulated_domain *domain = domain_find(id);

	if (!domain)
		error_set(err, ERROR_NOT_FOUND, "the guest does not run");
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
	pthread_mutex_lock(&simulated_lock);
	struct simulated_domain *domain = running_find(id, err);
	ok = domain && plug_in(domain, device_xml, device, err);
	if (ok && !plug_place(domain, &domain->plugs[domain->plug_count - 1], err)) {
		plug_out(domain, domain->plug_count - 1);
		ok = false;
	}
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

bool simulated_domain_unplug(const char *id, const char *alias, struct error *err)
{
	(void)err;
	simulated_change("unplug from a guest");
	pthread_mutex_lock(&simulated_lock);
	struct simulated_domain *domain = domain_find(id);
	for (int i = 0; domain && !simulated->stubborn && !domain->paused && i < domain->plug_count; i++) {
		if (strcmp(domain->plugs[i].alias, alias) == 0)
			plug_out(domain, i);
	}
	pthread_mutex_unlock(&simulated_lock);
	return true;
}

bool simulated_domain_pause(const char *id, bool paused, struct error *err)
{
	pthread_mutex_lock(&simulated_lock);
	struct simulated_domain *domain = running_find(id, err);
	if (domain && domain->paused != paused) {
		simulated_change("pause or go on");
		domain->paused = paused;
	}
	pthread_mutex_unlock(&simulated_lock);
	return domain;
}

/* The file has what a later restoring needs. */
static bool save_locked(const char *id, const char *path, struct error *err)
{
	struct simulated_domain *domain = running_find(id, err);

	if (!domain)
		return false;
	for (int i = 0; i < domain->plug_count; i++) {
		if (domain->plugs[i].device && !domain->plugs[i].macvtap)
			return error_set(err, ERROR_INTERNAL, "a guest with host devices cannot be saved");
	}
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	if (!file || fwrite(domain, sizeof *domain, 1, file) != 1)
		return error_set(err, ERROR_INTERNAL, "cannot write %s", path);
	domain_clear(domain);
	return true;
}

bool simulated_domain_save(const char *id, const char *path, struct error *err)
{
	simulated_change("save a guest");
	pthread_mutex_lock(&simulated_lock);
	bool ok = save_locked(id, path, err);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

static bool restore_locked(const char *path, struct error *err)
{
	struct simulated_domain saved, *domain = domain_find("");
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file || fread(&saved, sizeof saved, 1, file) != 1 || !domain || domain_find(saved.id))
		return error_set(err, ERROR_INTERNAL, "%s cannot be restored", path);
	for (int i = 0; i < saved.plug_count; i++) {
		if (saved.plugs[i].network && !*simulated->networks[saved.plugs[i].network - 1].id)
			return error_set(err, ERROR_INTERNAL, "the network of a NIC is not there");
	}
	*domain = saved;
	domain->paused = false;
	for (int i = 0; i < saved.plug_count; i++) {
		if (saved.plugs[i].network)
			simulated->networks[saved.plugs[i].network - 1].plugged++;
		else
			simulated->devices[saved.plugs[i].device - 1].guest =
				(int)(domain - simulated->domains) + 1;
	}
	return true;
}

bool simulated_domain_restore(const char *path, struct error *err)
{
	simulated_change("restore a guest");
	pthread_mutex_lock(&simulated_lock);
	bool ok = restore_locked(path, err);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

bool simulated_domain_running(const char *id, bool *running, struct error *err)
{
	(void)err;
	pthread_mutex_lock(&simulated_lock);
	*running = domain_find(id) != NULL;
	pthread_mutex_unlock(&simulated_lock);
	return true;
}

bool simulated_domain_change(const char *id, const char *device_xml, struct error *err)
{
	bool running;

	(void)device_xml;
	simulated_domain_running(id, &running, err);
	simulated_change("change a NIC");
	return running || error_set(err, ERROR_NOT_FOUND, "the guest does not run");
}

void simulated_set_stubborn(bool stubborn)
{
	simulated->stubborn = stubborn;
}

bool simulated_domain_stop(const char *id, struct error *err)
{
	bool running;

	simulated_domain_running(id, &running, err);
	if (!running)
		return true;
	simulated_change("stop a domain");
	simulated_guest_ends(id);
	return true;
}

void simulated_guest_ends(const char *id)
{
	pthread_mutex_lock(&simulated_lock);
	struct simulated_domain *domain = domain_find(id);
	if (domain)
		domain_clear(domain);
	pthread_mutex_unlock(&simulated_lock);
}

bool simulated_domain_list(bool only_ours, struct map *ids, struct error *err)
{
	(void)only_ours;
	(void)err;
	pthread_mutex_lock(&simulated_lock);
	for (int i = 0; i < simulated->servers; i++) {
		if (*simulated->domains[i].id)
			map_put(ids, simulated->domains[i].id, ids);
	}
	pthread_mutex_unlock(&simulated_lock);
	return true;
}

size_t simulated_guests(void)
{
	size_t count = 0;

	for (int i = 0; i < simulated->servers; i++)
		count += *simulated->domains[i].id != '\0';
	return count;
}

/* --- networks --- */

static bool lease_add(int network, const char *xml, struct error *err)
{
	for (int i = 0; i < 2 * simulated->servers; i++) {
		struct simulated_lease *lease = &simulated->leases[i];

		if (lease->network)
			continue;
		lease->network = network + 1;
		xml_find(xml, "mac='", lease->mac, sizeof lease->mac);
		xml_find(xml, "ip='", lease->ip, sizeof lease->ip);
		return true;
	}
	return error_set(err, ERROR_INTERNAL, "there is no room for a lease");
}

static bool lease_remove(int network, const char *xml, struct error *err)
{
	char mac[18];

	xml_find(xml, "mac='", mac, sizeof mac);
	for (int i = 0; i < 2 * simulated->servers; i++) {
		struct simulated_lease *lease = &simulated->leases[i];

		if (lease->network != network + 1 || strcmp(lease->mac, mac) != 0)
			continue;
		lease->network = 0;
		return true;
	}
	return error_set(err, ERROR_INTERNAL, "couldn't locate a matching dhcp host entry");
}

bool simulated_network_make(const char *xml, struct error *err)
{
	const char *host = strstr(xml, "<host mac='");
	char id[37];
	bool ok;

	simulated_change("make a network");
	xml_find(xml, "<uuid>", id, sizeof id);
	pthread_mutex_lock(&simulated_lock);
	struct simulated_network *network = network_find("");
	ok = network && *id && !network_find(id);
	if (!ok)
		error_set(err, ERROR_INTERNAL, "there is no room for a network, or it is there already");
	else
		strcpy(network->id, id);
	if (ok && host)
		ok = lease_add((int)(network - simulated->networks), host, err);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

bool simulated_network_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(text_done) struct text text = {0};

	(void)err;
	*xml = NULL;
	pthread_mutex_lock(&simulated_lock);
	const struct simulated_network *network = network_find(id);
	if (network) {
		text_addf(&text, "<network%s>", network->plugged ? " connections='1'" : "");
		for (int i = 0; i < 2 * simulated->servers; i++) {
			const struct simulated_lease *lease = &simulated->leases[i];

			if (lease->network == network - simulated->networks + 1)
				text_addf(&text, "<host mac='%s' ip='%s'/>", lease->mac, lease->ip);
		}
		*xml = text_take(&text);
	}
	pthread_mutex_unlock(&simulated_lock);
	return true;
}

bool simulated_network_lease(const char *id, bool add, const char *host_xml, struct error *err)
{
	bool ok;

	simulated_change("%s a lease", add ? "add" : "remove");
	pthread_mutex_lock(&simulated_lock);
	const struct simulated_network *network = network_find(id);
	if (!network)
		ok = error_set(err, ERROR_NOT_FOUND, "there is no network %s", id);
	else if (add)
		ok = lease_add((int)(network - simulated->networks), host_xml, err);
	else
		ok = lease_remove((int)(network - simulated->networks), host_xml, err);
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}

bool simulated_network_remove(const char *id, struct error *err)
{
	bool ok = true;

	simulated_change("remove a network");
	pthread_mutex_lock(&simulated_lock);
	struct simulated_network *network = network_find(id);
	if (network && network->plugged)
		ok = error_set(err, ERROR_INTERNAL, "network %s has guests", id);
	else if (network)
		*network = (struct simulated_network){0};
	pthread_mutex_unlock(&simulated_lock);
	return ok;
}
