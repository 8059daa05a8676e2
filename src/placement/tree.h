/* Within the placement room: resource providers as they are now, read from the scheduler's tables for one
 * request. */
#pragma once

#include "base/error.h"
#include "pci/resource.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inventory {
	char class[PCI_NAME_SIZE];
	int64_t total, reserved, used;
	double ratio;
	bool one_time_use; /* of devices: what is reserved can be given free again */
};

struct provider {
	char id[37];
	char name[280];
	size_t root; /* index; its own: it is a host */
	char host_id[37];
	int64_t generation;
	struct inventory *inventories;
	size_t inventory_count;
	char *traits; /* as pci_traits_of() makes them */
};

/* What a consumer has of one class of a provider. */
struct allocation {
	char consumer[37];
	size_t provider;
	const char *class; /* lives as long as the tree */
	int64_t amount;
};

struct membership {
	size_t provider;
	char aggregate[37];
};

/* Start from {0}.  Providers: the hosts, then the devices of the first of them, of the second ... */
struct tree {
	struct provider *providers;
	size_t provider_count;
	struct allocation *allocations; /* by consumer, provider, class */
	size_t allocation_count;
	struct membership *memberships;
	size_t membership_count;
};

/* The providers of one host, or (NULL) of all. */
bool tree_load(struct store *db, const char *host_id, struct tree *tree, struct error *err);
void tree_done(struct tree *tree);
/* The host whose provider, or whose device's provider, has this id; "" if there is none. */
bool tree_host_of(struct store *db, const char *provider_id, char host_id[37], struct error *err);

struct provider *tree_find(const struct tree *tree, const char *id);			  /* or NULL */
struct inventory *provider_inventory(const struct provider *provider, const char *class); /* or NULL */
int64_t inventory_capacity(const struct inventory *inventory);
/* Is it that of the PCI device with this address, on its host? */
bool provider_is_device(const struct provider *provider, const char *address);
/* Could so much be had now? */
bool inventory_fits(const struct inventory *inventory, int64_t amount);
