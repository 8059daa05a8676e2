#!/usr/bin/python3
"""Devices that are not well: quarantine in the inventory, in os-pci, in the reasons of hosts, and in `penstock device`; and that one agent
has them.  A real penstockd with the real penstock-agent on a simulated host.  devices_test.py BUILD-FOLDER [NAME...]"""
import json
import os
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from agent import PROGRAM  # noqa: E402
from cloud import COMPUTE, NEWEST, Cloud, reason, same, until  # noqa: E402
from scenarios_placement import inventories, providers  # noqa: E402

SPEC = '[pci]\ndevice_spec = {"vendor_id": "8086", "product_id": "10ca", "physical_network": "physnet4"}\n'
VFS = ["0000:%02x:10.%d" % (bus, function) for bus in (0x10, 0x11) for function in range(4)]


def devices(cloud, path="/detail"):
    status, answer = cloud.api("GET", COMPUTE + "/os-pci" + path, headers=NEWEST)
    assert status == 200, (status, answer)
    mine = cloud.rows("SELECT id FROM host WHERE name = ?", cloud.simulated.name)[0][0]
    return {d["address"]: d for d in answer["pci_devices"] if d["compute_node_id"] == mine}


def penstock(cloud, *words):
    """(exit status, what it printed) of `penstock device ...` on the simulated host."""
    done = subprocess.run(["%s/src/cli/penstock" % cloud.build, "device", *words, "--config-file", cloud.simulated.folder + "/agent.conf"],
                          capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def hook(cloud, script):
    path = cloud.simulated.folder + "/hook" if cloud.simulated else cloud.site.folder + "/hook"
    with open(path, "w") as out:
        out.write("#!/bin/sh\n" + script + "\n")
    os.chmod(path, 0o755)
    return path


def state(cloud, address):
    said = [line.split() for line in penstock(cloud, "list")[1].splitlines()]
    return dict((words[0], words[2]) for words in said)[address]


def test_os_pci_shows_the_devices_of_hosts(cloud):
    cloud.agent(SPEC)
    all_of_them = devices(cloud)
    same(sorted(all_of_them), VFS, "addresses")
    one = all_of_them[VFS[0]]
    same({k: one[k] for k in ("vendor_id", "product_id", "status", "dev_type", "server_uuid", "health", "dev_id", "label", "parent_addr", "physical_network")},
         {"vendor_id": "8086", "product_id": "10ca", "status": "available", "dev_type": "type-VF", "server_uuid": None, "health": "ok",
          "dev_id": "pci_0000_10_10_0", "label": "label_8086_10ca", "parent_addr": "0000:10:00.0", "physical_network": "physnet4"}, "a VF")
    same(cloud.api("GET", "%s/os-pci/%d" % (COMPUTE, one["id"]), headers=NEWEST)[1]["pci_device"], one, "the same by its id")
    same(sorted(devices(cloud, "")[VFS[0]]), ["address", "compute_node_id", "id", "product_id", "status", "vendor_id"], "members without detail")
    server = cloud.boot(ports=[cloud.port(cloud.network())])
    mine = [d for d in devices(cloud).values() if d["server_uuid"] == server]
    same([d["status"] for d in mine], ["allocated"], "status of the server's")
    same(state(cloud, mine[0]["address"]), "taken", "state of the server's")
    cloud.delete(server)
    for bad in ("0", "x", str(1 << 62)):
        same(cloud.api("GET", COMPUTE + "/os-pci/" + bad)[0], 404, bad)
    same(cloud.api("GET", COMPUTE + "/os-pci", token=cloud.user("pci-others")[0])[0], 403, "without the role admin")


def test_a_device_whose_release_fails_is_quarantined(cloud):
    cloud.agent(SPEC)
    program = hook(cloud, 'test -e "$0.fine" || { echo "it cannot be formatted" >&2; exit 1; }')
    cloud.agent(SPEC + "release_hook = %s\n" % program)
    server = cloud.boot(ports=[cloud.port(cloud.network())])
    address = [d["address"] for d in devices(cloud).values() if d["server_uuid"] == server][0]
    cloud.delete(server)  # ends, though its device is not well
    ill = devices(cloud)[address]  # and the site knows it from the first moment on
    same((ill["status"], ill["server_uuid"]), ("unavailable", None), "status")
    assert "quarantined: the release hook" in ill["health"] and "it cannot be formatted" in ill["health"], ill["health"]
    same(state(cloud, address), "quarantined", "penstock device list")
    status, said = penstock(cloud, "list", "--quarantined")
    assert status == 0 and said.count("\n") == 2 and "it cannot be formatted" in said, said

    # Seven are left, and the reason for the eighth is told.
    servers = [cloud.boot(ports=[cloud.port(cloud.network())]) for _ in range(7)]
    assert address not in [d["address"] for d in devices(cloud).values() if d["server_uuid"]]
    cloud.no_host("1 of 8 cannot be used now (%s: quarantined: the release hook" % address, ports=[cloud.port(cloud.network())])

    status, said = penstock(cloud, "release", address)
    assert status == 1 and "it cannot be formatted" in said, said
    same(state(cloud, address), "quarantined", "still")
    open(program + ".fine", "w").close()
    same(penstock(cloud, "release", address), (0, address + " is out of quarantine\n"), "release")
    until(lambda: devices(cloud)[address]["health"] == "ok", 20, "the site knows")
    servers.append(cloud.boot(ports=[cloud.port(cloud.network())]))
    cloud.delete(*servers)
    status, said = penstock(cloud, "release", address)
    assert status == 1 and "is not quarantined" in said, said


def test_quarantine_outlasts_the_agent(cloud):
    agent = cloud.agent(SPEC)
    os.makedirs(agent.folder + "/state/quarantine", exist_ok=True)
    with open("%s/state/quarantine/%s.json" % (agent.folder, VFS[2]), "w") as out:
        json.dump({"address": VFS[2], "reason": "the operator's cat sits on it", "since": "2026-11-30T01:02:03Z"}, out)
    cloud.agent(SPEC)
    until(lambda: devices(cloud)[VFS[2]]["health"] == "quarantined: the operator's cat sits on it", 20, "it is known")
    same(penstock(cloud, "list", "--quarantined")[1].splitlines()[1].split()[-8:],
         "since 2026-11-30T01:02:03Z: the operator's cat sits on it".split()[-8:], "list")
    same(penstock(cloud, "release", "--force", VFS[2])[0], 0, "release")
    for wrong in (["release"], ["release", "10.0"], ["list", VFS[2]], ["nothing"], ["release", VFS[2], VFS[3]]):
        same(penstock(cloud, *wrong)[0], 2, " ".join(wrong))


def test_placement_does_not_count_what_is_quarantined(cloud):
    spec = '[pci]\nreport_in_placement = True\ndevice_spec = {"vendor_id": "8086", "product_id": "10ca"}\n'
    agent = cloud.agent(spec)
    with open("%s/state/quarantine/%s.json" % (agent.folder, VFS[2]), "w") as out:
        json.dump({"address": VFS[2], "reason": "it is being looked at"}, out)
    until(lambda: devices(cloud)[VFS[2]]["health"] != "ok", 20, "it is known")
    reserved = {name: sum(i["reserved"] for i in inventories(cloud, provider).values())
                for name, provider in providers(cloud, agent).items() if "0000:1" in name}
    same(sum(reserved.values()), 1, "reserved of %s" % reserved)
    same(penstock(cloud, "release", VFS[2])[0], 0, "release")
    until(lambda: devices(cloud)[VFS[2]]["health"] == "ok", 20, "it is free again")
    same(sum(i["reserved"] for name, provider in providers(cloud, agent).items() if "0000:1" in name
             for i in inventories(cloud, provider).values()), 0, "reserved at last")


def test_workers_that_do_not_get_on_stop_nobody(cloud):
    cloud.agent(SPEC)
    program = hook(cloud, 'until [ -e "$0.goes" ]; do sleep 0.1; done')
    cloud.agent(SPEC + "release_hook = %s\n" % program)
    servers = [cloud.boot(ports=[cloud.port(cloud.network())]) for _ in range(4)]
    for server in servers:
        same(cloud.api("DELETE", "%s/servers/%s" % (COMPUTE, server))[0], 204, "delete")
    other = cloud.create(ports=[cloud.port(cloud.network())])  # all four workers wait for the hook, for as long as it likes
    until(lambda: cloud.show(other)["status"] == "ACTIVE", 60, "another server runs")
    same([cloud.show(server)["OS-EXT-STS:task_state"] for server in servers], ["deleting"] * 4, "the four")
    cloud.simulated.process.terminate()
    cloud.simulated.process.wait(timeout=60)  # and it ends when it is told to
    open(program + ".goes", "w").close()
    cloud.agent(SPEC + "release_hook = %s\n" % program)  # a new host, to which the journals of the old one are there
    for server in servers:
        until(lambda: cloud.show(server) is None, 60, "the server is gone")
    cloud.delete(other)
    same({d["health"] for d in devices(cloud).values()}, {"ok"}, "health")


def another_agent(agent, log):
    """Started in the same state folder."""
    return subprocess.Popen(["%s/src/%s" % (agent.cloud.build, PROGRAM), "--config-file", agent.folder + "/agent.conf", "--token", agent.token,
                             "--simulate", "8,2,4"], stdout=log, stderr=log)


def opened_by(process):
    folder = "/proc/%d/fd/" % process.pid
    return [os.readlink(folder + name) for name in os.listdir(folder)]


def test_one_agent_works_in_a_state_folder(cloud):
    agent = cloud.agent(SPEC)
    lock = agent.folder + "/state/lock"
    with open(agent.folder + "/second.log", "w") as log:
        second, began = another_agent(agent, log), time.time()
        same(second.wait(timeout=60), 1, "exit status of the second")
    took = time.time() - began
    assert 9 < took < 30, "it ended after %.1f s" % took  # a predecessor that was killed has 10 s to end
    said = open(agent.folder + "/second.log").read()
    sentence = "another penstock-agent works in %s/state (its lock is taken: fuser -v %s)" % (agent.folder, lock)
    assert said.count("\n") == 1 and said.endswith("error: %s\n" % sentence), said
    assert agent.runs()
    cloud.delete(cloud.boot(ports=[cloud.port(cloud.network())]))

    # One that waits takes over as soon as the first is gone, however that ended.
    with open(agent.folder + "/agent.log", "a") as log:
        second = another_agent(agent, log)
        until(lambda: lock in opened_by(second), 20, "it waits for the lock")
        agent.process.kill()
        agent.process.wait()
        agent.process = second
    server = cloud.create(ports=[cloud.port(cloud.network())])
    same(cloud.settle(server)["status"], "ACTIVE", "a server of the second agent")
    cloud.delete(server)


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    cloud, failures = Cloud(sys.argv[1]), 0
    try:
        for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            try:
                try:
                    test(cloud)
                finally:
                    cloud.clean()
                print("ok devices %s" % name, flush=True)
            except Exception:
                failures += 1
                traceback.print_exc(file=sys.stdout)
                print(cloud.simulated.said()[-3000:] if cloud.simulated else "")
                print("not ok devices %s" % name, flush=True)
        log = cloud.end()
        if "error:" in log or "Sanitizer" in log:
            failures += 1
            print(log[-4000:])
            print("not ok devices penstockd logged errors")
    finally:
        cloud.abandon()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
