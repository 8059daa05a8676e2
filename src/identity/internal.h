/* Within the identity room: what its files share. */
#pragma once

#include "identity/identity.h"

/* Flags of a route, for `before`. */
enum {
	ROUTE_PUBLIC = 1, /* no token needed */
	ROUTE_ANY = 2,	  /* any valid token; without a flag: administrators only */
};

#define IDENTITY_ID_SIZE 37

struct identity_settings {
	int64_t expiration; /* microseconds that a token lives */
	int64_t rounds;	    /* bcrypt cost */
};
extern struct identity_settings identity_settings;

/* --- token.c: sealing and opening --- */

struct token {
	char user_id[IDENTITY_ID_SIZE];
	char project_id[IDENTITY_ID_SIZE]; /* "" = unscoped */
	char audit_id[24];		   /* 22 characters, base64url */
	char parent_audit_id[24];	   /* of the token that it was made from, or "" */
	int64_t issued_at, expires_at;	   /* microseconds */
};

#define TOKEN_TEXT_SIZE 512

/* Reads the key in state_dir/token.key, making it if it is not there. */
bool token_key_load(const char *state_dir, struct error *err);
void token_seal(const struct token *token, char text[TOKEN_TEXT_SIZE]);
/* false if it was not made with this key; expiry is not looked at. */
bool token_open(const char *text, struct token *token);
void token_audit_id(char text[24]);

/* --- password.c --- */

#define PASSWORD_MAX 72 /* bytes; bcrypt looks at no more */

/* Takes 0.1 to 0.3 s: on a worker only.  Copied into the request's memory. */
const char *password_hash(struct http_request *request, const char *password);
/* `hash` NULL: takes the same time and is false, so that nobody learns who exists. */
bool password_matches(const char *password, const char *hash);

/* --- auth.c --- */

/* Whose token is it?  Looks at revocations and at user, project and roles as they are now. ERROR_UNAUTHORIZED
 * otherwise. */
bool auth_from_token(struct http_request *request, const char *text, struct token *token, struct auth **auth,
		     struct error *err);
/* After commit, what is remembered of tokens is looked up anew. */
void auth_forget_on_commit(struct store *db);
/* Tokens of this user that were issued so far are no longer good. */
bool auth_revoke_user(struct store *db, const char *user_id, struct error *err);

http_handler auth_token_create, auth_token_show, auth_token_revoke, auth_catalog, auth_projects, auth_domains;

/* --- views and look-ups --- */

void catalog_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *token);
http_handler catalog_services, catalog_service, catalog_endpoints, catalog_endpoint, catalog_regions,
	catalog_region;
http_handler project_list, project_create, project_show, project_update, project_delete;
http_handler user_list, user_create, user_show, user_update, user_delete, user_prepare, user_projects,
	user_password_prepare, user_password;
http_handler role_list, role_create, role_show, role_delete, role_grant, role_check, role_revoke,
	role_of_user, role_assignments;
http_handler domain_list, domain_show;

/* "links": {"self": base + path} in `object`. */
void identity_links_self(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 const char *path);
/* "links" of a list: next, previous, self. */
void identity_links_list(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *root);
/* The member `name` of the request's body, which must be an object. */
yyjson_val *identity_body(struct http_request *request, const char *name, struct error *err);
/* An optional text member: *value stays as it is if absent; 400 if it is no text or longer than max. */
bool identity_member_text(yyjson_val *object, const char *name, size_t max, const char **value,
			  struct error *err);
bool identity_member_bool(yyjson_val *object, const char *name, bool *value, struct error *err);
/* A name: required if `required`, 1 to 255 characters, not blank. */
bool identity_member_name(yyjson_val *object, bool required, size_t max, const char **value,
			  struct error *err);
/* Adds a project as its APIs show it. */
void project_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		  struct store_rows *rows);
extern const char project_columns_of_user[];
