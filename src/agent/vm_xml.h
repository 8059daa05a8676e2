/* Within what writes libvirt's XML. */
#pragma once

#include "agent/server.h"
#include "base/text.h"

/* Names by which libvirt knows what is plugged in. */
#define VM_ALIAS_SIZE 44
void vm_alias_of_port(const char *port_id, char alias[VM_ALIAS_SIZE]);
void vm_alias_of_device(size_t index, char alias[VM_ALIAS_SIZE]);

/* A port's NIC or device, one of the server's other devices: on this bus of the guest; 0: libvirt finds a
 * place, or it stays where it is. */
void vm_xml_port(yyjson_val *port, int bus, struct text *xml);
void vm_xml_device(yyjson_val *device, size_t index, int bus, struct text *xml);
/* Only a standard one. */
void vm_xml_nic(yyjson_val *port, int bus, struct text *xml);
void vm_xml_network(yyjson_val *port, const char *forward, struct text *xml);
void vm_xml_lease(const char *mac, const char *ip, struct text *xml);
