#!/usr/bin/python3
"""Configurations as the two daemons really read them, and `penstock config check`.  config_test.py BUILD-FOLDER [NAME...]"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from site_of_tests import request, until  # noqa: E402

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "operator")
OPERATOR = [os.path.join(DATA, name) for name in ("nova.conf", "neutron.conf", "ml2_conf.ini", "sriov_agent.ini")]
SIMULATED = ["--token", "none", "--simulate", "8,2,4"]
BOTH, CONTROLLER, HOST = ("penstockd", "penstock-agent"), ("penstockd",), ("penstock-agent",)

# What stops whom: the daemons, lines of a file, the line that is named, what is said of it
BAD = [
    (BOTH, "[quota]\ninstances = many\n", 2, "[quota] instances = many: expected a whole number from -1 to 2147483647"),
    (BOTH, "[DEFAULT]\n# a comment\nquota_cores = 1.5\n", 3, "[DEFAULT] quota_cores = 1.5: expected a whole number from -1 to 2147483647"),
    (BOTH, "[libvirt]\nvirt_type = xen\n", 2, "[libvirt] virt_type = xen: expected one of kvm,qemu"),
    (BOTH, "[pci]\nreport_in_placement = maybe\n", 2, "[pci] report_in_placement = maybe: expected true or false (or yes, no, on, off, 1, 0)"),
    (BOTH, "[pci]\n\ndevice_spec\n", 3, "expected `option = value`, [section] or a comment, found: device_spec"),
    (BOTH, "[DEFAULT]\nreserved_huge_pages = node:0,size:1X,count:1\n", 2, "[DEFAULT] reserved_huge_pages = node:0,size:1X,count:1: expected "
     "node:0,size:2048,count:64 (size in KiB, or with KB, MB, GB)"),
    (BOTH, "[ml2_type_vlan]\nnetwork_vlan_ranges = a:1:2,\n  b:9:8\n", 2, "[ml2_type_vlan] network_vlan_ranges: 'b:9:8': expected physical_network or "
     "physical_network:first:last, VLANs being from 1 to 4094"),
    (BOTH, "[ml2_sriov]\nsupported_pci_vendor_devs = 8086:10ca, 8086\n", 2, "[ml2_sriov] supported_pci_vendor_devs: '8086': expected vendor:product in "
     "hexadecimal, say 8086:10ca"),
    (BOTH, "[sriov_nic]\nphysical_device_mappings = physnet1\n", 2, "[sriov_nic] physical_device_mappings: 'physnet1': expected physical_network:network_device"),
    (BOTH, "[DEFAULT]\nhost = $host\n", 2, "[DEFAULT] host = $host: its $references lead in a circle, or to too many others"),
    (CONTROLLER, '[pci]\nalias = {"name": "a", "vendor_id": "8086"}\n', 2, "[pci] alias: Invalid PCI alias definition"),
    (CONTROLLER, '[DEFAULT]\npci_alias = {"name": "a", "vendor": "8086"}\n', 2, "[pci] alias: Invalid PCI alias definition: unknown key"),
    (CONTROLLER, "[ml2]\ntype_drivers = flat\ntenant_network_types = vlan\n", 3, "[ml2] tenant_network_types: 'vlan': it is not in [ml2] type_drivers"),
    (CONTROLLER, "[sriov_driver]\nvnic_type_prohibit_list = direct,macvtap,direct-physical\n", 2, "[sriov_driver] vnic_type_prohibit_list = "
     "direct,macvtap,direct-physical: it leaves no vNIC type"),
    (CONTROLLER, "[DEFAULT]\nbase_mac = 01:00:00:00:00:00\n", 2, "[DEFAULT] base_mac = 01:00:00:00:00:00: expected a unicast MAC address"),
    (CONTROLLER, "[database]\nconnection = postgresql://penstock:secret@db/penstock\n", 2, "[database] connection = (not shown): only sqlite:///FILE is built"),
    (HOST, "[pci]\ndevice_spec = {'devname': 'eth3'}\n", 2, "Invalid [pci]device_spec config: Invalid entry: it is not JSON"),
    (HOST, '[DEFAULT]\npci_passthrough_whitelist = {"devname": "eth3", "address": "*:07:*.*"}\n', 2, "Invalid [pci]device_spec config: give either devname "
     "or address, not both"),
    (HOST, '[pci]\ndevice_spec = [{"devname": "eth3"},\n  {"vendor_id": "xx"}]\n', 2, 'Invalid [pci]device_spec config: vendor_id "xx" does not parse as hex'),
    (HOST, "[compute]\ncpu_shared_set = 0-3\ncpu_dedicated_set = 3-5\n", 3, "[compute] cpu_dedicated_set = 3-5: it has CPUs in common with cpu_shared_set"),
    (HOST, "[compute]\ncpu_shared_set = 0-\n", 2, "[compute] cpu_shared_set: '0-' is no list of CPUs"),
    (HOST, "[sriov_nic]\nphysical_device_mappings = a:eth3\nexclude_devices = eth4:0000:07:00.2\n", 3, "[sriov_nic] exclude_devices: 'eth4:0000:07:00.2': its "
     "network device is not in physical_device_mappings"),
    (HOST, "[sriov_nic]\nphysical_device_mappings = a:eth3\nresource_provider_bandwidths = eth4:1:\n", 3, "[sriov_nic] resource_provider_bandwidths: 'eth4:1:': "
     "its network device is not in physical_device_mappings"),
    (HOST, "[penstock]\nagent_state_path = here\n", 2, "[penstock] agent_state_path = here: expected a path that begins with /"),
]

# Known already, for rooms that are being built: a name goes when its room comes.
TO_BE_READ = {"enabled_filters"}

LEGACY = """[DEFAULT]
pci_passthrough_whitelist = {"product_id": "10ca"}
pci_passthrough_whitelist = {"product_id": "10c9"}
pci_alias = {"vendor_id": "8086", "product_id": "10c9", "name": "a"}
pci_alias = {"vendor_id": "8086", "product_id": "10ca", "name": "b"}
vcpu_pin_set = 0-3
vcpu_pin_set = 4-7
[pci]
passthrough_whitelist = {"product_id": "10cb"}
[ml2]
tenant_network_types = vxlan
"""
LEGACY_SAID = {
    2: "[DEFAULT] pci_passthrough_whitelist: older name of [pci] device_spec, and taken as that",
    4: "[DEFAULT] pci_alias: older name of [pci] alias, and taken as that",
    7: "[DEFAULT] vcpu_pin_set: taken and without effect here; instead: [compute] cpu_shared_set and cpu_dedicated_set",
    9: "[pci] passthrough_whitelist: older name of [pci] device_spec, and taken as that",
    11: "[ml2] tenant_network_types: older name of [ml2] project_network_types, and taken as that",
}


class Place:
    """A folder with configuration files, in which daemons can run."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # a host of its own: what a later file says wins
        self.own = self.write("own.conf", "[DEFAULT]\nstate_path = %s/state\ninstances_path = %s/agent/instances\n[penstock]\nlisten = 127.0.0.1\nport = %d\n"
                              "agent_state_path = %s/agent\ncontroller_url = http://127.0.0.1:%d\n[identity]\npassword_hash_rounds = 4\n[libvirt]\n"
                              "virt_type = qemu\n" % (folder, folder, self.port, folder, self.port))

    def write(self, name, text):
        with open(self.folder + "/" + name, "w") as out:
            out.write(text)
        return self.folder + "/" + name

    def program(self, name):
        return "%s/src/%s/%s" % (self.build, {"penstock": "cli", "penstock-agent": "agent"}.get(name, name), name)

    def files(self, files):
        return [word for file in [*files, self.own] for word in ("--config-file", file)]

    def check(self, *files):
        """(exit status, lines) of `penstock config check`."""
        done = subprocess.run([self.program("penstock"), "config", "check", *files], capture_output=True, text=True, timeout=30)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()

    def refused(self, name, *options):
        """What the daemon logs, which does not start."""
        done = subprocess.run([self.program(name), *options, *(SIMULATED if name == "penstock-agent" else [])], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1, "%s ended with %s: %s" % (name, done.returncode, done.stderr)
        return done.stderr.splitlines()

    def run_both(self, *options):
        """What penstockd and penstock-agent log until they have started, and stop when they are told to."""
        logs = {name: self.folder + "/%s.log" % name for name in BOTH}
        daemons = []
        try:
            daemons.append(self.start("penstockd", logs, options))
            until(lambda: self.answers(daemons[0], logs), 20, "penstockd answers")
            token = subprocess.check_output([self.program("penstock"), "agent-token", *options], text=True).strip()
            daemons.append(self.start("penstock-agent", logs, [*options, "--token", token, "--simulate", "8,2,4"]))
            until(lambda: "penstock-agent 0." in self.log(daemons[1], logs["penstock-agent"]), 20, "penstock-agent runs")
        finally:
            ended = [self.end(daemon) for daemon in reversed(daemons)]
        assert ended == [0, 0], (ended, {name: open(path).read() for name, path in logs.items()})
        return {name: open(path).read().splitlines() for name, path in logs.items()}

    def start(self, name, logs, options):
        with open(logs[name], "w") as log:
            return subprocess.Popen([self.program(name), *options], stdout=log, stderr=log)

    def end(self, daemon):
        daemon.terminate()
        return daemon.wait(timeout=30)

    def log(self, daemon, path):
        text = open(path).read()
        assert daemon.poll() is None, text[-3000:]
        return text

    def answers(self, daemon, logs):
        self.log(daemon, logs["penstockd"])
        try:
            return request("http://127.0.0.1:%d/identity/v3" % self.port, timeout=5)[0] == 200
        except OSError:
            return False


def warnings(lines):
    """The warnings of the configuration, without their time."""
    said = [re.sub(r"^.*?warning: ", "", line) for line in lines if "warning: " in line]
    return [line for line in said if "there is no administrator yet" not in line and "the driver vfio-pci" not in line]


def test_a_bad_value_stops_the_daemon_that_reads_it(place):
    for number, (daemons, text, line, sentence) in enumerate(BAD):
        path = place.write("bad%d.conf" % number, text)
        expected = "%s:%d: %s" % (path, line, sentence)
        status, said = place.check(path)
        assert status == 1 and any(s.startswith("error: " + expected) for s in said), (text, said)
        for daemon in daemons:
            # in the middle: the file that is named is not just the first or the last one
            said = place.refused(daemon, *place.files([]), "--config-file", path, "--config-file", place.write("empty.conf", ""))
            assert said[-1].partition("error: ")[2].startswith(expected), (daemon, text, said)


def test_nothing_is_left_behind_by_a_daemon_that_does_not_start(place):
    path = place.write("bad.conf", BAD[0][1])
    for daemon in BOTH:
        place.refused(daemon, *place.files([path]))
    assert not os.path.exists(place.folder + "/state") and not os.path.exists(place.folder + "/agent")


def test_an_older_name_is_named_once(place):
    path = place.write("legacy.conf", LEGACY)
    expected = ["%s:%d: %s" % (path, line, sentence) for line, sentence in LEGACY_SAID.items()]
    assert place.check(path) == (0, ["warning: " + sentence for sentence in expected])
    for name, lines in place.run_both(*place.files([path])).items():
        assert warnings(lines) == expected, (name, lines)


def test_a_key_of_a_device_spec_that_nobody_knows_is_named(place):
    path = place.write("nova.conf", '[pci]\n\ndevice_spec = {"product_id": "10ca", "physical_nework": "physnet1"}\n')
    expected = '%s:3: device spec: unknown key "physical_nework" is kept as a tag (the nearest known key is physical_network, 1 letter away)' % path
    assert place.check(path) == (0, ["warning: " + expected])
    logs = place.run_both(*place.files([path]))
    assert warnings(logs["penstock-agent"]) == [expected], logs
    assert warnings(logs["penstockd"]) == [], logs


def test_an_operators_files_are_taken_as_they_are(place):
    status, said = place.check(*OPERATOR)
    assert status == 0, said
    assert all(line.startswith("warning: ") for line in said), said
    assert len(said) == len(set(said)), said
    summaries = [line for line in said if "of services that Penstock replaces" in line]
    assert len(summaries) == 1 and len(summaries[0]) < 500, summaries
    assert "PASS" not in "".join(said) and "SECRET" not in "".join(said), said
    for line in said:
        named = re.match(r"warning: (.*/(nova|neutron|ml2_conf|sriov_agent)\.(conf|ini):\d+: )?\[\w+\] \w+", line)
        assert named or line in summaries, line
    # own.conf sets more, and nothing that is to be said; a daemon says what the table of options has, and what its own rooms do
    logs = place.run_both(*place.files(OPERATOR))
    heard = {name: ["warning: " + line for line in warnings(lines)] for name, lines in logs.items()}
    assert set(heard["penstockd"]) | set(heard["penstock-agent"]) == set(said), (said, logs)
    for name, lines in logs.items():
        assert len(heard[name]) == len(set(heard[name])) and summaries[0] in heard[name], (name, lines)
        assert not [line for line in lines if "error: " in line], (name, lines)


def test_every_option_that_is_honoured_is_read(place):
    """docs/configuration.md promises nothing that no room asks for."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    code = ""
    for folder, _, files in os.walk(source + "/src"):
        if not folder.endswith("/config"):
            code += "".join(open(os.path.join(folder, file)).read() for file in files if file.endswith(".c"))
    rows = [line.split(" | ") for line in open(source + "/docs/configuration.md") if line.startswith("| ")][1:]
    honoured = [row[1].partition(",")[0].replace("\\", "") for row in rows if not re.match(r"\*(not yet|without effect)\*", row[4])]
    assert len(honoured) > 50, rows[:3]
    unread = {name for name in honoured if '"%s"' % name not in code}
    assert unread <= TO_BE_READ, unread - TO_BE_READ


def test_folders_are_read_in_the_order_of_names(place):
    folder = place.folder + "/conf.d"
    os.mkdir(folder)
    for name, port in (("50-b.conf", "b"), ("9.conf", "c"), ("10-a.conf", "a"), (".hidden.conf", "h"), ("x.ini", "i"), ("y.conf~", "y")):
        place.write("conf.d/" + name, "[penstock]\nport = %s\n" % port)
    expected = folder + "/9.conf:2: [penstock] port = c: expected a whole number from 0 to 65535"
    for daemon in BOTH:
        assert place.refused(daemon, "--config-file", place.own, "--config-dir", folder)[-1].endswith("error: " + expected)
    assert place.check("--config-dir", folder) == (1, ["error: " + expected])
    assert place.check("--config-dir", folder, place.own) == (0, []), "what comes later wins"
    for daemon in BOTH:
        missing = place.refused(daemon, "--config-dir", folder + "/missing")[-1]
        assert missing.endswith("error: cannot read the folder %s/missing: No such file or directory" % folder), missing
    os.mkdir(folder + "/empty")
    assert place.check("--config-dir", folder + "/empty") == (0, [])


def test_each_file_is_said_to_be_what_it_is(place):
    for content, said in ((b"[DEFAULT]\nhost = \xff\n", " is not UTF-8 text"), (b"[DEFAULT]\n" + b"#" * (5 << 20), " is larger than 4194304 bytes")):
        path = place.folder + "/odd.conf"
        with open(path, "wb") as out:
            out.write(content)
        for daemon in BOTH:
            assert place.refused(daemon, "--config-file", path)[-1].endswith("error: " + path + said)
        assert place.check(path, path)[1] == ["error: " + path + said]
    assert place.check(place.folder)[0] == 1, "a folder is no file"


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    failures = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory(prefix="penstock-config.") as folder:
            try:
                test(Place(sys.argv[1], folder))
                print("ok service %s" % name, flush=True)
            except Exception:
                failures += 1
                traceback.print_exc(file=sys.stdout)
                print("not ok service %s" % name, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
