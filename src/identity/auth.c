/* Who asks: validating tokens, and the cache that makes it quick. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* What was found out about a token stays good until somebody changes anything in identity (the epoch moves)
 * or the token expires.  Direct-mapped: a newer token takes the slot of an older one. */
#define CACHE_SLOTS 4096

struct cached {
	char text[TOKEN_TEXT_SIZE];
	uint64_t epoch;
	struct token token;
	char user_name[256], project_name[256], domain_id[IDENTITY_ID_SIZE];
	bool admin, member, reader, service;
};

static struct cached *cache[CACHE_SLOTS];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t cache_epoch = 1;

static void forget(void *argument, bool committed)
{
	(void)argument;
	if (committed)
		cache_epoch++;
}

void auth_forget_on_commit(struct store *db)
{
	store_on_end(db, forget, NULL);
}

bool auth_revoke_user(struct store *db, const char *user_id, struct error *err)
{
	auth_forget_on_commit(db);
	return store_exec(db, err,
			  "INSERT INTO token_floor (user_id, not_before) VALUES (?1, ?2) "
			  "ON CONFLICT (user_id) DO UPDATE SET not_before = excluded.not_before",
			  V(user_id), V(sys_now()));
}

static size_t cache_slot(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (hash ^ hash >> 29) % CACHE_SLOTS;
}

static struct auth *auth_copy(struct http_request *request, const struct cached *found)
{
	struct auth *auth = http_alloc(request, sizeof *auth);

	*auth = (struct auth){
		.user_id = http_copy(request, found->token.user_id),
		.user_name = http_copy(request, found->user_name),
		.domain_id = http_copy(request, found->domain_id),
		.admin = found->admin,
		.member = found->member,
		.reader = found->reader,
		.service = found->service,
	};
	if (*found->token.project_id) {
		auth->project_id = http_copy(request, found->token.project_id);
		auth->project_name = http_copy(request, found->project_name);
	}
	return auth;
}

static bool token_refused(struct error *err)
{
	return error_set(err, ERROR_UNAUTHORIZED, "The request you have made requires authentication.");
}

/* Reads user, project and roles as they are now. */
static bool token_resolve(struct store *db, struct cached *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct token *t = &found->token;
	bool valid = false;

	if (!store_query(
		    db, &rows, err,
		    "SELECT u.name, u.domain_id, p.name FROM user u LEFT JOIN project p ON p.id = ?2 AND "
		    "p.enabled "
		    "WHERE u.id = ?1 AND u.enabled "
		    "AND NOT EXISTS (SELECT 1 FROM token_floor f WHERE f.user_id = ?1 AND f.not_before >= "
		    "?3) "
		    "AND NOT EXISTS (SELECT 1 FROM revocation r WHERE r.audit_id = ?4 OR r.audit_id = ?5)",
		    V(t->user_id), V(t->project_id), V(t->issued_at), V(t->audit_id), V(t->parent_audit_id)))
		return false;
	if (store_next(&rows) && (!*t->project_id || store_text(&rows, 2))) {
		valid = true;
		snprintf(found->user_name, sizeof found->user_name, "%s", store_text(&rows, 0));
		snprintf(found->domain_id, sizeof found->domain_id, "%s", store_text(&rows, 1));
		if (store_text(&rows, 2))
			snprintf(found->project_name, sizeof found->project_name, "%s", store_text(&rows, 2));
	}
	return store_end(&rows, err) && (valid || token_refused(err));
}

static bool token_roles(struct store *db, struct cached *found, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool any = false;

	if (!*found->token.project_id)
		return true;
	if (!store_query(db, &rows, err,
			 "SELECT r.name FROM assignment a JOIN role r ON r.id = a.role_id "
			 "WHERE a.project_id = ?1 AND a.user_id = ?2",
			 V(found->token.project_id), V(found->token.user_id)))
		return false;
	while (store_next(&rows)) {
		const char *role = store_text(&rows, 0);

		any = true;
		found->admin |= strcmp(role, "admin") == 0;
		found->member |= strcmp(role, "member") == 0;
		found->reader |= strcmp(role, "reader") == 0;
		found->service |= strcmp(role, "service") == 0;
	}
	found->member |= found->admin;
	found->reader |= found->member;
	return store_end(&rows, err) && (any || token_refused(err));
}

static bool cache_get(struct http_request *request, const char *text, struct token *token, struct auth **auth)
{
	bool hit;

	pthread_mutex_lock(&cache_lock);
	struct cached *found = cache[cache_slot(text)];
	hit = found && found->epoch == cache_epoch && found->token.expires_at > sys_now() &&
	      strcmp(found->text, text) == 0;
	if (hit) {
		*token = found->token;
		*auth = auth_copy(request, found);
	}
	pthread_mutex_unlock(&cache_lock);
	return hit;
}

bool auth_from_token(struct http_request *request, const char *text, struct token *token, struct auth **auth,
		     struct error *err)
{
	/* Read before the tables: what is committed in between makes the entry stale at once. */
	uint64_t epoch = cache_epoch;
	struct cached *found;

	if (cache_get(request, text, token, auth))
		return true;
	found = memory_alloc(sizeof *found);
	if (!token_open(text, &found->token) || found->token.expires_at <= sys_now()) {
		free(found);
		return token_refused(err);
	}
	if (!token_resolve(request->db, found, err) || !token_roles(request->db, found, err)) {
		free(found);
		return false;
	}
	snprintf(found->text, sizeof found->text, "%s", text);
	found->epoch = epoch;
	*token = found->token;
	*auth = auth_copy(request, found);
	pthread_mutex_lock(&cache_lock);
	free(cache[cache_slot(text)]);
	cache[cache_slot(text)] = found;
	pthread_mutex_unlock(&cache_lock);
	return true;
}

bool identity_authenticate(struct http_request *request, struct error *err)
{
	const char *text = http_header(request, "X-Auth-Token");
	struct token token;
	struct auth *auth;

	if (!text || !*text || strlen(text) >= TOKEN_TEXT_SIZE)
		return token_refused(err);
	if (!auth_from_token(request, text, &token, &auth, err))
		return false;
	request->auth = auth;
	return true;
}
