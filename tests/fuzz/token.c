/* Tokens: first line a token's text, as a client sends it; then a place to spoil, user, project and two audit
 * ids of one that is sealed here. */
#include "fuzz.h"

#include "identity/internal.h"

static bool same(const struct token *a, const struct token *b)
{
	return strcmp(a->user_id, b->user_id) == 0 && strcmp(a->project_id, b->project_id) == 0 &&
	       strcmp(a->audit_id, b->audit_id) == 0 && strcmp(a->parent_audit_id, b->parent_audit_id) == 0 &&
	       a->issued_at == b->issued_at && a->expires_at == b->expires_at;
}

/* Another character, more or fewer: it opens no more. */
static void check_spoilt(char *text, unsigned long place)
{
	struct token token;
	size_t length = strlen(text), at = place % (length + 1);
	char was = text[at];

	text[at] = was == 'A' ? 'B' : 'A';
	if (at == length)
		text[at + 1] = '\0';
	FUZZ_CHECK(!token_open(text, &token));
	text[at] = at == length ? 'A' : '\0';
	FUZZ_CHECK(!token_open(text, &token));
}

static void copy_id(char *to, size_t size, struct fuzz_input *input)
{
	_cleanup_free_ char *line = fuzz_line(input);

	line[strcspn(line, ",")] = '\0';
	snprintf(to, size, "%.*s", (int)size - 1, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *foreign = fuzz_line(&input), *place = fuzz_line(&input);
	struct token token = {.issued_at = 1, .expires_at = INT64_MAX}, opened;
	char text[TOKEN_TEXT_SIZE + 1];
	struct error err = {0};

	FUZZ_CHECK(!token_open(foreign, &opened)); /* the key is all zeros, and no one has sealed with it */
	copy_id(token.user_id, sizeof token.user_id, &input);
	copy_id(token.project_id, sizeof token.project_id, &input);
	copy_id(token.audit_id, sizeof token.audit_id, &input);
	copy_id(token.parent_audit_id, sizeof token.parent_audit_id, &input);
	bool ok = token_seal(&token, text, &err);
	FUZZ_CHECK_ERROR(ok, &err);
	if (!ok)
		return 0;
	FUZZ_CHECK(strlen(text) < TOKEN_TEXT_SIZE);
	FUZZ_CHECK(token_open(text, &opened) && same(&token, &opened));
	check_spoilt(text, strtoul(place, NULL, 10));
	return 0;
}
