/* Within the room: the sets of host cells on which all guest cells can be, each on one of its own.
 *
 * Nova tries all permutations of host cells.  But who looks at devices and networks asks only which host
 * cells are used, and the guest cells do not depend on each other: so sets are gone through, and one is gone
 * into only if it can be completed (an augmenting path tells).  Each set costs a polynomial amount of work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { NUMA_MATCH_MAX = 64, NUMA_MATCH_MAX_TRIES = 4096 };

struct numa_match {
	int guests, hosts;
	uint64_t fits[NUMA_MATCH_MAX]; /* of each guest cell: bit h for host cell h, preferred ones first */
	bool (*accept)(void *context, uint64_t hosts);
	void *context;
	int tries;		     /* sets that accept was asked about */
	int host_of[NUMA_MATCH_MAX]; /* of each guest cell: the result */
};

/* Finds the first set, in the order of preference, that accept agrees to; it is asked at most
 * NUMA_MATCH_MAX_TRIES times.  In it the first guest cell has the most preferred host cell it can, and so on.
 */
bool numa_match_find(struct numa_match *match);
/* Can all guest cells be somewhere?  If not, *guests are some that want fewer host cells, *hosts, than they
 * are. */
bool numa_match_check(const struct numa_match *match, uint64_t *guests, uint64_t *hosts);
