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
#define DOUBLE_HOST_2  "40000000-0000-4000-8000-000000000002" /* "edge-2" */

/* What the doubles do and saw. */
extern struct double_world {
	bool host_full;	      /* scheduler_claim finds none */
	bool spare;	      /* edge-2 is there too, for what may not be on edge-1 */
	bool down;	      /* edge-1 is silent */
	bool bind_fails;      /* network_port_bind fails */
	int64_t revision;     /* of the host */
	char claimed[37];     /* the server that has the claim */
	char left[37];	      /* in whose name an earlier claim of it is */
	char bound[37];	      /* the server that has DOUBLE_PORT */
	int made_ports;	      /* by network_port_create_for_server, not released */
	char port_status[16]; /* of DOUBLE_PORT */
	bool (*port_changed)(struct store *db, const char *server_id, struct error *err);
	int released_ports, released_claims; /* by network_port_release, scheduler_release_port */
	int networks;			     /* that network_defaults finds */
} world;
