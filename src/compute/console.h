/* Console logs on their way from a host to who asked.  They are kept in memory for seconds only
 * (docs/agent-protocol.md, Console logs). */
#pragma once

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

#define CONSOLE_MAX (64 * 1024) /* bytes of a log */

/* Somebody wants this server's log: the host's poll is woken. */
void console_want(const char *server_id, const char *host_id);
/* Adds the ids of the servers of this host whose logs are wanted; each is told once. */
void console_tell(const char *host_id, yyjson_mut_doc *doc, yyjson_mut_val *ids);
/* The host sent a log; thrown away if nobody waits for it.  Wakes the key "console:<server>". */
void console_put(const char *server_id, const char *host_id, const char *bytes, size_t size);
/* A log that came at or after `since` (sys_monotonic) as text: UTF-8 without control characters but tab and
 * line feed, its last `lines` lines (-1: all).  false if none came. */
bool console_take(const char *server_id, int64_t since, int64_t lines, struct text *text);
