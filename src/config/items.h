/* Values with a syntax of their own: the one parser of each, for the table of options, the rooms that read
 * them and `penstock config check`.  False: it is not well-formed.  Blanks around parts do not matter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ITEM_PHYSNET_SIZE     65 /* a physical network's name and its end */
#define ITEM_NETDEV_SIZE      16
#define ITEM_PCI_ADDRESS_SIZE 13
#define ITEM_RATE_NONE	      (-1)

/* physnet (all VLANs, rules VL-1 to VL-4) or physnet:first:last */
bool item_vlan_range(const char *text, char physnet[ITEM_PHYSNET_SIZE], int64_t *first, int64_t *last);
/* first:last of VXLANs */
bool item_vni_range(const char *text, int64_t *first, int64_t *last);
bool item_physnet(const char *text, char physnet[ITEM_PHYSNET_SIZE]);
/* physnet:MTU */
bool item_physnet_mtu(const char *text, char physnet[ITEM_PHYSNET_SIZE], int64_t *mtu);
/* physnet:network_device (AG-1) */
bool item_mapping(const char *text, char physnet[ITEM_PHYSNET_SIZE], char netdev[ITEM_NETDEV_SIZE]);
/* network_device:address;address ... (AG-2): calls `each` (may be NULL) with each address in small letters.
 */
bool item_exclusion(const char *text, char netdev[ITEM_NETDEV_SIZE],
		    void (*each)(void *user, const char *address), void *user);
/* network_device:egress:ingress in kbit/s; what is left out is ITEM_RATE_NONE (AG-4). */
bool item_bandwidth(const char *text, char netdev[ITEM_NETDEV_SIZE], int64_t *egress, int64_t *ingress);
#define ITEM_HYPERVISOR_SIZE 256
/* network_device:hypervisor, whose name may have colons */
bool item_hypervisor(const char *text, char netdev[ITEM_NETDEV_SIZE], char hypervisor[ITEM_HYPERVISOR_SIZE]);
/* What Placement is told of a bandwidth. */
struct item_inventory {
	double allocation_ratio;
	int64_t min_unit, step_size, reserved, max_unit; /* max_unit 0: all */
};
/* allocation_ratio:1.0, min_unit:1, max_unit:1, step_size:1 or reserved:0; the others stay as they are */
bool item_inventory(const char *text, struct item_inventory *inventory);
/* vendor:product in hexadecimal (PV-3) */
bool item_device_ids(const char *text, unsigned *vendor, unsigned *product);
/* node:0,size:2048,count:64 in any order; the size is in KiB, or has a unit like MB or GiB. */
bool item_huge_pages(const char *text, int *node, int64_t *size_kb, int64_t *count);
bool item_numa_node(const char *text, int *node);
/* network_device:VFs, or network_device:VFs:drivers */
#define HOST_VFS_MAX 65535
bool item_host_vfs(const char *text, char netdev[ITEM_NETDEV_SIZE], int *count, bool *drivers);
/* 2M:1024 or 1G:16; *size_kb in KiB, `size` as the kernel's command line has it. */
bool item_host_pages(const char *text, char size[8], int64_t *size_kb, int64_t *count);
/* A database that Nova or Neutron has and Penstock never will: mysql... */
bool item_is_mysql(const char *text);
