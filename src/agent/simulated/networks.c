/* Networks of the simulated libvirt, and looking into XML. */
#include "agent/simulated/state.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

const char *simulated_xml_find(const char *xml, const char *begin, char *value, size_t size)
{
	const char *at = xml ? strstr(xml, begin) : NULL;

	*value = '\0';
	if (!at)
		return NULL;
	at += strlen(begin);
	snprintf(value, size, "%.*s", (int)strcspn(at, "'<"), at);
	return at;
}

struct simulated_network *simulated_network_find(const char *id)
{
	for (int i = 0; i < SIMULATED_NETWORKS; i++) {
		if (strcmp(simulated_now()->networks[i].id, id) == 0)
			return &simulated_now()->networks[i];
	}
	return NULL;
}

static bool lease_add(int network, const char *xml, struct error *err)
{
	for (int i = 0; i < 2 * simulated_now()->servers; i++) {
		struct simulated_lease *lease = &simulated_leases()[i];

		if (lease->network)
			continue;
		lease->network = network + 1;
		simulated_xml_find(xml, "mac='", lease->mac, sizeof lease->mac);
		simulated_xml_find(xml, "ip='", lease->ip, sizeof lease->ip);
		return true;
	}
	return error_set(err, ERROR_INTERNAL, "there is no room for a lease");
}

static bool lease_remove(int network, const char *xml, struct error *err)
{
	char mac[18];

	simulated_xml_find(xml, "mac='", mac, sizeof mac);
	for (int i = 0; i < 2 * simulated_now()->servers; i++) {
		struct simulated_lease *lease = &simulated_leases()[i];

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
	simulated_xml_find(xml, "<uuid>", id, sizeof id);
	simulated_enter();
	struct simulated_network *network = simulated_network_find("");
	ok = network && *id && !simulated_network_find(id);
	if (ok && strcmp(simulated_now()->dnsmasq, id) == 0)
		ok = error_set(err, ERROR_INTERNAL, "dnsmasq: failed to create listening socket");
	else if (!ok)
		error_set(err, ERROR_INTERNAL, "there is no room for a network, or it is there already");
	if (ok)
		strcpy(network->id, id);
	if (ok && host)
		ok = lease_add((int)(network - simulated_now()->networks), host, err);
	simulated_leave();
	return ok;
}

void simulated_network_remains(const char *id)
{
	simulated_enter();
	snprintf(simulated_now()->dnsmasq, sizeof simulated_now()->dnsmasq, "%s", id);
	struct simulated_network *network = simulated_network_find(id);
	for (int i = 0; network && i < 2 * simulated_now()->servers; i++) {
		if (simulated_leases()[i].network == network - simulated_now()->networks + 1)
			simulated_leases()[i].network = 0;
	}
	if (network)
		*network = (struct simulated_network){0};
	simulated_leave();
}

bool simulated_network_xml(const char *id, char **xml, struct error *err)
{
	_cleanup_(text_done) struct text text = {0};

	(void)err;
	*xml = NULL;
	simulated_enter();
	const struct simulated_network *network = simulated_network_find(id);
	if (network) {
		text_addf(&text, "<network%s>", network->plugged ? " connections='1'" : "");
		for (int i = 0; i < 2 * simulated_now()->servers; i++) {
			const struct simulated_lease *lease = &simulated_leases()[i];

			if (lease->network == network - simulated_now()->networks + 1)
				text_addf(&text, "<host mac='%s' ip='%s'/>", lease->mac, lease->ip);
		}
		*xml = text_take(&text);
	}
	simulated_leave();
	return true;
}

bool simulated_network_lease(const char *id, bool add, const char *host_xml, struct error *err)
{
	bool ok;

	simulated_change("%s a lease", add ? "add" : "remove");
	simulated_enter();
	const struct simulated_network *network = simulated_network_find(id);
	if (!network)
		ok = error_set(err, ERROR_NOT_FOUND, "there is no network %s", id);
	else if (add)
		ok = lease_add((int)(network - simulated_now()->networks), host_xml, err);
	else
		ok = lease_remove((int)(network - simulated_now()->networks), host_xml, err);
	simulated_leave();
	return ok;
}

bool simulated_network_remove(const char *id, struct error *err)
{
	bool ok = true;

	simulated_change("remove a network");
	simulated_enter();
	struct simulated_network *network = simulated_network_find(id);
	if (network && network->plugged)
		ok = error_set(err, ERROR_INTERNAL, "network %s has guests", id);
	else if (network)
		*network = (struct simulated_network){0};
	simulated_leave();
	return ok;
}
