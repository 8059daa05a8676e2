/* Devices that must not be given to anybody: one file for each, state_dir/quarantine/ADDRESS.json =
 * {"address", "reason", "since", "heals", "server_id", "device"}, on the disk before it is told anywhere. The
 * reason is the device's health in the inventory.  It goes when a later check passes (health.c), or by
 * `penstock device release`, which leaves ADDRESS.release for the agent.  Any thread. */
#pragma once

#include "agent/grant.h"

#define QUARANTINE_REASON_SIZE 400

struct quarantine {
	char reason[QUARANTINE_REASON_SIZE], since[32];
	bool heals;	 /* a check that passes later is enough; else only the operator's word */
	bool has_device; /* what it was before it was given away is known */
	struct granted_device device;
};

bool quarantine_configure(const char *state_dir, struct error *err);
/* `device`: what is to be made good, or NULL.  What is there already keeps its time. */
bool quarantine_put(const char *address, bool heals, const struct granted_device *device, const char *reason,
		    struct error *err);
/* False if it is not quarantined. */
bool quarantine_read(const char *address, struct quarantine *quarantine);
bool quarantine_lift(const char *address, struct error *err);
/* Addresses, ended by NULL, for world_list_free(). */
char **quarantine_list(void);

/* Has the operator asked for it to be released (ADDRESS.release: "check" or "force")?  Answered by
 * quarantine_answer() in ADDRESS.answer, "" if it was. */
bool quarantine_asked(const char *address, bool *force);
void quarantine_answer(const char *address, const char *why);

/* Counts up with each device that comes in.  The controller must hear of it before it hears that the device's
 * server is gone: _told, that it has heard of so many; _is_news, that it has not heard of all. */
unsigned quarantine_count(void);
void quarantine_told(unsigned count);
bool quarantine_is_news(void);
/* How often giving the device back has failed, one time after the other; 0 begins anew. */
int quarantine_strike(const char *address);
void quarantine_forgive(const char *address);
