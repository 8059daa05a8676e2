"""K. The NIC agent, which is a part of the real agent on a simulated host."""
from agent import PROGRAM, unit
from cloud import NETWORK, UUID, differs, lacks, refused_start, same, until
from scenarios_ports import nic

OFFERED = '[pci]\ndevice_spec = {"product_id": "10ca", "physical_network": "physnet4"}\n'


def mapped(*pfs):
    return "[sriov_nic]\nphysical_device_mappings = %s\n" % ",".join("physnet4:" + pf for pf in pfs)


def active(cloud, port, status="ACTIVE"):
    until(lambda: cloud.get_port(port)["status"] == status, 10, "the port is %s" % status)


def running(cloud, config=OFFERED, **port):
    """(server, port): a guest with a VF on the simulated host, whose port is ACTIVE."""
    cloud.agent(config)
    port = cloud.port(**port)
    server = cloud.boot(ports=[port])
    active(cloud, port)
    return server, port


def scenario_171(cloud):
    """VF comes into use"""
    _, port = running(cloud)
    same(cloud.get_port(port)["binding:vif_type"], "hw_veb", "vif_type")
    unit(cloud, "agent", "agent_device_test", "test_a_vf_goes_and_comes_back")
    unit(cloud, "agent", "agent_netlink_test", "test_the_mac_comes_before_spoof_check")


def scenario_172(cloud):
    """admin state"""
    _, port = running(cloud)
    cloud.put("port", port, admin_state_up=False)
    active(cloud, port, "DOWN")
    cloud.put("port", port, admin_state_up=True)
    active(cloud, port)
    unit(cloud, "agent", "agent_lifecycle_test", "test_a_running_guests_port_changes")


def scenario_173(cloud):
    """port security off"""
    _, port = running(cloud)
    same(cloud.put("port", port, port_security_enabled=False, security_groups=[])[0], 200, "PUT of the port")
    active(cloud, port)
    unit(cloud, "agent", "agent_lifecycle_test", "test_a_running_guests_port_changes")


def scenario_174(cloud):
    """MAC mismatch"""
    unit(cloud, "agent", "agent_netlink_test", "test_only_what_differs_is_set", "test_what_does_not_read_back_is_an_error")
    differs("the agent itself sets the VF's MAC before the guest starts, reads it back, and does not start the guest if it is another one")


def scenario_176(cloud):
    """VF released"""
    server, port = running(cloud)
    cloud.delete(server)
    active(cloud, port, "DOWN")
    unit(cloud, "agent", "agent_device_test", "test_a_vf_goes_and_comes_back")
    lacks("QoS")


def scenario_177(cloud):
    """exclude_devices"""
    agent = cloud.agent(OFFERED + mapped("sim0") + "exclude_devices = sim0: 0000:10:10.0 ; 0000:10:10.1\n")
    assert "0000:10:10.0" not in agent.tracked(), "[sriov_nic] exclude_devices is passed over in silence: an excluded VF can be given to servers"
    for bad in ("sim7:0000:10:10.0", "sim0"):
        said = refused_start(cloud.build, PROGRAM, mapped("sim0") + "exclude_devices = %s\n" % bad, "--token", "none", "--simulate", "8,2,4")
        assert "exclude_devices" in said, said


def scenario_178(cloud):
    """two PFs, one physnet"""
    agent = cloud.agent(OFFERED + mapped("sim0", "sim1"))
    mappings = [a["configurations"]["device_mappings"] for a in cloud.api("GET", NETWORK + "/agents")[1]["agents"] if a["host"] == agent.name]
    same(mappings, [{"physnet4": ["sim0", "sim1"]}], "the agent's device_mappings")
    network = cloud.network()
    ports = [cloud.port(network) for _ in range(8)]
    for port in ports:
        cloud.boot(ports=[port])
    for port in ports:
        active(cloud, port)
    same(sorted({cloud.get_port(p)["binding:profile"]["pci_slot"][5:7] for p in ports}), ["10", "11"], "the ports' PFs")


def scenario_179(cloud):
    """PF without VFs"""
    host = cloud.host(nic(vfs=0))
    cloud.no_host("needs 1 VF of physnet4: it offers none", ports=[cloud.port()])
    host.put_inventory(nic(vfs=2))
    port = cloud.port()
    cloud.boot(ports=[port])
    active(cloud, port)


def scenario_181(cloud):
    """rate rounding"""
    lacks("QoS")


def scenario_182(cloud):
    """rates independent"""
    lacks("QoS")


def scenario_183(cloud):
    """ingress limit"""
    lacks("QoS")


def scenario_184(cloud):
    """update for an absent VF"""
    agent = cloud.agent(OFFERED)
    profile = {"pci_slot": "0000:77:10.0", "pci_vendor_info": "8086:10ca", "physical_network": "physnet4"}
    port = cloud.port(device_id=UUID, device_owner="compute:nova", **{"binding:host_id": agent.name, "binding:profile": profile})
    same(cloud.put("port", port, admin_state_up=False)[0], 200, "PUT of the port")
    other = cloud.port()
    cloud.boot(ports=[other])
    active(cloud, other)
    assert agent.runs() and "77:10.0" not in agent.said(), agent.said()
    same(cloud.get_port(port)["status"], "DOWN", "the port whose VF is not there")


def scenario_186(cloud):
    """live-migration target"""
    lacks("migration")


def scenario_187(cloud):
    """bandwidth of unmapped device"""
    lacks("QoS")
