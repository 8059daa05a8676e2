"""H. PCI devices in Placement: made-up hosts that report them, and the real agent where it is about starting."""
import contextlib
import functools

from agent import PROGRAM
from cloud import Inventory, cell, reason, refused_start, same, until
from scenarios_device_spec import option

REPORT = "report_in_placement = true\n"
# With pci_in_placement a name has one definition, so that the usual aliases are not there.
BY_CLASS = """
[filter_scheduler]
pci_in_placement = true
[pci]
alias = {"name": "a-vf", "resource_class": "MY_VF", "traits": "blue"}
alias = {"name": "green", "resource_class": "GPU", "traits": "green", "numa_policy": "required"}
alias = {"name": "green-anywhere", "resource_class": "GPU", "traits": "green", "numa_policy": "preferred"}
alias = {"name": "once", "vendor_id": "8086", "product_id": "1533", "device_type": "type-PCI"}
"""


def api(cloud, path, method="GET", body=None, version="1.39"):
    return cloud.api(method, "/placement" + path, body, headers={"OpenStack-API-Version": "placement " + version})


def get(cloud, path, **more):
    status, answer = api(cloud, path, **more)
    assert status == 200, "GET /placement%s: %s %s" % (path, status, answer)
    return answer


def providers(cloud, host):
    """{name: resource provider} of the host and its devices."""
    everything = get(cloud, "/resource_providers")["resource_providers"]
    root = next(p["uuid"] for p in everything if p["name"] == host.name)
    return {p["name"]: p for p in everything if p["root_provider_uuid"] == root}


def devices(cloud, host):
    """{address of the device's provider: {class: total}}"""
    return {name[len(host.name) + 1:]: totals(cloud, p) for name, p in providers(cloud, host).items() if name != host.name}


def inventories(cloud, provider):
    return get(cloud, "/resource_providers/%s/inventories" % provider["uuid"])["inventories"]


def totals(cloud, provider):
    return {name: inventory["total"] for name, inventory in inventories(cloud, provider).items()}


def traits(cloud, provider):
    return get(cloud, "/resource_providers/%s/traits" % provider["uuid"])["traits"]


def usages(cloud, host):
    """{name of the provider: {class: amount}} without what is 0."""
    found = {}
    for name, provider in providers(cloud, host).items():
        used = get(cloud, "/resource_providers/%s/usages" % provider["uuid"])["usages"]
        if any(used.values()):
            found[name] = {k: v for k, v in used.items() if v}
    return found


def allocations(cloud, host, server):
    """{name of the provider: {class: amount}}"""
    names = {p["uuid"]: name for name, p in providers(cloud, host).items()}
    return {names[uuid]: one["resources"] for uuid, one in get(cloud, "/allocations/" + server)["allocations"].items()}


def reporting(inventory):
    inventory.host["report_in_placement"] = True
    return inventory


def silent(inventory):
    inventory.host["report_in_placement"] = False
    return inventory


def and_then_none(function):
    """Afterwards no host has a device that is reported: then, and only then, it can stop to report."""
    @functools.wraps(function)
    def wrapped(cloud):
        try:
            function(cloud)
        finally:
            cloud.clean()
            cloud.hosts()
    return wrapped


@contextlib.contextmanager
def agent(cloud, *specs):
    """The real agent, reporting; afterwards it offers but devices with a physical network, and does not report."""
    try:
        yield cloud.agent(option(*specs) + REPORT)
    finally:
        cloud.delete(*[s["id"] for s in cloud.site.api("GET", "/compute/v2.1/servers?all_tenants=1")[1]["servers"]])
        cloud.agent(option({"product_id": "ffff"}) + REPORT)
        cloud.agent("")


def ends(cloud, config):
    """What the agent says that ends by itself at its start with this configuration."""
    try:
        cloud.agent(config)
    except AssertionError:
        until(lambda: cloud.simulated.process.poll() is not None, 20, "the agent has ended")
        assert cloud.simulated.process.returncode == 1, cloud.simulated.process.returncode
        return cloud.simulated.said()
    raise AssertionError("the agent runs with " + config)


def two_pfs(tags):
    """Two PFs with two VFs each that are offered, at 0000:81:10.0 and 0000:82:10.0."""
    return reporting(Inventory().pf("0000:81:00.0", 2, offered=False, vf_tags=tags).pf("0000:82:00.0", 2, offered=False, vf_tags=tags))


BLUE = {"resource_class": "my vf", "traits": "blue"}


@and_then_none
def scenario_137(cloud):
    """inventory"""
    host = cloud.host(reporting(
        Inventory().add("0000:80:00.0", "1533").pf("0000:81:00.0").pf("0000:82:0a.1", 2, offered=False).pf("0000:83:00.0", 1, physnet="physnet4")))
    same(devices(cloud, host), {"0000:80:00.0": {"CUSTOM_PCI_8086_1533": 1}, "0000:81:00.0": {"CUSTOM_PCI_8086_1528": 1},
                                "0000:82:0A.1": {"CUSTOM_PCI_8086_1515": 2}}, "providers of devices")
    found = providers(cloud, host)
    same({p["parent_provider_uuid"] for name, p in found.items() if name != host.name}, {found[host.name]["uuid"]}, "their parent")
    same(totals(cloud, found[host.name]), {"VCPU": 8, "MEMORY_MB": 16384, "DISK_GB": 1000}, "the host's amounts")
    for name, provider in found.items():
        if name != host.name:
            assert {"COMPUTE_MANAGED_PCI_DEVICE", "OWNER_NOVA"} <= set(traits(cloud, provider)), traits(cloud, provider)
    with agent(cloud, {"address": "0000:10:00.0", "product_id": "10c9"}, {"address": "0000:11:00.0", "product_id": "10ca"}) as real:
        same(devices(cloud, real), {"0000:10:00.0": {"CUSTOM_PCI_8086_10C9": 1}, "0000:11:00.0": {"CUSTOM_PCI_8086_10CA": 4}}, "the agent's devices")


@and_then_none
def scenario_138(cloud):
    """custom class and traits"""
    host = cloud.host(two_pfs({"resource_class": "MY_VF", "traits": "blue"}))
    same(devices(cloud, host), {"0000:81:00.0": {"CUSTOM_MY_VF": 2}, "0000:82:00.0": {"CUSTOM_MY_VF": 2}}, "providers of devices")
    for name, provider in providers(cloud, host).items():
        assert ("CUSTOM_BLUE" in traits(cloud, provider)) == (name != host.name), traits(cloud, provider)
    classes = [c["name"] for c in get(cloud, "/resource_classes")["resource_classes"]]
    assert "CUSTOM_MY_VF" in classes and "VCPU" in classes, classes
    same(get(cloud, "/traits?name=startswith:CUSTOM_B")["traits"], ["CUSTOM_BLUE"], "traits")
    same(api(cloud, "/resource_classes/CUSTOM_MY_VF", "DELETE")[0], 409, "deleting a class that hosts have")
    host.put_inventory(two_pfs({"resource_class": "vgpu", "traits": "HW_GPU_API_VULKAN, dark-- blue"}))
    same(devices(cloud, host)["0000:81:00.0"], {"VGPU": 2}, "a standard class")
    assert {"HW_GPU_API_VULKAN", "CUSTOM_DARK_BLUE"} <= set(traits(cloud, providers(cloud, host)["%s_0000:81:00.0" % host.name]))


def scenario_139(cloud):
    """PF and VF both configured"""
    for specs, words in (([{"address": "0000:10:00.0"}], ("the PF 0000:10:00.0 and its VF 0000:10:10.0 are both selected",)),
                         ([{"address": ":10:10.0", "resource_class": "a"}, {"product_id": "10ca", "resource_class": "b"}], ("different resource classes", "CUSTOM_A")),
                         ([{"address": ":10:10.0", "traits": "a"}, {"product_id": "10ca"}], ("different traits",)),
                         ([{"product_id": "10ca", "one_time_use": "false"}], ("one_time_use", "0000:10:10.0"))):
        said = refused_start(cloud.build, PROGRAM, option(*specs) + REPORT, "--token", "none", "--simulate", "8,2,4")
        for word in words + ("device_spec", "report_in_placement"):
            assert word in said, "%s is not in: %s" % (word, said)
    # the controller looks as well
    host = cloud.host(Inventory())
    status, _, body = host.call("PUT", "inventory", reporting(Inventory().pf("0000:81:00.0", 2)).as_json())
    assert status == 409 and b"both selected" in body, (status, body)


def scenario_141(cloud):
    """devname"""
    said = refused_start(cloud.build, PROGRAM, "[pci]\n" + REPORT + 'device_spec = {"devname": "sim0", "product_id": "10ca"}\n',
                         "--token", "none", "--simulate", "8,2,4")
    assert "penstock.conf:9" in said and "devname" in said and "report_in_placement" in said, said


@and_then_none
def scenario_142(cloud):
    """network devices are not reported"""
    host = cloud.host(reporting(Inventory().pf("0000:81:00.0", 2, physnet="physnet4", offered=False).add("0000:80:00.0", "1533")))
    same(devices(cloud, host), {"0000:80:00.0": {"CUSTOM_PCI_8086_1533": 1}}, "providers of devices")
    server = cloud.boot(ports=[cloud.port()])
    same(cloud.addresses(server)[0][:7], "0000:81", "the port's device")
    same(list(allocations(cloud, host, server)), [host.name], "providers that the server has something of")


@and_then_none
def scenario_143(cloud):
    """split allocation"""
    one, two = "0000:81:00.0", "0000:82:00.0"

    def taken(server):
        """How many VFs of each PF it has, as Placement says and as its host was told."""
        shown = {name[-12:]: amounts["CUSTOM_MY_VF"] for name, amounts in allocations(cloud, host, server).items() if name != host.name}
        told = [address[:8] + "00.0" for address in cloud.addresses(server)]
        same(shown, {pf: told.count(pf) for pf in sorted(set(told))}, "what Placement shows, and what the host was told")
        return shown

    with cloud.configured("", BY_CLASS):
        host = cloud.host(two_pfs(BLUE))
        isolated = cloud.boot(cloud.flavor("a-vf:2", group_policy="isolate"))
        same(taken(isolated), {one: 1, two: 1}, "VFs with group_policy isolate")
        server = cloud.boot(cloud.flavor("a-vf:2"))
        same(taken(server), {one: 1, two: 1}, "VFs of what was left, 1 + 1")
        same(usages(cloud, host)["%s_%s" % (host.name, one)], {"CUSTOM_MY_VF": 2}, "VFs in use")
        cloud.delete(isolated, server)
        first = cloud.boot(cloud.flavor("a-vf:1"))
        used = list(taken(first))[0]
        rest = cloud.boot(cloud.flavor("a-vf:3"))
        same(taken(rest), {one: 1 if used == one else 2, two: 1 if used == two else 2}, "VFs of what was left, 1 + 2")
        cloud.no_host("alias a-vf: needs 1", cloud.flavor("a-vf:1"))
        cloud.delete(first, rest)
        cloud.no_host("group_policy isolate", cloud.flavor("a-vf:3", group_policy="isolate"))
        cloud.clean()
        cloud.hosts()


@and_then_none
def scenario_144(cloud):
    """traits against NUMA"""
    cells = [cell(0, "0-3", 8192, dedicated="", shared="0-3"), cell(1, "4-7", 8192, dedicated="4-7", shared="")]

    def host_with(**green):
        return reporting(Inventory(cells=cells).add("0000:80:00.0", "1533", numa=0, tags={"resource_class": "GPU", "traits": "green"}, **green)
                         .add("0000:81:00.0", "1533", numa=1, tags={"resource_class": "GPU", "traits": "red"}))

    with cloud.configured("", BY_CLASS):
        cloud.host(host_with())
        pinned = {"hw_cpu_policy": "dedicated", "vcpus": 2}
        cloud.no_host("NUMA", cloud.flavor("green:1", **pinned))
        server = cloud.boot(cloud.flavor("green-anywhere:1", **pinned))
        same(cloud.addresses(server), ["0000:80:00.0"], "the green device")
        same(allocations(cloud, cloud.fleet["h1"], server), {"h1": {"PCPU": 2, "MEMORY_MB": 64, "DISK_GB": 1}, "h1_0000:80:00.0": {"CUSTOM_GPU": 1}}, "allocations")
        cloud.clean()
        cloud.hosts()


@and_then_none
def scenario_146(cloud):
    """cannot be switched off"""
    spec = option({"product_id": "10ca"})
    with agent(cloud, {"product_id": "10ca"}) as real:
        said = ends(cloud, spec)
        assert "report_in_placement was on and cannot be switched off" in said, said
        same(devices(cloud, real), {"0000:10:00.0": {"CUSTOM_PCI_8086_10CA": 4}, "0000:11:00.0": {"CUSTOM_PCI_8086_10CA": 4}}, "what is shown still")
        cloud.agent(spec + REPORT)


@and_then_none
def scenario_147(cloud):
    """used PF leaves the spec"""
    with agent(cloud, {"product_id": "10c9"}) as real:
        server = cloud.boot(cloud.flavor("my_PF:1"))
        address = cloud.rows("SELECT address FROM device_claim")[0][0]
        cloud.agent(option({"product_id": "ffff"}) + REPORT)
        same(devices(cloud, real), {address: {"CUSTOM_PCI_8086_10C9": 1}}, "the provider of the PF in use is kept, the other is gone")
        same(allocations(cloud, real, server)["%s_%s" % (real.name, address)], {"CUSTOM_PCI_8086_10C9": 1}, "and its allocation")
        log = open(cloud.site.folder + "/penstockd.log").read()
        assert "the device %s, which a server has, is not there or not offered any more" % address in log, log[-1000:]
        cloud.delete(server)
        same(devices(cloud, real), {}, "providers when it is deleted")
    pf_becomes_vfs(cloud)
    with cloud.configured('[pci]\nalias = {"name": "10ca", "vendor_id": "8086", "product_id": "10ca"}\n'):
        vfs_become_pf(cloud)


def vfs_become_pf(cloud):
    """The agent of a host whose VF a server has offers the PF instead, and ends."""
    with agent(cloud, {"product_id": "10ca"}) as real:
        server = cloud.boot(cloud.flavor("10ca:1"))
        said = ends(cloud, option({"product_id": "10c9"}) + REPORT)
        assert "a server has the VF 0000:1" in said and "cannot become their PF" in said, said
        same(sum(one.get("CUSTOM_PCI_8086_10CA", 0) for one in allocations(cloud, real, server).values()), 1, "the VF that it has still")
        cloud.agent(option({"product_id": "10ca"}) + REPORT)


def pf_becomes_vfs(cloud):
    """A made-up host whose PF a server has offers the VFs of it instead, and is not listened to."""
    host = cloud.host(reporting(Inventory().pf("0000:81:00.0", 2, vfs_offered=False)))
    server = cloud.boot(cloud.flavor("pfs:1"))
    same(cloud.addresses(server), ["0000:81:00.0"], "the server's device")
    status, _, body = host.call("PUT", "inventory", reporting(Inventory().pf("0000:81:00.0", 2, offered=False)).as_json())
    assert status == 409 and b"a server has the PF 0000:81:00.0" in body, (status, body)
    same(devices(cloud, host), {"0000:81:00.0": {"CUSTOM_PCI_8086_1528": 1}}, "what is shown still")
    cloud.delete(server)
    host.put_inventory(reporting(Inventory().pf("0000:81:00.0", 2, offered=False)))
    same(devices(cloud, host), {"0000:81:00.0": {"CUSTOM_PCI_8086_1515": 2}}, "what is shown when it is deleted")


@and_then_none
def scenario_148(cloud):
    """healing"""
    inventory = Inventory().pf("0000:81:00.0", 2, offered=False).add("0000:80:00.0", "1533")
    host = cloud.host(silent(inventory))
    server, plain = cloud.boot(cloud.flavor("vf:2,a1:1")), cloud.boot()
    root = {"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 1}
    same(allocations(cloud, host, server), {host.name: root}, "allocations before the host reports")
    host.put_inventory(reporting(inventory))
    same(allocations(cloud, host, server), {host.name: root, host.name + "_0000:81:00.0": {"CUSTOM_PCI_8086_1515": 2},
                                            host.name + "_0000:80:00.0": {"CUSTOM_PCI_8086_1533": 1}}, "allocations afterwards")
    same(allocations(cloud, host, plain), {host.name: root}, "those of a server without devices")
    cloud.site.kill()
    cloud.site.start()
    same(usages(cloud, host), {host.name: {"VCPU": 2, "MEMORY_MB": 128, "DISK_GB": 2}, host.name + "_0000:81:00.0": {"CUSTOM_PCI_8086_1515": 2},
                               host.name + "_0000:80:00.0": {"CUSTOM_PCI_8086_1533": 1}}, "usages after penstockd was killed")
    cloud.delete(server, plain)
    same(usages(cloud, host), {}, "usages when all is deleted")
