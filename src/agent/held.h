/* Who is at a NIC's function just now, and the settings of the VFs that servers have: between the workers,
 * who program VFs on their way to guests and back, and the guard (guard.h), who puts back what others change.
 * Each function of a card (PF or VF, by PCI address) has at most one of them at it. */
#pragma once

#include "agent/vf.h"

/* What a VF was programmed with for a server. */
struct held {
	struct vf_settings wanted, seen; /* seen: as it was read back */
	char server_id[37], port_id[37]; /* port_id: "" for one of an alias */
};

/* --- a worker; with the card's lock held --- */

/* Waits until the guard is through with it. */
void held_begin(const char *address);
/* How it is now: `now` (copied) if a server has it, NULL if nobody does. */
void held_end(const char *address, const struct held *now);
/* It is as it was. */
void held_end_unchanged(const char *address);

/* --- others --- */

/* *has: a server has it, and *now says how.  False if somebody is at it; else held_end...() must follow. */
bool held_try(const char *address, struct held *now, bool *has);
/* The same without the right to change anything: for a look. */
bool held_look(const char *address, struct held *now);
