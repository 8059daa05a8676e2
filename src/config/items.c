/* Values with a syntax of their own. */
#include "config/items.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PHYSNET_MAX   64
#define NETDEV_MAX    15
#define EXCLUSION_MAX 8000
#define VLAN_MAX      4094
#define VNI_MAX	      16777215

/* Cuts the text at the first `mark` of it; returns what is behind, or NULL. */
static char *cut(char *text, char mark)
{
	char *at = text ? strchr(text, mark) : NULL;

	if (at)
		*at++ = '\0';
	return at;
}

/* "first:last", the first not above the last. */
static bool is_range(const char *first, const char *last, int64_t max)
{
	int64_t from, to;

	return first && last && config_int_parse(first, 1, max, &from) &&
	       config_int_parse(last, from, max, &to);
}

bool item_is_short_physnet(const char *text)
{
	return *text && strlen(text) <= PHYSNET_MAX;
}

bool item_is_vlan_range(const char *text)
{
	_cleanup_free_ char *physnet = memory_copy_text(text);
	char *first = cut(physnet, ':'), *last = cut(first, ':');

	return item_is_short_physnet(physnet) && (!first || is_range(first, last, VLAN_MAX));
}

bool item_is_vni_range(const char *text)
{
	_cleanup_free_ char *first = memory_copy_text(text);
	char *last = cut(first, ':');

	return is_range(first, last, VNI_MAX);
}

bool item_is_physnet_mtu(const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t mtu;

	return colon && colon > text && colon - text <= PHYSNET_MAX &&
	       config_int_parse(colon + 1, 68, 65535, &mtu);
}

bool item_is_mapping(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon && colon > text && colon - text <= PHYSNET_MAX && colon[1] &&
	       strlen(colon + 1) <= NETDEV_MAX && !strchr(colon + 1, ':');
}

static bool is_pci_address(const char *text)
{
	static const char form[] = "hhhh:hh:hh.h";

	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == 'h' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	return !text[sizeof form - 1];
}

bool item_is_exclusion(const char *text)
{
	_cleanup_free_ char *netdev = memory_copy_text(text);
	char *addresses = cut(netdev, ':'), *rest = NULL;

	if (!addresses || !*netdev || strlen(text) > EXCLUSION_MAX)
		return false;
	for (char *one = strtok_r(addresses, "; ", &rest); one; one = strtok_r(NULL, "; ", &rest)) {
		if (!is_pci_address(one))
			return false;
	}
	return true;
}

static bool is_rate(const char *text)
{
	int64_t kilobits;

	return !*text || config_int_parse(text, 0, INT64_MAX, &kilobits);
}

bool item_is_bandwidth(const char *text)
{
	_cleanup_free_ char *netdev = memory_copy_text(text);
	char *egress = cut(netdev, ':'), *ingress = cut(egress, ':');

	return ingress && *netdev && strlen(netdev) <= NETDEV_MAX && !strchr(ingress, ':') &&
	       is_rate(egress) && is_rate(ingress);
}

bool item_is_numa_node(const char *text)
{
	int64_t node;

	return config_int_parse(text, 0, 1023, &node);
}

bool item_is_device_ids(const char *text)
{
	unsigned int vendor, product;
	char end;

	return sscanf(text, "%4x:%4x%c", &vendor, &product, &end) == 2;
}

bool item_is_mac(const char *text)
{
	for (int i = 0; i < 17; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[17] && !strchr("13579bdfBDF", text[1]);
}

/* "3", "0-3", either with ^ to leave it out. */
static bool is_cpus(char *text)
{
	char *last;
	int64_t from, to;

	text += *text == '^';
	last = cut(text, '-');
	return config_int_parse(text, 0, 1023, &from) && (!last || config_int_parse(last, from, 1023, &to));
}

bool item_is_cpu_set(const char *text)
{
	const char *from, *end;
	bool ok = true;

	for (size_t i = 0; ok && config_item(text, i, &from, &end); i++) {
		_cleanup_free_ char *item = memory_printf("%.*s", (int)(end - from), from);

		ok = is_cpus(item);
	}
	return ok;
}

/* The size is in KiB, or has a unit. */
bool item_is_huge_pages(const char *text)
{
	long long node, size, count;
	char unit[8], end;

	if (sscanf(text, "node:%lld,size:%lld,count:%lld%c", &node, &size, &count, &end) != 3) {
		if (sscanf(text, "node:%lld,size:%lld%7[A-Za-z],count:%lld%c", &node, &size, unit, &count,
			   &end) != 4 ||
		    !strchr("kmgKMG", *unit))
			return false;
	}
	return node >= 0 && node < 1024 && size > 0 && count >= 0;
}

bool item_is_sqlite(const char *text)
{
	return text_starts_with(text, "sqlite:///") && text[strlen("sqlite:///")];
}
