/* What is known of the drivers of NICs: which settings of VFs they take, and what they are particular about.
 * The kernel cannot be asked; what it does tell (an unknown spoof check or trust reads as -1) counts besides.
 */
#pragma once

#include "agent/vf.h"

/* Settings that a driver may lack. */
enum nic_feature {
	NIC_SPOOF_CHECK = 1 << 0,
	NIC_TRUST = 1 << 1,
	NIC_LINK_STATE = 1 << 2,
	NIC_MAX_RATE = 1 << 3,
	NIC_MIN_RATE = 1 << 4,
	NIC_SERVICE_TAG = 1 << 5, /* 802.1ad */
};
#define NIC_FEATURES 6

struct nic_driver {
	const char *name; /* as the driver link in sysfs has it */
	unsigned lacks;	  /* NIC_... */
	/* What to know of it, for an operator; NULL: nothing. */
	const char *note;
};

/* NULL for one that nobody has looked at. */
const struct nic_driver *nic_driver_find(const char *name);
/* "min_rate" and its like: the name in the agent protocol of the feature 1 << number. */
const char *nic_feature_name(int number);
/* What the PF cannot do: as the table says, and as its VFs read. */
unsigned nic_lacks(const char *driver, const struct vf_table *vfs);
