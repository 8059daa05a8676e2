"""G. Moving servers: resize, migration, shelving."""
from cloud import NEWEST, Inventory, cell, reason, same, until
from scenarios_alias import cards
from scenarios_numa import cells_of, pins_of
from scenarios_ports import nic


def moves(cloud, server, what, argument=None):
    """The server has been resized or migrated and waits for a confirmation."""
    same(cloud.action(server, what, argument)[0], 202, what)
    cloud.settle(server, ("VERIFY_RESIZE", "ERROR"))
    same(cloud.show(server)["status"], "VERIFY_RESIZE", "the server after %s" % what)


def ends(cloud, server, what):
    """The move is confirmed or reverted."""
    assert cloud.action(server, what)[0] in (202, 204), what
    cloud.settle(server)
    same(cloud.show(server)["status"], "ACTIVE", "the server after %s" % what)


def free(cloud, *hosts):
    return [cloud.free(host) for host in hosts]


def becomes_free(cloud, wanted, *hosts):
    until(lambda: free(cloud, *hosts) == wanted, 10, "free devices are %s" % wanted)


def scenario_119(cloud):
    """cold migrate, alias"""
    hosts = cloud.hosts(cards(1), cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    source = cloud.runs_on(server)
    (target,) = [h for h in hosts if h is not source]
    moves(cloud, server, "migrate")
    same((cloud.runs_on(server).name, free(cloud, source, target)), (target.name, [0, 0]), "the host, and free devices before it is confirmed")
    ends(cloud, server, "confirmResize")
    becomes_free(cloud, [1, 0], source, target)


def scenario_121(cloud):
    """resize away from PCI"""
    host = cloud.host(cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    moves(cloud, server, "resize", {"flavorRef": cloud.flavor()["id"]})
    ends(cloud, server, "confirmResize")
    becomes_free(cloud, [1], host)


def scenario_122(cloud):
    """resize towards PCI"""
    _, second = cloud.hosts(Inventory(), cards(1))
    server = cloud.boot(cloud.flavor())
    moves(cloud, server, "resize", {"flavorRef": cloud.flavor("a1:1")["id"]})
    ends(cloud, server, "confirmResize")
    same((cloud.runs_on(server).name, cloud.free(second)), ("h2", 0), "the server's host, its free devices")


def scenario_123(cloud):
    """resize 1 to 2"""
    first, second = cloud.hosts(cards(1), Inventory())
    server = cloud.boot(cloud.flavor("a1:1"))
    second.put_inventory(cards(2))
    moves(cloud, server, "resize", {"flavorRef": cloud.flavor("a1:2")["id"]})
    same((cloud.runs_on(server).name, free(cloud, first, second)), ("h2", [0, 0]), "the host, and free devices before it is confirmed")
    ends(cloud, server, "confirmResize")
    becomes_free(cloud, [1, 0], first, second)


def scenario_124(cloud):
    """same-host resize"""
    host = cloud.host(cards(3))
    server = cloud.boot(cloud.flavor("a1:1"))
    bigger = cloud.flavor("a1:2")
    for end, left in (("revertResize", 2), ("confirmResize", 1)):
        moves(cloud, server, "resize", {"flavorRef": bigger["id"]})
        same(cloud.free(host), 0, "free devices before %s" % end)
        ends(cloud, server, end)
        becomes_free(cloud, [left], host)


def scenario_126(cloud):
    """shelve and unshelve"""
    hosts = cloud.hosts(nic(), nic())
    port = cloud.port()
    server = cloud.boot(ports=[port])
    first, whole = cloud.runs_on(server), [cloud.free(h) + (h is cloud.runs_on(server)) for h in hosts]
    same(cloud.action(server, "shelve")[0], 202, "shelve")
    cloud.settle(server, ("SHELVED", "SHELVED_OFFLOADED"))
    cloud.action(server, "shelveOffload")
    cloud.settle(server, ("SHELVED_OFFLOADED",))
    becomes_free(cloud, whole, *hosts)
    cloud.enable(first.name, False)
    same(cloud.action(server, "unshelve")[0], 202, "unshelve")
    cloud.settle(server)
    assert cloud.runs_on(server) is not first, "it is on a disabled host"
    same([cloud.get_port(port)["binding:profile"]["pci_slot"]], cloud.addresses(server), "pci_slot")


def live_migrates(cloud, server):
    return cloud.action(server, "os-migrateLive", {"host": None, "block_migration": "auto"})[0]


def goes_live(cloud, server):
    """It has gone to another host while it runs, and what it had on the first is free; both hosts."""
    source = cloud.runs_on(server)
    same(live_migrates(cloud, server), 202, "os-migrateLive")
    until(lambda: cloud.host_name(server) != source.name and cloud.show(server)["status"] == "ACTIVE", 20, "it runs on the other host")
    until(lambda: server not in source.running and cloud.rows("SELECT count(*) FROM server_move WHERE open") == [(0,)], 20, "the source has cleaned up")
    same(cloud.api("GET", "/compute/v2.1/os-migrations?instance_uuid=%s" % server, headers=NEWEST)[1]["migrations"][0]["status"], "completed", "the migration")
    assert server in cloud.runs_on(server).running, "the target has not got it"
    return source, cloud.runs_on(server)


def stays_after(cloud, server, why):
    """Live migration is refused, and nothing has changed."""
    source, claims = cloud.host_name(server), cloud.rows("SELECT count(*) FROM claim")
    same(live_migrates(cloud, server), 202, "os-migrateLive")
    moves = cloud.api("GET", "/compute/v2.1/os-migrations?instance_uuid=%s" % server, headers=NEWEST)[1]["migrations"]
    same((moves[0]["migration_type"], moves[0]["status"]), ("live-migration", "error"), "the migration")
    same((cloud.show(server)["status"], cloud.host_name(server), cloud.rows("SELECT count(*) FROM claim")), ("ACTIVE", source, claims), "the server, its host, claims")
    status, answer = cloud.api("POST", "/compute/v2.1/servers/%s/action" % server, {"os-migrateLive": {
        "host": None, "block_migration": True, "disk_over_commit": False}})
    assert status == 400 and why in reason(answer), (status, answer)


def scenario_127(cloud):
    """live migrate plain alias"""
    hosts = cloud.hosts(cards(1), cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    source = cloud.runs_on(server)
    stays_after(cloud, server, "does not explicitly request live-migratable devices")
    same([cloud.free(h) for h in hosts if h is not source], [1], "free devices of the other host")


def two_nics(node, mac):
    """Two cells; on this one are the CPUs for pinned guests, a PF with VFs, and a whole PF."""
    cells = [cell(i, "%d-%d" % (4 * i, 4 * i + 3), 8192, dedicated="%d-%d" % (4 * i, 4 * i + 3) if i == node else "") for i in range(2)]
    bus = "%d1" % (node + 2)
    return Inventory(cells=cells).pf("0000:%s:00.0" % bus, 2, physnet="physnet4", netdev="p5p1", mac=mac + ":01", numa=node, offered=False).pf(
        "0000:%s:00.1" % bus, physnet="physnet4", netdev="p5p2", mac=mac + ":02", numa=node)


def scenario_128(cloud):
    """live migrate ports"""
    cloud.hosts(two_nics(0, "a0:36:9f:00:00"), two_nics(1, "a0:36:9f:00:01"))
    direct, physical, plain = cloud.port(), cloud.port(vnic="direct-physical"), cloud.port(cloud.network(None), vnic="normal")
    cloud.enable("h2", False)
    server = cloud.boot(cloud.flavor(vcpus=2, hw_cpu_policy="dedicated"), [direct, physical, plain])
    same((cells_of(cloud, server), cloud.get_port(physical)["mac_address"]), ([0], "a0:36:9f:00:00:02"), "the cell, and the whole PF's address")
    cloud.enable("h2", True)
    source, target = goes_live(cloud, server)
    # By way of a guest that let go of both devices, never without a host that has it.
    assert [s["want"] for s in source.seen if s["id"] == server] == ["running", "running", "leaving", "absent"], source.seen
    assert [s["want"] for s in target.seen if s["id"] == server] == ["incoming", "arrived", "running"], target.seen
    same((cells_of(cloud, server), sorted(pins_of(cloud, server).values())[0] >= 4), ([1], True), "the cell, and its CPUs")
    same([cloud.get_port(p)["binding:profile"]["pci_slot"] for p in (direct, physical)], cloud.addresses(server), "pci_slot")
    same([a[:7] for a in cloud.addresses(server)], ["0000:31", "0000:31"], "the devices' bus")
    same(cloud.get_port(physical)["mac_address"], "a0:36:9f:00:01:02", "the address of the PF that the guest has now")
    same(cloud.get_port(direct)["mac_address"], direct["mac_address"], "the address of the port with a VF")
    until(lambda: [cloud.get_port(p)["status"] for p in (direct, physical, plain)] == ["ACTIVE"] * 3, 10, "the ports are active")
    for port in (direct, physical, plain):
        bindings = cloud.api("GET", "/network/v2.0/ports/%s/bindings" % port["id"])[1]["bindings"]
        same([(b["host"], b["status"]) for b in bindings], [(target.name, "ACTIVE")], "the port's bindings")
    same(cloud.free(source), 3, "free devices of the source")


LIVE = """[pci]
alias = {"name": "live", "vendor_id": "8086", "product_id": "1515", "device_type": "type-VF", "live_migratable": "yes"}
alias = {"name": "lively", "vendor_id": "8086", "product_id": "1515", "device_type": "type-VF", "live_migratable": "true"}
"""


def live_vfs(bus, count, **more):
    return Inventory().pf("0000:%s:00.0" % bus, count, vf_tags={"live_migratable": "true"}, **more)


def scenario_129(cloud):
    """live migrate VFIO"""
    with cloud.configured(LIVE):
        cloud.hosts(live_vfs("81", 1), live_vfs("82", 1))
        server = cloud.boot(cloud.flavor("live:1"))
        before = cloud.addresses(server)
        source, _ = goes_live(cloud, server)
        way = [s["migration"] for s in source.seen if s["id"] == server and s["want"] == "leaving"][-1]
        same((way["devices"], cloud.addresses(server) != before), (cloud.addresses(server), True), "where the guest's device is to be")
        same(cloud.free(source), 2, "free devices of the source")


def scenario_132(cloud):
    """unspecified"""
    cloud.hosts(live_vfs("81", 1), live_vfs("82", 1))
    server = cloud.boot(cloud.flavor("vf:1"))
    stays_after(cloud, server, "does not explicitly request live-migratable devices")


def scenario_133(cloud):
    """three devices, two aliases"""
    with cloud.configured(LIVE):
        cloud.hosts(live_vfs("81", 3), live_vfs("82", 3))
        for spec in ("live:3", "live:1,lively:2"):
            server = cloud.boot(cloud.flavor(spec))
            old = cloud.desired(server)["devices"]
            source, _ = goes_live(cloud, server)
            way = [s["migration"] for s in source.seen if s["id"] == server and s["want"] == "leaving"][-1]
            new = cloud.desired(server)["devices"]
            same([d["alias"] for d in new], [d["alias"] for d in old], "the aliases of the devices")
            same(way["devices"], [d["address"] for d in new], "the devices in the order of those that the guest had")
            cloud.delete(server)


def scenario_134(cloud):
    """mixed"""
    with cloud.configured(LIVE):
        cloud.hosts(*[live_vfs(bus, 1).pf("0000:%s:00.1" % bus[::-1], 1, physnet="physnet4", netdev="p5p1") for bus in ("81", "82")])
        port = cloud.port()
        server = cloud.boot(cloud.flavor("live:1"), [port])
        source, target = goes_live(cloud, server)
        way = [s["migration"] for s in source.seen if s["id"] == server and s["want"] == "leaving"][-1]
        same(way["devices"], cloud.addresses(server)[:1], "what goes along is the alias's device only")
        same(cloud.get_port(port)["binding:profile"]["pci_slot"], cloud.addresses(server)[1], "pci_slot")


def scenario_131(cloud):
    """non-migratable wanted"""
    for tags in ({"live_migratable": "true"}, {}):
        cloud.host(Inventory().pf("0000:81:00.0", 1, vf_tags=tags))
        cloud.no_host("live_migratable", cloud.flavor("pinned-down:1"))
    cloud.host(Inventory().pf("0000:81:00.0", 1, vf_tags={"live_migratable": "false"}))
    cloud.boot(cloud.flavor("pinned-down:1"))
