/* Flavor and image as the numa room reads them. */
#include "compute/server_numa.h"

#include <string.h>

static const char *json_lookup(const void *context, const char *key)
{
	return yyjson_get_str(yyjson_obj_get((yyjson_val *)context, key));
}

bool server_numa_read(const struct flavor *flavor, const char *image, struct numa_guest *guest,
		      struct error *err)
{
	yyjson_doc *specs = yyjson_read(flavor->extra_specs, strlen(flavor->extra_specs), 0),
		   *facts = yyjson_read(image, strlen(image), 0);
	const struct numa_wish wish = {
		.flavor = json_lookup,
		.flavor_context = yyjson_doc_get_root(specs),
		.image = json_lookup,
		.image_context = yyjson_obj_get(yyjson_doc_get_root(facts), "properties"),
		.vcpus = flavor->vcpus,
		.memory_mb = flavor->memory_mb,
	};
	bool ok = numa_guest_parse(&wish, guest, err);

	yyjson_doc_free(specs);
	yyjson_doc_free(facts);
	return ok;
}
