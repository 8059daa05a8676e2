/* What the controller wants of an agent: one server, as JSON.  Of what is taken, the XML for libvirt is
 * well-formed whatever the texts in it are. */
#include "fuzz.h"

#include "agent/migration_xml.h"
#include "agent/server.h"
#include "agent/vm.h"
#include "agent/vm_xml.h"

#include <libxml/parser.h>

static void no_message(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static void check_xml(struct text *xml)
{
	xmlDoc *doc;

	xmlSetGenericErrorFunc(NULL, no_message);
	doc = xmlReadMemory(xml->data ? xml->data : "", (int)xml->length, "a", NULL,
			    XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET);
	FUZZ_CHECK(doc);
	xmlFreeDoc(doc);
	text_done(xml);
}

#define FOLDER "/var/lib/penstock/<&'\">"

/* The guest goes to another host: what its host makes of its XML is XML, and has nothing of its folder. */
static void check_migration(yyjson_val *server, const char *live)
{
	yyjson_val *way = yyjson_obj_get(server, "migration");
	struct numa_placement *numa = server_placement(way);
	const struct migration_change change = {.from_folder = FOLDER,
						.to_folder = json_text(way, "folder"),
						.cpus = yyjson_get_str(yyjson_obj_get(way, "cpus")),
						.numa = numa,
						.devices = yyjson_obj_get(way, "devices")};
	struct text xml = {0};
	struct error err = {0};
	bool ok =
		strcmp(json_text(server, "want"), "leaving") == 0 && migration_xml(live, &change, &xml, &err);

	free(numa);
	if (ok)
		check_xml(&xml);
	text_done(&xml);
}

static void check_server(yyjson_val *server)
{
	struct text xml = {0};
	yyjson_val *port;
	size_t i, max;

	vm_xml(server, FOLDER, "kvm", &xml);
	check_migration(server, xml.data);
	check_xml(&xml);
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		const char *ip = network_lease_ip(port);

		FUZZ_CHECK(server_guest_bus(port) >= 2);
		if (yyjson_is_obj(yyjson_obj_get(port, "device")))
			continue;
		vm_xml_network(port, "nat", &xml);
		check_xml(&xml);
		vm_xml_lease(json_text(port, "mac_address"), ip ? ip : "", &xml);
		check_xml(&xml);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	yyjson_doc *doc = fuzz_json(&input);
	yyjson_val *server = yyjson_doc_get_root(doc);
	struct error err = {0};

	if (doc) {
		bool ok = server_check(server, &err);

		FUZZ_CHECK_ERROR(ok, &err);
		if (ok && strcmp(json_text(server, "want"), "absent") != 0)
			check_server(server);
	}
	yyjson_doc_free(doc);
	return 0;
}
