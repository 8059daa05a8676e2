#!/bin/bash
# The Linux guest: an address by DHCP from a libvirt network with NAT (a fixed lease) on a virtio NIC, a static one on a
# VF, and a ping over the VF's VLAN to the probe that the check vf_guests left running.
. /run/lab/selftest/guest.sh
nic_mac=fa:16:3e:00:00:20 vf_mac=fa:16:3e:00:00:21

await 60 virsh -q uri
virsh -q domstate first > /dev/null || fail "run the check vf_guests first"
cat > network.xml <<XML
<network><name>private</name><bridge name='virbr1'/><forward mode='nat'/>
  <ip address='192.168.99.1' netmask='255.255.255.0'><dhcp><range start='192.168.99.2' end='192.168.99.99'/>
    <host mac='$nic_mac' ip='192.168.99.123'/></dhcp></ip></network>
XML
virsh -q net-create network.xml || fail "network"
ip link set p5p1 vf 3 mac $vf_mac
ip link set p5p1 vf 3 vlan 1010
config_drive linux '"peer": "10.0.0.101", "count": "3"' "$(link nic $nic_mac null), $(link vf $vf_mac)" \
	"$(dhcp nic), $(static vf 10.0.0.100)"
began=$(now)
start linux linux-guest.img 256 "<kernel>/run/lab/linux-guest.vmlinux</kernel><initrd>/run/lab/linux-guest.initrd</initrd>
	<cmdline>$(cat /run/lab/linux-guest.cmdline)</cmdline>" \
	"<interface type='network'><mac address='$nic_mac'/><source network='private'/><model type='virtio'/></interface>
	$(hostdev "$(vf_address p5p1 3)")"
echo "create: $(since "$began")"
await 300 console_says linux "GUEST up"
echo "init runs after $(since "$began")"
await 200 console_says linux "GUEST nic .*virtio_net"
echo "the first NIC is there after $(since "$began")"
await 200 console_says linux "GUEST nic .*igbvf"
echo "the VF is there after $(since "$began")"
await 200 console_says linux "GUEST done"
echo "GUEST done after $(since "$began")"
grep -a GUEST linux.console
console_says linux "driver=virtio_net mac=$nic_mac dhcp 192.168.99.123" || fail "DHCP"
console_says linux "driver=igbvf mac=$vf_mac static 10.0.0.100/24" || fail "VF"
console_says linux "GUEST ping 10.0.0.101 ok" || fail "ping"
virsh -q destroy linux
virsh -q destroy first
virsh -q net-destroy private
