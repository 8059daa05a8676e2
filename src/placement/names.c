/* Resource classes and traits: the standard ones, those of hosts, and those that clients made. */
#include "pci/resource.h"
#include "placement/service.h"

#include <string.h>

#define CUSTOM "CUSTOM_"

/* --- what there is --- */

static bool class_is_stored(struct store *db, const char *name, bool *stored, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT 1 FROM placement_class WHERE name = ?1", V(name)))
		return false;
	*stored = store_next(&rows);
	return store_end(&rows, err);
}

static bool trait_is_stored(struct store *db, const char *name, bool *stored, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, "SELECT 1 FROM placement_trait WHERE name = ?1", V(name)))
		return false;
	*stored = store_next(&rows);
	return store_end(&rows, err);
}

static bool class_is_used(const struct tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->provider_count; i++) {
		if (provider_inventory(&tree->providers[i], name))
			return true;
	}
	return false;
}

static bool trait_is_used(const struct tree *tree, const char *name)
{
	char wanted[PCI_NAME_SIZE + 2];

	snprintf(wanted, sizeof wanted, ",%s,", name);
	for (size_t i = 0; i < tree->provider_count; i++) {
		if (strstr(tree->providers[i].traits, wanted))
			return true;
	}
	return false;
}

bool class_is_known(struct store *db, const struct tree *tree, const char *name, bool *known,
		    struct error *err)
{
	*known = pci_class_is_standard(name) || class_is_used(tree, name);
	return *known || class_is_stored(db, name, known, err);
}

bool trait_is_known(struct store *db, const struct tree *tree, const char *name, bool *known,
		    struct error *err)
{
	*known = pci_trait_is_standard(name) || trait_is_used(tree, name);
	return *known || trait_is_stored(db, name, known, err);
}

/* The name that a request is to change, and whether hosts use it: found out before. */
struct name {
	const char *name;
	bool used;
};

/* All names, sorted, each once: put together as traits are kept. */
struct names {
	char **items;
	size_t count;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

static void names_add(struct names *names, const char *name, size_t length)
{
	*ARRAY_ADD(names->items, names->count) = memory_printf("%.*s", (int)length, name);
}

static void names_add_traits(struct names *names, const char *traits)
{
	for (const char *end; traits[0] && traits[1]; traits = end) {
		end = strchr(traits + 1, ',');
		names_add(names, traits + 1, (size_t)(end - traits - 1));
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void names_sort(struct names *names)
{
	size_t kept = 0;

	if (names->count)
		qsort(names->items, names->count, sizeof *names->items, compare);
	for (size_t i = 0; i < names->count; i++) {
		if (kept && strcmp(names->items[kept - 1], names->items[i]) == 0)
			free(names->items[i]);
		else
			names->items[kept++] = names->items[i];
	}
	names->count = kept;
}

static bool names_add_stored(struct names *names, struct store *db, const char *sql, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err, sql))
		return false;
	while (store_next(&rows))
		names_add(names, store_text(&rows, 0), strlen(store_text(&rows, 0)));
	return store_end(&rows, err);
}

/* "CUSTOM_..." of capitals, digits and _, at most 255. */
static bool name_check(const char *name, struct error *err)
{
	size_t length = strlen(name);

	return (text_starts_with(name, CUSTOM) && length > strlen(CUSTOM) && length < PCI_NAME_SIZE &&
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length) ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "'%.100s' is not a name: expected CUSTOM_ and then capitals, digits and _, at most "
			 "%d characters",
			 name, PCI_NAME_SIZE - 1);
}

/* --- resource classes --- */

static void class_view(struct http_request *request, const char *name, yyjson_mut_doc *doc,
		       yyjson_mut_val *object)
{
	yyjson_mut_val *link;

	yyjson_mut_obj_add_strcpy(doc, object, "name", name);
	link = yyjson_mut_arr_add_obj(doc, yyjson_mut_obj_add_arr(doc, object, "links"));
	yyjson_mut_obj_add_str(doc, link, "rel", "self");
	yyjson_mut_obj_add_str(doc, link, "href",
			       http_printf(request, "/placement/resource_classes/%s", name));
}

bool classes_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_(names_done) struct names names = {0};

	if (!tree_load(request->db, NULL, &tree, err) ||
	    !names_add_stored(&names, request->db, "SELECT name FROM placement_class", err))
		return false;
	for (size_t i = 0; i < pci_standard_class_count; i++)
		names_add(&names, pci_standard_classes[i], strlen(pci_standard_classes[i]));
	for (size_t i = 0; i < tree.provider_count; i++) {
		for (size_t k = 0; k < tree.providers[i].inventory_count; k++)
			names_add(&names, tree.providers[i].inventories[k].class,
				  strlen(tree.providers[i].inventories[k].class));
	}
	names_sort(&names);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "resource_classes");
	for (size_t i = 0; i < names.count; i++)
		class_view(request, names.items[i], response->json,
			   yyjson_mut_arr_add_obj(response->json, list));
	return true;
}

bool class_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	const char *name = request->params[0];
	bool known;

	if (!tree_load(request->db, NULL, &tree, err) ||
	    !class_is_known(request->db, &tree, name, &known, err))
		return false;
	if (!known)
		return error_set(err, ERROR_NOT_FOUND, "No such resource class %.255s.", name);
	yyjson_mut_val *root = http_json_object(response, 200);
	class_view(request, name, response->json, root);
	return true;
}

/* Before a change, on a worker, as it looks at all hosts: does any have the class? */
bool class_look(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	yyjson_val *body = request->params[0] ? NULL : http_body_json(request, err);
	const char *name = body ? yyjson_get_str(yyjson_obj_get(body, "name")) : request->params[0];
	struct name *found = request->prepared = http_alloc(request, sizeof *found);

	(void)response;
	if (!body && !name)
		return false;
	found->name = name;
	if (!name)
		return error_set(err, ERROR_BAD_REQUEST, "JSON does not validate: 'name' is a required text");
	if (!tree_load(request->db, NULL, &tree, err))
		return false;
	found->used = class_is_used(&tree, name);
	return true;
}

static bool class_make(struct http_request *request, struct http_response *response, bool *made,
		       struct error *err)
{
	const struct name *name = request->prepared;
	bool stored;

	if (!name_check(name->name, err) || !class_is_stored(request->db, name->name, &stored, err))
		return false;
	*made = !stored && !name->used;
	http_header_add(response, "Location",
			http_printf(request, "%s/placement/resource_classes/%s", http_base_url(request),
				    name->name));
	return !*made ||
	       store_exec(request->db, err, "INSERT INTO placement_class (name) VALUES (?1)", V(name->name));
}

bool class_post(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct name *name = request->prepared;
	bool made;

	if (!class_make(request, response, &made, err))
		return false;
	if (!made)
		return error_set(err, ERROR_CONFLICT, "Conflicting resource class already exists: %.255s",
				 name->name);
	return placement_empty(response, 201);
}

bool class_put(struct http_request *request, struct http_response *response, struct error *err)
{
	bool made;

	return class_make(request, response, &made, err) && placement_empty(response, made ? 201 : 204);
}

bool class_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct name *name = request->prepared;
	bool stored;

	if (pci_class_is_standard(name->name))
		return error_set(err, ERROR_BAD_REQUEST, "Cannot delete standard resource class %s.",
				 name->name);
	if (name->used)
		return error_set(err, ERROR_CONFLICT, "Cannot delete resource class %s: hosts have it.",
				 name->name);
	if (!class_is_stored(request->db, name->name, &stored, err))
		return false;
	if (!stored)
		return error_set(err, ERROR_NOT_FOUND, "No such resource class %.255s.", name->name);
	return store_exec(request->db, err, "DELETE FROM placement_class WHERE name = ?1", V(name->name)) &&
	       placement_empty(response, 204);
}

/* --- traits --- */

/* name=startswith:CUSTOM_ or name=in:A,B; associated=true: only those of providers. */
static bool trait_is_wanted(struct http_request *request, const struct tree *tree, const char *trait)
{
	const char *name = http_query(request, "name"), *associated = http_query(request, "associated");
	_cleanup_free_ char *list = NULL, *one = NULL;
	bool yes;

	if (name && text_starts_with(name, "startswith:") &&
	    !text_starts_with(trait, name + strlen("startswith:")))
		return false;
	if (name && text_starts_with(name, "in:")) {
		list = memory_printf(",%s,", name + strlen("in:"));
		one = memory_printf(",%s,", trait);
		if (!strstr(list, one))
			return false;
	}
	return !associated || (text_to_bool(associated, &yes) && yes == trait_is_used(tree, trait));
}

static bool traits_query_check(struct http_request *request, struct error *err)
{
	static const struct query_parameter known[] = {{"name", 0}, {"associated", 0}, {0}};
	const char *name = http_query(request, "name"), *associated = http_query(request, "associated");
	bool yes;

	if (!query_check(request, known, err))
		return false;
	if (name && !text_starts_with(name, "startswith:") && !text_starts_with(name, "in:"))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Badly formatted name parameter. Expected name query string parameter in "
				 "form: ?name=[in|startswith]:[name1,name2|prefix]. Got: \"%.100s\"",
				 name);
	return !associated || text_to_bool(associated, &yes) ||
	       error_set(err, ERROR_BAD_REQUEST,
			 "The query parameter \"associated\" only accepts \"true\" "
			 "or \"false\"");
}

bool traits_list(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	_cleanup_(names_done) struct names names = {0};

	if (!traits_query_check(request, err) || !tree_load(request->db, NULL, &tree, err) ||
	    !names_add_stored(&names, request->db, "SELECT name FROM placement_trait", err))
		return false;
	for (size_t i = 0; i < pci_standard_trait_count; i++)
		names_add(&names, pci_standard_traits[i], strlen(pci_standard_traits[i]));
	for (size_t i = 0; i < tree.provider_count; i++)
		names_add_traits(&names, tree.providers[i].traits);
	names_sort(&names);
	yyjson_mut_val *root = http_json_object(response, 200);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(response->json, root, "traits");
	for (size_t i = 0; i < names.count; i++) {
		if (trait_is_wanted(request, &tree, names.items[i]))
			yyjson_mut_arr_add_strcpy(response->json, list, names.items[i]);
	}
	return true;
}

bool trait_show(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	const char *name = request->params[0];
	bool known;

	return tree_load(request->db, NULL, &tree, err) &&
	       trait_is_known(request->db, &tree, name, &known, err) &&
	       (known || error_set(err, ERROR_NOT_FOUND, "No such trait: %.255s.", name)) &&
	       placement_empty(response, 204);
}

/* As class_look(). */
bool trait_look(struct http_request *request, struct http_response *response, struct error *err)
{
	_cleanup_(tree_done) struct tree tree = {0};
	struct name *found = request->prepared = http_alloc(request, sizeof *found);

	(void)response;
	found->name = request->params[0];
	if (!tree_load(request->db, NULL, &tree, err))
		return false;
	found->used = trait_is_used(&tree, found->name);
	return true;
}

bool trait_put(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct name *name = request->prepared;
	bool stored;

	if (!name_check(name->name, err) || !trait_is_stored(request->db, name->name, &stored, err))
		return false;
	if (!stored && !name->used &&
	    !store_exec(request->db, err, "INSERT INTO placement_trait (name) VALUES (?1)", V(name->name)))
		return false;
	http_header_add(response, "Location",
			http_printf(request, "%s/placement/traits/%s", http_base_url(request), name->name));
	return placement_empty(response, stored || name->used ? 204 : 201);
}

bool trait_delete(struct http_request *request, struct http_response *response, struct error *err)
{
	const struct name *name = request->prepared;
	bool stored;

	if (pci_trait_is_standard(name->name))
		return error_set(err, ERROR_BAD_REQUEST, "Cannot delete standard trait %s.", name->name);
	if (name->used)
		return error_set(err, ERROR_CONFLICT, "The trait %s is in use by a resource provider.",
				 name->name);
	if (!trait_is_stored(request->db, name->name, &stored, err))
		return false;
	if (!stored)
		return error_set(err, ERROR_NOT_FOUND, "No such trait: %.255s.", name->name);
	return store_exec(request->db, err, "DELETE FROM placement_trait WHERE name = ?1", V(name->name)) &&
	       placement_empty(response, 204);
}
