#!/bin/bash
# Builds what the lab boots, in LAB_DIR: the lab host's kernel, its first-stage initramfs, and the guests.
# Nothing is done twice: each part is built again only when its sources are newer.
#   LAB_DIR    working folder (default: build/lab in the project)
#   LAB_CACHE  where downloaded kernel packages are kept (default: LAB_DIR)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
LAB_DIR=${LAB_DIR:-$here/../build/lab}
mkdir -p "$LAB_DIR"
LAB_DIR=$(cd "$LAB_DIR" && pwd)
LAB_CACHE=${LAB_CACHE:-$LAB_DIR}
tree=$LAB_DIR/kernel

say() { echo "lab: $*"; }

# The newest general kernel: it has igb, igbvf and 9p, which Debian's cloud kernel lacks.  Debian 12's own 6.1
# would do as well; backports' is the one that was measured.
kernel_package() {
	local codename suite
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	suite=$codename
	[ "$codename" != bookworm ] || suite=bookworm-backports
	apt-cache depends -t "$suite" linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -1
}

fetch_kernel() {
	local package deb
	package=$(kernel_package)
	deb=$(find "$LAB_CACHE" -maxdepth 1 -name "${package}_*.deb" | head -1)
	if [ -z "$deb" ]; then
		say "downloading $package (100 MB) ..." >&2
		(cd "$LAB_CACHE" && apt-get download -q "$package" > /dev/null)
		deb=$(find "$LAB_CACHE" -maxdepth 1 -name "${package}_*.deb" | head -1)
	fi
	echo "$deb"
}

# Only what the lab needs of the package: the kernel and some module subtrees.
unpack_kernel() {
	local deb version offset
	deb=$(fetch_kernel)
	say "unpacking $(basename "$deb") ..."
	rm -rf "$tree"
	mkdir -p "$tree"
	dpkg-deb --fsys-tarfile "$deb" | tar -C "$tree" -x --wildcards \
		'./boot/vmlinuz-*' '*/modules.*' '*/kernel/net/*' '*/kernel/lib/*' '*/kernel/crypto/*' \
		'*/kernel/arch/x86/crypto/*' '*/kernel/drivers/vfio/*' '*/kernel/virt/*' '*/kernel/drivers/iommu/*' \
		'*/kernel/fs/9p/*' '*/kernel/fs/netfs/*' '*/kernel/fs/overlayfs/*' '*/kernel/fs/isofs/*' \
		'*/kernel/fs/fat/*' '*/kernel/fs/nls/*' '*/kernel/fs/ext4/*' '*/kernel/fs/jbd2/*' '*/kernel/fs/mbcache*' \
		'*/kernel/drivers/net/ethernet/intel/igb/*' '*/kernel/drivers/net/ethernet/intel/igbvf/*' \
		'*/kernel/drivers/net/*.ko*' '*/kernel/drivers/dca/*' '*/kernel/drivers/i2c/algos/*' \
		'*/kernel/drivers/nvme/*' '*/kernel/drivers/block/virtio_blk*' '*/kernel/drivers/block/loop*' \
		'*/kernel/drivers/virtio/*' '*/kernel/drivers/ata/*' '*/kernel/drivers/scsi/*.ko*' '*/kernel/drivers/cdrom/*' \
		'*/kernel/drivers/char/hw_random/*'
	[ -d "$tree/lib/modules" ] || { mkdir -p "$tree/lib"; ln -sfn ../usr/lib/modules "$tree/lib/modules"; }
	find "$tree" -name '*.ko.xz' -print0 | xargs -0 -r -P2 -n40 xz -dq
	version=$(ls "$tree/lib/modules")
	depmod -b "$tree" "$version"
	# The ELF inside the bzImage boots without unpacking itself, which is slow under emulation.
	offset=$(LC_ALL=C grep -abo $'\x28\xb5\x2f\xfd' "$tree/boot/vmlinuz-$version" | head -1 | cut -d: -f1)
	tail -c +$((offset + 1)) "$tree/boot/vmlinuz-$version" | zstd -dcq > "$LAB_DIR/vmlinux" 2> /dev/null || true
	readelf -h "$LAB_DIR/vmlinux" > /dev/null
	touch "$tree/.complete"
}

# Copies the modules, and what they need, and prints their files in the order in which they are loaded.
boot_modules() {
	local module file
	for module; do
		modprobe -d "$tree" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'
	done | awk '!seen[$1]++ {print $1}' | while read -r file; do
		cp "$file" "$root/lib/"
		basename "$file"
	done
}

build_initramfs() {
	local root=$LAB_DIR/initramfs version module
	version=$(ls "$tree/lib/modules")
	rm -rf "$root"
	mkdir -p "$root"/{bin,proc,sys,dev,low,new,up,lib}
	cp "$(command -v busybox)" "$root/bin/"
	install -m 755 "$here/host/init" "$root/init"
	boot_modules 9pnet_virtio 9p overlay > "$root/lib/boot-modules"
	boot_modules virtio_blk ext4 > "$root/lib/disk-modules" # of a host that keeps its disk
	(cd "$root" && find . | cpio -o -H newc --quiet) > "$LAB_DIR/host.cpio"
}

if [ ! "$tree/.complete" -nt "$here/build.sh" ]; then unpack_kernel; fi
if [ ! "$LAB_DIR/host.cpio" -nt "$here/host/init" ] || [ ! "$LAB_DIR/host.cpio" -nt "$tree/.complete" ]; then
	build_initramfs
fi
"$here/probe/build.sh" "$LAB_DIR"
"$here/linux-guest/build.sh" "$LAB_DIR" "$tree"
