/* Building the providers. */
#include "placement/tree.h"

#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "compute/consumer.h"
#include "placement/device_id.h"
#include "scheduler/view.h"

#include <ctype.h>
#include <string.h>

#define SET(field, value) snprintf(field, sizeof(field), "%s", value)

/* What is needed while it is built. */
struct builder {
	struct store *db;
	const char *host_id;
	struct tree *tree;
	struct scheduler_amounts *hosts;
	size_t host_count;
	struct map by_id; /* provider's id -> 1 + its index */
};

/* --- providers --- */

static struct provider *provider_of(const struct builder *b, const char *id)
{
	uintptr_t at = (uintptr_t)map_get(&b->by_id, id);

	return at ? &b->tree->providers[at - 1] : NULL;
}

static struct provider *provider_add(struct builder *b, const char *id, const struct scheduler_amounts *host)
{
	struct provider *provider = ARRAY_ADD(b->tree->providers, b->tree->provider_count);

	SET(provider->id, id);
	SET(provider->host_id, host->id);
	provider->root = b->tree->provider_count - 1;
	provider->generation = host->revision;
	map_put(&b->by_id, id, (void *)(uintptr_t)b->tree->provider_count);
	return provider;
}

static struct inventory *inventory_add(struct provider *provider, const char *class, int64_t total,
				       int64_t reserved, double ratio)
{
	struct inventory *inventory = ARRAY_ADD(provider->inventories, provider->inventory_count);

	SET(inventory->class, class);
	inventory->total = total;
	inventory->reserved = reserved;
	inventory->ratio = ratio;
	return inventory;
}

static void host_add(struct builder *b, const struct scheduler_amounts *host)
{
	struct scheduler_ratios ratios = scheduler_ratios();
	struct provider *provider = provider_add(b, host->id, host);

	SET(provider->name, host->name);
	provider->traits = pci_traits_of(host->enabled ? "COMPUTE_NODE,OWNER_NOVA"
						       : "COMPUTE_NODE,OWNER_NOVA,COMPUTE_STATUS_DISABLED");
	if (host->shared_cpus > 0)
		inventory_add(provider, "VCPU", host->shared_cpus, 0, ratios.cpu);
	if (host->dedicated_cpus > 0)
		inventory_add(provider, "PCPU", host->dedicated_cpus, 0, 1);
	if (host->memory_mb > 0)
		inventory_add(provider, "MEMORY_MB", host->memory_mb, host->reserved_memory_mb, ratios.ram);
	if (host->disk_gb > 0)
		inventory_add(provider, "DISK_GB", host->disk_gb, 0, ratios.disk);
}

static bool hosts_add(struct builder *b, struct error *err)
{
	if (!scheduler_view_hosts(b->db, b->host_id, &b->hosts, &b->host_count, err))
		return false;
	for (size_t i = 0; i < b->host_count; i++)
		host_add(b, &b->hosts[i]);
	return true;
}

/* Hosts come first, so that their indexes are those of their providers. */
static const struct scheduler_amounts *host_of(const struct builder *b, const char *host_id)
{
	struct provider *provider = provider_of(b, host_id);

	return provider ? &b->hosts[provider->root] : NULL;
}

/* --- devices --- */

/* A VF is inventory of its PF, whether or not the PF itself is offered. */
static struct provider *provider_of_device(struct builder *b, const struct scheduler_amounts *host,
					   const struct scheduler_shown *device)
{
	const char *text = *device->parent ? device->parent : device->address;
	pci_address address;
	char id[37];

	if (!pci_address_parse(text, &address))
		return NULL;
	struct provider *provider = provider_of(b, device_id_format(host->id, host->number, address, id));
	if (provider)
		return provider;
	provider = provider_add(b, id, host);
	provider->root = (size_t)(host - b->hosts);
	size_t length = (size_t)snprintf(provider->name, sizeof provider->name, "%s_", host->name);
	for (; *text && length + 1 < sizeof provider->name; text++)
		provider->name[length++] = (char)toupper((unsigned char)*text);
	provider->traits = memory_copy_text(device->resource.traits);
	return provider;
}

static void allocation_add(struct tree *tree, const char *consumer, size_t provider, const char *class,
			   int64_t amount)
{
	struct allocation *allocation;

	if (amount <= 0)
		return;
	allocation = ARRAY_ADD(tree->allocations, tree->allocation_count);
	SET(allocation->consumer, consumer);
	allocation->provider = provider;
	allocation->class = class;
	allocation->amount = amount;
}

/* The texts of inventories move while they are added: allocations are made when all are there. */
static void device_count(struct provider *provider, const struct scheduler_shown *device)
{
	struct inventory *inventory = provider_inventory(provider, device->resource.resource_class);

	if (!inventory)
		inventory = inventory_add(provider, device->resource.resource_class, 0, 0, 1);
	inventory->total++;
	inventory->one_time_use |= device->one_time_use;
	inventory->reserved += device->spent || (!device->usable && !*device->server_id);
	inventory->used += *device->server_id != '\0';
}

static void devices_count(struct builder *b, const struct scheduler_shown *devices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct scheduler_amounts *host = host_of(b, devices[i].host_id);
		struct provider *provider = host ? provider_of_device(b, host, &devices[i]) : NULL;

		if (provider)
			device_count(provider, &devices[i]);
	}
	for (size_t i = 0; i < count; i++) {
		const struct scheduler_amounts *host = host_of(b, devices[i].host_id);
		struct provider *provider = host ? provider_of_device(b, host, &devices[i]) : NULL;

		if (provider && *devices[i].server_id)
			allocation_add(
				b->tree, devices[i].server_id, (size_t)(provider - b->tree->providers),
				provider_inventory(provider, devices[i].resource.resource_class)->class, 1);
	}
}

static bool devices_add(struct builder *b, struct error *err)
{
	struct scheduler_shown *devices;
	size_t count;
	bool ok = scheduler_view_devices(b->db, b->host_id, &devices, &count, err);

	if (ok)
		devices_count(b, devices, count);
	scheduler_shown_free(devices, count);
	return ok;
}

/* --- who has what --- */

static void share_add(struct builder *b, const struct scheduler_share *share)
{
	struct provider *provider = provider_of(b, share->host_id);
	const struct {
		const char *class;
		int64_t amount;
	} amounts[] = {{"VCPU", share->vcpus},
		       {"PCPU", share->pcpus},
		       {"MEMORY_MB", share->memory_mb},
		       {"DISK_GB", share->disk_gb}};

	for (size_t i = 0; provider && i < ELEMENTS_OF(amounts); i++) {
		struct inventory *inventory = provider_inventory(provider, amounts[i].class);

		if (inventory)
			inventory->used += amounts[i].amount;
		allocation_add(b->tree, share->server_id, provider->root, amounts[i].class,
			       amounts[i].amount);
	}
}

static bool shares_add(struct builder *b, struct error *err)
{
	_cleanup_free_ struct scheduler_share *shares = NULL;
	size_t count;

	if (!scheduler_view_shares(b->db, b->host_id, &shares, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		share_add(b, &shares[i]);
	return true;
}

static bool memberships_add(struct builder *b, struct error *err)
{
	_cleanup_free_ struct compute_membership *members = NULL;
	struct tree *tree = b->tree;
	size_t count;

	if (!compute_memberships(b->db, b->host_id, &members, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct provider *provider = provider_of(b, members[i].host_id);
		struct membership *membership;

		if (!provider)
			continue;
		membership = ARRAY_ADD(tree->memberships, tree->membership_count);
		membership->provider = provider->root;
		SET(membership->aggregate, members[i].aggregate);
	}
	return true;
}

static int compare_allocations(const void *left, const void *right)
{
	const struct allocation *a = left, *b = right;
	int order = strcmp(a->consumer, b->consumer);

	if (order == 0 && a->provider != b->provider)
		order = a->provider < b->provider ? -1 : 1;
	return order ? order : strcmp(a->class, b->class);
}

/* Several devices of one class of a provider are one amount. */
static void allocations_merge(struct tree *tree)
{
	size_t kept = 0;

	if (tree->allocation_count == 0)
		return;
	qsort(tree->allocations, tree->allocation_count, sizeof *tree->allocations, compare_allocations);
	for (size_t i = 0; i < tree->allocation_count; i++) {
		struct allocation one = tree->allocations[i];

		if (kept && compare_allocations(&tree->allocations[kept - 1], &one) == 0)
			tree->allocations[kept - 1].amount += one.amount;
		else
			tree->allocations[kept++] = one;
	}
	tree->allocation_count = kept;
}

bool tree_load(struct store *db, const char *host_id, struct tree *tree, struct error *err)
{
	struct builder b = {.db = db, .host_id = host_id, .tree = tree};
	bool ok =
		hosts_add(&b, err) && devices_add(&b, err) && shares_add(&b, err) && memberships_add(&b, err);

	allocations_merge(tree);
	map_done(&b.by_id, NULL);
	free(b.hosts);
	return ok;
}

void tree_done(struct tree *tree)
{
	for (size_t i = 0; i < tree->provider_count; i++) {
		free(tree->providers[i].inventories);
		free(tree->providers[i].traits);
	}
	free(tree->providers);
	free(tree->allocations);
	free(tree->memberships);
	*tree = (struct tree){0};
}

/* --- looking --- */

bool tree_host_of(struct store *db, const char *provider_id, char host_id[37], struct error *err)
{
	pci_address address;
	int64_t number;

	if (device_id_parse(provider_id, &number, &address))
		return scheduler_host_of_number(db, number, host_id, err);
	snprintf(host_id, 37, "%.36s", provider_id);
	return true;
}

struct provider *tree_find(const struct tree *tree, const char *id)
{
	for (size_t i = 0; i < tree->provider_count; i++) {
		if (strcmp(tree->providers[i].id, id) == 0)
			return &tree->providers[i];
	}
	return NULL;
}

struct inventory *provider_inventory(const struct provider *provider, const char *class)
{
	for (size_t i = 0; i < provider->inventory_count; i++) {
		if (strcmp(provider->inventories[i].class, class) == 0)
			return &provider->inventories[i];
	}
	return NULL;
}

bool provider_is_device(const struct provider *provider, const char *address)
{
	pci_address device, wanted;
	int64_t number;

	return device_id_parse(provider->id, &number, &device) && pci_address_parse(address, &wanted) &&
	       device == wanted;
}

int64_t inventory_capacity(const struct inventory *inventory)
{
	return (int64_t)((double)(inventory->total - inventory->reserved) * inventory->ratio);
}

bool inventory_fits(const struct inventory *inventory, int64_t amount)
{
	return amount <= inventory->total && amount <= inventory_capacity(inventory) - inventory->used;
}
