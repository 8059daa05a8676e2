/* What the kernel answers by rtnetlink: the bytes of a message.  And what is sent: VF settings made of the
 * same bytes are read again as they were. */
#include "fuzz.h"

#include "agent/link.h"
#include "agent/netlink.h"
#include "agent/vf.h"

static void check_answer(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = memory_alloc(size + 1);
	const struct nlmsghdr *message = (const void *)copy;
	struct vf_settings settings;
	char why[80] = "";
	int left = (int)size;

	if (size)
		memcpy(copy, data, size);
	for (; netlink_is_whole(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == NLMSG_ERROR)
			netlink_ack_text(message, why, sizeof why);
		FUZZ_CHECK(strlen(why) < sizeof why);
		for (int vf = 0; vf < 3; vf++)
			vf_decode(message, vf, &settings);
		struct vf_table table = {0};
		vf_table_take(message, &table);
		vf_table_done(&table);
	}
}

/* Settings as they may be wanted, of whatever bytes there are. */
static struct vf_settings settings_of(const uint8_t bytes[16])
{
	struct vf_settings settings = {.vlan = (bytes[6] << 8 | bytes[7]) % 4095,
				       .vlan_qos = bytes[8] % 8,
				       .spoof_check = bytes[9] & 1,
				       .trust = bytes[10] & 1,
				       .link_state = bytes[11] % 3,
				       .min_rate = bytes[12] << 8 | bytes[13],
				       .max_rate = bytes[14] << 8 | bytes[15]};

	snprintf(settings.mac_address, sizeof settings.mac_address, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0],
		 bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
	if (strcmp(settings.mac_address, "00:00:00:00:00:00") == 0)
		*settings.mac_address = '\0'; /* which means none */
	return settings;
}

static void check_messages(const uint8_t bytes[16])
{
	struct vf_settings wanted = settings_of(bytes), seen;
	char buffer[VF_MESSAGE_SIZE];

	for (size_t i = 0; i < vf_attribute_count; i++) {
		struct nlmsghdr *message = vf_message(buffer, 5, bytes[0], &vf_attributes[i], &wanted);

		FUZZ_CHECK(message->nlmsg_len <= sizeof buffer);
		FUZZ_CHECK(vf_decode(message, bytes[0], &seen) && vf_attributes[i].equal(&wanted, &seen));
		FUZZ_CHECK(!vf_decode(message, bytes[0] + 1, &seen));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[16] = {0};

	check_answer(data, size);
	if (size)
		memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
	check_messages(bytes);
	return 0;
}
