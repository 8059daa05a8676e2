/* Names of PCI devices in Placement: first line a resource class, then a list of traits, then an alias that
 * is read with pci_in_placement. */
#include "fuzz.h"

#include "pci/alias.h"
#include "pci/resource.h"

static void check_name(const char *name, bool standard)
{
	size_t length = strlen(name);

	FUZZ_CHECK(length > 0 && length < PCI_NAME_SIZE);
	FUZZ_CHECK(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length);
	FUZZ_CHECK(standard || text_starts_with(name, "CUSTOM_"));
}

/* A name means itself. */
static void check_class(const char *text)
{
	char name[PCI_NAME_SIZE], again[PCI_NAME_SIZE];

	if (!pci_class_name(text, name))
		return;
	check_name(name, pci_class_is_standard(name));
	FUZZ_CHECK(pci_class_name(name, again) && strcmp(name, again) == 0);
}

static void check_each(const char *traits)
{
	char name[PCI_NAME_SIZE], last[PCI_NAME_SIZE] = "";

	for (const char *end; traits[1]; traits = end) {
		end = strchr(traits + 1, ',');
		FUZZ_CHECK(end && end - traits - 1 < PCI_NAME_SIZE);
		snprintf(name, sizeof name, "%.*s", (int)(end - traits - 1), traits + 1);
		check_name(name, pci_trait_is_standard(name));
		FUZZ_CHECK(strcmp(last, name) < 0);
		memcpy(last, name, sizeof last);
	}
}

static void check_traits(const char *list)
{
	_cleanup_free_ char *traits = pci_traits_of(list), *again = traits ? pci_traits_of(traits) : NULL;

	if (!traits)
		return;
	FUZZ_CHECK(*traits == ',');
	check_each(traits);
	FUZZ_CHECK(again && strcmp(traits, again) == 0);
	FUZZ_CHECK(pci_traits_include(traits, traits) && pci_traits_include(traits, ","));
}

static void check_alias(const struct pci_alias *alias)
{
	const struct pci_alias_spec *spec = &alias->specs[0];
	struct pci_kind kind = {.vendor_id = spec->vendor_id,
				.product_id = spec->product_id,
				.type = alias->type,
				.live_migratable = spec->live_migratable};

	FUZZ_CHECK(alias->spec_count == 1 && spec->resource_class && spec->traits);
	FUZZ_CHECK(pci_alias_fits(alias, &kind) == PCI_FIT_NO);
	kind.resource_class = spec->resource_class;
	kind.traits = spec->traits;
	FUZZ_CHECK(pci_alias_fits(alias, &kind) != PCI_FIT_NO);
	check_name(spec->resource_class, pci_class_is_standard(spec->resource_class));
	check_each(spec->traits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *class = fuzz_line(&input), *traits = fuzz_line(&input),
			    *json = fuzz_rest(&input);
	struct pci_aliases aliases = {.in_placement = true};
	struct error err = {0};

	check_class(class);
	check_traits(traits);
	bool ok = pci_alias_parse("nova.conf:1: [pci] alias", json, &aliases, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	for (size_t i = 0; ok && i < aliases.count; i++)
		check_alias(&aliases.items[i]);
	pci_aliases_done(&aliases);
	return 0;
}
