/* Within the compute room: what a client asks for with POST /servers, read and checked as far as it can be
 * without the other services. */
#pragma once

#include "compute/placement.h"

struct server_nic {
	const char *port_id; /* or */
	const char *network_id;
	const char *fixed_ip; /* or NULL */
	const char *tag;      /* or NULL */
};

enum server_networks {
	NETWORKS_DEFAULT, /* nothing said: the only network that there is, if any */
	NETWORKS_AUTO,
	NETWORKS_NONE,
	NETWORKS_GIVEN,
};

/* Texts belong to the request. */
struct server_request {
	const char *name, *hostname, *description;
	const char *flavor_id, *image_id, *key_name, *user_data, *admin_pass;
	const char *zone;			       /* NULL: any */
	const char *host;			       /* forced, NULL: any */
	const char *metadata, *tags, *security_groups; /* JSON */
	const char *disk_config, *access_ipv4, *access_ipv6;
	const char *reservation_id;
	bool config_drive, return_reservation;
	int64_t count;
	enum server_networks networks;
	struct server_nic *nics;
	size_t nic_count;
	struct placement_hints hints;
};

bool server_request_parse(struct http_request *request, struct server_request *wish, struct error *err);
/* A password as Nova makes them, for who gives none. */
const char *server_new_password(struct http_request *request);
/* A name as Nova makes a hostname of it: lower case letters, digits and dashes; "Server-<id>" if nothing is
 * left. */
const char *server_hostname(struct http_request *request, const char *name, const char *id);
