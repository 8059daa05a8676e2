#!/bin/bash
# Checks the lab host's devices: names, NUMA nodes, VFs, drivers, IOMMU groups, interrupt remapping, hugepages.
. /run/lab/selftest/guest.sh

# by_id VENDOR:DEVICE: the addresses of such devices.
by_id() { lspci -D -n -d "$1" | cut -d ' ' -f 1; }
node_is() { [ "$(cat "/sys/bus/pci/devices/$1/numa_node")" = "$2" ] || fail "$1 is not on node $2"; }
# A device that is to be given away has an IOMMU group of its own.
own_group() { [ "$(ls "/sys/bus/pci/devices/$1/iommu_group/devices")" = "$1" ] || fail "$1 shares its IOMMU group"; }

check_nic() { # NAME NODE VFS
	local device i vf
	device=$(basename "$(readlink "/sys/class/net/$1/device")")
	node_is "$device" "$2"
	own_group "$device"
	[ "$(driver_of "$device")" = igb ] || fail "$1 has driver $(driver_of "$device")"
	[ "$(cat "/sys/class/net/$1/device/sriov_numvfs")" = "$3" ] || fail "$1 has not $3 VFs"
	ip link show "$1" | grep -q '[<,]UP[,>]' || fail "$1 is not up"
	for ((i = 0; i < $3; i++)); do
		vf=$(vf_address "$1" $i)
		node_is "$vf" "$2"
		own_group "$vf"
		[ "$(driver_of "$vf")" = none ] || fail "$vf has driver $(driver_of "$vf")"
	done
	echo "$1 $device node $2, $3 VFs from $(vf_address "$1" 0) on"
}

check_other() { # WHAT ID NODE
	local device
	device=$(by_id "$2" | head -n 1)
	[ -n "$device" ] || fail "no $1"
	node_is "$device" "$3"
	own_group "$device"
	echo "$1 $device node $3, driver $(driver_of "$device")"
}

check_nic p5p1 0 "$(sed -n 's/.*lab.p5p1_vfs=\([0-9]*\).*/\1/p' /proc/cmdline)"
check_nic p5p2 1 "$(sed -n 's/.*lab.p5p2_vfs=\([0-9]*\).*/\1/p' /proc/cmdline)"
check_other NVMe 1b36:0010 0
check_other display 1234:1111 0
check_other edu 1234:11e8 1
dmesg | grep -q 'Enabled IRQ remapping' || fail "no interrupt remapping"
for node in 0 1; do
	[ "$(cat /sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages)" = 32 ] ||
		fail "node $node has not 32 hugepages"
done
lsmod | grep -q '^igbvf' && fail "igbvf is loaded"
lsmod | grep -q '^vfio_pci ' || fail "vfio-pci is not loaded"
echo "IOMMU groups: $(find /sys/kernel/iommu_groups -mindepth 1 -maxdepth 1 | wc -l)"
