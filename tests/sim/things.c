/* Lists of what clients have, and how they hear whether it was made. */
#include "things.h"

#include "checks.h"
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct things all_servers = {COMPUTE "/servers", "servers"}, all_ports = {NETWORK "/ports", "ports"},
	      all_networks = {NETWORK "/networks", "networks"};
int things_made;

void client_init(struct client *client)
{
	*client = (struct client){{COMPUTE "/servers", "servers"},
				  {NETWORK "/ports", "ports"},
				  {NETWORK "/networks", "networks"}};
}

struct thing *thing_add(struct things *mine, struct things *all, const char *prefix)
{
	struct thing *thing = calloc(1, sizeof *thing);

	if (!thing || all->count == THINGS_MAX)
		abort();
	snprintf(thing->name, sizeof thing->name, "%s%d", prefix, ++things_made);
	mine->thing[mine->count++] = thing;
	all->thing[all->count++] = thing;
	return thing;
}

void thing_remove(struct things *things, const struct thing *thing)
{
	for (int i = 0; i < things->count; i++) {
		if (things->thing[i] == thing)
			things->thing[i] = things->thing[--things->count];
	}
}

struct thing *thing_draw(const struct things *things)
{
	return things->count ? things->thing[sim_below((uint64_t)things->count)] : NULL;
}

struct thing *thing_draw_there(const struct things *things)
{
	struct thing *thing = thing_draw(things);

	return thing && thing->known == THERE && !thing->deleting ? thing : NULL;
}

struct thing *thing_find(const struct things *things, const char *id)
{
	for (int i = 0; i < things->count; i++) {
		if (strcmp(things->thing[i]->id, id) == 0)
			return things->thing[i];
	}
	return NULL;
}

/* Of a list that was asked for by name: Nova's filter takes s1 for a part of s10, too. */
static const char *id_of_name(yyjson_val *list, const char *name)
{
	yyjson_val *item;
	size_t i, max;

	yyjson_arr_foreach (list, i, max, item) {
		if (yyjson_equals_str(yyjson_obj_get(item, "name"), name))
			return yyjson_get_str(yyjson_obj_get(item, "id"));
	}
	return NULL;
}

/* Was it made, when nobody said so?  By its name, as a client looks. */
static void find_by_name(const struct things *of, struct thing *thing)
{
	for (int tries = 0; tries < 200 && thing->known == UNKNOWN; tries++) {
		struct reply reply = askf("GET", NULL, "%s?name=%s", of->path, thing->name);
		if (reply_is_ok(&reply)) {
			const char *id = id_of_name(reply_member(&reply, of->list), thing->name);

			/* One that is still under way may yet come: who hears nothing asks for a while. */
			if (id)
				snprintf(thing->id, sizeof thing->id, "%s", id);
			if (id || tries > 5)
				thing->known = id ? THERE : GONE;
		}
		reply_done(&reply);
		fiber_sleep(3 * SECOND);
	}
}

struct thing *thing_made(struct things *mine, struct thing *thing, struct reply *reply, const char *object)
{
	if (reply_is_ok(reply)) {
		snprintf(thing->id, sizeof thing->id, "%s", reply_text(reply, object, "id"));
		thing->known = THERE;
	} else if (reply_is_open(reply)) {
		find_by_name(mine, thing);
	} else {
		thing->known = GONE;
	}
	reply_done(reply);
	if (thing->known == THERE)
		return thing;
	thing_remove(mine, thing);
	return NULL;
}

bool thing_delete(const struct things *of, struct thing *thing)
{
	thing->deleting = true;
	thing->calm = false;
	struct reply reply = askf("DELETE", NULL, "%s/%s", of->path, thing->id);
	bool ok = reply_is_ok(&reply) || reply_is_missing(&reply);

	reply_done(&reply);
	return ok;
}

void thing_check(const struct thing *thing, const struct reply *reply, const char *what)
{
	if (reply_is_missing(reply) && !thing->deleting)
		checks_broken(2, "%s %s was answered with 2xx, nobody deleted it, and it is not there", what,
			      thing->id);
}
