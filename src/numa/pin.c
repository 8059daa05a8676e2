/* Which host CPU for which dedicated vCPU of a cell.
 *
 * vCPUs that follow each other share a core: guests are told so (Nova makes the guest's threads of it).  What
 * is enough was counted before (need.c); here it is chosen so that whole free cores stay whole. */
#include "numa/need.h"

/* The free threads of each core that has some, and how many of them are given away. */
struct pinning {
	const struct numa_cell *cell;
	struct cpu_set free;
	struct cpu_set left; /* vCPUs without a CPU */
	int16_t *pins;
	struct cpu_set *taken;
	uint8_t free_of[CPU_SET_MAX]; /* by core */
};

static void pinning_count(struct pinning *p)
{
	for (int i = 0; i < p->cell->core_count; i++) {
		p->free_of[i] = 0;
		for (int k = 0; k < p->cell->cores[i].count; k++)
			p->free_of[i] += cpu_set_has(&p->free, p->cell->cores[i].cpus[k]);
	}
}

/* The core's lowest free thread. */
static int thread_take(struct pinning *p, int core)
{
	for (int k = 0; k < p->cell->cores[core].count; k++) {
		int cpu = p->cell->cores[core].cpus[k];

		if (!cpu_set_has(&p->free, cpu))
			continue;
		cpu_set_remove(&p->free, cpu);
		cpu_set_add(p->taken, cpu);
		p->free_of[core]--;
		return cpu;
	}
	return -1;
}

static void vcpu_pin(struct pinning *p, int core)
{
	int vcpu = cpu_set_next(&p->left, 0);

	p->pins[vcpu] = (int16_t)thread_take(p, core);
	cpu_set_remove(&p->left, vcpu);
}

static int core_with_most(const struct pinning *p)
{
	int best = 0;

	for (int i = 1; i < p->cell->core_count; i++) {
		if (p->free_of[i] > p->free_of[best])
			best = i;
	}
	return best;
}

/* The core with the fewest free threads that are still at least so many, or -1. */
static int core_with_least(const struct pinning *p, int at_least)
{
	int best = -1;

	for (int i = 0; i < p->cell->core_count; i++) {
		if (p->free_of[i] >= at_least && (best < 0 || p->free_of[i] < p->free_of[best]))
			best = i;
	}
	return best;
}

/* Cores with the most free threads first (as Nova), each used up; the rest where it leaves the least over. */
static void pin_together(struct pinning *p, bool require)
{
	int count = cpu_set_count(&p->left);

	while (count > 0) {
		int core = core_with_most(p), use = p->free_of[core];

		if (use > count) {
			core = core_with_least(p, require && count == 1 ? 2 : count);
			use = count;
		}
		/* rather 2 and 2 than 3 and a single one */
		if (require && count - use == 1 && use > 2)
			use--;
		count -= use;
		while (use-- > 0)
			vcpu_pin(p, core);
	}
}

/* A whole core each, those with the fewest threads first; the other threads stay idle. */
static void pin_apart(struct pinning *p)
{
	for (int threads = 1; threads <= NUMA_MAX_THREADS; threads++) {
		for (int i = 0; i < p->cell->core_count && !cpu_set_is_empty(&p->left); i++) {
			if (p->cell->cores[i].count != threads || p->free_of[i] != threads)
				continue;
			vcpu_pin(p, i);
			while (p->free_of[i] > 0)
				thread_take(p, i);
		}
	}
}

void numa_pin(const struct numa_cell *cell, const struct numa_need *need, const struct cpu_set *dedicated,
	      int16_t *pins, int *emulator, struct cpu_set *taken)
{
	struct pinning p;

	*taken = (struct cpu_set){0};
	*emulator = -1;
	if (need->dedicated + need->emulator == 0)
		return;
	p.cell = cell;
	p.free = numa_cell_free_cpus(cell);
	p.left = *dedicated;
	p.pins = pins;
	p.taken = taken;
	pinning_count(&p);
	if (need->threads == NUMA_THREADS_ISOLATE)
		pin_apart(&p);
	else
		pin_together(&p, need->threads == NUMA_THREADS_REQUIRE);
	if (need->emulator)
		*emulator = thread_take(&p, core_with_least(&p, 1));
}
