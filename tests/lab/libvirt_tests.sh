# Lab tests of what a libvirtd that was killed leaves behind, read by lab_test.sh.
# shellcheck shell=bash disable=SC2034
LIBVIRT_TESTS="a_guest_that_libvirt_holds_on_to_ends_and_starts_again a_guest_that_libvirt_does_not_know_is_ended \
	dnsmasq_of_a_lost_network_is_ended"

libvirtd_kill() { lab run "pkill -9 -x libvirtd; while pgrep -x libvirtd; do sleep 0.05; done"; }
# What a killed one had begun to start may still hold its pid file; its unit starts it again, too.
libvirtd_start() { lab run "until libvirtd -d -f /etc/libvirt/libvirtd.conf; do sleep 0.1; done; until virsh -q uri > /dev/null 2>&1; do sleep 0.2; done"; }
status_file() { lab run "grep -l '<uuid>$1<' /run/libvirt/qemu/*.xml"; }
vfs_are_clean() { [ "$(vf_dirt)" = 0 ]; }
has_no_qemu() { [ -z "$(lab run "pgrep -f -- '-uuid $1'; true")" ]; }

# hold_on SERVER: as if libvirtd had been killed when it had written that it starts the guest, and before there was a process.
hold_on() {
	local file
	file=$(status_file "$1")
	lab run "pkill -9 -x penstock-agent; pkill -9 -x libvirtd; pkill -9 -f -- '-uuid $1'
		while pgrep -x libvirtd || pgrep -x qemu-system-x86; do sleep 0.05; done
		sed -i \"s/<domstatus .*/<domstatus state='paused' reason='starting up' pid='0'>/; s/^  <domain type=/  <job type='none' async='start' flags='0x0' asyncStarted='1796020964625'\\/>\\n&/\" $file
		rm -f /var/lib/penstock/agent/instances/$1/started"
	libvirtd_start
	lab run "virsh -q domstate $1 --reason" | says "paused (starting up)"
	restart penstock-agent
}

test_a_guest_that_libvirt_holds_on_to_ends_and_starts_again() {
	local p s
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	hold_on "$s"
	until_true 180 is_status "$s" ERROR
	api GET "/compute/v2.1/servers/$s" | says "libvirt was killed while it was at an earlier start"
	until_true 30 vfs_are_clean
	libvirtd_kill
	libvirtd_start
	[ -z "$(lab run 'virsh -q list --all')" ]
	api POST "/compute/v2.1/servers/$s/action" '{"reboot":{"type":"HARD"}}'
	until_true 180 is_status "$s" ACTIVE
	lab run "virsh -q domstate $s" | says running
	hold_on "$s"
	delete_server "$s"
	lab run "grep 'holds on to the guest $s' /var/log/penstock/penstock-agent.log" | says "please do that"
	libvirtd_kill
	libvirtd_start
	clean
}

test_a_guest_that_libvirt_does_not_know_is_ended() {
	local p s file
	p=$(make_port)
	s=$(make_server "$FLAVOR" '[{"port":"'"$p"'"}]')
	until_true 180 is_status "$s" ACTIVE
	file=$(status_file "$s")
	libvirtd_kill
	lab run "rm $file"
	libvirtd_start
	[ -z "$(lab run 'virsh -q list --all')" ]
	! has_no_qemu "$s"
	delete_server "$s"
	has_no_qemu "$s"
	clean
}

test_dnsmasq_of_a_lost_network_is_ended() {
	local net s s2 before
	net=$(api POST /network/v2.0/networks '{"network":{"name":"private"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$net"'","ip_version":4,"cidr":"192.168.98.0/24"}}' > /dev/null
	s=$(make_server "$FLAVOR" '[{"uuid":"'"$net"'"}]')
	until_true 180 is_status "$s" ACTIVE
	before=$(lab run "pgrep -x dnsmasq")
	[ -n "$before" ]
	# It was killed when it had ended the guest, and was ending the network.
	libvirtd_kill
	lab run "pkill -9 -f -- '-uuid $s'; rm -f /run/libvirt/network/penstock-$net.*"
	libvirtd_start
	[ "$(lab run "pgrep -x dnsmasq")" = "$before" ]
	s2=$(make_server "$FLAVOR" '[{"uuid":"'"$net"'"}]')
	until_true 180 is_status "$s2" ACTIVE
	lab run "ps -o pid= -C dnsmasq; virsh -q net-list" | says "penstock-$net"
	! lab run "pgrep -x dnsmasq" | grep -qx "${before%%$'\n'*}"
	# ... and now no other server comes.
	libvirtd_kill
	lab run "rm -f /run/libvirt/network/penstock-$net.*"
	libvirtd_start
	delete_server "$s2"
	delete_server "$s"
	[ -z "$(lab run "pgrep -x dnsmasq; ip -o link show type bridge; true")" ]
	clean
}
