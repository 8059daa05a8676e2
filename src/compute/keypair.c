/* Key pairs of users. */
#include "compute/keypair.h"

#include "compute/ssh_key.h"

#include <string.h>

enum { KEYPAIR_NUMBER, KEYPAIR_NAME, KEYPAIR_PUBLIC, KEYPAIR_FINGERPRINT, KEYPAIR_CREATED };
#define KEYPAIR_COLUMNS "number, name, public_key, fingerprint, created_at"

bool keypair_public_key(struct http_request *request, const char *name, const char **key, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(request->db, &rows, err,
			 "SELECT public_key FROM keypair WHERE user_id = ?1 AND name = ?2",
			 V(request->auth->user_id), V(name)))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) &&
		       error_set(err, ERROR_BAD_REQUEST, "Invalid key_name provided.");
	*key = http_copy(request, store_text(&rows, 0));
	return true;
}

/* Whose key pairs: the requester's, or (2.10, administrators) those of ?user_id / "user_id". */
static bool keypair_user(struct http_request *request, const char *asked, const char *rule, const char **user,
			 struct error *err)
{
	*user = request->auth->user_id;
	if (!asked || request->microversion < 2010 || text_equal(asked, *user))
		return true;
	if (!request->auth->admin)
		return compute_forbidden(err, rule);
	*user = asked;
	return true;
}

static bool keypair_missing(struct http_request *request, const char *user, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "Keypair %s not found for user %s", request->params[0], user);
}

/* --- list and show --- */

static void keypair_view(struct http_request *request, struct store_rows *rows, yyjson_mut_doc *doc,
			 yyjson_mut_val *object)
{
	yyjson_mut_obj_add_strcpy(doc, object, "name", store_text(rows, KEYPAIR_NAME));
	yyjson_mut_obj_add_strcpy(doc, object, "public_key", store_text(rows, KEYPAIR_PUBLIC));
	yyjson_mut_obj_add_strcpy(doc, object, "fingerprint", store_text(rows, KEYPAIR_FINGERPRINT));
	if (request->microversion >= 2002)
		yyjson_mut_obj_add_str(doc, object, "type", "ssh");
}

static bool keypair_index(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	bool paged = request->microversion >= 2035;
	struct compute_page page = {.limit = INT32_MAX};
	const char *user, *last = NULL;
	size_t count = 0;

	if (!keypair_user(request, http_query(request, "user_id"), "os-keypairs:index", &user, err) ||
	    (paged && !compute_page(request, &page, err)))
		return false;
	if (!store_query(request->db, &rows, err,
			 "SELECT " KEYPAIR_COLUMNS
			 " FROM keypair WHERE user_id = ?1 AND (?2 IS NULL OR name > ?2) "
			 "ORDER BY name LIMIT ?3",
			 V(user), V(page.marker), V(page.limit)))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "keypairs");
	for (; store_next(&rows); count++) {
		keypair_view(request, &rows, doc,
			     yyjson_mut_obj_add_obj(doc, yyjson_mut_arr_add_obj(doc, list), "keypair"));
		if (page.limited && (int64_t)count + 1 == page.limit)
			last = http_copy(request, store_text(&rows, KEYPAIR_NAME));
	}
	if (last)
		compute_add_next(request, doc, root, "keypairs_links", &page, "os-keypairs", count, last);
	return store_end(&rows, err);
}

static bool keypair_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	const char *user;

	if (!keypair_user(request, http_query(request, "user_id"), "os-keypairs:show", &user, err) ||
	    !store_query(request->db, &rows, err,
			 "SELECT " KEYPAIR_COLUMNS " FROM keypair WHERE user_id = ?1 AND name = ?2", V(user),
			 V(request->params[0])))
		return false;
	if (!store_next(&rows))
		return store_end(&rows, err) && keypair_missing(request, user, err);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, root, "keypair");
	keypair_view(request, &rows, doc, object);
	yyjson_mut_obj_add_strcpy(doc, object, "user_id", user);
	compute_add_time_long(doc, object, "created_at", store_int(&rows, KEYPAIR_CREATED));
	yyjson_mut_obj_add_bool(doc, object, "deleted", false);
	yyjson_mut_obj_add_null(doc, object, "deleted_at");
	yyjson_mut_obj_add_int(doc, object, "id", store_int(&rows, KEYPAIR_NUMBER));
	yyjson_mut_obj_add_null(doc, object, "updated_at");
	return true;
}

/* --- create --- */

static const struct schema key_text = {.types = SCHEMA_STRING, .longest = 16384};
static const char *const key_types[] = {"ssh", NULL};
static const struct schema key_type = {.types = SCHEMA_STRING, .choices = key_types};
static const struct schema key_user = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema_field keypair_fields[] = {
	{"name", &schema_name, .required = true},
	{"public_key", &key_text},
	{"type", &key_type, .since = 2002},
	{"user_id", &key_user, .since = 2010},
	{0},
};
static const struct schema keypair_object = {.types = SCHEMA_OBJECT, .fields = keypair_fields};
static const struct schema keypair_body = {
	.types = SCHEMA_OBJECT,
	.fields = (const struct schema_field[]){{"keypair", &keypair_object, .required = true}, {0}}};

static bool keypair_name_check(const char *name, struct error *err)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ") == strlen(name))
		return true;
	return error_set(err, ERROR_BAD_REQUEST,
			 "Keypair data is invalid: Keypair name contains unsafe characters");
}

/* What the worker prepared. */
struct keypair_new {
	const char *name, *public_key, *user;
	char *private_key; /* NULL: the key was given */
	char fingerprint[SSH_FINGERPRINT_SIZE];
};

static bool keypair_generate(struct http_request *request, struct keypair_new *key, struct error *err)
{
	struct ssh_key_pair pair;

	if (!ssh_key_pair_make("Generated-by-Penstock", &pair, err))
		return false;
	key->public_key = http_copy(request, pair.public_key);
	key->private_key = http_copy(request, pair.private_key);
	memcpy(key->fingerprint, pair.fingerprint, sizeof key->fingerprint);
	ssh_key_pair_done(&pair);
	return true;
}

/* Off the server's thread: making a key takes its time. */
static bool keypair_prepare(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &keypair_body, err);
	yyjson_val *object = yyjson_obj_get(body, "keypair");
	struct keypair_new *key = http_alloc(request, sizeof *key);

	(void)response;
	request->prepared = key;
	if (!body)
		return false;
	key->name = yyjson_get_str(yyjson_obj_get(object, "name"));
	key->public_key = yyjson_get_str(yyjson_obj_get(object, "public_key"));
	if (!keypair_user(request, yyjson_get_str(yyjson_obj_get(object, "user_id")), "os-keypairs:create",
			  &key->user, err) ||
	    !keypair_name_check(key->name, err))
		return false;
	if (!key->public_key)
		return keypair_generate(request, key, err);
	return ssh_public_key_check(key->public_key, key->fingerprint) ||
	       error_set(err, ERROR_BAD_REQUEST, "Keypair data is invalid: failed to generate fingerprint");
}

static bool keypair_quota(struct http_request *request, const char *user, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (compute_settings.quota_key_pairs < 0)
		return true;
	if (!store_query(request->db, &rows, err, "SELECT count(*) FROM keypair WHERE user_id = ?1", V(user)))
		return false;
	if (store_next(&rows) && store_int(&rows, 0) >= compute_settings.quota_key_pairs)
		return error_set(err, ERROR_FORBIDDEN, "Quota exceeded, too many key pairs.");
	return store_end(&rows, err);
}

static bool keypair_create(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct keypair_new *key = request->prepared;

	if (!keypair_quota(request, key->user, err))
		return false;
	if (!store_exec(request->db, err,
			"INSERT INTO keypair (user_id, name, public_key, fingerprint, created_at) VALUES "
			"(?1, ?2, ?3, "
			"?4, ?5)",
			V(key->user), V(key->name), V(key->public_key), V((const char *)key->fingerprint),
			V(sys_now()))) {
		if (err->kind == ERROR_CONFLICT)
			error_set(err, ERROR_CONFLICT, "Key pair '%s' already exists.", key->name);
		return false;
	}
	yyjson_mut_val *root = http_json_object(response, request->microversion >= 2002 ? 201 : 200);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *object = yyjson_mut_obj_add_obj(doc, root, "keypair");
	if (key->private_key)
		yyjson_mut_obj_add_str(doc, object, "private_key", key->private_key);
	if (request->microversion >= 2002)
		yyjson_mut_obj_add_str(doc, object, "type", "ssh");
	yyjson_mut_obj_add_str(doc, object, "name", key->name);
	yyjson_mut_obj_add_str(doc, object, "public_key", key->public_key);
	yyjson_mut_obj_add_str(doc, object, "fingerprint", key->fingerprint);
	yyjson_mut_obj_add_str(doc, object, "user_id", key->user);
	return true;
}

static bool keypair_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *user;

	if (!keypair_user(request, http_query(request, "user_id"), "os-keypairs:delete", &user, err) ||
	    !store_exec(request->db, err, "DELETE FROM keypair WHERE user_id = ?1 AND name = ?2", V(user),
			V(request->params[0])))
		return false;
	if (store_changes(request->db) == 0)
		return keypair_missing(request, user, err);
	return compute_empty(response, request->microversion >= 2002 ? 204 : 202);
}

static const struct http_route routes[] = {
	{HTTP_GET, "/os-keypairs", keypair_index, HTTP_READ, .flags = POLICY_KEYPAIR_INDEX},
	{HTTP_POST, "/os-keypairs", keypair_create, HTTP_WRITE, .flags = POLICY_KEYPAIR_CREATE,
	 .prepare = keypair_prepare},
	{HTTP_GET, "/os-keypairs/{name}", keypair_show, HTTP_READ, .flags = POLICY_KEYPAIR_SHOW},
	{HTTP_DELETE, "/os-keypairs/{name}", keypair_delete, HTTP_WRITE, .flags = POLICY_KEYPAIR_DELETE},
};

const struct compute_routes keypair_routes = {routes, ELEMENTS_OF(routes)};
