/* netplan: whose definition is a NIC's, and a file of our own that adds the number of VFs to it.  Only as
 * much YAML is understood as people write there: one key a line, nested by blanks. */
#include "host/subjects.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define FOLDER "/etc/netplan"
#define OURS   FOLDER "/90-penstock.yaml"

struct yaml_line {
	int indent;
	char key[64], value[128]; /* without quotes and comments; key "" for anything else */
};

static void strip(char *text)
{
	size_t length = strcspn(text, "#");

	while (length > 0 && strchr(" \t\r", text[length - 1]))
		length--;
	text[length] = '\0';
	if (length >= 2 && strchr("\"'", *text) && text[length - 1] == *text) {
		memmove(text, text + 1, length - 2);
		text[length - 2] = '\0';
	}
}

/* MACs have colons: a key ends at ": " or at the line's end. */
static void yaml_read(const char *line, size_t length, struct yaml_line *yaml)
{
	_cleanup_free_ char *text = memory_printf("%.*s ", (int)length, line);
	char *start = text + strspn(text, " "), *colon = strstr(start, ": ");

	*yaml = (struct yaml_line){.indent = (int)(start - text)};
	if (!colon || *start == '#' || *start == '-')
		return;
	*colon = '\0';
	snprintf(yaml->key, sizeof yaml->key, "%s", start);
	snprintf(yaml->value, sizeof yaml->value, "%s", colon + 2 + strspn(colon + 2, " "));
	strip(yaml->key);
	strip(yaml->value);
}

/* A definition below `ethernets:` while its lines are read. */
struct definition {
	char id[64];
	bool has_match, matches, named;
};

static bool is_it(const struct definition *d, const struct machine_nic *nic)
{
	return *d->id && (d->named || (d->has_match ? d->matches : strcmp(d->id, nic->name) == 0));
}

static void definition_add(struct definition *d, const struct yaml_line *y, const struct machine_nic *nic)
{
	if (strcmp(y->key, "match") == 0)
		d->has_match = true;
	else if (strcmp(y->key, "set-name") == 0)
		d->named = strcmp(y->value, nic->name) == 0;
	else if (d->has_match && strcmp(y->key, "name") == 0)
		d->matches = fnmatch(y->value, nic->name, 0) == 0;
	else if (d->has_match && strcmp(y->key, "macaddress") == 0 && nic->device && *y->value)
		d->matches |= strcasecmp(y->value, nic->device->mac_address) == 0;
}

bool netplan_definition(const char *text, const struct machine_nic *nic, char id[64])
{
	struct definition d = {0};
	int section = -1, child = -1;
	bool found = false;

	for (const char *line = text; *line && !found; line += strcspn(line, "\n"), line += *line == '\n') {
		struct yaml_line y;

		yaml_read(line, strcspn(line, "\n"), &y);
		if (!*y.key)
			continue;
		if (strcmp(y.key, "ethernets") == 0 || (section >= 0 && y.indent <= section)) {
			found = is_it(&d, nic);
			section = strcmp(y.key, "ethernets") == 0 ? y.indent : -1;
			child = -1;
		} else if (section >= 0 && (child < 0 || y.indent == child)) {
			found = is_it(&d, nic);
			child = y.indent;
			if (!found) {
				d = (struct definition){0};
				snprintf(d.id, sizeof d.id, "%s", y.key);
			}
		} else if (section >= 0) {
			definition_add(&d, &y, nic);
		}
	}
	snprintf(id, 64, "%s", d.id);
	return found || is_it(&d, nic);
}

static bool find(const struct machine_nic *nic, char id[64], char *file, size_t size)
{
	char **names = machine_list(FOLDER, "*.yaml");
	bool found = false;

	for (size_t i = 0; names[i] && !found; i++) {
		snprintf(file, size, "%s/%s", FOLDER, names[i]);
		_cleanup_free_ char *text = strcmp(file, OURS) == 0 ? NULL : world->read(file);
		found = text && netplan_definition(text, nic, id);
	}
	world_list_free(names);
	return found;
}

bool netplan_has(const struct machine_nic *nic, char *file, size_t size)
{
	char id[64];

	return find(nic, id, file, size);
}

static bool counts_vfs(const struct machine_nic *nic)
{
	char file[256], id[64];
	_cleanup_free_ char *text = find(nic, id, file, sizeof file) ? world->read(file) : NULL;

	return text && strstr(text, "virtual-function-count");
}

/* The other definitions of our file stay. */
void netplan_plan(const struct machine_nic *nic, int vfs, struct plan *plan)
{
	_cleanup_free_ char *was = plan_read(plan, OURS), *text = NULL, *entry = NULL, *head = NULL;
	char file[256], id[64];

	if (vfs < 0 || !find(nic, id, file, sizeof file) || counts_vfs(nic))
		return;
	head = memory_printf("    %s:\n      virtual-function-count: ", id);
	entry = memory_printf("%s%d\n", head, vfs);
	const char *here = was ? strstr(was, head) : NULL;
	if (here) {
		const char *rest = here + strlen(head) + strcspn(here + strlen(head), "\n");

		text = memory_printf("%.*s%s%s", (int)(here - was), was, entry, rest + (*rest == '\n'));
	} else {
		text = memory_printf("%s%s",
				     was ? was
					 : "# Written by `penstock host setup`: VFs for guests.\n"
					   "network:\n  version: 2\n  ethernets:\n",
				     entry);
	}
	plan_write(plan, OURS, text, 0600);
	plan_run(plan, "netplan generate");
}
