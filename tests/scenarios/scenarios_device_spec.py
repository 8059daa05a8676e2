"""A. Device specs, with the real agent on a simulated host: 2 PFs (sim0, sim1) with 4 VFs each."""
import json

from agent import PROGRAM, unit
from cloud import refused_start, same

PF0, PF1 = "0000:10:00.0", "0000:11:00.0"
VFS0, VFS1 = (["0000:%s:10.%d" % (bus, i) for i in range(4)] for bus in ("10", "11"))


def option(*specs):
    return "[pci]\n" + "".join("device_spec = %s\n" % (s if isinstance(s, str) else json.dumps(s)) for s in specs)


def tracked(cloud, *specs, **size):
    """What the host offers with these specs."""
    return cloud.agent(option(*specs), **size).tracked()


def refused(cloud, spec, *words):
    """The agent does not start, and says file, line and why."""
    said = refused_start(cloud.build, PROGRAM, option(spec), "--token", "none", "--simulate", "8,2,4")
    for word in ("penstock.conf:8", "Invalid [pci]device_spec") + words:
        assert word in said, "%s is not in: %s" % (word, said)


def scenario_001(cloud):
    """select by ids"""
    agent = cloud.agent(option({"vendor_id": "8086", "product_id": "10ca"}))
    same(agent.tracked(), VFS0 + VFS1, "tracked devices")
    same(cloud.free(agent), 8, "free devices")


def scenario_002(cloud):
    """object and list mixed"""
    agent = cloud.agent(option([{"address": VFS0[0], "physical_network": "p1"}, {"address": VFS0[1], "physical_network": "p2"}],
                               {"product_id": "10ca", "physical_network": "p3"}))
    assert "3 device specs" in agent.said(), agent.said()
    seen = dict(cloud.rows("SELECT address, physical_network FROM device WHERE offered AND address LIKE '0000:10:%'"))
    same(seen, dict(zip(VFS0, ["p1", "p2", "p3", "p3"])), "physical networks")


def scenario_003(cloud):
    """single quotes are not JSON"""
    refused(cloud, "{'vendor_id':'8086'}", "Invalid entry")


def scenario_004(cloud):
    """wrong JSON shape"""
    for bad in ('"8086"', "8086"):
        refused(cloud, bad, "Expecting list or dict")
    refused(cloud, '[{"vendor_id": "8086"}, 5]', "Expecting dict")


def scenario_006(cloud):
    """partial glob"""
    same(tracked(cloud, {"address": ":10:10."}), VFS0, "tracked devices")


def scenario_007(cloud):
    """function-only glob"""
    same(tracked(cloud, {"address": ".2"}), [VFS0[2], VFS1[2]], "tracked devices")


def scenario_008(cloud):
    """normalisation"""
    same(tracked(cloud, {"address": "0:1A:10.1", "vendor_id": "0x8086"}, pfs=11, vfs=2), ["0000:1a:10.1"], "tracked devices")


def scenario_009(cloud):
    """wildcard inside a field"""
    refused(cloud, {"address": "0000:0*:00.0"}, "bus", "does not parse as hex")


def scenario_011(cloud):
    """regex address"""
    same(tracked(cloud, {"address": {"domain": ".*", "bus": "10", "slot": "10", "function": "[0-2]"}}), VFS0[:3], "tracked devices")


def scenario_012(cloud):
    """regex with missing keys"""
    same(tracked(cloud, {"address": {"domain": ".*", "slot": "10", "function": "[2-3]"}}), VFS0[2:] + VFS1[2:], "tracked devices")


def scenario_013(cloud):
    """regex is a prefix match"""
    same(tracked(cloud, {"address": {"bus": "1", "slot": "0"}}), [PF0, PF1], "tracked devices")


def scenario_014(cloud):
    """bad regex"""
    refused(cloud, {"address": {"bus": "[0"}}, "bus")


def scenario_016(cloud):
    """PF address plus VF product"""
    same(tracked(cloud, {"address": PF0}), [PF0] + VFS0, "tracked devices with the address alone")
    same(tracked(cloud, {"address": PF0, "product_id": "10ca"}), VFS0, "tracked devices")


def scenario_017(cloud):
    """PF devname"""
    same(tracked(cloud, {"devname": "sim0"}), [PF0] + VFS0, "tracked devices")


def scenario_018(cloud):
    """devname and address together"""
    refused(cloud, {"devname": "sim0", "address": PF0}, "devname", "address")


def scenario_019(cloud):
    """unknown devname"""
    agent = cloud.agent(option({"devname": "nope"}))
    same((agent.runs(), agent.tracked()), (True, []), "the agent runs, tracked devices")


def scenario_021(cloud):
    """devname vanishes"""
    spec = {"devname": "sim1"}
    same(tracked(cloud, spec), [PF1] + VFS1, "tracked devices")
    agent = cloud.agent(option(spec), pfs=1)
    same((agent.runs(), agent.tracked()), (True, []), "the agent runs, tracked devices without sim1")


def scenario_022(cloud):
    """first match wins"""
    cloud.agent(option({"address": PF0, "physical_network": "physnet1"}, {"product_id": "10ca", "physical_network": "physnet4"}), pfs=1)
    cloud.no_host("needs 1 VF of physnet4: it offers none", ports=[cloud.port(cloud.network("physnet4"))])
    cloud.boot(ports=[cloud.port(cloud.network("physnet1"))])


def scenario_023(cloud):
    """strict booleans"""
    cloud.agent(option(*[{"address": address, "managed": word} for address, word in zip(VFS0, ("no", "false", "0"))]))
    seen = [json.loads(tags) for (tags,) in cloud.rows("SELECT tags FROM device WHERE offered")]
    same(seen, [{"managed": "false"}] * 3, "tags")
    refused(cloud, {"address": VFS0[0], "managed": "maybe"}, "Cannot parse tag")


def scenario_024(cloud):
    """one_time_use needs placement"""
    refused(cloud, {"product_id": "10ca", "one_time_use": "true"}, "one_time_use", "report_in_placement")


def scenario_026(cloud):
    """remote_managed without serial"""
    same(tracked(cloud, {"product_id": "10ca", "remote_managed": "true"}), [], "tracked devices")


def scenario_027(cloud):
    """32-bit PCI domain"""
    unit(cloud, "agent", "agent_inventory_test", "test_devices")
