#!/bin/bash
# Lab test of `penstock host check`, `host setup` and `host apply`: a host with a bare kernel command line and no VFs becomes
# one that runs guests with VFs, and still is one after a reboot.  The host boots systemd, and by the grub.cfg on its own disk.
# host_setup_test.sh BUILD-FOLDER; prints "ok lab NAME" lines.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
export LAB_DIR=${LAB_DIR:-$build/lab} LAB_RUN_TIMEOUT=180 PYTHONWARNINGS=ignore
port=${LAB_TEST_PORT:-18775}
# The lab's kernel switches its IOMMU on by itself (Debian's does): here somebody has switched it off.
export LAB_KEEP=1 LAB_CMDLINE="intel_iommu=off" LAB_P5P1_VFS=none LAB_P5P2_VFS=none LAB_HOSTFWD="$port-:5000"
# shellcheck source=tests/lab/functions.sh
. "$root/tests/lab/functions.sh"

penstock() { lab run "/usr/local/bin/penstock $*; echo exit status \$?" 2>&1; }
vf_count() { lab run "ls -d /sys/class/net/$1/device/virtfn* 2> /dev/null | wc -l"; }

setup() {
	lab down
	rm -f "$LAB_DIR/disk.img"
	lab up || return 1
	programs_copy
	lab run 'mkdir -p /etc/penstock/penstock.conf.d && cp /run/lab/etc/penstock.conf /etc/penstock/ &&
		cp /run/lab/etc/nova.conf /etc/penstock/penstock.conf.d/ && cp /run/lab/bin/penstock /usr/local/bin/' || return 1
	until_true 60 lab run "virsh -q uri"
}

test_p5_p10_host_check_tells_what_a_bare_host_lacks() {
	local said
	said=$(penstock host check)
	says "exit status 1" <<< "$said"
	says "^IOMMU: firmware .*PASS  ACPI table DMAR" <<< "$said"
	says "^IOMMU: kernel .*FAIL .* it has intel_iommu=off" <<< "$said"
	says "^vfio-pci: at boot .*WARN" <<< "$said"
	says "^libvirt .*PASS" <<< "$said"
	says "^p5p1: VFs that exist .*FAIL  none of 7" <<< "$said"
	says "^p5p1: up .*FAIL" <<< "$said"
	says "mend: penstock host setup --vfs p5p1=7" <<< "$said"
}

test_host_setup_makes_vfs_and_says_that_a_reboot_is_needed() {
	local said
	said=$(penstock host setup --dry-run --vfs p5p1=5 --hugepages 2M=64)
	says "^+GRUB_CMDLINE_LINUX=\"intel_iommu=on iommu=pt hugepagesz=2M hugepages=64\"" <<< "$said"
	lab run "[ ! -e /etc/penstock/host.conf ] && grep -q intel_iommu=off /etc/default/grub"
	said=$(penstock host setup --vfs p5p1=5 --hugepages 2M=64)
	says "exit status 0" <<< "$said"
	says "^running: update-grub" <<< "$said"
	says "^reboot needed: .*it has intel_iommu=off" <<< "$said"
	lab run "grep -q intel_iommu=off /etc/default/grub.before-penstock~ && grep 'linux.*intel_iommu=on iommu=pt' /boot/grub/grub.cfg"
	[ "$(vf_count p5p1)" = 5 ]
	lab run "ip link show p5p1; ip link show p5p2" | says "p5p2: .*,UP"
	said=$(penstock host setup)
	says "^nothing to change in files" <<< "$said"
	says "exit status 0" <<< "$said"
	lab run "[ ! -e /var/lib/penstock/host-setup.pending ]"
}

test_p5_after_a_reboot_the_vfs_are_there_and_host_check_passes() {
	local said
	lab reboot
	until_true 60 lab run "virsh -q uri"
	said=$(lab run "cat /proc/cmdline; ps -p 1 -o comm=; systemctl is-active penstock-host.service; lsmod | grep vfio; ip link show p5p1")
	says "intel_iommu=on iommu=pt" <<< "$said"
	says "^systemd" <<< "$said"
	says "^active" <<< "$said"
	says "^vfio_pci " <<< "$said"
	says "^[0-9]*: p5p1: .*,UP" <<< "$said"
	[ "$(vf_count p5p1)" = 5 ]
	lab run "[ \$(cat /sys/class/net/p5p1/device/sriov_drivers_autoprobe) = 0 ] && ! ls -d /sys/class/net/p5p1/device/virtfn*/driver"
	said=$(penstock host check)
	says "exit status 0" <<< "$said"
	says "^IOMMU: interrupt remapping .*PASS" <<< "$said"
	says "^huge pages of 2M .*PASS  64" <<< "$said"
	says "^p5p1: VFs after a reboot .*PASS  5, by penstock-host.service" <<< "$said"
}

test_a_guest_with_a_vf_runs_on_the_host_that_was_set_up() {
	site_start
	PORT=$(make_port)
	SERVER=$(make_server "$FLAVOR" '[{"port":"'"$PORT"'"}]')
	printf '%s\n' "PORT=$PORT" "SERVER=$SERVER" "TOKEN=$TOKEN" > "$LAB_DIR/out/site"
	until_true 180 is_status "$SERVER" ACTIVE
	lab run "ip link show p5p1" | says "vf 0 .*$(port_mac "$PORT").*vlan 10[12]"
	until_true 180 console_says "$SERVER" "PROBE done"
}

test_p6_no_number_of_vfs_is_changed_while_a_guest_has_one() {
	local said alive
	said=$(penstock host setup --vfs p5p1=7)
	says "p5p1 has 5 VFs and not 7: that number is not changed while a VF is held: VF 0000:21:10.0: qemu-system-x86 of instance-00000001 (process [0-9]*)" <<< "$said"
	says "exit status 1" <<< "$said"
	said=$(penstock host apply)
	says "is not changed while a VF is held" <<< "$said"
	[ "$(vf_count p5p1)" = 5 ]
	alive=$(console "$SERVER" | grep -c "PROBE alive" || true)
	until_true 60 console_says "$SERVER" "PROBE alive $((alive + 1))"
	said=$(penstock host setup --vfs p5p1=4)
	says "p5p1 has 5 VFs: a number of VFs is never lowered" <<< "$said"
	says "exit status 2" <<< "$said"
	delete_server "$SERVER"
	clean
	lab run "pkill -x penstock-agent; while pgrep -x penstock-agent > /dev/null; do sleep 0.05; done"
	said=$(penstock host apply)
	says "^p5p1: up, 7 VFs" <<< "$said"
	[ "$(vf_count p5p1)" = 7 ]
}

once=1 # the tests follow each other
setup || setup || { echo "not ok lab host setup: the bare host"; exit 1; }
for test in p5_p10_host_check_tells_what_a_bare_host_lacks host_setup_makes_vfs_and_says_that_a_reboot_is_needed \
	p5_after_a_reboot_the_vfs_are_there_and_host_check_passes a_guest_with_a_vf_runs_on_the_host_that_was_set_up \
	p6_no_number_of_vfs_is_changed_while_a_guest_has_one; do
	check "$test"
	# shellcheck source=/dev/null
	[ ! -e "$LAB_DIR/out/site" ] || . "$LAB_DIR/out/site"
done
lab down
rm -f "$LAB_DIR/disk.img"
[ "$failures" = 0 ]
