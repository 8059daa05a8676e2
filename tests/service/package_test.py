#!/usr/bin/python3
"""What belongs to an installation: manuals, completion, --help, units, what `meson install` puts where.  package_test.py BUILD-FOLDER [NAME...]"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

BUILD = ""
PROJECT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def output(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout


def penstock(*arguments):
    return output(BUILD + "/src/cli/penstock", *arguments)


def commands_of(*arguments):
    """The commands that a --help lists, with two blanks before them, or names in its usage."""
    said = penstock(*arguments, "--help")
    return sorted(set(re.findall(r"^  ([a-z][a-z-]*)  ", said, re.M) + re.findall(r"^.* %s ([a-z][a-z-]*)" % " ".join(("penstock",) + arguments), said, re.M)))


def test_every_command_has_its_help():
    top, host = commands_of(), commands_of("host")
    assert {"bootstrap", "agent-token", "config", "host", "explain"} <= set(top) and "devices" in host
    for command in [[name] for name in top] + [["host", name] for name in host]:
        said = penstock(*command, "--help")
        assert said.startswith("Usage: penstock ") and "penstock " + " ".join(command) in said, command


def test_programs_say_their_version():
    said = {output(BUILD + "/src/" + path, "--version").split()[-1] for path in ("cli/penstock", "agent/penstock-agent", "penstockd/penstockd")}
    assert len(said) == 1 and re.fullmatch(r"\d+\.\d+\.\d+", said.pop())


def test_manuals_are_clean_and_name_every_command():
    pages = os.listdir(PROJECT + "/man")
    assert {"penstockd.8", "penstock-agent.8", "penstock.1", "penstock.conf.5"} <= set(pages)
    for page in pages:
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "%s/man/%s" % (PROJECT, page)], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
    text = re.sub(r".\x08", "", subprocess.run(["man", "-E", "UTF-8", "-l", "-Tutf8", PROJECT + "/man/penstock.1"], capture_output=True, text=True).stdout)
    for command in commands_of() + ["host " + name for name in commands_of("host")]:
        assert command == "host" or "penstock " + command in text, command


def completions(*words):
    script = '. "%s/completions/penstock"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _penstock; printf "%%s\\n" "${COMPREPLY[@]}"' % PROJECT
    return set(output("bash", "-c", script, "bash", BUILD + "/src/cli/penstock", *words).split())


def test_completion():
    assert {"bootstrap", "host", "explain"} <= completions("")
    assert completions("boot") == {"bootstrap"}
    assert set(commands_of("host")) <= completions("host", "")
    assert {"--json", "--all"} <= completions("host", "devices", "--")
    assert completions("host", "devices", "--color", "n") == {"never"}
    assert {"check", "sample"} <= completions("config", "")


def test_what_is_installed():
    with tempfile.TemporaryDirectory(prefix="penstock-install.") as folder:
        output("meson", "install", "-C", BUILD, "--no-rebuild", env={**os.environ, "DESTDIR": folder})
        prefix = folder + output(sys.executable, "-c", "import json; print([o['value'] for o in json.load(open('%s/meson-info/intro-buildoptions.json')) "
                                 "if o['name'] == 'prefix'][0])" % BUILD).strip()
        there = {os.path.relpath(os.path.join(where, name), prefix) for where, _, names in os.walk(prefix) for name in names}
        wanted = {"sbin/penstockd", "sbin/penstock-agent", "bin/penstock", "share/man/man8/penstockd.8", "share/man/man8/penstock-agent.8",
                  "share/man/man1/penstock.1", "share/man/man5/penstock.conf.5", "share/bash-completion/completions/penstock",
                  "lib/systemd/system/penstockd.service", "lib/systemd/system/penstock-agent.service", "lib/sysusers.d/penstock.conf",
                  "lib/tmpfiles.d/penstock.conf"}
        assert wanted <= there, wanted - there
        for unit in ("penstockd", "penstock-agent"):
            text = open("%s/lib/systemd/system/%s.service" % (prefix, unit)).read()
            program = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
            assert "@" not in program and os.access(folder + program, os.X_OK), program


def test_units_say_nothing_wrong():
    if not shutil.which("systemd-analyze"):
        return
    with tempfile.TemporaryDirectory(prefix="penstock-units.") as folder:
        for unit in ("penstockd", "penstock-agent"):
            text = open("%s/systemd/%s.service" % (BUILD, unit)).read()
            with open("%s/%s.service" % (folder, unit), "w") as out:  # any program that there is
                out.write(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "%s/%s.service" % (folder, unit)], capture_output=True, text=True)
            said = [line for line in done.stderr.splitlines() if unit in line]
            assert not said, said


def test_the_agents_unit_leaves_guests_alone():
    text = open("%s/systemd/penstock-agent.service" % BUILD).read()
    assert "\nKillMode=process\n" in text
    for libvirt in ("libvirtd.service", "virtqemud.service"):
        assert re.search(r"^After=.*\b%s\b" % re.escape(libvirt), text, re.M) and not re.search(
            r"^(Requires|BindsTo|PartOf|Wants)=.*%s" % re.escape(libvirt), text, re.M)


def main():
    global BUILD
    BUILD = os.path.abspath(sys.argv[1])
    failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        try:
            test()
            print("ok package %s" % name, flush=True)
        except Exception:
            failed += 1
            print("not ok package %s" % name, flush=True)
            traceback.print_exc()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
