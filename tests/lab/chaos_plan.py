"""What a round of chaos_test.py does, from its seed alone: the same seed and round give the same plan."""
import random

KINDS = ("vf", "vf", "two_vfs", "mixed", "standard", "pf", "nvme")
DAEMONS = ("penstockd", "penstock-agent", "libvirtd")


class Server:
    """vfs: VF ports with these settings; standard: virtio NICs; alias: of a device, or None."""

    def __init__(self, kind, pick):
        self.kind = kind
        self.vfs = [{"trusted": pick.random() < 0.3, "port_security_enabled": pick.random() < 0.7, "rate": pick.random() < 0.3}
                    for _ in range({"vf": 1, "two_vfs": 2, "mixed": 1}.get(kind, 0))]
        self.standard = kind in ("mixed", "standard")
        self.alias = kind if kind in ("pf", "nvme") else None

    def __str__(self):
        return self.kind


class Strike:
    """targets die `after` seconds after the answer to the request number `request` of `phase`, and are started again after `down`."""

    def __init__(self, phase, request, targets, after, down, pick):
        self.phase, self.request, self.targets, self.after, self.down, self.pick = phase, request, targets, after, down, pick

    def order(self):
        return {"targets": self.targets, "after": self.after, "down": self.down, "pick": self.pick}

    def __str__(self):
        return "kill -9 %s %.2f s after %s %d, down for %.2f s" % (" and ".join(self.targets), self.after, self.phase, self.request, self.down)


class Plan:
    def __init__(self, seed, number):
        pick = random.Random("%s/%d" % (seed, number))
        kinds = pick.sample(KINDS, pick.choice((1, 2, 2, 3)))
        self.servers = [Server(kind, pick) for kind in kinds]
        self.hasty = pick.random() < 0.25  # deleted while they are built
        self.operation = None if self.hasty or pick.random() < 0.5 else pick.choice(
            ("attach", "attach", "detach", "stop", "stop and start", "reboot", "pause"))
        self.subject = pick.randrange(len(self.servers))
        phases = ["create"] * 3 + ["delete"] * 2 + (["operation"] * 4 if self.operation else [])
        self.strikes = [self.strike(pick, pick.choice(phases))]
        if pick.random() < 0.25:
            self.strikes.append(self.strike(pick, pick.choice(phases)))

    def strike(self, pick, phase):
        targets = [pick.choice(DAEMONS + ("qemu",))]
        if pick.random() < 0.25:
            targets.append(pick.choice([target for target in DAEMONS if target not in targets]))
        requests = 1 if phase == "operation" else len(self.servers)
        # Mostly while the host is at it, whether it is quick or slow.
        after = pick.uniform(0, pick.choice((1, 4, 10) if phase == "create" else (0.5, 2, 4)))
        return Strike(phase, pick.randrange(requests), targets, round(after, 2),
                      round(pick.choice((0, pick.uniform(0, 1))), 2), pick.randrange(8))

    def struck(self):
        return {target for strike in self.strikes for target in strike.targets}

    def __str__(self):
        what = "servers %s" % ", ".join(map(str, self.servers))
        what += "; deleted at once" if self.hasty else ""
        what += "; %s of %s" % (self.operation, self.servers[self.subject]) if self.operation else ""
        return "%s; %s" % (what, "; ".join(map(str, self.strikes)))
