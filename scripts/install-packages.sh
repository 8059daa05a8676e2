#!/bin/bash
# Installs every Debian package that building, running and testing Penstock needs (Debian 12 and 13).
# Nothing else in the project installs anything.  A second run with everything there takes a moment.
#   install-packages.sh [deb]   deb: also what building and trying Debian packages needs
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

. /etc/os-release
codename=${VERSION_CODENAME:?}

build="gcc g++ make meson ninja-build pkg-config python3 libmicrohttpd-dev libcurl4-openssl-dev libsqlite3-dev
	libmnl-dev libvirt-dev libxml2-dev libcrypt-dev libssl-dev libarchive-dev libsystemd-dev libcmocka-dev
	libyyjson-dev libpcre2-dev libc6-dev-i386"
checks="clang clang-format libclang-rt-14-dev shellcheck sqlite3 wrk man-db"
run="libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base
	iproute2 iptables libarchive-tools openssl"
lab="busybox-static kmod cpio zstd xz-utils e2fsprogs procps pciutils pci.ids curl"
clients="python3-openstackclient python3-openstacksdk python3-neutronclient python3-osc-placement"

[ "$codename" = bookworm ] || checks=${checks/libclang-rt-14-dev/libclang-rt-dev}

[ "${1:-}" != deb ] || checks+=" debhelper lintian debootstrap"

packages=$(echo $build $checks $run $lab $clients)

missing=$(for p in $packages; do
	[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null)" = "ii " ] || echo "$p"
done)
qemu_igb() { qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'; }
if [ -z "$missing" ] && qemu_igb; then exit 0; fi
if [ "$(id -u)" != 0 ]; then
	echo "install-packages: run as root, or install: $missing" >&2
	exit 1
fi

# Debian 12 lacks two things: a QEMU with the igb NIC (8.0 and later; backports have it) and yyjson
# (Debian 13 has it; the package needs nothing newer than Debian 12's libc).  Both are pinned so
# that nothing else ever comes from those suites.
if [ "$codename" = bookworm ]; then
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	cat > /etc/apt/sources.list.d/penstock.list <<-EOF
	deb [signed-by=$key] http://deb.debian.org/debian bookworm-backports main
	deb [signed-by=$key] http://deb.debian.org/debian trixie main
	EOF
	cat > /etc/apt/preferences.d/penstock <<-EOF
	Package: *
	Pin: release n=trixie
	Pin-Priority: -10

	Package: libyyjson0 libyyjson-dev
	Pin: release n=trixie
	Pin-Priority: 500

	Package: qemu-system-x86 qemu-system-common qemu-system-data qemu-system-gui qemu-utils qemu-block-extra qemu-system-modules-opengl qemu-system-modules-spice seabios
	Pin: release n=bookworm-backports
	Pin-Priority: 900
	EOF
fi
echo "install-packages: installing $(echo "$missing" | wc -w) packages ..."
apt-get update -q
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $packages
qemu_igb || { echo "install-packages: this QEMU has no igb NIC (8.0 or later is needed)" >&2; exit 1; }
