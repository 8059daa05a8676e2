#!/bin/busybox sh
# What udhcpc runs when it has got a lease (its "bound") or lost it.
# shellcheck shell=dash disable=SC2154
case $1 in
bound | renew)
	[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
	ip addr add "$ip/$mask" dev "$interface"
	[ -z "$router" ] || ip route add default via "${router%% *}" dev "$interface"
	for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
	echo "$ip" > "/tmp/lease.$interface"
	;;
esac
