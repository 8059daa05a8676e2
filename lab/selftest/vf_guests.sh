#!/bin/bash
# Two probes on VFs of p5p1, which get MAC and VLAN through the PF: one pings the other.  A third, in another VLAN,
# reaches nobody.  Leaves the first one (10.0.0.101 in VLAN 1010) running for the check linux_guest.
. /run/lab/selftest/guest.sh

probe() { # NAME VF MAC VLAN IP PEER
	ip link set p5p1 vf "$2" mac "$3" || fail "MAC of VF $2"
	ip link set p5p1 vf "$2" vlan "$4" || fail "VLAN of VF $2"
	config_drive "$1" "\"peer\": \"$6\", \"count\": \"3\"" "$(link vf "$3")" "$(static vf "$5")"
	start "$1" probe.img 64 "<boot dev='hd'/>" "$(hostdev "$(vf_address p5p1 "$2")")"
	[ "$(driver_of "$(vf_address p5p1 "$2")")" = vfio-pci ] || fail "VF $2 is not with vfio-pci"
}

await 60 virsh -q uri
began=$(now)
probe first 0 fa:16:3e:00:00:10 1010 10.0.0.101 10.0.0.102
echo "first create: $(since "$began")"
began=$(now)
probe second 1 fa:16:3e:00:00:11 1010 10.0.0.102 10.0.0.101
echo "second create: $(since "$began")"
ip link show p5p1 | grep 'fa:16' || fail "the PF shows no VF's MAC"
ip link show p5p1 | grep -q 'vf 1 .*fa:16:3e:00:00:11.*vlan 1010' || fail "VF 1 is not as set"
await 60 console_says second "PROBE done"
echo "proven $(since "$began") after the second create began"
grep -a PROBE second.console
console_says second "mac=fa:16:3e:00:00:11 ip=10.0.0.102" || fail "MAC or address"
console_says second "PROBE ping 10.0.0.101 3/3" || fail "second does not reach first"
await 30 console_says first "PROBE ping 10.0.0.102 3/3"

virsh -q destroy second
began=$(now)
probe second 2 fa:16:3e:00:00:12 1020 10.0.0.103 10.0.0.101
await 30 console_says second "PROBE vf .*fa:16:3e:00:00:12"
echo "another VLAN: up after $(since "$began")"
sleep 3 # the time in which the peer answered before; there is no event for "no answer"
console_says second "PROBE ping" && fail "VLAN 1020 reaches VLAN 1010"
began=$(now)
virsh -q destroy second || fail "destroy"
echo "destroy: $(since "$began")"
[ "$(driver_of "$(vf_address p5p1 2)")" = none ] || fail "VF 2 did not come back"
