/* Public SSH keys, as users import them: one line each. */
#include "fuzz.h"

#include "compute/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *line = fuzz_rest(&input), *longer = NULL, *two = NULL;
	char fingerprint[SSH_FINGERPRINT_SIZE], again[SSH_FINGERPRINT_SIZE];

	if (!ssh_public_key_check(line, fingerprint))
		return 0;
	FUZZ_CHECK(strlen(fingerprint) == SSH_FINGERPRINT_SIZE - 1);
	FUZZ_CHECK(strspn(fingerprint, "0123456789abcdef:") == SSH_FINGERPRINT_SIZE - 1);
	line[strcspn(line, "\r\n")] = '\0';
	longer = memory_printf("%s a comment\n", line);
	FUZZ_CHECK(ssh_public_key_check(longer, again) && strcmp(fingerprint, again) == 0);
	two = memory_printf("%s\n%s", line, line);
	FUZZ_CHECK(!ssh_public_key_check(two, again)); /* a second one could log in as well */
	return 0;
}
