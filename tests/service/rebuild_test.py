#!/usr/bin/python3
"""Servers that are built on another host after a failure, rebuilt and evacuated: a real penstockd, hosts that are made up and the real
penstock-agent on a simulated one, and the openstack command.  rebuild_test.py BUILD-FOLDER [NAME...]"""
import os
import random
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from cloud import COMPUTE, NEWEST, Cloud, Inventory, reason, same, until  # noqa: E402
from scenarios_ports import nic  # noqa: E402
from service_test import client  # noqa: E402

RETRIES = "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance %s."


def leftovers(cloud):
    return cloud.rows("SELECT count(*) FROM server_leftover")[0][0]


def all_clean(cloud):
    until(lambda: leftovers(cloud) == 0, 20, "no host has anything left of a server that went away")


def first_choice(cloud, hosts, **more):
    """The host that a new server comes to, and the others."""
    server = cloud.boot(**more)
    first = cloud.runs_on(server)
    cloud.delete(server)
    return first, [h for h in hosts if h is not first]


def events(cloud, server, action):
    """(result of each event) of the newest action of this name."""
    log = cloud.api("GET", "%s/servers/%s/os-instance-actions" % (COMPUTE, server), headers=NEWEST)[1]["instanceActions"]
    request = [entry["request_id"] for entry in log if entry["action"] == action][0]
    shown = cloud.api("GET", "%s/servers/%s/os-instance-actions/%s" % (COMPUTE, server, request), headers=NEWEST)[1]["instanceAction"]
    return [(event["event"], event["result"]) for event in shown["events"]]


def force_down(cloud, host, down):
    services = cloud.api("GET", COMPUTE + "/os-services?host=" + host.name, headers=NEWEST)[1]["services"]
    status, answer = cloud.api("PUT", "%s/os-services/%s" % (COMPUTE, services[0]["id"]), {"forced_down": down}, headers=NEWEST)
    same((status, answer["service"]["forced_down"]), (200, down), "PUT /os-services")
    same(answer["service"]["state"], "down" if down else "up", "the service's state")


def deaf(host):
    """It is as if nothing that it is told came, until it can hear again."""
    def lost(servers):
        raise OSError
    host.obey = lost


def hears(host):
    host.__dict__.pop("obey", None)


def test_a_failed_build_goes_elsewhere_with_its_ports(cloud):
    hosts = cloud.hosts(nic(), nic(), nic())
    port = cloud.port()
    first, others = first_choice(cloud, hosts)
    first.fail = "VF 0 of p5p1: Operation not supported"
    server = cloud.boot(ports=[port])
    second = cloud.runs_on(server)
    assert second in others, second.name
    bound = cloud.get_port(port)
    same((bound["binding:host_id"], bound["binding:profile"]["pci_slot"]), (second.name, cloud.addresses(server)[0]), "the port")
    until(lambda: cloud.get_port(port)["status"] == "ACTIVE", 10, "the port is active")
    all_clean(cloud)
    same(first.desired(), {}, "what the first host shall have")
    same([result for _, result in events(cloud, server, "create")], ["Error", "Success"], "events")


def test_every_host_says_why(cloud):
    hosts = cloud.hosts(nic(), nic(), nic(), nic())
    for host in hosts:
        host.fail = "no room for the disk on %s" % host.name
    server = cloud.create(ports=[cloud.port()])
    view = cloud.settle(server)
    same(view["status"], "ERROR", "status")
    assert view["fault"]["message"].startswith(RETRIES % server), view["fault"]
    told = view["fault"]["details"].splitlines()
    same(len(told), 3, "hosts that were tried: %s" % told)  # max_attempts
    assert all("%s: no room for the disk on %s" % (line.split(":")[0], line.split(":")[0]) == line for line in told), told
    same([result for _, result in events(cloud, server, "create")], ["Error", "Error", "Error"], "events")
    cloud.delete(server)
    all_clean(cloud)


def test_a_host_that_was_asked_for_is_not_left(cloud):
    hosts = cloud.hosts(nic(), nic())
    hosts[0].fail = "no"
    view = cloud.settle(cloud.create(availability_zone="nova:" + hosts[0].name))
    same((view["status"], view["fault"]["message"]), ("ERROR", "no"), "the server")
    same((view["OS-EXT-SRV-ATTR:host"], leftovers(cloud)), (hosts[0].name, 0), "its host, leftovers")


def test_affinity_holds_for_each_attempt(cloud):
    hosts = cloud.hosts(nic(), nic(), nic())
    group = cloud.api("POST", COMPUTE + "/os-server-groups", {"server_group": {"name": "g", "policy": "anti-affinity"}}, headers=NEWEST)[1]["server_group"]

    def member(**more):
        status, answer = cloud.api("POST", COMPUTE + "/servers", {
            "server": {"name": "m", "flavorRef": cloud.flavor()["id"], "imageRef": cloud.image["id"], "networks": "none", **more},
            "os:scheduler_hints": {"group": group["id"]}}, headers=NEWEST)
        assert status == 202, answer
        return answer["server"]["id"]
    one = member(availability_zone="nova:h1")
    same(cloud.settle(one)["status"], "ACTIVE", "the first member")
    hosts[1].fail = "no"
    two = member()
    same((cloud.settle(two)["status"], cloud.host_name(two)), ("ACTIVE", "h3"), "the second member")
    hosts[2].fail = "neither"
    three = member()
    view = cloud.settle(three)
    same(view["status"], "ERROR", "a third one")
    assert "h1: has as many servers of the group g" in view["fault"]["details"], view["fault"]
    cloud.delete(one, two, three)
    same(cloud.api("DELETE", "%s/os-server-groups/%s" % (COMPUTE, group["id"]))[0], 204, "DELETE")


def test_a_host_that_goes_down_while_it_builds(cloud):
    hosts = cloud.hosts(nic(), nic())
    first, (second,) = first_choice(cloud, hosts)
    deaf(first)
    server = cloud.create(ports=[cloud.port()])
    same((cloud.show(server)["status"], cloud.host_name(server)), ("BUILD", first.name), "while the host is silent")
    force_down(cloud, first, True)
    until(lambda: cloud.host_name(server) == second.name, 20, "it is tried on the other host")
    same(cloud.settle(server)["status"], "ACTIVE", "the server")
    same(leftovers(cloud), 1, "leftovers")
    free = cloud.free(first)
    cloud.delete(server)  # the leftover does not go with it
    same((leftovers(cloud), cloud.free(first)), (1, free), "leftovers, free devices of the host that is away")
    hears(first)
    all_clean(cloud)
    until(lambda: cloud.free(first) == free + 1, 10, "its device is free")
    force_down(cloud, first, False)


def test_kill_9_while_builds_fail(cloud):
    """One host fails every build: whatever penstockd had written down when it was killed, each server ends on the other host, once."""
    seed = int(os.environ.get("PENSTOCK_TEST_SEED") or random.randrange(1 << 30))
    print("# PENSTOCK_TEST_SEED=%d" % seed)
    dice = random.Random(seed)
    hosts = cloud.hosts(nic(), nic())
    hosts[0].fail = "no"
    flavor, servers, deleted = cloud.flavor(), [], []
    for _ in range(6):
        servers += [cloud.create(flavor) for _ in range(4)]
        time.sleep(dice.uniform(0, 0.15))
        cloud.site.kill()
        cloud.site.start()
        gone = [servers.pop(dice.randrange(len(servers))) for _ in range(2)]
        for server in gone:
            same(cloud.site.api("DELETE", "%s/servers/%s" % (COMPUTE, server))[0], 204, "DELETE")
        deleted += gone
    for server in servers:
        view = cloud.settle(server)
        same((view["status"], view["OS-EXT-SRV-ATTR:host"]), ("ACTIVE", "h2"), "a server")
    until(lambda: not any(map(cloud.show, deleted)), 20, "the deleted servers are gone")
    all_clean(cloud)
    same(cloud.rows("SELECT count(*) FROM claim"), [(len(servers),)], "claims")
    same((hosts[0].desired(), sorted(hosts[1].desired())), ({}, sorted(servers)), "what the hosts shall have")
    same(cloud.rows("SELECT count(*) FROM server_action WHERE finished_at = 0"), [(0,)], "actions that do not end")


def test_rebuild(cloud):
    host = cloud.host(nic())
    port, other = cloud.port(), cloud.make_image()
    server = cloud.boot(ports=[port])
    before, generation = cloud.addresses(server), cloud.desired(server)["disk_generation"]
    status, answer = cloud.action(server, "rebuild", {"imageRef": other["id"], "name": "new", "metadata": {"a": "b"}, "description": None,
                                                      "user_data": "aGk=", "adminPass": "pw", "hostname": "h"})
    same(status, 202, reason(answer))
    shown = answer["server"]
    same((shown["status"], shown["name"], shown["image"]["id"], shown["adminPass"], shown["user_data"]),
         ("REBUILD", "new", other["id"], "pw", "aGk="), "the answer")
    same(cloud.settle(server)["status"], "ACTIVE", "the server")
    wanted = cloud.desired(server)
    assert wanted["disk_generation"] > generation, wanted
    same((cloud.addresses(server), wanted["image"]["id"], wanted["config_drive"]["admin_pass"], wanted["config_drive"]["meta"]),
         (before, other["id"], "pw", {"a": "b"}), "what the host was told")
    same([s["want"] for s in host.seen if s["id"] == server][-2:], ["stopped", "running"], "what was wanted")
    same(events(cloud, server, "rebuild"), [("compute_rebuild_instance", "Success")], "events")

    cloud.action(server, "os-stop")
    until(lambda: cloud.show(server)["status"] == "SHUTOFF", 10, "it is off")
    same(cloud.action(server, "rebuild", {"imageRef": other["id"]})[0], 202, "rebuild of a server that is off")
    until(lambda: cloud.show(server)["status"] == "SHUTOFF" and cloud.desired(server)["want"] == "stopped", 10, "it is off again")
    assert cloud.desired(server)["disk_generation"] > wanted["disk_generation"]

    host.fail = "the disk is full"
    same(cloud.action(server, "rebuild", {"imageRef": other["id"]})[0], 202, "rebuild that fails")
    view = cloud.settle(server, ("ERROR",))
    same(view["fault"]["message"], "the disk is full", "the fault")
    same(events(cloud, server, "rebuild"), [("compute_rebuild_instance", "Error")], "events")
    host.fail = None
    same(cloud.action(server, "rebuild", {"imageRef": other["id"]})[0], 202, "rebuild of a server in ERROR")
    same(cloud.settle(server, ("ACTIVE",))["fault"] if "fault" in cloud.show(server) else None, None, "a fault")


def test_rebuild_is_refused(cloud):
    cloud.host(nic())
    server = cloud.boot()
    image = cloud.image["id"]
    for wish, wanted in [({"imageRef": "11111111-2222-3333-4444-555555555555"}, "Can not find requested image"),
                         ({"imageRef": cloud.make_image(min_ram=100000)["id"]}, "Flavor's memory is too small for requested image."),
                         ({"imageRef": image, "preserve_ephemeral": True}, "does not support preserving ephemeral"),
                         ({"imageRef": image, "key_name": "none"}, "Invalid key_name"),
                         ({"imageRef": image, "personality": []}, "personality"),
                         ({"imageRef": image, "trusted_image_certificates": ["x"]}, "does not check signatures"),
                         ({}, "imageRef")]:
        status, answer = cloud.action(server, "rebuild", wish)
        assert status == 400 and wanted in reason(answer), (wish, status, answer)
    view = cloud.show(server)
    same((view["status"], view["OS-EXT-STS:task_state"], view["image"]["id"]), ("ACTIVE", None, image), "the server")
    token, _ = cloud.user("other")
    same(cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"rebuild": {"imageRef": image}}, token)[0], 404, "somebody else's rebuild")


def test_a_rebuild_on_a_real_agent(cloud):
    agent = cloud.agent()
    server = cloud.boot()
    disk = "%s/state/instances/%s/disk" % (agent.folder, server)
    with open(disk, "w") as out:
        out.write("what the guest wrote")
    drive = os.stat(disk.replace("disk", "config.iso")).st_ino
    same(cloud.action(server, "rebuild", {"imageRef": cloud.make_image()["id"], "metadata": {"a": "b"}})[0], 202, "rebuild")
    cloud.settle(server, ("ACTIVE",))
    assert b"what the guest wrote" not in open(disk, "rb").read(), "the old disk is there"
    same(agent.meta_data(server)["meta"], {"a": "b"}, "what the guest is told")
    assert drive


def test_evacuate(cloud):
    hosts = cloud.hosts(nic(), nic())
    port = cloud.port()
    server, off = cloud.boot(ports=[port]), cloud.boot(availability_zone="nova:h1")
    first = cloud.runs_on(server)
    (second,) = [h for h in hosts if h is not first]
    cloud.delete(off)
    status, answer = cloud.action(server, "evacuate", {})
    same((status, reason(answer)), (400, "Compute service of %s is still in use." % first.name), "evacuate from a host that is up")
    deaf(first)
    force_down(cloud, first, True)
    held = cloud.free(first)
    for wish, wanted in [({"host": first.name}, "The target host can't be the same one."), ({"host": "nowhere"}, "Compute host nowhere not found.")]:
        status, answer = cloud.action(server, "evacuate", wish)
        same((status, reason(answer)), (400, wanted), "evacuate %s" % wish)
    status, answer = cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"evacuate": {"onSharedStorage": True}})
    assert status == 400 and "share no storage" in reason(answer), answer
    second.put_inventory(Inventory())  # without VFs
    status, answer = cloud.action(server, "evacuate", {})
    assert status == 400 and reason(answer).startswith("No valid host was found."), answer
    same((cloud.show(server)["status"], cloud.host_name(server), leftovers(cloud)), ("ACTIVE", first.name, 0), "after evacuations that were refused")
    second.put_inventory(nic())
    same(cloud.action(server, "evacuate", {"adminPass": "pw"}), (200, ""), "evacuate")
    cloud.settle(server, ("ACTIVE",))
    same(cloud.host_name(server), second.name, "its host")
    bound = cloud.get_port(port)
    same((bound["binding:host_id"], bound["binding:profile"]["pci_slot"]), (second.name, cloud.addresses(server)[0]), "the port")
    same((leftovers(cloud), cloud.free(first)), (1, held), "leftovers, free devices of the dead host")
    same(events(cloud, server, "evacuate"), [("compute_rebuild_instance", "Success")], "events")
    moves = cloud.api("GET", "%s/os-migrations?instance_uuid=%s" % (COMPUTE, server), headers=NEWEST)[1]["migrations"]
    same([(m["migration_type"], m["status"], m["source_compute"], m["dest_compute"]) for m in moves],
         [("evacuation", "done", first.name, second.name)], "migrations")
    # Back to the first host it cannot go while that has not cleaned up.
    force_down(cloud, first, False)
    deaf(second)
    force_down(cloud, second, True)
    status, answer = cloud.action(server, "evacuate", {})
    assert status == 400 and "has not yet removed what the server left there" in reason(answer), answer
    hears(second)
    force_down(cloud, second, False)
    hears(first)
    all_clean(cloud)
    until(lambda: cloud.free(first) == held + 1, 10, "the device of the host that came back is free")
    moves = cloud.api("GET", "%s/os-migrations?instance_uuid=%s" % (COMPUTE, server), headers=NEWEST)[1]["migrations"]
    same(moves[0]["status"], "completed", "the migration")


def test_evacuate_a_server_that_is_off(cloud):
    hosts = cloud.hosts(nic(), nic())
    server = cloud.boot()
    first = cloud.runs_on(server)
    (second,) = [h for h in hosts if h is not first]
    cloud.action(server, "os-stop")
    until(lambda: cloud.show(server)["status"] == "SHUTOFF", 10, "it is off")
    deaf(first)
    force_down(cloud, first, True)
    status, answer = cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"evacuate": {"onSharedStorage": False, "host": second.name}})
    assert status == 200 and len(answer["adminPass"]) == 12, answer
    until(lambda: cloud.show(server)["status"] == "SHUTOFF", 10, "it is off on the other host")
    same(cloud.host_name(server), second.name, "its host")
    hears(first)
    force_down(cloud, first, False)
    all_clean(cloud)


def test_reset_state(cloud):
    host = cloud.host(nic())
    server = cloud.boot()
    member, project = cloud.user("other")
    same(cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"os-resetState": {"state": "error"}}, member)[0], 403, "by a member")
    same(cloud.action(server, "os-resetState", {"state": "gone"})[0], 400, "a state that is none")
    for state, shown in (("error", "ERROR"), ("error", "ERROR"), ("active", "ACTIVE"), ("active", "ACTIVE")):
        same((cloud.action(server, "os-resetState", {"state": state}), cloud.show(server)["status"]), ((202, ""), shown), "resetState %s" % state)
    same(events(cloud, server, "resetState"), [], "events")

    deaf(host)  # a reboot that never ends
    same(cloud.action(server, "reboot", {"type": "HARD"})[0], 202, "reboot")
    same(cloud.action(server, "os-resetState", {"state": "active"})[0], 202, "resetState active")
    same(cloud.show(server)["OS-EXT-STS:task_state"], None, "the task")
    same(events(cloud, server, "reboot")[0][1], "Error", "the reboot")
    hears(host)
    until(lambda: cloud.show(server)["status"] == "SHUTOFF", 10, "the guest is off, as the reboot left it")

    host.fail = "no"
    lost = cloud.create()
    cloud.settle(lost)
    status, answer = cloud.action(lost, "os-resetState", {"state": "active"})
    same((status, reason(answer)), (409, "Cannot 'resetState' instance %s while it is in vm_state error" % lost), "what never ran")


def test_security_groups(cloud):
    cloud.host(nic())
    group = cloud.make("/network/v2.0/security-groups", "security_group", {"name": "web"})
    port = cloud.port()
    server, bare = cloud.boot(ports=[port]), cloud.boot()
    (default,) = cloud.get_port(port)["security_groups"]
    status, answer = cloud.action(server, "addSecurityGroup", {"name": "default"})
    same((status, reason(answer)), (400, "Invalid input for security_groups. Reason: Duplicate items in the list: '%s'." % default), "a group it has")
    same(cloud.action(server, "addSecurityGroup", {"name": "nothing"})[0], 404, "a group that is none")
    same(cloud.action(bare, "addSecurityGroup", {"name": "web"})[0], 404, "a server without ports")
    same(cloud.action(server, "addSecurityGroup", {"name": "web"}), (202, ""), "addSecurityGroup")
    same(sorted(cloud.get_port(port)["security_groups"]), sorted([default, group["id"]]), "the port's groups")
    same([g["name"] for g in cloud.show(server)["security_groups"]], ["default", "web"], "the server's groups")
    same(cloud.action(server, "removeSecurityGroup", {"name": default}), (202, ""), "removeSecurityGroup by id")
    same(cloud.get_port(port)["security_groups"], [group["id"]], "the port's groups")
    same(cloud.action(server, "removeSecurityGroup", {"name": "default"})[0], 404, "removeSecurityGroup once more")
    same(cloud.action(server, "removeSecurityGroup", {"name": "web"})[0], 202, "removeSecurityGroup")


def test_what_is_answered_only(cloud):
    cloud.host(nic())
    server = cloud.boot()
    for action, argument, wanted, words in [
            ("injectNetworkInfo", None, 410, "no longer available"), ("resetNetwork", None, 410, "no longer available"),
            ("restore", None, 409, "Cannot 'restore' instance"), ("changePassword", {"adminPass": "x"}, 409, "QEMU guest agent is not enabled"),
            ("changePassword", {}, 400, "adminPass"), ("os-getVNCConsole", {"type": "novnc"}, 404, "is not supported on this method")]:
        status, answer = cloud.action(server, action, argument)
        assert status == wanted and words in reason(answer), (action, status, answer)
    status, answer = cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {"os-getVNCConsole": {"type": "novnc"}})
    same((status, reason(answer)), (400, "Unavailable console type novnc."), "os-getVNCConsole")
    path, wish = "%s/servers/%s/remote-consoles" % (COMPUTE, server), {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    status, answer = cloud.api("POST", path, wish, headers=NEWEST)
    same((status, reason(answer)), (400, "Unavailable console type novnc."), "remote-consoles")
    same(cloud.api("POST", path, wish)[0], 404, "remote-consoles before 2.6")
    cloud.action(server, "lock", {})
    cloud.action(server, "unlock")
    same((events(cloud, server, "lock"), events(cloud, server, "unlock")), ([], []), "events")


def test_the_openstack_command(cloud):
    hosts = cloud.hosts(nic(), nic())
    openstack = client(cloud.site, "/usr/bin/openstack")
    server = cloud.boot()
    openstack("server", "rebuild", "--image", cloud.make_image()["id"], "--wait", server)
    same(cloud.show(server)["status"], "ACTIVE", "after a rebuild")
    first = cloud.runs_on(server)
    deaf(first)
    openstack("--os-compute-api-version", "2.53", "compute", "service", "set", "--down", first.name, "nova-compute")
    try:
        openstack("--os-compute-api-version", "2.29", "server", "evacuate", server)
    except AssertionError as client_is_wrong:  # openstackclient 6.0 takes the answer for a server
        assert "TupleWithMeta" in str(client_is_wrong), client_is_wrong
    cloud.settle(server, ("ACTIVE",))
    assert cloud.runs_on(server) is not first and cloud.show(server)["status"] == "ACTIVE", cloud.show(server)
    hears(first)
    openstack("--os-compute-api-version", "2.53", "compute", "service", "set", "--up", first.name, "nova-compute")
    all_clean(cloud)
    listed = openstack("server", "event", "list", server, "-f", "value", "-c", "Action").split()
    same(listed, ["evacuate", "rebuild", "create"], "events")
    request = openstack("server", "event", "list", server, "-f", "value", "-c", "Request ID").split()[0]
    assert "Success" in openstack("server", "event", "show", server, request), request
    assert hosts


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    cloud, failures = Cloud(sys.argv[1], "[quota]\ninstances = 50\ncores = 50\n"), 0
    try:
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            try:
                try:
                    test(cloud)
                finally:
                    for host in cloud.fleet.values():
                        host.fail = None
                        hears(host)
                        force_down(cloud, host, False)
                    cloud.clean()
                print("ok rebuild %s" % name, flush=True)
            except Exception:
                failures += 1
                traceback.print_exc(file=sys.stdout)
                print("not ok rebuild %s" % name, flush=True)
        log = cloud.end()
        if "error:" in log or "Sanitizer" in log:
            failures += 1
            print(log[-4000:])
            print("not ok rebuild penstockd logged errors")
    finally:
        cloud.abandon()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
