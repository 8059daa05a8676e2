/* libvirt's XML for NUMA cells, pinned CPUs and huge pages: what the controller chose, word for word. */
#include "agent/numa_xml.h"

#include "agent/server.h"

#define SMALL_PAGE_KB 4

static void add_pages(yyjson_val *cells, struct text *xml)
{
	yyjson_val *cell;
	size_t i, max;
	bool any = false;

	yyjson_arr_foreach (cells, i, max, cell) {
		int64_t size = json_int(cell, "page_kb", 0);

		if (size <= SMALL_PAGE_KB)
			continue;
		text_add(xml, any ? "" : "<hugepages>");
		any = true;
		text_addf(xml, "<page size='%lld' unit='KiB' nodeset='%lld'/>", (long long)size,
			  (long long)json_int(cell, "id", 0));
	}
	text_add(xml, any ? "</hugepages>" : "");
}

/* Pages of a realtime guest are never taken from it. */
static void add_memory(yyjson_val *numa, struct text *xml)
{
	text_add(xml, "  <memoryBacking>");
	add_pages(yyjson_obj_get(numa, "cells"), xml);
	text_add(xml, *json_text(numa, "realtime") ? "<nosharepages/><locked/></memoryBacking>\n"
						   : "</memoryBacking>\n");
}

static void add_pins(yyjson_val *numa, struct text *xml)
{
	const char *emulator = json_text(numa, "emulator"), *realtime = json_text(numa, "realtime");
	yyjson_val *pin;
	size_t i, max;

	text_add(xml, "  <cputune>\n");
	yyjson_arr_foreach (yyjson_obj_get(numa, "pins"), i, max, pin)
		text_addf(xml, "    <vcpupin vcpu='%lld' cpuset='%s'/>\n",
			  (long long)json_int(pin, "vcpu", 0), json_text(pin, "cpus"));
	if (*emulator)
		text_addf(xml, "    <emulatorpin cpuset='%s'/>\n", emulator);
	if (*realtime)
		text_addf(xml, "    <vcpusched vcpus='%s' scheduler='fifo' priority='1'/>\n", realtime);
	text_add(xml, "  </cputune>\n");
}

/* Strict: a guest that was promised memory beside its devices must not get it elsewhere in silence. */
static void add_nodes(yyjson_val *cells, struct text *xml)
{
	yyjson_val *cell;
	size_t i, max;

	text_add(xml, "  <numatune>\n    <memory mode='strict' nodeset='");
	yyjson_arr_foreach (cells, i, max, cell)
		text_addf(xml, "%s%lld", i ? "," : "", (long long)json_int(cell, "host_cell", 0));
	text_add(xml, "'/>\n");
	yyjson_arr_foreach (cells, i, max, cell)
		text_addf(xml, "    <memnode cellid='%lld' mode='strict' nodeset='%lld'/>\n",
			  (long long)json_int(cell, "id", 0), (long long)json_int(cell, "host_cell", 0));
	text_add(xml, "  </numatune>\n");
}

void numa_xml_tuning(yyjson_val *server, struct text *xml)
{
	yyjson_val *numa = yyjson_obj_get(server, "numa");

	if (!yyjson_is_obj(numa))
		return;
	add_memory(numa, xml);
	add_pins(numa, xml);
	add_nodes(yyjson_obj_get(numa, "cells"), xml);
}

bool numa_xml_cells(yyjson_val *server, struct text *xml)
{
	yyjson_val *cells = yyjson_obj_get(yyjson_obj_get(server, "numa"), "cells"), *cell;
	size_t i, max;

	if (yyjson_arr_size(cells) == 0)
		return false;
	text_add(xml, "<numa>");
	yyjson_arr_foreach (cells, i, max, cell)
		text_addf(xml, "<cell id='%lld' cpus='%s' memory='%lld' unit='MiB'/>",
			  (long long)json_int(cell, "id", 0), json_text(cell, "cpus"),
			  (long long)json_int(cell, "memory_mb", 0));
	text_add(xml, "</numa>");
	return true;
}
