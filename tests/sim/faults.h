/* What goes wrong, and when: drawn from the seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* --- asked at the seams --- */

/* Every place at which a daemon meets the world: time passes (about so many microseconds), others run, and
 * it may be killed here: then this does not return. */
void fault_seam(const char *what, const char *where, int64_t microseconds);
/* How long a message takes. */
int64_t fault_latency(void);
/* Does the message get lost?  (`from` or to: the daemon at the other end than the controller; NULL: a
 * client.) */
bool fault_loses(const struct daemon *daemon);
bool fault_doubles(void);
bool fault_cuts(void);
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
/* Kinds of faults, as a mask (FAULTS=); those that are not in it never come. */
extern unsigned faults_allowed;
