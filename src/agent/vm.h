/* Guests and their standard NICs' networks, as libvirt has them.  Blocking: call on a worker. */
#pragma once

#include "agent/server.h"
#include "base/map.h"
#include "base/text.h"

/* "kvm", "qemu" or "" (kvm where it works). */
bool vm_configure(const char *type, struct error *err);

/* The CPUs that guests without a NUMA topology run on, so that dedicated ones are nobody else's; NULL: all.
 */
void vm_confine(const struct cpu_set *shared);

/* [libvirt] num_pcie_ports: how many PCIe root ports guests have at least; 0: as many as they need, and four
 * for what is plugged in later. */
void vm_set_root_ports(int64_t count);

/* The domain's XML for a server whose files lie in `folder`. */
void vm_xml(yyjson_val *server, const char *folder, const char *type, struct text *xml);

/* Starts the (transient) domain unless it runs already. */
bool vm_start(yyjson_val *server, const char *folder, struct error *err);
/* Ends the guest (none is fine), if need be without libvirt; then it has no process any more. */
bool vm_stop(const char *server_id, struct error *err);
/* Tells the running guest's standard NICs whether they have a link (admin_state_up). */
bool vm_set_links(yyjson_val *server, struct error *err);
/* Is something with this alias plugged in, as domain_xml() says? */
bool vm_has(const char *domain_xml, const char *alias);
int vm_root_ports(const char *domain_xml);
/* The place of a NIC of a guest that runs, if it is there and free; else 0: libvirt finds one. */
int vm_free_bus(const char *domain_xml, int bus);
/* "kvm" or "qemu": what guests are started with. */
bool vm_type(char type[8], struct error *err);

/* How networks reach the outside: "nat", "route", "open" or "none". */
bool network_configure(const char *forward, struct error *err);
/* The libvirt network of a standard port, with its bridge, and the port's fixed lease.  Whatever this
 * returns, the network stays until network_settle() is called as well: the guest is not plugged in yet. */
bool network_ensure(yyjson_val *port, struct error *err);
void network_settle(yyjson_val *port);
/* The port's address by DHCP: its first IPv4 one on a subnet with DHCP and a gateway, or NULL. */
const char *network_lease_ip(yyjson_val *port);
/* Takes the lease away, and the network when its last port leaves. */
bool network_leave(const char *network_id, const char *mac, const char *ip, struct error *err);
