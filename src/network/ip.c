/* Addresses as text and numbers. */
#include "network/internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int ip_size(const struct ip *ip)
{
	return ip->version == 4 ? 4 : 16;
}

bool ip_parse(const char *text, struct ip *ip)
{
	*ip = (struct ip){0};
	if (text && inet_pton(AF_INET, text, ip->bytes) == 1)
		ip->version = 4;
	else if (text && inet_pton(AF_INET6, text, ip->bytes) == 1)
		ip->version = 6;
	return ip->version != 0;
}

char *ip_format(const struct ip *ip, char text[IP_TEXT])
{
	inet_ntop(ip->version == 4 ? AF_INET : AF_INET6, ip->bytes, text, IP_TEXT);
	return text;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	if (a->version != b->version)
		return a->version - b->version;
	return memcmp(a->bytes, b->bytes, (size_t)ip_size(a));
}

struct ip ip_add(struct ip ip, uint32_t n)
{
	uint64_t carry = n;

	for (int i = ip_size(&ip) - 1; i >= 0 && carry; i--) {
		carry += ip.bytes[i];
		ip.bytes[i] = (unsigned char)carry;
		carry >>= 8;
	}
	return ip;
}

struct ip ip_previous(struct ip ip)
{
	for (int i = ip_size(&ip) - 1; i >= 0 && ip.bytes[i]-- == 0; i--) {
	}
	return ip;
}

static struct ip ip_fill(struct ip ip, int prefix, bool ones)
{
	for (int bit = prefix; bit < 8 * ip_size(&ip); bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		ip.bytes[bit / 8] =
			(unsigned char)(ones ? ip.bytes[bit / 8] | mask : ip.bytes[bit / 8] & ~mask);
	}
	return ip;
}

bool ip_parse_cidr(const char *text, struct ip *network, int *prefix)
{
	char address[IP_TEXT];
	const char *slash = text ? strchr(text, '/') : NULL;
	int64_t bits;

	if (!slash || slash - text >= IP_TEXT || slash[1] < '0' || slash[1] > '9')
		return false;
	snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
	if (!ip_parse(address, network) || !text_to_int64(slash + 1, 0, 8 * ip_size(network), &bits))
		return false;
	*prefix = (int)bits;
	*network = ip_fill(*network, *prefix, false);
	return true;
}

struct ip ip_last(struct ip network, int prefix)
{
	return ip_fill(network, prefix, true);
}

bool ip_in(const struct ip *ip, const struct ip *network, int prefix)
{
	struct ip base = ip_fill(*ip, prefix, false);

	return ip->version == network->version && ip_compare(&base, network) == 0;
}
