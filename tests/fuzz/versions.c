/* What clients say of versions: first line OpenStack-API-Version, second X-OpenStack-Nova-API-Version; third
 * the id of a provider. */
#include "fuzz.h"

#include "compute/microversion.h"
#include "placement/device_id.h"
#include "placement/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *header = fuzz_line(&input), *old = fuzz_line(&input), *id = fuzz_line(&input);
	struct error err = {0};
	pci_address address, again;
	int64_t host, host_again;
	int version = 0;
	char text[37];

	bool ok = microversion_negotiate(header, *old ? old : NULL, &version, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	FUZZ_CHECK(!ok || (version >= 2001 && version < 2200));
	ok = placement_negotiate(header, &version, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	FUZZ_CHECK(!ok || (version >= PLACEMENT_MIN_MICROVERSION && version <= PLACEMENT_MAX_MICROVERSION));
	if (device_id_parse(id, &host, &address)) {
		device_id_format("11111111-2222-3333-4444-555555555555", host, address, text);
		FUZZ_CHECK(device_id_parse(text, &host_again, &again) && host == host_again &&
			   address == again);
	}
	return 0;
}
