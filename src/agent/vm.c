/* Domains: their XML, starting and ending them. */
#include "agent/vm.h"

#include "agent/vm_connection.h"
#include "base/log.h"
#include "base/memory.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <string.h>

static struct {
	pthread_mutex_t lock;
	virConnectPtr connection;
	char uri[256], type[8], forward[16];
} vm = {.lock = PTHREAD_MUTEX_INITIALIZER, .uri = "qemu:///system", .forward = "nat"};

static void ignore_error(void *data, virErrorPtr error)
{
	(void)data;
	(void)error; /* each call's error is reported by its caller */
}

void vm_configure(const char *uri, const char *type, const char *forward)
{
	snprintf(vm.uri, sizeof vm.uri, "%s", uri);
	snprintf(vm.type, sizeof vm.type, "%s", type);
	snprintf(vm.forward, sizeof vm.forward, "%s", forward);
	virSetErrorFunc(NULL, ignore_error);
}

const char *vm_network_forward(void)
{
	return vm.forward;
}

bool vm_error(struct error *err, const char *what)
{
	virErrorPtr last = virGetLastError();

	return error_set(err, ERROR_INTERNAL, "libvirt: %s: %s", what,
			 last && last->message ? last->message : "unknown error");
}

virConnectPtr vm_connect(struct error *err)
{
	virConnectPtr connection = NULL;

	pthread_mutex_lock(&vm.lock);
	if (vm.connection && virConnectIsAlive(vm.connection) != 1) {
		virConnectClose(vm.connection);
		vm.connection = NULL;
	}
	if (!vm.connection)
		vm.connection = virConnectOpen(vm.uri);
	if (vm.connection && virConnectRef(vm.connection) == 0)
		connection = vm.connection;
	pthread_mutex_unlock(&vm.lock);
	if (!connection)
		vm_error(err, vm.uri);
	return connection;
}

void vm_connection_done(virConnectPtr *connection)
{
	if (*connection)
		virConnectClose(*connection);
}

static void domain_done(virDomainPtr *domain)
{
	if (*domain)
		virDomainFree(*domain);
}

/* --- the XML --- */

static void add_source_address(struct text *xml, const char *address)
{
	text_addf(xml,
		  "<source><address domain='0x%.4s' bus='0x%.2s' slot='0x%.2s' function='0x%.1s'/></source>",
		  address, address + 5, address + 8, address + 11);
}

static void add_hostdev(struct text *xml, const char *address, const char *alias)
{
	text_add(xml, "    <hostdev mode='subsystem' type='pci' managed='no'>");
	add_source_address(xml, address);
	if (*alias)
		text_addf(xml, "<alias name='ua-%s'/>", alias);
	text_add(xml, "</hostdev>\n");
}

static void add_port(struct text *xml, yyjson_val *port)
{
	yyjson_val *device = yyjson_obj_get(port, "device");
	char name[64];

	if (yyjson_is_obj(device)) {
		add_hostdev(xml, json_text(device, "address"), json_text(port, "id"));
		return;
	}
	server_network_name(json_text(yyjson_obj_get(port, "network"), "id"), name);
	text_addf(xml,
		  "    <interface type='network'><mac address='%s'/><source network='%s'/><model "
		  "type='virtio'/>"
		  "<mtu size='%lld'/><link state='%s'/><alias name='ua-%s'/></interface>\n",
		  json_text(port, "mac_address"), name, (long long)json_int(port, "mtu", 1500),
		  json_bool(port, "admin_state_up", true) ? "up" : "down", json_text(port, "id"));
}

static void add_boot(struct text *xml, yyjson_val *server, const char *folder)
{
	yyjson_val *image = yyjson_obj_get(yyjson_obj_get(server, "image"), "properties");

	text_add(xml, "  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n");
	if (yyjson_is_obj(yyjson_obj_get(server, "kernel"))) {
		text_addf(xml, "    <kernel>%s/kernel</kernel>\n", folder);
		if (yyjson_is_obj(yyjson_obj_get(server, "ramdisk")))
			text_addf(xml, "    <initrd>%s/ramdisk</initrd>\n", folder);
		text_add(xml, "    <cmdline>");
		text_add_xml(xml, json_text(image, "os_command_line"));
		text_add(xml, "</cmdline>\n");
	} else {
		text_add(xml, "    <boot dev='hd'/>\n");
	}
	text_add(xml, "  </os>\n");
}

static void add_head(struct text *xml, yyjson_val *server, const char *type)
{
	text_addf(xml, "<domain type='%s'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n", type,
		  json_text(server, "instance_name"), json_text(server, "id"));
	text_add(xml, "  <metadata><penstock:server xmlns:penstock='https://penstock.example/xmlns/domain/1'>"
		      "<penstock:name>");
	text_add_xml(xml, json_text(server, "name"));
	text_addf(xml,
		  "</penstock:name><penstock:generation>%lld</penstock:generation></penstock:server></"
		  "metadata>\n",
		  (long long)json_int(server, "generation", 0));
	text_addf(xml, "  <memory unit='MiB'>%lld</memory>\n  <vcpu>%lld</vcpu>\n",
		  (long long)json_int(server, "memory_mb", 0), (long long)json_int(server, "vcpus", 1));
}

/* Empty root ports, so that NICs can be plugged into the running guest later. */
static void add_controllers(struct text *xml, size_t devices)
{
	text_add(xml, "    <controller type='usb' model='none'/>\n"
		      "    <controller type='pci' index='0' model='pcie-root'/>\n");
	for (size_t i = 1; i <= devices + 4; i++)
		text_addf(xml, "    <controller type='pci' index='%zu' model='pcie-root-port'/>\n", i);
}

void vm_xml(yyjson_val *server, const char *folder, const char *type, struct text *xml)
{
	yyjson_val *ports = yyjson_obj_get(server, "ports"), *devices = yyjson_obj_get(server, "devices"),
		   *item;
	size_t i, max;

	add_head(xml, server, type);
	add_boot(xml, server, folder);
	text_add(xml, "  <features><acpi/><apic/></features>\n");
	if (strcmp(type, "kvm") == 0)
		text_add(xml, "  <cpu mode='host-passthrough'/>\n");
	text_add(xml, "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n  "
		      "<on_reboot>restart</on_reboot>\n"
		      "  <on_crash>destroy</on_crash>\n  <devices>\n");
	add_controllers(xml, yyjson_arr_size(ports) + yyjson_arr_size(devices));
	text_addf(xml,
		  "    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='writeback' "
		  "discard='unmap'/><source file='%s/disk'/><target dev='vda' bus='virtio'/></disk>\n"
		  "    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source "
		  "file='%s/config.iso'/>"
		  "<target dev='sda' bus='sata'/><readonly/></disk>\n",
		  folder, folder);
	yyjson_arr_foreach (ports, i, max, item)
		add_port(xml, item);
	yyjson_arr_foreach (devices, i, max, item)
		add_hostdev(xml, json_text(item, "address"), "");
	text_addf(xml,
		  "    <serial type='file'><source path='%s/console.log' append='on'/></serial>\n"
		  "    <memballoon model='none'/>\n  </devices>\n</domain>\n",
		  folder);
}

/* --- running domains --- */

static void domain_type(virConnectPtr connection, char type[8])
{
	pthread_mutex_lock(&vm.lock);
	if (!*vm.type) {
		_cleanup_free_ char *capabilities = virConnectGetCapabilities(connection);

		strcpy(vm.type, capabilities && strstr(capabilities, "<domain type='kvm'") ? "kvm" : "qemu");
		log_info("guests run by %s",
			 strcmp(vm.type, "kvm") == 0 ? "KVM" : "emulation (TCG): there is no usable KVM");
	}
	strcpy(type, vm.type);
	pthread_mutex_unlock(&vm.lock);
}

bool vm_is_running(const char *server_id, bool *running, struct error *err)
{
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	*running = false;
	if (!connection)
		return false;
	domain = virDomainLookupByUUIDString(connection, server_id);
	if (!domain)
		return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN || vm_error(err, "looking a domain up");
	*running = virDomainIsActive(domain) == 1;
	return true;
}

bool vm_start(yyjson_val *server, const char *folder, struct error *err)
{
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;
	_cleanup_(text_done) struct text xml = {0};
	char type[8];
	bool running;

	if (!connection || !vm_is_running(json_text(server, "id"), &running, err))
		return false;
	if (running)
		return true;
	domain_type(connection, type);
	vm_xml(server, folder, type, &xml);
	domain = virDomainCreateXML(connection, xml.data, 0);
	return domain || vm_error(err, "starting the guest");
}

bool vm_stop(const char *server_id, struct error *err)
{
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(err);
	_cleanup_(domain_done) virDomainPtr domain = NULL;

	if (!connection)
		return false;
	domain = virDomainLookupByUUIDString(connection, server_id);
	if (!domain)
		return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN || vm_error(err, "looking a domain up");
	if (virDomainIsActive(domain) == 1 && virDomainDestroy(domain) < 0 &&
	    virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return vm_error(err, "ending the guest");
	return true;
}

int64_t vm_version(void)
{
	struct error err;
	_cleanup_(vm_connection_done) virConnectPtr connection = vm_connect(&err);
	unsigned long version = 0;

	if (connection)
		virConnectGetVersion(connection, &version);
	return (int64_t)version;
}
