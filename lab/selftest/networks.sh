#!/bin/bash
# Measures how long libvirt takes to start a virtual network with DHCP: forwarded by NAT, and "open".
. /run/lab/selftest/guest.sh

start_network() { # MODE NUMBER
	local began
	cat > network.xml <<XML
<network><name>timed</name><bridge name='virbr9'/><forward mode='$1'/>
  <ip address='192.168.$2.1' netmask='255.255.255.0'><dhcp><range start='192.168.$2.10' end='192.168.$2.90'/>
    <host mac='fa:16:3e:00:00:01' ip='192.168.$2.17'/></dhcp></ip></network>
XML
	began=$(now)
	virsh -q net-create network.xml || fail "a network with forward mode $1 does not start"
	echo "forward mode $1: net-create $(since "$began")"
	pgrep -f 'dnsmasq.*timed' > /dev/null || fail "no dnsmasq"
	if [ "$1" = nat ]; then
		iptables -t nat -S | grep -q '192.168.*MASQUERADE' || fail "nothing is masqueraded"
	fi
	began=$(now)
	virsh -q net-destroy timed || fail "the network does not end"
	echo "forward mode $1: net-destroy $(since "$began")"
}

began=$(now)
await 60 virsh -q uri
echo "libvirt answered after $(since "$began") of waiting"
for mode in open nat open nat; do start_network $mode 77; done
