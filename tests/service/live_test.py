#!/usr/bin/python3
"""Servers that go to another host while they run: a real penstockd, hosts that are made up and the real penstock-agent on two simulated
ones, which are killed in the middle, and the openstack command.  live_test.py BUILD-FOLDER [NAME...]"""
import contextlib
import json
import os
import random
import signal
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from agent import Agent  # noqa: E402
from cloud import COMPUTE, NEWEST, NETWORK, Cloud, Host, reason, same, until  # noqa: E402
from scenarios_ports import nic  # noqa: E402
from service_test import client  # noqa: E402

LIVE = {"host": None, "block_migration": "auto"}
NOBODY = "00000000-0000-4000-8000-000000000000"


def starts(cloud, server, host=None):
    status, answer = cloud.action(server, "os-migrateLive", {**LIVE, "host": host})
    assert status == 202, (status, answer)


def migration(cloud, server):
    """The newest of the server's."""
    return cloud.api("GET", COMPUTE + "/os-migrations?instance_uuid=" + server, headers=NEWEST)[1]["migrations"][0]


def under_way(cloud, server):
    return cloud.api("GET", "%s/servers/%s/migrations" % (COMPUTE, server), headers=NEWEST)[1]["migrations"]


def is_on(cloud, server, host, status="ACTIVE"):
    view = cloud.show(server)
    return (view["OS-EXT-SRV-ATTR:host"], view["status"], view["OS-EXT-STS:task_state"]) == (host, status, None)


def comes_to(cloud, server, host, status="ACTIVE"):
    until(lambda: is_on(cloud, server, host, status), 20, "the server is %s on %s: %s" % (status, host, cloud.show(server)))


def ended(cloud):
    """No migration is under way, and no host has anything to clean up."""
    until(lambda: cloud.rows("SELECT count(*) FROM server_move WHERE open") == [(0,)], 20, "the migration is over: %s" % cloud.rows("SELECT * FROM server_move"))


def stayed(cloud, server, source, status="error"):
    """It is where it was, and nothing of the attempt is left."""
    comes_to(cloud, server, source)
    ended(cloud)
    same((migration(cloud, server)["status"], cloud.rows("SELECT count(*) FROM claim")), (status, [(1,)]), "the migration, claims")
    for port in cloud.api("GET", NETWORK + "/ports?device_id=" + server)[1]["ports"]:
        bindings = cloud.api("GET", "%s/ports/%s/bindings" % (NETWORK, port["id"]))[1]["bindings"]
        same([(b["host"], b["status"]) for b in bindings], [(source, "ACTIVE")], "the bindings of its port")


# --- with hosts that are made up ---

def two(cloud):
    """A server with a VF, on the first of two hosts."""
    hosts = cloud.hosts(nic(), nic())
    cloud.enable("h2", False)
    server = cloud.boot(ports=[cloud.port()])
    cloud.enable("h2", True)
    return hosts[0], hosts[1], server


def test_a_target_that_cannot_take_it(cloud):
    source, target, server = two(cloud)
    target.fail = "VF 0 of p5p1: Operation not supported"
    starts(cloud, server)
    stayed(cloud, server, "h1")
    assert [s["want"] for s in source.seen if s["id"] == server][-1] == "running", "the source was told to let it go"
    assert [s["want"] for s in target.seen if s["id"] == server] == ["incoming", "absent"]
    actions = cloud.api("GET", "%s/servers/%s/os-instance-actions" % (COMPUTE, server), headers=NEWEST)[1]["instanceActions"]
    same((actions[0]["action"], actions[0]["message"]), ("live-migration", "Error"), "the newest action")


def test_a_source_that_cannot_let_it_go(cloud):
    source, target, server = two(cloud)
    source.keeps = "port x: the guest did not let go of it"
    starts(cloud, server)
    stayed(cloud, server, "h1")
    assert target.seen[-1]["want"] == "absent" and source.seen[-1]["want"] == "running"
    source.keeps = None
    starts(cloud, server)
    comes_to(cloud, server, "h2")


def test_a_guest_that_ends_on_its_way(cloud):
    source, target, server = two(cloud)
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    del source.running[server]  # it has switched itself off
    source.slow = False
    source.call("POST", "status", {"servers": [{"id": server, "generation": source.seen[-1]["generation"], "state": "stopped", "ports": []}]})
    comes_to(cloud, server, "h1", "SHUTOFF")
    ended(cloud)
    same((migration(cloud, server)["status"], server in target.running), ("error", False), "the migration, the target")
    cloud.action(server, "os-start")
    comes_to(cloud, server, "h1")
    # It has got there, and ends before anybody looks.
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    del source.running[server]
    source.call("POST", "status", {"servers": [{"id": server, "generation": source.seen[-1]["generation"], "state": "left", "ports": []}]})
    comes_to(cloud, server, "h2", "SHUTOFF")
    ended(cloud)
    source.slow = False
    cloud.action(server, "os-start")
    comes_to(cloud, server, "h2")


def test_neither_host_is_asked_to_start_it_while_the_other_may_have_it(cloud):
    source, target, server = two(cloud)
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    target.mute = True
    # The source has not got it any more and does not know why: the target must say.
    del source.running[server]
    source.call("POST", "status", {"servers": [{"id": server, "generation": source.seen[-1]["generation"], "state": "stopped", "ports": []}]})
    time.sleep(0.3)
    same((cloud.show(server)["status"], [s["want"] for s in source.seen if s["id"] == server][-1]), ("MIGRATING", "leaving"), "while nobody knows")
    cloud.site.kill()
    cloud.site.start()
    same(cloud.show(server)["status"], "MIGRATING", "after a restart")
    Host.on_their_way[cloud.site.url, server] = b"disk"  # it has got there
    target.mute = False
    comes_to(cloud, server, "h2")
    source.slow = False
    ended(cloud)
    same(migration(cloud, server)["status"], "completed", "the migration")


def test_a_migration_is_looked_at_aborted_and_completed(cloud):
    source, target, server = two(cloud)
    path = "%s/servers/%s/migrations" % (COMPUTE, server)
    old = {"X-OpenStack-Nova-API-Version": "2.24"}
    same((under_way(cloud, server), cloud.api("DELETE", path + "/1", headers=NEWEST)[0]), ([], 409), "before")
    target.mute = True
    starts(cloud, server)
    (view,) = under_way(cloud, server)
    same((view["status"], view["source_compute"], view["dest_compute"], view["server_uuid"]), ("preparing", "h1", "h2", server), "what is under way")
    same(cloud.api("GET", "%s/%d" % (path, view["id"]), headers=NEWEST)[1]["migration"], view, "the same by its number")
    for number in ("%d" % (view["id"] + 1), "x", "1"):
        same((cloud.api("GET", "%s/%s" % (path, number), headers=NEWEST)[0], cloud.api("DELETE", "%s/%s" % (path, number), headers=NEWEST)[0]), (404, 404), number)
    one = "%s/%d" % (path, view["id"])
    same((cloud.api("DELETE", one, headers=old)[0], cloud.api("POST", one + "/action", {"force_complete": None}, headers=NEWEST)[0]), (400, 400), "too early")
    same(cloud.show(server)["OS-EXT-STS:task_state"], "migrating", "task_state")
    for what in ("os-stop", "os-migrateLive", "migrate", "reboot"):
        same(cloud.action(server, what, LIVE if what == "os-migrateLive" else {"type": "SOFT"} if what == "reboot" else None)[0], 409, what)
    same(cloud.api("DELETE", one, headers=NEWEST)[0], 202, "DELETE")
    comes_to(cloud, server, "h1")
    same(migration(cloud, server)["status"], "cancelled", "the migration")
    target.mute = False
    stayed(cloud, server, "h1", "cancelled")
    # On its way it is asked to stay.
    source.slow = True
    starts(cloud, server)
    until(lambda: under_way(cloud, server)[0]["status"] == "running", 10, "it runs")
    one = "%s/%d" % (path, under_way(cloud, server)[0]["id"])
    same(cloud.api("POST", one + "/action", {"force_complete": None}, headers=NEWEST)[0], 202, "force_complete")
    until(lambda: source.seen[-1].get("migration", {}).get("complete"), 10, "the source is told to complete it")
    same(cloud.api("POST", one + "/action", {"force": None}, headers=NEWEST)[0], 400, "another action")
    same(cloud.api("DELETE", one, headers=old)[0], 202, "DELETE")
    stayed(cloud, server, "h1", "cancelled")
    assert "staying" in [s["want"] for s in source.seen if s["id"] == server]
    # Too late: the guest had gone.
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    source.mute = True
    cloud.api("DELETE", "%s/%d" % (path, under_way(cloud, server)[0]["id"]), headers=NEWEST)
    Host.on_their_way[cloud.site.url, server] = b"disk"
    del source.running[server]
    source.slow = source.mute = False
    comes_to(cloud, server, "h2")
    ended(cloud)


def test_a_server_is_deleted_on_its_way(cloud):
    source, target, server = two(cloud)
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    cloud.delete(server)
    ended(cloud)
    source.slow = False
    until(lambda: target.seen[-1]["want"] == "absent", 10, "the target has nothing of it")


def test_what_changes_meanwhile_gets_there(cloud):
    source, target, server = two(cloud)
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    port = source.seen[-1]["ports"][0]
    told = len(source.seen)
    same(cloud.put("port", port, admin_state_up=False)[0], 200, "the port goes down")
    time.sleep(0.2)
    assert len(source.seen) == told, "the source is disturbed"
    source.slow = False
    source.obey([source.seen[-1]])
    comes_to(cloud, server, "h2")
    until(lambda: target.seen[-1]["want"] == "running" and target.seen[-1]["ports"][0]["admin_state_up"] is False, 10, "the target knows")


def test_a_host_that_cannot(cloud):
    inventory = nic()
    other = nic()
    other.host = {**other.host, "cpu": {**other.host["cpu"], "model": "another"}}
    del inventory.host["migration"]
    cloud.hosts(nic(), inventory, other)
    for name in ("h2", "h3"):
        cloud.enable(name, False)
    server = cloud.boot(ports=[cloud.port()])
    for name in ("h2", "h3"):
        cloud.enable(name, True)
    status, answer = cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"os-migrateLive": {"host": None, "block_migration": True, "disk_over_commit": False}})
    assert status == 400 and "h2: its agent cannot take over a server that runs" in reason(answer) and "h3: has another CPU model" in reason(answer), answer
    starts(cloud, server, "h2")
    stayed(cloud, server, "h1")
    for host, text in (("nowhere", "could not be found"), ("h1", "where it is")):
        status, answer = cloud.action(server, "os-migrateLive", {**LIVE, "host": host})
        assert status == 400 and text in reason(answer), answer


def force_down(cloud, host, down):
    services = cloud.api("GET", COMPUTE + "/os-services?host=" + host.name, headers=NEWEST)[1]["services"]
    status, answer = cloud.api("PUT", "%s/os-services/%s" % (COMPUTE, services[0]["id"]), {"forced_down": down}, headers=NEWEST)
    same((status, answer["service"]["forced_down"]), (200, down), "PUT /os-services")


def test_a_host_goes_down_meanwhile(cloud):
    source, target, server = two(cloud)
    # The target, before the guest has left: it stays.
    target.mute = True
    starts(cloud, server)
    force_down(cloud, target, True)
    comes_to(cloud, server, "h1")
    target.mute = False
    force_down(cloud, target, False)
    stayed(cloud, server, "h1")
    # The source, after the guest has left without a word: the target has it.
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    source.mute = True
    Host.on_their_way[cloud.site.url, server] = b"disk"
    force_down(cloud, source, True)
    comes_to(cloud, server, "h2")
    same(cloud.rows("SELECT count(*) FROM device_claim"), [(2,)], "devices that are claimed while the source has not said that it is clean")
    del source.running[server]
    source.slow = source.mute = False
    force_down(cloud, source, False)
    ended(cloud)
    # The source, before the guest has left: it is evacuated like any other.
    target.slow = True
    starts(cloud, server)
    until(lambda: target.seen[-1]["want"] == "leaving", 10, "the source is told")
    target.mute = True
    force_down(cloud, target, True)
    comes_to(cloud, server, "h2")
    until(lambda: cloud.rows("SELECT count(*) FROM server_move WHERE open") == [(0,)], 10, "the other host is clean")
    same(cloud.action(server, "evacuate", {})[0], 200, "evacuate")
    comes_to(cloud, server, "h1")
    target.running.pop(server)
    target.slow = target.mute = False
    force_down(cloud, target, False)
    until(lambda: cloud.rows("SELECT count(*) FROM server_leftover") == [(0,)], 10, "the host that was down is clean")
    # A target that is down when the guest is there: it is that host's.
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    target.mute = True
    source.slow = False
    source.obey([source.seen[-1]])
    force_down(cloud, target, True)
    comes_to(cloud, server, "h2")
    same(cloud.action(server, "evacuate", {})[0], 200, "evacuate")
    comes_to(cloud, server, "h1")
    target.mute = False
    force_down(cloud, target, False)


def test_a_source_that_was_away_asks_before_its_guest_leaves(cloud):
    """What it was told before may have been given up meanwhile, and the target be clean."""
    source, target, server = two(cloud)

    def may_leave(host, generation):
        status, _, body = host.call("GET", "servers/%s/leaving%s" % (server, generation))
        assert status == 204 or json.loads(body)["error"]["message"], body
        return status
    same(may_leave(source, "?generation=1"), 409, "before there is a migration")
    source.slow = True
    starts(cloud, server)
    until(lambda: source.seen[-1]["want"] == "leaving", 10, "the source is told")
    now = "?generation=%d" % source.seen[-1]["generation"]
    same([may_leave(source, text) for text in (now, "?generation=1", "?generation=x", "")], [204, 409, 400, 400], "the source asks")
    same((may_leave(target, now), source.call("GET", "servers/%s/leaving%s" % (NOBODY, now))[0]), (409, 404), "the target asks, and of another server")
    source.mute = target.mute = True
    force_down(cloud, source, True)
    until(lambda: cloud.rows("SELECT other_want FROM server_move WHERE open") == [("arrived",)], 10, "the target is asked whether it is there")
    force_down(cloud, source, False)
    same(may_leave(source, now), 409, "the source asks when it is back")
    # It has not said that the guest has ended, only because it is up again when the target says that there is none.
    target.mute = False
    until(lambda: cloud.show(server)["OS-EXT-STS:task_state"] is None, 10, "the migration is given up")
    source.slow = source.mute = False
    stayed(cloud, server, "h1")
    until(lambda: source.seen[-1]["want"] == "running", 10, "the source is told that it has the guest: %s" % source.seen[-1]["want"])


def test_it_ends_in_time(cloud):
    with cloud.configured("[penstock]\nmove_timeout = 1\n"):
        source, target, server = two(cloud)
        target.mute = True
        starts(cloud, server)
        comes_to(cloud, server, "h1")
        target.mute = False
        stayed(cloud, server, "h1")
        source.slow = True
        starts(cloud, server)
        until(lambda: "staying" in [s["want"] for s in source.seen if s["id"] == server], 20, "the source is told to keep it")
        source.slow = False
        stayed(cloud, server, "h1", "cancelled")


def test_the_openstack_command(cloud):
    source, target, server = two(cloud)
    openstack = client(cloud.site, "/usr/bin/openstack")
    openstack("server", "migrate", "--live-migration", "--wait", server)
    comes_to(cloud, server, "h2")
    ended(cloud)
    assert "completed" in openstack("server", "migration", "list", "--server", server)
    openstack("--os-compute-api-version", "2.30", "server", "migrate", "--live-migration", "--host", "h1", "--wait", server)
    comes_to(cloud, server, "h1")
    source.slow = True
    openstack("server", "migrate", "--live-migration", server)
    until(lambda: under_way(cloud, server) and under_way(cloud, server)[0]["status"] == "running", 10, "it runs")
    number = str(under_way(cloud, server)[0]["id"])
    assert "running" in openstack("--os-compute-api-version", "2.59", "server", "migration", "show", server, number)
    openstack("--os-compute-api-version", "2.59", "server", "migration", "abort", server, number)
    stayed(cloud, server, "h1", "cancelled")
    source.slow = False


def test_kill_9_of_penstockd(cloud):
    seed = random.randrange(1 << 30)
    print("# seed %d" % seed)
    dice = random.Random(seed)
    source, target, server = two(cloud)
    for _ in range(12):
        with contextlib.suppress(OSError, ValueError):
            cloud.action(server, "os-migrateLive", LIVE)
        time.sleep(dice.uniform(0, 0.1))
        cloud.site.kill()
        cloud.site.start()
        until(lambda: cloud.show(server)["status"] == "ACTIVE" and cloud.rows("SELECT count(*) FROM server_move WHERE open") == [(0,)], 30,
              "it settles: %s %s" % (cloud.show(server), cloud.rows("SELECT * FROM server_move WHERE open")))
        same([h.name for h in (source, target) if server in h.running], [cloud.host_name(server)], "who has the guest")


# --- with real agents on simulated hosts ---

class Pair:
    """Two hosts in files: their guests outlive the agents."""

    def __init__(self, cloud, more=""):
        cloud.hosts()
        self.cloud, self.more = cloud, more
        self.agents = {name: cloud.__dict__.setdefault("agents", {}).get(name) or Agent(cloud, name) for name in ("sim1", "sim2")}
        cloud.agents.update(self.agents)
        for name in self.agents:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.file(name))
            self.start(name)

    def file(self, name):
        return "%s/%s.host" % (self.cloud.site.folder, name)

    def start(self, name, uri="%s.host"):
        self.agents[name].start('[pci]\ndevice_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet4"}\n'
                                '[libvirt]\nlive_migration_uri = simulated:%s/%s\nlive_migration_inbound_addr = %s\n'
                                % (self.cloud.site.folder, uri, name), file=self.file(name), more=self.more)

    def kill(self, name):
        self.agents[name].process.send_signal(signal.SIGKILL)
        self.agents[name].process.wait()

    def files(self, name, server):
        folder = "%s/state/instances/%s" % (self.agents[name].folder, server)
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def memory(self, name):
        with open(self.file(name), "rb") as host:
            return host.read()

    def guests(self, server):
        """The hosts on which the guest runs."""
        return [name for name in self.agents if server.encode() in self.memory(name)]

    def plugged(self, name, port):
        return ("ua-" + port["id"]).encode() in self.memory(name)

    def programmed(self, port):
        """The hosts with a VF that has the port's address."""
        return [name for name in self.agents if port["mac_address"].encode() in self.memory(name)]

    def end(self):
        self.cloud.delete(*[s["id"] for s in self.cloud.site.api("GET", COMPUTE + "/servers?all_tenants=1")[1]["servers"]])
        for agent in self.agents.values():
            agent.end()


@contextlib.contextmanager
def pair(cloud, more=""):
    both = Pair(cloud, more)
    try:
        yield both
    finally:
        both.end()


def other(name):
    return "sim2" if name == "sim1" else "sim1"


def test_real_agents(cloud):
    with pair(cloud) as both:
        direct, normal = cloud.port(), cloud.port(cloud.network(None), vnic="normal")
        for ports in ([direct, normal], []):
            server = cloud.boot(ports=ports)
            source, target = cloud.host_name(server), other(cloud.host_name(server))
            with open("%s/state/instances/%s/config.iso" % (both.agents[source].folder, server), "rb") as iso:
                drive = iso.read()
            starts(cloud, server)
            comes_to(cloud, server, target)
            ended(cloud)
            same((migration(cloud, server)["status"], both.files(source, server), both.guests(server)), ("completed", [], [target]), "the migration, the source's files, the guest")
            assert both.agents[target].config_drive(server) == drive, "the guest finds another config drive"
            until(lambda: [cloud.get_port(p)["status"] for p in ports] == ["ACTIVE"] * len(ports), 10, "the ports are active")
            same([(both.plugged(source, p), both.plugged(target, p)) for p in ports], [(False, True)] * len(ports), "what is plugged in")
            if ports:
                same(both.programmed(direct), [target], "hosts with a VF of the port's address")
            cloud.action(server, "os-stop")  # a server like any other
            cloud.settle(server, ("SHUTOFF",))
            cloud.action(server, "os-start")
            comes_to(cloud, server, target)
            starts(cloud, server)  # and back
            comes_to(cloud, server, source)
            ended(cloud)
            cloud.delete(server)
            same((both.files(source, server), both.files(target, server), both.guests(server)), ([], [], []), "what is left")


def test_a_stubborn_guest_stays(cloud):
    with pair(cloud, ",1,stubborn") as both:
        port = cloud.port()
        server = cloud.boot(ports=[port])
        source = cloud.host_name(server)
        starts(cloud, server)
        stayed(cloud, server, source)
        same((both.guests(server), both.plugged(source, port), both.files(other(source), server)), ([source], True, []), "the guest, its VF, the target's files")
        log = both.agents[source].said()
        assert "the guest did not let go of it" in log, log[-1000:]


def test_a_migration_that_libvirt_refuses_gives_the_devices_back(cloud):
    with pair(cloud) as both:
        port = cloud.port()
        server = cloud.boot(ports=[port])
        source = cloud.host_name(server)
        both.start(source, "nowhere-%s")
        starts(cloud, server)
        stayed(cloud, server, source)
        same((both.guests(server), both.plugged(source, port), both.files(other(source), server)), ([source], True, []), "the guest, its VF, the target's files")
        until(lambda: cloud.get_port(port)["status"] == "ACTIVE", 10, "the port is active")
        assert "unable to connect" in both.agents[source].said()
        both.start(source)
        starts(cloud, server)
        comes_to(cloud, server, other(source))


def test_kill_9_of_the_agents(cloud):
    seed = random.randrange(1 << 30)
    print("# seed %d" % seed)
    dice = random.Random(seed)
    with pair(cloud) as both:
        port = cloud.port()
        server = cloud.boot(ports=[port])
        moved = 0
        for turn in range(16):
            source = cloud.host_name(server)
            victim = dice.choice((source, other(source)))
            starts(cloud, server)
            time.sleep(dice.uniform(0, 0.12))
            both.kill(victim)
            running = both.guests(server)
            assert len(running) == 1, "turn %d: the guest runs on %s" % (turn, running)
            if dice.random() < 0.3:
                cloud.site.kill()
                cloud.site.start()
            both.start(victim)
            until(lambda: cloud.show(server)["status"] == "ACTIVE" and cloud.rows("SELECT count(*) FROM server_move WHERE open") == [(0,)], 60,
                  "turn %d: it settles: %s %s" % (turn, cloud.show(server)["status"], cloud.rows("SELECT phase, failed, other_want FROM server_move WHERE open")))
            now = cloud.host_name(server)
            same((both.guests(server), both.plugged(now, port), both.files(other(now), server)), ([now], True, []), "turn %d: guest, VF, files of the other host" % turn)
            same(both.programmed(port), [now], "turn %d: hosts with a VF of the port's address" % turn)
            moved += now != source
        print("# moved %d of 16 times" % moved)


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    cloud, failures = Cloud(sys.argv[1]), 0
    try:
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            try:
                try:
                    test(cloud)
                finally:
                    for host in cloud.fleet.values():
                        host.fail = host.keeps = None
                        host.slow = host.mute = False
                    cloud.clean()
                print("ok live %s" % name, flush=True)
            except Exception:
                failures += 1
                traceback.print_exc(file=sys.stdout)
                print("not ok live %s" % name, flush=True)
        log = cloud.end()
        if "error:" in log or "Sanitizer" in log:
            failures += 1
            print(log[-4000:])
            print("not ok live penstockd logged errors")
    finally:
        for agent in cloud.__dict__.get("agents", {}).values():
            agent.stop()
        cloud.abandon()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
