"""D. SR-IOV ports when a server is created."""
import sqlite3

from cloud import COMPUTE, Inventory, differs, reason, same

PF, VF = "0000:81:00.0", "0000:81:10.0"
PF_MAC = "a0:36:9f:00:00:01"


def nic(vfs=2, physnet="physnet4", **more):
    """A host with a PF and VFs of a physical network."""
    return Inventory().pf(PF, vfs, physnet=physnet, netdev="p5p1", mac=PF_MAC, **more)


def scenario_064(cloud):
    """direct port"""
    cloud.host(nic())
    network = cloud.network()
    port = cloud.port(network)
    server = cloud.boot(ports=[port])
    (told,) = cloud.desired(server)["ports"]
    slot = told["device"]["address"]
    same((told["vnic_type"], told["device"]["type"], told["vlan"], told["mac_address"]),
         ("direct", "type-VF", network["provider:segmentation_id"], port["mac_address"]), "the guest's interface")
    bound = cloud.get_port(port)
    same((bound["binding:vif_type"], bound["binding:host_id"], bound["device_id"]), ("hw_veb", "h1", server), "the port's binding")
    same(bound["binding:profile"], {"pci_vendor_info": "8086:1515", "pci_slot": slot, "physical_network": "physnet4",
                                    "pf_mac_address": PF_MAC, "vf_num": int(slot[-1])}, "binding:profile")


def scenario_066(cloud):
    """physnet mismatch"""
    cloud.host(nic())
    cloud.no_host("needs 1 VF of physnet1: it offers none", ports=[cloud.port(cloud.network("physnet1"))])


def scenario_067(cloud):
    """physnet letter case"""
    inventory = nic(physnet="PhysNet4")
    inventory.mappings = {"physnet4": ["p5p1"]}
    cloud.host(inventory)
    port = cloud.port()
    server = cloud.boot(ports=[port])
    same(len(cloud.addresses(server)), 1, "devices of the guest")
    same(cloud.get_port(port)["binding:vif_type"], "hw_veb", "vif_type")


def scenario_068(cloud):
    """profile is merged"""
    cloud.host(nic())
    port = cloud.port(**{"binding:profile": {"foo": "bar"}})
    server = cloud.boot(ports=[port])
    profile = cloud.get_port(port)["binding:profile"]
    assert profile["foo"] == "bar" and profile["pci_slot"].startswith("0000:81:10."), profile
    cloud.delete(server)
    same(cloud.get_port(port)["binding:profile"], {"foo": "bar"}, "binding:profile when the server is gone")


def scenario_069(cloud):
    """direct-physical"""
    host = cloud.host(nic(vfs=0))
    port = cloud.port(vnic="direct-physical")
    server = cloud.boot(ports=[port])
    same(cloud.addresses(server), [PF], "the guest's devices")
    cloud_port = cloud.get_port(port)
    same((cloud_port["binding:vif_type"], cloud_port["status"], cloud_port["mac_address"], cloud_port["binding:profile"]["device_mac_address"]),
         ("hostdev_physical", "ACTIVE", PF_MAC, PF_MAC), "the port")
    cloud.delete(server)
    assert cloud.get_port(port)["mac_address"] != PF_MAC, "the port keeps the PF's MAC"
    same(cloud.free(host), 1, "free devices")


def scenario_071(cloud):
    """macvtap"""
    cloud.host(nic())
    network = cloud.network()
    port = cloud.port(network, vnic="macvtap")
    server = cloud.boot(ports=[port])
    (told,) = cloud.desired(server)["ports"]
    same((told["vnic_type"], told["device"]["type"], told["vlan"]), ("macvtap", "type-VF", network["provider:segmentation_id"]), "the guest's interface")
    same(cloud.get_port(port)["binding:vif_type"], "hw_veb", "vif_type")


def scenario_072(cloud):
    """trusted VF"""
    cloud.host(nic(vf_tags={"trusted": "true"}))
    port = cloud.port(**{"binding:profile": {"trusted": True}})
    server = cloud.boot(ports=[port])
    (told,) = cloud.desired(server)["ports"]
    assert told.get("trusted") or (told.get("profile") or {}).get("trusted"), "the agent is not told that the VF is trusted"


def scenario_073(cloud):
    """trusted wanted, none"""
    cloud.host(nic())
    cloud.no_host("trusted", ports=[cloud.port(**{"binding:profile": {"trusted": True}})])


def scenario_074(cloud):
    """trusted=false wanted"""
    cloud.host(nic())
    cloud.boot(ports=[cloud.port(**{"binding:profile": {"trusted": False}})])
    differs("a VF whose spec does not say trusted will do for a port that says trusted=false (Nova finds no host)")


def scenario_076(cloud):
    """port in use"""
    cloud.host(nic())
    port = cloud.port(device_id="11111111-2222-3333-4444-555555555555")
    status, answer = cloud.post_server(ports=[port])
    assert status == 409 and "still in use" in reason(answer), (status, answer)
    other = cloud.port()
    cloud.boot(ports=[other])
    status, answer = cloud.post_server(ports=[other])
    assert status == 409 and "still in use" in reason(answer), (status, answer)


def scenario_077(cloud):
    """foreign port"""
    cloud.host(nic())
    network = cloud.network(shared=True)
    port = cloud.port(network)
    token, _ = cloud.user("other")
    status, answer = cloud.post_server(ports=[port], token=token, imageRef=cloud.public_image()["id"])
    assert status == 400 and "could not be found" in reason(answer), (status, answer)


def scenario_078(cloud):
    """port without IP"""
    cloud.host(nic())
    network = cloud.network(subnet=False)
    cloud.boot(ports=[cloud.port(network, fixed_ips=[])])
    port = cloud.port(network)
    status, answer = cloud.post_server(ports=[port])
    if status == 202:
        same(port["ip_allocation"], "none", "ip_allocation of a port that has no address")
        differs("a port that was made without options on a network without subnet shows ip_allocation none, and can be used like one with --no-fixed-ip")
    assert status == 400 and "requires a FixedIP" in reason(answer), (status, answer)


def scenario_081(cloud):
    """tunnelled network"""
    host = cloud.host(nic().pf("0000:82:00.0", 1))
    network = cloud.network(None, **{"provider:network_type": "vxlan"})
    status, answer = cloud.post_server(ports=[cloud.port(network)])
    assert status == 400 and "has no physical network" in reason(answer), (status, answer)
    same(cloud.free(host), 5, "free devices")
    differs("refused at once with 400 and the reason: sriovnicswitch could bind no such port to any VF")


def scenario_082(cloud):
    """vnic_type of a bound port"""
    cloud.host(nic())
    port = cloud.port()
    same(cloud.put("port", port, binding__vnic_type="macvtap")[0], 200, "while it is unbound")
    cloud.boot(ports=[port])
    status, answer = cloud.put("port", port, binding__vnic_type="direct")
    assert status == 409, (status, answer)


def scenario_083(cloud):
    """inconsistent vnic_type in the DB"""
    host = cloud.host(nic())
    port = cloud.port()
    server = cloud.boot(ports=[port])
    used = cloud.addresses(server)
    cloud.site.kill()
    with sqlite3.connect(cloud.site.folder + "/state/penstock.db") as db:
        db.execute("UPDATE port SET vnic_type = 'macvtap' WHERE id = ?", (port["id"],))
    db.close()
    cloud.site.start()
    host.put_inventory()
    same([p["device"]["address"] for p in host.desired()[server]["ports"]], used, "the guest's devices")
    same(cloud.show(server)["status"], "ACTIVE", "the server")
    differs("the device stays claimed and the host goes on; nothing is bound anew at a restart, so that there is no error to log")


def scenario_084(cloud):
    """diagnostics"""
    cloud.host(nic())
    network = cloud.network()
    ports = [cloud.port(network, vnic="normal"), cloud.port(network)]
    server = cloud.boot(ports=ports)
    status, answer = cloud.api("GET", "%s/servers/%s/diagnostics" % (COMPUTE, server), headers={"X-OpenStack-Nova-API-Version": "2.48"})
    assert status == 200, "GET diagnostics: %s %s" % (status, reason(answer))
    same(sorted(n["mac_address"] for n in answer["nic_details"]), sorted(p["mac_address"] for p in ports), "nic_details")
    cloud.action(server, "os-stop")
    cloud.settle(server, ("SHUTOFF",))
    same(cloud.api("GET", "%s/servers/%s/diagnostics" % (COMPUTE, server))[0], 409, "GET diagnostics of a server that does not run")
