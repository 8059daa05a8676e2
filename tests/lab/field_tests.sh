# Lab tests of pains that are known from the field (docs/field-notes.md).  Sourced by lab_test.sh.

# nic_of SERVER PORT: "0x02 0000:21:10.0", the bus in the guest and the VF on the host
nic_of() {
	lab run "virsh -q dumpxml $1" | python3 -c 'import sys, xml.etree.ElementTree as tree
for device in tree.parse(sys.stdin).getroot().iter("hostdev"):
    if device.find("alias").get("name") == "ua-" + sys.argv[1]:
        at = device.find("source/address")
        print(device.find("address").get("bus"), "%04x:%02x:%02x.%x" % tuple(int(at.get(k), 16) for k in ("domain", "bus", "slot", "function")))' "$2"
}
# vf_shows ADDRESS: the line of `ip link show p5p1` about this VF
vf_shows() {
	lab run "for i in 0 1 2 3 4 5 6; do [ \"\$(basename \$(readlink /sys/class/net/p5p1/device/virtfn\$i) 2> /dev/null)\" != $1 ] || ip link show p5p1 | grep \" vf \$i \"; done"
}
vf_has() { vf_shows "$1" | says "$2"; }
stop_daemon() { lab run "pkill -9 -x $1; while pgrep -x $1 > /dev/null; do sleep 0.05; done"; }
guests_run() { lab run 'pgrep -f guest=instance'; }

# P19, P20: two ports on two networks, named in another order than they were made in; one goes, the guest starts anew.
test_nics_keep_their_networks_and_places() {
	local second segment first p1 p2 s nic1 nic2
	second=$(api POST /network/v2.0/networks '{"network":{"name":"second","provider:network_type":"vlan","provider:physical_network":"physnet_sriov"}}' | field network.id)
	segment=$(api GET "/network/v2.0/networks/$second" | field network.provider:segmentation_id)
	first=$(api GET "/network/v2.0/networks/$NET" | field network.provider:segmentation_id)
	p2=$(NET=$second make_port) p1=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p1"'"},{"port":"'"$p2"'"}]')
	until_true 180 is_status "$s" ACTIVE
	nic1=$(nic_of "$s" "$p1") nic2=$(nic_of "$s" "$p2")
	[ "${nic1% *} ${nic2% *}" = "0x02 0x03" ]
	vf_has "${nic1#* }" "$(port_mac "$p1").*vlan $first,"
	vf_has "${nic2#* }" "$(port_mac "$p2").*vlan $segment,"
	until_true 180 console_says "$s" "PROBE done"
	console "$s" | says "02:00.0 mac=$(port_mac "$p1")"
	console "$s" | says "03:00.0 mac=$(port_mac "$p2")"
	detach_port "$s" "$p1"
	until_true 90 port_is_free "$p1"
	api POST "/compute/v2.1/servers/$s/action" '{"reboot":{"type":"HARD"}}'
	until_true 60 is_status "$s" HARD_REBOOT
	until_true 180 is_status "$s" ACTIVE
	[ "$(nic_of "$s" "$p2")" = "$nic2" ]
	vf_has "${nic2#* }" "$(port_mac "$p2").*vlan $segment,"
	delete_server "$s"
	api DELETE "/network/v2.0/ports/$p1"
	api DELETE "/network/v2.0/ports/$p2"
	api DELETE "/network/v2.0/networks/$second"
	clean
}

# P1: what another program left on a VF while nobody looked is nothing that the next guest has.
test_what_a_stranger_left_on_a_vf_is_gone() {
	local p s nic
	stop_daemon penstock-agent
	lab run 'for i in 0 1 2 3 4; do ip link set p5p1 vf $i mac 02:00:00:00:01:0$i; ip link set p5p1 vf $i vlan 7 qos 3; ip link set p5p1 vf $i spoofchk off; ip link set p5p1 vf $i trust on; ip link set p5p1 vf $i max_tx_rate 50; done'
	restart penstock-agent
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	nic=$(nic_of "$s" "$p")
	vf_has "${nic#* }" "$(port_mac "$p").*vlan 10[12][0-9], spoof checking on.*trust off"
	[ "$(vf_shows "${nic#* }" | grep -c 'qos\|max_tx_rate')" = 0 ]
	delete_server "$s"
	lab run 'for i in 0 1 2 3 4; do ip link set p5p1 vf $i mac 00:00:00:00:00:00; ip link set p5p1 vf $i vlan 0; ip link set p5p1 vf $i spoofchk on; ip link set p5p1 vf $i trust off; ip link set p5p1 vf $i max_tx_rate 0; done'
	clean
}

# A libvirtd that is killed while it makes a network, or ends one, leaves its bridge: it is in nobody's way.
test_a_bridge_that_libvirt_left_is_removed() {
	local net bridge s
	net=$(api POST /network/v2.0/networks '{"network":{"name":"bridged"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$net"'","ip_version":4,"cidr":"192.168.98.0/24"}}' > /dev/null
	bridge=pbr${net:0:11}
	lab run "ip link add $bridge type bridge"
	s=$(make_server "$FLAVOR" '[{"uuid":"'"$net"'"}]')
	until_true 180 is_settled "$s"
	api GET "/compute/v2.1/servers/$s" | says '"status":"ACTIVE"'
	lab run "ip link show master $bridge" | says "master $bridge"
	# The same when the last server leaves.
	lab run "virsh -q net-destroy $net; ip link add $bridge type bridge"
	delete_server "$s"
	lab run "! ip link show $bridge 2> /dev/null"
	[ "$(lab run "grep -c '$bridge is left of a network that libvirt does not have: removed' /var/log/penstock/penstock-agent.log")" = 2 ]
	# What somebody else is plugged into stays, and the server says why it cannot be built.
	lab run "ip link add $bridge type bridge; ip link add plugged type veth; ip link set plugged master $bridge"
	s=$(make_server "$FLAVOR" '[{"uuid":"'"$net"'"}]')
	until_true 180 is_settled "$s"
	api GET "/compute/v2.1/servers/$s" | says "$bridge"
	is_status "$s" ERROR
	lab run "ip link show master $bridge" | says "plugged"
	delete_server "$s"
	lab run "ip link del plugged; ip link del $bridge"
	api DELETE "/network/v2.0/networks/$net"
	clean
}

# P17, P23: a VF whose driver the host has loaded goes to a guest and comes back with its driver and its network device.
test_a_vf_with_a_driver_comes_back_with_it() {
	local vf=0000:21:10.0 p s netdev
	lab run "modprobe igbvf; echo igbvf > /sys/bus/pci/devices/$vf/driver_override; echo $vf > /sys/bus/pci/drivers_probe"
	until_true 30 lab run "ls /sys/bus/pci/devices/$vf/net | grep -q ."
	netdev=$(lab run "ls /sys/bus/pci/devices/$vf/net")
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	nic_of "$s" "$p" | says "$vf"
	driver_of $vf | says vfio-pci
	until_true 180 console_says "$s" "mac=$(port_mac "$p")"
	delete_server "$s"
	lab run "cd /sys/bus/pci/devices/$vf; echo \$(basename \$(readlink driver)) \$(ls net) \$(cat driver_override)" | says "^igbvf $netdev igbvf"
	lab run "echo $vf > /sys/bus/pci/devices/$vf/driver/unbind; echo > /sys/bus/pci/devices/$vf/driver_override; rmmod igbvf"
	api DELETE "/network/v2.0/ports/$p"
	clean
}

# P18: an agent that starts and cannot ask libvirt does not know what runs: it touches nothing and waits.
test_an_agent_without_libvirt_leaves_guests_alone() {
	local p s before
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	before=$(guests_run; lab run 'ip link show p5p1')
	stop_daemon penstock-agent
	stop_daemon libvirtd
	restart penstock-agent
	until_true 60 lab run 'tail -n 5 /var/log/penstock/penstock-agent.log | grep -q "libvirt.*No such file\|libvirt.*refused\|servers of an earlier time"'
	server_action "$s" os-stop # what is wanted meanwhile is done when libvirt is there again, not before
	until_true 60 lab run 'tail -n 5 /var/log/penstock/penstock-agent.log | grep -q "trying again"'
	[ "$(guests_run; lab run 'ip link show p5p1')" = "$before" ]
	[ "$(status_of "$s")" = ACTIVE ]
	libvirtd_start
	until_true 90 is_status "$s" SHUTOFF
	delete_server "$s"
	api DELETE "/network/v2.0/ports/$p"
	clean
}

# P18: libvirt that goes away in the middle of starting a guest is waited for; it is no reason to fail.
test_libvirt_is_restarted_while_a_server_is_built() {
	local p s
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 90 lab run 'pgrep -x qemu-system-x86'
	stop_daemon libvirtd
	is_status "$s" BUILD
	libvirtd_start
	until_true 180 is_settled "$s"
	api GET "/compute/v2.1/servers/$s" | says '"status":"ACTIVE"'
	delete_server "$s"
	api DELETE "/network/v2.0/ports/$p"
	clean
}

FIELD_TESTS="nics_keep_their_networks_and_places what_a_stranger_left_on_a_vf_is_gone a_bridge_that_libvirt_left_is_removed
	a_vf_with_a_driver_comes_back_with_it an_agent_without_libvirt_leaves_guests_alone libvirt_is_restarted_while_a_server_is_built"
