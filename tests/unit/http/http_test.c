/* Tests of http: routes, decoding, bodies and errors without a socket; the server with one. */
#include "../test.h"

#include "base/memory.h"
#include "http/http.h"
#include "http/http_server.h"
#include "sys/sys.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

static bool echo(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);

	(void)err;
	yyjson_mut_obj_add_strcpy(response->json, root, "a", request->params[0] ? request->params[0] : "");
	yyjson_mut_obj_add_strcpy(response->json, root, "b", request->params[1] ? request->params[1] : "");
	yyjson_mut_obj_add_strcpy(response->json, root, "q",
				  http_query(request, "q") ? http_query(request, "q") : "-");
	http_header_add(response, "X-Echo", "yes");
	return true;
}

static bool insert(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = http_body_json(request, err);
	const char *name;

	if (!body)
		return false;
	name = yyjson_get_str(yyjson_obj_get(body, "name"));
	if (!store_exec(request->db, err, "INSERT INTO thing (id) VALUES (?1)", V(name)))
		return false;
	if (strcmp(name, "refused") == 0)
		return error_set(err, ERROR_FORBIDDEN, "not this one");
	http_json_object(response, 201);
	return true;
}

static bool count(struct http_request *request, struct http_response *response, struct error *err)
{
	struct store_rows rows;

	if (!store_query(request->db, &rows, err, "SELECT count(*) FROM thing"))
		return false;
	yyjson_mut_val *root = http_json_object(response, 200);
	if (store_next(&rows))
		yyjson_mut_obj_add_int(response->json, root, "count", store_int(&rows, 0));
	return store_end(&rows, err);
}

static _Atomic bool ready;
static _Atomic int looks;

static bool await(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)err;
	looks++;
	if (ready || (request->resumed && sys_monotonic() > (int64_t)1 << 62))
		http_json_object(response, 200);
	else
		http_park(request, "thing", sys_monotonic() + 60000000);
	return true;
}

static bool slow(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)request;
	(void)err;
	http_json_object(response, 202);
	return true;
}

static const struct http_route routes[] = {
	{HTTP_GET, "/", echo, HTTP_READ},
	{HTTP_GET, "/things", count, HTTP_READ},
	{HTTP_POST, "/things", insert, HTTP_WRITE},
	{HTTP_GET, "/things/detail", count, HTTP_READ},
	{HTTP_GET, "/things/{id}", echo, HTTP_READ},
	{HTTP_GET, "/things/{id}/parts/{part}", echo, HTTP_READ},
	{HTTP_GET, "/await", await, HTTP_READ},
	{HTTP_POST, "/slow", slow, HTTP_SLOW},
};
static const struct http_service service = {.name = "test",
					    .prefix = "/test",
					    .routes = routes,
					    .route_count = ELEMENTS_OF(routes)};
static const struct http_service *const services[] = {&service};
static const struct http_site site = {.services = services, .service_count = 1};
static const struct store_migration migrations[] = {{"CREATE TABLE thing (id TEXT PRIMARY KEY) STRICT"}};

struct fixture {
	char *folder, *path;
	struct store *db;
	struct store_writer *writer;
	struct http_server *server;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;

	f->folder = test_folder_make();
	f->path = memory_printf("%s/t.db", f->folder);
	f->db = store_open(f->path, STORE_WRITER, &err);
	*state = f;
	return f->db && store_migrate(f->db, "t", migrations, 1, &err) ? 0 : -1;
}

static int setup_server(void **state)
{
	struct error err;

	if (setup(state) != 0)
		return -1;
	struct fixture *f = *state;
	f->writer = store_writer_start(TAKE_PTR(f->db), &err);
	struct http_server_settings settings = {.address = "127.0.0.1",
						.site = &site,
						.writer = f->writer,
						.database = f->path,
						.workers = 2};
	f->server = http_server_start(&settings, &err);
	return f->server ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_stop(f->server);
	store_writer_stop(f->writer);
	store_close(f->db);
	test_folder_remove(f->folder);
	free(f->path);
	free(f);
	return 0;
}

static struct http_answer call(struct fixture *f, const char *method, const char *target, const char *body)
{
	struct http_answer answer;

	http_call(&site, f->db, &(struct http_call){.method = method, .target = target, .body = body},
		  &answer);
	return answer;
}

static void expect(struct fixture *f, const char *method, const char *target, const char *body, int status,
		   const char *contains)
{
	struct http_answer answer = call(f, method, target, body);

	if (answer.status != status || !strstr(answer.body, contains))
		fail_msg("%s %s: %d %s, expected %d %s", method, target, answer.status, answer.body, status,
			 contains);
	http_answer_done(&answer);
}

static void test_routes(void **state)
{
	struct fixture *f = *state;

	expect(f, "GET", "/test", NULL, 200, "\"a\":\"\"");
	expect(f, "GET", "/test/", NULL, 200, "\"a\":\"\"");
	expect(f, "GET", "/test/things/a%20b?q=1%2B1+x&q=2", NULL, 200,
	       "{\"a\":\"a b\",\"b\":\"\",\"q\":\"1+1 x\"}");
	expect(f, "GET", "/test/things/x/parts/y/", NULL, 200, "{\"a\":\"x\",\"b\":\"y\"");
	expect(f, "HEAD", "/test/things/x", NULL, 200, "");
	expect(f, "GET", "/test/things/detail", NULL, 200, "count");
	expect(f, "GET", "/test/things//parts/y", NULL, 404, "could not be found");
	expect(f, "GET", "/test/things/%ff", NULL, 404, "could not be found");
	expect(f, "GET", "/test/things/%00", NULL, 404, "could not be found");
	expect(f, "PUT", "/test/things", "{}", 405, "405");
	expect(f, "BREW", "/test/things", NULL, 405, "405");
	expect(f, "GET", "/testing", NULL, 404, "/testing");
	expect(f, "GET", "/", NULL, 404, "404");
}

static void test_a_refused_method_names_the_others(void **state)
{
	struct http_answer answer = call(*state, "PUT", "/test/things", "{}");
	char *allow = http_answer_header(&answer, "Allow");

	assert_int_equal(answer.status, 405);
	assert_string_equal(allow, "GET, HEAD, POST");
	free(allow);
	http_answer_done(&answer);
}

static void test_bad_bodies_change_nothing(void **state)
{
	static const char *const bad[] = {"",
					  "{",
					  "[]",
					  "{\"a\":1,\"a\":2}",
					  "{\"name\":\"\\u0000\"}",
					  "{\"name\":\"\xff\"}",
					  "nul",
					  "{\"name\":\"x\"}}",
					  "5"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
		expect(f, "POST", "/test/things", bad[i], 400, "Malformed request body");
	struct text deep = {0};
	for (int i = 0; i < 5000; i++)
		text_add(&deep, "{\"a\":");
	text_add(&deep, "1");
	for (int i = 0; i < 5000; i++)
		text_add(&deep, "}");
	expect(f, "POST", "/test/things", deep.data, 400, "nested too deeply");
	text_done(&deep);
	char *large = memory_alloc(11 * 1024 * 1024 + 1);
	memset(large, ' ', 11 * 1024 * 1024);
	expect(f, "POST", "/test/things", large, 413, "too large");
	free(large);
	expect(f, "GET", "/test/things", NULL, 200, "{\"count\":0}");
}

static void test_a_failed_write_is_undone(void **state)
{
	struct fixture *f = *state;

	expect(f, "POST", "/test/things", "{\"name\":\"a\"}", 201, "{}");
	expect(f, "POST", "/test/things", "{\"name\":\"refused\"}", 403, "not this one");
	expect(f, "GET", "/test/things", NULL, 200, "{\"count\":1}");
}

struct shot {
	const char *method, *body;
	char url[128];
	long status;
	struct text text;
	pthread_t thread;
};

static size_t shot_take(char *bytes, size_t size, size_t count, void *argument)
{
	text_add_bytes(argument, bytes, size * count);
	return size * count;
}

static void *shot_run(void *argument)
{
	struct shot *shot = argument;
	CURL *curl = curl_easy_init();

	curl_easy_setopt(curl, CURLOPT_URL, shot->url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, shot->method);
	if (shot->body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, shot->body);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, shot_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &shot->text);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &shot->status);
	curl_easy_cleanup(curl);
	return NULL;
}

static void shoot(struct fixture *f, struct shot *shot, const char *method, const char *path,
		  const char *body)
{
	*shot = (struct shot){.method = method, .body = body};
	snprintf(shot->url, sizeof shot->url, "http://127.0.0.1:%u/test%s", http_server_port(f->server),
		 path);
	pthread_create(&shot->thread, NULL, shot_run, shot);
}

static void land(struct shot *shot, long status, const char *contains)
{
	pthread_join(shot->thread, NULL);
	assert_int_equal(shot->status, status);
	assert_non_null(strstr(shot->text.data ? shot->text.data : "", contains));
	text_done(&shot->text);
}

static void test_the_server_serves_all_modes_at_once(void **state)
{
	struct fixture *f = *state;
	struct shot writes[16], slows[4], one;
	char bodies[16][32];

	for (int i = 0; i < 16; i++) {
		snprintf(bodies[i], sizeof bodies[i], "{\"name\":\"%d\"}", i / 2);
		shoot(f, &writes[i], "POST", "/things", bodies[i]);
	}
	for (int i = 0; i < 4; i++)
		shoot(f, &slows[i], "POST", "/slow", "{}");
	int created = 0, conflicts = 0;
	for (int i = 0; i < 16; i++) {
		pthread_join(writes[i].thread, NULL);
		created += writes[i].status == 201;
		conflicts += writes[i].status == 409;
		text_done(&writes[i].text);
	}
	assert_int_equal(created, 8);
	assert_int_equal(conflicts, 8);
	for (int i = 0; i < 4; i++)
		land(&slows[i], 202, "");
	shoot(f, &one, "GET", "/things", NULL);
	land(&one, 200, "{\"count\":8}");
}

static void test_a_parked_request_is_woken(void **state)
{
	struct fixture *f = *state;
	struct shot waiting;

	ready = false;
	looks = 0;
	shoot(f, &waiting, "GET", "/await", NULL);
	while (looks == 0)
		usleep(1000);
	http_wake("something else");
	ready = true;
	http_wake("thing");
	land(&waiting, 200, "{}");
}

static void test_stopping_answers_what_is_parked(void **state)
{
	struct fixture *f = *state;
	struct shot waiting;

	ready = false;
	looks = 0;
	shoot(f, &waiting, "GET", "/await", NULL);
	while (looks == 0)
		usleep(1000);
	http_server_stop(TAKE_PTR(f->server));
	land(&waiting, 503, "shutting down");
}

#define TEST(name)	  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SERVER(name) cmocka_unit_test_setup_teardown(name, setup_server, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routes),
		TEST(test_a_refused_method_names_the_others),
		TEST(test_bad_bodies_change_nothing),
		TEST(test_a_failed_write_is_undone),
		TEST_SERVER(test_the_server_serves_all_modes_at_once),
		TEST_SERVER(test_a_parked_request_is_woken),
		TEST_SERVER(test_stopping_answers_what_is_parked),
	};

	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
