/* A simulated host with an image in its cache, and processes that are killed while they work on it. */
#pragma once

#include "agent/agent.h"
#include "agent/lifecycle.h"

/* The image of the server that is wanted, in the cache. */
#define IMAGE \
	"99999999-2222-3333-4444-555555555555-" \
	"ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db2"

extern char *host_folder; /* the agent's: where its ledger and its quarantine are */
extern struct host_folders folders;
extern struct controller controller; /* nobody there: the image is in the cache */
extern char not_offered[16];	     /* an address */
extern char trouble[600];	     /* "PORT: WHY" that was told last */
extern struct lifecycle life;

/* For cmocka: before and after each test; _killable: with killed_at(). */
int make(void **state);
int drop(void **state);
int make_killable(void **state);
int drop_killable(void **state);
/* Another size of host (simulated_start()). */
int make_killable_host(const char *host);

/* What the agent reads at its start. */
void begin_again(void);
bool has_file(const char *name);
void assert_nothing_left(const char *when);
void assert_driver(const char *address, const char *wanted);
enum server_outcome set_up(yyjson_doc *doc);
/* Tears the server down: nothing may be left. */
void take_down(const char *when);

extern char *last_change; /* before which it was killed */
/* Runs `work` in a process of its own that is killed before its n-th change of the host; false if it came to
 * its end before that, which must be a good one. */
bool killed_at(int n, bool (*work)(void));
