"""A penstockd of the test's own, and a host that speaks the agents' protocol (docs/agent-protocol.md)."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

CONFIG = """
[DEFAULT]
state_path = %(folder)s/state
pci_alias = {"vendor_id": "8086", "product_id": "10c9", "name": "my_PF"}
[penstock]
listen = 127.0.0.1
port = %(port)d
[quota]
instances = 50
cores = 50
[identity]
password_hash_rounds = 4
[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch,sriovnicswitch
[ml2_type_vlan]
network_vlan_ranges = physnet_sriov:100:1100
[ml2_type_vxlan]
vni_ranges = 1:10000
"""


def request(url, method="GET", body=None, headers=None, timeout=60):
    """(status, headers, body) of one request; body is bytes, a str or something to send as JSON."""
    data = body if isinstance(body, bytes) or body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    wanted = {"Content-Type": "application/json", **(headers or {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, wanted, method=method), timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class Site:
    def __init__(self, build, more="", folder=None):
        """`more` is added to the configuration; the folder is removed at the end."""
        self.build, self.folder = build, folder or tempfile.mkdtemp(prefix="penstock-service.")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.config = self.folder + "/penstock.conf"
        with open(self.config, "w") as out:
            out.write(CONFIG % {"folder": self.folder, "port": self.port} + more)
        self.run("penstock", "bootstrap", "--password", "secret", "--output", self.folder)
        self.daemon = None
        self.start()
        self.token = self.login()

    def run(self, *command):
        program = "%s/src/cli/%s" % (self.build, command[0])
        done = subprocess.run([program, command[1], "--config-file", self.config, *command[2:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self):
        self.log = open(self.folder + "/penstockd.log", "a")
        self.daemon = subprocess.Popen([self.build + "/src/penstockd/penstockd", "--config-file", self.config],
                                       stderr=self.log, stdout=self.log)
        until(lambda: self.answers(), 20, "penstockd answers")

    def answers(self):
        assert self.daemon.poll() is None, open(self.folder + "/penstockd.log").read()[-3000:]
        try:
            return request(self.url + "/identity/v3", timeout=5)[0] == 200
        except OSError:
            return False

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def stop(self):
        self.daemon.terminate()
        status = self.daemon.wait(timeout=60)
        text = open(self.folder + "/penstockd.log").read()
        shutil.rmtree(self.folder)
        assert status == 0, "penstockd ended with %s:\n%s" % (status, text[-3000:])
        return text

    def login(self, user="admin", password="secret", project="admin"):
        domain = {"name": "Default"}
        status, headers, body = request(self.url + "/identity/v3/auth/tokens", "POST", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": {"name": user, "domain": domain, "password": password}}},
            "scope": {"project": {"name": project, "domain": domain}}}})
        assert status == 201, body
        return headers["X-Subject-Token"]

    def api(self, method, path, body=None, token=None, headers=None):
        """(status, JSON or text) of a request with the administrator's token, or another."""
        status, _, answer = request(self.url + path, method, body, {"X-Auth-Token": token or self.token, **(headers or {})})
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer.decode(errors="replace")


def until(condition, seconds, what):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "not within %d s: %s" % (seconds, what)
        time.sleep(0.02)


class Inventory:
    """What a host tells of itself (docs/agent-protocol.md), put together piece by piece; all devices are Intel's."""

    def __init__(self, vcpus=8, memory_mb=16384, cells=None):
        self.devices, self.mappings = {}, {}
        self.host = {
            "version": 1, "hypervisor": {"type": "QEMU", "version": 10000002}, "availability_zone": "nova",
            "cpu": {"model": "x", "vendor": "y", "arch": "x86_64", "topology": {"sockets": 1, "cores": 8, "threads": 1}, "features": []},
            "migration": {"address": "192.0.2.1", "folder": "/instances", "cpus": None},
            "vcpus": vcpus, "memory_mb": memory_mb, "disk_gb": 1000, "reserved_memory_mb": 512,
            "cells": cells or [cell(0, "0-%d" % (vcpus - 1), memory_mb)]}

    def add(self, address, product, kind="type-PCI", parent=None, physnet=None, numa=0, offered=True, tags=None, **more):
        tags = dict(tags or {}, **({"physical_network": physnet} if physnet else {}))
        self.devices[address] = {
            "address": address, "vendor_id": "8086", "product_id": product, "class": "0200", "type": kind, "parent": parent,
            "vf_index": None, "numa_node": numa, "iommu_group": len(self.devices) + 1, "driver": "igb", "netdev": None, "mac_address": None,
            "numvfs": 0, "totalvfs": 7, "offered": offered, "physical_network": physnet if offered else None,
            "tags": tags if offered else {}, "health": "ok", **more}
        return self

    def pf(self, address, vfs=0, product="1528", vf_product="1515", physnet=None, offered=True, vfs_offered=True, netdev=None, mac=None,
           vf_tags=None, **more):
        """A PF with its VFs: those of 0000:81:00.0 are 0000:81:10.0, 0000:81:10.1 ..."""
        self.add(address, product, "type-PF", physnet=physnet, offered=offered, netdev=netdev, mac_address=mac, numvfs=vfs, **more)
        for i in range(vfs):
            self.add("%s:%02x.%x" % (address[:7], 0x10 + i // 8, i % 8), vf_product, "type-VF", parent=address, physnet=physnet,
                     offered=vfs_offered, vf_index=i, tags=vf_tags, **more)
        if physnet:
            self.mappings.setdefault(physnet, []).append(netdev or "p" + address[5:7])
        return self

    def without(self, *addresses):
        """The same host without some devices."""
        copy = Inventory()
        copy.host, copy.mappings = self.host, self.mappings
        copy.devices = {a: d for a, d in self.devices.items() if a not in addresses}
        return copy

    def as_json(self):
        return {**self.host, "devices": [dict(device) for device in self.devices.values()], "nic_agent": {"device_mappings": self.mappings, "devices": 0}}


def cell(number, cpus, memory_mb, socket=0, pages=(), siblings=(), **sets):
    """A NUMA cell; `pages`: (size in KiB, how many) ...; `sets`: dedicated and shared CPUs."""
    return {"id": number, "socket": socket, "cpus": cpus, "siblings": list(siblings), "memory_mb": memory_mb,
            "hugepages": [{"size_kb": size, "total": total, "reserved": 0} for size, total in pages], **sets}


def usual_host(vfs):
    return Inventory().pf("0000:21:00.0", vfs, "10c9", "10ca", "physnet_sriov", netdev="p5p1").pf("0000:41:00.0", product="10c9")


class Host(threading.Thread):
    """A host which does at once what it is told: one PF with `vfs` VFs of physnet_sriov and a second PF, or what `inventory` says."""
    on_their_way = {}  # guests between two hosts

    def __init__(self, site, name="host1", vfs=2, inventory=None):
        super().__init__(daemon=True)
        self.site, self.name, self.running = site, name, {}
        self.inventory = inventory or usual_host(vfs)
        self.fail, self.stopping, self.seen = None, False, []
        self.disks, self.mute = {}, False  # what is on the servers' disks; it says and does nothing
        self.keeps = None  # why no guest leaves it
        self.slow = False  # a guest that is to leave takes its time
        self.troubles = {}  # port id: what is wrong with it, whatever is wanted of it
        status, _, body = request(site.url + "/agent/v1/join", "POST",
                                  {"version": 1, "token": site.run("penstock", "agent-token"), "host": name})
        assert status == 201, body
        self.credential = {"X-Agent-Credential": json.loads(body)["credential"]}
        self.put_inventory()
        self.start()

    def call(self, method, path, body=None, timeout=60):
        return request(self.site.url + "/agent/v1/" + path, method, body, self.credential, timeout)

    def put_inventory(self, inventory=None):
        self.inventory = inventory or self.inventory
        status, _, body = self.call("PUT", "inventory", self.inventory.as_json())
        assert status == 204, body

    def desired(self):
        """All that the host shall have, as an agent is told that starts anew: {server id: server}."""
        return {server["id"]: server for server in json.loads(self.call("GET", "desired?since=0&wait=0")[2])["servers"]}

    def run(self):
        since = 0
        while not self.stopping:
            if self.mute:
                time.sleep(0.05)
                continue
            try:
                status, _, body = self.call("GET", "desired?since=%d&wait=5" % since)
                if status != 200:
                    since = 0
                    time.sleep(0.05)
                    continue
                answer = json.loads(body)
                if self.mute:
                    continue
                self.obey(answer["servers"])
                since = answer["revision"]
            except (OSError, ValueError):
                time.sleep(0.05)

    def disk(self, server):
        """Sends and fetches the server's disk as ordered; a fault, if it cannot."""
        order = server.get("disk") or {}
        if "fetch" in order:
            status, _, self.disks[server["id"]] = self.call("GET", "images/" + order["fetch"]["id"])
            assert status == 200, status
        if "send" in order:
            status, _, body = request("%s/agent/v1/images/%s" % (self.site.url, order["send"]), "PUT", self.disks.get(server["id"], b"disk"),
                                      {**self.credential, "Content-Type": "application/octet-stream"})
            return None if status == 204 else "the disk was not taken: %s" % body
        return None

    def let_go(self, server):
        """The guest leaves, and waits on the way (`Host.on_their_way`) for the host to which it goes."""
        if server["id"] not in self.running:
            return "stopped", None
        if self.slow and server["want"] == "leaving":
            return "building", None
        if self.keeps or server["want"] == "staying":
            return "running", self.keeps
        self.on_their_way[self.site.url, server["id"]] = self.disks.get(server["id"], b"disk")
        del self.running[server["id"]]
        return "left", None

    def arrives(self, server):
        if (self.site.url, server["id"]) in self.on_their_way:
            self.running[server["id"]] = server
            self.disks[server["id"]] = self.on_their_way.pop((self.site.url, server["id"]))
        return "running" if server["id"] in self.running else "stopped"

    def obey(self, servers):
        reports = []
        for server in servers:
            self.seen.append(server)
            state, fault = "running", None
            if server["want"] == "absent":
                self.running.pop(server["id"], None)
                self.disks.pop(server["id"], None)
                state = "gone"
            elif server["want"] == "kept":
                state = "stopped"
            elif server["want"] in ("leaving", "staying"):
                state, fault = self.let_go(server)
            elif server["want"] == "arrived":
                state = self.arrives(server)
            elif self.fail:
                state, fault = "failed", self.fail
            else:
                fault = self.disk(server)
                here = [port for port in server["ports"] if port.get("want") != "absent"]
                if server["want"] != "incoming":
                    self.running[server["id"]] = {**server, "ports": here}
                state = server["want"]
            ports = [{"id": p["id"], "status": "GONE" if p.get("want") == "absent" else "ACTIVE" if p["admin_state_up"] and state == "running" else "DOWN"}
                     for p in server.get("ports", [])]
            for port in ports:
                if port["id"] in self.troubles:
                    port["status"], port["fault"] = "DOWN", self.troubles[port["id"]]
            reports.append({"id": server["id"], "generation": server["generation"], "state": state,
                            "fault": fault, "ports": [] if state in ("failed", "gone", "incoming", "left") else ports})
            if (server.get("migration") or {}).get("tell"):
                reports[-1]["migration"] = {"disk_bytes": 1 << 30, "config_drive": "ZHJpdmU="}
        if reports:
            assert self.call("POST", "status", {"servers": reports})[0] == 200
