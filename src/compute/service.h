/* Within the compute room: what all files of the API share: policies, microversions, links, paging, errors.
 */
#pragma once

#include "base/memory.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "compute/schema.h"
#include "config/config.h"
#include "http/http.h"
#include "identity/identity.h"
#include "store/store.h"
#include "sys/sys.h"

#define COMPUTE_MIN_MICROVERSION 2001
#define COMPUTE_MAX_MICROVERSION 2090
/* oslo.middleware's limit of a request's body (max_request_body_size), which Nova has. */
#define COMPUTE_BODY_LIMIT 114688

struct compute_settings {
	int64_t max_limit; /* [api] max_limit: items of a list */
	int64_t quota_instances, quota_cores, quota_ram_mb, quota_key_pairs, quota_metadata_items,
		quota_server_groups, quota_server_group_members;
	int64_t build_timeout;	  /* [DEFAULT] instance_build_timeout, microseconds; 0: none */
	int64_t max_attempts;	  /* [scheduler] max_attempts: hosts to build a server on */
	int64_t move_timeout;	  /* [penstock] move_timeout, microseconds; 0: none */
	int64_t action_timeout;	  /* [penstock] action_timeout, microseconds; 0: none */
	int64_t confirm_window;	  /* [DEFAULT] resize_confirm_window, microseconds; 0: moves wait forever */
	int64_t offload_time;	  /* [DEFAULT] shelved_offload_time, microseconds; below 0: never */
	bool resize_to_same_host; /* [DEFAULT] allow_resize_to_same_host */
	double soft_affinity_weight, soft_anti_affinity_weight; /* [filter_scheduler] ..._multiplier */
	char default_zone[64];					/* [DEFAULT] default_availability_zone */
	bool password; /* [api] enable_instance_password: show adminPass */
};

/* Set by compute_service(). */
extern struct compute_settings compute_settings;

/* Who may call a route: P(name, rule, text after "os_compute_api:").  NONE needs no token at all,
 * READER and MEMBER that role in a project, ADMIN the role admin. */
#define COMPUTE_POLICIES(P) \
	P(VERSIONS, NONE, "") \
	P(FLAVOR_INDEX, READER, "flavors:index") \
	P(FLAVOR_CREATE, ADMIN, "os-flavor-manage:create") \
	P(FLAVOR_UPDATE, ADMIN, "os-flavor-manage:update") \
	P(FLAVOR_DELETE, ADMIN, "os-flavor-manage:delete") \
	P(SPECS_INDEX, READER, "os-flavor-extra-specs:index") \
	P(SPECS_SHOW, READER, "os-flavor-extra-specs:show") \
	P(SPECS_CREATE, ADMIN, "os-flavor-extra-specs:create") \
	P(SPECS_UPDATE, ADMIN, "os-flavor-extra-specs:update") \
	P(SPECS_DELETE, ADMIN, "os-flavor-extra-specs:delete") \
	P(ACCESS_INDEX, ADMIN, "os-flavor-access") \
	P(ACCESS_CHANGE, ADMIN, "os-flavor-access:add_tenant_access") \
	P(KEYPAIR_INDEX, READER, "os-keypairs:index") \
	P(KEYPAIR_SHOW, READER, "os-keypairs:show") \
	P(KEYPAIR_CREATE, READER, "os-keypairs:create") \
	P(KEYPAIR_DELETE, READER, "os-keypairs:delete") \
	P(SERVER_INDEX, READER, "servers:index") \
	P(SERVER_DETAIL, READER, "servers:detail") \
	P(SERVER_SHOW, READER, "servers:show") \
	P(SERVER_CREATE, MEMBER, "servers:create") \
	P(SERVER_UPDATE, MEMBER, "servers:update") \
	P(SERVER_DELETE, MEMBER, "servers:delete") \
	P(SERVER_ACTION, READER, "servers:action") \
	P(METADATA_INDEX, READER, "server-metadata:index") \
	P(METADATA_CHANGE, MEMBER, "server-metadata:update") \
	P(TAGS_INDEX, READER, "os-server-tags:index") \
	P(TAGS_CHANGE, MEMBER, "os-server-tags:update") \
	P(IPS_INDEX, READER, "ips:index") \
	P(INTERFACE_INDEX, READER, "os-attach-interfaces:list") \
	P(INTERFACE_CHANGE, MEMBER, "os-attach-interfaces:create") \
	P(SERVER_GROUPS_OF, READER, "os-security-groups:list") \
	P(ACTIONS_INDEX, READER, "os-instance-actions:list") \
	P(REMOTE_CONSOLES, MEMBER, "os-remote-consoles") \
	P(DIAGNOSTICS, ADMIN, "os-server-diagnostics") \
	P(SERVICES, ADMIN, "os-services:list") \
	P(SERVICES_UPDATE, ADMIN, "os-services:update") \
	P(HYPERVISORS, ADMIN, "os-hypervisors:list") \
	P(HYPERVISORS_DETAIL, ADMIN, "os-hypervisors:list-detail") \
	P(HYPERVISORS_SHOW, ADMIN, "os-hypervisors:show") \
	P(HYPERVISORS_UPTIME, ADMIN, "os-hypervisors:uptime") \
	P(HYPERVISORS_STATISTICS, ADMIN, "os-hypervisors:statistics") \
	P(PCI, ADMIN, "os-pci:index") \
	P(PCI_DETAIL, ADMIN, "os-pci:detail") \
	P(PCI_SHOW, ADMIN, "os-pci:show") \
	P(ZONES, READER, "os-availability-zone:list") \
	P(ZONES_DETAIL, ADMIN, "os-availability-zone:detail") \
	P(AGGREGATES, ADMIN, "os-aggregates:index") \
	P(AGGREGATES_SHOW, ADMIN, "os-aggregates:show") \
	P(AGGREGATES_CREATE, ADMIN, "os-aggregates:create") \
	P(AGGREGATES_UPDATE, ADMIN, "os-aggregates:update") \
	P(AGGREGATES_DELETE, ADMIN, "os-aggregates:delete") \
	P(AGGREGATES_ACTION, ADMIN, "os-aggregates:set_metadata") \
	P(MIGRATIONS, ADMIN, "os-migrations:index") \
	P(LIVE_INDEX, ADMIN, "servers:migrations:index") \
	P(LIVE_SHOW, ADMIN, "servers:migrations:show") \
	P(LIVE_DELETE, ADMIN, "servers:migrations:delete") \
	P(LIVE_COMPLETE, ADMIN, "servers:migrations:force_complete") \
	P(LIMITS, READER, "limits") \
	P(QUOTA_SHOW, READER, "os-quota-sets:show") \
	P(QUOTA_DETAIL, READER, "os-quota-sets:detail") \
	P(QUOTA_UPDATE, ADMIN, "os-quota-sets:update") \
	P(GROUPS, READER, "os-server-groups:index") \
	P(GROUPS_SHOW, READER, "os-server-groups:show") \
	P(GROUPS_CREATE, MEMBER, "os-server-groups:create") \
	P(GROUPS_DELETE, MEMBER, "os-server-groups:delete")

enum compute_policy {
#define P(name, rule, text) POLICY_##name,
	COMPUTE_POLICIES(P)
#undef P
};

/* A route's flags: its policy, and POLICY_SCOPED for the old form /v2.1/{project_id}/... */
#define COMPUTE_SCOPED 0x10000u

struct compute_routes {
	const struct http_route *routes;
	size_t count;
};

/* Tables of the files; patterns without "/v2.1". */
extern const struct compute_routes flavor_routes, keypair_routes, server_routes, host_routes, pci_routes, limits_routes,
	group_routes, aggregate_routes, move_routes;

/* 403 "Policy doesn't allow os_compute_api:<rule> to be performed."; returns false. */
bool compute_forbidden(struct error *err, const char *rule);
/* A method that came with 2.<minor>: 404 to older requests. */
bool compute_since(struct http_request *request, int microversion, struct error *err);
/* Body checked against the schema; NULL and *err if it does not fit. */
yyjson_val *compute_body(struct http_request *request, const struct schema *schema, struct error *err);

/* "http://host/compute/v2.1" and "http://host/compute", in the request's memory. */
const char *compute_self_url(struct http_request *request);
const char *compute_bookmark_url(struct http_request *request);
/* Adds "links": self and bookmark of <kind>/<id>. */
void compute_add_links(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		       const char *kind, const char *id);
/* The same with the bookmark only, as for things inside other things. */
void compute_add_bookmark(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			  const char *kind, const char *id);

struct compute_page {
	int64_t limit;	    /* rows to give, 1 ... max_limit */
	bool limited;	    /* the request asked for a limit */
	const char *marker; /* id, or NULL */
};

bool compute_page(struct http_request *request, struct compute_page *page, struct error *err);
/* Adds "<name>": [{"rel": "next", "href"}] if the page is full. */
void compute_add_next(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *root,
		      const char *name, const struct compute_page *page, const char *path, size_t count,
		      const char *last_id);

/* Times as Nova shows them: "2026-11-23T12:32:49Z" and, for launched_at and its like, "....000000"; 0 is
 * null. */
void compute_add_time(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t us);
void compute_add_time_long(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t us);
/* A text, copied; NULL is null.  (yyjson itself leaves the member out.)  The key must live on. */
void compute_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text);
/* JSON text from the database as a value ("{}" if NULL). */
void compute_add_raw(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *json,
		     const char *fallback);
/* An answer without a body. */
bool compute_empty(struct http_response *response, int status);
/* A JSON value as text; the caller frees it. */
char *compute_json_text(yyjson_val *value);

/* What Nova has and Penstock does not: 501 with a clear sentence. */
bool compute_not_built(struct error *err, const char *what);
