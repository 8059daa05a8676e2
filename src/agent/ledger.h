/* Whose each device of this host is: one file for each device that was taken, state_dir/ledger/ADDRESS, with
 * the server and the number of the grant.  A device is entered before anything of it is looked at or changed,
 * and struck out when its reset was read back; who is not entered touches nothing of it.  So an old server's
 * clean-up cannot reach a device that has been given to another one since.  Any thread. */
#pragma once

#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger_entry {
	char server_id[37];
	int64_t grant;	 /* counts up with each taking on this host; 0: of an older journal */
	bool unreadable; /* there is a file, and it makes no sense: nobody may touch the device */
};

/* Stands there for a device that is cleaned because it is nobody's. */
#define LEDGER_NOBODY "00000000-0000-0000-0000-000000000000"

/* Where it is; "" (the beginning): there is none, and nothing is refused. */
bool ledger_configure(const char *state_dir, struct error *err);
/* False if the device is nobody's. */
bool ledger_read(const char *address, struct ledger_entry *entry);
/* Enters the device for the server, with a new *grant; if it is the server's already, *grant is what it was.
 * ERROR_CONFLICT: it is another's; ERROR_UNAVAILABLE: it is being cleaned. */
bool ledger_take(const char *address, const char *server_id, int64_t *grant, struct error *err);
/* Is it the server's?  Enters it with the number of its grant if it is nobody's, so that nobody takes it
 * meanwhile.  ERROR_CONFLICT: it is another's by now. */
bool ledger_retake(const char *address, const char *server_id, int64_t grant, struct error *err);
/* Enters it, whatever is there: what a journal says at the agent's start. */
bool ledger_enter(const char *address, const char *server_id, int64_t grant, struct error *err);
/* Strikes it out if it is the server's. */
bool ledger_drop(const char *address, const char *server_id, struct error *err);
/* Strikes out all of a server: what its journal does not name (any more) was not touched. */
void ledger_forget(const char *server_id);
/* Addresses of all that are entered, ended by NULL, for world_list_free(). */
char **ledger_list(void);
