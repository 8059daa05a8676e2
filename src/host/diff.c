/* A unified diff of two small texts, by their longest common subsequence of lines. */
#include "host/plan.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

#define CONTEXT	  3
#define MAX_LINES 4000 /* of a configuration file; longer ones are shown as all new */

struct lines {
	const char **at;
	size_t *length; /* with the line's end */
	size_t count;
};

static void lines_split(struct lines *lines, const char *text)
{
	size_t lengths = 0;

	while (text && *text) {
		const char *end = strchr(text, '\n');
		size_t length = end ? (size_t)(end - text) + 1 : strlen(text);

		*ARRAY_ADD(lines->at, lines->count) = text;
		*ARRAY_ADD(lines->length, lengths) = length;
		text += length;
	}
}

static void lines_done(struct lines *lines)
{
	free(lines->at);
	free(lines->length);
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->length[i] == b->length[j] && memcmp(a->at[i], b->at[j], a->length[i]) == 0;
}

struct edit {
	char kind; /* ' ', '-' or '+' */
	const char *line;
	size_t length;
};

struct edits {
	struct edit *items;
	size_t count;
};

static void edit_add(struct edits *edits, char kind, const struct lines *lines, size_t i)
{
	*ARRAY_ADD(edits->items, edits->count) = (struct edit){kind, lines->at[i], lines->length[i]};
}

/* table[i][j]: how many lines a[i..] and b[j..] have in common. */
static void compare(const struct lines *a, const struct lines *b, struct edits *edits)
{
	size_t width = b->count + 1, i, j;
	unsigned short *table = memory_alloc((a->count + 1) * width * sizeof *table);

	for (i = a->count; i-- > 0;) {
		for (j = b->count; j-- > 0;) {
			unsigned short down = table[(i + 1) * width + j], right = table[i * width + j + 1];

			table[i * width + j] = same(a, i, b, j)
						       ? (unsigned short)(table[(i + 1) * width + j + 1] + 1)
					       : down > right ? down
							      : right;
		}
	}
	for (i = j = 0; i < a->count || j < b->count;) {
		if (i < a->count && j < b->count && same(a, i, b, j)) {
			edit_add(edits, ' ', a, i++);
			j++;
		} else if (i < a->count &&
			   (j == b->count || table[(i + 1) * width + j] >= table[i * width + j + 1])) {
			edit_add(edits, '-', a, i++);
		} else {
			edit_add(edits, '+', b, j++);
		}
	}
	free(table);
}

static bool near_a_change(const struct edits *edits, size_t at)
{
	size_t from = at > CONTEXT ? at - CONTEXT : 0;

	for (size_t i = from; i <= at + CONTEXT && i < edits->count; i++) {
		if (edits->items[i].kind != ' ')
			return true;
	}
	return false;
}

/* "12,4" of @@ -12,4 +12,5 @@ */
static void print_range(char sign, size_t line, size_t count)
{
	printf(count == 1 ? "%c%zu" : "%c%zu,%zu", sign, count ? line + 1 : line, count);
}

static void print_hunk(const struct edits *edits, size_t from, size_t to, size_t old_line, size_t new_line)
{
	size_t old_count = 0, new_count = 0;

	for (size_t i = from; i < to; i++) {
		old_count += edits->items[i].kind != '+';
		new_count += edits->items[i].kind != '-';
	}
	printf("@@ ");
	print_range('-', old_line, old_count);
	printf(" ");
	print_range('+', new_line, new_count);
	printf(" @@\n");
	for (size_t i = from; i < to; i++) {
		const struct edit *edit = &edits->items[i];

		printf("%c%.*s", edit->kind, (int)edit->length, edit->line);
		if (edit->line[edit->length - 1] != '\n')
			printf("\n\\ No newline at end of file\n");
	}
}

static void print_hunks(const struct edits *edits)
{
	size_t old_line = 0, new_line = 0;

	for (size_t i = 0; i < edits->count;) {
		size_t from = i;

		while (i < edits->count && near_a_change(edits, i))
			i++;
		if (i > from)
			print_hunk(edits, from, i, old_line, new_line);
		else
			i++;
		for (; from < i; from++) {
			old_line += edits->items[from].kind != '+';
			new_line += edits->items[from].kind != '-';
		}
	}
}

void diff_print(const char *path, const char *old, const char *text)
{
	struct lines a = {0}, b = {0};
	struct edits edits = {0};

	printf("--- %s\n+++ %s\n", old ? path : "/dev/null", path);
	lines_split(&a, old);
	lines_split(&b, text);
	if (a.count > MAX_LINES || b.count > MAX_LINES)
		printf("(more than %d lines: not shown)\n", MAX_LINES);
	else
		compare(&a, &b, &edits);
	print_hunks(&edits);
	free(edits.items);
	lines_done(&a);
	lines_done(&b);
}
