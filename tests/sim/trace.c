/* A ring of lines. */
#include "trace.h"

#include "disk.h"
#include "fiber.h"

#include <stdio.h>
#include <string.h>

#define LINES	  400
#define LINE_SIZE 500

static char ring[LINES][LINE_SIZE];
static uint64_t count, hash = UINT64_C(14695981039346656037);
bool trace_aloud;

/* The folder of this process, which is another one the next time; names of files begin with the machine. */
static void root_hide(char *line)
{
	const char *root = disk_root();
	size_t length = strlen(root);

	for (char *at = line; length && (at = strstr(at, root));)
		memmove(at, at + length, strlen(at + length) + 1);
}

void trace(enum trace_kind kind, const char *format, ...)
{
	static const char *const names[] = {"world", "FAULT", "client", "log", "CHECK", "message"};
	char *line = ring[count++ % LINES];
	int64_t now = sim_now();
	va_list arguments;

	int length = snprintf(line, LINE_SIZE, "%5lld.%06lld %-7s ", (long long)(now / 1000000),
			      (long long)(now % 1000000), names[kind]);
	va_start(arguments, format);
	vsnprintf(line + length, LINE_SIZE - (size_t)length, format, arguments);
	va_end(arguments);
	root_hide(line);
	for (const char *at = line; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
	if (trace_aloud)
		fprintf(stderr, "%s\n", line);
}

void trace_tell(void)
{
	for (uint64_t i = count > LINES ? count - LINES : 0; i < count; i++)
		printf("  %s\n", ring[i % LINES]);
}

uint64_t trace_hash(void)
{
	return hash;
}
