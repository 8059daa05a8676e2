/* What every fuzz target includes: its entry, claims about what it runs, and input cut into parts.  Inputs
 * are texts as far as can be, so that those in corpus/ can be read and written by hand. */
#pragma once

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is not so is a finding. */
#define FUZZ_CHECK(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
			abort(); \
		} \
	} while (0)

/* `ok` is what a function returned that fills *err otherwise: with a kind and a sentence in UTF-8. */
#define FUZZ_CHECK_ERROR(ok, err) \
	FUZZ_CHECK((ok) || ((err)->kind >= 400 && (err)->kind < 600 && *(err)->message && \
			    text_is_utf8((err)->message, strlen((err)->message))))

/* The rest of an input; a memory of its own for each part, so that reading beyond it is noticed. */
struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/* All that is left, as text (to its first NUL); freed by the caller. */
static inline char *fuzz_rest(struct fuzz_input *input)
{
	char *text = malloc(input->size + 1);

	if (!text)
		abort();
	if (input->size) /* else data may be NULL */
		memcpy(text, input->data, input->size);
	text[input->size] = '\0';
	input->data += input->size;
	input->size = 0;
	return text;
}

/* The next line without its end; "" after the last. */
static inline char *fuzz_line(struct fuzz_input *input)
{
	const uint8_t *end = input->size ? memchr(input->data, '\n', input->size) : NULL;
	struct fuzz_input line = {input->data, end ? (size_t)(end - input->data) : input->size};
	size_t used = line.size + (end != NULL);

	input->data += used;
	input->size -= used;
	return fuzz_rest(&line);
}

/* The JSON that is left, or NULL; to be freed by yyjson_doc_free(). */
#define fuzz_json(input) yyjson_read((const char *)(input)->data, (input)->size, 0)
