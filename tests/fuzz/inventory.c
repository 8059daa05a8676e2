/* A host's inventory, as an agent sends it. */
#include "fuzz.h"

#include "numa/host.h"
#include "scheduler/inventory.h"

static void check_inventory(const struct inventory *inventory)
{
	FUZZ_CHECK(inventory->vcpus > 0 && inventory->memory_mb > 0 && inventory->disk_gb >= 0);
	FUZZ_CHECK(*inventory->availability_zone && inventory->hypervisor_type);
	for (size_t i = 0; i < inventory->device_count; i++) {
		const struct inventory_device *device = &inventory->devices[i];

		FUZZ_CHECK(i == 0 || inventory->devices[i - 1].address < device->address);
		FUZZ_CHECK((device->type == PCI_TYPE_VF) == (device->parent != NULL));
		FUZZ_CHECK(device->numa_node >= -1 && device->health && device->tags && device->report);
		FUZZ_CHECK(strlen(device->vendor_id) == 4 && strlen(device->product_id) == 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	yyjson_doc *doc = fuzz_json(&input);
	struct inventory inventory;
	struct error err = {0};

	if (!doc)
		return 0;
	bool ok = inventory_parse(yyjson_doc_get_root(doc), &inventory, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	if (ok)
		check_inventory(&inventory);
	inventory_done(&inventory);
	yyjson_doc_free(doc);
	return 0;
}
