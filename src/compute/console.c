/* The table of wanted and received console logs. */
#include "compute/console.h"

#include "base/map.h"
#include "base/memory.h"
#include "http/http.h"
#include "sys/sys.h"

#include <pthread.h>
#include <string.h>

#define CONSOLE_KEEP (30 * INT64_C(1000000)) /* microseconds; who waits gives up earlier */

struct console {
	char host_id[37];
	int64_t wanted_at, received_at; /* sys_monotonic; 0: not yet */
	bool told;
	char *bytes;
	size_t size;
};

static pthread_mutex_t console_lock = PTHREAD_MUTEX_INITIALIZER;
static struct map consoles; /* by server id */

static void console_free(struct console *console)
{
	if (console)
		free(console->bytes);
	free(console);
}

/* Forgets what nobody can wait for any more.  There are as many entries as logs asked for in half a minute.
 */
static void console_forget_old(int64_t now)
{
	_cleanup_free_ const char **old = memory_alloc((consoles.count + 1) * sizeof *old);
	struct map_entry *entry;
	size_t count = 0;

	for (size_t at = 0; (entry = map_next(&consoles, &at));) {
		if (now - ((struct console *)entry->value)->wanted_at > CONSOLE_KEEP)
			old[count++] = memory_copy_text(entry->key);
	}
	for (size_t i = 0; i < count; i++) {
		console_free(map_remove(&consoles, old[i]));
		free((void *)old[i]);
	}
	if (consoles.count == 0)
		map_done(&consoles, NULL);
}

void console_want(const char *server_id, const char *host_id)
{
	char key[64];

	pthread_mutex_lock(&console_lock);
	console_forget_old(sys_monotonic());
	struct console *console = map_get(&consoles, server_id);
	if (!console) {
		console = memory_alloc(sizeof *console);
		map_put(&consoles, server_id, console);
	}
	snprintf(console->host_id, sizeof console->host_id, "%s", host_id);
	console->wanted_at = sys_monotonic();
	console->told = false;
	pthread_mutex_unlock(&console_lock);
	snprintf(key, sizeof key, "host:%s", host_id);
	http_wake(key);
}

void console_tell(const char *host_id, yyjson_mut_doc *doc, yyjson_mut_val *ids)
{
	struct map_entry *entry;

	pthread_mutex_lock(&console_lock);
	console_forget_old(sys_monotonic());
	for (size_t at = 0; (entry = map_next(&consoles, &at));) {
		struct console *console = entry->value;

		if (console->told || strcmp(console->host_id, host_id) != 0)
			continue;
		console->told = true;
		yyjson_mut_arr_add_strcpy(doc, ids, entry->key);
	}
	pthread_mutex_unlock(&console_lock);
}

void console_put(const char *server_id, const char *host_id, const char *bytes, size_t size)
{
	char key[64];

	pthread_mutex_lock(&console_lock);
	struct console *console = map_get(&consoles, server_id);
	bool wanted = console && strcmp(console->host_id, host_id) == 0 && size <= CONSOLE_MAX;
	if (wanted) {
		free(console->bytes);
		console->bytes = memory_alloc(size + 1);
		memcpy(console->bytes, bytes, size);
		console->size = size;
		console->received_at = sys_monotonic();
	}
	pthread_mutex_unlock(&console_lock);
	snprintf(key, sizeof key, "console:%s", server_id);
	if (wanted)
		http_wake(key);
}

/* Length of the UTF-8 character at `from`, 0 if there is none that is well-formed. */
static size_t character(const char *from, size_t left)
{
	unsigned char c = (unsigned char)*from;
	size_t size = c < 0x80		      ? 1
		      : c >= 0xc2 && c < 0xe0 ? 2
		      : c >= 0xe0 && c < 0xf0 ? 3
		      : c >= 0xf0 && c < 0xf5 ? 4
					      : 0;

	return size > 0 && size <= left && (size == 1 || text_is_utf8(from, size)) ? size : 0;
}

/* What a guest writes may be anything; what the API answers is text. */
static void clean(const char *bytes, size_t size, struct text *text)
{
	for (size_t i = 0, count; i < size; i += count ? count : 1) {
		count = character(bytes + i, size - i);
		if (count == 0)
			text_add(text, "\xef\xbf\xbd");
		else if (count > 1 || (unsigned char)bytes[i] >= 0x20 || bytes[i] == '\t' || bytes[i] == '\n')
			text_add_bytes(text, bytes + i, count);
	}
}

static const char *last_lines(const char *text, int64_t lines)
{
	const char *at = text + strlen(text);

	if (lines < 0)
		return text;
	if (lines == 0)
		return at;
	if (at > text && at[-1] == '\n')
		at--;
	for (; at > text; at--) {
		if (at[-1] == '\n' && --lines == 0)
			break;
	}
	return at;
}

bool console_take(const char *server_id, int64_t since, int64_t lines, struct text *text)
{
	_cleanup_(text_done) struct text all = {0};

	pthread_mutex_lock(&console_lock);
	struct console *console = map_get(&consoles, server_id);
	bool came = console && console->bytes && console->received_at >= since;
	if (came)
		clean(console->bytes, console->size, &all);
	pthread_mutex_unlock(&console_lock);
	if (came)
		text_add(text, last_lines(all.data ? all.data : "", lines));
	return came;
}
