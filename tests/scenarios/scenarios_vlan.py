"""I. VLAN networks."""
from cloud import NETWORK, reason, refused_start, same
from scenarios_ports import nic

PHYS2 = "[ml2_type_vlan]\nnetwork_vlan_ranges = phys2:200:209\n"


def post(cloud, token=None, **provider):
    """(status, answer) of POST /networks; provider attributes by their last word."""
    status, answer = cloud.api("POST", NETWORK + "/networks", {"network": {"name": cloud.name("v"), **{
        "provider:" + key: value for key, value in provider.items()}}}, token)
    if status == 201:
        cloud.trash.append("%s/networks/%s" % (NETWORK, answer["network"]["id"]))
    return status, answer


def made(cloud, **provider):
    status, answer = post(cloud, **provider)
    assert status == 201, (provider, status, answer)
    return answer["network"]


def refused(cloud, status, kind, **provider):
    seen, answer = post(cloud, **provider)
    same((seen, answer["NeutronError"]["type"] if "NeutronError" in answer else answer), (status, kind), "a network with %s" % provider)


def segment(network):
    return network["provider:physical_network"], network["provider:segmentation_id"]


def vlan(number=None, physnet="phys2"):
    return {"network_type": "vlan", "physical_network": physnet, **({} if number is None else {"segmentation_id": number})}


def scenario_149(cloud):
    """exhaustion"""
    with cloud.configured(PHYS2):
        networks = [made(cloud) for _ in range(10)]
        same(sorted(segment(n) for n in networks), [("phys2", i) for i in range(200, 210)], "the segments")
        refused(cloud, 503, "NoNetworkAvailable")


def scenario_151(cloud):
    """explicit ids"""
    with cloud.configured(PHYS2):
        same([post(cloud, **vlan(i))[0] for i in (205, 3000)], [201, 201], "POST of 205 and 3000")
        refused(cloud, 409, "VlanIdInUse", **vlan(205))


def scenario_152(cloud):
    """bad provider input"""
    with cloud.configured(PHYS2):
        refused(cloud, 400, "InvalidInput", **vlan(205, "nowhere"))
        for number in (0, 4095):
            refused(cloud, 400, "InvalidInput", **vlan(number))
        refused(cloud, 400, "InvalidInput", network_type="vlan", segmentation_id=205)


def scenario_153(cloud):
    """partial provider input"""
    name, number = segment(made(cloud, **vlan(physnet="physnet1")))
    assert name == "physnet1" and 100 <= number <= 199, (name, number)
    name, number = segment(made(cloud, network_type="vlan"))
    assert (name, number // 100) in (("physnet1", 1), ("physnet4", 4)), (name, number)


def scenario_154(cloud):
    """release"""
    with cloud.configured(PHYS2):
        for number in (205, 3000):
            network = made(cloud, **vlan(number))
            same(cloud.api("DELETE", "%s/networks/%s" % (NETWORK, network["id"]))[0], 204, "DELETE of the network")
        numbers = [segment(made(cloud))[1] for _ in range(10)]
        assert 205 in numbers and 3000 not in numbers, numbers
        refused(cloud, 503, "NoNetworkAvailable")


def scenario_156(cloud):
    """bare physnet"""
    with cloud.configured("[ml2_type_vlan]\nnetwork_vlan_ranges = phys1\n"):
        found = {segment(made(cloud)) for _ in range(5)}
        assert len(found) == 5 and all(name == "phys1" and 1 <= number <= 4094 for name, number in found), found


def scenario_157(cloud):
    """malformed ranges"""
    for bad in ("p:1", "p:1:2:3", ":1:2", "p:10:5", "p:0:5", "p:a:b"):
        said = refused_start(cloud.build, "penstockd/penstockd", "[ml2_type_vlan]\nnetwork_vlan_ranges = %s\n" % bad)
        assert "network_vlan_ranges" in said and "'%s'" % bad in said, said


def scenario_158(cloud):
    """permissions"""
    token, _ = cloud.user("other")
    status, answer = post(cloud, token, **vlan(150, "physnet1"))
    assert status == 403, (status, answer)
    network = cloud.make(NETWORK + "/networks", "network", {"name": "mine"}, token)
    status, answer = cloud.api("GET", "%s/networks/%s" % (NETWORK, network["id"]), token=token)
    assert status == 200 and not [key for key in answer["network"] if key.startswith("provider:")], answer
    assert segment(cloud.api("GET", "%s/networks/%s" % (NETWORK, network["id"]))[1]["network"])[0], "the administrator does not see it"


def scenario_159(cloud):
    """change the id"""
    cloud.host(nic())
    network = cloud.network()
    port = cloud.port(network)
    before = network["provider:segmentation_id"]
    other = 400 if before != 400 else 401
    status, answer = cloud.put("network", network, provider__segmentation_id=other)
    same((status, reason(answer) if status != 200 else ""), (200, ""), "PUT while the port is unbound")
    same(post(cloud, **vlan(before, "physnet4"))[0], 201, "POST of a network with the old id")
    cloud.boot(ports=[port])
    status, answer = cloud.put("network", network, provider__segmentation_id=402 if before != 402 else 403)
    same(status, 400, "PUT while the port is bound")
