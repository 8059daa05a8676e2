/* What clients asked and were answered about the name of each server and port, and whether there is an order
 * of it all that explains it (linearizability: Herlihy and Wing). */
#pragma once

#include <stdbool.h>

enum history_end {
	HISTORY_DONE,
	HISTORY_FAILED,
	HISTORY_OPEN /* it may come true at any later time, or never */
};

/* Begins an operation; returns its number.  A name is given to a thing once: it tells which write was read.
 */
int history_write(const char *thing, const char *name);
int history_read(const char *thing);
void history_end(int operation, enum history_end end, const char *read);
/* Is there an order for everything?  If not, says for which there is none. */
bool history_is_linear(char *why, int size);
void history_forget(void);
