#!/usr/bin/python3
"""What systemd hears of penstockd: that it is ready, that it works, that it stops.  systemd_test.py BUILD-FOLDER [NAME...]"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from site_of_tests import CONFIG, request  # noqa: E402

BUILD = ""


class Supervised:
    """penstockd as systemd starts it: with a socket for its messages, and a watchdog."""

    def __init__(self, listen="127.0.0.1"):
        self.folder = tempfile.mkdtemp(prefix="penstock-systemd.")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.folder + "/notify")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(self.folder + "/penstock.conf", "w") as out:
            out.write(CONFIG % {"folder": self.folder, "port": self.port} + "[penstock]\nlisten = %s\n" % listen)
        self.log = open(self.folder + "/log", "w")
        self.daemon = subprocess.Popen([BUILD + "/src/penstockd/penstockd", "--config-file", self.folder + "/penstock.conf"],
                                       env={**os.environ, "NOTIFY_SOCKET": self.folder + "/notify", "WATCHDOG_USEC": "30000000"},
                                       stderr=self.log, stdout=self.log)

    def hears(self, message, seconds):
        """Does this message come in time?  Others are passed over."""
        end = time.time() + seconds
        while time.time() < end:
            self.socket.settimeout(max(0.01, end - time.time()))
            try:
                if message in self.socket.recv(4096).decode().split("\n"):
                    return True
            except TimeoutError:
                pass
        return False

    def end(self):
        self.daemon.kill()
        self.daemon.wait()
        subprocess.run(["rm", "-rf", self.folder])


def test_ready_means_that_it_answers():
    site = Supervised()
    assert site.hears("READY=1", 20)
    assert request("http://127.0.0.1:%d/identity/v3" % site.port)[0] == 200
    site.daemon.send_signal(signal.SIGTERM)
    assert site.hears("STOPPING=1", 10)
    assert site.daemon.wait(timeout=20) == 0
    site.end()


def test_the_watchdog_is_told_on_every_address():
    for listen in ("127.0.0.1", "0.0.0.0"):
        site = Supervised(listen)
        assert site.hears("READY=1", 20)
        assert site.hears("WATCHDOG=1", 3) and site.hears("WATCHDOG=1", 12), open(site.folder + "/log").read()
        site.end()


def test_the_watchdog_is_not_told_when_the_writer_hangs():
    """Somebody else holds the database's lock: nothing can be committed."""
    site = Supervised()
    assert site.hears("READY=1", 20) and site.hears("WATCHDOG=1", 3)
    holder = subprocess.Popen(["sqlite3", site.folder + "/state/penstock.db"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    holder.stdin.write("PRAGMA busy_timeout=10000; BEGIN EXCLUSIVE; SELECT 1;\n")
    holder.stdin.flush()
    site.hears("WATCHDOG=1", 6)  # about what was committed before
    told = site.hears("WATCHDOG=1", 8)
    holder.kill()
    holder.wait()
    assert not told
    assert site.hears("WATCHDOG=1", 30), "it goes on"
    site.end()


def test_what_root_makes_belongs_to_the_user_of_penstockd():
    """penstock bootstrap before the first start, and penstock agent-token beside it."""
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory(prefix="penstock-owner.") as folder:
        os.chmod(folder, 0o755)
        os.mkdir(folder + "/state")
        os.chown(folder + "/state", 65534, 65534)
        with open(folder + "/penstock.conf", "w") as out:
            out.write("[DEFAULT]\nstate_path = %s/state\n[identity]\npassword_hash_rounds = 4\n" % folder)
        penstock = [BUILD + "/src/cli/penstock"]
        for command in (["bootstrap", "--output", folder], ["agent-token"]):
            subprocess.run(penstock + command + ["--config-file", folder + "/penstock.conf"], check=True, stdout=subprocess.DEVNULL)
            made = [os.stat(os.path.join(folder, "state", name)) for name in os.listdir(folder + "/state")]
            assert made and all(found.st_uid == 65534 and found.st_mode & 0o077 == 0 for found in made)
        assert os.stat(folder + "/openrc").st_uid == 0


def main():
    global BUILD
    BUILD = os.path.abspath(sys.argv[1])
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    failed = 0
    for name, test in tests.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        try:
            test()
            print("ok systemd %s" % name, flush=True)
        except Exception:
            failed += 1
            print("not ok systemd %s" % name, flush=True)
            traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
