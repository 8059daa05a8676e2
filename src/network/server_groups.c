/* Security groups of all ports of a server at once, as compute is asked for them.  (Nothing enforces their
 * rules.)
 */
#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

#include <string.h>

static bool by_id_or_name(struct store *db, const char *project_id, const char *name, char id[37], int *count,
			  struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT id FROM security_group WHERE project_id = ?1 AND (id = ?2 OR name = ?2) "
			 "ORDER BY id <> ?2 LIMIT 2",
			 V(project_id), V(name)))
		return false;
	for (; store_next(&rows); ++*count) {
		if (*count == 0)
			snprintf(id, 37, "%s", store_text(&rows, 0));
	}
	return store_end(&rows, err);
}

bool network_security_group_find(struct store *db, const char *project_id, const char *name, char id[37],
				 struct error *err)
{
	char first[37];
	int count;

	/* A project's default group is made when it is first asked for. */
	if (!security_group_default(db, project_id, first, err) ||
	    !by_id_or_name(db, project_id, name, id, &count, err))
		return false;
	if (count == 0)
		return error_set(err, ERROR_NOT_FOUND, "Security group %.255s not found.", name);
	return count == 1 || strcmp(id, name) == 0 ||
	       error_set(err, ERROR_CONFLICT,
			 "Multiple security groups found matching '%.255s'. Use an ID to be more specific.",
			 name);
}

/* Each port has its groups by itself from now on, those that it had as one of its project's ports too. */
static bool groups_own(struct store *db, const char *server_id, struct error *err)
{
	return store_exec(
		       db, err,
		       "INSERT INTO port_group (port_id, group_id) SELECT p.id, g.id FROM port p "
		       "JOIN security_group g ON g.project_id = p.project_id AND g.name = 'default' "
		       "WHERE p.device_id = ?1 AND p.host_id <> '' AND NOT p.own_groups AND p.port_security "
		       "ON CONFLICT (port_id, group_id) DO NOTHING",
		       V(server_id)) &&
	       store_exec(db, err,
			  "UPDATE port SET own_groups = 1, revision = revision + 1, updated_at = ?2 "
			  "WHERE device_id = ?1 AND host_id <> ''",
			  V(server_id), V(sys_now()));
}

static bool ports_check(struct store *db, const char *server_id, struct error *err)
{
	_cleanup_free_ struct network_port *ports = NULL;
	size_t count;

	if (!network_ports_of_server(db, server_id, &ports, &count, err))
		return false;
	if (count == 0)
		return error_set(err, ERROR_NOT_FOUND,
				 "instance_id %s could not be found as device id on any ports", server_id);
	for (size_t i = 0; i < count; i++) {
		if (!ports[i].port_security || ports[i].address_count == 0)
			return error_set(
				err, ERROR_BAD_REQUEST,
				"Network requires port_security_enabled and subnet associated in order to "
				"apply security groups.");
	}
	return true;
}

bool network_server_add_group(struct store *db, const char *server_id, const char *group_id,
			      struct error *err)
{
	if (!ports_check(db, server_id, err) || !groups_own(db, server_id, err))
		return false;
	if (store_exec(
		    db, err,
		    "INSERT INTO port_group (port_id, group_id) SELECT id, ?2 FROM port WHERE device_id = ?1 "
		    "AND host_id <> ''",
		    V(server_id), V(group_id)))
		return true;
	if (err->kind == ERROR_CONFLICT)
		error_set(err, ERROR_BAD_REQUEST,
			  "Invalid input for security_groups. Reason: Duplicate items in the list: '%s'.",
			  group_id);
	return false;
}

bool network_server_remove_group(struct store *db, const char *server_id, const char *group_id,
				 struct error *err)
{
	if (!groups_own(db, server_id, err) ||
	    !store_exec(db, err,
			"DELETE FROM port_group WHERE group_id = ?2 AND port_id IN "
			"(SELECT id FROM port WHERE device_id = ?1 AND host_id <> '')",
			V(server_id), V(group_id)))
		return false;
	return store_changes(db) > 0 ||
	       error_set(err, ERROR_NOT_FOUND, "Security group %s not associated with the instance %s",
			 group_id, server_id);
}
