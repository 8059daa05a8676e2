/* What happened last, for whoever looks at a seed that failed. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum trace_kind { TRACE_WORLD, TRACE_FAULT, TRACE_CLIENT, TRACE_LOG, TRACE_CHECK, TRACE_MESSAGE };

/* All of it goes to standard error as well. */
extern bool trace_aloud;
void trace(enum trace_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The last lines. */
void trace_tell(void);
/* Of all lines so far: two runs of a seed that differ have different ones. */
uint64_t trace_hash(void);
