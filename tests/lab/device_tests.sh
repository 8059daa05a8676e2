# Lab tests of devices that are not well, read by lab_test.sh: what others left on them, quarantine, the release hook, a VF that is held.
DEVICE_TESTS="a_foreign_mac_is_cleaned_before_the_vf_is_offered a_quarantined_device_says_why_and_is_not_given \
	the_release_hook_runs_before_a_drive_is_free a_pf_is_refused_while_its_vf_is_held"

penstock() { lab run "/usr/local/bin/penstock $* --config-file /run/lab/etc/nova.conf --config-file /run/lab/etc/penstock.conf"; }
pci_health() { # ADDRESS
	api GET /compute/v2.1/os-pci/detail | python3 -c 'import json,sys
print([d["health"] for d in json.load(sys.stdin)["pci_devices"] if d["address"] == sys.argv[1]][0])' "$1"
}
is_healthy() { [ "$(pci_health "$1")" = ok ]; }
is_ill() { [ "$(pci_health "$1")" != ok ]; }
vf_line() { lab run "ip link show p5p1" | grep "vf $1 "; }
vf_is_clean() { ! vf_line "$1" | grep -q 'vlan\|02:11:22'; }

# P3: left by another program, found by the agent at its start, and while it runs.
test_a_foreign_mac_is_cleaned_before_the_vf_is_offered() {
	local vf=0000:21:10.4
	lab run "pkill -9 -x penstock-agent; ip link set p5p1 vf 2 mac 02:11:22:33:44:55 vlan 77; ip link show p5p1" | says "vf 2 .*02:11:22:33:44:55.*vlan 77"
	restart penstock-agent
	until_true 60 vf_is_clean 2
	lab run 'grep -q "(VF 2 of p5p1) is nobody.s and has MAC 02:11:22:33:44:55, VLAN 77: cleaned" /var/log/penstock/penstock-agent.log'
	until_true 30 is_healthy "$vf"
	lab run "ip link set p5p1 vf 2 mac 02:11:22:33:44:66"
	until_true 60 vf_is_clean 2
	clean
}

# P4, P17: what the operator or the agent put there is not given, and says why everywhere; the agent's check lets it out.
test_a_quarantined_device_says_why_and_is_not_given() {
	local vf=0000:21:10.0 p s
	lab run "mkdir -p /var/lib/penstock/agent/quarantine; echo '{\"address\": \"$vf\", \"reason\": \"it dropped packets\", \"since\": \"2026-11-30T01:02:03Z\"}' > /var/lib/penstock/agent/quarantine/$vf.json"
	until_true 30 is_ill "$vf"
	pci_health "$vf" | says "quarantined: it dropped packets"
	penstock device list | says "$vf .*quarantined .*it dropped packets"
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	lab run "ip link show p5p1" | says "vf [1-4] .*$(port_mac "$p")" # the lowest address would have been VF 0
	delete_server "$s"
	penstock device release "$vf" | says "$vf is out of quarantine"
	until_true 30 is_healthy "$vf"
	# One that is bound to vfio-pci and held by somebody whom Penstock does not know.
	lab run "echo vfio-pci > /sys/bus/pci/devices/$vf/driver_override; echo $vf > /sys/bus/pci/drivers_probe
		g=\$(basename \$(readlink /sys/bus/pci/devices/$vf/iommu_group)); setsid sh -c 'exec 9<>/dev/vfio/'\$g' sleep 300' > /dev/null 2>&1 < /dev/null & sleep 0.2"
	until_true 60 is_ill "$vf"
	pci_health "$vf" | says "held by sleep (process "
	lab run "pkill -x sleep; echo $vf > /sys/bus/pci/drivers/vfio-pci/unbind; echo > /sys/bus/pci/devices/$vf/driver_override"
	until_true 60 is_healthy "$vf"
	clean
}

# P35: the guest's traces on an NVMe drive go before anybody else gets it; a hook that fails keeps the drive.
test_the_release_hook_runs_before_a_drive_is_free() {
	local drive=0000:22:00.0 flavor s
	printf '%s\n' '#!/bin/sh' 'set -e' 'echo "$@" >> /run/hook.ran' '[ ! -e /run/hook.fails ] || { echo "no namespace to format" >&2; exit 1; }' \
		'case $PENSTOCK_CLASS in 0108*) for i in $(seq 100); do [ -b /dev/nvme0n1 ] && break; sleep 0.1; done' \
		'readlink /sys/bus/pci/devices/$PENSTOCK_DEVICE/driver >> /run/hook.ran' \
		'cat /var/lib/penstock/agent/ledger/$PENSTOCK_DEVICE >> /run/hook.ran' \
		'dd if=/dev/zero of=/dev/nvme0n1 bs=4096 count=1 conv=fsync 2> /dev/null && echo wiped >> /run/hook.ran;; esac' > "$LAB_DIR/out/hook"
	chmod +x "$LAB_DIR/out/hook"
	lab run 'rm -f /run/hook.*'
	configure '
device_spec = {"vendor_id": "1b36", "product_id": "0010"}
alias = {"name": "nvme", "vendor_id": "1b36", "product_id": "0010", "device_type": "type-PF"}
release_hook = /run/lab/out/hook'
	flavor=$(make_flavor '"pci_passthrough:alias":"nvme:1"')
	until_true 30 fits "$flavor"
	s=$(make_server "$flavor" '"none"')
	until_true 180 is_status "$s" ACTIVE
	delete_server "$s"
	# It is free as soon as the server is gone: then the hook has run, with the drive under its driver and still the server's.  (The
	# lab's drive keeps nothing that is written to it.)
	lab run 'cat /run/hook.ran' | says "^$drive 010802 nvme $s$"
	lab run 'cat /run/hook.ran' | says "/nvme$"
	lab run 'cat /run/hook.ran' | says "\"server_id\": \"$s\""
	lab run 'cat /run/hook.ran' | says "^wiped$"
	lab run 'touch /run/hook.fails'
	s=$(make_server "$flavor" '"none"')
	until_true 180 is_status "$s" ACTIVE
	delete_server "$s"
	pci_health "$drive" | says "no namespace to format"
	s=$(make_server "$flavor" '"none"')
	until_true 60 is_status "$s" ERROR
	api GET "/compute/v2.1/servers/$s" | field server.fault.details | says "1 of 1 cannot be used now ($drive: quarantined: .*no namespace to format"
	delete_server "$s"
	lab run 'rm /run/hook.fails'
	penstock device release "$drive"
	until_true 30 fits "$flavor"
	configure_back
	clean
}

# A VF that somebody else holds: the PF stays where it is, with its VFs.
test_a_pf_is_refused_while_its_vf_is_held() {
	local vf s
	vf=$(lab run 'basename $(readlink /sys/class/net/p5p2/device/virtfn0)')
	lab run "echo vfio-pci > /sys/bus/pci/devices/$vf/driver_override; echo $vf > /sys/bus/pci/drivers_probe
		g=\$(basename \$(readlink /sys/bus/pci/devices/$vf/iommu_group)); setsid sh -c 'exec 9<>/dev/vfio/'\$g' sleep 300' > /dev/null 2>&1 < /dev/null & sleep 0.2"
	s=$(make_server "$PF_FLAVOR" '"none"')
	until_true 180 is_status "$s" ERROR
	lab run "grep 'one of its VFs is with a guest' /var/log/penstock/penstock-agent.log; ip link show p5p2" | says "one of its VFs is with a guest ($vf)"
	lab run "ip link show p5p2 | grep -q ',UP' && [ \$(ls -d /sys/class/net/p5p2/device/virtfn* | wc -l) = 2 ]"
	delete_server "$s"
	lab run "pkill -x sleep; echo $vf > /sys/bus/pci/drivers/vfio-pci/unbind; echo > /sys/bus/pci/devices/$vf/driver_override"
	clean
}
