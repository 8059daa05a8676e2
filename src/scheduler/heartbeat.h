/* Within the scheduler: when each host was last heard of.  Heartbeats are many and matter only while they are
 * fresh, so they live in memory, shared by all threads; the store learns of them every few seconds. */
#pragma once

#include "base/error.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct heartbeat {
	_Atomic int64_t heard_at;  /* microseconds */
	_Atomic int64_t stored_at; /* what the store has */
};

/* The host's heartbeat, made if need be; lives as long as the process.  Any thread. */
struct heartbeat *heartbeat_of(const char *host_id);
/* When it was last heard of, given what the store says. */
int64_t heartbeat_heard_at(const char *host_id, int64_t stored);
/* How long ago that is, whatever was done to the clock since. */
int64_t heartbeat_age(int64_t heard_at);
bool heartbeat_is_up(int64_t heard_at);
/* Writes what is newer than the store by HEARTBEAT_STORE_EVERY.  The writer's thread. */
#define HEARTBEAT_STORE_EVERY (10 * INT64_C(1000000))
bool heartbeat_store(struct store *db, const char *host_id, struct heartbeat *heartbeat, struct error *err);
