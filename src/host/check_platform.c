/* Facts about the machine as a whole. */
#include "host/check.h"

#include "agent/libvirt.h"
#include "agent/world.h"
#include "agent/world_files.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/subjects.h"

#include <fcntl.h>
#include <string.h>

#define SETUP_AND_REBOOT "penstock host setup; reboot"

/* --- the IOMMU: what the firmware and the kernel have, not what a command line says --- */

static void check_firmware(struct check *check)
{
	static const char fact[] = "IOMMU: firmware";
	const struct machine *m = check->machine;

	if (m->dmar || m->ivrs)
		check_pass(check, fact, "ACPI table %s (%s)", m->dmar ? "DMAR" : "IVRS",
			   m->dmar ? "Intel VT-d" : "AMD-Vi");
	else if (m->iommu_groups > 0)
		check_pass(check, fact, "no table DMAR or IVRS, and the kernel has an IOMMU all the same");
	else
		check_not(check, CHECK_FAIL, fact,
			  m->amd ? "in the firmware's setup (BIOS): switch on IOMMU (AMD-Vi) and SVM, and "
				   "power-cycle"
				 : "in the firmware's setup (BIOS): switch on VT-d and VT-x, and power-cycle",
			  "no ACPI table DMAR or IVRS: the firmware tells of no IOMMU");
}

static void check_kernel(struct check *check)
{
	static const char fact[] = "IOMMU: kernel";
	const struct machine *m = check->machine;
	bool intel = m->dmar || (!m->ivrs && m->intel);
	_cleanup_free_ char *mend = memory_printf(
		SETUP_AND_REBOOT
		" (or by hand: %siommu=pt into GRUB_CMDLINE_LINUX of /etc/default/grub, %s, reboot)",
		intel ? "intel_iommu=on " : "",
		m->family == FAMILY_REDHAT ? "grub2-mkconfig or grubby" : "update-grub");
	struct cmdline_change change;
	char missing[200];

	kernel_change(m, &change);
	change.pages_count = 0;
	if (m->iommus > 0 && m->iommu_groups > 0)
		check_pass(check, fact, "%d unit%s, %d groups", m->iommus, m->iommus == 1 ? "" : "s",
			   m->iommu_groups);
	else if (cmdline_is_right(m->cmdline, &change, missing, sizeof missing))
		check_not(check, CHECK_FAIL, fact,
			  "see what the kernel's log says: dmesg | grep -e DMAR -e AMD-Vi",
			  "off, though its command line asks for it");
	else
		check_not(check, CHECK_FAIL, fact, mend, "off: %s; of the kernel's command line: %s",
			  m->iommus ? "no groups" : "/sys/class/iommu has no unit", missing);
}

/* The names of interrupt chips say so: IR-PCI-MSI, IR-IO-APIC. */
static void check_remapping(struct check *check)
{
	static const char fact[] = "IOMMU: interrupt remapping";
	_cleanup_free_ char *interrupts = world->read("/proc/interrupts");
	char unsafe[8];

	world_line("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", unsafe, sizeof unsafe);
	if (check->machine->iommu_groups == 0)
		check_not(check, CHECK_WARN, fact, NULL, "not known while the IOMMU is off");
	else if (interrupts && strstr(interrupts, " IR-"))
		check_pass(check, fact, "on");
	else if (*unsafe == 'Y')
		check_not(check, CHECK_WARN, fact,
			  "in the firmware's setup: switch on x2APIC or interrupt remapping; then take "
			  "allow_unsafe_interrupts out of /etc/modprobe.d",
			  "off, and vfio is told not to mind: a guest can send interrupts to the host");
	else
		check_not(check, CHECK_FAIL, fact,
			  "in the firmware's setup: switch on x2APIC or interrupt remapping; `penstock host "
			  "setup` takes "
			  "intremap=off from the kernel's command line",
			  "off: vfio gives no device to a guest");
}

/* --- vfio, KVM, libvirt --- */

static void check_vfio(struct check *check)
{
	if (modules_present("vfio-pci"))
		check_pass(check, "vfio-pci: loaded", "yes");
	else
		check_not(check, CHECK_FAIL, "vfio-pci: loaded", "modprobe vfio-pci", "no");
	if (modules_listed("vfio-pci") || modules_listed("vfio_pci"))
		check_pass(check, "vfio-pci: at boot", "listed in modules-load.d");
	else
		check_not(check, CHECK_WARN, "vfio-pci: at boot",
			  "penstock host setup, or: echo vfio-pci > /etc/modules-load.d/penstock.conf",
			  "no file in /etc/modules-load.d names it");
}

static bool kvm_opens(void)
{
	_cleanup_free_ char *path = world_files_path("/dev/kvm");
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

static void check_kvm(struct check *check)
{
	if (kvm_opens())
		check_pass(check, "KVM", "/dev/kvm opens");
	else
		check_not(check, CHECK_WARN, "KVM",
			  check->machine->amd ? "switch on SVM in the firmware's setup; modprobe kvm_amd"
					      : "switch on VT-x in the firmware's setup; modprobe kvm_intel",
			  "%s: guests are emulated, which is slow",
			  machine_has("/dev/kvm") ? "/dev/kvm does not open" : "there is no /dev/kvm");
}

static void check_libvirt(struct check *check)
{
	const char *uri = config_text_given(check->config, "libvirt", "connection_uri", "qemu:///system");
	struct world_hypervisor facts;
	struct error err;

	if (*check->machine->root)
		return;
	libvirt_configure(uri);
	if (world->hypervisor(&facts, &err))
		check_pass(check, "libvirt", "%s answers, QEMU %lld.%lld.%lld", uri,
			   (long long)facts.version / 1000000, (long long)facts.version / 1000 % 1000,
			   (long long)facts.version % 1000);
	else
		check_not(check, CHECK_FAIL, "libvirt",
			  check->machine->family == FAMILY_REDHAT
				  ? "systemctl enable --now virtqemud.socket (RHEL 7, 8: "
				    "libvirtd)"
				  : "systemctl enable --now libvirtd",
			  "%s does not answer: %s", uri, err.message);
}

/* --- lockdown: Secure Boot mostly --- */

static void check_lockdown(struct check *check)
{
	static const char fact[] = "kernel lockdown";
	char line[128];

	world_line("/sys/kernel/security/lockdown", line, sizeof line);
	if (!*line || strstr(line, "[none]"))
		check_pass(check, fact, "%s", *line ? "none" : "this kernel has none");
	else
		check_not(check, CHECK_WARN, fact,
			  "where one of these is needed: switch Secure Boot off in the firmware's setup, or "
			  "take lockdown= "
			  "from the kernel's command line",
			  "%s: guests get devices, but setpci, mstconfig and the like, unsigned drivers, "
			  "/dev/mem and "
			  "%s do not work",
			  strstr(line, "[integrity]") ? "integrity" : "confidentiality",
			  strstr(line, "[integrity]") ? "kexec of unsigned kernels" : "kernel debugging");
}

void check_platform(struct check *check)
{
	check_firmware(check);
	check_kernel(check);
	check_remapping(check);
	check_vfio(check);
	check_kvm(check);
	check_libvirt(check);
	check_lockdown(check);
}
