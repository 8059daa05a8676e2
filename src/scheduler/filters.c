/* Does a host pass the filters that are enabled? */
#include "scheduler/filters.h"

#include "base/extra_spec.h"
#include "base/memory.h"

#include <string.h>
#include <strings.h>

/* Adds to why, if it is there; returns false. */
static bool refuse(struct text *why, const char *sentence)
{
	if (why)
		text_add(why, sentence);
	return false;
}

/* --- ComputeCapabilitiesFilter --- */

#define PATH_MAX_DEPTH 8

/* "capabilities:cpu_info:arch" or, without any scope, the name of a fact; 0: it is about something else. */
static size_t spec_path(char *key, const char *path[PATH_MAX_DEPTH])
{
	size_t depth = 0;
	char *rest = NULL;

	if (!strchr(key, ':')) {
		path[0] = key;
		return facts_known(key);
	}
	if (strncmp(key, "capabilities:", 13) != 0)
		return 0;
	for (char *part = strtok_r(key + 13, ":", &rest); part && depth < PATH_MAX_DEPTH;
	     part = strtok_r(NULL, ":", &rest))
		path[depth++] = part;
	return depth;
}

static bool spec_holds(const char *key, const char *wish, const struct fleet_host *host, struct text *why)
{
	_cleanup_free_ char *copy = memory_copy_text(
		strcmp(key, "hw:maxphysaddr_bits") == 0 ? "capabilities:cpu_info:maxphysaddr:bits" : key);
	_cleanup_free_ char *wanted = strcmp(key, "hw:maxphysaddr_bits") == 0 ? memory_printf(">= %s", wish)
									      : memory_copy_text(wish);
	const char *path[PATH_MAX_DEPTH];
	size_t depth = spec_path(copy, path);
	char value[FACT_SIZE] = "";
	bool there = depth && facts_get(host, path, depth, value);

	if (depth == 0 || (there && extra_spec_matches(value, wanted)))
		return true;
	if (why && there)
		text_addf(why, "the flavor wants %s %s%s, it has %.100s", key, strchr(wish, ' ') ? "" : "= ",
			  wish, value);
	else if (why)
		text_addf(why, "the flavor wants %s %s%s, of which it says nothing", key,
			  strchr(wish, ' ') ? "" : "= ", wish);
	return false;
}

static bool capabilities_pass(yyjson_val *specs, const struct fleet_host *host, struct text *why)
{
	yyjson_val *key, *value;
	size_t i, max;

	yyjson_obj_foreach (specs, i, max, key, value) {
		if (yyjson_is_str(value) &&
		    !spec_holds(yyjson_get_str(key), yyjson_get_str(value), host, why))
			return false;
	}
	return true;
}

/* --- ImagePropertiesFilter --- */

/* The name that libvirt has for it. */
static const char *architecture_canonical(const char *name)
{
	static const char *const pairs[][2] = {{"amd64", "x86_64"}, {"x64", "x86_64"}, {"i386", "i686"},
					       {"i486", "i686"},    {"i586", "i686"},  {"x86_32", "i686"},
					       {"arm64", "aarch64"}};

	for (size_t i = 0; i < ELEMENTS_OF(pairs); i++) {
		if (strcasecmp(pairs[i][0], name) == 0)
			return pairs[i][1];
	}
	return name;
}

static bool architecture_pass(const char *wish, const struct fleet_host *host, struct text *why)
{
	static const char *const path[] = {"cpu_info", "arch"};
	char own[FACT_SIZE] = "";

	wish = architecture_canonical(wish);
	if (facts_get(host, path, 2, own) &&
	    (strcasecmp(own, wish) == 0 || (strcmp(own, "x86_64") == 0 && strcasecmp(wish, "i686") == 0)))
		return true;
	if (why)
		text_addf(why, "the image is for %.40s, it is %.40s", wish,
			  *own ? own : "of no known architecture");
	return false;
}

/* Numbers with dots; parts that are not there count 0. */
static int versions_compare(const char *a, const char *b)
{
	for (int part = 0; part < 4; part++) {
		long x = strtol(a, (char **)&a, 10), y = strtol(b, (char **)&b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		a += *a == '.';
		b += *b == '.';
	}
	return 0;
}

static bool version_holds(const char *own, const char *predicate)
{
	size_t length = strspn(predicate, "<>=!");
	const char *version = predicate + length + strspn(predicate + length, " ");
	int order = versions_compare(own, version);

	if (strncmp(predicate, "!=", 2) == 0)
		return order != 0;
	if (predicate[0] == '<' || predicate[0] == '>')
		return (predicate[0] == '<' ? order < 0 : order > 0) || (predicate[1] == '=' && order == 0);
	return order == 0;
}

/* ">=6.0,<7.0": all of them. */
static bool version_pass(const char *wish, const struct fleet_host *host, struct text *why)
{
	_cleanup_free_ char *copy = memory_copy_text(wish);
	long long number = host->hypervisor_version;
	char own[40], *rest = NULL;

	snprintf(own, sizeof own, "%lld.%lld.%lld", number / 1000000, number / 1000 % 1000, number % 1000);
	for (char *part = strtok_r(copy, ",", &rest); part && number; part = strtok_r(NULL, ",", &rest)) {
		if (version_holds(own, part + strspn(part, " ")))
			continue;
		if (why)
			text_addf(why, "the image wants hypervisor version %.60s, it has %s", wish, own);
		return false;
	}
	return true;
}

static bool image_pass(const struct filter_wish *wish, const struct fleet_host *host, struct text *why)
{
	if (wish->architecture && !architecture_pass(wish->architecture, host, why))
		return false;
	if (wish->hypervisor && strcasecmp(wish->hypervisor, "qemu") != 0 &&
	    strcasecmp(wish->hypervisor, "kvm") != 0) {
		if (why)
			text_addf(why, "the image is for the hypervisor %.40s, it runs QEMU",
				  wish->hypervisor);
		return false;
	}
	if (wish->mode && strcasecmp(wish->mode, "hvm") != 0) {
		if (why)
			text_addf(why, "the image wants VM mode %.40s, it has hvm only", wish->mode);
		return false;
	}
	return !wish->version || version_pass(wish->version, host, why);
}

/* --- IsolatedHostsFilter --- */

static bool is_among(char *const *items, size_t count, const char *text)
{
	for (size_t i = 0; text && i < count; i++) {
		if (strcmp(items[i], text) == 0)
			return true;
	}
	return false;
}

static bool isolated_pass(const struct filter_wish *wish, const struct fleet_host *host, struct text *why)
{
	const struct filter_settings *s = &filter_settings;
	bool isolated = is_among(s->isolated_hosts, s->isolated_host_count, host->name);

	if (wish->image_is_isolated && !isolated)
		return refuse(why, "is not among isolated_hosts, and the image is among isolated_images");
	if (isolated && !wish->image_is_isolated && s->restrict_isolated_hosts)
		return refuse(why, "is among isolated_hosts, and the image is not among isolated_images");
	return true;
}

/* --- all --- */

static const char *property(yyjson_val *properties, const char *name, const char *old)
{
	const char *text = yyjson_get_str(yyjson_obj_get(properties, name));

	if (!text)
		text = yyjson_get_str(yyjson_obj_get(properties, old));
	return text && *text ? text : NULL;
}

/* The image's JSON is long, and most say nothing of the kind. */
static void image_read(const struct scheduler_request *request, struct filter_wish *wish)
{
	static const char *const words[] = {"architecture", "hypervisor", "vm_mode", "img_hv"};
	const struct filter_settings *s = &filter_settings;
	bool any = false;

	for (size_t i = 0; request->image && i < ELEMENTS_OF(words); i++)
		any = any || strstr(request->image, words[i]);
	wish->image = any ? yyjson_read(request->image, strlen(request->image), 0) : NULL;
	yyjson_val *properties = yyjson_obj_get(yyjson_doc_get_root(wish->image), "properties");
	wish->architecture = property(properties, "hw_architecture", "architecture");
	wish->hypervisor = property(properties, "img_hv_type", "hypervisor_type");
	wish->mode = property(properties, "hw_vm_mode", "vm_mode");
	/* Nova looks at the version only beside one of the others. */
	wish->version = property(properties, "img_hv_requested_version", "hypervisor_version_requires");
	if (!wish->architecture && request->image && *s->default_architecture)
		wish->architecture = s->default_architecture;
	if (!wish->architecture && !wish->hypervisor && !wish->mode)
		wish->version = NULL;
}

static bool query_read(const struct scheduler_request *request, struct filter_wish *wish, struct error *err)
{
	wish->query = yyjson_read(request->query, strlen(request->query), 0);
	return host_query_check(yyjson_doc_get_root(wish->query), err);
}

bool filters_begin(const struct scheduler_request *request, struct filter_wish *wish, struct error *err)
{
	const char *specs = request->extra_specs;

	*wish = (struct filter_wish){0};
	if (specs && strchr(specs, ':') && scheduler_filter_is_enabled(FILTER_COMPUTE_CAPABILITIES))
		wish->specs = yyjson_read(specs, strlen(specs), 0);
	if (scheduler_filter_is_enabled(FILTER_IMAGE_PROPERTIES))
		image_read(request, wish);
	wish->image_is_isolated = is_among(filter_settings.isolated_images,
					   filter_settings.isolated_image_count, request->image_id);
	return !request->query || !scheduler_filter_is_enabled(FILTER_JSON) || query_read(request, wish, err);
}

void filters_done(struct filter_wish *wish)
{
	yyjson_doc_free(wish->specs);
	yyjson_doc_free(wish->image);
	yyjson_doc_free(wish->query);
}

static bool numbers_pass(const struct fleet_host *host, struct text *why)
{
	const struct filter_settings *s = &filter_settings;

	if (scheduler_filter_is_enabled(FILTER_NUM_INSTANCES) && host->servers >= s->max_instances) {
		if (why)
			text_addf(why, "has %lld servers (max_instances_per_host is %lld)",
				  (long long)host->servers, (long long)s->max_instances);
		return false;
	}
	if (scheduler_filter_is_enabled(FILTER_IO_OPS) && host->building >= s->max_io_ops) {
		if (why)
			text_addf(why, "is building %d servers (max_io_ops_per_host is %lld)", host->building,
				  (long long)s->max_io_ops);
		return false;
	}
	return true;
}

bool filters_pass(const struct filter_wish *wish, const struct fleet_host *host, struct text *why)
{
	if (wish->specs && !capabilities_pass(yyjson_doc_get_root(wish->specs), host, why))
		return false;
	if (!image_pass(wish, host, why) || !numbers_pass(host, why))
		return false;
	if (scheduler_filter_is_enabled(FILTER_ISOLATED_HOSTS) && !isolated_pass(wish, host, why))
		return false;
	return !wish->query || host_query_holds(yyjson_doc_get_root(wish->query), host) ||
	       refuse(why, "is not what the hint query asks for");
}
