#!/usr/bin/python3
"""What OpenStack does in each of many situations, one function each: scenarios.py BUILD-FOLDER [NUMBER...]

A real penstockd with hosts that are made up (tests/service), or with the real penstock-agent on a simulated host.  Prints
"ok scenarios NNN title" lines, comments for what differs on purpose and what is not built yet, and a table at the end."""
import collections
import importlib
import os
import re
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cloud import Cloud, Differs, NotBuilt  # noqa: E402

SECTIONS = ["device_spec", "alias", "tracking", "ports", "attach", "numa", "move", "placement", "vlan", "mechanism", "nic_agent", "metadata"]


def scenarios():
    """(number, title, function) of each, in the order of their numbers."""
    found = []
    for section in SECTIONS:
        for name, function in vars(importlib.import_module("scenarios_" + section)).items():
            if re.fullmatch(r"scenario_\d{3}", name):
                found.append((name[-3:], function.__doc__.split("\n")[0].rstrip("."), function))
    return sorted(found, key=lambda row: row[0])


def one_line(text):
    return " ".join(str(text).split())[:200]


def run(cloud, function):
    """(result, why)"""
    result, why = "ok", ""
    try:
        function(cloud)
    except Differs as difference:
        result, why = "differs", str(difference)
    except NotBuilt as missing:
        result, why = "not built", one_line(missing)
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        result, why = "FAILED", one_line(error) or type(error).__name__
    try:
        cloud.clean()
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        result, why = "FAILED", one_line("%s%safterwards: %s" % (why, "; " if why else "", error))
    return result, why


def tell(number, title, result, why):
    start = {"ok": "ok", "FAILED": "not ok"}.get(result, "# " + result)
    print("%s scenarios %s %s%s" % (start, number, title, ": " + why if why else ""), flush=True)


def run_all(cloud, wanted):
    """The table: (number, title, result, why) of each."""
    table = []
    for number, title, function in scenarios():
        if not wanted or number in wanted:
            table.append((number, title, *run(cloud, function)))
            tell(*table[-1])
    log = cloud.end()
    if "error:" in log or "Sanitizer" in log:
        print(log[-4000:])
        table.append(("", "penstockd logs no errors", "FAILED", "it logged some"))
        tell(*table[-1])
    return table


def main():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1")
    cloud = Cloud(sys.argv[1])
    try:
        table = run_all(cloud, [number.zfill(3) for number in sys.argv[2:]])
    finally:
        cloud.abandon()
    print("#\n" + "\n".join("# %-3s  %-45s %-9s %s" % row for row in table))
    counts = collections.Counter(row[2] for row in table)
    print("# " + ", ".join("%d %s" % (counts[result], result) for result in ("ok", "differs", "not built", "FAILED")))
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
