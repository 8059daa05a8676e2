#!/usr/bin/python3
"""In the lab host, for chaos_test.py: kills daemons and guests at the moment it is told, starts them again, and tells
how the host is, all over HTTP on one port: a question costs a tenth of `lab run`.

    POST /strike {"targets": ["penstockd", "penstock-agent", "libvirtd", "qemu"], "after": S, "down": S, "pick": N}
    GET  /strikes   what was struck so far, and whether all is up again
    GET  /facts     devices, VF settings, guests, folders, claims, networks, as they are
    GET  /virsh     what libvirt itself says
"""
import glob
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = "/var/lib/penstock"
INSTANCES, IMAGES = STATE + "/agent/instances", STATE + "/agent/images"
START = {
    "penstockd": ["/run/start-penstockd"],
    "penstock-agent": ["/run/start-penstock-agent"],
    "libvirtd": ["libvirtd", "-d", "-f", "/etc/libvirt/libvirtd.conf"],
}
DEVICES = "/sys/bus/pci/devices"

struck, pending, children, lock = [], 0, [], threading.Lock()


def read(path, default=""):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return default


def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def link(path):
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return ""


# --- striking ---


def processes(name):
    """Process ids by the name that the kernel has (15 characters of it), without zombies."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        text = read(stat)
        comm, _, rest = text[text.find("(") + 1:].rpartition(")")
        if comm == name[:15] and not rest.startswith(" Z"):
            found.append(int(stat.split("/")[2]))
    return sorted(found)


def guests():
    return processes("qemu-system-x86_64")


def reap():
    children[:] = [child for child in children if child.poll() is None]


def strike(order):
    global pending
    time.sleep(order["after"])
    down = []
    for target in order["targets"]:
        pids = guests() if target == "qemu" else processes(target)
        if target == "qemu" and pids:
            pids = [pids[order["pick"] % len(pids)]]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        with lock:
            struck.append({"target": target, "pids": pids, "at": time.strftime("%H:%M:%S"), "uptime": uptime()})
        if target in START:
            down.append(target)
            while set(processes(target)) & set(pids):
                time.sleep(0.01)
    time.sleep(order["down"])
    for target in down:
        start(target)
    with lock:
        pending -= 1


def libvirt_answers():
    return subprocess.run(["virsh", "-q", "uri"], capture_output=True, timeout=60).returncode == 0


def start(target):
    """As its unit would (Restart=on-failure): what the killed libvirtd had begun to start may still hold its pid file's lock."""
    while True:
        with open("/var/log/penstock/chaos-%s.log" % target, "ab") as log:
            child = subprocess.Popen(START[target], start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if target != "libvirtd" or child.wait() == 0 or libvirt_answers():  # another strike's was quicker
            break
        time.sleep(0.1)
    with lock:
        reap()
        children.append(child)


def uptime():
    return float(read("/proc/uptime").split()[0])


def strikes():
    with lock:
        reap()
        return {"struck": list(struck), "pending": pending, "up": {name: bool(processes(name)) for name in START}, "uptime": uptime()}


# --- how the host is ---


def links():
    """What `ip link` shows of the NICs, without what comes and goes."""
    out = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True).stdout
    return {item["ifname"]: {"up": "UP" in item["flags"], "mac": item.get("address"), "vfs": item.get("vfinfo_list", [])}
            for item in json.loads(out or "[]")}


def vfs_of(pf):
    """Addresses by index.  sriov_numvfs is not read: that waits while somebody writes it."""
    found = {}
    for path in glob.glob("%s/%s/virtfn*" % (DEVICES, pf)):
        found[int(path.rsplit("virtfn", 1)[1])] = link(path)
    return [found[index] for index in sorted(found)]


def devices():
    return {address: {"driver": link("%s/%s/driver" % (DEVICES, address)),
                      "override": read("%s/%s/driver_override" % (DEVICES, address)),
                      "net": names("%s/%s/net" % (DEVICES, address)),
                      "vfs": vfs_of(address)}
            for address in names(DEVICES)}


def groups_held(pid):
    """Devices of the IOMMU groups that a process has open."""
    held = []
    for fd in names("/proc/%d/fd" % pid):
        try:
            group = re.fullmatch(r"/dev/vfio/(\d+)", os.readlink("/proc/%d/fd/%s" % (pid, fd)))
        except OSError:
            continue
        if group:
            held += names("/sys/kernel/iommu_groups/%s/devices" % group[1])
    return sorted(set(held))


def qemus():
    found = []
    for pid in guests():
        words = read("/proc/%d/cmdline" % pid).split("\0")
        uuid = words[words.index("-uuid") + 1] if "-uuid" in words else ""
        if uuid:
            found.append({"pid": pid, "uuid": uuid, "holds": groups_held(pid)})
    return found


def address_of(element):
    return "%04x:%02x:%02x.%x" % tuple(int(element.get(part), 16) for part in ("domain", "bus", "slot", "function"))


def domains():
    """Devices of each domain as libvirt remembers them.  A file of a domain that it does not have is left by one that was killed while
    it ended the guest; the next domain of that name replaces it."""
    found, paths = {}, glob.glob("/run/libvirt/qemu/*.xml")
    listed = subprocess.run(["virsh", "-q", "list", "--name"], capture_output=True, text=True, timeout=60) if paths else None
    for path in paths:
        if listed.returncode == 0 and os.path.basename(path)[:-4] not in listed.stdout.split():
            continue
        try:
            root = xml.etree.ElementTree.parse(path).getroot()
        except (xml.etree.ElementTree.ParseError, OSError):
            continue
        found[root.findtext("domain/uuid")] = sorted(
            address_of(source) for source in root.findall("domain/devices/hostdev/source/address"))
    return found


def journals():
    found = {}
    for uuid in names(INSTANCES):
        try:
            journal = json.loads(read("%s/%s/grant.json" % (INSTANCES, uuid), "{}"))
        except ValueError:
            journal = {"devices": [{"address": "unreadable"}]}
        found[uuid] = sorted(device["address"] for device in journal.get("devices", []))
    return found


def claims():
    db = sqlite3.connect("file:%s/penstock.db?mode=ro" % STATE, uri=True, timeout=10)
    try:
        return {"device_claim": db.execute("SELECT address, server_id FROM device_claim ORDER BY 1").fetchall(),
                **{table: db.execute("SELECT count(*) FROM " + table).fetchone()[0]
                   for table in ("claim", "cpu_claim", "server_leftover")}}
    finally:
        db.close()


def disks():
    """Serial numbers of NVMe drives whose block device is there."""
    return sorted(read(path + "/serial") for path in glob.glob("/sys/class/nvme/nvme*")
                  if any(os.path.exists("/dev/" + os.path.basename(disk)) for disk in glob.glob(path + "/nvme*n*")))


def facts():
    return {"links": links(), "devices": devices(), "qemus": qemus(), "domains": domains(), "journals": journals(),
            "images": names(IMAGES), "ledger": names(STATE + "/agent/ledger"), "quarantine": names(STATE + "/agent/quarantine"),
            "claims": claims(), "disks": disks(), "dnsmasq": processes("dnsmasq"),
            "networks": [os.path.basename(path) for path in glob.glob("/run/libvirt/network/*.xml")],
            "logs": {path: os.path.getsize(path) for path in glob.glob("/var/log/penstock/*.log")}}


def virsh():
    out = subprocess.run(["virsh", "-q"], input="list --all --uuid\nnet-list --all --uuid\n", capture_output=True, text=True, timeout=60)
    return {"uuids": re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", out.stdout), "error": out.stderr,
            "held_on": re.findall(r"libvirt holds on to the guest (\S+) ", read("/var/log/penstock/penstock-agent.log"))}


def logs(offsets):
    """What the logs say since they were so long."""
    told = {}
    for path in sorted(glob.glob("/var/log/penstock/*.log") + ["/run/lab/x/libvirtd.log"]):
        with open(path, "rb") as file:
            file.seek(offsets.get(path, max(0, os.path.getsize(path) - 4000)))
            told[path] = file.read()[-12000:].decode(errors="replace")
    return told


# --- the door ---


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"/strikes": strikes, "/facts": facts, "/virsh": virsh}[self.path]())

    def do_POST(self):
        global pending
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/logs":
            self.answer(logs(body))
            return
        with lock:
            pending += 1
        threading.Thread(target=strike, args=(body,), daemon=True).start()
        self.answer({"uptime": uptime()})


ThreadingHTTPServer.request_queue_size = 32
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
