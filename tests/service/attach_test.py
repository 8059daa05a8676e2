#!/usr/bin/python3
"""Ports that come to servers and leave them, and servers that are paused and suspended: a real penstockd with the real
penstock-agent on a simulated host, and with a host that is made up.  attach_test.py BUILD-FOLDER [NAME...]"""
import concurrent.futures
import os
import random
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from cloud import COMPUTE, NEWEST, UUID, Cloud, reason, same, until  # noqa: E402
from scenarios_ports import nic  # noqa: E402
from service_test import client  # noqa: E402

SPEC = '[pci]\ndevice_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet4"}\n'


def interfaces(cloud, server):
    return cloud.api("GET", "%s/servers/%s/os-interface" % (COMPUTE, server), headers=NEWEST)[1]["interfaceAttachments"]


def attached(cloud, server):
    return [i["port_id"] for i in interfaces(cloud, server)]


def attach(cloud, server, headers=NEWEST, token=None, **wish):
    return cloud.api("POST", "%s/servers/%s/os-interface" % (COMPUTE, server), {"interfaceAttachment": wish}, token, headers)


def detach(cloud, server, port_id):
    return cloud.api("DELETE", "%s/servers/%s/os-interface/%s" % (COMPUTE, server, port_id))[0]


def results(cloud, server, action):
    """The results of these actions, the latest first; None: under way."""
    path = "%s/servers/%s/os-instance-actions" % (COMPUTE, server)
    ids = [a["request_id"] for a in cloud.api("GET", path)[1]["instanceActions"] if a["action"] == action]
    return [cloud.api("GET", path + "/" + i)[1]["instanceAction"]["events"][0]["result"] for i in ids]


def active(cloud, *ports):
    until(lambda: all(cloud.get_port(p)["status"] == "ACTIVE" for p in ports), 20, "the ports are active")


def claims(cloud):
    return cloud.rows("SELECT server_id, port_id FROM device_claim")


def test_ports_come_to_a_running_guest_and_go(cloud):
    cloud.agent(SPEC)
    network = cloud.network()
    first, second, third = cloud.port(network), cloud.port(network), cloud.port(network, "normal")
    server = cloud.boot(ports=[first])
    status, answer = attach(cloud, server, port_id=second["id"], tag="fast")
    assert status == 200, (status, answer)
    same((answer["interfaceAttachment"]["tag"], answer["interfaceAttachment"]["mac_addr"]), ("fast", second["mac_address"]), "the answer")
    same(attach(cloud, server, port_id=third["id"])[0], 200, "a normal port")
    active(cloud, first, second, third)
    same(attached(cloud, server), [p["id"] for p in (first, second, third)], "interfaces")
    until(lambda: results(cloud, server, "attach_interface") == ["Success"] * 2, 10, "both actions succeeded")
    same(detach(cloud, server, first["id"]), 202, "DELETE os-interface")
    until(lambda: attached(cloud, server) == [second["id"], third["id"]], 20, "the first is gone")
    same(results(cloud, server, "detach_interface"), ["Success"], "the action")
    freed = cloud.get_port(first)
    same((freed["device_id"], freed["binding:host_id"], freed["binding:profile"], freed["status"]), ("", "", {}, "DOWN"), "the port")
    same(claims(cloud), [(server, second["id"])], "claims")
    same(attach(cloud, server, port_id=first["id"])[0], 200, "the first again")
    active(cloud, first)
    # it has its place on the guest's bus back
    same([i["port_id"] for i in interfaces(cloud, server)], [p["id"] for p in (first, second, third)], "interfaces")
    same(cloud.show(server)["status"], "ACTIVE", "the server")


def test_ports_that_are_made_for_the_server_go_with_it(cloud):
    cloud.agent(SPEC)
    server = cloud.boot(ports=[cloud.port()])
    network = cloud.network(None)
    status, answer = attach(cloud, server, net_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.77"}])
    assert status == 200, (status, answer)
    made = answer["interfaceAttachment"]
    same((made["net_id"], made["fixed_ips"][0]["ip_address"], made["tag"]), (network["id"], "10.0.0.77", None), "the answer")
    active(cloud, {"id": made["port_id"]})
    same(attach(cloud, server, net_id=network["id"], fixed_ips=[{"ip_address": "10.0.0.77"}])[0], 409, "an address in use")
    same(detach(cloud, server, made["port_id"]), 202, "DELETE os-interface")
    until(lambda: made["port_id"] not in attached(cloud, server), 20, "it is detached")
    same(cloud.api("GET", "/network/v2.0/ports/" + made["port_id"])[0], 404, "the port")
    again = attach(cloud, server, net_id=network["id"])[1]["interfaceAttachment"]["port_id"]
    cloud.delete(server)
    same(cloud.api("GET", "/network/v2.0/ports/" + again)[0], 404, "the port when its server is gone")


def test_without_a_word_the_only_network(cloud):
    cloud.host(nic())
    token, _ = cloud.user("attacher")
    flavor, image = cloud.flavor(), cloud.public_image()
    status, answer = cloud.api("POST", COMPUTE + "/servers", {"server": {"name": "s", "flavorRef": flavor["id"], "imageRef": image["id"], "networks": "none"}},
                               token, NEWEST)
    assert status == 202, answer
    server = answer["server"]["id"]
    cloud.settle(server)
    status, answer = attach(cloud, server, token=token)
    assert status == 400 and "none are available" in reason(answer), (status, answer)
    networks = [cloud.make("/network/v2.0/networks", "network", {"name": "own-%d" % i}, token) for i in range(2)]
    for network in networks:
        cloud.make("/network/v2.0/subnets", "subnet", {"network_id": network["id"], "ip_version": 4, "cidr": "10.1.0.0/24"}, token)
    status, answer = attach(cloud, server, token=token)
    assert status == 400 and "More than one possible network" in reason(answer), (status, answer)
    same(cloud.api("DELETE", "/network/v2.0/networks/" + networks[1]["id"])[0], 204, "DELETE network")
    status, answer = attach(cloud, server, token=token)
    assert status == 200 and answer["interfaceAttachment"]["net_id"] == networks[0]["id"], (status, answer)


def test_a_stopped_server_gets_and_loses_ports(cloud):
    cloud.agent(SPEC)
    network = cloud.network()
    first, second = cloud.port(network), cloud.port(network)
    server = cloud.boot(ports=[first])
    cloud.action(server, "os-stop")
    cloud.settle(server, ("SHUTOFF",))
    same(attach(cloud, server, port_id=second["id"])[0], 200, "attach")
    same(detach(cloud, server, first["id"]), 202, "detach")
    until(lambda: attached(cloud, server) == [second["id"]], 20, "one came, one went")
    until(lambda: results(cloud, server, "attach_interface") == ["Success"], 10, "the action ends")
    same(claims(cloud), [(server, second["id"])], "claims")
    cloud.action(server, "os-start")
    cloud.settle(server, ("ACTIVE",))
    active(cloud, second)


def test_a_guest_that_does_not_let_go_keeps_its_port(cloud):
    agent = cloud.agent(SPEC, more=",1,stubborn")
    port = cloud.port()
    server = cloud.boot(ports=[port])
    active(cloud, port)
    for count in (1, 2):
        same(detach(cloud, server, port["id"]), 202, "DELETE os-interface")
        until(lambda: results(cloud, server, "detach_interface") == ["Error"] * count, 30, "the action failed")
        same((attached(cloud, server), cloud.show(server)["status"]), ([port["id"]], "ACTIVE"), "the server")
    bound = cloud.get_port(port)
    same((bound["binding:host_id"], bound["device_id"], len(claims(cloud))), (agent.name, server, 1), "the port's binding")
    assert "the guest did not let go of it" in agent.said(), agent.said()[-2000:]
    # nor can it be suspended
    same(cloud.action(server, "suspend")[0], 202, "suspend")
    until(lambda: results(cloud, server, "suspend") == ["Error"], 30, "the action failed")
    same(cloud.settle(server)["status"], "ACTIVE", "the server")
    # stopped it cannot hold on
    cloud.action(server, "os-stop")
    cloud.settle(server, ("SHUTOFF",))
    same(detach(cloud, server, port["id"]), 202, "DELETE os-interface")
    until(lambda: attached(cloud, server) == [], 20, "it is detached")


def test_what_a_host_cannot_plug_in_is_free_again(cloud):
    host = cloud.host(nic())
    network = cloud.network()
    server, port = cloud.boot(ports=[cloud.port(network)]), cloud.port(network)
    host.troubles[port["id"]] = "No more available PCI slots"
    same(attach(cloud, server, port_id=port["id"])[0], 200, "attach")
    until(lambda: results(cloud, server, "attach_interface") == ["Error"], 10, "the action failed")
    # it is asked to take it out again, and cannot do that either
    until(lambda: host.seen[-1]["ports"][1].get("want") == "absent", 10, "the host is told")
    same(len(claims(cloud)), 2, "claims")
    del host.troubles[port["id"]]
    same(detach(cloud, server, port["id"]), 202, "DELETE os-interface")
    until(lambda: len(attached(cloud, server)) == 1 and not cloud.get_port(port)["device_id"], 10, "it is gone")
    same(len(claims(cloud)), 1, "claims")
    same(cloud.show(server)["status"], "ACTIVE", "the server")


def test_what_cannot_be_attached(cloud):
    cloud.host(nic(vfs=3))
    network = cloud.network()
    server, port = cloud.boot(ports=[cloud.port(network)]), cloud.port(network)
    other = cloud.boot(ports=[cloud.port(network)])
    taken = attached(cloud, other)[0]
    stranger, _ = cloud.user("other")
    before = (claims(cloud), cloud.rows("SELECT generation FROM server ORDER BY number"), cloud.rows("SELECT count(*) FROM port"))
    for wish, wanted, sentence in (
            ({"port_id": UUID}, 404, "could not be found"),
            ({"net_id": UUID}, 404, "could not be found"),
            ({"port_id": taken}, 409, "still in use"),
            ({"port_id": port["id"], "net_id": network["id"]}, 400, "both network_id and port_id"),
            ({"fixed_ips": [{"ip_address": "10.0.0.9"}]}, 400, "Must input network_id"),
            ({"net_id": network["id"], "fixed_ips": [{"ip_address": "192.168.9.9"}]}, 400, "not a valid ip address"),
            ({"net_id": network["id"], "fixed_ips": []}, 400, "too short"),
            ({"port_id": "x"}, 400, "port_id"),
            ({"port_id": port["id"], "other": 1}, 400, "other")):
        status, answer = attach(cloud, server, **wish)
        assert status == wanted and sentence in reason(answer), (wish, status, answer)
    same(attach(cloud, server, port_id=port["id"], tag="a", headers={"X-OpenStack-Nova-API-Version": "2.48"})[0], 400, "a tag before 2.49")
    same(attach(cloud, server, port_id=port["id"], tag="a,b")[0], 400, "a tag with a comma")
    same(attach(cloud, server, token=stranger, port_id=port["id"])[0], 404, "a stranger's attach")
    same(attach(cloud, UUID, port_id=port["id"])[0], 404, "no such server")
    same(detach(cloud, server, taken), 404, "another server's port")
    same((claims(cloud), cloud.rows("SELECT generation FROM server ORDER BY number"), cloud.rows("SELECT count(*) FROM port")), before, "the store")


def test_a_locked_server_and_states(cloud):
    cloud.host(nic())
    token, project = cloud.user("locker")
    network = cloud.network(shared=True)
    flavor, image = cloud.flavor(), cloud.public_image()
    mine = cloud.port(network, "normal", token=token)
    status, answer = cloud.post_server(flavor, [mine], token=token, imageRef=image["id"])
    assert status == 202, answer
    server, extra = answer["server"]["id"], cloud.port(network, "normal", token=token)
    cloud.settle(server)

    def act(what):
        return cloud.api("POST", "%s/servers/%s/action" % (COMPUTE, server), {what: None}, token, NEWEST)

    same(act("lock")[0], 202, "lock")
    status, answer = attach(cloud, server, token=token, port_id=extra["id"])
    assert status == 409 and "is locked" in reason(answer), (status, answer)
    for what in ("pause", "suspend"):
        same(act(what)[0], 409, what + " while it is locked")
    same(act("unlock")[0], 202, "unlock")
    same(act("pause")[0], 202, "pause")
    view = cloud.settle(server, ("PAUSED",))
    same((view["OS-EXT-STS:vm_state"], view["OS-EXT-STS:power_state"], view["OS-EXT-STS:task_state"]), ("paused", 3, None), "a paused server")
    same(attach(cloud, server, token=token, port_id=extra["id"])[0], 200, "attach while it is paused")
    for what in ("pause", "suspend", "resume", "os-stop", "os-start"):
        status, answer = act(what)
        assert status == 409 and "vm_state paused" in reason(answer), (what, status, answer)
    same(act("unpause")[0], 202, "unpause")
    cloud.settle(server, ("ACTIVE",))
    same(act("suspend")[0], 202, "suspend")
    view = cloud.settle(server, ("SUSPENDED",))
    same((view["OS-EXT-STS:vm_state"], view["OS-EXT-STS:power_state"]), ("suspended", 4), "a suspended server")
    for what in ("pause", "unpause", "suspend", "os-stop", "os-start"):
        same(act(what)[0], 409, what + " while it is suspended")
    for status in (attach(cloud, server, token=token, net_id=network["id"])[0], detach(cloud, server, extra["id"])):
        same(status, 409, "attach and detach while it is suspended")
    same(act("resume")[0], 202, "resume")
    cloud.settle(server, ("ACTIVE",))


def test_suspended_with_devices_and_resumed(cloud):
    agent = cloud.agent(SPEC)
    network = cloud.network()
    ports = [cloud.port(network), cloud.port(network, "normal")]
    server = cloud.boot(ports=ports)
    active(cloud, *ports)
    before = claims(cloud)
    for _ in range(2):
        cloud.action(server, "suspend")
        cloud.settle(server, ("SUSPENDED",))
        same(claims(cloud), before, "claims of a suspended server")
        until(lambda: cloud.get_port(ports[0])["status"] == "DOWN", 10, "its ports are down")
        cloud.action(server, "resume")
        cloud.settle(server, ("ACTIVE",))
        active(cloud, *ports)
    same(results(cloud, server, "resume"), ["Success"] * 2, "the actions")
    cloud.action(server, "suspend")
    cloud.settle(server, ("SUSPENDED",))
    same(cloud.action(server, "reboot", {"type": "SOFT"})[0], 409, "a soft reboot of a suspended server")
    cloud.action(server, "reboot", {"type": "HARD"})
    cloud.settle(server, ("ACTIVE",))
    active(cloud, *ports)
    cloud.action(server, "suspend")
    cloud.settle(server, ("SUSPENDED",))
    cloud.delete(server)
    same(claims(cloud), [], "claims")
    same(os.listdir(agent.folder + "/state/instances"), [], "what is left on the host")


def test_a_port_that_is_deleted_while_it_goes(cloud):
    host = cloud.host(nic())
    network = cloud.network()
    server = cloud.boot(ports=[cloud.port(network)])
    port = cloud.port(network, "normal")
    attach(cloud, server, port_id=port["id"])
    until(lambda: results(cloud, server, "attach_interface") == ["Success"], 10, "it is attached")
    host.troubles[port["id"]] = "it does not go"
    same(detach(cloud, server, port["id"]), 202, "DELETE os-interface")
    same(cloud.api("DELETE", "/network/v2.0/ports/" + port["id"])[0], 204, "DELETE port")
    until(lambda: None not in results(cloud, server, "detach_interface"), 10, "the action ends")
    same(len(attached(cloud, server)), 1, "interfaces")
    vf = attached(cloud, server)[0]
    status, answer = cloud.api("DELETE", "/network/v2.0/ports/" + vf)
    assert status == 409 and "detach it first" in reason(answer), (status, answer)


def test_the_openstack_command(cloud):
    cloud.agent(SPEC)
    openstack = client(cloud.site, "/usr/bin/openstack")
    network = cloud.network()
    port, server = cloud.port(network), cloud.boot(ports=[cloud.port(network)])
    openstack("server", "add", "port", server, port["id"])
    active(cloud, port)
    openstack("server", "add", "network", server, network["name"])
    same(len(attached(cloud, server)), 3, "interfaces")
    openstack("server", "remove", "port", server, port["id"])
    openstack("server", "remove", "network", server, network["name"])
    until(lambda: attached(cloud, server) == [], 20, "nothing is attached")
    until(lambda: "detach_interface" in openstack("server", "event", "list", server), 10, "the log tells")
    for verb, status in (("pause", "PAUSED"), ("unpause", "ACTIVE"), ("suspend", "SUSPENDED"), ("resume", "ACTIVE")):
        openstack("server", verb, server)
        cloud.settle(server, (status,))


def test_kill_9_of_penstockd_while_ports_come_and_go(cloud):
    cloud.host(nic(vfs=4))
    network = cloud.network()
    server = cloud.boot(ports=[])
    ports = [cloud.port(network) for _ in range(6)]
    seed = int(os.environ.get("SEED", time.time()))
    print("# seed %d" % seed)
    dice, over = random.Random(seed), []

    def churn(port):
        while not over:
            try:
                attach(cloud, server, port_id=port["id"])
                detach(cloud, server, port["id"])
            except (OSError, ValueError):
                time.sleep(0.05)

    with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
        work = [pool.submit(churn, port) for port in ports]
        for _ in range(4):
            time.sleep(dice.random() * 1.5)
            cloud.site.kill()
            cloud.site.start()
        over.append(True)
        for each in work:
            each.result()
    for port in ports:
        detach(cloud, server, port["id"])
    until(lambda: attached(cloud, server) == [], 20, "all ports went")
    same((claims(cloud), cloud.rows("SELECT count(*) FROM server_interface")), ([], [(0,)]), "claims, and interfaces with something under way")
    same([p["device_id"] for p in map(cloud.get_port, ports)], [""] * len(ports), "servers of the ports")
    same(cloud.free(cloud.fleet["h1"]), 5, "free devices")
    assert None not in results(cloud, server, "detach_interface"), "an action is under way for ever"


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
                        host.troubles.clear()
                    cloud.clean()
                print("ok attach %s" % name, flush=True)
            except Exception:
                failures += 1
                traceback.print_exc(file=sys.stdout)
                print("not ok attach %s" % name, flush=True)
        log = cloud.end()
        if "error:" in log or "Sanitizer" in log:
            failures += 1
            print(log[-4000:])
            print("not ok attach penstockd logged errors")
    finally:
        cloud.abandon()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
