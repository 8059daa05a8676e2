"""K. The NIC agent, which is a part of the real agent on a simulated host."""
from agent import PROGRAM, unit
from cloud import NETWORK, UUID, differs, refused_start, same, until
from scenarios_ports import nic

OFFERED = '[pci]\ndevice_spec = {"product_id": "10ca", "physical_network": "physnet4"}\n'


def mapped(*pfs):
    return "[sriov_nic]\nphysical_device_mappings = %s\n" % ",".join("physnet4:" + pf for pf in pfs)


def policy_of(cloud, **rules):
    """A QoS policy with these rules."""
    policy = cloud.make(NETWORK + "/qos/policies", "policy", {"name": cloud.name("qos")})
    for kind, values in rules.items():
        status, answer = rule_of(cloud, policy, kind, **values)
        assert status == 201, answer
    return policy


def rule_of(cloud, policy, kind, **values):
    """(status, answer) of one more rule."""
    return cloud.api("POST", "%s/qos/policies/%s/%s_rules" % (NETWORK, policy["id"], kind), {kind + "_rule": values})


def told_rates(cloud, server, **wanted):
    """The host is told these rates of the server's only port."""
    until(lambda: cloud.desired(server)["ports"][0]["qos"] == (wanted or None), 10, "the host is told %s" % wanted)


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
    policy = policy_of(cloud, bandwidth_limit={"max_kbps": 3000})
    server, port = running(cloud, qos_policy_id=policy["id"])
    cloud.delete(server)
    active(cloud, port, "DOWN")
    unit(cloud, "agent", "agent_device_test", "test_a_vf_goes_and_comes_back")
    unit(cloud, "agent", "agent_lifecycle_test", "test_rates_are_set_change_and_go")


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
    cloud.host(nic())
    policy = policy_of(cloud, bandwidth_limit={"max_kbps": 99})
    server = cloud.boot(ports=[cloud.port(qos_policy_id=policy["id"])])
    rule = cloud.api("GET", "%s/qos/policies/%s" % (NETWORK, policy["id"]))[1]["policy"]["rules"][0]["id"]
    for kbps in (99, 2001, 2499, 2500, 0):
        status, answer = cloud.api("PUT", "%s/qos/alias_bandwidth_limit_rules/%s" % (NETWORK, rule), {"alias_bandwidth_limit_rule": {"max_kbps": kbps}})
        same((status, answer["alias_bandwidth_limit_rule"]["max_kbps"]), (200, kbps), "PUT of the rule")
        told_rates(cloud, server, **({"max_kbps": kbps, "min_kbps": 0} if kbps else {}))
    unit(cloud, "agent", "agent_netlink_test", "test_rates_are_rounded")


def scenario_182(cloud):
    """rates independent"""
    cloud.host(nic())
    policy = policy_of(cloud, minimum_bandwidth={"min_kbps": 2000})
    server = cloud.boot(ports=[cloud.port(qos_policy_id=policy["id"])])
    told_rates(cloud, server, max_kbps=0, min_kbps=2000)
    same(rule_of(cloud, policy, "bandwidth_limit", max_kbps=3000)[0], 201, "POST of a limit")
    told_rates(cloud, server, max_kbps=3000, min_kbps=2000)
    unit(cloud, "agent", "agent_netlink_test", "test_one_rate_leaves_the_other")


def scenario_183(cloud):
    """ingress limit"""
    bad = policy_of(cloud, bandwidth_limit={"max_kbps": 1000, "direction": "ingress"})
    good = policy_of(cloud, bandwidth_limit={"max_kbps": 1000})
    port = cloud.port(qos_policy_id=good["id"])
    for status, answer in (cloud.put("port", port, qos_policy_id=bad["id"]), rule_of(cloud, good, "bandwidth_limit", max_kbps=1, direction="ingress"),
                           rule_of(cloud, good, "dscp_marking", dscp_mark=26)):
        same((status, answer["NeutronError"]["type"]), (409, "QosRuleNotSupported"), "a rule that a VF cannot have")
    same(cloud.get_port(port)["qos_policy_id"], good["id"], "the port's policy")
    # What no NIC of the physical network has: the simulated ones are igb's.
    agent = cloud.agent(OFFERED)
    (said,) = [a["configurations"]["capabilities"] for a in cloud.api("GET", NETWORK + "/agents")[1]["agents"] if a["host"] == agent.name]
    same((said["sim0"]["driver"], said["sim0"]["lacks"]), ("igb", ["link_state", "min_rate", "802.1ad"]), "the PF's capabilities")


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
    here, there = cloud.hosts(nic(), nic())
    port = cloud.port()
    server = cloud.boot(ports=[port])
    target = there if cloud.host_name(server) == here.name else here
    path = "%s/ports/%s/bindings" % (NETWORK, port["id"])
    wish = {"host": target.name, "profile": {"pci_vendor_info": "8086:1515", "pci_slot": "0000:81:10.1", "physical_network": "physnet4"}}
    status, answer = cloud.api("POST", path, {"binding": wish})
    assert status == 201, answer
    same((answer["binding"]["status"], answer["binding"]["vif_type"]), ("INACTIVE", "hw_veb"), "a binding for another host")
    before = cloud.get_port(port)
    same((before["binding:host_id"], before["status"], target.running), (cloud.host_name(server), "ACTIVE", {}), "with an inactive binding")
    status, answer = cloud.api("PUT", path + "/%s/activate" % target.name)
    same((status, answer["binding"]["status"]), (200, "ACTIVE"), "the binding that was activated")
    after = cloud.get_port(port)
    same((after["binding:host_id"], after["binding:profile"]["pci_slot"], after["status"]), (target.name, "0000:81:10.1", "DOWN"), "the port then")
    status, answer = cloud.api("GET", path)
    same(sorted((b["host"] == target.name, b["status"]) for b in answer["bindings"]), [(False, "INACTIVE"), (True, "ACTIVE")], "the bindings")
    same(cloud.api("PUT", path + "/%s/activate" % before["binding:host_id"])[0], 200, "and back")
    differs("a binding alone programs no VF: the host acts when the server itself is moved to it")


def scenario_187(cloud):
    """bandwidth of unmapped device"""
    agent = cloud.agent(OFFERED + mapped("sim0") + "resource_provider_bandwidths = sim0:10000000:5000000\n"
                        "resource_provider_inventory_defaults = reserved:100\n")
    (said,) = [a["configurations"] for a in cloud.api("GET", NETWORK + "/agents")[1]["agents"] if a["host"] == agent.name]
    same((said["resource_provider_bandwidths"], said["resource_provider_hypervisors"]),
         ({"sim0": {"egress": 10000000, "ingress": 5000000}}, {"sim0": agent.name}), "what the agent tells")
    same(said["resource_provider_inventory_defaults"], {"allocation_ratio": 1.0, "min_unit": 1, "step_size": 1, "reserved": 100}, "its defaults")
    for option, bad in (("bandwidths", "sim7:1:1"), ("bandwidths", "sim0:1"), ("bandwidths", "sim0:many:1"), ("bandwidths", "sim0:1:1,sim0:2:2"),
                        ("hypervisors", "sim7:h"), ("inventory_defaults", "nonsense:1"), ("inventory_defaults", "reserved:-1")):
        told = refused_start(cloud.build, PROGRAM, mapped("sim0") + "resource_provider_%s = %s\n" % (option, bad), "--token", "none", "--simulate", "8,2,4")
        assert "resource_provider_" + option in told, told
