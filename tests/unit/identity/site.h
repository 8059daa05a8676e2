/* For the tests of identity and image: both services on a database of their own, a clock that can be set, and
 * requests as somebody. */
#pragma once

#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "http/http.h"
#include "identity/identity.h"
#include "sys/sys.h"

#define SECOND INT64_C(1000000)

struct site {
	char *folder;
	struct store *db;
	struct config *config;
	const struct http_service *services[2];
	struct http_site http;
	char *admin; /* the administrator's token */
};

static int64_t site_clock_offset; /* microseconds that the clock is ahead */
static struct sys_time site_time;

static int64_t site_now(void)
{
	return sys_time_real.now() + site_clock_offset;
}

static int64_t site_monotonic(void)
{
	return sys_time_real.monotonic() + site_clock_offset;
}

/* Sends a request.  `token` may be NULL; `headers` is a NULL-ended list of names and values, or NULL. */
static inline struct http_answer site_send(struct site *site, const char *token, const char *const *headers,
					   const char *method, const char *target, const char *body,
					   size_t size)
{
	const char *all[16] = {"Host", "cloud:5000", token ? "X-Auth-Token" : NULL, token};
	size_t count = token ? 4 : 2;
	struct http_answer answer;

	for (; headers && *headers; headers++)
		all[count++] = *headers;
	all[count] = NULL;
	http_call(&site->http, site->db,
		  &(struct http_call){.method = method,
				      .target = target,
				      .headers = all,
				      .body = body,
				      .body_size = size},
		  &answer);
	return answer;
}

static inline struct http_answer site_call(struct site *site, const char *token, const char *method,
					   const char *target, const char *body)
{
	return site_send(site, token, NULL, method, target, body, 0);
}

/* Only the status counts. */
static inline int site_status(struct site *site, const char *token, const char *method, const char *target,
			      const char *body)
{
	struct http_answer answer = site_call(site, token, method, target, body);
	int status = answer.status;

	http_answer_done(&answer);
	return status;
}

/* The text at `pointer` in the answer's JSON body, freed by the caller; the answer is done with. */
static inline char *site_text(struct http_answer answer, const char *pointer)
{
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	char *text = memory_copy_text(yyjson_get_str(yyjson_doc_ptr_get(doc, pointer)));

	yyjson_doc_free(doc);
	http_answer_done(&answer);
	return text;
}

/* A number or flag there; -1 if there is none. */
static inline int64_t site_number(struct http_answer answer, const char *pointer)
{
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
	int64_t number = yyjson_is_bool(value)	? yyjson_get_bool(value)
			 : yyjson_is_int(value) ? yyjson_get_sint(value)
			 : yyjson_is_arr(value) ? (int64_t)yyjson_arr_size(value)
						: -1;

	yyjson_doc_free(doc);
	http_answer_done(&answer);
	return number;
}

#define LOGIN \
	"{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": {\"name\": " \
	"\"%s\", " \
	"\"domain\": {\"id\": \"default\"}, \"password\": \"%s\"}}}, \"scope\": {\"project\": {\"name\": " \
	"\"%s\", " \
	"\"domain\": {\"id\": \"default\"}}}}}"

/* A token, or NULL if it is refused. */
static inline char *site_login(struct site *site, const char *user, const char *password, const char *project)
{
	_cleanup_free_ char *body = memory_printf(LOGIN, user, password, project);
	struct http_answer answer = site_call(site, NULL, "POST", "/identity/v3/auth/tokens", body);
	char *token = answer.status == 201 ? http_answer_header(&answer, "X-Subject-Token") : NULL;

	http_answer_done(&answer);
	return token;
}

/* Makes something and gives its id (at "/user/id"). */
static inline char *site_make(struct site *site, const char *target, const char *body, const char *pointer)
{
	struct http_answer answer = site_call(site, site->admin, "POST", target, body);

	assert_int_equal(answer.status, 201);
	return site_text(answer, pointer);
}

/* Gives `role` in the project to the user. */
static inline void site_grant(struct site *site, const char *method, const char *project, const char *user,
			      const char *role)
{
	_cleanup_free_ char *list = memory_printf("/identity/v3/roles?name=%s", role);
	_cleanup_free_ char *id = site_text(site_call(site, site->admin, "GET", list, NULL), "/roles/0/id");
	_cleanup_free_ char *target =
		memory_printf("/identity/v3/projects/%s/users/%s/roles/%s", project, user, id);

	assert_int_equal(site_status(site, site->admin, method, target, NULL), 204);
}

/* A user with password "pw" and a project of the same name, with this role in it.  The ids may be NULL. */
static inline void site_person(struct site *site, const char *name, const char *role, char **user_id,
			       char **project_id)
{
	_cleanup_free_ char *project_body = memory_printf("{\"project\": {\"name\": \"%s\"}}", name);
	_cleanup_free_ char *user_body =
		memory_printf("{\"user\": {\"name\": \"%s\", \"password\": \"pw\"}}", name);
	_cleanup_free_ char *project = site_make(site, "/identity/v3/projects", project_body, "/project/id");
	_cleanup_free_ char *user = site_make(site, "/identity/v3/users", user_body, "/user/id");

	site_grant(site, "PUT", project, user, role);
	if (user_id)
		*user_id = TAKE_PTR(user);
	if (project_id)
		*project_id = TAKE_PTR(project);
}

/* Folder, clock, database with identity's tables, the first administrator (admin, "secret"). */
static inline struct site *site_open(const char *config_text)
{
	struct site *site = calloc(1, sizeof *site);
	struct error err = {0};

	site_time = sys_time_real;
	site_time.now = site_now;
	site_time.monotonic = site_monotonic;
	site_clock_offset = 0;
	sys_time = &site_time;
	site->folder = test_folder_make();
	_cleanup_free_ char *path = memory_printf("%s/t.db", site->folder);
	site->db = store_open(path, STORE_WRITER, &err);
	site->config = config_new();
	if (!site->db || !config_read_text(site->config, "test", config_text, &err) ||
	    !store_migrate(site->db, "identity", identity_migrations, identity_migration_count, &err) ||
	    !(site->services[0] = identity_service(site->config, site->folder, &err)) ||
	    !store_transaction_begin(site->db, &err) ||
	    !identity_bootstrap(site->db, site->config, "admin", "secret", "admin", &err) ||
	    !store_transaction_commit(site->db, &err))
		fail_msg("%s", err.message);
	site->http = (struct http_site){.services = site->services, .service_count = 1};
	site->admin = site_login(site, "admin", "secret", "admin");
	assert_non_null(site->admin);
	return site;
}

static inline void site_close(struct site *site)
{
	store_close(site->db);
	config_free(site->config);
	test_folder_remove(site->folder);
	free(site->admin);
	free(site);
	sys_time = &sys_time_real;
}
