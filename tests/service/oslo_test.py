#!/usr/bin/python3
"""What files mean to Penstock and to oslo.config itself: random files, read by both.  oslo_test.py BUILD-FOLDER [SEED]

python3-openstackclient brings oslo.config.  A file that one of them refuses the other has to refuse, too.  References that name nothing are
left out: oslo.config breaks off at them, Penstock warns."""
import logging
import os
import random
import subprocess
import sys
import tempfile

from oslo_config import cfg

ROUNDS, FILES_A_ROUND = 150, 3
FAILED = object()  # references in a circle: oslo.config breaks off, Penstock says so
GROUPS = ["DEFAULT", "one", "two_3"]
OPTIONS = ["a", "b_c", "long_name", "Big", "many"]  # of the last one every value counts
HEADS = ["[DEFAULT]", "[one]", "[ONE]", "[two_3]", "[Two_3]", "[other]"]
VALUES = ["1", "x y", "a,b , c", '"quoted"', "'single'", '"half', "''", "$a", "${b_c}", "$one.a", "${two_3.long_name}", "$DEFAULT.a",
          "$$a", "\\$a", "$", "a$", "$1", "${a", "x${a}y$b_c.z", "\\", "\\\\$a", "${ a }", "$a-$b_c", "$a$a",
          '{"devname": "p5p1", "physical_network": "physnet"}', "[1, 2]", "k:v,k2:v2", "# no comment", "a ; b", "ü→", "\u00a0x\u00a0", "=", ":", "", " "]
ODD = ["", "", "# comment", "; comment", "  continued", "\tcontinued $a", "   ", "   # indented", "nothing", "[unclosed", "[]", "= x", "[x] # y", "[ one ]",
       "\u00a0a = 1", "a", " a = 5"]


def line(chance):
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(HEADS)
    if kind < 0.75:
        return chance.choice(OPTIONS) + chance.choice([" = ", "=", ": ", ":", "\t=\t"]) + chance.choice(VALUES)
    return chance.choice(ODD[:8] if kind < 0.97 else ODD)


def text_of(chance):
    return "[DEFAULT]\n" * (chance.random() < 0.9) + chance.choice(["\n", "\n", "\r\n"]).join(line(chance) for _ in range(chance.randint(1, 14)))


def oslo_reads(files):
    """{group.option: value}, or None if oslo.config refuses the files."""
    conf = cfg.ConfigOpts()
    for group in GROUPS:
        for option in OPTIONS:
            conf.register_opt((cfg.MultiStrOpt if option == "many" else cfg.StrOpt)(option), group=None if group == "DEFAULT" else group)
    try:
        conf(args=[], default_config_files=files, default_config_dirs=[])
    except cfg.ConfigFileParseError:
        return None
    read = {}
    for group in GROUPS:
        for option in OPTIONS:
            try:
                read["%s.%s" % (group, option)] = conf[option] if group == "DEFAULT" else conf[group][option]
            except (cfg.Error, RecursionError):
                read["%s.%s" % (group, option)] = FAILED
    return read


def penstock_reads(build, files):
    names = ["%s.%s" % (group, option) for group in GROUPS for option in OPTIONS]
    done = subprocess.run([build + "/tests/unit/config/config_dump", *names, "--", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("refused "):
        return None
    read = {}
    for row in done.stdout.splitlines():
        name, *values = [v if i == 0 or v == "unset" else bytes.fromhex(v[1:]).decode() for i, v in enumerate(row.split(" "))]
        read[name] = (None, []) if values == ["unset"] else (values[0], values[1:])
    return read


def compare(build, files):
    ours, theirs = penstock_reads(build, files), oslo_reads(files)
    if ours is None or theirs is None:
        return "" if ours is theirs else "oslo.config %s, Penstock %s" % ("refuses" if theirs is None else "reads", "refuses" if ours is None else "reads")
    for name, (value, values) in ours.items():
        seen = values if name.endswith(".many") else value
        if theirs[name] is not FAILED and seen != theirs[name]:
            return "%s: oslo.config %r, Penstock %r" % (name, theirs[name], seen)
    return ""


def main():
    logging.disable(logging.CRITICAL)
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    chance = random.Random(seed)
    print("# seed %d" % seed)
    with tempfile.TemporaryDirectory(prefix="penstock-oslo.") as folder:
        base = folder + "/base.conf"  # sets everything, so that a reference finds something
        with open(base, "w") as out:
            out.write("".join("[%s]\n%s" % (group, "".join("%s = %s of %s\n" % (o, o, group) for o in OPTIONS)) for group in GROUPS))
        for _ in range(ROUNDS):
            files = [base]
            for number in range(chance.randint(1, FILES_A_ROUND)):
                files.append("%s/%d.conf" % (folder, number))
                with open(files[-1], "w", newline="") as out:
                    out.write(text_of(chance))
            difference = compare(sys.argv[1], files)
            if difference:
                print(difference)
                for path in files:
                    print("--- %s\n%s" % (os.path.basename(path), open(path, newline="").read()))
                print("not ok service files mean what they mean to oslo.config")
                return 1
    print("ok service files mean what they mean to oslo.config")
    return 0


if __name__ == "__main__":
    sys.exit(main())
