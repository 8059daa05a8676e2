/* Changing a guest's XML for another host, with libxml2. */
#include "agent/migration_xml.h"

#include "agent/numa_xml.h"
#include "agent/vm_xml.h"
#include "base/memory.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *child(xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent ? parent->children : NULL; node; node = node->next) {
		if (is_named(node, name))
			return node;
	}
	return NULL;
}

static void drop(xmlNode *node)
{
	if (!node)
		return;
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

/* --- files --- */

/* "FROM/disk" as "TO/disk"; NULL if it is no path below that folder. */
static char *moved_path(const char *path, const struct migration_change *change)
{
	size_t length = strlen(change->from_folder);

	return path && strncmp(path, change->from_folder, length) == 0 && path[length] == '/'
		       ? memory_printf("%s%s", change->to_folder, path + length)
		       : NULL;
}

static void move_attributes(xmlNode *node, const struct migration_change *change)
{
	for (xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
		xmlChar *value = xmlGetProp(node, attribute->name);
		_cleanup_free_ char *path = moved_path((const char *)value, change);

		if (path)
			xmlSetProp(node, attribute->name, (const xmlChar *)path);
		xmlFree(value);
	}
}

/* <kernel>, <initrd> have theirs as content. */
static void move_content(xmlNode *node, const struct migration_change *change)
{
	xmlChar *value = xmlNodeGetContent(node);
	_cleanup_free_ char *path = moved_path((const char *)value, change);

	xmlFree(value);
	if (!path)
		return;
	xmlChar *escaped = xmlEncodeSpecialChars(node->doc, (const xmlChar *)path);
	xmlNodeSetContent(node, escaped);
	xmlFree(escaped);
}

/* The disk that gets there has all of its bytes and no base. */
static void move_files(xmlNode *node, const struct migration_change *change)
{
	for (xmlNode *next; node; node = next) {
		next = node->next;
		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (is_named(node, "backingStore")) {
			drop(node);
			continue;
		}
		move_attributes(node, change);
		if (is_named(node, "kernel") || is_named(node, "initrd"))
			move_content(node, change);
		move_files(node->children, change);
	}
}

/* --- CPUs and memory --- */

static void move_cpus(xmlNode *root, const struct migration_change *change)
{
	xmlNode *vcpu = child(root, "vcpu");

	if (!vcpu)
		return;
	xmlUnsetProp(vcpu, (const xmlChar *)"cpuset");
	if (change->cpus && change->numa->cell_count == 0)
		xmlSetProp(vcpu, (const xmlChar *)"cpuset", (const xmlChar *)change->cpus);
}

/* What numa_xml_tuning() writes is put in the place of what it wrote before. */
static bool move_topology(xmlNode *root, const struct migration_change *change)
{
	static const char *const names[] = {"memoryBacking", "cputune", "numatune"};
	_cleanup_(text_done) struct text xml = {0};

	for (size_t i = 0; i < ELEMENTS_OF(names); i++)
		drop(child(root, names[i]));
	if (change->numa->cell_count == 0)
		return true;
	text_add(&xml, "<all>");
	numa_xml_tuning(change->numa, &xml);
	text_add(&xml, "</all>");
	xmlDoc *doc = xmlReadMemory(xml.data, (int)xml.length, "numa", NULL, XML_PARSE_NONET);
	xmlNode *all = doc ? xmlDocGetRootElement(doc) : NULL, *place = child(root, "vcpu");
	for (xmlNode *node = all ? all->children : NULL; node && place; node = node->next) {
		xmlNode *copy = node->type == XML_ELEMENT_NODE ? xmlDocCopyNode(node, root->doc, 1) : NULL;

		if (copy)
			place = xmlAddNextSibling(place, copy);
	}
	xmlFreeDoc(doc);
	return all && place;
}

/* --- devices --- */

static bool has_alias(xmlNode *device, const char *wanted)
{
	xmlNode *alias = child(device, "alias");
	xmlChar *name = alias ? xmlGetProp(alias, (const xmlChar *)"name") : NULL;
	bool has = name && strcmp((const char *)name, wanted) == 0;

	xmlFree(name);
	return has;
}

static void set_part(xmlNode *address, const char *name, const char *digits, int count)
{
	char text[8];

	snprintf(text, sizeof text, "0x%.*s", count, digits);
	xmlSetProp(address, (const xmlChar *)name, (const xmlChar *)text);
}

static bool move_device(xmlNode *hostdev, const struct migration_change *change, struct error *err)
{
	xmlNode *address = child(child(hostdev, "source"), "address");
	char alias[VM_ALIAS_SIZE];
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (change->devices, i, max, item) {
		const char *to = yyjson_get_str(item);

		vm_alias_of_device(i, alias);
		if (!address || !has_alias(hostdev, alias))
			continue;
		set_part(address, "domain", to, 4);
		set_part(address, "bus", to + 5, 2);
		set_part(address, "slot", to + 8, 2);
		set_part(address, "function", to + 11, 1);
		return true;
	}
	return error_set(err, ERROR_INTERNAL,
			 "the guest has a device of this host that has no counterpart on the other");
}

static bool move_devices(xmlNode *root, const struct migration_change *change, struct error *err)
{
	xmlNode *devices = child(root, "devices");

	for (xmlNode *node = devices ? devices->children : NULL; node; node = node->next) {
		if (is_named(node, "hostdev") && !move_device(node, change, err))
			return false;
	}
	return true;
}

bool migration_xml(const char *xml, const struct migration_change *change, struct text *out,
		   struct error *err)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "guest", NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	xmlChar *text = NULL;
	bool ok;
	int size;

	if (!root)
		return error_set(err, ERROR_INTERNAL, "libvirt's XML of the guest cannot be read");
	move_files(root, change);
	move_cpus(root, change);
	ok = move_topology(root, change) || error_set(err, ERROR_INTERNAL, "the guest's XML has no vCPUs");
	ok = ok && move_devices(root, change, err);
	if (ok) {
		xmlDocDumpMemory(doc, &text, &size);
		text_add(out, (const char *)text);
		xmlFree(text);
	}
	xmlFreeDoc(doc);
	return ok;
}
