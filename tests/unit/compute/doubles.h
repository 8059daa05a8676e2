/* Doubles of the rooms beside compute, so that its handlers are tested alone and can be given answers that
 * the real ones give seldom. */
#pragma once

#include "base/error.h"

#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define DOUBLE_IMAGE   "10000000-0000-4000-8000-000000000001"
#define DOUBLE_NETWORK "20000000-0000-4000-8000-000000000001" /* with a subnet */
#define DOUBLE_BARE    "20000000-0000-4000-8000-000000000002" /* without */
#define DOUBLE_PORT    "30000000-0000-4000-8000-000000000001" /* direct, of project p1 */
#define DOUBLE_HOST    "40000000-0000-4000-8000-000000000001" /* "edge-1" */

/* What the doubles do and saw. */
extern struct double_world {
	bool host_full;	      /* scheduler_claim finds none */
	bool bind_fails;      /* network_port_bind fails */
	int64_t revision;     /* of the host */
	char claimed[37];     /* the server that has the claim */
	char bound[37];	      /* the server that has DOUBLE_PORT */
	int made_ports;	      /* by network_port_create_for_server, not released */
	char port_status[16]; /* of DOUBLE_PORT */
	bool (*port_changed)(struct store *db, const char *server_id, struct error *err);
	int released_ports, released_claims; /* by network_port_release, scheduler_release_port */
	int networks;			     /* that network_defaults finds */
} world;
