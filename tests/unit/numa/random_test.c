/* Small random hosts that fill up with random guests: a guest fits exactly when trying everything finds a
 * way, and what is placed is right.
 *
 * PENSTOCK_TEST_SEED=N repeats a run; PENSTOCK_TEST_CASES=N makes it longer (a million takes minutes). */
#include "../test.h"

#include "site.h"

enum { CELLS = 4, GUESTS = 6 };

static struct numa_host host;
static struct numa_guest guest;
static int owner[CPU_SET_MAX]; /* who has the CPU taken; 0: nobody */

static unsigned below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

/* --- hosts and guests --- */

static void random_cell(struct text *cells, int id, int *cpu)
{
	struct text siblings = {0}, dedicated = {0}, shared = {0};
	int first = *cpu, cores = 1 + (int)below(4), most = 1 + (int)below(3);
	unsigned kind = below(4);

	for (int core = 0; core < cores; core++) {
		int threads = 1 + (int)below((unsigned)most);

		text_addf(&siblings, "%s'%d-%d'", core ? "," : "", *cpu, *cpu + threads - 1);
		*cpu += threads;
	}
	for (int i = first; i < *cpu; i++) {
		struct text *set = kind == 0 ? &shared : kind == 1 || below(3) ? &dedicated : &shared;

		text_addf(set, "%s%d", set->length ? "," : "", i);
	}
	text_addf(cells,
		  "%s{'id': %d, 'socket': %d, 'cpus': '%d-%d', 'shared': '%s', 'dedicated': '%s', "
		  "'siblings': [%s], 'memory_mb': %u, 'hugepages': [{'size_kb': 2048, 'total': %u, "
		  "'reserved': %u}, {'size_kb': 8192, 'total': %u}]}",
		  id ? "," : "", id, id / 2, first, *cpu - 1, shared.data ? shared.data : "",
		  dedicated.data ? dedicated.data : "", siblings.data, 96 + below(64), 8 + below(24),
		  below(3), below(4));
	text_done(&siblings);
	text_done(&dedicated);
	text_done(&shared);
}

static void random_host(void)
{
	struct text cells = {0};
	int count = 2 + (int)below(CELLS - 1), cpu = 0;

	text_add(&cells, "[");
	for (int i = 0; i < count; i++)
		random_cell(&cells, i, &cpu);
	text_add(&cells, "]");
	site_host(&host, cells.data);
	text_done(&cells);
	host.cpu_ratio = 1 + below(3) * 0.5;
	host.memory_ratio = 1 + below(3) * 0.25;
	host.pack = below(2);
	for (int i = 0; i < count; i++)
		host.cells[i].free_devices = (int)below(3);
	memset(owner, 0, sizeof owner);
}

/* Whose options may not go together: then it is none. */
static bool random_guest(void)
{
	static const char *const policies[] = {"", "hw:cpu_policy=dedicated ",
					       "hw:cpu_policy=mixed hw:cpu_dedicated_mask=1 ",
					       "hw:cpu_policy=dedicated "};
	static const char *const threads[] = {"", "hw:cpu_thread_policy=prefer ",
					      "hw:cpu_thread_policy=isolate ",
					      "hw:cpu_thread_policy=require "};
	static const char *const pages[] = {"",
					    "",
					    "hw:mem_page_size=small ",
					    "hw:mem_page_size=large ",
					    "hw:mem_page_size=any ",
					    "hw:mem_page_size=2048 ",
					    "hw:mem_page_size=8192 "};
	struct error err;
	char flavor[300];
	int nodes = 1 + (int)below(3), vcpus = nodes * (1 + (int)below(4)),
	    memory = nodes * (1 + (int)below(32));

	snprintf(flavor, sizeof flavor, "%s%s%s%shw:numa_nodes=%d", policies[below(4)], threads[below(4)],
		 pages[below(7)], below(4) ? "" : "hw:emulator_threads_policy=isolate ", nodes);
	if (nodes == 2 && below(2)) {
		vcpus = 2 + (int)below(5);
		memory = 8 + (int)below(32);
		int split = 1 + (int)below((unsigned)vcpus - 1);
		snprintf(flavor + strlen(flavor), sizeof flavor - strlen(flavor),
			 " hw:numa_cpus.0=0-%d hw:numa_cpus.1=%d-%d hw:numa_mem.0=%d hw:numa_mem.1=%d",
			 split - 1, split, vcpus - 1, 8, memory - 8 ? memory - 8 : 1);
	}
	return lookup_guest(vcpus, memory, flavor, "", &guest, &err);
}

/* --- the naive truth --- */

static bool is_free(const struct numa_cell *cell, int cpu)
{
	return cpu_set_has(&cell->dedicated, cpu) && owner[cpu] == 0;
}

static const struct numa_core *core_of(const struct numa_cell *cell, int cpu)
{
	for (int i = 0; i < cell->core_count; i++) {
		for (int k = 0; k < cell->cores[i].count; k++) {
			if (cell->cores[i].cpus[k] == cpu)
				return &cell->cores[i];
		}
	}
	fail();
	return NULL;
}

static int free_threads(const struct numa_cell *cell, const struct numa_core *core)
{
	int count = 0;

	for (int k = 0; k < core->count; k++)
		count += is_free(cell, core->cpus[k]);
	return count;
}

/* May these CPUs be a guest cell's, and the emulator have its own (-1: none)? */
static bool choice_is_right(const struct numa_cell *cell, const int *cpus, int count, int emulator)
{
	bool isolate = guest.thread_policy == NUMA_THREADS_ISOLATE;

	for (int i = 0; i < count; i++) {
		const struct numa_core *core = core_of(cell, cpus[i]);

		if (!is_free(cell, cpus[i]) || cpus[i] == emulator)
			return false;
		if (guest.thread_policy == NUMA_THREADS_REQUIRE && free_threads(cell, core) < 2)
			return false;
		if (isolate && (free_threads(cell, core) < core->count ||
				(emulator >= 0 && core_of(cell, emulator) == core)))
			return false;
		for (int k = 0; k < i; k++) {
			if (cpus[k] == cpus[i] || (isolate && core_of(cell, cpus[k]) == core))
				return false;
		}
	}
	return emulator < 0 || is_free(cell, emulator);
}

static bool choose(const struct numa_cell *cell, int *cpus, int count, int wanted, bool emulator, int from)
{
	if (count == wanted) {
		if (!emulator)
			return choice_is_right(cell, cpus, count, -1);
		for (int cpu = 0; cpu < 64; cpu++) {
			if (is_free(cell, cpu) && choice_is_right(cell, cpus, count, cpu))
				return true;
		}
		return false;
	}
	for (int cpu = from; cpu < 64; cpu++) {
		if (!is_free(cell, cpu))
			continue;
		cpus[count] = cpu;
		if (choose(cell, cpus, count + 1, wanted, emulator, cpu + 1))
			return true;
	}
	return false;
}

static bool page_is_right(const struct numa_cell *cell, int i, int64_t memory_mb)
{
	const struct numa_pages *p = &cell->pages[i];
	bool wanted = guest.page_kb == NUMA_PAGES_ANY || guest.page_kb == p->size_kb ||
		      (guest.page_kb == NUMA_PAGES_SMALL && i == 0) ||
		      (guest.page_kb == NUMA_PAGES_LARGE && i);

	return wanted && memory_mb * 1024 % p->size_kb == 0 &&
	       p->used + p->reserved + memory_mb * 1024 / p->size_kb <= p->total;
}

static bool memory_fits(const struct numa_cell *cell, int64_t memory_mb)
{
	const struct numa_pages *p = &cell->pages[0];
	double ratio = guest.cpu_policy == NUMA_CPU_SHARED ? host.memory_ratio : 1;

	for (int i = 0; guest.page_kb && i < cell->page_count; i++) {
		if (page_is_right(cell, i, memory_mb))
			return true;
	}
	return guest.page_kb == 0 && memory_mb * 256 <= p->total - p->reserved &&
	       (double)(memory_mb * 256 + p->used) <= (double)(p->total - p->reserved) * ratio;
}

static bool cell_fits(const struct numa_cell *cell, int i)
{
	const struct numa_guest_cell *wanted = &guest.cells[i];
	int dedicated = cpu_set_count(&wanted->dedicated),
	    floating = cpu_set_count(&wanted->vcpus) - dedicated;
	int shared = cpu_set_count(&cell->shared), cpus[64];

	if (floating && (floating > shared || cell->shared_used + floating > shared * host.cpu_ratio))
		return false;
	return memory_fits(cell, wanted->memory_mb) &&
	       choose(cell, cpus, 0, dedicated, i == 0 && guest.emulator_policy == NUMA_EMULATOR_ISOLATE, 0);
}

/* All permutations of host cells. */
static bool permute(const bool fits[CELLS][CELLS], int i, uint64_t used, uint64_t accepted)
{
	if (i == guest.cell_count)
		return accepted >> used & 1;
	for (int h = 0; i < CELLS && h < host.cell_count; h++) {
		if (!(used >> h & 1) && fits[i][h] && permute(fits, i + 1, used | 1u << h, accepted))
			return true;
	}
	return false;
}

/* `accepted`: bit m for the set of host cells m. */
static bool truth(uint64_t accepted)
{
	bool fits[CELLS][CELLS];

	for (int i = 0; i < guest.cell_count; i++) {
		for (int h = 0; h < host.cell_count; h++)
			fits[i][h] = cell_fits(&host.cells[h], i);
	}
	return permute(fits, 0, 0, accepted);
}

static bool accept(void *context, const struct numa_host *on, uint64_t cells)
{
	assert_ptr_equal(on, &host);
	assert_int_equal(__builtin_popcountll(cells), guest.cell_count);
	return *(uint64_t *)context >> cells & 1;
}

/* --- is a placement right? --- */

static int count_alone(const struct numa_cell *cell, const int *cpus, int count)
{
	int alone = 0;

	for (int i = 0; i < count; i++) {
		int together = 0;

		for (int k = 0; k < count; k++)
			together += core_of(cell, cpus[i]) == core_of(cell, cpus[k]);
		alone += together == 1;
	}
	return alone;
}

static void check_cell(const struct numa_placement *p, int i)
{
	const struct numa_placement_cell *placed = &p->cells[i];
	const struct numa_cell *cell = numa_host_cell(&host, placed->host_cell);
	const struct numa_guest_cell *wanted = &guest.cells[i];
	bool isolate = guest.thread_policy == NUMA_THREADS_ISOLATE, own = false;
	struct cpu_set taken = {0};
	int cpus[64], count = 0, emulator = -1;

	assert_true(cpu_set_equal(&placed->vcpus, &wanted->vcpus));
	assert_int_equal(placed->memory_mb, wanted->memory_mb);
	for (int v = cpu_set_next(&wanted->vcpus, 0); v >= 0; v = cpu_set_next(&wanted->vcpus, v + 1)) {
		assert_int_equal(p->pins[v] >= 0, cpu_set_has(&wanted->dedicated, v));
		if (p->pins[v] >= 0)
			cpus[count++] = p->pins[v];
		else
			assert_true(cpu_set_equal(&placed->floating, &cell->shared));
	}
	if (i == 0 && guest.emulator_policy == NUMA_EMULATOR_ISOLATE) {
		assert_int_equal(cpu_set_count(&p->emulator), 1);
		emulator = cpu_set_next(&p->emulator, 0);
		cpu_set_add(&taken, emulator);
	}
	assert_true(choice_is_right(cell, cpus, count, emulator));
	if (guest.thread_policy == NUMA_THREADS_REQUIRE)
		assert_in_range(count_alone(cell, cpus, count), 0, 1);
	for (int k = 0; k < count; k++) {
		cpu_set_add(&taken, cpus[k]);
		for (int t = 0; isolate && t < core_of(cell, cpus[k])->count; t++)
			cpu_set_add(&taken, core_of(cell, cpus[k])->cpus[t]);
	}
	assert_true(cpu_set_equal(&placed->taken, &taken));
	for (int k = 0; k < cell->page_count; k++)
		own = own || (cell->pages[k].size_kb == placed->page_kb &&
			      page_is_right(cell, k, placed->memory_mb));
	assert_int_equal(own, guest.page_kb != 0);
	assert_int_equal(placed->page_kb != 0, guest.page_kb != 0);
}

static void check_placement(const struct numa_placement *p)
{
	assert_int_equal(p->cell_count, guest.cell_count);
	assert_false(cpu_set_is_empty(&p->emulator));
	for (int i = 0; i < p->cell_count; i++) {
		for (int k = 0; k < i; k++)
			assert_int_not_equal(p->cells[i].host_cell, p->cells[k].host_cell);
		check_cell(p, i);
	}
}

/* What was written is read again as the same. */
static void check_text(const struct numa_placement *p)
{
	static struct numa_placement again;
	struct text first = {0}, second = {0};
	struct error err = {0};

	numa_placement_write(p, &first);
	if (!numa_placement_parse(first.data, &again, &err))
		fail_msg("%s: %s", err.message, first.data);
	numa_placement_write(&again, &second);
	assert_string_equal(first.data, second.data);
	text_done(&first);
	text_done(&second);
}

/* --- a host's life --- */

static void owner_set(const struct numa_placement *p, int number)
{
	for (int i = 0; i < p->cell_count; i++) {
		const struct cpu_set *taken = &p->cells[i].taken;

		for (int cpu = cpu_set_next(taken, 0); cpu >= 0; cpu = cpu_set_next(taken, cpu + 1)) {
			assert_true(number == 0 || owner[cpu] == 0);
			owner[cpu] = number;
		}
	}
}

static void check_host(void)
{
	for (int i = 0; i < host.cell_count; i++) {
		const struct numa_cell *cell = &host.cells[i];

		for (int cpu = 0; cpu < 64; cpu++) {
			if (cpu_set_has(&cell->dedicated, cpu))
				assert_int_equal(cpu_set_has(&cell->pinned, cpu), owner[cpu] != 0);
		}
		for (int k = 1; k < cell->page_count; k++)
			assert_in_range(cell->pages[k].used, 0, cell->pages[k].total);
	}
}

static bool one_guest(struct numa_placement *placement, int number)
{
	uint64_t accepted = below(4) ? ~UINT64_C(0) : (uint64_t)rand() | (uint64_t)rand() << 31;
	struct numa_fit how = {.accept = accept, .context = &accepted, .wants_devices = below(2)};
	struct text reason = {0};
	struct error err = {0};

	while (!random_guest())
		;
	bool expected = truth(accepted);
	if (numa_fit(&host, &guest, &how, placement, &reason) != expected)
		fail_msg("expected %d: %s", expected, reason.data ? reason.data : "fits");
	assert_int_equal(reason.data == NULL, expected);
	assert_int_equal(numa_fit(&host, &guest, &how, NULL, NULL), expected);
	text_done(&reason);
	if (!expected)
		return false;
	check_placement(placement);
	check_text(placement);
	owner_set(placement, number);
	if (!numa_claim(&host, placement, &err))
		fail_msg("%s", err.message);
	if (!cpu_set_is_empty(&placement->cells[0].taken))
		assert_false(numa_claim(&host, placement, &err)); /* nobody else */
	check_host();
	return true;
}

static void one_host(long *tried, long *found)
{
	static struct numa_placement placements[GUESTS];
	bool there[GUESTS] = {0};

	random_host();
	for (int turn = 0; turn < 2 * GUESTS; turn++) {
		int i = (int)below(GUESTS);

		if (there[i]) {
			numa_release(&host, &placements[i]);
			owner_set(&placements[i], 0);
			there[i] = false;
			check_host();
			continue;
		}
		there[i] = one_guest(&placements[i], i + 1);
		++*tried;
		*found += there[i];
	}
	for (int i = 0; i < GUESTS; i++) {
		if (there[i])
			numa_release(&host, &placements[i]);
	}
	for (int i = 0; i < host.cell_count; i++) {
		assert_true(cpu_set_is_empty(&host.cells[i].pinned));
		assert_int_equal(host.cells[i].shared_used, 0);
		for (int k = 0; k < host.cells[i].page_count; k++)
			assert_int_equal(host.cells[i].pages[k].used, 0);
	}
}

static void test_random(void **state)
{
	const char *given = getenv("PENSTOCK_TEST_SEED"), *cases = getenv("PENSTOCK_TEST_CASES");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)getpid();
	long wanted = cases ? strtol(cases, NULL, 10) : 10000, tried = 0, found = 0;

	(void)state;
	print_message("PENSTOCK_TEST_SEED=%u\n", seed);
	srand(seed);
	while (tried < wanted)
		one_host(&tried, &found);
	numa_host_done(&host);
	print_message("%ld guests tried, %ld fitted\n", tried, found);
	/* neither way is trivial */
	assert_in_range(found, tried / 10, tried * 9 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
