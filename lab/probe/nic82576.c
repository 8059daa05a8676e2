/*
 * Driving the 82576.  Registers and descriptors: Intel 82576EB datasheet, sections 7 and 8; the VF's mailbox
 * messages: Intel 82576 SR-IOV driver companion guide.
 */
#include "nic82576.h"

#include "machine.h"
#include "serial.h"

enum {
	CONTROL = 0x0000 / 4,
	STATUS = 0x0008 / 4,
	PHY_ACCESS = 0x0020 / 4,
	RECEIVE_CONTROL = 0x0100 / 4,
	TRANSMIT_CONTROL = 0x0400 / 4,
	MAILBOX_MEMORY = 0x0800 / 4,
	MAILBOX = 0x0c40 / 4, /* V2PMAILBOX */
	RECEIVE_BASE = 0x2800 / 4,
	RECEIVE_SIZE = 0x2808 / 4,
	RECEIVE_SPLIT = 0x280c / 4, /* SRRCTL */
	RECEIVE_HEAD = 0x2810 / 4,
	RECEIVE_TAIL = 0x2818 / 4,
	RECEIVE_QUEUE = 0x2828 / 4, /* RXDCTL */
	TRANSMIT_BASE = 0x3800 / 4,
	TRANSMIT_SIZE = 0x3808 / 4,
	TRANSMIT_HEAD = 0x3810 / 4,
	TRANSMIT_TAIL = 0x3818 / 4,
	TRANSMIT_QUEUE = 0x3828 / 4, /* TXDCTL */
	RECEIVE_ADDRESS = 0x5400 / 4,
};

#define CONTROL_RESET		0x04000000u
#define CONTROL_LINK_UP		0x00000040u
#define STATUS_LINK_UP		0x00000002u
#define PHY_RESTART_NEGOTIATION 0x04201200u /* write 0x1200 to register 0 of PHY 1 */
#define RECEIVE_ON		0x00008002u /* accept broadcasts too */
#define TRANSMIT_ON		0x0000000au /* pad short frames */
#define ONE_BUFFER_OF_2_KIB	0x02000002u
#define QUEUE_ON		0x02000000u
#define MAILBOX_REQUEST		0x01u
#define MAILBOX_ACK		0x02u
#define MAILBOX_OWNED_BY_VF	0x04u
#define MAILBOX_PF_WROTE	0x10u
#define MAILBOX_PF_ACKED	0x20u
#define MESSAGE_VF_RESET	0x01u
#define MESSAGE_ACK		0x80000000u
#define MESSAGE_NACK		0x40000000u
#define TRANSMIT_FLAGS		0x2b300000u /* advanced data descriptor, whole frame, CRC, report when done */
#define DESCRIPTOR_DONE		1u
#define MAC_WORDS		2

/* The bits that tell of the PF's doings are cleared by reading them: *seen collects them. */
static bool mailbox_wait(struct nic *nic, uint32_t bit, uint32_t *seen)
{
	uint32_t end = timer_after(3 * MACHINE_TICKS_PER_SECOND);

	while (!(*seen & bit)) {
		*seen |= nic->reg[MAILBOX];
		if (timer_passed(end))
			return false;
	}
	return true;
}

static bool mailbox_take(struct nic *nic)
{
	uint32_t end = timer_after(MACHINE_TICKS_PER_SECOND);

	do {
		nic->reg[MAILBOX] = MAILBOX_OWNED_BY_VF;
		if (nic->reg[MAILBOX] & MAILBOX_OWNED_BY_VF)
			return true;
	} while (!timer_passed(end));
	return false;
}

/* Tells the PF of the reset; it answers with the VF's MAC address. */
static bool reset_vf(struct nic *nic)
{
	uint32_t seen = 0, answer, mac[MAC_WORDS];

	nic->reg[CONTROL] |= CONTROL_RESET;
	timer_sleep(10);
	(void)nic->reg[MAILBOX];
	if (!mailbox_take(nic))
		return false;
	nic->reg[MAILBOX_MEMORY] = MESSAGE_VF_RESET;
	nic->reg[MAILBOX] = MAILBOX_REQUEST;
	if (!mailbox_wait(nic, MAILBOX_PF_ACKED, &seen) || !mailbox_wait(nic, MAILBOX_PF_WROTE, &seen) ||
	    !mailbox_take(nic))
		return false;
	answer = nic->reg[MAILBOX_MEMORY];
	for (int i = 0; i < MAC_WORDS; i++)
		mac[i] = nic->reg[MAILBOX_MEMORY + 1 + i];
	nic->reg[MAILBOX] = MAILBOX_ACK;
	if (answer == (MESSAGE_VF_RESET | MESSAGE_ACK))
		memcpy(nic->mac, mac, sizeof nic->mac);
	return answer == (MESSAGE_VF_RESET | MESSAGE_ACK) || answer == (MESSAGE_VF_RESET | MESSAGE_NACK);
}

static bool start_vf(struct nic *nic)
{
	static const uint8_t none[6];

	for (int attempt = 0; attempt < 3; attempt++) {
		if (!reset_vf(nic))
			continue;
		if (memcmp(nic->mac, none, sizeof none) == 0)
			serial_print("PROBE vf %B was given no MAC address by its PF\n", nic->address);
		return true;
	}
	serial_print("PROBE vf %B: the PF does not answer\n", nic->address);
	return false;
}

static void start_pf(struct nic *nic)
{
	uint32_t mac[MAC_WORDS], end;

	nic->reg[CONTROL] |= CONTROL_RESET;
	timer_sleep(5);
	for (int i = 0; i < MAC_WORDS; i++)
		mac[i] = nic->reg[RECEIVE_ADDRESS + i];
	memcpy(nic->mac, mac, sizeof nic->mac);
	nic->reg[CONTROL] |= CONTROL_LINK_UP;
	nic->reg[PHY_ACCESS] = PHY_RESTART_NEGOTIATION;
	end = timer_after(3 * MACHINE_TICKS_PER_SECOND);
	while (!(nic->reg[STATUS] & STATUS_LINK_UP) && !timer_passed(end))
		timer_nap();
	nic->reg[RECEIVE_CONTROL] = RECEIVE_ON;
	nic->reg[TRANSMIT_CONTROL] = TRANSMIT_ON;
}

static void give_to_receiver(struct nic *nic, uint32_t index)
{
	struct nic_descriptor *descriptor = &nic->receive_ring[index];

	descriptor->word[0] = bus_address(nic->receive_buffer[index]);
	descriptor->word[1] = descriptor->word[2] = descriptor->word[3] = 0;
}

static void start_rings(struct nic *nic)
{
	for (uint32_t i = 0; i < NIC_RING; i++)
		give_to_receiver(nic, i);
	nic->reg[RECEIVE_BASE] = bus_address(nic->receive_ring);
	nic->reg[RECEIVE_BASE + 1] = 0;
	nic->reg[RECEIVE_SIZE] = sizeof nic->receive_ring;
	nic->reg[RECEIVE_SPLIT] = ONE_BUFFER_OF_2_KIB;
	nic->reg[RECEIVE_HEAD] = 0;
	nic->reg[RECEIVE_TAIL] = 0;
	nic->reg[RECEIVE_QUEUE] = QUEUE_ON;
	nic->reg[RECEIVE_TAIL] = NIC_RING - 1;
	nic->reg[TRANSMIT_BASE] = bus_address(nic->transmit_ring);
	nic->reg[TRANSMIT_BASE + 1] = 0;
	nic->reg[TRANSMIT_SIZE] = sizeof nic->transmit_ring;
	nic->reg[TRANSMIT_HEAD] = 0;
	nic->reg[TRANSMIT_TAIL] = 0;
	nic->reg[TRANSMIT_QUEUE] = QUEUE_ON;
}

bool nic_start(struct nic *nic, pci_address address, bool is_vf)
{
	memset(nic, 0, sizeof *nic);
	nic->address = address;
	nic->is_vf = is_vf;
	nic->reg = pci_enable(address, PCI_BAR0);
	if (!nic->reg) {
		serial_print("PROBE %B has no memory below 4 GiB\n", address);
		return false;
	}
	if (!is_vf)
		start_pf(nic);
	else if (!start_vf(nic))
		return false;
	start_rings(nic);
	return true;
}

/* A slot is free again when its last frame is out; one that never gets out is overwritten after a while. */
uint8_t *nic_transmit_buffer(struct nic *nic)
{
	struct nic_descriptor *descriptor = &nic->transmit_ring[nic->transmit_next];
	uint32_t end = timer_after(MACHINE_TICKS_PER_SECOND / 10);

	while (descriptor->word[2] != 0 && !(descriptor->word[3] & DESCRIPTOR_DONE) && !timer_passed(end))
		;
	return nic->transmit_buffer[nic->transmit_next];
}

void nic_send(struct nic *nic, size_t length)
{
	struct nic_descriptor *descriptor = &nic->transmit_ring[nic->transmit_next];
	uint8_t *frame = nic->transmit_buffer[nic->transmit_next];

	if (length < NIC_MIN_FRAME) {
		memset(frame + length, 0, NIC_MIN_FRAME - length);
		length = NIC_MIN_FRAME;
	}
	descriptor->word[0] = bus_address(frame);
	descriptor->word[1] = 0;
	descriptor->word[2] = TRANSMIT_FLAGS | length;
	descriptor->word[3] = length << 14;
	nic->transmit_next = (nic->transmit_next + 1) % NIC_RING;
	memory_barrier();
	nic->reg[TRANSMIT_TAIL] = nic->transmit_next;
}

void nic_poll(struct nic *nic, void (*input)(struct nic *nic, const uint8_t *frame, size_t length))
{
	while (nic->receive_ring[nic->receive_next].word[2] & DESCRIPTOR_DONE) {
		uint32_t index = nic->receive_next, length = nic->receive_ring[index].word[3] & 0xffff;

		memory_barrier();
		if (length <= NIC_FRAME_SIZE)
			input(nic, nic->receive_buffer[index], length);
		give_to_receiver(nic, index);
		memory_barrier();
		nic->reg[RECEIVE_TAIL] = index;
		nic->receive_next = (index + 1) % NIC_RING;
	}
}
