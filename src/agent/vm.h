/* All libvirt: domains and networks.  Blocking: call on a worker. */
#pragma once

#include "agent/server.h"
#include "base/text.h"

/* Connects lazily and again after libvirtd was restarted.  type: "kvm", "qemu" or "" (kvm where libvirt has
 * it). */
void vm_configure(const char *uri, const char *type, const char *forward);

/* The domain's XML for a server whose files lie in `folder` (golden tests). */
void vm_xml(yyjson_val *server, const char *folder, const char *type, struct text *xml);

/* Starts the (transient) domain unless it runs already. */
bool vm_start(yyjson_val *server, const char *folder, struct error *err);
/* Ends the domain with this UUID; none is fine. */
bool vm_stop(const char *server_id, struct error *err);
bool vm_is_running(const char *server_id, bool *running, struct error *err);
/* Hypervisor's version as libvirt counts it; 0 if it does not answer. */
int64_t vm_version(void);

/* The libvirt network of a standard port, with its bridge, and the port's fixed lease. */
bool network_ensure(yyjson_val *port, struct error *err);
/* Takes the lease away, and the network when its last port leaves. */
bool network_leave(const char *network_id, const char *mac, const char *ip, struct error *err);
