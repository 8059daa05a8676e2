# Sourced by main.sh in a host that keeps its disk: makes it look freshly installed at its first boot, and hands
# over to systemd, which runs main.sh again as a service, beside whatever else is enabled.
# shellcheck shell=bash

# A machine with GRUB, as Debian's installer leaves it.
fresh_disk() {
	[ ! -e /etc/default/grub ] || return 0
	mkdir -p /etc/default
	cat > /etc/default/grub <<-END
	GRUB_DEFAULT=0
	GRUB_TIMEOUT=5
	GRUB_CMDLINE_LINUX_DEFAULT=""
	GRUB_CMDLINE_LINUX="$(cat "$LAB/host/cmdline")"
	END
	install -m 755 "$LAB/host/update-grub" /usr/sbin/update-grub
	update-grub > /dev/null
}

# Nothing of the build machine's own services; they would only take time.
no_other_services() {
	local unit
	mkdir -p /run/systemd/system
	for unit in postgresql.service man-db.timer systemd-pstore.service dbus.service dbus.socket systemd-sysusers.service dev-mqueue.mount \
		sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount kmod-static-nodes.service modprobe@.service systemd-timesyncd.service systemd-logind.service getty.target serial-getty@ttyS0.service apt-daily.timer \
		apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
		systemd-remount-fs.service systemd-random-seed.service systemd-journal-flush.service systemd-update-utmp.service \
		systemd-machine-id-commit.service libvirtd.service libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket \
		libvirt-guests.service virtlogd.socket virtlogd-admin.socket virtlockd.socket virtlockd-admin.socket remote-fs.target; do
		ln -sfn /dev/null "/run/systemd/system/$unit"
	done
}

lab_service() {
	mkdir -p /run/systemd/system/multi-user.target.wants
	cat > /run/systemd/system/lab.service <<-END
	[Unit]
	Description=The lab's own jobs
	After=multi-user.target
	[Service]
	ExecStart=/bin/bash $LAB/host/main.sh jobs
	KillMode=process
	StandardOutput=tty
	TTYPath=/dev/ttyS0
	END
	ln -sfn ../lab.service /run/systemd/system/multi-user.target.wants/lab.service
}
