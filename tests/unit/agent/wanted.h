/* A server as the controller would ask for it. */
#pragma once

#include <yyjson.h>

#define WANTED_ID      "11111111-2222-3333-4444-555555555555"
#define WANTED_VF_PORT "aaaaaaaa-2222-3333-4444-555555555555"

/* A VF with a static address, a standard NIC with DHCP, a whole PF by alias. */
extern const char wanted_json[];

/* wanted_json, parsed. */
yyjson_doc *wanted_server(void);
/* With pairs of texts replaced (ended by NULL); each must be in there. */
yyjson_doc *wanted_changed(const char *from, const char *to, ...);
