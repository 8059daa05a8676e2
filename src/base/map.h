/* A map from text to pointer: open addressing, for tables that are looked up often. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	uint64_t hash;
	char *key; /* owned; NULL: free slot */
	void *value;
};

/* Start from `struct map m = {0};`. */
struct map {
	struct map_entry *entries;
	size_t capacity; /* a power of two */
	size_t count;
};

void *map_get(const struct map *map, const char *key); /* NULL if absent */
/* Returns the value that was there before, or NULL.  `value` is not NULL. */
void *map_put(struct map *map, const char *key, void *value);
void *map_remove(struct map *map, const char *key); /* the value that was there, or NULL */
/* Empties it; `free_value` may be NULL. */
void map_done(struct map *map, void (*free_value)(void *));
/* Start with *position = 0; returns NULL after the last.  The map must not change meanwhile. */
struct map_entry *map_next(const struct map *map, size_t *position);
