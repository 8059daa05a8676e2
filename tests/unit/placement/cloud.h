/* For the tests of placement: the service beside doubles of identity and compute, on the scheduler's site. */
#pragma once

#include "../scheduler/site.h"

#include "base/memory.h"
#include "http/http.h"

/* Tokens are roles: "admin", "service", "reader", "nobody"; all of project p1. */
#define ADMIN "admin"

/* Opens site and service. */
int cloud_set_up(void **state);
int cloud_tear_down(void **state);

/* Sends a request to /placement<path> with this microversion ("1.39", NULL: none) and gives the status;
 * single quotes in `body` stand for double ones.  The answer is kept for cloud_at(). */
int cloud_call(const char *token, const char *version, const char *method, const char *path,
	       const char *body);
/* GET with the newest version as ADMIN must be 200. */
#define get(path) assert_int_equal(cloud_call(ADMIN, "1.39", "GET", path, NULL), 200)
/* The value at a JSON pointer of the last answer as text, "" if there is none; it lives to the end. */
const char *cloud_at(const char *pointer);
/* How many items or members are there, -1 if it is neither. */
int cloud_size(const char *pointer);
#define assert_at(pointer, wanted) assert_string_equal(cloud_at(pointer), wanted)

/* Fails unless it is refused so, with a sentence that has this in it. */
void cloud_refused_at(const char *file, int line, int status, const char *says, const char *version,
		      const char *method, const char *path, const char *body);
#define refused(status, says, version, method, path, body) \
	cloud_refused_at(__FILE__, __LINE__, status, says, version, method, path, body)

/* printf, to the end. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A host with report_in_placement: a PF that is not offered with so many VFs at each of these buses. */
const char *cloud_host(const char *name, const char *const *buses, const int *vfs, size_t count);
/* The id of a provider with this name. */
const char *provider(const char *name);

/* --- doubles --- */

/* The aggregate in which all hosts of this id are, "": none. */
extern char cloud_aggregate_host[37];
#define AGGREGATE "aaaaaaaa-0000-4000-8000-000000000001"
