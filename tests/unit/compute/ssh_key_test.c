/* Tests of compute/ssh_key: fingerprints are those of ssh-keygen. */
#include "../test.h"

#include "base/memory.h"
#include "compute/ssh_key.h"

#include <openssl/pem.h>

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIFWmv+w7RkngNcmfsql70nQvtZGnUFbMGFVkxJxwUZVL"
#define ECDSA \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPVscX8wcmariGBCabBa0PriytVl/" \
	"wUo1qh9ysV36qAmcVs9IfbiGryYkjs" \
	"EBdpT1aDuSKcasKkD0wLspZkIKvc="

static void test_good(void **state)
{
	char fingerprint[SSH_FINGERPRINT_SIZE];

	(void)state;
	assert_true(ssh_public_key_check("ssh-ed25519 " ED25519 " me@host", fingerprint));
	assert_string_equal(fingerprint, "bf:90:62:dd:95:4c:15:0d:01:1d:f3:82:b6:f0:47:30");
	assert_true(ssh_public_key_check("ssh-ed25519 " ED25519 "\n", fingerprint));
	assert_true(ssh_public_key_check("ecdsa-sha2-nistp256 " ECDSA, fingerprint));
	assert_string_equal(fingerprint, "7a:2d:55:4b:8a:0f:f7:41:3e:11:52:63:ac:48:22:5f");
}

static void test_bad(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 !!!!",
		"ssh-rsa " ED25519, /* another type than it says */
		"ecdsa-sha2-nistp384 " ECDSA,
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", /* ends early */
		"ssh-ed25519 " ED25519 "AAAA",		/* goes on */
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vZXhhbXBsZS5vcmcvMDEyMzQ1Njc4 conf",
		"ssh-ed25519 /////w==", /* a length beyond all */
		"ssh-ed25519 " ED25519 " a\nssh-ed25519 " ED25519 " b",
	};
	char fingerprint[SSH_FINGERPRINT_SIZE];

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(lines); i++)
		assert_false(ssh_public_key_check(lines[i], fingerprint));
}

static void test_huge(void **state)
{
	char fingerprint[SSH_FINGERPRINT_SIZE];
	size_t size = 200000;
	_cleanup_free_ char *line = memory_alloc(size + 1);

	(void)state;
	memset(line, 'A', size);
	memcpy(line, "ssh-rsa ", 8);
	assert_false(ssh_public_key_check(line, fingerprint));
}

static void test_pair(void **state)
{
	char fingerprint[SSH_FINGERPRINT_SIZE];
	struct ssh_key_pair pair;
	struct error err;

	(void)state;
	assert_true(ssh_key_pair_make("me", &pair, &err));
	assert_true(ssh_public_key_check(pair.public_key, fingerprint));
	assert_string_equal(fingerprint, pair.fingerprint);
	assert_memory_equal(pair.private_key, "-----BEGIN RSA PRIVATE KEY-----", 31);
	BIO *bio = BIO_new_mem_buf(pair.private_key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_bits(key), 2048);
	EVP_PKEY_free(key);
	BIO_free(bio);
	ssh_key_pair_done(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
