/* The PCI devices of the hosts, one by one, for administrators. */
#pragma once

#include "pci/address.h"
#include "store/store.h"

struct scheduler_device {
	char host_id[37], host_name[256];
	int64_t host_number;
	char address[PCI_ADDRESS_SIZE], parent[PCI_ADDRESS_SIZE]; /* parent: of a VF, or "" */
	char vendor_id[5], product_id[5], type[10];		  /* "type-VF" ... */
	char physical_network[256];
	int numa_node;	    /* -1: none */
	char server_id[37]; /* whose it is (of a move: its id), or "" */
	const char *status; /* Nova's: "available", "allocated", "unavailable" or "removed" */
	char health[512];   /* "ok", or why it is not given to anybody */
};

/* Those that are offered or a server's, by host and address; freed by the caller. */
bool scheduler_devices(struct store *db, struct scheduler_device **devices, size_t *count, struct error *err);
