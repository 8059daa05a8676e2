/* Starting domains and changing running ones. */
#include "agent/vm.h"

#include "agent/vm_xml.h"
#include "agent/world.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <string.h>

static struct {
	pthread_mutex_t lock; /* of type */
	char type[8];
} vm = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool vm_configure(const char *type, struct error *err)
{
	if (*type && strcmp(type, "kvm") != 0 && strcmp(type, "qemu") != 0)
		return error_set(err, ERROR_BAD_REQUEST, "[libvirt] virt_type is %.40s: expected kvm or qemu",
				 type);
	strcpy(vm.type, type);
	return true;
}

bool vm_type(char type[8], struct error *err)
{
	struct world_hypervisor facts;
	bool ok = true;

	pthread_mutex_lock(&vm.lock);
	if (!*vm.type && (ok = world->hypervisor(&facts, err))) {
		strcpy(vm.type, facts.kvm ? "kvm" : "qemu");
		log_info("guests run by %s", facts.kvm ? "KVM" : "emulation (TCG): there is no usable KVM");
	}
	strcpy(type, vm.type);
	pthread_mutex_unlock(&vm.lock);
	return ok;
}

bool vm_start(yyjson_val *server, const char *folder, struct error *err)
{
	_cleanup_(text_done) struct text xml = {0};
	char type[8];
	bool running;

	if (!vm_type(type, err) || !world->domain_running(json_text(server, "id"), &running, err))
		return false;
	if (running)
		return true;
	vm_xml(server, folder, type, &xml);
	return world->domain_start(xml.data, err);
}

/* A libvirtd that was killed while it started or ended the guest may not be able to end it for ever, or not
 * know of a process that lives: libvirt's word that there is none is not taken. */
bool vm_stop(const char *server_id, struct error *err)
{
	_cleanup_free_ char *words = memory_printf("-uuid %.36s", server_id);
	struct error why = {0};
	int count;

	bool stuck = !world->domain_stop(server_id, &why);
	if (stuck && !world_is_stuck(&why)) {
		*err = why;
		return false;
	}
	if (stuck)
		log_warning("server %s: %s; ended without libvirt", server_id, why.message);
	if (!world->end_processes("qemu", words, &count, err))
		return false;
	if (count > 0)
		log_warning("server %s: its QEMU, which libvirt did not end, was killed", server_id);
	return !stuck || world->domain_forget(server_id, err);
}

bool vm_set_links(yyjson_val *server, struct error *err)
{
	_cleanup_free_ char *domain = NULL;
	char alias[VM_ALIAS_SIZE];
	yyjson_val *port;
	size_t i, max;

	if (!world->domain_xml(json_text(server, "id"), &domain, err))
		return false;
	yyjson_arr_foreach (yyjson_obj_get(server, "ports"), i, max, port) {
		_cleanup_(text_done) struct text xml = {0};

		vm_alias_of_port(json_text(port, "id"), alias);
		if (yyjson_is_obj(yyjson_obj_get(port, "device")) || !vm_has(domain, alias))
			continue;
		vm_xml_nic(port, 0, &xml);
		if (!world->domain_change(json_text(server, "id"), xml.data, err))
			return false;
	}
	return true;
}

bool vm_has(const char *domain_xml, const char *alias)
{
	_cleanup_free_ char *element = memory_printf("<alias name='%s'/>", alias);

	return domain_xml && strstr(domain_xml, element);
}

int vm_root_ports(const char *domain_xml)
{
	int count = 0;

	for (const char *at = domain_xml; (at = strstr(at, "model='pcie-root-port'")); at++)
		count++;
	return count;
}

int vm_free_bus(const char *domain_xml, int bus)
{
	_cleanup_free_ char *place =
		memory_printf("<address type='pci' domain='0x0000' bus='0x%02x' ", (unsigned)bus);

	return bus > 0 && bus <= vm_root_ports(domain_xml) && !strstr(domain_xml, place) ? bus : 0;
}
