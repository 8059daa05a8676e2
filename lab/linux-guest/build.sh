#!/bin/bash
# build.sh OUTDIR [KERNEL_TREE]: builds the Linux guest in OUTDIR, to be uploaded as images:
#   linux-guest.vmlinux   the kernel, an uncompressed ELF that starts by PVH      (aki)
#   linux-guest.initrd    busybox, the few drivers it needs and our /init         (ari)
#   linux-guest.img       an empty disk of 1 MiB, with the properties kernel_id and ramdisk_id and, as
#                         os_command_line, what linux-guest.cmdline says          (raw)
# KERNEL_TREE is a Debian kernel package, unpacked, with uncompressed modules and a modules.dep (the lab's build.sh
# makes one); without it the package is downloaded and unpacked in OUTDIR.  Does nothing when all is newer than its
# sources.  Needs busybox-static, cpio, kmod, binutils, zstd, xz-utils.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh OUTDIR [KERNEL_TREE]}
mkdir -p "$out"
tree=${2:-$out/linux-guest.kernel}
modules=(virtio_net igbvf igb virtio_blk ahci sr_mod isofs)
applets=(sh mount modprobe awk usleep ip udhcpc readlink ping sleep cp chmod)

unpack_kernel() {
	local package suite deb
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	[ "$suite" != bookworm ] || suite=bookworm-backports
	package=$(apt-cache depends -t "$suite" linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -1)
	(cd "$out" && apt-get download -q "$package" > /dev/null)
	deb=$(find "$out" -maxdepth 1 -name "${package}_*.deb" | head -1)
	mkdir -p "$tree"
	dpkg-deb --fsys-tarfile "$deb" | tar -C "$tree" -x --wildcards './boot/vmlinuz-*' '*/modules.*' \
		'*/kernel/net/core/*' '*/kernel/drivers/net/*.ko*' '*/kernel/drivers/net/ethernet/intel/igb*' \
		'*/kernel/drivers/dca/*' '*/kernel/drivers/i2c/*' '*/kernel/drivers/block/*' '*/kernel/fs/isofs/*' \
		'*/kernel/drivers/ata/*' '*/kernel/drivers/scsi/*' '*/kernel/drivers/cdrom/*' '*/kernel/drivers/virtio/*'
	[ -d "$tree/lib/modules" ] || { mkdir -p "$tree/lib"; ln -sfn ../usr/lib/modules "$tree/lib/modules"; }
	find "$tree" -name '*.ko.xz' -print0 | xargs -0 -r -P2 -n40 xz -dq
	depmod -b "$tree" "$(ls "$tree/lib/modules")"
	rm "$deb"
}

# The ELF inside the bzImage boots without unpacking itself.  Its type information (BTF, for tracing) is blanked:
# reading it takes a tenth of the boot under emulation.
extract_kernel() {
	local image=$tree/boot/vmlinuz-$version offset
	offset=$(LC_ALL=C grep -abo $'\x28\xb5\x2f\xfd' "$image" | head -1 | cut -d: -f1)
	tail -c +$((offset + 1)) "$image" | zstd -dcq > "$work/unpacked" 2> /dev/null || true
	objcopy -O binary -j .BTF "$work/unpacked" "$work/btf"
	truncate -s "$(stat -c %s "$work/btf")" "$work/blank"
	objcopy --update-section .BTF="$work/blank" "$work/unpacked" "$work/vmlinux"
	chmod 644 "$work/vmlinux"
}

# Without signatures and type information modules load much faster under emulation.
copy_modules() {
	local module file
	mkdir -p "$root/lib/modules/$version"
	for module in "${modules[@]}"; do
		modprobe -d "$tree" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'
	done | awk '!seen[$1]++ {print $1}' | while read -r file; do
		objcopy --strip-debug -R .BTF "$file" "$root/lib/modules/$version/$(basename "$file")"
	done
	cp "$tree/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
	depmod -b "$root" "$version"
	(cd "$root/lib/modules/$version" && find . -name 'modules.*' ! -name modules.dep ! -name modules.alias -delete)
}

build_initrd() {
	local applet
	mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc,root,config,lib}
	cp "$(command -v busybox)" "$root/bin/"
	for applet in "${applets[@]}"; do ln -s busybox "$root/bin/$applet"; done
	install -m 755 "$here/init" "$root/init"
	install -m 755 "$here/udhcpc.sh" "$root/lib/"
	install -m 644 "$here/config.awk" "$root/lib/"
	copy_modules
	(cd "$root" && find . | sort | cpio -o -H newc -R 0:0 --quiet) > "$work/initrd"
}

newest=$out/linux-guest.cmdline # written last
if [ -e "$newest" ] && [ -z "$(find "$here" -newer "$newest" -type f)" ] && [ ! "$tree/boot" -nt "$newest" ]; then
	exit 0
fi
[ -d "$tree/boot" ] || unpack_kernel
version=$(ls "$tree/lib/modules")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
extract_kernel
build_initrd
mv "$work/vmlinux" "$out/linux-guest.vmlinux"
mv "$work/initrd" "$out/linux-guest.initrd"
truncate -s 1M "$out/linux-guest.img"
tr '\n' ' ' < "$here/cmdline" | sed 's/ *$//' > "$newest"
