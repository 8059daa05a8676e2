#!/bin/bash
# Gives the SR-IOV NICs the names that udev gives them on a real host (there is no udev here): by their permanent
# address, at boot ("once") and whenever one comes back, e.g. from a guest ("watch").
id=$(sed -n 's/.*\blab\.id=\([0-9]*\).*/\1/p' /proc/cmdline)
prefix=$(printf 'a0:36:9f:8f:%02x' $((62 + id)))

name_all() {
	local nic name
	for nic in /sys/class/net/*; do
		case $(cat "$nic/address" 2> /dev/null) in
		"$prefix:b8") name=p5p1 ;;
		"$prefix:ba") name=p5p2 ;;
		*) continue ;;
		esac
		case $(readlink "$nic/device/driver") in */igb) ;; *) continue ;; esac
		[ "${nic##*/}" = $name ] || ip link set "${nic##*/}" down name $name
	done
}

name_all
[ "$1" = watch ] || exit 0
ip -o monitor link | while read -r _; do name_all; done
