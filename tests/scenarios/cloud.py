"""What the scenarios are made with: a site with made-up hosts, short words for requests, and the ways to end other than well."""
import contextlib
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "service"))
from agent import Agent  # noqa: E402
from site_of_tests import CONFIG, Host, Inventory, Site, cell, request, until  # noqa: E402, F401

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COMPUTE, NETWORK, IMAGE = "/compute/v2.1", "/network/v2.0", "/image/v2"
NEWEST = {"X-OpenStack-Nova-API-Version": "2.90"}
UUID = "11111111-2222-3333-4444-555555555555"

# Of the host H1: Intel, type-PCI 1533, PF 1528, VF 1515.
ALIASES = """
[DEFAULT]
allow_resize_to_same_host = true
[pci]
alias = {"name": "a1", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI"}
alias = {"name": "a2", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI"}
alias = {"name": "vf", "vendor_id": "8086", "product_id": "1515", "device_type": "type-VF"}
alias = {"name": "vfs", "vendor_id": "8086", "product_id": "1515"}
alias = {"name": "pfs", "vendor_id": "8086", "product_id": "1528", "device_type": "type-PF"}
alias = {"name": "p", "vendor_id": "8086", "product_id": "1528"}
alias = {"name": "q", "vendor_id": "8086", "product_id": "0442", "device_type": "type-PCI"}
alias = {"name": "q", "vendor_id": "8086", "product_id": "0443", "device_type": "type-PCI"}
alias = {"name": "required", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI", "numa_policy": "required"}
alias = {"name": "preferred", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI", "numa_policy": "preferred"}
alias = {"name": "legacy", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI", "numa_policy": "legacy"}
alias = {"name": "socket", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI", "numa_policy": "socket"}
alias = {"name": "pinned-down", "vendor_id": "8086", "product_id": "1515", "device_type": "type-VF", "live_migratable": "no"}
[ml2]
tenant_network_types = vlan
[ml2_type_vlan]
network_vlan_ranges = physnet4:400:499,physnet1:100:199
"""


class NotBuilt(Exception):
    """penstockd says so itself, or docs/status.md does."""


class Differs(Exception):
    """Penstock does something else on purpose, and that was seen to work."""


def differs(why):
    raise Differs(why)


def needs(feature):
    """Ends the scenario if docs/status.md lists the feature as missing."""
    for line in open(ROOT + "/docs/status.md"):
        cells = line.split("|")
        if len(cells) == 5 and feature in cells[3]:
            raise NotBuilt("%s: docs/status.md lists it as missing" % feature)


def lacks(feature):
    """The scenario has no test yet, because the feature must be missing."""
    needs(feature)
    raise AssertionError("docs/status.md does not list %s as missing any more, and this scenario has no test" % feature)


def same(seen, wanted, what):
    assert seen == wanted, "%s: %r, not %r" % (what, seen, wanted)


def refused_start(build, program, text, *arguments):
    """Why the program does not start with this configuration, without the folder that the file is in."""
    with tempfile.TemporaryDirectory(prefix="penstock-scenarios.") as folder:
        config = folder + "/penstock.conf"
        with open(config, "w") as out:
            out.write("[DEFAULT]\nstate_path = %s/state\n[penstock]\nagent_state_path = %s/agent\nlisten = 127.0.0.1\nport = 1\n%s"
                      % (folder, folder, text))
        done = subprocess.run(["%s/src/%s" % (build, program), "--config-file", config, *arguments],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode != 0, "%s starts with %s" % (program, text)
        assert done.returncode > 0, "%s: %s" % (program, done.stderr)
        return done.stderr.replace(folder + "/", "")


class Cloud:
    def __init__(self, build, more=""):
        self.build, self.fleet, self.numbers = build, {}, itertools.count(1)
        self.site = Site(build, ALIASES + more)
        self.projects, self.trash, self.simulated = {}, [], None
        self.image = self.make_image()
        self.status, self.body = 0, None

    # --- requests ---

    def api(self, method, path, body=None, token=None, headers=None):
        """(status, body); what penstockd does not have ends the scenario."""
        self.status, self.body = self.site.api(method, path, body, token, headers)
        if self.status == 501:
            raise NotBuilt(re.sub(r" instance [-0-9a-f]{36}", "", reason(self.body)))
        return self.status, self.body

    def make(self, path, name, body, token=None):
        status, answer = self.api("POST", path, {name: body}, token)
        assert status in (200, 201), "POST %s %s: %s %s" % (path, body, status, reason(answer))
        self.trash.append("%s/%s" % (path, answer[name]["id"]))
        return answer[name]

    def name(self, kind):
        return "%s-%d" % (kind, next(self.numbers))

    def make_image(self, **properties):
        status, image = self.site.api("POST", IMAGE + "/images", {"name": "i", "disk_format": "raw", "container_format": "bare", **properties})
        assert status == 201, image
        status, _, body = request("%s%s/images/%s/file" % (self.site.url, IMAGE, image["id"]), "PUT", b"\0" * 65536,
                                  {"X-Auth-Token": self.site.token, "Content-Type": "application/octet-stream"})
        assert status == 204, body
        return image

    def public_image(self):
        """The image, for everybody."""
        status, answer = self.site.api("PATCH", "%s/images/%s" % (IMAGE, self.image["id"]), [{"op": "replace", "path": "/visibility", "value": "public"}],
                                       headers={"Content-Type": "application/openstack-images-v2.1-json-patch"})
        assert status == 200, answer
        return self.image

    # --- hosts ---

    def hosts(self, *inventories):
        """One host for each inventory, h1, h2 ...; the others are disabled and have no devices."""
        names = ["h%d" % (i + 1) for i in range(len(inventories))]
        for name, inventory in zip(names, inventories):
            if name in self.fleet:
                self.fleet[name].put_inventory(inventory)
            else:
                self.fleet[name] = Host(self.site, name, inventory=inventory)
        for name, host in self.fleet.items():
            host.fail = None
            if name not in names:
                host.put_inventory(Inventory())
            self.enable(name, name in names)
        return [self.fleet[name] for name in names]

    def host(self, inventory):
        return self.hosts(inventory)[0]

    def enable(self, name, on):
        status, answer = self.site.api("PUT", COMPUTE + "/os-services/" + ("enable" if on else "disable"), {"host": name, "binary": "nova-compute"})
        assert status == 200, answer

    def agent(self, config="", **size):
        """The real agent on a simulated host, alone in the site."""
        self.hosts()
        self.simulated = self.simulated or Agent(self)
        return self.simulated.start(config, **size)

    # --- what the store says ---

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.site.folder + "/state/penstock.db", timeout=10)) as db:
            return db.execute(sql, values).fetchall()

    def devices(self, host, where="1"):
        """Addresses of the devices that the site knows of the host."""
        return [row[0] for row in self.rows("SELECT address FROM device d JOIN host h ON h.id = d.host_id WHERE h.name = ? AND %s "
                                            "ORDER BY address" % where, host.name)]

    def free(self, host):
        """How many offered devices of the host nobody has."""
        return len(self.devices(host, "offered AND NOT EXISTS (SELECT 1 FROM device_claim c WHERE c.host_id = d.host_id AND c.address = d.address)"))

    # --- flavors, networks, ports ---

    def flavor(self, alias=None, vcpus=1, ram=64, **specs):
        """Extra specs by their names with _ for the colon: hw_cpu_policy."""
        flavor = self.make(COMPUTE + "/flavors", "flavor", {"name": self.name("f"), "ram": ram, "disk": 1, "vcpus": vcpus})
        specs = {key.replace("hw_", "hw:", 1): value for key, value in specs.items()}
        if alias:
            specs["pci_passthrough:alias"] = alias
        if specs:
            status, answer = self.api("POST", "%s/flavors/%s/os-extra_specs" % (COMPUTE, flavor["id"]), {"extra_specs": specs})
            assert status == 200, answer
        return flavor

    def network(self, physnet="physnet4", subnet=True, **more):
        wish = {"name": self.name("net"), **more}
        if physnet:
            wish.update({"provider:network_type": "vlan", "provider:physical_network": physnet})
        network = self.make(NETWORK + "/networks", "network", wish)
        if subnet:
            self.make(NETWORK + "/subnets", "subnet", {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24", "enable_dhcp": False})
        return network

    def port(self, network=None, vnic="direct", token=None, **more):
        network = network or self.network()
        return self.make(NETWORK + "/ports", "port", {"network_id": network["id"], "binding:vnic_type": vnic, **more}, token)

    def get_port(self, port):
        status, answer = self.api("GET", NETWORK + "/ports/" + port["id"])
        assert status == 200, answer
        return answer["port"]

    def put(self, kind, item, token=None, **changes):
        """(status, answer) of a change of a network, port ..."""
        return self.api("PUT", "%s/%ss/%s" % (NETWORK, kind, item["id"]), {kind: {k.replace("__", ":"): v for k, v in changes.items()}}, token)

    # --- servers ---

    def post_server(self, flavor=None, ports=(), token=None, **more):
        """(status, answer) of POST /servers with these ports."""
        headers = {} if ports else NEWEST
        return self.api("POST", COMPUTE + "/servers", {"server": {
            "name": "s", "flavorRef": (flavor or self.flavor())["id"], "imageRef": self.image["id"],
            "networks": [{"port": port["id"]} for port in ports] or "none", **more}}, token, headers)  # "none" is younger than 2.1

    def create(self, flavor=None, ports=(), **more):
        status, answer = self.post_server(flavor, ports, **more)
        assert status == 202, "POST /servers: %s %s" % (status, reason(answer))
        return answer["server"]["id"]

    def show(self, server):
        status, answer = self.site.api("GET", "%s/servers/%s" % (COMPUTE, server), headers=NEWEST)
        return answer["server"] if status == 200 else None

    def settle(self, server, wanted=("ACTIVE", "ERROR")):
        until(lambda: self.show(server)["status"] in wanted, 20, "the server is %s" % " or ".join(wanted))
        return self.show(server)

    def boot(self, flavor=None, ports=(), **more):
        """A server that is ACTIVE."""
        server = self.create(flavor, ports, **more)
        view = self.settle(server)
        assert view["status"] == "ACTIVE", "the server is %s: %s" % (view["status"], reason(view.get("fault")))
        return server

    def no_host(self, because, flavor=None, ports=(), **more):
        """202, then ERROR with Nova's words, and `because` is the reason of a host that is not disabled; the server is deleted."""
        server = self.create(flavor, ports, **more)
        view = self.settle(server)
        assert view["status"] == "ERROR", "the server is %s, with %s" % (view["status"], self.addresses(server))
        assert view["fault"]["message"].startswith("No valid host was found."), view["fault"]
        self.delete(server)
        reasons = [line for line in view["fault"]["details"].splitlines() if not line.endswith(": is disabled")]
        assert any(because in line for line in reasons), "no host because %r does not say %r" % (reasons, because)

    def host_name(self, server):
        return self.show(server)["OS-EXT-SRV-ATTR:host"]

    def runs_on(self, server):
        return self.fleet[self.host_name(server)]

    def desired(self, server):
        """What the host of the server was told of it."""
        return self.runs_on(server).running[server]

    def addresses(self, server):
        """The addresses of its devices: those of the flavor, then those of ports."""
        view = self.desired(server) if self.host_name(server) else {"devices": [], "ports": []}
        return [d["address"] for d in view["devices"]] + [p["device"]["address"] for p in view["ports"] if p["device"]]

    def action(self, server, what, argument=None):
        return self.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {what: argument}, headers=NEWEST)

    def delete(self, *servers):
        for server in servers:
            status, answer = self.site.api("DELETE", "%s/servers/%s" % (COMPUTE, server))
            assert status == 204, answer
        for server in servers:
            until(lambda: self.show(server) is None, 20, "the server is gone")

    # --- other configurations ---

    def restart(self, more="", aliases=ALIASES):
        self.site.kill()
        with open(self.site.config, "w") as out:
            out.write(CONFIG % {"folder": self.site.folder, "port": self.site.port} + aliases + more)
        self.site.start()

    @contextlib.contextmanager
    def configured(self, more, aliases=ALIASES):
        """penstockd with more in its configuration, or other aliases."""
        self.restart(more, aliases)
        try:
            yield
        finally:
            try:
                self.clean()
            finally:
                self.restart()

    # --- the end of a scenario ---

    def clean(self):
        """Everything that the scenario made goes, and everything must be free again."""
        for host in self.fleet.values():
            host.fail = None
        self.delete(*[s["id"] for s in self.site.api("GET", COMPUTE + "/servers?all_tenants=1")[1]["servers"]])
        # What a server left on a host that was down goes when that host says so, and its claims with it.
        until(lambda: self.rows("SELECT count(*) FROM server_leftover") == [(0,)], 20, "no host has anything left of a server that went away")
        if self.simulated and self.simulated.process:
            self.simulated.end()
        trash, self.trash = list(reversed(self.trash)), []
        left = [answer for answer in map(self.throw_away, trash) if answer]
        assert not left, left[0]
        same(self.rows("SELECT (SELECT count(*) FROM claim), (SELECT count(*) FROM device_claim), (SELECT count(*) FROM cpu_claim),"
                       " (SELECT count(*) FROM device WHERE state <> 'present')"),
             [(0, 0, 0, 0)], "claims, devices and CPUs with a claim, devices that are not as reported, after all servers are gone")
        same(self.rows("SELECT count(*) FROM host_state WHERE vcpus_used <> 0 OR memory_mb_used <> 0 OR servers <> 0"), [(0,)], "hosts in use")
        until(lambda: not any(host.running for host in self.fleet.values()), 10, "the hosts run nothing")

    def throw_away(self, path):
        """What is wrong, if it cannot be deleted.  Ports that were bound by hand are released first."""
        if "/ports/" in path:
            self.site.api("PUT", path, {"port": {"device_id": "", "device_owner": "", "binding:host_id": "", "binding:profile": {}}})
        status, answer = self.site.api("DELETE", path)
        return None if status in (202, 204, 404) else "DELETE %s: %s %s" % (path, status, reason(answer))

    def user(self, project):
        """The token of a member of another project, which is made if it is not there."""
        if project not in self.projects:
            made = self.site.api("POST", "/identity/v3/projects", {"project": {"name": project}})[1]["project"]["id"]
            user = self.site.api("POST", "/identity/v3/users", {"user": {"name": project, "password": "pw"}})[1]["user"]["id"]
            role = self.site.api("GET", "/identity/v3/roles?name=member")[1]["roles"][0]["id"]
            assert self.site.api("PUT", "/identity/v3/projects/%s/users/%s/roles/%s" % (made, user, role))[0] == 204
            self.projects[project] = (self.site.login(project, "pw", project), made)
        return self.projects[project]

    def end(self):
        """Returns what penstockd logged."""
        for host in self.fleet.values():
            host.stopping = True
        return self.site.stop()

    def abandon(self):
        """Leaves no process and no folder behind, whatever happened; after end() there is nothing left to do."""
        for process in (self.site.daemon, self.simulated and self.simulated.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.site.folder, ignore_errors=True)


def reason(answer):
    """The sentence in an error of any of the services."""
    while isinstance(answer, dict) and answer:
        answer = answer.get("message") or answer.get("details") or list(answer.values())[0]
    return str(answer)
