/* Values with a syntax of their own: are they well-formed?  For the table of options. */
#pragma once

#include <stdbool.h>

bool item_is_vlan_range(const char *text);  /* physnet or physnet:first:last */
bool item_is_vni_range(const char *text);   /* first:last */
bool item_is_physnet_mtu(const char *text); /* physnet:mtu */
bool item_is_mapping(const char *text);	    /* physnet:network_device */
bool item_is_exclusion(const char *text);   /* network_device:address;address */
bool item_is_bandwidth(const char *text);   /* network_device:egress:ingress */
bool item_is_numa_node(const char *text);
bool item_is_device_ids(const char *text);    /* vendor:product */
bool item_is_mac(const char *text);	      /* unicast */
bool item_is_cpu_set(const char *text);	      /* 0-3,8,^2 */
bool item_is_huge_pages(const char *text);    /* node:0,size:2048,count:64 */
bool item_is_sqlite(const char *text);	      /* sqlite:///FILE */
bool item_is_short_physnet(const char *text); /* 1 to 64 bytes */
