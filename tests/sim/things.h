/* Servers, ports and networks as their clients know them: what they were told. */
#pragma once

#include "ask.h"

#include <stdbool.h>
#include <stdint.h>

#define SECOND	    INT64_C(1000000)
#define CLIENTS_MAX 3
#define THINGS_MAX  400 /* of a kind, that a seed may make */

enum known { UNKNOWN, THERE, GONE };

struct thing {
	char id[37], name[40];
	enum known known;
	bool deleting;	      /* was asked for: it may go at any time */
	bool calm;	      /* of a server: seen ACTIVE, and nothing was asked since */
	char host[16];	      /* of a server, as it was seen when it was calm */
	char status[24];      /* of a server, as it was seen last */
	bool detached;	      /* something was to be taken out of it */
	struct thing *server; /* of a port: that it was given to */
	char address[46];     /* of a port: its first one */
	char network[37];     /* of a port */
};

struct things {
	const char *path, *list; /* of the API: "/servers", "servers" */
	struct thing *thing[THINGS_MAX];
	int count;
};

/* One client's; `all_...`: everybody's, also what is gone. */
struct client {
	struct things servers, ports, networks;
};
extern struct things all_servers, all_ports, all_networks;

void client_init(struct client *client);
/* How many things were made so far. */
extern int things_made;

struct thing *thing_add(struct things *mine, struct things *all, const char *prefix);
void thing_remove(struct things *things, const struct thing *thing);
/* NULL: there is none. */
struct thing *thing_draw(const struct things *things);
/* One that is there, and that nobody deletes. */
struct thing *thing_draw_there(const struct things *things);
struct thing *thing_find(const struct things *things, const char *id);
/* Takes what is answered to a POST; who heard nothing looks for the name, for a while.  One that was not
 * made is removed from `mine`, and NULL. */
struct thing *thing_made(struct things *mine, struct thing *thing, struct reply *reply, const char *object);
/* True when it is gone or going. */
bool thing_delete(const struct things *of, struct thing *thing);
/* GET or PUT of something that was answered with 2xx. */
void thing_check(const struct thing *thing, const struct reply *reply, const char *what);
