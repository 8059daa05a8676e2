# Sourced by the lab tests: asking the API, waiting, the daemons in the lab host.  Wants root, build, port, LAB_DIR.
# shellcheck disable=SC2154,SC2034
# shellcheck shell=bash
failures=0

lab() { "$root/lab/lab" "$@"; }
# until_true SECONDS COMMAND...
until_true() {
	local limit=$1 start=$SECONDS
	shift
	until "$@" > /dev/null 2>&1; do
		[ $((SECONDS - start)) -lt "$limit" ] || { echo "# not within $limit s: $*"; return 1; }
		sleep 0.3
	done
}
# says PATTERN: is it in what comes in?  Reads to the end: who writes must not be stopped by a closed pipe.
says() {
	local text
	text=$(cat)
	echo "$text" >&2
	grep -q -- "$1" <<< "$text"
}
# check NAME: runs the function test_NAME; on a new host once more if the emulated machine broke down
# under it (once=1: not).
check() {
	local why
	# Not as a condition: bash ignores -e there.
	(set -e; "test_$1") > "$LAB_DIR/out/test.log" 2>&1
	if [ $? = 0 ]; then
		echo "ok lab $1"
		return
	fi
	sed 's/^/# /' "$LAB_DIR/out/test.log"
	if ! why=$(lab healthy); then
		echo "# $why"
		if [ -z "${once:-}" ]; then
			echo "# booted anew, and $1 tried once more"
			if setup > "$LAB_DIR/setup.log" 2>&1; then
				once=1 check "$1"
				return
			fi
		fi
	fi
	lab run 'tail -n 8 /var/log/penstock/*.log' | sed 's/^/# /'
	echo "not ok lab $1"
	failures=$((failures + 1))
	sweep
}

# --- the API, by curl: quick enough to be called often ---
api() { # METHOD PATH [BODY]
	curl -s -m 60 -X "$1" -H "X-Auth-Token: $TOKEN" -H 'X-OpenStack-Nova-API-Version: 2.79' -H 'Content-Type: application/json' ${3:+-d "$3"} "http://127.0.0.1:$port$2"
}
field() { python3 -c 'import json,sys
d = json.load(sys.stdin)
for k in sys.argv[1].split("."): d = d[int(k)] if isinstance(d, list) else d[k]
print(d)' "$1" 2> /dev/null; }
login() {
	. "$LAB_DIR/out/openrc"
	TOKEN=$(curl -s -D - -o /dev/null -H 'Content-Type: application/json' "$OS_AUTH_URL/auth/tokens" -d '{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"name":"Default"},"password":"'"$OS_PASSWORD"'"}}},"scope":{"project":{"name":"admin","domain":{"name":"Default"}}}}}' | sed -n 's/^X-Subject-Token: //Ip' | tr -d '\r')
}
make_image() { # FILE DISK-FORMAT CONTAINER-FORMAT [MORE-JSON]
	local id
	id=$(api POST /image/v2/images '{"name":"'"$1"'","disk_format":"'"$2"'","container_format":"'"$3"'"'"${4:-}"'}' | field id)
	curl -s -X PUT -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/octet-stream' --data-binary @"$LAB_DIR/$1" "http://127.0.0.1:$port/image/v2/images/$id/file"
	echo "$id"
}
make_port() { # [VNIC-TYPE]
	api POST /network/v2.0/ports '{"port":{"network_id":"'"$NET"'","binding:vnic_type":"'"${1:-direct}"'"}}' | field port.id
}
port_mac() { api GET "/network/v2.0/ports/$1" | field port.mac_address; }
make_server() { # FLAVOR NETWORKS-JSON [PEER]
	api POST /compute/v2.1/servers '{"server":{"name":"t","flavorRef":"'"$1"'","imageRef":"'"$IMAGE"'","networks":'"$2"',"metadata":{"peer":"'"${3:-}"'"}}}' | field server.id
}
status_of() { api GET "/compute/v2.1/servers/$1" | field server.status; }
is_status() { [ "$(status_of "$1")" = "$2" ]; }
is_settled() { case $(status_of "$1") in ACTIVE | ERROR) ;; *) false ;; esac; }
is_gone() { [ "$(api GET "/compute/v2.1/servers/$1" | field itemNotFound.code)" = 404 ]; }
delete_server() { api DELETE "/compute/v2.1/servers/$1"; until_true 180 is_gone "$1"; }
console() { api POST "/compute/v2.1/servers/$1/action" '{"os-getConsoleOutput":{}}' | field output; }
console_says() { console "$1" | says "$2" 2> /dev/null; }
sweep() { # what a test that failed has left
	local id
	[ -n "${TOKEN:-}" ] || return 0
	for id in $(api GET /compute/v2.1/servers | grep -o '"id":"[^"]*"' | cut -d'"' -f4); do delete_server "$id" > /dev/null; done
	[ ! -e "$LAB_DIR/out/nova.conf.before" ] || configure_back
}
vf_dirt() { lab run "ip link show p5p1 | grep 'vf ' | grep -c 'vlan\|fa:16:3e'"; }
clean() {
	[ "$(vf_dirt)" = 0 ] && [ -z "$(lab run 'virsh -q list --all')" ] &&
		[ -z "$(lab run 'ls /var/lib/penstock/agent/instances')" ] &&
		[ "$(lab run 'sqlite3 /var/lib/penstock/penstock.db "SELECT count(*) FROM device_claim"')" = 0 ] &&
		[ "$(lab run 'for d in /sys/bus/pci/drivers/vfio-pci/0*; do [ -e $d ] && echo $d; done; true')" = "" ]
}
restart() { # DAEMON: after it was killed
	lab run "pkill -9 -x $1; while pgrep -x $1 > /dev/null; do sleep 0.05; done; setsid /run/start-$1 > /dev/null 2>&1 & sleep 0.1" > /dev/null
}

# What the daemons and the command need in the host: below LAB_DIR, which is /run/lab there.
programs_copy() {
	mkdir -p "$LAB_DIR"/{out,bin,etc}
	rm -f "$LAB_DIR"/out/*
	cp "$build/src/penstockd/penstockd" "$build/src/agent/penstock-agent" "$build/src/cli/penstock" "$LAB_DIR/bin/"
	cp "$root"/demo/*.conf "$root"/demo/*.ini "$LAB_DIR/etc/"
	cp "$root/demo/start-in-lab.sh" "$LAB_DIR/"
}
# Starts both daemons, and makes what every test wants: a network with a subnet, an image, flavors.
site_start() {
	lab run "/run/lab/start-in-lab.sh /run/lab/bin /run/lab/etc http://127.0.0.1:$port /run/lab/out" || return 1
	login
	NET=$(api POST /network/v2.0/networks '{"network":{"name":"n","provider:network_type":"vlan","provider:physical_network":"physnet_sriov"}}' | field network.id)
	api POST /network/v2.0/subnets '{"subnet":{"network_id":"'"$NET"'","ip_version":4,"cidr":"10.0.0.0/24","enable_dhcp":false}}' > /dev/null
	IMAGE=$(make_image probe.img raw bare)
	FLAVOR=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"f","ram":64,"disk":1,"vcpus":1}}' | field flavor.id)
	PF_FLAVOR=$(api POST /compute/v2.1/flavors '{"flavor":{"name":"pf","ram":64,"disk":1,"vcpus":1}}' | field flavor.id)
	api POST "/compute/v2.1/flavors/$PF_FLAVOR/os-extra_specs" '{"extra_specs":{"pci_passthrough:alias":"my_PF:1"}}' > /dev/null
	until_true 90 sh -c "curl -s -H 'X-Auth-Token: $TOKEN' http://127.0.0.1:$port/network/v2.0/agents | grep -q NIC"
}
