/* For the tests of network: the service on a database of its own, beside a double of identity. */
#pragma once

#include "../test.h"

#include "base/memory.h"
#include "network/internal.h"
#include "sys/sys.h"

/* Tokens are "project:role". */
#define ADMIN  "p0:admin"
#define MEMBER "p1:member"
#define READER "p1:reader"
#define OTHER  "p2:member"

extern struct store *cloud_db;

/* The settings that most tests run with: physnet_a:100:102, physnet_b:200:209, flat physnet_f, quotas. */
#define CLOUD_SETTINGS \
	"[ml2]\ntenant_network_types = vxlan\nmechanism_drivers = sriovnicswitch\n" \
	"[ml2_type_vlan]\nnetwork_vlan_ranges = physnet_a:100:102,physnet_b:200:209\n" \
	"[ml2_type_flat]\nflat_networks = physnet_f\n" \
	"[ml2_type_vxlan]\nvni_ranges = 1:1000\n"

/* Opens the cloud with these settings (closing the one before). */
void cloud_open(const char *settings);
/* Group fixtures: CLOUD_SETTINGS, and the end. */
int cloud_set_up(void **state);
int cloud_tear_down(void **state);

/* Sends a request to /network/v2.0<path> and gives the status; single quotes in `body` stand for double ones.
 * The answer is kept for cloud_at(). */
int cloud_call(const char *token, const char *method, const char *path, const char *body);
/* The value at a JSON pointer of the last answer as text, "" if there is none.  It lives to the end, as what
 * make() and text() give does. */
const char *cloud_at(const char *pointer);
/* How many items the list there has, -1 if it is none. */
int cloud_size(const char *pointer);

/* Fails the test unless the answer is this error. */
void cloud_refused_at(const char *file, int line, int status, const char *type, const char *token,
		      const char *method, const char *path, const char *body);
#define refused(status, type, token, method, path, body) \
	cloud_refused_at(__FILE__, __LINE__, status, type, token, method, path, body)

/* Makes a thing ("network", with these members of its body) and gives its id. */
const char *cloud_make_at(const char *file, int line, const char *token, const char *resource,
			  const char *members);
#define make(token, resource, members) cloud_make_at(__FILE__, __LINE__, token, resource, members)

/* printf. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define assert_at(pointer, wanted) assert_string_equal(cloud_at(pointer), wanted)
