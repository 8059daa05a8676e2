/* A host's NUMA cells and a guest's placement on them, as JSON: first line a placement, then cells.  What is
 * claimed can be released, and everything is then as it was. */
#include "fuzz.h"

#include "numa/placement.h"

static void check_cell(const struct numa_host *host, const struct numa_cell *cell)
{
	struct cpu_set free = numa_cell_free_cpus(cell);

	FUZZ_CHECK(cpu_set_within(&free, &cell->dedicated));
	FUZZ_CHECK(!cpu_set_intersects(&cell->shared, &cell->dedicated));
	FUZZ_CHECK(cell->page_count >= 1 && cell->page_count <= NUMA_MAX_PAGES);
	FUZZ_CHECK(numa_cell_free_mb(cell) >= 0);
	FUZZ_CHECK(numa_cell_ordinary_mb(host, cell, true) >= 0);
	FUZZ_CHECK(numa_cell_ordinary_mb(host, cell, false) >= 0);
	FUZZ_CHECK(numa_cell_shared_left(host, cell) >= 0);
	FUZZ_CHECK(numa_host_cell(host, cell->id) == cell);
	for (int i = 0; i < cell->core_count; i++)
		FUZZ_CHECK(cell->cores[i].count > 0 && cell->cores[i].count <= NUMA_MAX_THREADS);
}

static char *written(const struct numa_placement *placement)
{
	struct text text = {0};

	numa_placement_write(placement, &text);
	return text_take(&text);
}

/* Reads it from its own text. */
static void check_placement(const struct numa_placement *placement)
{
	_cleanup_free_ char *once = written(placement), *twice = NULL;
	struct numa_placement *again = memory_alloc(sizeof *again);
	struct error err;

	FUZZ_CHECK(numa_placement_parse(once, again, &err));
	twice = written(again);
	FUZZ_CHECK(strcmp(once, twice) == 0);
	free(again);
}

/* A sum that tells whether anything changed. */
static int64_t used(const struct numa_host *host)
{
	int64_t sum = 0;

	for (int i = 0; i < host->cell_count; i++) {
		sum += cpu_set_count(&host->cells[i].pinned) + 1000003LL * host->cells[i].shared_used;
		for (int k = 0; k < host->cells[i].page_count; k++)
			sum += 7919LL * (k + 1) * (host->cells[i].pages[k].used % 1000000007);
	}
	return sum;
}

static void check_claim(struct numa_host *host, const struct numa_placement *placement)
{
	struct error err = {0};
	int64_t before = used(host);
	bool ok = numa_claim(host, placement, &err);

	FUZZ_CHECK_ERROR(ok, &err);
	if (ok)
		numa_release(host, placement);
	FUZZ_CHECK(used(host) == before);
	numa_record(host, placement);
	for (int i = 0; i < host->cell_count; i++)
		check_cell(host, &host->cells[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *line = fuzz_line(&input);
	struct numa_placement *placement = memory_alloc(sizeof *placement);
	struct numa_host host = {.cpu_ratio = 4, .memory_ratio = 1.5};
	yyjson_doc *doc = fuzz_json(&input);
	struct error err = {0};
	bool placed = numa_placement_parse(line, placement, &err);

	FUZZ_CHECK_ERROR(placed, &err);
	if (placed)
		check_placement(placement);
	bool ok = doc && numa_host_read(yyjson_doc_get_root(doc), &host, &err);
	FUZZ_CHECK_ERROR(!doc || ok, &err);
	for (int i = 0; i < host.cell_count; i++)
		check_cell(&host, &host.cells[i]);
	if (ok && placed)
		check_claim(&host, placement);
	numa_host_done(&host);
	yyjson_doc_free(doc);
	free(placement);
	return 0;
}
