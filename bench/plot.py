#!/usr/bin/python3
"""Draws what `schedule HOSTS...` prints: the time of a decision against the number of hosts.

    build/bench/schedule 100 300 1000 3000 10000 30000 100000 | bench/plot.py docs/scheduling.svg"""
import math
import re
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 150, 40, 50
COLOURS = {0: "#2a7", 50: "#27c", 95: "#c42"}


def rows(lines):
    """{full: [(hosts, p50, p99)]}, times in microseconds."""
    found = {}
    for line in lines:
        match = re.match(r"\s*(\d+)\s+(\d+) %\s+\d+\s+([\d.]+)\s+([\d.]+)\s+\d+ %", line)
        if match:
            hosts, full, half, most = (float(group) for group in match.groups())
            found.setdefault(int(full), []).append((hosts, half, most))
    return found


def scale(low, high, start, end):
    def place(value):
        return start + (end - start) * (math.log10(value) - low) / (high - low)
    return place


def text(x, y, words, anchor="middle", colour="#333"):
    return '<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s">%s</text>' % (x, y, anchor, colour, words)


def line(points, colour, dashed=""):
    return '<polyline fill="none" stroke="%s" stroke-width="2"%s points="%s"/>' % (
        colour, dashed, " ".join("%.1f,%.1f" % point for point in points))


def draw(found):
    values = [time for series in found.values() for row in series for time in row[1:]]
    hosts = [row[0] for series in found.values() for row in series]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values + [1000])))
    first, last = math.floor(math.log10(min(hosts))), math.ceil(math.log10(max(hosts)))
    x, y = scale(first, last, LEFT, WIDTH - RIGHT), scale(low, high, HEIGHT - BOTTOM, TOP)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' % (WIDTH, HEIGHT),
           '<rect width="100%" height="100%" fill="white"/>', text(LEFT, 22, "Time of a decision by number of hosts, one core", "start")]
    for power in range(low, high + 1):
        out.append('<path d="M%d %.0fH%d" stroke="#ddd"/>' % (LEFT, y(10 ** power), WIDTH - RIGHT))
        out.append(text(LEFT - 8, y(10 ** power) + 4, "%g µs" % 10 ** power if power < 3 else "%g ms" % 10 ** (power - 3), "end"))
    for power in range(first, last + 1):
        out.append('<path d="M%.0f %dV%d" stroke="#ddd"/>' % (x(10 ** power), TOP, HEIGHT - BOTTOM))
        out.append(text(x(10 ** power), HEIGHT - BOTTOM + 18, "{:,}".format(10 ** power)))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "hosts"))
    for number, (full, series) in enumerate(sorted(found.items())):
        colour, at = COLOURS.get(full, "#888"), TOP + 20 + 44 * number
        out.append(line([(x(h), y(half)) for h, half, _ in series], colour))
        out.append(line([(x(h), y(most)) for h, _, most in series], colour, ' stroke-dasharray="5 4"'))
        out.append(text(WIDTH - RIGHT + 14, at, "%d %% full, median" % full, "start", colour))
        out.append(text(WIDTH - RIGHT + 14, at + 16, "(dashed: 99th percentile)", "start", colour))
    return "\n".join(out + ["</svg>", ""])


def main():
    found = rows(sys.stdin)
    if len(sys.argv) != 2 or not found:
        sys.exit("usage: schedule HOSTS... | plot.py FILE.svg")
    with open(sys.argv[1], "w") as out:
        out.write(draw(found))


if __name__ == "__main__":
    main()
