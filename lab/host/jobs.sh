# Runs the jobs that `lab run` drops into the shared folder LAB, until the control port is closed.  Sourced by main.sh, or by
# a service of a host that systemd brings up.
# shellcheck shell=bash
# Each job is a session of its own, so that it can be ended with all that it started.
run_job() {
	local status
	cd / || exit
	setsid bash "$LAB/x/$1.sh" > "$LAB/x/$1.out" 2>&1 < /dev/null &
	echo $! > "/run/jobs/$1"
	wait $!
	status=$?
	rm "/run/jobs/$1"
	echo $status > "$LAB/x/$1.rc.tmp"
	mv "$LAB/x/$1.rc.tmp" "$LAB/x/$1.rc"
}

mkdir -p /run/jobs
port=$(basename "$(dirname "$(grep -lx ctl /sys/class/virtio-ports/*/name)")")
exec < "/dev/$port"
cat /proc/uptime > "$LAB/x/ready"
trap '' HUP
while read -r job order; do
	case $order in
	'') run_job "$job" & ;;
	reboot) if [ -d /run/systemd/system ]; then systemctl reboot; else sync; reboot -f; fi & ;;
	kill) kill -9 -- "-$(cat "/run/jobs/$job")" ;;
	esac
done
echo "lab host: the control port is closed"
