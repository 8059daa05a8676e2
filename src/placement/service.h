/* Within the placement room: what all files of the API share. */
#pragma once

#include "base/memory.h"
#include "base/text.h"
#include "http/http.h"
#include "identity/identity.h"
#include "placement/tree.h"

/* 1000 + the minor number. */
#define PLACEMENT_MIN_MICROVERSION 1000
#define PLACEMENT_MAX_MICROVERSION 1039

/* Who may call a route: P(name, rule, text after "placement:").  NONE needs no token, ADMIN the role admin or
 * service, READER that or the role reader in the project that is asked about. */
#define PLACEMENT_POLICIES(P) \
	P(VERSIONS, NONE, "") \
	P(PROVIDERS_LIST, ADMIN, "resource_providers:list") \
	P(PROVIDERS_SHOW, ADMIN, "resource_providers:show") \
	P(PROVIDERS_CHANGE, ADMIN, "resource_providers:update") \
	P(PROVIDER_INVENTORIES, ADMIN, "resource_providers:inventories:list") \
	P(PROVIDER_INVENTORIES_CHANGE, ADMIN, "resource_providers:inventories:update") \
	P(PROVIDER_USAGES, ADMIN, "resource_providers:usages") \
	P(PROVIDER_TRAITS, ADMIN, "resource_providers:traits:list") \
	P(PROVIDER_AGGREGATES, ADMIN, "resource_providers:aggregates:list") \
	P(PROVIDER_ALLOCATIONS, ADMIN, "resource_providers:allocations:list") \
	P(CLASSES_LIST, ADMIN, "resource_classes:list") \
	P(CLASSES_SHOW, ADMIN, "resource_classes:show") \
	P(CLASSES_CHANGE, ADMIN, "resource_classes:update") \
	P(TRAITS_LIST, ADMIN, "traits:list") \
	P(TRAITS_SHOW, ADMIN, "traits:show") \
	P(TRAITS_CHANGE, ADMIN, "traits:update") \
	P(ALLOCATIONS_LIST, ADMIN, "allocations:list") \
	P(ALLOCATIONS_CHANGE, ADMIN, "allocations:manage") \
	P(USAGES, READER, "usages") \
	P(CANDIDATES, ADMIN, "allocation_candidates:list")

enum placement_policy {
#define P(name, rule, text) POLICY_##name,
	PLACEMENT_POLICIES(P)
#undef P
};

/* A route's flags: its policy, and the minor version that it came with. */
#define SINCE(minor)	 ((unsigned)(minor) << 16)
#define SINCE_OF(flags)	 ((flags) >> 16)
#define POLICY_OF(flags) ((enum placement_policy)((flags)&0xffff))

/* Placement's version negotiation: 400 or 406. */
bool placement_negotiate(const char *header, int *microversion, struct error *err);

static inline bool placement_since(const struct http_request *request, int minor)
{
	return request->microversion >= PLACEMENT_MIN_MICROVERSION + minor;
}

/* 400 unless all parameters are among these (NULL after the last), each since that minor version. */
struct query_parameter {
	const char *name;
	int since;
};
bool query_check(struct http_request *request, const struct query_parameter *known, struct error *err);

/* The tree with the provider that the path names (params[0]); NULL, and 404, if there is none. */
struct provider *provider_load(struct http_request *request, struct tree *tree, struct error *err);
/* {"VCPU": 4, ...} of the amounts of one consumer and provider, from allocations[at] on; returns the next. */
size_t allocations_view(const struct tree *tree, size_t at, yyjson_mut_doc *doc, yyjson_mut_val *object);
/* The list of a traits' text. */
void traits_view(const char *traits, yyjson_mut_doc *doc, yyjson_mut_val *list);
/* An answer without a body. */
bool placement_empty(struct http_response *response, int status);

/* Is the name one of a resource class or a trait: a standard one, one that a client made, one of a host?
 * *known tells. */
bool class_is_known(struct store *db, const struct tree *tree, const char *name, bool *known,
		    struct error *err);
bool trait_is_known(struct store *db, const struct tree *tree, const char *name, bool *known,
		    struct error *err);

/* --- handlers --- */

http_handler providers_list, provider_show, provider_inventories, provider_inventory_show, provider_usages,
	provider_traits, provider_aggregates, provider_allocations;
http_handler inventories_put, inventory_put, write_refused;
http_handler classes_list, class_show, class_look, class_post, class_put, class_delete;
http_handler traits_list, trait_show, trait_look, trait_put, trait_delete;
http_handler allocations_show, usages_show, candidates_list;
