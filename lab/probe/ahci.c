/*
 * A reader for ATAPI drives behind AHCI controllers: one command at a time, polled.  Registers and
 * structures: Serial ATA AHCI 1.3.1, sections 3 and 4; the packets: MMC-3 (READ(10), REQUEST SENSE).
 */
#include "ahci.h"

#include "machine.h"
#include "serial.h"

enum {
	/* of the controller, in units of 4 bytes */
	HOST_CONTROL = 0x04 / 4,
	PORTS_IMPLEMENTED = 0x0c / 4,
	FIRST_PORT = 0x100 / 4,
	PORT_SIZE = 0x80 / 4,
	/* of a port */
	COMMAND_LIST = 0x00 / 4,
	RECEIVED_FIS = 0x08 / 4,
	INTERRUPT_STATUS = 0x10 / 4,
	COMMAND = 0x18 / 4,
	TASK_FILE = 0x20 / 4,
	SIGNATURE = 0x24 / 4,
	SATA_STATUS = 0x28 / 4,
	SATA_ERROR = 0x30 / 4,
	COMMAND_ISSUE = 0x38 / 4,
};

#define HOST_AHCI_ENABLE   0x80000000u
#define COMMAND_START	   0x00000001u
#define COMMAND_FIS	   0x00000010u
#define COMMAND_FIS_RUNS   0x00004000u
#define COMMAND_LIST_RUNS  0x00008000u
#define TASK_FILE_FAILED   0x40000000u
#define TASK_FILE_ERROR	   0x00000001u
#define SATA_DEVICE_READY  3u
#define SIGNATURE_ATAPI	   0xeb140101u
#define HEADER_FIS_LENGTH  5u
#define HEADER_ATAPI	   0x20u
#define HEADER_ONE_REGION  0x10000u
#define FIS_HOST_TO_DEVICE 0x27
#define FIS_IS_COMMAND	   0x80
#define ATA_PACKET	   0xa0
#define PACKET_BY_DMA	   1
#define PACKET_SIZE	   12
#define READ_10		   0x28
#define REQUEST_SENSE	   0x03
#define SENSE_SIZE	   18
#define ATTEMPTS	   5

struct command_header {
	uint32_t flags, transferred, table, table_high, reserved[4];
};

struct command_table {
	uint8_t fis[64], packet[16], reserved[48];
	uint32_t address, address_high, unused, last_byte;
};

static struct command_header headers[32] __attribute__((aligned(1024)));
static uint8_t received[256] __attribute__((aligned(256)));
static struct command_table table __attribute__((aligned(128)));
static uint8_t sector_buffer[AHCI_SECTOR] __attribute__((aligned(16)));
static volatile uint32_t *cdroms[AHCI_MAX_CDROMS]; /* the ports' registers */
static unsigned cdrom_count;

static bool wait_clear(volatile uint32_t *reg, uint32_t bits)
{
	uint32_t end = timer_after(MACHINE_TICKS_PER_SECOND);

	while (*reg & bits)
		if (timer_passed(end))
			return false;
	return true;
}

static bool stop_port(volatile uint32_t *port)
{
	port[COMMAND] &= ~COMMAND_START;
	if (!wait_clear(&port[COMMAND], COMMAND_LIST_RUNS))
		return false;
	port[COMMAND] &= ~COMMAND_FIS;
	return wait_clear(&port[COMMAND], COMMAND_FIS_RUNS);
}

/* The memory for commands is one for all ports: only one has a command at a time. */
static bool start_port(volatile uint32_t *port)
{
	if (!stop_port(port))
		return false;
	port[COMMAND_LIST] = bus_address(headers);
	port[COMMAND_LIST + 1] = 0;
	port[RECEIVED_FIS] = bus_address(received);
	port[RECEIVED_FIS + 1] = 0;
	port[SATA_ERROR] = ~0u;
	port[INTERRUPT_STATUS] = ~0u;
	port[COMMAND] |= COMMAND_FIS;
	port[COMMAND] |= COMMAND_START;
	return true;
}

static void prepare(const uint8_t packet[PACKET_SIZE], void *buffer, uint32_t size)
{
	memset(&table, 0, sizeof table);
	table.fis[0] = FIS_HOST_TO_DEVICE;
	table.fis[1] = FIS_IS_COMMAND;
	table.fis[2] = ATA_PACKET;
	table.fis[3] = PACKET_BY_DMA;
	memcpy(table.packet, packet, PACKET_SIZE);
	table.address = bus_address(buffer);
	table.last_byte = size - 1;
	memset(headers, 0, sizeof headers);
	headers[0].flags = HEADER_FIS_LENGTH | HEADER_ATAPI | HEADER_ONE_REGION;
	headers[0].table = bus_address(&table);
}

static bool execute(volatile uint32_t *port, const uint8_t packet[PACKET_SIZE], void *buffer, uint32_t size)
{
	uint32_t end = timer_after(5 * MACHINE_TICKS_PER_SECOND);

	if (!start_port(port))
		return false;
	prepare(packet, buffer, size);
	memory_barrier();
	port[COMMAND_ISSUE] = 1;
	while (port[COMMAND_ISSUE] & 1)
		if (port[INTERRUPT_STATUS] & TASK_FILE_FAILED || timer_passed(end))
			return false;
	memory_barrier();
	return !(port[TASK_FILE] & TASK_FILE_ERROR);
}

/* A drive answers the first command after a reset or a change of media with "unit attention", until it is
 * asked why. */
static void ask_why(volatile uint32_t *port)
{
	static const uint8_t packet[PACKET_SIZE] = {REQUEST_SENSE, 0, 0, 0, SENSE_SIZE};

	execute(port, packet, sector_buffer, SENSE_SIZE);
}

bool ahci_read(unsigned cdrom, uint32_t sector, void *buffer)
{
	const uint8_t packet[PACKET_SIZE] = {READ_10,
					     0,
					     (uint8_t)(sector >> 24),
					     (uint8_t)(sector >> 16),
					     (uint8_t)(sector >> 8),
					     (uint8_t)sector,
					     0,
					     0,
					     1};

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (execute(cdroms[cdrom], packet, sector_buffer, AHCI_SECTOR)) {
			memcpy(buffer, sector_buffer, AHCI_SECTOR);
			return true;
		}
		ask_why(cdroms[cdrom]);
	}
	return false;
}

unsigned ahci_cdrom_count(void)
{
	return cdrom_count;
}

void ahci_add_controller(pci_address address)
{
	volatile uint32_t *host = pci_enable(address, PCI_BAR5);

	if (!host) {
		serial_print("PROBE the AHCI controller %B has no memory\n", address);
		return;
	}
	host[HOST_CONTROL] |= HOST_AHCI_ENABLE;
	for (unsigned i = 0; i < 32 && cdrom_count < AHCI_MAX_CDROMS; i++) {
		volatile uint32_t *port = host + FIRST_PORT + i * PORT_SIZE;

		if (host[PORTS_IMPLEMENTED] >> i & 1 && (port[SATA_STATUS] & 15) == SATA_DEVICE_READY &&
		    port[SIGNATURE] == SIGNATURE_ATAPI)
			cdroms[cdrom_count++] = port;
	}
}
