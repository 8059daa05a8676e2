"""E. Attaching ports to servers and detaching them."""
from cloud import COMPUTE, UUID, Inventory, cell, reason, same, until
from scenarios_ports import PF, VF, nic


def attach(cloud, server, port):
    return cloud.api("POST", "%s/servers/%s/os-interface" % (COMPUTE, server), {"interfaceAttachment": {"port_id": port["id"]}})


def detach(cloud, server, port_id):
    return cloud.api("DELETE", "%s/servers/%s/os-interface/%s" % (COMPUTE, server, port_id))


def attached(cloud, server):
    return [i["port_id"] for i in cloud.api("GET", "%s/servers/%s/os-interface" % (COMPUTE, server))[1]["interfaceAttachments"]]


def goes_and_comes(cloud, vnic, address):
    """A port is detached and attached again: its only device is free in between and used again afterwards."""
    host = cloud.host(nic(vfs=0 if vnic == "direct-physical" else 1))
    free, port = cloud.free(host), cloud.port(vnic=vnic)
    server = cloud.boot(ports=[port])
    same(detach(cloud, server, port["id"])[0], 202, "DELETE os-interface")
    until(lambda: attached(cloud, server) == [] and not cloud.get_port(port)["binding:host_id"], 10, "the port is detached")
    until(lambda: cloud.free(host) == free, 10, "the device is free")
    status, answer = attach(cloud, server, port)
    assert status == 200, (status, reason(answer))
    until(lambda: attached(cloud, server) == [port["id"]], 10, "the port is attached")
    bound = cloud.get_port(port)
    same((bound["binding:host_id"], bound["binding:profile"]["pci_slot"], bound["device_id"]), ("h1", address, server), "the port's binding")


def no_more(cloud, vnic, address):
    """A second port finds no device; the first one's NIC stays."""
    cloud.host(nic(vfs=0 if vnic == "direct-physical" else 1))
    network = cloud.network()
    port, second = cloud.port(network, vnic), cloud.port(network, vnic)
    server = cloud.boot(ports=[port])
    status, answer = attach(cloud, server, second)
    assert status == 400 and "Failed to claim PCI device" in reason(answer), (status, answer)
    same((attached(cloud, server), cloud.addresses(server)), ([port["id"]], [address]), "the server's interfaces and devices")


def scenario_086(cloud):
    """detach and re-attach"""
    goes_and_comes(cloud, "direct", VF)


def scenario_087(cloud):
    """no VF left"""
    no_more(cloud, "direct", VF)


def scenario_088(cloud):
    """macvtap and PF variants"""
    for vnic, address in (("macvtap", VF), ("direct-physical", PF)):
        goes_and_comes(cloud, vnic, address)
        cloud.clean()
        no_more(cloud, vnic, address)
        cloud.clean()


def scenario_089(cloud):
    """states"""
    cloud.host(nic())
    network = cloud.network()
    server = cloud.boot(ports=[cloud.port(network)])
    same(cloud.action(server, "os-stop")[0], 202, "os-stop")
    cloud.settle(server, ("SHUTOFF",))
    status, answer = attach(cloud, server, cloud.port(network))
    assert status == 200, (status, reason(answer))
    cloud.action(server, "os-start")
    cloud.settle(server)
    cloud.action(server, "suspend")
    cloud.settle(server, ("SUSPENDED",))
    same(attach(cloud, server, cloud.port(network))[0], 409, "POST os-interface while it is suspended")


def scenario_091(cloud):
    """detach unknown port"""
    cloud.host(nic())
    server = cloud.boot(ports=[cloud.port()])
    same(detach(cloud, server, UUID)[0], 404, "DELETE os-interface of no port")
    same(detach(cloud, server, cloud.port()["id"])[0], 404, "DELETE os-interface of a port that is not attached")


def scenario_092(cloud):
    """NUMA on attach"""
    inventory = Inventory(cells=[cell(0, "0-3", 8192, dedicated="0-3"), cell(1, "4-7", 8192, dedicated="")])
    cloud.host(inventory.pf(PF, 1, physnet="physnet4", numa=1))
    network = cloud.network()
    server = cloud.boot(cloud.flavor(vcpus=2, hw_cpu_policy="dedicated"), [cloud.port(network, "normal")])
    status, answer = attach(cloud, server, cloud.port(network))
    assert status == 400 and "Failed to claim PCI device" in reason(answer), (status, answer)
