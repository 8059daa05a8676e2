/* SSH keys with libcrypto. */
#include "compute/ssh_key.h"

#include "base/memory.h"
#include "base/text.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define SSH_BLOB_MAX 16384

/* --- reading --- */

struct blob {
	const unsigned char *bytes;
	size_t left;
};

/* RFC 4251: a string is its length in four bytes and its bytes. */
static bool take_string(struct blob *blob, const unsigned char **bytes, size_t *size)
{
	if (blob->left < 4)
		return false;
	*size = (size_t)blob->bytes[0] << 24 | (size_t)blob->bytes[1] << 16 | (size_t)blob->bytes[2] << 8 |
		blob->bytes[3];
	if (*size > blob->left - 4)
		return false;
	*bytes = blob->bytes + 4;
	blob->bytes += 4 + *size;
	blob->left -= 4 + *size;
	return true;
}

static bool take_name(struct blob *blob, const char *name)
{
	const unsigned char *bytes;
	size_t size;

	return take_string(blob, &bytes, &size) && size == strlen(name) && memcmp(bytes, name, size) == 0;
}

/* A positive number of at least this many bits. */
static bool take_number(struct blob *blob, int least_bits)
{
	const unsigned char *bytes;
	size_t size;

	if (!take_string(blob, &bytes, &size) || size == 0 || (bytes[0] & 0x80))
		return false;
	for (; size > 0 && bytes[0] == 0; size--)
		bytes++;
	return (int64_t)size * 8 >= least_bits;
}

static bool take_sized(struct blob *blob, size_t expected)
{
	const unsigned char *bytes;
	size_t size;

	return take_string(blob, &bytes, &size) && size == expected;
}

static bool blob_is_key(struct blob blob, const char *type)
{
	static const struct {
		const char *type, *curve;
		size_t point; /* bytes of an uncompressed one */
	} curves[] = {
		{"ecdsa-sha2-nistp256", "nistp256", 65},
		{"ecdsa-sha2-nistp384", "nistp384", 97},
		{"ecdsa-sha2-nistp521", "nistp521", 133},
	};
	bool ok = false;

	if (!take_name(&blob, type))
		return false;
	if (strcmp(type, "ssh-rsa") == 0)
		ok = take_number(&blob, 2) && take_number(&blob, 1024);
	if (strcmp(type, "ssh-ed25519") == 0)
		ok = take_sized(&blob, 32);
	for (size_t i = 0; i < ELEMENTS_OF(curves); i++) {
		if (strcmp(type, curves[i].type) == 0)
			ok = take_name(&blob, curves[i].curve) && take_sized(&blob, curves[i].point);
	}
	return ok && blob.left == 0;
}

static bool fingerprint_make(const unsigned char *blob, size_t size, char text[SSH_FINGERPRINT_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int count = 0;

	if (!EVP_Digest(blob, size, digest, &count, EVP_md5(), NULL) || count != 16)
		return false;
	for (int i = 0; i < 16; i++)
		snprintf(text + 3 * i, 4, "%02x%s", digest[i], i < 15 ? ":" : "");
	return true;
}

/* Decodes the base64 part; the count of bytes, or 0 if it is not base64. */
static size_t decode(const char *base64, size_t length, unsigned char *blob)
{
	size_t pad = 0;

	if (length == 0 || length % 4 != 0 || length / 4 * 3 > SSH_BLOB_MAX)
		return 0;
	while (pad < 2 && base64[length - 1 - pad] == '=')
		pad++;
	int size = EVP_DecodeBlock(blob, (const unsigned char *)base64, (int)length);
	return size < 0 ? 0 : (size_t)size - pad;
}

bool ssh_public_key_check(const char *line, char fingerprint[SSH_FINGERPRINT_SIZE])
{
	unsigned char bytes[SSH_BLOB_MAX];
	size_t type_length = strcspn(line, " \t");
	const char *base64 = line + type_length + strspn(line + type_length, " \t");
	size_t end = strcspn(line, "\r\n");
	char type[64];

	/* One line: a second one would be a second key in authorized_keys. */
	if (type_length >= sizeof type || line[end + strspn(line + end, "\r\n")] != '\0')
		return false;
	snprintf(type, sizeof type, "%.*s", (int)type_length, line);
	struct blob blob = {bytes, decode(base64, strcspn(base64, " \t\r\n"), bytes)};
	return blob.left > 0 && blob_is_key(blob, type) && fingerprint_make(bytes, blob.left, fingerprint);
}

/* --- making --- */

static void add_string(struct text *text, const void *bytes, size_t size)
{
	unsigned char length[4] = {(unsigned char)(size >> 24), (unsigned char)(size >> 16),
				   (unsigned char)(size >> 8), (unsigned char)size};

	text_add_bytes(text, length, 4);
	text_add_bytes(text, bytes, size);
}

/* A positive number whose first bit is set gets a zero byte in front (RFC 4251 5, mpint). */
static bool add_number(struct text *text, EVP_PKEY *key, const char *name)
{
	unsigned char bytes[1024] = {0};
	BIGNUM *number = NULL;

	if (!EVP_PKEY_get_bn_param(key, name, &number))
		return false;
	int size = BN_num_bytes(number);
	bool fits = size > 0 && size < (int)sizeof bytes - 1;
	if (fits) {
		BN_bn2bin(number, bytes + 1);
		bool pad = bytes[1] & 0x80;
		add_string(text, pad ? bytes : bytes + 1, (size_t)size + pad);
	}
	BN_free(number);
	return fits;
}

static bool public_key_make(EVP_PKEY *key, const char *comment, struct ssh_key_pair *pair)
{
	_cleanup_(text_done) struct text blob = {0};

	add_string(&blob, "ssh-rsa", 7);
	if (!add_number(&blob, key, OSSL_PKEY_PARAM_RSA_E) || !add_number(&blob, key, OSSL_PKEY_PARAM_RSA_N))
		return false;
	_cleanup_free_ char *base64 = memory_alloc(blob.length / 3 * 4 + 8);
	EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)blob.data, (int)blob.length);
	pair->public_key = memory_printf("ssh-rsa %s %s", base64, comment);
	return fingerprint_make((const unsigned char *)blob.data, blob.length, pair->fingerprint);
}

static bool private_key_make(EVP_PKEY *key, struct ssh_key_pair *pair)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *bytes;
	bool ok = bio && PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);

	if (ok) {
		long size = BIO_get_mem_data(bio, &bytes);
		pair->private_key = memory_printf("%.*s", (int)size, bytes);
	}
	BIO_free(bio);
	return ok;
}

bool ssh_key_pair_make(const char *comment, struct ssh_key_pair *pair, struct error *err)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);

	*pair = (struct ssh_key_pair){0};
	bool ok = key && public_key_make(key, comment, pair) && private_key_make(key, pair);
	EVP_PKEY_free(key);
	if (ok)
		return true;
	ssh_key_pair_done(pair);
	return error_set(err, ERROR_INTERNAL, "libcrypto cannot make a key");
}

void ssh_key_pair_done(struct ssh_key_pair *pair)
{
	if (pair->private_key)
		OPENSSL_cleanse(pair->private_key, strlen(pair->private_key));
	free(pair->private_key);
	free(pair->public_key);
	*pair = (struct ssh_key_pair){0};
}
