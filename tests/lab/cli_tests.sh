#!/bin/bash
# Lab tests of the operator's command on the host itself: sourced by lab_test.sh, whose functions they use.
# shellcheck disable=SC2154

cli_devices() { lab run "/usr/local/bin/penstock host devices --config-file /run/lab/etc/nova.conf --config-file /run/lab/etc/penstock.conf $*"; }
# device_is ADDRESS STATE [SERVER]: by the JSON
device_is() {
	cli_devices --json | python3 -c 'import json,sys
d = [d for d in json.load(sys.stdin)["devices"] if d["address"] == sys.argv[1]][0]
print(d["state"], (d["server"] or {}).get("name", "") or "")' "$1" | says "^$2 ${3:-}$"
}

# A VF by its server's name, and free again; the same with the agent away, and as a user who may not look.
test_host_devices_tells_who_has_a_vf() {
	local p s vf
	cli_devices | says "^0000:21:00.0 .*p5p1 .*igb .*5 of 7 VFs; up"
	cli_devices | says "Intel Corporation 82576 Gigabit Network Connection \[8086:10c9\]"
	device_is 0000:21:10.0 free
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	vf=$(lab run "virsh -q dumpxml $s | sed -n '/hostdev/,/\/hostdev/s/.*<address domain=.0x0000. bus=.0x21. slot=.0x\(..\). function=.0x\(.\).*/0000:21:\1.\2/p'" | head -1)
	device_is "$vf" taken t
	cli_devices | says "$vf .*vfio-pci .*physnet_sriov .*taken .* t ($s)"
	device_is 0000:21:00.0 unavailable
	lab run "pkill -9 -x penstock-agent; while pgrep -x penstock-agent > /dev/null; do sleep 0.05; done"
	device_is "$vf" taken t
	lab run "setpriv --reuid 65534 --regid 65534 --clear-groups /usr/local/bin/penstock host devices --config-file /run/lab/etc/nova.conf 2>&1" | says "instances: Permission denied"
	lab run "setsid /run/start-penstock-agent > /dev/null 2>&1 & sleep 0.1"
	delete_server "$s"
	device_is "$vf" free
	api DELETE "/network/v2.0/ports/$p"
	clean
}
