/* Requests that wait.  Wakes may come from any thread.  Keys are spread over slots; a slot remembers when it
 * was last woken, so that a wake between looking and parking is not lost (two keys in one slot only cause a
 * look too many). */
#include "http/park.h"

#include "http/http.h"

#include <pthread.h>
#include <string.h>

#define PARK_SLOTS 4096

static pthread_mutex_t park_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct http_parked *first;
	uint64_t woken;
} park_slots[PARK_SLOTS];
static uint64_t park_epoch;
static int64_t park_earliest = INT64_MAX; /* no deadline is before it */

static size_t park_slot(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return (hash ^ hash >> 32) % PARK_SLOTS;
}

uint64_t http_park_epoch(void)
{
	pthread_mutex_lock(&park_lock);
	uint64_t epoch = park_epoch;
	pthread_mutex_unlock(&park_lock);
	return epoch;
}

bool http_park_add(struct http_parked *parked, uint64_t epoch)
{
	size_t slot = park_slot(parked->key);

	pthread_mutex_lock(&park_lock);
	bool quiet = park_slots[slot].woken <= epoch;
	if (quiet) {
		parked->next = park_slots[slot].first;
		park_slots[slot].first = parked;
		if (parked->deadline < park_earliest)
			park_earliest = parked->deadline;
	}
	pthread_mutex_unlock(&park_lock);
	return quiet;
}

static void park_resume(struct http_parked *list)
{
	while (list) {
		struct http_parked *parked = list;

		list = parked->next;
		parked->resume(parked);
	}
}

void http_wake(const char *key)
{
	struct http_parked *woken = NULL, **link;
	size_t slot = park_slot(key);

	pthread_mutex_lock(&park_lock);
	park_slots[slot].woken = ++park_epoch;
	for (link = &park_slots[slot].first; *link;) {
		struct http_parked *parked = *link;

		if (strcmp(parked->key, key) != 0) {
			link = &parked->next;
			continue;
		}
		*link = parked->next;
		parked->next = woken;
		woken = parked;
	}
	pthread_mutex_unlock(&park_lock);
	park_resume(woken);
}

int64_t http_park_expire(int64_t now)
{
	struct http_parked *over = NULL, **link;
	int64_t next = INT64_MAX;

	pthread_mutex_lock(&park_lock);
	for (size_t slot = 0; now >= park_earliest && slot < PARK_SLOTS; slot++) {
		for (link = &park_slots[slot].first; *link;) {
			struct http_parked *parked = *link;

			if (parked->deadline > now) {
				next = parked->deadline < next ? parked->deadline : next;
				link = &parked->next;
				continue;
			}
			*link = parked->next;
			parked->next = over;
			over = parked;
		}
	}
	if (now >= park_earliest)
		park_earliest = next;
	next = park_earliest;
	pthread_mutex_unlock(&park_lock);
	park_resume(over);
	return next;
}

void http_park_flush(void)
{
	http_park_expire(INT64_MAX - 1);
}
