"""J. How sriovnicswitch binds ports; what compute does, an administrator does here with PUT."""
from cloud import NETWORK, Inventory, refused_start, same, until
from scenarios_ports import PF_MAC, nic
from scenarios_vlan import vlan

BINDING = {"pci_vendor_info": "8086:1515", "pci_slot": "0000:81:10.0", "physical_network": "physnet4"}


def bind(cloud, port, profile=BINDING, host="h1"):
    """The port when compute has bound it to the host."""
    status, answer = cloud.put("port", port, binding__host_id=host, binding__profile=profile or {}, device_owner="compute:nova",
                               device_id="11111111-2222-3333-4444-555555555555")
    assert status == 200, (status, answer)
    return cloud.get_port(port)


def bound_as(cloud, vnic="direct", network=None, profile=BINDING, **more):
    """vif_type of a new port that is bound."""
    return bind(cloud, cloud.port(network, vnic, **more), profile)["binding:vif_type"]


def scenario_161(cloud):
    """vif types"""
    cloud.host(nic())
    network = cloud.network(**{"provider:segmentation_id": 1234})
    physical = {**BINDING, "pci_slot": "0000:81:00.0", "pci_vendor_info": "8086:1528", "device_mac_address": PF_MAC}
    seen = {}
    for vnic in ("direct", "macvtap", "direct-physical"):
        port = bind(cloud, cloud.port(network, vnic), physical if vnic == "direct-physical" else BINDING)
        seen[vnic] = (port["binding:vif_type"], port["status"], port["binding:vif_details"].get("vlan"))
    same(seen, {"direct": ("hw_veb", "DOWN", "1234"), "macvtap": ("hw_veb", "DOWN", "1234"),
                "direct-physical": ("hostdev_physical", "ACTIVE", "1234")}, "vif_type, status, vlan")


def agents(cloud):
    return {a["host"]: a for a in cloud.api("GET", NETWORK + "/agents")[1]["agents"]}


def scenario_162(cloud):
    """no usable agent"""
    cloud.hosts(nic(), Inventory())
    network = cloud.network()
    same(bind(cloud, cloud.port(network), host="nobody")["binding:vif_type"], "binding_failed", "on a host without agent")
    same(bind(cloud, cloud.port(network), host="h2")["binding:vif_type"], "binding_failed", "on a host without the physical network")
    same(bind(cloud, cloud.port(network, "direct-physical"), host="nobody")["binding:vif_type"], "hostdev_physical", "direct-physical")
    with cloud.configured("[DEFAULT]\nagent_down_time = 1\n"):
        until(lambda: not agents(cloud)["h1"]["alive"], 10, "the agent is dead")
        same(bound_as(cloud, network=network), "binding_failed", "with a dead agent")
        same(bound_as(cloud, "direct-physical", network), "hostdev_physical", "direct-physical with a dead agent")
        until(lambda: cloud.fleet["h1"].put_inventory() or bound_as(cloud, network=network) == "hw_veb", 10, "the port is bound when the agent is back")


def scenario_163(cloud):
    """choice of segment"""
    segments = [{"provider:" + k: v for k, v in vlan(number, "physnet4").items()} for number in (410, 411)]
    status, answer = cloud.api("POST", NETWORK + "/networks", {"network": {"name": "two", "segments": segments}})
    assert status == 201, (status, answer)
    network = answer["network"]
    cloud.trash.append("%s/networks/%s" % (NETWORK, network["id"]))
    assert "segments" in network, "`segments` is passed over in silence: the network has %s" % network.get("provider:segmentation_id")
    cloud.host(nic())
    port = bind(cloud, cloud.port(network, fixed_ips=[]))
    same(port["binding:vif_details"]["vlan"], "410", "the VLAN of a port without address")
    status, answer = cloud.api("GET", "%s/segments?network_id=%s" % (NETWORK, network["id"]))
    assert status == 200, (status, answer)
    (second,) = [s["id"] for s in answer["segments"] if s["segmentation_id"] == 411]
    subnet = cloud.make(NETWORK + "/subnets", "subnet", {"network_id": network["id"], "segment_id": second, "ip_version": 4, "cidr": "10.0.1.0/24"})
    port = bind(cloud, cloud.port(network, fixed_ips=[{"subnet_id": subnet["id"]}]))
    same(port["binding:vif_details"]["vlan"], "411", "the VLAN of a port with an address on the second segment")


def scenario_164(cloud):
    """switchdev"""
    cloud.host(nic())
    vif = bound_as(cloud, profile={**BINDING, "capabilities": ["switchdev"]})
    assert vif != "hw_veb", "sriovnicswitch binds a port that asks for switchdev"


def scenario_166(cloud):
    """prohibit list"""
    cloud.host(nic())
    network = cloud.network()
    with cloud.configured("[sriov_driver]\nvnic_type_prohibit_list = direct\n"):
        same(bound_as(cloud, "direct", network), "binding_failed", "direct")
        same(bound_as(cloud, "macvtap", network), "hw_veb", "macvtap")
    for bad in ("nonsense", "direct,macvtap,direct-physical,accelerator-direct"):
        said = refused_start(cloud.build, "penstockd/penstockd", "[sriov_driver]\nvnic_type_prohibit_list = %s\n" % bad)
        assert "vnic_type_prohibit_list" in said, said


def scenario_167(cloud):
    """supported_pci_vendor_devs"""
    cloud.host(nic())
    network = cloud.network()
    with cloud.configured("[ml2_sriov]\nsupported_pci_vendor_devs = 15b3:1004\n"):
        same(bound_as(cloud, network=network), "binding_failed", "with another device")
        same(bound_as(cloud, network=network, profile={}), "binding_failed", "without pci_vendor_info")
        same(bound_as(cloud, network=network, profile={**BINDING, "pci_vendor_info": "15b3:1004"}), "hw_veb", "with a device of the list")
    network = cloud.network()
    same(bound_as(cloud, network=network), "hw_veb", "without a list")


def scenario_168(cloud):
    """bad supported_pci_vendor_devs"""
    said = refused_start(cloud.build, "penstockd/penstockd", "[ml2_sriov]\nsupported_pci_vendor_devs = 8086\n")
    assert "supported_pci_vendor_devs" in said and "8086" in said, said


def scenario_169(cloud):
    """mixed with normal ports"""
    cloud.host(nic())
    network = cloud.network()
    normal, direct = cloud.port(network, "normal"), cloud.port(network)
    cloud.boot(ports=[normal])
    cloud.boot(ports=[direct])
    details = cloud.get_port(direct)["binding:vif_details"]
    same((cloud.get_port(direct)["binding:vif_type"], details["bound_drivers"]), ("hw_veb", {"0": "sriovnicswitch"}), "the direct port")
    drivers = cloud.get_port(normal)["binding:vif_details"]["bound_drivers"]
    assert "sriovnicswitch" not in drivers.values(), drivers
    same(cloud.get_port(normal)["binding:vif_type"], "bridge", "the normal port")
