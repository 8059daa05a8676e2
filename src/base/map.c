/* A map from text to pointer, open addressing with linear probing and backward-shift removal. */
#include "base/map.h"

#include "base/memory.h"

#include <string.h>

static uint64_t map_hash(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash ^ hash >> 32;
}

/* The slot that has the key, or the free one where it belongs. */
static struct map_entry *map_slot(const struct map *map, const char *key, uint64_t hash)
{
	size_t mask = map->capacity - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct map_entry *entry = &map->entries[i];

		if (!entry->key || (entry->hash == hash && strcmp(entry->key, key) == 0))
			return entry;
	}
}

static void map_grow(struct map *map)
{
	struct map old = *map;

	map->capacity = old.capacity ? 2 * old.capacity : 16;
	map->entries = memory_alloc(map->capacity * sizeof *map->entries);
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.entries[i].key)
			*map_slot(map, old.entries[i].key, old.entries[i].hash) = old.entries[i];
	}
	free(old.entries);
}

void *map_get(const struct map *map, const char *key)
{
	return map->count ? map_slot(map, key, map_hash(key))->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = map_hash(key);

	if (4 * (map->count + 1) > 3 * map->capacity)
		map_grow(map);
	struct map_entry *entry = map_slot(map, key, hash);
	void *before = entry->value;
	if (!entry->key) {
		entry->key = memory_copy_text(key);
		entry->hash = hash;
		map->count++;
	}
	entry->value = value;
	return before;
}

void *map_remove(struct map *map, const char *key)
{
	if (!map->count)
		return NULL;
	size_t mask = map->capacity - 1;
	struct map_entry *entry = map_slot(map, key, map_hash(key));
	void *value = entry->value;
	if (!entry->key)
		return NULL;
	free(entry->key);
	size_t hole = (size_t)(entry - map->entries);
	for (size_t i = (hole + 1) & mask; map->entries[i].key; i = (i + 1) & mask) {
		size_t home = map->entries[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			map->entries[hole] = map->entries[i];
			hole = i;
		}
	}
	map->entries[hole] = (struct map_entry){0};
	map->count--;
	return value;
}

void map_done(struct map *map, void (*free_value)(void *))
{
	for (size_t i = 0; i < map->capacity; i++) {
		if (!map->entries[i].key)
			continue;
		free(map->entries[i].key);
		if (free_value)
			free_value(map->entries[i].value);
	}
	free(map->entries);
	*map = (struct map){0};
}

struct map_entry *map_next(const struct map *map, size_t *position)
{
	while (*position < map->capacity) {
		struct map_entry *entry = &map->entries[(*position)++];

		if (entry->key)
			return entry;
	}
	return NULL;
}
