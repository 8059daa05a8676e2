/* Tests of addresses as text and numbers. */
#include "../test.h"

#include "network/internal.h"

static void parses_and_formats(void **state)
{
	static const struct {
		const char *text, *shown; /* NULL: refused */
	} cases[] = {
		{"10.0.0.1", "10.0.0.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::", "::"},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
		{"", NULL},
		{"10.0.0", NULL},
		{"10.0.0.256", NULL},
		{"010.0.0.1", NULL},
		{" 10.0.0.1", NULL},
		{"10.0.0.1 ", NULL},
		{"10.0.0.1/24", NULL},
		{"2001:db8::1::2", NULL},
		{"2001:db8::1%eth0", NULL},
		{"2001:db8:1", NULL},
		{NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ip ip;
		char shown[IP_TEXT];

		if (ip_parse(cases[i].text, &ip) != (cases[i].shown != NULL))
			fail_msg("%s", cases[i].text);
		if (cases[i].shown)
			assert_string_equal(ip_format(&ip, shown), cases[i].shown);
	}
}

static void parses_cidrs(void **state)
{
	static const struct {
		const char *text, *network, *last;
		int prefix; /* -1: refused */
	} cases[] = {
		{"10.1.2.3/24", "10.1.2.0", "10.1.2.255", 24},
		{"10.1.2.3/0", "0.0.0.0", "255.255.255.255", 0},
		{"10.1.2.3/32", "10.1.2.3", "10.1.2.3", 32},
		{"10.1.2.3/31", "10.1.2.2", "10.1.2.3", 31},
		{"10.1.2.3/13", "10.0.0.0", "10.7.255.255", 13},
		{"2001:db8:1:2:3::9/64", "2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff", 64},
		{"2001:db8::ff/121", "2001:db8::80", "2001:db8::ff", 121},
		{"2001:db8::1/128", "2001:db8::1", "2001:db8::1", 128},
		{.text = "10.1.2.3/33", .prefix = -1},
		{.text = "10.1.2.3/-1", .prefix = -1},
		{.text = "10.1.2.3/", .prefix = -1},
		{.text = "10.1.2.3/ 8", .prefix = -1},
		{.text = "10.1.2.3/8x", .prefix = -1},
		{.text = "10.1.2.3/+8", .prefix = -1},
		{.text = "10.1.2.3/24/24", .prefix = -1},
		{.text = "10.1.2.3", .prefix = -1},
		{.text = "/24", .prefix = -1},
		{.text = "2001:db8::/129", .prefix = -1},
		{.text = "x/24", .prefix = -1},
		{.text = "0000000000000000000000000000000000000000000000000000:1/24", .prefix = -1},
		{.text = NULL, .prefix = -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ip network, last;
		char shown[IP_TEXT];
		int prefix;

		if (ip_parse_cidr(cases[i].text, &network, &prefix) != (cases[i].prefix >= 0))
			fail_msg("%s", cases[i].text);
		if (cases[i].prefix < 0)
			continue;
		assert_int_equal(prefix, cases[i].prefix);
		assert_string_equal(ip_format(&network, shown), cases[i].network);
		last = ip_last(network, prefix);
		assert_string_equal(ip_format(&last, shown), cases[i].last);
	}
}

static void adds(void **state)
{
	static const struct {
		const char *from;
		uint32_t n;
		const char *to;
	} cases[] = {
		{"10.0.0.1", 1, "10.0.0.2"},
		{"10.0.0.255", 1, "10.0.1.0"},
		{"10.255.255.255", 1, "11.0.0.0"},
		{"255.255.255.255", 1, "0.0.0.0"},
		{"10.0.0.1", 0, "10.0.0.1"},
		{"0.0.0.1", 0xffffffff, "0.0.0.0"},
		{"0.0.0.0", 0xffffffff, "255.255.255.255"},
		{"1::", 0xffffffff, "1::ffff:ffff"},
		{"1::ff", 0xffffff01, "1::1:0:0"},
		{"2001:db8::ffff:ffff", 1, "2001:db8::1:0:0"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, "::"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ip ip;
		char shown[IP_TEXT];

		assert_true(ip_parse(cases[i].from, &ip));
		ip = ip_add(ip, cases[i].n);
		assert_string_equal(ip_format(&ip, shown), cases[i].to);
	}
}

static bool is_in(const char *address, const char *cidr)
{
	struct ip ip, network;
	int prefix;

	assert_true(ip_parse(address, &ip));
	assert_true(ip_parse_cidr(cidr, &network, &prefix));
	return ip_in(&ip, &network, prefix);
}

static void knows_what_is_in(void **state)
{
	(void)state;
	assert_true(is_in("10.1.2.0", "10.1.2.0/24"));
	assert_true(is_in("10.1.2.255", "10.1.2.0/24"));
	assert_false(is_in("10.1.3.0", "10.1.2.0/24"));
	assert_false(is_in("10.1.1.255", "10.1.2.0/24"));
	assert_true(is_in("10.1.1.255", "0.0.0.0/0"));
	assert_true(is_in("2001:db8::1", "2001:db8::/64"));
	assert_false(is_in("2001:db8:0:1::1", "2001:db8::/64"));
	/* The versions are worlds of their own, whatever the bytes. */
	assert_false(is_in("::", "0.0.0.0/0"));
	assert_false(is_in("0.0.0.0", "::/0"));
	assert_false(is_in("10.0.0.1", "::/64"));
}

static void compares(void **state)
{
	struct ip a, b, six;

	(void)state;
	assert_true(ip_parse("10.0.0.9", &a) && ip_parse("10.0.0.10", &b) && ip_parse("::", &six));
	assert_true(ip_compare(&a, &b) < 0);
	assert_true(ip_compare(&b, &a) > 0);
	assert_int_equal(ip_compare(&a, &a), 0);
	assert_true(ip_compare(&b, &six) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats), cmocka_unit_test(parses_cidrs), cmocka_unit_test(adds),
		cmocka_unit_test(knows_what_is_in),   cmocka_unit_test(compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
