/*
 * The probe: a guest that boots in a second or two, tells on its serial port which PCI functions it sees,
 * takes its addresses from the config drive, pings a peer over an 82576 function and answers pings for ever.
 * What is plugged in later it only tells of, and it lets go of what is to be taken out.
 */
#include "ahci.h"
#include "config.h"
#include "hotplug.h"
#include "machine.h"
#include "net.h"
#include "nic82576.h"
#include "serial.h"

#define PEER_SECONDS  120u /* a peer may be started later */
#define ALIVE_SECONDS 10u

static pci_address controllers[AHCI_MAX_CDROMS], nic_addresses[NIC_MAX];
static unsigned controller_count, nic_count;
static struct nic nics[NIC_MAX];
static struct config config;

static uint32_t id_of(pci_address address)
{
	return pci_read(address, PCI_ID);
}

static void found(pci_address address)
{
	uint32_t id = id_of(address), class = pci_read(address, PCI_CLASS) >> 16;

	serial_print("PCI %B %x:%x class %x\n", address, id & 0xffff, id >> 16, class);
	if (class == AHCI_CLASS && controller_count < AHCI_MAX_CDROMS)
		controllers[controller_count++] = address;
	if ((id == NIC_PF_ID || id == NIC_VF_ID) && nic_count < NIC_MAX)
		nic_addresses[nic_count++] = address;
}

static void read_config(void)
{
	for (unsigned i = 0; i < controller_count; i++)
		ahci_add_controller(controllers[i]);
	config_read(&config);
	if (config.found)
		serial_print("PROBE hostname=%s uuid=%s\n", config.hostname, config.uuid);
	else
		serial_print("PROBE no config drive\n");
}

static void start_nic(struct nic *nic, pci_address address)
{
	const struct config_address *told;

	if (!nic_start(nic, address, id_of(address) == NIC_VF_ID))
		return;
	told = config_address_of(&config, nic->mac);
	serial_print("PROBE %s %B mac=%M", nic->is_vf ? "vf" : "pf", address, nic->mac);
	if (told) {
		serial_print(" ip=%I\n", told->ip);
		net_add(nic, told->ip, told->netmask);
	} else {
		serial_print("\n");
	}
}

static void ping_peer(void)
{
	struct nic *nic = net_route(config.peer);

	if (nic && net_resolve(nic, config.peer, PEER_SECONDS))
		serial_print("PROBE ping %I %u/%u\n", config.peer, net_ping(nic, config.peer, config.count),
			     config.count);
	else
		serial_print("PROBE peer %I unreachable\n", config.peer);
}

static void serve(void)
{
	for (uint32_t alive = 1;; alive++) {
		for (uint32_t second = 0; second < ALIVE_SECONDS; second++) {
			uint32_t end = timer_after(MACHINE_TICKS_PER_SECOND);

			while (!timer_passed(end)) {
				timer_nap();
				net_poll();
			}
			hotplug_poll();
		}
		serial_print("PROBE alive %u\n", alive);
	}
}

void main(void)
{
	timer_start();
	serial_print("PROBE up\n");
	pci_scan(found);
	read_config();
	for (unsigned i = 0; i < nic_count; i++)
		start_nic(&nics[i], nic_addresses[i]);
	if (config.has_peer)
		ping_peer();
	serial_print("PROBE done\n");
	serve();
}
