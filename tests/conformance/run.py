#!/usr/bin/python3
"""Records a conformance scenario against a penstockd of its own and compares it with the real services' recording.

    run.py BUILD-FOLDER CONFORMANCE-FOLDER [SCENARIO]        (default 01-article)

CONFORMANCE-FOLDER holds record.py, compare.py, scenarios/ and recordings/.  Differences that are right are listed in
ignore.txt beside this file."""
import os
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "service"))
import site_of_tests  # noqa: E402

# Behind a proxy (the recorder is one) a site says its own URL.
site_of_tests.CONFIG = site_of_tests.CONFIG.replace("[penstock]\n", "[penstock]\npublic_url = http://127.0.0.1:%(port)d\n")
# What the scenarios expect of the cloud: VFs 8086:10ed of physnet_sriov, PFs 8086:10fb without VFs.
site_of_tests.CONFIG = site_of_tests.CONFIG.replace("10c9", "10fb").replace(
    "physnet_sriov:100:1100", "physnet_sriov:100:1100,physnet1:2000:2010,physnet_tiny:300:302") + "[ml2_type_flat]\nflat_networks = physnet1\n"


class ConformanceHost(site_of_tests.Host):
    products = {"10c9": "10fb", "10ca": "10ed"}

    def call(self, method, path, body=None, timeout=60):
        for device in (body or {}).get("devices", []):
            device["product_id"] = self.products[device["product_id"]]
            device["physical_network"] = device["physical_network"] if device["type"] == "type-VF" else None
            device["offered"] = device["type"] == "type-VF" or device["address"].startswith("0000:41")
        return super().call(method, path, body, timeout)


def main():
    build, conformance = sys.argv[1:3]
    scenario = sys.argv[3] if len(sys.argv) > 3 else "01-article"
    site = site_of_tests.Site(build)
    host = ConformanceHost(site, "cmp1", 8)
    out = tempfile.mkdtemp(prefix="penstock-conformance.")
    env = dict(os.environ, OS_AUTH_URL=site.url + "/identity/v3", OS_USERNAME="admin", OS_PASSWORD="secret", OS_PROJECT_NAME="admin",
               OS_USER_DOMAIN_NAME="Default", OS_PROJECT_DOMAIN_NAME="Default", OS_REGION_NAME="RegionOne", PYTHONWARNINGS="ignore",
               PATH="/usr/bin:" + os.environ["PATH"])
    subprocess.run(["bash", conformance + "/run-all.sh", out, scenario], env=env)
    done = subprocess.run([conformance + "/compare.py", conformance + "/recordings", out, "--limit", "40",
                           "--ignore", here + "/ignore.txt"], env=env)
    host.stopping = True
    site.stop()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
