/* Passwords: bcrypt, in the format that Keystone stores ($2b$), so that users can be brought along. */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <string.h>

#define PASSWORD_ROUNDS 12 /* log2, as Keystone's default */

bool password_rounds(const struct config *config, int64_t *rounds, struct error *err)
{
	return config_int(config, "identity", "password_hash_rounds", PASSWORD_ROUNDS, 4, 31, rounds, err);
}

bool password_hash(const char *password, int64_t rounds, char hash[PASSWORD_HASH_SIZE], struct error *err)
{
	_cleanup_free_ struct crypt_data *data = memory_alloc(sizeof *data);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], salt[16];
	const char *made = NULL;

	sys_random(salt, sizeof salt);
	if (crypt_gensalt_rn("$2b$", (unsigned long)rounds, salt, sizeof salt, setting, sizeof setting))
		made = crypt_r(password, setting, data);
	bool ok = made && made[0] == '$' && strlen(made) < PASSWORD_HASH_SIZE;
	if (ok)
		snprintf(hash, PASSWORD_HASH_SIZE, "%s", made);
	OPENSSL_cleanse(data, sizeof *data);
	return ok || error_set(err, ERROR_INTERNAL, "the password cannot be hashed");
}

bool password_matches(const char *password, const char *hash)
{
	_cleanup_free_ struct crypt_data *data = memory_alloc(sizeof *data);
	char dummy[32];

	/* A salt at the cost in force: the time tells nobody whether there is such a user. */
	snprintf(dummy, sizeof dummy, "$2b$%02d$abcdefghijklmnopqrstuu", (int)identity_settings.rounds);
	const char *made = crypt_r(password, hash ? hash : dummy, data);
	bool same =
		hash && made && strlen(made) == strlen(hash) && CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
	OPENSSL_cleanse(data, sizeof *data);
	return same;
}

bool password_check(const char *password, struct error *err)
{
	if (strlen(password) <= PASSWORD_MAX)
		return true;
	return error_set(err, ERROR_BAD_REQUEST,
			 "Invalid input for field 'password': it is longer than %d bytes", PASSWORD_MAX);
}
