#!/bin/bash
# The Debian packages in a fresh Debian with systemd, booted in the lab with its SR-IOV NICs: units, joining, a guest with a VF,
# an upgrade and a purge under it.  Follows docs/real-hardware.md.   package_test.sh BUILD-FOLDER   (after make deb; root; network)
# BOOT= (empty): only what needs no booting.  Prints "ok package NAME" lines.  build/package keeps the Debian that it has made.
# shellcheck disable=SC1091,SC2016
set -uo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
work=$build/package base=$build/package/base root=$build/package/root
port=${LAB_TEST_PORT:-18775}
export LAB_DIR=${LAB_DIR:-$build/lab} LAB_ROOT=$root LAB_APPEND="lab.systemd systemd.default_timeout_start_sec=1800" LAB_RUN_TIMEOUT=600 LAB_HOSTFWD="$port-:5000" PYTHONWARNINGS=ignore
failures=0

lab() { "$here/lab/lab" "$@"; }
# until_true SECONDS COMMAND...
until_true() {
	local limit=$1 start=$SECONDS
	shift
	until "$@" > /dev/null 2>&1; do
		[ $((SECONDS - start)) -lt "$limit" ] || { echo "# not within $limit s: $*"; return 1; }
		sleep 0.5
	done
}
check() { # NAME: runs the function test_NAME
	(set -ex; "test_$1") > "$work/test.log" 2>&1
	# shellcheck disable=SC2181 # as a condition bash would ignore -e in it
	if [ $? = 0 ]; then
		echo "ok package $1"
	else
		sed 's/^/# /' "$work/test.log"
		lab run 'journalctl -q -n 40 --no-pager -u penstockd -u penstock-agent -u penstock-host; systemctl --failed --no-legend' | sed 's/^/# /'
		echo "not ok package $1"
		failures=$((failures + 1))
	fi
}

# --- the machine ---

in_root() { chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root "${@:2}"; }

# A Debian with what a host of guests has, and nothing of ours.
make_base() {
	local suite
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	[ -e "$base/bin/sh" ] || debootstrap --variant=minbase \
		--include=systemd,systemd-sysv,dbus,ca-certificates,curl,procps "$suite" "$base" http://deb.debian.org/debian
	in_root "$base" apt-get update -q
	in_root "$base" apt-get install -y -q --no-install-recommends udev kmod iproute2 libvirt-daemon-system libvirt-clients \
		qemu-system-x86 qemu-utils dnsmasq-base iptables sqlite3 man-db bash-completion
	# What only costs time here.
	in_root "$base" systemctl mask systemd-logind.service man-db.timer apt-daily.timer apt-daily-upgrade.timer \
		dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer libvirt-guests.service systemd-timesyncd.service \
		systemd-update-utmp.service getty.target console-getty.service
	touch "$base/.complete"
}

# Ours on top, installed as nobody would see it differently: by apt, without systemd running.
make_root() {
	[ -e "$base/.complete" ] || make_base > "$work/base.log" 2>&1 || { tail -20 "$work/base.log"; return 1; }
	rm -rf "$root"
	cp -a "$base" "$root"
	mkdir -p "$root/debs"
	cp "$build"/deb/*.deb "$root/debs/"
	rm -f "$root"/debs/*dbgsym*
	in_root "$root" sh -c 'apt-get install -y -q --no-install-recommends /debs/*.deb pci.ids' > "$work/install.log" 2>&1 || { tail -30 "$work/install.log"; return 1; }
}

# Without systemd: what was installed can be used at once, as the service's user.
test_they_work_without_systemd() {
	local pid url=http://127.0.0.1:$((port + 1)) folder=$root/tmp/first
	mkdir -p "$folder"
	printf '[DEFAULT]\nstate_path = /var/lib/penstock\n[penstock]\nlisten = 127.0.0.1\nport = %s\n' $((port + 1)) > "$folder/penstock.conf"
	in_root "$root" penstock bootstrap --config-file /tmp/first/penstock.conf --output /tmp/first
	[ "$(in_root "$root" stat -c %U:%G:%a /var/lib/penstock /var/lib/penstock/agent /var/lib/penstock/penstock.db | tr '\n' ' ')" = "root:penstock:1771 root:root:711 penstock:penstock:600 " ]
	chroot --userspec=penstock:penstock "$root" /usr/sbin/penstockd --config-file /tmp/first/penstock.conf > "$folder/log" 2>&1 &
	pid=$!
	until_true 60 curl -sf -o /dev/null "$url/identity/v3" || { cat "$folder/log"; kill $pid; return 1; }
	[ "$(ps -o user= -p $pid)" = "$(in_root "$root" id -u penstock)" ]
	kill $pid
	wait $pid
	in_root "$root" penstock agent-token --config-file /tmp/first/penstock.conf | grep -E '^[0-9a-f]{64}$'
	rm -rf "$folder" "$root"/var/lib/penstock/penstock.db* "$root/var/lib/penstock/token.key" "$root/var/lib/penstock/images"
}

# Names for the lab's NICs, its network for us, and the service that runs its jobs.
make_lab() {
	mkdir -p "$root/lib/modules" "$root/etc/systemd/network"
	for nic in p5p1:b8 p5p2:ba; do
		printf '[Match]\nPermanentMACAddress=a0:36:9f:8f:%02x:%s\n[Link]\nName=%s\n' $((62 + ${LAB_ID:-1})) "${nic#*:}" "${nic%:*}" > "$root/etc/systemd/network/10-${nic%:*}.link"
	done
	echo "lab${LAB_ID:-1}" > "$root/etc/hostname"
	echo "127.0.0.1 localhost lab${LAB_ID:-1}" > "$root/etc/hosts"
	cat > "$root/etc/systemd/system/lab.service" <<-'UNIT'
	[Unit]
	After=systemd-udevd.service
	Before=systemd-udev-trigger.service systemd-modules-load.service network-pre.target
	DefaultDependencies=no
	[Service]
	ExecStart=/bin/bash /run/lab/package-jobs.sh
	Type=notify
	NotifyAccess=all
	KillMode=process
	[Install]
	WantedBy=sysinit.target
	UNIT
	ln -sf ../lab.service "$root/etc/systemd/system/sysinit.target.wants/lab.service"
	mkdir -p "$LAB_DIR"
	cat > "$LAB_DIR/package-jobs.sh" <<-'JOBS'
	LAB=/run/lab
	mount --bind "$LAB/kernel/lib/modules" /lib/modules
	modprobe -a virtio_net virtio_console igb nvme
	systemd-notify --ready
	until systemctl is-active -q multi-user.target; do sleep 0.3; done
	nic=$(ls /sys/bus/virtio/drivers/virtio_net/virtio*/net | head -1)
	ip link set lo up
	ip link set "$nic" up
	ip addr add 10.0.2.15/24 dev "$nic"
	ip route add default via 10.0.2.2
	. "$LAB/host/jobs.sh"
	JOBS
}

os() { openstack "$@"; }
host_has() { lab run "$1" | grep -q -- "$2"; }
devices() { lab run 'penstock host devices'; }
guest_pid() { lab run 'pgrep -f guest=instance'; }

# --- what is to be so ---

test_the_controller_runs_without_privileges() {
	until_true 60 lab run 'systemctl is-active -q penstockd'
	[ "$(lab run 'ps -o user= -C penstockd')" = penstock ]
	[ "$(lab run 'stat -c %U:%a /var/lib/penstock/penstock.db')" = penstock:600 ]
	[ "$(lab run 'systemctl show -p NRestarts --value penstockd')" = 0 ]
	until_true 30 lab run '[ "$(systemctl show -p WatchdogTimestampMonotonic --value penstockd)" != 0 ]'
	lab run 'journalctl -q -u penstockd --no-pager' | grep -q "no administrator yet"
	# The agent's folder is nobody else's, though it is in the controller's.
	lab run '! runuser -u penstock -- mv /var/lib/penstock/agent /var/lib/penstock/mine'
}

test_the_agent_waits_for_a_token() {
	lab run '! systemctl is-active -q penstock-agent'
	lab run 'systemctl show -p ConditionResult --value penstock-agent' | grep -q no
	lab run 'systemctl is-enabled penstock-agent'
}

test_commands_and_manuals_are_there() {
	lab run 'penstockd --version && penstock-agent --version && penstock --help && penstock host devices --all' | grep "82576"
	lab run 'man -P cat penstock.conf | grep -c network_vlan_ranges'
	lab run 'penstock config check /etc/penstock/penstock.conf /usr/share/doc/penstock/examples/edge-host.conf'
}

test_a_host_is_made_ready() {
	lab run 'penstock host setup --vfs p5p1=5 --dry-run'
	lab run 'penstock host setup --vfs p5p1=5'
	lab run 'systemctl daemon-reload; systemctl start penstock-host; systemctl is-active penstock-host'
	lab run 'ip link show p5p1' | grep -c "vf " | grep -x 5
}

test_a_host_joins() {
	lab run 'cat > /etc/penstock/penstock.conf.d/site.conf <<-END
	[DEFAULT]
	reserved_host_memory_mb = 128
	disk_allocation_ratio = 16.0
	[ml2]
	type_drivers = vlan,vxlan
	project_network_types = vxlan
	mechanism_drivers = openvswitch,sriovnicswitch
	[ml2_type_vlan]
	network_vlan_ranges = physnet_sriov:1010:1020
	[pci]
	device_spec = {"devname": "p5p1", "physical_network": "physnet_sriov"}
	[sriov_nic]
	physical_device_mappings = physnet_sriov:p5p1
	END
	penstock config check --config-dir /etc/penstock/penstock.conf.d'
	devices | tee /dev/stderr | grep -c ' 0000:21:1.* physnet_sriov .*free' | grep -x 5
	lab run "systemctl restart penstockd && penstock bootstrap --url http://127.0.0.1:$port --output /run/lab"
	lab run 'penstock agent-token > /etc/penstock/agent-token && chmod 600 /etc/penstock/agent-token && systemctl start penstock-agent'
	. "$LAB_DIR/openrc"
	until_true 60 sh -c 'openstack network agent list -f value | grep -q NIC'
	until_true 30 sh -c 'openstack hypervisor list -f value | grep -q "lab${LAB_ID:-1}"'
	[ "$(lab run 'stat -c %U:%a /var/lib/penstock/penstock.db')" = penstock:600 ]
}

test_a_guest_gets_a_vf() {
	. "$LAB_DIR/openrc"
	os network create --share --provider-network-type vlan --provider-physical-network physnet_sriov nfv_sriov
	os subnet create --network nfv_sriov --subnet-range 10.0.0.0/24 --no-dhcp --allocation-pool start=10.0.0.100,end=10.0.0.200 nfv_subnet
	os port create --network nfv_sriov --vnic-type direct sriov_port
	os image create --disk-format raw --container-format bare --file "$LAB_DIR/probe.img" probe
	os flavor create --ram 64 --disk 1 --vcpus 1 m1.small
	os server create --flavor m1.small --image probe --nic "port-id=$(os port show sriov_port -f value -c id)" sr-iov-instance1
	until_true 240 sh -c 'openstack server show sr-iov-instance1 -f value -c status | grep -x "ACTIVE\|ERROR"'
	os server show sr-iov-instance1 -f value -c status -c fault | grep -x ACTIVE
	lab run 'ip link show p5p1' | grep "$(os port show sriov_port -f value -c mac_address).*vlan 10[12]"
	devices | grep "taken *sr-iov-instance1"
	until_true 180 sh -c 'openstack console log show sr-iov-instance1 | grep -a "PROBE done"'
}

test_an_upgrade_leaves_the_guest_alone() {
	local before agent
	before=$(guest_pid; lab run 'ip link show p5p1 | grep "vf "')
	agent=$(lab run 'pgrep -x penstock-agent')
	lab run 'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --reinstall /debs/penstock*.deb'
	until_true 60 lab run 'systemctl is-active -q penstockd && systemctl is-active -q penstock-agent'
	[ "$(lab run 'pgrep -x penstock-agent')" != "$agent" ]
	[ "$(guest_pid; lab run 'ip link show p5p1 | grep "vf "')" = "$before" ]
	. "$LAB_DIR/openrc"
	until_true 60 sh -c 'openstack network agent list -f value -c Alive | grep -qx True'
	[ "$(os server show sr-iov-instance1 -f value -c status)" = ACTIVE ]
}

test_a_backup_is_restored() {
	lab run 'sqlite3 /var/lib/penstock/penstock.db ".backup /root/penstock.db" && systemctl stop penstockd &&
		rm -f /var/lib/penstock/penstock.db-wal /var/lib/penstock/penstock.db-shm &&
		install -o penstock -g penstock -m 600 /root/penstock.db /var/lib/penstock/penstock.db && systemctl start penstockd'
	. "$LAB_DIR/openrc"
	[ "$(os server show sr-iov-instance1 -f value -c status)" = ACTIVE ]
}

test_a_purge_leaves_guests_alone() {
	local before
	before=$(guest_pid)
	[ -n "$before" ]
	lab run 'DEBIAN_FRONTEND=noninteractive apt-get purge -y -q penstock-agent penstockd penstock'
	[ "$(guest_pid)" = "$before" ]
	lab run 'ls /var/lib/penstock/agent/instances/*/grant.json && test -s /var/lib/penstock/penstock.db'
	lab run '! pgrep -x penstockd && ! pgrep -x penstock-agent && ! ls /etc/penstock/penstock.conf'
}

mkdir -p "$work"
rm -f "$LAB_DIR/openrc"
ls "$build"/deb/penstock_*.deb > /dev/null || exit 1
lab down
make_root || { echo "not ok package installing"; exit 1; }
check they_work_without_systemd
if [ -z "${BOOT-yes}" ]; then
	[ "$failures" = 0 ]
	exit
fi
if ! make_lab || ! lab up; then
	echo "not ok package the machine"
	exit 1
fi
for test in the_controller_runs_without_privileges the_agent_waits_for_a_token commands_and_manuals_are_there a_host_is_made_ready a_host_joins \
	a_guest_gets_a_vf an_upgrade_leaves_the_guest_alone a_backup_is_restored a_purge_leaves_guests_alone; do
	check "$test"
	[ "$failures" = 0 ] || break # each builds on what is before it
done
[ -n "${KEEP:-}" ] || lab down
[ "$failures" = 0 ]
