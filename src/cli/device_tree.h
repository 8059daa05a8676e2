/* The PCI devices of this host as an operator wants to see them: what they are, what is configured about
 * them, who has them, whether they are well.  Looked up without the agent: sysfs, configuration, the agent's
 * folder.
 */
#pragma once

#include "agent/known.h"
#include "base/text.h"
#include "cli/device_owners.h"

/* The states' names are those of the JSON. */
#define DEVICE_STATES(X) \
	X(DEVICE_FREE, "free")		     /* the next server can have it */ \
	X(DEVICE_TAKEN, "taken")	     /* a server has it, or it is on its way back from one */ \
	X(DEVICE_UNAVAILABLE, "unavailable") /* offered, and not to be given away now: `reason` */ \
	X(DEVICE_QUARANTINED, "quarantined") /* the agent took it out of use: `reason` */ \
	X(DEVICE_HOST, "host")		     /* not offered, and a driver of the host has it */ \
	X(DEVICE_NOT_OFFERED, "not-offered") /* no device_spec selects it, and no driver has it */ \
	X(DEVICE_UNKNOWN, "unknown")	     /* offered; who has devices cannot be read */

#define DEVICE_STATE_ENUM(name, text) name,
enum device_state { DEVICE_STATES(DEVICE_STATE_ENUM) DEVICE_STATE_COUNT };
#undef DEVICE_STATE_ENUM
const char *device_state_text(enum device_state state);

struct tree_device {
	const struct known_device *known;
	char *vendor, *product, *class_name; /* of pci.ids, or NULL */
	char **physical_networks;	     /* ended by NULL */
	enum device_state state;
	char reason[400];		  /* why it is not to be given away, or "" */
	char since[40];			  /* of a quarantine, as its file says it, or "" */
	const struct device_owner *owner; /* or NULL */
	bool excluded;			  /* [sriov_nic] exclude_devices */
	int up;				  /* of a network device: 0 or 1; -1: it is none */
	int numvfs;			  /* of a PF, sriov_numvfs; -1: reading it takes too long */
};

/* Start from {0}. */
struct device_tree {
	struct tree_device *devices; /* each PF before its VFs, and these by their number */
	size_t count;
	struct device_owners owners;
	char host[256];
};

struct tree_wish {
	bool all;	 /* devices, too, that nothing is configured about */
	int deadline_ms; /* for all that may block */
};

bool device_tree_look(const struct agent_settings *settings, const struct tree_wish *wish,
		      struct device_tree *tree, struct error *err);
void device_tree_done(struct device_tree *tree);

struct tree_style {
	bool colours; /* of a terminal */
	bool utf8;    /* lines of a tree, instead of |- */
};
void device_tree_text(const struct device_tree *tree, const struct tree_style *style, struct text *out);
/* Its keys: docs/host-devices.md. */
void device_tree_json(const struct device_tree *tree, struct text *out);
