/* Reading requests: the body's object and its members, with Keystone's words for what is wrong. */
#include "base/text.h"
#include "identity/internal.h"

#include <string.h>

yyjson_val *identity_json(struct http_request *request, struct error *err)
{
	const char *type = http_header(request, "Content-Type");
	yyjson_val *body = NULL;
	bool is_json = !type || text_starts_with(type, "application/json");

	if (is_json)
		body = http_body_json(request, err);
	if (!body)
		error_set(err, ERROR_BAD_REQUEST,
			  "Expecting to find %s. The server could not comply with the request since it is "
			  "either malformed "
			  "or otherwise incorrect. The client is assumed to be in error.",
			  is_json ? "valid JSON in request body" : "application/json in Content-Type header");
	return body;
}

yyjson_val *identity_body(struct http_request *request, const char *name, struct error *err)
{
	yyjson_val *body = identity_json(request, err), *member = yyjson_obj_get(body, name);

	if (body && !yyjson_is_obj(member))
		error_set(err, ERROR_BAD_REQUEST, "'%s' is a required property", name);
	return yyjson_is_obj(member) ? member : NULL;
}

static bool bad_member(const char *name, const char *complaint, struct error *err)
{
	return error_set(err, ERROR_BAD_REQUEST, "Invalid input for field '%s': it is %s", name, complaint);
}

bool identity_member_text(yyjson_val *object, const char *name, size_t max, const char **value,
			  struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, name);

	if (!member || yyjson_is_null(member))
		return true;
	if (!yyjson_is_str(member))
		return bad_member(name, "not of type 'string'", err);
	if (text_characters(yyjson_get_str(member)) > max)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field '%s': it is longer than %zu characters", name, max);
	*value = yyjson_get_str(member);
	return true;
}

bool identity_member_bool(yyjson_val *object, const char *name, bool *value, struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, name);

	if (!member)
		return true;
	if (!yyjson_is_bool(member))
		return bad_member(name, "not of type 'boolean'", err);
	*value = yyjson_get_bool(member);
	return true;
}

bool identity_member_name(yyjson_val *object, bool required, size_t max, const char **value,
			  struct error *err)
{
	yyjson_val *member = yyjson_obj_get(object, "name");

	if (!member && !required)
		return true;
	if (!member)
		return error_set(err, ERROR_BAD_REQUEST, "'name' is a required property");
	if (!yyjson_is_str(member))
		return bad_member("name", "not of type 'string'", err);
	const char *name = yyjson_get_str(member);
	if (name[strspn(name, " \t\r\n")] == '\0')
		return error_set(err, ERROR_BAD_REQUEST,
				 "Invalid input for field 'name': '%.40s' is too short", name);
	return identity_member_text(object, "name", max, value, err);
}

int identity_query_bool(const struct http_request *request, const char *name)
{
	const char *text = http_query(request, name);
	bool value = true;

	if (!text)
		return -1;
	return !*text || text_to_bool(text, &value) ? value : -1;
}

/* Keystone's options for users, roles and projects are not built: asking for one is refused, not forgotten.
 */
static bool no_options(yyjson_val *object, struct error *err)
{
	yyjson_val *options = yyjson_obj_get(object, "options");

	if (!options)
		return true;
	if (!yyjson_is_obj(options))
		return bad_member("options", "not of type 'object'", err);
	return yyjson_obj_size(options) == 0 ||
	       error_set(err, ERROR_NOT_IMPLEMENTED, "Options are not supported by this server.");
}

bool identity_member_domain(yyjson_val *object, struct error *err)
{
	const char *domain = "default";

	if (!no_options(object, err) || !identity_member_text(object, "domain_id", 64, &domain, err))
		return false;
	return strcmp(domain, "default") == 0 ||
	       error_set(err, ERROR_BAD_REQUEST, "Could not find domain: %s.", domain);
}
