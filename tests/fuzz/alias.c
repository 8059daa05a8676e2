/* PCI aliases: first line a flavor's pci_passthrough:alias, then values of [pci] alias, one a line. */
#include "fuzz.h"

#include "pci/alias.h"

#define MAX_REQUESTS 8
#define MAX_DEVICES  32

static void check_alias(const struct pci_alias *alias)
{
	struct pci_kind kind = {.vendor_id = alias->specs[0].vendor_id,
				.product_id = alias->specs[0].product_id,
				.type = alias->type,
				.live_migratable = alias->specs[0].live_migratable};

	FUZZ_CHECK(*alias->name && !strpbrk(alias->name, ":,"));
	FUZZ_CHECK(alias->spec_count > 0 && alias->type < PCI_TYPE_COUNT &&
		   alias->numa_policy < PCI_NUMA_POLICY_COUNT);
	FUZZ_CHECK(pci_alias_fits(alias, &kind) != PCI_FIT_NO);
	kind.type = PCI_TYPE_PF;
	FUZZ_CHECK(alias->typed || pci_alias_fits(alias, &kind) == PCI_FIT_LAST);
	kind.remote_managed = true;
	FUZZ_CHECK(pci_alias_fits(alias, &kind) == PCI_FIT_NO);
}

/* What is asked for, written in one way, is asked for again. */
static void check_again(const struct pci_aliases *aliases, const struct pci_alias_request *requests,
			size_t count)
{
	struct pci_alias_request again[MAX_REQUESTS];
	_cleanup_(text_done) struct text text = {0};
	size_t again_count;
	struct error err;

	for (size_t i = 0; i < count; i++)
		text_addf(&text, "%s%s:%d", i ? "," : "", requests[i].alias->name, requests[i].count);
	if (count == 0)
		return;
	FUZZ_CHECK(
		pci_alias_requests(aliases, text.data, again, MAX_REQUESTS, MAX_DEVICES, &again_count, &err));
	FUZZ_CHECK(again_count == count);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(again[i].alias == requests[i].alias && again[i].count == requests[i].count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *wish = fuzz_line(&input);
	struct pci_alias_request requests[MAX_REQUESTS];
	struct pci_aliases aliases = {0};
	struct error err = {0};
	size_t count;
	int devices = 0;
	bool ok;

	while (input.size) {
		_cleanup_free_ char *json = fuzz_line(&input);

		ok = pci_alias_parse("nova.conf:1: [pci] alias", json, &aliases, &err);
		FUZZ_CHECK_ERROR(ok, &err);
		if (!ok)
			goto done;
	}
	for (size_t i = 0; i < aliases.count; i++) {
		check_alias(&aliases.items[i]);
		FUZZ_CHECK(pci_alias_find(&aliases, aliases.items[i].name) == &aliases.items[i]);
	}
	ok = pci_alias_requests(&aliases, wish, requests, MAX_REQUESTS, MAX_DEVICES, &count, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	for (size_t i = 0; ok && i < count; i++) {
		FUZZ_CHECK(requests[i].alias && requests[i].count > 0);
		devices += requests[i].count;
	}
	FUZZ_CHECK(devices <= MAX_DEVICES);
	if (ok)
		check_again(&aliases, requests, count);
done:
	pci_aliases_done(&aliases);
	return 0;
}
