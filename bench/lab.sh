#!/bin/bash
# The agent's figures on a real kernel with real SR-IOV, in the lab.  bench/lab.sh BUILD-FOLDER [ROUNDS]
#   per VF: program, verify, bind; release, verify; beside the bare netlink messages and sysfs writes (bench/vf.c)
#   from the desired state to QEMU's start, by the agent's own log (--debug): what it does before it asks libvirt
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd) rounds=${2:-30}
export LAB_DIR=${LAB_DIR:-$build/lab} LAB_RUN_TIMEOUT=300
port=${LAB_TEST_PORT:-18775}
lab() { "$root/lab/lab" "$@"; }

lab down
trap 'lab down' EXIT
LAB_HOSTFWD="$port-:5000" lab up
mkdir -p "$LAB_DIR"/{out,bin,etc}
rm -f "$LAB_DIR"/out/*
cp "$build/src/penstockd/penstockd" "$build/src/agent/penstock-agent" "$build/src/cli/penstock" "$build/bench/vf" "$LAB_DIR/bin/"
cp "$root"/demo/*.conf "$root"/demo/*.ini "$LAB_DIR/etc/"
cp "$root/demo/start-in-lab.sh" "$LAB_DIR/"
lab run "modprobe vfio-pci; cp /run/lab/bin/vf /root/vf; /root/vf p5p1 1 $rounds"
lab run "/run/lab/start-in-lab.sh /run/lab/bin /run/lab/etc http://127.0.0.1:$port /run/lab/out"
lab run 'pkill -x penstock-agent; while pgrep -x penstock-agent > /dev/null; do sleep 0.1; done
sed -i "s/>> .var/--debug >> \/var/" /run/start-penstock-agent; setsid /run/start-penstock-agent > /dev/null 2>&1 & sleep 0.1'
. "$LAB_DIR/out/openrc"
/usr/bin/python3 "$root/bench/lab_start.py" "http://127.0.0.1:$port" "$LAB_DIR/probe.img" 6
lab run 'cat /var/log/penstock/penstock-agent.log' > "$LAB_DIR/out/agent.log"
/usr/bin/python3 "$root/bench/lab_start.py" figures "$LAB_DIR/out/agent.log"
