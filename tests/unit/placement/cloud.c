/* The cloud of placement's tests. */
#include "cloud.h"

#include "compute/consumer.h"
#include "identity/identity.h"
#include "placement/placement.h"

static const struct http_service *services[1];
static struct http_site site = {services, 1, "http://c"};
static struct http_answer answer;
static char **texts;
static size_t text_count;
char cloud_aggregate_host[37];

/* --- doubles --- */

bool identity_authenticate(struct http_request *request, struct error *why)
{
	const char *token = http_header(request, "X-Auth-Token");
	struct auth *auth = http_alloc(request, sizeof *auth);

	if (!token)
		return error_set(why, ERROR_UNAUTHORIZED,
				 "The request you have made requires authentication.");
	auth->user_id = "u1";
	auth->project_id = "p1";
	auth->admin = strcmp(token, "admin") == 0;
	auth->service = strcmp(token, "service") == 0;
	auth->reader = auth->admin || strcmp(token, "reader") == 0;
	request->auth = auth;
	return true;
}

/* Servers whose names begin with s and moves whose names begin with m are of project p1. */
bool compute_consumer_load(struct store *store, const char *server_id, struct compute_consumer *consumer,
			   struct error *why)
{
	(void)store;
	(void)why;
	*consumer = (struct compute_consumer){.type = *server_id == 's' ? COMPUTE_INSTANCE : NULL};
	snprintf(consumer->project_id, sizeof consumer->project_id, "p1");
	snprintf(consumer->user_id, sizeof consumer->user_id, "u1");
	return true;
}

bool compute_consumers_of(struct store *store, const char *project_id, const char *user_id, struct map *ids,
			  struct error *why)
{
	char name[8];

	(void)store;
	(void)user_id;
	(void)why;
	for (int i = 0; i < 100 && strcmp(project_id, "p1") == 0; i++) {
		snprintf(name, sizeof name, "s%d", i);
		map_put(ids, name, COMPUTE_INSTANCE);
		snprintf(name, sizeof name, "m%d", i);
		map_put(ids, name, COMPUTE_MIGRATION);
	}
	return true;
}

bool compute_memberships(struct store *store, const char *host_id, struct compute_membership **members,
			 size_t *count, struct error *why)
{
	(void)store;
	(void)why;
	*members = NULL;
	*count = 0;
	if (!*cloud_aggregate_host || (host_id && strcmp(host_id, cloud_aggregate_host) != 0))
		return true;
	struct compute_membership *one = ARRAY_ADD(*members, *count);
	snprintf(one->host_id, sizeof one->host_id, "%s", cloud_aggregate_host);
	snprintf(one->aggregate, sizeof one->aggregate, "%s", AGGREGATE);
	return true;
}

/* --- the cloud --- */

int cloud_set_up(void **state)
{
	(void)state;
	site_open("[filter_scheduler]\npci_in_placement = true\n[pci]\n"
		  "alias = {\"name\": \"vf\", \"vendor_id\": \"8086\", \"product_id\": \"10ca\"}\n"
		  "alias = {\"name\": \"card\", \"resource_class\": \"card\"}\n");
	assert_true(store_migrate(db, "placement", placement_migrations, placement_migration_count, &err));
	services[0] = placement_service(NULL, &err);
	*cloud_aggregate_host = '\0';
	return 0;
}

int cloud_tear_down(void **state)
{
	(void)state;
	site_close();
	http_answer_done(&answer);
	answer = (struct http_answer){0};
	while (text_count)
		free(texts[--text_count]);
	free(texts);
	texts = NULL;
	return 0;
}

static const char *keep(char *place)
{
	*ARRAY_ADD(texts, text_count) = place;
	return place;
}

int cloud_call(const char *token, const char *version, const char *method, const char *path, const char *body)
{
	_cleanup_free_ char *target = memory_printf("/placement%s", path);
	_cleanup_free_ char *wanted = memory_printf("placement %s", version ? version : "1.0");
	_cleanup_free_ char *json = memory_copy_text(body);
	const char *const headers[] = {"OpenStack-API-Version", wanted, token ? "X-Auth-Token" : NULL, token,
				       NULL};

	for (char *c = json; c && *c; c++)
		*c = *c == '\'' ? '"' : *c;
	http_answer_done(&answer);
	http_call(&site, db,
		  &(struct http_call){.method = method, .target = target, .headers = headers, .body = json},
		  &answer);
	return answer.status;
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
	yyjson_val *value = yyjson_doc_ptr_get(doc, pointer);
	int size = yyjson_is_ctn(value)
			   ? (int)(yyjson_is_arr(value) ? yyjson_arr_size(value) : yyjson_obj_size(value))
			   : -1;

	yyjson_doc_free(doc);
	return size;
}

void cloud_refused_at(const char *file, int line, int status, const char *says, const char *version,
		      const char *method, const char *path, const char *body)
{
	int got = cloud_call(ADMIN, version, method, path, body);

	if (got == status && strstr(cloud_at("/errors/0/detail"), says))
		return;
	print_error("%s:%d: %s %s: %d %s\n", file, line, method, path, got, cloud_at(""));
	fail();
}

const char *text(const char *format, ...)
{
	char line[2000];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	return keep(memory_copy_text(line));
}

const char *cloud_host(const char *name, const char *const *buses, const int *vfs, size_t count)
{
	struct site_host host = {.name = name, .more = "\"report_in_placement\":true,"};
	char pf[16], vf[16];

	for (size_t i = 0; i < count; i++) {
		snprintf(pf, sizeof pf, "0000:%s:00.0", buses[i]);
		site_device(&host, pf, "8086:10c9", "type-PF", NULL, NULL, 0, "\"offered\":false");
		for (int k = 0; k < vfs[i]; k++) {
			snprintf(vf, sizeof vf, "0000:%s:10.%d", buses[i], k);
			site_device(&host, vf, "8086:10ca", "type-VF", pf, NULL, 0, NULL);
		}
	}
	const char *id = site_report(&host);
	assert_non_null(id);
	return text("%s", id);
}

const char *provider(const char *name)
{
	get(text("/resource_providers?name=%s", name));
	return cloud_at("/resource_providers/0/uuid");
}
