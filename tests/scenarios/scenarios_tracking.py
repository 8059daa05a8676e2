"""C. Keeping track of devices.  A host that tells its inventory anew does what a compute service does that restarts."""
import concurrent.futures

from cloud import Inventory, differs, same
from scenarios_alias import CARDS, cards, h1_vf


def scenario_052(cloud):
    """restart keeps assignments"""
    host = cloud.host(h1_vf())
    server = cloud.boot(cloud.flavor("vfs:1"))
    before, free = cloud.addresses(server), cloud.free(host)
    host.put_inventory()
    cloud.restart()
    same([d["address"] for d in host.desired()[server]["devices"]], before, "the guest's devices")
    same(cloud.free(host), free, "free devices")


def scenario_053(cloud):
    """free device unplugged"""
    host = cloud.host(h1_vf())
    host.put_inventory(host.inventory.without("0000:81:10.3"))
    assert "0000:81:10.3" not in cloud.devices(host), "it is still there"
    cloud.no_host("needs 4 devices: it has 3", cloud.flavor("vfs:4"))
    cloud.boot(cloud.flavor("vfs:3"))


def lose_used_device(cloud):
    """(host, server, its device D, the host with D): D is gone from what the host offers."""
    whole = cards(2)
    host = cloud.host(whole)
    server = cloud.boot(cloud.flavor("a1:1"))
    (used,) = cloud.addresses(server)
    host.put_inventory(whole.without(used))
    same([d["address"] for d in host.desired()[server]["devices"]], [used], "the guest's devices")
    return host, server, used, whole


def warned(cloud, device):
    """penstockd or the agent says it; the made-up host says nothing."""
    said = open(cloud.site.folder + "/penstockd.log").read()
    assert device in said, "penstockd logs no warning about %s" % device


def scenario_054(cloud):
    """used device dropped from whitelist"""
    host, server, used, _ = lose_used_device(cloud)
    other = cloud.boot(cloud.flavor("a1:1"))
    assert cloud.addresses(other) != [used], "it was given twice"
    cloud.no_host("2 of 2 are in use", cloud.flavor("a1:1"))
    cloud.delete(server)
    assert used not in cloud.devices(host), "it is offered again without being whitelisted"
    cloud.no_host("1 of 1 is in use", cloud.flavor("a1:1"))
    warned(cloud, used)


def scenario_056(cloud):
    """whitelist restored in between"""
    host, server, used, whole = lose_used_device(cloud)
    host.put_inventory(whole)
    cloud.delete(server)
    same(cloud.free(host), 2, "free devices")
    server = cloud.boot(cloud.flavor("a1:2"))
    assert used in cloud.addresses(server), cloud.addresses(server)


def scenario_057(cloud):
    """used device vanishes"""
    host, server, used, _ = lose_used_device(cloud)
    same(cloud.show(server)["status"], "ACTIVE", "the server")
    cloud.delete(server)
    assert used not in cloud.devices(host), "it is offered again"
    warned(cloud, used)


def scenario_058(cloud):
    """properties change while in use"""
    host = cloud.host(cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    host.put_inventory(Inventory().add(CARDS[0], "0443", numa=1))
    same([d["numa_node"] for d in host.desired()[server]["devices"]], [0], "the device's NUMA node while it is in use")
    same(cloud.rows("SELECT product_id, numa_node FROM device WHERE address = ?", CARDS[0]), [("1533", 0)], "the device while it is in use")
    cloud.delete(server)
    same(cloud.rows("SELECT product_id, numa_node FROM device WHERE address = ?", CARDS[0]), [("0443", 1)], "the device afterwards")
    cloud.no_host("it offers none 8086:1533", cloud.flavor("a1:1"))
    cloud.boot(cloud.flavor("q:1"))


def scenario_059(cloud):
    """blocked VF removed"""
    host = cloud.host(h1_vf())
    server = cloud.boot(cloud.flavor("pfs:1"))
    host.put_inventory(Inventory().pf("0000:81:00.0"))
    same(cloud.devices(host), ["0000:81:00.0"], "the host's devices")
    cloud.delete(server)
    host.put_inventory(h1_vf())
    cloud.boot(cloud.flavor("vfs:4"))


def scenario_061(cloud):
    """inconsistent child"""
    inventory = h1_vf()
    inventory.devices["0000:81:10.2"]["health"] = "it does not answer"
    cloud.host(inventory)
    server = cloud.boot(cloud.flavor("pfs:1"))
    cloud.delete(server)
    cloud.boot(cloud.flavor("vfs:1"))
    cloud.no_host("has 1 of its VFs in use", cloud.flavor("pfs:1"))
    differs("there is no state that could contradict another one: a PF is free exactly when none of its VFs has an owner; "
            "a VF that may not be given away does not block its PF")


def scenario_062(cloud):
    """race for the last VF"""
    cloud.hosts(h1_vf(1), Inventory())
    flavor = cloud.flavor("vfs:1")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        servers = list(pool.map(lambda _: cloud.create(flavor), range(2)))
    same(sorted(cloud.settle(s)["status"] for s in servers), ["ACTIVE", "ERROR"], "the servers")
    same(cloud.rows("SELECT count(*) FROM device_claim"), [(1,)], "devices with a claim")


def scenario_063(cloud):
    """VF whose PF is not whitelisted"""
    host = cloud.host(Inventory().pf("0000:81:00.0", 4, offered=False))
    server = cloud.boot(cloud.flavor("vfs:1"))
    cloud.no_host("it offers none 8086:1528", cloud.flavor("pfs:1"))
    cloud.delete(server)
    cloud.no_host("it offers none 8086:1528", cloud.flavor("pfs:1"))
    same(cloud.free(host), 4, "free devices")
