/* The simulated hosts as seen, and touched, from outside: by checks, by guests that die, by an operator. */
#pragma once

#include "agent/simulated/state.h"

#include <stdbool.h>

/* NULL: it has not started yet. */
struct simulated *hosts_memory(int host);
int hosts_devices(int host); /* how many */
struct simulated_device *hosts_device(int host, int index);
void hosts_address(int host, int index, char text[16]);
bool hosts_is_vf(int host, int index);
/* Driver, guest and settings of a VF that nobody has. */
bool hosts_vf_is_clean(int host, int index);
/* The id of the guest, or "" in a free slot; 0 ... hosts_slots() - 1. */
int hosts_slots(int host);
const char *hosts_guest(int host, int slot);
bool hosts_runs(int host, const char *id);
struct simulated_domain *hosts_domain(int host, int slot);

void hosts_guest_dies(int host);
void hosts_set_stubborn(int host, bool stubborn);
/* A VF that is not offered, at which an operator has typed: none of ours. */
bool hosts_is_somebodys(int host, int index);
/* An operator types `ip link set ... vf`, or virsh destroy, suspend or resume. */
void hosts_type(int host);
/* A VF, or a PF, falls off the bus for a while: its configuration space reads as all ones. */
void hosts_device_vanishes(int host);
void hosts_devices_return(int host);
/* An operator writes sriov_numvfs, as long as no guest has a VF; true if there are so many now. */
bool hosts_set_numvfs(int host, int count);
/* It boots: no guests, devices as at the beginning. */
void hosts_boot(int host);
