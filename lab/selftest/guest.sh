# Functions for the checks that start guests by libvirt in the lab host.  Sourced.
# shellcheck shell=bash
work=/tmp/selftest
mkdir -p $work
cd $work || exit
[ -c /dev/kvm ] && accelerator=kvm || accelerator=qemu

now() { cut -d ' ' -f 1 /proc/uptime; }
since() { awk -v from="$1" '{ printf "%.1f s", $1 - from }' /proc/uptime; }
fail() {
	echo "FAILED: $*"
	exit 1
}

# await SECONDS COMMAND...: until it succeeds.
await() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "in vain: $*"
		sleep 0.1
	done
}

vf_address() { basename "$(readlink "/sys/class/net/$1/device/virtfn$2")"; }
driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver" || echo none)"; }
console_says() { grep -aq "$2" "$work/$1.console"; }

# hostdev 0000:21:10.0: the XML of a passed-through device.
hostdev() {
	local domain bus slot function
	IFS=:. read -r domain bus slot function <<< "$1"
	echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x$domain' bus='0x$bus'
		slot='0x$slot' function='0x$function'/></source></hostdev>"
}

# config_drive NAME META LINKS NETWORKS: writes $work/NAME.iso; the last three are the insides of JSON brackets.
config_drive() {
	local folder=$work/$1.config/openstack/latest
	mkdir -p "$folder"
	echo "{\"uuid\": \"6e1c2b0a-0000-4000-8000-000000000001\", \"hostname\": \"$1\", \"meta\": {$2}}" > "$folder/meta_data.json"
	echo "{\"links\": [$3], \"networks\": [$4], \"services\": []}" > "$folder/network_data.json"
	bsdtar -C "$work/$1.config" -cf "$work/$1.iso" --format=iso9660 --options volume-id=config-2 openstack
}
link() { # NAME MAC [MTU]: null where DHCP says it
	echo "{\"id\": \"$1\", \"type\": \"phy\", \"ethernet_mac_address\": \"$2\", \"vif_id\": \"v$1\", \"mtu\": ${3:-1500}}"
}
static() { echo "{\"id\": \"network$1\", \"type\": \"ipv4\", \"link\": \"$1\", \"ip_address\": \"$2\", \"netmask\": \"255.255.255.0\", \"routes\": []}"; }
dhcp() { echo "{\"id\": \"network$1\", \"type\": \"ipv4_dhcp\", \"link\": \"$1\", \"network_id\": \"n\"}"; }

# start NAME IMAGE MIB OS DEVICES: starts a guest with its config drive; OS and DEVICES are XML.  The disk is a copy,
# and the console's file lies in memory: over 9p single characters were lost.
start() {
	cp "/run/lab/$2" "$work/$1.img"
	cat > "$work/$1.xml" <<XML
<domain type='$accelerator'>
  <name>$1</name>
  <memory unit='MiB'>$3</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>$4</os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <disk type='file'><driver name='qemu' type='raw'/><source file='$work/$1.img'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='$work/$1.iso'/>
      <target dev='sda' bus='sata'/><readonly/></disk>
    <serial type='file'><source path='$work/$1.console'/></serial>
    $5
  </devices>
</domain>
XML
	virsh -q create "$work/$1.xml" || fail "$1 does not start"
}
