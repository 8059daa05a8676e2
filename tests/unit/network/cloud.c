/* The cloud of the network's tests. */
#include "cloud.h"

struct store *cloud_db;
static char *folder;
static struct config *config;
static const struct http_service *services[1];
static struct http_site site = {services, 1, "http://c"};
static struct http_answer answer;
/* What cloud_at() and text() gave: kept to the end, so that tests need not care. */
static char **texts;
static size_t text_count;

/* Double of identity: the token says who asks. */
bool identity_authenticate(struct http_request *request, struct error *err)
{
	const char *token = http_header(request, "X-Auth-Token");
	struct auth *auth = http_alloc(request, sizeof *auth);
	const char *role = token ? strchr(token, ':') + 1 : NULL;

	if (!token)
		return error_set(err, ERROR_UNAUTHORIZED,
				 "The request you have made requires authentication.");
	auth->user_id = "u";
	auth->project_id = http_printf(request, "%.*s", (int)(role - token - 1), token);
	auth->admin = strcmp(role, "admin") == 0;
	auth->member = auth->admin || strcmp(role, "member") == 0;
	auth->reader = true;
	auth->service = strcmp(role, "service") == 0;
	request->auth = auth;
	return true;
}

static void cloud_close(void)
{
	http_answer_done(&answer);
	config_free(config);
	store_close(cloud_db);
	if (folder)
		test_folder_remove(folder);
	config = NULL;
	cloud_db = NULL;
	folder = NULL;
}

void cloud_open(const char *settings)
{
	struct error err = {0};

	cloud_close();
	folder = test_folder_make();
	_cleanup_free_ char *path = memory_printf("%s/db", folder);
	cloud_db = store_open(path, STORE_WRITER, &err);
	config = config_new();
	if (!cloud_db ||
	    !store_migrate(cloud_db, "network", network_migrations, network_migration_count, &err) ||
	    !config_read_text(config, "test", settings, &err) ||
	    !(services[0] = network_service(config, &err)))
		fail_msg("%s", err.message);
}

int cloud_set_up(void **state)
{
	(void)state;
	cloud_open(CLOUD_SETTINGS);
	return 0;
}

int cloud_tear_down(void **state)
{
	(void)state;
	cloud_close();
	while (text_count)
		free(texts[--text_count]);
	free(texts);
	texts = NULL;
	return 0;
}

int cloud_call(const char *token, const char *method, const char *path, const char *body)
{
	_cleanup_free_ char *target = memory_printf("/network/v2.0%s", path);
	_cleanup_free_ char *json = memory_copy_text(body);
	const char *const headers[] = {token ? "X-Auth-Token" : NULL, token, NULL};

	for (char *c = json; c && *c; c++)
		*c = *c == '\'' ? '"' : *c;
	http_answer_done(&answer);
	http_call(&site, cloud_db,
		  &(struct http_call){.method = method, .target = target, .headers = headers, .body = json},
		  &answer);
	return answer.status;
}

static const char *keep(char *place)
{
	*ARRAY_ADD(texts, text_count) = place;
	return place;
}

const char *cloud_at(const char *pointer)
{
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
	_cleanup_free_ char *json = value ? yyjson_val_write(value, 0, NULL) : NULL;
	char *place = memory_copy_text(yyjson_is_str(value) ? yyjson_get_str(value) : json ? json : "");

	yyjson_doc_free(doc);
	return keep(place);
}

int cloud_size(const char *pointer)
{
	yyjson_doc *doc = yyjson_read(answer.body, answer.body_size, 0);
	yyjson_val *list = yyjson_doc_ptr_get(doc, pointer);
	int size = yyjson_is_arr(list) ? (int)yyjson_arr_size(list) : -1;

	yyjson_doc_free(doc);
	return size;
}

void cloud_refused_at(const char *file, int line, int status, const char *type, const char *token,
		      const char *method, const char *path, const char *body)
{
	int got = cloud_call(token, method, path, body);

	if (got == status && strcmp(cloud_at("/NeutronError/type"), type) == 0)
		return;
	print_error("%s %s %s\n  %d %s\n  wanted: %d %s\n", method, path, body ? body : "", got,
		    answer.body ? answer.body : "", status, type);
	_fail(file, line);
}

const char *cloud_make_at(const char *file, int line, const char *token, const char *resource,
			  const char *members)
{
	_cleanup_free_ char *path = memory_printf("/%ss", resource);
	_cleanup_free_ char *body = memory_printf("{'%s': {%s}}", resource, members);
	_cleanup_free_ char *pointer = memory_printf("/%s/id", resource);

	if (cloud_call(token, "POST", path, body) != 201) {
		print_error("POST %s %s\n  %d %s\n", path, body, answer.status,
			    answer.body ? answer.body : "");
		_fail(file, line);
	}
	return cloud_at(pointer);
}

const char *text(const char *format, ...)
{
	char *place = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&place, format, arguments) < 0)
		abort();
	va_end(arguments);
	return keep(place);
}
