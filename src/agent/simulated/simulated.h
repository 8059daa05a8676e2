/* A host made up in memory: PFs with VFs like those of the 82576 (igb), a libvirt that says yes, and just as
 * much of the kernel's behaviour as the agent relies on: who binds what, what goes when a driver goes, what
 * is refused. For benchmarks (penstock-agent --simulate) and for tests; never a proof of anything about a
 * real kernel. */
#pragma once

#include "agent/world.h"

extern const struct world world_simulated;

/* Offers the VFs of a simulated host. */
#define SIMULATED_DEVICE_SPEC \
	"{\"vendor_id\": \"8086\", \"product_id\": \"10ca\", \"physical_network\": \"physnet_sriov\"}"

/* "SERVERS[,PFS[,VFS[,SHARE[,stubborn]]]]": room for so many servers, so many PFs with so many VFs each, of
 * which SHARE (1) are always in one IOMMU group; VFs have groups of their own; stubborn: guests that let go
 * of nothing.  The state is shared with processes that are forked later, so that a test can kill one and look
 * at what it left. */
bool simulated_start(const char *how, struct error *err);
/* The same in a file: the host outlives the process, with its guests, and they can go to it from another one
 * (uri "simulated:FILE"). */
bool simulated_start_in(const char *file, const char *how, struct error *err);
/* For tests: this host instead; returns the one before. */
struct simulated;
struct simulated *simulated_switch(struct simulated *host);
void simulated_end(void);

/* Is called before each change of the host; `what` says which.  NULL: nobody. */
extern void (*simulated_on_change)(const char *what);
/* Is the host as it was at the start?  If not, `why` says what is not. */
bool simulated_is_pristine(char *why, size_t size);
/* One device; true as well if it is not there. */
bool simulated_device_is_pristine(const char *address, char *why, size_t size);
size_t simulated_guests(void);
/* Guests that let go of nothing that is plugged into them. */
void simulated_set_stubborn(bool stubborn);
/* A device that fell off the bus, or comes back. */
void simulated_set_dead(const char *address, bool dead);
/* Bound to vfio-pci and held by a process that Penstock does not know of, or not any more. */
void simulated_set_held(const char *address, bool held);
/* libvirtd was killed while it was at this guest, and cannot get at it any more; for_ever: also when its
 * process has ended. */
void simulated_guest_sticks(const char *id, bool for_ever);
/* libvirtd was killed while it made or ended this network: it does not have it, and its dnsmasq is there. */
void simulated_network_remains(const char *id);
/* Guests that were forgotten are gone. */
void simulated_libvirtd_restarts(void);
/* A guest that ends by itself. */
void simulated_guest_ends(const char *id);
