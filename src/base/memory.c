/* Allocation that does not fail. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *memory_check(void *pointer)
{
	if (!pointer) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return pointer;
}

void *memory_alloc(size_t size)
{
	return memory_check(calloc(1, size ? size : 1));
}

void *memory_resize(void *old, size_t size)
{
	return memory_check(realloc(old, size ? size : 1));
}

char *memory_copy_text(const char *text)
{
	return text ? memory_check(strdup(text)) : NULL;
}

char *memory_printf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	return memory_check(length < 0 ? NULL : text);
}
