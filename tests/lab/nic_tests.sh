# Lab tests of the NIC agent: what is typed on the host beside it.  Sourced by lab_test.sh.

# vf_of MAC: the number of p5p1's VF that has it
vf_of() { lab run "ip link show p5p1 | sed -n 's/^ *vf \([0-9]*\) .*$1.*/\1/p'"; }
vf_line() { lab run "ip link show p5p1 | grep ' vf $1 '"; }
agent_said() { lab run "grep -c -- \"$1\" /var/log/penstock/penstock-agent.log" > /dev/null; }
vf_is_clean() { vf_line "$1" | says '00:00:00:00:00:00 brd ff:ff:ff:ff:ff:ff, spoof checking on, link-state auto, trust off'; }
devices_of() { lab run "sqlite3 /var/lib/penstock/penstock.db \"SELECT count(*) FROM device WHERE parent = '$1' AND state = 'present'\""; }
devices_are() { [ "$(devices_of "$1")" = "$2" ]; }
# In the host: types `ip link set p5p1 ...` and prints how many milliseconds later `ip link show p5p1` matches PATTERN again; and how many it takes to look once
back_after() { # PATTERN WHAT-IS-TYPED...
	local pattern=$1
	shift
	lab run "now() { echo \$((\$(date +%s%N) / 1000000)); }
start=\$(now); ip link show p5p1 | grep -q -- '$pattern' || exit 1; once=\$((\$(now) - start))
ip link set p5p1 $* || exit 1; start=\$(now)
for i in \$(seq 400); do ip link show p5p1 | grep -q -- '$pattern' && break; done
echo \$((\$(now) - start)) \$once; [ \$i -lt 400 ]"
}
# A second, and what it takes to see it on a machine that does other things, too.
in_a_second() { # PATTERN WHAT-IS-TYPED...
	local ms once
	read -r ms once <<< "$(back_after "$@")"
	echo "$*: put back after $ms ms; looking takes $once ms"
	[ "$ms" -lt $((1000 + 3 * once)) ]
}

# Somebody types `ip link set p5p1 vf N ...` while a guest has the VF.
test_what_is_typed_at_a_guests_vf_is_put_back_in_a_second() {
	local p s vf typed
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	until_true 180 console_says "$s" "PROBE done"
	vf=$(vf_of "$(port_mac "$p")")
	for typed in "mac 02:00:00:00:00:99" "vlan 77" "spoofchk off" "trust on" "max_tx_rate 50"; do
		in_a_second " vf $vf .*$(port_mac "$p").*vlan 10[12][0-9], spoof checking on, link-state auto, trust off" vf "$vf" "$typed"
	done
	agent_said "VF $vf of p5p1 (server $s, port $p): something changed the MAC from $(port_mac "$p") to 02:00:00:00:00:99: put back"
	agent_said "something changed spoof check from on to off: put back"
	agent_said "something changed trust from off to on: put back"
	is_status "$s" ACTIVE
	delete_server "$s"
	clean
}

test_a_pf_that_is_set_down_comes_up_again() {
	in_a_second ',UP' down
	agent_said "p5p1 was down: brought up"
}

# igb knows no link state: the port's status says it.
test_a_ports_admin_state_is_its_status() {
	local p s
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	until_true 60 port_is "$p" ACTIVE
	api PUT "/network/v2.0/ports/$p" '{"port":{"admin_state_up":false}}' | says '"admin_state_up": *false'
	until_true 60 port_is "$p" DOWN
	agent_said "setting link state of VF .* of p5p1: Operation not supported"
	api PUT "/network/v2.0/ports/$p" '{"port":{"admin_state_up":true,"port_security_enabled":false,"security_groups":[]}}' > /dev/null
	until_true 60 port_is "$p" ACTIVE
	until_true 30 lab run "ip link show p5p1 | grep '$(port_mac "$p").*spoof checking off'"
	is_status "$s" ACTIVE
	delete_server "$s"
	clean
}

test_vfs_that_nobody_has_are_looked_after() {
	lab run 'ip link set p5p1 vf 4 mac 02:00:00:00:00:98'
	until_true 10 vf_is_clean 4
	agent_said "(VF 4 of p5p1) is nobody's and has MAC 02:00:00:00:00:98, VLAN 0: cleaned"
	# Another number of VFs is seen without a restart.
	until_true 10 devices_are 0000:41:00.0 2
	lab run 'echo 0 > /sys/class/net/p5p2/device/sriov_numvfs; echo 4 > /sys/class/net/p5p2/device/sriov_numvfs'
	until_true 10 devices_are 0000:41:00.0 4
	lab run 'echo 0 > /sys/class/net/p5p2/device/sriov_numvfs; echo 2 > /sys/class/net/p5p2/device/sriov_numvfs'
	until_true 10 devices_are 0000:41:00.0 2
	clean
}

# An unclean end left the port's MAC on another VF: it is gone before the guest starts.
test_a_mac_is_on_one_vf_only() {
	local p s mac
	p=$(make_port)
	mac=$(port_mac "$p")
	lab run 'pkill -9 -x penstock-agent; while pgrep -x penstock-agent > /dev/null; do sleep 0.05; done'
	lab run "ip link set p5p1 vf 3 mac $mac; ip link set p5p1 vf 3 vlan 7"
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	restart penstock-agent
	until_true 180 is_status "$s" ACTIVE
	[ "$(lab run "ip link show p5p1 | grep -c $mac")" = 1 ]
	until_true 10 vf_is_clean 3
	delete_server "$s"
	clean
}

# One that is not ours to clean is looked at before the VF is given: two VFs with one MAC would take each other's frames.
test_a_mac_on_a_vf_that_is_not_offered_is_seen() {
	local p s mac
	configure '
[sriov_nic]
physical_device_mappings = physnet_sriov:p5p1
exclude_devices = p5p1:0000:21:11.0'
	p=$(make_port)
	mac=$(port_mac "$p")
	lab run "ip link set p5p1 vf 4 mac $mac"
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ERROR
	api GET "/compute/v2.1/servers/$s" | says "VF 4 of p5p1 (0000:21:11.0), which is not offered, has the port's MAC address already"
	[ "$(vf_of "$mac")" = 4 ]
	lab run 'ip link set p5p1 vf 4 mac 00:00:00:00:00:00'
	delete_server "$s"
	configure_back
	clean
}

test_what_the_nic_lacks_is_refused_at_the_port() {
	local policy answer
	policy=$(api POST /network/v2.0/qos/policies '{"policy":{"name":"minimum"}}' | field policy.id)
	api POST "/network/v2.0/qos/policies/$policy/minimum_bandwidth_rules" '{"minimum_bandwidth_rule":{"min_kbps":1000}}' > /dev/null
	answer=$(api POST /network/v2.0/ports '{"port":{"network_id":"'"$NET"'","binding:vnic_type":"direct","qos_policy_id":"'"$policy"'"}}')
	echo "$answer" | says 'QosRuleNotSupported'
	echo "$answer" | says 'the NICs of physnet_sriov (igb on lab[0-9]*) have no minimum rate of a VF'
	api GET /network/v2.0/agents | says '"lacks": *\["link_state", *"min_rate", *"802.1ad"\]'
}

# Frames of the network would not get through the PF.
test_a_network_with_larger_frames_than_the_pf_is_refused() {
	local p s
	lab run 'ip link set p5p1 mtu 1400'
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ERROR
	api GET "/compute/v2.1/servers/$s" | says "the MTU of p5p1 is 1400, and the network of port $p has 1500"
	delete_server "$s"
	lab run 'ip link set p5p1 mtu 1500'
	clean
}

NIC_TESTS="what_is_typed_at_a_guests_vf_is_put_back_in_a_second a_pf_that_is_set_down_comes_up_again a_ports_admin_state_is_its_status
	vfs_that_nobody_has_are_looked_after a_mac_is_on_one_vf_only a_mac_on_a_vf_that_is_not_offered_is_seen what_the_nic_lacks_is_refused_at_the_port
	a_network_with_larger_frames_than_the_pf_is_refused"
