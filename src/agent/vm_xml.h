/* Within what writes libvirt's XML. */
#pragma once

#include "agent/server.h"
#include "base/text.h"

/* A standard NIC, as in a domain and as for a change of a running one. */
void vm_xml_nic(yyjson_val *port, struct text *xml);
void vm_xml_network(yyjson_val *port, const char *forward, struct text *xml);
void vm_xml_lease(const char *mac, const char *ip, struct text *xml);
