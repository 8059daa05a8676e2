"""The real penstock-agent on a simulated host: PFs 0000:10:00.0, 0000:11:00.0 ... (8086:10c9, sim0, sim1 ...), whose VFs are 8086:10ca."""
import json
import os
import re
import subprocess

from site_of_tests import until

PROGRAM = "agent/penstock-agent"


class Agent:
    """An agent that is started once for each configuration; it is always the same host of the site."""

    def __init__(self, cloud, name="sim"):
        self.cloud, self.name, self.starts, self.process = cloud, name, 0, None
        self.folder = cloud.site.folder + "/" + name
        os.makedirs(self.folder, exist_ok=True)
        self.token = cloud.site.run("penstock", "agent-token")

    def start(self, config, servers=8, pfs=2, vfs=4, more="", file=None):
        """The agent runs with this configuration, and the site has its inventory, which a marker tells from those before.
        With a file the made-up host outlives the agent."""
        self.stop()
        self.starts += 1
        marker = 512 + self.starts
        with open(self.folder + "/agent.conf", "w") as out:
            out.write("[DEFAULT]\nhost = %s\nreserved_host_memory_mb = %d\n[penstock]\ncontroller_url = %s\nagent_state_path = %s/state\n%s"
                      % (self.name, marker, self.cloud.site.url, self.folder, config))
        self.log = open(self.folder + "/agent.log", "a" if file else "w")
        self.process = subprocess.Popen([
            "%s/src/%s" % (self.cloud.build, PROGRAM), "--config-file", self.folder + "/agent.conf", "--token", self.token,
            "--simulate", "%d,%d,%d%s" % (servers, pfs, vfs, more), *(["--simulate-file", file] if file else [])], stdout=self.log, stderr=self.log)
        until(lambda: self.runs() and self.cloud.rows("SELECT reserved_memory_mb FROM host WHERE name = ?", self.name) == [(marker,)],
              20, "the agent has told its inventory")
        self.cloud.enable(self.name, True)
        return self

    def runs(self):
        assert self.process.poll() is None, self.said()[-2000:]
        return True

    def said(self):
        return open(self.folder + "/agent.log").read()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
        self.process = None

    def end(self):
        """The host is no more to be used."""
        self.stop()
        self.cloud.enable(self.name, False)
        said = self.said()
        assert "Sanitizer" not in said and "runtime error" not in said, said[-3000:]

    def tracked(self):
        """Addresses of the devices that can be given to servers."""
        return self.cloud.devices(self, "offered")

    def config_drive(self, server):
        with open("%s/state/instances/%s/config.iso" % (self.folder, server), "rb") as iso:
            return iso.read()

    def on_config_drive(self, server, beginning):
        """The first JSON object in the image that begins like this; a file is in one piece there."""
        iso = self.config_drive(server)
        return json.JSONDecoder().raw_decode(iso[iso.index(beginning):].split(b"\0")[0].decode())[0]

    def network_data(self, server):
        return self.on_config_drive(server, b'{"links":')

    def meta_data(self, server):
        return self.on_config_drive(server, b'{"uuid":')


def unit(cloud, room, program, *tests):
    """These tests of a unit program are there and pass."""
    done = subprocess.run(["%s/tests/unit/%s/%s" % (cloud.build, room, program)], capture_output=True, text=True, timeout=60)
    passed = re.findall(r"\[       OK \] (\w+)", done.stdout + done.stderr)
    for test in tests:
        assert test in passed, "%s: %s does not pass" % (program, test)
