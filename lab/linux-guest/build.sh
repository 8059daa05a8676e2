#!/bin/bash
# Builds the Linux guest in the folder given, from an unpacked kernel package:
#   linux-guest.vmlinux   Debian's kernel, uncompressed (it boots by PVH, without unpacking itself)
#   linux-guest.initrd    busybox and the few modules that it needs
#   linux-guest.cmdline   the kernel's command line
#   empty.img             the (unused) disk that a server must have
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$1 tree=$2
version=$(ls "$tree/lib/modules")
ln -f "$out/vmlinux" "$out/linux-guest.vmlinux"
[ -e "$out/empty.img" ] || head -c 1048576 /dev/zero > "$out/empty.img"
echo "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check audit=0 apparmor=0" \
	"rcupdate.rcu_expedited=1 8250.nr_uarts=1 cryptomgr.notests random.trust_cpu=1 nowatchdog" > "$out/linux-guest.cmdline"
[ "$out/linux-guest.initrd" -nt "$here/init" ] && [ "$out/linux-guest.initrd" -nt "$here/build.sh" ] && exit 0
root=$out/linux-guest
rm -rf "$root"
mkdir -p "$root"/{bin,proc,sys,dev,lib}
cp "$(command -v busybox)" "$root/bin/"
install -m 755 "$here/init" "$root/init"
install -m 755 "$here/lease" "$root/bin/lease"
for module in virtio_net igbvf ahci sr_mod isofs; do
	modprobe -d "$tree" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'
done | awk '!seen[$1]++ {print $1}' | while read -r file; do
	cp "$file" "$root/lib/"
	basename "$file"
done > "$root/lib/order"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$out/linux-guest.initrd"
