/* A server as the controller wants it: one object of the desired state (docs/agent-protocol.md), checked. The
 * JSON stays as it came; these functions are the way into it. */
#pragma once

#include "base/error.h"
#include "numa/placement.h"

#include <stdbool.h>
#include <stdint.h>
#include <yyjson.h>

/* Each needs a place on the guest's PCI bus. */
#define SERVER_PORTS_MAX   64
#define SERVER_DEVICES_MAX 64

/* Nothing that comes over the network is trusted: ids are UUIDs, addresses are PCI addresses, MACs are MACs,
 * sizes are within limits, texts that become file names have no path characters. */
bool server_check(yyjson_val *server, struct error *err);

const char *json_text(yyjson_val *object, const char *name); /* "" if absent or no text */
int64_t json_int(yyjson_val *object, const char *name, int64_t fallback);
bool json_bool(yyjson_val *object, const char *name, bool fallback);

bool is_uuid(const char *text);
bool is_pci_address(const char *text);
bool is_mac(const char *text);

/* Name of the libvirt network of a tenant network: "penstock-<id>"; text[64]. */
void server_network_name(const char *network_id, char text[64]);
/* Name of its bridge: "pbr" and the id's beginning, within IFNAMSIZ; text[16]. */
void server_bridge_name(const char *network_id, char text[16]);
/* Bus of the guest on which the port's NIC sits (slot 0, function 0): bus 1 is the disk's. */
int server_guest_bus(yyjson_val *port);
/* Where it is on the host's NUMA cells and CPUs, freed by the caller; without cells if it has no topology. */
struct numa_placement *server_placement(yyjson_val *server);
/* Is the port to be taken out (its `want` is absent)? */
bool server_port_absent(yyjson_val *port);
/* A copy without the ports that are to be taken out. */
yyjson_doc *server_without_absent(yyjson_val *server);
/* The member of `subnets` with this id, or NULL. */
yyjson_val *server_subnet(yyjson_val *network, const char *subnet_id);
