/* Deadlines for what may hang: a driver's reset, a write to sysfs, libvirtd.  A call runs on a thread of its
 * own; when its time is over the caller goes on with an error and the call is left to itself.  Until it has
 * come back no other call about the same thing (key) is begun.  Any thread. */
#pragma once

#include "agent/world.h"

/* err->type of a call that has not come back. */
#define DEADLINE_HANG "hang"
bool deadline_is_hang(const struct error *err);

/* Calls work(argument) and waits at most so long; `what` is for messages ("writing 1 to ...").  True: it has
 * returned.  False: it has not, or an earlier one with the same key has not: *err is of type DEADLINE_HANG
 * and kind ERROR_TIMEOUT, and `release` is called with the argument when nobody uses it any more. */
bool deadline_run(const char *key, const char *what, int seconds, void (*work)(void *argument),
		  void (*release)(void *argument), void *argument, struct error *err);

/* Several calls about one device, made one after the other on one other thread, because handing each of them
 * over takes longer than most of them do.  In work(argument), each call that deadline_world() would have
 * handed over is made at once, with its own deadline as ever.  When one is over, what the work does after
 * that call has come back fails without doing anything.  Without deadline_world() the work is simply done.
 * Returns as deadline_run(). */
bool deadline_errand(const char *key, const char *what, void (*work)(void *argument),
		     void (*release)(void *argument), void *argument, struct error *err);
/* For deadline_world(): the same, and between the last two a call is made by a thread that is on an errand;
 * false: it is not to be made, or has been given up meanwhile. */
bool deadline_run_errand(const char *key, const char *what, int seconds, void (*work)(void *argument),
			 void (*release)(void *argument), void *argument, struct error *err);
bool deadline_on_errand(void);
bool deadline_step_begin(const char *key, const char *what, int seconds, struct error *err);
bool deadline_step_end(struct error *err);

/* The same host, with deadlines on what changes it, on reads that take a device's lock, on rtnetlink and
 * libvirt.  (The kernel's other files take no lock that a driver may hold.)  Before threads start. */
const struct world *deadline_world(const struct world *host);
/* [penstock] device_timeout, libvirt_timeout: seconds for calls about devices, and for libvirt's. */
void deadline_configure(int device_seconds, int libvirt_seconds);

/* Does a call about it hang?  Then *err says which.  (A device's key is its address; a read that hangs gives
 * NULL, as one of a file that is not there.) */
bool deadline_hangs(const char *key, struct error *err);
/* Called on a helper's thread when a call that was given up has come back: what waited for it need not wait
 * any longer.  Before threads start; NULL: nobody wants to know. */
extern void (*deadline_returned)(void);
/* What hangs now, one a line ("" if nothing does); for the log. */
void deadline_tell(char *text, size_t size);
size_t deadline_hanging(void);
/* For tests: the time of all calls that are under way is over. */
void deadline_expire(void);
