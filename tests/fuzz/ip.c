/* IP addresses and networks: first line an address, then a network, then a number to add. */
#include "fuzz.h"

#include "network/internal.h"

static bool equal(const struct ip *a, const struct ip *b)
{
	return ip_compare(a, b) == 0;
}

static void check_address(const struct ip *ip, uint32_t n)
{
	struct ip again, sum = ip_add(*ip, n), back = ip_add(ip_previous(*ip), 1);
	char text[IP_TEXT];

	FUZZ_CHECK(ip_parse(ip_format(ip, text), &again) && equal(ip, &again));
	FUZZ_CHECK(equal(ip, &back));
	back = ip_previous(ip_add(*ip, 1));
	FUZZ_CHECK(equal(ip, &back));
	for (uint32_t i = 0; i < n && n < 300; i++)
		sum = ip_previous(sum);
	FUZZ_CHECK(n >= 300 || equal(ip, &sum));
}

static void check_network(const struct ip *network, int prefix, const struct ip *ip)
{
	struct ip last = ip_last(*network, prefix), after = ip_add(last, 1), again;
	char text[IP_TEXT], cidr[IP_TEXT + 5];
	int prefix_again;

	FUZZ_CHECK(prefix >= 0 && prefix <= 8 * ip_size(network));
	FUZZ_CHECK(ip_compare(network, &last) <= 0 && ip_in(network, network, prefix) &&
		   ip_in(&last, network, prefix));
	FUZZ_CHECK(prefix == 0 || !ip_in(&after, network, prefix));
	snprintf(cidr, sizeof cidr, "%s/%d", ip_format(network, text), prefix);
	FUZZ_CHECK(ip_parse_cidr(cidr, &again, &prefix_again) && equal(&again, network) &&
		   prefix_again == prefix);
	if (ip->version == network->version)
		FUZZ_CHECK(ip_in(ip, network, prefix) ==
			   (ip_compare(network, ip) <= 0 && ip_compare(ip, &last) <= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	_cleanup_free_ char *address = fuzz_line(&input), *cidr = fuzz_line(&input),
			    *number = fuzz_line(&input);
	struct ip ip = {0}, network;
	int prefix;

	if (ip_parse(address, &ip))
		check_address(&ip, (uint32_t)strtoul(number, NULL, 10));
	if (ip_parse_cidr(cidr, &network, &prefix))
		check_network(&network, prefix, &ip);
	return 0;
}
