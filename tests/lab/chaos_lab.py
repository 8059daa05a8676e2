"""The lab host with Penstock in it, for chaos_test.py: booted, set up, asked."""
import http.client
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MORE = """
[pci]
device_spec = {"devname": "p5p1", "physical_network": "physnet_sriov", "trusted": "true"}
device_spec = {"devname": "p5p2"}
device_spec = {"vendor_id": "1b36", "product_id": "0010"}
alias = {"vendor_id": "8086", "product_id": "10c9", "name": "pf", "device_type": "type-PF"}
alias = {"vendor_id": "1b36", "product_id": "0010", "name": "nvme", "device_type": "type-PF"}
[DEFAULT]
reserved_host_memory_mb = 512
cpu_allocation_ratio = 16.0
disk_allocation_ratio = 16.0
[libvirt]
device_detach_attempts = 3
device_detach_timeout = 3
[penstock]
network_forward = open
"""
WAIT = 90  # seconds that a daemon may need to answer again


class Answer:
    def __init__(self, status, headers, data, cut=False):
        self.status, self.headers, self.cut = status, headers, cut
        try:
            self.body = json.loads(data) if data else {}
        except ValueError:
            self.body = {}


class Lab:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.folder = os.path.abspath(os.environ.get("LAB_DIR", self.build + "/lab"))
        self.port = int(os.environ.get("LAB_TEST_PORT", "18775"))
        self.environment = {**os.environ, "LAB_DIR": self.folder, "LAB_P5P1_VFS": "7", "LAB_RUN_TIMEOUT": "120",
                            "LAB_HOSTFWD": "%d-:5000 %d-:6000" % (self.port, self.port + 1)}
        self.token = None

    # --- the host ---

    def lab(self, *words):
        return subprocess.run([ROOT + "/lab/lab", *words], env=self.environment, check=True, capture_output=True, text=True).stdout

    def why_sick(self):
        """What is wrong with the emulated machine itself, or ""."""
        return subprocess.run([ROOT + "/lab/lab", "healthy"], env=self.environment, capture_output=True, text=True).stdout.strip()

    def down(self):
        self.lab("down")

    def up(self):
        self.down()
        self.lab("up")
        for name in ("out", "bin", "etc"):
            os.makedirs("%s/%s" % (self.folder, name), exist_ok=True)
        for program in ("penstockd/penstockd", "agent/penstock-agent", "cli/penstock"):
            shutil.copy("%s/src/%s" % (self.build, program), self.folder + "/bin/")
        for name in ("demo/ml2_conf.ini", "demo/penstock.conf", "tests/lab/chaos_host.py", "demo/start-in-lab.sh"):
            shutil.copy("%s/%s" % (ROOT, name), self.folder + ("/etc/" if name.endswith(("ini", "conf")) else "/"))
        with open(self.folder + "/etc/nova.conf", "w") as out:
            out.write(MORE)
        self.lab("run", "/run/lab/start-in-lab.sh /run/lab/bin /run/lab/etc http://127.0.0.1:%d /run/lab/out" % self.port)
        self.lab("run", "setsid python3 /run/lab/chaos_host.py 6000 > /run/lab/out/chaos_host.log 2>&1 < /dev/null &")
        self.until(60, lambda: self.host("/strikes"))
        self.token = None

    def host(self, path, body=None):
        """A question to chaos_host.py, or None if it does not answer."""
        url = "http://127.0.0.1:%d%s" % (self.port + 1, path)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, None if body is None else json.dumps(body).encode()), timeout=90) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def facts(self):
        return self.host("/facts")

    @staticmethod
    def until(seconds, condition, pause=0.1):
        """What the condition says as soon as it is true, or None."""
        end = time.monotonic() + seconds
        while True:
            said = condition()
            if said or time.monotonic() > end:
                return said or None
            time.sleep(pause)

    # --- the API ---

    def once(self, method, path, body, headers):
        url = "http://127.0.0.1:%d%s" % (self.port, path)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def login(self):
        with open(self.folder + "/out/openrc") as file:
            secret = next(line.split("=", 1)[1].strip().strip("'\"") for line in file if "OS_PASSWORD=" in line)
        user = {"name": "admin", "domain": {"name": "Default"}, "password": secret}
        answer = self.once("POST", "/identity/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": {"name": "Default"}}}}}, {"Content-Type": "application/json"})
        self.token = answer.headers["X-Subject-Token"]

    def api(self, method, path, body=None, kind="application/json"):
        """Asks until it is answered.  `cut`: an earlier attempt was not answered, and may have been done."""
        cut, end = False, time.monotonic() + WAIT
        while True:
            try:
                if not self.token:
                    self.login()
                answer = self.once(method, path, body, {"X-Auth-Token": self.token, "Content-Type": kind,
                                                        "X-OpenStack-Nova-API-Version": "2.79"})
                if answer.status != 401:
                    answer.cut = cut
                    return answer
                self.token = None
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > end:
                    raise TimeoutError("%s %s: no answer within %d s: %s" % (method, path, WAIT, error)) from error
                cut = True
                time.sleep(0.1)

    def make(self, path, key, body):
        """Makes a thing that has a name of its own, once: after a cut it is looked for first."""
        name = body[key]["name"]
        while True:
            try:
                if not self.token:
                    self.login()
                answer = self.once("POST", path, body, {"X-Auth-Token": self.token, "Content-Type": "application/json",
                                                        "X-OpenStack-Nova-API-Version": "2.79"})
                if answer.status // 100 != 2:
                    raise AssertionError("POST %s: %d %s" % (path, answer.status, answer.body))
                return answer.body[key]
            except (OSError, http.client.HTTPException):
                found = [thing for thing in self.api("GET", path + "?name=" + name).body[key + "s"] if thing["name"] == name]
                if found:
                    return found[0]
