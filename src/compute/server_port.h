/* Within the compute room: ports for servers, when those are made and when they run. */
#pragma once

#include "compute/server.h"
#include "compute/server_request.h"

/* Is there a device behind a port of this type? */
bool server_port_takes_device(const char *vnic_type);
/* The port, if this requester may plug it into a server: ERROR_NOT_FOUND if there is none, ERROR_CONFLICT if
 * it is in use, ERROR_BAD_REQUEST if nothing here can bind it. */
bool server_port_find(struct http_request *request, const char *id, struct network_port *port,
		      struct error *err);
/* What the scheduler is asked for. */
void server_port_request(const struct network_port *port, struct scheduler_port_request *ask);

/* Where a server is. */
struct server_seat {
	const char *server_id, *host_name, *zone;
	bool ahead; /* it is on its way there: the ports get inactive bindings */
};
/* Binds it as NIC `index`; device: what was claimed for it, or NULL. */
bool server_port_bind(struct store *db, const struct server_seat *seat, const struct network_port *port,
		      const struct scheduler_device *device, int index, struct error *err);
/* *err is what the network service says when it cannot make a port: puts it into Nova's words, returns false.
 */
bool server_port_refused(const struct server_nic *nic, struct error *err);
