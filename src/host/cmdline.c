/* Words of kernel command lines. */
#include "host/cmdline.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define DEFAULT_PAGES_KB 2048 /* what `hugepages=` without a size means on x86 */

/* The next word and its length, or NULL. */
static const char *word_next(const char **position, size_t *length)
{
	const char *start = *position + strspn(*position, " \t\n"), *end = start;
	bool quoted = false;

	for (; *end && (quoted || !strchr(" \t\n", *end)); end++)
		quoted ^= *end == '"';
	*position = end;
	*length = (size_t)(end - start);
	return *length ? start : NULL;
}

static bool word_is(const char *word, size_t length, const char *text)
{
	return length == strlen(text) && memcmp(word, text, length) == 0;
}

bool cmdline_has(const char *line, const char *word)
{
	size_t length;

	for (const char *w; (w = word_next(&line, &length));) {
		if (word_is(w, length, word))
			return true;
	}
	return false;
}

/* --- huge pages: "hugepagesz=2M hugepages=1024", where the size holds until the next one --- */

/* "2M", "2048k", "1G" in KiB. */
static int64_t size_of(const char *text, size_t length)
{
	int64_t size = 0;
	size_t i = 0;

	for (; i < length && text[i] >= '0' && text[i] <= '9' && size < INT64_C(1) << 40; i++)
		size = size * 10 + text[i] - '0';
	switch (i < length ? text[i] | 0x20 : 0) {
	case 'g':
		return size << 20;
	case 'm':
		return size << 10;
	case 'k':
		return size;
	default:
		return size >> 10;
	}
}

/* What `hugepages=` counts before any hugepagesz=. */
static int64_t size_default(const char *line)
{
	int64_t size_kb = DEFAULT_PAGES_KB;
	size_t length;

	for (const char *w; (w = word_next(&line, &length));) {
		if (length > 19 && memcmp(w, "default_hugepagesz=", 19) == 0)
			size_kb = size_of(w + 19, length - 19);
	}
	return size_kb;
}

static const struct wish_pages *pages_wanted(const struct cmdline_change *change, int64_t size_kb)
{
	for (size_t i = 0; i < change->pages_count; i++) {
		if (change->pages[i].size_kb == size_kb)
			return &change->pages[i];
	}
	return NULL;
}

/* Keeps track of the size; is this word a number of pages, or a size? */
static bool is_pages(const char *word, size_t length, int64_t *size_kb)
{
	if (length > 11 && memcmp(word, "hugepagesz=", 11) == 0) {
		*size_kb = size_of(word + 11, length - 11);
		return true;
	}
	return length > 10 && memcmp(word, "hugepages=", 10) == 0;
}

static bool pages_are_right(const char *line, const struct wish_pages *wish)
{
	_cleanup_free_ char *number = memory_printf("hugepages=%lld", (long long)wish->count);
	int64_t size_kb = size_default(line);
	bool right = false;
	size_t length;

	for (const char *w; (w = word_next(&line, &length));) {
		if (is_pages(w, length, &size_kb) && size_kb == wish->size_kb && w[9] == '=')
			right = word_is(w, length, number);
	}
	return right;
}

/* --- changes --- */

static bool is_to_go(const struct cmdline_change *change, const char *word, size_t length, int64_t *size_kb,
		     const char *line)
{
	for (size_t i = 0; i < change->remove_count; i++) {
		if (word_is(word, length, change->remove[i]))
			return true;
	}
	if (!is_pages(word, length, size_kb))
		return false;
	const struct wish_pages *wish = pages_wanted(change, *size_kb);
	return wish && !pages_are_right(line, wish);
}

char *cmdline_remove(const char *line, const struct cmdline_change *change)
{
	const char *position = line;
	int64_t size_kb = size_default(line);
	struct text text = {0};
	size_t length, gone = 0;

	for (const char *w; (w = word_next(&position, &length));) {
		if (is_to_go(change, w, length, &size_kb, line)) {
			gone++;
			continue;
		}
		text_add(&text, text.length ? " " : "");
		text_add_bytes(&text, w, length);
	}
	if (gone)
		return text_take(&text);
	text_done(&text);
	return memory_copy_text(line); /* with its blanks as they are */
}

char *cmdline_add(const char *line, const char *elsewhere, const struct cmdline_change *change)
{
	_cleanup_free_ char *all = memory_printf("%s %s", line, elsewhere);
	struct text text = {0};

	text_add(&text, line);
	for (size_t i = 0; i < change->add_count; i++) {
		if (!cmdline_has(all, change->add[i]))
			text_addf(&text, "%s%s", text.length ? " " : "", change->add[i]);
	}
	for (size_t i = 0; i < change->pages_count; i++) {
		if (!pages_are_right(all, &change->pages[i]))
			text_addf(&text, "%shugepagesz=%s hugepages=%lld", text.length ? " " : "",
				  change->pages[i].size, (long long)change->pages[i].count);
	}
	return text_take(&text);
}

bool cmdline_is_right(const char *line, const struct cmdline_change *change, char *missing, size_t size)
{
	for (size_t i = 0; i < change->remove_count; i++) {
		snprintf(missing, size, "it has %s", change->remove[i]);
		if (cmdline_has(line, change->remove[i]))
			return false;
	}
	for (size_t i = 0; i < change->add_count; i++) {
		snprintf(missing, size, "it has no %s", change->add[i]);
		if (!cmdline_has(line, change->add[i]))
			return false;
	}
	for (size_t i = 0; i < change->pages_count; i++) {
		snprintf(missing, size, "it has no hugepagesz=%s hugepages=%lld", change->pages[i].size,
			 (long long)change->pages[i].count);
		if (!pages_are_right(line, &change->pages[i]))
			return false;
	}
	*missing = '\0';
	return true;
}
