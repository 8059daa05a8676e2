#!/bin/bash
# Process 1 of the lab host: brings it up like a freshly installed hypervisor with VFs, then runs the jobs that
# `lab run` drops into the shared folder.  The control port says a job's number, "NUMBER kill" or "reboot reboot"; jobs run in
# the background, so that several callers are served at once.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C
LAB=/run/lab
argument() { sed -n "s/.*\blab\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

mount_filesystems() {
	mkdir -p /dev/pts /dev/shm /dev/hugepages /lib/modules
	mount -t devpts devpts /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	mount -t hugetlbfs hugetlbfs /dev/hugepages
	mount -t cgroup2 cgroup2 /sys/fs/cgroup 2> /dev/null
	mount --bind "$LAB/kernel/lib/modules" /lib/modules
	ln -sfn /proc/self/fd /dev/fd
}

name_host() {
	local name
	name=$(argument name)
	hostname "$name"
	echo "$name" > /etc/hostname
	echo "127.0.0.1 localhost $name" > /etc/hosts
}

management_network() {
	local nic
	ip link set lo up
	for nic in /sys/class/net/*; do
		[ "$(basename "$(readlink -f "$nic/device/driver" 2> /dev/null)")" = virtio_net ] || continue
		ip link set "${nic##*/}" up
		ip addr add 10.0.2.15/24 dev "${nic##*/}"
		ip route add default via 10.0.2.2
	done
}

# Writing sriov_numvfs is what `penstock host setup` will do for good; a lab host starts with its VFs.  Their own
# driver is kept away: a VF belongs to a guest.
make_vfs() {
	[ "$2" != none ] || return 0
	echo 0 > "/sys/class/net/$1/device/sriov_drivers_autoprobe"
	echo "$2" > "/sys/class/net/$1/device/sriov_numvfs"
	ip link set "$1" up
}

# What firmware, kernel and udev do before anything is started: drivers, and names of network devices.
hardware() {
	modprobe -a virtio_net igb nvme bridge tun 2>&1
	bash "$LAB/host/names.sh" once
}

services() {
	management_network
	bash "$LAB/host/names.sh" watch &
	# shellcheck source-path=SCRIPTDIR
	. "$LAB/host/libvirt.sh"
}

if [ "${1:-}" != jobs ]; then
	mount_filesystems
	name_host
	hardware
	if grep -qw lab.keep /proc/cmdline; then
		# shellcheck source-path=SCRIPTDIR
		. "$LAB/host/systemd.sh"
		fresh_disk
		no_other_services
		lab_service
		exec /lib/systemd/systemd
	fi
	modprobe vfio-pci
fi
services
make_vfs p5p1 "$(argument p5p1_vfs)"
make_vfs p5p2 "$(argument p5p2_vfs)"

# A terminal for `lab shell`.
while [ -c /dev/hvc0 ]; do
	TERM=xterm setsid -c bash -i < /dev/hvc0 > /dev/hvc0 2>&1
done &

# shellcheck source-path=SCRIPTDIR
. "$LAB/host/jobs.sh"
sleep 600
