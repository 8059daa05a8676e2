/* Within the agent's core: the servers that it knows of, and the lock on all of it. */
#pragma once

#include "agent/agent.h"
#include "base/map.h"

#include <pthread.h>
#include <stdatomic.h>

enum state {
	STATE_UNKNOWN,
	STATE_BUILDING,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_SUSPENDED,
	STATE_INCOMING,
	STATE_LEFT,
	STATE_STOPPED,
	STATE_FAILED,
	STATE_GONE
};

struct entry {
	char id[37];
	bool known; /* somebody has said what is wanted: the controller, or the folder of an earlier life */
	int64_t generation; /* of what is wanted */
	uint64_t turn;	    /* what is wanted first is done first */
	bool absent;	    /* it is to go */
	char *wanted;	    /* JSON, until it is worked off: a host may have a thousand */
	char *next;	    /* came while a worker is busy with `wanted` */
	char *ports;	    /* JSON: [[id, admin_state_up, is to go], ...] */
	char *troubles;	    /* JSON: {port: what is wrong with it} of what was worked off last, or NULL */
	int64_t done;	    /* generation that was worked off; -1: none */
	enum state state;
	bool busy, report;
	bool loose;	    /* the guest was asked to let go of something and did not: it may do so yet */
	bool waits;	    /* for something that will come back: `fault` says for what */
	int attempts;	    /* that failed, one after the other */
	int64_t not_before; /* sys_monotonic(): of the next attempt */
	int64_t busy_since; /* sys_monotonic(): of the step */
	const char *step;   /* of the work that is going on */
	bool late;	    /* it has been said that the step takes long */
	char *facts;	    /* JSON that the controller wants for a target (migration.h), or NULL */
	char *fault;	    /* or NULL */
	/* What is at fault (docs/agent-protocol.md), or NULL. */
	const char *fault_kind;
};

struct agent {
	const struct agent_settings *settings;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map entries; /* by id */
	int workers;
	uint64_t turns; /* given out */
	atomic_bool stopping;
	bool asked; /* the controller was asked at least once, whether it answered or not */
	int64_t revision;
	bool inventory_sent;
	bool look;	      /* devices came or went: an inventory is due */
	struct error refused; /* why the host cannot be part of the site: the agent ends */
};

extern struct agent agent;

#define AGENT_RETRY (2 * TIME_SECOND)

/* All of these with the lock held. */
struct entry *entry_get(const char *id); /* made if there is none */
/* Takes this over as what is wanted, at once or when the worker is through.  (As text: it takes a third of
 * the memory, and is looked at seldom.) */
void entry_want(struct entry *entry, yyjson_val *server);
/* Looks at `next`, if there is one: the worker is through. */
void entry_next(struct entry *entry);
/* What is wanted, parsed; NULL if it was worked off. */
yyjson_doc *entry_server(const struct entry *entry);
/* What is wanted is so: of it only what reports need is kept. */
void entry_done(struct entry *entry);
void entry_fail(struct entry *entry, const char *fault);		       /* NULL: no fault */
void entry_trouble(struct entry *entry, const char *port_id, const char *why); /* NULL, NULL: none */
void entry_free(void *entry);
const char *state_text(enum state state);
/* Waits at most so long for agent.changed; false when it is time to end. */
bool agent_wait(int64_t microseconds);

/* The inventory is to be made soon (takes the lock itself). */
void agent_look(void);
/* The server that waits longest for a worker, or NULL. */
struct entry *work_next(void);
/* What waits for another attempt gets it now.  Takes the lock. */
void work_try_again(void);
/* Gives servers that are not as wanted to workers. */
void work_dispatch(void);
/* Says which steps take suspiciously long. */
void work_watch(void);
/* Sends what changed to the controller (gives the lock up meanwhile). */
void status_send(void);
/* Asks the controller until it is time to end: a thread of its own. */
void *poll_loop(void *argument);
