#!/usr/bin/python3
"""How fast penstockd answers and how small it and the agent are: a real penstockd (SQLite, synchronous=FULL) and a
penstock-agent whose host is simulated.  bench.py BUILD-FOLDER [quick]; what the figures mean: README.md here."""
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../tests/service")
from site_of_tests import Site, request, until  # noqa: E402

CONNECTIONS = (1, 16, 64)
SERVERS = 1000
CONFIG = """
[DEFAULT]
agent_state_path = %(folder)s/agent
cpu_allocation_ratio = 4000
[quota]
instances = -1
cores = -1
ram = -1
[quotas]
quota_port = -1
"""


class Bench:
    def __init__(self, build, quick):
        self.build, self.quick = build, quick
        self.folder = os.path.abspath(build) + "/bench-site"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self.agent_config = self.folder + "/agent.conf"
        self.disk = float(subprocess.check_output([build + "/bench/fsync", self.folder, "2"], text=True))
        self.site = Site(build, CONFIG.replace("%(folder)s", self.folder), self.folder)
        self.agent_config_write()
        self.agent = self.agent_start()
        until(self.host_is_known, 30, "the simulated host is known")
        self.things_make()

    def agent_config_write(self):
        with open(self.agent_config, "w") as out:
            out.write("[penstock]\ncontroller_url = %s\nagent_state_path = %s/agent\n[DEFAULT]\nhost = sim1\n"
                      "reserved_host_memory_mb = 0\n" % (self.site.url, self.folder))

    def agent_start(self):
        return subprocess.Popen(
            [self.build + "/src/agent/penstock-agent", "--config-file", self.agent_config, "--simulate", "4000,32,64",
             "--token", self.site.run("penstock", "agent-token")],
            stderr=open(self.folder + "/agent.log", "w"))

    def host_is_known(self):
        assert self.agent.poll() is None, open(self.folder + "/agent.log").read()[-2000:]
        return self.site.api("GET", "/compute/v2.1/os-hypervisors/statistics")[1]["hypervisor_statistics"]["vcpus"] > 0

    def make(self, path, body):
        status, answer = self.site.api("POST", path, body)
        assert status in (200, 201), answer
        return next(iter(answer.values())) if len(answer) == 1 else answer

    def things_make(self):
        self.network = self.make("/network/v2.0/networks", {"network": {
            "name": "nfv", "provider:network_type": "vlan", "provider:physical_network": "physnet_sriov"}})["id"]
        self.make("/network/v2.0/subnets", {"subnet": {
            "network_id": self.network, "ip_version": 4, "cidr": "10.0.0.0/8", "enable_dhcp": False, "gateway_ip": None}})
        self.image = self.make("/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})["id"]
        status, _, body = request(self.site.url + "/image/v2/images/%s/file" % self.image, "PUT", b"\0" * 65536, {
            "X-Auth-Token": self.site.token, "Content-Type": "application/octet-stream"})
        assert status == 204, body
        self.flavor = self.make("/compute/v2.1/flavors", {"flavor": {"name": "f", "ram": 1, "disk": 0, "vcpus": 1}})["id"]
        self.ports, self.servers = self.folder + "/ports", self.folder + "/servers"

    def load(self, *options):
        """One run of the load program; its figures."""
        done = subprocess.run([self.build + "/bench/load", *map(str, options)], text=True, stdout=subprocess.PIPE,
                              env={**os.environ, "TOKEN": self.site.token})
        figures = json.loads(done.stdout)
        assert figures["failed"] == 0, figures
        return figures

    def row(self, name, connections, f, ratio):
        print("%-34s %4d %10.0f %10.2f %10.2f   %s" % (name, connections, f["per_second"], f["p50_ms"], f["p99_ms"], ratio))
        sys.stdout.flush()

    def gets(self, name, path, limits=None):
        figures = {}
        for n in CONNECTIONS:
            f = figures[n] = self.load("--connections", n, "--seconds", 1 if self.quick else 4, "GET", self.site.url + path)
            self.row(name, n, f, "%.2f of bare HTTP" % (f["per_second"] / limits[n]["per_second"]) if limits else "")
        return figures

    def count(self, connections):
        return {1: 200, 16: 1000, 64: 2000}[connections] // (10 if self.quick else 1)

    def ports_make(self, connections, count):
        open(self.ports, "w").close()
        return self.load("--connections", connections, "--count", count, "--ids", self.ports, "--body",
                         '{"port":{"network_id":"%s","binding:vnic_type":"direct"}}' % self.network,
                         "POST", self.site.url + "/network/v2.0/ports")

    def servers_make(self, connections, count, network, *more):
        open(self.servers, "w").close()
        body = {"server": {"name": "s", "flavorRef": self.flavor, "imageRef": self.image, "networks": network}}
        return self.load("--connections", connections, "--count", count, "--ids", self.servers, *more, "--body", json.dumps(body),
                         "POST", self.site.url + "/compute/v2.1/servers")

    def settled(self):
        """All servers ACTIVE; fails if one is in ERROR."""
        assert self.servers_in("ERROR") == 0
        return self.servers_in("BUILD") == 0

    def servers_in(self, status):
        return len(self.site.api("GET", "/compute/v2.1/servers?limit=1&status=" + status)[1]["servers"])

    def clean(self):
        """Deletes what the last run made, and waits until the host has given it all back."""
        until(self.settled, 300, "all servers are ACTIVE")
        self.load("--connections", 16, "--items", self.servers, "DELETE", self.site.url + "/compute/v2.1/servers/%s")
        until(lambda: self.site.api("GET", "/compute/v2.1/servers?limit=1")[1]["servers"] == [], 300, "all servers are gone")
        if os.path.getsize(self.ports):
            self.load("--connections", 16, "--items", self.ports, "DELETE", self.site.url + "/network/v2.0/ports/%s")
        open(self.ports, "w").close()

    def posts(self):
        by_disk = "%.2f of the disk's commits"
        for n in CONNECTIONS:
            f = self.ports_make(n, self.count(n))
            self.row("POST port", n, f, by_disk % (f["per_second"] / self.disk))
            f = self.servers_make(n, self.count(n), [{"port": "%s"}], "--items", self.ports)
            self.row("POST server with a VF, to 202", n, f, by_disk % (f["per_second"] / self.disk))
            self.clean()
        for n in CONNECTIONS:
            open(self.ports, "w").close()
            f = self.servers_make(n, self.count(n), [{"uuid": self.network}])
            self.row("POST server with a new port, to 202", n, f, by_disk % (f["per_second"] / self.disk))
            self.clean()
        for n in CONNECTIONS:
            self.ports_make(16, self.count(n))
            f = self.servers_make(n, self.count(n), [{"port": "%s"}], "--items", self.ports, "--until", '"ACTIVE"')
            self.row("POST server with a VF, to ACTIVE", n, f, by_disk % (f["per_second"] / self.disk))
            self.clean()

    def memory(self, when):
        def resident(process):
            with open("/proc/%d/status" % process.pid) as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
        print("%-34s penstockd %.1f MB, penstock-agent %.1f MB" % ("resident, " + when, resident(self.site.daemon), resident(self.agent)))

    def start_time(self, when):
        """From starting the program to its first answer: the median of five."""
        times = []
        for _ in range(5):
            self.site.daemon.terminate()
            self.site.daemon.wait()
            log = open(self.folder + "/penstockd.log", "a")
            began = time.monotonic()
            self.site.daemon = subprocess.Popen([self.build + "/src/penstockd/penstockd", "--config-file", self.site.config], stderr=log, stdout=log)
            while not self.site.answers():
                time.sleep(0.0005)
            times.append(time.monotonic() - began)
        print("%-34s %.0f ms" % ("start to first answer, " + when, sorted(times)[2] * 1000))

    def run(self):
        print("the disk: %.0f commits/s by one thread (SQLite, WAL, synchronous=FULL)\n" % self.disk)
        self.start_time("nothing there")
        self.memory("idle")
        self.ports_make(16, SERVERS)
        self.servers_make(16, SERVERS, [{"port": "%s"}], "--items", self.ports)
        until(self.settled, 300, "all servers are ACTIVE")
        self.memory("%d servers" % SERVERS)
        self.start_time("%d servers" % SERVERS)
        self.memory("%d servers, started anew" % SERVERS)
        print("\n%-34s %4s %10s %10s %10s" % ("", "conn", "per second", "p50 ms", "p99 ms"))
        bare = self.gets("GET version (bare HTTP)", "/identity/v3")
        with open(self.servers) as ids:
            self.gets("GET one server", "/compute/v2.1/servers/" + ids.readline().strip(), bare)
        self.clean()
        self.posts()
        self.memory("after all that")

    def end(self):
        self.agent.terminate()
        self.agent.wait()
        self.site.stop()


if __name__ == "__main__":
    bench = Bench(sys.argv[1], "quick" in sys.argv[2:])
    try:
        bench.run()
    finally:
        bench.end()
