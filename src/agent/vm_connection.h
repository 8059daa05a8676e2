/* Within what knows libvirt: the shared connection. */
#pragma once

#include "base/error.h"

#include <libvirt/libvirt.h>

/* A reference to the connection, or NULL and *err. */
virConnectPtr vm_connect(struct error *err);
void vm_connection_done(virConnectPtr *connection);
/* Fills *err with libvirt's last error; returns false. */
bool vm_error(struct error *err, const char *what);
const char *vm_network_forward(void);
