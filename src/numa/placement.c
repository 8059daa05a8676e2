/* Placements as text. */
#include "numa/placement.h"

#include <string.h>

/* --- writing --- */

static void set_write(struct text *text, const char *key, const struct cpu_set *set)
{
	char list[CPU_SET_TEXT_SIZE];

	text_addf(text, "\"%s\":\"%s\"", key, cpu_set_format(set, list));
}

static void pins_write(const struct numa_placement *placement, const struct cpu_set *vcpus, struct text *text)
{
	const char *comma = "";

	text_add(text, ",\"pins\":[");
	for (int vcpu = cpu_set_next(vcpus, 0); vcpu >= 0; vcpu = cpu_set_next(vcpus, vcpu + 1)) {
		if (placement->pins[vcpu] < 0)
			continue;
		text_addf(text, "%s[%d,%d]", comma, vcpu, placement->pins[vcpu]);
		comma = ",";
	}
	text_add(text, "]");
}

void numa_placement_write(const struct numa_placement *placement, struct text *text)
{
	text_add(text, "{\"cells\":[");
	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *cell = &placement->cells[i];

		text_addf(text, "%s{\"node\":%d,\"memory_mb\":%lld,\"page_kb\":%lld,", i ? "," : "",
			  cell->host_cell, (long long)cell->memory_mb, (long long)cell->page_kb);
		set_write(text, "vcpus", &cell->vcpus);
		text_add(text, ",");
		set_write(text, "floating", &cell->floating);
		text_add(text, ",");
		set_write(text, "taken", &cell->taken);
		pins_write(placement, &cell->vcpus, text);
		text_add(text, "}");
	}
	text_add(text, "],");
	set_write(text, "emulator", &placement->emulator);
	text_add(text, ",");
	set_write(text, "realtime", &placement->realtime);
	text_add(text, "}");
}

/* --- reading --- */

static bool bad(struct error *err, const char *what)
{
	return error_set(err, ERROR_BAD_REQUEST, "NUMA placement: %s", what);
}

static bool set_read(yyjson_val *object, const char *key, struct cpu_set *set, struct error *err)
{
	const char *list = yyjson_get_str(yyjson_obj_get(object, key));

	return list ? cpu_set_parse(key, list, CPU_SET_MAX, set, err)
		    : bad(err, "vcpus, floating, taken, emulator and realtime must be lists of CPUs");
}

static bool number_read(yyjson_val *object, const char *key, int64_t max, int64_t *number)
{
	yyjson_val *value = yyjson_obj_get(object, key);

	*number = yyjson_get_sint(value);
	return yyjson_is_int(value) && *number >= 0 && *number <= max;
}

/* Each pin is of a vCPU of the cell, to a host CPU that is its alone. */
static bool pins_read(yyjson_val *list, struct numa_placement *placement,
		      const struct numa_placement_cell *cell, struct cpu_set *pinned, struct error *err)
{
	yyjson_val *pin;
	size_t i, max;

	if (!yyjson_is_arr(list))
		return bad(err, "pins must be a list");
	yyjson_arr_foreach (list, i, max, pin) {
		yyjson_val *first = yyjson_arr_get(pin, 0), *second = yyjson_arr_get(pin, 1);
		int64_t vcpu = yyjson_is_int(first) ? yyjson_get_sint(first) : -1;
		int64_t cpu = yyjson_is_int(second) ? yyjson_get_sint(second) : -1;

		if (vcpu < 0 || vcpu >= CPU_SET_MAX || cpu < 0 || cpu >= CPU_SET_MAX ||
		    yyjson_arr_size(pin) != 2 || !cpu_set_has(&cell->vcpus, (int)vcpu) ||
		    placement->pins[vcpu] >= 0 || !cpu_set_has(&cell->taken, (int)cpu) ||
		    cpu_set_has(pinned, (int)cpu))
			return bad(err, "pins must be pairs of a vCPU and a CPU that was taken, each once");
		placement->pins[vcpu] = (int16_t)cpu;
		cpu_set_add(pinned, (int)cpu);
	}
	return true;
}

struct placement_seen {
	struct cpu_set vcpus, taken, pinned;
};

static bool cell_read(yyjson_val *object, struct numa_placement *placement, struct placement_seen *seen,
		      struct error *err)
{
	struct numa_placement_cell *cell = &placement->cells[placement->cell_count++];
	int64_t node;

	*cell = (struct numa_placement_cell){0};
	if (!number_read(object, "node", INT16_MAX, &node) ||
	    !number_read(object, "memory_mb", INT32_MAX, &cell->memory_mb) ||
	    !number_read(object, "page_kb", INT64_C(1) << 30, &cell->page_kb))
		return bad(err, "node, memory_mb and page_kb must be numbers");
	cell->host_cell = (int)node;
	for (int i = 0; i < placement->cell_count - 1; i++) {
		if (placement->cells[i].host_cell == cell->host_cell)
			return bad(err, "two cells have the same node");
	}
	if (!set_read(object, "vcpus", &cell->vcpus, err) ||
	    !set_read(object, "floating", &cell->floating, err) ||
	    !set_read(object, "taken", &cell->taken, err))
		return false;
	if (cpu_set_intersects(&cell->vcpus, &seen->vcpus) || cpu_set_intersects(&cell->taken, &seen->taken))
		return bad(err, "two cells have the same CPU");
	cpu_set_or(&seen->vcpus, &cell->vcpus);
	cpu_set_or(&seen->taken, &cell->taken);
	return pins_read(yyjson_obj_get(object, "pins"), placement, cell, &seen->pinned, err);
}

/* The vCPUs are counted from 0 without a gap, and each is pinned or has CPUs to float on. */
static bool vcpus_check(struct numa_placement *placement, const struct cpu_set *vcpus, struct error *err)
{
	placement->vcpus = cpu_set_count(vcpus);
	if (placement->cell_count && (placement->vcpus == 0 || cpu_set_next(vcpus, placement->vcpus) >= 0))
		return bad(err, "its vCPUs are not counted from 0");
	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *cell = &placement->cells[i];

		for (int v = cpu_set_next(&cell->vcpus, 0); v >= 0; v = cpu_set_next(&cell->vcpus, v + 1)) {
			if (placement->pins[v] < 0 && cpu_set_is_empty(&cell->floating))
				return bad(err, "a vCPU has no CPU");
		}
	}
	return cpu_set_within(&placement->realtime, vcpus) ||
	       bad(err, "realtime names vCPUs that are not there");
}

bool numa_placement_read(yyjson_val *object, struct numa_placement *placement, struct error *err)
{
	yyjson_val *list = yyjson_obj_get(object, "cells"), *item;
	struct placement_seen seen = {0};
	size_t i, max;

	placement->cell_count = 0;
	memset(placement->pins, 0xff, sizeof placement->pins); /* -1 */
	if (!yyjson_is_arr(list) || yyjson_arr_size(list) > NUMA_MAX_CELLS)
		return bad(err, "cells must be a list");
	yyjson_arr_foreach (list, i, max, item) {
		if (!cell_read(item, placement, &seen, err))
			return false;
	}
	return set_read(object, "emulator", &placement->emulator, err) &&
	       set_read(object, "realtime", &placement->realtime, err) &&
	       vcpus_check(placement, &seen.vcpus, err);
}

bool numa_placement_parse(const char *json, struct numa_placement *placement, struct error *err)
{
	yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
	bool ok = doc ? numa_placement_read(yyjson_doc_get_root(doc), placement, err) : bad(err, "no JSON");

	yyjson_doc_free(doc);
	return ok;
}
