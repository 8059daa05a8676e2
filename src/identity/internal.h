/* Within the identity room: what its files share. */
#pragma once

#include "identity/identity.h"

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

#define TOKEN_TEXT_SIZE 256 /* below 255 characters: what columns of other services hold */

/* Reads the key in state_dir/token.key, making it if it is not there. */
bool token_key_load(const char *state_dir, struct error *err);
bool token_seal(const struct token *token, char text[TOKEN_TEXT_SIZE], struct error *err);
/* false if it was not made with this key; expiry is not looked at. */
bool token_open(const char *text, struct token *token);
void token_audit_id(char text[24]);

/* --- password.c --- */

#define PASSWORD_MAX	   72 /* bytes; bcrypt looks at no more */
#define PASSWORD_HASH_SIZE 64

/* [identity] password_hash_rounds. */
bool password_rounds(const struct config *config, int64_t *rounds, struct error *err);
/* Takes 0.1 to 0.3 s at the usual cost: on a worker only. */
bool password_hash(const char *password, int64_t rounds, char hash[PASSWORD_HASH_SIZE], struct error *err);
/* `hash` NULL: takes the same time and is false, so that nobody learns who exists. */
bool password_matches(const char *password, const char *hash);
/* 400 if it is longer than bcrypt reads. */
bool password_check(const char *password, struct error *err);

/* --- auth.c --- */

/* Who has the token, as the tables say now: looks at revocations, user, project and roles. ERROR_UNAUTHORIZED
 * if it is no longer good. */
bool auth_resolve(struct http_request *request, const struct token *token, struct auth **auth,
		  struct error *err);
/* The same for a token's text. */
bool auth_from_token(struct http_request *request, const char *text, struct token *token, struct auth **auth,
		     struct error *err);
/* 401 with Keystone's sentence; false. */
bool auth_refused(struct error *err);
/* To be called by all that changes what a token is worth: after commit, what is remembered of tokens is
 * looked up anew. */
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
http_handler role_list, role_create, role_show, role_update, role_delete, role_grant, role_check, role_revoke,
	role_of_user, role_assignments;
http_handler domain_list, domain_show;

/* 403 with Keystone's name of the action ("list_users"); false. */
bool identity_forbidden(const char *action, struct error *err);

/* "links": {"self": base + path} in `object`. */
void identity_links_self(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
			 const char *path);
/* "links" of a list: next, previous, self. */
void identity_links_list(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *root);
/* The body as a JSON object; NULL and a 400 in Keystone's words. */
yyjson_val *identity_json(struct http_request *request, struct error *err);
/* A query parameter that is yes or no: 1, 0, or -1 if absent or neither; without a value it is yes. */
int identity_query_bool(const struct http_request *request, const char *name);
/* The member `name` of the request's body, which must be an object. */
yyjson_val *identity_body(struct http_request *request, const char *name, struct error *err);
/* An optional text member: *value stays as it is if absent; 400 if it is no text or longer than max. */
bool identity_member_text(yyjson_val *object, const char *name, size_t max, const char **value,
			  struct error *err);
/* `domain_id`, if given, is the one domain that there is; `options` are empty. */
bool identity_member_domain(yyjson_val *object, struct error *err);
bool identity_member_bool(yyjson_val *object, const char *name, bool *value, struct error *err);
/* A name: required if `required`, 1 to 255 characters, not blank. */
bool identity_member_name(yyjson_val *object, bool required, size_t max, const char **value,
			  struct error *err);
/* Adds a project as its APIs show it. */
void project_view(struct http_request *request, yyjson_mut_doc *doc, yyjson_mut_val *object,
		  struct store_rows *rows);
extern const char project_columns_of_user[];
