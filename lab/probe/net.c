/* Just enough of ARP (RFC 826), IPv4 (RFC 791) and ICMP echo (RFC 792) to be pinged and to ping. */
#include "net.h"

#include "machine.h"

enum {
	ETHERNET_SIZE = 14,
	ARP_SIZE = 28,
	IP_SIZE = 20,
	ICMP_SIZE = 8,
	ECHO_DATA = 32,
	TYPE_IP = 0x0800,
	TYPE_ARP = 0x0806,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	PROTOCOL_ICMP = 1,
	ECHO_REPLY = 0,
	ECHO_REQUEST = 8,
	ECHO_ID = 0x5a5a,
	TIME_TO_LIVE = 64,
};

struct ethernet {
	uint8_t destination[6], source[6], type[2];
};

struct arp {
	struct ethernet ethernet;
	uint8_t hardware[2], protocol[2], sizes[2], operation[2];
	uint8_t sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
};

struct echo {
	struct ethernet ethernet;
	uint8_t version, service, length[2], id[2], fragment[2], time_to_live, protocol, ip_sum[2];
	uint8_t source[4], destination[4];
	uint8_t type, code, sum[2], echo_id[2], sequence[2];
};

struct interface {
	struct nic *nic;
	uint8_t ip[4], netmask[4];
};

static struct interface interfaces[NIC_MAX];
static unsigned interface_count;
static struct {
	uint8_t ip[4], mac[6];
	bool known;
	uint32_t answered; /* sequence number of the last echo reply */
} peer;
static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t nobody[6];

static uint16_t read16(const uint8_t bytes[2])
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void write16(uint8_t bytes[2], uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* The Internet checksum (RFC 1071). */
static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += read16(bytes + i);
	if (size & 1)
		sum += (uint32_t)bytes[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static struct interface *interface_of(const struct nic *nic)
{
	for (unsigned i = 0; i < interface_count; i++)
		if (interfaces[i].nic == nic)
			return &interfaces[i];
	return NULL;
}

static void write_ethernet(struct ethernet *header, const struct nic *nic, const uint8_t destination[6],
			   uint16_t type)
{
	memcpy(header->destination, destination, 6);
	memcpy(header->source, nic->mac, 6);
	write16(header->type, type);
}

static void send_arp(const struct interface *from, uint16_t operation, const uint8_t to[6],
		     const uint8_t target_mac[6], const uint8_t target_ip[4])
{
	struct arp *arp = (struct arp *)nic_transmit_buffer(from->nic);

	write_ethernet(&arp->ethernet, from->nic, to, TYPE_ARP);
	write16(arp->hardware, 1);
	write16(arp->protocol, TYPE_IP);
	arp->sizes[0] = 6;
	arp->sizes[1] = 4;
	write16(arp->operation, operation);
	memcpy(arp->sender_mac, from->nic->mac, 6);
	memcpy(arp->sender_ip, from->ip, 4);
	memcpy(arp->target_mac, target_mac, 6);
	memcpy(arp->target_ip, target_ip, 4);
	nic_send(from->nic, sizeof *arp);
}

static void send_echo(const struct interface *from, uint32_t sequence)
{
	struct echo *echo = (struct echo *)nic_transmit_buffer(from->nic);

	memset(echo, 0, sizeof *echo + ECHO_DATA);
	write_ethernet(&echo->ethernet, from->nic, peer.mac, TYPE_IP);
	echo->version = 0x45;
	write16(echo->length, IP_SIZE + ICMP_SIZE + ECHO_DATA);
	echo->time_to_live = TIME_TO_LIVE;
	echo->protocol = PROTOCOL_ICMP;
	memcpy(echo->source, from->ip, 4);
	memcpy(echo->destination, peer.ip, 4);
	write16(echo->ip_sum, checksum(&echo->version, IP_SIZE));
	echo->type = ECHO_REQUEST;
	write16(echo->echo_id, ECHO_ID);
	write16(echo->sequence, sequence);
	write16(echo->sum, checksum(&echo->type, ICMP_SIZE + ECHO_DATA));
	nic_send(from->nic, sizeof *echo + ECHO_DATA);
}

static void input_arp(const struct interface *to, const struct arp *arp)
{
	if (memcmp(arp->target_ip, to->ip, 4) != 0)
		return;
	if (memcmp(arp->sender_ip, peer.ip, 4) == 0) {
		memcpy(peer.mac, arp->sender_mac, 6);
		peer.known = true;
	}
	if (read16(arp->operation) == ARP_REQUEST)
		send_arp(to, ARP_REPLY, arp->sender_mac, arp->sender_mac, arp->sender_ip);
}

/* The request goes back as it is, but for the addresses, the type and the checksum that covers it. */
static void answer_echo(const struct interface *to, const struct echo *request, size_t ip_length)
{
	struct echo *reply = (struct echo *)nic_transmit_buffer(to->nic);

	memcpy(reply, request, ETHERNET_SIZE + ip_length);
	write_ethernet(&reply->ethernet, to->nic, request->ethernet.source, TYPE_IP);
	memcpy(reply->source, request->destination, 4);
	memcpy(reply->destination, request->source, 4);
	reply->type = ECHO_REPLY;
	write16(reply->sum, 0);
	write16(reply->sum, checksum(&reply->type, ip_length - IP_SIZE));
	nic_send(to->nic, ETHERNET_SIZE + ip_length);
}

static void input_ip(const struct interface *to, const struct echo *echo, size_t length)
{
	size_t ip_length = read16(echo->length);

	if (echo->version != 0x45 || echo->protocol != PROTOCOL_ICMP ||
	    memcmp(echo->destination, to->ip, 4) != 0 || ip_length < IP_SIZE + ICMP_SIZE ||
	    ETHERNET_SIZE + ip_length > length)
		return;
	if (echo->type == ECHO_REQUEST)
		answer_echo(to, echo, ip_length);
	else if (echo->type == ECHO_REPLY && read16(echo->echo_id) == ECHO_ID &&
		 memcmp(echo->source, peer.ip, 4) == 0)
		peer.answered = read16(echo->sequence);
}

static void input(struct nic *nic, const uint8_t *frame, size_t length)
{
	const struct interface *to = interface_of(nic);
	const struct ethernet *header = (const struct ethernet *)frame;

	if (!to || length < ETHERNET_SIZE)
		return;
	if (read16(header->type) == TYPE_ARP && length >= sizeof(struct arp))
		input_arp(to, (const struct arp *)frame);
	else if (read16(header->type) == TYPE_IP && length >= sizeof(struct echo))
		input_ip(to, (const struct echo *)frame, length);
}

void net_poll(void)
{
	for (unsigned i = 0; i < interface_count; i++)
		nic_poll(interfaces[i].nic, input);
}

void net_add(struct nic *nic, const uint8_t ip[4], const uint8_t netmask[4])
{
	struct interface *interface = &interfaces[interface_count++];

	interface->nic = nic;
	memcpy(interface->ip, ip, 4);
	memcpy(interface->netmask, netmask, 4);
	send_arp(interface, ARP_REQUEST, broadcast, nobody, ip);
}

struct nic *net_route(const uint8_t ip[4])
{
	for (unsigned i = 0; i < interface_count; i++) {
		int different = 0;

		for (int k = 0; k < 4; k++)
			different |= (interfaces[i].ip[k] ^ ip[k]) & interfaces[i].netmask[k];
		if (!different)
			return interfaces[i].nic;
	}
	return interface_count ? interfaces[0].nic : NULL;
}

bool net_resolve(struct nic *nic, const uint8_t ip[4], uint32_t seconds)
{
	memcpy(peer.ip, ip, 4);
	peer.known = false;
	for (uint32_t i = 0; i < 2 * seconds && !peer.known; i++) {
		uint32_t end = timer_after(MACHINE_TICKS_PER_SECOND / 2);

		send_arp(interface_of(nic), ARP_REQUEST, broadcast, nobody, ip);
		while (!peer.known && !timer_passed(end)) {
			timer_nap();
			net_poll();
		}
	}
	return peer.known;
}

uint32_t net_ping(struct nic *nic, const uint8_t ip[4], uint32_t count)
{
	uint32_t answered = 0;

	memcpy(peer.ip, ip, 4);
	peer.answered = 0;
	for (uint32_t sequence = 1; sequence <= count; sequence++) {
		uint32_t end = timer_after(2 * MACHINE_TICKS_PER_SECOND);

		send_echo(interface_of(nic), sequence);
		while (peer.answered != sequence && !timer_passed(end)) {
			timer_nap();
			net_poll();
		}
		answered += peer.answered == sequence;
	}
	return answered;
}
