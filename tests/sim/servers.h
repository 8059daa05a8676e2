/* What clients do with servers, and with the ports and networks that they make for them. */
#pragma once

#include "things.h"

/* What all seeds begin with. */
extern struct servers_site {
	char image[37], network[37];
	char plain[37], with_vf[37], pinned[37]; /* flavors */
} servers_site;

void server_make(struct client *client);
/* Is it there, and is it ACTIVE?  Then it is calm. */
void server_look(struct thing *server);
void server_delete(struct client *client, struct thing *server);
/* Stops it, starts it, moves it, ...: one of all that may be asked. */
void server_act(struct thing *server);

struct thing *port_make(struct client *client);
void port_attach(struct client *client, struct thing *server);
void port_detach(struct client *client, struct thing *server);
void port_change(struct client *client);
void port_delete(struct client *client);
void network_make(struct client *client);
void network_delete(struct client *client);

/* Names of servers and ports, anybody's: so that several are at one (history.h). */
void name_change_any(void);
void name_read_any(void);
