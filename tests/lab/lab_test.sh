#!/bin/bash
# Lab tests: penstockd and penstock-agent on a real kernel with real SR-IOV, with the quick probe guest.
# lab_test.sh BUILD-FOLDER; prints "ok lab NAME" lines.  ONLY="NAME ..." runs only those.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
export LAB_DIR=${LAB_DIR:-$build/lab} LAB_RUN_TIMEOUT=120 PYTHONWARNINGS=ignore
port=${LAB_TEST_PORT:-18775}

# shellcheck source=tests/lab/functions.sh
. "$root/tests/lab/functions.sh"

setup() {
	lab down
	LAB_HOSTFWD="$port-:5000" lab up || return 1
	programs_copy
	site_start
}

test_two_vfs_talk_over_their_vlan_and_leave_no_trace() {
	local p1 p2 s1 s2 ip1
	p1=$(make_port) p2=$(make_port)
	ip1=$(api GET "/network/v2.0/ports/$p1" | field port.fixed_ips.0.ip_address)
	s1=$(make_server "$FLAVOR" '[{"port":"'"$p1"'"}]')
	s2=$(make_server "$FLAVOR" '[{"port":"'"$p2"'"}]' "$ip1")
	until_true 180 is_status "$s1" ACTIVE
	until_true 180 is_status "$s2" ACTIVE
	lab run "ip link show p5p1" | says "$(port_mac "$p1").*vlan 10[12]"
	until_true 180 console_says "$s2" "PROBE ping $ip1 3/3"
	console "$s2" | says "mac=$(port_mac "$p2")"
	delete_server "$s1"
	delete_server "$s2"
	clean
}

test_a_whole_pf_goes_and_comes_back_as_it_was() {
	local s mac
	mac=$(lab run 'cat /sys/class/net/p5p2/address') # it follows LAB_ID
	s=$(make_server "$PF_FLAVOR" '"none"')
	[ -n "$s" ]
	until_true 180 is_status "$s" ACTIVE
	lab run "! ip link show p5p2"
	until_true 180 console_says "$s" "PROBE pf .*mac=$mac"
	delete_server "$s"
	lab run "ip link show p5p2 | grep -q ',UP' && [ \$(cat /sys/class/net/p5p2/device/sriov_numvfs) = 2 ] && readlink /sys/class/net/p5p2/device/driver | grep -q igb"
	clean
}

test_restarts_go_unnoticed_by_guests() {
	local p1 p2 s1 s2 s before alive
	p1=$(make_port) p2=$(make_port)
	s1=$(make_server "$FLAVOR" '[{"port":"'"$p1"'"}]') s2=$(make_server "$FLAVOR" '[{"port":"'"$p2"'"}]')
	for s in "$s1" "$s2"; do
		until_true 180 is_status "$s" ACTIVE
		until_true 180 console_says "$s" "PROBE done"
	done
	before=$(lab run "pgrep -f guest=instance; ip link show p5p1")
	restart penstockd
	restart penstock-agent
	until_true 60 curl -sf -o /dev/null "http://127.0.0.1:$port/identity/v3"
	for s in "$s1" "$s2"; do
		until_true 60 console_says "$s" "PROBE"
		alive=$(console "$s" | grep -c "PROBE alive" || true)
		until_true 60 console_says "$s" "PROBE alive $((alive + 1))"
		is_status "$s" ACTIVE
	done
	[ "$(lab run "pgrep -f guest=instance; ip link show p5p1")" = "$before" ]
	delete_server "$s1"
	delete_server "$s2"
	clean
}

# A guest that does what its config drive says: the static address on the VF, DHCP on the standard NIC.
test_a_linux_guest_finds_its_addresses() {
	local image kernel ramdisk net p s flavor
	kernel=$(make_image linux-guest.vmlinux aki aki) ramdisk=$(make_image linux-guest.initrd ari ari)
	image=$(make_image linux-guest.img raw bare ',"kernel_id":"'"$kernel"'","ramdisk_id":"'"$ramdisk"'","os_command_line":"'"$(cat "$LAB_DIR/linux-guest.cmdline")"'"')
	flavor=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"linux","ram":256,"disk":1,"vcpus":1}}' | field flavor.id)
	net=$(api POST /network/v2.0/networks '{"network":{"name":"private"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$net"'","ip_version":4,"cidr":"192.168.99.0/24"}}' > /dev/null
	p=$(make_port)
	s=$(IMAGE=$image make_server "$flavor" '[{"port":"'"$p"'"},{"uuid":"'"$net"'"}]')
	until_true 180 is_status "$s" ACTIVE
	until_true 400 console_says "$s" "GUEST done"
	console "$s" | says "driver=igbvf mac=$(port_mac "$p") static $(api GET "/network/v2.0/ports/$p" | field port.fixed_ips.0.ip_address)/24"
	console "$s" | says "driver=virtio_net .* dhcp $(api GET "/compute/v2.1/servers/$s" | field server.addresses.private.0.addr)"
	delete_server "$s"
	clean
}

# A VF that stays with its driver: the guest has a virtio NIC, a macvtap on the VF's network device, and speaks with a guest that has a VF.
test_a_macvtap_port_speaks_through_its_vf() {
	local vf=0000:21:10.0 image kernel ramdisk flavor p1 p2 s1 s2 netdev mac xml
	lab run "modprobe -a igbvf macvtap; echo igbvf > /sys/bus/pci/devices/$vf/driver_override; echo $vf > /sys/bus/pci/drivers_probe"
	netdev=$(lab run "ls /sys/bus/pci/devices/$vf/net") mac=$(lab run "cat /sys/bus/pci/devices/$vf/net/*/address")
	kernel=$(make_image linux-guest.vmlinux aki aki) ramdisk=$(make_image linux-guest.initrd ari ari)
	image=$(make_image linux-guest.img raw bare ',"kernel_id":"'"$kernel"'","ramdisk_id":"'"$ramdisk"'","os_command_line":"'"$(cat "$LAB_DIR/linux-guest.cmdline")"'"')
	flavor=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"tapped","ram":256,"disk":1,"vcpus":1}}' | field flavor.id)
	p1=$(make_port macvtap) p2=$(make_port)
	s2=$(api GET "/network/v2.0/ports/$p2" | field port.fixed_ips.0.ip_address)
	s1=$(IMAGE=$image make_server "$flavor" '[{"port":"'"$p1"'"}]' "$s2")
	until_true 180 is_status "$s1" ACTIVE
	s2=$(make_server "$FLAVOR" '[{"port":"'"$p2"'"}]')
	until_true 180 is_status "$s2" ACTIVE
	xml=$(lab run "virsh -q dumpxml $s1")
	echo "$xml"
	grep -q "<source dev='$netdev' mode='passthrough'/>" <<< "$xml"
	lab run "readlink /sys/bus/pci/devices/$vf/driver; ip link show p5p1; ip -d link show $netdev" | says "igbvf"
	lab run "ip link show p5p1" | says "vf 0 .*$(port_mac "$p1").*vlan 10[12]"
	lab run "ip link show $netdev" | says "$(port_mac "$p1")"
	until_true 400 console_says "$s1" "GUEST ping .* ok"
	console "$s1" | says "driver=virtio_net mac=$(port_mac "$p1") static"
	delete_server "$s1"
	delete_server "$s2"
	[ "$(lab run "cat /sys/class/net/$netdev/address")" = "$mac" ]
	lab run "echo $vf > /sys/bus/pci/devices/$vf/driver/unbind; echo > /sys/bus/pci/devices/$vf/driver_override; rmmod igbvf"
	clean
}

# Node 1 has one CPU, 32 huge pages of 2 MB and p5p2: a guest that wants a CPU of its own, huge pages and a PF near them gets all of node 1.
test_a_pinned_guest_is_beside_its_device() {
	local flavor s xml near pid
	cp "$LAB_DIR/etc/nova.conf" "$LAB_DIR/out/nova.conf.before"
	printf '[compute]\ncpu_shared_set = 0\ncpu_dedicated_set = 1\n' >> "$LAB_DIR/etc/nova.conf"
	restart penstock-agent
	flavor=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"pinned","ram":64,"disk":1,"vcpus":1}}' | field flavor.id)
	api POST "/compute/v2.1/flavors/$flavor/os-extra_specs" '{"extra_specs":{"hw:cpu_policy":"dedicated","hw:mem_page_size":"2048","hw:pci_numa_affinity_policy":"required","pci_passthrough:alias":"my_PF:1"}}' > /dev/null
	until_true 30 near_is_known "$flavor"
	s=$(make_server "$flavor" '"none"')
	until_true 180 is_status "$s" ACTIVE
	xml=$(lab run "virsh -q dumpxml $s")
	echo "$xml"
	grep -q "<vcpupin vcpu='0' cpuset='1'/>" <<< "$xml"
	grep -q "<memnode cellid='0' mode='strict' nodeset='1'/>" <<< "$xml"
	grep -q "<address domain='0x0000' bus='0x41' slot='0x00' function='0x0'/>" <<< "$xml"
	pid=$(lab run 'pgrep -f guest=instance')
	[ "$(lab run 'cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages')" = 0 ]
	[ "$(lab run "for t in /proc/$pid/task/*; do grep -q CPU.0 \$t/comm && sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' \$t/status; done")" = 1 ]
	until_true 180 console_says "$s" "PROBE pf"
	near=$(make_server "$flavor" '"none"')
	until_true 60 is_status "$near" ERROR
	api GET "/compute/v2.1/servers/$near" | field server.fault.details | says "lab1: needs"
	delete_server "$near"
	delete_server "$s"
	[ "$(lab run 'cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages')" = 32 ]
	[ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM cpu_claim"')" = 0 ]
	mv "$LAB_DIR/out/nova.conf.before" "$LAB_DIR/etc/nova.conf"
	restart penstock-agent
	clean
}
near_is_known() { explain "$1" | says "fits, with 0000:41:00.0, on NUMA node 1 (CPUs 1)"; }
explain() { lab run "/usr/local/bin/penstock explain --config-file /run/lab/etc/nova.conf --config-file /run/lab/etc/penstock.conf --flavor $1"; }
fits() { explain "$1" | says "fits, with"; }

# The lab's NVMe drive (a PF of its own kind, node 0), and two devices that stand for GPUs: 1234:11e8 on node 1, 1234:1111 on node 0.
test_an_nvme_drive_and_a_gpu_go_and_come_back() {
	local flavor far s xml
	configure '
device_spec = {"vendor_id": "1b36", "product_id": "0010"}
device_spec = [{"vendor_id": "1234", "product_id": "11e8"}, {"vendor_id": "1234", "product_id": "1111"}]
alias = {"name": "nvme", "vendor_id": "1b36", "product_id": "0010", "device_type": "type-PF"}
alias = {"name": "gpu", "vendor_id": "1234", "product_id": "11e8", "device_type": "type-PCI"}
alias = {"name": "far-gpu", "vendor_id": "1234", "product_id": "1111", "device_type": "type-PCI", "numa_policy": "required"}
[compute]
cpu_shared_set = 0
cpu_dedicated_set = 1'
	lab run 'cat /sys/class/nvme/nvme*/serial' | says LAB0001
	flavor=$(make_flavor '"pci_passthrough:alias":"nvme:1,gpu:1"')
	until_true 30 fits "$flavor"
	s=$(make_server "$flavor" '"none"')
	until_true 180 is_status "$s" ACTIVE
	xml=$(lab run "virsh -q dumpxml $s")
	echo "$xml"
	grep -q "<address domain='0x0000' bus='0x22' slot='0x00' function='0x0'/>" <<< "$xml"
	grep -q "<address domain='0x0000' bus='0x42' slot='0x00' function='0x0'/>" <<< "$xml"
	[ "$(driver_of 0000:22:00.0) $(driver_of 0000:42:00.0)" = "vfio-pci vfio-pci" ]
	far=$(make_server "$flavor" '"none"')
	until_true 60 is_status "$far" ERROR
	api GET "/compute/v2.1/servers/$far" | field server.fault.details | says "lab1: alias nvme: needs 1 PF: 1 of 1 is in use"
	delete_server "$far"
	delete_server "$s"
	echo "$(driver_of 0000:22:00.0) $(driver_of 0000:42:00.0)" | says "^nvme $"
	until_true 30 lab run 'grep -q LAB0001 /sys/class/nvme/nvme*/serial && [ -b /dev/nvme0n1 ]'

	# The CPU for pinned guests is on node 1.
	s=$(make_server "$(make_flavor '"pci_passthrough:alias":"gpu:1","hw:cpu_policy":"dedicated"')" '"none"')
	far=$(make_server "$(make_flavor '"pci_passthrough:alias":"far-gpu:1","hw:cpu_policy":"dedicated"')" '"none"')
	until_true 180 is_status "$s" ACTIVE
	until_true 60 is_status "$far" ERROR
	lab run "virsh -q dumpxml $s" | says "<vcpupin vcpu='0' cpuset='1'/>"
	delete_server "$far"
	delete_server "$s"
	far=$(make_server "$(make_flavor '"pci_passthrough:alias":"far-gpu:1","hw:cpu_policy":"dedicated"')" '"none"')
	until_true 60 is_status "$far" ERROR
	api GET "/compute/v2.1/servers/$far" | field server.fault.details | says "NUMA policy required"
	delete_server "$far"
	configure_back
	clean
}
# Resized, made an image of, shelved, rebuilt: the guest has a VF with a rate and trust, before and afterwards.
test_a_server_is_resized_shelved_and_rebuilt() {
	local larger policy p s image xml
	configure '
[DEFAULT]
allow_resize_to_same_host = true'
	sed -i 's/"physical_network": "physnet_sriov"}/"physical_network": "physnet_sriov", "trusted": "true"}/' "$LAB_DIR/etc/nova.conf"
	restart_both
	policy=$(api POST /network/v2.0/qos/policies '{"policy":{"name":"slow"}}' | field policy.id)
	api POST "/network/v2.0/qos/policies/$policy/bandwidth_limit_rules" '{"bandwidth_limit_rule":{"max_kbps":99500,"direction":"egress"}}' > /dev/null
	p=$(make_port)
	api PUT "/network/v2.0/ports/$p" '{"port":{"trusted":true,"qos_policy_id":"'"$policy"'"}}' > /dev/null
	larger=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"larger","ram":96,"disk":1,"vcpus":1}}' | field flavor.id)
	until_true 30 explain_port "$p"
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	lab run "ip link show p5p1" | says "vf 0 .*$(port_mac "$p").*vlan 10[12].*max_tx_rate 100Mbps.*trust on"

	api POST "/compute/v2.1/servers/$s/action" '{"resize":{"flavorRef":"'"$larger"'"}}'
	until_true 180 is_status "$s" VERIFY_RESIZE
	xml=$(lab run "virsh -q dumpxml $s")
	grep -q "<memory unit='KiB'>98304</memory>" <<< "$xml"
	[ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM device_claim"')" = 2 ]
	api POST "/compute/v2.1/servers/$s/action" '{"confirmResize":null}'
	until_true 60 is_status "$s" ACTIVE
	until_true 30 one_claim
	lab run "ip link show p5p1" | says "vf .*$(port_mac "$p").*vlan 10[12].*max_tx_rate 100Mbps.*trust on"
	until_true 180 console_says "$s" "PROBE done"

	image=$(api POST "/compute/v2.1/servers/$s/action" '{"createImage":{"name":"of-it"}}' | field image_id)
	until_true 120 image_is_active "$image"

	api POST "/compute/v2.1/servers/$s/action" '{"shelve":null}'
	until_true 180 is_status "$s" SHELVED_OFFLOADED
	until_true 30 clean
	api POST "/compute/v2.1/servers/$s/action" '{"unshelve":null}'
	until_true 180 is_status "$s" ACTIVE
	lab run "ip link show p5p1" | says "vf .*$(port_mac "$p").*vlan 10[12].*max_tx_rate 100Mbps.*trust on"
	until_true 180 console_says "$s" "PROBE done"

	api POST "/compute/v2.1/servers/$s/action" '{"rebuild":{"imageRef":"'"$image"'"}}' > /dev/null
	until_true 30 is_status "$s" REBUILD
	until_true 180 is_status "$s" ACTIVE
	until_true 180 console_says "$s" "PROBE done"
	delete_server "$s"
	api DELETE "/network/v2.0/ports/$p"
	lab run "ip link show p5p1" | says "vf 0 .*trust off"
	configure_back
	clean
}
one_claim() { [ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM device_claim"')" = 1 ]; }
image_is_active() { [ "$(api GET "/image/v2/images/$1" | field status)" = active ]; }
explain_port() { lab run "/usr/local/bin/penstock explain --config-file /run/lab/etc/nova.conf --config-file /run/lab/etc/penstock.conf --flavor $FLAVOR --port $1" | says "fits, with"; }
driver_of() { lab run "d=\$(readlink /sys/bus/pci/devices/$1/driver); echo \${d##*/}"; }
make_flavor() { # EXTRA-SPECS
	local id
	id=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"f'"$RANDOM$RANDOM"'","ram":64,"disk":1,"vcpus":1}}' | field flavor.id)
	api POST "/compute/v2.1/flavors/$id/os-extra_specs" '{"extra_specs":{'"$1"'}}' > /dev/null
	echo "$id"
}
# Both daemons start again with this at the end of [pci] in nova.conf.
configure() {
	cp "$LAB_DIR/etc/nova.conf" "$LAB_DIR/out/nova.conf.before"
	printf '[pci]%s\n' "$1" >> "$LAB_DIR/etc/nova.conf"
	restart_both
}
configure_back() {
	mv "$LAB_DIR/out/nova.conf.before" "$LAB_DIR/etc/nova.conf"
	restart_both
}
restart_both() {
	local log=/var/log/penstock/penstock-agent.log count
	restart penstockd
	until_true 60 curl -sf -o /dev/null "http://127.0.0.1:$port/identity/v3"
	restart penstock-agent
	until_true 60 lab run "tail -n 3 $log | grep -q 'servers of an earlier time'"
	until_true 60 sh -c "curl -s -H 'X-Auth-Token: $TOKEN' http://127.0.0.1:$port/network/v2.0/agents | grep -q '\"alive\": *true'"
}

attach_port() { api POST "/compute/v2.1/servers/$1/os-interface" '{"interfaceAttachment":{"port_id":"'"$2"'"}}' | says "$2"; }
detach_port() { [ "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE -H "X-Auth-Token: $TOKEN" "http://127.0.0.1:$port/compute/v2.1/servers/$1/os-interface/$2")" = 202 ]; }
port_is() { [ "$(api GET "/network/v2.0/ports/$1" | field port.status)" = "$2" ]; }
port_is_free() { [ "$(api GET "/network/v2.0/ports/$1" | field port.device_id)" = "" ]; }
server_action() { api POST "/compute/v2.1/servers/$1/action" '{"'"$2"'":null}'; }
# last_result SERVER ACTION: what became of the action of this name that was asked for last
last_result() {
	local id
	id=$(api GET "/compute/v2.1/servers/$1/os-instance-actions" | python3 -c 'import json,sys
print([a["request_id"] for a in json.load(sys.stdin)["instanceActions"] if a["action"] == sys.argv[1]][0])' "$2")
	api GET "/compute/v2.1/servers/$1/os-instance-actions/$id" | field instanceAction.events.0.result
}
lets_go_again() { [ "$(console "$1" | grep -c "PROBE lets go")" -gt "$2" ]; }
result_is() { [ "$(last_result "$1" "$2")" = "$3" ]; }

# A VF comes into a guest that runs and goes out of it: the quick guest lets go when it is asked to; while its CPUs stand still it cannot.
test_a_port_is_attached_and_detached() {
	local p1 p2 s mac2 before
	p1=$(make_port) p2=$(make_port)
	mac2=$(port_mac "$p2")
	s=$(make_server "$FLAVOR" '[{"port":"'"$p1"'"}]')
	until_true 180 is_status "$s" ACTIVE
	until_true 180 console_says "$s" "PROBE done"
	attach_port "$s" "$p2"
	until_true 60 port_is "$p2" ACTIVE
	result_is "$s" attach_interface Success
	lab run "ip link show p5p1" | says "$mac2.*vlan 10[12]"
	lab run "virsh -q dumpxml $s" | says "<alias name='ua-$p2'/>"
	until_true 60 console_says "$s" "PROBE sees 03:00.0 8086:10ca"
	restart penstock-agent
	detach_port "$s" "$p2"
	until_true 90 port_is_free "$p2"
	console_says "$s" "PROBE lets go"
	[ "$(lab run "virsh -q dumpxml $s | grep -c ua-$p2")" = 0 ]
	[ "$(vf_dirt)" = 1 ]
	[ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM device_claim"')" = 1 ]
	is_status "$s" ACTIVE
	server_action "$s" pause
	until_true 60 is_status "$s" PAUSED
	detach_port "$s" "$p1"
	until_true 90 result_is "$s" detach_interface Error
	lab run "virsh -q dumpxml $s" | says "<alias name='ua-$p1'/>"
	[ "$(vf_dirt)" = 1 ]
	before=$(console "$s" | grep -c "PROBE lets go")
	server_action "$s" unpause
	until_true 60 is_status "$s" ACTIVE
	# It hears now that it was asked; the port is the server's still, and comes back.
	until_true 60 lets_go_again "$s" "$before"
	until_true 90 sh -c "'$root/lab/lab' run 'virsh -q dumpxml $s' | grep -q ua-$p1"
	until_true 60 port_is "$p1" ACTIVE
	detach_port "$s" "$p1"
	until_true 90 port_is_free "$p1"
	until_true 60 console_says "$s" "PROBE alive"
	delete_server "$s"
	clean
}

# Its memory goes to a file and comes back, its VF out of it before and into it again.
test_a_suspended_server_gets_its_vf_back() {
	local p s
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	until_true 180 console_says "$s" "PROBE done"
	server_action "$s" suspend
	until_true 180 is_status "$s" SUSPENDED
	[ -z "$(lab run 'virsh -q list')" ]
	[ "$(vf_dirt)" = 1 ]
	server_action "$s" resume
	until_true 180 is_status "$s" ACTIVE
	until_true 60 port_is "$p" ACTIVE
	lab run "virsh -q dumpxml $s" | says "<alias name='ua-$p'/>"
	until_true 60 console_says "$s" "PROBE plugged"
	[ "$(console "$s" | grep -c "PROBE up")" = 1 ]
	delete_server "$s"
	clean
}

# kill -9 of each daemon at ten random moments while servers are made and deleted.
test_kill_9_at_random_moments_loses_nothing() {
	local seed=${SEED:-$RANDOM} round daemon p s
	echo "seed $seed"
	RANDOM=$seed
	for round in 1 2 3 4 5 6 7 8 9 10; do
		for daemon in penstockd penstock-agent; do
			p=$(make_port)
			s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
			[ $((RANDOM % 2)) = 0 ] || { sleep "0.$((RANDOM % 10))"; api DELETE "/compute/v2.1/servers/$s"; }
			sleep "$((RANDOM % 2)).$((RANDOM % 10))"
			restart "$daemon"
			until_true 90 api GET /identity/v3
			until_true 90 sh -c "curl -sf -o /dev/null http://127.0.0.1:$port/identity/v3"
			until_true 180 sh -c "curl -s -H 'X-Auth-Token: $TOKEN' http://127.0.0.1:$port/compute/v2.1/servers/$s | grep -q '\"status\":\"ACTIVE\"\|\"status\":\"ERROR\"\|itemNotFound'"
			is_gone "$s" || api DELETE "/compute/v2.1/servers/$s"
			until_true 180 is_gone "$s"
			api DELETE "/network/v2.0/ports/$p"
			echo "round $round $daemon: fine"
		done
	done
	clean
}

. "$root/tests/lab/cli_tests.sh"
. "$root/tests/lab/device_tests.sh"
. "$root/tests/lab/libvirt_tests.sh"
. "$root/tests/lab/nic_tests.sh"
. "$root/tests/lab/field_tests.sh"

setup || setup || { echo "not ok lab setup"; exit 1; }
for test in two_vfs_talk_over_their_vlan_and_leave_no_trace a_whole_pf_goes_and_comes_back_as_it_was \
	restarts_go_unnoticed_by_guests a_linux_guest_finds_its_addresses a_macvtap_port_speaks_through_its_vf \
	a_pinned_guest_is_beside_its_device an_nvme_drive_and_a_gpu_go_and_come_back a_server_is_resized_shelved_and_rebuilt a_port_is_attached_and_detached \
	a_suspended_server_gets_its_vf_back host_devices_tells_who_has_a_vf $DEVICE_TESTS $LIBVIRT_TESTS $NIC_TESTS $FIELD_TESTS kill_9_at_random_moments_loses_nothing; do
	[[ -z ${ONLY:-} || " $ONLY " = *" $test "* ]] || continue
	check "$test"
done
lab down
[ "$failures" = 0 ]
