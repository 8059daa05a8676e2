/* libvirt's XML for NUMA cells, pinned CPUs and huge pages: what the controller chose, word for word. */
#include "agent/numa_xml.h"

#define SMALL_PAGE_KB 4

static const char *list(const struct cpu_set *set)
{
	static _Thread_local char text[CPU_SET_TEXT_SIZE];

	return cpu_set_format(set, text);
}

/* Pages of a realtime guest are never taken from it. */
static void add_memory(const struct numa_placement *placement, struct text *xml)
{
	bool any = false;

	text_add(xml, "  <memoryBacking>");
	for (int i = 0; i < placement->cell_count; i++) {
		if (placement->cells[i].page_kb <= SMALL_PAGE_KB)
			continue;
		text_add(xml, any ? "" : "<hugepages>");
		any = true;
		text_addf(xml, "<page size='%lld' unit='KiB' nodeset='%d'/>",
			  (long long)placement->cells[i].page_kb, i);
	}
	text_add(xml, any ? "</hugepages>" : "");
	text_add(xml, cpu_set_is_empty(&placement->realtime) ? "" : "<nosharepages/><locked/>");
	text_add(xml, "</memoryBacking>\n");
}

static void add_pins(const struct numa_placement *placement, struct text *xml)
{
	text_add(xml, "  <cputune>\n");
	for (int i = 0; i < placement->cell_count; i++) {
		const struct numa_placement_cell *cell = &placement->cells[i];

		for (int v = cpu_set_next(&cell->vcpus, 0); v >= 0; v = cpu_set_next(&cell->vcpus, v + 1)) {
			text_addf(xml, "    <vcpupin vcpu='%d' cpuset='", v);
			if (placement->pins[v] >= 0)
				text_addf(xml, "%d'/>\n", placement->pins[v]);
			else
				text_addf(xml, "%s'/>\n", list(&cell->floating));
		}
	}
	if (!cpu_set_is_empty(&placement->emulator))
		text_addf(xml, "    <emulatorpin cpuset='%s'/>\n", list(&placement->emulator));
	if (!cpu_set_is_empty(&placement->realtime))
		text_addf(xml, "    <vcpusched vcpus='%s' scheduler='fifo' priority='1'/>\n",
			  list(&placement->realtime));
	text_add(xml, "  </cputune>\n");
}

/* Strict: a guest that was promised memory beside its devices must not get it elsewhere in silence. */
static void add_nodes(const struct numa_placement *placement, struct text *xml)
{
	text_add(xml, "  <numatune>\n    <memory mode='strict' nodeset='");
	for (int i = 0; i < placement->cell_count; i++)
		text_addf(xml, "%s%d", i ? "," : "", placement->cells[i].host_cell);
	text_add(xml, "'/>\n");
	for (int i = 0; i < placement->cell_count; i++)
		text_addf(xml, "    <memnode cellid='%d' mode='strict' nodeset='%d'/>\n", i,
			  placement->cells[i].host_cell);
	text_add(xml, "  </numatune>\n");
}

void numa_xml_tuning(const struct numa_placement *placement, struct text *xml)
{
	if (placement->cell_count == 0)
		return;
	add_memory(placement, xml);
	add_pins(placement, xml);
	add_nodes(placement, xml);
}

void numa_xml_cells(const struct numa_placement *placement, struct text *xml)
{
	if (placement->cell_count == 0)
		return;
	text_add(xml, "<numa>");
	for (int i = 0; i < placement->cell_count; i++)
		text_addf(xml, "<cell id='%d' cpus='%s' memory='%lld' unit='MiB'/>", i,
			  list(&placement->cells[i].vcpus), (long long)placement->cells[i].memory_mb);
	text_add(xml, "</numa>");
}
