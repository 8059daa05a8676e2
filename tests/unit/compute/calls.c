/* A compute service with one host, and requests to it. */
#include "calls.h"

#include "base/memory.h"
#include "compute/compute.h"

struct store *db;
static char *folder;
static struct config *config;
static const struct http_service *services[2];
static struct http_site site = {services, 2, "http://c"};
char credential[65];
struct http_answer answer;

/* --- calling --- */

int call_with(const char *const *headers, const char *method, const char *target, const char *body)
{
	_cleanup_free_ char *json = memory_copy_text(body);

	for (char *c = json; c && *c; c++)
		*c = *c == '\'' ? '"' : *c;
	http_answer_done(&answer);
	http_call(&site, db,
		  &(struct http_call){.method = method, .target = target, .headers = headers, .body = json},
		  &answer);
	return answer.parked ? -1 : answer.status;
}

int call_at(const char *version, const char *token, const char *method, const char *below, const char *body)
{
	_cleanup_free_ char *target = memory_printf("/compute/v2.1%s", below);

	return call_with((const char *const[]){"X-Auth-Token", token, "X-OpenStack-Nova-API-Version", version,
					       NULL},
			 method, target, body);
}

int agent(const char *method, const char *below, const char *body)
{
	_cleanup_free_ char *target = memory_printf("/agent/v1%s", below);

	return call_with((const char *const[]){"X-Agent-Credential", credential, NULL}, method, target, body);
}

const char *at(const char *pointer)
{
	static char texts[4][1000];
	static int next;
	char *text = texts[next++ % 4];
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);

	text[0] = '\0';
	if (yyjson_is_str(value))
		snprintf(text, 1000, "%s", yyjson_get_str(value));
	else if (yyjson_is_int(value))
		snprintf(text, 1000, "%lld", (long long)yyjson_get_sint(value));
	else if (value) {
		_cleanup_free_ char *json = yyjson_val_write(value, 0, NULL);
		snprintf(text, 1000, "%s", json);
	}
	yyjson_doc_free(doc);
	return text;
}

int64_t count_rows(const char *sql)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	struct error err;

	assert_true(store_query(db, &rows, &err, sql));
	assert_true(store_next(&rows));
	return store_int(&rows, 0);
}

/* --- fixtures --- */

int set_up(void **state)
{
	struct error err;

	(void)state;
	folder = test_folder_make();
	_cleanup_free_ char *file = memory_printf("%s/db", folder);
	world = (struct double_world){.port_status = "DOWN", .networks = 1};
	db = store_open(file, STORE_WRITER, &err);
	config = config_new();
	if (!db || !store_migrate(db, "compute", compute_migrations, compute_migration_count, &err) ||
	    !config_read_text(config, "test", "[quota]\ninstances = 3\n", &err))
		return -1;
	services[0] = compute_service(config, &err);
	services[1] = compute_agent_service(config, &err);
	char token[65];
	if (!compute_agent_token(db, token, &err))
		return -1;
	_cleanup_free_ char *join =
		memory_printf("{'version': 1, 'token': '%s', 'host': 'edge-1', 'new_field': 1}", token);
	assert_int_equal(agent("POST", "/join", join), 201);
	snprintf(credential, sizeof credential, "%s", at("/credential"));
	assert_int_equal(call(ADMIN, "POST", "/flavors",
			      "{'flavor': {'name': 'm1', 'id': 'f1', 'ram': 512, 'vcpus': 1, 'disk': 1}}"),
			 200);
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	http_answer_done(&answer);
	config_free(config);
	store_close(db);
	test_folder_remove(folder);
	return 0;
}

char path[64], id[37];

void make_server(void)
{
	assert_int_equal(call(MEMBER, "POST", "/servers",
			      "{'server': {" BASE ", 'networks': [{'port': '" DOUBLE_PORT
			      "'}], 'metadata': {'k': 'v'}}}"),
			 202);
	snprintf(id, sizeof id, "%s", at("/server/id"));
	snprintf(path, sizeof path, "/servers/%s", id);
}

int report(int generation, const char *state, const char *more)
{
	_cleanup_free_ char *body =
		memory_printf("{'servers': [{'id': '%s', 'generation': %d, 'state': '%s'%s}]}", id,
			      generation, state, more);

	return agent("POST", "/status", body);
}

void assert_state(const char *status, const char *vm_state, const char *task_state)
{
	assert_int_equal(call(ADMIN, "GET", path, NULL), 200);
	assert_string_equal(at("/server/status"), status);
	assert_string_equal(at("/server/OS-EXT-STS:vm_state"), vm_state);
	assert_string_equal(at("/server/OS-EXT-STS:task_state"), task_state);
}
