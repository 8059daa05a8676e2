/* All netlink: the settings of VFs through their PF, and the state of network devices (rtnetlink;
 * linux/if_link.h, IFLA_VF_*).  One attribute is sent in one message, because the kernel applies several one
 * by one and stops at the first that fails; errors carry the kernel's own text (extended ACK).  What was set
 * is read back. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct vf_settings {
	char mac_address[18]; /* "" or "00:00:00:00:00:00": none */
	int vlan;	      /* 0: none */
	bool spoof_check;
	bool trust;
	int link_state;		/* 0 auto, 1 enable, 2 disable (IFLA_VF_LINK_STATE_*) */
	int min_rate, max_rate; /* Mbit/s, 0: none */
};

/* What a VF has when nobody has it. */
extern const struct vf_settings vf_clean;

/* Reads VF `index` of the PF's network device. */
bool vf_read(const char *pf, int index, struct vf_settings *settings, struct error *err);
/* Sets what differs, then reads back and compares.  Order: MAC before spoof check.  A driver that does not
 * know trust, rates or link state (igb) is fine as long as the wanted value is the clean one.  EAGAIN and
 * EBUSY (VF in reset) are tried again for up to 10 s. */
bool vf_program(const char *pf, int index, const struct vf_settings *wanted, struct error *err);
/* Is every setting that leaves traces (MAC, VLAN, trust, rates) as vf_clean has it? */
bool vf_is_clean(const struct vf_settings *settings);

bool netdev_set_up(const char *name, bool up, struct error *err);
bool netdev_is_up(const char *name, bool *up, struct error *err);
bool netdev_rename(const char *from, const char *to, struct error *err); /* it must be down */
bool netdev_set_mtu(const char *name, int mtu, struct error *err);
int netdev_mtu(const char *name); /* -1 if it is not there */
