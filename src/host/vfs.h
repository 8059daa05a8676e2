/* Making the VFs of a PF, and bringing it up: at boot and by `penstock host setup`. */
#pragma once

#include "host/wishes.h"

/* The PF up, its VFs' drivers as wished, at least as many VFs as wished.  A count is never lowered, and never
 * touched while anybody holds a VF: that is an error that names the holders.  Waits up to `wait` seconds for
 * the network device.  Read back.  Blocking: some drivers take minutes. */
bool vfs_apply(const struct wish_vfs *wish, int wait, struct error *err);
