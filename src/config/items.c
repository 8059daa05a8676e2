/* Values with a syntax of their own. */
#include "config/items.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/ini.h"
#include "config/internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define VLAN_MAX  4094
#define VNI_MAX	  16777215
#define MTU_MIN	  68
#define MTU_MAX	  65535
#define NODE_MAX  1023
#define RATE_MAX  INT64_C(1000000000000) /* kbit/s: a petabit */
#define RATIO_MAX 1e6

/* Takes the text up to the next `mark`, blanks stripped, as a copy; *rest goes behind the mark, or is NULL
 * when there was none.  NULL if *rest was.  Mark 0: all the rest. */
static char *part_take(const char **rest, char mark)
{
	const char *from = *rest, *end, *next;

	if (!from)
		return NULL;
	next = mark ? strchr(from, mark) : NULL;
	end = next ? next : from + strlen(from);
	*rest = next ? next + 1 : NULL;
	from = ini_skip_blanks(from, end);
	return memory_printf("%.*s", (int)(ini_drop_blanks(from, end) - from), from);
}

/* A name of at least a byte that fits into `size` bytes with its end. */
static bool name_copy(const char *name, char *out, size_t size)
{
	if (text_is_empty(name) || strlen(name) >= size)
		return false;
	memcpy(out, name, strlen(name) + 1);
	return true;
}

/* --- networks --- */

/* "first:last", the first not above the last. */
static bool range_read(const char *text, int64_t max, int64_t *first, int64_t *last)
{
	_cleanup_free_ char *from = part_take(&text, ':'), *to = part_take(&text, ':');

	return to && !text && config_int_parse(from, 1, max, first) &&
	       config_int_parse(to, *first, max, last);
}

bool item_vlan_range(const char *text, char physnet[ITEM_PHYSNET_SIZE], int64_t *first, int64_t *last)
{
	_cleanup_free_ char *name = part_take(&text, ':');

	*first = 1;
	*last = VLAN_MAX;
	return name_copy(name, physnet, ITEM_PHYSNET_SIZE) &&
	       (!text || range_read(text, VLAN_MAX, first, last));
}

bool item_vni_range(const char *text, int64_t *first, int64_t *last)
{
	return range_read(text, VNI_MAX, first, last);
}

bool item_physnet(const char *text, char physnet[ITEM_PHYSNET_SIZE])
{
	return name_copy(text, physnet, ITEM_PHYSNET_SIZE);
}

bool item_physnet_mtu(const char *text, char physnet[ITEM_PHYSNET_SIZE], int64_t *mtu)
{
	_cleanup_free_ char *name = part_take(&text, ':'), *number = part_take(&text, ':');

	return number && !text && name_copy(name, physnet, ITEM_PHYSNET_SIZE) &&
	       config_int_parse(number, MTU_MIN, MTU_MAX, mtu);
}

/* --- network devices of hosts --- */

bool item_mapping(const char *text, char physnet[ITEM_PHYSNET_SIZE], char netdev[ITEM_NETDEV_SIZE])
{
	_cleanup_free_ char *name = part_take(&text, ':'), *device = part_take(&text, ':');

	return !text && name_copy(name, physnet, ITEM_PHYSNET_SIZE) &&
	       name_copy(device, netdev, ITEM_NETDEV_SIZE);
}

/* With all its digits, as sysfs writes it, but for the case of letters. */
static bool address_read(const char *text, char address[ITEM_PCI_ADDRESS_SIZE])
{
	static const char form[] = "hhhh:hh:hh.h";

	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == 'h' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
		address[i] = (char)tolower((unsigned char)text[i]);
	}
	address[sizeof form - 1] = '\0';
	return !text[sizeof form - 1];
}

bool item_exclusion(const char *text, char netdev[ITEM_NETDEV_SIZE],
		    void (*each)(void *user, const char *address), void *user)
{
	_cleanup_free_ char *name = part_take(&text, ':');
	char address[ITEM_PCI_ADDRESS_SIZE];

	if (!text || !name_copy(name, netdev, ITEM_NETDEV_SIZE))
		return false;
	while (text) {
		_cleanup_free_ char *one = part_take(&text, ';');

		if (*one && !address_read(one, address))
			return false;
		if (*one && each)
			each(user, address);
	}
	return true;
}

static bool rate_read(const char *text, int64_t *kilobits)
{
	*kilobits = ITEM_RATE_NONE;
	return !*text || config_int_parse(text, 0, RATE_MAX, kilobits);
}

bool item_bandwidth(const char *text, char netdev[ITEM_NETDEV_SIZE], int64_t *egress, int64_t *ingress)
{
	_cleanup_free_ char *name = part_take(&text, ':'), *out = part_take(&text, ':'),
			    *in = part_take(&text, ':');

	return in && !text && name_copy(name, netdev, ITEM_NETDEV_SIZE) && rate_read(out, egress) &&
	       rate_read(in, ingress);
}

bool item_hypervisor(const char *text, char netdev[ITEM_NETDEV_SIZE], char hypervisor[ITEM_HYPERVISOR_SIZE])
{
	_cleanup_free_ char *name = part_take(&text, ':'), *rest = part_take(&text, '\0');

	return name_copy(name, netdev, ITEM_NETDEV_SIZE) && name_copy(rest, hypervisor, ITEM_HYPERVISOR_SIZE);
}

bool item_inventory(const char *text, struct item_inventory *inventory)
{
	const struct {
		const char *name;
		int64_t min, *number;
	} numbers[] = {{"min_unit", 1, &inventory->min_unit},
		       {"max_unit", 1, &inventory->max_unit},
		       {"step_size", 1, &inventory->step_size},
		       {"reserved", 0, &inventory->reserved}};
	_cleanup_free_ char *name = part_take(&text, ':'), *value = part_take(&text, ':');

	if (!value || text)
		return false;
	for (size_t i = 0; i < ELEMENTS_OF(numbers); i++) {
		if (strcmp(name, numbers[i].name) == 0)
			return config_int_parse(value, numbers[i].min, RATE_MAX, numbers[i].number);
	}
	return strcmp(name, "allocation_ratio") == 0 &&
	       config_number_parse(value, 0, RATIO_MAX, &inventory->allocation_ratio);
}

/* --- devices --- */

static bool id_read(const char *text, unsigned *id)
{
	size_t digits = text ? strlen(text) : 0;

	if (digits < 1 || digits > 4 || strspn(text, "0123456789abcdefABCDEF") != digits)
		return false;
	*id = (unsigned)strtoul(text, NULL, 16);
	return true;
}

bool item_device_ids(const char *text, unsigned *vendor, unsigned *product)
{
	_cleanup_free_ char *first = part_take(&text, ':'), *second = part_take(&text, ':');

	return !text && id_read(first, vendor) && id_read(second, product);
}

/* --- huge pages and NUMA nodes --- */

/* What a size's unit is in KiB: 1 without one, and for KB, KiB, K ...; 0 if it is none. */
static int64_t unit_kb(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *letter = *unit ? strchr(letters, toupper((unsigned char)*unit)) : letters;
	int64_t kb = 1;

	if (*unit)
		unit++;
	if (!letter || (*unit && strcasecmp(unit, "B") != 0 && strcasecmp(unit, "iB") != 0))
		return 0;
	while (letter-- > letters)
		kb *= 1024;
	return kb;
}

#define SIZE_MAX_KB (INT64_C(1) << 40)

static bool size_read(const char *text, int64_t *size_kb)
{
	size_t digits = strspn(text, "0123456789_");
	_cleanup_free_ char *number = memory_printf("%.*s", (int)digits, text);
	int64_t kb = unit_kb(text + digits);

	if (!kb || !config_int_parse(number, 1, SIZE_MAX_KB / kb, size_kb))
		return false;
	*size_kb *= kb;
	return true;
}

bool item_huge_pages(const char *text, int *node, int64_t *size_kb, int64_t *count)
{
	bool ok = true;

	*node = -1;
	*size_kb = *count = -1;
	while (ok && text) {
		_cleanup_free_ char *pair = part_take(&text, ',');
		const char *rest = pair;
		_cleanup_free_ char *key = part_take(&rest, ':'), *value = part_take(&rest, ':');

		if (!value || rest)
			return false;
		if (strcmp(key, "node") == 0)
			ok = *node < 0 && item_numa_node(value, node);
		else if (strcmp(key, "size") == 0)
			ok = *size_kb < 0 && size_read(value, size_kb);
		else
			ok = strcmp(key, "count") == 0 && *count < 0 &&
			     config_int_parse(value, 0, INT64_MAX, count);
	}
	return ok && *node >= 0 && *size_kb >= 0 && *count >= 0;
}

bool item_numa_node(const char *text, int *node)
{
	int64_t number;

	if (!config_int_parse(text, 0, NODE_MAX, &number))
		return false;
	*node = (int)number;
	return true;
}

/* --- what `penstock host setup` makes of a host --- */

bool item_host_vfs(const char *text, char netdev[ITEM_NETDEV_SIZE], int *count, bool *drivers)
{
	_cleanup_free_ char *name = part_take(&text, ':'), *number = part_take(&text, ':'),
			    *flag = text ? part_take(&text, ':') : NULL;
	int64_t value;

	*drivers = flag != NULL;
	if (text || !name_copy(name, netdev, ITEM_NETDEV_SIZE) || strpbrk(netdev, "/*?[\"'$ ") || !number ||
	    !config_int_parse(number, 0, HOST_VFS_MAX, &value) || (flag && strcmp(flag, "drivers") != 0))
		return false;
	*count = (int)value;
	return true;
}

bool item_host_pages(const char *text, char size[8], int64_t *size_kb, int64_t *count)
{
	_cleanup_free_ char *name = part_take(&text, ':'), *number = part_take(&text, ':');
	int64_t value;
	size_t end = strspn(name, "0123456789");

	if (text || !number || end == 0 || end > 5 || !strchr("MG", name[end]) || !name[end] || name[end + 1] ||
	    !config_int_parse(number, 0, INT32_MAX, count))
		return false;
	value = atoi(name);
	*size_kb = name[end] == 'G' ? value << 20 : value << 10;
	snprintf(size, 8, "%s", name);
	return value > 0;
}

/* --- databases --- */

bool item_is_mysql(const char *text)
{
	return text_starts_with(text, "mysql:") || text_starts_with(text, "mysql+");
}
