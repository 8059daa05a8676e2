/* Type drivers: which segment a network gets, and what MTU there is on it. */
#include "network/internal.h"

#include "base/memory.h"
#include "sys/sys.h"

#include <string.h>

/* A tunnel's header takes 50 bytes of what the physical network carries (MT-1). */
int64_t segment_mtu_max(const struct segment *segment)
{
	const struct network_settings *s = &network_settings;
	int64_t mtu = s->mtu;

	if (strcmp(segment->type, "vxlan") == 0 || strcmp(segment->type, "geneve") == 0)
		return (s->path_mtu && s->path_mtu < mtu ? s->path_mtu : mtu) - 50;
	for (int i = 0; i < s->mtu_count; i++) {
		if (strcmp(s->mtus[i].physical_network, segment->physical_network) == 0 &&
		    s->mtus[i].mtu < mtu)
			mtu = s->mtus[i].mtu;
	}
	return mtu;
}

static bool physnet_known(const char *name)
{
	for (int i = 0; i < network_settings.range_count; i++) {
		if (strcmp(network_settings.ranges[i].physical_network, name) == 0)
			return true;
	}
	return false;
}

static bool id_is_free(struct store *db, const struct segment *segment, bool *is_free, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM segment WHERE type = ?1 AND type <> 'local' AND "
			 "ifnull(physical_network, '') = ?2 AND ifnull(segmentation_id, 0) = ?3",
			 V((const char *)segment->type), V((const char *)segment->physical_network),
			 V(segment->id)))
		return false;
	*is_free = !store_next(&rows);
	return store_end(&rows, err);
}

/* A free id of one range, beginning at a random one (VL-10); -1 if there is none. */
static bool range_pick(struct store *db, struct segment *segment, int64_t first, int64_t last,
		       struct error *err)
{
	int64_t count = last - first + 1;
	uint32_t start;
	bool is_free = false;

	sys_random(&start, sizeof start);
	for (int64_t i = 0; i < count && !is_free; i++) {
		segment->id = first + (start + i) % count;
		if (!id_is_free(db, segment, &is_free, err))
			return false;
	}
	if (!is_free)
		segment->id = -1;
	return true;
}

static bool none_free(struct error *err)
{
	return error_set_typed(
		err, ERROR_UNAVAILABLE, "NoNetworkAvailable",
		"Unable to create the network. No tenant network is available for allocation.");
}

static bool vlan_pick(struct store *db, struct segment *segment, struct error *err)
{
	bool any = !*segment->physical_network;

	for (int i = 0; i < network_settings.range_count && segment->id < 0; i++) {
		const struct vlan_range *range = &network_settings.ranges[i];

		if (!any && strcmp(range->physical_network, segment->physical_network) != 0)
			continue;
		snprintf(segment->physical_network, sizeof segment->physical_network, "%s",
			 range->physical_network);
		if (!range_pick(db, segment, range->first, range->last, err))
			return false;
	}
	return segment->id >= 0 || none_free(err);
}

static bool input_error(struct error *err, const char *text)
{
	return error_set_typed(err, ERROR_BAD_REQUEST, "InvalidInput", "Invalid input for operation: %s.",
			       text);
}

static bool vlan_choose(struct store *db, struct segment *segment, struct error *err)
{
	char text[200];
	bool is_free;

	if (*segment->physical_network && !physnet_known(segment->physical_network)) {
		snprintf(text, sizeof text, "physical_network '%s' unknown for VLAN provider network",
			 segment->physical_network);
		return input_error(err, text);
	}
	if (segment->id < 0)
		return vlan_pick(db, segment, err);
	if (!*segment->physical_network)
		return input_error(err,
				   "segmentation_id requires physical_network for VLAN provider network");
	if (segment->id < 1 || segment->id > 4094)
		return input_error(err, "segmentation_id out of range (1 through 4094)");
	if (!id_is_free(db, segment, &is_free, err))
		return false;
	return is_free ||
	       error_set_typed(
		       err, ERROR_CONFLICT, "VlanIdInUse",
		       "Unable to create the network. The VLAN %lld on physical network %s is in use.",
		       (long long)segment->id, segment->physical_network);
}

static bool flat_choose(struct store *db, struct segment *segment, struct error *err)
{
	bool known = network_settings.flat_any, is_free = true;

	if (segment->id >= 0)
		return input_error(err, "segmentation_id prohibited for flat provider network");
	if (!*segment->physical_network)
		return input_error(err, "physical_network required for flat provider network");
	for (int i = 0; i < network_settings.flat_count; i++)
		known |= strcmp(network_settings.flat[i], segment->physical_network) == 0;
	if (!known) {
		char text[200];

		snprintf(text, sizeof text, "physical_network '%s' unknown for flat provider network",
			 segment->physical_network);
		return input_error(err, text);
	}
	_cleanup_(store_rows_done) struct store_rows rows = {0};
	if (!store_query(db, &rows, err,
			 "SELECT 1 FROM segment WHERE type = 'flat' AND type <> 'local' AND "
			 "ifnull(physical_network, '') = ?1",
			 V((const char *)segment->physical_network)))
		return false;
	is_free = !store_next(&rows);
	return store_end(&rows, err) &&
	       (is_free ||
		error_set_typed(err, ERROR_CONFLICT, "FlatNetworkInUse",
				"Unable to create the flat network. Physical network %s is in use.",
				segment->physical_network));
}

static bool vni_pick(struct store *db, struct segment *segment, struct error *err)
{
	for (int i = 0; i < network_settings.vni_count && segment->id < 0; i++) {
		const struct vni_range *range = &network_settings.vnis[i];

		if (!range_pick(db, segment, range->first, range->last, err))
			return false;
	}
	return segment->id >= 0 || none_free(err);
}

static bool overlay_choose(struct store *db, struct segment *segment, struct error *err)
{
	bool is_free;
	char text[80];

	if (*segment->physical_network) {
		snprintf(text, sizeof text, "provider:physical_network specified for %s network",
			 segment->type);
		return input_error(err, text);
	}
	if (segment->id == 0)
		return input_error(err, "segmentation_id must be positive");
	if (segment->id < 0)
		return vni_pick(db, segment, err);
	return id_is_free(db, segment, &is_free, err) &&
	       (is_free || error_set_typed(err, ERROR_CONFLICT, "TunnelIdInUse",
					   "Unable to create the network. The tunnel ID %lld is in use.",
					   (long long)segment->id));
}

/* A project's network: the types in the order of the configuration; flat ones are nobody's (VL-9, FL-2). */
static bool tenant_choose(struct store *db, struct segment *segment, struct error *err)
{
	for (int i = 0; i < network_settings.tenant_type_count; i++) {
		*segment = (struct segment){.id = -1};
		snprintf(segment->type, sizeof segment->type, "%s", network_settings.tenant_types[i]);
		if (strcmp(segment->type, "flat") == 0 || !network_type_loaded(segment->type))
			continue;
		if (segment_choose(db, segment, true, err))
			return true;
		if (err->kind != ERROR_UNAVAILABLE)
			return false;
	}
	return none_free(err);
}

bool segment_choose(struct store *db, struct segment *segment, bool provider, struct error *err)
{
	char text[80];

	if (!provider)
		return tenant_choose(db, segment, err);
	if (!*segment->type)
		return input_error(err, "network_type required");
	if (!network_type_loaded(segment->type)) {
		snprintf(text, sizeof text, "network_type value '%.20s' not supported", segment->type);
		return input_error(err, text);
	}
	if (strcmp(segment->type, "vlan") == 0)
		return vlan_choose(db, segment, err);
	if (strcmp(segment->type, "flat") == 0)
		return flat_choose(db, segment, err);
	if (strcmp(segment->type, "local") != 0)
		return overlay_choose(db, segment, err);
	return (!*segment->physical_network && segment->id < 0) ||
	       input_error(err, "physical_network and segmentation_id prohibited for local provider network");
}

bool segment_insert(struct store *db, const char *network_id, const struct segment *segment, const char *name,
		    const char *description, char id[37], struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO segment (id, network_id, position, name, description, type, "
			  "physical_network, segmentation_id, revision, created_at, updated_at) "
			  "VALUES (?1, ?2, (SELECT ifnull(max(position) + 1, 0) FROM segment "
			  "WHERE network_id = ?2), ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8)",
			  V(sys_uuid(id)), V(network_id), V(name), V(description),
			  V((const char *)segment->type),
			  V((const char *)(*segment->physical_network ? segment->physical_network : NULL)),
			  V_OPTIONAL(segment->id), V(sys_now()));
}

bool segment_read(yyjson_val *object, struct segment *segment)
{
	yyjson_val *id = yyjson_obj_get(object, "provider:segmentation_id");

	*segment = (struct segment){.id = field_int(object, "provider:segmentation_id", -1)};
	if (id && !yyjson_is_null(id) && segment->id < 0)
		segment->id = 0; /* given and out of any range; -1 is none */
	snprintf(segment->type, sizeof segment->type, "%s", field_text(object, "provider:network_type", ""));
	snprintf(segment->physical_network, sizeof segment->physical_network, "%s",
		 field_text(object, "provider:physical_network", ""));
	return *segment->type || *segment->physical_network || segment->id >= 0;
}

bool segments_load(struct store *db, const char *network_id, struct segment *segments, int *count,
		   struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*count = 0;
	if (!store_query(
		    db, &rows, err,
		    "SELECT type, ifnull(physical_network, ''), ifnull(segmentation_id, -1) FROM segment "
		    "WHERE network_id = ?1 ORDER BY position",
		    V(network_id)))
		return false;
	while (*count < SEGMENTS_MAX && store_next(&rows)) {
		struct segment *segment = &segments[(*count)++];

		*segment = (struct segment){.id = store_int(&rows, 2)};
		snprintf(segment->type, sizeof segment->type, "%s", store_text(&rows, 0));
		snprintf(segment->physical_network, sizeof segment->physical_network, "%s",
			 store_text(&rows, 1));
	}
	return store_end(&rows, err);
}

int64_t segments_mtu_max(const struct segment *segments, int count)
{
	int64_t mtu = network_settings.mtu;

	for (int i = 0; i < count; i++) {
		int64_t max = segment_mtu_max(&segments[i]);

		mtu = max < mtu ? max : mtu;
	}
	return mtu;
}
