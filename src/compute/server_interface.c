/* What is known of interfaces that come and go, and what hosts' reports do to it. */
#include "compute/server_interface.h"

#include "base/log.h"

#include <string.h>

static const char *const changes[] = {
#define C(name, text) [INTERFACE_##name] = text,
	INTERFACE_CHANGES(C)
#undef C
};

static enum interface_change change_parse(const char *text)
{
	for (size_t i = 0; i < ELEMENTS_OF(changes); i++) {
		if (strcmp(changes[i], text) == 0)
			return (enum interface_change)i;
	}
	return INTERFACE_NONE;
}

bool server_interfaces_load(struct store *db, const char *server_id, struct server_interface **list,
			    size_t *count, struct error *err)
{
	_cleanup_(store_rows_done) struct store_rows rows = {0};

	*list = NULL;
	*count = 0;
	if (!store_query(db, &rows, err,
			 "SELECT port_id, tag, change, request_id FROM server_interface WHERE server_id = ?1",
			 V(server_id)))
		return false;
	while (store_next(&rows)) {
		struct server_interface *interface = ARRAY_ADD(*list, *count);

		snprintf(interface->port_id, sizeof interface->port_id, "%s", store_text(&rows, 0));
		snprintf(interface->tag, sizeof interface->tag, "%s", store_text(&rows, 1));
		interface->change = change_parse(store_text(&rows, 2));
		snprintf(interface->request_id, sizeof interface->request_id, "%s", store_text(&rows, 3));
	}
	return store_end(&rows, err);
}

const struct server_interface *server_interface_find(const struct server_interface *list, size_t count,
						     const char *port_id)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].port_id, port_id) == 0)
			return &list[i];
	}
	return NULL;
}

bool server_interface_tag(struct store *db, const char *server_id, const char *port_id, const char *tag,
			  struct error *err)
{
	return store_exec(db, err,
			  "INSERT INTO server_interface (server_id, port_id, tag, change, request_id)"
			  " VALUES (?1, ?2, ?3, '', '')",
			  V(server_id), V(port_id), V(tag));
}

bool server_interface_goes(const struct server_interface *interface)
{
	return interface &&
	       (interface->change == INTERFACE_DETACHING || interface->change == INTERFACE_WITHDRAWING);
}

/* --- reports --- */

static bool set_change(struct store *db, const struct server *server, const char *port_id,
		       enum interface_change change, struct error *err)
{
	return store_exec(db, err,
			  "UPDATE server_interface SET change = ?3, request_id = '' WHERE server_id = ?1 AND "
			  "port_id = ?2",
			  V((const char *)server->id), V(port_id), V(changes[change]));
}

static bool forget(struct store *db, const struct server *server, const char *port_id, struct error *err)
{
	return store_exec(db, err, "DELETE FROM server_interface WHERE server_id = ?1 AND port_id = ?2",
			  V((const char *)server->id), V(port_id));
}

static bool end_action(struct store *db, const struct server *server,
		       const struct server_interface *interface, bool failed, struct error *err)
{
	return !*interface->request_id ||
	       server_action_finish(db, server->id, interface->request_id, failed, err);
}

/* It is out of the guest and clean: device and port are free. */
static bool report_gone(struct store *db, const struct server *server,
			const struct server_interface *interface, struct error *err)
{
	return scheduler_release_port(db, server->id, interface->port_id, err) &&
	       network_port_release(db, interface->port_id, err) &&
	       forget(db, server, interface->port_id, err) && end_action(db, server, interface, false, err);
}

/* What could not be attached goes; what does not go stays, until somebody asks again. */
static bool report_fault(struct store *db, const struct server *server,
			 const struct server_interface *interface, const char *fault, bool *touch,
			 struct error *err)
{
	bool attaching = interface->change == INTERFACE_ATTACHING;

	log_warning("server %s on %s: port %s cannot be %s: %s", server->id, server->host_name,
		    interface->port_id, attaching ? "attached" : "detached", fault);
	*touch = true;
	return set_change(db, server, interface->port_id, attaching ? INTERFACE_WITHDRAWING : INTERFACE_NONE,
			  err) &&
	       end_action(db, server, interface, true, err);
}

static yyjson_val *report_find(yyjson_val *ports, const char *port_id)
{
	yyjson_val *port;
	size_t i, max;

	yyjson_arr_foreach (ports, i, max, port) {
		if (text_equal(yyjson_get_str(yyjson_obj_get(port, "id")), port_id))
			return port;
	}
	return NULL;
}

/* A port that was deleted meanwhile is out with its server's next report. */
static bool report_missing(struct store *db, const struct server *server,
			   const struct server_interface *interface, struct error *err)
{
	struct network_port port;

	if (network_port_load(db, interface->port_id, &port, err))
		return true;
	return err->kind == ERROR_NOT_FOUND &&
	       scheduler_release_port(db, server->id, interface->port_id, err) &&
	       forget(db, server, interface->port_id, err) && end_action(db, server, interface, false, err);
}

static bool report_one(struct store *db, const struct server *server,
		       const struct server_interface *interface, yyjson_val *port, bool *touch,
		       struct error *err)
{
	const char *fault = yyjson_get_str(yyjson_obj_get(port, "fault"));
	bool gone = text_equal(yyjson_get_str(yyjson_obj_get(port, "status")), "GONE");

	if (!port)
		return report_missing(db, server, interface, err);
	if (gone && server_interface_goes(interface))
		return report_gone(db, server, interface, err);
	if (fault && interface->change != INTERFACE_WITHDRAWING)
		return report_fault(db, server, interface, fault, touch, err);
	if (interface->change != INTERFACE_ATTACHING)
		return true;
	return set_change(db, server, interface->port_id, INTERFACE_NONE, err) &&
	       end_action(db, server, interface, false, err);
}

bool server_interfaces_report(struct store *db, const struct server *server, yyjson_val *ports, bool *touch,
			      struct error *err)
{
	_cleanup_free_ struct server_interface *list = NULL;
	size_t count;

	if (!server_interfaces_load(db, server->id, &list, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (list[i].change != INTERFACE_NONE &&
		    !report_one(db, server, &list[i], report_find(ports, list[i].port_id), touch, err))
			return false;
	}
	return true;
}
