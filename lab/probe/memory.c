/* The C library's functions that the compiler counts on, and nothing else of it. */
#include "machine.h"

void *memcpy(void *to, const void *from, size_t size)
{
	uint8_t *target = to;
	const uint8_t *source = from;

	while (size--)
		*target++ = *source++;
	return to;
}

void *memset(void *memory, int value, size_t size)
{
	uint8_t *target = memory;

	while (size--)
		*target++ = (uint8_t)value;
	return memory;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *a = left, *b = right;

	for (; size; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}
