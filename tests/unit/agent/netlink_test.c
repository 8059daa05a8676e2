/* Tests of VF settings: the bytes of each message, what is understood of answers, and programming a
 * (simulated) NIC. */
#include "../test.h"

#include "agent/link.h"
#include "agent/netdev.h"
#include "agent/netlink.h"
#include "agent/simulated/simulated.h"
#include "agent/vf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>

static const struct vf_settings some = {.mac_address = "fa:16:3e:01:02:03",
					.vlan = 1010,
					.vlan_qos = 5,
					.spoof_check = 1,
					.trust = 1,
					.link_state = VF_LINK_DISABLE,
					.min_rate = 100,
					.max_rate = 1000};

/* --- bytes --- */

/* Everything up to the attribute itself is the same for all: header, ifinfomsg, two nests. */
static void assert_message(const char *name, const unsigned char *attribute, size_t size)
{
	size_t total = 16 + 16 + 4 + 4 + size;
	const unsigned char head[40] = {
		(unsigned char)total,
		0,
		0,
		0, /* nlmsg_len */
		19,
		0, /* RTM_SETLINK */
		5,
		0, /* NLM_F_REQUEST | NLM_F_ACK */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0, /* sequence and port: filled when sent */
		0,
		0,
		0,
		0, /* AF_UNSPEC */
		7,
		0,
		0,
		0, /* ifi_index */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0, /* flags, change */
		(unsigned char)(8 + size),
		0,
		22,
		0x80, /* IFLA_VFINFO_LIST, nested */
		(unsigned char)(4 + size),
		0,
		1,
		0x80, /* IFLA_VF_INFO, nested */
	};
	char buffer[VF_MESSAGE_SIZE];

	for (size_t i = 0; i < vf_attribute_count; i++) {
		if (strcmp(vf_attributes[i].name, name) != 0)
			continue;
		const struct nlmsghdr *message = vf_message(buffer, 7, 3, &vf_attributes[i], &some);
		assert_int_equal(message->nlmsg_len, total);
		assert_memory_equal(message, head, sizeof head);
		assert_memory_equal((const char *)message + sizeof head, attribute, size);
		return;
	}
	fail_msg("there is no attribute %s", name);
}

static void test_each_attribute_has_its_bytes(void **state)
{
	/* struct ifla_vf_mac: vf, 32 bytes of which Ethernet uses 6 */
	const unsigned char mac[40] = {40, 0, 1, 0, 3, 0, 0, 0, 0xfa, 0x16, 0x3e, 1, 2, 3};
	const unsigned char vlan[16] = {16, 0, 2, 0, 3, 0, 0, 0, 0xf2, 3, 0, 0, 5, 0, 0, 0};
	const unsigned char spoof[12] = {12, 0, 4, 0, 3, 0, 0, 0, 1, 0, 0, 0};
	const unsigned char link[12] = {12, 0, 5, 0, 3, 0, 0, 0, 2, 0, 0, 0};
	const unsigned char rate[16] = {16, 0, 6, 0, 3, 0, 0, 0, 100, 0, 0, 0, 0xe8, 3, 0, 0};
	const unsigned char trust[12] = {12, 0, 9, 0, 3, 0, 0, 0, 1, 0, 0, 0};

	(void)state;
	assert_message("the MAC", mac, sizeof mac);
	assert_message("the VLAN", vlan, sizeof vlan);
	assert_message("spoof check", spoof, sizeof spoof);
	assert_message("link state", link, sizeof link);
	assert_message("rates", rate, sizeof rate);
	assert_message("trust", trust, sizeof trust);
}

/* IFLA_VF_VLAN_LIST with one IFLA_VF_VLAN_INFO, whose protocol is in network byte order: 88 a8. */
static void test_an_802_1ad_vlan_has_its_bytes(void **state)
{
	const unsigned char wanted[24] = {24,	0, 12, 0x80, 20, 0, 1, 0, 3,	0,    0, 0,
					  0xf2, 3, 0,  0,    5,	 0, 0, 0, 0x88, 0xa8, 0, 0};
	struct vf_settings tagged = some;
	char buffer[VF_MESSAGE_SIZE];

	(void)state;
	tagged.service_tag = true;
	assert_int_equal(vf_attributes[1].type, IFLA_VF_VLAN);
	const struct nlmsghdr *message = vf_message(buffer, 7, 3, &vf_attributes[1], &tagged);
	assert_int_equal(message->nlmsg_len, 40 + sizeof wanted);
	assert_memory_equal((const char *)message + 40, wanted, sizeof wanted);
	/* Without a VLAN there is no protocol to be told. */
	assert_false(vf_attributes[1].equal(&tagged, &some));
	tagged.vlan = tagged.vlan_qos = 0;
	assert_true(vf_attributes[1].equal(&tagged, &vf_clean));
}

/* Some NICs block all traffic of a VF that has spoof check and no MAC. */
static void test_the_mac_comes_before_spoof_check(void **state)
{
	(void)state;
	assert_int_equal(vf_attributes[0].type, IFLA_VF_MAC);
}

/* --- answers --- */

static struct nlmsghdr *answer_begin(char *buffer)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = RTM_NEWLINK;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, "p5p1");
	return message;
}

static void test_an_answer_is_understood(void **state)
{
	char buffer[2048];
	struct nlmsghdr *answer = answer_begin(buffer);
	struct nlattr *list = mnl_attr_nest_start(answer, IFLA_VFINFO_LIST);
	struct vf_settings seen;

	(void)state;
	for (uint32_t vf = 0; vf < 3; vf++) {
		struct nlattr *info = mnl_attr_nest_start(answer, IFLA_VF_INFO);
		struct ifla_vf_mac mac = {.vf = vf, .mac = {2, 0, 0, 0, 0, (unsigned char)vf}};
		struct ifla_vf_vlan vlan = {.vf = vf, .vlan = 100 + vf, .qos = 3};
		struct ifla_vf_spoofchk spoof = {.vf = vf, .setting = vf};
		struct ifla_vf_trust trust = {.vf = vf, .setting = UINT32_MAX};

		mnl_attr_put(answer, IFLA_VF_MAC, sizeof mac, &mac);
		mnl_attr_put(answer, 77, 4, "new"); /* a kernel to come */
		mnl_attr_put(answer, IFLA_VF_VLAN, sizeof vlan, &vlan);
		mnl_attr_put(answer, IFLA_VF_SPOOFCHK, sizeof spoof, &spoof);
		mnl_attr_put(answer, IFLA_VF_TRUST, sizeof trust, &trust);
		mnl_attr_nest_end(answer, info);
	}
	mnl_attr_nest_end(answer, list);
	assert_true(vf_decode(answer, 1, &seen));
	assert_string_equal(seen.mac_address, "02:00:00:00:00:01");
	assert_int_equal(seen.vlan, 101);
	assert_int_equal(seen.vlan_qos, 3);
	assert_int_equal(seen.spoof_check, 1);
	assert_int_equal(seen.trust, VF_UNKNOWN);
	assert_true(vf_decode(answer, 0, &seen));
	assert_int_equal(seen.spoof_check, 0);
	/* A VF that is not told of is unknown, not clean. */
	assert_false(vf_decode(answer, 3, &seen));
}

static void test_the_protocol_of_a_vlan_is_understood(void **state)
{
	static const struct {
		uint16_t protocol;
		bool service_tag;
	} cases[] = {{ETH_P_8021AD, true}, {ETH_P_8021Q, false}};
	struct vf_settings seen;
	char text[VF_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char buffer[512];
		struct nlmsghdr *answer = answer_begin(buffer);
		struct nlattr *list = mnl_attr_nest_start(answer, IFLA_VFINFO_LIST);
		struct nlattr *info = mnl_attr_nest_start(answer, IFLA_VF_INFO), *vlans;
		struct ifla_vf_vlan vlan = {.vlan = 7};
		struct ifla_vf_vlan_info full = {.vlan = 7, .vlan_proto = htons(cases[i].protocol)};

		mnl_attr_put(answer, IFLA_VF_VLAN, sizeof vlan, &vlan);
		vlans = mnl_attr_nest_start(answer, IFLA_VF_VLAN_LIST);
		mnl_attr_put(answer, IFLA_VF_VLAN_INFO, sizeof full, &full);
		mnl_attr_nest_end(answer, vlans);
		mnl_attr_nest_end(answer, info);
		mnl_attr_nest_end(answer, list);
		assert_true(vf_decode(answer, 0, &seen));
		assert_int_equal(seen.vlan, 7);
		assert_int_equal(seen.service_tag, cases[i].service_tag);
		vf_attributes[1].describe(&seen, text);
		assert_string_equal(text, cases[i].service_tag ? "7, 802.1ad" : "7");
	}
}

static void test_short_attributes_are_not_read(void **state)
{
	char buffer[512];
	struct nlmsghdr *answer = answer_begin(buffer);
	struct nlattr *list = mnl_attr_nest_start(answer, IFLA_VFINFO_LIST);
	struct nlattr *info = mnl_attr_nest_start(answer, IFLA_VF_INFO);
	struct vf_settings seen;

	(void)state;
	mnl_attr_put(answer, IFLA_VF_MAC, 2, "ab");
	mnl_attr_nest_end(answer, info);
	mnl_attr_nest_end(answer, list);
	assert_false(vf_decode(answer, 0, &seen));
}

/* The kernel's refusal, with its reason behind the request that it quotes. */
static void test_the_kernels_reason_is_found(void **state)
{
	char request_buffer[VF_MESSAGE_SIZE], buffer[1024] = {0}, why[100];
	const struct nlmsghdr *request = vf_message(request_buffer, 7, 3, &vf_attributes[0], &some);
	struct nlmsghdr *answer = mnl_nlmsg_put_header(buffer);
	struct nlmsgerr *error;

	(void)state;
	answer->nlmsg_type = NLMSG_ERROR;
	answer->nlmsg_flags = NLM_F_ACK_TLVS;
	error = mnl_nlmsg_put_extra_header(answer, sizeof error->error + request->nlmsg_len);
	error->error = -EINVAL;
	memcpy(&error->msg, request, request->nlmsg_len);
	mnl_attr_put_strz(answer, NLMSGERR_ATTR_MSG, "VF is not trusted");
	netlink_ack_text(answer, why, sizeof why);
	assert_string_equal(why, "VF is not trusted");

	/* Cut off: only the request's header is quoted. */
	memset(buffer, 0, sizeof buffer);
	answer = mnl_nlmsg_put_header(buffer);
	answer->nlmsg_type = NLMSG_ERROR;
	answer->nlmsg_flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
	error = mnl_nlmsg_put_extra_header(answer, sizeof *error);
	error->msg = *request;
	mnl_attr_put_strz(answer, NLMSGERR_ATTR_MSG, "no");
	netlink_ack_text(answer, why, sizeof why);
	assert_string_equal(why, "no");

	answer->nlmsg_flags = 0;
	netlink_ack_text(answer, why, sizeof why);
	assert_string_equal(why, "");

	/* Too short for an error, and longer than anything. */
	answer->nlmsg_flags = NLM_F_ACK_TLVS;
	answer->nlmsg_len = sizeof *answer + 4;
	netlink_ack_text(answer, why, sizeof why);
	assert_string_equal(why, "");
	assert_true(netlink_is_whole(answer, sizeof buffer));
	answer->nlmsg_len = 0xfffffff0;
	assert_false(netlink_is_whole(answer, sizeof buffer));
}

/* --- programming --- */

static struct world changed;
static int refusals, sent, pauses;

/* Refuses the first `refusals` settings: the VF is in reset. */
static int busy_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			size_t size)
{
	if (message->nlmsg_type == RTM_SETLINK) {
		sent++;
		if (refusals > 0) {
			refusals--;
			snprintf(why, size, "VF is in reset");
			return EBUSY;
		}
	}
	return world_simulated.netlink(message, answer, argument, why, size);
}

/* Says yes and does nothing. */
static int lying_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			 size_t size)
{
	*why = '\0';
	return message->nlmsg_type == RTM_SETLINK
		       ? 0
		       : world_simulated.netlink(message, answer, argument, why, size);
}

static void count_pause(int milliseconds)
{
	pauses += milliseconds;
}

static int make(void **state)
{
	struct error err;

	(void)state;
	assert_true(simulated_start("4,2,4", &err));
	changed = world_simulated;
	changed.netlink = busy_netlink;
	changed.pause = count_pause;
	refusals = sent = pauses = 0;
	world = &changed;
	return 0;
}

static int drop(void **state)
{
	(void)state;
	simulated_end();
	world = &world_real;
	return 0;
}

static const struct vf_settings port = {.mac_address = "fa:16:3e:01:02:03", .vlan = 1010, .spoof_check = 1};

static void test_only_what_differs_is_set(void **state)
{
	struct vf_settings now;
	struct error err;

	(void)state;
	assert_true(vf_program("sim0", 2, &port, &err));
	assert_int_equal(sent, 2); /* MAC and VLAN, one message each */
	assert_true(vf_read("sim0", 2, &now, &err));
	assert_string_equal(now.mac_address, port.mac_address);
	assert_int_equal(now.vlan, 1010);
	assert_true(vf_program("sim0", 2, &port, &err));
	assert_int_equal(sent, 2);
	assert_true(vf_read("sim0", 1, &now, &err)); /* its neighbour */
	assert_string_equal(now.mac_address, "");
	assert_true(vf_program("sim0", 2, &vf_clean, &err));
	assert_true(vf_read("sim0", 2, &now, &err));
	assert_string_equal(now.mac_address, "");
}

static void test_a_vf_in_reset_is_waited_for(void **state)
{
	struct error err;

	(void)state;
	refusals = 5;
	assert_true(vf_program("sim0", 0, &port, &err));
	assert_int_equal(pauses, 500);
	refusals = 1000;
	assert_false(vf_program("sim0", 1, &port, &err));
	assert_non_null(strstr(err.message, "VF is in reset"));
	assert_non_null(strstr(err.message, "the MAC of VF 1 of sim0"));
}

static void test_what_does_not_read_back_is_an_error(void **state)
{
	struct error err;

	(void)state;
	changed.netlink = lying_netlink;
	assert_false(vf_program("sim0", 0, &port, &err));
	assert_non_null(strstr(err.message, "the MAC"));
}

/* Like igb: no link state. */
static void test_a_missing_link_state_is_no_obstacle(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	wanted.link_state = VF_LINK_DISABLE;
	assert_true(vf_program("sim0", 0, &wanted, &err));
}

/* No trust at all. */
static int trustless_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			     size_t size)
{
	const struct nlattr *list, *info, *attribute;

	*why = '\0';
	if (message->nlmsg_type == RTM_SETLINK) {
		list = mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
		info = mnl_attr_get_payload(list);
		attribute = mnl_attr_get_payload(info);
		if (mnl_attr_get_type(attribute) == IFLA_VF_TRUST)
			return EOPNOTSUPP;
	}
	return world_simulated.netlink(message, answer, argument, why, size);
}

static void test_trust_that_the_nic_does_not_have_is_an_error_only_if_wanted(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	changed.netlink = trustless_netlink;
	assert_true(vf_program("sim0", 0, &wanted, &err));
	wanted.trust = 1;
	assert_false(vf_program("sim0", 0, &wanted, &err));
	assert_non_null(strstr(err.message, "trust"));
}

/* --- rates --- */

static void test_rates_are_rounded(void **state)
{
	static const struct {
		int64_t kbps;
		int mbps;
	} cases[] = {{0, 0},	{1, 1},	   {99, 1},   {999, 1},	   {1000, 1}, {1499, 1},	   {1500, 2},
		     {2001, 2}, {2499, 2}, {2500, 3}, {10000, 10}, {-1, 0},   {INT32_MAX, 2147484}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(vf_rate(cases[i].kbps), cases[i].mbps);
}

static void assert_rates(int vf, int min, int max)
{
	struct vf_settings now;
	struct error err;

	assert_true(vf_read("sim0", vf, &now, &err));
	assert_int_equal(now.min_rate, min);
	assert_int_equal(now.max_rate, max);
}

static void test_one_rate_leaves_the_other(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	wanted.min_rate = 2;
	assert_true(vf_program("sim0", 0, &wanted, &err));
	assert_rates(0, 2, 0);
	sent = 0;
	wanted.max_rate = 3;
	assert_true(vf_program("sim0", 0, &wanted, &err));
	assert_int_equal(sent, 1);
	assert_rates(0, 2, 3);
	wanted.min_rate = 0;
	assert_true(vf_program("sim0", 0, &wanted, &err));
	assert_rates(0, 0, 3);
	assert_rates(1, 0, 0); /* its neighbour */
	assert_true(vf_program("sim0", 0, &vf_clean, &err));
	assert_rates(0, 0, 0);
}

static int refusal = EINVAL;
static int rates_refused; /* those that the driver does not take */
enum { MINIMUM = 1, MAXIMUM = 2, NONE = 4 };

/* Like igb: EINVAL for a minimum; for everything while the PF has no link. */
static int limited_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			   size_t size)
{
	const struct nlattr *list, *info, *attribute;

	*why = '\0';
	if (message->nlmsg_type == RTM_SETLINK) {
		list = mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
		info = mnl_attr_get_payload(list);
		attribute = mnl_attr_get_payload(info);
		const struct ifla_vf_rate *rate = mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == IFLA_VF_RATE &&
		    ((rates_refused & MINIMUM && rate->min_tx_rate) ||
		     (rates_refused & MAXIMUM && rate->max_tx_rate) || rates_refused & NONE))
			return refusal;
	}
	return world_simulated.netlink(message, answer, argument, why, size);
}

static void test_a_driver_without_minimum_says_so(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	changed.netlink = limited_netlink;
	rates_refused = MINIMUM;
	wanted.min_rate = 2;
	wanted.max_rate = 3;
	assert_false(vf_program("sim0", 0, &wanted, &err));
	assert_non_null(
		strstr(err.message, "VF 0 of sim0: its driver cannot guarantee a minimum rate (2 Mbit/s"));
	assert_rates(0, 0, 3);	   /* the limit holds all the same */
	refusal = EPROTONOSUPPORT; /* as mlx4 says */
	assert_false(vf_program("sim0", 0, &wanted, &err));
	assert_non_null(strstr(err.message, "cannot guarantee a minimum rate"));
	refusal = EINVAL;
	rates_refused = MINIMUM | MAXIMUM;
	assert_false(vf_program("sim0", 1, &wanted, &err));
	assert_non_null(strstr(err.message, "rates of VF 1 of sim0: Invalid argument"));
}

/* A rate that cannot be taken off must not be passed over: the VF's next owner would have it. */
static void test_a_rate_that_stays_is_an_error(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	changed.netlink = limited_netlink;
	rates_refused = 0;
	wanted.max_rate = 3;
	assert_true(vf_program("sim0", 0, &wanted, &err));
	rates_refused = NONE;
	assert_false(vf_program("sim0", 0, &vf_clean, &err));
	assert_non_null(strstr(err.message, "rates of VF 0 of sim0"));
	assert_true(vf_program("sim0", 1, &vf_clean, &err)); /* never had any */
	rates_refused = 0;
	assert_true(vf_program("sim0", 0, &vf_clean, &err));
	assert_rates(0, 0, 0);
}

/* Like igb: the agent says what the kernel says. */
static void test_802_1ad_that_the_driver_lacks_is_an_error(void **state)
{
	struct vf_settings wanted = port;
	struct error err;

	(void)state;
	wanted.service_tag = true;
	assert_false(vf_program("sim0", 0, &wanted, &err));
	assert_non_null(strstr(err.message, "the VLAN of VF 0 of sim0: Protocol not supported"));
}

/* A VF whose driver cannot tell (the kernel leaves it out) does not shift the others. */
static int forgetful_netlink(struct nlmsghdr *message, world_answer *answer, void *argument, char *why,
			     size_t size)
{
	char buffer[1024];
	struct nlmsghdr *told = answer_begin(buffer);
	struct nlattr *list;

	(void)message;
	snprintf(why, size, "%s", "");
	list = mnl_attr_nest_start(told, IFLA_VFINFO_LIST);
	for (uint32_t vf = 0; vf < 3; vf += 2) {
		struct nlattr *info = mnl_attr_nest_start(told, IFLA_VF_INFO);
		struct ifla_vf_vlan vlan = {.vf = vf, .vlan = 10 + vf};

		mnl_attr_put(told, IFLA_VF_VLAN, sizeof vlan, &vlan);
		mnl_attr_nest_end(told, info);
	}
	mnl_attr_nest_end(told, list);
	answer(told, argument);
	return 0;
}

static void test_a_vf_that_is_left_out_is_not_there(void **state)
{
	struct vf_table table;
	struct vf_settings now;
	struct error err;

	(void)state;
	changed.netlink = forgetful_netlink;
	assert_true(vf_table_read("sim0", &table, &err));
	assert_int_equal(table.count, 3);
	assert_int_equal(table.vfs[0].vlan, 10);
	assert_true(table.vfs[1].untold);
	assert_int_equal(table.vfs[2].vlan, 12);
	vf_table_done(&table);
	assert_false(vf_read("sim0", 1, &now, &err));
}

static void test_a_vf_that_is_not_there(void **state)
{
	struct error err;

	(void)state;
	assert_false(vf_program("sim0", 4, &port, &err));
	assert_non_null(strstr(err.message, "has no VF 4"));
	assert_false(vf_program("sim9", 0, &port, &err));
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
}

static void test_network_devices(void **state)
{
	struct error err;
	bool up;

	(void)state;
	assert_true(netdev_is_up("sim1", &up, &err) && up);
	assert_false(netdev_rename("sim1", "p5p2", &err)); /* it is up */
	assert_true(netdev_set_up("sim1", false, &err));
	assert_true(netdev_rename("sim1", "p5p2", &err));
	assert_true(netdev_set_mtu("p5p2", 9000, &err));
	assert_int_equal(netdev_mtu("p5p2"), 9000);
	assert_int_equal(netdev_mtu("sim1"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_attribute_has_its_bytes),
		cmocka_unit_test(test_an_802_1ad_vlan_has_its_bytes),
		cmocka_unit_test(test_the_mac_comes_before_spoof_check),
		cmocka_unit_test(test_an_answer_is_understood),
		cmocka_unit_test(test_the_protocol_of_a_vlan_is_understood),
		cmocka_unit_test(test_short_attributes_are_not_read),
		cmocka_unit_test(test_the_kernels_reason_is_found),
		cmocka_unit_test_setup_teardown(test_only_what_differs_is_set, make, drop),
		cmocka_unit_test_setup_teardown(test_a_vf_in_reset_is_waited_for, make, drop),
		cmocka_unit_test_setup_teardown(test_what_does_not_read_back_is_an_error, make, drop),
		cmocka_unit_test_setup_teardown(test_a_missing_link_state_is_no_obstacle, make, drop),
		cmocka_unit_test_setup_teardown(
			test_trust_that_the_nic_does_not_have_is_an_error_only_if_wanted, make, drop),
		cmocka_unit_test(test_rates_are_rounded),
		cmocka_unit_test_setup_teardown(test_one_rate_leaves_the_other, make, drop),
		cmocka_unit_test_setup_teardown(test_a_driver_without_minimum_says_so, make, drop),
		cmocka_unit_test_setup_teardown(test_a_rate_that_stays_is_an_error, make, drop),
		cmocka_unit_test_setup_teardown(test_802_1ad_that_the_driver_lacks_is_an_error, make, drop),
		cmocka_unit_test_setup_teardown(test_a_vf_that_is_left_out_is_not_there, make, drop),
		cmocka_unit_test_setup_teardown(test_a_vf_that_is_not_there, make, drop),
		cmocka_unit_test_setup_teardown(test_network_devices, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
