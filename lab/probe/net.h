/* ARP and ICMP echo over one or several NICs. */
#ifndef PROBE_NET_H
#define PROBE_NET_H

#include "nic82576.h"

#include <stdbool.h>
#include <stdint.h>

/* From now on the NIC answers for this address; it is announced at once. */
void net_add(struct nic *nic, const uint8_t ip[4], const uint8_t netmask[4]);

/* The NIC on whose subnet `ip` is, else the first one; NULL if there is none. */
struct nic *net_route(const uint8_t ip[4]);

/* Asks for the address until somebody answers, for up to `seconds`. */
bool net_resolve(struct nic *nic, const uint8_t ip[4], uint32_t seconds);

/* Sends `count` echo requests to the address that net_resolve found; returns how many were answered. */
uint32_t net_ping(struct nic *nic, const uint8_t ip[4], uint32_t count);

/* Answers what has come in. */
void net_poll(void);

#endif
