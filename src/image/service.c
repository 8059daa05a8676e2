/* The image service: routes, versions, errors, settings. */
#include "base/memory.h"
#include "base/text.h"
#include "image/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct image_settings image_settings;

/* What Glance 25 (Zed) offers, newest first; 2.14 was never released. */
static const int minor_versions[] = {15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

static void versions_fill(struct http_request *request, struct http_response *response, int status)
{
	yyjson_mut_val *root = http_json_object(response, status);
	yyjson_mut_doc *doc = response->json;
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "versions");
	const char *self = http_printf(request, "%s/image/v2/", http_base_url(request));

	for (size_t i = 0; i < ELEMENTS_OF(minor_versions); i++) {
		yyjson_mut_val *version = yyjson_mut_arr_add_obj(doc, list);

		yyjson_mut_obj_add_strcpy(doc, version, "id",
					  http_printf(request, "v2.%d", minor_versions[i]));
		yyjson_mut_obj_add_str(doc, version, "status", i == 0 ? "CURRENT" : "SUPPORTED");
		yyjson_mut_val *links = yyjson_mut_obj_add_arr(doc, version, "links");
		yyjson_mut_val *link = yyjson_mut_arr_add_obj(doc, links);
		yyjson_mut_obj_add_str(doc, link, "rel", "self");
		yyjson_mut_obj_add_str(doc, link, "href", self);
	}
}

bool image_versions_choice(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)err;
	versions_fill(request, response, 300);
	return true;
}

bool image_versions(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)err;
	versions_fill(request, response, 200);
	return true;
}

/* Import is not built: there are no methods for it. */
bool image_import_info(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *methods = yyjson_mut_obj_add_obj(response->json, root, "import-methods");

	(void)request;
	(void)err;
	yyjson_mut_obj_add_str(response->json, methods, "description", "Import methods available.");
	yyjson_mut_obj_add_str(response->json, methods, "type", "array");
	yyjson_mut_obj_add_arr(response->json, methods, "value");
	return true;
}

bool image_stores_info(struct http_request *request, struct http_response *response, struct error *err)
{
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "stores");
	yyjson_mut_val *store = yyjson_mut_arr_add_obj(response->json, list);

	(void)request;
	(void)err;
	yyjson_mut_obj_add_str(response->json, store, "id", "file");
	yyjson_mut_obj_add_str(response->json, store, "default", "true");
	return true;
}

void image_no_content(struct http_response *response)
{
	response->status = 204;
	response->content_type = "text/html; charset=UTF-8";
}

/* Glance has no HEAD of an image, although there is a GET. */
static bool no_head(struct http_request *request, struct http_response *response, struct error *err)
{
	http_header_add(response, "Allow", "GET, PATCH, DELETE");
	return error_set(err, ERROR_METHOD_NOT_ALLOWED, "The method %.32s is not allowed for this resource.",
			 request->method_name);
}

#define IMAGE "/v2/images/{id}"

static const struct http_route image_routes[] = {
	{HTTP_GET, "/", image_versions_choice, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_GET, "/versions", image_versions, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_GET, "/v2", image_versions_choice, HTTP_READ, ROUTE_PUBLIC},
	{HTTP_GET, "/v2/images", image_list, HTTP_READ},
	{HTTP_POST, "/v2/images", image_create, HTTP_WRITE},
	{HTTP_HEAD, IMAGE, no_head, HTTP_READ},
	{HTTP_GET, IMAGE, image_show, HTTP_READ},
	{HTTP_PATCH, IMAGE, image_patch, HTTP_WRITE, .json_any = true},
	{HTTP_DELETE, IMAGE, image_delete, HTTP_WRITE},
	{HTTP_GET, IMAGE "/file", image_download, HTTP_READ},
	{HTTP_PUT, IMAGE "/file", image_upload_finish, HTTP_WRITE, .prepare = image_upload_prepare,
	 .upload = &image_upload},
	{HTTP_PUT, IMAGE "/tags/{tag}", image_tag_put, HTTP_WRITE},
	{HTTP_DELETE, IMAGE "/tags/{tag}", image_tag_delete, HTTP_WRITE},
	{HTTP_POST, IMAGE "/actions/deactivate", image_deactivate, HTTP_WRITE},
	{HTTP_POST, IMAGE "/actions/reactivate", image_reactivate, HTTP_WRITE},
	{HTTP_GET, IMAGE "/members", image_member_list, HTTP_READ},
	{HTTP_POST, IMAGE "/members", image_member_add, HTTP_WRITE},
	{HTTP_GET, IMAGE "/members/{member}", image_member_show, HTTP_READ},
	{HTTP_PUT, IMAGE "/members/{member}", image_member_update, HTTP_WRITE},
	{HTTP_DELETE, IMAGE "/members/{member}", image_member_remove, HTTP_WRITE},
	{HTTP_GET, "/v2/schemas/image", image_schema, HTTP_READ},
	{HTTP_GET, "/v2/schemas/images", image_schema_list, HTTP_READ},
	{HTTP_GET, "/v2/schemas/member", image_member_schema, HTTP_READ},
	{HTTP_GET, "/v2/schemas/members", image_member_schema_list, HTTP_READ},
	{HTTP_GET, "/v2/info/import", image_import_info, HTTP_READ},
	{HTTP_GET, "/v2/info/stores", image_stores_info, HTTP_READ},
};

static bool image_before(struct http_request *request, struct http_response *response, struct error *err)
{
	(void)response;
	if (request->route->flags & ROUTE_PUBLIC)
		return true;
	return identity_authenticate(request, err) ||
	       (err->kind == ERROR_UNAUTHORIZED
			? error_set(err, ERROR_UNAUTHORIZED,
				    "This server could not verify that you are authorized to access the "
				    "document you "
				    "requested. Either you supplied the wrong credentials (e.g., bad "
				    "password), or your "
				    "browser does not understand how to supply the credentials required.")
			: false);
}

static void image_no_route(struct http_request *request, bool path_known, struct error *err)
{
	if (path_known)
		error_set(err, ERROR_METHOD_NOT_ALLOWED, "The method %.32s is not allowed for this resource.",
			  request->method_name);
}

static const char *title(enum error_kind kind)
{
	switch ((int)kind) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 413:
		return "Request Entity Too Large";
	case 415:
		return "Unsupported Media Type";
	case 416:
		return "Request Range Not Satisfiable";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/* As WebOb does it, on which Glance stands. */
static void add_html(struct text *page, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '&'    ? "&amp;"
				     : *text == '<'  ? "&lt;"
				     : *text == '>'  ? "&gt;"
				     : *text == '"'  ? "&quot;"
				     : *text == '\'' ? "&#x27;"
						     : NULL;

		if (entity)
			text_add(page, entity);
		else
			text_add_bytes(page, text, 1);
	}
}

static void image_error(struct http_request *request, struct http_response *response, const struct error *err)
{
	_cleanup_(text_done) struct text page = {0};

	text_addf(&page, "<html>\n <head>\n  <title>%d %s</title>\n </head>\n <body>\n  <h1>%d %s</h1>\n  ",
		  (int)err->kind, title(err->kind), (int)err->kind, title(err->kind));
	add_html(
		&page,
		err->kind == ERROR_INTERNAL
			? "The server has either erred or is incapable of performing the requested operation."
			: err->message);
	text_add(&page, "<br /><br />\n\n\n\n </body>\n</html>");
	http_text(response, (int)err->kind, "text/html; charset=UTF-8", page.data);
	if (err->kind == ERROR_UNAUTHORIZED)
		http_header_set(response, "WWW-Authenticate",
				http_printf(request, "Keystone uri=\"%s/identity\"", http_base_url(request)));
}

static const struct http_service image = {
	.name = "image",
	.prefix = "/image",
	.routes = image_routes,
	.route_count = ELEMENTS_OF(image_routes),
	.before = image_before,
	.render_error = image_error,
	.no_route = image_no_route,
};

const struct http_service *image_service(const struct config *config, const char *state_dir,
					 struct error *err)
{
	if (!config_int(config, "DEFAULT", "image_size_cap", INT64_C(1) << 40, 1, INT64_C(1) << 62,
			&image_settings.size_cap, err))
		return NULL;
	free(image_settings.folder);
	image_settings.folder = memory_printf("%s/images", state_dir);
	if (mkdir(image_settings.folder, 0700) != 0 && errno != EEXIST) {
		error_set_errno(err, ERROR_INTERNAL, errno, "cannot make the folder %s",
				image_settings.folder);
		return NULL;
	}
	return &image;
}
