/* For tests of handlers: a compute service of its own for each test, with one host ("edge-1") that speaks the
 * agents' protocol, beside doubles of the other rooms. */
#pragma once

#include "../test.h"
#include "doubles.h"

#include "store/store.h"

#define ADMIN  "p1:admin"
#define MEMBER "p1:member"
#define READER "p1:reader"
#define OTHER  "p2:member"

extern struct store *db;
extern char credential[65];	  /* of the host that agent() speaks for */
extern struct http_answer answer; /* the last one */

/* For cmocka: everything new, one host, one flavor ("f1"). */
int set_up(void **state);
int tear_down(void **state);

/* Status of the answer, -1 if it is parked; `below` is what follows the service's own path.  Single quotes in
 * `body` stand for double ones. */
int call_with(const char *const *headers, const char *method, const char *target, const char *body);
int call_at(const char *version, const char *token, const char *method, const char *below, const char *body);
#define call(token, method, path, body) call_at("2.1", token, method, path, body)
int agent(const char *method, const char *below, const char *body);
/* A text at a JSON pointer of the last answer, "" if there is none; numbers as text. */
const char *at(const char *pointer);
int64_t count_rows(const char *sql);

/* Makes a server on the port. */
#define BASE "'name': 'vm', 'flavorRef': 'f1', 'imageRef': '" DOUBLE_IMAGE "'"
void make_server(void);
extern char path[64], id[37]; /* its */
/* What its host says of it; `more`: further members, with their comma. */
int report(int generation, const char *state, const char *more);
void assert_state(const char *status, const char *vm_state, const char *task_state);
