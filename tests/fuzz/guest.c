/* What flavors and images say of NUMA, CPUs and pages: first line "vcpus memory_mb", then key=value lines, an
 * image's with @ in front. */
#include "fuzz.h"

#include "numa/guest.h"

struct pairs {
	char *keys[64], *values[64];
	size_t count;
};

static const char *lookup(const void *context, const char *key)
{
	const struct pairs *pairs = context;

	for (size_t i = 0; i < pairs->count; i++) {
		if (strcmp(pairs->keys[i], key) == 0)
			return pairs->values[i];
	}
	return NULL;
}

/* Every vCPU is in exactly one cell, the memory is shared out, and what is dedicated is part of it. */
static void check_guest(const struct numa_wish *wish, const struct numa_guest *guest)
{
	struct cpu_set all = {0};
	int64_t memory_mb = 0;
	int vcpus = 0;

	FUZZ_CHECK(guest->cell_count >= 0 && guest->cell_count <= NUMA_MAX_CELLS);
	FUZZ_CHECK(numa_guest_equal(guest, guest));
	for (int i = 0; i < guest->cell_count; i++) {
		FUZZ_CHECK(cpu_set_within(&guest->cells[i].dedicated, &guest->cells[i].vcpus));
		FUZZ_CHECK(guest->cells[i].memory_mb > 0);
		memory_mb += guest->cells[i].memory_mb;
		vcpus += cpu_set_count(&guest->cells[i].vcpus);
		cpu_set_or(&all, &guest->cells[i].vcpus);
		if (guest->cpu_policy == NUMA_CPU_DEDICATED)
			FUZZ_CHECK(cpu_set_equal(&guest->cells[i].dedicated, &guest->cells[i].vcpus));
		if (guest->cpu_policy == NUMA_CPU_SHARED)
			FUZZ_CHECK(cpu_set_is_empty(&guest->cells[i].dedicated));
	}
	if (guest->cell_count)
		FUZZ_CHECK(memory_mb == wish->memory_mb && vcpus == wish->vcpus &&
			   cpu_set_count(&all) == vcpus);
	FUZZ_CHECK(cpu_set_next(&guest->realtime, guest->vcpus) < 0);
	FUZZ_CHECK(guest->page_kb >= NUMA_PAGES_ANY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *first = fuzz_line(&input), *rest = fuzz_rest(&input);
	struct pairs flavor = {0}, image = {0};
	struct numa_wish wish = {.flavor = lookup,
				 .image = lookup,
				 .flavor_context = &flavor,
				 .image_context = &image,
				 .vcpus = strtoll(first, NULL, 10),
				 .memory_mb = strchr(first, ' ') ? strtoll(strchr(first, ' '), NULL, 10) : 0};
	struct numa_guest *guest = malloc(sizeof *guest);
	struct error err = {0};

	for (char *lines = rest, *line; (line = strsep(&lines, "\n"));) {
		struct pairs *side = *line == '@' ? &image : &flavor;
		char *mark = strchr(line, '=');

		if (!mark || side->count == ELEMENTS_OF(side->keys))
			continue;
		*mark = '\0';
		side->keys[side->count] = line + (*line == '@');
		side->values[side->count++] = mark + 1;
	}
	bool ok = numa_guest_parse(&wish, guest, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	if (ok)
		check_guest(&wish, guest);
	free(guest);
	return 0;
}
