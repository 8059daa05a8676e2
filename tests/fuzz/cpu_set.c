/* Lists of CPUs: first line the limit, then the list.  What is read is what a plain reading gives, and the
 * same after it was written. */
#include "fuzz.h"

#include "numa/cpu_set.h"

/* A plain reading of what is well-formed: last word of each CPU wins, ^ wins over all. */
static bool is_named(const char *list, int cpu, bool without)
{
	bool named = false;

	for (const char *c = list; *c; c += *c == ',') {
		char item[64];
		size_t length = strcspn(c, ","), used = 0;
		int first, last;

		for (size_t i = 0; i < length && used < sizeof item - 1; i++) {
			if (!strchr(" \t\n", c[i]))
				item[used++] = c[i];
		}
		item[used] = '\0';
		c += length;
		if (!*item || (*item == '^') != without)
			continue;
		first = last = atoi(item + without);
		if (strchr(item, '-'))
			last = atoi(strchr(item, '-') + 1);
		named |= cpu >= first && cpu <= last;
	}
	return named;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *first = fuzz_line(&input), *list = fuzz_rest(&input);
	int limit = atoi(first) > 0 && atoi(first) < CPU_SET_MAX ? atoi(first) : CPU_SET_MAX;
	char text[CPU_SET_TEXT_SIZE];
	struct cpu_set set, again;
	struct error err = {0};
	bool ok = cpu_set_parse("cpus", list, limit, &set, &err);
	int count = 0;

	FUZZ_CHECK_ERROR(ok, &err);
	if (!ok)
		return 0;
	for (int cpu = cpu_set_next(&set, 0); cpu >= 0; cpu = cpu_set_next(&set, cpu + 1)) {
		FUZZ_CHECK(cpu < limit);
		count++;
	}
	FUZZ_CHECK(count == cpu_set_count(&set) && (count == 0) == cpu_set_is_empty(&set));
	FUZZ_CHECK(cpu_set_parse("again", cpu_set_format(&set, text), limit, &again, &err));
	FUZZ_CHECK(cpu_set_equal(&set, &again) && cpu_set_within(&set, &again));
	if (strlen(list) < 60) {
		for (int cpu = 0; cpu < limit; cpu++)
			FUZZ_CHECK(cpu_set_has(&set, cpu) ==
				   (is_named(list, cpu, false) && !is_named(list, cpu, true)));
	}
	return 0;
}
