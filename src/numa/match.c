/* Guest cells and host cells: matching, and going through sets of host cells. */
#include "numa/match.h"

#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))

/* Who is with whom; -1: nobody. */
struct pairs {
	int8_t guest_of[NUMA_MATCH_MAX], host_of[NUMA_MATCH_MAX];
	uint64_t hosts; /* that have a guest */
};

static void pairs_clear(struct pairs *pairs)
{
	memset(pairs, 0xff, sizeof *pairs); /* -1 */
	pairs->hosts = 0;
}

static void pairs_put(struct pairs *pairs, int guest, int host)
{
	pairs->guest_of[host] = (int8_t)guest;
	pairs->host_of[guest] = (int8_t)host;
	pairs->hosts |= BIT(host);
}

/* Finds a guest for one more host; hosts that have one keep some guest. */
static bool host_add(const struct numa_match *match, struct pairs *pairs, int host, uint64_t *seen)
{
	for (int guest = 0; guest < match->guests; guest++) {
		if (*seen & BIT(guest) || !(match->fits[guest] & BIT(host)))
			continue;
		*seen |= BIT(guest);
		if (pairs->host_of[guest] < 0 || host_add(match, pairs, pairs->host_of[guest], seen)) {
			pairs_put(pairs, guest, host);
			return true;
		}
	}
	return false;
}

/* Finds a host out of `allowed` for one more guest; guests that have one keep some host. */
static bool guest_add(const struct numa_match *match, struct pairs *pairs, int guest, uint64_t allowed,
		      uint64_t *seen)
{
	for (uint64_t left = match->fits[guest] & allowed; left; left &= left - 1) {
		int host = __builtin_ctzll(left);

		if (*seen & BIT(host))
			continue;
		*seen |= BIT(host);
		if (!(pairs->hosts & BIT(host)) ||
		    guest_add(match, pairs, pairs->guest_of[host], allowed, seen)) {
			pairs_put(pairs, guest, host);
			return true;
		}
	}
	return false;
}

bool numa_match_check(const struct numa_match *match, uint64_t *guests, uint64_t *hosts)
{
	struct pairs pairs;

	pairs_clear(&pairs);
	for (int guest = 0; guest < match->guests; guest++) {
		uint64_t seen = 0;

		if (guest_add(match, &pairs, guest, ~UINT64_C(0), &seen))
			continue;
		/* all that was seen is taken, by guests that want nothing else */
		*hosts = seen;
		*guests = BIT(guest);
		for (; seen; seen &= seen - 1)
			*guests |= BIT(pairs.guest_of[__builtin_ctzll(seen)]);
		return false;
	}
	return true;
}

/* --- which guest goes where in a set --- */

static void arrange(struct numa_match *match, struct pairs *pairs)
{
	uint64_t open = pairs->hosts;

	for (int guest = 0; guest < match->guests; guest++) {
		int own = pairs->host_of[guest];

		for (uint64_t left = match->fits[guest] & open & (BIT(own) - 1); left; left &= left - 1) {
			int host = __builtin_ctzll(left), other = pairs->guest_of[host];
			struct pairs changed = *pairs;
			uint64_t seen = BIT(host);

			changed.hosts &= ~BIT(own);
			if (!guest_add(match, &changed, other, open, &seen))
				continue;
			pairs_put(&changed, guest, host);
			*pairs = changed;
			break;
		}
		match->host_of[guest] = pairs->host_of[guest];
		open &= ~BIT(match->host_of[guest]);
	}
}

/* --- going through sets --- */

/* Would the set be large enough with hosts from `next` on? */
static bool can_be_completed(const struct numa_match *match, const struct pairs *pairs, int count, int next)
{
	struct pairs all = *pairs;

	for (int host = next; host < match->hosts && count < match->guests; host++) {
		uint64_t seen = 0;

		count += host_add(match, &all, host, &seen);
	}
	return count == match->guests;
}

static bool set_is_accepted(struct numa_match *match, struct pairs *pairs)
{
	match->tries++;
	if (match->accept && !match->accept(match->context, pairs->hosts))
		return false;
	arrange(match, pairs);
	return true;
}

/* `count` hosts are chosen, and the set can be completed with hosts from `next` on; it can still be so with
 * any of them that finds a guest (the sets that can be matched are a matroid's independent ones). */
static bool search(struct numa_match *match, struct pairs *pairs, int count, int next)
{
	if (count == match->guests)
		return set_is_accepted(match, pairs);
	for (int host = next; host < match->hosts && match->tries < NUMA_MATCH_MAX_TRIES; host++) {
		struct pairs more = *pairs;
		uint64_t seen = 0;

		if (!host_add(match, &more, host, &seen))
			continue;
		if (search(match, &more, count + 1, host + 1))
			return true;
		if (!can_be_completed(match, pairs, count, host + 1))
			return false;
	}
	return false;
}

bool numa_match_find(struct numa_match *match)
{
	struct pairs pairs;

	pairs_clear(&pairs);
	match->tries = 0;
	return can_be_completed(match, &pairs, 0, 0) && search(match, &pairs, 0, 0);
}
