#!/bin/bash
# p5p2 as a whole goes into a guest and comes back with its name and driver; its VFs are gone then, since the driver
# took them with it.
. /run/lab/selftest/guest.sh

await 60 virsh -q uri
mac=$(cat /sys/class/net/p5p2/address)
device=$(basename "$(readlink /sys/class/net/p5p2/device)")
config_drive pf '' "$(link pf "$mac")" "$(static pf 10.0.0.101)"
echo 0 > /sys/class/net/p5p2/device/sriov_numvfs
began=$(now)
start pf probe.img 64 "<boot dev='hd'/>" "$(hostdev "$device")"
echo "create: $(since "$began")"
[ ! -e /sys/class/net/p5p2 ] || fail "p5p2 is still in the host"
await 60 console_says pf "PROBE done"
grep -a PROBE pf.console
console_says pf "PROBE pf .* mac=$mac ip=10.0.0.101" || fail "MAC or address"
began=$(now)
virsh -q destroy pf || fail "destroy"
await 20 test -e /sys/class/net/p5p2
echo "back as p5p2 after $(since "$began")"
[ "$(cat /sys/class/net/p5p2/address)" = "$mac" ] || fail "p5p2 is another NIC"
[ "$(driver_of "$device")" = igb ] || fail "driver $(driver_of "$device")"
