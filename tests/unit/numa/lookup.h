/* Flavors and images for tests: "hw:numa_nodes=2 hw:cpu_policy=dedicated", items with blanks between them. */
#pragma once

#include "numa/guest.h"

/* As a numa_lookup's context: the text.  The value is good until the 16th look after it. */
static inline const char *lookup_value(const void *context, const char *key)
{
	static char values[16][256];
	static unsigned turn;
	size_t length = strlen(key);

	for (const char *item = context; item && *item;
	     item += strcspn(item, " "), item += strspn(item, " ")) {
		if (strncmp(item, key, length) != 0 || item[length] != '=')
			continue;
		char *value = values[turn++ % 16];

		snprintf(value, sizeof values[0], "%.*s", (int)strcspn(item + length + 1, " "),
			 item + length + 1);
		return value;
	}
	return NULL;
}

static inline bool lookup_guest(int64_t vcpus, int64_t memory_mb, const char *flavor, const char *image,
				struct numa_guest *guest, struct error *err)
{
	struct numa_wish wish = {.flavor = lookup_value,
				 .image = lookup_value,
				 .flavor_context = flavor,
				 .image_context = image,
				 .vcpus = vcpus,
				 .memory_mb = memory_mb};

	*err = (struct error){0};
	return numa_guest_parse(&wish, guest, err);
}
