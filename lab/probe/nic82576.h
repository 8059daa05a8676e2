/* The Intel 82576, as a physical function (igb) or a virtual one (igbvf): one receive and one transmit queue.
 */
#ifndef PROBE_NIC82576_H
#define PROBE_NIC82576_H

#include "pci.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NIC_MAX	       4
#define NIC_PF_ID      0x10c98086u /* device << 16 | vendor */
#define NIC_VF_ID      0x10ca8086u
#define NIC_RING       8
#define NIC_FRAME_SIZE 2048
#define NIC_MIN_FRAME  60

struct nic_descriptor {
	volatile uint32_t word[4];
};

struct nic {
	struct nic_descriptor receive_ring[NIC_RING] __attribute__((aligned(128)));
	struct nic_descriptor transmit_ring[NIC_RING] __attribute__((aligned(128)));
	uint8_t receive_buffer[NIC_RING][NIC_FRAME_SIZE], transmit_buffer[NIC_RING][NIC_FRAME_SIZE];
	volatile uint32_t *reg;
	pci_address address;
	uint32_t receive_next, transmit_next;
	bool is_vf;
	uint8_t mac[6];
};

/* Brings the function up and learns its MAC address; says why on the serial port if it cannot. */
bool nic_start(struct nic *nic, pci_address address, bool is_vf);

/* The buffer for the next frame to send, NIC_FRAME_SIZE bytes; valid until nic_send. */
uint8_t *nic_transmit_buffer(struct nic *nic);

/* Sends the frame in nic_transmit_buffer, padded to the least length that Ethernet has. */
void nic_send(struct nic *nic, size_t length);

/* Hands every frame that has come in to `input`. */
void nic_poll(struct nic *nic, void (*input)(struct nic *nic, const uint8_t *frame, size_t length));

#endif
