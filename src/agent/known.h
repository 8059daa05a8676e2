/* The devices of this host as far as they were ever seen, and which of them are offered.  A PF that a guest
 * has shows no network device, and its VFs are gone: what was known of devices stays known, by address, so
 * that names keep selecting them (Nova forgets). */
#pragma once

#include "agent/agent.h"
#include "agent/inventory.h"

#include <pthread.h>

struct known_device {
	struct pci_device device;
	const struct device_spec *spec; /* that offers it, or NULL */
	bool seen;			/* it is there now */
	bool carries;			/* one of its VFs is offered, or it carries a physical network */
};

/* Held while looking at or changing what follows. */
extern pthread_mutex_t known_lock;
extern struct known_device *known;
extern size_t known_count;

struct known_device *known_find(const char *address);
/* Takes a new look at the host over. */
void known_update(const struct agent_settings *settings, const struct pci_device *devices, size_t count);
