/* The table of NIC drivers.  Source of each line: the driver in Linux 6.1 (drivers/net/ethernet, its
 * net_device_ops and the ndo_set_vf_* functions); what igb does was also tried on 6.12. */
#include "agent/nic_driver.h"

#include "base/memory.h"

#include <string.h>

#define AD  NIC_SERVICE_TAG
#define MIN NIC_MIN_RATE

/* A feature is lacking where there is no ndo_set_vf_... for it, or where that refuses whatever is asked: for
 * rates a min_tx_rate other than 0, for VLANs a protocol other than 802.1Q (EPROTONOSUPPORT). */
static const struct nic_driver drivers[] = {
	/* igb_main.c: no ndo_set_vf_link_state.  igb_ndo_set_vf_bw(): 82576 only (others EOPNOTSUPP), EINVAL
	 * for a minimum, for a limit above the link's speed, and for all while there is no link. */
	{"igb", NIC_LINK_STATE | MIN | AD,
	 "rates only on the 82576, and only while the PF has a link; a limit above its speed is refused"},
	/* ixgbe_sriov.c, ixgbe_ndo_set_vf_bw(): EINVAL unless linked at 10 Gbit/s, for a minimum, for a limit
	 * of 10 Mbit/s or less. */
	{"ixgbe", MIN | AD, "rates only while the PF is linked at 10 Gbit/s, and above 10 Mbit/s"},
	/* i40e_virtchnl_pf.c: EAGAIN while the VF is in reset or another operation is pending; setting the
	 * MAC or the VLAN resets the VF; EINVAL for a minimum. */
	{"i40e", MIN | AD, "setting MAC or VLAN resets the VF; while it is in reset it is asked again"},
	/* ice_sriov.c: EBUSY while the VF is in reset (ice_check_vf_ready_for_cfg()); a minimum is refused
	 * while DCB is active; 802.1ad where the firmware does double VLAN mode
	 * (ice_is_supported_port_vlan_proto()). */
	{"ice", 0, "802.1ad only in double VLAN mode; no minimum rate while DCB is active"},
	/* fm10k_netdev.c: MAC, VLAN, rate only; fm10k_ndo_set_vf_bw() ignores the minimum. */
	{"fm10k", NIC_SPOOF_CHECK | NIC_TRUST | NIC_LINK_STATE | MIN | AD, NULL},
	/* en_netdev.c: no ndo_set_vf_trust; cmd.c, mlx4_set_vf_rate(): EPROTONOSUPPORT for a minimum;
	 * mlx4_set_vf_vlan() takes 802.1ad where the firmware does (MLX4_DEV_CAP_FLAG2_SVLAN_BY_QP). */
	{"mlx4_core", NIC_TRUST | MIN, "the firmware limits the number of VFs (mlxconfig NUM_OF_VFS)"},
	/* en_main.c, mlx5e_set_vf_vlan(): 802.1Q only.  Spoof check of a VF is off at first, and blocks all
	 * of one without a MAC. */
	{"mlx5_core", AD, "the firmware limits the number of VFs (mlxconfig NUM_OF_VFS, then a reboot)"},
	/* bnxt_sriov.c, bnxt_set_vf_vlan(): 802.1Q only, no priority.  bnxt_sriov_configure(): no VFs are
	 * made while the PF is down. */
	{"bnxt_en", AD, "the PF must be up before VFs are made; no priority of a VLAN"},
	/* bnx2x_main.c: no ndo_set_vf_rate, no ndo_set_vf_trust. */
	{"bnx2x", NIC_TRUST | NIC_MAX_RATE | MIN | AD, NULL},
	/* qede_main.c, qed_sriov.c: qed_set_vf_rate() passes over a rate of 0. */
	{"qede", AD, "a rate, once set, cannot be taken off until the VF is made anew"},
	/* qlcnic_main.c: no ndo_set_vf_trust, no ndo_set_vf_link_state. */
	{"qlcnic", NIC_TRUST | NIC_LINK_STATE | AD, NULL},
	/* be_main.c (benet): no ndo_set_vf_trust; be_set_vf_tx_rate(): EINVAL for a minimum, and below 100.
	 */
	{"be2net", NIC_TRUST | MIN | AD, "rates from 100 Mbit/s on, while the PF has a link"},
	/* cxgb4_main.c: no ndo_set_vf_spoofchk, no ndo_set_vf_trust; cxgb4_mgmt_set_vf_rate(): EINVAL for a
	 * minimum.  It is the management device of the first four functions that has them. */
	{"cxgb4", NIC_SPOOF_CHECK | NIC_TRUST | MIN | AD, "no priority of a VLAN"},
	/* nfp_net_sriov.c: each by a capability of the firmware (nfp_net_sriov_check()). */
	{"nfp", 0, "what VFs can be told depends on the firmware"},
};

const struct nic_driver *nic_driver_find(const char *name)
{
	for (size_t i = 0; i < ELEMENTS_OF(drivers); i++) {
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	}
	return NULL;
}

const char *nic_feature_name(int number)
{
	static const char *const names[NIC_FEATURES] = {"spoof_check", "trust",	   "link_state",
							"max_rate",    "min_rate", "802.1ad"};

	return names[number];
}

/* The kernel says -1 before it asks the driver, and one without the setting leaves that. */
unsigned nic_lacks(const char *driver, const struct vf_table *vfs)
{
	const struct nic_driver *found = nic_driver_find(driver);
	unsigned lacks = found ? found->lacks : 0;

	if (vfs->count > 0 && !vfs->vfs[0].untold) {
		lacks |= vfs->vfs[0].spoof_check == VF_UNKNOWN ? NIC_SPOOF_CHECK : 0;
		lacks |= vfs->vfs[0].trust == VF_UNKNOWN ? NIC_TRUST : 0;
	}
	return lacks;
}
