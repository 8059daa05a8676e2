/* Who asks: what a token is worth, and the memory that makes asking quick. */
#include "base/memory.h"
#include "base/timestamp.h"
#include "identity/internal.h"
#include "sys/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* What was found out about a token stays good until somebody changes anything in identity (the epoch moves),
 * the token expires, or it is CACHE_AGE old: so the operator's command, which writes to the database from
 * another process, is heeded too.  A set has room for a few tokens; the oldest gives way. */
#define CACHE_SETS 256
#define CACHE_WAYS 4
#define CACHE_AGE  (10 * TIME_SECOND)

struct grant {
	struct token token;
	char user_name[1021], project_name[257], domain_id[IDENTITY_ID_SIZE];
	bool admin, member, reader, service;
};

struct cached {
	char text[TOKEN_TEXT_SIZE];
	uint64_t epoch;
	int64_t looked_up; /* sys_monotonic() */
	struct grant grant;
};

static struct cached *cache[CACHE_SETS][CACHE_WAYS];
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

bool auth_refused(struct error *err)
{
	return error_set(err, ERROR_UNAUTHORIZED, "The request you have made requires authentication.");
}

/* --- what the tables say --- */

static bool read_user(struct store *db, struct grant *grant, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const struct token *t = &grant->token;

	if (!store_query(db, &rows, err,
			 "SELECT u.name, u.domain_id, p.name FROM user u LEFT JOIN project p ON p.id = ?2 "
			 "AND p.enabled "
			 "WHERE u.id = ?1 AND u.enabled "
			 "AND NOT EXISTS (SELECT 1 FROM token_floor f WHERE f.user_id = ?1 AND f.not_before "
			 ">= ?3) "
			 "AND NOT EXISTS (SELECT 1 FROM revocation r WHERE r.audit_id IN (?4, ?5))",
			 V(t->user_id), V(t->project_id), V(t->issued_at), V(t->audit_id),
			 V(t->parent_audit_id)))
		return false;
	bool good = store_next(&rows) && (!*t->project_id || store_text(&rows, 2));
	if (good) {
		snprintf(grant->user_name, sizeof grant->user_name, "%s", store_text(&rows, 0));
		snprintf(grant->domain_id, sizeof grant->domain_id, "%s", store_text(&rows, 1));
		snprintf(grant->project_name, sizeof grant->project_name, "%s",
			 *t->project_id ? store_text(&rows, 2) : "");
	}
	return store_end(&rows, err) && (good || auth_refused(err));
}

static bool read_roles(struct store *db, struct grant *grant, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool any = false;

	if (!*grant->token.project_id)
		return true;
	if (!store_query(db, &rows, err,
			 "SELECT r.name FROM effective_assignment a JOIN role r ON r.id = a.role_id "
			 "WHERE a.project_id = ?1 AND a.user_id = ?2",
			 V(grant->token.project_id), V(grant->token.user_id)))
		return false;
	while (store_next(&rows)) {
		const char *role = store_text(&rows, 0);

		any = true;
		grant->admin |= strcmp(role, "admin") == 0;
		grant->member |= strcmp(role, "member") == 0;
		grant->reader |= strcmp(role, "reader") == 0;
		grant->service |= strcmp(role, "service") == 0;
	}
	return store_end(&rows, err) && (any || auth_refused(err));
}

static bool grant_read(struct store *db, struct grant *grant, struct error *err)
{
	if (grant->token.expires_at <= sys_now())
		return auth_refused(err);
	return read_user(db, grant, err) && read_roles(db, grant, err);
}

static struct auth *auth_copy(struct http_request *request, const struct grant *grant)
{
	struct auth *auth = http_alloc(request, sizeof *auth);
	bool scoped = *grant->token.project_id;

	*auth = (struct auth){
		.user_id = http_copy(request, grant->token.user_id),
		.user_name = http_copy(request, grant->user_name),
		.project_id = scoped ? http_copy(request, grant->token.project_id) : NULL,
		.project_name = scoped ? http_copy(request, grant->project_name) : NULL,
		.domain_id = http_copy(request, grant->domain_id),
		.admin = grant->admin,
		.member = grant->member,
		.reader = grant->reader,
		.service = grant->service,
	};
	return auth;
}

bool auth_resolve(struct http_request *request, const struct token *token, struct auth **auth,
		  struct error *err)
{
	struct grant grant = {.token = *token};

	if (!grant_read(request->db, &grant, err))
		return false;
	*auth = auth_copy(request, &grant);
	return true;
}

bool auth_from_token(struct http_request *request, const char *text, struct token *token, struct auth **auth,
		     struct error *err)
{
	return token_open(text, token) ? auth_resolve(request, token, auth, err) : auth_refused(err);
}

/* --- remembering --- */

static struct cached **cache_set(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return cache[(hash ^ hash >> 29) % CACHE_SETS];
}

static struct auth *cache_get(struct http_request *request, const char *text)
{
	struct cached **set = cache_set(text);
	struct auth *auth = NULL;

	pthread_mutex_lock(&cache_lock);
	for (int i = 0; !auth && i < CACHE_WAYS && set[i]; i++) {
		if (set[i]->epoch == cache_epoch && strcmp(set[i]->text, text) == 0 &&
		    set[i]->grant.token.expires_at > sys_now() &&
		    sys_monotonic() - set[i]->looked_up < CACHE_AGE)
			auth = auth_copy(request, &set[i]->grant);
	}
	pthread_mutex_unlock(&cache_lock);
	return auth;
}

/* In front of its set; its older self, or else the last, goes. */
static void cache_put(struct cached *fresh)
{
	struct cached **set = cache_set(fresh->text), *out;
	int at = 0;

	pthread_mutex_lock(&cache_lock);
	while (at < CACHE_WAYS - 1 && set[at] && strcmp(set[at]->text, fresh->text) != 0)
		at++;
	out = set[at];
	memmove(set + 1, set, (size_t)at * sizeof *set);
	set[0] = fresh;
	pthread_mutex_unlock(&cache_lock);
	free(out);
}

bool identity_authenticate(struct http_request *request, struct error *err)
{
	const char *text = http_header(request, "X-Auth-Token");
	/* Read before the tables: what is committed in between makes the entry stale at once.  That is also
	 * why only this function remembers: others may look at a snapshot that is older than the epoch. */
	uint64_t epoch = cache_epoch;

	if (!text || !*text || strlen(text) >= TOKEN_TEXT_SIZE)
		return auth_refused(err);
	struct auth *known = cache_get(request, text);
	if (known) {
		request->auth = known;
		return true;
	}
	_cleanup_free_ struct cached *fresh = memory_alloc(sizeof *fresh);
	if (!token_open(text, &fresh->grant.token))
		return auth_refused(err);
	if (!grant_read(request->db, &fresh->grant, err))
		return false;
	snprintf(fresh->text, sizeof fresh->text, "%s", text);
	fresh->epoch = epoch;
	fresh->looked_up = sys_monotonic();
	request->auth = auth_copy(request, &fresh->grant);
	cache_put(TAKE_PTR(fresh));
	return true;
}
