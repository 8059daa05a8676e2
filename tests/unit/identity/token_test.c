/* Tests of identity: sealing and opening tokens, passwords. */
#include "../test.h"

#include "identity/internal.h"
#include "sys/sys.h"

#include <sys/stat.h>

static const struct token example = {.user_id = "0123456789abcdef0123456789abcdef",
				     .project_id = "fedcba9876543210fedcba9876543210",
				     .audit_id = "abcdefghijklmnopqrstuv",
				     .parent_audit_id = "ABCDEFGHIJKLMNOPQRSTUV",
				     .issued_at = 1700000000000000,
				     .expires_at = 1700003600000000};

static int setup(void **state)
{
	struct error err;

	*state = test_folder_make();
	identity_settings.rounds = 4;
	return token_key_load(*state, &err) ? 0 : -1;
}

static int teardown(void **state)
{
	test_folder_remove(*state);
	return 0;
}

static void seal_and_open(void **state)
{
	char text[TOKEN_TEXT_SIZE];
	struct token token = {0};
	struct error err;

	(void)state;
	assert_true(token_seal(&example, text, &err));
	assert_true(strlen(text) < 255);
	assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
			 strlen(text));
	assert_true(token_open(text, &token));
	assert_string_equal(token.user_id, example.user_id);
	assert_string_equal(token.project_id, example.project_id);
	assert_string_equal(token.audit_id, example.audit_id);
	assert_string_equal(token.parent_audit_id, example.parent_audit_id);
	assert_int_equal(token.issued_at, example.issued_at);
	assert_int_equal(token.expires_at, example.expires_at);
}

static void unscoped(void **state)
{
	struct token token = example, opened;
	char text[TOKEN_TEXT_SIZE];
	struct error err;

	(void)state;
	token.project_id[0] = token.parent_audit_id[0] = '\0';
	assert_true(token_seal(&token, text, &err));
	assert_true(token_open(text, &opened));
	assert_string_equal(opened.project_id, "");
	assert_string_equal(opened.parent_audit_id, "");
	assert_int_equal(opened.expires_at, token.expires_at);
}

/* Every character counts, and so does the length. */
static void tampered(void **state)
{
	char text[TOKEN_TEXT_SIZE + 1];
	struct token token;
	struct error err;

	(void)state;
	assert_true(token_seal(&example, text, &err));
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		assert_false(token_open(text, &token));
		text[i] = '!';
		assert_false(token_open(text, &token));
		text[i] = was;
	}
	size_t length = strlen(text);
	strcpy(text + length, "A");
	assert_false(token_open(text, &token));
	for (size_t i = length; i-- > 0;) {
		text[i] = '\0';
		assert_false(token_open(text, &token));
	}
}

static void no_two_alike(void **state)
{
	char a[TOKEN_TEXT_SIZE], b[TOKEN_TEXT_SIZE];
	struct error err;

	(void)state;
	assert_true(token_seal(&example, a, &err) && token_seal(&example, b, &err));
	assert_string_not_equal(a, b);
}

/* The key stays across starts; another site's token is none here. */
static void keys(void **state)
{
	char text[TOKEN_TEXT_SIZE], path[256], *other = test_folder_make();
	struct token token;
	struct stat status;
	struct error err;

	assert_true(token_seal(&example, text, &err));
	assert_true(token_key_load(other, &err));
	assert_false(token_open(text, &token));
	assert_true(token_key_load(*state, &err));
	assert_true(token_open(text, &token));
	snprintf(path, sizeof path, "%s/token.key", other);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(truncate(path, 5), 0);
	assert_false(token_key_load(other, &err));
	assert_true(token_key_load(*state, &err));
	test_folder_remove(other);
}

static void passwords(void **state)
{
	char hash[PASSWORD_HASH_SIZE];
	char long_password[PASSWORD_MAX + 2];
	struct error err;

	(void)state;
	assert_true(password_hash("secret", 4, hash, &err));
	assert_memory_equal(hash, "$2b$04$", 7);
	assert_true(password_matches("secret", hash));
	assert_false(password_matches("Secret", hash));
	assert_false(password_matches("", hash));
	assert_false(password_matches("secret", NULL));
	/* A hash that another bcrypt wrote ("U*U", from Openwall's test vectors). */
	assert_true(password_matches("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
	memset(long_password, 'x', sizeof long_password);
	long_password[PASSWORD_MAX] = '\0';
	assert_true(password_check(long_password, &err));
	long_password[PASSWORD_MAX] = 'x';
	long_password[PASSWORD_MAX + 1] = '\0';
	assert_false(password_check(long_password, &err));
	assert_int_equal(err.kind, ERROR_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seal_and_open), cmocka_unit_test(unscoped), cmocka_unit_test(tampered),
		cmocka_unit_test(no_two_alike),	 cmocka_unit_test(keys),     cmocka_unit_test(passwords),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
