#!/bin/bash
# The SR-IOV story, end to end, on a real kernel: boots the lab host, starts Penstock in it, and plays the story from
# outside with the unmodified openstack client.  KEEP=1 leaves everything running.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
build=${BUILD_DIR:-$root/build}
export LAB_DIR=${LAB_DIR:-$build/lab}
port=${DEMO_PORT:-18774}
export PYTHONWARNINGS=ignore
began=$SECONDS

lab() { "$root/lab/lab" "$@"; }
title() { printf '\n=== %s   [%d s]\n' "$*" $((SECONDS - began)); }
# Shows a command as typed, then its real output.
show() {
	printf '\n$ %s\n' "$*"
	"$@"
}
on_host() {
	printf '\nlab1# %s\n' "$*"
	lab run "$*" || true
}
fail() {
	echo "demo: FAILED: $*" >&2
	tail -n 15 "$LAB_DIR"/out/*.log >&2 || true
	exit 1
}
# await SECONDS WHAT COMMAND...: until the command succeeds; says so every few seconds.
await() {
	local limit=$1 what=$2 start=$SECONDS told=$SECONDS
	shift 2
	until "$@" > /dev/null 2>&1; do
		[ $((SECONDS - start)) -lt "$limit" ] || fail "$what: not within $limit s"
		[ $((SECONDS - told)) -lt 2 ] || { told=$SECONDS; echo "... $what: $((SECONDS - start)) s"; }
		sleep 0.5
	done
}
console() { openstack console log show "$1"; }
console_says() { console "$1" | grep -aq "$2"; }
vf_lines() { lab run "ip link show p5p1 | grep -c 'vlan\|fa:16:3e' || true"; }
finish() {
	local status=$?
	if [ -n "${KEEP:-}" ] && [ $status = 0 ]; then return; fi
	lab down
}
trap finish EXIT

title "The lab host boots"
lab down
LAB_HOSTFWD="$port-:5000" lab up
mkdir -p "$LAB_DIR/out" "$LAB_DIR/bin" "$LAB_DIR/etc"
rm -f "$LAB_DIR"/out/*
# Through the shared folder, so that what was built after the host's last boot is what runs.
cp "$build/src/penstockd/penstockd" "$build/src/agent/penstock-agent" "$build/src/cli/penstock" "$LAB_DIR/bin/"
cp "$here"/*.conf "$here"/*.ini "$LAB_DIR/etc/"
cp "$here/start-in-lab.sh" "$LAB_DIR/"
title "The configuration (left in $LAB_DIR/etc)"
grep -v '^#' "$LAB_DIR/etc/nova.conf" "$LAB_DIR/etc/ml2_conf.ini" -h
title "penstockd and penstock-agent start in it"
lab run "/run/lab/start-in-lab.sh /run/lab/bin /run/lab/etc http://127.0.0.1:$port /run/lab/out"
. "$LAB_DIR/out/openrc"
await 30 "the host joins and tells what it has" sh -c 'openstack network agent list -f value | grep -q NIC'
show openstack hypervisor list
show openstack network agent list
on_host ip link show p5p1

title "Networks"
show openstack network create --share --provider-network-type vlan --provider-physical-network physnet_sriov nfv_sriov
show openstack subnet create --network nfv_sriov --subnet-range 10.0.0.0/24 --no-dhcp --gateway 10.0.0.1 --allocation-pool start=10.0.0.100,end=10.0.0.200 nfv_subnet
show openstack network create private
show openstack subnet create --network private --subnet-range 192.168.99.0/24 private_subnet
show openstack port create --network nfv_sriov --vnic-type direct sriov_port -c id -c mac_address -c fixed_ips -c status
show openstack port create --network nfv_sriov --vnic-type direct sriov_port2 -c id -c mac_address -c fixed_ips -c status

title "Image, flavor, key"
show openstack image create --disk-format aki --container-format aki --file "$LAB_DIR/linux-guest.vmlinux" guest-kernel -c id -c size -c status
show openstack image create --disk-format ari --container-format ari --file "$LAB_DIR/linux-guest.initrd" guest-ramdisk -c id -c size -c status
show openstack image create --disk-format raw --container-format bare --file "$LAB_DIR/linux-guest.img" \
	--property "kernel_id=$(openstack image show guest-kernel -f value -c id)" \
	--property "ramdisk_id=$(openstack image show guest-ramdisk -f value -c id)" \
	--property "os_command_line=$(cat "$LAB_DIR/linux-guest.cmdline")" centos7 -c id -c name -c status
show openstack image create --disk-format raw --container-format bare --file "$LAB_DIR/probe.img" probe -c id -c name -c status
show openstack flavor create --ram 256 --disk 1 --vcpus 1 m1.small -c id -c name
show openstack flavor create --ram 256 --disk 1 --vcpus 1 --property pci_passthrough:alias=my_PF:1 m1.medium.pci_passthrough -c id -c name -c properties
printf '\n$ openstack keypair create --private-key key.pem my_key\n'
rm -f "$LAB_DIR/key.pem"
openstack keypair create --private-key "$LAB_DIR/key.pem" my_key

title "A server with a VF, and a second one for it to talk to"
SRIOV_PORT_ID=$(openstack port show sriov_port -f value -c id)
SRIOV_PORT2_ID=$(openstack port show sriov_port2 -f value -c id)
PRIVATE_NETWORK_ID=$(openstack network show private -f value -c id)
MAC=$(openstack port show sriov_port -f value -c mac_address)
show openstack server create --flavor m1.small --nic "port-id=$SRIOV_PORT2_ID" --image probe --wait sr-iov-instance2 -c name -c status -c addresses
show openstack server create --flavor m1.small --nic "port-id=$SRIOV_PORT_ID" --nic "net-id=$PRIVATE_NETWORK_ID" --image centos7 --key-name my_key --property peer=10.0.0.101 --wait sr-iov-instance1 -c name -c status -c addresses -c key_name
on_host ip link show p5p1
lab run "ip link show p5p1" | grep -q "$MAC.*vlan 10[12][0-9]" || fail "no VF has $MAC and its VLAN"
show openstack port show sriov_port -c status -c binding_host_id -c binding_profile -c binding_vif_type -c binding_vif_details

title "The whole of p5p2 in a third server"
on_host ip link show p5p2
show openstack server create --flavor m1.medium.pci_passthrough --nic "net-id=$PRIVATE_NETWORK_ID" --image probe --wait pf-instance -c name -c status
on_host ip link show p5p2
if lab run "ip link show p5p2" > /dev/null; then fail "p5p2 is still on the host"; fi
await 60 "the guest shows its PF" console_says pf-instance "PROBE pf"
printf '\n$ openstack console log show pf-instance\n'
console pf-instance | tr -d '\r' | grep -a "PCI\|PROBE"
title "One server too many"
show openstack server create --flavor m1.medium.pci_passthrough --nic "net-id=$PRIVATE_NETWORK_ID" --image probe one-too-many -c name -c status
await 10 "the answer" sh -c 'openstack server show one-too-many -f value -c status | grep -q ERROR'
show openstack server show one-too-many -c name -c status -c fault
openstack server show one-too-many -f value -c fault | grep -q "No valid host was found" || fail "no explanation"
show openstack server delete --wait one-too-many
show openstack server delete --wait pf-instance
on_host "ip link show p5p2; readlink /sys/class/net/p5p2/device/driver; cat /sys/class/net/p5p2/device/sriov_numvfs"
lab run "ip link show p5p2 | grep -q 'UP' && [ \$(cat /sys/class/net/p5p2/device/sriov_numvfs) = 2 ]" || fail "p5p2 did not come back as it was"

title "What the guest says"
await 400 "the guests boot (emulated twice over without KVM) and ping" console_says sr-iov-instance1 "GUEST done"
printf '\n$ openstack console log show sr-iov-instance1\n'
console sr-iov-instance1 | tr -d '\r'
console sr-iov-instance1 | grep -aq "driver=igbvf mac=$MAC static 10.0.0.100/24" || fail "the VF in the guest"
console sr-iov-instance1 | grep -aq "driver=virtio_net.* dhcp 192.168.99." || fail "the DHCP lease"
console sr-iov-instance1 | grep -aq "GUEST ping 10.0.0.101 ok" || fail "the ping over the VLAN"
show openstack server list

if [ -n "${KEEP:-}" ]; then
	title "Everything is left running (KEEP=1)"
	cat <<EOF
  use it:      . $LAB_DIR/out/openrc; openstack server list
  lab shell:   LAB_DIR=$LAB_DIR $root/lab/lab shell
  logs:        /var/log/penstock/penstockd.log and penstock-agent.log in the lab host
  end it:      LAB_DIR=$LAB_DIR $root/lab/lab down
EOF
	exit 0
fi

printf '\n$ openstack console log show sr-iov-instance2\n'
console sr-iov-instance2 | tr -d '\r' | grep -a "PROBE"

title "Everything is given back"
show openstack server delete --wait sr-iov-instance1 sr-iov-instance2
on_host ip link show p5p1
[ "$(vf_lines)" = 0 ] || fail "a VF has kept a MAC or a VLAN"
[ -z "$(lab run 'virsh -q list --all')" ] || fail "a domain is left"
[ -z "$(lab run 'ls /var/lib/penstock/agent/instances')" ] || fail "files of a server are left"
[ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM device_claim"')" = 0 ] || fail "a device is still claimed"
echo "no VF with a MAC or a VLAN, no domain, no file, all devices free"
title "demo: PASSED"
