/* Tokens: a small record sealed with AES-256-GCM under a key that only this site has.  Nothing is stored for
 * a token; who opens it knows whose it is. */
#include "base/memory.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN_KEY_SIZE	 32
#define TOKEN_NONCE_SIZE 12
#define TOKEN_TAG_SIZE	 16
#define TOKEN_PLAIN_SIZE 160
#define TOKEN_VERSION	 1

_Static_assert((TOKEN_NONCE_SIZE + TOKEN_PLAIN_SIZE + TOKEN_TAG_SIZE + 2) / 3 * 4 < TOKEN_TEXT_SIZE,
	       "a sealed token fits its text");

static unsigned char token_key[TOKEN_KEY_SIZE];

/* Written whole under another name and linked, so that two programs that start at once agree on one key. */
static bool key_make(const char *path, struct error *err)
{
	_cleanup_free_ char *temporary = memory_printf("%s.%d", path, (int)getpid());
	_cleanup_close_ int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned char key[TOKEN_KEY_SIZE];

	sys_random(key, sizeof key);
	bool ok = fd >= 0 && write(fd, key, sizeof key) == (ssize_t)sizeof key && fsync(fd) == 0 &&
		  (link(temporary, path) == 0 || errno == EEXIST);
	if (!ok)
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot write the token key %s", path);
	explicit_bzero(key, sizeof key);
	unlink(temporary);
	return ok;
}

bool token_key_load(const char *state_dir, struct error *err)
{
	_cleanup_free_ char *path = memory_printf("%s/token.key", state_dir);

	if (access(path, F_OK) != 0 && !key_make(path, err))
		return false;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "cannot read the token key %s", path);
	if (read(fd, token_key, sizeof token_key) != (ssize_t)sizeof token_key)
		return error_set(err, ERROR_INTERNAL, "the token key %s is shorter than %d bytes: remove it",
				 path, TOKEN_KEY_SIZE);
	return true;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void base64_encode(const unsigned char *bytes, size_t count, char *text)
{
	for (size_t i = 0; i < count; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < count ? (uint32_t)bytes[i + 1] << 8 : 0) |
			     (i + 2 < count ? bytes[i + 2] : 0);

		*text++ = base64_alphabet[v >> 18];
		*text++ = base64_alphabet[v >> 12 & 63];
		if (i + 1 < count)
			*text++ = base64_alphabet[v >> 6 & 63];
		if (i + 2 < count)
			*text++ = base64_alphabet[v & 63];
	}
	*text = '\0';
}

/* Number of bytes, or 0 if the text is not base64url.  Bits that the encoder leaves zero must be zero: one
 * token has one text. */
static size_t base64_decode(const char *text, unsigned char *bytes, size_t max)
{
	uint32_t bits = 0;
	size_t count = 0;
	int have = 0;

	for (; *text; text++) {
		const char *at = strchr(base64_alphabet, *text);

		if (!at)
			return 0;
		bits = bits << 6 | (uint32_t)(at - base64_alphabet);
		have += 6;
		if (have >= 8) {
			if (count == max)
				return 0;
			have -= 8;
			bytes[count++] = (unsigned char)(bits >> have);
		}
	}
	return (bits & ((1u << have) - 1)) == 0 && have < 6 ? count : 0;
}

void token_audit_id(char text[24])
{
	unsigned char bytes[16];

	sys_random(bytes, sizeof bytes);
	base64_encode(bytes, sizeof bytes, text);
}

/* AES-256-GCM over `count` bytes in place; the tag follows them. */
static bool seal(const unsigned char *nonce, unsigned char *bytes, int count)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length, more;
	bool ok = context && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, token_key, nonce) == 1 &&
		  EVP_EncryptUpdate(context, bytes, &length, bytes, count) == 1 &&
		  EVP_EncryptFinal_ex(context, bytes + length, &more) == 1 &&
		  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TOKEN_TAG_SIZE, bytes + count) == 1;

	EVP_CIPHER_CTX_free(context);
	return ok;
}

static bool unseal(const unsigned char *nonce, unsigned char *bytes, int count)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length, more;
	bool ok = context && EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, token_key, nonce) == 1 &&
		  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TOKEN_TAG_SIZE, bytes + count) == 1 &&
		  EVP_DecryptUpdate(context, bytes, &length, bytes, count) == 1 &&
		  EVP_DecryptFinal_ex(context, bytes + length, &more) == 1;

	EVP_CIPHER_CTX_free(context);
	return ok;
}

bool token_seal(const struct token *token, char text[TOKEN_TEXT_SIZE], struct error *err)
{
	unsigned char sealed[TOKEN_NONCE_SIZE + TOKEN_PLAIN_SIZE + TOKEN_TAG_SIZE];
	unsigned char *plain = sealed + TOKEN_NONCE_SIZE;
	int size = snprintf((char *)plain, TOKEN_PLAIN_SIZE, "%d,%s,%s,%s,%s,%lld,%lld", TOKEN_VERSION,
			    token->user_id, token->project_id, token->audit_id, token->parent_audit_id,
			    (long long)token->issued_at, (long long)token->expires_at);

	sys_random(sealed, TOKEN_NONCE_SIZE);
	if (size >= TOKEN_PLAIN_SIZE || !seal(sealed, plain, size))
		return error_set(err, ERROR_INTERNAL, "a token cannot be sealed");
	base64_encode(sealed, (size_t)(TOKEN_NONCE_SIZE + size + TOKEN_TAG_SIZE), text);
	return true;
}

/* Splits at commas, empty fields included; true if there are exactly `count`. */
static bool fields_split(char *text, char **fields, int count)
{
	int i = 0;

	for (char *field; i < count && (field = strsep(&text, ",")); i++)
		fields[i] = field;
	return i == count && !text;
}

static bool token_parse(char *plain, struct token *token)
{
	char *field[7];

	if (!fields_split(plain, field, 7) || strcmp(field[0], "1") != 0)
		return false;
	snprintf(token->user_id, sizeof token->user_id, "%s", field[1]);
	snprintf(token->project_id, sizeof token->project_id, "%s", field[2]);
	snprintf(token->audit_id, sizeof token->audit_id, "%s", field[3]);
	snprintf(token->parent_audit_id, sizeof token->parent_audit_id, "%s", field[4]);
	return text_to_int64(field[5], 0, INT64_MAX, &token->issued_at) &&
	       text_to_int64(field[6], 0, INT64_MAX, &token->expires_at);
}

bool token_open(const char *text, struct token *token)
{
	unsigned char sealed[TOKEN_NONCE_SIZE + TOKEN_PLAIN_SIZE + TOKEN_TAG_SIZE];
	unsigned char *plain = sealed + TOKEN_NONCE_SIZE;
	size_t count = base64_decode(text, sealed, sizeof sealed);

	if (count <= TOKEN_NONCE_SIZE + TOKEN_TAG_SIZE)
		return false;
	count -= TOKEN_NONCE_SIZE + TOKEN_TAG_SIZE;
	if (!unseal(sealed, plain, (int)count))
		return false;
	plain[count] = '\0'; /* where the tag was */
	return token_parse((char *)plain, token);
}
