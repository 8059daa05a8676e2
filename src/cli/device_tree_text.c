/* The devices of a host for a person: a table whose first column is a tree, each card under its name. */
#include "base/memory.h"
#include "cli/device_tree.h"

#include <stdarg.h>
#include <string.h>

#define COLUMNS 7 /* and what is left of the line for who has it, or why */

struct row {
	char *cells[COLUMNS];
	char *last;
	const struct tree_device *device;
	bool is_head; /* of a card: its name stands above it */
};

/* As many columns of a terminal as there are characters; ours are all one wide. */
static int width_of(const char *text)
{
	return (int)text_characters(text);
}

static char *or_dash(const char *text)
{
	return memory_copy_text(*text ? text : "-");
}

static char *number_or_dash(int number)
{
	return number >= 0 ? memory_printf("%d", number) : memory_copy_text("-");
}

static char *joined(char **names)
{
	struct text out = {0};

	for (char **name = names; *name; name++)
		text_addf(&out, "%s%s", name == names ? "" : ",", *name);
	return out.data ? text_take(&out) : memory_copy_text("-");
}

static const char *state_words(enum device_state state)
{
	return state == DEVICE_HOST	     ? "host's"
	       : state == DEVICE_NOT_OFFERED ? "not offered"
	       : state == DEVICE_UNKNOWN     ? "?"
					     : device_state_text(state);
}

/* --- who has it, or why --- */

static void say(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *out, const char *format, ...)
{
	char sentence[700];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	text_make_utf8(sentence);
	text_addf(out, "%s%s", out->length ? "; " : "", sentence);
}

static void say_vfs(struct text *out, const struct tree_device *device)
{
	const struct pci_device *d = &device->known->device;

	if (strcmp(d->type, "type-PF") != 0 || !device->known->seen)
		return;
	if (device->numvfs < 0)
		say(out, "? of %d VFs: reading sriov_numvfs hangs, %d are there", d->totalvfs, d->numvfs);
	else if (device->numvfs != d->numvfs)
		say(out, "%d of %d VFs, %d are there", device->numvfs, d->totalvfs, d->numvfs);
	else
		say(out, "%d of %d VFs", d->numvfs, d->totalvfs);
}

static void say_server(struct text *out, const struct device_owner *owner)
{
	if (!owner)
		return;
	if (owner->server_name)
		say(out, "%.255s (%s)%s", owner->server_name, owner->server_id,
		    owner->macvtap ? ", by a macvtap" : "");
	else
		say(out, "%s%s", owner->server_id, owner->macvtap ? ", by a macvtap" : "");
}

static char *last_of(const struct tree_device *device)
{
	struct text out = {0};

	say_server(&out, device->owner);
	say_vfs(&out, device);
	if (device->up >= 0)
		say(&out, "%s",
		    device->up		     ? "up"
		    : device->known->carries ? "DOWN: its VFs have no link"
					     : "down");
	if (device->excluded)
		say(&out, "exclude_devices has it");
	if (*device->reason)
		say(&out, "%s", device->reason);
	if (*device->since)
		say(&out, "since %s", device->since);
	return text_take(&out);
}

/* --- rows --- */

static bool is_vf_of(const struct tree_device *device, const struct tree_device *pf)
{
	return strcmp(device->known->device.parent, pf->known->device.address) == 0;
}

static char *branch_of(const struct device_tree *tree, size_t i, size_t head, bool utf8)
{
	const struct tree_device *device = &tree->devices[i];
	bool is_last = i + 1 == tree->count || !is_vf_of(&tree->devices[i + 1], &tree->devices[head]);

	if (i == head)
		return memory_copy_text(device->known->device.address);
	return memory_printf("%s%s",
			     utf8      ? (is_last ? "└─ " : "├─ ")
			     : is_last ? "`- "
				       : "|- ",
			     device->known->device.address);
}

static void row_fill(const struct device_tree *tree, size_t i, size_t head, bool utf8, struct row *row)
{
	const struct tree_device *device = &tree->devices[i];
	const struct pci_device *d = &device->known->device;

	row->device = device;
	row->is_head = i == head;
	row->cells[0] = branch_of(tree, i, head, utf8);
	row->cells[1] = or_dash(d->netdev);
	row->cells[2] = number_or_dash(d->numa_node);
	row->cells[3] = number_or_dash(d->iommu_group);
	row->cells[4] = or_dash(d->driver);
	row->cells[5] = joined(device->physical_networks);
	row->cells[6] = memory_copy_text(state_words(device->state));
	row->last = last_of(device);
}

/* --- colours --- */

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

static const char *colour_of(enum device_state state)
{
	static const char *const colours[] = {
		[DEVICE_FREE] = "\033[32m",	   [DEVICE_TAKEN] = "\033[36m",
		[DEVICE_UNAVAILABLE] = "\033[33m", [DEVICE_QUARANTINED] = "\033[31m",
		[DEVICE_HOST] = "\033[2m",	   [DEVICE_NOT_OFFERED] = "\033[2m",
		[DEVICE_UNKNOWN] = "\033[33m",
	};

	return colours[state];
}

static void add_coloured(struct text *out, bool colours, const char *colour, const char *words)
{
	text_addf(out, "%s%s%s", colours ? colour : "", words, colours ? PLAIN : "");
}

/* --- all --- */

/* "Ethernet controller: Intel Corporation 82576 Gigabit Network Connection [8086:10c9]" */
static void add_name(const struct tree_device *device, const struct tree_style *style, struct text *out)
{
	const struct pci_device *d = &device->known->device;
	_cleanup_(text_done) struct text name = {0};

	if (device->class_name)
		text_addf(&name, "%s: ", device->class_name);
	if (device->vendor)
		text_addf(&name, "%s ", device->vendor);
	if (device->product)
		text_addf(&name, "%s ", device->product);
	text_addf(&name, *d->vendor_id ? "[%s:%s]" : "not on this host", d->vendor_id, d->product_id);
	text_add(out, "\n");
	add_coloured(out, style->colours, BOLD, name.data);
	text_add(out, "\n");
}

static void add_row(const struct row *row, const int widths[COLUMNS], const struct tree_style *style,
		    struct text *out)
{
	for (int c = 0; c < COLUMNS; c++) {
		bool is_state = row->device && c == COLUMNS - 1;
		bool is_end = c == COLUMNS - 1 && !*row->last;

		add_coloured(out, style->colours && is_state, is_state ? colour_of(row->device->state) : "",
			     row->cells[c]);
		if (!is_end)
			text_addf(out, "%*s", widths[c] - width_of(row->cells[c]) + 2, "");
	}
	text_addf(out, "%s\n", row->last);
}

static void add_sum(const struct device_tree *tree, struct text *out)
{
	static const enum device_state told[] = {DEVICE_FREE, DEVICE_TAKEN, DEVICE_UNAVAILABLE,
						 DEVICE_QUARANTINED, DEVICE_UNKNOWN};
	int offered = 0, counts[DEVICE_STATE_COUNT] = {0};

	for (size_t i = 0; i < tree->count; i++) {
		offered += tree->devices[i].known->spec != NULL;
		counts[tree->devices[i].state]++;
	}
	text_addf(out, "\n%s: %d device%s offered", tree->host, offered, offered == 1 ? "" : "s");
	for (size_t i = 0, said = 0; i < ELEMENTS_OF(told); i++) {
		if (counts[told[i]])
			text_addf(out, "%s%d %s", said++ ? ", " : "; ", counts[told[i]],
				  device_state_text(told[i]));
	}
	text_add(out, "\n");
}

void device_tree_text(const struct device_tree *tree, const struct tree_style *style, struct text *out)
{
	struct row *rows = memory_alloc((tree->count + 1) * sizeof *rows),
		   title = {{"DEVICE", "NETDEV", "NODE", "GROUP", "DRIVER", "PHYSNET", "STATE"},
			    "SERVER, HEALTH",
			    NULL,
			    false};
	int widths[COLUMNS];

	for (int c = 0; c < COLUMNS; c++)
		widths[c] = width_of(title.cells[c]);
	for (size_t i = 0, head = 0; i < tree->count; i++) {
		head = is_vf_of(&tree->devices[i], &tree->devices[head]) ? head : i;
		row_fill(tree, i, head, style->utf8, &rows[i]);
		for (int c = 0; c < COLUMNS; c++) {
			int width = width_of(rows[i].cells[c]);

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	if (tree->count)
		add_row(&title, widths, style, out);
	for (size_t i = 0; i < tree->count; i++) {
		if (rows[i].is_head)
			add_name(&tree->devices[i], style, out);
		add_row(&rows[i], widths, style, out);
		for (int c = 0; c < COLUMNS; c++)
			free(rows[i].cells[c]);
		free(rows[i].last);
	}
	add_sum(tree, out);
	free(rows);
}
