/* What goes wrong, and when: drawn from the seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct daemon;

enum fault_kind {
	FAULT_KILL_AT_SEAM, /* kill -9 where a daemon meets the world */
	FAULT_KILL,	    /* at any time; it comes back after a while */
	FAULT_POWER_CUT,
	FAULT_LOSS, /* messages */
	FAULT_CUT,
	FAULT_DOUBLE,
	FAULT_SLOW,
	FAULT_PARTITION,
	FAULT_CALL_FAILS, /* libvirt, sysfs, netlink */
	FAULT_CALL_UNHEARD,
	FAULT_CALL_HANGS,
	FAULT_DISK_FULL,
	FAULT_CLOCK,
	FAULT_GUEST_DIES,
	FAULT_STUBBORN,
	FAULT_TYPING, /* an operator with ip link or virsh */
	FAULT_VANISH, /* a device, for a while */
	FAULT_KINDS
};

/* Does this kind come in this seed, and may it still? */
bool fault_comes(enum fault_kind kind);
const char *fault_name(enum fault_kind kind);

/* --- asked at the seams --- */

/* Every place at which a daemon meets the world: time passes (about so many microseconds), others run, and
 * it may be killed here: then this does not return. */
void fault_seam(const char *what, const char *where, int64_t microseconds);
/* How long a message from or to this agent (NULL: a client) takes. */
int64_t fault_latency(const struct daemon *daemon);
/* Does a message from or to this agent (NULL: a client) get lost, doubled, or its answer cut? */
bool fault_loses(const struct daemon *daemon);
bool fault_doubles(void);
bool fault_cuts(const struct daemon *daemon);
/* What becomes of a call that changes a host. */
enum fault_call { FAULT_NONE, FAULT_FAILS, FAULT_UNHEARD, FAULT_HANGS };
enum fault_call fault_of_call(const char *what);
/* How long one that hangs does. */
int64_t fault_hang(void);

/* --- the simulator's --- */

/* Draws what this seed is like, and starts what makes trouble. */
void faults_begin(void);
/* Nothing goes wrong any more, and what was broken is mended. */
void faults_end(void);
bool faults_are_over(void);
/* Kinds that may come, as a mask of 1 << kind. */
extern unsigned faults_allowed;
