"""Starts servers with a VF one after the other on a site (URL IMAGE-FILE COUNT; OS_* in the environment), or reads from an agent's
log (figures LOG) how long each step of each start took."""
import json
import os
import re
import statistics
import sys
import time
import urllib.error
import urllib.request


class Site:
    def __init__(self, url):
        self.url, self.token = url, None

    def call(self, method, path, body=None, data=None):
        headers = {"Content-Type": "application/octet-stream" if data else "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        request = urllib.request.Request(self.url + path, data or (json.dumps(body).encode() if body else None), headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.token = answer.headers.get("X-Subject-Token") or self.token
            text = answer.read()
        return json.loads(text) if text else {}

    def login(self):
        user = {"name": "admin", "domain": {"name": "Default"}, "password": os.environ["OS_PASSWORD"]}
        self.call("POST", "/identity/v3/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
                                                                "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}}}})


def until(what, seconds=240):
    end = time.time() + seconds
    while not what():
        assert time.time() < end, "not in time"
        time.sleep(0.2)


def gone(site, path):
    try:
        site.call("GET", path)
        return False
    except urllib.error.HTTPError as error:
        return error.code == 404


def start(url, image_file, count):
    site = Site(url)
    site.login()
    until(lambda: site.call("GET", "/network/v2.0/agents")["agents"])
    image = site.call("POST", "/image/v2/images", {"name": "probe", "disk_format": "raw", "container_format": "bare"})["id"]
    site.call("PUT", "/image/v2/images/%s/file" % image, data=open(image_file, "rb").read())
    flavor = site.call("POST", "/compute/v2.1/flavors", {"flavor": {"name": "f", "ram": 64, "disk": 1, "vcpus": 1}})["flavor"]["id"]
    network = site.call("POST", "/network/v2.0/networks", {"network": {
        "name": "n", "provider:network_type": "vlan", "provider:physical_network": "physnet_sriov"}})["network"]["id"]
    for _ in range(count):
        port = site.call("POST", "/network/v2.0/ports", {"port": {"network_id": network, "binding:vnic_type": "direct"}})["port"]["id"]
        server = site.call("POST", "/compute/v2.1/servers", {"server": {
            "name": "t", "flavorRef": flavor, "imageRef": image, "networks": [{"port": port}]}})["server"]["id"]
        path = "/compute/v2.1/servers/" + server
        until(lambda: site.call("GET", path)["server"]["status"] in ("ACTIVE", "ERROR"))
        assert site.call("GET", path)["server"]["status"] == "ACTIVE"
        site.call("DELETE", path)
        until(lambda: gone(site, path))


def milliseconds(stamp):
    day, clock = stamp.split(" ")
    hours, minutes, seconds = clock.split(":")
    return ((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000


def figures(log):
    """The first start downloads the image and is left out."""
    starts, current = [], {}
    for line in open(log, errors="replace"):
        found = re.match(r'(\S+ \S+) debug: server (\S+): (?:(running) is wanted|step "(.*)")', line) or \
            re.match(r'(\S+ \S+) info: server (\S+): (running)$', line)
        if not found:
            continue
        at, server, what = milliseconds(found.group(1)), found.group(2), [w for w in found.groups()[2:] if w][0]
        if what == "running" and "debug" in line:
            current[server] = [("wanted", at)]
            starts.append(current[server])
        elif server in current:
            current[server].append((what, at))
    rows = {}
    for steps in starts[1:]:
        for (name, begun), (_, ended) in zip(steps, steps[1:]):
            rows.setdefault(name, []).append(ended - begun)
            if name == "guest":
                rows.setdefault("desired state to libvirt's start of the guest", []).append(begun - steps[0][1])
                break
    for name, values in rows.items():
        print("%-48s median %8.1f ms of %d" % (name, statistics.median(values), len(values)))


if sys.argv[1] == "figures":
    figures(sys.argv[2])
else:
    start(sys.argv[1], sys.argv[2], int(sys.argv[3]))
