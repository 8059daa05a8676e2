/* Tests of identity through its API: logging in, what ends a token, who may do what, errors. */
#include "site.h"

#include "identity/internal.h"

static int setup(void **state)
{
	*state = site_open("[identity]\npassword_hash_rounds = 4\n[token]\nexpiration = 100\n");
	return 0;
}

static int teardown(void **state)
{
	site_close(*state);
	return 0;
}

#define PROBE "/identity/v3/auth/projects"

static void good(struct site *site, const char *token)
{
	assert_non_null(token);
	assert_int_equal(site_status(site, token, "GET", PROBE, NULL), 200);
}

static void bad(struct site *site, const char *token)
{
	assert_int_equal(site_status(site, token, "GET", PROBE, NULL), 401);
}

static void login(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *body = memory_printf(LOGIN, "admin", "secret", "admin");
	struct http_answer answer = site_call(site, NULL, "POST", "/identity/v3/auth/tokens", body);
	_cleanup_free_ char *token = http_answer_header(&answer, "X-Subject-Token");
	_cleanup_free_ char *vary = http_answer_header(&answer, "Vary");

	assert_int_equal(answer.status, 201);
	assert_true(strlen(token) < 255);
	assert_string_equal(vary, "X-Auth-Token");
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *view = yyjson_doc_ptr_get(doc, "/token");
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(view, "/methods/0")), "password");
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(view, "/user/name")), "admin");
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(view, "/project/name")), "admin");
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(view, "roles")), 3); /* with the implied ones */
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(view, "catalog")), 5);
	assert_int_equal(yyjson_get_len(yyjson_ptr_get(view, "/user/id")), 32);
	assert_string_equal(yyjson_get_str(yyjson_ptr_get(view, "/catalog/1/endpoints/0/url")),
			    "http://cloud:5000/image");
	yyjson_doc_free(doc);
	http_answer_done(&answer);
	good(site, token);
}

/* A wrong password, an unknown user, a project without a role, a disabled user: one and the same answer. */
static void refusals(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL;
	static const char *const attempts[][3] = {
		{"admin", "wrong", "admin"}, {"nobody", "secret", "admin"},
		{"r1", "pw", "admin"},	     {"admin", "secret", "nowhere"},
		{"r1", "pw", "r1"},
	};

	site_person(site, "r1", "member", &user, NULL);
	_cleanup_free_ char *target = memory_printf("/identity/v3/users/%s", user);
	assert_int_equal(site_status(site, site->admin, "PATCH", target, "{\"user\": {\"enabled\": false}}"),
			 200);
	for (size_t i = 0; i < ELEMENTS_OF(attempts); i++) {
		_cleanup_free_ char *body =
			memory_printf(LOGIN, attempts[i][0], attempts[i][1], attempts[i][2]);
		struct http_answer answer = site_call(site, NULL, "POST", "/identity/v3/auth/tokens", body);
		_cleanup_free_ char *authenticate = http_answer_header(&answer, "WWW-Authenticate");

		assert_int_equal(answer.status, 401);
		assert_string_equal(
			answer.body,
			"{\"error\":{\"code\":401,\"message\":\"The request you have made requires "
			"authentication.\",\"title\":\"Unauthorized\"}}");
		assert_string_equal(authenticate, "Keystone uri=\"http://cloud:5000/identity/v3\"");
		http_answer_done(&answer);
	}
}

static void malformed_logins(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"not json", 400},
		{"[]", 400},
		{"{}", 400},
		{"{\"auth\": 5}", 400},
		{"{\"auth\": {}}", 400},
		{"{\"auth\": {\"identity\": {}}}", 400},
		{"{\"auth\": {\"identity\": {\"methods\": []}}}", 401},
		{"{\"auth\": {\"identity\": {\"methods\": [5]}}}", 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"nonsense\"]}}}", 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"totp\"], \"totp\": {}}}}", 401},
		{"{\"auth\": {\"identity\": {\"methods\": [\"password\"]}}}", 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": "
		 "{\"name\": \"x\"}}}}}",
		 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": {\"id\": "
		 "\"x\"}}}}}",
		 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"token\"], \"token\": {}}}}", 400},
		{"{\"auth\": {\"identity\": {\"methods\": [\"token\"], \"token\": {\"id\": \"garbage\"}}}}",
		 404},
	};

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		struct http_answer answer =
			site_call(*state, NULL, "POST", "/identity/v3/auth/tokens", cases[i].body);

		if (answer.status != cases[i].status)
			fail_msg("%s: %d", cases[i].body, answer.status);
		http_answer_done(&answer);
	}
}

static void bad_tokens(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *changed = strdup(site->admin);
	char huge[5000];

	changed[20] = changed[20] == 'x' ? 'y' : 'x';
	memset(huge, 'A', sizeof huge);
	huge[sizeof huge - 1] = '\0';
	bad(site, NULL);
	bad(site, "");
	bad(site, "garbage");
	bad(site, changed);
	bad(site, huge);
	good(site, site->admin);
}

static void expiry(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *token = site_login(site, "admin", "secret", "admin");

	good(site, token);
	site_clock_offset += 60 * SECOND; /* the machine may be slow: its own time counts as well */
	good(site, token);
	site_clock_offset += 41 * SECOND;
	bad(site, token);
	site_clock_offset = 0;
}

static void revoke_token(struct site *site, const char *token)
{
	const char *headers[] = {"X-Subject-Token", token, NULL};
	struct http_answer answer =
		site_send(site, site->admin, headers, "DELETE", "/identity/v3/auth/tokens", NULL, 0);

	assert_int_equal(answer.status, 204);
	http_answer_done(&answer);
}

static char *exchange(struct site *site, const char *token)
{
	_cleanup_free_ char *body = memory_printf("{\"auth\": {\"identity\": {\"methods\": [\"token\"], "
						  "\"token\": {\"id\": \"%s\"}}, \"scope\": \"unscoped\"}}",
						  token);
	struct http_answer answer = site_call(site, NULL, "POST", "/identity/v3/auth/tokens", body);
	char *made = answer.status == 201 ? http_answer_header(&answer, "X-Subject-Token") : NULL;

	http_answer_done(&answer);
	return made;
}

/* Revoking ends a token although it is remembered, and those made from it, and no other. */
static void revocation(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *first = site_login(site, "admin", "secret", "admin");
	_cleanup_free_ char *other = site_login(site, "admin", "secret", "admin");
	_cleanup_free_ char *child = exchange(site, first);
	_cleanup_free_ char *grandchild = exchange(site, child);

	good(site, first);
	good(site, child);
	good(site, grandchild);
	revoke_token(site, child);
	bad(site, child);
	good(site, first);
	revoke_token(site, first);
	bad(site, first);
	bad(site, grandchild);
	good(site, other);
	assert_null(exchange(site, first));
}

/* A token got with a token ends when that one would have. */
static void no_prolonging(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *first = site_login(site, "admin", "secret", "admin");

	site_clock_offset += 60 * SECOND;
	_cleanup_free_ char *second = exchange(site, first);
	good(site, second);
	site_clock_offset += 45 * SECOND;
	bad(site, second);
	site_clock_offset = 0;
}

static void validation(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL, *token = NULL;
	const char *headers[] = {"X-Subject-Token", NULL, NULL}, *none[] = {NULL};
	struct http_answer answer;

	site_person(site, "v1", "member", &user, NULL);
	token = site_login(site, "v1", "pw", "v1");
	headers[1] = token;
	answer = site_send(site, site->admin, headers, "GET", "/identity/v3/auth/tokens", NULL, 0);
	assert_int_equal(answer.status, 200);
	_cleanup_free_ char *id = site_text(answer, "/token/user/id");
	assert_string_equal(id, user);
	headers[1] = site->admin; /* others' tokens are for administrators */
	answer = site_send(site, token, headers, "GET", "/identity/v3/auth/tokens", NULL, 0);
	assert_int_equal(answer.status, 403);
	http_answer_done(&answer);
	headers[1] = "garbage";
	answer = site_send(site, site->admin, headers, "GET", "/identity/v3/auth/tokens", NULL, 0);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
	answer = site_send(site, site->admin, none, "GET", "/identity/v3/auth/tokens", NULL, 0);
	assert_int_equal(answer.status, 404);
	http_answer_done(&answer);
}

/* What an administrator changes holds for tokens that are out already. */
static void changes_at_once(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL, *project = NULL, *token = NULL;

	site_person(site, "c1", "member", &user, &project);
	_cleanup_free_ char *user_path = memory_printf("/identity/v3/users/%s", user);
	_cleanup_free_ char *project_path = memory_printf("/identity/v3/projects/%s", project);

	token = site_login(site, "c1", "pw", "c1");
	good(site, token);
	site_grant(site, "DELETE", project, user, "member");
	bad(site, token);
	site_grant(site, "PUT", project, user, "member");
	good(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", project_path,
				     "{\"project\": {\"enabled\": false}}"),
			 200);
	bad(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", project_path,
				     "{\"project\": {\"enabled\": true}}"),
			 200);
	good(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", user_path,
				     "{\"user\": {\"password\": \"new\"}}"),
			 200);
	bad(site, token);
	free(token);
	assert_null(site_login(site, "c1", "pw", "c1"));
	token = site_login(site, "c1", "new", "c1");
	good(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", user_path,
				     "{\"user\": {\"enabled\": false}}"),
			 200);
	bad(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", user_path,
				     "{\"user\": {\"enabled\": true}}"),
			 200);
	bad(site, token);
	free(token);
	token = site_login(site, "c1", "new", "c1");
	good(site, token);
	assert_int_equal(site_status(site, site->admin, "DELETE", user_path, NULL), 204);
	bad(site, token);
}

static void own_password(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL;

	site_person(site, "o1", "member", &user, NULL);
	_cleanup_free_ char *token = site_login(site, "o1", "pw", "o1");
	_cleanup_free_ char *path = memory_printf("/identity/v3/users/%s/password", user);
	good(site, token);
	assert_int_equal(site_status(site, NULL, "POST", path,
				     "{\"user\": {\"password\": \"b\", \"original_password\": \"wrong\"}}"),
			 401);
	good(site, token);
	assert_int_equal(site_status(site, NULL, "POST", path,
				     "{\"user\": {\"password\": \"b\", \"original_password\": \"pw\"}}"),
			 204);
	bad(site, token);
	_cleanup_free_ char *fresh = site_login(site, "o1", "b", "o1");
	good(site, fresh);
	assert_int_equal(site_status(site, NULL, "POST", "/identity/v3/users/nobody/password",
				     "{\"user\": {\"password\": \"b\", \"original_password\": \"pw\"}}"),
			 401);
}

/* What is undone leaves no trace, not even in what is remembered. */
static void failed_changes(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL;

	site_person(site, "f1", "member", &user, NULL);
	_cleanup_free_ char *token = site_login(site, "f1", "pw", "f1");
	_cleanup_free_ char *path = memory_printf("/identity/v3/users/%s", user);
	assert_int_equal(site_status(site, site->admin, "PATCH", path,
				     "{\"user\": {\"name\": \"admin\", \"enabled\": false}}"),
			 409);
	good(site, token);
	assert_int_equal(site_status(site, site->admin, "PATCH", "/identity/v3/users/none",
				     "{\"user\": {\"enabled\": false}}"),
			 404);
	char long_password[200];
	memset(long_password, 'x', 73);
	long_password[73] = '\0';
	_cleanup_free_ char *body = memory_printf("{\"user\": {\"password\": \"%s\"}}", long_password);
	assert_int_equal(site_status(site, site->admin, "PATCH", path, body), 400);
	good(site, token);
}

static void default_project(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *user = NULL, *project = NULL;

	site_person(site, "d1", "reader", &user, &project);
	_cleanup_free_ char *path = memory_printf("/identity/v3/users/%s", user);
	_cleanup_free_ char *change = memory_printf("{\"user\": {\"default_project_id\": \"%s\"}}", project);
	_cleanup_free_ char *login = memory_printf(
		"{\"auth\": {\"identity\": {\"methods\": [\"password\"], \"password\": {\"user\": "
		"{\"id\": \"%s\", \"password\": \"pw\"}}}}}",
		user);
	_cleanup_free_ char *before =
		site_text(site_call(site, NULL, "POST", "/identity/v3/auth/tokens", login),
			  "/token/project/id");
	assert_null(before);
	assert_int_equal(site_status(site, site->admin, "PATCH", path, change), 200);
	_cleanup_free_ char *after =
		site_text(site_call(site, NULL, "POST", "/identity/v3/auth/tokens", login),
			  "/token/project/id");
	assert_string_equal(after, project);
}

static void permissions(void **state)
{
	static const char *const admin_only[][4] = {
		{"GET", "/identity/v3/users", NULL, "list_users"},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"evil\"}}", "create_user"},
		{"DELETE", "/identity/v3/users/x", NULL, "delete_user"},
		{"GET", "/identity/v3/users/x", NULL, "get_user"},
		{"GET", "/identity/v3/projects", NULL, "list_projects"},
		{"POST", "/identity/v3/projects", "{\"project\": {\"name\": \"evil\"}}", "create_project"},
		{"GET", "/identity/v3/projects/x", NULL, "get_project"},
		{"PUT", "/identity/v3/projects/x/users/x/roles/x", NULL, "create_grant"},
		{"GET", "/identity/v3/role_assignments", NULL, "list_role_assignments"},
		{"GET", "/identity/v3/services", NULL, "list_services"},
		{"GET", "/identity/v3/endpoints", NULL, "list_endpoints"},
	};
	struct site *site = *state;

	site_person(site, "p1", "member", NULL, NULL);
	_cleanup_free_ char *token = site_login(site, "p1", "pw", "p1");
	for (size_t i = 0; i < ELEMENTS_OF(admin_only); i++) {
		const char *const *c = admin_only[i];
		struct http_answer answer = site_call(site, token, c[0], c[1], c[2]);
		_cleanup_free_ char *wanted = memory_printf("{\"error\":{\"code\":403,\"message\":\"You are "
							    "not authorized to perform the requested action: "
							    "identity:%s.\",\"title\":\"Forbidden\"}}",
							    c[3]);

		assert_string_equal(answer.body, wanted);
		http_answer_done(&answer);
		assert_int_equal(site_status(site, NULL, c[0], c[1], c[2]), 401);
	}
}

/* Unscoped tokens say who, not what for. */
static void unscoped_is_no_admin(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *token = exchange(site, site->admin);

	good(site, token);
	assert_int_equal(site_status(site, token, "GET", "/identity/v3/users", NULL), 403);
}

static void bad_input(void **state)
{
	static const struct {
		const char *method, *target, *body;
		int status;
	} cases[] = {
		{"GET", "/identity/v3/nonsense", NULL, 404},
		{"PUT", "/identity/v3/users", "{}", 405},
		{"POST", "/identity/v3/users", "{}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {}}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"  \"}}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": 5}}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"a\", \"enabled\": \"maybe\"}}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"a\", \"password\": 5}}", 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"a\", \"domain_id\": \"other\"}}",
		 400},
		{"POST", "/identity/v3/users", "{\"user\": {\"name\": \"admin\", \"password\": \"x\"}}", 409},
		{"POST", "/identity/v3/projects", "{\"project\": {\"name\": \"\"}}", 400},
		{"POST", "/identity/v3/projects", "{\"project\": {\"name\": \"admin\"}}", 409},
		{"POST", "/identity/v3/projects", "{\"project\": {\"name\": \"a\", \"tags\": [\"a/b\"]}}",
		 400},
		{"POST", "/identity/v3/projects", "{\"project\": {\"name\": \"a\", \"parent_id\": \"none\"}}",
		 404},
		{"POST", "/identity/v3/roles", "{\"role\": {\"name\": \"admin\"}}", 409},
		{"GET", "/identity/v3/users/none", NULL, 404},
		{"DELETE", "/identity/v3/users/none", NULL, 404},
		{"GET", "/identity/v3/projects/none", NULL, 404},
		{"PATCH", "/identity/v3/projects/none", "{\"project\": {\"name\": \"b\"}}", 404},
		{"DELETE", "/identity/v3/projects/none", NULL, 404},
		{"GET", "/identity/v3/roles/none", NULL, 404},
		{"DELETE", "/identity/v3/roles/none", NULL, 404},
		{"PUT", "/identity/v3/projects/none/users/none/roles/none", NULL, 404},
		{"GET", "/identity/v3/domains/none", NULL, 404},
		{"GET", "/identity/v3/services/none", NULL, 404},
		{"GET", "/identity/v3/regions/none", NULL, 404},
	};
	struct site *site = *state;

	for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
		int status = site_status(site, site->admin, cases[i].method, cases[i].target, cases[i].body);

		if (status != cases[i].status)
			fail_msg("%s %s %s: %d", cases[i].method, cases[i].target, cases[i].body, status);
	}
}

static void nested_projects(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *parent = site_make(site, "/identity/v3/projects",
						"{\"project\": {\"name\": \"above\"}}", "/project/id");
	_cleanup_free_ char *body =
		memory_printf("{\"project\": {\"name\": \"below\", \"parent_id\": \"%s\"}}", parent);
	_cleanup_free_ char *child = site_make(site, "/identity/v3/projects", body, "/project/id");
	_cleanup_free_ char *parent_path = memory_printf("/identity/v3/projects/%s", parent);
	_cleanup_free_ char *child_path = memory_printf("/identity/v3/projects/%s", child);

	assert_int_equal(site_status(site, site->admin, "DELETE", parent_path, NULL), 403);
	assert_int_equal(site_status(site, site->admin, "DELETE", child_path, NULL), 204);
	assert_int_equal(site_status(site, site->admin, "DELETE", parent_path, NULL), 204);
}

static void versions(void **state)
{
	struct site *site = *state;

	assert_int_equal(site_status(site, NULL, "GET", "/identity", NULL), 300);
	assert_int_equal(site_status(site, NULL, "GET", "/identity/", NULL), 300);
	_cleanup_free_ char *href =
		site_text(site_call(site, NULL, "GET", "/identity/v3/", NULL), "/version/links/0/href");
	assert_string_equal(href, "http://cloud:5000/identity/v3/");
}

/* `penstock bootstrap` sets the password anew: tokens got with the old one end. */
static void bootstrap_again(void **state)
{
	struct site *site = *state;
	_cleanup_free_ char *token = site_login(site, "admin", "secret", "admin");
	struct error err;

	good(site, token);
	assert_true(identity_is_bootstrapped(site->db));
	assert_true(store_transaction_begin(site->db, &err));
	assert_true(identity_bootstrap(site->db, site->config, "admin", "secret", "admin", &err));
	assert_true(store_transaction_commit(site->db, &err));
	/* At the configured cost, as all others. */
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	assert_true(
		store_query(site->db, &rows, &err, "SELECT password_hash FROM user WHERE name = 'admin'"));
	assert_true(store_next(&rows));
	assert_memory_equal(store_text(&rows, 0), "$2b$04$", 7);
	assert_true(store_end(&rows, &err));
	bad(site, token);
	free(site->admin);
	site->admin = site_login(site, "admin", "secret", "admin");
	good(site, site->admin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login),
		cmocka_unit_test(refusals),
		cmocka_unit_test(malformed_logins),
		cmocka_unit_test(bad_tokens),
		cmocka_unit_test(expiry),
		cmocka_unit_test(revocation),
		cmocka_unit_test(no_prolonging),
		cmocka_unit_test(validation),
		cmocka_unit_test(changes_at_once),
		cmocka_unit_test(own_password),
		cmocka_unit_test(failed_changes),
		cmocka_unit_test(default_project),
		cmocka_unit_test(permissions),
		cmocka_unit_test(unscoped_is_no_admin),
		cmocka_unit_test(bad_input),
		cmocka_unit_test(nested_projects),
		cmocka_unit_test(versions),
		cmocka_unit_test(bootstrap_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
