/* Passwords: bcrypt, in the format that Keystone stores ($2b$), so that users can be brought along. */
#include "base/memory.h"
#include "identity/internal.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <string.h>

const char *password_hash(struct http_request *request, const char *password)
{
	_cleanup_free_ struct crypt_data *data = memory_alloc(sizeof *data);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$2b$", (unsigned long)identity_settings.rounds, NULL, 0, setting,
			      sizeof setting))
		return NULL;
	const char *hash = crypt_r(password, setting, data);
	return hash && hash[0] == '$' ? http_copy(request, hash) : NULL;
}

bool password_matches(const char *password, const char *hash)
{
	_cleanup_free_ struct crypt_data *data = memory_alloc(sizeof *data);
	char dummy[64];

	/* A well-formed hash of nothing, at the cost in force. */
	snprintf(dummy, sizeof dummy, "$2b$%02d$abcdefghijklmnopqrstuu", (int)identity_settings.rounds);
	const char *made = crypt_r(password, hash ? hash : dummy, data);
	return hash && made && strlen(made) == strlen(hash) && CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
}
