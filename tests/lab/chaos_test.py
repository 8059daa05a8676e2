#!/usr/bin/python3
"""Servers are made, changed and deleted on a host with 7 VFs, a PF and an NVMe drive, while kill -9 hits penstockd,
penstock-agent, libvirtd or a guest's QEMU at random moments: nothing is granted twice, nothing gets stuck, nothing is left.

chaos_test.py BUILD-FOLDER; prints "ok lab chaos NAME" lines.  ROUNDS=20, SEED (printed), ROUND=N for one round alone,
STRUCK=libvirtd: of these rounds only those in which that is killed."""
import os
import random
import signal
import sys
import time

from chaos_lab import Lab
from chaos_plan import Plan

SETTLE = 180  # seconds in which all of a round's servers must be what they shall be
CLEAN = 60  # ... and after which nothing may be left of those that are gone
NIC, FAR_NIC, NVME = "0000:21:00.0", "0000:41:00.0", "0000:22:00.0"
CLAIMS = {
    "settled": "every server becomes what it shall be, or says what was killed",
    "single": "no device is granted twice",
    "faithful": "guests have the devices and settings that were claimed for them",
    "clean": "nothing is left, VFs are clean, PFs are up",
}


class Broken(Exception):
    def __init__(self, claim, what):
        super().__init__(what)
        self.claim = claim


class Round:
    def __init__(self, lab, site, seed, number):
        self.lab, self.site, self.number = lab, site, number
        self.plan = Plan(seed, number)
        self.servers, self.ports, self.asked = [], [], {}
        self.name = "r%d" % number

    # --- requests, after some of which something dies ---

    def answered(self, phase):
        request = self.asked.get(phase, 0)
        self.asked[phase] = request + 1
        for strike in self.plan.strikes:
            if (strike.phase, strike.request) == (phase, request):
                self.lab.host("/strike", strike.order())

    def make_port(self, settings=None):
        """A VF port with these settings, or a standard one."""
        body = {"name": "%s-%d" % (self.name, len(self.ports)), "network_id": self.site["vlan" if settings else "private"]}
        if settings:
            body.update({"binding:vnic_type": "direct", "port_security_enabled": settings["port_security_enabled"],
                         "binding:profile": {"trusted": settings["trusted"]} if settings["trusted"] else {}})
            if settings["rate"]:
                body["qos_policy_id"] = self.site["policy"]
        self.ports.append(self.lab.make("/network/v2.0/ports", "port", {"port": body}))
        return self.ports[-1]["id"]

    def create(self):
        for index, planned in enumerate(self.plan.servers):
            ports = [self.make_port(settings) for settings in planned.vfs] + ([self.make_port()] if planned.standard else [])
            self.servers.append(self.lab.make("/compute/v2.1/servers", "server", {"server": {
                "name": "%s-%d" % (self.name, index), "imageRef": self.site["image"], "flavorRef": self.site[planned.alias or "plain"],
                "networks": [{"port": port} for port in ports] or "none"}})["id"])
            self.answered("create")

    def act(self, server, action):
        answer = self.lab.api("POST", "/compute/v2.1/servers/%s/action" % server, action)
        if answer.status != 202 and not (answer.cut and answer.status == 409) and not self.is_off(server):
            raise Broken("settled", "%s: %d %s" % (action, answer.status, answer.body))

    def operate(self):
        server, kind = self.servers[self.plan.subject], self.plan.operation
        interfaces = "/compute/v2.1/servers/%s/os-interface" % server
        if kind == "attach":
            port = self.make_port({"trusted": False, "port_security_enabled": True, "rate": False})
            answer = self.lab.api("POST", interfaces, {"interfaceAttachment": {"port_id": port}})
            if answer.status != 200 and not answer.cut and not self.is_off(server):
                raise Broken("settled", "attach: %d %s" % (answer.status, answer.body))
        elif kind == "detach":
            for port in self.lab.api("GET", interfaces).body["interfaceAttachments"][:1]:
                self.lab.api("DELETE", interfaces + "/" + port["port_id"])
        elif kind == "stop and start":
            self.act(server, {"os-stop": None})
            self.answered("operation")
            self.settle()
            if self.status(server)["status"] == "SHUTOFF":
                self.act(server, {"os-start": None})
        else:
            self.act(server, {"reboot": {"type": "HARD"}} if kind == "reboot" else {"os-stop" if kind == "stop" else kind: None})
        self.answered("operation")

    def delete(self):
        for server in self.servers:
            answer = self.lab.api("DELETE", "/compute/v2.1/servers/" + server)
            if answer.status != 204 and not (answer.cut and answer.status == 404):
                raise Broken("settled", "DELETE: %d %s" % (answer.status, answer.body))
            self.answered("delete")

    # --- what must hold ---

    def status(self, server):
        answer = self.lab.api("GET", "/compute/v2.1/servers/" + server)
        return answer.body.get("server", {"status": "none"})

    def is_off(self, server):
        """A guest that was killed is off, and its server refuses what needs it running."""
        return self.status(server)["status"] in ("SHUTOFF", "ERROR")

    def all_up(self):
        told = self.lab.host("/strikes")
        return told and not told["pending"] and all(told["up"].values())

    def expected(self, index):
        """The states that a server may be in."""
        states = {"ACTIVE"}
        if index == self.plan.subject and self.asked.get("operation"):
            states = {"stop": {"SHUTOFF"}, "pause": {"PAUSED"}, "stop and start": {"ACTIVE", "SHUTOFF"}}.get(self.plan.operation, states)
        return states | ({"SHUTOFF"} if "qemu" in self.plan.struck() else set())

    def is_settled(self, index, server):
        told = self.status(server)
        if told["status"] == "none":
            raise Broken("settled", "the server %s was answered 202 and is not there" % server)
        return told["OS-EXT-STS:task_state"] is None and told["status"] in self.expected(index) | {"ERROR"}

    def settle(self):
        end = time.monotonic() + SETTLE
        for index, server in enumerate(self.servers):
            if not self.lab.until(end - time.monotonic(), lambda i=index, s=server: self.is_settled(i, s) and self.all_up(), 0.4):
                told = self.status(server)
                raise Broken("settled", "server %d (%s) is %s, task %s, %d s after it was to be %s" % (
                    index, self.plan.servers[index], told["status"], told.get("OS-EXT-STS:task_state"), SETTLE, " or ".join(self.expected(index))))
            self.judge_error(self.status(server))

    def judge_error(self, told):
        """An ERROR must come from what was killed, and say so."""
        if told["status"] != "ERROR":
            return
        why = told["fault"]["message"] + " " + told["fault"].get("details", "")
        blamed = {"libvirtd": ("libvirt",), "qemu": ("guest", "QEMU", "libvirt")}
        if not any(word in why for target in self.plan.struck() for word in blamed.get(target, ())):
            raise Broken("settled", "ERROR: " + why)

    def check_single(self, facts):
        for what, lists in (("libvirt's domains", facts["domains"]), ("journals", facts["journals"]),
                            ("processes", {qemu["pid"]: qemu["holds"] for qemu in facts["qemus"]})):
            seen = {}
            for holder, addresses in lists.items():
                for address in addresses:
                    if seen.setdefault(address, holder) != holder:
                        raise Broken("single", "%s: %s is with %s and with %s" % (what, address, seen[address], holder))
        claimed = [address for address, _ in facts["claims"]["device_claim"]]
        if len(claimed) != len(set(claimed)):
            raise Broken("single", "claims: %s" % facts["claims"]["device_claim"])

    def check_faithful(self):
        """Guests that run, against claims and ports; several attempts, as the daemons go on meanwhile."""
        wrong = []

        def is_faithful():
            facts = self.lab.facts()
            if facts:
                self.check_single(facts)
                wrong[:] = list(self.unfaithful(facts))
            return facts and not wrong
        if not self.lab.until(30, is_faithful, 0.5):
            raise Broken("faithful", "; ".join(wrong))

    def unfaithful(self, facts):
        guests = {qemu["uuid"]: qemu["holds"] for qemu in facts["qemus"]}
        programmed = {facts["devices"][NIC]["vfs"][vf["vf"]]: vf for vf in facts["links"].get("p5p1", {}).get("vfs", [])}
        for server in self.servers:
            told = self.status(server)
            if told["status"] not in ("ACTIVE", "PAUSED"):
                continue
            claimed = sorted(address for address, owner in facts["claims"]["device_claim"] if owner == server)
            if guests.get(server) != claimed:
                yield "server %s has %s and its guest %s" % (server, claimed, guests.get(server))
            if facts["domains"].get(server) != claimed:
                yield "server %s has %s and its domain %s" % (server, claimed, facts["domains"].get(server))
        for port in self.lab.api("GET", "/network/v2.0/ports").body["ports"]:
            slot = port["binding:profile"].get("pci_slot")
            if slot in programmed and port["status"] == "ACTIVE":
                vf, vlan = programmed[slot], self.site["segment"]
                if (vf["address"], vf["vlan_list"][0].get("vlan")) != (port["mac_address"], vlan):
                    yield "port %s on %s: %s" % (port["id"], slot, vf)

    def dirt(self, facts):
        """What is left of servers that are gone."""
        for name in ("qemus", "domains", "journals", "ledger", "quarantine", "networks", "dnsmasq"):
            if facts[name]:
                yield "%s: %s" % (name, facts[name])
        if any(facts["claims"].values()):
            yield "claims: %s" % facts["claims"]
        odd = [name for name in facts["images"] if len(name) != 36 + 1 + 64]
        if odd or len(facts["images"]) > 1:
            yield "images: %s" % facts["images"]
        for device, before in self.site["devices"].items():
            if facts["devices"].get(device) != before:
                yield "%s is %s and was %s" % (device, facts["devices"].get(device), before)
        for nic, before in self.site["links"].items():
            if facts["links"].get(nic) != before:
                yield "%s is %s and was %s" % (nic, facts["links"].get(nic), before)
        if set(facts["links"]) != set(self.site["all_links"]):
            yield "links: %s" % sorted(facts["links"])
        if facts["disks"] != self.site["disks"]:
            yield "NVMe drives: %s" % facts["disks"]

    def check_clean(self):
        dirt = ["the host does not answer"]

        def is_clean():
            facts = self.lab.facts()
            dirt[:] = list(self.dirt(facts)) if facts else dirt
            return facts and not dirt
        if not self.lab.until(CLEAN, is_clean, 0.5):
            raise Broken("clean", "; ".join(dirt))
        told = self.lab.host("/virsh")
        if told and told["uuids"] and set(told["uuids"]) <= set(told["held_on"]):
            print("# round %d: libvirtd is restarted, as the agent asks: it holds on to %s" % (self.number, told["uuids"]), flush=True)
            self.lab.host("/strike", {"targets": ["libvirtd"], "after": 0, "down": 0, "pick": 0})
            self.lab.until(60, self.all_up)
            told = self.lab.until(60, lambda: (lambda again: again and not again["error"] and again)(self.lab.host("/virsh")))
        if told is None or told["uuids"] or told["error"]:
            raise Broken("clean", "virsh: %s" % told)
        ports = self.lab.api("GET", "/network/v2.0/ports").body["ports"]
        if ports:
            raise Broken("clean", "ports: %s" % [(port["id"], port["device_id"]) for port in ports])

    def run(self):
        self.create()
        if not self.plan.hasty:
            self.settle()
            self.check_faithful()
        if self.plan.operation:
            self.operate()
            self.settle()
            self.check_faithful()
        self.delete()
        end = time.monotonic() + SETTLE
        for server in self.servers:
            gone = self.lab.until(end - time.monotonic(), lambda s=server: self.status(s)["status"] == "none" and self.all_up(), 0.4)
            if not gone:
                raise Broken("settled", "server %s is %s, %d s after it was deleted" % (server, self.status(server)["status"], SETTLE))
        for port in self.ports:
            self.lab.api("DELETE", "/network/v2.0/ports/" + port["id"])
        self.check_clean()


def prepare(lab):
    """What all rounds use, and how the host is when nothing is going on."""
    lab.up()
    site = {}
    network = lab.make("/network/v2.0/networks", "network", {"network": {
        "name": "vlan", "provider:network_type": "vlan", "provider:physical_network": "physnet_sriov"}})
    site["vlan"], site["segment"] = network["id"], network["provider:segmentation_id"]
    site["private"] = lab.make("/network/v2.0/networks", "network", {"network": {"name": "private"}})["id"]
    for network, cidr, dhcp in (("vlan", "10.0.0.0/24", False), ("private", "192.168.99.0/24", True)):
        lab.make("/network/v2.0/subnets", "subnet", {"subnet": {"name": network, "network_id": site[network], "ip_version": 4,
                                                                "cidr": cidr, "enable_dhcp": dhcp}})
    site["policy"] = lab.make("/network/v2.0/qos/policies", "policy", {"policy": {"name": "slow"}})["id"]
    lab.api("POST", "/network/v2.0/qos/policies/%s/bandwidth_limit_rules" % site["policy"],
            {"bandwidth_limit_rule": {"max_kbps": 99500, "direction": "egress"}})
    site["image"] = lab.api("POST", "/image/v2/images", {"name": "probe", "disk_format": "raw", "container_format": "bare"}).body["id"]
    with open(lab.folder + "/probe.img", "rb") as image:
        lab.api("PUT", "/image/v2/images/%s/file" % site["image"], image.read(), "application/octet-stream")
    for name in ("plain", "pf", "nvme"):
        site[name] = lab.make("/compute/v2.1/flavors", "flavor", {"flavor": {"name": name, "ram": 64, "disk": 1, "vcpus": 1}})["id"]
        if name != "plain":
            lab.api("POST", "/compute/v2.1/flavors/%s/os-extra_specs" % site[name], {"extra_specs": {"pci_passthrough:alias": name + ":1"}})
    if not lab.until(60, lambda: any(agent["alive"] for agent in lab.api("GET", "/network/v2.0/agents").body["agents"])):
        raise TimeoutError("the host did not join")
    facts = lab.until(30, lab.facts)
    ours = [NIC, FAR_NIC, NVME] + facts["devices"][NIC]["vfs"] + facts["devices"][FAR_NIC]["vfs"]
    assert len(ours) == 3 + 7 + 2, ours
    site["devices"] = {address: facts["devices"][address] for address in ours}
    site["links"] = {name: facts["links"][name] for name in ("p5p1", "p5p2")}
    site["all_links"], site["disks"] = list(facts["links"]), facts["disks"]
    return site


def explain(lab, round_, seed, offsets, error):
    print("# round %d broke off: %s" % (round_.number, error))
    print("# SEED=%s ROUND=%d %s" % (seed, round_.number, round_.plan))
    print("# servers %s" % " ".join(round_.servers))
    for strike in (lab.host("/strikes") or {"struck": []})["struck"]:
        print("# killed %(target)s %(pids)s at %(at)s" % strike)
    for path, text in (lab.host("/logs", offsets) or {}).items():
        print("# --- %s" % path)
        for line in text.splitlines()[-60:]:
            print("# " + line)
    sys.stdout.flush()


def begin(lab):
    """On a new host; once more if that breaks down while it begins."""
    try:
        return prepare(lab)
    except Exception as error:
        print("# the host did not begin: %s" % error, flush=True)
        return prepare(lab)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the lab host is switched off all the same
    lab = Lab(sys.argv[1])
    seed = os.environ.get("SEED") or str(random.randrange(1 << 32))
    numbers = [int(os.environ["ROUND"])] if os.environ.get("ROUND") else range(1, int(os.environ.get("ROUNDS", "20")) + 1)
    numbers = [number for number in numbers if os.environ.get("STRUCK", "") in {"", *Plan(seed, number).struck()}]
    print("# SEED=%s ROUNDS=%d" % (seed, len(numbers)), flush=True)
    broken, site, spent, left, again = {}, None, [], list(numbers), set()
    try:
        while left:
            number = left.pop(0)
            site = site or begin(lab)
            round_, offsets, began = Round(lab, site, seed, number), (lab.facts() or {}).get("logs", {}), time.monotonic()
            try:
                round_.run()
            except Exception as error:  # a host that breaks down is met in many ways
                sick = lab.why_sick()
                if sick and number not in again:
                    print("# %s; it is booted anew, and round %d tried once more" % (sick, number), flush=True)
                    again.add(number)
                    left.insert(0, number)
                    explain(lab, round_, seed, offsets, error)  # what is lost with the host might be ours
                    site = None
                    continue
                broken.setdefault(getattr(error, "claim", "settled"), []).append(number)
                explain(lab, round_, seed, offsets, error)
                site = None  # what comes next begins on a fresh host
                if sum(map(len, broken.values())) >= 5:
                    break
            spent.append(time.monotonic() - began)
            print("# round %d: %.1f s: %s" % (number, spent[-1], round_.plan), flush=True)
    finally:
        if not os.environ.get("KEEP"):
            lab.down()
    print("# %d rounds in %.0f s, %.1f s for a round" % (len(spent), sum(spent), sum(spent) / max(1, len(spent))))
    for claim, text in CLAIMS.items():
        print("%sok lab chaos: %s%s" % ("not " if broken.get(claim) else "", text, " (rounds %s)" % broken[claim] if broken.get(claim) else ""))
    return 1 if broken else 0


sys.exit(main())
