"""L. What guests read on their config drive, from the image that the real agent makes; and scenario 79 of section D."""
import re

from cloud import NETWORK, differs, same
from scenarios_nic_agent import OFFERED


def guest(cloud, network, **more):
    agent = cloud.agent(OFFERED)
    port = cloud.port(network, **more)
    return agent, port, cloud.boot(ports=[port], config_drive=True)


def subnetted(cloud, **subnet):
    network = cloud.network(subnet=False)
    cloud.make(NETWORK + "/subnets", "subnet", {"network_id": network["id"], "ip_version": 4, "cidr": "10.7.0.0/24", "gateway_ip": "10.7.0.1",
                                                 "dns_nameservers": ["9.9.9.9"], **subnet})
    return network


def scenario_079(cloud):
    """subnet-less NIC in metadata"""
    agent, port, server = guest(cloud, cloud.network(subnet=False), fixed_ips=[])
    data = agent.network_data(server)
    same(([link["vif_id"] for link in data["links"]], data["networks"]), ([port["id"]], []), "links and networks")
    differs("the NIC has a link, so that cloud-init knows of it")


def scenario_188(cloud):
    """static addressing"""
    agent, port, server = guest(cloud, subnetted(cloud, enable_dhcp=False))
    data = agent.network_data(server)
    (link,), (network,) = data["links"], data["networks"]
    same((link["type"], link["mtu"], link["ethernet_mac_address"]), ("hw_veb", 1500, port["mac_address"]), "the link")
    same((network["type"], network["ip_address"], network["netmask"]), ("ipv4", port["fixed_ips"][0]["ip_address"], "255.255.255.0"), "the network")
    same(network["routes"][0], {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.7.0.1"}, "the default route")
    same([s["address"] for s in network["services"]], ["9.9.9.9"], "dns")


def scenario_189(cloud):
    """DHCP addressing"""
    agent, port, server = guest(cloud, subnetted(cloud, enable_dhcp=True), vnic="normal")
    data = agent.network_data(server)
    (link,), (network,) = data["links"], data["networks"]
    same((link["mtu"], network["type"], "ip_address" in network), (None, "ipv4_dhcp", False), "mtu, type, with an address")


def scenario_191(cloud):
    """config drive"""
    agent, _, server = guest(cloud, cloud.network())
    iso = agent.config_drive(server)
    same(iso[32768 + 40:32768 + 72].strip().lower(), b"config-2", "the volume's label")
    text = "".join(part.decode(code, "ignore") for part in (iso, iso[1:]) for code in ("ascii", "utf-16-be"))  # Rock Ridge, Joliet
    names = set(re.findall(r"20\d\d-\d\d-\d\d|latest", text))
    dated = {"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27", "2020-10-14", "latest"}
    assert dated <= names, "openstack/ lacks %s" % sorted(dated - names)
    same(agent.meta_data(server)["uuid"], server, "uuid")
