"""F. NUMA, pinned CPUs, huge pages.  The host is H1: two cells with 4 CPUs and 8 GB each, a device of 1533 somewhere."""
import json

from cloud import Inventory, cell, reason, refused_start, same, until
from scenarios_alias import CARDS

PINNED = {"hw_cpu_policy": "dedicated"}
NO_CPUS = {"dedicated": ""}  # a cell with neither set has all its CPUs shared


def h1(device=None, first=NO_CPUS, second=NO_CPUS, sockets=(0, 1), pages=(), siblings=("", "")):
    """H1; `device`: the node of its device, or "unknown", or None for no device; `first`, `second`: sets of CPUs of its cells."""
    sets = (first, second)
    cells = [cell(i, "%d-%d" % (4 * i, 4 * i + 3), 8192, sockets[i], pages, siblings[i].split(), **sets[i]) for i in range(2)]
    inventory = Inventory(cells=cells)
    if device is not None:
        inventory.add(CARDS[0], "1533", numa=None if device == "unknown" else device)
    return inventory


FIRST, SECOND = {"first": {"dedicated": "0-3"}}, {"second": {"dedicated": "4-7"}}
BOTH, SHARED = {**FIRST, **SECOND}, {"first": {}, "second": {}}


def cells_of(cloud, server):
    """The host's cells that the guest is on."""
    return [c["node"] for c in cloud.desired(server)["numa"]["cells"]]


def pins_of(cloud, server):
    """{vCPU: the host's CPU that is its alone}"""
    return {vcpu: cpu for c in cloud.desired(server)["numa"]["cells"] for vcpu, cpu in c["pins"]}


def scenario_093(cloud):
    """legacy, affine"""
    cloud.host(h1(device=1, **BOTH))
    server = cloud.boot(cloud.flavor("a1:1", vcpus=2, **PINNED))
    same((cells_of(cloud, server), cloud.addresses(server)), ([1], CARDS[:1]), "the guest's cell and devices")


def scenario_094(cloud):
    """legacy, not affine"""
    cloud.host(h1(device=0, **SECOND))
    cloud.no_host("NUMA policy legacy", cloud.flavor("a1:1", vcpus=2, **PINNED))
    cloud.boot(cloud.flavor(vcpus=2, **PINNED))


def scenario_096(cloud):
    """required"""
    cloud.host(h1(device=0, **SECOND))
    cloud.no_host("NUMA policy required", cloud.flavor("required:1", vcpus=2, **PINNED))


def scenario_097(cloud):
    """policy matrix"""
    matrix = {"preferred": (True, True, True), "legacy": (True, False, True), "required": (False, False, True)}
    flavors = {policy: cloud.flavor(policy + ":1", vcpus=2, **PINNED) for policy in matrix}
    for i, node in enumerate(("unknown", 0, 1)):
        cloud.host(h1(device=node, **SECOND))
        for policy, fits in matrix.items():
            server = cloud.create(flavors[policy])
            same(cloud.settle(server)["status"], "ACTIVE" if fits[i] else "ERROR", "policy %s with the device on node %s" % (policy, node))
            cloud.delete(server)


def scenario_098(cloud):
    """flavor beats alias"""
    cloud.host(h1(device=0, **SECOND))
    cloud.no_host("NUMA policy required", cloud.flavor("preferred:1", vcpus=2, hw_pci_numa_affinity_policy="required", **PINNED))
    cloud.boot(cloud.flavor("preferred:1", vcpus=2, **PINNED))
    ports_beat_flavors(cloud)


def ports_beat_flavors(cloud):
    """A port's numa_affinity_policy goes before the flavor's (NP-7)."""
    cloud.clean()
    cells = [cell(0, "0-3", 8192, dedicated=""), cell(1, "4-7", 8192, dedicated="4-7")]
    cloud.host(Inventory(cells=cells).pf("0000:81:00.0", 4, physnet="physnet4", numa=0))
    network = cloud.network()
    for of_flavor, of_port, fits in (("required", None, False), ("required", "preferred", True), ("preferred", "required", False)):
        ports = [cloud.port(network, **({"numa_affinity_policy": of_port} if of_port else {}))]
        flavor = cloud.flavor(vcpus=2, hw_pci_numa_affinity_policy=of_flavor, **PINNED)
        if fits:
            cloud.boot(flavor, ports)
        else:
            cloud.no_host("NUMA policy required", flavor, ports)


def scenario_099(cloud):
    """flavor against image"""
    cloud.host(h1(device=1, **BOTH))
    flavor = cloud.flavor("a1:1", vcpus=2, hw_pci_numa_affinity_policy="required", **PINNED)
    other = cloud.make_image(hw_pci_numa_affinity_policy="preferred")
    status, answer = cloud.post_server(flavor, imageRef=other["id"])
    same((status, reason(answer) if status != 403 else ""), (403, ""), "POST /servers with different policies")
    cloud.boot(flavor, imageRef=cloud.make_image(hw_pci_numa_affinity_policy="required")["id"])


def scenario_101(cloud):
    """socket, same socket"""
    cloud.host(h1(device=1, sockets=(0, 0), **FIRST))
    server = cloud.boot(cloud.flavor("socket:1", vcpus=2, **PINNED))
    same(cells_of(cloud, server), [0], "the guest's cell")


def scenario_102(cloud):
    """socket, other socket"""
    cloud.host(h1(device=1, sockets=(0, 1), **FIRST))
    cloud.no_host("NUMA policy socket", cloud.flavor("socket:1", vcpus=2, **PINNED))


def scenario_103(cloud):
    """socket, many cells"""
    cells = [cell(i, "%d-%d" % (4 * i, 4 * i + 3), 4096, i // 2, dedicated="%d-%d" % (4 * i, 4 * i + 3) if i else "") for i in range(4)]
    cloud.host(Inventory(16, cells=cells).add(CARDS[0], "1533", numa=0))
    server = cloud.boot(cloud.flavor("socket:1", vcpus=6, ram=192, hw_numa_nodes="3", **PINNED))
    same(sorted(cells_of(cloud, server)), [1, 2, 3], "the guest's cells")


def scenario_104(cloud):
    """policy without guest topology"""
    cloud.host(h1(device=0, **SHARED))
    server = cloud.boot(cloud.flavor("required:1", vcpus=2))
    same(cloud.addresses(server), CARDS[:1], "the guest's devices")


def scenario_106(cloud):
    """too many cells"""
    cloud.host(Inventory())
    cloud.no_host("needs 2 NUMA nodes, it has 1", cloud.flavor(vcpus=2, hw_numa_nodes="2"))


def scenario_107(cloud):
    """huge pages"""
    cloud.host(h1(pages=[(2048, 100)], **SHARED))
    flavor = cloud.flavor(vcpus=1, ram=128, hw_mem_page_size="large")
    servers = [cloud.boot(flavor) for _ in range(2)]
    same([c["page_kb"] for s in servers for c in cloud.desired(s)["numa"]["cells"]], [2048] * 2, "the guests' pages")
    same(sorted(cells_of(cloud, servers[0]) + cells_of(cloud, servers[1])), [0, 1], "100 pages of a cell are enough for one guest with 64; the cells")
    cloud.no_host("128 MB in large pages", flavor)


def scenario_108(cloud):
    """dedicated CPUs"""
    cloud.host(h1(**SECOND))
    cloud.no_host("needs 5 dedicated CPUs", cloud.flavor(vcpus=5, **PINNED))
    server = cloud.boot(cloud.flavor(vcpus=4, **PINNED))
    pins = pins_of(cloud, server)
    same((sorted(pins), sorted(pins.values())), ([0, 1, 2, 3], [4, 5, 6, 7]), "pinned vCPUs, their CPUs")
    cloud.no_host("needs 1 dedicated CPU", cloud.flavor(vcpus=1, **PINNED))


def scenario_109(cloud):
    """mixed CPUs"""
    cloud.host(h1(second={"dedicated": "5-7", "shared": "4"}))
    server = cloud.boot(cloud.flavor(vcpus=4, hw_cpu_policy="mixed", hw_cpu_dedicated_mask="^0"))
    pins = pins_of(cloud, server)
    same((sorted(pins), sorted(pins.values())), ([1, 2, 3], [5, 6, 7]), "pinned vCPUs, their CPUs")
    same(cloud.desired(server)["numa"]["cells"][0]["floating"], "4", "where vCPU 0 floats")


def scenario_111(cloud):
    """require without SMT"""
    cloud.host(h1(**BOTH))
    cloud.no_host("no hyperthreads", cloud.flavor(vcpus=2, hw_cpu_thread_policy="require", **PINNED))
    cloud.host(h1(siblings=("0,1 2,3", "4,5 6,7"), **BOTH))
    cloud.boot(cloud.flavor(vcpus=2, hw_cpu_thread_policy="require", **PINNED))


def scenario_112(cloud):
    """emulator threads isolate"""
    cloud.host(h1(**SECOND))
    cloud.no_host("for the emulator", cloud.flavor(vcpus=4, hw_emulator_threads_policy="isolate", **PINNED))
    server = cloud.boot(cloud.flavor(vcpus=3, hw_emulator_threads_policy="isolate", **PINNED))
    emulator = cloud.desired(server)["numa"]["emulator"]
    same(sorted([int(emulator), *pins_of(cloud, server).values()]), [4, 5, 6, 7], "CPUs of the emulator and of the guest")
    cloud.no_host("needs 1 dedicated CPU", cloud.flavor(vcpus=1, **PINNED))


def scenario_113(cloud):
    """bad topology"""
    cloud.host(h1(**SHARED))
    two = {"hw:numa_nodes": "2", "hw:numa_cpus.0": "0", "hw:numa_cpus.1": "1", "hw:numa_mem.0": "64", "hw:numa_mem.1": "64"}
    cloud.delete(cloud.boot(cloud.flavor(vcpus=2, ram=128, **two)))
    for what, change in {"numa_cpus missing": {"hw:numa_cpus.1": None}, "numa_mem missing": {"hw:numa_mem.1": None}, "overlapping": {"hw:numa_cpus.1": "0-1"},
                         "out of range": {"hw:numa_cpus.1": "1-2"}, "wrong sum of memory": {"hw:numa_mem.1": "128"}}.items():
        specs = {key: value for key, value in {**two, **change}.items() if value}
        same(refusal(cloud, specs), 400, what)


def refusal(cloud, specs, vcpus=2):
    """The status of the first of flavor and server that is refused."""
    flavor = cloud.flavor(vcpus=vcpus, ram=128)
    status, _ = cloud.api("POST", "/compute/v2.1/flavors/%s/os-extra_specs" % flavor["id"], {"extra_specs": specs})
    return status if status != 200 else cloud.post_server(flavor)[0]


def scenario_114(cloud):
    """uneven split"""
    cloud.host(h1(**SHARED))
    same(refusal(cloud, {"hw:numa_nodes": "2"}, vcpus=3), 400, "3 vCPUs on 2 cells")


def scenario_116(cloud):
    """PCI guest finds its node"""
    cloud.host(h1(device=1, **SHARED))
    server = cloud.boot(cloud.flavor("a1:1", vcpus=2, hw_numa_nodes="1"))
    same(cells_of(cloud, server), [1], "the guest's cell")


def scenario_117(cloud):
    """rebuild"""
    cloud.host(Inventory())
    server = cloud.boot(cloud.flavor(vcpus=2))
    status, answer = cloud.action(server, "rebuild", {"imageRef": cloud.make_image(hw_numa_nodes="2")["id"]})
    same((status, reason(answer)[:64]), (400, "An instance's NUMA topology cannot be changed as part of a rebui"), "rebuild with another topology")
    same((cloud.show(server)["status"], cloud.show(server)["image"]["id"]), ("ACTIVE", cloud.image["id"]), "the server that was refused")
    same(cloud.action(server, "rebuild", {"imageRef": cloud.make_image()["id"]})[0], 202, "rebuild with the same topology")
    until(lambda: cloud.show(server)["status"] == "ACTIVE", 10, "it is rebuilt")


def scenario_118(cloud):
    """physnet affinity"""
    host = h1(first={"physical_networks": ["physnet4"]}, second={"physical_networks": ["physnet1"], "tunnels": True})
    cloud.host(host.pf("0000:81:00.0", 1, physnet="physnet1", numa=0))
    four, one = cloud.network("physnet4"), cloud.network("physnet1")
    tunnel = cloud.network(None, **{"provider:network_type": "vxlan"})
    single, double = cloud.flavor(vcpus=2, hw_numa_nodes="1"), cloud.flavor(vcpus=2, hw_numa_nodes="2")

    def normal(*networks):
        return [cloud.port(network, "normal") for network in networks]

    cloud.no_host("near the networks physnet4 (NUMA node 0) and physnet1 (NUMA node 1)", single, normal(four, one))
    cloud.no_host("near the networks physnet4 (NUMA node 0) and tunnels (NUMA node 1)", single, normal(four, tunnel))
    cloud.no_host("NUMA policy legacy", single, [cloud.port(one)])  # its VF is on the other node than the network
    same(sorted(cells_of(cloud, cloud.boot(double, normal(four, one)))), [0, 1], "cells of a guest with two, on both networks")
    same(cells_of(cloud, cloud.boot(single, normal(one, one))), [1], "the cell of a guest on physnet1")
    same(cells_of(cloud, cloud.boot(single, normal(four))), [0], "the cell of a guest on physnet4")
    cloud.boot(cloud.flavor(vcpus=2), normal(four, one))  # without a topology nothing is near
    refuse = refused_start(cloud.build, "agent/penstock-agent", "[neutron]\nphysnets = a\n", "--simulate", "4")
    assert "penstock.conf:8: [neutron] physnets: 'a': [neutron_physnet_a] numa_nodes is not set" in refuse, refuse
    refuse = refused_start(cloud.build, "agent/penstock-agent", "[neutron_tunnel]\nnuma_nodes = 7\n", "--simulate", "4")
    assert "penstock.conf:8: [neutron_tunnel] numa_nodes: '7': this host has no such NUMA node" in refuse, refuse
    cloud.agent("[neutron]\nphysnets = a,b\n[neutron_physnet_a]\nnuma_nodes = 0,1\n[neutron_physnet_b]\nnuma_nodes = 1\n[neutron_tunnel]\nnuma_nodes = 0\n")
    told = json.loads(cloud.rows("SELECT cells FROM host WHERE name = 'sim'")[0][0])
    same([(c.get("physical_networks"), c.get("tunnels")) for c in told], [(["a"], True), (["a", "b"], None)], "what the agent says of its nodes")
