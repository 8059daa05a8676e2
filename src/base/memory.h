/* Memory that is freed by leaving a scope, and allocation that does not fail (out of memory ends the process:
 * the daemons are restarted by their supervisor and every step is crash-safe). */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_	    _cleanup_(memory_freep)
#define _cleanup_close_	    _cleanup_(memory_closep)
#define _cleanup_fclose_    _cleanup_(memory_fclosep)
#define _cleanup_closedir_  _cleanup_(memory_closedirp)

/* Hands the value over and leaves nothing behind for the cleanup. */
#define TAKE_PTR(pointer) \
	({ \
		typeof(pointer) _taken = (pointer); \
		(pointer) = NULL; \
		_taken; \
	})
#define TAKE_FD(fd) \
	({ \
		int _taken = (fd); \
		(fd) = -1; \
		_taken; \
	})

#define ELEMENTS_OF(array) (sizeof(array) / sizeof((array)[0]))

void *memory_alloc(size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);
char *memory_copy_text(const char *text); /* NULL gives NULL */
char *memory_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void memory_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void memory_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void memory_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void memory_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Makes room for one more element in a growing array and returns a pointer to it (zeroed).
 * `items` and `count` are the array's lvalues; capacity grows by doubling at powers of two. */
#define ARRAY_ADD(items, count) \
	({ \
		if (((count) & ((count)-1)) == 0) \
			(items) = memory_resize((items), ((count) ? (count)*2 : 1) * sizeof *(items)); \
		typeof(items) _new = &(items)[(count)++]; \
		*_new = (typeof(*_new)){0}; \
		_new; \
	})
