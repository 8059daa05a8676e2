/* The agents' protocol: joining, who asks, inventory, image bytes, console logs, may a guest leave.  What a
 * host shall run is in agent_desired.c, what it reports in agent_status.c. */
#include "compute/agent.h"

#include "compute/compute.h"
#include "compute/console.h"
#include "compute/live.h"
#include "image/image.h"
#include "network/network.h"
#include "scheduler/scheduler.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN_LIFE (24 * 3600 * TIME_SECOND)

enum { AGENT_OPEN = 1 }; /* a route that needs no credential */

/* --- secrets --- */

static void to_hex(const unsigned char *bytes, size_t count, char *hex)
{
	for (size_t i = 0; i < count; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void agent_hash(const char *secret, char hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	unsigned int size = 0;

	EVP_Digest(secret, strlen(secret), digest, &size, EVP_sha256(), NULL);
	to_hex(digest, 32, hex);
}

static void make_secret(char text[65])
{
	unsigned char bytes[32];

	sys_random(bytes, sizeof bytes);
	to_hex(bytes, sizeof bytes, text);
}

bool compute_agent_token(struct store *db, char text[65], struct error *err)
{
	int64_t now = sys_now();
	char hash[65];

	make_secret(text);
	agent_hash(text, hash);
	return store_exec(db, err, "DELETE FROM agent_token WHERE expires_at <= ?1", V(now)) &&
	       store_exec(db, err, "INSERT INTO agent_token (hash, expires_at) VALUES (?1, ?2)",
			  V((const char *)hash), V(now + TOKEN_LIFE));
}

static bool token_check(struct store *db, const char *token, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	char hash[65];

	agent_hash(token, hash);
	if (!store_query(db, &rows, err, "SELECT 1 FROM agent_token WHERE hash = ?1 AND expires_at > ?2",
			 V((const char *)hash), V(sys_now())))
		return false;
	if (store_next(&rows))
		return true;
	return store_end(&rows, err) &&
	       error_set(err, ERROR_UNAUTHORIZED,
			 "The token is not valid (any more). Make a new one with `penstock agent-token`.");
}

static bool agent_before(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *credential = http_header(request, "X-Agent-Credential");
	struct agent *agent = http_alloc(request, sizeof *agent);
	char hash[65];

	(void)response;
	request->prepared = agent;
	if (request->route->flags & AGENT_OPEN)
		return true;
	if (!credential)
		return error_set(err, ERROR_UNAUTHORIZED, "The header X-Agent-Credential is missing.");
	agent_hash(credential, hash);
	return scheduler_host_authenticate(request->db, hash, agent->host_id, err);
}

/* --- join --- */

static bool check_version(yyjson_val *body, struct error *err)
{
	int64_t version = schema_integer(yyjson_obj_get(body, "version"), 0);

	return version == AGENT_PROTOCOL_VERSION ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "The agent speaks version %lld of the protocol, this controller version %d.",
			 (long long)version, AGENT_PROTOCOL_VERSION);
}

static const struct schema version_number = {.types = SCHEMA_INTEGER,
					     .ranged = true,
					     .minimum = 0,
					     .maximum = 1000};
static const struct schema token_text = {.types = SCHEMA_STRING, .shortest = 1, .longest = 255};
static const struct schema host_text = {.types = SCHEMA_STRING,
					.shortest = 1,
					.longest = 255,
					.format = SCHEMA_HOSTNAME};
/* As make_secret() makes them: nothing that is easier to guess. */
static const struct schema credential_text = {.types = SCHEMA_STRING, .shortest = 64, .longest = 64};
static const struct schema join_body = {
	.types = SCHEMA_OBJECT,
	.open = true,
	.fields = (const struct schema_field[]){{"version", &version_number, .required = true},
						{"token", &token_text, .required = true},
						{"host", &host_text, .required = true},
						{"credential", &credential_text},
						{0}}};

/* The agent's own, so that joining twice is joining once; agents of an earlier time are given one. */
static bool join_credential(yyjson_val *body, char credential[65], struct error *err)
{
	const char *own = yyjson_get_str(yyjson_obj_get(body, "credential"));

	if (own && strspn(own, "0123456789abcdef") != 64)
		return error_set(err, ERROR_BAD_REQUEST, "credential: expected 64 hexadecimal digits");
	if (own)
		snprintf(credential, 65, "%s", own);
	else
		make_secret(credential);
	return true;
}

static bool agent_join(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = compute_body(request, &join_body, err);
	char credential[65], hash[65], id[37];

	if (!body || !check_version(body, err) ||
	    !token_check(request->db, yyjson_get_str(yyjson_obj_get(body, "token")), err) ||
	    !join_credential(body, credential, err))
		return false;
	agent_hash(credential, hash);
	if (!scheduler_host_join(request->db, yyjson_get_str(yyjson_obj_get(body, "host")), hash, id, err))
		return false;
	yyjson_mut_val *root = http_json_object(response, 201);
	compute_add_text(response->json, root, "host_id", id);
	compute_add_text(response->json, root, "credential", credential);
	return true;
}

/* --- inventory --- */

static bool report_nic_agent(struct http_request *request, yyjson_val *nic_agent, struct error *err)
{
	yyjson_val *mappings = yyjson_obj_get(nic_agent, "device_mappings");
	struct scheduler_host host;

	if (!nic_agent)
		return true;
	if (!yyjson_is_obj(mappings))
		return error_set(err, ERROR_BAD_REQUEST, "nic_agent.device_mappings must be an object");
	_cleanup_free_ char *json = compute_json_text(mappings), *all = compute_json_text(nic_agent);
	return scheduler_host_load(request->db, agent_of(request)->host_id, &host, err) &&
	       network_agent_report(request->db, host.name, json,
				    schema_integer(yyjson_obj_get(nic_agent, "devices"), 0), all, err);
}

static bool agent_inventory(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_val *body = http_body_json(request, err);

	return body && check_version(body, err) &&
	       scheduler_host_report(request->db, agent_of(request)->host_id, body, err) &&
	       report_nic_agent(request, yyjson_obj_get(body, "nic_agent"), err) &&
	       compute_empty(response, 204);
}

/* --- console logs --- */

static bool agent_console(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)err;
	console_put(request->params[0], agent_of(request)->host_id, request->body, request->body_size);
	return compute_empty(response, 204);
}

/* --- live migration --- */

static bool agent_leaving(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *text = http_query(request, "generation");
	int64_t generation;

	if (!text || !text_to_int64(text, 0, INT64_MAX, &generation))
		return error_set(err, ERROR_BAD_REQUEST, "generation must be the generation of the server");
	return live_may_leave(request->db, request->params[0], agent_of(request)->host_id, generation, err) &&
	       compute_empty(response, 204);
}

/* --- images --- */

static bool image_is_for(struct http_request *request, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!schema_text_fits(SCHEMA_UUID, id))
		return error_set(err, ERROR_NOT_FOUND, "No image found with ID %s", id);
	if (!store_query(
		    request->db, &rows, err,
		    "SELECT 1 FROM server WHERE host_id = ?1 AND (image_id = ?2 OR instr(kernel, ?2) > 0 OR"
		    " instr(ramdisk, ?2) > 0 OR json_extract(disk_order, '$.fetch.id') = ?2) LIMIT 1",
		    V((const char *)agent_of(request)->host_id), V(id)))
		return false;
	return store_next(&rows) ||
	       (store_end(&rows, err) &&
		error_set(err, ERROR_NOT_FOUND, "No server of this host needs image %s", id));
}

/* "bytes=N-": a download goes on.  Anything else is left alone, as RFC 9110 14.2 allows. */
static bool parse_range(struct http_request *request, int64_t size, int64_t *offset, struct error *err)
{
	const char *range = http_header(request, "Range");
	char number[24];

	*offset = 0;
	if (!range || !text_starts_with(range, "bytes=") || !text_ends_with(range, "-"))
		return true;
	snprintf(number, sizeof number, "%.*s", (int)(strlen(range) - 7), range + 6);
	if (!text_to_int64(number, 0, INT64_MAX, offset))
		return true;
	return *offset < size || error_set(err, ERROR_RANGE, "The image has %lld bytes.", (long long)size);
}

static bool agent_image(struct http_request *request, struct http_response *response, struct error *err)
{
	const char *id = request->params[0];
	struct image image;
	struct stat facts;
	int64_t offset;

	if (!image_is_for(request, id, err) || !image_load(request->db, id, NULL, &image, err))
		return false;
	_cleanup_close_ int file = image_open(id, err);
	if (file < 0)
		return false;
	if (fstat(file, &facts) < 0)
		return error_set_errno(err, ERROR_INTERNAL, errno, "image %s", id);
	if (!parse_range(request, facts.st_size, &offset, err))
		return false;
	response->status = offset ? 206 : 200;
	response->content_type = "application/octet-stream";
	response->file = TAKE_FD(file);
	response->file_offset = offset;
	response->file_size = facts.st_size - offset;
	http_header_add(response, "X-Image-Checksum-Sha512", image.sha512);
	if (offset)
		http_header_add(response, "Content-Range",
				http_printf(request, "bytes %lld-%lld/%lld", (long long)offset,
					    (long long)facts.st_size - 1, (long long)facts.st_size));
	return true;
}

/* --- disks that become images, or go to another host --- */

static bool disk_is_awaited(struct http_request *request, const char *id, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(
		    request->db, &rows, err,
		    "SELECT 1 FROM server WHERE host_id = ?1 AND json_extract(disk_order, '$.send') = ?2",
		    V((const char *)agent_of(request)->host_id), V(id)))
		return false;
	return store_next(&rows) ||
	       (store_end(&rows, err) &&
		error_set(err, ERROR_GONE, "No server of this host is to send the image %.64s (any more).",
			  id));
}

/* Asked before a guest is stopped for a copy of its disk. */
static bool agent_awaited(struct http_request *request, struct http_response *response, struct error *err)
{
	return disk_is_awaited(request, request->params[0], err) && compute_empty(response, 204);
}

static bool disk_begin(struct http_request *request, struct error *err)
{
	return disk_is_awaited(request, request->params[0], err) &&
	       image_receive_begin(request, request->params[0], err);
}

static const struct http_upload disk_upload = {
	.begin = disk_begin,
	.chunk = image_receive_chunk,
	.abandon = image_receive_abandon,
};

/* --- the service --- */

#define AGENT_BODY_LIMIT \
	(8 * 1024 * 1024) /* an inventory or a report of a host with thousands of devices \
			   */

static const struct http_route routes[] = {
	{HTTP_POST, "/v1/join", agent_join, HTTP_WRITE, .flags = AGENT_OPEN, .body_limit = 4096},
	{HTTP_PUT, "/v1/inventory", agent_inventory, HTTP_WRITE, .body_limit = AGENT_BODY_LIMIT},
	{HTTP_GET, "/v1/desired", agent_desired, HTTP_READ},
	{HTTP_POST, "/v1/status", agent_status, HTTP_WRITE, .body_limit = AGENT_BODY_LIMIT},
	{HTTP_GET, "/v1/images/{id}", agent_image, HTTP_READ},
	{HTTP_GET, "/v1/images/{id}/awaited", agent_awaited, HTTP_READ},
	{HTTP_PUT, "/v1/images/{id}", image_receive_finish, HTTP_WRITE, .prepare = image_receive_prepare,
	 .upload = &disk_upload},
	{HTTP_GET, "/v1/servers/{id}/leaving", agent_leaving, HTTP_READ},
	{HTTP_POST, "/v1/servers/{id}/console", agent_console, HTTP_READ, .body_limit = CONSOLE_MAX},
};

static const struct http_service service = {
	.name = "agent",
	.prefix = "/agent",
	.routes = routes,
	.route_count = ELEMENTS_OF(routes),
	.before = agent_before,
};

const struct http_service *compute_agent_service(const struct config *config, struct error *err)
{
	(void)config;
	(void)err;
	return &service;
}
