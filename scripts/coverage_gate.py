#!/usr/bin/env python3
"""Judges an lcov report: usage coverage_gate.py LCOV. Exit 1 when a limit is missed.

Generated code, `main.rs` (argument parsing and an exit code, run by the tests as a process) and the load generator do not count.
"""
import re
import sys
from pathlib import Path

OVERALL = 80.0
CORE = 90.0
CORE_MODULES = ["log", "shard", "bus", "protocol", "dispatcher"]
LEFT_OUT = re.compile(r"(^|/)(main\.rs|build\.rs|tests?\.rs|generated|tests|examples|benches|bench)(/|$)|/out/")

# Files matched by LEFT_OUT carry no product code; a module's in-file tests count with it, as cargo-llvm-cov reports them.
root = Path(__file__).resolve().parent.parent


def lines_of(report):
    """Yields (file relative to the repository, lines hit, lines in all)."""
    name, hits = None, {}
    for line in report.read_text().splitlines():
        if line.startswith("SF:"):
            path = Path(line[3:])
            name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
            hits = {}
        elif line.startswith("DA:"):
            number, count = line[3:].split(",")[:2]
            hits[number] = hits.get(number, 0) + int(count)
        elif line == "end_of_record":
            yield name, sum(1 for count in hits.values() if count), len(hits)


def percent(hit, total):
    return 100.0 * hit / total if total else 0.0


def main():
    files = [f for f in lines_of(Path(sys.argv[1])) if f[0].startswith("hub/") and not LEFT_OUT.search(f[0])]
    if not files:
        sys.exit("coverage: the report names no file of the hub")
    groups = [("overall", OVERALL, files)]
    for module in CORE_MODULES:
        own = [f for f in files if f[0] == f"hub/src/{module}.rs" or f[0].startswith(f"hub/src/{module}/")]
        groups.append((f"hub/src/{module}", CORE, own))
    for name, hit, total in sorted(files, key=lambda f: percent(f[1], f[2]))[:15]:
        print(f"{percent(hit, total):6.1f} %  {total - hit:5} lines missed  {name}")
    missed = False
    for label, limit, own in groups:
        hit, total = sum(f[1] for f in own), sum(f[2] for f in own)
        verdict = "ok" if percent(hit, total) >= limit else f"below {limit:.0f} %"
        missed |= verdict != "ok"
        print(f"{percent(hit, total):6.1f} %  of {total:6} lines  {label:20} {verdict}")
    sys.exit(1 if missed else 0)


main()
