/* Within the simulation: its state, in memory that forked processes share, or a file that any process may
 * map. All between simulated_enter() and simulated_leave(). */
#pragma once

#include "agent/simulated/simulated.h"
#include "agent/vf.h"
#include "pci/address.h"

#include <pthread.h>

#define SIMULATED_DEVICES  16 /* that one guest may have, with its NICs */
#define SIMULATED_NETWORKS 256
#define SIMULATED_IFINDEX  10 /* of the first PF */

struct simulated_device {
	bool exists;
	char driver[16], override[16];
	char netdev[16];      /* of one that has its driver */
	char mac_address[18]; /* of a VF's network device */
	bool mac_is_set;      /* the PF has said which MAC the VF has */
	bool up;
	int mtu;
	bool autoprobe;
	int numvfs;
	int guest;		     /* 1 + index of the domain that has it, 0: none, -1: somebody else */
	bool dead;		     /* its configuration space reads as all ones */
	struct vf_settings settings; /* of a VF */
};

/* What is plugged into a guest. */
struct simulated_plug {
	char alias[44];
	int bus;	     /* of the guest */
	int device, network; /* 1 + the index of one of them */
	bool macvtap;	     /* on the device's network device */
};

struct simulated_domain {
	char id[37]; /* "": free */
	int memory_mb, vcpus, root_ports;
	char disk[200];	 /* its first one, "": none */
	uint64_t pinned; /* CPUs that one of its vCPUs alone is pinned to */
	bool paused;
	bool stuck;	/* libvirt cannot get at it */
	bool held_on;	/* ... also when its process has ended */
	bool has_ended; /* its process has, and libvirt has it */
	bool forgotten; /* ... and is not asked about it any more */
	struct simulated_plug plugs[SIMULATED_DEVICES];
	int plug_count;
};

struct simulated_network {
	char id[37]; /* "": free */
	int plugged;
};

struct simulated_lease {
	int network; /* 1 + its index, 0: free */
	char mac[18], ip[46];
};

struct simulated {
	size_t size; /* of the whole mapping */
	pthread_mutex_t lock;
	int servers, pfs, vfs;
	bool stubborn;	  /* guests let go of nothing */
	char dnsmasq[37]; /* of a network that libvirt does not have, by its id: it is in the way of another
			   */
	int share;	  /* so many PFs are in one IOMMU group */
	struct simulated_network networks[SIMULATED_NETWORKS];
};

/* Behind it: PF 0, its VFs, PF 1, ...; the domains; two leases for each server. */
struct simulated_device *simulated_devices(void);
struct simulated_domain *simulated_domains(void);
struct simulated_lease *simulated_leases(void);

/* The host, or, while a guest is put onto it, another one. */
extern struct simulated *simulated_host;
extern _Thread_local struct simulated *simulated_other;
static inline struct simulated *simulated_now(void)
{
	return simulated_other ? simulated_other : simulated_host;
}

/* Whoever had the lock may have been killed. */
void simulated_enter(void);
void simulated_leave(void);
/* Another simulated host's, by the file that it is in; NULL if it is not there. */
struct simulated *simulated_map(const char *path);

/* Tells simulated_on_change. */
void simulated_change(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends simulated_events(). */
void simulated_tell(unsigned what);
unsigned simulated_events(int milliseconds);

/* NULL if there is none with this address, or not now. */
struct simulated_device *simulated_find(const char *address);
void simulated_address(const struct simulated_device *device, char text[PCI_ADDRESS_SIZE]);
bool simulated_is_pf(const struct simulated_device *device);
struct simulated_device *simulated_pf_of(struct simulated_device *vf);
int simulated_vf_index(const struct simulated_device *vf);
int simulated_index(const struct simulated_device *device);
int simulated_group(const struct simulated_device *device); /* of the IOMMU */
struct simulated_device *simulated_netdev(const char *name);
void simulated_bind_pf(struct simulated_device *pf, const char *netdev);
/* 0 or an errno. */
int simulated_set_numvfs(struct simulated_device *pf, int count);

/* Copies what stands between `begin` and the quote or tag that follows; "" and NULL if it is not there. */
const char *simulated_xml_find(const char *xml, const char *begin, char *value, size_t size);
/* By its id; "": a free one.  NULL if there is none. */
struct simulated_network *simulated_network_find(const char *id);

/* What they do for world_simulated: see world.h. */
char *simulated_read(const char *path);
bool simulated_link(const char *path, char *name, size_t size);
char **simulated_list(const char *path);
bool simulated_holder(const char *address, char *who, size_t size);
bool simulated_write(const char *path, const char *text, struct error *err);
int simulated_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why, size_t size);
bool simulated_domain_start(const char *xml, struct error *err);
bool simulated_domain_xml(const char *id, char **xml, struct error *err);
bool simulated_domain_plug(const char *id, const char *device_xml, struct error *err);
bool simulated_domain_unplug(const char *id, const char *alias, struct error *err);
bool simulated_domain_pause(const char *id, bool paused, struct error *err);
bool simulated_domain_save(const char *id, const char *path, struct error *err);
bool simulated_domain_restore(const char *path, struct error *err);
bool simulated_domain_change(const char *id, const char *device_xml, struct error *err);
bool simulated_end_processes(const char *name, const char *words, int *count, struct error *err);
bool simulated_domain_forget(const char *id, struct error *err);
bool simulated_domain_stop(const char *id, struct error *err);
bool simulated_domain_state(const char *id, enum world_guest *state, struct error *err);
bool simulated_domain_migrate(const char *id, const struct world_migration *how, struct error *err);
bool simulated_domain_migrate_abort(const char *id, struct error *err);
bool simulated_domain_running(const char *id, bool *running, struct error *err);
bool simulated_domain_list(bool only_ours, struct map *ids, struct error *err);
bool simulated_network_xml(const char *id, char **xml, struct error *err);
bool simulated_network_make(const char *xml, struct error *err);
bool simulated_network_lease(const char *id, bool add, const char *host_xml, struct error *err);
bool simulated_network_remove(const char *id, struct error *err);
