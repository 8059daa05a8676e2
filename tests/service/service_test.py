#!/usr/bin/python3
"""Service tests: a real penstockd over HTTP.  service_test.py BUILD-FOLDER [NAME...]; prints "ok NAME" lines."""
import base64
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from moves import *  # noqa: E402, F401, F403
from site_of_tests import Host, Inventory, Site, request, until  # noqa: E402

NETWORK = {"name": "nfv", "provider:network_type": "vlan", "provider:physical_network": "physnet_sriov", "shared": True}


class Story:
    """What most tests need: a network with a subnet, an image, flavors."""

    def __init__(self, site):
        self.site = site
        self.network = self.make("/network/v2.0/networks", "network", NETWORK)
        self.subnet = self.make("/network/v2.0/subnets", "subnet", {
            "network_id": self.network["id"], "ip_version": 4, "cidr": "10.0.0.0/24", "enable_dhcp": False,
            "gateway_ip": "10.0.0.1", "allocation_pools": [{"start": "10.0.0.100", "end": "10.0.0.200"}]})
        status, self.image = site.api("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})
        assert status == 201, self.image
        status, _, body = request(site.url + "/image/v2/images/%s/file" % self.image["id"], "PUT", b"\0" * 65536, {
            "X-Auth-Token": site.token, "Content-Type": "application/octet-stream"})
        assert status == 204, body
        self.flavor = self.make_flavor("m1.small", {})
        self.pf_flavor = self.make_flavor("m1.pf", {"pci_passthrough:alias": "my_PF:1"})

    def make(self, path, name, body):
        status, answer = self.site.api("POST", path, {name: body})
        assert status == 201, answer
        return answer[name]

    def make_flavor(self, name, specs):
        status, answer = self.site.api("POST", "/compute/v2.1/flavors", {"flavor": {"name": name, "ram": 256, "disk": 1, "vcpus": 1}})
        assert status == 200, answer
        if specs:
            status, told = self.site.api("POST", "/compute/v2.1/flavors/%s/os-extra_specs" % answer["flavor"]["id"], {"extra_specs": specs})
            assert status == 200, told
        return answer["flavor"]

    def port(self, **more):
        return self.make("/network/v2.0/ports", "port", {"network_id": self.network["id"], "binding:vnic_type": "direct", **more})

    def server(self, port=None, flavor=None, name="s"):
        networks = [{"port": port["id"]}] if port else [{"uuid": self.network["id"]}]
        status, answer = self.site.api("POST", "/compute/v2.1/servers", {"server": {
            "name": name, "flavorRef": (flavor or self.flavor)["id"], "imageRef": self.image["id"], "networks": networks}})
        assert status == 202, answer
        return answer["server"]["id"]

    def show(self, server):
        status, answer = self.site.api("GET", "/compute/v2.1/servers/" + server)
        return answer["server"] if status == 200 else None

    def settle(self, server):
        until(lambda: self.show(server)["status"] in ("ACTIVE", "ERROR"), 20, "the server settles")
        return self.show(server)

    def delete(self, server):
        status, answer = self.site.api("DELETE", "/compute/v2.1/servers/" + server)
        assert status == 204, answer
        until(lambda: self.show(server) is None, 20, "the server is gone")

    def get_port(self, port):
        return self.site.api("GET", "/network/v2.0/ports/" + port["id"])[1]["port"]


def test_a_vf_goes_to_a_server_and_comes_back(site, story, host):
    port = story.port()
    assert story.get_port(port)["binding:vif_type"] == "unbound"
    server = story.server(port)
    assert story.settle(server)["status"] == "ACTIVE"
    until(lambda: story.get_port(port)["status"] == "ACTIVE", 10, "the port is active")
    bound = story.get_port(port)
    assert bound["binding:vif_type"] == "hw_veb" and bound["binding:host_id"] == "host1", bound
    assert bound["binding:vif_details"]["vlan"] == str(story.network["provider:segmentation_id"]), bound
    device = host.running[server]["ports"][0]["device"]
    assert device["address"] == bound["binding:profile"]["pci_slot"], (device, bound)
    assert host.running[server]["ports"][0]["vlan"] == story.network["provider:segmentation_id"]
    story.delete(server)
    freed = story.get_port(port)
    assert (freed["binding:vif_type"], freed["device_id"], freed["binding:host_id"]) == ("unbound", "", ""), freed


def test_one_server_too_many_is_explained(site, story, host):
    servers = [story.server(story.port()) for _ in range(3)]
    views = [story.settle(s) for s in servers]
    assert [v["status"] for v in views].count("ACTIVE") == 2, views
    failed = [v for v in views if v["status"] == "ERROR"][0]
    assert failed["fault"]["message"].startswith("No valid host was found."), failed
    assert "host1" in failed["fault"]["details"] and "physnet_sriov" in failed["fault"]["details"], failed
    addresses = [host.running[s]["ports"][0]["device"]["address"] for s in servers if s in host.running]
    assert len(set(addresses)) == 2, addresses
    for server in servers:
        story.delete(server)


def test_a_pf_and_its_vfs_exclude_each_other(site, story, host):
    pfs = [story.server(flavor=story.pf_flavor) for _ in range(2)]
    assert all(story.settle(s)["status"] == "ACTIVE" for s in pfs)
    late = story.server(story.port())
    view = story.settle(late)
    assert view["status"] == "ERROR", "a VF was given although its PF is with a server"
    assert "PF" in view["fault"]["details"], view["fault"]
    for server in pfs + [late]:
        story.delete(server)
    again = story.server(story.port())
    assert story.settle(again)["status"] == "ACTIVE"
    pair = [story.server(flavor=story.pf_flavor) for _ in range(2)]
    assert sorted(story.settle(s)["status"] for s in pair) == ["ACTIVE", "ERROR"], "the PF of a VF in use was given"
    for server in pair + [again]:
        story.delete(server)


def test_a_failed_build_is_an_error_with_the_hosts_words(site, story, host):
    host.fail = "VF 0 of p5p1: Operation not supported"
    server = story.server(story.port())
    view = story.settle(server)
    host.fail = None
    assert view["status"] == "ERROR" and "Operation not supported" in json.dumps(view["fault"]), view
    story.delete(server)


def claims(site):
    out = subprocess.run(["sqlite3", site.folder + "/state/penstock.db", "SELECT count(*) FROM device_claim"], capture_output=True, text=True)
    return int(out.stdout)


def test_kill_9_while_servers_come_and_go(site, story, host):
    seed = random.randrange(1 << 30)
    print("# seed %d" % seed)
    dice = random.Random(seed)

    def churn(_):
        for _ in range(4):
            try:
                _, port = site.api("POST", "/network/v2.0/ports", {"port": {"network_id": story.network["id"], "binding:vnic_type": "direct"}})
                _, answer = site.api("POST", "/compute/v2.1/servers", {"server": {
                    "name": "churn", "flavorRef": story.flavor["id"], "imageRef": story.image["id"], "networks": [{"port": port["port"]["id"]}]}})
                site.api("DELETE", "/compute/v2.1/servers/" + answer["server"]["id"])
            except (OSError, KeyError, TypeError):
                time.sleep(0.05)

    for _ in range(10):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            work = [pool.submit(churn, i) for i in range(4)]
            time.sleep(dice.uniform(0.0, 0.4))
            site.kill()
            site.start()
            for item in work:
                item.result()
    def servers():
        return site.api("GET", "/compute/v2.1/servers/detail")[1]["servers"]
    until(lambda: all(s["status"] in ("ACTIVE", "ERROR") and not s["OS-EXT-STS:task_state"] for s in servers()), 30, "all settle")
    for server in servers():
        story.delete(server["id"])
    for port in site.api("GET", "/network/v2.0/ports")[1]["ports"]:
        assert site.api("DELETE", "/network/v2.0/ports/" + port["id"])[0] == 204, port
    until(lambda: claims(site) == 0, 10, "all devices are free")
    until(lambda: not host.running, 10, "the host runs nothing")


UUID = "11111111-2222-3333-4444-555555555555"
NAMES = ["user", "project", "role", "network", "subnet", "port", "agent", "flavor", "server", "keypair", "auth", "extra_specs"]


def bad_bodies(story):
    """Bodies that are no use to any path: not JSON, not an object, wrong types, missing and unknown members, unknown ids."""
    network, flavor, image = story.network["id"], story.flavor["id"], story.image["id"]
    bodies = [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b'{"a":1,"a":2}', b'{"server":"\\u0000"}', b"{" * 100000]
    return bodies + [json.dumps({"disk_format": 5, **{n: bad for n in NAMES}}).encode() for bad in (
        None, 5, "x", [], {"name": 5}, {"name": "x" * 100000}, {"name": "", "cidr": 5}, {"unknown": 1}, {"network_id": 7}, {"network_id": UUID},
        {"name": "a", "description": 5, "ram": -1, "vcpus": "x", "disk": 1 << 70}, {"name": "s", "description": 5, "enabled": 5, "flavorRef": UUID, "imageRef": UUID, "networks": 5},
        {"name": "s", "description": 5, "enabled": 5, "flavorRef": flavor, "imageRef": image, "networks": [{"port": UUID}]},
        {"network_id": network, "mac_address": "zz", "fixed_ips": "x"}, {"network_id": network, "fixed_ips": [{"ip_address": "1.2.3.4"}]},
        {"network_id": network, "cidr": "10.0.0.0/99", "ip_version": 4}, {"identity": {"methods": ["magic"]}},
        {"identity": {"methods": ["password"], "password": {"user": {"name": [], "password": {}}}}})]


def picture(site):
    """All that clients can make, as they see it."""
    paths = ["/identity/v3/users", "/identity/v3/projects", "/identity/v3/roles", "/identity/v3/role_assignments", "/image/v2/images",
             "/network/v2.0/networks", "/network/v2.0/subnets", "/network/v2.0/ports", "/network/v2.0/agents?fields=id&fields=admin_state_up",
             "/compute/v2.1/flavors/detail", "/compute/v2.1/servers/detail", "/compute/v2.1/os-keypairs", "/compute/v2.1/os-quota-sets/" + UUID]
    return {p: site.api("GET", p)[1] for p in paths}


def unchanged(before, after):
    """But for when: an empty JSON patch of an image is good and changes its updated_at."""
    def text(answer):
        return re.sub('"updated_at": "[^"]*"', "", json.dumps(answer))
    for path, answer in before.items():
        assert text(after[path]) == text(answer), "%s was %r, is %r" % (path, answer, after[path])


def test_bad_input_changes_nothing(site, story, host):
    routes = [("POST", "/identity/v3/auth/tokens"), ("GET", "/identity/v3/users/" + UUID), ("POST", "/identity/v3/users"),
              ("PATCH", "/identity/v3/users/" + UUID), ("POST", "/identity/v3/projects"), ("PATCH", "/identity/v3/projects/" + UUID),
              ("POST", "/identity/v3/roles"), ("PUT", "/identity/v3/projects/a/users/b/roles/c"),
              ("POST", "/image/v2/images"), ("PATCH", "/image/v2/images/" + UUID), ("PUT", "/image/v2/images/%s/file" % UUID),
              ("DELETE", "/image/v2/images/" + UUID), ("GET", "/image/v2/images/" + UUID),
              ("POST", "/network/v2.0/networks"), ("PUT", "/network/v2.0/networks/" + UUID), ("DELETE", "/network/v2.0/networks/" + UUID),
              ("POST", "/network/v2.0/subnets"), ("PUT", "/network/v2.0/subnets/" + UUID), ("POST", "/network/v2.0/ports"),
              ("PUT", "/network/v2.0/ports/" + UUID), ("DELETE", "/network/v2.0/ports/" + UUID), ("PUT", "/network/v2.0/agents/" + UUID),
              ("POST", "/compute/v2.1/flavors"), ("POST", "/compute/v2.1/flavors/%s/os-extra_specs" % UUID),
              ("POST", "/compute/v2.1/servers"), ("PUT", "/compute/v2.1/servers/" + UUID), ("DELETE", "/compute/v2.1/servers/" + UUID),
              ("POST", "/compute/v2.1/servers/%s/action" % UUID), ("POST", "/compute/v2.1/os-keypairs"),
              ("PUT", "/compute/v2.1/os-services/" + UUID), ("POST", "/agent/v1/join"), ("PUT", "/agent/v1/inventory"),
              ("POST", "/agent/v1/status"), ("GET", "/agent/v1/desired?since=x"), ("POST", "/nonsense"), ("GET", "/compute/v2.1/nonsense")]
    bodies = bad_bodies(story) + [b"x" * (10 << 20)]
    before = picture(site)
    for method, path in routes:
        for body in bodies:
            for headers in ({"X-Auth-Token": site.token}, {}, {"X-Auth-Token": "garbage"}):
                if headers != {"X-Auth-Token": site.token} and body is not bodies[0]:
                    continue
                status, _, answer = request(site.url + path, method, body, headers)
                assert 400 <= status < 500 or status == 501, "%s %s %r: %s %r" % (method, path, body[:80], status, answer[:300])
    for method in ("BREW", "OPTIONS", "TRACE"):
        assert 400 <= request(site.url + "/compute/v2.1/servers", method)[0] < 502
    unchanged(before, picture(site))


def every_route(site):
    return [line.split() for line in subprocess.check_output(
        [site.build + "/src/penstockd/penstockd", "--routes", "--config-file", site.config], text=True).splitlines()]


def test_every_route_wants_a_token(site, story, host):
    """Without one, or with a wrong one: 401, but for what is public."""
    public = {"/identity/", "/identity/v3", "/identity/v3/auth/tokens", "/image/", "/image/versions", "/image/v2", "/network/", "/network/v2.0",
              "/compute/", "/compute/v2.1", "/placement/", "/agent/v1/join", "/identity/v3/users/{id}/password"}
    open_to_all = set()
    for method, pattern in every_route(site):
        path = re.sub("{[^}]*}", UUID, pattern)
        for headers in ({}, {"X-Auth-Token": "gAAAAAB" + "x" * 200}, {"X-Agent-Credential": "a.b"}):
            status, _, answer = request(site.url + path, method, None if method == "GET" else b"{}", headers)
            if status != 401:
                open_to_all.add(pattern)
            assert status < 500, (method, path, status, answer[:200])
    assert open_to_all <= public, open_to_all - public


def test_every_route_survives_nonsense(site, story, host):
    """Every path that is built, with ids that there are, that there are not and that are none: no 500, nothing changed."""
    user = site.api("GET", "/identity/v3/users")[1]["users"][0]["id"]
    project = site.api("GET", "/identity/v3/projects")[1]["projects"][0]["id"]
    real = {"/users/{": user, "/projects/{": project, "/networks/{": story.network["id"], "/subnets/{": story.subnet["id"],
            "/images/{": story.image["id"], "/flavors/{": story.flavor["id"]}
    hostile = [UUID, "%00", "%ff%fe", "a" * 3000, "..%2f..%2fetc", "-1", "99999999999999999999", "'%20OR%201=1", "%25s%25n"]
    queries = ["", "?limit=x", "?limit=-1", "?limit=99999999999999999999", "?marker=" + UUID, "?marker=%ff", "?sort_key=%00&sort_dir=up", "?fields=x",
               "?name=" + "x" * 3000, "?%ff=%fe", "?=&&=", "?changes-since=never", "?all_tenants=perhaps"]
    before = picture(site)
    for method, pattern in every_route(site):
        ids = list(hostile) if "{" in pattern else [""]
        known = [value for name, value in real.items() if name in pattern]
        if method in ("PUT", "PATCH", "POST") and known and pattern.count("{") == 1:
            ids += known
        for value in ids:
            path = re.sub("{[^}]*}", lambda _: value, pattern)
            for query in queries if method == "GET" and value in (UUID, "") else [""]:
                for body in [None] if method == "GET" else bad_bodies(story) if value in (UUID, "", *known) else [b"{}"]:
                    status, _, answer = request(site.url + path + query, method, body, {"X-Auth-Token": site.token})
                    assert status < 500 or status == 501, "%s %s %r: %s %r" % (method, path + query, (body or b"")[:80], status, answer[:300])
    unchanged(before, picture(site))


def test_projects_do_not_see_each_other(site, story, host):
    _, project = site.api("POST", "/identity/v3/projects", {"project": {"name": "other"}})
    _, user = site.api("POST", "/identity/v3/users", {"user": {"name": "eve", "password": "pw"}})
    _, roles = site.api("GET", "/identity/v3/roles?name=member")
    path = "/identity/v3/projects/%s/users/%s/roles/%s" % (project["project"]["id"], user["user"]["id"], roles["roles"][0]["id"])
    assert site.api("PUT", path)[0] == 204
    eve = site.login("eve", "pw", "other")
    port, server = story.port(), story.server(story.port())
    story.settle(server)
    for path in ("/network/v2.0/ports/" + port["id"], "/compute/v2.1/servers/" + server):
        assert site.api("GET", path, token=eve)[0] == 404, path
        assert site.api("DELETE", path, token=eve)[0] == 404, path
    status, answer = site.api("POST", "/network/v2.0/networks", {"network": NETWORK}, token=eve)
    assert status == 403 and "disallowed by policy" in answer["NeutronError"]["message"], answer
    assert site.api("GET", "/identity/v3/users", token=eve)[0] == 403
    assert site.api("GET", "/network/v2.0/networks/" + story.network["id"], token=eve)[1]["network"].get("provider:network_type") is None
    assert site.api("DELETE", path.replace("compute/v2.1/servers/" + server, "identity/v3/projects/x"), token=eve)[0] in (403, 404)
    assert site.api("PATCH", "/identity/v3/users/" + user["user"]["id"], {"user": {"enabled": False}})[0] == 200
    assert site.api("GET", "/network/v2.0/ports", token=eve)[0] == 401, "a disabled user's token is still good"
    story.delete(server)


def test_a_revoked_token_is_refused_at_once(site, story, host):
    token = site.login()
    assert site.api("GET", "/compute/v2.1/servers", token=token)[0] == 200
    assert site.api("DELETE", "/identity/v3/auth/tokens", headers={"X-Subject-Token": token})[0] == 204
    assert site.api("GET", "/compute/v2.1/servers", token=token)[0] == 401


class Fleet:
    """Two more hosts for as long as a test takes; they are disabled afterwards."""

    def __init__(self, site, names):
        self.site, self.hosts = site, [Host(site, name, vfs=0) for name in names]

    def __enter__(self):
        return self.hosts

    def __exit__(self, *_):
        for service in self.site.api("GET", "/compute/v2.1/os-services")[1]["services"]:
            if service["host"] in [h.name for h in self.hosts]:
                self.site.api("PUT", "/compute/v2.1/os-services/disable", {"host": service["host"], "binary": "nova-compute"})
        for host in self.hosts:
            host.stopping = True


def make_hinted(site, story, hints, **more):
    status, answer = site.api("POST", "/compute/v2.1/servers", {"os:scheduler_hints": hints, "server": {
        "name": "g", "flavorRef": story.flavor["id"], "imageRef": story.image["id"], "networks": "none", **more}},
        headers={"X-OpenStack-Nova-API-Version": "2.90"})
    assert status == 202, answer
    return answer["server"]["id"]


def host_of(story, server):
    return story.settle(server).get("OS-EXT-SRV-ATTR:host")


def test_server_groups_and_hints(site, story, host):
    newest = {"X-OpenStack-Nova-API-Version": "2.90"}

    def group(**more):
        status, answer = site.api("POST", "/compute/v2.1/os-server-groups", {"server_group": {"name": "g", **more}}, headers=newest)
        assert status == 200, answer
        return answer["server_group"]["id"]
    with Fleet(site, ["group1", "group2"]):
        apart, together, soft = group(policy="anti-affinity"), group(policy="affinity"), group(policy="soft-anti-affinity")
        first, second, third = [make_hinted(site, story, {"group": apart}) for _ in range(3)]
        assert len({host_of(story, s) for s in (first, second, third)}) == 3
        fourth = make_hinted(site, story, {"group": apart})
        fault = story.settle(fourth)["fault"]
        assert fault["details"].count("has as many servers of the group g as its policy anti-affinity allows") == 3, fault
        members = site.api("GET", "/compute/v2.1/os-server-groups/" + apart, headers=newest)[1]["server_group"]["members"]
        assert members == [first, second, third, fourth]
        assert site.api("GET", "/compute/v2.1/servers/" + first, headers=newest)[1]["server"]["server_groups"] == [apart]
        one, two = make_hinted(site, story, {"group": together}), make_hinted(site, story, {"group": together})
        assert host_of(story, one) == host_of(story, two)
        spread = [make_hinted(site, story, {"group": soft}) for _ in range(4)]
        assert len({host_of(story, s) for s in spread}) == 3, "a soft policy spreads while it can"
        beside = make_hinted(site, story, {"same_host": first})
        assert host_of(story, beside) == host_of(story, first)
        away = make_hinted(site, story, {"different_host": [first, second]})
        assert host_of(story, away) == host_of(story, third)
        nowhere = make_hinted(site, story, {"same_host": UUID})
        assert "same_host" in story.settle(nowhere)["fault"]["details"]
        for bad in ({"group": UUID}, {"group": 5}, {"same_host": "x"}, {"different_host": [5]}, {"query": "x"}):
            status, answer = site.api("POST", "/compute/v2.1/servers", {"os:scheduler_hints": bad, "server": {
                "name": "g", "flavorRef": story.flavor["id"], "imageRef": story.image["id"]}})
            assert status == 400, (bad, answer)
        for server in [first, second, third, fourth, one, two, beside, away, nowhere, *spread]:
            story.delete(server)
        for one in (apart, together, soft):
            assert site.api("DELETE", "/compute/v2.1/os-server-groups/" + one)[0] == 204
    assert site.api("GET", "/compute/v2.1/os-server-groups")[1]["server_groups"] == []


def test_aggregates_make_zones(site, story, host):
    def action(what, body):
        return site.api("POST", "/compute/v2.1/os-aggregates/%d/action" % aggregate, {what: body})
    status, answer = site.api("POST", "/compute/v2.1/os-aggregates", {"aggregate": {"name": "fast", "availability_zone": "edge"}})
    assert status == 200, answer
    aggregate = answer["aggregate"]["id"]
    with Fleet(site, ["zone1"]):
        assert action("add_host", {"host": "zone1"})[0] == 200
        assert action("add_host", {"host": "zone1"})[0] == 409
        assert action("add_host", {"host": "nobody"})[0] == 404
        assert action("set_metadata", {"metadata": {"disk": "ssd"}})[1]["aggregate"]["metadata"] == {"availability_zone": "edge", "disk": "ssd"}
        zones = {z["zoneName"]: z for z in site.api("GET", "/compute/v2.1/os-availability-zone/detail")[1]["availabilityZoneInfo"]}
        assert list(zones["edge"]["hosts"]) == ["zone1"], zones
        server = make_hinted(site, story, {}, availability_zone="edge")
        assert host_of(story, server) == "zone1"
        status, answer = action("remove_host", {"host": "zone1"})
        assert status == 409 and "instances" in answer["conflictingRequest"]["message"], "a server was promised its zone"
        story.delete(server)
        other = site.api("POST", "/compute/v2.1/os-aggregates", {"aggregate": {"name": "slow", "availability_zone": "core"}})[1]["aggregate"]["id"]
        status, answer = site.api("POST", "/compute/v2.1/os-aggregates/%d/action" % other, {"add_host": {"host": "zone1"}})
        assert status == 409 and "edge" in answer["conflictingRequest"]["message"], answer
        assert site.api("DELETE", "/compute/v2.1/os-aggregates/%d" % other)[0] == 200
        fast = story.make_flavor("m1.ssd", {"aggregate_instance_extra_specs:disk": "ssd"})
        slow = story.make_flavor("m1.hdd", {"aggregate_instance_extra_specs:disk": "hdd"})
        server = make_hinted(site, story, {}, flavorRef=fast["id"])
        assert host_of(story, server) == "zone1"
        story.delete(server)
        server = make_hinted(site, story, {}, flavorRef=slow["id"])
        assert "is in no aggregate with disk = hdd" in story.settle(server)["fault"]["details"]
        story.delete(server)
        assert site.api("DELETE", "/compute/v2.1/os-aggregates/%d" % aggregate)[0] == 400
        assert action("remove_host", {"host": "zone1"})[0] == 200
        assert site.api("DELETE", "/compute/v2.1/os-aggregates/%d" % aggregate)[0] == 200
        for flavor in (fast, slow):
            site.api("DELETE", "/compute/v2.1/flavors/" + flavor["id"])


def test_penstock_explain(site, story, host):
    port = story.port(name="explained")
    before = claims(site)
    told = site.run("penstock", "explain", "--flavor", "m1.small", "--port", "explained")
    assert "host1: fits, with 0000:21:10." in told and "It would be placed on host1." in told, told
    told = site.run("penstock", "explain", "--flavor", "m1.pf")
    assert "host1: fits, with 0000:" in told, told
    held = [story.server(story.port()) for _ in range(2)]
    for server in held:
        story.settle(server)
    told = site.run("penstock", "explain", "--flavor", "m1.small", "--port", port["id"])
    assert "host1: needs 1 VF of physnet_sriov: 2 of 2 are in use" in told and "No valid host was found." in told, told
    refused = story.server(port)
    told = site.run("penstock", "explain", refused)
    assert "2 of 2 are in use" in told, told
    for server in [refused, *held]:
        story.delete(server)
    assert claims(site) == before


TWO_CELLS = [{"id": n, "socket": n, "cpus": "%d-%d" % (4 * n, 4 * n + 3), "shared": str(4 * n), "dedicated": "%d-%d" % (4 * n + 1, 4 * n + 3),
              "memory_mb": 8192, "hugepages": [{"size_kb": 2048, "total": 64, "reserved": 0}]} for n in (0, 1)]


def test_numa_cells_and_devices_beside_each_other(site, story, host):
    numa = Host(site, "numa1", inventory=Inventory(cells=TWO_CELLS).pf("0000:51:00.0", 4, "10c9", "10ca", "physnet_sriov", netdev="p5p1", numa=1))
    flavors = []

    def flavor(vcpus, ram, **specs):
        _, answer = site.api("POST", "/compute/v2.1/flavors", {"flavor": {"name": "numa%d" % len(flavors), "ram": ram, "disk": 1, "vcpus": vcpus}})
        site.api("POST", "/compute/v2.1/flavors/%s/os-extra_specs" % answer["flavor"]["id"], {"extra_specs": {"hw:" + k: str(v) for k, v in specs.items()}})
        flavors.append(answer["flavor"]["id"])
        return flavors[-1]

    def server(flavor, port=None):
        return make_hinted(site, story, {}, flavorRef=flavor, availability_zone="nova:numa1", networks=[{"port": port["id"]}] if port else "none")

    def placed(server):
        assert story.settle(server)["status"] == "ACTIVE", story.show(server)
        return [s for s in numa.seen if s["id"] == server][-1]["numa"]

    def refusal(server):
        assert story.settle(server)["status"] == "ERROR", story.show(server)
        details = story.show(server)["fault"]["details"]
        story.delete(server)
        return details
    three = flavor(3, 128, cpu_policy="dedicated")
    first = server(three)
    assert [c["node"] for c in placed(first)["cells"]] == [0], "a guest without devices stays away from them"
    assert placed(first)["cells"][0]["pins"] == [[0, 1], [1, 2], [2, 3]]
    beside = server(three, story.port())
    assert [(c["node"], c["taken"]) for c in placed(beside)["cells"]] == [(1, "5-7")]
    told = refusal(server(three))
    assert "numa1: needs 3 dedicated CPUs on one NUMA node; node 0 has 0 free, node 1 has 0 free" in told, told
    story.delete(first)
    required, preferred = flavor(1, 64, numa_nodes=1, cpu_policy="dedicated", pci_numa_affinity_policy="required"), flavor(1, 64, cpu_policy="dedicated")
    port = story.port()
    told = refusal(server(required, port))
    assert "NUMA policy required; node 0 has 0 free, node 1 has 3 free, 0 free on no node" in told, told
    told = refusal(server(preferred, port))
    assert "NUMA policy legacy" in told, told
    preferred = flavor(1, 64, cpu_policy="dedicated", pci_numa_affinity_policy="preferred")
    far = server(preferred, port)
    assert [c["node"] for c in placed(far)["cells"]] == [0]
    for one in (far, beside):
        story.delete(one)
    pages = flavor(1, 128, mem_page_size=2048)
    held = [server(pages), server(pages)]
    assert sorted(placed(s)["cells"][0]["node"] for s in held) == [0, 1] and placed(held[0])["cells"][0]["page_kb"] == 2048
    told = refusal(server(pages))
    assert "numa1: needs 128 MB in pages of 2 MB on one NUMA node" in told, told
    for one in held:
        story.delete(one)
    status, answer = site.api("POST", "/compute/v2.1/servers", {"server": {
        "name": "n", "flavorRef": flavor(3, 64, numa_nodes=2), "imageRef": story.image["id"]}})
    assert status == 400 and "numa" in json.dumps(answer).lower(), answer
    two = flavor(4, 128, numa_nodes=2, cpu_policy="dedicated")
    split = server(two)
    assert sorted(c["node"] for c in placed(split)["cells"]) == [0, 1] and placed(split)["cells"][0]["vcpus"] == "0-1"
    site.kill()
    site.start()
    told = refusal(server(three))
    assert "node 0 has 1 free, node 1 has 1 free" in told, told
    story.delete(split)
    left = subprocess.run(["sqlite3", site.folder + "/state/penstock.db", "SELECT count(*) FROM cpu_claim"], capture_output=True, text=True)
    assert left.stdout.strip() == "0", left
    for one in flavors:
        site.api("DELETE", "/compute/v2.1/flavors/" + one)
    site.api("PUT", "/compute/v2.1/os-services/disable", {"host": "numa1", "binary": "nova-compute"})
    numa.stopping = True


def client(site, program):
    """A function that runs the program with its arguments as the administrator, and returns what it prints."""
    env = dict(os.environ, PYTHONWARNINGS="ignore", OS_AUTH_URL=site.url + "/identity/v3", OS_USERNAME="admin", OS_PASSWORD="secret",
               OS_PROJECT_NAME="admin", OS_USER_DOMAIN_NAME="Default", OS_PROJECT_DOMAIN_NAME="Default")

    def run(*arguments):
        done = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, "%s %s: %s" % (program, " ".join(arguments), done.stderr)
        return done.stdout.strip()
    return run


def test_the_neutron_command(site, story, host):
    neutron = client(site, "/usr/bin/neutron")
    neutron("net-create", "--shared", "--provider:network_type=vlan", "--provider:physical_network=physnet_sriov", "legacy")
    neutron("subnet-create", "--name", "legacy_subnet", "--disable-dhcp", "--allocation-pool", "start=10.9.0.100,end=10.9.0.200", "legacy", "10.9.0.0/24")
    port = neutron("port-create", "legacy", "--name", "legacy_port", "--binding:vnic_type=direct", "-f", "value", "-c", "fixed_ips")
    assert "10.9.0.100" in port, port
    assert "legacy_port" in neutron("port-list")
    neutron("port-delete", "legacy_port")
    neutron("net-delete", "legacy")


def test_the_openstack_command(site, story, host):
    openstack = client(site, "/usr/bin/openstack")
    openstack("network", "create", "private")
    openstack("subnet", "create", "--network", "private", "--subnet-range", "192.168.99.0/24", "private_subnet")
    port = openstack("port", "create", "--network", "nfv", "--vnic-type", "direct", "cli_port", "-f", "value", "-c", "id")
    net = openstack("network", "show", "private", "-f", "value", "-c", "id")
    openstack("server", "create", "--flavor", "m1.small", "--image", "i", "--nic", "port-id=" + port, "--nic", "net-id=" + net, "--wait", "cli")
    assert "ACTIVE" in openstack("server", "list"), "not in the list"
    assert "host1" in openstack("hypervisor", "list")
    assert "host1" in openstack("hypervisor", "show", "host1")
    assert "NIC Switch agent" in openstack("network", "agent", "list")
    openstack("server", "delete", "--wait", "cli")
    openstack("port", "delete", "cli_port")
    openstack("network", "delete", "private")


def test_the_openstack_command_and_qos(site, story, host):
    openstack = client(site, "/usr/bin/openstack")
    openstack("network", "qos", "policy", "create", "--share", "gold")
    openstack("network", "qos", "rule", "create", "--type", "bandwidth-limit", "--max-kbps", "3000", "--max-burst-kbits", "300", "--egress", "gold")
    openstack("network", "qos", "rule", "create", "--type", "minimum-bandwidth", "--min-kbps", "1000", "--egress", "gold")
    rule = openstack("network", "qos", "rule", "list", "gold", "-f", "value", "-c", "ID", "-c", "Type", "-c", "Max Kbps").splitlines()[0].split()
    assert rule[1:] == ["bandwidth_limit", "3000"], rule
    openstack("network", "qos", "rule", "set", "--max-kbps", "2500", "gold", rule[0])
    assert openstack("network", "qos", "rule", "show", "gold", rule[0], "-f", "value", "-c", "max_kbps") == "2500"
    assert "minimum_bandwidth" in openstack("network", "qos", "rule", "type", "list")
    openstack("network", "qos", "rule", "type", "show", "bandwidth_limit")
    port = openstack("port", "create", "--network", "nfv", "--vnic-type", "direct", "--qos-policy", "gold", "gold_port", "-f", "value", "-c", "id")
    server = story.server({"id": port})
    assert story.settle(server)["status"] == "ACTIVE", story.show(server)
    assert host.running[server]["ports"][0]["qos"] == {"max_kbps": 2500, "min_kbps": 1000}, host.running[server]["ports"]
    openstack("port", "unset", "--qos-policy", "gold_port")
    until(lambda: host.running[server]["ports"][0]["qos"] is None, 10, "the host is told")
    story.delete(server)
    openstack("port", "delete", "gold_port")
    openstack("network", "qos", "policy", "set", "--no-share", "--name", "silver", "gold")
    openstack("network", "qos", "rule", "delete", "silver", rule[0])
    openstack("network", "qos", "policy", "delete", "silver")


def test_the_openstack_command_and_segments(site, story, host):
    openstack = client(site, "/usr/bin/openstack")
    net = openstack("network", "create", "--provider-network-type", "vlan", "--provider-physical-network", "physnet_sriov", "wide", "-f", "value", "-c", "id")
    openstack("network", "segment", "create", "--network", "wide", "--network-type", "vlan", "--physical-network", "physnet_sriov", "second")
    assert len(openstack("network", "segment", "list", "--network", "wide", "-f", "value").splitlines()) == 2
    openstack("network", "segment", "set", "--description", "d", "second")
    assert openstack("network", "segment", "show", "second", "-f", "value", "-c", "network_id") == net
    openstack("subnet", "create", "--network", "wide", "--network-segment", "second", "--subnet-range", "10.7.0.0/24", "wide_subnet")
    openstack("subnet", "delete", "wide_subnet")
    openstack("network", "segment", "delete", "second")
    openstack("network", "delete", "wide")


def test_the_openstack_command_about_placement(site, story, host):
    """What a host with reported devices has, who has what of it, and a device that is used once."""
    inventory = Inventory().add("0000:31:00.0", "10c9", "type-PF", tags={"one_time_use": "true", "traits": "clean", "resource_class": "card"})
    inventory.host["report_in_placement"] = True
    placed = Host(site, "placed", inventory=inventory)
    run = client(site, "/usr/bin/openstack")

    def openstack(*arguments):
        """The rows that it prints, or the only one."""
        return json.loads(run("--os-placement-api-version", "1.39", *arguments, "-f", "json"))

    providers = {p["name"]: p for p in openstack("resource", "provider", "list")}
    root, card = providers["placed"]["uuid"], providers["placed_0000:31:00.0"]["uuid"]
    assert providers["placed_0000:31:00.0"]["parent_provider_uuid"] == root, providers
    assert openstack("resource", "provider", "show", card)["name"] == "placed_0000:31:00.0"
    assert {i["resource_class"]: i["total"] for i in openstack("resource", "provider", "inventory", "list", root)} == {
        "VCPU": 8, "MEMORY_MB": 16384, "DISK_GB": 1000}
    traits = [t["name"] for t in openstack("resource", "provider", "trait", "list", card)]
    assert {"CUSTOM_CLEAN", "HW_PCI_ONE_TIME_USE", "COMPUTE_MANAGED_PCI_DEVICE"} <= set(traits), traits
    assert {"name": "CUSTOM_CARD"} in openstack("resource", "class", "list") and {"name": "CUSTOM_CLEAN"} in openstack("trait", "list")
    status, answer = site.api("POST", "/compute/v2.1/os-aggregates", {"aggregate": {"name": "cards"}}, headers={"X-OpenStack-Nova-API-Version": "2.90"})
    assert status == 200, answer
    aggregate = answer["aggregate"]
    path = "/compute/v2.1/os-aggregates/%s" % aggregate["id"]
    assert site.api("POST", path + "/action", {"add_host": {"host": "placed"}})[0] == 200
    assert openstack("resource", "provider", "aggregate", "list", root) == [{"uuid": aggregate["uuid"]}]
    members = openstack("resource", "provider", "list", "--member-of", aggregate["uuid"], "--resource", "VCPU=1")
    assert [m["uuid"] for m in members] == [root], members
    assert site.api("POST", path + "/action", {"remove_host": {"host": "placed"}})[0] == 200
    assert site.api("DELETE", path)[0] == 200

    candidates = openstack("allocation", "candidate", "list", "--resource", "VCPU=1", "--resource", "CUSTOM_CARD=1", "--required", "CUSTOM_CLEAN")
    assert {c["resource provider"] for c in candidates} == {root, card}, candidates

    status, answer = site.api("POST", "/compute/v2.1/servers", {"server": {
        "name": "s", "flavorRef": story.pf_flavor["id"], "imageRef": story.image["id"], "networks": [{"uuid": story.network["id"]}],
        "availability_zone": "nova:placed"}})
    assert status == 202, answer
    server = answer["server"]["id"]
    assert story.settle(server)["status"] == "ACTIVE", story.show(server)
    allocated = {a["resource_provider"]: a["resources"] for a in openstack("resource", "provider", "allocation", "show", server)}
    assert allocated == {root: {"VCPU": 1, "MEMORY_MB": 256, "DISK_GB": 1}, card: {"CUSTOM_CARD": 1}}, allocated
    assert openstack("resource", "provider", "usage", "show", card) == [{"resource_class": "CUSTOM_CARD", "usage": 1}]
    project = site.api("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": site.token})[1]["token"]["project"]["id"]
    usage = {u["resource_class"]: u["usage"] for u in json.loads(run("--os-placement-api-version", "1.37", "resource", "usage", "show", project, "-f", "json"))}
    assert usage["CUSTOM_CARD"] == 1, usage
    usage = site.api("GET", "/placement/usages?project_id=" + project, headers={"OpenStack-API-Version": "placement 1.38"})[1]["usages"]
    assert usage["INSTANCE"]["CUSTOM_CARD"] == 1 and usage["INSTANCE"]["consumer_count"] >= 1, usage
    assert openstack("allocation", "candidate", "list", "--resource", "CUSTOM_CARD=1") == []
    story.delete(server)

    def again():
        """Another server on that host: how it ends."""
        status, answer = site.api("POST", "/compute/v2.1/servers", {"server": {
            "name": "s", "flavorRef": story.pf_flavor["id"], "imageRef": story.image["id"], "networks": [{"uuid": story.network["id"]}],
            "availability_zone": "nova:placed"}})
        assert status == 202, answer
        view = story.settle(answer["server"]["id"])
        story.delete(answer["server"]["id"])
        return view["status"]

    assert again() == "ERROR", "a device with one_time_use is given away twice"
    assert openstack("resource", "provider", "inventory", "show", card, "CUSTOM_CARD")["reserved"] == 1
    openstack("resource", "provider", "inventory", "class", "set", card, "CUSTOM_CARD", "--total", "1", "--reserved", "0")
    assert again() == "ACTIVE", "the operator said that it can be used again"
    openstack("resource", "provider", "inventory", "set", card, "--amend", "--resource", "CUSTOM_CARD:reserved=0")
    assert again() == "ACTIVE", "and once more"

    headers = {"OpenStack-API-Version": "placement 1.39"}
    for method, path in (("PUT", "/resource_providers/" + root), ("DELETE", "/resource_providers/" + card), ("DELETE", "/allocations/" + server),
                         ("PUT", "/resource_providers/%s/traits" % card), ("POST", "/resource_providers"), ("PUT", "/allocations/" + server)):
        status, answer = site.api(method, "/placement" + path, {}, headers=headers)
        assert status == 403 and "Placement only shows" in answer["errors"][0]["detail"], (method, path, status, answer)
    inventory.host["report_in_placement"] = True
    inventory.devices = {}
    placed.put_inventory(inventory)
    site.api("PUT", "/compute/v2.1/os-services/disable", {"host": "placed", "binary": "nova-compute"})
    placed.stopping = True


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    site = Site(sys.argv[1])
    story, host = Story(site), Host(site)
    failures = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        try:
            test(site, story, host)
            print("ok service %s" % name, flush=True)
        except Exception:
            failures += 1
            traceback.print_exc(file=sys.stdout)
            print("not ok service %s" % name, flush=True)
    host.stopping = True
    log = site.stop()
    if "error:" in log or "Sanitizer" in log:
        failures += 1
        print(log[-4000:])
        print("not ok service penstockd logged errors")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
