/* $references in values: $option, ${option}, $group.option, ${group.option}; $$ and \$ are a dollar.  What
 * has no group is looked for beside the option that refers to it, then in [DEFAULT]; what no file sets has
 * its default.  A reference that names nothing stays as it is written: it may be a password. */
#include "config/internal.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define MAX_DEPTH 16   /* references within references */
#define MAX_STEPS 1000 /* references in all */
#define MAX_BYTES (1024 * 1024)

struct resolver {
	const struct config *config;
	struct config_entry *entry; /* whose value is being resolved */
	struct text out;
	int depth, steps;
};

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_REST  NAME_FIRST "0123456789."

static void resolve(struct resolver *r, const char *group, const char *raw);

static bool option_resolve(struct resolver *r, const char *group, const char *option)
{
	const struct config_entry *entry = config_find(r->config, group, option);
	int rank = 0;
	const struct config_option *known = entry ? NULL : config_option_find(group, option, &rank);

	if (entry)
		resolve(r, entry->group, entry->raw);
	else if (known && rank == 0 && known->fallback)
		resolve(r, known->group, known->fallback);
	return entry || (known && rank == 0);
}

static bool name_resolve(struct resolver *r, const char *group, const char *name)
{
	const char *dot = strchr(name, '.');
	_cleanup_free_ char *other = dot ? memory_printf("%.*s", (int)(dot - name), name) : NULL;

	return (dot && option_resolve(r, other, dot + 1)) || (!dot && option_resolve(r, group, name)) ||
	       option_resolve(r, "DEFAULT", name);
}

/* What a $ starts: `at` is behind it.  Returns where the text goes on. */
static const char *reference_resolve(struct resolver *r, const char *group, const char *at)
{
	bool braces = *at == '{';
	const char *name = at + braces,
		   *end = name + (strspn(name, NAME_FIRST) ? strspn(name, NAME_REST) : 0);
	_cleanup_free_ char *copy = NULL;

	if (*at == '$') {
		text_add(&r->out, "$");
		return at + 1;
	}
	if (end == name || (braces && *end != '}')) {
		text_add(&r->out, "$");
		return at;
	}
	copy = memory_printf("%.*s", (int)(end - name), name);
	end += braces;
	if (!name_resolve(r, group, copy)) {
		text_add(&r->out, "$");
		text_add_bytes(&r->out, at, (size_t)(end - at));
		if (!r->entry->nothing)
			r->entry->nothing = TAKE_PTR(copy);
	}
	return end;
}

static void resolve(struct resolver *r, const char *group, const char *raw)
{
	if (r->depth == MAX_DEPTH || ++r->steps > MAX_STEPS || r->out.length > MAX_BYTES)
		r->entry->endless = true;
	r->depth++;
	while (*raw && !r->entry->endless) {
		size_t plain = strcspn(raw, "$\\");

		text_add_bytes(&r->out, raw, plain);
		raw += plain;
		if (*raw == '\\' && raw[1] == '$') {
			text_add(&r->out, "$");
			raw += 2;
		} else if (*raw == '\\') {
			text_add(&r->out, "\\");
			raw++;
		} else if (*raw) {
			raw = reference_resolve(r, group, raw + 1);
		}
	}
	r->depth--;
}

void config_resolve(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		struct config_entry *entry = &config->entries[i];
		struct resolver resolver = {.config = config, .entry = entry};

		free(entry->nothing);
		free(entry->value);
		entry->nothing = NULL;
		entry->endless = false;
		resolve(&resolver, entry->group, entry->raw);
		entry->value = entry->endless ? memory_copy_text(entry->raw) : text_take(&resolver.out);
		text_done(&resolver.out);
	}
}
