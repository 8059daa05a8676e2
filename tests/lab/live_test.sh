#!/bin/bash
# Lab test of live migration: two virtual hosts with real SR-IOV on one wire, one penstockd, an agent and a libvirt on each.
# live_test.sh BUILD-FOLDER; prints "ok lab NAME" lines.  ONLY="NAME ..." runs only those.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
first=${LAB_DIR:-$build/lab} second=${LAB_DIR2:-${LAB_DIR:-$build/lab}2}
port=${LAB_TEST_PORT:-18775} wire=${LAB_WIRE_PORT:-$((port + 1))}
export LAB_RUN_TIMEOUT=180 PYTHONWARNINGS=ignore
export LAB_DIR=$first
# shellcheck source-path=SCRIPTDIR/../..
. "$root/tests/lab/functions.sh"

lab1() { LAB_DIR=$first LAB_ID=1 LAB_HOSTFWD="$port-:5000" LAB_UPLINK=socket,listen=127.0.0.1:$wire LAB_APPEND=lab.libvirt_tcp=1 "$root/lab/lab" "$@"; }
lab2() { LAB_DIR=$second LAB_ID=2 LAB_UPLINK=socket,connect=127.0.0.1:$wire LAB_APPEND=lab.libvirt_tcp=1 "$root/lab/lab" "$@"; }
check() { # NAME: runs the function test_NAME
	[ -z "${ONLY:-}" ] || [[ " $ONLY " = *" $1 "* ]] || return 0
	local began=$SECONDS
	(set -e; "test_$1") > "$first/out/test.log" 2>&1
	if [ $? = 0 ]; then
		echo "ok lab $1 ($((SECONDS - began)) s)"
		return
	fi
	sed 's/^/# /' "$first/out/test.log"
	for lab in lab1 lab2; do $lab healthy | sed "s/^/# /"; done
	for lab in lab1 lab2; do $lab run 'tail -n 12 /var/log/penstock/*.log; virsh -q list --all; tail -n 5 /run/lab/x/libvirtd.log' | sed "s/^/# $lab: /"; done
	echo "not ok lab $1"
	failures=$((failures + 1))
	for id in $(api GET /compute/v2.1/servers | grep -o '"id":"[^"]*"' | cut -d'"' -f4); do delete_server "$id" > /dev/null; done
}

make_flavor() { api POST /compute/v2.1/flavors '{"flavor":{"name":"'"$1"'","ram":64,"disk":1,"vcpus":1}}' | field flavor.id; }
server_field() { api GET "/compute/v2.1/servers/$1" | field "server.$2"; }
is_on() { [ "$(server_field "$1" OS-EXT-SRV-ATTR:host) $(server_field "$1" status)" = "$2 ACTIVE" ]; }
boots() { # SERVER HOST: it is ACTIVE there, and says so
	until_true 240 is_settled "$1"
	api GET "/compute/v2.1/servers/$1" | field server.fault || true
	is_on "$1" "$2"
	until_true 240 console_says "$1" "PROBE alive"
}
alive() { console "$1" | sed -n 's/.*PROBE alive \([0-9]*\).*/\1/p' | tail -n 1; }
enable() { api PUT "/compute/v2.1/os-services/$2" '{"host":"'"$1"'","binary":"nova-compute"}' > /dev/null; }
migration() { api GET "/compute/v2.1/os-migrations?instance_uuid=$1" | field "migrations.0.$2"; }
is_completed() { [ "$(migration "$1" status)" = completed ]; }
is_over() { [ "$(lab1 run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM server_move WHERE open"')" = 0 ]; }
clean_host() { # LAB: no VF has a MAC or VLAN of ours, nothing runs, nothing is bound to vfio-pci, no file is left
	[ "$($1 run "ip link show p5p1 | grep 'vf ' | grep -c 'vlan\|fa:16:3e'; virsh -q list --all; virsh -q net-list --all; ls /var/lib/penstock/agent/instances
		for d in /sys/bus/pci/drivers/vfio-pci/0*; do [ -e \$d ] && echo \$d; done; true")" = 0 ]
}

config() { # FOLDER ADDRESS CONTROLLER: demo/*.conf, with a CPU for pinned guests and an address on the wire
	mkdir -p "$1"/{out,bin,etc}
	rm -f "$1"/out/*
	cp "$build/src/penstockd/penstockd" "$build/src/agent/penstock-agent" "$build/src/cli/penstock" "$1/bin/"
	cp "$root"/demo/*.conf "$root"/demo/*.ini "$1/etc/"
	cp "$root/demo/start-in-lab.sh" "$1/"
	printf '[compute]\ncpu_shared_set = 0\ncpu_dedicated_set = 1\n[libvirt]\nlive_migration_inbound_addr = %s\n' "$2" >> "$1/etc/nova.conf"
	sed -i "s|^controller_url = .*|controller_url = $3|" "$1/etc/penstock.conf"
}

setup() {
	lab1 down
	lab2 down
	LAB_DIR=$first "$root/lab/build.sh" || return 1
	mkdir -p "$second"
	[ -e "$second/vmlinux" ] || cp -a "$first"/{vmlinux,kernel,host.cpio,initramfs,probe.img,linux-guest.*} "$second/"
	[ -e "$second/cache" ] || [ ! -e "$first/cache" ] || cp -a "$first/cache" "$second/"
	config "$first" 192.168.77.1 http://127.0.0.1:5000
	config "$second" 192.168.77.2 http://192.168.77.1:5000
	lab1 up && lab2 up || return 1
	lab1 run 'ip addr add 192.168.77.1/24 dev p5p2'
	lab2 run 'ip addr add 192.168.77.2/24 dev p5p2'
	lab1 run "/run/lab/start-in-lab.sh /run/lab/bin /run/lab/etc http://127.0.0.1:$port /run/lab/out" || return 1
	lab1 run 'cat /run/penstock-agent.token' > "$second/out/token"
	lab2 run 'mkdir -p /var/lib /var/log/penstock /usr/local/bin; cp /run/lab/bin/penstock* /usr/local/bin/
		printf "%s\n" "#!/bin/bash" "exec /usr/local/bin/penstock-agent --config-file /run/lab/etc/nova.conf --config-file /run/lab/etc/ml2_conf.ini --config-file /run/lab/etc/penstock.conf --token-file /run/lab/out/token >> /var/log/penstock/penstock-agent.log 2>&1 < /dev/null" > /run/start-penstock-agent
		chmod +x /run/start-penstock-agent; setsid /run/start-penstock-agent &
		until grep -qs "^[0-9a-f]" /var/lib/penstock/agent/credential; do sleep 0.1; done' || return 1
	login
	NET=$(api POST /network/v2.0/networks '{"network":{"name":"n","provider:network_type":"vlan","provider:physical_network":"physnet_sriov"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$NET"'","ip_version":4,"cidr":"10.0.0.0/24","enable_dhcp":false}}' > /dev/null
	PRIVATE=$(api POST /network/v2.0/networks '{"network":{"name":"private"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$PRIVATE"'","ip_version":4,"cidr":"192.168.99.0/24"}}' > /dev/null
	IMAGE=$(make_image probe.img raw bare)
	FLAVOR=$(make_flavor f) PINNED=$(make_flavor pinned)
	api POST "/compute/v2.1/flavors/$PINNED/os-extra_specs" '{"extra_specs":{"hw:cpu_policy":"dedicated","hw:pci_numa_affinity_policy":"preferred"}}' > /dev/null
	until_true 120 sh -c "[ \$(curl -s -H 'X-Auth-Token: $TOKEN' http://127.0.0.1:$port/network/v2.0/agents | grep -o '\"NIC Switch agent\"' | wc -l) = 2 ]"
	enable lab2 disable
}

# Not booted anew: the console over there goes on counting, and has no "PROBE up".
goes_on() { # SERVER COUNT-BEFORE
	until_true 120 console_says "$1" "PROBE alive"
	console "$1" | says "PROBE alive"
	! console_says "$1" "PROBE up" || return 1
	[ "$(alive "$1")" -gt "$2" ]
}

# Pinned, with a VF and a virtio NIC: there with the openstack command, back while the agent of its host is killed in the middle.
test_a_guest_with_a_vf_goes_to_another_host_and_back_while_it_runs() {
	local p s mac before vlan
	p=$(make_port)
	mac=$(api GET "/network/v2.0/ports/$p" | field port.mac_address)
	s=$(make_server "$PINNED" '[{"port":"'"$p"'"},{"uuid":"'"$PRIVATE"'"}]')
	boots "$s" lab1
	console "$s" | says "mac=$mac"
	vlan=$(lab1 run 'ip link show p5p1' | sed -n "s/.*$mac.*vlan \([0-9]*\).*/\1/p")
	[ -n "$vlan" ]
	enable lab2 enable
	before=$(alive "$s")
	openstack server migrate --live-migration --wait "$s"
	until_true 120 is_on "$s" lab2
	until_true 120 is_completed "$s"
	lab2 run "ip link show p5p1" | says "$mac.*vlan $vlan"
	lab2 run "virsh -q dumpxml $s" | says "<alias name='ua-$p'/>"
	lab2 run "virsh -q dumpxml $s" | says "<vcpupin vcpu='0' cpuset='1'/>"
	until_true 60 console_says "$s" "PROBE sees 02:00.0 8086:10ca"
	goes_on "$s" "$before"
	[ "$(api GET "/network/v2.0/ports/$p" | field port.binding:host_id)" = lab2 ]
	clean_host lab1
	goes_back_without_its_agent "$s" "$mac"
	delete_server "$s"
	clean_host lab1
	clean_host lab2
}
# libvirt goes on, and so does the agent's next life; which of the two ends it is depends on how far libvirt has got.
goes_back_without_its_agent() { # SERVER MAC
	local before now
	before=$(alive "$1")
	api POST "/compute/v2.1/servers/$1/action" '{"os-migrateLive":{"host":"lab1","block_migration":"auto"}}'
	until_true 120 lab2 run "virsh -q domjobinfo $1 | grep -q 'Outgoing migration' || ! virsh -q list --uuid | grep -q $1"
	lab2 run "pkill -9 -x penstock-agent; while pgrep -x penstock-agent > /dev/null; do sleep 0.05; done; setsid /run/start-penstock-agent > /dev/null 2>&1 & sleep 0.1"
	until_true 240 is_over
	now=$(server_field "$1" OS-EXT-SRV-ATTR:host)
	is_on "$1" "$now"
	[ "$(lab1 run 'virsh -q list --uuid'; lab2 run 'virsh -q list --uuid')" = "$1" ]
	"$now" run "ip link show p5p1" | says "$2"
	goes_on "$1" "$before"
}

test_a_guest_without_devices() {
	local s before
	enable lab2 disable
	s=$(make_server "$FLAVOR" '"none"')
	boots "$s" lab1
	enable lab2 enable
	before=$(alive "$s")
	api POST "/compute/v2.1/servers/$s/action" '{"os-migrateLive":{"host":null,"block_migration":"auto"}}'
	until_true 240 is_on "$s" lab2
	goes_on "$s" "$before"
	until_true 60 clean_host lab1
	delete_server "$s"
	clean_host lab2
}

trap 'lab1 down; lab2 down' EXIT
if setup > "$build/live-setup.log" 2>&1 || setup > "$build/live-setup.log" 2>&1; then
	check a_guest_with_a_vf_goes_to_another_host_and_back_while_it_runs
	check a_guest_without_devices
else
	sed 's/^/# /' "$build/live-setup.log"
	echo "not ok lab two hosts"
	failures=1
fi
exit $((failures > 0))
