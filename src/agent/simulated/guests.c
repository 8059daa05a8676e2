/* The simulated libvirt: it takes the agent's own XML. */
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <stdio.h>
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

static void domain_clear(struct simulated_domain *domain)
{
	int user = (int)(domain - simulated->domains) + 1;

	for (int i = 0; i < simulated->pfs * (simulated->vfs + 1); i++) {
		if (simulated->devices[i].guest == user)
			simulated->devices[i].guest = 0;
	}
	for (int i = 0; i < domain->network_count; i++)
		simulated->networks[domain->networks[i]].plugged--;
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

static bool take_devices(struct simulated_domain *domain, const char *xml, struct error *err)
{
	unsigned bus, slot, function, pci_domain;
	char address[32];

	while ((xml = strstr(xml, "<source><address "))) {
		xml += strlen("<source>");
		if (sscanf(xml, "<address domain='0x%x' bus='0x%x' slot='0x%x' function='0x%x'/>",
			   &pci_domain, &bus, &slot, &function) != 4)
			return error_set(err, ERROR_BAD_REQUEST, "a hostdev's address makes no sense");
		snprintf(address, sizeof address, "%04x:%02x:%02x.%x", pci_domain, bus, slot, function);
		struct simulated_device *device = simulated_find(address);
		if (!device || strcmp(device->driver, "vfio-pci") != 0 || device->guest)
			return error_set(err, ERROR_INTERNAL,
					 "%s is not there, not bound to vfio-pci, or in use", address);
		if (!group_is_viable(device, err))
			return false;
		device->guest = (int)(domain - simulated->domains) + 1;
	}
	return true;
}

static bool take_netdevs(struct simulated_domain *domain, const char *xml, struct error *err)
{
	char name[32];

	while ((xml = xml_find(xml, "<source dev='", name, sizeof name))) {
		struct simulated_device *device = simulated_netdev(name);

		if (!device || !device->up || device->guest)
			return error_set(err, ERROR_INTERNAL, "%s is not there, not up, or in use", name);
		device->guest = (int)(domain - simulated->domains) + 1;
	}
	return true;
}

static bool plug_networks(struct simulated_domain *domain, const char *xml, struct error *err)
{
	char name[64];

	while ((xml = xml_find(xml, "<source network='penstock-", name, sizeof name))) {
		struct simulated_network *network = network_find(name);

		if (!network || domain->network_count == SIMULATED_DEVICES)
			return error_set(err, ERROR_INTERNAL, "network %s is not there", name);
		network->plugged++;
		domain->networks[domain->network_count++] = (int)(network - simulated->networks);
	}
	return true;
}

static bool start_locked(const char *xml, struct error *err)
{
	struct simulated_domain *domain = domain_find("");
	char id[37];

	xml_find(xml, "<uuid>", id, sizeof id);
	if (!domain || !*id || domain_find(id))
		return error_set(err, ERROR_INTERNAL, "there is no room for a guest, or it is there already");
	strcpy(domain->id, id);
	if (take_devices(domain, xml, err) && take_netdevs(domain, xml, err) &&
	    plug_networks(domain, xml, err))
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
