/* Placement's names of devices: first line a resource class, second a list of traits, then tags (JSON).  What
 * became a name stays what it is. */
#include "fuzz.h"

#include "pci/resource.h"

static void check_class(const char *text)
{
	char name[PCI_NAME_SIZE], again[PCI_NAME_SIZE];

	if (!pci_class_name(text, name))
		return;
	FUZZ_CHECK(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name));
	FUZZ_CHECK(pci_class_is_standard(name) || text_starts_with(name, "CUSTOM_"));
	FUZZ_CHECK(pci_class_name(name, again) && strcmp(name, again) == 0);
}

static void check_traits(const char *list)
{
	_cleanup_free_ char *traits = pci_traits_of(list), *again = traits ? pci_traits_of(traits) : NULL;

	if (!traits)
		return;
	FUZZ_CHECK(*traits == ',' && text_ends_with(traits, ","));
	FUZZ_CHECK(again && strcmp(traits, again) == 0);
	FUZZ_CHECK(pci_traits_include(traits, traits) && pci_traits_include(traits, ","));
	FUZZ_CHECK(!pci_traits_include(",", traits) || strcmp(traits, ",") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *class = fuzz_line(&input), *traits = fuzz_line(&input);
	yyjson_doc *doc = fuzz_json(&input);
	struct pci_resource resource = {0};
	struct error err = {0};

	check_class(class);
	check_traits(traits);
	if (yyjson_is_obj(yyjson_doc_get_root(doc))) {
		bool ok = pci_resource_of(0x8086, 0x1515, yyjson_doc_get_root(doc), &resource, &err);

		FUZZ_CHECK_ERROR(ok, &err);
		FUZZ_CHECK(!ok || (*resource.resource_class && resource.traits));
		pci_resource_done(&resource);
	}
	yyjson_doc_free(doc);
	return 0;
}
