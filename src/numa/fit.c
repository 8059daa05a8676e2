/* Fitting a guest's topology on a host. */
#include "numa/fit.h"

#include "numa/explain.h"
#include "numa/match.h"
#include "numa/need.h"

#include <string.h>

struct fitting {
	const struct numa_host *host;
	const struct numa_guest *guest;
	const struct numa_fit *how;
	int order[NUMA_MAX_CELLS]; /* indexes of host cells, preferred ones first */
	struct numa_match match;
};

/* --- which host cells are preferred --- */

/* Nova's sorts; what is compared first is its last.  Spread (its default) goes to the emptiest cell, pack to
 * the fullest. */
static bool is_preferred(const struct fitting *f, int left, int right)
{
	const struct numa_cell *a = &f->host->cells[left], *b = &f->host->cells[right];
	int64_t more;

	if (a->free_devices != b->free_devices)
		return f->how->wants_devices ? a->free_devices > b->free_devices
					     : a->free_devices < b->free_devices;
	if (f->guest->cpu_policy == NUMA_CPU_SHARED) {
		more = (int64_t)b->shared_used - a->shared_used;
	} else {
		struct cpu_set free_a = numa_cell_free_cpus(a), free_b = numa_cell_free_cpus(b);

		more = (int64_t)cpu_set_count(&free_a) - cpu_set_count(&free_b);
	}
	if (more == 0)
		more = numa_cell_free_mb(a) - numa_cell_free_mb(b);
	return f->host->pack ? more < 0 : more > 0;
}

/* If all are needed the order is theirs: guest cell 0 on the first. */
static void order_cells(struct fitting *f)
{
	bool sort = f->guest->cell_count < f->host->cell_count;

	for (int i = 0; i < f->host->cell_count; i++) {
		int at = i;

		for (; sort && at > 0 && is_preferred(f, i, f->order[at - 1]); at--)
			f->order[at] = f->order[at - 1];
		f->order[at] = i;
	}
}

/* --- what fits where --- */

static uint64_t cells_that_fit(const struct fitting *f, const struct numa_threads *threads,
			       const struct numa_need *need)
{
	uint64_t fits = 0;
	int64_t page_kb;

	for (int i = 0; i < f->host->cell_count; i++) {
		const struct numa_cell *cell = &f->host->cells[f->order[i]];

		if (numa_cell_fits(f->host, cell, &threads[i], need, &page_kb) == NUMA_FITS)
			fits |= UINT64_C(1) << i;
	}
	return fits;
}

static void fits_find(struct fitting *f)
{
	struct numa_threads threads[NUMA_MAX_CELLS];
	bool cores = f->guest->thread_policy > NUMA_THREADS_PREFER;
	struct numa_need last = {0};

	for (int i = 0; i < f->host->cell_count; i++)
		threads[i] = numa_threads_of(&f->host->cells[f->order[i]], cores);
	for (int i = 0; i < f->guest->cell_count; i++) {
		struct numa_need need = numa_need_of(f->guest, i);

		f->match.fits[i] = i > 0 && numa_need_same(&need, &last) ? f->match.fits[i - 1]
									 : cells_that_fit(f, threads, &need);
		last = need;
	}
}

/* The match's hosts are in the order of preference; the caller's are the host's cells. */
static bool set_is_accepted(void *context, uint64_t hosts)
{
	const struct fitting *f = context;
	uint64_t cells = 0;

	for (; hosts; hosts &= hosts - 1)
		cells |= UINT64_C(1) << f->order[__builtin_ctzll(hosts)];
	return f->how->accept(f->how->context, f->host, cells);
}

/* --- the placement --- */

static void place_cell(const struct fitting *f, int i, struct numa_placement *placement)
{
	const struct numa_guest_cell *wanted = &f->guest->cells[i];
	const struct numa_cell *cell = &f->host->cells[f->order[f->match.host_of[i]]];
	struct numa_placement_cell *place = &placement->cells[i];
	struct numa_need need = numa_need_of(f->guest, i);
	struct numa_threads threads = numa_threads_of(cell, true);
	int emulator;

	*place = (struct numa_placement_cell){.host_cell = cell->id,
					      .memory_mb = wanted->memory_mb,
					      .vcpus = wanted->vcpus};
	numa_cell_fits(f->host, cell, &threads, &need, &place->page_kb);
	if (need.floating)
		place->floating = cell->shared;
	numa_pin(cell, &need, &wanted->dedicated, placement->pins, &emulator, &place->taken);
	if (emulator >= 0)
		cpu_set_add(&placement->emulator, emulator);
}

/* Where the vCPUs may run, but not those in real time unless all are. */
static void emulator_beside_vcpus(struct numa_placement *placement)
{
	bool all = cpu_set_count(&placement->realtime) == placement->vcpus;

	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *cell = &placement->cells[i];

		for (int v = cpu_set_next(&cell->vcpus, 0); v >= 0; v = cpu_set_next(&cell->vcpus, v + 1)) {
			if (!all && cpu_set_has(&placement->realtime, v))
				continue;
			if (placement->pins[v] >= 0)
				cpu_set_add(&placement->emulator, placement->pins[v]);
			else
				cpu_set_or(&placement->emulator, &cell->floating);
		}
	}
}

/* `isolate` has its CPU already; `share` is the host's whole cpu_shared_set, if it has one. */
static void place_emulator(const struct fitting *f, struct numa_placement *placement)
{
	if (f->guest->emulator_policy == NUMA_EMULATOR_SHARE) {
		for (int i = 0; i < f->host->cell_count; i++)
			cpu_set_or(&placement->emulator, &f->host->cells[i].shared);
	}
	if (cpu_set_is_empty(&placement->emulator))
		emulator_beside_vcpus(placement);
}

static void place_guest(const struct fitting *f, struct numa_placement *placement)
{
	placement->cell_count = f->guest->cell_count;
	placement->vcpus = f->guest->vcpus;
	placement->realtime = f->guest->realtime;
	placement->emulator = (struct cpu_set){0};
	memset(placement->pins, 0xff, sizeof placement->pins); /* -1 */
	for (int i = 0; i < f->guest->cell_count; i++)
		place_cell(f, i, placement);
	place_emulator(f, placement);
}

static bool host_may_do(const struct numa_host *host, const struct numa_guest *guest)
{
	return guest->cell_count <= host->cell_count &&
	       (guest->hyperthreads == NUMA_HYPERTHREADS_ANY ||
		(guest->hyperthreads == NUMA_HYPERTHREADS_REQUIRED) == numa_host_has_hyperthreads(host));
}

bool numa_fit(const struct numa_host *host, const struct numa_guest *guest, const struct numa_fit *how,
	      struct numa_placement *placement, struct text *reason)
{
	struct fitting f;

	if (placement)
		placement->cell_count = 0;
	if (!host_may_do(host, guest)) {
		if (reason)
			numa_explain_host(host, guest, reason);
		return false;
	}
	if (guest->cell_count == 0)
		return true;
	f.host = host;
	f.guest = guest;
	f.how = how;
	f.match.guests = guest->cell_count;
	f.match.hosts = host->cell_count;
	f.match.accept = how->accept ? set_is_accepted : NULL;
	f.match.context = &f;
	order_cells(&f);
	fits_find(&f);
	if (!numa_match_find(&f.match)) {
		if (reason)
			numa_explain(host, guest, &f.match, f.order, reason);
		return false;
	}
	if (placement)
		place_guest(&f, placement);
	return true;
}

/* --- devices --- */

enum numa_distance numa_distance(const struct numa_host *host, uint64_t cells, int numa_node)
{
	const struct numa_cell *own = numa_host_cell(host, numa_node);
	bool socket = own != NULL;

	if (numa_node == PCI_NUMA_NONE)
		return NUMA_UNKNOWN;
	if (own && cells >> (own - host->cells) & 1)
		return NUMA_NEAR;
	for (int i = 0; i < host->cell_count; i++)
		socket = socket && host->cells[i].socket != NUMA_NO_SOCKET;
	for (int i = 0; socket && i < host->cell_count; i++) {
		if (cells >> i & 1 && host->cells[i].socket == own->socket)
			return NUMA_SAME_SOCKET;
	}
	return NUMA_FAR;
}

bool numa_policy_allows(enum pci_numa_policy policy, enum numa_distance distance)
{
	switch (policy) {
	case PCI_NUMA_REQUIRED:
		return distance == NUMA_NEAR;
	case PCI_NUMA_SOCKET:
		return distance == NUMA_NEAR || distance == NUMA_SAME_SOCKET;
	case PCI_NUMA_PREFERRED:
		return true;
	default:
		return distance == NUMA_NEAR || distance == NUMA_UNKNOWN;
	}
}
