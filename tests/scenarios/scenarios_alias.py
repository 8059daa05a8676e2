"""B. Aliases and flavors."""
from cloud import COMPUTE, Inventory, differs, reason, refused_start, same, until

CARDS = ["0000:81:00.0", "0000:82:00.0", "0000:83:00.0"]


def cards(count, product="1533"):
    """A host with devices that are nothing but PCI devices."""
    inventory = Inventory()
    for address in CARDS[:count]:
        inventory.add(address, product)
    return inventory


def h1_vf(vfs=4):
    return Inventory().pf("0000:81:00.0", vfs)


def scenario_028(cloud):
    """boot with a type-PCI device"""
    host = cloud.host(cards(1))
    server = cloud.boot(cloud.flavor("a1:1"))
    devices = cloud.desired(server)["devices"]
    same([(d["address"], d["type"], d["alias"]) for d in devices], [(CARDS[0], "type-PCI", "a1")], "the guest's devices")
    same(cloud.free(host), 0, "free devices")


def scenario_029(cloud):
    """unknown alias"""
    flavor = cloud.flavor()
    status, answer = cloud.api("POST", "%s/flavors/%s/os-extra_specs" % (COMPUTE, flavor["id"]), {"extra_specs": {"pci_passthrough:alias": "nope:1"}})
    assert status == 400 and "PCI alias nope is not defined" in reason(answer), (status, answer)
    cloud.restart('[pci]\nalias = {"name": "nope", "vendor_id": "8086", "product_id": "1533"}\n')
    flavor = cloud.flavor("nope:1")
    cloud.restart()
    status, answer = cloud.post_server(flavor)
    assert status == 400 and "PCI alias nope is not defined" in reason(answer), (status, answer)


def scenario_031(cloud):
    """same name, alternatives"""
    cloud.host(cards(1, product="0443"))
    server = cloud.boot(cloud.flavor("q:1"))
    same(cloud.addresses(server), CARDS[:1], "the guest's devices")


def bad_aliases(cloud, *aliases):
    return refused_start(cloud.build, "penstockd/penstockd", "[pci]\n" + "".join("alias = {%s}\n" % a for a in aliases))


def scenario_032(cloud):
    """same name, conflicting"""
    ids = '"name": "q", "vendor_id": "8086", "product_id": "0442"'
    said = bad_aliases(cloud, ids + ', "device_type": "type-PCI"', ids + ', "device_type": "type-VF"')
    assert "Device type mismatch for alias" in said and "penstock.conf:" in said, said
    said = bad_aliases(cloud, ids + ', "numa_policy": "required"', ids + ', "numa_policy": "legacy"')
    assert "NUMA policy mismatch for alias" in said and "penstock.conf:" in said, said


def scenario_033(cloud):
    """alias without product"""
    said = bad_aliases(cloud, '"name": "q", "vendor_id": "8086"')
    assert "vendor_id and product_id must be set" in said and "penstock.conf:" in said, said


def scenario_034(cloud):
    """several aliases, blanks"""
    cloud.host(cards(3))
    server = cloud.boot(cloud.flavor("a1:1, a2:2"))
    same(sorted(d["alias"] for d in cloud.desired(server)["devices"]), ["a1", "a2", "a2"], "the guest's devices")
    same(sorted(cloud.addresses(server)), CARDS, "the guest's devices")


def scenario_036(cloud):
    """one device for two aliases"""
    host = cloud.host(cards(1))
    cloud.no_host("not for all 2 together", cloud.flavor("a1:1,a2:1"))
    same(cloud.free(host), 1, "free devices")


def scenario_037(cloud):
    """count split over PFs"""
    cloud.host(Inventory().pf("0000:81:00.0", 1).pf("0000:82:00.0", 1))
    server = cloud.boot(cloud.flavor("vf:2"))
    same(sorted(cloud.addresses(server)), ["0000:81:10.0", "0000:82:10.0"], "the guest's devices")


def scenario_038(cloud):
    """alias without device_type takes VFs"""
    cloud.host(h1_vf())
    server = cloud.boot(cloud.flavor("vfs:1"))
    same([d["type"] for d in cloud.desired(server)["devices"]], ["type-VF"], "the guest's devices")


def scenario_039(cloud):
    """alias without device_type never takes a PF"""
    host = cloud.host(h1_vf())
    server = cloud.boot(cloud.flavor("p:1"))
    same(cloud.addresses(server), ["0000:81:00.0"], "the guest's devices")
    cloud.delete(server)
    host.put_inventory(h1_vf().add("0000:91:00.0", "1528"))
    server = cloud.boot(cloud.flavor("p:1"))
    same(cloud.addresses(server), ["0000:91:00.0"], "what is no PF comes first; the guest's devices")
    differs("it takes a PF if nothing else fits, so that the well-known alias of vendor and product works (docs/status.md)")


def scenario_041(cloud):
    """PF in use blocks VFs"""
    cloud.host(h1_vf())
    cloud.boot(cloud.flavor("pfs:1"))
    cloud.no_host("go with a PF that is in use", cloud.flavor("vfs:1"))


def scenario_042(cloud):
    """VF in use blocks PF"""
    cloud.host(h1_vf())
    cloud.boot(cloud.flavor("vfs:1"))
    cloud.no_host("has 1 of its VFs in use", cloud.flavor("pfs:1"))


def scenario_043(cloud):
    """PF release"""
    host = cloud.host(h1_vf())
    server = cloud.boot(cloud.flavor("pfs:1"))
    cloud.delete(server)
    same(cloud.free(host), 5, "free devices")
    server = cloud.boot(cloud.flavor("vfs:4"))
    cloud.delete(server)
    cloud.boot(cloud.flavor("pfs:1"))


def scenario_044(cloud):
    """last VF releases the PF"""
    cloud.host(h1_vf())
    flavor, whole = cloud.flavor("vfs:1"), cloud.flavor("pfs:1")
    first, second = cloud.boot(flavor), cloud.boot(flavor)
    cloud.delete(first)
    cloud.no_host("has 1 of its VFs in use", whole)
    cloud.delete(second)
    cloud.boot(whole)


def scenario_046(cloud):
    """multi-create"""
    host = cloud.host(cards(3))
    cloud.create(cloud.flavor("a1:1"), min_count=2)
    servers = [s["id"] for s in cloud.api("GET", COMPUTE + "/servers")[1]["servers"]]
    same([cloud.settle(s)["status"] for s in servers], ["ACTIVE"] * 2, "the servers")
    same(len({cloud.addresses(s)[0] for s in servers}), 2, "different devices")
    same(cloud.free(host), 1, "free devices")


def failing_first(cloud, alias, inventory):
    """The server of two hosts, of which the one that is asked first fails to build it."""
    hosts = cloud.hosts(inventory(), inventory())
    flavor = cloud.flavor(alias)
    first = cloud.runs_on(server := cloud.boot(flavor))
    cloud.delete(server)
    first.fail = "spawn fails"
    server = cloud.boot(flavor)
    return server, first, [h for h in hosts if h is not first][0]


def scenario_047(cloud):
    """reschedule frees the first host"""
    server, first, second = failing_first(cloud, "a1:1", lambda: cards(1))
    same(cloud.runs_on(server).name, second.name, "the server's host")
    until(lambda: (cloud.free(first), cloud.free(second)) == (1, 0), 10, "free devices are 1, 0: the first host has cleaned up")


def scenario_048(cloud):
    """reschedule keeps the count"""
    server, _, _ = failing_first(cloud, "pfs:1", lambda: h1_vf(1))
    same(len(cloud.addresses(server)), 1, "devices of the server")
    until(lambda: cloud.rows("SELECT count(*) FROM device_claim") == [(1,)], 10, "one device has a claim")


def scenario_049(cloud):
    """managed=no"""
    for tags in ({"managed": "false"}, {"managed": "true"}, {}):
        cloud.host(Inventory().pf("0000:81:00.0", 1, vf_tags=tags))
        cloud.delete(cloud.boot(cloud.flavor("vfs:1")))
    differs("the tag is accepted; libvirt always gets managed='no', because the agent binds and resets each device itself and reads it back")


def scenario_051(cloud):
    """live_migratable needs versions"""
    agent = cloud.agent('[pci]\ndevice_spec = {"product_id": "10ca", "live_migratable": "true"}\n')
    same(len(agent.tracked()), 8, "tracked devices")
    differs("the tag is accepted with any libvirt: nothing is migrated live yet, so that no version is needed")
