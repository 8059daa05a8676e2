"""Service tests of servers that move: the openstack command, hosts that fail in the middle, kill -9, the real agent."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from agent import Agent  # noqa: E402
from site_of_tests import Host, request, until  # noqa: E402

SECOND = {}
NEWEST = {"X-OpenStack-Nova-API-Version": "2.90"}


def rows(site, sql, *values):
    with contextlib.closing(sqlite3.connect(site.folder + "/state/penstock.db", timeout=10)) as db:
        return db.execute(sql, values).fetchall()


def action(site, server, what, argument=None, token=None):
    return site.api("POST", "/compute/v2.1/servers/%s/action" % server, {what: argument}, token, NEWEST)


def does(site, server, what, argument=None):
    status, answer = action(site, server, what, argument)
    assert status in (202, 204), "%s: %s %s" % (what, status, answer)
    return answer


def becomes(story, server, *wanted):
    """The server settles in one of these statuses."""
    def settled():
        view = story.show(server)
        return view["status"] in wanted and not view["OS-EXT-STS:task_state"]
    until(settled, 20, "the server is %s, not %s" % (" or ".join(wanted), story.show(server)["status"]))
    return story.show(server)


def host_of(story, server):
    return story.show(server)["OS-EXT-SRV-ATTR:host"]


def enable(site, name, on):
    assert site.api("PUT", "/compute/v2.1/os-services/" + ("enable" if on else "disable"), {"host": name, "binary": "nova-compute"})[0] == 200


@contextlib.contextmanager
def second_host(site, name="host2"):
    """One host more for a while; it is the same one each time."""
    more = SECOND.setdefault((site.url, name), None) or Host(site, name)
    SECOND[(site.url, name)] = more
    enable(site, name, True)
    yield more
    until(lambda: not more.running, 10, "the host runs nothing")
    enable(site, name, False)


def nothing_is_left(site):
    """No claim, no move, no disk that nobody waits for."""
    until(lambda: rows(site, "SELECT (SELECT count(*) FROM claim), (SELECT count(*) FROM device_claim), (SELECT count(*) FROM server_move)") == [(0, 0, 0)],
          10, "nothing is claimed, and no move is there: %s" % rows(site, "SELECT * FROM server_move"))
    assert rows(site, "SELECT count(*) FROM host_state WHERE vcpus_used <> 0 OR memory_mb_used <> 0 OR servers <> 0") == [(0,)]
    assert rows(site, "SELECT count(*) FROM project_usage WHERE cores <> 0 OR instances <> 0 OR memory_mb <> 0") == [(0,)]
    assert rows(site, "SELECT count(*) FROM image WHERE visibility = 'transit'") == [(0,)]
    images = {row[0] for row in rows(site, "SELECT id FROM image")}
    until(lambda: set(os.listdir(site.folder + "/state/images")) <= images, 10, "no bytes are left")


def openstack_for(site):
    env = dict(os.environ, PYTHONWARNINGS="ignore", OS_AUTH_URL=site.url + "/identity/v3", OS_USERNAME="admin", OS_PASSWORD="secret",
               OS_PROJECT_NAME="admin", OS_USER_DOMAIN_NAME="Default", OS_PROJECT_DOMAIN_NAME="Default")

    def run(*arguments):
        done = subprocess.run(["/usr/bin/openstack", *arguments], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, "openstack %s: %s" % (" ".join(arguments), done.stderr)
        return done.stdout.strip()
    return run


def test_the_openstack_command_moves_servers(site, story, host):
    openstack = openstack_for(site)
    bigger = story.make_flavor("m1.bigger", {})
    assert site.api("POST", "/compute/v2.1/flavors", {"flavor": {"name": "m1.big", "ram": 512, "disk": 2, "vcpus": 2}})[0] == 200
    with second_host(site):
        server = story.server(story.port(), name="mover")
        first = becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]
        openstack("server", "resize", "--flavor", "m1.big", "--wait", "mover")
        assert becomes(story, server, "VERIFY_RESIZE")["flavor"]["id"] != story.flavor["id"]
        openstack("server", "resize", "confirm", "mover")
        assert becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"] != first
        openstack("server", "migrate", "--wait", "mover")
        openstack("server", "migration", "revert", "mover")
        assert becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"] != first
        assert "reverted" in openstack("server", "migration", "list")
        image = openstack("server", "image", "create", "--wait", "--name", "picture", "mover", "-f", "value", "-c", "status")
        assert image == "active", image
        openstack("server", "shelve", "--wait", "mover")
        becomes(story, server, "SHELVED_OFFLOADED")
        assert "mover-shelved" in openstack("image", "list")
        openstack("server", "unshelve", "--wait", "mover")
        becomes(story, server, "ACTIVE")
        assert "mover-shelved" not in openstack("image", "list")
        openstack("server", "delete", "--wait", "mover")
        openstack("image", "delete", "picture")
    site.api("DELETE", "/compute/v2.1/flavors/" + bigger["id"])
    openstack("flavor", "delete", "m1.big")
    nothing_is_left(site)


def test_the_disk_goes_along(site, story, host):
    with second_host(site) as second:
        hosts = {h.name: h for h in (host, second)}
        server = story.server(story.port())
        source = hosts[becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        source.disks[server] = content = random.randbytes(300000)
        does(site, server, "migrate")
        becomes(story, server, "VERIFY_RESIZE")
        target = hosts[host_of(story, server)]
        assert target is not source and target.disks[server] == content
        assert source.disks[server] == content, "the source has not kept the disk"
        assert rows(site, "SELECT count(*) FROM image WHERE visibility = 'transit'") == [(0,)], "the target has it: penstockd need not"
        target.disks[server] = content + b"changed by the guest"
        does(site, server, "revertResize")
        becomes(story, server, "ACTIVE")
        assert source.disks[server] == content and server not in target.disks, "reverting is going back to the disk as it was"
        does(site, server, "shelve")
        becomes(story, server, "SHELVED_OFFLOADED")
        assert server not in source.disks
        does(site, server, "unshelve")
        becomes(story, server, "ACTIVE")
        assert hosts[host_of(story, server)].disks[server] == content
        status, answer = action(site, server, "createImage", {"name": "snap", "metadata": {"colour": "blue"}})
        assert status == 202, answer
        becomes(story, server, "ACTIVE")
        image = site.api("GET", "/image/v2/images/" + answer["image_id"])[1]
        assert (image["status"], image["size"], image["colour"], image["base_image_ref"], image["instance_uuid"], image["min_disk"]) == (
            "active", len(content), "blue", story.image["id"], server, 1), image
        assert image["os_hash_value"] == hashlib.sha512(content).hexdigest()
        site.api("DELETE", "/image/v2/images/" + image["id"])
        story.delete(server)
    nothing_is_left(site)


def test_moves_that_are_refused(site, story, host):
    small = story.flavor
    flavors = {}
    for name, body in {"same_disk": {"ram": 256, "disk": 1, "vcpus": 2}, "no_disk": {"ram": 256, "disk": 0, "vcpus": 1}, "huge": {"ram": 256, "disk": 1, "vcpus": 99}}.items():
        flavors[name] = site.api("POST", "/compute/v2.1/flavors", {"flavor": {"name": name, **body}})[1]["flavor"]["id"]
    unknown_alias = story.make_flavor("unknown_alias", {})
    with contextlib.closing(sqlite3.connect(site.folder + "/state/penstock.db", timeout=10)) as db, db:  # an alias that was configured once
        db.execute("UPDATE flavor SET extra_specs = ? WHERE id = ?", ('{"pci_passthrough:alias": "nobody:1"}', unknown_alias["id"]))
    server = story.server(story.port())
    becomes(story, server, "ACTIVE")

    def refused(status, words, what, argument=None, token=None):
        seen = action(site, server, what, argument, token)
        assert seen[0] == status and words in json.dumps(seen[1]), (what, argument, seen)
        assert story.show(server)["status"] == "ACTIVE"
    refused(400, "must change flavor", "resize", {"flavorRef": small["id"]})
    refused(400, "zero disk", "resize", {"flavorRef": flavors["no_disk"]})
    refused(400, "could not be found", "resize", {"flavorRef": "none"})
    refused(400, "nobody", "resize", {"flavorRef": unknown_alias["id"]})
    refused(400, "is where the server is now", "resize", {"flavorRef": flavors["same_disk"]})  # allow_resize_to_same_host is off
    refused(403, "Quota exceeded for cores", "resize", {"flavorRef": flavors["huge"]})
    refused(400, "No valid host was found", "migrate")
    refused(400, "could not be found", "migrate", {"host": "nowhere"})
    refused(400, "where it is", "migrate", {"host": "host1"})
    refused(409, "vm_state active", "confirmResize")
    refused(409, "vm_state active", "revertResize")
    refused(409, "vm_state active", "unshelve")
    refused(409, "vm_state active", "shelveOffload")
    assert action(site, server, "resize", {})[0] == 400 and action(site, server, "createImage", {})[0] == 400
    assert rows(site, "SELECT count(*) FROM claim") == [(1,)], "a refused move has claimed something"
    assert rows(site, "SELECT count(*) FROM server_move") == [(0,)]
    assert rows(site, "SELECT cores, memory_mb FROM project_usage WHERE instances = 1") == [(1, 256)]
    assert action(site, server, "os-migrateLive", {"host": None, "block_migration": "auto"})[0] == 202
    moves = site.api("GET", "/compute/v2.1/os-migrations", headers=NEWEST)[1]["migrations"]
    assert [(m["status"], m["migration_type"], m["instance_uuid"]) for m in moves] == [("error", "live-migration", server)], moves
    old = site.api("POST", "/compute/v2.1/servers/%s/action" % server, {"os-migrateLive": {"host": None, "block_migration": True, "disk_over_commit": False}})
    assert old[0] == 400 and "No valid host was found" in json.dumps(old[1]), old
    story.delete(server)
    for flavor in [*flavors.values(), unknown_alias["id"]]:
        site.api("DELETE", "/compute/v2.1/flavors/" + flavor)
    nothing_is_left(site)


def test_a_target_that_fails_can_be_reverted(site, story, host):
    with second_host(site) as second:
        hosts = {h.name: h for h in (host, second)}
        port = story.port()
        server = story.server(port)
        source = hosts[becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        (target,) = [h for h in hosts.values() if h is not source]
        target.fail = "VF 0 of p5p1: Operation not supported"
        does(site, server, "migrate")
        view = becomes(story, server, "ERROR")
        assert "Operation not supported" in view["fault"]["message"], view["fault"]
        assert rows(site, "SELECT count(*) FROM device_claim") == [(2,)], "both hosts may still have something of it"
        assert site.api("GET", "/compute/v2.1/os-migrations?status=error", headers=NEWEST)[1]["migrations"][0]["instance_uuid"] == server
        target.fail = None
        does(site, server, "revertResize")
        becomes(story, server, "ACTIVE")
        assert host_of(story, server) == source.name and story.get_port(port)["binding:host_id"] == source.name
        assert rows(site, "SELECT count(*) FROM device_claim") == [(1,)]
        # Once more, and it is deleted instead: both hosts clean up.
        target.fail = "no"
        does(site, server, "migrate")
        becomes(story, server, "ERROR")
        story.delete(server)
        target.fail = None
    nothing_is_left(site)


def test_a_disk_that_cannot_be_sent_changes_nothing(site, story, host):
    with second_host(site) as second:
        server = story.server(story.port())
        source = {h.name: h for h in (host, second)}[becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        disk, source.disk = source.disk, lambda server: "No space left on device" if server.get("disk") else None
        for what, argument in (("migrate", None), ("shelve", None)):
            does(site, server, what, argument)
            becomes(story, server, "ACTIVE")
            assert host_of(story, server) == source.name
            assert rows(site, "SELECT count(*) FROM claim") == [(1,)], what
        status, answer = action(site, server, "createImage", {"name": "snap"})
        assert status == 202
        becomes(story, server, "ACTIVE")
        assert site.api("GET", "/image/v2/images/" + answer["image_id"])[0] == 404
        log = site.api("GET", "/compute/v2.1/servers/%s/os-instance-actions" % server, headers=NEWEST)[1]["instanceActions"]
        assert [(a["action"], a["message"]) for a in log[:3]] == [("createImage", "Error"), ("shelve", "Error"), ("migrate", "Error")], log
        source.disk = disk
        story.delete(server)
    nothing_is_left(site)


def test_devices_of_a_silent_source_stay_claimed(site, story, host):
    with second_host(site) as second:
        hosts = {h.name: h for h in (host, second)}
        server = story.server(story.port())
        source = hosts[becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        does(site, server, "migrate")
        becomes(story, server, "VERIFY_RESIZE")
        source.mute = True
        does(site, server, "confirmResize")
        time.sleep(0.5)
        assert story.show(server)["status"] == "VERIFY_RESIZE", "confirmed before the source has cleaned up"
        story.delete(server)  # the target cleans up; the server is gone
        assert rows(site, "SELECT count(*) FROM device_claim") == [(1,)], "the source has not said that it is clean"
        site.kill()
        site.start()
        assert rows(site, "SELECT count(*) FROM device_claim") == [(1,)]
        source.mute = False
        until(lambda: server not in source.running, 10, "the source has cleaned up")
    nothing_is_left(site)


def test_stopped_servers_move_and_stay_stopped(site, story, host):
    with second_host(site):
        server = story.server(story.port())
        becomes(story, server, "ACTIVE")
        does(site, server, "os-stop")
        becomes(story, server, "SHUTOFF")
        for end in ("revertResize", "confirmResize"):
            does(site, server, "migrate")
            becomes(story, server, "VERIFY_RESIZE")
            does(site, server, end)
            becomes(story, server, "SHUTOFF")
        does(site, server, "shelve")
        becomes(story, server, "SHELVED_OFFLOADED")
        does(site, server, "unshelve")
        becomes(story, server, "ACTIVE")  # as with Nova
        story.delete(server)
    nothing_is_left(site)


def test_kill_9_while_servers_move(site, story, host):
    seed = random.randrange(1 << 30)
    print("# seed %d" % seed)
    dice = random.Random(seed)
    big = site.api("POST", "/compute/v2.1/flavors", {"flavor": {"name": "big", "ram": 300, "disk": 1, "vcpus": 2}})[1]["flavor"]["id"]
    acts = [("migrate", None), ("resize", {"flavorRef": big}), ("resize", {"flavorRef": story.flavor["id"]}), ("confirmResize", None), ("revertResize", None),
            ("shelve", None), ("unshelve", None), ("createImage", {"name": "churn"}), ("os-stop", None), ("os-start", None), ("delete", None)]
    with second_host(site) as second, second_host(site, "host3") as third:
        servers = [story.server(story.port()) for _ in range(4)]

        def churn(number):
            mine = random.Random(seed + number)
            for _ in range(12):
                with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
                    what, argument = mine.choice(acts[:-1])
                    action(site, servers[number], what, argument)
                time.sleep(mine.uniform(0, 0.05))

        for turn in range(10):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                work = [pool.submit(churn, i) for i in range(4)]
                time.sleep(dice.uniform(0.05, 0.5))
                site.kill()
                site.start()
                for item in work:
                    item.result()
            if turn == 5:
                site.api("DELETE", "/compute/v2.1/servers/" + servers[3])

        def settled():
            return all(s["status"] in ("ACTIVE", "SHUTOFF", "VERIFY_RESIZE", "SHELVED_OFFLOADED", "ERROR") and not s["OS-EXT-STS:task_state"]
                       for s in site.api("GET", "/compute/v2.1/servers/detail")[1]["servers"])
        until(settled, 30, "all settle: %s" % [(s["status"], s["OS-EXT-STS:task_state"]) for s in site.api("GET", "/compute/v2.1/servers/detail")[1]["servers"]])
        taken = rows(site, "SELECT host_id, address FROM device_claim")
        assert len(taken) == len(set(taken)), taken
        for server in site.api("GET", "/compute/v2.1/servers")[1]["servers"]:
            story.delete(server["id"])
        until(lambda: not any(h.running for h in (host, second, third)), 10, "the hosts run nothing")
    for port in site.api("GET", "/network/v2.0/ports")[1]["ports"]:
        assert site.api("DELETE", "/network/v2.0/ports/" + port["id"])[0] == 204, port
    for image in site.api("GET", "/image/v2/images?limit=500")[1]["images"]:
        if image["name"] == "churn":
            site.api("DELETE", "/image/v2/images/" + image["id"])
    site.api("DELETE", "/compute/v2.1/flavors/" + big)
    nothing_is_left(site)


def test_moves_end_by_themselves(site, story, host):
    """In a site of its own, whose deadlines are short."""
    short = type(site)(site.build, "[DEFAULT]\nresize_confirm_window = 1\nshelved_offload_time = 1\n[penstock]\nmove_timeout = 1\n")
    try:
        tale = type(story)(short)
        hosts = {name: Host(short, name) for name in ("h1", "h2")}
        server = tale.server(tale.port())
        source = hosts[becomes(tale, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        (target,) = [h for h in hosts.values() if h is not source]
        does(short, server, "migrate")
        until(lambda: tale.show(server)["status"] == "ACTIVE" and host_of(tale, server) == target.name, 30, "confirmed by itself")
        until(lambda: server not in source.running, 10, "the source has cleaned up")
        does(short, server, "shelve")
        until(lambda: tale.show(server)["status"] == "SHELVED_OFFLOADED", 30, "offloaded by itself")
        does(short, server, "unshelve")
        source = hosts[becomes(tale, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]]
        # A source that says nothing: the target is free again, and the source believed when it comes back.
        source.mute = True
        does(short, server, "migrate")
        view = becomes(tale, server, "ERROR")
        assert "move_timeout" in view["fault"]["message"], view["fault"]
        assert rows(short, "SELECT h.name FROM device_claim c JOIN host h ON h.id = c.host_id") == [(source.name,)]
        source.mute = False
        becomes(tale, server, "SHUTOFF")
        does(short, server, "os-start")
        becomes(tale, server, "ACTIVE")
        # A target that says nothing keeps its claim until it does.
        (target,) = [h for h in hosts.values() if h is not source]
        target.mute = True
        does(short, server, "migrate")
        becomes(tale, server, "ERROR")
        assert len(rows(short, "SELECT * FROM device_claim")) == 2
        does(short, server, "revertResize")
        target.mute = False
        until(lambda: tale.show(server)["status"] == "ACTIVE" and host_of(tale, server) == source.name, 30, "it is back")
        tale.delete(server)
        nothing_is_left(short)
        for one in hosts.values():
            one.stopping = True
    finally:
        log = short.stop()
    assert "error:" not in log and "Sanitizer" not in log, log[-3000:]


def test_states_end_by_themselves(site, story, host):
    """A host that says nothing any more: what was asked of it is an error within its deadline, and believed when it comes after all."""
    short = type(site)(site.build, "[penstock]\naction_timeout = 1\nmove_timeout = 1\n")
    try:
        tale = type(story)(short)
        silent = Host(short, "h1", vfs=4)

        def late(what, argument=None, status="ERROR", option="action_timeout", meanwhile=lambda server: None):
            """A server of which this is asked while its host says nothing."""
            server = tale.server(tale.port())
            becomes(tale, server, "ACTIVE")
            silent.mute = True
            does(short, server, what, argument)
            meanwhile(server)
            view = becomes(tale, server, status)
            if status == "ERROR":
                assert option in view["fault"]["message"] and "h1" in view["fault"]["message"], view["fault"]
            actions = short.api("GET", "/compute/v2.1/servers/%s/os-instance-actions" % server)[1]["instanceActions"]
            detail = short.api("GET", "/compute/v2.1/servers/%s/os-instance-actions/%s" % (server, actions[0]["request_id"]))[1]
            assert detail["instanceAction"]["events"][0]["result"] == "Error", detail
            silent.mute = False
            return server
        for what, argument, after in (("os-stop", None, "SHUTOFF"), ("reboot", {"type": "HARD"}, "SHUTOFF"), ("pause", None, "PAUSED"),
                                      ("suspend", None, "SUSPENDED")):
            server = late(what, argument)
            assert becomes(tale, server, after)["status"] == after
            tale.delete(server)
        # An image that does not come is none, and the server runs on; a server that cannot be shelved is started again.
        told = []

        def awaited(server):
            """The host hears of it; does it ask, the disk is awaited."""
            told.append(silent.desired()[server])
            told.append(silent.call("GET", "images/%s/awaited" % told[0]["disk"]["send"])[0])
        server = late("createImage", {"name": "none"}, "ACTIVE", meanwhile=awaited)
        # The host is told that it was given up, so that the guest is not stopped for it later, and told so if it asks.
        until(lambda: silent.seen[-1]["id"] == server and silent.seen[-1]["generation"] > told[0]["generation"], 10, "it is told: %s" % silent.seen[-1])
        assert silent.seen[-1]["disk"] is None and told[1] == 204, (silent.seen[-1], told)
        assert silent.call("GET", "images/%s/awaited" % told[0]["disk"]["send"])[0] == 410
        assert not short.api("GET", "/image/v2/images?name=none")[1]["images"]
        tale.delete(server)
        server = tale.server(tale.port())
        becomes(tale, server, "ACTIVE")
        # A deletion goes on, and is told of meanwhile; its devices are not free before.
        silent.mute = True
        assert short.api("DELETE", "/compute/v2.1/servers/" + server)[0] == 204
        until(lambda: tale.show(server)["status"] == "ERROR", 20, "the deletion is late")
        view = tale.show(server)
        assert "deleting" in view["fault"]["message"] and view["OS-EXT-STS:task_state"] == "deleting", view
        assert len(rows(short, "SELECT * FROM device_claim")) == 1
        silent.mute = False
        until(lambda: short.api("GET", "/compute/v2.1/servers/" + server)[0] == 404, 20, "it is gone after all")
        nothing_is_left(short)
        silent.stopping = True
    finally:
        log = short.stop()
    assert "error:" not in log and "Sanitizer" not in log, log[-3000:]


class Place:
    """What an Agent wants to know of its site."""

    def __init__(self, site):
        self.site, self.build = site, site.build

    def rows(self, sql, *values):
        return rows(self.site, sql, *values)

    def enable(self, name, on):
        enable(self.site, name, on)


def test_real_agents_move_a_server(site, story, host):
    enable(site, "host1", False)
    agents = {name: Agent(Place(site), name) for name in ("sim1", "sim2")}
    for agent in agents.values():
        agent.start('[pci]\ndevice_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet_sriov"}\n')

    def files(name, server):
        folder = "%s/state/instances/%s" % (agents[name].folder, server)
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else None
    port = story.port()
    server = story.server(port)
    source = becomes(story, server, "ACTIVE")["OS-EXT-SRV-ATTR:host"]
    target = "sim2" if source == "sim1" else "sim1"
    with open("%s/state/instances/%s/disk" % (agents[source].folder, server), "rb") as disk:
        content = disk.read()
    does(site, server, "migrate")
    becomes(story, server, "VERIFY_RESIZE")
    assert host_of(story, server) == target and "base" not in files(target, server)
    with open("%s/state/instances/%s/disk" % (agents[target].folder, server), "rb") as disk:
        assert disk.read() == content
    for name in agents:  # both begin anew: the source must not start the guest, nor forget it
        agents[name].stop()
        agents[name].start(open(agents[name].folder + "/agent.conf").read().split("agent_state_path", 1)[1].split("\n", 1)[1])
    time.sleep(1)
    assert "disk" in files(source, server) and "running" not in agents[source].said(), agents[source].said()
    does(site, server, "revertResize")
    becomes(story, server, "ACTIVE")
    until(lambda: story.get_port(port)["status"] == "ACTIVE", 10, "the port is active")
    assert host_of(story, server) == source and files(target, server) is None
    does(site, server, "migrate")
    becomes(story, server, "VERIFY_RESIZE")
    does(site, server, "confirmResize")
    becomes(story, server, "ACTIVE")
    assert files(source, server) is None
    does(site, server, "shelve")
    becomes(story, server, "SHELVED_OFFLOADED")
    assert files(target, server) is None
    assert story.get_port(port)["binding:vif_type"] == "unbound" and story.get_port(port)["device_id"] == server
    does(site, server, "unshelve")
    becomes(story, server, "ACTIVE")
    assert story.get_port(port)["binding:vif_type"] == "hw_veb"
    story.delete(server)
    assert not files(source, server) and not files(target, server)
    site.api("DELETE", "/network/v2.0/ports/" + port["id"])
    for agent in agents.values():
        agent.stop()
        enable(site, agent.name, False)
        assert "Sanitizer" not in agent.said() and "runtime error" not in agent.said(), agent.said()
    enable(site, "host1", True)
    nothing_is_left(site)
