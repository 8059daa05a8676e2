/* The order of hosts.  A host whose weight changed is moved to its new place before the next look; when many
 * did, or the ranges of the weighers are others, all are sorted anew. */
#include "scheduler/order.h"

#include "base/memory.h"
#include "scheduler/settings.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_FLEET 32 /* sorting so few costs nothing: their ranges are always right */

static struct {
	uint32_t *hosts;
	double *weights; /* by host: with which it is sorted in */
	size_t count;	 /* hosts that are sorted in: the first ones of the fleet */
	size_t moves;	 /* since all were sorted */
	struct range {
		double low, high;
	} ranges[WEIGHER_COUNT]; /* what each weigher said of the hosts then */
} order;

static uint32_t *moved;
static size_t moved_count;

/* --- weighers --- */

static double at_least_0(double value)
{
	return value > 0 ? value : 0;
}

static double cpus_free(const struct fleet_host *host)
{
	return at_least_0((double)host->shared_vcpus * scheduler_settings.cpu_ratio -
			  (double)host->vcpus_used);
}

static double memory_free(const struct fleet_host *host)
{
	return at_least_0((double)(host->memory_mb - host->memory_mb_used));
}

static double disk_free(const struct fleet_host *host)
{
	return at_least_0((double)(host->disk_gb - host->disk_gb_used));
}

/* Hosts with few free devices first: who wants none stays away from those that have some, who wants some is
 * stacked, so that hosts with many stay whole for who needs many. */
static double devices_scarce(const struct fleet_host *host)
{
	return 100 - (host->free_devices < 99 ? (double)host->free_devices : 99);
}

static double servers(const struct fleet_host *host)
{
	return (double)host->servers;
}

static double builds(const struct fleet_host *host)
{
	return host->building;
}

/* Nova's multiplier is negated. */
static double builds_failed(const struct fleet_host *host)
{
	return -(double)host->failed_builds;
}

static double version(const struct fleet_host *host)
{
	return (double)host->hypervisor_version;
}

static const struct {
	double (*weigh)(const struct fleet_host *host);
	bool from_0; /* its range begins with 0 (Nova's minval) */
} weighers[WEIGHER_COUNT] = {
	[WEIGHER_CPU] = {cpus_free, .from_0 = true},
	[WEIGHER_RAM] = {memory_free, .from_0 = true},
	[WEIGHER_DISK] = {disk_free, .from_0 = true},
	[WEIGHER_PCI] = {devices_scarce},
	[WEIGHER_INSTANCES] = {servers},
	[WEIGHER_IO_OPS] = {builds, .from_0 = true},
	[WEIGHER_BUILD_FAILURE] = {builds_failed},
	[WEIGHER_VERSION] = {version},
};

/* Where all are equal the weigher says nothing. */
double order_weight(const struct fleet_host *host)
{
	double sum = 0;

	for (int w = 0; w < WEIGHER_COUNT; w++) {
		const struct range *range = &order.ranges[w];

		if (scheduler_settings.weights[w] != 0 && range->high > range->low)
			sum += scheduler_settings.weights[w] * (weighers[w].weigh(host) - range->low) /
			       (range->high - range->low);
	}
	return sum;
}

static void ranges_find(void)
{
	for (int w = 0; w < WEIGHER_COUNT; w++) {
		struct range range = {0};
		bool first = !weighers[w].from_0;

		for (size_t i = 0; scheduler_settings.weights[w] != 0 && i < fleet.count; i++) {
			double value = weighers[w].weigh(&fleet.hosts[i]);

			if (!fleet.hosts[i].there)
				continue;
			range.low = first || value < range.low ? value : range.low;
			range.high = first || value > range.high ? value : range.high;
			first = false;
		}
		order.ranges[w] = range;
	}
}

/* Is what the weighers say of it far beyond what they said of all? */
static bool is_beyond(const struct fleet_host *host)
{
	for (int w = 0; w < WEIGHER_COUNT; w++) {
		const struct range *range = &order.ranges[w];
		double value, slack = (range->high - range->low) / 8;

		if (scheduler_settings.weights[w] == 0)
			continue;
		value = weighers[w].weigh(host);
		if (value > range->high + slack || value < range->low - slack)
			return true;
	}
	return false;
}

/* --- the order --- */

/* Does host a stand before host b? */
static bool is_before(double weight_a, uint32_t a, double weight_b, uint32_t b)
{
	return weight_a != weight_b ? weight_a > weight_b : a < b;
}

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return is_before(order.weights[a], a, order.weights[b], b) ? -1 : a != b;
}

/* The position of the host with this weight, or where it belongs. */
static size_t find(double weight, uint32_t host)
{
	size_t low = 0, high = order.count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		uint32_t other = order.hosts[middle];

		if (is_before(order.weights[other], other, weight, host))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Only what stands between the old place and the new one is touched. */
static void put(uint32_t host, double weight)
{
	size_t from = find(order.weights[host], host), to = find(weight, host);

	if (to > from) {
		to--;
		memmove(&order.hosts[from], &order.hosts[from + 1], (to - from) * sizeof *order.hosts);
	} else {
		memmove(&order.hosts[to + 1], &order.hosts[to], (from - to) * sizeof *order.hosts);
	}
	order.hosts[to] = host;
	order.weights[host] = weight;
}

static void sort_all(void)
{
	if (order.count != fleet.count) {
		order.hosts = memory_resize(order.hosts, (fleet.count + 1) * sizeof *order.hosts);
		order.weights = memory_resize(order.weights, (fleet.count + 1) * sizeof *order.weights);
		order.count = fleet.count;
		for (uint32_t i = 0; i < fleet.count; i++)
			order.hosts[i] = i;
	}
	order.moves = 0;
	ranges_find();
	for (uint32_t i = 0; i < fleet.count; i++)
		order.weights[i] = order_weight(&fleet.hosts[i]);
	qsort(order.hosts, order.count, sizeof *order.hosts, compare);
}

/* Sorting anew after as many moves as there are hosts costs each of them little. */
static void settle(void)
{
	bool all = order.count != fleet.count || fleet.count <= SMALL_FLEET ||
		   moved_count > 16 + fleet.count / 16 || order.moves + moved_count > fleet.count;

	for (size_t i = 0; !all && i < moved_count; i++)
		all = is_beyond(&fleet.hosts[moved[i]]);
	if (all)
		sort_all();
	for (size_t i = 0; !all && i < moved_count; i++) {
		double weight = order_weight(&fleet.hosts[moved[i]]);

		if (weight != order.weights[moved[i]])
			put(moved[i], weight);
		order.moves++;
	}
	moved_count = 0;
}

void order_moved(const struct fleet_host *host)
{
	uint32_t index = (uint32_t)(host - fleet.hosts);

	if (moved_count == 0 || moved[moved_count - 1] != index)
		*ARRAY_ADD(moved, moved_count) = index;
}

void order_forget(void)
{
	free(order.hosts);
	free(order.weights);
	memset(&order, 0, sizeof order);
	moved_count = 0;
}

const uint32_t *order_hosts(void)
{
	if (moved_count > 0 || order.count != fleet.count)
		settle();
	return order.hosts;
}
