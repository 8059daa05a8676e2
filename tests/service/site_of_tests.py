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


class Host(threading.Thread):
    """A host with one PF and `vfs` VFs of physnet_sriov and a second PF, which does at once what it is told."""

    def __init__(self, site, name="host1", vfs=2, cells=None, pfs=(("0000:21:00.0", 0, "physnet_sriov"), ("0000:41:00.0", 0, None))):
        """`pfs`: address, NUMA node and physical network of each; the first has the VFs."""
        super().__init__(daemon=True)
        self.pfs = pfs
        self.cells = cells or [{"id": 0, "socket": 0, "cpus": "0-7", "memory_mb": 16384, "hugepages": []}]
        self.site, self.name, self.vfs, self.running = site, name, vfs, {}
        self.fail, self.stopping, self.seen = None, False, []
        status, _, body = request(site.url + "/agent/v1/join", "POST",
                                  {"version": 1, "token": site.run("penstock", "agent-token"), "host": name})
        assert status == 201, body
        self.credential = {"X-Agent-Credential": json.loads(body)["credential"]}
        self.put_inventory()
        self.start()

    def call(self, method, path, body=None, timeout=60):
        return request(self.site.url + "/agent/v1/" + path, method, body, self.credential, timeout)

    def put_inventory(self):
        def device(address, product, kind, node, parent=None, physnet=None):
            return {"address": address, "vendor_id": "8086", "product_id": product, "class": "0200", "type": kind,
                    "parent": parent, "vf_index": None, "numa_node": node, "iommu_group": 1, "driver": "igb", "netdev": None,
                    "mac_address": None, "numvfs": 0, "totalvfs": 7, "offered": True, "physical_network": physnet,
                    "tags": {"physical_network": physnet} if physnet else {}, "health": "ok"}
        devices = [device(address, "10c9", "type-PF", node, None, physnet) for address, node, physnet in self.pfs]
        first, node, physnet = self.pfs[0]
        devices += [device("%s10.%d" % (first[:8], i), "10ca", "type-VF", node, first, physnet) for i in range(self.vfs)]
        status, _, body = self.call("PUT", "inventory", {
            "version": 1, "hypervisor": {"type": "QEMU", "version": 10000002}, "availability_zone": "nova",
            "cpu": {"model": "x", "vendor": "y", "arch": "x86_64", "topology": {"sockets": 1, "cores": 8, "threads": 1}, "features": []},
            "vcpus": 8, "memory_mb": 16384, "disk_gb": 1000, "reserved_memory_mb": 512,
            "cells": self.cells,
            "devices": devices, "nic_agent": {"device_mappings": {"physnet_sriov": ["p5p1"]}, "devices": 0}})
        assert status == 204, body

    def run(self):
        since = 0
        while not self.stopping:
            try:
                status, _, body = self.call("GET", "desired?since=%d&wait=5" % since)
                if status != 200:
                    since = 0
                    time.sleep(0.05)
                    continue
                answer = json.loads(body)
                self.obey(answer["servers"])
                since = answer["revision"]
            except (OSError, ValueError):
                time.sleep(0.05)

    def obey(self, servers):
        reports = []
        for server in servers:
            self.seen.append(server)
            state = "running"
            if server["want"] == "absent":
                self.running.pop(server["id"], None)
                state = "gone"
            elif self.fail:
                state = "failed"
            else:
                self.running[server["id"]] = server
            ports = [{"id": p["id"], "status": "ACTIVE"} for p in server.get("ports", [])]
            reports.append({"id": server["id"], "generation": server["generation"], "state": state,
                            "fault": self.fail if state == "failed" else None, "ports": ports if state == "running" else []})
        if reports:
            assert self.call("POST", "status", {"servers": reports})[0] == 200
