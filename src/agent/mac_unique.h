/* No two VFs of a PF with one MAC: the NIC would give the one what is sent to the other. */
#pragma once

#include "agent/device.h"
#include "agent/vf.h"

/* Is another VF of the PF programmed with this MAC?  One that nobody has is reset; otherwise ERROR_CONFLICT
 * says who has it.  `table` is as just read. */
bool mac_make_unique(const struct device_place *place, const struct vf_table *table,
		     const struct vf_settings *wanted, struct error *err);
