/* The settings of VFs through their PF (rtnetlink; linux/if_link.h, IFLA_VF_*).  One attribute is sent in one
 * message, because the kernel applies several one by one and stops at the first that fails, which leaves
 * nobody knowing which; errors carry the kernel's own text (extended ACK).  What was set is read back. */
#pragma once

#include "agent/world.h"

enum vf_link_state { VF_LINK_AUTO, VF_LINK_ENABLE, VF_LINK_DISABLE }; /* IFLA_VF_LINK_STATE_* */

/* Of spoof check and trust: what the driver does not tell (the kernel says -1). */
#define VF_UNKNOWN (-1)

struct vf_settings {
	bool untold;	      /* the kernel says nothing of this VF: its driver could not tell */
	char mac_address[18]; /* "": none (00:00:00:00:00:00) */
	bool own_mac;	      /* its network device says which: not the PF's to set */
	int vlan, vlan_qos;   /* 0: none */
	bool service_tag;     /* the VLAN's tag is an 802.1ad one, not 802.1Q */
	int spoof_check;      /* 0, 1 or VF_UNKNOWN */
	int trust;	      /* 0, 1 or VF_UNKNOWN */
	enum vf_link_state link_state;
	int min_rate, max_rate; /* Mbit/s, 0: none */
};

/* What a VF has when nobody has it. */
extern const struct vf_settings vf_clean;

/* A rule's kbit/s as the kernel takes it, in Mbit/s: 0 is none, less than one is one, halves go up (QO-3). */
int vf_rate(int64_t kbps);

/* Room for the words of one setting: "1010, 802.1ad". */
#define VF_TEXT_SIZE 40

/* One setting as the kernel knows it. */
struct vf_attribute {
	const char *name; /* for messages */
	uint16_t type;	  /* IFLA_VF_... */
	uint16_t size;	  /* of its structure */
	void (*encode)(const struct vf_settings *settings, uint32_t vf, void *data);
	void (*decode)(const void *data, struct vf_settings *settings);
	bool (*equal)(const struct vf_settings *a, const struct vf_settings *b);
	void (*describe)(const struct vf_settings *settings, char text[VF_TEXT_SIZE]);
	/* A driver may not have it at all (igb: link state).  That is fine while the clean value is wanted,
	 * and for some always. */
	bool optional, always_optional;
};

/* In the order in which they are set: some NICs block all traffic of a VF with spoof check and no MAC. */
extern const struct vf_attribute vf_attributes[];
extern const size_t vf_attribute_count;

/* The message that sets one attribute of one VF, into buffer[VF_MESSAGE_SIZE]. */
#define VF_MESSAGE_SIZE 512
struct nlmsghdr *vf_message(char *buffer, int pf_index, int vf, const struct vf_attribute *attribute,
			    const struct vf_settings *settings);
/* Takes VF `vf` out of the kernel's answer about its PF; false if it is not in there. */
bool vf_decode(const struct nlmsghdr *answer, int vf, struct vf_settings *settings);

/* A PF's network device and all its VFs, as one message of the kernel has them. */
struct vf_table {
	int link; /* index of the network device */
	bool up;
	int mtu;
	struct vf_settings *vfs; /* by number */
	size_t count;
};

/* Out of an answer of the kernel (a world_answer); the table is {0} at first. */
void vf_table_take(const struct nlmsghdr *answer, void *table);
bool vf_table_read(const char *pf, struct vf_table *table, struct error *err);
void vf_table_done(struct vf_table *table);
/* Reads VF `index` of the PF's network device. */
bool vf_read(const char *pf, int index, struct vf_settings *settings, struct error *err);

/* How often a VF that is in reset (EAGAIN, EBUSY) is asked again, every 100 ms. */
#define VF_PATIENCE 100
/* Sets what differs from *now, then reads back into *now and compares.  `link` is the PF's index, as it was
 * just read. */
bool vf_program_from(const char *pf, int link, int index, const struct vf_settings *wanted, int patience,
		     struct vf_settings *now, struct error *err);
/* The same from what is read at first, with VF_PATIENCE. */
bool vf_program(const char *pf, int index, const struct vf_settings *wanted, struct error *err);
