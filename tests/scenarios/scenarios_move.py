"""G. Moving servers: resize, migration, shelving."""
from cloud import Inventory, needs, same, until
from scenarios_alias import cards
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


def scenario_127(cloud):
    """live migrate plain alias"""
    hosts = cloud.hosts(cards(1), cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    source = cloud.runs_on(server)
    assert live_migrates(cloud, server) in (202, 400)
    cloud.settle(server)
    same((cloud.show(server)["status"], cloud.runs_on(server).name), ("ACTIVE", source.name), "the server and its host")
    same([cloud.free(h) for h in hosts if h is not source], [1], "free devices of the other host")


def scenario_128(cloud):
    """live migrate ports"""
    needs("live migration")
    cloud.hosts(nic(), nic())
    port = cloud.port()
    server = cloud.boot(ports=[port])
    source = cloud.runs_on(server)
    same(live_migrates(cloud, server), 202, "os-migrateLive")
    until(lambda: cloud.host_name(server) != source.name and cloud.show(server)["status"] == "ACTIVE", 20, "it runs on the other host")
    same([cloud.get_port(port)["binding:profile"]["pci_slot"]], cloud.addresses(server), "pci_slot")
    becomes_free(cloud, [3], source)


def scenario_131(cloud):
    """non-migratable wanted"""
    for tags in ({"live_migratable": "true"}, {}):
        cloud.host(Inventory().pf("0000:81:00.0", 1, vf_tags=tags))
        cloud.no_host("live_migratable", cloud.flavor("pinned-down:1"))
    cloud.host(Inventory().pf("0000:81:00.0", 1, vf_tags={"live_migratable": "false"}))
    cloud.boot(cloud.flavor("pinned-down:1"))
