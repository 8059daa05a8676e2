/* extra_dhcp_opts of ports: kept and shown.  Nothing hands them out: a VF's DHCP server is not one of this
 * host's, and the libvirt networks' dnsmasq has no options of single leases (docs/status.md). */
#include "base/memory.h"
#include "network/internal.h"

#include <string.h>

static bool is_same(yyjson_mut_val *option, yyjson_val *wish)
{
	return yyjson_mut_equals_str(yyjson_mut_obj_get(option, "opt_name"),
				     field_text(wish, "opt_name", "")) &&
	       yyjson_mut_get_int(yyjson_mut_obj_get(option, "ip_version")) ==
		       field_int(wish, "ip_version", 4);
}

/* One option takes the place of that of its name; a value of null removes it. */
static void option_put(yyjson_mut_doc *doc, yyjson_mut_val *options, yyjson_val *wish)
{
	const char *value = field_text(wish, "opt_value", NULL);
	yyjson_mut_val *option;
	yyjson_mut_arr_iter iter;

	yyjson_mut_arr_iter_init(options, &iter);
	while ((option = yyjson_mut_arr_iter_next(&iter))) {
		if (is_same(option, wish))
			yyjson_mut_arr_iter_remove(&iter);
	}
	if (!value)
		return;
	option = yyjson_mut_arr_add_obj(doc, options);
	add_text(doc, option, "opt_name", field_text(wish, "opt_name", ""));
	add_text(doc, option, "opt_value", value);
	yyjson_mut_obj_add_int(doc, option, "ip_version", field_int(wish, "ip_version", 4));
}

const char *dhcp_options_merge(struct http_request *request, const char *now, yyjson_val *list)
{
	yyjson_doc *old = yyjson_read(now, strlen(now), 0);
	yyjson_mut_doc *doc = yyjson_doc_mut_copy(old, NULL);
	yyjson_val *wish;
	size_t i, max;

	yyjson_arr_foreach (list, i, max, wish)
		option_put(doc, yyjson_mut_doc_get_root(doc), wish);
	_cleanup_free_ char *json = yyjson_mut_write(doc, 0, NULL);
	const char *merged = http_copy(request, json);
	yyjson_mut_doc_free(doc);
	yyjson_doc_free(old);
	return merged;
}

bool dhcp_options_check(yyjson_val *list, struct error *err)
{
	size_t i, max;
	yyjson_val *item;

	yyjson_arr_foreach (list, i, max, item) {
		yyjson_val *value = yyjson_obj_get(item, "opt_value");
		const char *name = field_text(item, "opt_name", "");
		int64_t version = field_int(item, "ip_version", 4);

		if (!*name || strlen(name) > 64 || !value ||
		    !(yyjson_is_null(value) || (yyjson_is_str(value) && yyjson_get_len(value) <= 255)) ||
		    (version != 4 && version != 6))
			return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
					       "Invalid input for operation: extra_dhcp_opts need opt_name, "
					       "opt_value and, if it is not 4, ip_version 6.");
	}
	return max <= 64 || error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput",
					    "Invalid input for operation: more than 64 extra_dhcp_opts.");
}
