/* The two orders of hosts.  A host whose weight changed is moved to its new place before the next look; when
 * many did, all are sorted anew. */
#include "scheduler/order.h"

#include "base/memory.h"
#include "scheduler/settings.h"

#include <stdlib.h>
#include <string.h>

static struct order {
	uint32_t *hosts;
	double *weights; /* by host: with which it is sorted in */
	size_t count;	 /* hosts that are sorted in: the first ones of the fleet */
} orders[2];

static uint32_t *free_devices; /* by host */
static uint32_t *moved;
static size_t moved_count;

/* --- weight --- */

static double free_share(int64_t amount, double ratio, int64_t used)
{
	double capacity = (double)(int64_t)((double)amount * ratio);

	return capacity > 0 ? (capacity - (double)used) / capacity : 0;
}

/* The free shares of CPU, memory and disk (servers are spread, as by Nova's weighers), and few free devices:
 * who wants none stays away from hosts that have some, and who wants some is stacked, so that hosts with many
 * stay whole for who needs many (Nova's PCIWeigher; here it is decisive for who wants none). */
double order_weight(const struct fleet_host *host, bool wants_devices)
{
	const struct scheduler_settings *s = &scheduler_settings;
	double devices = host->free_devices < 99 ? host->free_devices : 99;

	return s->cpu_weight * free_share(host->shared_vcpus, s->cpu_ratio, host->vcpus_used) +
	       s->ram_weight * free_share(host->memory_mb, s->ram_ratio, host->memory_mb_used) +
	       s->disk_weight * free_share(host->disk_gb, s->disk_ratio, host->disk_gb_used) +
	       s->pci_weight * ((100 - devices) / 100 - (!wants_devices && devices > 0 ? 10 : 0));
}

/* --- the orders --- */

/* Does host a stand before host b? */
static bool is_before(double weight_a, uint32_t a, double weight_b, uint32_t b)
{
	return weight_a != weight_b ? weight_a > weight_b : a < b;
}

static const double *sorted_weights; /* for compare() */

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return is_before(sorted_weights[a], a, sorted_weights[b], b) ? -1 : a != b;
}

/* The position of the host with this weight, or where it belongs. */
static size_t find(const struct order *order, double weight, uint32_t host)
{
	size_t low = 0, high = order->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint32_t other = order->hosts[middle];

		if (is_before(order->weights[other], other, weight, host))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void take_out(struct order *order, uint32_t host)
{
	size_t at = find(order, order->weights[host], host);

	order->count--;
	memmove(&order->hosts[at], &order->hosts[at + 1], (order->count - at) * sizeof *order->hosts);
}

static void put_in(struct order *order, uint32_t host, double weight)
{
	size_t at = find(order, weight, host);

	memmove(&order->hosts[at + 1], &order->hosts[at], (order->count - at) * sizeof *order->hosts);
	order->hosts[at] = host;
	order->weights[host] = weight;
	order->count++;
}

static void sort_all(struct order *order, bool wants_devices)
{
	order->hosts = memory_resize(order->hosts, (fleet.count + 1) * sizeof *order->hosts);
	order->weights = memory_resize(order->weights, (fleet.count + 1) * sizeof *order->weights);
	order->count = fleet.count;
	for (uint32_t i = 0; i < fleet.count; i++) {
		order->hosts[i] = i;
		order->weights[i] = order_weight(&fleet.hosts[i], wants_devices);
	}
	sorted_weights = order->weights;
	qsort(order->hosts, order->count, sizeof *order->hosts, compare);
}

static void settle(void)
{
	bool all = orders[0].count != fleet.count || moved_count > 16 + fleet.count / 16;

	for (int wants = 0; wants < 2; wants++) {
		if (all)
			sort_all(&orders[wants], wants);
		for (size_t i = 0; !all && i < moved_count; i++) {
			double weight = order_weight(&fleet.hosts[moved[i]], wants);

			if (weight == orders[wants].weights[moved[i]])
				continue;
			take_out(&orders[wants], moved[i]);
			put_in(&orders[wants], moved[i], weight);
		}
	}
	if (all)
		free_devices = memory_resize(free_devices, (fleet.count + 1) * sizeof *free_devices);
	for (size_t i = 0; i < (all ? fleet.count : moved_count); i++) {
		uint32_t host = all ? (uint32_t)i : moved[i];

		free_devices[host] = fleet.hosts[host].free_devices;
	}
	moved_count = 0;
}

uint32_t order_free_devices(uint32_t host)
{
	return free_devices[host];
}

void order_moved(const struct fleet_host *host)
{
	uint32_t index = (uint32_t)(host - fleet.hosts);

	if (moved_count == 0 || moved[moved_count - 1] != index)
		*ARRAY_ADD(moved, moved_count) = index;
}

void order_forget(void)
{
	for (int i = 0; i < 2; i++) {
		free(orders[i].hosts);
		free(orders[i].weights);
		orders[i] = (struct order){0};
	}
	moved_count = 0;
}

const uint32_t *order_hosts(bool wants_devices)
{
	if (moved_count > 0 || orders[0].count != fleet.count)
		settle();
	return orders[wants_devices].hosts;
}
